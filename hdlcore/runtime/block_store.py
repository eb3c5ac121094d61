"""A result on disk that many workers write at once: one Zarr store laid out beforehand, a journal of what is done.

    .NAME.part/journal.jsonl      first line: which job; then one line per finished block
    .NAME.part/<run>.zarr         the store; each block of cells is a chunk of its own, so writers never share one

At the end the store is renamed to its own name, which therefore is whole or absent. A killed run leaves the folder, and
a resumed one computes what the journal misses.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
import xarray as xr
import zarr
from zarr.codecs import BloscCodec, BloscShuffle

from hdlcore.data.cube_writer import free_room, writing
from hdlcore.errors import RequestError

JOURNAL = "journal.jsonl"
#: What is said after a failure: a block that is done is done.
KEPT = "finished blocks are kept, --resume goes on with them"
#: Largest chunk, bytes before compression: along cells a block, along time as many steps as fit.
CHUNK_BYTES = 16 * 2**20
#: Attributes of which the largest of all blocks is that of the whole.
LARGEST_OF = ("spin_up_drift_mm_per_year",)


def part_folder(out: Path) -> Path:
    """Where the unfinished result of `out` lies."""
    return out.with_name(f".{out.name}.part")


class BlockStore:
    """The driver's side. `blocks` says how many cells a block has; `done` maps finished blocks to what they told."""

    def __init__(self, out: Path, job: str, journal: IO[str], header: Mapping[str, Any]) -> None:
        self.out, self.job, self._journal = out, job, journal
        self.path = part_folder(out) / str(header["store"])
        self.block_cells = int(header["block_cells"])
        self.done: dict[int, dict[str, Any]] = {}

    @classmethod
    def open(cls, out: Path, job: str, block_cells: int, resume: bool) -> BlockStore:
        """Take up the unfinished run of the same `job` (a hash) when told to `resume`, else begin anew.

        Raises `RequestError` when the unfinished run is of another job or another process is at it.
        """
        folder = part_folder(out)
        with writing(out, KEPT):
            folder.mkdir(exist_ok=True)
            journal = (folder / JOURNAL).open("a+")
        try:
            _lock(journal, out)
            found = _read(folder / JOURNAL) if resume else []
            if found and (folder / found[0].get("store", "-")).is_dir():
                if found[0]["job"] != job:
                    raise RequestError(
                        f"The unfinished run of {out} was of another question, model, data or version of the code; "
                        "leave out --resume to start anew."
                    )
                store = cls(out, job, journal, found[0])
                store.done = {int(line["block"]): line for line in found[1:]}
                return store
            with writing(out):
                for old in folder.glob("*.zarr"):
                    shutil.rmtree(old)
                journal.truncate(0)
            return cls(out, job, journal, {"store": f"{uuid.uuid4().hex[:8]}.zarr", "block_cells": block_cells})
        except BaseException:
            journal.close()
            raise

    @property
    def laid_out(self) -> bool:
        """Whether the store is there and waits for blocks."""
        return self.path.is_dir()

    def lay_out(self, template: xr.Dataset, cells: xr.Dataset) -> None:
        """Make the empty store: `template` holds one cell of every variable, `cells` the coordinates of all."""
        with writing(self.out):
            free_room(self.path.parent)
            along = [str(name) for name, v in template.variables.items() if "cell" in v.dims]
            frame = template.drop_vars(along).assign_coords(cells.coords)
            for name in set(cells.coords) & set(along):
                frame[name].attrs = template[name].attrs
            beside = self.path.with_suffix(".making")
            shutil.rmtree(beside, ignore_errors=True)
            frame.to_zarr(beside, mode="w", zarr_format=3, consolidated=False)
            root = zarr.open_group(beside, mode="r+")
            for name in along:
                if name not in cells.coords:
                    _create(root, name, template[name], cells, self.block_cells)
            os.rename(beside, self.path)
            self._append({"job": self.job, "store": self.path.name, "block_cells": self.block_cells})

    def mark(self, block: int, told: Mapping[str, Any]) -> None:
        """Enter a finished block into the journal."""
        line = {"block": block, **told}
        with writing(self.out, KEPT):
            self._append(line)
        self.done[block] = line

    def finish(self, attrs: Mapping[str, Any]) -> None:
        """Give the store its last attributes and its own name."""
        with writing(self.out, KEPT):
            root = zarr.open_group(self.path, mode="r+")
            told = [line for line in self.done.values() if line]
            largest = {n: max(line[n] for line in told) for n in LARGEST_OF if all(n in line for line in told)}
            root.attrs.update({**attrs, **largest})
            aside = self.path.with_suffix(".old")
            if self.out.is_dir():
                os.rename(self.out, aside)
            elif self.out.exists():
                self.out.unlink()
            os.rename(self.path, self.out)
        self.close()
        shutil.rmtree(part_folder(self.out), ignore_errors=True)

    def close(self) -> None:
        """Let go of the journal; what is done stays. A folder that holds nothing goes."""
        if self._journal.closed:
            return
        self._journal.close()
        if not self.laid_out and part_folder(self.out).is_dir():
            shutil.rmtree(part_folder(self.out), ignore_errors=True)

    def _append(self, line: Mapping[str, Any]) -> None:
        self._journal.write(json.dumps(line) + "\n")
        self._journal.flush()
        os.fsync(self._journal.fileno())


