"""Memory of vegetation: monthly NDVI of the twin Earth from its weather, with n months of the past or without."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.cubes import open_cube
from hdlcore.data.features import static_features
from hdlcore.data.weather import FORCING
from hdlcore.errors import DataError
from hdlcore.memory_study.cells import roles, sample_cells
from hdlcore.memory_study.fit import F4, Batch, Scale, fit, noisy, run, seed_of
from hdlcore.memory_study.memory import Memory, training_orders
from hdlcore.memory_study.network import SequenceNetwork, step_inputs
from hdlcore.memory_study.recipe import StudyRecipe
from hdlcore.progress import CancelToken

TARGET = "ndvi_observed"
#: Months before a stretch of years that only wake the recurrence of the network with all memory.
LEAD = 12


@dataclass(frozen=True)
class Records:
    """Series of the sampled cells: drivers (cell, month, driver), target (cell, month) with gaps, statics
    (cell, static), the months (datetime64[M]), and the cells' positions in the world."""

    drivers: F4
    target: F4
    statics: F4
    months: NDArray[np.datetime64]
    at: NDArray[np.intp]


def read_records(cube: Path, world: xr.Dataset, recipe: StudyRecipe) -> Records:
    """The series of the sampled cells; `DataError` when the cube is no twin's or of too few years."""
    opened = open_cube(cube)
    monthly = opened.monthly
    if opened.kind != "twin" or monthly is None or TARGET not in monthly:
        raise DataError(f"{cube} holds no monthly {TARGET} of the twin Earth; make the cube with 'hdl twin'.")
    part = recipe.vegetation
    wanted = np.arange(f"{part.first_year}-01", f"{part.years[-1][1] + 1}-01", dtype="datetime64[M]")
    months = monthly["time"].values.astype("datetime64[M]")
    if not np.isin(wanted, months).all():
        raise DataError(f"{cube} spans {months[0]} to {months[-1]}, not all of {wanted[0]} to {wanted[-1]}.")
    at = sample_cells(world, part.cells, recipe.seed)
    chosen = monthly[[*FORCING, TARGET]].isel(time=np.searchsorted(months, wanted)).load().isel(cell=at)
    drivers = np.stack([chosen[name].transpose("cell", "time").values for name in FORCING], -1)
    statics = static_features(world.isel(cell=at)).values
    return Records(drivers, chosen[TARGET].transpose("cell", "time").values, statics, wanted, at)


def stretch(records: Records, years: tuple[int, int]) -> slice:
    """Months of some years."""
    begin, end = np.searchsorted(records.months, [np.datetime64(f"{y}-01", "M") for y in (years[0], years[1] + 1)])
    return slice(int(begin), int(end))


def train_vegetation(
    records: Records, world: xr.Dataset, recipe: StudyRecipe, memory: Memory, number: int, fold: int, held: int,
    cancel: CancelToken | None = None,
) -> F4:  # fmt: skip
    """Train with `memory` on the other folds and stretches of years; predict NDVI (cell, month) of what was held out.

    The cells are those of the fold, the months those of stretch `held`. `number` tells trainings of one fold apart.
    """
    part = recipe.vegetation
    role = roles(world, records.at, fold, part.folds, recipe.seed, part.buffer)
    train, judged = np.flatnonzero(role == 1), np.flatnonzero(role == 0)
    spans = [stretch(records, years) for i, years in enumerate(part.years) if i != held]
    seen = np.concatenate([np.arange(span.start, span.stop) for span in spans])
    scale = Scale.of(records.drivers[train][:, seen])
    goal = Scale.of(records.target[train][:, seen][..., None])
    drivers, statics = scale.apply(records.drivers), Scale.of(records.statics[train]).apply(records.statics)
    target = (records.target - goal.mean) / goal.std
    rng = seed_of(recipe.seed, 1, number, fold, held)
    torch.manual_seed(int(rng.integers(2**31)))
    network = SequenceNetwork(drivers.shape[-1] + statics.shape[-1], part.encoder, part.hidden, recurrent=True)

    def batches(_: int) -> Iterable[Batch]:
        for span in spans:
            for cells in np.array_split(rng.permutation(train), max(1, round(train.size / part.batch))):
                weather, wanted, compared = _ordered(drivers[cells], target[cells], span, memory, rng)
                known = compared & np.isfinite(wanted)
                yield (
                    step_inputs(torch.from_numpy(weather), noisy(statics[cells], part.statics_noise, rng)),
                    torch.from_numpy(np.where(known, wanted, 0).astype(np.float32)),
                    torch.from_numpy(known.astype(np.float32)),
                )

    fit(network, batches, part, cancel)
    predicted = run(network, drivers[judged], statics[judged])[:, stretch(records, part.years[held])]
    return (predicted * goal.std + goal.mean).astype(np.float32)


def _ordered(
    drivers: F4, target: F4, span: slice, memory: Memory, rng: np.random.Generator
) -> tuple[F4, F4, NDArray[np.bool_]]:
    """Drivers, target and what is compared, in the order of a training with `memory`."""
    if memory.steps is None:  # the true order, from the months before it on
        span = slice(span.start - LEAD, span.stop)
    orders, order, compared = training_orders(memory, FORCING, len(drivers), span.stop - span.start, rng)
    if memory.steps is None:
        compared[:, :LEAD] = False
    return np.take_along_axis(drivers[:, span], orders, 1), np.take_along_axis(target[:, span], order, 1), compared
