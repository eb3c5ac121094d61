"""Journeys over every page: nothing is asked of another host, no error, each page is reached and fits paper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from dashboard.state import PAGES
from scripts.app_session import settle

if TYPE_CHECKING:
    from scripts.app_session import ServerProcess
    from tests.browser.conftest import Explorer, Seats

pytestmark = pytest.mark.browser

# The raster of the map is there, and not the empty one it comes with.
_PAINTED = """() => Bokeh.documents.some((doc) => {
    const map = doc.get_model_by_name('world-map');
    return map && map.renderers.some((one) => one.data_source.data.image?.[0].shape[0] > 1);
})"""


def test_every_page_is_reached_from_the_header_and_asks_no_other_host(app: Explorer) -> None:
    """One visitor turns all pages and comes back; the watch on the browser refuses foreign requests and any error."""
    amazon = (-4.5, -55.5)
    app.open()
    first = app.color_at(*amazon)
    nav = app.page.get_by_role("navigation").filter(visible=True)
    for name, text in [*PAGES.items(), next(iter(PAGES.items()))]:
        nav.get_by_role("link", name=text, exact=True).click()
        expect(nav.get_by_role("link", name=text, exact=True)).to_have_attribute("aria-current", "page")
        settle(app.page)
        app.address_says(page=None if name == "explore" else name)
        expect(app.page.get_by_role("alert").filter(visible=True)).to_have_count(0)
        expect(app.page.get_by_role("heading", level=2).filter(visible=True).first).to_be_visible()
    app.page.wait_for_function(_PAINTED)
    app.filled()
    app.until(lambda: app.color_at(*amazon) == first, "the map lost its colours while other pages were open")


def test_the_watch_notices_a_request_to_another_host(browser: Browser) -> None:
    """What the journeys rely on: a picture of another host, named or numbered, is refused, recorded and told."""
    from tests.browser.conftest import Watch

    foreign = {"https://example.org/map.png", "http://192.0.2.1/map.png"}
    record, failed = Watch(), dict[str, str | None]()
    with browser.new_context() as context:
        end = record.attach(context)
        page = context.new_page()
        page.on("requestfailed", lambda request: failed.update({request.url: request.failure}))
        page.set_content("".join(f"<img src='{url}'>" for url in foreign))
        assert failed == dict.fromkeys(foreign, "net::ERR_NAME_NOT_RESOLVED")
        end()
        page.set_content("<img src='https://example.org/unseen.png'>")
    assert {text for text in record.problems() if "another host" in text} == {
        f"request to another host: {url}" for url in foreign
    }


def test_who_takes_a_seat_finds_nothing_of_who_had_it(seats: Seats, server: ServerProcess) -> None:
    """The journeys' contexts are kept for their compiled scripts alone: no cookie, no page, nothing stored."""
    kept = "() => [document.cookie, localStorage.length, sessionStorage.length].join()"
    context = seats.take(locale="de-DE")
    page = context.new_page()
    page.goto(f"{server.url}/liveness")
    page.evaluate("() => { document.cookie = 'a=b'; localStorage.a = 1; sessionStorage.a = 1; }")
    assert page.evaluate(kept) == "a=b,1,1"
    seats.leave(context)
    assert page.is_closed()
    assert seats.take(locale="de-DE") is context
    other = seats.take(locale="de-DE")
    assert other is not context, "two visitors at a time have one seat"
    page = context.new_page()
    page.goto(f"{server.url}/liveness")
    assert page.evaluate(kept) == ",0,0"
    seats.leave(context)
    seats.leave(other)


def controls_seen(page: Page) -> list[str]:
    """Names of the buttons that can be seen."""
    return [node.inner_text() for node in page.get_by_role("button").filter(visible=True).all()]


@pytest.mark.parametrize(
    ("query", "seen"),
    [("", "Map:"), ("page=whatif&if=air_temperature%2B2", "Difference:"), ("page=compare", "Map R:")],
)
def test_a_page_on_paper_shows_pictures_and_no_controls(app: Explorer, query: str, seen: str) -> None:
    """Map and curves are printed as high as they are; what can be pressed is not."""
    app.visit(f"v=1&{query}")
    picture = app.page.get_by_role("img", name=re.compile(f"^{seen}"))
    expect(picture).to_be_visible()
    app.page.emulate_media(media="print")
    expect(app.page.get_by_role("button", name="Help")).to_be_hidden()
    expect(picture).to_be_visible()
    assert not {"Copy link", "Export", "Table", "Undo", "Start again"} & set(controls_seen(app.page))
    app.page.set_viewport_size({"width": 1440, "height": 400})
    assert app.page.evaluate("document.documentElement.scrollHeight") > 500  # not cut off at the height of the screen
    assert len(app.page.pdf(prefer_css_page_size=True)) > 20_000


# A column gets a plot and two more children one after the other, slow to build; how often each is in the page then.
_ADD_TWO = """async () => {
    const column = [...Bokeh.documents[0].all_models].find((model) => model.css_classes?.includes('columns'))
    const Div = Bokeh.Models.get('Div'), names = ['first of two', 'second of two']
    const pause = (ms) => new Promise((next) => setTimeout(next, ms))
    Div.prototype.default_view.prototype.lazy_initialize = () => pause(50)
    column.children = [...column.children, new (Bokeh.Models.get('Figure'))({height: 40})]
    for (const text of names) column.children = [...column.children, new Div({text})]
    await pause(20)
    for (const root of Bokeh.index.roots) root.compute_layout?.() // as when the window changes its size just now
    const count = (root, text) => [...root.querySelectorAll('*')].reduce((sum, node) => sum + (node.shadowRoot
        ? count(node.shadowRoot, text) : Number(!node.children.length && node.textContent === text)), 0)
    while (!count(document, names[1])) await pause(20)
    await pause(300)
    return names.map((text) => count(document, text))
}"""


def test_what_comes_while_the_page_is_being_built_stands_there_once(app: Explorer) -> None:
    """Parts of a page that arrive faster than the browser builds them are neither lost nor there twice."""
    app.open()
    assert app.page.evaluate(_ADD_TWO) == [1, 1]
