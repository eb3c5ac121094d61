"""Speed and memory of the app in a real browser, measured by `scripts/app_bench`, a program of its own in a checkout.

The app stands above the engine, so nothing of it is imported here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from hdlcore.errors import RequestError
from hdlcore.runtime.bench_kernels import Figure

ROOT = Path(__file__).resolve().parents[2]
#: words for `--only`
APP_WORDS = ("app", "app-users", "app-memory")


def app_figures(word: str) -> list[Figure]:
    """The figures of one of `APP_WORDS`, by the wall clock whatever else the machine does.

    Raises `RequestError` with one sentence where the app, a browser or a library is missing, or a measurement failed.
    """
    return [Figure(**entry) for entry in json.loads(_measured(word))]


def app_problem() -> str:
    """Why the app cannot be measured here, in a sentence; empty when it can."""
    try:
        _measured("--check")
    except RequestError as error:
        return str(error)
    return ""


def _measured(*arguments: str) -> str:
    """What the program prints."""
    if not (ROOT / "scripts" / "app_bench").is_dir():
        raise RequestError("The app is measured in a checkout of the project only; clone it, then 'make bench'.")
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    done = subprocess.run(
        [sys.executable, "-m", "scripts.app_bench", *arguments], cwd=ROOT, env=os.environ | {"PYTHONPATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise RequestError(said[-1] if said else f"Measuring the app failed with code {done.returncode}.")
    return done.stdout
