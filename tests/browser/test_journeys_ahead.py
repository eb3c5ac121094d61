"""Journeys through months that the browser has before they are stepped to, with the server's answers late or held back.

In every frame the map is looked at: the month it says, that of title and sentence, and the pixels of its canvas.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from dashboard.layers import MONTHS
from scripts.app_bench.visitor import WATCH
from scripts.app_session import settle

if TYPE_CHECKING:
    from tests.browser.conftest import Explorer, NewExplorer

pytestmark = pytest.mark.browser

# The way from the server: `wire.late` milliseconds longer, or closed while it is held. Nothing overtakes.
WIRE = """(() => {
    const wire = window.wire = { late: 0, held: false, waiting: [], came: 0 };
    const plain = Object.getOwnPropertyDescriptor(WebSocket.prototype, "onmessage");
    wire.flow = () => {
        while (wire.waiting.length && !wire.held && wire.waiting[0].due <= performance.now()) {
            wire.came += 1;
            wire.waiting.shift().take();
        }
    };
    wire.release = () => { wire.held = false; wire.flow(); };
    Object.defineProperty(WebSocket.prototype, "onmessage", {
        get() { return plain.get.call(this); },
        set(take) {
            plain.set.call(this, take && ((event) => {
                wire.waiting.push({ due: performance.now() + wire.late, take: () => take.call(this, event) });
                if (wire.late) setTimeout(wire.flow, wire.late + 1);
                else wire.flow();
            }));
        },
    });
})()"""

# Counts, frame by frame, what is said of the month beside what is on the canvas (a sum over its pixels).
FRAMES = """(months) => {
    const month = (text) => months.find((name) => text.includes(name));
    window.frames = {};
    let before = null; // what the last frame said, with the canvas that was painted in it after this look
    const look = () => {
        requestAnimationFrame(look); // before any plot asks for the next frame
        if (before) {
            const [canvas] = window.bench.canvases(before.plot);
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let print = 7;
            for (const pixel of new Uint32Array(data.buffer)) print = (Math.imul(print, 31) + pixel) | 0;
            const key = [...before.said, print].join();
            window.frames[key] = (window.frames[key] ?? 0) + 1;
        }
        const parts = window.bench.parts();
        const said = ["map", "title", "legend", "sentence"].map((name) => month(parts[name][0]));
        before = { said, plot: parts.map[1] };
    };
    requestAnimationFrame(look);
}"""


def opened(app: Explorer) -> Page:
    """Explore, watched, with the wire in hand."""
    page = app.page
    for script in (WATCH, WIRE):
        page.add_init_script(script)
    app.open()
    page.get_by_role("heading", level=1).click()
    kept(page)
    return page


def kept(page: Page) -> None:
    """Wait until the browser has the month shown, two after it and one before."""
    expect(page.get_by_role("group", name="Month", exact=True)).to_have_attribute("data-kept", "4")


def year(app: Explorer) -> dict[str, int]:
    """Step through the year, resting on each month: what is on the canvas then, by month."""
    page, found = app.page, dict[str, int]()
    page.evaluate(FRAMES, MONTHS)
    for step in range(1, 13):
        name = MONTHS[(4 + step) % 12]
        page.keyboard.press("ArrowRight")
        expect(app.map).to_have_attribute("aria-label", re.compile(f" in {name},"))
        expect(app.sentence).to_contain_text(f", {name}:")
        app.address_says(t=None if name == "May" else f"{(4 + step) % 12 + 1:02d}")
        *said, print_of = resting(app)
        assert said == [name] * 4
        found[name] = int(print_of)
    assert len(set(found.values())) == 12
    return found


def resting(app: Explorer) -> tuple[str, ...]:
    """What all frames show, once ten that follow each other show the same."""
    page = app.page
    settle(page)
    page.evaluate("window.frames = {}")
    found = set[tuple[str, ...]]()

    def same() -> bool:
        nonlocal found
        if page.evaluate("Object.values(window.frames).reduce((sum, n) => sum + n, 0)") < 10:
            return False
        found = shown(page)
        page.evaluate("window.frames = {}")
        return len(found) == 1

    app.until(same, "the page does not rest")
    return found.pop()


def shown(page: Page) -> set[tuple[str, ...]]:
    """What was in the frames since they were last forgotten."""
    return {tuple(key.split(",")) for key in page.evaluate("window.frames")}


def test_no_frame_shows_a_field_under_another_month(app: Explorer) -> None:
    """Fast steps back and forth, with answers half a second late: each frame's pixels are of the month that is said."""
    page = opened(app)
    of = year(app)
    page.evaluate("() => { window.frames = {}; window.wire.late = 500; }")
    walk = "RRRLLRLRRRRRLLLLRRLRLRLLLLLLRRRRRRRRRRLLLRLRRRL"
    for number, way in enumerate(walk):
        page.keyboard.press("ArrowRight" if way == "R" else "ArrowLeft")
        page.wait_for_timeout(12 * (number % 5))
    end = MONTHS[(4 + walk.count("R") - walk.count("L")) % 12]
    expect(app.month).to_have_attribute("aria-valuetext", end)
    app.address_says(t=f"{MONTHS.index(end) + 1:02d}")
    page.evaluate("() => { window.wire.late = 0; }")
    app.until(lambda: page.evaluate("window.wire.waiting.length") == 0, "answers are still on their way")
    settle(page)
    seen = shown(page)
    assert resting(app) == (end, end, end, end, str(of[end]))
    assert len(seen) > 6, "many months were seen"
    for *said, print_of in seen:
        assert len(set(said)) == 1, f"one frame says {said}"
        assert int(print_of) == of[said[0]], f"the map that says {said[0]} shows another month"


