"""The project's own speed figures: each a ratio to a plain reference measured in the same run on the same machine."""

from __future__ import annotations

import json
import platform
import tempfile
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hdlcore.data.cube import positions
from hdlcore.data.weather import generate_arrays
from hdlcore.models.kernels import arrays, fast
from hdlcore.runtime.bench_attribution import attribution_figures
from hdlcore.runtime.bench_kernels import Clock, Figure, child, kernel_figures, seconds, sgemm_flops, simulation
from hdlcore.runtime.domains import weather_of
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.requests import SimulationRequest, parse_date
from hdlcore.runtime.simulate import simulate_cells

ALL_LAND_YEARS = ("2001-01-01", "2014-12-31")


def run_bench(models: list[Path] | None = None, all_land: bool = False) -> dict[str, Any]:
    """Measure; returns ``{"machine": ..., "figures": [...]}``. `all_land` adds the whole world, which takes minutes."""
    engine = Engine(models or [])
    ensemble = engine.ensemble(engine.models()[0].id)
    clock = Clock.choose()
    cell = np.array([int(ensemble.world["cell"][7000])])
    threads = arrays.threads()
    peak_one, peak_all = sgemm_flops(1), sgemm_flops(threads)
    figures = kernel_figures(peak_one, peak_all)
    figures += attribution_figures(ensemble)
    figures += [_members(ensemble, cell), _weather(ensemble), _start(ensemble)]
    if all_land:
        figures.append(_all_land(ensemble))
    machine = {
        "processor": _processor(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "numba": version("numba"),
        "threads": threads,
        "clock": clock,
        "sgemm_gflops": round(peak_one / 1e9, 1),
        "sgemm_gflops_all_threads": round(peak_all / 1e9, 1),
    }
    return {"machine": machine, "figures": [asdict(figure) for figure in figures]}


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _members(ensemble: Ensemble, cell: np.ndarray) -> Figure:
    """One cell, one year, all members: the fast way against the plain way, one member after another."""
    model, start = ensemble.model, parse_date("2004-01-01", "start")
    prepared = ensemble.prepare(positions(ensemble.world, cell))
    forcing = ensemble.forcing(cell, start, parse_date("2004-12-31", "end"))
    state, _ = ensemble.warm_state(cell, prepared, start)
    single = [prepared.member(i) for i in range(len(ensemble.members))]
    ours = seconds(lambda: fast.run(model, prepared, ensemble.per_member(forcing), state), 10)
    with torch.no_grad():
        reference = seconds(lambda: [model.run(p, forcing, state[i]) for i, p in enumerate(single)], 2)
    name = f"one cell x 366 days, {len(ensemble.members)} members (against the plain path)"
    return Figure(name, ours, reference, reference / ours, "s")


def _weather(ensemble: Ensemble) -> Figure:
    """Weather of 256 cells x 6 years made as one batch against cell by cell."""
    world, cells = ensemble.world, ensemble.world["cell"].values[:256]
    period = ("2002-01-01", "2007-12-31", weather_of(ensemble.card))
    ours = seconds(lambda: generate_arrays(world, cells, *period))
    reference = seconds(lambda: [generate_arrays(world, cells[i : i + 1], *period) for i in range(16)], 1) * 16
    return Figure("daily weather, 256 cells x 6 years", ours, reference, reference / ours, "s")


def _start(ensemble: Ensemble) -> Figure:
    """From the start of `hdl simulate --cell` to its file, kernels compiled before; against the plain path."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["simulate", ensemble.card.id, "--cell=47.5,8.5", "--out", f"{folder}/cell.nc"]
        times = {}
        for plain in ("0", "1"):
            runs = [child("from hdlcore.cli import main; main()", *command, HDL_PLAIN=plain)[0] for _ in range(3)]
            times[plain] = min(runs[1:])
    name = "hdl simulate --cell, from start to file (against the plain path)"
    return Figure(name, times["0"], times["1"], times["1"] / times["0"], "s")


def _all_land(ensemble: Ensemble) -> Figure:
    """All land x 14 years x one member, weather generated, monthly outputs, in a process of its own."""
    script = (
        "import json, resource\n"
        "from hdlcore.runtime.bench import run_all_land\n"
        "cells = run_all_land()\n"
        "print(json.dumps([cells, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))\n"
    )
    ours, said = child(script, HDL_THREADS=str(arrays.threads()))
    n_cells, kilobytes = json.loads(said.splitlines()[-1])
    days = np.diff(np.array([ALL_LAND_YEARS[0], "2015-01-01"], "datetime64[D]")).astype(int)[0]
    plain = simulation("", ensemble.card.hidden, 512, 30, 1.0, 1).reference
    reference = n_cells * int(days) / plain
    name = f"all land ({n_cells} cells) x 14 years x one member, monthly, weather generated, {kilobytes / 1e6:.1f} GB"
    return Figure(name + " (against the scripted loop alone)", ours, reference, reference / ours, "s")


def run_all_land() -> int:
    """Simulate all land with the first member of the first model, monthly; returns the number of cells."""
    engine = Engine([])
    ensemble = engine.ensemble(engine.models()[0].id)
    ensemble.members = ensemble.members[:1]
    if ensemble.equilibrium is not None:
        ensemble.equilibrium = ensemble.equilibrium[:1]
    cells = tuple(int(cell) for cell in engine.world["cell"].values)
    request = SimulationRequest(ensemble.card.id, cells, *ALL_LAND_YEARS, "monthly")
    return int(simulate_cells(ensemble, request, None, None).sizes["cell"])
