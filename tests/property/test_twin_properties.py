"""The twin Earth under any parameters, weather and request: balances close, stores stay positive, answers are one."""

from __future__ import annotations

import datetime

import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hdlcore.data.cube import open_world
from hdlcore.data.twin import TwinSpec, simulate_twin
from hdlcore.data.twin.carbon import carbon_series, equilibrium_pools
from hdlcore.data.twin.model import CARBON, CARBON_STORES, INFLOW, LAND, N_STATE, OUTFLOW, STORES, advance, run
from hdlcore.data.twin.parameters import PARAMETERS, grouped
from hdlcore.data.twin.warm import warm_state

DAYS = 731
SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def any_parameters(seed: int, n: int) -> np.ndarray:
    """Parameters anywhere within the limits of the table, the limits themselves included."""
    share = np.random.default_rng(seed).uniform(-0.2, 1.2, (n, len(PARAMETERS))).clip(0.0, 1.0)
    low = np.array([p.low for p in PARAMETERS])
    high = np.array([p.high for p in PARAMETERS])
    return low + share * (high - low)


def any_weather(seed: int, n: int, warmth: float, wetness: float) -> np.ndarray:
    """Harsh daily weather [cell, day, 3]: cloudbursts, droughts, polar winters."""
    rng = np.random.default_rng(seed)
    day = np.arange(DAYS)
    forcing = np.empty((n, DAYS, 3))
    wet = rng.random((n, DAYS)) < wetness
    forcing[..., 0] = np.where(wet, rng.gamma(0.4, 25.0, (n, DAYS)), 0.0)
    season = np.sin(2 * np.pi * day / 365.25 + rng.uniform(0, 6.28, (n, 1)))
    forcing[..., 1] = warmth + rng.uniform(0, 30, (n, 1)) * season + 6 * rng.standard_normal((n, DAYS))
    forcing[..., 2] = 60 + 90 * season + 40 * rng.standard_normal((n, DAYS))
    return forcing


@SETTINGS
@given(seed=st.integers(0, 2**32 - 1), warmth=st.floats(-45, 40), wetness=st.floats(0, 1), rich=st.floats(0, 2000))
def test_water_and_carbon_close_under_any_parameters_and_weather(
    seed: int, warmth: float, wetness: float, rich: float
) -> None:
    n = 6
    parameters, forcing = grouped(any_parameters(seed, n)), any_weather(seed, n, warmth, wetness)
    # Soils start at most full, and leaves and memories where they can be; all else anywhere.
    state = np.random.default_rng(seed + 1).uniform(0.0, rich, (n, N_STATE))
    state[:, LAND.start] = 0.0
    state[:, LAND.start + 1 : LAND.start + 4] = parameters.land.saturation * np.random.default_rng(seed).random((n, 3))
    state[:, LAND.start + 4 : LAND.start + 6] = 0.5
    state[:, LAND.start + 6] = parameters.land.leaf_area_high
    state[:, CARBON.start + 4] = forcing[:, 0, 1]
    state[:, CARBON.start + 5] = state[:, LAND.start + 6]
    result = run(parameters, forcing, state)
    gain = sum(result.series(name) for name in INFLOW) - sum(result.series(name) for name in OUTFLOW)
    water, carbon = result.series("tws"), sum(result.series(name) for name in CARBON_STORES)
    for first, last in ((0, 365), (365, 730)):
        days = slice(first + 1, last + 1)
        assert np.abs(gain[:, days].sum(1) - (water[:, last] - water[:, first])).max() < 1e-6
        assert np.abs(-result.series("nee")[:, days].sum(1) - (carbon[:, last] - carbon[:, first])).max() < 1e-6
    assert np.abs(sum(result.series(name) for name in INFLOW) - forcing[..., 0]).max() < 1e-9
    for name in STORES:
        if name != "soil_temperature":
            assert result.series(name).min() >= -1e-12, name
    for name in ("evapotranspiration", "runoff", "gpp", "reco", "snowmelt", "refreezing", "surface_runoff"):
        assert result.series(name).min() >= 0.0, name
    evaporated = result.series("evapotranspiration") - result.series("snow_evaporation")
    assert (evaporated <= result.series("potential_evapotranspiration") + 1e-9).all()
    assert np.isfinite(result.series("nee")).all()


@settings(SETTINGS, max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), warmth=st.floats(-30, 35), wetness=st.floats(0, 1), cut=st.integers(1, DAYS - 1))
def test_a_run_can_be_cut_anywhere(seed: int, warmth: float, wetness: float, cut: int) -> None:
    parameters, forcing = grouped(any_parameters(seed, 3)), any_weather(seed, 3, warmth, wetness)
    settled = warm_state(parameters, forcing)
    state = settled.first
    assert advance(parameters, forcing, state).tobytes() == settled.last.tobytes()
    whole = run(parameters, forcing, state, traced=True)
    between = advance(parameters, np.ascontiguousarray(forcing[:, :cut]), state)
    assert whole.states is not None
    assert between.tobytes() == np.ascontiguousarray(whole.states[:, cut - 1]).tobytes()
    second = run(parameters, np.ascontiguousarray(forcing[:, cut:]), between)
    for name in ("tws", "nee", "runoff"):
        assert np.array_equal(second.series(name), whole.series(name)[:, cut:])


