"""Journeys through opening the app and turning its pages: what stands there, when, and what it costs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest
from playwright.sync_api import Locator, expect

from dashboard.state import PAGES
from scripts.app_session import settle

if TYPE_CHECKING:
    from scripts.app_session import ServerProcess
    from tests.browser.conftest import Explorer, NewExplorer

pytestmark = pytest.mark.browser

KEPT_KB = 20  # a page that is shown again sends no pictures, no curves, no controls


def _turn(app: Explorer, name: str) -> None:
    """Go to a page by its link in the header, and wait until it rests."""
    link = app.page.get_by_role("navigation").filter(visible=True).get_by_role("link", name=PAGES[name], exact=True)
    link.click()
    expect(link).to_have_attribute("aria-current", "page")
    app.address_says(page=None if name == "explore" else name)
    settle(app.page)


def _filled(app: Explorer, plot: Locator) -> float:
    """Share of a plot's width that its canvas takes."""
    width = """(plot) => plot.shadowRoot.querySelector(".bk-Canvas").getBoundingClientRect().width / plot.clientWidth"""
    return float(plot.evaluate(width))


def test_a_page_seen_before_is_still_there(app: Explorer) -> None:
    """It is as it was left, down to its pixels, and nearly nothing is sent for it; what changed meanwhile has come."""
    sizes: list[int] = []
    app.page.on("websocket", lambda socket: socket.on("framereceived", lambda data: sizes.append(len(data))))
    app.open()
    before = app.drawn(app.map)
    app.map.evaluate("(plot) => { window.kept = plot }")
    _turn(app, "learn")
    sizes.clear()
    _turn(app, "explore")
    assert sum(sizes) < KEPT_KB * 1000
    assert app.map.evaluate("(plot) => plot === window.kept")
    app.until(lambda: app.drawn(app.map) == before, "the map is not as it was left")
    _turn(app, "trust")
    latitude = app.page.get_by_label("Latitude, degrees north").filter(visible=True)
    latitude.fill("-20.5")
    latitude.press("Enter")
    expect(app.place).not_to_have_text(re.compile("Brazil, Northern"))
    place = app.place.inner_text()
    _turn(app, "explore")
    expect(app.place).to_have_text(place)
    expect(app.sentence).to_contain_text(place)
    expect(app.curves).to_have_attribute("aria-label", re.compile(re.escape(place)))


def test_a_page_left_hears_no_key_and_fits_another_window(app: Explorer) -> None:
    """Arrow keys step the months of the open page alone; a window made smaller meanwhile is filled on return."""
    app.open()
    _turn(app, "learn")
    app.page.get_by_role("heading", level=1).click()
    app.page.keyboard.press("ArrowRight")
    app.page.set_viewport_size({"width": 1200, "height": 800})
    _turn(app, "explore")
    expect(app.month).to_have_attribute("aria-valuetext", "May")
    app.until(lambda: abs(_filled(app, app.map) - 1) < 0.02, "the map is not as wide as its place")
    app.page.get_by_role("heading", level=1).click()
    app.page.keyboard.press("ArrowRight")
    expect(app.month).to_have_attribute("aria-valuetext", "June")
    app.address_says(t="06")


def test_visitors_of_the_opening_view_share_nothing(visitor: NewExplorer) -> None:
    """Two find the same view, made ready or built; what one does the other does not see, nor who comes afterwards."""
    first, second = visitor().open(), visitor().open()
    place = second.place.inner_text()
    first.fill("Latitude, degrees north", "-20.5")
    expect(first.place).not_to_have_text(place)
    first.page.get_by_role("heading", level=1).click()
    first.page.keyboard.press("ArrowRight")
    first.address_says(t="06")
    third = visitor().open()
    for other in (second, third):
        expect(other.place).to_have_text(place)
        expect(other.month).to_have_attribute("aria-valuetext", "May")
        assert other.query() == {}


def test_a_link_opens_its_view_although_the_opening_view_is_ready(visitor: NewExplorer) -> None:
    """Month and colours of the link; and on reloading the same again."""
    app = visitor().open("?v=1&t=09&theme=dark")
    for again in (False, True):
        if again:
            app.page.reload(wait_until="domcontentloaded")
            app.filled()
        expect(app.month).to_have_attribute("aria-valuetext", "September")
        expect(app.page.locator("html")).to_have_attribute("data-hdl-mode", "dark")


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
def test_a_link_says_at_once_what_is_being_done(
    server: ServerProcess, visitor: NewExplorer, width: int, theme: str
) -> None:
    """The frame of the page comes before its session, in the link's colours, and makes way for the view of the link."""
    colors = "&theme=dark" if theme == "dark" else ""
    with urlopen(f"{server.app}?v=1&t=02{colors}") as answer:
        answer.read()  # from now on the server knows what a page begins with
    app = visitor(viewport={"width": width, "height": 844})
    app.page.goto(f"{app._app}?v=1&t=10&at=50.5,10.5{colors}", wait_until="commit")
    doing = app.page.locator("#hdl-doing")
    expect(doing).to_have_text(re.compile("^Opening the view of this link"))
    app.filled()
    expect(doing).to_be_hidden()
    expect(app.month).to_have_attribute("aria-valuetext", "October")
    expect(app.page.locator("html")).to_have_attribute("data-hdl-mode", theme)
    expect(app.place).to_have_text(re.compile("Germany|Europe"))
    app.address_says(t="10", at="50.5,10.5")
    expect(app.page.get_by_role("button", name="New here?")).to_be_hidden()
    times = app.page.evaluate(
        "() => { const { responseStart, responseEnd } = performance.getEntriesByType('navigation')[0];"
        " return responseEnd - responseStart }"
    )
    assert times > 50, f"head and page came within {times:.0f} ms of each other: the page was not sent in two parts"
