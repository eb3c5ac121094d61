"""Compiled kernels are kept on disk where that can be, and nothing that happens to that folder changes an answer."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hdlcore.models.kernels import compiled
from hdlcore.models.kernels.day import Day
from hdlcore.models.kernels.source_run import run_source
from hdlcore.models.kinds.bucket import Bucket

SCRIPT = """
import torch
from hdlcore.models.kinds.bucket import Bucket
from hdlcore.models.kernels import fast
model = Bucket(["a"])
forcing = torch.linspace(0, 20, 5 * 17 * 3).reshape(5, 17, 3)
prepared = model.prepare(torch.zeros(17, 1)).detach()
assert fast.why_plain(model) == "", fast.why_plain(model)
outputs, _ = fast.run(model, prepared, forcing, model.initial_state(17))
print(repr(outputs.double().sum().item()))
"""


def start(folder: Path) -> subprocess.Popen:
    """A process that runs a bucket with its kernels in `folder`."""
    environment = os.environ | {"HDL_KERNELS": str(folder), "OMP_NUM_THREADS": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, "-c", SCRIPT], env=environment, **pipes)  # type: ignore[call-overload,no-any-return]


def answer(process: subprocess.Popen) -> float:
    """What it printed."""
    out, err = process.communicate(timeout=280)
    assert process.returncode == 0, err
    return float(out)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    """A folder filled by two processes at once, which agreed."""
    folder = tmp_path_factory.mktemp("kernels") / "own"
    first, second = start(folder), start(folder)
    one, other = answer(first), answer(second)
    assert one == other
    return folder, one


def test_several_processes_fill_one_folder_and_a_third_finds_it(filled: tuple[Path, float]) -> None:
    folder, expected = filled
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert any(path.suffix == ".nbc" for path in kept)
    assert not list(folder.glob("*.part"))
    assert answer(start(folder)) == expected
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == kept


def test_a_damaged_folder_is_mended(filled: tuple[Path, float]) -> None:
    folder, expected = filled
    for path in folder.rglob("*.nbc"):
        path.write_bytes(path.read_bytes()[:100])
    for path in folder.rglob("*.nbi"):
        path.write_bytes(b"no index")
    assert answer(start(folder)) == expected


def test_source_that_someone_changed_is_not_run(filled: tuple[Path, float]) -> None:
    folder, expected = filled
    for path in folder.glob("*.py"):
        path.write_text("raise SystemExit('changed')")
    assert answer(start(folder)) == expected


def test_a_folder_that_cannot_be_written_costs_time_only(filled: tuple[Path, float], tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    assert answer(start(blocked / "kernels")) == filled[1]


def test_another_source_is_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDL_KERNELS", str(tmp_path))
    source = run_source("tank", Day(Bucket(["a"])), 4)
    first = compiled.load("tank", source)
    assert compiled.load("tank", source) is first
    second = compiled.load("tank", source + "\nMORE = 1\n")
    assert first.__name__ != second.__name__ and len(list(tmp_path.glob("tank_*.py"))) == 2


def test_elementary_functions_are_exact_to_single_precision() -> None:
    from hdlcore.models.kernels import numerics

    x = np.concatenate([np.linspace(-80, 80, 4001), np.geomspace(1e-30, 80, 500)]).astype(np.float32)
    exact = x.astype(np.float64)
    with np.errstate(all="ignore"):
        pairs = {
            "exp": np.exp(exact),
            "tanh": np.tanh(exact),
            "sigmoid": 1 / (1 + np.exp(-exact)),
            "softplus": np.log1p(np.exp(exact)),
            "log1p": np.log1p(np.abs(exact)),
            "log": np.log(np.abs(exact)),
        }
    for name, expected in pairs.items():
        function = getattr(numerics, name)
        given = np.abs(x) if name.startswith("log") else x
        ours = np.array([function(np.float32(v)) for v in given], np.float64)
        known = np.isfinite(expected) & (np.abs(expected) > 1e-37)
        np.testing.assert_allclose(
            ours[known], expected[known], rtol=6e-7, atol=1e-7 if name == "log" else 0, err_msg=name
        )
    for name in pairs:
        assert np.isnan(getattr(numerics, name)(np.float32(np.nan))), name
    assert numerics.log(np.float32(0)) == -np.inf and np.isnan(numerics.log(np.float32(-1)))
    assert numerics.exp(np.float32(100)) == np.inf and numerics.exp(np.float32(-200)) == 0
