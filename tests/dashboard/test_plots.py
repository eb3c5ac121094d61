"""Plots are pure: the right numbers in, the same numbers drawn, units in the labels, colours all can tell apart."""

from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
import xarray as xr
from bokeh.document import Document
from bokeh.document.events import ColumnDataChangedEvent
from PIL import ImageFont

from dashboard.plots.components import components, precipitation
from dashboard.plots.heatmap import box_colors, colors, heatmap, lag_position
from dashboard.plots.labels import end_names, spread_apart
from dashboard.plots.paper import Panel
from dashboard.plots.projection import ICE, OUTSIDE, SEA, load_projection, run_lengths
from dashboard.plots.sheet import Drawing, Mark, Sheet
from dashboard.plots.whatif import pulse
from dashboard.plots.why import INKS, SHORT
from dashboard.plots.worldmap import CHOSEN, SHOWN, WorldMap
from dashboard.theme import DARK, DASHES, LIGHT, component_colors, label_colors
from hdlcore.assets import assets_dir
from hdlcore.attribution.lags import lag_bins
from hdlcore.variables import VARIABLES


def _heat(values: np.ndarray) -> xr.DataArray:
    start, end = lag_bins(365)
    names = ["precipitation", "air_temperature", "net_radiation"]
    coords = {"lag_start": ("lag_bin", start), "lag_end": ("lag_bin", end), "forcing": names}
    return xr.DataArray(values, dims=("lag_bin", "forcing"), coords=coords)


def _marks(drawing: Drawing, glyph: str) -> list[Mark]:
    return [mark for mark in drawing.marks if mark.glyph == glyph]


def test_components_carry_the_data_units_and_dashes(season) -> None:
    drawing = components(season, summary="what is seen")
    curves = drawing.tables["curves"]
    for name in ("tws", "swe", "soil_moisture", "groundwater"):
        np.testing.assert_allclose(curves[name], season[name].values, rtol=1e-6)
    assert {mark.style["y"] for mark in _marks(drawing, "line")} >= {"tws", "swe", "soil_moisture", "groundwater"}
    (dots,) = _marks(drawing, "scatter")
    np.testing.assert_allclose(drawing.tables[dots.table][dots.style["y"]], season["tws_observed"].values, rtol=1e-6)
    (band,) = _marks(drawing, "varea")
    np.testing.assert_allclose(curves[band.style["y2"]] - curves[band.style["y1"]], 30, rtol=1e-5)
    sheet = Sheet()
    sheet.show(drawing)
    assert sheet.figure.yaxis[0].axis_label == "mm from the mean"
    assert sheet.figure.html_attributes == {"role": "img", "aria-label": "what is seen"}
    assert len(set(DASHES.values())) == len(DASHES) == 5


def test_a_missing_quantity_is_not_drawn(season) -> None:
    drawing = components(season[["tws_observed", "precipitation"]])
    assert [mark.table for mark in _marks(drawing, "line")] == ["zero"]
    assert len(_marks(drawing, "scatter")) == 1


def test_precipitation_hangs_from_the_top(season) -> None:
    drawing = precipitation(season)
    assert drawing.y[0] > drawing.y[1] == 0
    assert drawing.y_label == "mm d⁻¹"


def test_of_a_new_drawing_only_what_differs_is_sent(season) -> None:
    """Events of a document whose figure shows another month, then other curves, then a plot of another kind."""
    sheet, document, sent = Sheet(), Document(), []
    sheet.show(components(season))
    document.add_root(sheet.figure)
    document.on_change(lambda event: sent.append(event))
    sheet.show(components(season))
    assert not sent, "the same drawing sends nothing"
    sheet.show(components(season, month=7))
    assert [event.model.data["left"] for event in sent] == [[6.5]]
    sent.clear()
    wetter = season.assign(tws=season["tws"] * 3)
    sheet.show(components(wetter, summary="more"))
    columns = [event for event in sent if isinstance(event, ColumnDataChangedEvent)]
    assert {name for event in columns for name in event.cols} <= {"left", "right", "y", "tws", "tws_low", "tws_high"}
    np.testing.assert_allclose(_drawn_from(sheet, "tws"), wetter["tws"].values, rtol=1e-6)
    figure, lines = sheet.figure, len(sheet.figure.renderers)
    sheet.show(components(season[["tws_observed"]]))
    assert sheet.figure is figure
    assert len(figure.renderers) < lines


