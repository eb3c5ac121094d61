"""Journeys through Trust in a real browser: linked views, keyboard, phone, models and what is none."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import Explorer, NewExplorer

pytestmark = pytest.mark.browser


def test_a_zone_that_is_pressed_filters_every_view(app: Explorer) -> None:
    """Map, density, chips and address follow a zone; the rows of the other zones stay; the same by keyboard alone."""
    app.visit("v=1&page=trust")
    density = app.page.get_by_role("img", name=re.compile("pairs of month and cell"))
    expect(density).to_have_attribute("aria-label", re.compile("^All land: 177,216 pairs"))
    before = app.picture(density).tobytes()
    app.page.get_by_role("button", name=re.compile("^Cold: median")).click()
    expect(density).to_have_attribute("aria-label", re.compile("^Cells left: 58,500 pairs"))
    app.drawn(density, unlike=before)
    app.address_says(zone="cold", of="filter")
    expect(app.page.get_by_role("button", name=re.compile("^Arid: median .* 4,135 cells"))).to_be_visible()
    expect(
        app.page.get_by_role("img", name=re.compile("^Map: Skill .*Cold climate: median over cells"))
    ).to_be_visible()
    app.page.get_by_role("button", name=re.compile("^Cold: median")).click()
    app.address_says(zone=None)

    app.page.get_by_role("button", name=re.compile("^Tropical: median")).focus()
    app.page.keyboard.press("ArrowDown")
    app.page.keyboard.press("Enter")
    arid = app.page.get_by_role("button", name=re.compile("^Arid: median"))
    expect(arid).to_have_attribute("aria-pressed", "true")
    expect(arid).to_be_focused()
    app.page.keyboard.press("Enter")
    expect(arid).to_have_attribute("aria-pressed", "false")
    app.address_says(zone=None)


def test_the_chosen_score_is_in_the_link_and_on_every_page(app: Explorer, visitor: NewExplorer) -> None:
    """A score of snow brings the truth of snow; the link opens the same for somebody else."""
    app.visit("v=1&page=trust&model=global-twin")
    app.pick("Score", "Truth found: anomalies of snow (r)")
    expect(app.page.get_by_role("heading", name="Snow: known and simulated")).to_be_visible()
    app.address_says(var="swe_truth_correlation")
    expect(app.page.get_by_role("img", name=re.compile("^Map of what carries stored water, truth"))).to_be_visible()
    expect(app.page.get_by_text(re.compile("^Generated Trained on generated observations"))).to_be_visible()
    other = visitor().visit(app.page.url.partition("?")[2])
    expect(other.page.get_by_role("img", name=re.compile("^Map: Truth found: anomalies of snow"))).to_be_visible()


def test_every_member_is_drawn_for_the_cell_that_is_written(app: Explorer) -> None:
    """Latitude and longitude by key; the members of the new place come by themselves; their table."""
    app.visit("v=1&page=trust")
    app.page.get_by_label("Latitude, degrees north").fill("50.5")
    app.fill("Longitude, degrees east", "10.5")
    soil = app.page.get_by_role("img", name=re.compile("^Soil moisture of each member, Germany"))
    expect(soil).to_be_visible()
    app.drawn(soil)
    app.button("Members as a table: table").click()
    expect(app.page.get_by_role("region", name=re.compile("^Members at Germany"))).to_be_visible()


def test_an_evaluation_is_asked_for_shows_progress_and_is_cancelled(app: Explorer) -> None:
    """The button starts it, the page stays alive, Cancel ends it."""
    app.visit("v=1&page=trust")
    app.button("Evaluate anew").click()
    bar = app.page.get_by_role("progressbar", name=re.compile("Scoring|preparing|running all land"))
    expect(bar).to_be_visible()
    app.page.get_by_role("button", name=re.compile("^Polar: median")).click()
    expect(app.page.get_by_text(re.compile("^Cells left: 14,6"))).to_be_visible()
    app.button("Cancel").click()
    expect(bar).to_be_hidden()
    expect(app.button("Evaluate anew")).to_be_enabled()


def test_the_twin_is_no_model_and_one_is_offered(app: Explorer) -> None:
    """A sentence and a way on, never an empty page."""
    app.visit("v=1&page=trust&model=twin-earth")
    expect(app.page.get_by_text(re.compile("is itself the truth"))).to_be_visible()
    app.button("Show World water, trained on the twin Earth").click()
    expect(app.page.get_by_role("heading", name="Truth beside model")).to_be_visible()


def test_memory_in_truth_beside_that_attributed_follows_filter_and_measure(app: Explorer) -> None:
    """Two maps, how they agree, by zone in a table; another measure and a zone change both and the link."""
    app.visit("v=1&page=trust&model=global-twin")
    maps = [
        app.page.get_by_role("img", name=re.compile(f"^Map of the mean memory time.*, {side}"))
        for side in ("in truth", "as attributed")
    ]
    for drawn in maps:
        expect(drawn).to_be_visible()
    alike = app.page.get_by_text(re.compile(r"^Over 14,768 cells the maps correlate at 0\.\d\d and half of the cells"))
    expect(alike).to_be_visible()
    app.page.get_by_role("button", name=re.compile("^Agreement by climate zone as a table")).click()
    table = app.page.get_by_role("table", name=re.compile("truth and attribution by climate zone"))
    expect(table.get_by_role("row")).to_have_count(7)
    app.pick("Map of", "Share older than a season")
    expect(app.page).to_have_url(re.compile("measure=memory_share"))
    expect(app.page.get_by_role("img", name=re.compile("^Map of the share of memory older"))).to_have_count(2)
    app.page.get_by_role("button", name=re.compile("^Polar: median")).click()
    expect(app.page.get_by_text(re.compile(r"^Over (?!14,768)[\d,]+ cells the maps correlate at"))).to_be_visible()


def test_a_gauge_on_the_map_opens_its_river(app: Explorer) -> None:
    """A tap on a mark, observed beside simulated, years in the link; the map is a link away."""
    app.open()
    app.tap(31.7, -89.4)
    note = app.page.get_by_text(re.compile(r"^Leaf River: efficiency \(NSE\) 0\.85 in the test period"))
    expect(note).to_be_visible()
    app.address_says(set="catchments", site="5")
    runoff = app.page.get_by_role("img", name="Runoff at Leaf River, observed and simulated by River basins")
    before = app.picture(runoff).tobytes()
    first, last = app.page.get_by_role("group", name="Years").get_by_role("textbox").all()
    first.fill("1970")
    last.fill("1971")
    last.press("Enter")
    expect(app.page.get_by_role("img", name="Rain and snow at Leaf River")).to_be_visible()
    app.page.wait_for_function("location.search.includes('years=1970,1971')")
    app.drawn(runoff, unlike=before)
    app.page.get_by_role("link", name="Explore").filter(visible=True).click()
    expect(app.map).to_be_visible()


def test_a_tower_is_chosen_from_the_list_by_key(app: Explorer) -> None:
    """The list under the map leads to every gauge and tower; a tower has no simulation."""
    app.open()
    app.pick("Gauges and towers", "CH-DAV")
    expect(app.page.get_by_role("heading", name="CH-DAV")).to_be_visible()
    app.address_says(set="towers")
    expect(app.page.get_by_role("heading", name="Observed and simulated")).to_be_hidden()
