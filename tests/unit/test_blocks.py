"""A long run in blocks keeps what it has done, goes on with its own question alone, and never leaves half a file."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xarray as xr

from hdlcore.data import cube_writer
from hdlcore.errors import Cancelled, DataError, RequestError
from hdlcore.runtime.block_store import JOURNAL, part_folder
from hdlcore.runtime.blocks import UNIT, Outcome, run_blocks
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.requests import SimulationRequest

YEAR = SimulationRequest("small", (1,), "2003-01-01", "2003-12-31", "monthly")


@pytest.fixture
def run(small_model: Path, small_cube: Path, tmp_path: Path) -> Callable[..., Outcome]:
    """Ask something of every cell of the small cube (default: a year of months), a unit a block, into a file here."""
    engine = Engine([small_model], small_cube)
    source, cells = engine.source("small"), engine.world["cell"].values

    def ask(name: str, request: SimulationRequest = YEAR, **more: Any) -> Outcome:
        return run_blocks(source, engine.world, small_cube, request, cells, tmp_path / name, block_cells=UNIT, **more)

    return ask


def stopping(share: float) -> dict[str, Any]:
    """Arguments that cancel a run once this share of it is done."""
    token = threading.Event()
    return {"progress": lambda done, words: token.set() if done >= share else None, "cancel": token}


def read(path: Path) -> xr.Dataset:
    """What a finished run wrote."""
    return xr.load_dataset(path, engine="zarr", consolidated=False)


def test_another_question_is_not_gone_on_with(run: Callable[..., Outcome]) -> None:
    with pytest.raises(Cancelled):
        run("a.zarr", **stopping(0.3))
    other = SimulationRequest("small", (1,), "2004-01-01", "2004-12-31", "monthly")
    with pytest.raises(RequestError, match="another question"):
        run("a.zarr", other, resume=True)
    assert run("a.zarr", resume=True).kept >= 1  # the refusal spoiled nothing


def test_a_torn_line_of_the_journal_does_not_count(run: Callable[..., Outcome], tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        run("a.zarr", **stopping(0.6))
    journal = part_folder(tmp_path / "a.zarr") / JOURNAL
    lines = journal.read_text().splitlines()
    journal.write_text("\n".join([*lines[:2], lines[2][:9]]))
    assert run("a.zarr", resume=True).kept == 1
    run("b.zarr")
    xr.testing.assert_identical(read(tmp_path / "a.zarr"), read(tmp_path / "b.zarr"))


def test_two_runs_do_not_write_one_file(run: Callable[..., Outcome], tmp_path: Path) -> None:
    refused: list[str] = []

    def second(fraction: float, words: str) -> None:
        if not refused:
            with pytest.raises(RequestError) as caught:
                run("a.zarr")
            refused.append(str(caught.value))

    run("a.zarr", progress=second)
    assert "Another process is writing" in refused[0]
    assert read(tmp_path / "a.zarr")["tws"].notnull().all()


def test_a_full_disk_ends_the_run_in_one_sentence_and_it_resumes(
    run: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("a.zarr")
    old = read(tmp_path / "a.zarr")

    def fill(fraction: float, words: str) -> None:
        if fraction > 0.3:  # from now on no room is room enough
            monkeypatch.setattr(cube_writer, "SPARE_BYTES", 1 << 62)

    longer = SimulationRequest("small", (1,), "2003-01-01", "2004-12-31", "monthly")
    with pytest.raises(DataError, match=r"is full; make room .*--resume"):
        run("a.zarr", longer, progress=fill)
    xr.testing.assert_identical(read(tmp_path / "a.zarr"), old)
    monkeypatch.undo()
    assert run("a.zarr", longer, resume=True).kept == 1
    assert read(tmp_path / "a.zarr").sizes["time"] == 24
