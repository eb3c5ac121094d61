"""Bit-identity of generated weather: a day's number depends on seed, cell and day, and on nothing else."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hdlcore.data.cube import open_world
from hdlcore.data.weather import WeatherSpec, generate_arrays

MODES = ("climatological", "interannual")
START = datetime.date(1999, 11, 17)
END = datetime.date(2003, 3, 9)  # crosses the limit of two blocks, 31 December 2000
N = 150  # more than two of the generator's own parts of 64 cells
SETTINGS = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def world() -> xr.Dataset:
    return open_world()


@pytest.fixture(scope="module")
def cells(world: xr.Dataset) -> np.ndarray:
    return np.random.default_rng(11).choice(world["cell"].values, N, replace=False)


@pytest.fixture(scope="module")
def whole(world: xr.Dataset, cells: np.ndarray) -> dict[str, np.ndarray]:
    """The reference: all cells through the whole period, by mode."""
    return {mode: generate_arrays(world, cells, START, END, WeatherSpec(9, mode)) for mode in MODES}


def _bits(values: np.ndarray) -> bytes:
    return np.ascontiguousarray(values).tobytes()


@SETTINGS
@given(data=st.data())
def test_any_batch_order_and_period_gives_the_same_bits(
    world: xr.Dataset, cells: np.ndarray, whole: dict[str, np.ndarray], data: st.DataObject
) -> None:
    mode = data.draw(st.sampled_from(MODES))
    chosen = np.array(data.draw(st.lists(st.integers(0, N - 1), min_size=1, max_size=90)))
    last = (END - START).days
    first = data.draw(st.integers(0, last))
    stop = data.draw(st.integers(first, last))
    threads = data.draw(st.sampled_from([1, 2, 3]))
    period = (START + datetime.timedelta(first), START + datetime.timedelta(stop))
    made = generate_arrays(world, cells[chosen], *period, WeatherSpec(9, mode), threads)
    assert _bits(made) == _bits(whole[mode][first : stop + 1, chosen])


@pytest.mark.parametrize("mode", MODES)
def test_each_cell_alone_equals_the_cell_in_the_batch(
    world: xr.Dataset, cells: np.ndarray, whole: dict[str, np.ndarray], mode: str
) -> None:
    for i in range(0, N, 10):
        alone = generate_arrays(world, cells[i : i + 1], START, END, WeatherSpec(9, mode))
        assert _bits(alone) == _bits(whole[mode][:, i : i + 1])


@pytest.mark.parametrize("mode", MODES)
def test_a_cut_world_cube_gives_the_same_bits(
    world: xr.Dataset, cells: np.ndarray, whole: dict[str, np.ndarray], mode: str
) -> None:
    part = world.sel(cell=np.sort(cells[:7]))
    made = generate_arrays(part, cells[:7], START, END, WeatherSpec(9, mode))
    assert _bits(made) == _bits(whole[mode][:, :7])


@settings(SETTINGS, max_examples=10)
@given(seed=st.integers(0, 2**40), year=st.integers(1801, 2199), mode=st.sampled_from(MODES))
def test_any_seed_and_year_is_finite_and_not_negative(
    world: xr.Dataset, cells: np.ndarray, seed: int, year: int, mode: str
) -> None:
    made = generate_arrays(world, cells[:4], f"{year}-12-01", f"{year}-12-31", WeatherSpec(seed, mode))  # type: ignore[arg-type]
    assert made.shape == (31, 4, 3)
    assert np.isfinite(made).all()
    assert (made[..., 0] >= 0).all()
