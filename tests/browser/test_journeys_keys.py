"""Journeys by keyboard alone: past the header, through every stop of a page, and on after what was pressed is gone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import Explorer

pytestmark = pytest.mark.browser

_FOCUS = """() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at && at !== document.body ? at.getAttribute('aria-label') || at.textContent.trim() || at.className : null;
}"""


def test_the_first_stop_leads_past_the_header_to_a_list_with_options(app: Explorer) -> None:
    """Twelve links and buttons need not be passed on each page; a screen reader hears how many options there are."""
    app.open()
    skip = app.page.get_by_role("link", name="Skip to the content")
    app.page.keyboard.press("Tab")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    app.page.keyboard.press("Enter")
    expect(skip).not_to_be_in_viewport()
    app.page.keyboard.press("Tab")
    expect(app.page.get_by_role("combobox", name="Quantity")).to_be_focused()
    app.page.keyboard.press("Enter")
    listed = app.page.get_by_role("listbox", name="Quantity")
    expect(listed.get_by_role("option", name="Total water storage", exact=True, selected=True)).to_be_focused()
    expect(listed.get_by_role("menuitem")).to_have_count(0)
    app.page.keyboard.press("ArrowDown")
    expect(listed.get_by_role("option", selected=False).first).to_be_focused()
    app.page.keyboard.press("Escape")
    expect(app.page.get_by_role("combobox", name=re.compile("Quantity"))).to_be_focused()


def test_what_goes_away_by_being_pressed_does_not_take_the_focus_along(app: Explorer) -> None:
    """A chip that is removed, Undo that is drawn anew, a notice that is dismissed: the next key is not lost."""
    app.visit("v=1&page=memory&zone=tropical&of=filter&colour=red")
    chips = app.page.get_by_role("group", name="Selection")
    app.button("Remove Tropical climate").focus()
    app.page.keyboard.press("Enter")
    expect(app.button("Remove Tropical climate")).to_have_count(0)
    expect(chips.get_by_role("button").first).to_be_focused()
    app.button("Dismiss").focus()
    app.page.keyboard.press("Enter")
    expect(app.button("Dismiss")).to_be_hidden()
    app.page.wait_for_function("document.activeElement !== document.body")


_RING = """() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    for (let node = at, up = 0; node && up < 3; node = node.parentElement ?? node.getRootNode().host, up++) {
        const style = getComputedStyle(node);
        const drawn = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 && style.opacity !== '0';
        if (drawn) return style.outlineColor;
        const box = node.matches('.Mui-focused') && node.querySelector('fieldset');
        if (box) return getComputedStyle(box).borderColor;
    }
    return null;
}"""
_ACCENT = {"light": "rgb(11, 110, 138)", "dark": "rgb(79, 179, 206)"}


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_stop_of_the_tab_key_is_seen(app: Explorer, mode: str) -> None:
    """Boxes, switches and buttons of the frame too, in the accent colour of the mode."""
    app.open(f"?v=1&val=0,100&of=filter&theme={mode}")
    unseen, stops = [], 0
    for _ in range(70):
        app.page.keyboard.press("Tab")
        name = app.page.evaluate(_FOCUS)
        if name is None or (stops and name == "Skip to the content"):
            break
        stops += 1
        if app.page.evaluate(_RING) != _ACCENT[mode] and name != "Skip to the content":
            unseen.append(name)
    assert stops > 40
    assert unseen == []


def test_a_tour_is_walked_by_enter_and_leaves_the_focus_where_it_was(app: Explorer) -> None:
    """Next stays the button that is pressed; another size of type is not another place; a new page has the focus."""
    app.open("?v=1&tour=what-is-water-storage&stop=2")
    app.button("Large type").focus()
    app.page.keyboard.press("Enter")
    expect(app.button("Normal type")).to_be_focused()
    app.button("Next").focus()
    app.page.keyboard.press("Enter")
    expect(app.page.get_by_text("step 3 of")).to_be_visible()
    expect(app.button("Next")).to_be_focused()


def test_a_page_opened_from_within_another_has_the_focus(app: Explorer) -> None:
    """The button that led there is gone; Tab goes on at the top of the new page, not before the header."""
    app.open()
    app.button("Why this day?").focus()
    app.page.keyboard.press("Enter")
    expect(app.page.get_by_role("heading", name="What made this day's water?")).to_be_visible()
    app.page.wait_for_function(f"({_FOCUS})()?.includes('body')")
