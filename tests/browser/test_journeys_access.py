"""Journeys on a phone, in the dark, by keyboard and with a screen reader's eyes; where everything comes from."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import expect

from scripts.app_session import settle
from tests.browser.test_journeys_ahead import WIRE

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.conftest import Explorer, NewExplorer

pytestmark = pytest.mark.browser

INDIA, ATLANTIC = (22.5, 80.5), (0.0, -30.0)
DARK_PAGE, LIGHT_PAGE = (15, 23, 29), (251, 252, 253)

# What sticks out to the right of the viewport, through all shadow roots; what scrolls inside its own box may.
_TOO_WIDE = """() => {
    const found = [];
    const walk = (root, scrolls) => {
        for (const node of root.children) {
            const style = getComputedStyle(node);
            if (style.display === 'none' || style.visibility === 'hidden' || style.position === 'fixed') continue;
            const box = node.getBoundingClientRect();
            const inside = scrolls || ['auto', 'scroll', 'hidden', 'clip'].includes(style.overflowX);
            if (!scrolls && box.width > 1 && box.right > window.innerWidth + 1)
                found.push(`${node.tagName}.${node.className} to ${Math.round(box.right)} px`);
            if (node.shadowRoot) walk(node.shadowRoot, inside);
            walk(node, inside);
        }
    };
    walk(document.body, false);
    return found;
}"""
_FOCUS = """() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return at ? {tag: at.tagName, name: at.getAttribute('aria-label') || at.textContent.trim()} : null;
}"""


@pytest.mark.parametrize("width", [390, 360])
def test_a_phone_shows_all_without_scrolling_sideways(visitor: NewExplorer, width: int) -> None:
    """Nothing is wider than the screen; a touch on the map picks a place, the months step, a filter works."""
    app = visitor(viewport={"width": width, "height": 844}, has_touch=True, is_mobile=True).open()
    assert app.page.evaluate("document.documentElement.scrollWidth") <= width
    assert app.page.evaluate(_TOO_WIDE) == []
    box = app.map.bounding_box()
    assert box is not None and box["width"] > 0.85 * width and box["y"] < 844 / 2, "the map comes first and is wide"

    app.map.scroll_into_view_if_needed()
    from scripts.app_session import pixel

    app.page.touchscreen.tap(*pixel(app.page, *INDIA))
    expect(app.place).to_contain_text("India")
    for _ in range(3):  # a finger cannot move the map: what is chosen comes to its middle
        app.button("Zoom in").tap()
    middle = app.map.bounding_box()
    assert middle is not None
    app.page.touchscreen.tap(middle["x"] + middle["width"] / 2, middle["y"] + middle["height"] / 2 - 30)
    app.until(lambda: 24 < float(app.query().get("at", "0,0").split(",")[0]) < 40, "not a little north of India")
    assert abs(float(app.query()["at"].split(",")[1]) - INDIA[1]) < 6
    app.button("Whole world").tap()
    with_two_fingers(app)
    app.button("Whole world").tap()
    app.button("Next month").tap()
    expect(app.sentence).to_contain_text(", June:")
    app.button("Tropical").tap()
    expect(app.button("Remove Tropical climate")).to_be_visible()
    app.filled()
    for plot in (app.curves, app.memory):
        plot.scroll_into_view_if_needed()
        app.drawn(plot)
    assert app.page.evaluate("document.documentElement.scrollWidth") <= width
    assert app.page.evaluate(_TOO_WIDE) == []


_RANGES = """() => {
    const fig = Bokeh.documents.map((doc) => doc.get_model_by_name('world-map')).find((found) => found);
    return [fig.x_range.end - fig.x_range.start, (fig.x_range.start + fig.x_range.end) / 2];
}"""
_SCROLLS = """() => {
    const count = (root) => [...root.querySelectorAll('*')]
        .reduce((sum, one) => sum + one.scrollTop + (one.shadowRoot ? count(one.shadowRoot) : 0), 0);
    return count(document);
}"""


def with_two_fingers(app: Explorer) -> None:
    """Fingers that part make the map as much larger as they part; together they move it; one alone scrolls the page."""
    session = app.page.context.new_cdp_session(app.page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        told = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": told})

    box = app.map.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    whole, _ = app.page.evaluate(_RANGES)
    touch("touchStart", (x - 20, y), (x + 20, y))
    for reach in range(24, 84, 4):
        touch("touchMove", (x - reach, y), (x + reach, y))
    app.until(lambda: 0.2 < app.page.evaluate(_RANGES)[0] / whole < 0.35, "four times apart is not four times as large")
    middle = app.page.evaluate(_RANGES)[1]
    for by in range(4, 44, 4):
        touch("touchMove", (x - 80 + by, y), (x + 80 + by, y))
    app.until(lambda: app.page.evaluate(_RANGES)[1] < middle, "the map does not go with the fingers")
    touch("touchEnd")
    size, before = app.page.evaluate(_RANGES)[0], app.page.evaluate(_SCROLLS)
    touch("touchStart", (x, y))
    for by in range(10, 110, 10):
        touch("touchMove", (x, y - by))
    touch("touchEnd")
    app.until(lambda: app.page.evaluate(_SCROLLS) > before, "one finger does not scroll the page")
    assert app.page.evaluate(_RANGES)[0] == size


def test_the_wheel_scrolls_the_page_and_with_control_the_map_grows(visitor: NewExplorer) -> None:
    """Where the system chooses the colours, what is chosen is told apart, and plots stand on a ground of their own."""
    app = visitor(viewport={"width": 1366, "height": 600}, forced_colors="active").open()
    size, _ = app.page.evaluate(_RANGES)
    app.map.hover(position={"x": 300, "y": 150})
    app.page.mouse.wheel(0, 100)
    app.until(lambda: app.page.evaluate(_SCROLLS) > 50, "the map keeps the page from scrolling")
    assert app.page.evaluate(_RANGES)[0] == size
    app.page.keyboard.down("Control")
    app.page.mouse.wheel(0, -100)
    app.page.keyboard.up("Control")
    app.until(lambda: app.page.evaluate(_RANGES)[0] < size, "the map does not grow")
    ground = "(node) => getComputedStyle(node).backgroundColor"
    pages = app.page.get_by_role("navigation", name="Pages").filter(visible=True).get_by_role("link")
    assert pages.nth(0).evaluate(ground) != pages.nth(1).evaluate(ground)
    assert app.radio("Season").evaluate(ground) != app.radio("Raw").evaluate(ground)
    assert app.map.evaluate(ground) == "rgb(251, 252, 253)"


def near(color: tuple[int, int, int], other: tuple[int, int, int]) -> bool:
    """Whether two colours are the same to the eye."""
    return all(abs(one - two) <= 6 for one, two in zip(color, other, strict=True))


def page_color(app: Explorer) -> tuple[int, int, int]:
    """Colour of the page where nothing is drawn: its lower left corner."""
    picture = app.picture(app.page.locator("body"))
    red, green, blue = picture.getpixel((2, picture.height - 3))  # type: ignore[misc]
    return red, green, blue


def test_dark_colours_reach_page_and_plots_and_stay_in_the_link(app: Explorer) -> None:
    """The switch darkens page, sea and plots; a link with theme=dark opens dark and stays so while things change."""
    app.open()
    assert near(page_color(app), LIGHT_PAGE)
    light_sea, light_curve = app.color_at(*ATLANTIC), app.picture(app.curves)
    app.button("Toggle theme").click()
    expect(app.page.locator("html")).to_have_attribute("data-hdl-mode", "dark")
    app.filled()
    assert near(page_color(app), DARK_PAGE)
    assert sum(app.color_at(*ATLANTIC)) < 150 < sum(light_sea)
    middle = (light_curve.width // 2, 8)
    assert sum(app.picture(app.curves).getpixel(middle)) < 200 < sum(light_curve.getpixel(middle))  # type: ignore[arg-type]
    app.button("Toggle theme").click()
    expect(app.page.locator("html")).to_have_attribute("data-hdl-mode", "light")
    assert near(page_color(app.filled()), LIGHT_PAGE)

    app.open("?theme=dark")
    expect(app.page.locator("html")).to_have_attribute("data-hdl-mode", "dark")
    assert near(page_color(app), DARK_PAGE) and sum(app.color_at(*ATLANTIC)) < 150
    app.button("Next month").click()
    expect(app.sentence).to_contain_text(", June:")
    expect(app.page).to_have_url(re.compile("t=06"))
    assert app.query() == {"v": "1", "t": "06", "theme": "dark"}


def tab_to(app: Explorer, name: str, most: int = 60) -> None:
    """Press Tab until the control has the focus whose name matches a pattern."""
    for _ in range(most):
        app.page.keyboard.press("Tab")
        focus = app.page.evaluate(_FOCUS)
        if focus and re.search(name, focus["name"]):
            return
    pytest.fail(f"{most} presses of Tab did not reach '{name}'")


def test_a_place_is_chosen_by_keyboard_alone(app: Explorer) -> None:
    """Tab reaches the fields; Enter goes to the place; nonsense and sea are answered in one sentence."""
    app.open()
    tab_to(app, "Latitude, degrees north")
    app.page.keyboard.press("Control+a")
    app.page.keyboard.type("35.5")
    app.page.keyboard.press("Tab")
    app.page.keyboard.press("Control+a")
    app.page.keyboard.type("103.5")
    app.page.keyboard.press("Enter")
    expect(app.place).to_contain_text("China")
    expect(app.curves).to_have_attribute("aria-label", re.compile("China"))
    expect(app.page).to_have_url(re.compile("at=35.5,103.5"))
    app.page.keyboard.press("Control+a")
    app.page.keyboard.type("east")
    app.page.keyboard.press("Enter")
    expect(app.message).to_contain_text("is not a place")
    expect(app.place).to_contain_text("China")

    tab_to(app, "Stored water as a table")
    app.page.keyboard.press("Enter")
    table = app.page.get_by_role("table").filter(visible=True)
    expect(table).to_have_count(1)
    expect(table.get_by_role("columnheader").first).to_be_visible()


def accessible(app: Explorer) -> list[dict[str, Any]]:
    """Nodes of the accessibility tree as the browser hands it to a screen reader: role and name."""
    session = app.page.context.new_cdp_session(app.page)
    nodes = session.send("Accessibility.getFullAXTree")["nodes"]
    return [
        {"role": node["role"]["value"], "name": str(node.get("name", {}).get("value", "")).strip(), "node": node}
        for node in nodes
        if not node.get("ignored") and "role" in node
    ]


def test_everything_that_can_be_used_has_a_name(app: Explorer) -> None:
    """No button, field, slider, list, picture or heading is nameless; buttons are not told apart by place alone."""
    app.open("?v=1&zone=tropical&of=filter&val=0,100")
    named = {"button", "textbox", "slider", "combobox", "checkbox", "radio", "link", "image", "img", "progressbar"}
    nodes = accessible(app)
    assert [node["role"] for node in nodes if node["role"] in named and not node["name"]] == []
    buttons = [node["name"] for node in nodes if node["role"] == "button"]
    assert len(buttons) > 15 and len(buttons) == len(set(buttons)), sorted(buttons)
    headings = [node["name"] for node in nodes if node["role"] == "heading"]
    assert len(headings) >= 4 and all(headings), headings
    assert {"main", "banner"} <= {node["role"] for node in nodes}
    assert app.page.locator("html").get_attribute("lang") == "en"


def test_provenance_names_model_weights_data_and_what_is_generated(app: Explorer) -> None:
    """One button tells model, weights hash, data version, observed against generated, and the baseline."""
    from hdlcore.data.cube import open_world
    from hdlcore.runtime.engine import Engine

    model = Engine().models()[0]
    app.open()
    app.button("Provenance").click()
    dialog = app.page.get_by_role("dialog", name="Provenance")
    expect(dialog.locator("dd").first).to_be_visible()
    told = {term.inner_text(): term.locator("+ dd").inner_text() for term in dialog.locator("dt").all()}
    assert model.id in told["Model"] and str(model.members) in told["Model"]
    assert all(member.sha256[:16] in told["Weights"] for member in model.card.members)
    assert told["Data version"] == open_world().attrs["version"]
    assert "GRACE" in told["Observed"] and "ERA5" in told["Reanalysis"]
    assert "generated" in told["Generated"].lower() and "2002 to 2007" in told["Baseline"]
    assert told["Limits"] and told["Attribution"]
    app.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


def test_help_opens_by_key_and_returns_the_focus(app: Explorer) -> None:
    """'?' opens how to read the page, Escape closes it, the page goes on; no late answer takes keys from a dialog."""
    app.page.add_init_script(WIRE)
    app.open()
    app.button("Copy link").focus()
    app.page.keyboard.press("?")
    dialog = app.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Read the heatmap")
    app.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(app.button("Copy link")).to_be_focused()
    app.button("Next month").click()
    expect(app.sentence).to_contain_text(", June:")

    app.page.keyboard.press("?")
    expect(dialog).to_contain_text("Read the heatmap")
    app.page.evaluate("() => { window.wire.held = true; }")
    app.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    app.button("Provenance").click()
    settle(app.page)  # both answers wait by then: that one dialog is closed, and that the other opens
    app.page.evaluate("window.wire.release()")
    expect(app.page.get_by_role("dialog", name="Provenance")).to_be_visible()
    app.page.wait_for_timeout(200)  # the focus is given back after a while
    app.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()


_READ = """() => [...document.querySelectorAll('.hdl-read .head, .hdl-read .line')]
    .map((one) => one.innerText.split('\\n'))"""


def _read_at(app: Explorer, plot: Locator, across: float, touch: bool = False) -> list[list[str]]:
    """Point at a plot and read what stands beside the pointer: the head, then names and values."""
    plot.scroll_into_view_if_needed()
    found: list[list[str]] = []

    def read() -> bool:  # again where the end of the scrolling has taken it away
        box = plot.bounding_box()
        assert box is not None
        x, y = box["x"] + across * box["width"], box["y"] + 0.5 * box["height"]
        if touch:
            app.page.touchscreen.tap(x, y)
        else:
            app.page.mouse.move(x + 1, y)
            app.page.mouse.move(x, y)
        app.page.wait_for_timeout(50)
        found[:] = app.page.evaluate(_READ)
        return len(found) > 1

    app.until(read, f"nothing is read in {app.text_of(plot)}")
    return found


@pytest.mark.parametrize("phone", [False, True])
def test_a_pointer_reads_what_the_table_says(visitor: NewExplorer, phone: bool) -> None:
    """By mouse and by touch; of rain and curves together; gone when the pointer goes, or the page is scrolled."""
    options = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True} if phone else {}
    app = visitor(**options).open()
    (head,), *rows = _read_at(app, app.curves, 0.3, phone)
    said = dict(rows)
    assert list(said)[:2] == ["Precipitation", "Total"] and said["Precipitation"].endswith(" mm a day")
    app.button("Stored water as a table: table").click()
    table = app.page.get_by_role("table").filter(has_text="Stored water,")
    expect(table).to_be_visible()
    names = table.get_by_role("columnheader").all_inner_texts()
    row = table.get_by_role("row").filter(has_text=head[:3])
    values = row.get_by_role("cell").all_inner_texts()
    for name in ("Total", "Soil", "Groundwater"):
        at = next(i for i, column in enumerate(names) if column.startswith(name))
        assert said[name] == f"{values[at - len(names)]} mm", (names, values)
    (row_name,), (age, value) = _read_at(app, app.memory, 0.6, phone)
    assert row_name in ("Precipitation", "Temperature", "Radiation")
    assert re.fullmatch(r"[\d]+( to \d+)? days? before", age) and value.endswith(" mm")
    if phone:
        app.page.touchscreen.tap(195, 20)
    else:
        app.page.mouse.move(5, 5)
    expect(app.page.locator(".hdl-read .line")).to_have_count(0)
