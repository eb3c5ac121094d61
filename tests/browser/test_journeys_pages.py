"""Journeys through What if, Compare and Learn in a real browser: experimenting, comparing, being guided."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from scripts.app_session import settle

if TYPE_CHECKING:
    from tests.browser.conftest import Explorer, NewExplorer, NewPage

pytestmark = pytest.mark.browser


# Zooms the left map and says whether the right one shows the same part of the world.
_ZOOM_LEFT = """() => {
    const figure = (name) => Bokeh.documents.map((doc) => doc.get_model_by_name(name)).find((found) => found);
    const [left, right] = ['left-map', 'right-map'].map(figure);
    const before = right.x_range.start;
    left.x_range.setv({start: left.x_range.start * 0.6, end: left.x_range.end * 0.6});
    return right.x_range.start !== before && ['start', 'end'].every((end) => left.x_range[end] === right.x_range[end]);
}"""


def test_an_experiment_runs_live_and_its_link_keeps_it(app: Explorer) -> None:
    """A preset, a slider by key, another quantity: words, curves, tiles, pulse and address follow; a slip is told."""
    app.visit("v=1&page=whatif")
    words = app.page.get_by_text("Nothing is changed yet.", exact=True)
    expect(words).to_be_visible()
    app.button("A dry year: Half the rain and snow in 2004, then all as before.").click()
    expect(app.page.get_by_text("50 % less precipitation in 2004.", exact=True)).to_be_visible()
    curves = app.page.get_by_role("img", name=re.compile("^Brazil.*, 50 % less precipitation in 2004: total water"))
    expect(curves).to_be_visible()
    app.drawn(curves)
    expect(app.page.get_by_role("img", name=re.compile("^Difference: Brazil"))).to_be_visible()
    expect(app.page.get_by_role("img", name=re.compile("of 50 mm more rain, after 30 days"))).to_be_visible()

    app.page.get_by_role("slider", name="Temperature").press("ArrowRight")
    expect(app.page.get_by_text("50 % less precipitation in 2004; 0.5 °C warmer in 2004.")).to_be_visible()
    app.page.get_by_role("radio", name=re.compile("^Groundwater [−+0-9]")).click()
    expect(app.page.get_by_role("img", name=re.compile("^Brazil.*: groundwater is at most"))).to_be_visible()
    app.address_says(var="groundwater")
    assert "air_temperature" in app.query()["if"]
    app.fill("As text", "rain*2")
    expect(app.page.get_by_role("alert").filter(has_text="Nothing has changed.")).to_be_visible()
    expect(app.page.get_by_text("50 % less precipitation in 2004; 0.5 °C warmer in 2004.")).to_be_visible()


# Dresses and shows the figures that are hidden, each a little later than the last; they are kept as `window.shown`.
_SHOW = """async () => {
    const rest = () => new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)))
    const found = Bokeh.documents.flatMap((doc) => [...doc._all_models.values()])
        .filter((one) => one.type === 'Figure' && !one.visible)
    for (const one of found) {
        one.height += 1
        await rest()
        one.visible = true
        await rest()
    }
    window.shown = found
}"""


def test_a_region_is_changed_and_its_map_computed_and_stopped(app: Explorer) -> None:
    """A region is run, its map comes coarse first, Cancel keeps what is done; a slider goes to its end by key."""
    app.visit("v=1&page=whatif&region=Caribbean&of=filter&if=precipitation*0.5&var=soil_moisture&t=06")
    said = app.page.get_by_role("img", name=re.compile("^Caribbean, 50 % less precipitation: soil moisture"))
    expect(said).to_be_visible()
    expect(app.page.get_by_text(re.compile("Area-weighted means of monthly values"))).to_be_visible()
    app.button("Compute the map").click()
    expect(app.page.get_by_role("img", name=re.compile("^Map of the difference: 50 % less"))).to_be_visible()
    app.click_if_there("Cancel")  # a small region may be ready before it is stopped
    expect(app.button("Cancel").filter(visible=True)).to_have_count(0)
    expect(app.page.get_by_text(re.compile("soil moisture in June changes by −.* mm on average"))).to_be_visible()
    app.page.get_by_role("slider", name="Precipitation").press("Home")
    expect(app.page.get_by_text(re.compile(r"^100 % less precipitation\.$"))).to_be_visible()
    expect(
        app.page.get_by_role("img", name=re.compile("100 % less precipitation: soil moisture")).first
    ).to_be_visible()
    # the pulse, of one cell alone, was never shown: what makes its figure may come in one answer or in several
    app.page.evaluate(_SHOW)
    wide = "window.shown.length > 0 && window.shown.every((one) => one.inner_width > 100)"
    app.until(lambda: app.page.evaluate(wide), "a figure that was shown is not laid out")


def test_two_models_then_two_cells_side_by_side_and_swiped(app: Explorer) -> None:
    """Both maps are drawn in the same colours; swiping and the difference work; the right map chooses R's cell."""
    app.visit("v=1&page=compare&model2=twin-earth&var=groundwater")
    left, right = (app.page.get_by_role("img", name=f"Map {side}:") for side in "LR")
    expect(right).to_have_attribute("aria-label", re.compile("Twin Earth"))
    app.drawn(right, unlike=app.drawn(left))
    expect(app.page.get_by_text(re.compile("^R minus L over .*area-weighted"))).to_be_visible()
    assert app.page.evaluate(_ZOOM_LEFT), "the right map does not follow the zoom of the left one"
    app.radio("Swipe").click()
    border = app.page.get_by_role("slider", name=re.compile("^Left of this"))
    border.press("End")
    expect(border).to_have_attribute("aria-valuetext", "100 percent of the map is the left one")
    app.radio("Difference").click()
    expect(app.page.get_by_role("img", name=re.compile("^Map of the difference"))).to_be_visible()
    app.address_says(look="difference")
    app.radio("Cells").click()
    expect(app.page.get_by_text(re.compile("L, Brazil.*R, Germany"))).to_be_visible()


