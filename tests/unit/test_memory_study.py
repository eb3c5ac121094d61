"""Memory that retraining finds: the order of training series, what Mem means, its significance, and what ships."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlcore.analysis.retrained_memory import (
    BASE,
    FULL,
    by_group,
    cell_r2,
    climate_space,
    global_r2,
    max_statistic,
    median_seasonal_cycle,
    memory_gain,
    monthly_memory,
    months_that_hold,
    significance,
)
from hdlcore.analysis.scores import nse
from hdlcore.data.cube import open_world, unit_vectors
from hdlcore.errors import RequestError
from hdlcore.memory_study.cells import roles, sample_cells, study_cells
from hdlcore.memory_study.emulation import wetness
from hdlcore.memory_study.fit import Scale, fit, run, seed_of
from hdlcore.memory_study.memory import FULL as ALL_MEMORY
from hdlcore.memory_study.memory import Memory, block_order, memories, training_orders
from hdlcore.memory_study.network import SequenceNetwork, step_inputs
from hdlcore.memory_study.recipe import Emulation, Training, load_study, study_folder
from hdlcore.training.splits import near

DRIVERS = ("precipitation", "air_temperature", "net_radiation")


# -- the order of a training series ---------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(steps=st.integers(1, 60), n=st.integers(0, 70), seed=st.integers(0, 2**32 - 1))
def test_blocks_keep_every_step_once_and_their_inner_order(steps: int, n: int, seed: int) -> None:
    order, compared = block_order(steps, n, np.random.default_rng(seed))
    assert np.array_equal(np.sort(order), np.arange(steps))
    assert compared.any()
    length = min(n + 1, steps)
    for at in np.flatnonzero(compared):  # before a compared step stand the true steps before it, in their order
        assert np.array_equal(order[at - length + 1 : at + 1], order[at] - np.arange(length)[::-1])


def test_every_step_is_compared_in_turn_and_what_stands_before_a_block_is_chance() -> None:
    rng = np.random.default_rng(0)
    seen, before = set(), set()
    for _ in range(300):
        order, compared = block_order(24, 2, rng)
        seen |= set(order[compared])
        at = int(np.flatnonzero(order == 12)[0])
        if compared[at] and at >= 3:
            before.add(int(order[at - 3]))
    assert seen == set(range(2, 24))  # the first two have no three steps
    assert len(before) > 5


@pytest.mark.parametrize("n", [23, 24, 500])
def test_memory_longer_than_the_record_is_all_memory(n: int) -> None:
    rng = np.random.default_rng(1)
    long, target, _ = training_orders(Memory(n), DRIVERS, 5, 24, rng)
    full, wanted, compared = training_orders(ALL_MEMORY, DRIVERS, 5, 24, rng)
    assert np.array_equal(long, full)
    assert np.array_equal(target, wanted)
    assert compared.all()


@pytest.mark.parametrize("memory", memories(DRIVERS), ids=lambda m: m.name)
def test_inputs_and_targets_move_in_unison(memory: Memory) -> None:
    rng = np.random.default_rng(2)
    inputs, target, compared = training_orders(memory, DRIVERS, 4, 30, rng)
    remembered = [i for i, d in enumerate(DRIVERS) if memory.drivers is None or d in memory.drivers]
    assert (inputs[..., remembered] == target[..., None]).all()
    assert (inputs[compared] == target[compared][:, None]).all()  # the current value of every driver is the true one
    forgotten = [i for i in range(3) if i not in remembered]
    if forgotten:
        moved = inputs[..., forgotten][~compared] != target[~compared][:, None]
        assert moved.mean() > 0.8
        assert np.array_equal(np.sort(inputs, 1), np.sort(np.broadcast_to(target[..., None], inputs.shape), 1))


def test_orders_are_redrawn() -> None:
    rng = np.random.default_rng(3)
    draws = [training_orders(Memory(0), DRIVERS, 2, 40, rng)[1] for _ in range(2)]
    assert not np.array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0][0], draws[0][1])


@pytest.mark.parametrize(("steps", "n"), [(0, 0), (5, -1)])
def test_no_blocks_of_nothing(steps: int, n: int) -> None:
    with pytest.raises(RequestError, match="give at least one step"):
        block_order(steps, n, np.random.default_rng(0))


def test_a_driver_that_is_not_there_is_refused() -> None:
    with pytest.raises(RequestError, match=r"no driver 'wind'.*precipitation"):
        training_orders(Memory(6, ("wind",)), DRIVERS, 1, 12, np.random.default_rng(0))


# -- what Mem means, where the memory is known ----------------------------------------------------------------------


def _trained(memory: Memory, weather: np.ndarray, wanted: np.ndarray, passes: int = 60) -> float:
    """R2 of a small network trained with `memory` on half of the series, on the other half."""
    rng = seed_of(0, 0)
    torch.manual_seed(0)
    network = SequenceNetwork(weather.shape[-1], 8, 12, recurrent=True)
    half = len(weather) // 2
    names = DRIVERS[: weather.shape[-1]]

    def batches(_: int) -> list:
        orders, order, compared = training_orders(memory, names, half, weather.shape[1], rng)
        inputs = np.take_along_axis(weather[:half], orders, 1)
        target = np.take_along_axis(wanted[:half], order, 1)
        return [(torch.from_numpy(inputs), torch.from_numpy(target), torch.from_numpy(compared.astype(np.float32)))]

    training = Training(cells=10, folds=2, encoder=8, hidden=12, passes=passes, batch=half, learning_rate=4e-2)
    fit(network, batches, training)
    predicted = run(network, weather[half:], np.empty((half, 0), np.float32))
    return float(np.median(nse(predicted[:, 6:].T, wanted[half:, 6:].T)))


def test_mem_is_positive_up_to_the_memory_of_a_moving_sum_and_not_beyond() -> None:
    weather = np.random.default_rng(5).standard_normal((48, 40, 1)).astype(np.float32)
    padded = np.pad(weather[..., 0], ((0, 0), (2, 0)))
    wanted = (padded[:, 2:] + padded[:, 1:-1] + padded[:, :-2]) / np.sqrt(3).astype(np.float32)  # two steps back
    r2 = {n: _trained(Memory(n), weather, wanted) for n in (0, 1, 2, 3)}
    # with n steps of three equal parts (n + 1) / 3 of the variance can be told
    assert r2[0] == pytest.approx(1 / 3, abs=0.12)
    assert r2[1] == pytest.approx(2 / 3, abs=0.12)
    assert r2[2] > 0.85
    assert abs(r2[3] - r2[2]) < 0.12


def test_mem_is_nothing_for_a_target_without_memory() -> None:
    weather = np.random.default_rng(6).standard_normal((48, 40, 1)).astype(np.float32)
    wanted = np.tanh(weather[..., 0])
    none, some = (_trained(Memory(n), weather, wanted, passes=40) for n in (0, 3))
    assert none > 0.95
    assert abs(some - none) < 0.04


def test_memory_of_one_driver_finds_the_driver_that_is_remembered() -> None:
    weather = np.random.default_rng(7).standard_normal((48, 40, 2)).astype(np.float32)
    late = np.pad(weather[..., 0], ((0, 0), (1, 0)))[:, :-1]
    wanted = ((late + weather[..., 1]) / np.sqrt(2)).astype(
        np.float32
    )  # the first driver a step late, the second at once
    right, wrong = (_trained(Memory(2, (driver,)), weather, wanted) for driver in DRIVERS[:2])
    assert right > 0.8
    assert wrong < 0.6


# -- parts, scores and groups ---------------------------------------------------------------------------------------


def _result(memory: float, cells: int = 40, years: int = 12, seed: int = 0) -> xr.Dataset:
    """A result whose M_full misses less than M_0 by a known share of the anomalies' variance."""
    rng = np.random.default_rng(seed)
    time = np.arange("2002-01", f"{2002 + years}-01", dtype="datetime64[M]").astype("datetime64[ns]")
    season = np.sin(2 * np.pi * np.arange(time.size) / 12)[:, None] * np.linspace(0.5, 2, cells)
    anomaly = rng.standard_normal((time.size, cells))
    observed = season + anomaly
    base, full = season + 0 * anomaly, season + (1 - np.sqrt(1 - memory)) * anomaly
    world = open_world()
    place = study_cells(world, sample_cells(world, cells, 1))
    series = {
        "predicted": (("model", "time", "cell"), np.stack([base, full])),
        "observed": (("time", "cell"), observed),
    }
    return place.assign(series).assign_coords(model=[BASE, FULL], time=time)


