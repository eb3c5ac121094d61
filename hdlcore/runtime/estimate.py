"""What a request will cost, told before it runs: seconds, memory, disk; and refusal of what cannot fit.

The rate is measured, not known: two short requests of the same kind are timed here and now, and what a cell and a unit
of work cost follows from the two. Work is cell-days of a run, or target days x lags of an explanation.
"""

from __future__ import annotations

import datetime as dt
import math
import resource
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import xarray as xr

from hdlcore.errors import RequestError
from hdlcore.models.kernels import arrays
from hdlcore.runtime.requests import ExplanationRequest, SimulationRequest, parse_date
from hdlcore.runtime.sources import Source

Request = SimulationRequest | ExplanationRequest

#: A result may be this large in memory, bytes, and never more than half of what is free.
MAX_BYTES = 4_000_000_000
#: Cells and days that are run for a rate; ninety days hold a whole month wherever they begin.
PROBE_CELLS, PROBE_DAYS = 64, (90, 455)
PROBE_TARGETS, PROBE_LAGS = (16, 32), (16, 64)
#: Days of a month, on average and rounded down.
MONTH = 30.4
#: Cells that are in memory with all members and days at a time (`hdlcore.runtime.simulate`).
BLOCK_CELLS = 256


@dataclass(frozen=True)
class Estimate:
    """Seconds from now on; largest memory of this process and room on the disk before compression, bytes.

    Good to a factor of two on a machine whose load does not change.
    """

    seconds: float
    memory: float
    disk: float

    def __str__(self) -> str:
        """In words."""
        return (
            f"about {duration(self.seconds)}, {self.memory / 1e9:.1f} GB of memory, "
            f"at most {self.disk / 1e9:.1f} GB on disk"
        )


@dataclass(frozen=True)
class Rate:
    """What one batch of `cells` costs: `fixed` seconds and `each` second per unit of work; `sample` is its answer."""

    cells: int
    fixed: float
    each: float
    sample: xr.Dataset

    def seconds(self, n_cells: int, work: float) -> float:
        """Seconds for `n_cells`, each with that much work."""
        return (self.fixed + self.each * work) * n_cells / self.cells


def estimate(source: Source, request: Request, n_cells: int, rate: Rate, workers: int = 0) -> Estimate:
    """What `request` costs for `n_cells` cells; `workers` (in blocks on a cluster) have one core and one block each."""
    bytes_ = scaled_bytes(rate.sample, sizes_of(request)) * n_cells
    seconds = rate.seconds(n_cells, work_of(request))
    if workers:
        seconds *= arrays.threads() / workers
    held = min(n_cells, PROBE_CELLS if workers else BLOCK_CELLS)
    members = int(rate.sample.attrs.get("members", 1))
    working = held * members * len(source.outputs) * 4.0
    if isinstance(request, ExplanationRequest):
        working = 3 * scaled_bytes(rate.sample, sizes_of(request))
    elif request.frequency == "daily":
        working *= 2 * days_of(request)  # stretches and their whole
    else:
        working *= 12  # sums, and the weather of the whole period
        working += held * days_of(request) * 3 * 8.0
    whole = bytes_ * (held / n_cells if workers else 2)  # in one process blocks and the joined result meet
    return Estimate(seconds, peak_memory() + working + whole, bytes_)


def measure_rate(source: Source, request: Request, n_cells: int) -> Rate:
    """Run two short requests like this one; some tenths of a second when the kernels are compiled already."""
    n = 1 if isinstance(request, ExplanationRequest) else min(n_cells, PROBE_CELLS)
    short, longer = probes(request, n)
    _run(source, short)  # whatever happens once a process happens here
    seconds, sample = [], None
    for probe in (short, longer):
        began = time.perf_counter()
        sample = _run(source, probe)
        seconds.append(time.perf_counter() - began)
    assert sample is not None
    step = work_of(longer) - work_of(short)
    # timing is noise when a step costs little: a fifth of the longer probe at least is taken to be work
    each = max(seconds[1] - seconds[0], 0.2 * seconds[1]) / step if step else seconds[1] / work_of(longer)
    return Rate(n, max(seconds[1] - each * work_of(longer), 0.0), each, sample)


