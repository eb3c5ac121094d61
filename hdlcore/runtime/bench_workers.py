"""Speed of two workers against one, on runs in blocks as a cluster does them."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hdlcore.runtime.bench_kernels import Figure
from hdlcore.runtime.blocks import UNIT, run_blocks
from hdlcore.runtime.cluster import Cluster, local_cluster
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.requests import SimulationRequest

UNITS, YEARS, ROUNDS = 16, ("2002-01-01", "2003-12-31"), 3


def two_workers() -> Figure:
    """Wall-clock seconds of a run by two processes and by one, by turns; more than two cores add nothing here."""
    engine = Engine(cache_bytes=0)
    source = engine.source(engine.models()[0].id)
    cells = [int(c) for c in engine.world["cell"].values[: UNITS * UNIT]]
    request = SimulationRequest(source.info.id, (cells[0],), *YEARS, "monthly")
    with tempfile.TemporaryDirectory() as folder, local_cluster(1) as one, local_cluster(2) as two:

        def run(cluster: Cluster, some: list[int]) -> float:
            out = Path(folder) / "run.zarr"
            return run_blocks(source, engine.world, None, request, some, out, cluster, block_cells=UNIT).seconds

        for cluster in (one, two):  # compile, read the model, warm the disk
            run(cluster, cells[: 4 * UNIT])
        single, double = [], []
        for _ in range(ROUNDS):
            single.append(run(one, cells))
            double.append(run(two, cells))
    name = f"two workers, {len(cells)} cells x 2 years, all members, monthly (against one worker)"
    return Figure(name, min(double), min(single), min(single) / min(double), "s")
