"""Journeys to pages that were made before they were opened, and through what is done while they are being made."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, expect

from dashboard.pages.frame import NAME
from dashboard.state import PAGES
from scripts.app_session import settle

if TYPE_CHECKING:
    from tests.browser.conftest import Explorer, NewExplorer

pytestmark = pytest.mark.browser

WHOLE_MS = 120_000  # for all pages, on a machine that others use as well
SWITCH_KB = 20  # a page that is there sends its name, its address and what the models answer, no controls and no maps
HEADINGS = {
    "memory": "How far back does the past still matter?",
    "trust": "By climate zone",
    "compare": "Stored water through the year",
    "learn": "Guided tours",
}

# Notes, ten times a second, what of a page that is being made could be seen or heard, and that there was such a page.
_WATCH = """() => {
    const walk = (root, visit) => {
        for (const node of root.querySelectorAll('*')) {
            visit(node);
            if (node.shadowRoot) walk(node.shadowRoot, visit);
        }
    };
    const ALL = { visibilityProperty: true, opacityProperty: true };
    window.found = { pages: 0, seen: [] };
    setInterval(() => walk(document, (host) => {
        if (!host.classList.contains('staged')) return;
        window.found.pages += 1;
        walk(host.shadowRoot, (node) => {
            if (node.checkVisibility(ALL)) window.found.seen.push(node.outerHTML.slice(0, 90));
        });
    }), 100);
}"""


def _link(app: Explorer, name: str) -> Locator:
    bar = app.page.get_by_role("navigation", name="Pages").filter(visible=True)
    return bar.get_by_role("link", name=PAGES[name], exact=True)


def _heading(app: Explorer, name: str) -> Locator:
    return app.page.get_by_role("heading", name=HEADINGS[name], exact=True, include_hidden=True)


def test_the_first_visit_of_a_page_is_a_switch(visitor: NewExplorer) -> None:
    """Nothing of the pages is seen before; then they are drawn, for next to no bytes; keys are the open page's."""
    sizes: list[int] = []
    app = visitor(ahead=True)
    app.page.on("websocket", lambda socket: socket.on("framereceived", lambda data: sizes.append(len(data))))
    app.open()
    app.page.evaluate(_WATCH)
    html = app.page.locator("html")
    expect(html).to_have_attribute("data-hdl-ahead", "made", timeout=WHOLE_MS)
    found = app.page.evaluate("window.found")
    assert found["pages"] > 0 and sorted({*found["seen"]}) == []
    for name in HEADINGS:
        expect(_heading(app, name)).to_be_hidden()
    assert app.query() == {}
    height = app.page.evaluate("document.documentElement.scrollHeight")
    assert height <= 900, "a page that is not seen makes the open one longer"
    for name in ("memory", "compare"):
        settle(app.page)
        sizes.clear()
        _link(app, name).click()
        expect(_heading(app, name)).to_be_visible()
        settle(app.page)
        assert sum(sizes) < SWITCH_KB * 1000, f"{PAGES[name]} was sent when it was opened: {sizes}"
        app.address_says(page=name)
        expect(app.page).to_have_title(f"{PAGES[name]} · {NAME}")
        app.drawn(app.page.get_by_role("img", name=re.compile("^Map")).filter(visible=True).first)
    app.page.go_back()
    expect(_heading(app, "memory")).to_be_visible()
    expect(_heading(app, "compare")).to_be_hidden()
    app.page.go_forward()
    expect(_heading(app, "compare")).to_be_visible()
    _link(app, "explore").click()
    expect(app.memory).to_be_visible()
    app.page.get_by_role("heading", level=1).click()
    app.page.keyboard.press("ArrowRight")
    expect(app.month.filter(visible=True)).to_have_attribute("aria-valuetext", "June")
    app.address_says(t="06")
    _link(app, "whatif").click()
    expect(app.page.get_by_role("heading", name="What if the weather were different?")).to_be_visible()
    settle(app.page)
    app.address_says(t="06", page="whatif")  # those of What if and Compare, unseen, did not step with Explore's


def test_a_click_while_pages_are_made_is_answered_and_they_show_its_place(visitor: NewExplorer) -> None:
    """It is answered before the pages are there; those made by then, and those made after, are of the new place."""
    app = visitor(ahead=True).open()
    expect(_heading(app, "memory")).to_have_count(1)  # being made, or made
    place = app.place.inner_text()
    app.tap(10, 20)
    expect(app.place).not_to_have_text(place)
    expect(app.curves).to_have_attribute("aria-label", re.compile(re.escape(app.place.inner_text())))
    place = app.place.inner_text()
    html = app.page.locator("html")
    expect(html).to_have_attribute("data-hdl-ahead", "made", timeout=WHOLE_MS)
    for name in ("memory", "trust"):
        _link(app, name).click()
        expect(_heading(app, name)).to_be_visible()
        expect(app.place).to_have_text(place)
    expect(app.page.get_by_role("img", name=f"Total storage of each member, {place}")).to_be_visible()


def test_a_page_opened_while_it_is_made_comes_whole(visitor: NewExplorer) -> None:
    app = visitor(ahead=True).open()
    expect(_heading(app, "memory")).to_have_count(1)
    _link(app, "memory").click()
    expect(_heading(app, "memory")).to_be_visible()
    expect(app.page.get_by_role("heading", name=re.compile("retraining"))).to_be_visible()
    expect(app.page.get_by_role("img", name=re.compile("^Map: "))).to_be_visible()
    settle(app.page)
    _link(app, "explore").click()
    expect(app.memory).to_be_visible()


def test_who_saves_data_gets_no_page_beforehand(app: Explorer) -> None:
    app.open()
    expect(app.page.locator("html")).to_have_attribute("data-hdl-ahead", "off")
    assert app.page.evaluate("navigator.connection.saveData")
    expect(_heading(app, "memory")).to_have_count(0)
