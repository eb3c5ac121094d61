"""A person in a browser of their own: opens the app, acts, and sees what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

WATCH = (Path(__file__).with_name("watch.js")).read_text(encoding="utf-8")
WAIT_MS = 60_000
QUIET_MS = 600

#: goal -> part of the page -> JavaScript test of `now` and `was`, what the part says and said; a plot must also have
#: been painted since its test came true
Goals = dict[str, dict[str, str]]


@dataclass
class Visitor:
    """One browser context with a page open, sizes of its WebSocket messages in both directions (bytes)."""

    page: Page
    traffic: list[int] = field(default_factory=list)

    def watch(self, goals: Goals) -> None:
        """Begin to look for what the next act shall bring."""
        self.page.evaluate("([goals, limit]) => window.bench.watch(goals, limit)", [goals, WAIT_MS])

    def seen(self) -> dict[str, float]:
        """Milliseconds from the act to each goal; raises playwright's error when one is not reached in a minute."""
        return {name: float(took) for name, took in self.page.evaluate("() => window.bench.seen").items()}

    def act(self, do: Callable[[], object], goals: Goals) -> dict[str, float]:
        """Act, and wait until all goals are reached; milliseconds of each."""
        self.watch(goals)
        do()
        return self.seen()

    def rests(self, do: Callable[[], object], test: str = "true") -> float:
        """Act, and wait until `test` (JavaScript) holds and the page rests; milliseconds to its last change."""
        self.page.evaluate("([test, quiet, limit]) => window.bench.rest(test, quiet, limit)", [test, QUIET_MS, WAIT_MS])
        do()
        return float(self.page.evaluate("() => window.bench.rested"))

    def turned(self, do: Callable[[], object], test: str) -> tuple[float, float]:
        """Act, and wait until another page rests; milliseconds to its first whole frame, and to its last change.

        Whole is a frame after which `test` holds, nothing is grey that is still to come, and plots hold pixels; what
        the models answer may come later.
        """
        self.page.evaluate("([test, quiet, limit]) => window.bench.rest(test, quiet, limit)", [test, QUIET_MS, WAIT_MS])
        do()
        last = float(self.page.evaluate("() => window.bench.rested"))
        return float(self.page.evaluate("() => window.bench.whole")), last

    def pages_made(self) -> None:
        """Rest until all pages have been made beforehand."""
        self.page.locator("html[data-hdl-ahead=made]").wait_for(state="attached", timeout=2 * WAIT_MS)

    def frames(self, seconds: float) -> float:
        """Frames a second in which the map says something else and has been painted, a second after playing began."""
        self.page.wait_for_timeout(1000)
        self.page.evaluate("() => window.bench.count('map')")
        self.page.wait_for_timeout(1000 * seconds)
        return int(self.page.evaluate("() => window.bench.stopped()")) / seconds

    def close(self) -> None:
        """Leave."""
        self.page.context.close()


def visit(
    browser: Browser, address: str, filled: Iterable[str], scripts: Iterable[str] = (), **options: Any
) -> tuple[Visitor, float]:
    """A new visitor with an empty cache, and milliseconds from navigation until the parts `filled` are drawn.

    `scripts` run in the page before its own; `options` are playwright's for a browser context.
    """
    settings = {"viewport": {"width": 1440, "height": 900}, "reduced_motion": "reduce"} | options
    context = browser.new_context(**settings)
    page = context.new_page()
    visitor = Visitor(page)

    def count(payload: str | bytes) -> None:
        visitor.traffic.append(len(payload))

    def listen(socket: Any) -> None:
        socket.on("framereceived", count)
        socket.on("framesent", count)

    page.on("websocket", listen)
    for script in (WATCH, *scripts):
        page.add_init_script(script)
    page.goto(address, wait_until="commit")
    took = page.evaluate("([names, limit]) => window.bench.filled(names, limit)", [list(filled), WAIT_MS])
    return visitor, float(took)