def test_a_model_is_held_against_what_was_observed(app: Explorer) -> None:
    """Map and curves of GRACE as R; a quantity that nobody observed is refused in words, and the page stays."""
    app.visit("v=1&page=compare")
    app.pick("R: model or data", "Observed: GRACE, ERA5")
    expect(app.page.get_by_role("img", name=re.compile("^Map R: Observed: GRACE"))).to_be_visible()
    expect(app.page.get_by_text(re.compile("^R minus L over .*total water storage.*correlation"))).to_be_visible()
    expect(app.page.get_by_role("img", name=re.compile("^R, Observed: GRACE"))).to_be_visible()
    app.address_says(model2="observed")
    app.visit("v=1&page=compare&model2=observed&var=groundwater")
    expect(app.page.get_by_text("Nothing was observed of groundwater")).not_to_have_count(0)
    expect(app.page.get_by_role("img", name=re.compile("^Map L: World water"))).to_be_visible()


def test_two_members_of_a_model_side_by_side(app: Explorer) -> None:
    """Their curves are run live and differ; the map is run when asked for, coarse first, and can be stopped."""
    app.visit("v=1&page=compare&var=groundwater")
    app.radio("Members").click()
    curves = [
        app.page.get_by_role("img", name=re.compile(f"^{side}, Member {n} of 5.*stored water"))
        for side, n in ("L1", "R2")
    ]
    for drawn in curves:
        expect(drawn).to_be_visible()
    swings = [re.sub(r"^., Member . of 5", "", app.text_of(drawn)) for drawn in curves]
    assert swings[0] != swings[1]
    app.button("Compute the map").click()
    expect(
        app.page.get_by_text(re.compile("^R minus L over .*cells still show their nearest neighbour"))
    ).to_be_visible()
    app.button("Cancel").filter(visible=True).click()
    expect(app.button("Cancel").filter(visible=True)).to_have_count(0)
    app.address_says(by="member")
    app.pick("R: member", "5")
    expect(app.page.get_by_role("img", name=re.compile("^Map R: Member 5 of 5"))).to_be_visible()


def test_the_words_of_a_tour_are_on_the_screen_when_it_begins(visitor: NewExplorer) -> None:
    """Begun on Learn it opens a page that was seen before, on a phone; no focus scrolls them away."""
    app = visitor(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).open()
    links = app.page.get_by_role("navigation", name="Pages").get_by_role("link", name="Learn", exact=True)
    links.filter(visible=True).click()
    app.button("Start: What is water storage?").click()
    guide = app.page.get_by_role("region", name="Guided tour")
    words = guide.get_by_role("heading", level=2)
    app.filled()
    app.page.wait_for_timeout(500)  # by then the focus has gone to what took the button's place
    expect(words).to_be_in_viewport(ratio=1)
    expect(guide.get_by_text("step 1 of 5")).to_be_in_viewport(ratio=1)


