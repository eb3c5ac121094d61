"""Scores over all land, each cell by the members that never saw its block or a strip around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from hdlcore.analysis.decomposition import variance_share
from hdlcore.analysis.scores import correlation, nse, rmse
from hdlcore.analysis.seasonal_scores import score_dataset, seasonal_parts, summary_by_zone
from hdlcore.data.cube import unit_vectors
from hdlcore.data.cubes import open_cube
from hdlcore.data.regions import category_names
from hdlcore.data.smoothing import grace_operator
from hdlcore.data.twin.truth import open_truth
from hdlcore.models.checkpoint import Card
from hdlcore.models.registry import model_kind
from hdlcore.runtime.domains import recipe_of
from hdlcore.runtime.world_run import WorldRun, monthly_names, period_of
from hdlcore.training.recipes import Target
from hdlcore.training.splits import block_folds, near

#: Seasonal standard deviation (mm) above which a cell counts as one with a strong signal.
STRONG = 20.0
#: Stores that are compared with the twin's truth.
COMPONENTS = ("swe", "soil_moisture", "groundwater")
#: Statistics of every part, from `score_dataset`, by their name in the answer.
STATISTICS = {
    "nse_median": "nse",
    "r_median": "correlation",
    "rmse_median": "rmse",
    "bias_squared_median": "bias_squared",
    "variance_error_median": "variance_error",
    "phase_error_median": "phase_error",
}


class Sensors:
    """How each target's sensor sees a model's months over all land."""

    def __init__(self, world: xr.Dataset) -> None:
        self._world = world
        self._operators: dict[float, csr_matrix] = {}

    def operator(self, radius_km: float) -> csr_matrix:
        """Smoothing over all cells, made once."""
        if radius_km not in self._operators:
            lat, lon, area = (self._world[name].values for name in ("lat", "lon", "area"))
            self._operators[radius_km] = grace_operator(lat, lon, area, radius_km)
        return self._operators[radius_km]

    def see(self, values: NDArray, target: Target) -> NDArray:
        """Months (..., cell) as the sensor of `target` sees them."""
        if target.saturation is not None:
            values = np.minimum(values, target.saturation)
        return smooth(self.operator(target.smoothing_km), values) if target.smoothing_km else values


def smooth(operator: csr_matrix, values: NDArray) -> NDArray:
    """Apply a (cell, cell) operator to the last axis of (..., cell)."""
    flat = values.reshape(-1, values.shape[-1])
    return np.asarray(operator @ flat.T).T.reshape(values.shape)


def folds_of(card: Card, world: xr.Dataset) -> NDArray:
    """Fold of every cell under the model's own split."""
    recipe = recipe_of(card)
    return block_folds(world, recipe.folds, recipe.seed)


def held_out(values: NDArray, card: Card, fold: NDArray) -> NDArray:
    """(member, ..., cell) -> (..., cell): each cell's mean over the members whose held-out fold it is in."""
    held = np.array([member.held_out_fold for member in card.members])
    result = np.full(values.shape[1:], np.nan, np.float64)
    for number in np.unique(held):
        cells = fold == number
        result[..., cells] = values[held == number][..., cells].mean(0)
    return result


def months_of(card: Card) -> NDArray[np.datetime64]:
    """Months of a pass over all land (datetime64[M])."""
    first, last = period_of(card)
    return np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + 1)


def observed_months(card: Card, world: xr.Dataset, cube: Path | None) -> dict[str, xr.DataArray]:
    """Observations (time, cell) of every target that a model is scored on, in months that no member was trained on.

    GRACE's months themselves: training saw their mean cycle only. The twin's: the test years.
    """
    recipe = recipe_of(card)
    if cube is None:
        return {"tws": world["tws_observed"].astype(np.float64)}
    first, last = recipe.test_years or recipe.years
    monthly = open_cube(cube).monthly
    assert monthly is not None  # a twin cube has months
    period = slice(f"{first}-01-01", f"{last}-12-31")
    return {name: monthly[f"{name}_observed"].sel(time=period).astype(np.float64).load() for name in recipe.targets}


