"""The door: what is there already stays, what is stopped can be gone on with, and a cube is whole or absent."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hdlcore.data import cube_writer
from hdlcore.data.cube_writer import JOURNAL
from hdlcore.data.cubes import open_cube
from hdlcore.data.ingest import KINDS, gridded, ingest
from hdlcore.errors import Cancelled, DataError

N_DAYS = 60


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two months of random days on a coarse grid."""
    lat, lon = np.arange(87.5, -90, -5), np.arange(-177.5, 180, 5)
    data = np.random.default_rng(3).gamma(1.0, 3.0, (N_DAYS, lat.size, lon.size)).astype("f4")
    time = (np.datetime64("2001-01-01") + np.arange(N_DAYS)).astype("datetime64[ns]")
    ds = xr.Dataset(
        {"pr": (("time", "lat", "lon"), data, {"units": "mm d-1"})},
        {"time": time, "lat": lat, "lon": lon},
        {"source": "x"},
    )
    path = tmp_path / "in.nc"
    ds.to_netcdf(path)
    return path


SCRIPT = """
    import os, signal, sys
    from hdlcore.data.ingest import gridded, ingest
    gridded.PIECE_BYTES = 16 * 36 * 72 * 4  # pieces of four days
    calls = 0
    def progress(share, text):
        global calls
        calls += 1
        if text.startswith(sys.argv[3]) and calls >= int(sys.argv[4]):
            os.kill(os.getpid(), signal.SIGKILL)
    ingest([sys.argv[1]], "cf", sys.argv[2], progress=progress)
"""


