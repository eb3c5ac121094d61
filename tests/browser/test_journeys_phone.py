"""Journeys on a phone, upright and on its side: what a finger must hit, and what must not be cut or covered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from dashboard.state import PAGES
from tests.browser.test_journeys_access import _TOO_WIDE

if TYPE_CHECKING:
    from playwright.sync_api import Locator

    from tests.browser.conftest import Explorer, NewExplorer

pytestmark = pytest.mark.browser

SMALL = {"width": 360, "height": 740}
# Names beside line ends that have less room than they are wide, and how many figures have such names.
_NAMES = """() => {
    const found = [], pen = document.createElement('canvas').getContext('2d');
    let figures = 0;
    for (const doc of window.Bokeh.documents) for (const fig of doc._all_models.values()) {
        if (fig.type !== 'Figure' || !fig.visible || !fig.inner_width) continue;
        for (const {level, data_source, glyph} of fig.renderers) {
            if (level !== 'annotation') continue;
            figures += 1;
            pen.font = `${glyph.text_font_size.value ?? '12px'} ${glyph.text_font.value}`;
            for (const name of data_source.data[glyph.text.field]) {
                const beside = glyph.text_align.value === 'right' ? 0 : glyph.x_offset.value;
                const wide = beside + pen.measureText(name).width;
                if (wide > fig.outer_width - fig.min_border_left - fig.inner_width + 1) found.push(name);
            }
        }
    }
    return {figures, found};
}"""
# Labels of the horizontal axes that touch the next one.
_TOUCHING = """() => {
    const found = [], pen = document.createElement('canvas').getContext('2d');
    for (const doc of window.Bokeh.documents) for (const fig of doc._all_models.values()) {
        const axis = fig.type === 'Figure' && fig.visible && fig.inner_width ? fig.below[0] : null;
        if (!axis?.visible || axis.ticker.type !== 'FixedTicker') continue;
        pen.font = `12px ${axis.major_label_text_font}`;
        const {start, end} = fig.x_range;
        let right = -Infinity;
        for (const at of [...axis.ticker.ticks].sort((a, b) => a - b)) {
            const name = String(axis.major_label_overrides.get(at) ?? at);
            const wide = Math.max(...name.split('\\n').map((line) => pen.measureText(line).width));
            const middle = (at - start) / (end - start) * fig.inner_width;
            if (middle - wide / 2 < right + 1) found.push(`${name} at ${middle} px`);
            right = middle + wide / 2;
        }
    }
    return found;
}"""
# Controls of less than 24 x 24 px (WCAG 2.2, 2.5.8), a label counting for the box it names.
_SMALL_TARGETS = """() => {
    const found = [], wanted = 'button, a[href], input, select, textarea, summary, [role=combobox], [role=button]';
    const walk = (root) => {
        for (const node of root.querySelectorAll('*')) {
            if (node.shadowRoot) walk(node.shadowRoot);
            if (!node.matches(wanted) || node.disabled || node.ariaHidden === 'true') continue;
            const {clipPath, opacity} = getComputedStyle(node);
            if (!node.checkVisibility() || clipPath !== 'none' || opacity === '0') continue;
            let {width, height} = node.getBoundingClientRect();
            const label = node.closest('label')?.getBoundingClientRect();
            if (label && label.height > height) ({width, height} = label);
            const name = node.getAttribute('aria-label') ?? node.textContent;
            if (width > 1 && (width < 24 || height < 24)) found.push(`${node.tagName} ${name} ${width} x ${height}`);
        }
    };
    walk(document.body);
    return found;
}"""


_WRITTEN = """() => window.Bokeh.documents.flatMap((doc) => [...doc._all_models.values()])
    .filter((one) => one.level === 'annotation' && one.glyph)
    .flatMap((one) => [...one.data_source.data[one.glyph.text.field]])"""


def phone(visitor: NewExplorer, **options: object) -> Explorer:
    """A visitor with a small phone."""
    return visitor(**{"viewport": SMALL, "has_touch": True, "is_mobile": True, **options})


@pytest.mark.parametrize(
    ("query", "last"),
    [
        ("v=1&page=data&set=catchments&site=5", "Observed"),
        ("v=1&model=twin-earth", "Satellite ∘"),
        ("v=1&page=whatif&if=precipitation*0.5@2004-01-01..2004-12-31", "Changed"),
        ("v=1&page=trust", "0.54"),
    ],
)
def test_names_at_line_ends_are_whole_on_a_phone(visitor: NewExplorer, query: str, last: str) -> None:
    """Each name has the pixels it needs, and the curves still have most of the width."""
    app = phone(visitor)
    app.visit(query)
    app.until(lambda: app.page.evaluate(_NAMES)["figures"] >= 1, "no figure has names")
    app.until(lambda: app.page.evaluate(_NAMES)["found"] == [], f"cut: {app.page.evaluate(_NAMES)['found']}")
    app.until(lambda: last in app.page.evaluate(_WRITTEN), f"nothing is called {last}")
    app.until(lambda: app.page.evaluate(_NAMES)["found"] == [], f"cut: {app.page.evaluate(_NAMES)['found']}")
    app.until(lambda: app.page.evaluate(_TOUCHING) == [], f"touching: {app.page.evaluate(_TOUCHING)}")


#: Where a page has most to say: a story, warming in all months, a model beside its truth, a tour.
FULL = {
    "why": "&way=gradient_x_input",
    "whatif": "&if=all%3E%3E30",
    "trust": "&model=global-twin",
    "learn": "&tour=how-sure-are-we",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_finger_hits_every_control_and_nothing_is_wider_than_the_screen(visitor: NewExplorer, name: str) -> None:
    app = phone(visitor)
    app.visit(f"v=1&page={name}&zone=cold&of=filter{FULL.get(name, '')}")
    assert app.page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"]
    assert app.page.evaluate(_TOO_WIDE) == []
    app.until(lambda: not app.page.evaluate(_SMALL_TARGETS), f"too small: {app.page.evaluate(_SMALL_TARGETS)}")


# What of a box sticks out of the screen or covers its neighbour, by name.
_CRAMPED = """(dialog) => {
    const found = [], boxes = [];
    const walk = (root) => {
        for (const node of root.querySelectorAll('*')) {
            if (node.shadowRoot) walk(node.shadowRoot);
            if (node.matches('button') && node.checkVisibility())
                boxes.push([node.getAttribute('aria-label') ?? node.textContent, node.getBoundingClientRect(), node]);
        }
    };
    walk(dialog);
    boxes.forEach(([name, {left, right, bottom, top}, node], i) => {
        if (left < 0 || right > innerWidth || node.scrollWidth > node.clientWidth) found.push(name);
        for (const [other, box] of boxes.slice(i + 1))
            if (box.left < right && left < box.right && box.top < bottom && top < box.bottom)
                found.push(`${name}, ${other}`);
    });
    return found;
}"""
_CONTRAST = """(node) => {
    let ground = node;
    while (getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)') ground = ground.parentElement;
    const light = (color) => {
        const [r, g, b] = color.match(/[\\d.]+/g).map((part) => part / 255)
            .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
    };
    const [one, other] = [node, ground].map((at, i) => light(getComputedStyle(at)[i ? 'backgroundColor' : 'color']));
    return Math.max(one / other, other / one);
}"""


@pytest.mark.parametrize("scheme", ["", "theme=dark"])
def test_lists_and_dialogs_of_a_phone_are_read_reached_and_closed(visitor: NewExplorer, scheme: str) -> None:
    """The header's list on its ground, files beside each other, the button that closes, Escape from nowhere."""
    app = phone(visitor)
    app.visit(f"v=1&page=trust&{scheme}")
    app.page.get_by_role("combobox", name="Model or data").click()
    names = app.page.get_by_role("listbox", name="Model or data").get_by_text(re.compile("World water|Twin|Models"))
    expect(names).to_have_count(4)
    assert min(names.nth(at).evaluate(_CONTRAST) for at in range(4)) > 4.5
    app.page.keyboard.press("Escape")
    expect(names).to_have_count(0)
    app.button("Export").tap()
    dialog = app.page.get_by_role("dialog", name="Export")
    expect(dialog.get_by_role("button", name="Map as PNG")).to_be_visible()
    app.until(lambda: not dialog.evaluate(_CRAMPED), f"cramped: {dialog.evaluate(_CRAMPED)}")
    dialog.get_by_role("button", name="close").tap()
    expect(dialog).to_be_hidden()
    expect(app.button("Export")).to_be_focused()
    app.button("Help").tap()
    expect(app.page.get_by_role("dialog", name="How to read this page")).to_be_visible()
    app.page.evaluate("document.activeElement.blur()")
    app.page.keyboard.press("Escape")
    expect(app.page.get_by_role("dialog")).to_be_hidden()


