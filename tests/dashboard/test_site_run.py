"""A model of places beside the record: its score is that of the card, its files say what is what."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dashboard import data_export, engine, site_run
from dashboard.pages.data import DataPage
from dashboard.pages.data_simulated import SimulatedPart
from dashboard.pages.data_view import DataView
from dashboard.pages.explore_map import MapPart
from dashboard.pages.view import View
from dashboard.plots.hydrograph import kept_days
from dashboard.state import History, State, apply
from hdlcore.assets import assets_dir
from hdlcore.errors import DataError, RequestError
from hdlcore.runtime.engine import Engine

MODEL = "catchments"


@pytest.fixture(scope="module")
def run() -> xr.Dataset:
    """The model at the Leaf River."""
    return engine.get_engine().site(MODEL, 5)


def _data(**values) -> DataView:
    state = State()
    apply(state, {"page": "data", "dataset": MODEL, "site": 5, **values})
    return DataView(View(state))


def test_the_score_of_the_test_part_is_that_of_the_card(run: xr.Dataset) -> None:
    card = engine.get_engine().model(MODEL).card
    assert site_run.test_score(run) == pytest.approx(card.scores["basins"]["leaf_river"]["nse"], abs=1e-4)
    said = site_run.sentence(run, engine.get_engine().model(MODEL))
    assert "NSE) 0.85" in said and "never seen this basin" in said and "of a year before" in said


def test_places_that_cannot_serve_a_model_have_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    held = engine.get_engine()
    version = str(held.cells_of(MODEL).attrs["version"])
    assert [info.id for info in site_run.models_of(held, version)] == [MODEL] and not site_run.models_of(held, "other")

    def refuse(name: str) -> xr.Dataset:
        raise DataError(f"The places of {name} have two years of precipitation.")

    monkeypatch.setattr(held, "cells_of", refuse)
    assert site_run.models_of(held, version) == []


def test_the_band_is_ordered_and_never_below_zero(run: xr.Dataset) -> None:
    bounds = [run[name].values for name in ("runoff_low_90", "runoff_low_50", "runoff_high_50", "runoff_high_90")]
    assert (np.diff(np.stack(bounds), axis=0) >= 0).all() and bounds[0].min() >= 0
    tested = run["tested"].values
    assert tested[-1] and not tested[0] and 0.3 < tested.mean() < 0.36  # the last third


def test_an_unknown_place_or_a_model_of_land_is_refused_in_words() -> None:
    with pytest.raises(RequestError, match="the places are 0"):
        engine.get_engine().site(MODEL, 99)
    with pytest.raises(RequestError, match="a model of all land"):
        engine.get_engine().site("global-grace", 0)


def test_the_panel_follows_place_and_years() -> None:
    data = _data()
    part = SimulatedPart(data)
    assert len(part.shown) == 1 and not part.lane.error
    assert part.shown[0]["time"].dt.year.values.min() == 1985 and "Leaf River" in part.note.object
    assert "air temperature of all days from the ERA5" in part.note.object  # what is filled is said
    apply(data.state, {"years": (1970, 1971)})
    assert part.shown[0].sizes["time"] == 730
    apply(data.state, {"years": (1900, 1901)})
    assert "Nothing in these years" in part.note.object
    apply(data.state, {"years": None, "site": 0})
    assert "Baskatong" in part.note.object


def test_a_data_set_without_a_model_shows_no_simulation() -> None:
    data = _data(dataset="towers", site=0)
    part = SimulatedPart(data)
    assert not part.chosen and "gone" in part.layout.css_classes
    apply(data.state, {"dataset": MODEL, "site": 2})
    assert part.chosen and "gone" not in part.layout.css_classes


@pytest.fixture
def two(tmp_path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """An engine with a second model of rivers: the shipped one with two of its five members."""
    copied = tmp_path / "pair"
    shutil.copytree(assets_dir() / "models" / MODEL, copied)
    card = json.loads((copied / "card.json").read_text())
    card |= {"id": "pair", "title": "A pair", "members": card["members"][:2]}
    (copied / "card.json").write_text(json.dumps(card))
    made = Engine(models=[tmp_path])
    monkeypatch.setattr(engine, "get_engine", lambda: made)
    return made


def test_two_models_stand_beside_each_other_at_a_gauge(two: Engine) -> None:
    data = _data(years=(1985, 1985))
    part = SimulatedPart(data)
    assert {info.id for info in part.models} == {MODEL, "pair"} and len(part.chosen) == 1
    apply(data.state, {"river": MODEL, "beside": "pair"})
    assert [info.id for info in part.chosen] == [MODEL, "pair"]
    left, right = part.runs
    assert not np.allclose(left["runoff"], right["runoff"])
    assert re.search(r"\(NSE\) of L, River basins, daily discharge, 0\.85, of R, A pair, 0\.\d\d", part.text)
    drawn = part.panels[0].drawings[1]
    np.testing.assert_allclose(drawn.tables["curves"]["R"], part.shown[1]["runoff"], rtol=1e-5)
    assert list(drawn.tables["names"]["text"]) == ["Observed", "L", "R"] and len(part.panels[0].drawings) == 4
    stores = part.panels[0].drawings[2:]
    assert stores[0].y == stores[1].y, "stores of both on one range"
    apply(data.state, {"beside": "nothing"})
    assert len(part.runs) == 1 and len(part.panels[0].drawings) == 3


def test_thinning_keeps_the_floods(run: xr.Dataset) -> None:
    kept = kept_days([run])
    assert kept.size < run.sizes["time"]
    for name in ("runoff", "runoff_observed"):
        assert float(run[name].isel(time=kept).max()) == float(run[name].max())


def test_the_run_goes_out_labelled() -> None:
    data = _data(years=(1985, 1985))
    page = DataPage(data.view, History(data.state))
    for step in page.steps():
        step()
    files = page.files()
    table = pd.read_csv(files["Simulated as CSV"][2]())
    assert (
        set(table["source"]) == {"observed", "simulated", "forcing"} and len(table) == 365 * table["variable"].nunique()
    )
    assert files["Simulated as NetCDF"][2]().read(4) == b"\x89HDF"
    compile(page.snippet(), "snippet", "exec")
    assert "engine.site('catchments', 5)" in page.snippet() and "Weights" in page.provenance()
    assert data_export.file_name(data).startswith("catchments")


def test_gauges_stand_on_the_map_and_open_their_record() -> None:
    state = State()
    view = View(state)
    part = MapPart(view, lambda text: None)
    held = {at.label: number for number, at in enumerate(part._gauges)}
    assert {"Leaf River", "CH-DAV"} <= set(held)
    number = held["Leaf River"]
    at = part._gauges[number]
    x, y = part.map.projection.forward(at.lon, at.lat)
    assert part.map._site_at(float(x), float(y)) == number
    assert part.map._site_at(0.0, 0.0) is None  # the Gulf of Guinea
    part._open_site(number)
    assert (state.page, state.dataset, state.site) == ("data", MODEL, 5)


def test_nothing_observed_stands_on_a_made_up_world() -> None:
    state = State()
    apply(state, {"model": "global-twin"})
    assert MapPart(View(state), lambda text: None)._gauges == []
