"""Publish a training: write the model folder with its card, run all land once, score it, keep what is seen first.

Everything is written beside the destination and moved there at the end, so a model folder is whole or absent.
"""

from __future__ import annotations

import datetime as dt
import logging
import platform
import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from hdlcore.attribution.lags import lag_bins, memory_length, memory_share, memory_time
from hdlcore.data.cube import open_world
from hdlcore.data.features import static_features
from hdlcore.errors import ModelError
from hdlcore.models.checkpoint import Card, Member, read_card, sha256_of, write_card
from hdlcore.models.registry import model_kind
from hdlcore.progress import Progress
from hdlcore.runtime.evaluate import baselines, evaluate, operator_of, smooth
from hdlcore.runtime.fields import write_fields
from hdlcore.runtime.requests import END, START
from hdlcore.runtime.world_run import MEMORY_LAGS, WorldRun, run_world
from hdlcore.training.recipes import Recipe
from hdlcore.training.trainer import Trainer
from hdlcore.variables import VARIABLES
from hdlcore.workers import Workers

logger = logging.getLogger(__name__)

#: Outputs whose spread over members is kept for the map and the bands.
SPREAD = ("tws", "swe", "soil_moisture", "groundwater", "evapotranspiration", "runoff")
LIMITS = (
    "Daily weather is generated from the ERA5 monthly climatology: the model knows seasons, not years; departures from "
    "the mean seasonal cycle in a given year are not predicted.",
    "GRACE is the only target, so total storage is checked; its split into snow, soil moisture and groundwater, and "
    "evaporation and runoff, rest on the physics, a soft Budyko constraint and net radiation that is itself generated.",
    "This GRACE is smoothed over a few hundred kilometres and leaks across coasts; scores are easier to reach than "
    "against the finer mascons of the published H2M and must not be set beside its figures without saying so.",
    "Held-out blocks have no buffer: the smoothing lets a held-out cell near its block's edge see trained neighbours; "
    "the score of block interiors shows how much that matters.",
    "Where snow never melts away (about 1 % of the cells, high mountains and the far north) storage has no equilibrium "
    "and grows: there is no glacier flow.",
    "Rivers, lakes and reservoirs are not stores of their own; groundwater takes their part. Ice sheets are left out.",
)


def publish(
    recipe: Recipe, trained: Path, out: Path, data: Path | None = None, workers: Workers | None = None,
    rivals: tuple[Path, ...] = (), memory: bool = True, progress: Progress | None = None,
) -> Card:  # fmt: skip
    """Make the model folder ``out`` from the weights in ``trained``; `rivals` are model folders scored as baselines.

    `workers` (default: this process) share the pass over all land.
    """
    world = open_world(data)
    beside = out.with_name(out.name + ".part")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    card = _first_card(recipe, trained, beside, world)
    write_card(card, beside)

    def report(fraction: float) -> None:
        if progress:
            progress(fraction, "running all land")

    run = run_world(beside, data, workers, memory, report)
    result, cell_scores = evaluate(run, card, world)
    fields = world_fields(run, card, world, cell_scores)
    card.scores = result["scores"] | {"mass_balance": result["mass_balance"]}
    card.baselines = baselines(world, card) | {rival.id: rival.scores["tws"] for rival in map(read_card, rivals)}
    card.data["checks"] = global_checks(fields)
    write_card(card, beside)
    write_fields(fields, beside)
    shutil.rmtree(out, ignore_errors=True)
    beside.rename(out)
    return card


def _first_card(recipe: Recipe, trained: Path, folder: Path, world: xr.Dataset) -> Card:
    members = []
    for index in range(recipe.members):
        source = trained / f"member-{index}.safetensors"
        if not source.is_file():
            raise ModelError(
                f"{trained} has no weights of member {index}; finish it with 'hdl train {recipe.id} --resume'."
            )
        shutil.copyfile(source, folder / source.name)
        members.append(
            Member(
                weights=source.name,
                sha256=sha256_of(folder / source.name),
                seed=Trainer.seed(recipe, index),
                held_out_fold=index % recipe.folds,
            )
        )
    statics = [str(name) for name in static_features(world.isel(cell=[0]))["feature"].values]
    return Card(
        id=recipe.id,
        title=recipe.title,
        kind=recipe.model,
        summary=recipe.summary,
        hidden=recipe.hidden,
        statics=statics,
        members=members,
        recipe=recipe.model_dump(mode="json"),
        data={
            "world_version": str(world.attrs.get("version", "")),
            "forcing": "generated daily weather from the ERA5 monthly climatology 2000-2025 (reanalysis)",
            "target": "GRACE terrestrial water storage, mean seasonal cycle (observed)",
        },
        split=(
            f"10-degree blocks in {recipe.folds} folds; each cell scored by the members that never saw its block, "
            "no buffer; seasonal cycle of the same years"
        ),
        scores={},
        baselines={},
        limits=list(LIMITS),
        created=dt.date.today().isoformat(),
        software={
            "python": platform.python_version(),
            "torch": torch.__version__,
            "hdl-explorer": version("hdl-explorer"),
        },
    )