def test_the_picker_names_its_model_on_a_phone_and_the_row_of_pages_says_that_it_goes_on(visitor: NewExplorer) -> None:
    """Two models of the world differ in their last words; a page beyond the edge is cut by a fade, not by a gap."""
    app = phone(visitor).open()
    picker = app.page.get_by_role("combobox", name="Model or data")
    expect(picker).to_have_text("World water, trained on GRACE")
    assert picker.evaluate("(box) => box.scrollHeight <= box.clientHeight + 1"), "the name is cut"
    pages = app.page.get_by_role("navigation", name="Pages").filter(visible=True)
    expect(pages).to_have_class("more-right")
    pages.get_by_role("link", name="Data").click()
    expect(app.page).to_have_title("Data · HDL Explorer")
    expect(pages).to_have_class("more-left")
    expect(pages.get_by_role("link", name="Data")).to_be_in_viewport(ratio=0.9)


def test_two_maps_beside_each_other_stand_on_one_line_and_their_key_covers_nothing(visitor: NewExplorer) -> None:
    """A phone on its side: the name of the left map takes two lines, that of the right one."""
    app = phone(visitor, viewport={"width": 844, "height": 390})
    app.visit("v=1&page=compare&model=global-twin&model2=twin-earth&var=groundwater")
    maps = app.page.get_by_role("img", name=re.compile("^Map [LR]: "))
    expect(maps).to_have_count(2)
    tops = [maps.nth(at).evaluate("(one) => one.getBoundingClientRect().top") for at in (0, 1)]
    assert abs(tops[0] - tops[1]) < 2
    key = app.page.get_by_role("button", name=re.compile("^Colour range (follows|is locked)")).filter(visible=True)
    said = app.page.get_by_text("R minus L over").filter(visible=True)
    low, high = (one.evaluate("(one) => one.getBoundingClientRect().toJSON()") for one in (key, said))
    assert low["bottom"] <= high["top"], "the key of the colours covers the sentence under the maps"


