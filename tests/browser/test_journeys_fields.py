"""Real fields on their 0.25 degree grid in a real browser: over land and sea, sharper when zoomed, classes by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import expect

from dashboard import engine
from dashboard.plots.classes import colors
from dashboard.plots.projection import load_projection
from scripts.app_session import settle
from tests.browser.conftest import pixel

if TYPE_CHECKING:
    from tests.browser.conftest import Explorer

pytestmark = pytest.mark.browser

RAINY_SEA, DRY_SEA, CONGO, SAHARA = (7.0, -140.0), (-20.0, -90.0), (-2.5, 22.5), (23.5, 10.5)


def pointed_at(app: Explorer, lat: float, lon: float) -> tuple[float, float, float]:
    """Value, latitude and longitude that the page says of the place under the pointer."""
    x, y = pixel(app.page, lat, lon)
    app.page.mouse.move(x, y)
    told = app.page.locator(".pointer")
    expect(told).to_have_text(re.compile(r"[\d.]+ mm a day\s+·\s+[\d.]+° [NS], [\d.]+° [EW]"))
    value, at, sn, across, we = re.findall(
        r"([\d.]+) mm a day\s+·\s+([\d.]+)° ([NS]), ([\d.]+)° ([EW])", told.inner_text()
    )[0]
    return float(value), float(at) * (1 if sn == "N" else -1), float(across) * (1 if we == "E" else -1)


_BAR = """Bokeh.documents.map((one) => one.get_model_by_name('world-map')).find((one) => one)
    .center.find((one) => one.type === 'ScaleBar')"""
_BAR_SHOWN, _HIDE_LABEL = f"() => {_BAR}.visible", f"() => {{ {_BAR}.label_text_alpha = 0 }}"


def _scale_bar(app: Explorer) -> np.ndarray:
    """Pixels (row, column, colour) of the corner of the map that the scale bar stands in."""
    drawn = np.asarray(app.picture(app.map), int)
    return drawn[-70:, : drawn.shape[1] // 2]


def _differ(one: np.ndarray, other: np.ndarray) -> int:
    """How many pixels differ clearly."""
    return int((np.abs(one - other).max(axis=-1) > 60).sum())


def test_rain_of_the_reanalysis_is_drawn_at_sea_and_sharper_when_zoomed(app: Explorer) -> None:
    app.open("?v=1&var=precipitation_reanalysis&show=value&t=07")
    expect(app.page.get_by_text("reanalysis, 0.25°")).to_be_visible()
    legend = app.page.get_by_role("group", name="Legend: Precipitation, ERA5 in July")
    expect(legend.get_by_text("mm a day")).to_be_visible()
    app.until(lambda: app.color_at(*RAINY_SEA) != app.color_at(*DRY_SEA), "the sea has no rain")
    wide = app.drawn(app.map)
    value, lat, lon = pointed_at(app, *RAINY_SEA)
    assert value > 5
    assert abs(lat - RAINY_SEA[0]) < 0.6 and abs(lon - RAINY_SEA[1]) < 0.6
    for _ in range(3):
        app.button("Zoom in").click()
    app.drawn(app.map, unlike=wide)

    def sharp() -> bool:  # a cell of 0.25 degree has its centre at an odd eighth of a degree
        _, lat, lon = pointed_at(app, -3.3, -60.1)
        return (lat * 8) % 2 == 1 and (lon * 8) % 2 == 1

    app.until(sharp, "zoomed in, the map shows no cells of 0.25 degree")
    whole = app.drawn(app.map)
    for _ in range(2):  # until one length is true of what is shown
        app.button("Zoom in").click()
    app.drawn(app.map, unlike=whole)
    app.page.wait_for_function(_BAR_SHOWN)
    settle(app.page)
    bar = _scale_bar(app)
    app.page.evaluate(_HIDE_LABEL)
    app.until(lambda: _differ(bar, _scale_bar(app)) > 60, "the label of the scale bar was not to be seen")


def test_a_month_step_and_a_colour_range_redraw_the_fine_map(app: Explorer) -> None:
    app.open("?v=1&var=precipitation_reanalysis&show=value&t=07")
    july = app.drawn(app.map)
    app.month.focus()
    app.page.keyboard.press("ArrowRight")
    expect(app.month).to_have_attribute("aria-valuetext", "August")
    august = app.drawn(app.map, unlike=july)
    app.fill("Colour range, upper end", "30")
    app.address_says(range="0,30", var="precipitation_reanalysis")
    app.drawn(app.map, unlike=august)


def test_land_cover_has_a_legend_of_names_and_a_click_still_chooses_a_cell(app: Explorer) -> None:
    app.open("?v=1&var=land_cover")
    forest, barren = (tuple(int(colors("igbp")[code - 1][i : i + 2], 16) for i in (1, 3, 5)) for code in (2, 16))
    app.until(lambda: app.color_at(*CONGO) == forest, "the Congo basin is no evergreen broadleaf forest")
    app.until(lambda: app.color_at(*SAHARA) == barren, "the Sahara is not barren")
    keys = app.page.locator(".keylist").first
    expect(keys).to_contain_text(re.compile(r"Grassland \d+ %"))
    expect(keys).to_contain_text("Drawn on a 0.25° grid; a click chooses a cell of 1°")
    expect(app.page.get_by_role("group", name="Legend:")).to_be_hidden()
    app.tap(*SAHARA)
    expect(app.sentence).to_contain_text("dominant land cover is barren")
    app.address_says(at="23.5,10.5")


# Longitudes and latitudes are Python's: here only what is drawn.
_SCALE = """() => {
    const fig = Bokeh.documents[0].get_model_by_name("world-map")
    const bar = fig.center.find((part) => part.type === "ScaleBar")
    const {x_range: x, y_range: y} = fig
    return {shown: bar.visible, km: bar.range.end, x: [x.start, x.end], y: (y.start + y.end) / 2}
}"""


@pytest.mark.parametrize("name", ["equal_earth", "north_pole"])
def test_a_scale_bar_is_true_in_the_middle_of_what_is_shown(app: Explorer, name: str) -> None:
    """None on the whole globe, where no length is true; zoomed in to Siberia, the width of the window in km."""
    app.open(f"?v=1&proj={name}&at=62.5,100.5")
    assert not app.page.evaluate(_SCALE)["shown"]
    for _ in range(7):
        app.button("Zoom in").click()
    app.until(lambda: app.page.evaluate(_SCALE)["shown"], "zoomed in, there is no scale bar")
    seen = app.page.evaluate(_SCALE)
    lat = engine.get_world()["lat"].values
    projection = load_projection(name, lat.size, lat.astype("float32").tobytes())
    middle, width = sum(seen["x"]) / 2, seen["x"][1] - seen["x"][0]
    ends = middle + np.array([-0.01, 0.01]) * width
    (east, north) = (np.radians(part) for part in projection.inverse(ends, np.full(2, seen["y"])))
    half = np.sin(np.diff(north) / 2) ** 2 + np.cos(north[0]) * np.cos(north[1]) * np.sin(np.diff(east) / 2) ** 2
    true = 2 * 6371.0 * np.arcsin(np.sqrt(half))[0] / 0.02
    assert seen["km"] == pytest.approx(true, rel=0.02)