def test_gain_is_the_share_of_variance_that_memory_adds() -> None:
    result = _result(0.4)
    gain = memory_gain(cell_r2(result)).sel(model=FULL)
    assert np.allclose(gain.sel(part="ano"), 0.4, atol=0.05)
    assert (memory_gain(cell_r2(result)).sel(model=BASE) == 0).all()
    pooled = memory_gain(global_r2(result)).sel(model=FULL)
    assert float(pooled.sel(part="ano")) == pytest.approx(0.4, abs=0.05)
    assert 0 < float(pooled.sel(part="raw")) < 0.4  # places differ and seasons are told without memory


def test_median_cycle_and_rest_make_the_series() -> None:
    months = np.arange(36) % 12
    series = np.random.default_rng(0).standard_normal((36, 3))
    cycle = median_seasonal_cycle(series, months)
    assert np.allclose(cycle, np.median(series.reshape(3, 12, 3), 0))
    series[months == 4] = np.nan
    assert np.isnan(median_seasonal_cycle(series, months)[4]).all()


def test_months_that_hold_a_share_leave_out_the_current_one() -> None:
    size = np.array([[9.0, 0], [1, 1], [1, 1], [0, 2], [0, 0]])
    assert np.allclose(months_that_hold(size, 0.5), [1, 2])
    assert np.allclose(months_that_hold(size, 0.75), [1.5, 2.5])
    assert np.isnan(months_that_hold(np.zeros((4, 1)))).all()


