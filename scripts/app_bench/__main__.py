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
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from hdlcore.errors import HDLError, RequestError

if TYPE_CHECKING:
    from hdlcore.runtime.bench_kernels import Figure

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
    """The feel of the app for one visitor on a warm server."""
    from scripts.app_bench import feel
    from scripts.app_bench.figures import figure, p95
    from scripts.app_bench.visitor import visit
    from scripts.app_session import chromium, settle, start_server, stop_server

    few = 2 if quick else 20
    measured: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        server = start_server(Path(folder))
        try:
            with chromium() as browser:
                feel.openings(browser, server.app, 1)  # the server is warm from here on
                measured["opening"] = feel.openings(browser, server.app, 1 if quick else 5)
                visitor, _ = visit(browser, server.app, feel.PARTS)
                settle(visitor.page)
                measured |= feel.months(visitor, few)
                measured |= feel.clicks(visitor, feel.places(few))
                measured["filter"] = feel.filters(visitor, 1 if quick else 5)
        finally:
            stop_server(server)
    return [figure(key, p95(values), None) for key, values in measured.items()]


GROUPS: dict[str, Callable[[bool], list[Figure]]] = {"app": one_visitor}


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
    except (HDLError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
