"""Speed of the app as a person has it: real Chromium, warm server, this machine only. Prints JSON.

    .venv/bin/python scripts/measure_app.py [--openings 5] [--steps 20] [--clicks 6]

Times are from the person's act (navigation, pointer or key going down, by the browser's clock) to the frame in which
everything named is on the screen. Bytes are WebSocket payloads in both directions.
"""

from __future__ import annotations

import argparse
import calendar
import json
import os
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [root] if (root := str(Path(__file__).resolve().parents[1])) not in sys.path else []

import numpy as np  # noqa: E402
from playwright.sync_api import Browser, Page  # noqa: E402

from scripts.app_session import chromium, pixel, settle, start_server, stop_server  # noqa: E402

PLACES = {"Germany": (50.5, 10.5), "India": (22.5, 80.5), "Australia": (-25.5, 135.5), "Kenya": (0.5, 38.5)}
MONTHS = list(calendar.month_name)[1:]
WAIT_MS = 60_000

# Helpers in the page: labels of what is drawn (through shadow roots), whether canvases hold pixels, when the act began.
_HELPERS = """
window.hdlAct = 0;
for (const name of ['pointerdown', 'keydown'])
    window.addEventListener(name, () => { window.hdlAct = performance.now() }, { capture: true });
window.hdlFind = (selector, from) => {
    const found = [];
    const walk = (root) => {
        found.push(...root.querySelectorAll(selector));
        for (const node of root.querySelectorAll('*')) if (node.shadowRoot) walk(node.shadowRoot);
    };
    walk(from ?? document);
    return found;
};
window.hdlInk = (plot) => window.hdlFind('canvas', plot.shadowRoot ?? plot).some((canvas) => {
    if (!canvas.width || !canvas.height) return false;
    const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? [];
    for (let i = 3; i < pixels.length; i += 404) if (pixels[i]) return true;
    return false;
});
window.hdlSays = () => {
    const says = window.hdlFind('[role=img]').map((plot) => plot.getAttribute('aria-label') ?? '');
    return {
        map: says.find((text) => text.startsWith('Map:')) ?? '',
        curves: says.find((text) => /stored water (swings|ranges|departs)/.test(text)) ?? '',
        memory: says.find((text) => text.includes('the memory of stored water')) ?? '',
        sentence: window.hdlFind('.sentence')[0]?.textContent ?? '',
        painted: Number(document.documentElement.dataset.hdlMapPainted ?? 0),
    };
};
"""
_FILLED = """() => {
    const says = window.hdlSays();
    if (!says.painted || !says.curves || !says.memory || !says.sentence) return false;
    const plots = window.hdlFind('[role=img]');
    const drawn = ['map', 'curves', 'memory'].every((key) =>
        plots.some((plot) => plot.getAttribute('aria-label') === says[key] && window.hdlInk(plot)));
    return drawn && performance.now();
}"""
_SINCE = "(test) => new Function('says', `return ${test}`)(window.hdlSays()) && performance.now() - window.hdlAct"


@dataclass
class Visitor:
    """One browser context with the app open, its WebSocket traffic counted (bytes)."""

    page: Page
    traffic: list[int] = field(default_factory=list)

    def until(self, test: str) -> float:
        """Wait until a JavaScript test of ``says`` holds; milliseconds since the last pointer or key went down."""
        return float(self.page.wait_for_function(_SINCE, arg=test, polling="raf", timeout=WAIT_MS).json_value())

    def click_place(self, name: str) -> float:
        """Click a country on the map; milliseconds until sentence, curves and heatmap are of it."""
        x, y = pixel(self.page, *PLACES[name])
        self.page.mouse.click(x, y)
        parts = ("sentence", "curves", "memory")
        return self.until(" && ".join(f"says.{part}.startsWith('{name}')" for part in parts))


