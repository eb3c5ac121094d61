"""Journeys through the section "Memory that retraining finds" of the page Memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from tests.browser.conftest import Explorer

pytestmark = pytest.mark.browser


def test_retrained_memory_is_drawn_when_asked_for_and_says_it_is_another_question(app: Explorer) -> None:
    """Closed at first; open it shows curves, map, tables with published numbers; the seasonal cycle has no map."""
    app.visit("v=1&page=memory")
    expect(app.page.get_by_text("The two must never be mixed")).to_be_visible()
    curves = app.page.get_by_role("img", name="Mem of the anomalies by months of the past")
    place = app.page.get_by_role("img", name="Map of Mem at 600 sampled cells")
    expect(curves).to_have_count(0)
    app.button("Show what it finds").click()
    expect(curves).to_be_visible()
    expect(place).to_be_visible()
    for plot in (curves, place):
        app.drawn(plot)
    emulators = app.page.get_by_role("table", name="NSE of emulated daily evapotranspiration (generated)")
    expect(emulators.get_by_role("row", name="LSTM_noSM")).to_contain_text("0.95")
    app.radio("Seasonal cycle").click()
    expect(app.page.get_by_role("img", name="Mem of the seasonal cycle by months of the past")).to_be_visible()
    expect(place).to_have_count(0)
    app.button("Hide").click()
    expect(emulators).to_be_hidden()
