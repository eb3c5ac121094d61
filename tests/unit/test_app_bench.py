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
from scripts.app_bench.figures import AIMS, GROUPS, figure, figures, p95, reached, slope
from scripts.bench_table import table

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


def test_a_plateau_has_no_slope_and_a_leak_has_its_size() -> None:
    closed = [12, 24, 36, 48, 60]
    assert slope(closed, [900.0] * 5) == pytest.approx(0, abs=1e-9)
    assert slope(closed, [900 + 4.8 * n for n in closed]) == pytest.approx(4.8)
    with pytest.raises(ValueError, match="two points"):
        slope([1], [900.0])


def test_memory_given_back_has_no_ratio() -> None:
    assert figure("kept", -0.1, 0.5).ratio is None


def test_every_figure_belongs_to_one_group_and_all_are_words_of_the_bench() -> None:
    assert [key for keys in GROUPS.values() for key in keys] == list(AIMS)
    assert tuple(GROUPS) == APP_WORDS


def test_figures_stand_beside_what_the_plain_app_does() -> None:
    click, heatmap = figures({"components": [100.0], "heatmap": [200.0]}, {"components": [1000.0]})
    assert (click.ratio, heatmap.ratio) == (pytest.approx(10), pytest.approx(5))
    assert figures({"play": [9.0]}, {})[0].reference is None


def test_the_table_says_what_was_missed() -> None:
    shown = {one.name: asdict(one) for one in (figure("month", 100.0, 900.0), figure("play", 5.0, 1.0))}
    rows = table(shown).splitlines()[2:]
    assert rows == [
        "| month step, p95 | ≤ 120 ms | 100 ms | 900 ms | 9.0x |",
        "| playing the months at the greatest speed | ≥ 8 frames s-1 | 5 frames s-1 (missed) | 1 frames s-1 | 5.0x |",
    ]
    assert reached(8.0, AIMS["play"]) and not reached(250.1, AIMS["components"]) and reached(9e9, AIMS["visit_at_once"])


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
