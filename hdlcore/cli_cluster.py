"""What the commands that can use a cluster share: its options, and the words of a run in blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hdlcore.console import err, out, progress_bar
from hdlcore.errors import RequestError
from hdlcore.workers import Workers

if TYPE_CHECKING:
    from hdlcore.runtime.blocks import Request

SchedulerOption = Annotated[
    str | None, typer.Option("--scheduler", help="Work on the cluster of this dask scheduler, tcp://HOST:PORT")
]
LocalClusterOption = Annotated[
    int | None, typer.Option("--local-cluster", min=1, help="Work on this many processes of this machine")
]
ResumeOption = Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run of this stopped")]


#: Cell-days, or cells x target days x lags, from which on the cost is worth measuring before.
LONG = 500_000


@contextmanager
def cluster_of(scheduler: str | None, local: int | None) -> Iterator[Workers | None]:
    """The cluster that the options ask for; None when they ask for none."""
    if scheduler is not None and local is not None:
        raise RequestError("Give one of --scheduler and --local-cluster, not both.")
    if scheduler is None and local is None:
        yield None
        return
    from hdlcore.runtime.cluster import connect, local_cluster  # dask is slow to load: --help must not wait for it

    with connect(scheduler) if scheduler is not None else local_cluster(local or 1) as cluster:
        yield cluster


def wants_blocks(out_file: Path, several: bool, scheduler: str | None, local: int | None, resume: bool) -> bool:
    """Whether a run is done block by block: on a cluster, or into a Zarr store of several cells."""
    spread = scheduler is not None or local is not None
    if (spread or resume) and out_file.suffix != ".zarr":
        raise RequestError(f"{out_file} cannot be written in blocks; name the output .zarr.")
    return spread or resume or (several and out_file.suffix == ".zarr")


def say_cost(engine: Any, request: Request, n_cells: int, out_file: Path, workers: int = 0) -> None:
    """Before a run that one waits for, say what it will take, and refuse what the disk has no room for."""
    from hdlcore.runtime.estimate import work_of
    from hdlcore.runtime.store import refuse_full_disk

    if n_cells * work_of(request) < LONG:
        return
    cost = engine.estimate(request, n_cells, workers)
    err.print(str(cost), highlight=False)
    refuse_full_disk(out_file, cost.disk, n_cells)


def run_in_blocks(
    engine: Any, data: Path | None, request: Request, cells: Sequence[int], out_file: Path,
    scheduler: str | None, local: int | None, resume: bool,
) -> None:  # fmt: skip
    """Run a request in blocks, say what was done; after Ctrl-C say how to go on, and exit with 130."""
    from hdlcore.runtime.blocks import run_blocks

    source = engine.source(request.model)
    try:
        with cluster_of(scheduler, local) as workers, progress_bar() as report:
            say_cost(engine, request, len(cells), out_file, workers.count if workers else 0)
            done = run_blocks(source, engine.world, data, request, cells, out_file, workers, resume, progress=report)
    except KeyboardInterrupt:
        err.print("stopped; finished blocks are kept, --resume goes on with them", highlight=False)
        raise typer.Exit(130) from None
    before = f", {done.kept} done before" if done.kept else ""
    out.print(
        f"{out_file}: {done.cells} cells in {done.computed} blocks{before}, {done.seconds:.1f} s", highlight=False
    )
