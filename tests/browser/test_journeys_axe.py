"""What an automatic check finds on each page: nothing serious or critical, light and dark, wide and narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from dashboard.state import PAGES
from scripts.app_session import settle

if TYPE_CHECKING:
    from tests.browser.conftest import Explorer, NewExplorer

pytestmark = pytest.mark.browser

#: Where a page shows most: a scenario that is run, a data set with a model beside it.
LINKS = {"whatif": "&if=precipitation*0.5@2004-01-01..2004-12-31", "data": "&set=catchments&site=5"}
# Stops of the Tab key without a name, through all shadow roots. A select box is named by its label and its choice.
_NAMELESS = """() => {
    const found = [];
    const walk = (root) => {
        for (const node of root.querySelectorAll('*')) {
            if (node.shadowRoot) walk(node.shadowRoot);
            if (node.tabIndex < 0 || node.disabled || !node.checkVisibility({visibilityProperty: true})) continue;
            const labels = [...(node.labels ?? [])].map((label) => label.textContent).join('');
            const name = node.getAttribute('aria-label') || node.getAttribute('aria-labelledby') || labels
                || node.textContent || node.title;
            if (!name.trim()) found.push(node.outerHTML.slice(0, 160));
        }
    };
    walk(document);
    return found;
}"""

SERIOUS = ("serious", "critical")
#: Every rule, but of what passes no list of all its nodes, which is long to make.
REPORT = {"resultTypes": ["violations"]}
#: Whether nothing moves or fades, through all shadow roots.
_STILL = """() => {
    const still = (root) => root.getAnimations().every((one) => one.playState !== 'running')
        && [...root.querySelectorAll('*')].every((node) => !node.shadowRoot || still(node.shadowRoot));
    return still(document);
}"""


def found(app: Explorer) -> list[str]:
    """What is wrong, how badly and where, in a line each."""
    violations = Axe().run(app.page, options=REPORT).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:120]}"
        for one in violations
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


def clean(app: Explorer, where: str) -> None:
    """Wait until nothing moves and nothing serious is found: a busy machine gives controls a mode's colours late."""
    wrong: list[str] = []

    def holds() -> bool:
        wrong[:] = found(app) if app.page.evaluate(_STILL) else ["something still moves"]
        return not wrong

    try:
        app.until(holds, where)
    except AssertionError:
        raise AssertionError(f"{where}: {wrong}") from None


@pytest.mark.parametrize("page", PAGES)
def test_nothing_serious_is_found(visitor: NewExplorer, page: str) -> None:
    """In light on a desktop; then, the theme switched, in the dark on a phone. No stop of the Tab key is nameless.

    Canvases are read by their names, words and tables; a stop at each would say nothing and do nothing.
    """
    app = visitor().visit(f"v=1&page={page}{LINKS.get(page, '')}")
    clean(app, "in light")
    assert app.page.evaluate(_NAMELESS) == []
    app.button("Toggle theme").click()
    expect(app.page.locator("html")).to_have_attribute("data-hdl-mode", "dark")
    app.page.set_viewport_size({"width": 390, "height": 844})
    settle(app.page)
    clean(app, "in the dark")


def test_nothing_serious_is_found_in_dialogs_and_lists(app: Explorer) -> None:
    """Each dialog of the header, and an open list."""
    app.open()
    for name in ("Export", "Provenance", "Help"):
        app.button(name).click()
        dialog = app.page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        settle(app.page)
        clean(app, name)
        app.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
    app.page.get_by_role("combobox", name="Projection").click()
    expect(app.page.get_by_role("option", name="Robinson")).to_be_visible()
    clean(app, "an open list")
