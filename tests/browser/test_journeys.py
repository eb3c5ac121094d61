"""Journeys through the Explore page in a real browser: looking, picking, stepping, filtering, sharing.

Each uses the page as a person does, through roles and labels; the fixtures refuse every request to another host and
fail a journey that logs an error.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import Explorer, NewExplorer

pytestmark = pytest.mark.browser

INDIA, GERMANY, SIBERIA = (22.5, 80.5), (50.5, 10.5), (64.5, 100.5)
ATLANTIC = (0.0, -30.0)


def months_shown(app: Explorer, month: str) -> None:
    """Expect the caption, the sentence, the slider and the map's description to say the month."""
    expect(app.page.get_by_text(f"Total water storage in {month},").first).to_be_visible()
    expect(app.sentence).to_contain_text(f", {month}:")
    expect(app.month).to_have_attribute("aria-valuetext", month)
    expect(app.map).to_have_attribute("aria-label", re.compile(f"in {month},"))


def test_opens_filled_on_the_central_amazon(app: Explorer) -> None:
    """Map pixels, sentence, curves and heatmap are there without a click; one first-level heading."""
    app.open()
    expect(app.page).to_have_title("HDL Explorer")
    expect(app.page.get_by_role("heading", level=1)).to_have_count(1)
    expect(app.place).to_contain_text("Brazil")
    expect(app.sentence).to_have_text(
        re.compile(r"Brazil.*May: [\d.,]+ mm (above|below) its yearly mean; .+ carries \d+ %")
    )
    sea, colors = app.color_at(*ATLANTIC), {app.color_at(*place) for place in ((-4.5, -52.5), INDIA, GERMANY, SIBERIA)}
    assert sea not in colors and len(colors) >= 3, f"the map shows {colors} on land and {sea} at sea"
    for plot in (app.curves, app.rain, app.memory):
        expect(plot).to_be_visible()
        app.drawn(plot)
    box = app.map.bounding_box()
    assert box is not None and box["width"] > 0.45 * 1440, "the map is not the hero of the page"


def test_click_on_land_changes_every_view_and_a_click_in_the_sea_says_so(app: Explorer) -> None:
    """Place, sentence, curves, heatmap and address follow a click; the sea leaves the choice, with one sentence.

    Bokeh gives the canvas the focus on a click, and would draw dots around it.
    """
    app.open()
    before = {plot: (app.text_of(plot), app.picture(plot).tobytes()) for plot in (app.curves, app.memory)}
    app.tap(*INDIA)
    expect(app.place).to_contain_text("India")
    expect(app.sentence).to_contain_text("India")
    expect(app.page.get_by_label("Latitude, degrees north")).to_have_value("22.5")
    expect(app.page.get_by_label("Longitude, degrees east")).to_have_value("80.5")
    expect(app.curves).to_have_attribute("aria-label", re.compile("India"))
    expect(app.memory).to_have_attribute("aria-label", re.compile("India"))
    expect(app.map).to_have_attribute("aria-label", re.compile("India"))
    app.filled()
    for plot, (text, pixels) in before.items():
        assert app.text_of(plot) != text
        app.drawn(plot, unlike=pixels)
    expect(app.page).to_have_url(re.compile("at=22.5,80.5"))

    sentence = app.sentence.inner_text()
    app.tap(*ATLANTIC)
    expect(app.message).to_contain_text("is in the sea")
    expect(app.message).to_contain_text("The choice stays.")
    assert app.sentence.inner_text() == sentence
    app.address_says(at="22.5,80.5")
    app.tap(*GERMANY)
    expect(app.place).to_contain_text("Germany")
    expect(app.message).to_be_hidden()
    expect(app.map.locator(".bk-events:focus").first).to_have_css("outline-color", "rgba(0, 0, 0, 0)")


def test_months_step_by_button_key_slider_and_play(visitor: NewExplorer) -> None:
    """Every way of stepping changes caption, sentence and address; playing goes on by itself until paused."""
    app = visitor(reduced_motion="no-preference").open()
    may = app.picture(app.map).tobytes()
    app.button("Next month").click()
    months_shown(app, "June")
    expect(app.page).to_have_url(re.compile("t=06"))
    app.drawn(app.map, unlike=may)
    app.page.get_by_role("heading", level=1).click()
    app.page.keyboard.press("ArrowLeft")
    app.page.keyboard.press("ArrowLeft")
    months_shown(app, "April")
    app.month.press("End")
    months_shown(app, "December")
    expect(app.page).to_have_url(re.compile("t=12"))
    app.button("Next month").click()
    months_shown(app, "January")

    app.button("Play the months").click()
    for month in ("February", "March"):
        expect(app.sentence).to_contain_text(f", {month}:")
    app.button("Pause").click()
    app.filled()
    stopped = app.sentence.inner_text()
    app.page.wait_for_timeout(2000)  # two frames would have come
    assert app.sentence.inner_text() == stopped
    expect(app.button("Play the months")).to_be_visible()