def test_a_tour_is_taken_answered_and_found_again(app: Explorer, visitor: NewExplorer) -> None:
    """Start, next, a wrong and a right answer; keys; the link of a step opens it for somebody else; the end."""
    app.visit("v=1&page=learn")
    app.button("Start: Droughts, wet and dry").click()
    guide = app.page.get_by_role("region", name="Guided tour")
    expect(guide.get_by_text("step 1 of 5")).to_be_visible()
    expect(guide.get_by_role("heading", level=2)).to_have_text("Half the rain, in a wet place")
    guide.get_by_role("button", name="Next").click()
    expect(guide.get_by_text("step 2 of 5")).to_be_visible()
    guide.get_by_role("button", name="The dry one").click()
    expect(guide.get_by_text("Not quite.")).to_be_visible()
    guide.get_by_role("button", name="The wet one").click()
    expect(guide.get_by_text("Half of much is much.")).to_be_visible()
    expect(app.page).to_have_url(re.compile("tour=droughts-wet-and-dry&stop=2"))
    other = visitor().visit(app.page.url.partition("?")[2])
    expect(other.page.get_by_role("region", name="Guided tour").get_by_text("step 2 of 5")).to_be_visible()
    app.page.keyboard.press("PageUp")
    expect(guide.get_by_text("step 1 of 5")).to_be_visible()
    size = "(node) => parseFloat(getComputedStyle(node).fontSize)"
    told = guide.get_by_text("The central Amazon with half the rain")
    small = told.evaluate(size)
    guide.get_by_role("button", name="Large type").click()
    expect(guide.get_by_role("button", name="Normal type")).to_be_visible()
    assert told.evaluate(size) > 1.2 * small
    expect(app.page).to_have_url(re.compile("screen=large"))
    guide.get_by_role("button", name="End the tour").click()
    expect(guide).to_be_hidden()
    expect(app.page).not_to_have_url(re.compile("tour="))


def test_a_lesson_file_works_without_a_server(app: Explorer, new_page: NewPage, tmp_path: Path) -> None:
    """The file of a step is opened from disk: map, months, click and answer work with nothing else."""
    app.visit("v=1&tour=what-is-water-storage&stop=3")
    with app.page.expect_download() as told:
        app.button("Hand out").click()
    path = tmp_path / "lesson.html"
    told.value.save_as(path)
    page = new_page()
    page.goto(path.as_uri())
    canvas = page.locator("canvas")
    expect(page.locator("#curves svg")).to_be_visible()
    box = canvas.bounding_box()
    assert box is not None
    said = page.locator("#said")  # the month beside its slider is a status too
    page.get_by_label("Month").fill("9")
    expect(said).to_contain_text("September")
    page.mouse.click(box["x"] + 0.70 * box["width"], box["y"] + 0.36 * box["height"])
    expect(said).to_contain_text(re.compile(r"° N, .*° E, September: .* mm"))
    page.get_by_text("Show the answer").click()
    expect(page.get_by_text("Storage goes on rising")).to_be_visible()


_HELD = """() => {
    let nodes = 0, canvases = 0, sheets = 0
    const walk = (root) => {
        for (const node of root.querySelectorAll("*")) {
            nodes += 1
            canvases += node.tagName === "CANVAS"
            if (node.shadowRoot) walk(node.shadowRoot)
        }
    }
    walk(document)
    const models = Bokeh.documents.flatMap((held) => [...held.all_models])
    for (const model of models) if (model.type === "Toolbar") sheets += model.stylesheets.length
    return { nodes, canvases, sheets, models: models.length }
}"""


def test_pages_seen_twice_hold_no_more_than_once(app: Explorer) -> None:
    """Pages stay in the browser: nothing is added to them by coming back, nor to the plots by the frame's own look."""
    app.open()
    pages = app.page.get_by_role("navigation", name="Pages")
    held = []
    for _ in range(2):
        for name in ("Memory", "Data", "Explore"):
            pages.get_by_role("link", name=name, exact=True).filter(visible=True).click()
            expect(app.page).to_have_title("HDL Explorer" if name == "Explore" else f"{name} · HDL Explorer")
            settle(app.page)
        held.append(app.page.evaluate(_HELD))
    assert held[0] == held[1] and held[0]["canvases"] > 10
    assert held[0]["sheets"] == 0