def world_fields(run: WorldRun, card: Card, world: xr.Dataset, cell_scores: dict[str, NDArray]) -> xr.Dataset:
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
    seen = smooth(operator_of(card, world), tws)
    data["tws_smoothed"] = (("month", "cell"), seen - seen.mean(0))
    data["tws_observed"] = (("month", "cell"), world["tws_observed_msc"].values)
    data["tws_residual"] = (("month", "cell"), data["tws_smoothed"][1] - data["tws_observed"][1])
    for name, store in (("snow_share", "swe"), ("soil_share", "soil_moisture"), ("groundwater_share", "groundwater")):
        data[name] = (("cell",), variance_share(cycle[:, names.index(store)], tws))
    for i, name in enumerate(_static_parameters(model, card)):
        data[name] = (("cell",), run["parameters"][i].mean(0))
    data |= {name: (("cell",), values) for name, values in cell_scores.items()}
    if "lag_size" in run.arrays:
        data |= _memory_fields(run)
    data["equilibrium"] = (("member", "store", "cell"), run["equilibrium"])
    data["spin_up_drift"] = (("cell",), run["drift"])
    return _named(data, card, world, model)


def _static_parameters(model: type, card: Card) -> list[str]:
    """Names of the parameters that do not change in time, in the order of `Prepared.parameters`."""
    built = model(card.statics, card.hidden)
    return list(built.prepare(torch.zeros(1, len(card.statics))).parameters)


def variance_share(store: NDArray, total: NDArray) -> NDArray:
    """Share of the seasonal variance of total storage that a store carries, (12, cell) -> (cell,).

    cov(store, total) / var(total): the shares of all stores sum to one, and one can be negative.
    """
    s, t = store - store.mean(0), total - total.mean(0)
    return (s * t).sum(0) / np.maximum((t * t).sum(0), 1e-6)  # type: ignore[no-any-return]


def _memory_fields(run: WorldRun) -> dict[str, tuple]:
    size, lags = run["lag_size"].T, np.arange(MEMORY_LAGS)
    return {
        "memory_time": (("cell",), memory_time(size, lags)),
        "memory_share": (("cell",), memory_share(size, lags)),
        "memory_length": (("cell",), memory_length(size, lags)),
        "attribution": (("forcing", "lag_bin", "cell"), run["attribution"]),
        "attribution_size": (("forcing", "lag_bin", "cell"), run["attribution_size"]),
    }


def _named(data: dict[str, tuple], card: Card, world: xr.Dataset, model: Any) -> xr.Dataset:
    start, end = lag_bins(MEMORY_LAGS)
    coords: dict[str, Any] = {name: world[name] for name in ("cell", "lat", "lon", "area")}
    coords |= {
        "month": np.arange(1, 13),
        "forcing": list(model.forcing),
        "store": [store.name for store in model.stores],
        "member": np.arange(len(card.members)),
        "lag_start": ("lag_bin", start.astype(np.int32), {"units": "d"}),
        "lag_end": ("lag_bin", end.astype(np.int32), {"units": "d"}),
    }
    if "attribution" not in data:
        coords = {name: value for name, value in coords.items() if name not in ("forcing", "lag_start", "lag_end")}
    dataset = xr.Dataset({n: (dims, np.asarray(v, np.float32)) for n, (dims, v) in data.items()}, coords)
    for name in dataset.data_vars:
        base = str(name).removesuffix("_spread")
        if base in VARIABLES:
            dataset[name].attrs = VARIABLES[base].attributes()
    dataset.attrs = {
        "model": card.id,
        "model_weights_sha256": " ".join(member.sha256[:16] for member in card.members),
        "data_version": str(world.attrs.get("version", "")),
        "period": f"{START}/{END}",
        "source": "hybrid model; daily weather generated from the ERA5 monthly climatology",
        "attribution_method": "gradient x input against the mean seasonal cycle; 12 target days, each of one member",
    }
    return dataset


def global_checks(fields: xr.Dataset) -> dict[str, float]:
    """Land totals a hydrologist knows by heart, km3 per year, over the cells of the cube."""
    area = fields["area"].values
    yearly = {n: fields[n].mean("month").values * 365.25 for n in ("precipitation", "evapotranspiration", "runoff")}
    totals = {f"{name}_km3_per_year": float((values * area).sum() / 1e12) for name, values in yearly.items()}
    return totals | {
        "tws_seasonal_std_mm_area_mean": float(np.average(fields["tws"].std("month").values, weights=area))
    }