def _drawn_from(sheet: Sheet, name: str) -> list[float]:
    """The column of a sheet's figure."""
    sources = [drawn.data_source for drawn in sheet.figure.renderers]
    return next(source.data[name] for source in sources if name in source.data)


def test_what_a_figure_shows_does_not_depend_on_what_it_showed_before(season) -> None:
    """A sheet that has been through other drawings is as one that has just been made."""
    end = components(season, dark=True, summary="end", month=3, departures=False)
    fresh, used = Sheet(), Sheet()
    fresh.show(end)
    heat = _heat(np.random.default_rng(1).normal(size=(lag_bins(365)[0].size, 3)))
    for drawing in (components(season), heatmap(heat, True), precipitation(season), components(season, month=9), end):
        used.show(drawing)

    def look(sheet: Sheet) -> list[object]:
        fig = sheet.figure
        axes = [(axis.axis_label, axis.major_label_overrides, axis.visible) for axis in (*fig.xaxis, *fig.yaxis)]
        ticks = [type(axis.ticker).__name__ for axis in (*fig.xaxis, *fig.yaxis)]
        marks = [sorted(map(str, drawn.glyph.properties_with_values().items())) for drawn in fig.renderers]
        data = [{name: list(column) for name, column in drawn.data_source.data.items()} for drawn in fig.renderers]
        spans = (fig.x_range.start, fig.x_range.end, fig.y_range.start, fig.y_range.end)
        borders = (fig.min_border_left, fig.min_border_right, fig.min_border_top, fig.height, fig.html_attributes)
        return [axes, ticks, marks, data, spans, borders]

    assert look(fresh) == look(used)


def test_labels_do_not_cover_each_other_and_stay_near_their_lines() -> None:
    placed = spread_apart(np.array([0.0, 0.1, 0.2, 50.0]), 10)
    assert np.diff(np.sort(placed)).min() >= 10 - 1e-6
    assert placed[3] == pytest.approx(50, abs=1)
    assert list(np.argsort(placed)) == [0, 1, 2, 3]


def test_names_at_line_ends_stay_in_the_frame_wherever_the_lines_end() -> None:
    for wanted in ([366.0, 12.0, 0.0], [399.0, 398.0, 397.0], [0.0, 0.0, 0.0], [500.0, -80.0, 200.0]):
        placed = np.sort(end_names(0, wanted, ["a", "b", "c"], ["", "", ""], (0.0, 400.0), 100)["y"])
        gap = 15 * 400 / 100
        assert placed[0] >= gap / 2 - 1e-9 and placed[-1] <= 400 - gap / 2 + 1e-9
        assert np.diff(placed).min() >= gap - 1e-9


def test_names_at_line_ends_have_the_room_they_need_in_pixels(season) -> None:
    """Curves reach the right of their frame; what is named there stands beside it, never cut, however narrow it is."""
    inter = ImageFont.truetype(assets_dir() / "fonts" / "inter.woff2", 12)
    way = xr.Dataset({"groundwater": ("age", np.linspace(50, 20, 366))}, {"age": np.arange(366)}, {"amount": 50.0})
    way["evapotranspiration"] = 50.0 - way["groundwater"]
    drawn = [components(season), pulse(way)]
    for drawing in drawn:
        names = drawing.tables["names"]
        assert drawing.right >= 6 + max(map(inter.getlength, names["text"]))
        assert set(names["x"]) == {drawing.x[1]}, "no share of the span is kept free"
    assert precipitation(season).right == drawn[0].right, "what stands under each other has one frame"
    assert {entry.name for entry in VARIABLES.values() if entry.kind == "forcing"} <= set(SHORT)


def test_a_sheet_takes_no_room_while_it_shows_nothing(season) -> None:
    sheet = Sheet()
    assert not sheet.figure.visible and not Panel.of(sheet)
    sheet.show(components(season))
    assert sheet.figure.visible and Panel.of(sheet)[0].drawings == [sheet.drawing]
    sheet.hide()
    assert not sheet.figure.visible and sheet.drawing is None and not Panel.of(sheet)
    sheet.show(components(season))
    assert sheet.figure.visible


