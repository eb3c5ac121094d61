"""The project's own speed figures: each a ratio to a plain reference measured in the same run on the same machine."""

from __future__ import annotations

import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hdlcore.attribution.banded import banded_gradients
from hdlcore.data.cube import positions
from hdlcore.data.weather import generate_arrays
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.requests import parse_date

#: Target days of the reference that are really run; its time for all is scaled from these.
SAMPLED_DAYS = 6


@dataclass(frozen=True)
class Figure:
    """One measurement: our time and the reference's in `unit`, their ratio, and the share of sgemm reached if known."""

    name: str
    ours: float
    reference: float
    ratio: float
    unit: str
    share_of_peak: float | None = None


def seconds(work: Callable[[], Any], repeats: int = 3) -> float:
    """Best of some repeats, after one unmeasured call."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def sgemm_flops() -> float:
    """Floating-point operations per second of a float32 matrix product on one thread."""
    a = torch.rand(1024, 1024)
    return 2 * 1024**3 / seconds(lambda: a @ a, 5)


def run_bench(models: list[Path] | None = None) -> dict[str, Any]:
    """Measure; returns ``{"machine": ..., "figures": [...]}``."""
    engine = Engine(models or [])
    ensemble = engine.ensemble(engine.models()[0].id)
    cell = np.array([int(ensemble.world["cell"][7000])])
    peak = sgemm_flops()
    figures = [_attribution(ensemble, cell), _members(ensemble, cell), _batch(ensemble, peak), _weather(ensemble)]
    machine = {
        "processor": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "threads": torch.get_num_threads(),
        "sgemm_gflops": round(peak / 1e9, 1),
    }
    return {"machine": machine, "figures": [asdict(figure) for figure in figures]}


def _attribution(ensemble: Ensemble, cell: np.ndarray) -> Figure:
    """Gradients of 365 target days over 365 lags: banded adjoint against one backward pass per target day."""
    lags, model = 365, ensemble.model
    prepared = ensemble.prepare(positions(ensemble.world, cell))
    start = parse_date("2004-01-02", "start")
    forcing = ensemble.per_member(ensemble.forcing(cell, start, parse_date("2005-12-31", "end")))
    state, _ = ensemble.warm_state(cell, prepared, start)
    ours = seconds(lambda: banded_gradients(model, prepared, forcing, state, "tws", lags), 1)

    def one_by_one() -> None:
        x = forcing.clone().requires_grad_()
        for day in np.linspace(lags - 1, len(forcing) - 1, SAMPLED_DAYS).astype(int):
            window = x[day - lags + 1 : day + 1]
            with torch.enable_grad():
                series, _ = model.run(prepared, window, state, ("tws",))
            torch.autograd.grad(series[-1].sum(), x)

    targets = len(forcing) - lags + 1
    reference = seconds(one_by_one, 1) * targets / SAMPLED_DAYS
    name = f"gradients of {targets} target days x {lags} lags, one cell, {len(ensemble.members)} members"
    return Figure(name, ours, reference, reference / ours, "s")


def _members(ensemble: Ensemble, cell: np.ndarray) -> Figure:
    """One cell, one year: the members as one batch against one after another."""
    model, start = ensemble.model, parse_date("2004-01-01", "start")
    prepared = ensemble.prepare(positions(ensemble.world, cell))
    forcing = ensemble.forcing(cell, start, parse_date("2004-12-31", "end"))
    state, _ = ensemble.warm_state(cell, prepared, start)
    single = [prepared.member(i) for i in range(len(ensemble.members))]
    with torch.no_grad():
        ours = seconds(lambda: model.run(prepared, ensemble.per_member(forcing), state))
        reference = seconds(lambda: [model.run(p, forcing, state[i]) for i, p in enumerate(single)])
    name = f"one cell x 366 days, {len(ensemble.members)} members as one batch"
    return Figure(name, ours, reference, reference / ours, "s")


def _batch(ensemble: Ensemble, peak: float) -> Figure:
    """512 cells as one batch against 8 cells at a time, in cell-days per second."""
    model, days = ensemble.model, 60
    at = np.arange(512)
    prepared = ensemble.prepare(at).member(0)
    cells = ensemble.world["cell"].values[at]
    forcing = ensemble.forcing(cells, parse_date("2004-01-01", "start"), parse_date("2004-02-29", "end"))
    state = model.initial_state(512)

    def few() -> None:
        for first in range(0, 64, 8):
            index = torch.arange(first, first + 8)
            model.run(prepared.cells(index), forcing[:, first : first + 8], state[:8])

    with torch.no_grad():
        ours = 512 * days / seconds(lambda: model.run(prepared, forcing, state))
        reference = 64 * days / seconds(few, 1)
    hidden = ensemble.card.hidden
    flops = 2 * 4 * hidden * (hidden + 6) + 2 * hidden * 32
    return Figure("512 cells as one batch", ours, reference, ours / reference, "cell-days s-1", ours * flops / peak)


def _weather(ensemble: Ensemble) -> Figure:
    """Weather of 256 cells x 6 years made as one batch against cell by cell."""
    world, cells = ensemble.world, ensemble.world["cell"].values[:256]
    period = ("2002-01-01", "2007-12-31", ensemble.weather)
    ours = seconds(lambda: generate_arrays(world, cells, *period))
    reference = seconds(lambda: [generate_arrays(world, cells[i : i + 1], *period) for i in range(16)], 1) * 16
    return Figure("daily weather, 256 cells x 6 years", ours, reference, reference / ours, "s")
