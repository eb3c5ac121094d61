"""Measure how runs in blocks scale from one worker to two, and plan a large run from what was measured.

usage: python scripts/cluster_scaling.py [--cells N] [--years N] [--rounds N] [--save FILE.json]
       python scripts/cluster_scaling.py --plan [--figures FILE.json] [--step DEGREES] [--years N] [--members N] ...

Runs of one worker and of two alternate, so that a busy machine slows both alike; the best of each counts. `--plan`
prints the tables of docs/cluster.md from the figures that `--save` wrote. Prices and speeds of other machines are
options.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import statistics
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from hdlcore.runtime.blocks import UNIT, Outcome, bytes_per_cell, run_blocks
from hdlcore.runtime.cluster import Cluster, local_cluster
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.requests import SimulationRequest

FIGURES = Path(__file__).parents[1] / "docs" / "cluster_figures.json"
FIRST_YEAR = 2002
WARM_UP_YEARS = 1


@dataclass(frozen=True)
class Figures:
    """What is measured here. Bytes and processor seconds are per worker; `stored_share` is compressed / plain bytes."""

    machine: str
    cores: int
    load: float
    model: str
    members: int
    outputs: int
    variables: int
    cells: int
    years: int
    seconds_one: float
    seconds_two: float
    ratio: float
    ratio_median: float
    cpu_seconds_per_cell_day_member: float
    base_bytes: float
    peak_bytes: float
    bytes_per_cell_day_member_output: float
    stored_share_daily: float
    stored_share_monthly: float
    land_cells_1_degree: int
    world_bytes: float


def main() -> None:
    """Measure, or plan."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plan", action="store_true")
    parser.add_argument("--figures", type=Path, default=FIGURES)
    parser.add_argument("--save", type=Path)
    parser.add_argument("--cells", type=int, default=1024)
    parser.add_argument("--years", type=int, help="measured years (default 3), or planned ones (default 40)")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--step", type=float, default=0.25, help="degrees")
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--cores", type=int, default=64)
    parser.add_argument("--core-hour", type=float, default=0.05, help="price of a core for an hour")
    parser.add_argument("--gigabyte-month", type=float, default=0.023, help="price of a gigabyte kept for a month")
    options = parser.parse_args()
    if options.plan:
        print(plan(Figures(**json.loads(options.figures.read_text())), options))
        return
    figures = measure(options.cells, options.years or 3, options.rounds)
    text = json.dumps(asdict(figures), indent=1)
    print(text)
    if options.save:
        options.save.write_text(text + "\n")


# -- measuring ----------------------------------------------------------------------------------------------------


def measure(n_cells: int, years: int, rounds: int) -> Figures:
    """Alternate runs of one worker and of two over some cells of all latitudes."""
    engine = Engine(cache_bytes=0)
    info, world = engine.models()[0], engine.world
    ensemble = engine.ensemble(info.id)
    known = world["cell"].values
    units = np.linspace(0, known.size // UNIT - 1, n_cells // UNIT).astype(int)
    cells = np.concatenate([known[u * UNIT : (u + 1) * UNIT] for u in units])
    end = f"{FIRST_YEAR + years - 1}-12-31"
    monthly = SimulationRequest(info.id, (int(cells[0]),), f"{FIRST_YEAR}-01-01", end, "monthly")
    daily = SimulationRequest(info.id, (int(cells[0]),), f"{FIRST_YEAR}-01-01", end, "daily")
    with tempfile.TemporaryDirectory() as folder, local_cluster(1) as one, local_cluster(2) as two:
        out = Path(folder) / "run.zarr"

        def run(cluster: Cluster, request: SimulationRequest = monthly, some: np.ndarray = cells) -> Outcome:
            return run_blocks(engine.source(info.id), world, None, request, some, out, cluster, block_cells=UNIT)

        for cluster in (one, two):  # compile, read the model, warm the disk
            short = SimulationRequest(info.id, (int(cells[0]),), "2002-01-01", "2002-01-31", "monthly")
            run(cluster, short, cells[: 4 * UNIT])
        base = max(one.client.run(_peak).values())
        single, double, loads = [], [], []
        for _ in range(rounds):
            for times, cluster in ((single, one), (double, two)):
                loads.append(os.getloadavg()[0])
                times.append(run(cluster))
                print(f"{cluster.count} workers: {times[-1].seconds:.1f} s, load {loads[-1]:.1f}", flush=True)
        share_monthly = stored_share(out)
        peak = max(one.client.run(_peak).values())
        run(two, daily, cells[: 4 * UNIT])
        share_daily = stored_share(out)
    members = len(ensemble.members)
    days = (np.datetime64(end) - np.datetime64(f"{FIRST_YEAR}-01-01")).astype(int) + 1 + 365 * WARM_UP_YEARS
    outputs = len(ensemble.model.outputs)
    best = min(single, key=lambda outcome: outcome.cpu_seconds)
    return Figures(
        machine=f"{_processor()}, {os.cpu_count()} cores",
        cores=os.cpu_count() or 1,
        load=statistics.mean(loads),
        model=info.id,
        members=members,
        outputs=outputs,
        variables=2 * outputs + len(ensemble.model.forcing),
        cells=cells.size,
        years=years,
        seconds_one=min(o.seconds for o in single),
        seconds_two=min(o.seconds for o in double),
        ratio=min(o.seconds for o in single) / min(o.seconds for o in double),
        ratio_median=statistics.median(a.seconds / b.seconds for a, b in zip(single, double, strict=True)),
        cpu_seconds_per_cell_day_member=best.cpu_seconds / (cells.size * days * members),
        base_bytes=base,
        peak_bytes=peak,
        bytes_per_cell_day_member_output=max(peak - base, 0) / (UNIT * days * members * outputs),
        stored_share_daily=share_daily,
        stored_share_monthly=share_monthly,
        land_cells_1_degree=known.size,
        world_bytes=world.nbytes,
    )


def stored_share(path: Path) -> float:
    """Bytes on disk over bytes in memory of a store."""
    with xr.open_zarr(path, consolidated=False) as stored:
        plain = bytes_per_cell(stored)
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file()) / plain


