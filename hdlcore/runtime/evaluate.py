"""Evaluation of a model over all land, each cell scored by the members that never saw its block."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from hdlcore.analysis.scores import correlation, nse, rmse
from hdlcore.data.smoothing import grace_operator
from hdlcore.models.checkpoint import Card
from hdlcore.runtime.requests import START
from hdlcore.runtime.world_run import WorldRun
from hdlcore.training.splits import block_folds, block_interior

#: Cells at least this far (degrees) inside their held-out block, to see what skill owes to neighbours across its edge.
INTERIOR = 3.0
#: Seasonal standard deviation (mm) above which a cell counts as one with a strong signal.
STRONG = 20.0


def operator_of(card: Card, world: xr.Dataset) -> csr_matrix:
    """GRACE's smoothing over all cells, with the radius the model was trained with."""
    radius = float(card.recipe.get("smoothing_km", 250.0))
    return grace_operator(world["lat"].values, world["lon"].values, world["area"].values, radius)


def folds_of(card: Card, world: xr.Dataset) -> NDArray:
    """Fold of every cell under the model's own split."""
    return block_folds(world, int(card.recipe["folds"]), int(card.recipe["seed"]))


def held_out(values: NDArray, card: Card, fold: NDArray) -> NDArray:
    """(member, ..., cell) -> (..., cell): each cell's mean over the members whose held-out fold it is in."""
    held = np.array([member.held_out_fold for member in card.members])
    result = np.full(values.shape[1:], np.nan, np.float64)
    for number in np.unique(held):
        cells = fold == number
        result[..., cells] = values[held == number][..., cells].mean(0)
    return result


def smooth(operator: csr_matrix, values: NDArray) -> NDArray:
    """Apply a (cell, cell) operator to the last axis of (..., cell)."""
    flat = values.reshape(-1, values.shape[-1])
    return np.asarray(operator @ flat.T).T.reshape(values.shape)


def anomaly(series: NDArray, months: NDArray) -> NDArray:
    """Departure of (time, cell) from the mean of its own calendar months (0..11)."""
    result = np.empty_like(series)
    for month in range(12):
        own = months == month
        known = np.isfinite(series[own]).sum(0)
        result[own] = series[own] - np.nansum(series[own], 0) / np.maximum(known, 1)
    return result


def neighbour_mean(world: xr.Dataset, fold: NDArray, neighbours: int = 20) -> NDArray:
    """Seasonal cycle (12, cell) guessed as the mean of the nearest cells of other folds: no model at all."""
    observed = world["tws_observed_msc"].values
    phi, lam = np.radians(world["lat"].values), np.radians(world["lon"].values)
    points = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], -1)
    guess = np.empty_like(observed)
    for number in np.unique(fold):
        own, others = np.flatnonzero(fold == number), np.flatnonzero(fold != number)
        _, near = cKDTree(points[others]).query(points[own], neighbours)
        guess[:, own] = observed[:, others[near]].mean(-1)
    return guess


def evaluate(run: WorldRun, card: Card, world: xr.Dataset) -> tuple[dict[str, Any], dict[str, NDArray]]:
    """Scores as `hdl evaluate --json` prints them, and per-cell arrays for the map.

    TWS is compared as GRACE sees it: smoothed, as an anomaly; raw month by month over the 60 GRACE months, msc their
    mean seasonal cycle, iav the departure from it. Climatological weather cannot know the latter.
    """
    fold, operator = folds_of(card, world), operator_of(card, world)
    storage = smooth(operator, held_out(run["storage"], card, fold))
    times = world["time"].values.astype("datetime64[M]")
    index = (times - np.datetime64(START, "M")).astype(int)
    simulated, observed = storage[index], world["tws_observed"].values.astype(np.float64)
    sim, obs = simulated - simulated.mean(0), observed - np.nanmean(observed, 0)
    months = times.astype(int) % 12
    seen = storage.reshape(-1, 12, storage.shape[-1]).mean(0)
    seen, target = seen - seen.mean(0), world["tws_observed_msc"].values
    fields = {"tws_nse": nse(seen, target), "tws_correlation": correlation(seen, target)}
    interior, strong = block_interior(world, INTERIOR), target.std(0) > STRONG
    scores = {
        "tws": {
            "raw": _medians(sim, obs),
            "msc": _medians(seen, target)
            | {
                "nse_median_strong_signal": _median_or_none(fields["tws_nse"][strong]),
                "nse_median_block_interior": _median_or_none(fields["tws_nse"][interior]),
                "nse_upper_quartile": float(np.nanpercentile(fields["tws_nse"], 75)),
                "nse_lower_quartile": float(np.nanpercentile(fields["tws_nse"], 25)),
            },
            "iav": _medians(anomaly(sim, months), anomaly(obs, months)),
        }
    }
    result = {
        "model": card.id,
        "data": f"world cube {world.attrs.get('version', '')}: GRACE TWS 2002-04 to 2007-10, 60 months",
        "split": card.split,
        "n_cells": int(world.sizes["cell"]),
        "scores": scores,
        "mass_balance": {"max_abs_residual_mm_per_year": float(run["residual"].max())},
    }
    return result, fields


def baselines(world: xr.Dataset, card: Card) -> dict[str, Any]:
    """What trivial guesses reach on the same cells: zero anomaly and the mean of the nearest cells of other folds."""
    observed = world["tws_observed_msc"].values
    guess = neighbour_mean(world, folds_of(card, world))
    interior = block_interior(world, INTERIOR)
    return {
        "zero_anomaly": {"msc": _medians(np.zeros_like(observed), observed)},
        "neighbour_mean": {
            "msc": _medians(guess, observed)
            | {"nse_median_block_interior": _median_or_none(nse(guess, observed)[interior])},
            "what": "mean observed cycle of the 20 nearest cells of other folds",
        },
    }


def _medians(simulated: NDArray, observed: NDArray) -> dict[str, float | None]:
    return {
        "nse_median": _median_or_none(nse(simulated, observed)),
        "r_median": _median_or_none(correlation(simulated, observed)),
        "rmse_median": _median_or_none(rmse(simulated, observed)),
    }


def _median_or_none(values: NDArray) -> float | None:
    return float(np.nanmedian(values)) if np.isfinite(values).any() else None
