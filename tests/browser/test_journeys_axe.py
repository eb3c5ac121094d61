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
SERIOUS = ("serious", "critical")
#: Whether nothing moves or fades, through all shadow roots.
_STILL = """() => {
    const still = (root) => root.getAnimations().every((one) => one.playState !== 'running')
        && [...root.querySelectorAll('*')].every((node) => !node.shadowRoot || still(node.shadowRoot));
    return still(document);
}"""


def found(app: Explorer) -> list[str]:
    """What is wrong, how badly and where, in a line each."""
    violations = Axe().run(app.page).response["violations"]
    return [
        f"{one['id']} ({one['impact']}): {node['target']} {node['html'][:120]}"
        for one in violations
        if one["impact"] in SERIOUS
        for node in one["nodes"]
    ]


@pytest.mark.parametrize("page", PAGES)
def test_nothing_serious_is_found(visitor: NewExplorer, page: str) -> None:
    """In light on a desktop; then, the theme switched, in the dark on a phone."""
    app = visitor().visit(f"v=1&page={page}{LINKS.get(page, '')}")
    assert found(app) == []
    app.button("Toggle theme").click()
    app.page.set_viewport_size({"width": 390, "height": 844})
    settle(app.page)
    assert found(app) == []


def test_nothing_serious_is_found_in_dialogs_and_lists(app: Explorer) -> None:
    """Each dialog of the header, and an open list."""
    app.open()
    for name in ("Export", "Provenance", "Help"):
        app.button(name).click()
        dialog = app.page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        settle(app.page)
        assert found(app) == [], name
        app.page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
    app.page.get_by_role("combobox", name="Projection").click()
    expect(app.page.get_by_role("option", name="Robinson")).to_be_visible()
    app.until(lambda: app.page.evaluate(_STILL), "the list is still coming in")
    assert found(app) == []
