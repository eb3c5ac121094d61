"""All cells' curves at once: the density counts every cell, the quantiles are of the area, and both leave the app."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dashboard import export, links, spread
from dashboard.pages.explore_series import SeriesPart
from dashboard.pages.view import View
from dashboard.plots import manylines
from dashboard.state import State, apply


def cells_of(values: np.ndarray, name: str = "tws") -> xr.DataArray:
    return xr.DataArray(values.astype(np.float32), {"month": np.arange(1, 13)}, ("month", "cell"), name)


@pytest.fixture(scope="module")
def shown() -> tuple[View, SeriesPart]:
    state = State()
    apply(state, {"region": "India", "focus": "filter", "many": "all"})
    view = View(state)
    return view, SeriesPart(view)


def test_every_curve_counts_once_in_each_column() -> None:
    rng = np.random.default_rng(1)
    counts = manylines.passing(cells_of(rng.uniform(0, 1, (1, 300)) + np.zeros((12, 1))))  # level curves, none cut off
    columns = counts.sum(0)
    inside = columns[columns > 0]
    assert counts.shape == (manylines.HEIGHT, manylines.WIDTH)
    assert inside.size > 0.9 * manylines.WIDTH  # half a month is free at either end
    assert (inside == inside[0]).all() and 0.99 * 300 <= inside[0] <= 300


def test_a_curve_is_drawn_where_it_runs_and_open_where_it_has_a_gap() -> None:
    values = np.tile(np.linspace(0, 11, 12)[:, None], (1, 50))
    values[6] = np.nan
    cells = cells_of(values)
    counts = manylines.passing(cells)
    (west, east), (low, high) = manylines.extent(cells)
    for column in np.flatnonzero(counts.any(0)):
        month = west + (column + 0.5) / manylines.WIDTH * (east - west)
        row = (month - 1 - low) / (high - low) * manylines.HEIGHT
        assert abs(np.flatnonzero(counts[:, column])[0] - row) <= 1.01
        assert not 6 < month < 8


def test_no_count_is_told_from_one_and_one_from_the_most() -> None:
    coded = manylines.coded(np.array([[0, 1, 10, 100]], np.uint32))
    assert coded.tolist() == [[0, 1, 128, 255]] and coded.dtype == np.uint8
    assert manylines.coded(np.array([[0, 1]], np.uint32)).tolist() == [[0, 1]]


@pytest.mark.parametrize("dark", [False, True])
def test_more_curves_are_never_paler(dark) -> None:
    """The colours run one way in brightness, away from the page's own tone."""
    parts = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in manylines.colors(dark)])
    bright = parts @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(bright) * (1 if dark else -1) > -0.8).all()
    assert bright[0] > 150 if not dark else bright[0] < 90


def test_labels_keep_apart_and_in_order() -> None:
    cells = cells_of(np.ones((12, 20)) + np.linspace(0, 1e-3, 20))
    found = spread.quantiles(cells, np.ones(20))
    drawing = manylines.many_lines(cells, manylines.passing(cells), found, "mm")
    y = np.asarray(drawing.tables["names"]["y"])
    low, high = drawing.y
    assert (np.diff(y) >= 0.99 * 15 / 230 * (high - low)).all() and y[-1] <= high
    assert drawing.tables["names"]["text"] == ["10 %", "25 %", "Median", "75 %", "90 %"]


def test_the_panel_shows_all_cells_of_the_quantity_on_the_map(shown) -> None:
    view, part = shown
    cells, found = part._cells, part.data
    assert cells is not None and cells.name == "tws" and cells.sizes["cell"] == view.selection.of.size
    np.testing.assert_allclose(cells.values.mean(0), 0, atol=0.05)  # the map shows departures
    area = view.world["area"].values[view.selection.of]
    below = np.average(cells.values[4] <= float(found["tws_p25"][4]), weights=area)
    assert below == pytest.approx(0.25, abs=0.02)
    assert "half of the area lies between" in part.text and "India" in part.text and "mm" in part.text
    assert "weighted by area" in part.note.object and "Weather generated" in part.note.object
    assert f"{int(part._counts.max()):,} cells" in part.note.object


