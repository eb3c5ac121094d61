"""Grades and lag cubes of a published model: they hold together, and say what they cannot say."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hdlcore.attribution.registry import METHODS
from hdlcore.errors import ModelError, RequestError
from hdlcore.models.kinds.h2m import H2M
from hdlcore.runtime import grade as grading
from hdlcore.runtime import grade_file
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.world_memory import CARRIER_LAGS, days_to_keep


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
