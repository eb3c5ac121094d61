"""What one person feels: opening, clicks, months, filters. Each measure returns milliseconds (or bytes) of each act."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from playwright.sync_api import Browser

from dashboard.pages.frame import NAME
from dashboard.state import PAGES
from hdlcore.runtime.engine import Engine
from scripts.app_bench.visitor import Visitor, visit
from scripts.app_session import pixel, settle

PARTS = ("map", "curves", "memory", "sentence")
MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
OPENS_IN = 4  # the app opens in May
#: Where no gauge or tower is marked on the map: west, east, south, north (degrees).
BARE = (65.0, 135.0, -30.0, 60.0)
REST_S = 5.0  # between visitors: by then a session is ready for the next
#: The opening view in dark colours: every such session is built when it is asked for.
BUILT = "?theme=dark"
CALM_S = 1.0  # who has rested so long has pages made
#: A browser that is to save data has none made.
SAVES_DATA = "Object.defineProperty(navigator, 'connection', { value: { saveData: true } })"
TAP_APART_S = 0.4  # Bokeh takes two clicks within 300 ms for one double click


def places(count: int, seed: int = 7) -> list[tuple[float, float]]:
    """Some land cells as (latitude, longitude), drawn with a seed, no two alike."""
    world = Engine().world
    lat, lon = (world[name].values.astype(float) for name in ("lat", "lon"))
    west, east, south, north = BARE
    inside = np.flatnonzero((lon > west) & (lon < east) & (lat > south) & (lat < north))
    chosen = np.random.default_rng(seed).choice(inside, count, replace=False)
    return [(float(lat[at]), float(lon[at])) for at in chosen]


def openings(browser: Browser, address: str, times: int) -> list[float]:
    """Navigation to a filled page, each time as a new visitor with an empty cache who comes to a server at rest."""
    took = []
    for _ in range(times):
        time.sleep(REST_S)
        visitor, milliseconds = visit(browser, address, PARTS)
        settle(visitor.page)
        visitor.close()
        took.append(milliseconds)
    return took


def watch_click(visitor: Visitor, place: tuple[float, float]) -> None:
    """Click a cell on the map; `visitor.seen()` then tells when components and heatmap were there."""
    x, y = pixel(visitor.page, *place)
    visitor.watch({
        "components": {"sentence": "now !== was", "curves": "now !== was"},
        "heatmap": {"memory": "now !== was"},
    })  # fmt: skip
    visitor.page.mouse.click(x, y)


def clicks(visitor: Visitor, cells: Sequence[tuple[float, float]]) -> dict[str, list[float]]:
    """Clicks from cell to cell, each never asked for before: components, heatmap."""
    took: dict[str, list[float]] = {"components": [], "heatmap": []}
    for place in cells:
        visitor.page.wait_for_timeout(1000 * TAP_APART_S)
        watch_click(visitor, place)
        for name, milliseconds in visitor.seen().items():
            took[name].append(milliseconds)
        settle(visitor.page, quiet=0.2)
    return took


def months(visitor: Visitor, steps: int) -> dict[str, list[float]]:
    """Arrow key to all that says the new month, map and curves painted; kilobytes of each step."""
    took: dict[str, list[float]] = {"month": [], "month_bytes": []}
    visitor.page.get_by_role("heading", level=1).click()
    for step in range(1, steps + 1):
        name, before = MONTHS[(OPENS_IN + step) % 12], len(visitor.traffic)
        goals = {"month": {
            "sentence": f"now.includes(', {name}:')", "player": f"now === '{name}'", "curves": "true",
            **dict.fromkeys(("map", "title", "legend"), f"now.includes('in {name},')"),
        }}  # fmt: skip
        seen = visitor.act(lambda: visitor.page.keyboard.press("ArrowRight"), goals)
        visitor.page.locator(".months[data-waiting='0']").filter(visible=True).wait_for()  # the server has answered
        settle(visitor.page, quiet=0.2)
        took["month"].append(seen["month"])
        took["month_bytes"].append(sum(visitor.traffic[before:]) / 1000)
    return took


def filters(visitor: Visitor, times: int) -> list[float]:
    """A click on a climate zone to map, sentence, curves and heatmap of the cells left (area-weighted)."""
    took, zone = [], visitor.page.get_by_role("button", name="Tropical", exact=True)
    named = "Tropical climate"
    goals = {"filter": dict.fromkeys(PARTS, f"now.includes('{named}')")}
    for _ in range(times):
        took.append(visitor.act(zone.click, goals)["filter"])
        settle(visitor.page)
        remove = visitor.page.get_by_role("button", name=f"Remove {named}")
        visitor.act(remove.click, {"back": {"memory": f"!now.includes('{named}')"}})
        settle(visitor.page)
    return took


def plays(visitor: Visitor, seconds: float) -> dict[str, list[float]]:
    """Play at the greatest speed: frames painted a second, milliseconds from pause to the last thing that changed."""
    page = visitor.page
    for _ in range(2):  # through the speeds to the last
        page.get_by_role("button", name="Speed of playing").click()
    page.get_by_role("button", name="Play the months").click()
    frames = visitor.frames(seconds)
    return {"play": [frames], "pause": [visitor.rests(page.get_by_role("button", name="Pause").click)]}


def turns(visitor: Visitor) -> tuple[list[float], list[float]]:
    """Through all pages by the links in the header: milliseconds to each page, and to the last answer of the models."""
    whole, last = [], []
    names = list(PAGES.values())
    for name in [*names[1:], names[0]]:
        link = visitor.page.get_by_role("navigation", name="Pages").get_by_role("link", name=name, exact=True)
        title = NAME if name == names[0] else f"{name} · {NAME}"
        found = visitor.turned(link.filter(visible=True).click, f"document.title === '{title}'")
        whole.append(found[0])
        last.append(found[1])
    return whole, last


def visits(browser: Browser, address: str, cell: tuple[float, float]) -> dict[str, list[float]]:
    """First visits of all pages by visitors who have rested; rested and clicked; not rested. The first goes twice."""
    took: dict[str, list[float]] = {}
    for name, script in (("rested", ""), ("clicked", ""), ("at_once", SAVES_DATA)):
        visitor, _ = visit(browser, address, PARTS, [script] if script else [])
        settle(visitor.page)
        if not script:
            visitor.pages_made()
        if name == "clicked":
            watch_click(visitor, cell)
            visitor.seen()
            settle(visitor.page)
        took[f"visit_{name}"], took[f"answers_{name}"] = turns(visitor)
        if name == "rested":
            took["switch"] = turns(visitor)[1]
        visitor.close()
    return took


def clicks_meanwhile(browser: Browser, address: str, cells: Sequence[tuple[float, float]]) -> list[float]:
    """Click to new components while pages are made, each some time after the visitor has rested for a second."""
    took: list[float] = []
    visitor, _ = visit(browser, address, PARTS)
    settle(visitor.page)
    for number, place in enumerate(cells):
        visitor.page.wait_for_timeout(1000 * (CALM_S + 0.5 + 0.13 * (number % 8)))
        watch_click(visitor, place)
        took.append(visitor.seen()["components"])
    visitor.close()
    return took