def visit(browser: Browser, address: str) -> tuple[Visitor, float]:
    """A new visitor and the milliseconds from navigation to a filled page."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    page = context.new_page()
    visitor = Visitor(page)

    def count(payload: str | bytes) -> None:
        visitor.traffic.append(len(payload))

    def listen(socket: Any) -> None:
        socket.on("framereceived", count)
        socket.on("framesent", count)

    page.on("websocket", listen)
    page.add_init_script(_HELPERS)
    page.goto(address, wait_until="commit")
    took = float(page.wait_for_function(_FILLED, polling=50, timeout=WAIT_MS).json_value())
    settle(page)
    return visitor, took


def spread(values: list[float], digits: int = 0) -> dict[str, float]:
    """Median, 95th percentile and number of values."""
    middle, high = (float(value) for value in np.percentile(values, [50, 95]))
    return {"p50": round(middle, digits), "p95": round(high, digits), "n": len(values)}


def measure_opening(browser: Browser, address: str, times: int) -> dict[str, float]:
    """Navigation to a filled page, each time as a new visitor with an empty cache."""
    took = []
    for _ in range(times):
        visitor, milliseconds = visit(browser, address)
        visitor.page.context.close()
        took.append(milliseconds)
    return spread(took)


def measure_months(visitor: Visitor, steps: int) -> dict[str, Any]:
    """Arrow key to the map painted and the sentence saying the month; bytes of each step."""
    took, sizes, month = [], [], 4
    visitor.page.get_by_role("heading", level=1).click()
    for _ in range(steps):
        month = (month + 1) % 12
        before = len(visitor.traffic)
        painted = visitor.page.evaluate("window.hdlSays().painted")
        visitor.page.keyboard.press("ArrowRight")
        name = MONTHS[month]
        test = f"says.sentence.includes(', {name}:') && says.map.includes('in {name},') && says.painted > {painted}"
        took.append(visitor.until(test))
        settle(visitor.page, quiet=0.2)
        sizes.append(float(sum(visitor.traffic[before:])))
    return {"milliseconds": spread(took), "bytes": spread(sizes)}


def measure_filter(visitor: Visitor, times: int) -> dict[str, float]:
    """A click on a climate zone to sentence, curves and heatmap of the cells left (area-weighted)."""
    took = []
    for _ in range(times):
        visitor.page.get_by_role("button", name="Tropical", exact=True).click()
        parts = ("sentence", "curves", "memory")
        took.append(visitor.until(" && ".join(f"says.{part}.startsWith('Tropical climate')" for part in parts)))
        settle(visitor.page)
        visitor.page.get_by_role("button", name="Remove Tropical climate").click()
        visitor.until("!says.memory.startsWith('Tropical climate')")
        settle(visitor.page)
    return spread(took)


def measure_clicks(visitor: Visitor, times: int) -> list[float]:
    """Clicks on the map, from place to place; milliseconds each."""
    took = []
    for i in range(times):
        took.append(visitor.click_place(list(PLACES)[i % len(PLACES)]))
        settle(visitor.page, quiet=0.2)
    return took


def measure_two(browser: Browser, address: str, visitor: Visitor, times: int) -> dict[str, Any]:
    """Clicks of one visitor while another one's long explanation is computed, against the same with nobody else."""
    alone = measure_clicks(visitor, times)
    first, _ = visit(browser, address)
    cancel = first.page.get_by_role("button", name="Cancel").filter(visible=True)
    busy: list[float] = []
    for i in range(times):
        if not cancel.count():  # the job has ended: ask for another cell's
            first.page.goto(f"{address}?v=1&page=memory&at=64.5,{100.5 - 2 * i}&method=expected_gradients&reach=two")
            cancel.wait_for(timeout=WAIT_MS)
        took = visitor.click_place(list(PLACES)[i % len(PLACES)])
        if cancel.count():  # only clicks during which the job ran throughout count
            busy.append(took)
    first.page.context.close()
    result: dict[str, Any] = {"alone": spread(alone), "while another works": spread(busy) if busy else None}
    result["ratio of medians"] = round(float(np.median(busy) / np.median(alone)), 2) if busy else None
    return result


def main() -> int:
    """Measure all, print JSON, return 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--openings", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--clicks", type=int, default=8)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = start_server(Path(folder))
        try:
            with chromium() as browser:
                visit(browser, server.app)[0].page.context.close()  # the server is warm from here on
                opening = measure_opening(browser, server.app, options.openings)
                visitor, _ = visit(browser, server.app)
                result = {
                    "load average before": round(os.getloadavg()[0], 1),
                    "opening to filled page, ms": opening,
                    "click to new curves and heatmap, ms": spread(measure_clicks(visitor, options.clicks)),
                    "month step": measure_months(visitor, options.steps),
                    "filter to all views, ms": measure_filter(visitor, 5),
                    "second visitor's click, ms": measure_two(browser, server.app, visitor, options.clicks),
                }
                print(json.dumps(result, indent=2))
        finally:
            stop_server(server)
    return 0


if __name__ == "__main__":
    sys.exit(main())
