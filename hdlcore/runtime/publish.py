"""Publish a training: write the model folder with its card, run all land once, score it, keep what is seen first.

Everything is written beside the destination and moved there at the end, so a model folder is whole or absent.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from hdlcore.analysis.decomposition import variance_share
from hdlcore.analysis.seasonality import mean_seasonal_cycle
from hdlcore.data.cube import open_world
from hdlcore.data.cubes import open_cube
from hdlcore.data.features import static_features
from hdlcore.models.checkpoint import Card, read_card, write_card
from hdlcore.models.registry import model_kind
from hdlcore.progress import Progress
from hdlcore.runtime.cards import first_card
from hdlcore.runtime.domains import recipe_of
from hdlcore.runtime.evaluate import observations
from hdlcore.runtime.evaluate_land import Sensors, baselines, evaluate_land
from hdlcore.runtime.fields import write_fields
from hdlcore.runtime.publish_sites import publish_sites
from hdlcore.runtime.uncertainty import (
    disagreement,
    extrapolation,
    judge,
    judged_scores,
    land_samples,
    latent_factor,
    write_heads,
)
from hdlcore.runtime.world_memory import with_memory
from hdlcore.runtime.world_run import WorldRun, period_of, run_world
from hdlcore.training.land import cube_weather
from hdlcore.training.recipes import Recipe
from hdlcore.variables import VARIABLES
from hdlcore.workers import Workers

#: Outputs whose spread over members is kept for the map and the bands.
SPREAD = ("tws", "swe", "soil_moisture", "groundwater", "evapotranspiration", "runoff")


def publish(
    recipe: Recipe, trained: Path, out: Path, data: Path | None = None, workers: Workers | None = None,
    rivals: tuple[Path, ...] = (), memory: bool = True, progress: Progress | None = None,
) -> Card:  # fmt: skip
    """Make the model folder ``out`` from the weights in ``trained``; `rivals` are model folders scored as baselines."""
    beside = out.with_name(out.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    if recipe.data == "catchments":
        card = publish_sites(recipe, trained, beside, data, rivals, progress)
    else:
        card = _publish_land(recipe, trained, beside, data, workers, rivals, memory, progress)
    write_card(card, beside)
    shutil.rmtree(out, ignore_errors=True)
    beside.rename(out)
    return card


def _publish_land(
    recipe: Recipe, trained: Path, folder: Path, data: Path | None, workers: Workers | None, rivals: tuple[Path, ...],
    memory: bool, progress: Progress | None,
) -> Card:  # fmt: skip
    world = open_world(data if recipe.data == "grace" else None)
    cube = observations(recipe, data)
    statics = [str(name) for name in static_features(world.isel(cell=[0]))["feature"].values]
    card = first_card(recipe, trained, folder, statics)
    card.data["world_version"] = str(world.attrs.get("version", ""))
    if cube is not None:
        weather = cube_weather(cube)
        card.data |= {"weather_seed": int(weather.seed), "weather_variability": weather.variability}
    write_card(card, folder)
    run = run_world(
        folder, data if recipe.data == "grace" else None, workers, memory,
        lambda done: progress(done, "running all land") if progress else None,
    )  # fmt: skip
    sensors = Sensors(world)
    result, cell_scores = evaluate_land(run, card, world, cube, sensors)
    equifinality, shares = disagreement(run, card)
    own = cell_scores | equifinality | {"extrapolation": extrapolation(card, world)}
    fields = world_fields(run, card, world, cube, sensors, own)
    judged = land_samples(run, card, world, cube, sensors)
    write_heads(judged, folder)
    card.scores = result["scores"] | {name: result[name] for name in ("mass_balance", "components") if name in result}
    card.scores["uncertainty"] = judged_scores(judged, judge(judged)) | {
        "latent_stores_spread_factor": latent_factor(judged["tws"])
    }
    card.scores["parameter_disagreement"] = shares
    others = {rival.id: rival.scores for rival in map(read_card, rivals)}
    if recipe.data == "grace":
        card.baselines = baselines(world, card) | {name: scores["tws"] for name, scores in others.items()}
    else:
        card.baselines = others
    card.data["checks"] = global_checks(fields)
    write_fields(fields, folder)
    return card


def world_fields(
    run: WorldRun, card: Card, world: xr.Dataset, cube: Path | None, sensors: Sensors, cell_scores: dict[str, NDArray]
) -> xr.Dataset:
    """Everything the app shows at once for all land (names as in `hdlcore.variables`); see docs/engine.md."""
    model = model_kind(card.kind)
    names = model(card.statics, card.hidden).outputs
    cycle, spread = run["cycle"].mean(0), run["cycle"].std(0)  # (12, output, cell)
    data: dict[str, tuple] = {}
    for i, name in enumerate(model.forcing):
        data[name] = (("month", "cell"), run["forcing"][:, i])
    for i, name in enumerate(names):
        data[name] = (("month", "cell"), cycle[:, i])
        if name in SPREAD:
            data[f"{name}_spread"] = (("month", "cell"), spread[:, i])
    tws = cycle[:, names.index("tws")]
    seen = sensors.see(tws, recipe_of(card).targets["tws"])
    data["tws_smoothed"] = (("month", "cell"), seen - seen.mean(0))
    data["tws_observed"] = (("month", "cell"), observed_cycle(world, cube))
    for name, store in (("snow_share", "swe"), ("soil_share", "soil_moisture"), ("groundwater_share", "groundwater")):
        if store in names:
            data[name] = (("cell",), variance_share(cycle[:, names.index(store)], tws))
    for i, name in enumerate(_static_parameters(model, card)):
        data[name] = (("cell",), run["parameters"][i].mean(0))
    data |= {name: (("cell",), values) for name, values in cell_scores.items()}
    if model.stores:
        data["equilibrium"] = (("member", "store", "cell"), run["equilibrium"])
    data["spin_up_drift"] = (("cell",), run["drift"])
    fields = _named(data, card, world, model)
    return with_memory(fields, run.arrays, model(card.statics, card.hidden)) if "lag_size" in run.arrays else fields


def _static_parameters(model: type, card: Card) -> list[str]:
    """Names of the parameters that do not change in time, in the order of `Prepared.parameters`."""
    built = model(card.statics, card.hidden)
    return list(built.prepare(torch.zeros(1, len(card.statics))).parameters)


def observed_cycle(world: xr.Dataset, cube: Path | None) -> NDArray:
    """Mean seasonal cycle (12, cell) of the storage that the model was trained on: GRACE's, or the twin's generated."""
    if cube is None:
        return world["tws_observed_msc"].values
    monthly = open_cube(cube).monthly
    assert monthly is not None  # a twin cube has months
    return np.asarray(mean_seasonal_cycle(monthly["tws_observed"].load()).transpose("month", "cell").values)


def _named(data: dict[str, tuple], card: Card, world: xr.Dataset, model: Any) -> xr.Dataset:
    coords: dict[str, Any] = {name: world[name] for name in ("cell", "lat", "lon", "area")}
    coords |= {
        "month": np.arange(1, 13),
        **({"store": [store.name for store in model.stores]} if model.stores else {}),
        "member": np.arange(len(card.members)),
    }
    dataset = xr.Dataset({n: (dims, np.asarray(v, np.float32)) for n, (dims, v) in data.items()}, coords)
    for name in dataset.data_vars:
        base = str(name).removesuffix("_spread")
        if base in VARIABLES:
            dataset[name].attrs = VARIABLES[base].attributes()
    dataset.attrs = {
        "model": card.id,
        "model_weights_sha256": " ".join(member.sha256[:16] for member in card.members),
        "data_version": str(world.attrs.get("version", "")),
        "period": "/".join(day.isoformat() for day in period_of(card)),
        "source": f"model of kind {card.kind}; {recipe_of(card).forcing_source}",
    }
    return dataset


def global_checks(fields: xr.Dataset) -> dict[str, float]:
    """Land totals a hydrologist knows by heart, km3 per year, over the cells of the cube."""
    area = fields["area"].values
    held = [n for n in ("precipitation", "evapotranspiration", "runoff") if n in fields]
    yearly = {n: fields[n].mean("month").values * 365.25 for n in held}
    totals = {f"{name}_km3_per_year": float((values * area).sum() / 1e12) for name, values in yearly.items()}
    return totals | {
        "tws_seasonal_std_mm_area_mean": float(np.average(fields["tws"].std("month").values, weights=area))
    }
