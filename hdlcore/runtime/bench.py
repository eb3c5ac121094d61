"""The project's own speed figures: each a ratio to a plain reference measured in the same run on the same machine."""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hdlcore.data.cube import positions
from hdlcore.data.weather import generate_arrays
from hdlcore.errors import RequestError
from hdlcore.models.kernels import arrays, fast
from hdlcore.runtime.bench_app import APP_WORDS, app_figures, app_problem
from hdlcore.runtime.bench_attribution import attribution_figures
from hdlcore.runtime.bench_kernels import (
    SIZES,
    Clock,
    Figure,
    child,
    kept_to_avx2,
    seconds,
    sgemm_flops,
    simulation,
    training,
)
from hdlcore.runtime.bench_peers import hydrodl2, neuralhydrology
from hdlcore.runtime.bench_workers import two_workers
from hdlcore.runtime.domains import weather_of
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.requests import SimulationRequest, parse_date
from hdlcore.runtime.simulate import simulate_cells
from hdlcore.workers import ignore

ALL_LAND_YEARS = ("2001-01-01", "2014-12-31")


class Bench:
    """What the figures stand on, made when first asked for."""

    def __init__(self, models: Sequence[Path] = ()) -> None:
        self._models = models

    @cached_property
    def ensemble(self) -> Ensemble:
        """The first model at hand on the shipped world."""
        engine = Engine(self._models)
        return engine.ensemble(engine.models()[0].id)

    @cached_property
    def cell(self) -> np.ndarray:
        """A cell of land."""
        return np.array([int(self.ensemble.world["cell"][7000])])

    @cached_property
    def peak_one(self) -> float:
        """What sgemm reaches on one thread, operations per second."""
        return sgemm_flops(1)

    @cached_property
    def peak_all(self) -> float:
        """What sgemm reaches on all threads."""
        return sgemm_flops(arrays.threads())


def _app(word: str, _: Bench) -> list[Figure]:
    return app_figures(word)


#: What can be measured, by the word for `--only`; peers and the app are left out where what they need is missing.
FIGURES: dict[str, Callable[[Bench], list[Figure]]] = {
    "one-cell": lambda b: [simulation("one cell x 20 years", h, 1, 7305, b.peak_one) for h in SIZES],
    "512-cells": lambda b: [simulation("512 cells x 120 days", h, 512, 120, b.peak_all) for h in SIZES],
    "4096-cells": lambda b: [simulation("4096 cells x 30 days", h, 4096, 30, b.peak_all) for h in SIZES],
    "training": lambda b: [training(h, b.peak_all) for h in SIZES],
    "avx2": lambda b: [kept_to_avx2()],
    "attribution": lambda b: attribution_figures(b.ensemble),
    "members": lambda b: [_members(b.ensemble, b.cell)],
    "weather": lambda b: [_weather(b.ensemble)],
    "start": lambda b: [_start(b.ensemble)],
    "workers": lambda b: [two_workers()],
    "all-land": lambda b: _all_land(b.ensemble),
    "neuralhydrology": lambda b: neuralhydrology(),
    "hydrodl2": lambda b: hydrodl2(),
    **{word: partial(_app, word) for word in APP_WORDS},
}


def run_bench(
    models: Sequence[Path] = (), only: Sequence[str] = (), wall: bool = False, report: Callable[[str], None] = ignore
) -> dict[str, Any]:
    """Measure; returns ``{"machine": ..., "figures": [...]}``.

    `only` are words of `FIGURES` (default: all, which takes some minutes); `wall` asks for the wall clock though others
    use the machine; `report` hears what is measured next. Raises `RequestError` for an unknown word, and where the app
    is asked for by name and cannot be measured.
    """
    unknown = [word for word in only if word not in FIGURES]
    if unknown:
        raise RequestError(f"No figure is called '{unknown[0]}'; there are {', '.join(FIGURES)}.")
    words = list(only or FIGURES)
    problem = app_problem() if set(words) & set(APP_WORDS) else ""
    if problem and only:
        raise RequestError(problem)
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else None
    clock, bench = Clock.choose("wall" if wall else ""), Bench(models)
    figures = []
    for word in [word for word in words if not problem or word not in APP_WORDS]:
        report(word)
        figures += FIGURES[word](bench)
    machine = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "torch": version("torch"),
        "numba": version("numba"),
        "threads": arrays.threads(),
        "clock": clock,
        "load_before": load and round(load, 1),
        "left_out": problem,
        "sgemm_gflops": round(bench.peak_one / 1e9, 1),
        "sgemm_gflops_all_threads": round(bench.peak_all / 1e9, 1),
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
    """From the start of `hdl simulate --cell` to its file, kernels compiled before, against importing the libraries."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["simulate", ensemble.card.id, "--cell=47.5,8.5", "--out", f"{folder}/cell.nc"]
        child("from hdlcore.cli import main; main()", *command)
        ours, reference = [], []
        for _ in range(3):  # by turns, so that a busy machine slows both alike
            ours.append(child("from hdlcore.cli import main; main()", *command)[0])
            reference.append(child("import torch, xarray")[0])
    name = "hdl simulate --cell, from start to file (against importing torch and xarray)"
    return Figure(name, min(ours), min(reference), min(reference) / min(ours), "s")


def _all_land(ensemble: Ensemble) -> list[Figure]:
    """All land x 14 years x one member, weather generated, monthly outputs, in a process of its own: time, memory."""
    script = (
        "import json, resource\n"
        "from hdlcore.runtime.bench import run_all_land\n"
        "cells = run_all_land()\n"
        "print(json.dumps([cells, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss]))\n"
    )
    ours, said = child(script, HDL_THREADS=str(arrays.threads()))
    n_cells, kilobytes = json.loads(said.splitlines()[-1])
    days = int(np.diff(np.array([ALL_LAND_YEARS[0], "2015-01-01"], "datetime64[D]")).astype(int)[0])
    plain = simulation("", ensemble.card.hidden, 512, 30, 1.0, 1).reference
    reference, daily = n_cells * days / plain, 4e-9 * n_cells * days * len(ensemble.model.outputs)
    name = f"all land ({n_cells} cells) x 14 years x one member, monthly, weather generated"
    return [
        Figure(f"{name} (against the scripted loop alone)", ours, reference, reference / ours, "s"),
        Figure(f"{name}, memory (against its daily outputs)", kilobytes / 1e6, daily, daily * 1e6 / kilobytes, "GB"),
    ]


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