def test_heatmap_shows_every_bin_and_its_share() -> None:
    start, _ = lag_bins(365)
    values = np.random.default_rng(1).normal(size=(start.size, 3))
    drawing = heatmap(_heat(values), signed=True)
    boxes = drawing.tables["boxes"]
    tones = list(colors(True, False))
    place = [tones.index(paint) / (len(tones) - 1) for paint in boxes["color"]]
    np.testing.assert_allclose(place, (values.ravel() / np.abs(values).max() + 1) / 2, atol=0.5 / (len(tones) - 1))
    shares = [float(text.removesuffix(" %")) for text in drawing.tables["words"]["text"]]
    assert shares == pytest.approx(100 * np.abs(values).sum(0) / np.abs(values).sum(), abs=0.5)
    names = {name.replace("\n", " ") for _, name in drawing.x_ticks}
    assert {"1 day", "1 week", "1 month", "1 season", "1 year"} <= names


def test_a_box_without_a_value_has_no_colour() -> None:
    values = np.ones((lag_bins(365)[0].size, 3))
    values[2, 1] = np.nan
    paints = np.reshape(box_colors(_heat(values), True, False), values.shape)
    assert paints[2, 1] == "#00000000"
    assert (paints == "#00000000").sum() == 1


def test_lags_stand_in_order_on_the_axis() -> None:
    start, end = lag_bins(365)
    at = [lag_position(day, start, end) for day in (0, 1, 7, 30, 90, 365)]
    assert at == sorted(at)
    assert at[0] == 0
    assert at[-1] == start.size


@pytest.fixture(scope="module", params=["equal_earth", "robinson", "plate_carree"])
def projection(request, world):
    lat = world["lat"].values.astype(np.float32)
    return load_projection(request.param, lat.size, lat.tobytes())


def test_a_tap_on_a_cell_finds_that_cell(projection, world) -> None:
    sample = np.random.default_rng(2).choice(world.sizes["cell"], 300, replace=False)
    hits = [projection.at(projection.cell_x[i], projection.cell_y[i]) == i for i in sample]
    assert np.mean(hits) > 0.97  # near the pole a cell is narrower than a pixel


def test_the_way_back_to_the_globe_is_exact_to_a_tenth_of_a_degree(projection, world) -> None:
    lon, lat = projection.inverse(projection.cell_x, projection.cell_y)
    assert np.abs(lat - world["lat"].values).max() < 0.1
    narrow = np.cos(np.radians(lat))
    assert (np.abs(lon - world["lon"].values) * narrow).max() < 0.1


def test_a_length_along_a_parallel_is_true(projection) -> None:
    lat = np.array([-60.0, -33.3, 0.0, 5.5, 47.1, 71.0])
    (west, y), (east, _) = (projection.forward(np.full(lat.size, lon), lat) for lon in (10.0, 14.0))
    true = np.radians(4.0) * 6371.0 * np.cos(np.radians(lat))
    np.testing.assert_allclose(projection.kilometres(y) * (east - west), true, rtol=0.003)


@pytest.fixture(scope="module", params=["north_pole", "south_pole"])
def polar(request, world):
    lat = world["lat"].values.astype(np.float32)
    return load_projection(request.param, lat.size, lat.tobytes())


def test_a_polar_map_shows_every_cell_of_its_side_and_no_other(polar, world) -> None:
    lat, lon = world["lat"].values.astype(float), world["lon"].values.astype(float)
    inside = polar.pole * lat > 20
    np.testing.assert_array_equal(np.isfinite(polar.cell_x), inside)
    back_lon, back_lat = polar.inverse(polar.cell_x[inside], polar.cell_y[inside])
    np.testing.assert_allclose(back_lat, lat[inside], atol=1e-3)
    turned = (back_lon - lon[inside] + 180) % 360 - 180
    assert np.abs(turned * np.cos(np.radians(lat[inside]))).max() < 1e-3
    hits = [polar.at(polar.cell_x[i], polar.cell_y[i]) == i for i in np.flatnonzero(inside)[::37]]
    assert np.mean(hits) > 0.95  # near the pole a cell is narrower than a pixel
    west, east, south, north = polar.extent
    assert polar.at(west * 0.98, south * 0.98) == OUTSIDE
    assert (east - west) / (north - south) == pytest.approx(1.9, abs=0.01)
    assert (polar.index == ICE).any()