def test_filters_combine_show_chips_and_explain_an_empty_result(app: Explorer) -> None:
    """Cells left fall with each filter; chips take filters away; the filter that emptied the selection is named."""
    app.open()
    everything = app.cells_left()
    app.button("Tropical").click()
    expect(app.button("Remove Tropical climate")).to_be_visible()
    app.until(lambda: app.cells_left() < everything, "the zone filters nothing")
    tropical = app.cells_left()
    app.fill("Latitude °, from", "0")
    expect(app.button("Remove 0° to 90° N")).to_be_visible()
    app.until(lambda: 0 < app.cells_left() < tropical, "the latitudes filter nothing")
    north = app.cells_left()
    expect(app.place).to_have_text(re.compile("Tropical climate.*0° to 90° N"))
    expect(app.sentence).to_contain_text("area-weighted")

    app.fill("Latitude °, from", "60")
    expect(app.selection).to_contain_text("No cell left")
    why = r"No cell is left: without '(60° N to 90° N|Tropical climate)' there would be [\d,]+\."
    expect(app.message).to_have_text(re.compile(why))
    app.button("Undo the last change (Ctrl+Z)").click()
    expect(app.button("Remove 0° to 90° N")).to_be_visible()
    app.until(lambda: app.cells_left() == north, "undo does not give the cells back")
    app.button("Remove Tropical climate").click()
    expect(app.button("Remove Tropical climate")).to_have_count(0)
    app.until(lambda: app.cells_left() > north, "a filter taken away leaves as few cells")
    app.page.keyboard.press("Control+z")
    expect(app.button("Remove Tropical climate")).to_be_visible()
    app.selection.get_by_text("Clear all").click()
    expect(app.selection).to_contain_text("land cells")
    app.until(lambda: app.cells_left() == everything, "not all land is left")
    expect(app.place).to_contain_text("Brazil")


def test_a_named_region_is_area_weighted_everywhere(app: Explorer) -> None:
    """Place, sentence, curves, heatmap, notes and address follow the region; a chip goes back to the cell."""
    app.open()
    app.choose_region("Mediterranean")
    expect(app.place).to_have_text("Mediterranean")
    expect(app.sentence).to_have_text(re.compile(r"^Mediterranean, May: .*\(area-weighted\)"))
    expect(app.curves).to_have_attribute("aria-label", re.compile("^Mediterranean:"))
    expect(app.memory).to_have_attribute("aria-label", re.compile("^Mediterranean:"))
    expect(app.page.get_by_text("Area-weighted mean over the cells")).to_be_visible()
    expect(app.page).to_have_url(re.compile("region=Mediterranean"))
    app.until(lambda: 100 < app.cells_left() < 2000, "the region is not what is left")
    app.button("Cell 4.5° S, 62.5° W").click()
    expect(app.place).to_contain_text("Brazil")
    assert app.cells_left() < 2000, "showing the cell must not take the filter away"


def test_a_box_drawn_on_the_map_selects_a_region(app: Explorer) -> None:
    """A rectangle dragged over India becomes the selection, and the tool goes back to moving."""
    from scripts.app_session import pixel

    app.open()
    app.page.get_by_role("radio", name="Draw a box to select a region").click()
    app.page.mouse.move(*pixel(app.page, 28, 72))
    app.page.mouse.down()
    app.page.mouse.move(*pixel(app.page, 20, 78), steps=4)
    app.page.mouse.move(*pixel(app.page, 16, 84), steps=4)
    app.page.mouse.up()
    expect(app.button("Remove Drawn region")).to_be_visible()
    expect(app.sentence).to_contain_text("area-weighted")
    app.until(lambda: 80 < app.cells_left() < 200, "not 12 by 12 degrees, part of them sea")
    expect(app.page).to_have_url(re.compile("drawn="))
    expect(app.page.get_by_role("radio", name="Move the map and pick a cell")).to_have_attribute("aria-checked", "true")
    app.filled().page.reload(wait_until="domcontentloaded")
    expect(app.filled().button("Remove Drawn region")).to_be_visible()


def test_corners_set_on_the_map_select_a_region(app: Explorer) -> None:
    """A triangle over the Sahara, closed by a double click; its corners choose no cell. Escape gives one up."""
    from scripts.app_session import pixel

    app.open()
    corners = app.page.get_by_role("radio", name="Set the corners of a region")
    corners.click()
    expect(app.page.get_by_text("Click the corners of the region")).to_be_visible()
    app.page.mouse.click(*pixel(app.page, 50, 10))
    app.page.wait_for_timeout(400)  # as fast as a person: faster clicks would be a double click
    app.page.keyboard.press("Escape")
    for lat, lon in ((30, 0), (30, 30)):
        app.page.mouse.click(*pixel(app.page, lat, lon))
        app.page.wait_for_timeout(400)
    app.page.mouse.dblclick(*pixel(app.page, 15, 15))
    expect(app.button("Remove Drawn region")).to_be_visible()
    app.until(lambda: 150 < app.cells_left() < 330, "half of a box of 15 by 30 degrees, part of it sea")
    expect(app.button("Cell 4.5° S, 62.5° W")).to_be_visible()
    expect(corners).to_have_attribute("aria-checked", "false")
    expect(app.page.get_by_text("Click the corners of the region")).to_have_count(0)


