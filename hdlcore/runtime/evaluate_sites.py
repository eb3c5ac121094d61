"""Scores at gauged places: daily runoff beside a calibrated bucket, a plain network, and last year's river."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.analysis.scores import correlation, error_parts, kling_gupta, nse, rmse
from hdlcore.analysis.seasonal_scores import seasonal_parts
from hdlcore.data.sites import SiteRecord, site_records
from hdlcore.models.checkpoint import Card
from hdlcore.runtime.domains import SitesDomain, recipe_of
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.training.calibrate import calibrate
from hdlcore.training.recipes import Recipe
from hdlcore.training.sites import FIRST_YEAR, catchments_cube

#: What a basin is calibrated with, for comparison.
BUCKET = "hbv"


@dataclass(frozen=True)
class SiteRun:
    """A model at one place: its record, daily runoff of each member (member, time), days that count, and the largest
    residual of the yearly water balance of a member, mm."""

    record: SiteRecord
    runoff: NDArray[np.float64]
    counted: NDArray[np.bool_]
    residual: float


def test_days(record: SiteRecord, recipe: Recipe, seen: bool) -> NDArray[np.bool_]:
    """Days (time,) that are scored: the last share of a record that was trained on, else all but the first year."""
    length = len(record.forcing)
    begins = round(length * (1 - recipe.test_share)) if seen else FIRST_YEAR
    return np.arange(length) >= begins


def run_sites(folder: Path, card: Card, cube_path: Path | None, members: list[int] | None = None) -> list[SiteRun]:
    """Run the ensemble (or some members) through the whole record of every place of a cube."""
    cube = catchments_cube(cube_path)
    own = str(cube.attrs.get("version")) == str(card.data.get("cube_version"))
    if members is not None:
        card = card.model_copy(update={"members": [card.members[m] for m in members]})
    ensemble = Ensemble(folder, card, SitesDomain(cube))
    recipe, names = recipe_of(card), ensemble.model.outputs
    runs = []
    for record in site_records(cube):
        series = ensemble.run(np.array([record.cell]), record.days[0].item(), record.days[-1].item())
        outputs = series.outputs[:, :, 0].numpy().astype(np.float64)
        residual = _residual(ensemble, outputs, record.days)
        runoff = outputs[..., names.index("runoff")].T
        runs.append(SiteRun(record, runoff, test_days(record, recipe, own), residual))
    return runs


def _residual(ensemble: Ensemble, outputs: NDArray, days: NDArray) -> float:
    """Largest |inflow - outflow - change of storage| of a member over a whole calendar year, mm."""
    model, names = ensemble.model, ensemble.model.outputs
    if not model.stores:
        return 0.0

    def total(wanted: tuple[str, ...]) -> NDArray:
        return np.asarray(outputs[..., [names.index(name) for name in wanted]].sum(-1))

    years = days.astype("datetime64[Y]").astype(int)
    net, stored = total(model.inflow) - total(model.outflow), total(model.store_names)
    ends = np.flatnonzero(np.diff(years))
    change = stored[ends[1:]] - stored[ends[:-1]]
    balance = np.add.reduceat(net, ends + 1, axis=0)[:-1]
    return float(np.abs(balance - change).max()) if len(change) else 0.0


def daily_scores(simulated: NDArray, record: SiteRecord, counted: NDArray[np.bool_]) -> dict[str, Any]:
    """Scores of daily runoff on the days that count; None where there is nothing to compare with."""
    observed = np.where(counted, record.runoff, np.nan).astype(np.float64)
    efficiency, parts = kling_gupta(simulated, observed), error_parts(simulated, observed)
    values = {
        "nse": nse(simulated, observed),
        "kge": efficiency.kge,
        "r": correlation(simulated, observed),
        "rmse": rmse(simulated, observed),
        "bias_squared": parts.bias_squared,
        "variance_error": parts.variance_error,
        "phase_error": parts.phase_error,
    }
    return {name: _number(value) for name, value in values.items()} | {"n_days": int(np.isfinite(observed).sum())}


def evaluate_sites(runs: list[SiteRun], card: Card, cube_path: Path | None) -> dict[str, Any]:
    """Scores per place and their medians, as `hdl evaluate --json` prints them, baselines of the card beside them."""
    basins: dict[str, Any] = {}
    parts: dict[str, list[dict[str, float | None]]] = {"raw": [], "msc": [], "iav": []}
    for run in runs:
        simulated = run.runoff.mean(0)
        entry = daily_scores(simulated, run.record, run.counted)
        entry["last_year"] = daily_scores(last_year(run.record), run.record, run.counted)
        entry |= {name: rows[run.record.name] for name, rows in card.baselines.items() if run.record.name in rows}
        basins[run.record.name] = entry | {"filled": list(run.record.filled)}
        for part, values in _parts(simulated, run).items():
            parts[part].append(values)
    cube = catchments_cube(cube_path)
    return {
        "model": card.id,
        "data": f"{cube.title} ({cube.path.name}, version {cube.attrs.get('version', '')}): daily runoff (observed)",
        "split": card.split,
        "n_cells": len(runs),
        "scores": {"runoff": {part: _medians(rows) for part, rows in parts.items()}},
        "basins": basins,
        "mass_balance": {"max_abs_residual_mm_per_year": max(run.residual for run in runs)},
    }


def _parts(simulated: NDArray, run: SiteRun) -> dict[str, dict[str, float | None]]:
    observed = np.where(run.counted, run.record.runoff, np.nan).astype(np.float64)
    if not np.isfinite(observed).any():
        return {}
    pairs = seasonal_parts(simulated[:, None], observed[:, None], run.record.days)
    return {
        str(part): {
            "nse_median": _number(nse(*pair)[0]),
            "r_median": _number(correlation(*pair)[0]),
            "rmse_median": _number(rmse(*pair)[0]),
        }
        for part, pair in pairs.items()
    }


def _medians(rows: list[dict[str, float | None]]) -> dict[str, float | None]:
    known = {
        name: [row[name] for row in rows if row[name] is not None] for name in ("nse_median", "r_median", "rmse_median")
    }
    return {name: float(np.median(values)) if values else None for name, values in known.items()}  # type: ignore[arg-type]


def last_year(record: SiteRecord) -> NDArray[np.float64]:
    """The observed river on the same day a year before, (time,): what knows the season and the place alone."""
    return np.concatenate([np.full(365, np.nan), record.runoff[:-365].astype(np.float64)])


def calibrated_bucket(
    cube_path: Path | None, recipe: Recipe, report: Callable[[float], None] | None = None
) -> dict[str, Any]:
    """The bucket calibrated on each basin's training years, scored on its test years."""
    result: dict[str, Any] = {}
    records = site_records(catchments_cube(cube_path))
    for at, record in enumerate(records):
        test = test_days(record, recipe, True)
        train = ~test & (np.arange(test.size) >= FIRST_YEAR)
        _, runoff = calibrate(
            BUCKET,
            record,
            train,
            report=lambda done, at=at: report((at + done) / len(records)) if report else None,  # type: ignore[misc]
        )
        result[record.name] = daily_scores(runoff.astype(np.float64), record, test)
    return result


def runoff_dataset(runs: list[SiteRun]) -> xr.Dataset:
    """Simulated and observed daily runoff of all places, (time, cell), for files and plots."""
    series = []
    for run in runs:
        series.append(
            xr.Dataset(
                {
                    "runoff": ("time", run.runoff.mean(0).astype(np.float32), {"units": "mm d-1"}),
                    "runoff_spread": ("time", run.runoff.std(0).astype(np.float32), {"units": "mm d-1"}),
                    "runoff_observed": ("time", run.record.runoff, {"units": "mm d-1", "source": "observed"}),
                },
                {"time": run.record.days.astype("datetime64[ns]"), "cell": run.record.cell},
            )
        )
    return xr.concat(series, "cell")


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