def test_months_add_up_to_the_hemisphere() -> None:
    result = _result(0.3)
    for part in ("raw", "ano"):
        monthly = monthly_memory(result, FULL, part)
        assert monthly.sizes == {"hemisphere": 2, "month": 12}
        north = result.isel(cell=result["lat"].values >= 0)
        same = monthly_memory(north, FULL, part).sel(hemisphere="northern")
        assert np.allclose(same, monthly.sel(hemisphere="northern"))
    assert float(monthly_memory(result, FULL, "ano").mean()) == pytest.approx(0.3, abs=0.05)
    with pytest.raises(ValueError, match="raw or ano"):
        monthly_memory(result, FULL, "msc")


def test_groups_and_climate_space_leave_out_what_is_not_there() -> None:
    spread = by_group(np.array([1.0, 3.0, np.nan, 5.0]), np.array([0, 0, 0, 2]), 3)
    assert spread.n.tolist() == [2, 0, 1]
    assert spread.median[0] == 2.0
    assert np.isnan(spread.median[1])
    space = climate_space(np.array([0.1, 0.2, 0.3, 0.9]), np.array([100, 100, 100, 900.0]), np.full(4, 12.0))
    assert np.isfinite(space.median).sum() == 1
    assert np.nanmax(space.median) == pytest.approx(0.2)
    assert space.n.sum() == 4


# -- significance ---------------------------------------------------------------------------------------------------


def test_shuffled_labels_pass_for_memory_about_as_often_as_alpha_says() -> None:
    rng = np.random.default_rng(11)
    worlds = 200
    size = np.exp(rng.standard_normal(60))  # cells of unlike variance
    found = 0
    for world in range(worlds):
        falls = rng.standard_normal((26, 60)) * rng.gamma(1.0, 1.0, (26, 60)) * size
        falls += 0.7 * rng.standard_normal((26, 1)) * size  # cells err together
        found += max_statistic(falls, 199, 0.1, world).significant.any()
    assert 0.04 <= found / worlds <= 0.16


