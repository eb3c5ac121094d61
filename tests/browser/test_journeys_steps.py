"""Journeys through what is done over and over: months, filters, maps. What the browser does for each, counted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import Explorer

pytestmark = pytest.mark.browser

# Counts, for each answer of the server, how often it had the whole page laid out.
LAYOUTS = """() => {
    const esm = Bokeh.Models.get("panel.models.esm.ReactiveESM").prototype.default_view.prototype;
    const answers = Bokeh.require("document").Document.prototype;
    const [compute, take] = [esm.compute_layout, answers._apply_json_patch];
    window.layouts = [];
    let now = null;
    esm.compute_layout = function () { if (now !== null && !this.is_managed) now += 1; return compute.call(this); };
    answers._apply_json_patch = function (...answer) {
        now = 0;
        try { return take.apply(this, answer); } finally { window.layouts.push(now); now = null; }
    };
}"""


def test_an_answer_does_not_lay_out_the_page(app: Explorer) -> None:
    """A choice appears under a filter, another legend stands beside the map: the rest of the page stays as it is."""
    app.open()
    of_many = app.page.get_by_role("radiogroup", name="Of many cells")
    expect(of_many).to_be_hidden()
    app.page.evaluate(LAYOUTS)
    app.button("Tropical").click()
    expect(app.curves).to_have_attribute("aria-label", re.compile("^Tropical climate"))
    expect(of_many).to_be_visible()
    assert set(app.page.evaluate("window.layouts")) == {0}
    app.page.evaluate("window.layouts = []")
    app.pick("Quantity", "Stores that carry the yearly swing")
    expect(app.page.get_by_role("img", name="Legend: a triangle of colours")).to_be_visible()
    assert set(app.page.evaluate("window.layouts")) == {0}
    app.button("Remove Tropical climate").click()
    expect(of_many).to_be_hidden()
