"""A control alone on an empty page, its Python side played by the test: what it shows, keeps and says."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from dashboard.selection import number

if TYPE_CHECKING:
    from tests.browser.conftest import NewPage

pytestmark = pytest.mark.browser

WIDGETS = Path(__file__).resolve().parents[2] / "dashboard" / "widgets"
# Panel gives `render` a model with the parameters, `on` to hear of changes, and `send_msg`.
_PLAY = """([source, values]) => {
    const heard = {};
    window.sent = [];
    const model = { ...values, on: (name, act) => { heard[name] = act }, send_msg: (said) => window.sent.push(said) };
    window.news = (changes) => {
        Object.assign(model, changes);
        for (const name in changes) heard[name]();
    };
    const render = new Function(source.replace("export function", "return function"))();
    document.body.attachShadow({ mode: "open" }).append(render({ model, el: document.body }));
}"""


def play(page: Page, widget: str, **values: object) -> None:
    """Draw a control with the values of its parameters."""
    page.evaluate(_PLAY, [(WIDGETS / f"{widget}.js").read_text(encoding="utf-8"), values])


def test_a_number_being_written_stays_when_news_come_in(new_page: NewPage) -> None:
    """A range shows what the server says, but not over what somebody is just writing into it."""
    page = new_page()
    play(page, "rangefield", label="Years", low=None, high=None, hints=["1948", "1999"])
    first, last = page.get_by_label("Years, from"), page.get_by_label("Years, to")
    first.press_sequentially("19")
    page.evaluate("news({hints: ['1950', '1990'], low: 1950, high: 1990})")
    expect(first).to_have_value("19")
    expect(first).to_have_attribute("placeholder", "1950")
    expect(last).to_have_value("1990")
    first.press_sequentially("60")
    first.press("Enter")
    assert page.evaluate("sent") == [{"type": "range", "range": [1960, 1990]}]
    page.evaluate("news({low: 1961})")
    expect(first).to_have_value("1961")  # what has been sent may be answered
    last.fill("")
    page.evaluate("news({low: 1955})")
    last.press("Enter")
    expect(first).to_have_value("1955")
    assert page.evaluate("sent.at(-1)") == {"type": "range", "range": [1955, None]}


def test_a_number_under_a_pointer_is_written_as_in_tables(new_page: NewPage) -> None:
    """One rule in both languages: digits, thousands, minus, very large and very small ones."""
    page = new_page()
    page.add_script_tag(path=WIDGETS.parent / "pages" / "number.js")
    random = np.random.default_rng(1)
    values = [0.0, -0.0, 1, -7, 10, 99.96, 100, -1234.6, 1e-5, 9.99999e-5, 5e11]
    values += list(random.choice([-1, 1], 500) * 10 ** random.uniform(-9, 12, 500))
    written = page.evaluate("(values) => values.map(hdlNumber)", values)
    assert written == [number(value) for value in values]


def test_a_place_being_written_stays_when_the_last_one_is_answered(new_page: NewPage) -> None:
    """The longitude can be written while the latitude is still on its way, and both are sent."""
    page = new_page()
    play(page, "place", title="A", facts=[], lat=-4.5, lon=-62.5, sentence="", message="")
    lat, lon = page.get_by_label("Latitude, degrees north"), page.get_by_label("Longitude, degrees east")
    lat.fill("50.7")
    lat.press("Enter")
    lon.fill("10.5")
    page.evaluate("news({lat: 50.5, lon: -62.5, title: 'B'})")
    expect(lat).to_have_value("50.5")
    expect(lon).to_have_value("10.5")
    lon.press("Enter")
    # a key both changes and submits
    asked = dict.fromkeys((said["lat"], said["lon"]) for said in page.evaluate("sent"))
    assert list(asked) == [(50.7, -62.5), (50.5, 10.5)]
    page.evaluate("news({lon: 10.5, title: 'C'})")
    page.evaluate("news({lat: -25.5, lon: 135.5, title: 'D'})")  # a click on the map
    expect(lon).to_have_value("135.5")


def test_a_line_being_written_stays_when_news_come_in(new_page: NewPage) -> None:
    page = new_page()
    play(page, "textline", label="Day", hint="", value="2005-05-15", problem="", disabled=False)
    line = page.get_by_label("Day")
    line.fill("2005-06-")
    page.evaluate("news({value: '2005-05-16'})")
    expect(line).to_have_value("2005-06-")
    line.fill("2005-06-31")
    line.press("Enter")
    page.evaluate("news({value: '2005-06-30'})")  # what has been sent may be answered
    expect(line).to_have_value("2005-06-30")


def test_what_is_no_number_is_marked_and_not_sent(new_page: NewPage) -> None:
    page = new_page()
    play(page, "rangefield", label="Value", low=0, high=None, hints=[])
    last = page.get_by_label("Value, to")
    last.fill("much")
    last.press("Enter")
    expect(last).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_role("alert")).to_contain_text("“much” is not a number")
    last.fill("1e999")
    last.press("Enter")
    expect(last).to_have_attribute("aria-invalid", "true")
    last.fill("−2,5")
    last.press("Enter")
    expect(last).to_have_attribute("aria-invalid", "false")
    expect(page.get_by_role("alert")).to_have_count(0)
    assert page.evaluate("sent") == [{"type": "range", "range": [0, -2.5]}]


KEY = {
    "label": "Storage", "units": "mm", "explanation": "", "palette": ["black", "white"], "low": -200, "high": 200,
    "ticks": [0], "counts": [1, 2], "brush": [0, 100], "mode": "fixed",
}  # fmt: skip


def test_the_ends_of_a_colour_range_are_two_numbers_in_order(new_page: NewPage) -> None:
    page = new_page()
    play(page, "colorkey", **KEY)
    low, alert = page.get_by_label("Colour range, lower end"), page.get_by_role("alert")
    for text, said in (("red", "“red” is not a number"), ("", "is not a number"), ("300", "must be below")):
        low.fill(text)
        low.press("Enter")
        expect(alert).to_contain_text(said)
        expect(low).to_have_attribute("aria-invalid", "true")
    low.fill("−100,5")
    low.press("Enter")
    expect(alert).to_have_count(0)
    assert page.evaluate("sent") == [{"type": "range", "range": [-100.5, 200]}]


def test_an_end_of_the_value_filter_keeps_the_focus_while_a_held_key_moves_it(new_page: NewPage) -> None:
    """It is drawn anew at each step; without the focus the next press would be another control's."""
    page = new_page()
    play(page, "colorkey", **KEY)
    page.evaluate("document.body.shadowRoot.querySelector('.plot').style.cssText = 'width: 80px; height: 200px'")
    page.evaluate("news({brush: [0, 100]})")
    highest = page.get_by_role("slider", name="Highest value shown")
    highest.focus()
    for at in (108, 116):
        page.keyboard.press("ArrowUp")
        assert page.evaluate("sent.at(-1)") == {"type": "brush", "range": [0, at]}
        page.evaluate("(at) => news({brush: [0, at]})", at)
        expect(highest).to_be_focused()
        expect(highest).to_have_attribute("aria-valuenow", str(at))


def test_a_draft_is_there_again_after_a_reload(new_page: NewPage) -> None:
    """A tour being written is kept by its tab: a page that opens again offers it to the server that knows nothing."""
    page = new_page()
    page.route(
        "http://localhost/", lambda route: route.fulfill(body="<html lang='en'></html>", content_type="text/html")
    )
    page.goto("http://localhost/")
    step = {"title": "", "text": "", "view": "v=1&var=swe", "look": "", "question": None}
    draft = {"title": "", "summary": "", "steps": [step]}
    play(page, "toureditor", draft=draft, at=0, view="", problem="")
    page.get_by_label("Title", exact=True).fill("Snow in spring")
    page.get_by_label("Title", exact=True).press("Tab")
    written = {**draft, "title": "Snow in spring"}
    assert page.evaluate("sent") == [{"type": "draft", "draft": written, "at": 0}]
    page.evaluate("([draft]) => news({draft})", [written])  # the server took it
    page.reload()
    play(page, "toureditor", draft=draft, at=0, view="", problem="")
    assert page.evaluate("sent") == [{"type": "draft", "draft": written, "at": 0}]