def _peak() -> float:
    """Largest resident memory of this process so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


# -- planning -----------------------------------------------------------------------------------------------------


def plan(measured: Figures, options: argparse.Namespace) -> str:
    """The table of a large run, as markdown."""
    years, members, cores = options.years or 40, options.members, options.cores
    cells, days, months = round(measured.land_cells_1_degree / options.step**2), round(years * 365.25), 12 * years
    per_day, scaling = measured.cpu_seconds_per_cell_day_member, measured.ratio / 2
    core_hours = cells * (days + 365 * WARM_UP_YEARS) * members * per_day / 3600
    unit = UNIT * (days + 365) * members * measured.outputs * measured.bytes_per_cell_day_member_output
    memory = measured.base_bytes + unit + measured.world_bytes / options.step**2
    values, share = measured.variables, (measured.stored_share_daily, measured.stored_share_monthly)
    daily, monthly = 4 * cells * days * values, 4 * cells * months * values
    computing, keeping = core_hours * options.core_hour / scaling, options.gigabyte_month / 1e9
    rows = [
        ("land cells", f"{measured.land_cells_1_degree:,} / {options.step:g}^2", f"{cells:,}"),
        ("days", f"{years} x 365.25", f"{days:,}"),
        ("cell-days of members", f"cells x days x {members}", f"{cells * days * members:.3g}"),
        ("blocks of one unit", f"cells / {UNIT}", f"{-(-cells // UNIT):,}"),
        ("processor time of a cell-day of a member", "measured", f"{1e6 * per_day:.2f} us"),
        ("core hours", f"cells x (days + 365) x {members} x that", f"{core_hours:,.0f} h"),
        (
            f"on {cores} cores",
            f"core hours / {cores} / {scaling:.2f}",
            f"{core_hours / cores / scaling:,.1f} h",
        ),
        ("memory of a worker", "base + world + one unit, all members", f"{memory / 1e9:.1f} GB"),
        ("forcing to read, if not generated", "cells x days x 3 x 4 B", f"{cells * days * 12 / 1e9:,.0f} GB"),
        ("daily result", f"cells x days x {values} x 4 B", f"{daily / 1e12:.1f} TB"),
        ("daily result, stored", f"x {share[0]:.2f} measured", f"{daily * share[0] / 1e12:.1f} TB"),
        ("monthly result", f"cells x {months} x {values} x 4 B", f"{monthly / 1e9:,.1f} GB"),
        ("monthly result, stored", f"x {share[1]:.2f} measured", f"{monthly * share[1] / 1e9:,.1f} GB"),
        ("computing", f"core hours x {options.core_hour:g} USD / {scaling:.2f}", f"{computing:,.0f} USD"),
        ("keeping the daily result", "GB x price, a month", f"{daily * share[0] * keeping:,.0f} USD"),
        ("keeping the monthly result", "GB x price, a month", f"{monthly * share[1] * keeping:,.2f} USD"),
    ]
    head = ["| | formula | |", "|---|---|---:|"]
    return "\n".join([*head, *(f"| {what} | {formula} | {value} |" for what, formula, value in rows)])


if __name__ == "__main__":
    main()