def test_a_polar_map_keeps_areas(polar, world) -> None:
    """Pixels of a cell are as its area: the projection is equal-area."""
    lat = world["lat"].values
    shown = np.flatnonzero((polar.pole * lat > 25) & (polar.pole * lat < 80))
    pixels = np.bincount(polar.index[polar.index >= 0].ravel(), minlength=lat.size)[shown]
    row = np.cos(np.radians(lat[shown]))
    low, high = row < np.quantile(row, 0.3), row > np.quantile(row, 0.7)
    assert pixels[low].sum() / row[low].sum() == pytest.approx(pixels[high].sum() / row[high].sum(), rel=0.03)


def test_the_sea_and_the_edge_are_told_apart(projection) -> None:
    west, _, south, north = projection.extent
    assert projection.at(0, 0) == SEA  # Gulf of Guinea
    assert projection.at(west - 1e6, south - 1e6) == OUTSIDE
    assert (projection.index == ICE).any()
    if projection.name != "plate_carree":
        assert projection.at(west, north) == OUTSIDE


def test_run_lengths_rebuild_the_index(projection) -> None:
    value, length = run_lengths(projection.index)
    np.testing.assert_array_equal(np.repeat(value, length).reshape(projection.index.shape), projection.index)
    assert value.nbytes + length.nbytes < 600_000


def test_maps_share_what_never_changes(projection, world) -> None:
    """Every visitor has eight maps: coast, graticule and pixels are held once for all of them."""
    one, two = (WorldMap(name, projection, world["cell"].values) for name in ("one", "two"))
    for a, b in ((one._runs, two._runs), *((one._lines[part], two._lines[part]) for part in ("coast", "graticule"))):
        assert all(a.data[name] is b.data[name] and not a.data[name].flags.writeable for name in a.data)


def test_a_mark_is_one_glyph_and_marks_share_their_filter() -> None:
    sheet = Sheet()
    line = {"x": "x", "y": "y", "line_color": "#000000"}
    tables = {name: {"x": [0.0, 1.0], "y": [0.0, 1.0]} for name in "abc"}
    sheet.show(Drawing(tables, [Mark("line", name, line) for name in tables], (0, 1), (0, 1), 100))
    made = Counter(type(model).__name__ for model in sheet.figure.references())
    assert (made["Line"], made["GlyphRenderer"], made["ColumnDataSource"]) == (3, 3, 3)
    assert (made["AllIndices"], made["UnionRenderers"]) == (1, 1)


def test_a_month_step_sends_four_bytes_a_cell_and_leaves_the_figure(projection, world) -> None:
    view = WorldMap("a-map", projection, world["cell"].values)
    figure, raster = view.figure, view.figure.renderers
    view.set_values(world["precipitation"].values[0])
    assert view.values.nbytes == 4 * world.sizes["cell"]
    assert view.figure is figure
    assert view.figure.renderers == raster
    chosen = np.zeros(world.sizes["cell"], bool)
    chosen[:5] = True
    view.set_flags(~chosen, chosen, None)
    assert set(view.cells.data["flags"][:5]) == {CHOSEN}
    assert set(view.cells.data["flags"][5:]) == {SHOWN}


# Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
_DEFICIENCY = {
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    "none": np.eye(3),
}


def _linear(color: str) -> np.ndarray:
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def _lab(linear: np.ndarray) -> np.ndarray:
    matrix = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(matrix) @ np.clip(linear, 0, 1) / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("sight", list(_DEFICIENCY))
def test_component_colours_stay_apart_for_colour_blind_eyes(dark: bool, sight: str) -> None:
    seen = {name: _lab(np.array(_DEFICIENCY[sight]) @ _linear(color)) for name, color in component_colors(dark).items()}
    for (first, a), (second, b) in itertools.combinations(seen.items(), 2):
        assert np.linalg.norm(a - b) > 15, f"{first} and {second} look alike under {sight}"


def _contrast(first: str, second: str) -> float:
    light, dark = sorted(
        (float(np.dot([0.2126, 0.7152, 0.0722], _linear(color))) for color in (first, second)), reverse=True
    )
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("tone", [LIGHT, DARK])
def test_text_has_contrast_on_every_surface(tone: dict[str, str]) -> None:
    for ink, ground in itertools.product(("text", "quiet", "accent", "warn", "bad"), ("page", "surface")):
        assert _contrast(tone[ink], tone[ground]) >= 4.5, f"{ink} on {ground}"
    for color in label_colors(tone is DARK).values():
        assert _contrast(color, tone["page"]) >= 4.5
    for inks in INKS.values():
        assert _contrast(inks[tone is DARK], tone["page"]) >= 4.5
