"""The plain app, measured by the same means as ours."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser

from scripts.app_bench.visitor import Visitor, visit
from scripts.app_session import ServerProcess, start_server, stop_server

HERE = Path(__file__).parent
SCRIPT = HERE.joinpath("plain.js").read_text(encoding="utf-8")
PARTS = ("map", "curves")
PAUSE_MS = 1500  # between acts: longer than it works on one when nothing else runs
#: Steps of a month before December, where the plain app's player stands still; it opens in May.
MONTHS_AHEAD = 7


@contextmanager
def plain_server(folder: Path) -> Iterator[ServerProcess | None]:
    """The plain app behind the same server; None where hvPlot is not installed."""
    if importlib.util.find_spec("hvplot") is None:
        yield None
        return
    folder.mkdir(exist_ok=True)
    server = start_server(folder, "--app", str(HERE / "plain.py"), "--ahead", "0")
    try:
        yield server
    finally:
        stop_server(server)


def enter(browser: Browser, address: str) -> tuple[Visitor, float]:
    """A visitor of the plain app, and milliseconds from navigation to both figures."""
    return visit(browser, address, PARTS, [SCRIPT])


def watch_click(visitor: Visitor, place: tuple[float, float]) -> None:
    """Click a cell; `visitor.seen()` then tells when its curves were there."""
    x, y = visitor.page.evaluate("([lat, lon]) => window.bench.pixel(lon, lat)", list(place))
    visitor.watch({"components": {"curves": "now !== was"}})
    visitor.page.mouse.click(x, y)


def measure(
    browser: Browser, address: str, cells: Sequence[tuple[float, float]], seconds: float
) -> dict[str, list[float]]:
    """What `feel` measures of ours: opening, months and clicks (`cells`, at most `MONTHS_AHEAD`), a filter, playing."""
    names = ("opening", "month", "month_bytes", "components", "filter")
    took: dict[str, list[float]] = {name: [] for name in names}
    enter(browser, address)[0].close()
    for _ in range(min(len(cells), 3)):
        visitor, opening = enter(browser, address)
        visitor.close()
        took["opening"].append(opening)
    visitor, _ = enter(browser, address)
    page = visitor.page
    page.wait_for_timeout(PAUSE_MS)
    for step, place in enumerate(cells):
        before, month = len(visitor.traffic), (5 + step) % 12 + 1
        goals = {"month": {"map": f"now.endsWith('month {month}')"}}
        took["month"].append(visitor.act(page.locator("button.next").click, goals)["month"])
        page.wait_for_timeout(PAUSE_MS)
        took["month_bytes"].append(sum(visitor.traffic[before:]) / 1000)
        watch_click(visitor, place)
        took["components"].append(visitor.seen()["components"])
        page.wait_for_timeout(PAUSE_MS)
    zone = page.locator("select").filter(visible=True).first
    zone.focus()
    for key, name in (("ArrowDown", "Tropical"), ("ArrowUp", "All land")):
        goals = {"filter": dict.fromkeys(PARTS, f"now.includes('{name}')")}
        took["filter"].append(visitor.act(lambda key=key: page.keyboard.press(key), goals)["filter"])  # type: ignore[misc]
        page.wait_for_timeout(PAUSE_MS)
    page.locator("button.play").click()
    took["play"] = [visitor.frames(seconds)]
    took["pause"] = [visitor.rests(page.locator("button.pause").click)]
    visitor.close()
    return took
