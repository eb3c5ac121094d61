"""What is generated says so on every view and file, and nothing real stands beside it; data say what they lack."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dashboard import engine, export, layers, map_picture, series, sources
from dashboard.pages.book import Book
from dashboard.pages.view import View
from dashboard.plots import ternary
from dashboard.state import History, State, apply
from hdlcore.data.twin import TWIN_ID
from hdlcore.runtime.sources import SourceInfo


@pytest.fixture(scope="module")
def twin() -> View:
    state = State()
    apply(state, {"model": TWIN_ID})
    return View(state)


def test_the_picker_groups_sources_and_keeps_titles_apart() -> None:
    infos = [
        SourceInfo("a", "Grid", "data", False, "observed data"),
        SourceInfo("m", "Model", "model", False, "trained", ("gradient_x_input",)),
        SourceInfo("t", "Twin", "twin", True, "made up", ("finite_difference",)),
        SourceInfo("b", "Grid", "data", False, "observed data"),
    ]
    groups = sources.picker_groups({info.id: info for info in infos})
    assert list(groups) == ["Models", "Truth, generated", "Data"]
    assert groups["Data"] == {"Grid": "a", "Grid (b)": "b"}


def test_the_twin_is_in_the_picker_and_places_are_not() -> None:
    found = engine.get_sources()
    assert found[TWIN_ID].generated
    assert "catchments" not in found


def test_the_twins_world_holds_no_observation(twin: View) -> None:
    assert twin.generated
    names = {name for group in twin.choices.values() for name in group.values()}
    for name in names - {"elevation", layers.MIXED}:
        assert name in twin.fields, f"{name} would be the real world's"
    assert set(ternary.CORNERS) <= set(twin.fields.data_vars), "shares would be mixed from the real world's"
    assert {"tws", "swe", "soil_moisture", "groundwater", "gpp", "tws_observed"} <= names
    assert "Carbon fluxes" in twin.choices
    assert "As satellites would see it" in twin.choices
    assert not any("observed" in label or "GRACE" in label for group in twin.choices.values() for label in group)


def test_what_is_generated_says_so_everywhere(twin: View) -> None:
    assert twin.title.endswith("(generated)")
    assert twin.sentence().startswith("Twin Earth, ")
    assert twin.place.endswith("(generated)")
    assert "Nothing in it was observed" in twin.label
    assert "Nothing in it was observed" in export.provenance_html(twin)
    assert "GRACE" not in export.provenance_html(twin).split("Attribution")[0]


def test_files_of_the_twin_say_that_they_are_generated(twin: View, tmp_path) -> None:
    table = pd.read_csv(export.map_csv(twin))
    assert table["place"].str.contains("generated").all()
    path = tmp_path / "curves.nc"
    path.write_bytes(export.series_netcdf(twin).getvalue())
    data = xr.load_dataset(path)
    assert {data[name].attrs.get("source") for name in data.data_vars} == {"generated"}
    assert "generated" in data.attrs["source"]
    assert "Nothing in it was observed" in data.attrs["comment"]
    path.write_bytes(export.map_netcdf(twin).getvalue())
    assert xr.load_dataset(path)["tws"].attrs["source"] == "generated"


def test_real_ground_under_the_twin_is_not_called_generated() -> None:
    state = State()
    apply(state, {"model": TWIN_ID, "variable": "elevation"})
    view = View(state)
    assert not view.map_generated
    assert "generated" not in view.title


def test_the_curves_of_the_twin_add_up_with_the_stores_named_other(twin: View) -> None:
    cycle = twin.season()
    parts = [name for name in ("swe", "soil_moisture", "groundwater", series.OTHER) if name in cycle]
    np.testing.assert_allclose(sum(cycle[name] for name in parts), cycle["tws"], atol=0.05)
    assert series.OTHER in cycle, "the Amazon's rivers hold water"
    shipped = twin.fields["tws_observed"].isel(cell=twin.selection.position)
    np.testing.assert_allclose(cycle["tws_observed"], shipped, rtol=1e-6)


def test_a_model_is_shown_as_before(world) -> None:
    view = View(State())
    assert view.kind == "model"
    assert not view.generated
    assert view.observed is world
    assert "generated" not in view.title
    np.testing.assert_allclose(view.season()["tws_observed"], world["tws_observed_msc"][:, view.selection.position])


def test_an_unknown_source_falls_back_with_a_notice() -> None:
    state = State()
    apply(state, {"model": "own-lost"})
    view = View(state)
    assert "'own-lost'" in view.notice
    assert "session" in view.notice
    assert view.kind == "model"


def test_a_departure_of_data_with_holes_is_from_the_months_there_are() -> None:
    data = np.array([[1.0, np.nan, np.nan], [3.0, 5.0, np.nan]])
    np.testing.assert_array_equal(layers.yearly_mean(data), [2.0, 5.0, np.nan])


def test_the_map_of_the_twin_has_a_picture() -> None:
    state = State()
    apply(state, {"model": TWIN_ID, "variable": "gpp", "departure": False})
    png = map_picture.map_png(View(state), 600)
    assert isinstance(png, io.BytesIO)
    assert png.getvalue()[:4] == b"\x89PNG"


def test_what_speaks_of_all_numbers_changes_after_them() -> None:
    """The banner of generated numbers is not there before the first of them, and not gone before the last."""
    state = State()
    view = View(state)
    book = Book(view, History(state))
    book.turn()
    said: list[bool] = []
    view.follow(lambda names: said.append(book.frame.banner.visible))
    apply(state, {"model": TWIN_ID})
    assert said == [False, False] and book.frame.banner.visible
    apply(state, {"model": ""})
    assert said == [False, False, True] and not book.frame.banner.visible