def write_block(store: Path, first: int, answer: xr.Dataset, out: Path) -> None:
    """Write a block (its cells from position `first` on) into the store; `out` is its name in a message.

    Runs on the worker. Raises `DataError` when the disk is full or the store has gone.
    """
    with writing(out, KEPT):
        if not store.is_dir():
            raise FileNotFoundError(2, "the unfinished store has gone or is not on a disk this worker sees", str(store))
        free_room(store)
        root = zarr.open_group(store, mode="r+")
        for name, variable in answer.data_vars.items():
            if "cell" in variable.dims:
                where = tuple(
                    slice(first, first + answer.sizes["cell"]) if dim == "cell" else slice(None)
                    for dim in variable.dims
                )
                array = root[str(name)]
                assert isinstance(array, zarr.Array)
                array[where] = variable.values


def _create(root: zarr.Group, name: str, one: xr.DataArray, cells: xr.Dataset, block_cells: int) -> None:
    """An empty array like `one` (of one cell) for all cells, chunked by blocks along cells and by bytes along time."""
    shape = [cells.sizes["cell"] if dim == "cell" else size for dim, size in one.sizes.items()]
    chunks = [min(block_cells, n) if dim == "cell" else n for dim, n in zip(one.dims, shape, strict=True)]
    if "time" in one.dims:
        at = one.dims.index("time")
        step = int(np.prod([n for i, n in enumerate(chunks) if i != at])) * one.dtype.itemsize
        chunks[at] = max(1, min(chunks[at], CHUNK_BYTES // step))
    floating = np.issubdtype(one.dtype, np.floating)
    root.create_array(
        name, shape=tuple(shape), chunks=tuple(chunks), dtype=one.dtype, fill_value=np.nan if floating else 0,
        compressors=[BloscCodec(typesize=one.dtype.itemsize, cname="zstd", clevel=3, shuffle=BloscShuffle.bitshuffle)],
        dimension_names=[str(dim) for dim in one.dims],
        attributes={**one.attrs, "coordinates": " ".join(sorted(str(n) for n in cells.coords if n != "cell"))},
    )  # fmt: skip


def _lock(journal: IO[str], out: Path) -> None:
    try:
        fcntl.flock(journal, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise RequestError(f"Another process is writing {out} at this moment; wait for it or choose another.") from None
    except OSError:
        return  # a file system without locks: two runs on one name are then left to their starters


def _read(journal: Path) -> list[dict[str, Any]]:
    """Lines of a journal; one torn by a kill, and what follows, does not count."""
    lines = []
    for text in journal.read_text().splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines
