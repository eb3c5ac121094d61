"""The command line on a cluster: its options are checked, and it gives the numbers of one process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr

from hdlcore.errors import RequestError
from hdlcore.runtime.cluster import connect


def test_no_scheduler_is_said_so() -> None:
    with pytest.raises(RequestError, match="No scheduler answers at tcp"), connect("tcp://127.0.0.1:9", 2):
        pass
    with pytest.raises(RequestError, match="No scheduler answers at nonsense://"), connect("nonsense://x", 2):
        pass


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--out", "a.zarr", "--local-cluster", "1", "--scheduler", "tcp://x:1"], "one of --scheduler and"),
        (["--out", "a.nc", "--local-cluster", "1"], "name the output .zarr"),
        (["--out", "a.nc", "--resume"], "name the output .zarr"),
        (["--out", "a.zarr", "--scheduler", "tcp://127.0.0.1:9"], "No scheduler answers"),
    ],
)
def test_options_of_the_command_line_are_checked(options: list[str], said: str, tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from hdlcore.cli import main; main()", "simulate", "global-grace", "--all"]
    done = subprocess.run([*command, *options], cwd=tmp_path, capture_output=True, text=True, env=_with_path())
    assert done.returncode == 1 and said in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_runs_a_region_on_a_local_cluster(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from hdlcore.cli import main; main()", "simulate", "global-grace"]
    period = ["--start", "2003-01-01", "--end", "2003-02-28", "--region", "Switzerland"]
    for name, options in (("a", ["--local-cluster", "2"]), ("b", [])):
        done = subprocess.run(
            [*command, *period, "--out", f"{name}.zarr", *options],
            cwd=tmp_path, capture_output=True, text=True, env=_with_path(),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "cells in 1 blocks" in done.stdout
    with (
        xr.open_zarr(tmp_path / "a.zarr", consolidated=False) as shared,
        xr.open_zarr(tmp_path / "b.zarr", consolidated=False) as alone,
    ):
        xr.testing.assert_identical(shared.load(), alone.load())


def _with_path() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
