"""Evaluation: a model scored on what its members never saw, beside what trivial guesses reach."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from hdlcore.data.cubes import open_cube
from hdlcore.data.twin import make_twin
from hdlcore.errors import RequestError
from hdlcore.folders import cache_folder
from hdlcore.models.checkpoint import Card
from hdlcore.progress import CancelToken, Progress, scaled
from hdlcore.runtime.domains import recipe_of
from hdlcore.runtime.evaluate_land import Sensors, evaluate_land
from hdlcore.runtime.evaluate_sites import SiteRun, evaluate_sites, run_sites
from hdlcore.runtime.partition import partition_of
from hdlcore.runtime.report import Report, Series
from hdlcore.runtime.report_of import report_of
from hdlcore.runtime.uncertainty import judge, judged_scores, land_samples, site_samples
from hdlcore.runtime.world_run import run_world
from hdlcore.training.recipes import Recipe
from hdlcore.workers import Workers


def evaluate(
    folder: Path, card: Card, world: xr.Dataset, data: Path | None = None, workers: Workers | None = None,
    progress: Progress | None = None, cancel: CancelToken | None = None,
) -> tuple[dict[str, Any], Report]:  # fmt: skip
    """Scores of a model as `hdl evaluate --json` prints them, and the report of the same.

    `data` is a cube to score on: a world cube for models of GRACE, a twin's for models of the twin (made and kept in
    the cache when none is given: some minutes), a cube of places for models of catchments. Raises `RequestError` where
    the cube is of another kind, and `Cancelled`.
    """
    recipe = recipe_of(card)
    if recipe.data == "catchments":
        runs = run_sites(folder, card, _checked(data, "points", card))
        result, judged = evaluate_sites(runs, card, data), site_samples(runs, recipe.head_steps)
        series = tuple(basin_series(run) for run in runs)
        held = judge(judged, scaled(progress, 0.95, 1.0), cancel)
        result["uncertainty"] = judged_scores(judged, held)
        return result, report_of(card, result, judged, held, series=series)
    making = 0.3 if recipe.data == "twin" and data is None else 0.0
    cube = observations(recipe, data, scaled(progress, 0.0, making))
    run = run_world(
        folder, data if recipe.data == "grace" else None, workers,
        report=lambda done: progress(making + (0.95 - making) * done, "running all land") if progress else None,
        cancel=cancel,
    )  # fmt: skip
    sensors = Sensors(world)
    result, fields = evaluate_land(run, card, world, cube, sensors)
    judged = land_samples(run, card, world, cube, sensors)
    held = judge(judged, scaled(progress, 0.95, 1.0), cancel)
    result["uncertainty"] = judged_scores(judged, held)
    curves = partition_of(folder, card, world, cancel)
    result["partition"] = {
        name: {"deficit_mm": curve.deficit.tolist(), "median": [_known(v) for v in curve.median]}
        for name, curve in curves.items()
    }
    return result, replace(report_of(card, result, judged, held, world, fields), partition=curves)


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def basin_series(run: SiteRun) -> Series:
    """The last two scored years of a river, simulated and observed."""
    at = np.flatnonzero(run.counted)[-730:]
    middle, spread = run.runoff.mean(0)[at], run.runoff.std(0)[at]
    lines = {"simulated": middle, "observed": run.record.runoff[at].astype(np.float64)}
    band = (np.maximum(middle - spread, 0), middle + spread)
    return Series(run.record.name, run.record.days[at], lines, "mm d-1", band, "one standard deviation between members")


def observations(recipe: Recipe, data: Path | None, progress: Progress | None = None) -> Path | None:
    """The cube that a model for land is trained and scored on; None for the observations of the world cube itself."""
    if recipe.data != "twin":
        return None
    if data is not None:
        if open_cube(data).kind != "twin":
            raise RequestError(f"{data} is no twin; make one with 'hdl twin --out FILE', or leave --data out.")
        return data
    return twin_cube(progress)


def twin_cube(progress: Progress | None = None) -> Path:
    """The twin Earth's cube in the cache, made on first use (some minutes)."""
    path = cache_folder("twin") / "twin.zarr"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        make_twin(path, progress=progress)
    return path


def _checked(data: Path | None, kind: str, card: Card) -> Path | None:
    if data is not None and (found := open_cube(data).kind) != kind:
        raise RequestError(f"'{card.id}' is scored on a cube of {kind}; {data} is one of {found}.")
    return data


def table(scores: dict[str, Any]) -> list[tuple[str, str, dict[str, float | None]]]:
    """Scores as rows: variable, part, medians."""
    return [(variable, part, values) for variable, parts in scores.items() for part, values in parts.items()]