def simulated_months(
    run: WorldRun, card: Card, world: xr.Dataset, cube: Path | None, sensors: Sensors
) -> Iterator[tuple[str, Target, xr.DataArray, xr.DataArray]]:
    """Every target with the model's held-out months as its sensor sees them, and the observed ones, (time, cell)."""
    recipe, fold = recipe_of(card), folds_of(card, world)
    names = monthly_names(model_kind(card.kind)(card.statics, card.hidden))
    months = months_of(card)
    for name, observed in observed_months(card, world, cube).items():
        target = recipe.targets[name]
        values = sensors.see(held_out(run["monthly"][:, :, names.index(name)], card, fold), target)
        at = np.searchsorted(months, observed["time"].values.astype("datetime64[M]"))
        simulated = observed.copy(data=values[at])
        if target.departures:
            known = observed.notnull()
            simulated = simulated - simulated.where(known).mean("time")
            observed = observed - observed.mean("time")
        yield name, target, simulated, observed


def evaluate_land(
    run: WorldRun, card: Card, world: xr.Dataset, cube: Path | None, sensors: Sensors
) -> tuple[dict[str, Any], dict[str, NDArray]]:
    """Scores as `hdl evaluate --json` prints them, and per-cell arrays for the map.

    raw: months as they are; msc: the mean seasonal cycle; iav: the departure of each month from it. Under weather
    without years nobody can know the latter.
    """
    recipe = recipe_of(card)
    scores: dict[str, Any] = {}
    zones: dict[str, Any] = {}
    fields: dict[str, NDArray] = {}
    names, codes = (
        category_names(world, "climate_zone"),
        list(np.atleast_1d(world["climate_zone"].attrs["flag_values"])),
    )
    zone = np.array([codes.index(code) for code in world["climate_zone"].values])
    for name, _, simulated, observed in simulated_months(run, card, world, cube, sensors):
        by_cell = score_dataset(simulated, observed)
        scores[name] = {str(p): _medians(by_cell.sel(part=p)) for p in by_cell["part"].values}
        by_zone, counts = summary_by_zone(by_cell[["nse", "correlation"]], zone, names)
        for at, title in enumerate(by_zone["zone"].values):
            entry = zones.setdefault(str(title), {"n_cells": int(counts[at])})
            entry[name] = {str(p): _number(by_zone["nse"].sel(part=p)[at]) for p in by_zone["part"].values}
        part = "msc" if recipe.data == "grace" else "raw"
        fields[f"{name}_nse"] = by_cell["nse"].sel(part=part).values
        fields[f"{name}_correlation"] = by_cell["correlation"].sel(part=part).values
    if recipe.data == "grace":
        scores["tws"]["msc"], own = _against_cycle(run, card, world, sensors)
        fields |= own
    result = {
        "model": card.id,
        "data": _data_words(card, world),
        "split": card.split,
        "n_cells": int(world.sizes["cell"]),
        "scores": scores,
        "zones": zones,
        "mass_balance": {"max_abs_residual_mm_per_year": float(run["residual"].max())},
    }
    if cube is not None:
        result["components"], own = components(run, card, world, cube)
        fields |= own
    return result, fields


def _data_words(card: Card, world: xr.Dataset) -> str:
    recipe, version = recipe_of(card), world.attrs.get("version", "")
    if recipe.data == "grace":
        return f"world cube {version}: GRACE TWS 2002-04 to 2007-10, 60 months (observed)"
    first, last = recipe.test_years or recipe.years
    return f"twin Earth on world cube {version}: generated observations {first} to {last}"


def _against_cycle(
    run: WorldRun, card: Card, world: xr.Dataset, sensors: Sensors
) -> tuple[dict[str, Any], dict[str, NDArray]]:
    """The mean seasonal cycle of the whole run against GRACE's, which training knew elsewhere."""
    recipe = recipe_of(card)
    names = monthly_names(model_kind(card.kind)(card.statics, card.hidden))
    storage = held_out(run["monthly"][:, :, names.index("tws")], card, folds_of(card, world))
    seen = sensors.see(storage.reshape(-1, 12, storage.shape[-1]).mean(0), recipe.targets["tws"])
    seen, cycle = seen - seen.mean(0), world["tws_observed_msc"].values
    score, strong = nse(seen, cycle), cycle.std(0) > STRONG
    values: dict[str, Any] = {
        "nse_median": _number(np.nanmedian(score)),
        "r_median": _number(np.nanmedian(correlation(seen, cycle))),
        "rmse_median": _number(np.nanmedian(rmse(seen, cycle))),
        "nse_upper_quartile": _number(np.nanpercentile(score, 75)),
        "nse_lower_quartile": _number(np.nanpercentile(score, 25)),
        "nse_median_strong_signal": _number(np.nanmedian(score[strong])) if strong.any() else None,
    }
    return values, {"tws_nse": score, "tws_correlation": correlation(seen, cycle)}