def test_months_that_are_played_are_those_that_are_said(visitor: NewExplorer) -> None:
    """At the greatest speed with answers late; paused and stepped back, server and page are at one month."""
    app = visitor(reduced_motion="no-preference")
    page = opened(app)
    of = year(app)
    page.evaluate("() => { window.frames = {}; window.wire.late = 300; }")
    for _ in range(2):
        page.get_by_role("button", name="Speed of playing").click()
    app.button("Play the months").click()
    app.until(lambda: len(shown(page)) == 12, "the year is not played")
    app.button("Pause").click()
    page.keyboard.press("ArrowLeft")
    page.evaluate("() => { window.wire.late = 0; }")
    seen = shown(page)
    assert all({*said} == {said[0]} and of[said[0]] == int(number) for *said, number in seen)
    end, *_ = resting(app)
    expect(app.month).to_have_attribute("aria-valuetext", end)
    app.address_says(t=None if end == "May" else f"{MONTHS.index(end) + 1:02d}")
    app.button("Tropical").click()
    expect(app.sentence).to_contain_text(f"Tropical climate, {end}:")


def test_a_month_that_is_kept_needs_no_server(app: Explorer) -> None:
    """While no answer comes the month is there; the answer then paints nothing, and the server is at that month."""
    page = opened(app)
    page.evaluate("() => { window.wire.held = true; }")
    page.keyboard.press("ArrowRight")
    expect(app.sentence).to_contain_text(", June:")
    expect(page.get_by_role("group", name="Legend:")).to_have_attribute("aria-label", re.compile("in June,"))
    expect(app.map).to_have_attribute("aria-label", re.compile(" in June,"))
    expect(app.month).to_have_attribute("aria-valuetext", "June")
    app.address_says(t="06")
    app.until(lambda: page.evaluate("window.wire.waiting.length") > 0, "the server was not told")
    settle(page)
    painted = page.evaluate("window.bench.painted")
    came = page.evaluate("window.wire.came")
    page.evaluate("window.wire.release()")
    app.until(lambda: page.evaluate("window.wire.came") >= came + 3, "the answer does not come")
    settle(page)
    assert page.evaluate("window.bench.painted") == painted, "the answer has painted something again"
    # what is asked of the server is answered for the month on the screen
    app.button("Tropical").click()
    expect(app.sentence).to_contain_text("Tropical climate, June:")


def test_what_is_done_meanwhile_is_done_in_the_month_that_is_seen(app: Explorer) -> None:
    """Three months on by key and a filter at once, the answers late: the filter's views are of that month."""
    page = opened(app)
    year(app)
    page.evaluate("() => { window.frames = {}; window.wire.late = 400; }")
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    app.button("Tropical").click()
    expect(app.sentence).to_contain_text("Tropical climate, August:")
    expect(app.map).to_have_attribute("aria-label", re.compile(" in August,.*Tropical climate, August:"))
    expect(app.month).to_have_attribute("aria-valuetext", "August")
    app.address_says(t="08", zone="tropical")
    assert all(len(set(said)) == 1 for *said, _ in shown(page))
    page.evaluate("() => { window.wire.late = 0; }")
    page.go_back()
    expect(app.sentence).to_contain_text(", August:")
    expect(app.sentence).not_to_contain_text("Tropical")
    expect(app.month).to_have_attribute("aria-valuetext", "August")
    page.keyboard.press("ArrowLeft")
    expect(app.sentence).to_contain_text(", July:")
    app.address_says(t="07", zone=None)


def test_undo_takes_back_months_shown_by_the_browser(app: Explorer) -> None:
    page = opened(app)
    page.keyboard.press("ArrowRight")
    expect(app.sentence).to_contain_text(", June:")
    expect(app.button("Undo the last change (Ctrl+Z)")).to_be_enabled()
    page.keyboard.press("Control+z")
    expect(app.sentence).to_contain_text(", May:")
    expect(app.map).to_have_attribute("aria-label", re.compile(" in May,"))
    expect(app.month).to_have_attribute("aria-valuetext", "May")
    app.address_says(t=None)


def test_of_another_quantity_other_months_are_kept(app: Explorer) -> None:
    page = opened(app)
    app.pick("Quantity", "Snow water equivalent")
    expect(app.map).to_have_attribute("aria-label", re.compile("Snow water equivalent in May"))
    page.get_by_role("heading", level=1).click()
    kept(page)
    page.keyboard.press("ArrowRight")
    expect(app.map).to_have_attribute("aria-label", re.compile("Snow water equivalent in June"))
    expect(app.sentence).to_contain_text(", June:")
