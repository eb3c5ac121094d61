"""Large questions in blocks of cells: the same numbers, to the bit, however the work is shared.

A batch of cells steps together, and the last bit of a float depends on where in its batch a cell stands. So a cell is
always computed in the same batch: its *unit*, the `UNIT` cells of the world that stand at its place, whatever block,
worker or request asks for it. (An explanation is of one cell alone, its own unit.) A block is what a worker takes at a
time and writes as one chunk; how many cells it has changes no number.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.cube import open_world, positions
from hdlcore.errors import RequestError
from hdlcore.models.checkpoint import read_card
from hdlcore.progress import CancelToken, Progress, check
from hdlcore.runtime.block_store import LARGEST_OF, BlockStore, write_block
from hdlcore.runtime.code_version import code_version, refuse_another
from hdlcore.runtime.model_source import ModelInfo, ModelSource
from hdlcore.runtime.requests import ExplanationRequest, SimulationRequest
from hdlcore.runtime.sources import Source
from hdlcore.runtime.store import refuse_full_disk
from hdlcore.runtime.twin_source import TwinSource
from hdlcore.workers import Context, Here, Workers

#: Cells that are always computed together; also the largest number of neighbours computed beside a cell asked for.
UNIT = 64
#: A block's answer stays below this in a worker's memory, bytes, unless one unit is larger.
BLOCK_BYTES = 256 * 2**20
#: Blocks per worker that are wanted at least, so that the last ones do not leave workers idle.
BLOCKS_PER_WORKER = 8

Request = SimulationRequest | ExplanationRequest


@dataclass(frozen=True)
class Job:
    """What a worker must know: paths, versions and a request (of any one cell); no arrays, no weights.

    `folder` is the model's, None for the twin; `data` the world cube, None for the shipped one. `version` and `code`
    are those the driver sees: a worker that sees others must not add its numbers.
    """

    request: Request
    folder: str | None
    data: str | None
    version: str
    code: str
    store: str
    out: str


@dataclass(frozen=True)
class Block:
    """Cells (ids, in the world's order) that are written from position `first` on."""

    job: Job
    number: int
    first: int
    cells: tuple[int, ...]


@dataclass(frozen=True)
class Outcome:
    """What a finished run did: cells written, blocks computed now and before, seconds, processor seconds in blocks."""

    cells: int
    computed: int
    kept: int
    seconds: float
    cpu_seconds: float


def run_blocks(
    source: Source, world: xr.Dataset, data: Path | None, request: Request, cells: Sequence[int], out: Path,
    workers: Workers | None = None, resume: bool = False, block_cells: int | None = None,
    progress: Progress | None = None, cancel: CancelToken | None = None,
) -> Outcome:  # fmt: skip
    """Answer `request` for `cells` into the Zarr store `out`, block by block on `workers` (default: this process).

    `data` is the path of `world`, None for the shipped one. With `resume`, blocks that an interrupted run of the same
    request finished are not computed again. `block_cells` (default: chosen) is rounded up to whole units.

    Raises `RequestError`, `ModelError`, `DataError` and `Cancelled`; then `out` is as it was, and finished blocks wait
    for `resume`.
    """
    began, workers = time.perf_counter(), workers or Here()
    if out.suffix != ".zarr":
        raise RequestError(f"{out} cannot be written by several at once; name it .zarr.")
    ids = world["cell"].values[np.unique(positions(world, cells))]
    job = _job(source, data, request, out)
    template = _template(source, replace_cells(request, ids[:1]))
    chosen = block_cells or choose_block(ids.size, template, workers.count, isinstance(request, ExplanationRequest))
    store = BlockStore.open(out.resolve(), _fingerprint(job, ids), _whole_units(chosen, request), resume)
    try:
        if not store.laid_out:
            refuse_full_disk(out, bytes_per_cell(template) * ids.size, ids.size)
            store.lay_out(template, world[["lat", "lon", "area"]].sel(cell=ids))
        job = replace(job, store=str(store.path))
        todo = [b for b in _split(job, ids, store.block_cells) if b.number not in store.done]
        kept, total = len(store.done), len(store.done) + len(todo)
        _report(progress, kept, total)
        with closing(workers.map(compute_block, todo, cancel)) as results:
            for at, told in results:
                store.mark(todo[at].number, told)
                _report(progress, len(store.done), total)
        store.finish({})
    finally:
        store.close()
    cpu = sum(store.done[block.number]["cpu_seconds"] for block in todo)
    return Outcome(ids.size, len(todo), kept, time.perf_counter() - began, cpu)


def compute_block(block: Block, context: Context) -> dict[str, Any]:
    """Compute one block and write it; on a worker. Returns what the journal keeps."""
    began, cpu, job = time.perf_counter(), time.process_time(), block.job
    source, world = _open(job)
    dataset = answer(source, world, job.request, np.array(block.cells), context.stop)
    write_block(Path(job.store), block.first, dataset, Path(job.out))
    told = {name: float(dataset.attrs[name]) for name in LARGEST_OF if name in dataset.attrs}
    spent = {"seconds": time.perf_counter() - began, "cpu_seconds": time.process_time() - cpu}
    return {name: round(value, 3) for name, value in spent.items()} | told


def answer(
    source: Source, world: xr.Dataset, request: Request, cells: NDArray, cancel: CancelToken | None = None
) -> xr.Dataset:
    """The answer for `cells` (in the world's order), each computed in its own unit and no other batch."""
    if isinstance(request, ExplanationRequest):
        parts = []
        for cell in cells:
            check(cancel)
            parts.append(_along_cells(source.explain(replace(request, cell=int(cell)), None, cancel)))
        return xr.concat(parts, "cell", data_vars="minimal", coords="minimal", compat="override", join="exact")
    at, known = positions(world, cells), world["cell"].values
    parts = []
    for unit in np.unique(at // UNIT):
        check(cancel)
        ids = known[unit * UNIT : (unit + 1) * UNIT]
        whole = source.simulate(replace(request, cells=tuple(int(c) for c in ids)), None, cancel)
        parts.append(whole.isel(cell=at[at // UNIT == unit] - unit * UNIT))
    result = xr.concat(parts, "cell", data_vars="minimal", coords="minimal", compat="override", join="exact")
    return result.assign_attrs({n: max(p.attrs[n] for p in parts) for n in LARGEST_OF if n in parts[0].attrs})


def replace_cells(request: Request, cells: NDArray) -> Request:
    """The same question of other cells; an explanation is of the first."""
    if isinstance(request, ExplanationRequest):
        return replace(request, cell=int(cells[0]))
    return replace(request, cells=tuple(int(c) for c in cells))


def choose_block(n_cells: int, template: xr.Dataset, workers: int, alone: bool) -> int:
    """Cells per block: large enough to be worth a task, small enough for memory and for workers to share the end.

    `alone` says that cells are computed one by one (explanations).
    """
    step = 1 if alone else UNIT
    fits = int(BLOCK_BYTES // max(bytes_per_cell(template), 1)) // step
    shared = n_cells // (BLOCKS_PER_WORKER * workers * step)
    return step * max(1, min(fits, shared, 16))


def bytes_per_cell(template: xr.Dataset) -> int:
    """Bytes before compression that one cell takes in the store."""
    return sum(v.nbytes for v in template.data_vars.values() if "cell" in v.dims)


def _split(job: Job, ids: NDArray, block_cells: int) -> list[Block]:
    starts = range(0, ids.size, block_cells)
    return [
        Block(job, number, first, tuple(int(c) for c in ids[first : first + block_cells]))
        for number, first in enumerate(starts)
    ]


def _whole_units(block_cells: int, request: Request) -> int:
    step = 1 if isinstance(request, ExplanationRequest) else UNIT
    return max(1, -(-block_cells // step)) * step


def _job(source: Source, data: Path | None, request: Request, out: Path) -> Job:
    if source.info.kind == "data":
        raise RequestError(f"'{source.info.id}' is data, not a model; there is nothing to compute in blocks.")
    folder = str(source.model.folder.resolve()) if isinstance(source, ModelSource) else None
    path = str(data.expanduser().resolve()) if data is not None else None
    return Job(request, folder, path, source.version, code_version(), "", str(out.resolve()))


def _fingerprint(job: Job, ids: NDArray) -> str:
    """Hash of all that the numbers depend on."""
    asked = replace_cells(job.request, ids[:1])
    digest = hashlib.sha256(repr((asked, job.version, job.code, UNIT)).encode())
    digest.update(np.ascontiguousarray(ids, np.int64).tobytes())
    return digest.hexdigest()


def _template(source: Source, request: Request) -> xr.Dataset:
    """One cell's answer: names, axes and attributes of the store."""
    if isinstance(request, ExplanationRequest):
        return _along_cells(source.explain(request, None, None))
    return source.simulate(request, None, None)


def _along_cells(explanation: xr.Dataset) -> xr.Dataset:
    """An explanation of one cell with a cell dimension, cells first."""
    dataset = explanation.drop_vars("cell").expand_dims(cell=[int(explanation["cell"])])
    dataset.attrs = {name: value for name, value in explanation.attrs.items() if name not in ("cost_seconds", "notes")}
    return dataset


def _report(progress: Progress | None, done: int, total: int) -> None:
    if progress:
        progress(done / max(total, 1), f"{done} of {total} blocks")


# -- on the worker ------------------------------------------------------------------------------------------------


def _open(job: Job) -> tuple[Source, xr.Dataset]:
    """The source and the world of a job, read from their paths once a process; refused when not the driver's."""
    source, world = _opened(job.folder, job.data, job.version, replace_cells(job.request, np.zeros(1, int)))
    refuse_another("model or world", source.version, job.version)
    refuse_another("code", code_version(), job.code)
    return source, world


@lru_cache(maxsize=2)
def _opened(folder: str | None, data: str | None, version: str, request: Request) -> tuple[Source, xr.Dataset]:
    """`version` is part of the key, so that a model trained anew in the same folder is read anew; so is the request,
    so that nothing a source keeps from one job (such as states on the way) reaches another."""
    world = open_world(data)
    if folder is None:
        return TwinSource(world), world
    card = read_card(Path(folder))
    return ModelSource(ModelInfo(card.id, card.title, Path(folder), card), world), world
