"""The memory maps of a model folder made anew, without training or scoring it again.

Blocks of cells that are done are kept in a folder beside the model until all are, so that an interrupted run can go on.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from hdlcore.data.cube import open_world, positions
from hdlcore.errors import ModelError, RequestError
from hdlcore.progress import CancelToken, Progress
from hdlcore.runtime.code_version import code_version, refuse_another
from hdlcore.runtime.fields import FIELDS, read_fields, write_fields
from hdlcore.runtime.requests import MAX_SAMPLES
from hdlcore.runtime.world_memory import (
    MEMORY_SAMPLES,
    days_to_keep,
    memory_of_cells,
    states_of,
    with_memory,
)
from hdlcore.runtime.world_run import BLOCK_CELLS, opened_ensemble, period_of, version_of
from hdlcore.workers import Context, Here, Workers


@dataclass(frozen=True)
class MemoryBlock:
    """Some cells (ids) for a worker, and the file that it leaves."""

    folder: Path
    data: Path | None
    version: str
    code: str
    cells: tuple[int, ...]
    samples: int
    out: Path


def remake_memory(
    folder: Path, data: Path | None = None, workers: Workers | None = None, samples: int = MEMORY_SAMPLES,
    resume: bool = False, progress: Progress | None = None, cancel: CancelToken | None = None,
) -> xr.Dataset:  # fmt: skip
    """Make the lag cubes, memory measures and carriers of a model folder anew; gives its fields.

    `samples` is the number of points on the path of integrated gradients. With `resume` blocks that an interrupted run
    of the same question left are kept. Raises `ModelError` for a folder without fields or of places, `RequestError`
    for what cannot be asked, `Cancelled`.
    """
    if not 1 <= samples <= MAX_SAMPLES:
        raise RequestError(f"{samples} samples cannot be taken; ask for 1 to {MAX_SAMPLES}.")
    fields, world = read_fields(folder), open_world(data)
    if fields is None or not np.array_equal(fields["cell"].values, world["cell"].values):
        raise ModelError(f"The model in {folder} has no maps of this world; 'hdl train' makes them.")
    folder, data = folder.resolve(), data.resolve() if data is not None else None
    work = _work_folder(folder, f"{version_of(folder, world)} {code_version()} {samples}", resume)
    cells = world["cell"].values.tolist()
    shared = folder, data, version_of(folder, world), code_version()
    blocks = [
        MemoryBlock(*shared, tuple(cells[i : i + BLOCK_CELLS]), samples, work / f"{i // BLOCK_CELLS:04d}.npz")
        for i in range(0, len(cells), BLOCK_CELLS)
    ]
    todo = [block for block in blocks if not block.out.exists()]
    done = len(blocks) - len(todo)
    with closing((workers or Here()).map(memory_block, todo, cancel)) as results:
        for _ in results:
            done += 1
            if progress:
                progress(done / len(blocks), "following influence back for all land")
    parts = [np.load(block.out) for block in blocks]
    run = {name: np.concatenate([part[name] for part in parts], -1) for name in parts[0].files}
    made = with_memory(fields, run, opened_ensemble(folder, data, version_of(folder, world)).model, samples)
    _replace_fields(made, folder)
    shutil.rmtree(work)
    return made


def _work_folder(folder: Path, job: str, resume: bool) -> Path:
    """Where blocks are kept; emptied unless told to `resume` the same job."""
    work = folder.with_name(f".{folder.name}.memory")
    told = work / "job.json"
    known = json.loads(told.read_text()) if told.exists() else None
    if resume and known is not None and known != job:
        raise RequestError(
            f"The unfinished maps in {work} are of other weights, code or samples; leave out --resume to start anew."
        )
    if not resume:
        shutil.rmtree(work, ignore_errors=True)
    work.mkdir(exist_ok=True)
    told.write_text(json.dumps(job))
    return work


def memory_block(block: MemoryBlock, context: Context) -> None:
    """Run the cells of one block and keep what their memory is; on a worker."""
    refuse_another("code", code_version(), block.code)
    ensemble, cells = opened_ensemble(block.folder, block.data, block.version), np.array(block.cells)
    start, end = period_of(ensemble.card)
    prepared = ensemble.prepare(positions(ensemble.world, cells))
    state, _ = ensemble.warm_state(cells, prepared, start, context.stop)
    forcing = ensemble.forcing(cells, start, end, cancel=context.stop)
    states = states_of(ensemble, prepared, forcing, state, days_to_keep(start, end), context.stop)
    found = memory_of_cells(
        ensemble, cells, prepared, forcing, (start, end), states, context.stop, samples=block.samples
    )
    beside = block.out.with_suffix(".part.npz")
    np.savez(beside, **found)  # type: ignore[arg-type]
    os.replace(beside, block.out)


def _replace_fields(fields: xr.Dataset, folder: Path) -> None:
    """Write beside, then rename."""
    beside = folder.with_name(f".{folder.name}.fields")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    write_fields(fields, beside)
    shutil.rmtree(folder / FIELDS)
    (beside / FIELDS).rename(folder / FIELDS)
    beside.rmdir()
