"""The app's figures are measured on a page that a person could have: a step, a click, a while of playing."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

from scripts.app_bench import feel
from scripts.app_bench.client import Client
from scripts.app_bench.figures import AIMS, figures
from scripts.app_bench.visitor import visit
from scripts.app_session import settle

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from scripts.app_session import ServerProcess

pytestmark = pytest.mark.browser


def test_a_short_run_gives_figures_of_the_right_names_and_sizes(server: ServerProcess, browser: Browser) -> None:
    """Opening, a month step and a click have milliseconds and kilobytes; playing paints frames and pause ends it."""
    visitor, opening = visit(browser, server.app, feel.PARTS, reduced_motion="no-preference")
    try:
        settle(visitor.page)
        expect(visitor.page.get_by_role("button", name="Speed of playing: 1 times")).to_be_visible()
        took = {"opening": [opening]} | feel.months(visitor, 1) | feel.clicks(visitor, feel.places(1))
        took |= feel.plays(visitor, 2.0)
        expect(visitor.page.get_by_role("button", name="Speed of playing: 10 times")).to_be_visible()
    finally:
        visitor.close()
    measured = {key: one.ours for key, one in zip(took, figures(took, {}), strict=True)}
    assert [one.name for one in figures(took, {})] == [AIMS[key].name for key in took]
    for key in ("opening", "month", "components", "heatmap"):
        assert 1 < measured[key] < 60_000, f"{key}: {measured[key]} ms"
    assert 1 < measured["month_bytes"] < 300, "a step sends words, and some months ahead as a number a cell, not pixels"
    assert 0 < measured["play"] <= 16, "frames a second at 70 ms each"


def test_a_visitor_without_a_browser_has_a_filled_page(server: ServerProcess) -> None:
    """The server sends such a visitor the page, another one and back, then what a click brings."""

    async def messages() -> tuple[int, int]:
        client = await Client.enter(server.app)
        await client.turn("memory")
        await client.turn("explore")
        before = client.received
        await client.tap(0.1, 0.1)
        for _ in range(30):  # a busy server answers later than it then rests
            await client.rest()
            if client.received > before:
                break
        client.leave()
        return before, client.received

    with ThreadPoolExecutor(1) as elsewhere:  # playwright has a loop in this thread
        before, after = elsewhere.submit(lambda: asyncio.run(messages())).result()
    assert 0 < before < after
