"""Measure a group of the app's figures and print them as JSON; ends with code 1 and one sentence when it cannot.

python -m scripts.app_bench GROUP [--quick]
python -m scripts.app_bench --check
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hdlcore.errors import RequestError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from hdlcore.runtime.bench_kernels import Figure
    from scripts.app_bench.visitor import Visitor
    from scripts.app_session import ServerProcess

NEEDS = {"playwright": "playwright", "psutil": "psutil"}


def check() -> None:
    """Raise `RequestError` where browser or library is missing."""
    missing = [name for name, module in NEEDS.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise RequestError(f"The app cannot be measured without {' and '.join(missing)}; run 'make browser' first.")
    from scripts.ensure_browser import find_browser

    if find_browser() is None:
        raise RequestError("The app cannot be measured: no Chromium is on this machine; run 'make browser' first.")


def one_visitor(quick: bool) -> list[Figure]:
    """The feel of the app for one visitor on a warm server, then the plain app's."""
    from scripts.app_bench import feel, reference
    from scripts.app_bench.figures import figures
    from scripts.app_bench.visitor import visit
    from scripts.app_session import chromium, settle

    few, seconds = (2, 2.0) if quick else (20, 6.0)
    ours: dict[str, list[float]] = {}
    plain: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        with served(Path(folder)) as server:
            feel.openings(browser, server.app, 1)  # the server is warm from here on
            ours["opening"] = feel.openings(browser, server.app, 1 if quick else 5)
            ours["opening_built"] = feel.openings(browser, server.app + feel.BUILT, 1 if quick else 5)
            visitor, _ = visit(browser, server.app, feel.PARTS)
            settle(visitor.page)
            visitor.pages_made()
            ours |= feel.months(visitor, few) | feel.clicks(visitor, feel.places(few))
            ours["filter"] = feel.filters(visitor, 1 if quick else 5)
            visitor.close()
            more = feel.places(few + 1, seed=8)
            ours |= feel.visits(browser, server.app, more[0])
            ours["meanwhile"] = feel.clicks_meanwhile(browser, server.app, more[1:])
            visitor, _ = visit(browser, server.app, feel.PARTS, reduced_motion="no-preference")
            settle(visitor.page)
            visitor.pages_made()
            ours |= feel.plays(visitor, seconds)
        with reference.plain_server(Path(folder) / "plain") as beside:
            if beside is not None:
                plain = reference.measure(
                    browser, beside.app, feel.places(2 if quick else reference.MONTHS_AHEAD), seconds
                )
    return figures(ours, plain)


def many_visitors(quick: bool) -> list[Figure]:
    """Clicks of three people in the same moment while ten others have the page open."""
    from scripts.app_bench import crowd, feel, reference
    from scripts.app_bench.figures import figures
    from scripts.app_bench.visitor import visit
    from scripts.app_session import chromium, settle

    rounds, plain = 2 if quick else 10, dict[str, list[float]]()
    cells = feel.places(crowd.BUSY * rounds)

    def enter(browser: Browser) -> Visitor:
        visitor, _ = visit(browser, server.app, feel.PARTS)
        settle(visitor.page)
        return visitor

    with tempfile.TemporaryDirectory() as folder, chromium() as browser:
        with served(Path(folder)) as server, crowd.idle(server.app, crowd.IDLE):
            ours = crowd.together(browser, enter, feel.watch_click, cells, rounds, "components")
        with reference.plain_server(Path(folder) / "plain") as beside:
            if beside is not None:
                with crowd.idle(beside.app, crowd.IDLE):
                    address = beside.app
                    plain["busy"] = crowd.together(
                        browser, lambda b: reference.enter(b, address)[0], reference.watch_click, cells,
                        min(rounds, 3), "components",
                    )  # fmt: skip
    return figures({"busy": ours}, plain)


def sessions(quick: bool) -> list[Figure]:
    """Memory of open sessions and what is kept of closed ones; visitors without a browser, which adds nothing to it."""
    from scripts.app_bench import crowd, reference
    from scripts.app_bench.figures import figures

    batches, size = (2, 6) if quick else (5, crowd.BATCH)
    plain: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        with served(Path(folder)) as server:
            ours = crowd.memory(server.app, server.process.pid, batches, size, pages=True)
        with reference.plain_server(Path(folder) / "plain") as beside:
            if beside is not None:
                plain = crowd.memory(beside.app, beside.process.pid, 2, size, pages=False)
    return figures(ours, plain)


@contextmanager
def served(folder: Path) -> Iterator[ServerProcess]:
    """The app as `hdl serve` serves it."""
    from scripts.app_session import start_server, stop_server

    server = start_server(folder)
    try:
        yield server
    finally:
        stop_server(server)


GROUPS: dict[str, Callable[[bool], list[Figure]]] = {
    "app": one_visitor,
    "app-users": many_visitors,
    "app-memory": sessions,
}


def main() -> int:
    """Measure, print JSON, return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m scripts.app_bench", description=__doc__.splitlines()[0])
    parser.add_argument("group", nargs="?", choices=GROUPS)
    parser.add_argument("--check", action="store_true", help="only say whether the app can be measured here")
    parser.add_argument("--quick", action="store_true", help="a few acts of each kind, to try it out")
    options = parser.parse_args()
    try:
        check()
        if options.group and not options.check:
            print(json.dumps([asdict(figure) for figure in GROUPS[options.group](options.quick)], indent=1))
    except Exception as error:  # of the browser too: what the page says, without the stack of its script
        print(str(error).strip().partition("\n")[0] or repr(error), file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