def test_memory_that_is_there_is_found() -> None:
    result = _result(0.5)
    told = significance(result, FULL, "ano", 199)
    assert told.significant.mean() > 0.9
    none = result.copy()
    none["predicted"] = result["predicted"].isel(model=[0, 0]).assign_coords(model=[BASE, FULL])
    assert not significance(none, FULL, "ano", 199).significant.any()


# -- cells, recipe, result ------------------------------------------------------------------------------------------


def test_cells_are_shared_among_zones_and_stand_for_all_land() -> None:
    world = open_world()
    at = sample_cells(world, 200, 1)
    assert np.unique(at).size == 200
    assert np.unique(world["climate_zone"].values[at], return_counts=True)[1].tolist() == [40] * 5
    assert float(study_cells(world, at)["weight"].sum()) == pytest.approx(float(world["area"].sum()), rel=1e-3)
    with pytest.raises(RequestError, match="fewer than the 100000"):
        sample_cells(world, 100_000, 1)


def test_what_is_judged_was_never_near_what_is_trained_on() -> None:
    world = open_world()
    at = sample_cells(world, 300, 1)
    places = unit_vectors(world["lat"].values[at], world["lon"].values[at])
    held = np.zeros(at.size, int)
    for fold in range(3):
        role = roles(world, at, fold, 3, 1, 1.0)
        held += role == 0
        assert not (near(places, role == 0, 1.0) & (role == 1)).any()
    assert (held == 1).all()  # each cell is judged once


def test_scale_leaves_out_gaps_and_what_does_not_vary() -> None:
    scale = Scale.of(np.array([[1.0, 5.0], [3.0, 5.0], [np.nan, 5.0]]))
    assert np.allclose(scale.apply(np.array([[1.0, 7.0], [np.nan, 5.0]])), [[-1, 0], [0, 0]])


def test_wetness_is_the_share_of_each_soils_own_range() -> None:
    moisture = np.array([[10.0, 30, 20, 50], [500, 700, 600, 400], [5, 5, 5, 5]])
    assert np.allclose(wetness(moisture, slice(0, 3)), [[0, 1, 0.5, 2], [0, 1, 0.5, -0.5], [0, 0, 0, 0]])


def test_without_recurrence_a_step_knows_of_no_other() -> None:
    torch.manual_seed(0)
    inputs = step_inputs(torch.randn(2, 9, 3), torch.randn(2, 4))
    changed = inputs.clone()
    changed[:, 3] += 1
    plain, recurrent = (SequenceNetwork(7, 6, 5, kind) for kind in (False, True))
    with torch.no_grad():
        apart = (plain(inputs) != plain(changed)).any(0)
        after = (recurrent(inputs) != recurrent(changed)).any(0)
    assert apart.nonzero().flatten().tolist() == [3]
    assert after.nonzero().flatten().tolist() == [3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("seed = 1\nspeed = 2", "key 'speed'"),
        ("seed = -1", "key 'seed'"),
        ("seed = ", "not valid TOML"),
    ],
)
def test_a_bad_recipe_gets_one_sentence(tmp_path: Path, line: str, said: str) -> None:
    text = (study_folder() / "study.toml").read_text().replace("seed = 1", line, 1)
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(RequestError, match=said):
        load_study(path)
    with pytest.raises(RequestError, match="cannot be read"):
        load_study(tmp_path / "none.toml")


def test_years_that_overlap_are_refused() -> None:
    recipe = load_study()
    with pytest.raises(ValueError, match="follow one another"):
        recipe.vegetation.model_validate(recipe.vegetation.model_dump() | {"years": [[2002, 2008], [2008, 2014]]})
    with pytest.raises(ValueError, match="two years after"):
        Emulation.model_validate(recipe.emulation.model_dump() | {"test_years": (2006, 2010)})
    with pytest.raises(ValueError, match="warm-up"):
        Emulation.model_validate(recipe.emulation.model_dump() | {"warm_up": 1000})