def components(run: WorldRun, card: Card, world: xr.Dataset, cube: Path) -> tuple[dict[str, Any], dict[str, NDArray]]:
    """Stores against the twin's truth in the test years, on held-out cells, and per-cell arrays for the map.

    r_anomaly: correlation of the departures from the mean seasonal cycle; r: of the months themselves; share: the part
    of the variance of total storage that a store carries, cov(store, total) / var(total).
    """
    recipe, fold = recipe_of(card), folds_of(card, world)
    names = monthly_names(model_kind(card.kind)(card.statics, card.hidden))
    first, last = recipe.test_years or recipe.years
    truth = open_truth(cube).sel(time=slice(f"{first}-01-01", f"{last}-12-31"))
    times = truth["time"].values
    at = np.searchsorted(months_of(card), times.astype("datetime64[M]"))
    own = {
        n: held_out(run["monthly"][:, :, names.index(n)], card, fold)[at] for n in ("tws", *COMPONENTS) if n in names
    }
    result: dict[str, Any] = {}
    fields: dict[str, NDArray] = {}
    total = truth["tws"].values
    for name in (n for n in COMPONENTS if n in own):
        true = truth[name].values
        parts = seasonal_parts(own[name], true, times)
        r_anomaly, r = correlation(*parts["iav"]), correlation(own[name], true)
        difference = variance_share(own[name], own["tws"]) - variance_share(true, total)
        result[name] = {
            "r_anomaly_median": _number(np.nanmedian(r_anomaly)),
            "r_median": _number(np.nanmedian(r)),
            "share_difference_median": _number(np.nanmedian(np.abs(difference))),
            "share_within_0.10": float((np.abs(difference) <= 0.10).mean()),
            "share_mean": _number(np.nanmean(variance_share(own[name], own["tws"]))),
            "share_mean_truth": _number(np.nanmean(variance_share(true, total))),
        }
        fields[f"{name}_truth_correlation"], fields[f"{name}_share_error"] = r_anomaly, difference
    return result, fields


def neighbour_mean(world: xr.Dataset, fold: NDArray, buffer: float, neighbours: int = 20) -> NDArray:
    """Seasonal cycle (12, cell) guessed as the mean of the nearest cells a member of the same fold may learn from."""
    observed = world["tws_observed_msc"].values
    points = unit_vectors(world["lat"].values, world["lon"].values)
    guess = np.empty_like(observed)
    for number in np.unique(fold):
        own = fold == number
        others = np.flatnonzero(~near(points, own, buffer))
        _, nearest = cKDTree(points[others]).query(points[own], neighbours)
        guess[:, own] = observed[:, others[nearest]].mean(-1)
    return guess


def baselines(world: xr.Dataset, card: Card) -> dict[str, Any]:
    """What trivial guesses reach on the same cells: zero anomaly and the mean of the nearest cells of other folds."""
    observed = world["tws_observed_msc"].values
    guess = neighbour_mean(world, folds_of(card, world), recipe_of(card).buffer)
    return {
        "zero_anomaly": {"msc": _simple(np.zeros_like(observed), observed)},
        "neighbour_mean": {
            "msc": _simple(guess, observed),
            "what": "mean observed cycle of the 20 nearest cells outside the held-out blocks and their buffer",
        },
    }


def _simple(simulated: NDArray, observed: NDArray) -> dict[str, float | None]:
    scores = nse(simulated, observed), correlation(simulated, observed), rmse(simulated, observed)
    return {
        name: _number(np.nanmedian(values)) if np.isfinite(values).any() else None
        for name, values in zip(("nse_median", "r_median", "rmse_median"), scores, strict=True)
    }


def _medians(scores: xr.Dataset) -> dict[str, float | None]:
    return {name: _number(scores[own].median(skipna=True)) for name, own in STATISTICS.items()}


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None
