"""Grades and lag cubes of a published model: they hold together, and say what they cannot say."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import threading
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hdlcore.attribution.attribute import attribute
from hdlcore.attribution.contract import Question, Subject
from hdlcore.attribution.lags import bin_sum, mid_months
from hdlcore.attribution.registry import METHODS
from hdlcore.data.cube import positions
from hdlcore.errors import Cancelled, ModelError, RequestError
from hdlcore.models.kinds.h2m import H2M
from hdlcore.runtime import grade as grading
from hdlcore.runtime import grade_file, memory_maps
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.explain import baseline_forcing
from hdlcore.runtime.fields import read_fields
from hdlcore.runtime.memory_maps import remake_memory
from hdlcore.runtime.world_memory import CARRIER_LAGS, days_to_keep, memory_of_cells, states_of


@pytest.fixture(scope="module")
def engine(small_model: Path, small_cube: Path) -> Engine:
    """The small model on the small cube."""
    return Engine([small_model], small_cube)


def test_lag_cubes_of_all_land_hold_together(engine: Engine) -> None:
    fields = engine.fields("small")
    by_driver, by_month = fields["attribution_size"].sum("forcing"), fields["attribution_month"].mean("month")
    np.testing.assert_allclose(by_month, by_driver, rtol=0.02, atol=1e-3)  # five bits of mantissa are kept by month
    assert list(fields["carrier"].values) == ["swe", "soil_moisture", "groundwater", "hidden_state"]
    assert tuple(fields["carrier_lag"].values) == CARRIER_LAGS
    carried = fields["carriers"]
    assert np.isfinite(carried).all() and (carried >= 0).all() and float(carried.max()) > 0
    assert float(carried.sel(carrier="swe").isel(cell=np.argmin(abs(fields["lat"].values))).max()) < 1.0  # no snow
    assert (fields["memory_80"] <= fields["memory_90"]).all()
    assert fields.attrs["attribution_method"] == "integrated_gradients" and fields.attrs["attribution_samples"] == 8
    assert float(fields["attribution_gap"].min()) >= 0 and float(fields["attribution_gap"].median()) < 0.5


def test_lag_cubes_are_the_integrated_gradients_of_each_members_own_days(engine: Engine) -> None:
    """From the same states as the method itself is asked from; each of the twelve days is one member's."""
    ensemble, cells = engine.ensemble("small"), engine.world["cell"].values[[30, 60]]
    start, end = dt.date(2002, 1, 1), dt.date(2005, 12, 31)
    prepared = ensemble.prepare(positions(engine.world, cells))
    state, _ = ensemble.warm_state(cells, prepared, start)
    forcing = ensemble.forcing(cells, start, end)
    states = states_of(ensemble, prepared, forcing, state, days_to_keep(start, end))
    found = memory_of_cells(ensemble, cells, prepared, forcing, (start, end), states, threading.Event(), samples=4)
    usual, days = baseline_forcing(ensemble, cells, start, end), np.arange(np.datetime64(start), np.datetime64(end) + 1)
    size, sums = np.zeros((2, 365, 3)), np.zeros((2, 2))
    for number, target in enumerate(mid_months(2005, np.datetime64(start))):
        first = target - 364
        window = slice(first, target + 1)
        subject = Subject(
            ensemble.model, prepared, ensemble.per_member(forcing[window]), ensemble.per_member(usual[window]),
            states[first], days[window], cells,
        ).part(number % len(ensemble.members), slice(0, 2))  # fmt: skip
        answer = attribute(subject, Question("tws", np.array([364]), 365, 4), "integrated_gradients")
        size += np.abs(answer["attribution"].values[:, 0]) / 12
        sums += np.abs([answer["completeness_gap"].values[:, 0], answer["difference"].values[:, 0]])
    expected = bin_sum(size, 1).transpose(2, 1, 0)
    np.testing.assert_allclose(found["attribution_size"], expected, rtol=1e-3, atol=1e-4 * expected.max())
    np.testing.assert_allclose(found["attribution_sums"], sums, rtol=1e-2, atol=1e-2)


