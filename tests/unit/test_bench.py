"""Figures are chosen by word, compared by ratio, and measured by one clock."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from hdlcore.errors import RequestError
from hdlcore.models.kernels import arrays
from hdlcore.runtime.bench import FIGURES, run_bench
from hdlcore.runtime.bench_kernels import CLOCK, Clock, Figure

COMPARE = Path(__file__).parents[2] / "scripts" / "compare_bench.py"


def file_of(path: Path, **ratios: float) -> Path:
    """A file as `hdl bench --json` prints it."""
    figures = [dataclasses.asdict(Figure(name, 1.0, ratio, ratio, "s")) for name, ratio in ratios.items()]
    path.write_text(json.dumps({"machine": {}, "figures": figures}))
    return path


def compared(*arguments: object) -> subprocess.CompletedProcess[str]:
    """What the script says of two files."""
    return subprocess.run([sys.executable, COMPARE, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_an_unknown_figure_is_refused_with_those_there_are() -> None:
    with pytest.raises(RequestError, match=f"'speed'; there are {', '.join(FIGURES)}"):
        run_bench(only=["speed"])


def test_a_figure_has_the_keys_of_the_format() -> None:
    keys = {field.name for field in dataclasses.fields(Figure)}
    assert keys == {"name", "ours", "reference", "ratio", "unit", "share_of_peak", "aim"}


def test_files_are_compared_by_ratio(tmp_path: Path) -> None:
    before = file_of(tmp_path / "a.json", one=2.0, two=3.0, gone=1.0)
    worse, same = file_of(tmp_path / "b.json", one=1.0, two=3.1, new=1.0), file_of(tmp_path / "c.json", one=2.1)
    said = compared(before, worse)
    assert said.returncode == 1
    words = [line.split() for line in said.stdout.splitlines()]
    assert [w[0] for w in words] == ["worse", "same", "only", "only"]
    assert compared(before, same).returncode == 0
    assert compared(before, worse, "--tolerance", "0.6").returncode == 0
    assert "is no result of 'hdl bench --json'" in compared(before, COMPARE).stderr


def test_children_read_the_clock_of_their_parent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Clock, "read", Clock.read)
    monkeypatch.setattr(arrays, "_threads", 0)
    monkeypatch.setenv(CLOCK, "")
    first = Clock.choose("processor")
    assert "one thread" in first and arrays.threads() == 1
    assert Clock.choose() == first, "whatever the load is by then"
    assert Clock.choose("wall") == "wall clock"