def probes(request: Request, n_cells: int) -> tuple[Request, Request]:
    """Two short requests of the same kind, no longer than the request itself."""
    start, end = parse_date(request.start, "start"), parse_date(request.end, "end")

    def until(days: int) -> str:
        return min(start + dt.timedelta(days=days - 1), end).isoformat()

    if isinstance(request, ExplanationRequest):
        first, second = (
            replace(request, end=until(1 + (targets - 1) * request.every), lags=min(request.lags, lags))
            for targets, lags in zip(PROBE_TARGETS, PROBE_LAGS, strict=True)
        )
        return first, second
    one, two = (replace(request, cells=request.cells[:n_cells], end=until(days), scenario="") for days in PROBE_DAYS)
    return one, two


def _run(source: Source, request: Request) -> xr.Dataset:
    if isinstance(request, ExplanationRequest):
        return source.explain(request, None, None)
    return source.simulate(request, None, None)


def days_of(request: Request) -> int:
    """Days of the request, both ends included."""
    return (parse_date(request.end, "end") - parse_date(request.start, "start")).days + 1


def work_of(request: Request) -> float:
    """Work of one cell."""
    if isinstance(request, ExplanationRequest):
        return math.ceil(days_of(request) / request.every) * float(request.lags)
    return float(days_of(request))


def sizes_of(request: Request) -> dict[str, int]:
    """Lengths of the axes of one cell's answer."""
    days = days_of(request)
    if isinstance(request, ExplanationRequest):
        return {"time": math.ceil(days / request.every), "lag": request.lags, "cell": 1}
    return {"time": math.ceil(days / MONTH) if request.frequency == "monthly" else days, "cell": 1}


def scaled_bytes(sample: xr.Dataset, sizes: Mapping[str, int]) -> float:
    """Bytes of a dataset like `sample` with axes of other lengths."""
    return float(
        sum(
            v.dtype.itemsize * math.prod(sizes.get(str(dim), n) for dim, n in v.sizes.items())
            for v in sample.data_vars.values()
        )
    )


def refuse_too_large(request: SimulationRequest, series: int) -> None:
    """Raise `RequestError` with the nearest requests that fit when the answer cannot be held in memory.

    `series` is how many float32 series (time, cell) the answer has.
    """
    days, n, limit = days_of(request), len(request.cells), min(MAX_BYTES, free_memory() / 2)
    steps = sizes_of(request)["time"]
    needed = 4.0 * steps * n * series
    if needed <= limit:
        return
    ways = []
    fitting_cells, fitting_steps = int(limit / (4.0 * steps * series)), int(limit / (4.0 * n * series))
    fitting_days = fitting_steps if request.frequency == "daily" else int(fitting_steps * MONTH)
    if request.frequency == "daily" and needed / MONTH <= limit:
        ways.append("monthly values")
    if fitting_cells:
        ways.append(f"{fitting_cells:,} cells at a time")
    if fitting_days >= 31:
        last = parse_date(request.start, "start") + dt.timedelta(days=fitting_days - 1)
        ways.append(f"a period that ends by {last}")
    raise RequestError(
        f"{n:,} cells x {days:,} days {request.frequency} would take {needed / 1e9:.1f} GB of memory and "
        f"{limit / 1e9:.1f} GB can be used; ask for {' or for '.join(ways) or 'fewer cells and days'}, or write in "
        "blocks to a .zarr file with 'hdl simulate'."
    )


def free_memory() -> float:
    """Bytes that can be had without swapping; without bound where the system does not tell."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            told = next(line for line in lines if line.startswith("MemAvailable"))
        return float(told.split()[1]) * 1024
    except (OSError, StopIteration, ValueError, IndexError):
        return math.inf


def peak_memory() -> float:
    """Largest resident memory of this process so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1.0 if sys.platform == "darwin" else 1024.0)


def duration(seconds: float) -> str:
    """A duration in words, no finer than it is known."""
    if seconds < 90:
        return f"{max(round(seconds), 1)} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / 3600:.1f} hours" if seconds < 48 * 3600 else f"{seconds / 86400:.0f} days"
