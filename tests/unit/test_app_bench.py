"""The app's figures: made of measurements, in the bench's form; what is missing is said in a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from hdlcore.errors import RequestError
from hdlcore.runtime import bench, bench_app
from hdlcore.runtime.bench_app import APP_WORDS, app_figures
from scripts.app_bench.figures import AIMS, figure, p95

ROOT = Path(__file__).parents[2]


def test_the_95th_percentile_lies_between_the_largest_values() -> None:
    assert p95([7.0]) == 7.0
    assert p95([float(value) for value in range(101)]) == pytest.approx(95)
    with pytest.raises(ValueError, match="nothing was measured"):
        p95([])


@pytest.mark.parametrize("key", AIMS)
def test_a_ratio_above_one_says_that_ours_is_better(key: str) -> None:
    better, worse = (3.0, 1.0) if AIMS[key].more else (1.0, 3.0)
    assert figure(key, better, worse).ratio == pytest.approx(3)
    assert figure(key, worse, better).ratio == pytest.approx(1 / 3)
    alone = figure(key, 1.0, None)
    assert alone.ratio is None and alone.reference is None and alone.aim == AIMS[key].aim


def test_what_the_program_prints_becomes_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    measured = [figure(key, 2.0, 4.0) for key in AIMS]
    monkeypatch.setattr(bench_app, "_measured", lambda *_: json.dumps([asdict(one) for one in measured]))
    assert app_figures("app") == measured
    assert len({one.name for one in measured}) == len(AIMS)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The program as `hdl bench` starts it."""
    command = [sys.executable, "-m", "scripts.app_bench", *arguments]
    return subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)


def test_without_a_browser_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    said = run("--check", HDL_CHROMIUM="/nowhere/chromium")
    assert said.returncode == 1 and not said.stdout
    assert said.stderr.strip().splitlines() == [
        "The app cannot be measured: no Chromium is on this machine; run 'make browser' first."
    ]
    monkeypatch.setenv("HDL_CHROMIUM", "/nowhere/chromium")
    with pytest.raises(RequestError, match="no Chromium is on this machine"):
        bench.run_bench(only=["app"])


def test_outside_a_checkout_one_sentence_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bench_app, "ROOT", tmp_path)
    assert bench_app.app_problem().startswith("The app is measured in a checkout of the project only")
    assert set(APP_WORDS) <= set(bench.FIGURES)