def killed(source: Path, out: Path, text: str, calls: int) -> None:
    """Run an ingest in a process of its own that is killed with signal 9 once it has said `text` often enough."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(SCRIPT), source, out, text, str(calls)], check=False, timeout=120
    )
    assert done.returncode == -signal.SIGKILL
    assert not out.exists()


def stored(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and p != folder / "zarr.json"
    }


@pytest.fixture
def small_pieces(monkeypatch):
    monkeypatch.setattr(gridded, "PIECE_BYTES", 16 * 36 * 72 * 4)


@pytest.mark.parametrize(("text", "calls"), [("reading", 5), ("reading", 15), ("arranging", 1)])
def test_a_killed_run_goes_on_and_gives_the_same_bytes(tmp_path, source, small_pieces, text, calls, caplog):
    whole, out = tmp_path / "whole.zarr", tmp_path / "out.zarr"
    ingest([source], "cf", whole)
    killed(source, out, text, calls)
    beside = tmp_path / "out.zarr.partial"
    before = len((beside / JOURNAL).read_text().splitlines())
    # What a kill in the middle of a write leaves: half a line, half a chunk.
    with (beside / JOURNAL).open("a") as journal:
        journal.write('{"done": "2001-0')
    (beside / "daily_maps" / "precipitation" / "zarr.0123.partial").write_bytes(b"half")
    with caplog.at_level("INFO"):
        ingest([source], "cf", out, resume=True)
    assert f"going on after {before - 1} pieces" in caplog.text
    assert not beside.exists()
    assert stored(out) == stored(whole)
    assert open_cube(out).version == open_cube(whole).version


def test_another_request_or_another_file_starts_anew(tmp_path, source, small_pieces, caplog):
    out = tmp_path / "out.zarr"
    killed(source, out, "reading", 5)
    with xr.open_dataset(source) as ds:
        changed = (ds.load() + 1).assign_attrs(source="x")
    changed["pr"].attrs["units"] = "mm d-1"
    changed.to_netcdf(source)
    with caplog.at_level("INFO"):
        ingest([source], "cf", out, resume=True)
    assert "asked for something else" in caplog.text
    assert float(open_cube(out).daily.precipitation.min()) >= 1.0


def test_an_existing_cube_is_never_touched(tmp_path, source):
    out = tmp_path / "out.zarr"
    out.mkdir()
    (out / "precious").write_text("data")
    with pytest.raises(DataError, match=r"out\.zarr is there already"):
        ingest([source], "cf", out)
    assert (out / "precious").read_text() == "data"


def test_requests_that_make_no_sense_are_refused_before_any_work(tmp_path, source):
    with pytest.raises(DataError, match="did you mean era5"):
        ingest([source], "era-5", tmp_path / "o.zarr")
    with pytest.raises(DataError, match=r"should end in \.zarr"):
        ingest([source], "cf", tmp_path / "o.nc")
    with pytest.raises(DataError, match="does not exist"):
        ingest([source], "cf", tmp_path / "no" / "o.zarr")
    with pytest.raises(DataError, match="No file was given"):
        ingest([], "cf", tmp_path / "o.zarr")
    (tmp_path / "a.csv").write_text("date,p\n2001-01-01,1\n")
    with pytest.raises(DataError, match="no file of 'cf'"):
        ingest([tmp_path / "a.csv"], "cf", tmp_path / "o.zarr")
    assert {p.name for p in tmp_path.iterdir()} == {"in.nc", "a.csv"}


def test_a_cancelled_run_leaves_nothing(tmp_path, source, small_pieces):
    stop = threading.Event()
    with pytest.raises(Cancelled):
        ingest([source], "cf", tmp_path / "o.zarr", progress=lambda *_: stop.set(), cancel=stop)
    assert {p.name for p in tmp_path.iterdir()} == {"in.nc"}


def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(tmp_path, source, small_pieces, monkeypatch):
    real, calls = shutil.disk_usage, []

    def nearly_full(path):
        calls.append(path)
        return real(path) if len(calls) < 6 else real(path)._replace(free=1000)

    monkeypatch.setattr(cube_writer.shutil, "disk_usage", nearly_full)
    with pytest.raises(DataError, match=r"is full; make room .*--resume"):
        ingest([source], "cf", tmp_path / "o.zarr")
    assert not (tmp_path / "o.zarr").exists()
    monkeypatch.setattr(cube_writer.shutil, "disk_usage", real)
    report = ingest([source], "cf", tmp_path / "o.zarr", resume=True)
    assert report.completeness["daily/precipitation"] == 1.0


def test_a_damaged_chunk_found_midway_leaves_no_half_a_cube(tmp_path, small_pieces):
    lat, lon = np.arange(87.5, -90, -5), np.arange(-177.5, 180, 5)
    time = (np.datetime64("2001-01-01") + np.arange(N_DAYS)).astype("datetime64[ns]")
    data = np.random.default_rng(3).random((N_DAYS, lat.size, lon.size)).astype("f4")
    ds = xr.Dataset({"pr": (("time", "lat", "lon"), data, {"units": "mm d-1"})}, {"time": time, "lat": lat, "lon": lon})
    ds.chunk(time=10).to_zarr(tmp_path / "in.zarr", zarr_format=3, consolidated=False)
    chunk = next((tmp_path / "in.zarr" / "pr" / "c" / "4").rglob("0"))
    while chunk.is_dir():
        chunk = next(chunk.iterdir())
    chunk.write_bytes(chunk.read_bytes()[:100])
    with pytest.raises(DataError, match=r"'pr' of in\.zarr cannot be read"):
        ingest([tmp_path / "in.zarr"], "cf", tmp_path / "o.zarr")
    assert {p.name for p in tmp_path.iterdir()} == {"in.zarr"}


def test_folders_and_archives_are_opened(tmp_path, source):
    inside = tmp_path / "folder"
    inside.mkdir()
    shutil.copy(source, inside)
    (inside / "readme.txt").write_text("notes")
    assert ingest([inside], "cf", tmp_path / "a.zarr").readable
    archive = shutil.make_archive(str(tmp_path / "packed"), "zip", inside)
    assert ingest([archive], "cf", tmp_path / "b.zarr").readable
    assert open_cube(tmp_path / "a.zarr").version == open_cube(tmp_path / "b.zarr").version
    assert not (tmp_path / "b.zarr.unpacked").exists()


def test_every_kind_says_what_it_takes():
    for name, kind in KINDS.items():
        assert kind.id == name and kind.title and len(kind.help) > 20 and kind.suffixes
        assert all(s == s.lower() and s.startswith(".") for s in kind.suffixes)


def test_the_origin_of_every_number_is_kept(tmp_path, source):
    ingest([source], "cf", tmp_path / "o.zarr")
    cube = open_cube(tmp_path / "o.zarr")
    entry = cube.provenance[0]
    assert entry["file"] == "in.nc" and len(entry["sha256"]) == 64
    assert "pr -> precipitation" in entry["conversions"][0]
    assert "hdl ingest --as cf" in cube.attrs["history"]
    assert json.loads(cube.attrs["notes"])