@settings(SETTINGS, max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), warmth=st.floats(-30, 35), growing=st.floats(0, 15))
def test_solved_carbon_pools_return_to_themselves(seed: int, warmth: float, growing: float) -> None:
    parameters, weather = grouped(any_parameters(seed, 3)).carbon, any_weather(seed, 3, warmth, 0.4)
    rng = np.random.default_rng(seed)
    drivers = [np.ascontiguousarray(weather[..., 1]), *(rng.random((3, DAYS)) * size for size in (1, 30, 5, growing))]
    no_trace = np.empty((0, 0, 0))

    def after(pools: np.ndarray, rest: np.ndarray) -> np.ndarray:
        state = np.concatenate([pools, rest], axis=1)
        carbon_series(*drivers, parameters, state, no_trace)
        return state

    rest = after(np.zeros((3, 4)), np.full((3, 2), warmth))[:, 4:]
    rest = after(np.zeros((3, 4)), rest)[:, 4:]  # soil temperature and leaf area of the day before, settled
    starts = np.concatenate([np.zeros((1, 4)), 1000.0 * np.eye(4)])
    ends = np.stack([after(np.repeat(start[None], 3, 0), rest)[:, :4] for start in starts])
    pools = equilibrium_pools(ends)
    assert (pools >= 0).all()
    assert np.abs(after(pools, rest)[:, :4] - pools).max() <= 1e-6 * max(1.0, pools.max())


N = 40
START, END = datetime.date(1999, 11, 17), datetime.date(2002, 3, 9)  # crosses the end of the settling block


@pytest.fixture(scope="module")
def world() -> xr.Dataset:
    return open_world()


@pytest.fixture(scope="module")
def cells(world: xr.Dataset) -> np.ndarray:
    return np.random.default_rng(5).choice(world["cell"].values, N, replace=False)


@pytest.fixture(scope="module")
def whole(world: xr.Dataset, cells: np.ndarray) -> xr.Dataset:
    return simulate_twin(world, cells, START, END)


@settings(SETTINGS, max_examples=12)
@given(data=st.data())
def test_any_batch_order_period_and_threads_give_the_same_bits(
    world: xr.Dataset, cells: np.ndarray, whole: xr.Dataset, data: st.DataObject
) -> None:
    chosen = np.array(data.draw(st.lists(st.integers(0, N - 1), min_size=1, max_size=24)))
    length = (END - START).days
    first = data.draw(st.integers(0, length))
    stop = data.draw(st.integers(first, length))
    threads = data.draw(st.sampled_from([1, 2, 3]))
    period = (START + datetime.timedelta(first), START + datetime.timedelta(stop))
    made = simulate_twin(world, cells[chosen], *period, threads=threads)
    for name in whole.data_vars:
        wanted = whole[name].values[first : stop + 1, chosen]
        assert np.ascontiguousarray(made[name].values).tobytes() == np.ascontiguousarray(wanted).tobytes(), name


def test_a_cut_world_cube_gives_the_same_bits(world: xr.Dataset, cells: np.ndarray, whole: xr.Dataset) -> None:
    part = world.sel(cell=np.sort(cells[:5]))
    made = simulate_twin(part, cells[:5], START, END)
    for name in whole.data_vars:
        assert np.array_equal(made[name].values, whole[name].values[:, :5]), name


def test_months_are_means_of_days_in_any_batch(world: xr.Dataset, cells: np.ndarray, whole: xr.Dataset) -> None:
    monthly = simulate_twin(world, cells, "2000-01-05", "2001-12-20", frequency="monthly")
    assert monthly.sizes["time"] == 24
    alone = simulate_twin(world, cells[7:8], "2000-03-01", "2000-03-31", TwinSpec(), frequency="monthly")
    for name in whole.data_vars:
        days = whole[name].sel(time=slice("2000-01-01", "2001-12-31")).astype(float)
        means = days.resample(time="MS").mean()
        size = np.abs(days).max().item() + 1.0
        assert np.abs(means.values - monthly[name].values).max() < 1e-5 * size, name
        assert alone[name].values[0, 0] == monthly[name].values[2, 7], name


@pytest.mark.parametrize("given_forcing", [True, False])
def test_the_twins_own_weather_given_back_changes_nothing(
    world: xr.Dataset, cells: np.ndarray, whole: xr.Dataset, given_forcing: bool
) -> None:
    names = ("precipitation", "air_temperature", "net_radiation")
    own = np.stack([whole[name].values for name in names], -1)
    again = simulate_twin(world, cells, START, END, forcing=own if given_forcing else None)
    for name in whole.data_vars:
        assert np.array_equal(again[name].values, whole[name].values), name
