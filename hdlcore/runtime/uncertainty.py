"""How sure a model is: distribution heads on residuals of what was held out, equifinality, and extrapolation."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from hdlcore.analysis.conformal import fit_conformal, spread_score
from hdlcore.analysis.equifinality import pair_score, spread_between_places
from hdlcore.analysis.extrapolation import training_range
from hdlcore.data.features import static_features
from hdlcore.data.regions import category_names
from hdlcore.data.sites import SITE_FEATURES
from hdlcore.errors import DataError
from hdlcore.models.checkpoint import Card
from hdlcore.models.registry import model_kind
from hdlcore.progress import CancelToken, Progress
from hdlcore.runtime.domains import recipe_of
from hdlcore.runtime.evaluate_land import Sensors, months_of, simulated_months
from hdlcore.runtime.evaluate_sites import SiteRun
from hdlcore.runtime.world_run import WorldRun, monthly_names
from hdlcore.training.fit_head import HEADS, HeldOut, fit_head, save_heads, score_held_out
from hdlcore.training.head import HeadSpec, Samples, samples_of
from hdlcore.training.land import lattice_positions
from hdlcore.training.recipes import Target
from hdlcore.variables import VARIABLES

logger = logging.getLogger(__name__)

#: Statics that a head reads, of those that networks see.
FEATURES = (
    "elevation",
    "elevation_std",
    "fapar_max",
    "mean_air_temperature",
    "air_temperature_range",
    "annual_precipitation_root",
    "precipitation_seasonality",
)
#: Rows that heads are fitted and judged on at most: more change no figure in the second digit.
MOST_ROWS = 150_000
#: Days of a basin that are held back together: residuals of a river last weeks, not half years.
BLOCK_DAYS = 183


@dataclass(frozen=True)
class Judged:
    """Rows of one variable, what its head was told, and how many steps it is fitted for."""

    samples: Samples
    spec: HeadSpec
    steps: int


def land_samples(
    run: WorldRun, card: Card, world: xr.Dataset, cube: Path | None, sensors: Sensors
) -> dict[str, Judged]:
    """Held-out months of every target as its sensor sees them, with the spread between all members."""
    names = monthly_names(model_kind(card.kind)(card.statics, card.hidden))
    statics = static_features(world).sel(feature=list(FEATURES)).values
    zones = category_names(world, "climate_zone")
    codes = [int(code) for code in np.atleast_1d(world["climate_zone"].attrs["flag_values"])]
    zone = np.array([codes.index(int(code)) for code in world["climate_zone"].values])
    result = {}
    for name, target, simulated, observed in simulated_months(run, card, world, cube, sensors):
        spread = _spread(run["monthly"][:, :, names.index(name)], simulated, target, card, sensors)
        samples = samples_of(
            simulated.values, spread, observed.values, simulated["time"].values, statics, zone, world["block"].values
        )
        floor = None if target.departures else 0.0
        spec = HeadSpec(features=FEATURES, zones=tuple(zones), floor=floor, units=VARIABLES[name].units)
        result[name] = Judged(_thinned(samples), spec, recipe_of(card).head_steps)
    return result


def _spread(monthly: NDArray, simulated: xr.DataArray, target: Target, card: Card, sensors: Sensors) -> NDArray:
    """Standard deviation between members (time, cell), each as the sensor sees it."""
    at = np.searchsorted(months_of(card), simulated["time"].values.astype("datetime64[M]"))
    seen = np.stack([sensors.see(member, target)[at] for member in monthly])
    if target.departures:
        seen = seen - seen.mean(1, keepdims=True)
    return np.asarray(seen.std(0))


def site_samples(runs: list[SiteRun], steps: int) -> dict[str, Judged]:
    """Daily runoff of all basins in their test years; a year of a basin is held back together."""
    parts = []
    for number, run in enumerate(runs):
        days, statics = run.record.days, run.record.features
        observed = np.where(run.counted, run.record.runoff, np.nan)
        block = 1000 * number + np.arange(days.size) // BLOCK_DAYS
        parts.append(
            samples_of(
                run.runoff.mean(0)[:, None], run.runoff.std(0)[:, None], observed[:, None], days,
                statics[None], number, block[:, None],
            )
        )  # fmt: skip
    joined = Samples(*(np.concatenate([getattr(p, name) for p in parts]) for name in Samples.__dataclass_fields__))
    zones = tuple(run.record.name for run in runs)
    spec = HeadSpec(features=SITE_FEATURES, zones=zones, floor=0.0, units=VARIABLES["runoff"].units)
    return {"runoff": Judged(joined, spec, steps)}


def _thinned(samples: Samples) -> Samples:
    if samples.size <= MOST_ROWS:
        return samples
    draw = np.random.default_rng(0)
    return samples.take(np.sort(draw.choice(samples.size, MOST_ROWS, replace=False)))


def judge(
    judged: dict[str, Judged], progress: Progress | None = None, cancel: CancelToken | None = None
) -> dict[str, HeldOut]:
    """Every variable's observations judged by heads that saw nothing of their block.

    A variable with too few observations for that is left out, with a line in the log. Raises `Cancelled`.
    """
    result = {}
    for i, (name, own) in enumerate(judged.items()):

        def report(fraction: float, done: int = i) -> None:
            if progress:
                progress((done + fraction) / len(judged), "judging the uncertainty")

        try:
            result[name] = score_held_out(own.samples, own.spec, steps=own.steps, report=report, cancel=cancel)
        except DataError as error:
            logger.warning("The uncertainty of '%s' cannot be judged: %s", name, error)
    return result


def judged_scores(judged: dict[str, Judged], held: dict[str, HeldOut]) -> dict[str, Any]:
    """Coverage of the central 50 and 90 % bands and CRPS of every variable, for all and by zone."""
    result: dict[str, Any] = {}
    for name, found in held.items():
        own = judged[name]
        zones = {
            zone: found.scores(own.samples.zone == number)
            for number, zone in enumerate(own.spec.zones)
            if (own.samples.zone == number).any()
        }
        result[name] = found.scores() | {"units": own.spec.units, "zones": zones}
    return result


def write_heads(judged: dict[str, Judged], folder: Path) -> None:
    """Fit a head per variable on all that was held out and keep them in a model folder; none on too few of them."""
    heads = {}
    for name, own in judged.items():
        try:
            heads[name] = fit_head(own.samples, own.spec, steps=own.steps)
        except DataError as error:
            logger.warning("There will be no distribution of '%s': %s", name, error)
    if heads:
        save_heads(heads, folder / HEADS)


def latent_factor(judged: Judged) -> float:
    """What the members' spread must be multiplied with for the 90 % band of an observed quantity to hold 90 %.

    The same factor is put on stores that nobody observes: it assumes that the members understate both alike.
    """
    samples = judged.samples
    mapping = fit_conformal(spread_score(samples.observed, samples.mean, samples.spread), block=samples.block)
    low, high = mapping.score_at([0.05, 0.95])
    return float(np.mean(np.abs([low, high])) / 1.645)


def disagreement(run: WorldRun, card: Card) -> tuple[dict[str, NDArray], dict[str, float]]:
    """Equifinality of every store and flux per cell, and the share of each learned parameter's variance that is
    disagreement. Mean levels count for fluxes alone: storage is observed as a departure."""
    model = model_kind(card.kind)(card.statics, card.hidden)
    names = monthly_names(model)
    fields = {}
    for i, name in enumerate(names):
        score = pair_score(run["monthly"][:, :, i])
        departure = score.amplitude + score.timing
        fields[f"{name}_equifinality"] = departure if VARIABLES[name].kind == "store" else score.total
    parameters = list(model.prepare(_nothing(card)).parameters)
    shares = {name: spread_between_places(run["parameters"][i]) for i, name in enumerate(parameters)}
    return fields, {name: share for name, share in shares.items() if np.isfinite(share)}


def _nothing(card: Card) -> torch.Tensor:
    return torch.zeros(1, len(card.statics))


def extrapolation(card: Card, world: xr.Dataset) -> NDArray:
    """Dissimilarity of each cell from what was trained on, (cell,), over the threshold: above 1 it extrapolates."""
    at = lattice_positions(world, recipe_of(card).lattice)
    features = static_features(world).values
    known = training_range(features[at], world["block"].values[at])
    return np.asarray(known.dissimilarity(features) / known.threshold)