def test_its_table_and_files_are_the_quantiles(shown, tmp_path) -> None:
    view, part = shown
    part._show_table()
    assert "quantiles over the cells" in part.table.object and "50 % (mm)" in part.table.object
    table = pd.read_csv(export.series_csv(view))
    assert set(table["variable"]) == {f"tws_{label}" for label in spread.LEVELS} and len(table) == 60
    np.testing.assert_allclose(table[table["variable"] == "tws_p50"]["value"], part.data["tws_p50"].values, rtol=1e-6)
    path = tmp_path / "curves.nc"
    path.write_bytes(export.series_netcdf(view).getvalue())
    data = xr.load_dataset(path)
    assert data["tws_p90"].attrs["units"] == "mm" and "weighted by area" in data["tws_p90"].attrs["long_name"]


def test_it_follows_the_quantity_and_goes_back_to_the_mean(shown) -> None:
    view, part = shown
    apply(view.state, {"variable": "swe", "departure": False})
    assert part._cells is not None and part._cells.name == "swe" and (part._cells.values >= 0).all()
    apply(view.state, {"variable": "elevation"})
    assert part._cells.name == "tws"  # which has months
    apply(view.state, {"many": "mean"})
    assert part._cells is None and "tws" in part.data
    apply(view.state, {"many": "all", "focus": "cell"})
    assert part._cells is None  # one cell has one curve
    apply(view.state, {"variable": "tws", "departure": True, "focus": "filter"})
    assert part._cells is not None


def test_raw_and_anomaly_of_every_cell_come_from_their_run() -> None:
    state = State()
    apply(
        state, {"latitude": (60.0, 61.0), "climate_zones": (3,), "focus": "filter", "many": "all", "series": "anomaly"}
    )
    view = View(state)
    assert 1 < view.selection.of.size < 60
    part = SeriesPart(view)
    cells = part._cells
    assert part.lane.error == "" and cells is not None and cells.dims == ("time", "cell")
    months = cells["time"].dt.month.values
    means = np.array([cells.values[months == month].mean(0) for month in range(1, 13)])
    np.testing.assert_allclose(means, 0, atol=0.02)
    assert spread.is_spread(part.data) and "season" in part.note.object


def test_too_many_cells_are_said_and_their_season_is_shown() -> None:
    state = State()
    apply(state, {"latitude": (-90.0, 90.0), "focus": "filter", "many": "all", "series": "raw"})
    part = SeriesPart(View(state))
    assert "too many to run" in part.lane.error
    assert part._cells is not None and part._cells.sizes == {"month": 12, "cell": 14768}


def test_the_link_says_it() -> None:
    assert links.encode({"many": "all"}) == "v=1&many=all"
    assert links.decode("v=1&many=all").values == {"many": "all"}
    assert links.decode("v=1&many=some").notices


def test_what_is_written_can_be_read(shown) -> None:
    view, _ = shown
    assert isinstance(export.series_csv(view), io.BytesIO)


def test_a_quantity_without_a_value_at_the_place_has_no_empty_axes(
    shown: tuple[View, SeriesPart], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A data set that does not reach the chosen cell: nothing is drawn, in months stepped through either."""
    view, part = shown
    name = view.layer.variable.name
    monkeypatch.setattr(SeriesPart, "_lone", name)
    months = {"month": np.arange(1, 13)}
    for values, drawn in ((np.full(12, np.nan), False), (np.arange(12.0), True), (np.full(12, np.nan), False)):
        part._show(xr.Dataset({name: ("month", values, {"units": "mm"})}, months))
        apply(view.state, {"time": f"{1 + view.state.month % 12:02d}"})
        assert (part._curves.drawing is not None) == drawn and bool(part.panels) == drawn