def test_memory_maps_made_anew_are_those_of_the_publication(
    small_model: Path, small_cube: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Go on after an interruption, and end with the same numbers and nothing left beside the model."""
    monkeypatch.setattr(memory_maps, "BLOCK_CELLS", 64)
    folder = tmp_path / "small"
    shutil.copytree(small_model, folder)
    before = read_fields(folder)
    assert before is not None
    with pytest.raises(RequestError, match="ask for 1 to"):
        remake_memory(folder, small_cube, samples=0)
    stop = threading.Event()
    with pytest.raises(Cancelled):
        remake_memory(folder, small_cube, progress=lambda done, _: stop.set(), cancel=stop)
    with pytest.raises(RequestError, match="leave out --resume"):
        remake_memory(folder, small_cube, samples=2, resume=True)
    remake_memory(folder, small_cube, resume=True)
    after = read_fields(folder)
    assert after is not None and [path.name for path in tmp_path.iterdir()] == ["small"]
    assert after.attrs == before.attrs
    xr.testing.assert_allclose(after, before, rtol=1e-3, atol=1e-3)


def test_states_are_kept_in_the_order_they_are_met() -> None:
    days = days_to_keep(dt.date(2002, 1, 1), dt.date(2007, 12, 31))
    assert days == sorted(set(days)) and days[0] >= 0


@pytest.fixture(scope="module")
def grades(engine: Engine) -> dict:
    """Grades of three methods at one cell, over short lags."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grading, "LAGS", 40)
        patch.setattr(grading, "EVERY", 150)
        patch.setattr(grading, "METHODS", {n: METHODS[n] for n in ("gradient_x_input", "occlusion", "carriers")})
        patch.setattr(grading, "zone_cells", lambda world, n: [("tropical", int(world["cell"].values[40]))])
        return grading.grade(engine.ensemble("small"))


def test_every_grade_is_a_number_in_its_range(grades: dict) -> None:
    assert set(grades["methods"]) == {"gradient_x_input", "occlusion", "carriers"}
    for name, entry in grades["methods"].items():
        assert -1 <= entry["twin_rank_correlation"] <= 1 and entry["twin_memory_time_error"] >= 0
        assert -1 <= entry["agreement"] <= 1 and -1 <= entry["randomisation"] <= 1 and entry["max_sensitivity"] >= 0
        assert entry["twin_by_zone"]["tropical"]["twin_rank_correlation"] == entry["twin_rank_correlation"]
        if name != "carriers":
            assert entry["oracle_error"] < 1e-6
            assert all(entry[score] >= 0 for score in ("cpd", "cpp", "deletion", "insertion", "infidelity"))


def test_grades_are_kept_and_shown(grades: dict, tmp_path: Path) -> None:
    path = grade_file.write_grades(grades, tmp_path / grade_file.GRADES)
    assert grade_file.read_grades(tmp_path) == json.loads(path.read_text()) == grades
    assert grade_file.read_grades(tmp_path / "elsewhere") is None
    (tmp_path / grade_file.GRADES).write_text('{"methods": [1]}')
    with pytest.raises(ModelError, match="make them anew with 'hdl grade'"):
        grade_file.read_grades(tmp_path)
    lines = grade_file.table(grades).splitlines()
    assert len(lines) == 5 and all(line.count("|") == lines[0].count("|") for line in lines)


def test_zones_give_cells_of_their_own(world: xr.Dataset) -> None:
    chosen = grading.zone_cells(world, 2)
    assert len({zone for zone, _ in chosen}) == 5 and len(chosen) == 10
    assert all(cell in world["cell"].values for _, cell in chosen)


def test_what_the_twin_cannot_judge_is_refused(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RequestError, match="no output 'gpp_'"):
        grading.grade(engine.ensemble("small"), "gpp_")
    monkeypatch.setattr(H2M, "forcing", ("precipitation", "air_temperature", "potential_evapotranspiration"))
    with pytest.raises(RequestError, match="this model asks for"):
        grading.grade(engine.ensemble("small"))