def test_brushing_the_histogram_filters_by_value(app: Explorer) -> None:
    """A drag beside the colours leaves the cells with such values, and the fields say which."""
    app.open()
    everything = app.cells_left()
    plot = app.page.locator(".legend .plot").bounding_box()
    assert plot is not None
    middle = plot["x"] + plot["width"] / 2
    app.page.mouse.move(middle, plot["y"] + 0.1 * plot["height"])
    app.page.mouse.down()
    app.page.mouse.move(middle, plot["y"] + 0.35 * plot["height"], steps=5)
    app.page.mouse.up()
    expect(app.page.get_by_label("Value, mm, from")).to_have_value(re.compile(r"^\d"))
    app.until(lambda: 0 < app.cells_left() < everything, "the brush filters nothing")
    expect(app.page).to_have_url(re.compile("val="))
    low, high = (float(part) for part in app.query()["val"].split(","))
    assert 40 < low < 80 and 140 < high < 180, "the brush went from 65 to 90 percent of the range -200 to 200"


def test_the_link_opens_the_same_view(app: Explorer, visitor: NewExplorer) -> None:
    """What was changed is in the address; another visitor who opens it sees the same, word for word."""
    app.open()
    app.pick("Quantity", "Soil moisture")
    app.page.get_by_role("checkbox", name="Departure from yearly mean").click()
    app.pick("Projection", "Robinson")
    app.fill("Latitude, degrees north", "50.5")
    app.fill("Longitude, degrees east", "10.5")
    expect(app.place).to_contain_text("Germany")
    app.button("Next month").click()
    app.button("Cold").click()
    app.radio("Sign").click()
    expect(app.place).to_contain_text("Cold climate")
    expect(app.radio("Sign")).to_have_attribute("aria-checked", "true")
    app.filled()
    seen = [app.text_of(plot) for plot in (app.map, app.curves, app.memory)]
    app.address_says(proj="robinson", at="50.5,10.5", t="06", zone="cold", heat="signed")
    assert {"var", "show"} <= set(app.query())

    other = visitor().open("?" + app.page.url.partition("?")[2])
    expect(other.sentence).to_have_text(app.sentence.inner_text())
    assert [other.text_of(plot) for plot in (other.map, other.curves, other.memory)] == seen
    other.until(lambda: other.cells_left() == app.cells_left(), "other cells are left")
    expect(other.page.get_by_role("combobox", name="Projection")).to_contain_text("Robinson")
    expect(other.page.get_by_role("alert").filter(has_text="link")).to_have_count(0)


def test_a_bad_part_of_a_link_is_dropped_alone(app: Explorer) -> None:
    """The good parts hold, one sentence names the bad one, and it can be dismissed."""
    app.open("?v=1&at=50.5,10.5&t=13&zone=cold")
    expect(app.page.get_by_text("Dropped from the link, t: '13' is not a month")).to_be_visible()
    expect(app.place).to_contain_text("Germany")
    months_shown(app, "May")
    expect(app.button("Remove Cold climate")).to_be_visible()
    app.button("Dismiss").click()
    expect(app.page.get_by_text("Dropped from the link")).to_be_hidden()


def test_a_link_to_the_sea_falls_back_with_a_notice(app: Explorer) -> None:
    """A link whose place is no land cell opens the Amazon, keeps the rest and says why."""
    app.open("?v=1&at=0,-30&t=08")
    expect(app.place).to_contain_text("Brazil")
    months_shown(app, "August")
    expect(app.page.get_by_role("alert").filter(has_text=re.compile("cell|sea"))).to_be_visible()


def test_back_and_forward_walk_through_the_views(app: Explorer) -> None:
    """The browser's own buttons restore the earlier and the later view without a reload."""
    app.open()
    app.tap(*INDIA)
    expect(app.place).to_contain_text("India")
    app.tap(*GERMANY)
    expect(app.place).to_contain_text("Germany")
    expect(app.page).to_have_url(re.compile(r"at=50\.5,10\.5"))
    app.page.evaluate("window.sameDocument = true")
    app.page.evaluate("history.back()")
    expect(app.place).to_contain_text("India")
    app.page.evaluate("history.back()")
    expect(app.place).to_contain_text("Brazil")
    app.page.evaluate("history.forward()")
    expect(app.place).to_contain_text("India")
    expect(app.curves).to_have_attribute("aria-label", re.compile("India"))
    expect(app.page).to_have_url(re.compile("at=22.5,80.5"))
    assert app.page.evaluate("window.sameDocument") is True