def test_the_words_of_a_tour_are_a_touch_away_from_the_picture_they_speak_of(visitor: NewExplorer) -> None:
    """Show it leads to the beginning of the picture, under the head; words unfold over it and fold again."""
    app = phone(visitor)
    app.visit("tour=memory-of-a-dry-season&stop=5")
    runs = app.page.get_by_role("heading", name="Groundwater", level=2)
    expect(runs).to_be_attached()
    said = app.page.get_by_text("Half the rain in 2004, in the central Amazon.")
    expect(said).to_be_in_viewport()
    app.button("Show it").tap()
    expect(runs).to_be_in_viewport()
    expect(app.page.get_by_role("img", name=re.compile("^Precipitation"))).to_be_in_viewport()
    words = app.button("Words")
    expect(words).to_have_attribute("aria-expanded", "false")
    app.until(lambda: not hit(said), "the words hang over the picture unasked")
    words.tap()
    app.until(lambda: hit(said), "the words are not over the picture")
    app.button("Hide words").tap()
    expect(app.button("Words")).to_be_visible()
    app.until(lambda: not hit(said), "the words still hang over the picture")
    app.button("Back").tap()
    expect(app.page.get_by_role("heading", name="The map of memory")).to_be_in_viewport()


def hit(text: Locator) -> bool:
    """Whether a finger in the middle of a text would touch it: nothing cuts it off there, nothing lies over it."""
    found: bool = text.evaluate(
        """(node) => {
            const box = node.getBoundingClientRect();
            let at = document.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
            while (at?.shadowRoot) {
                const inner = at.shadowRoot.elementFromPoint(box.left + box.width / 2, box.top + box.height / 2);
                if (!inner || inner === at) break;
                at = inner;
            }
            return at === node || node.contains(at);
        }"""
    )
    return found


def test_an_answer_that_was_shown_stays_when_the_type_grows(app: Explorer) -> None:
    """In front of a class: the question is answered, then somebody in the last row cannot read it."""
    app.visit("tour=what-is-water-storage&stop=3")
    app.button("Show the answer").click()
    answer = app.page.get_by_text("Storage goes on rising as long as more water comes in")
    expect(answer).to_be_visible()
    app.button("Large type").click()
    expect(app.button("Normal type")).to_be_focused()
    expect(app.page.locator(".tourstep")).to_have_class(re.compile("large"))
    expect(answer).to_be_visible()
    app.address_says(screen="large")
    app.button("Next").click()
    expect(app.page.get_by_role("heading", name="Not everywhere the same")).to_be_visible()
    expect(app.page.locator(".tourstep")).to_have_class(re.compile("large"))


def test_an_answer_is_never_under_the_page(visitor: NewExplorer) -> None:
    """A laptop's screen: scrolled to the months by some pixels, as the tour asks; the words give way by as much."""
    app = visitor(viewport={"width": 1366, "height": 600})
    app.visit("tour=what-is-water-storage&stop=2")
    ask = app.page.get_by_text("Where does the colour change from blue to red")
    app.until(lambda: hit(ask), "the question is not to be seen")
    ask.hover()
    app.page.mouse.wheel(0, 40)
    expect(app.page.locator(".tourstep")).to_have_class(re.compile("stuck"))
    assert hit(ask), "a few pixels hide all of the words"
    app.button("Around the Amazon").click()
    answer = app.page.get_by_text("In the desert nothing is stored, so nothing changes.")
    app.until(lambda: hit(answer), "the answer is under the page")
