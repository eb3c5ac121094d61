"""Comparing: the two sides differ in one thing, the difference is theirs, the statistics are those of the maps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dashboard import compare, compare_export, scenario_fields
from dashboard.pages.compare_view import Comparison
from dashboard.pages.view import View
from dashboard.state import State, apply
from hdlcore.data.twin import TWIN_ID


def _comparison(**values) -> Comparison:
    state = State()
    apply(state, {"page": "compare", **values})
    return Comparison(View(state))


def test_two_models_are_compared_on_the_cells_they_share() -> None:
    held = _comparison(compare="model", variable="groundwater")
    assert held.other_model == "global-twin" and held.right.generated and not held.left.generated
    gap = held.difference()
    assert gap is not None and held.left.layer is not None and held.right.layer is not None
    np.testing.assert_allclose(gap, held.right.layer.values - held.left.layer.values)
    found = held.agreement()
    assert 14_000 < found["cells"] <= held.view.world.sizes["cell"] and -1 <= found["correlation"] <= 1
    assert found["rms"] >= abs(found["mean"])
    assert "area-weighted" in held.sentence() and "Brazil" in held.sentence()


def test_what_r_lacks_is_said_and_the_page_stays() -> None:
    held = _comparison(compare="model", variable="gpp", model=TWIN_ID, other_model="global-grace")
    assert held.right.layer is None and "choose another quantity" in held.sentence()
    assert held.agreement() == {"cells": 0} and held.difference() is None


def test_a_link_to_a_model_that_is_not_there_says_so_once() -> None:
    comparison = _comparison(other_model="nothere")
    assert "Nothing is called 'nothere'" in comparison.view.notice and "global-twin" in comparison.view.notice
    assert comparison.other_model in comparison.others()
    comparison.view.notice = ""  # dismissed
    apply(comparison.state, {"time": "07"})
    comparison.refresh()
    assert not comparison.view.notice


def test_a_model_is_compared_with_what_was_observed() -> None:
    held = _comparison(compare="model", other_model="observed")
    world = held.view.world
    assert held.left.layer is not None and held.right.layer is not None
    np.testing.assert_array_equal(held.right.layer.values, world["tws_observed_msc"].values[held.state.month - 1])
    assert set(held.right.season.data_vars) >= {"tws_observed"} and "tws" not in held.right.season
    assert held.agreement()["correlation"] > 0.8, "the model learned from it"
    apply(held.state, {"variable": "groundwater"})
    assert "Nothing was observed of groundwater" in held.right.problem and held.difference() is None
    offered = {name for entries in held.choices().values() for name in entries.values()}
    assert offered == {*compare.KNOWN, "groundwater"}
    apply(held.state, {"variable": "tws", "departure": False})
    assert "departures" in held.right.problem
    assert "observed" not in _comparison(compare="model", model="global-twin").others()


def test_what_was_observed_is_never_compared_with_itself() -> None:
    """A quantity that neither source gives stands beside both; two models without maps have nothing to compare."""
    held = _comparison(compare="model", variable="elevation")
    assert held.right.layer is None and "is the same beside both" in held.sentence()
    offered = [name for entries in held.choices().values() for name in entries.values()]
    assert "groundwater" in offered and "ndvi_max" not in offered and "elevation" in offered
    bare = _comparison(compare="model")
    bare.view.fields, bare.view.fields_problem = None, "This model brings no maps."
    bare.refresh()
    assert bare.left.layer is None and bare.difference() is None and bare.agreement() == {"cells": 0}
    assert not bare.left.season.data_vars and "no maps" in bare.sentence() + bare.left.problem


def test_two_cells_have_one_map_and_two_curves() -> None:
    held = _comparison(compare="cell")
    assert held.left.layer is held.right.layer
    assert held.left.position != held.right.position and "Germany" in held.right.title
    assert not np.allclose(held.left.season["tws"], held.right.season["tws"])
    assert "L, Brazil" in held.sentence() and "R, Germany" in held.sentence()
    apply(held.state, {"other_cell": 0})
    assert "in the sea" in held.right.problem


def test_two_months_differ_by_the_season_alone() -> None:
    held = _comparison(compare="month", time="05", other_time="11")
    assert (held.left.month, held.right.month) == (5, 11)
    apply(held.state, {"other_time": "05"})
    assert np.nanmax(np.abs(held.difference())) == 0 and held.agreement()["correlation"] == pytest.approx(1)


def test_a_scenario_is_run_only_while_it_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    held = _comparison(compare="scenario", scenario="air_temperature+2")
    assert held.experiment is not None and held.experiment.runs is not None
    ran: list[str] = []
    plain = type(held.experiment)._run
    monkeypatch.setattr(type(held.experiment), "_run", lambda self: (ran.append(self.view.place), plain(self)))
    apply(held.state, {"compare": "month"})
    apply(held.state, {"cell": 60 * 360 + 200})
    apply(held.state, {"cell": 60 * 360 + 210})
    assert ran == [] and held.experiment.runs is None, "what it holds is of another place"
    apply(held.state, {"compare": "scenario"})
    assert ran == [held.view.place] and held.experiment.runs is not None
    apply(held.state, {"compare": "month"})
    apply(held.state, {"compare": "scenario"})
    assert len(ran) == 1, "nothing has changed meanwhile"


def test_a_scenario_has_live_curves_and_the_map_as_far_as_it_is_known() -> None:
    text = "precipitation*0.5@2004-01-01..2004-12-31"
    held = _comparison(compare="scenario", scenario=text)
    assert "press Compute the map" in held.right.problem and not held.right.lack
    assert float(held.right.season["tws"].mean()) < float(held.left.season["tws"].mean()) - 1
    assert float(held.left.season["tws"].mean()) == pytest.approx(0, abs=1e-6)
    held.job.refresh()
    fields = held.job.fields
    assert fields is not None
    block = np.arange(40, 60)
    fields.values["tws"] = np.full((12, fields.count), np.nan, np.float32)
    fields.values["tws"][:, block] = np.arange(12, dtype=np.float32)[:, None]
    fields.known[block] = True
    held.refresh()
    gap = held.difference()
    assert gap is not None
    np.testing.assert_allclose(gap[block], held.state.month - 1 - 5.5, atol=1e-3)
    scenario_fields._kept.clear()


def test_two_members_have_the_maps_and_curves_of_their_own_runs() -> None:
    held = _comparison(compare="member", variable="groundwater", member=1, other_member=4)
    view, job = held.view, held.member_job
    assert held.left.layer is None and "Press Compute the map" in held.sentence()
    job.refresh()
    assert job.fields is not None
    block = np.array([view.selection.position])
    cells = tuple(int(cell) for cell in view.world["cell"].values[block])
    job.fill(job.fields, block, cells, lambda *_: None, None)
    held.refresh()
    assert held.left.title.startswith("Member 1 of ") and held.right.title.startswith("Member 4 of ")
    for side in (held.left, held.right):  # the map's cell is the curve's month
        assert side.layer is not None
        here = float(side.layer.values[view.selection.position])
        assert here == pytest.approx(float(side.season["groundwater"].sel(month=side.month)), abs=0.05)
    assert not np.allclose(held.left.season["groundwater"], held.right.season["groundwater"])
    assert "nearest neighbour" in held.sentence()
    apply(held.state, {"variable": "runoff"})
    assert "choose one above" in held.right.problem
    scenario_fields._kept.clear()


def test_agreement_is_weighted_by_area() -> None:
    held = _comparison(compare="month", other_time="11")
    area = held.view.world["area"].values.astype(float)
    gap = held.difference()
    assert gap is not None
    good = np.isfinite(gap)
    expected = np.average(gap[good], weights=area[good])
    found = compare.agreement(held.left, held.right, np.ones(gap.size, bool), area)
    assert found["mean"] == pytest.approx(expected)


def test_both_sides_go_out_labelled() -> None:
    held = _comparison(compare="model", variable="swe")
    table = pd.read_csv(compare_export.maps_csv(held))
    assert set(table["side"]) == {"L", "R"} and (table["side"] == "L").mean() == 0.5
    assert table.loc[table["side"] == "R", "place"].str.contains("generated").all()
    data = compare_export.maps_dataset(held)
    np.testing.assert_allclose(data["swe_difference"], data["swe_right"] - data["swe_left"])
    curves = pd.read_csv(compare_export.curves_csv(held))
    assert {"tws", "swe", "precipitation"} <= set(curves["variable"])
    for by in ("model", "member", "cell", "month", "scenario"):
        apply(held.state, {"compare": by})
        compile(compare_export.snippet(held), "snippet", "exec")
