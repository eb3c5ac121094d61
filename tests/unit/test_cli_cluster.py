"""The command line on a cluster: its options are checked, and it gives the numbers of one process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
import xarray as xr

from hdlcore.errors import RequestError
from hdlcore.runtime.cluster import connect

Hdl = Callable[..., CompletedProcess[str]]


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
def test_options_of_the_command_line_are_checked(
    hdl: Hdl, options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = hdl("simulate", "global-grace", "--all", *options)
    assert done.returncode == 1 and said in " ".join(done.stderr.split())
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_runs_a_region_on_a_local_cluster(hdl: Hdl, hdl_process: Hdl, tmp_path: Path) -> None:
    asked = ["simulate", "global-grace", "--start", "2003-01-01", "--end", "2003-02-28", "--region", "Switzerland"]
    far = hdl_process(*asked, "--out", "a.zarr", "--local-cluster", "2", cwd=tmp_path)
    for done in (far, hdl(*asked, "--out", tmp_path / "b.zarr")):
        assert done.returncode == 0, done.stderr
        assert "cells in 1 blocks" in done.stdout
    with (
        xr.open_zarr(tmp_path / "a.zarr", consolidated=False) as shared,
        xr.open_zarr(tmp_path / "b.zarr", consolidated=False) as alone,
    ):
        xr.testing.assert_identical(shared.load(), alone.load())
