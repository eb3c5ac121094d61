"""Emulation of the twin's process model: daily evapotranspiration, with and without recurrence and soil moisture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from hdlcore.analysis.scores import nse
from hdlcore.analysis.seasonality import smooth_daily_cycle
from hdlcore.data.features import static_features
from hdlcore.data.twin import TwinSpec, simulate_twin
from hdlcore.data.weather import FORCING
from hdlcore.memory_study.cells import roles, sample_cells
from hdlcore.memory_study.fit import F4, Batch, Scale, fit, noisy, run, seed_of
from hdlcore.memory_study.network import SequenceNetwork, step_inputs
from hdlcore.memory_study.recipe import StudyRecipe
from hdlcore.progress import CancelToken, Progress

#: Scores per cell: of the daily series, and of its departures from the smooth mean seasonal cycle.
PARTS = ("raw", "anomaly")


@dataclass(frozen=True)
class Emulator:
    """One of the four: with or without recurrence, with or without soil moisture among the inputs."""

    recurrent: bool
    soil_moisture: bool

    @property
    def name(self) -> str:
        """As published: "LSTM_SM", "FC_noSM"."""
        return f"{'LSTM' if self.recurrent else 'FC'}_{'SM' if self.soil_moisture else 'noSM'}"


EMULATORS = tuple(Emulator(recurrent, moisture) for recurrent in (True, False) for moisture in (True, False))


@dataclass(frozen=True)
class Days:
    """Daily series of the sampled cells: inputs (cell, day, driver + 1), of which the last is the soil moisture that
    the day finds, that of the evening before; evapotranspiration (cell, day), mm d-1; statics (cell, static)."""

    inputs: F4
    target: F4
    statics: F4
    days: NDArray[np.datetime64]
    at: NDArray[np.intp]


def simulate_days(world: xr.Dataset, spec: TwinSpec, recipe: StudyRecipe, progress: Progress | None = None) -> Days:
    """Run the twin for the sampled cells, from a year before the training years to the end of the judged ones."""
    part = recipe.emulation
    at = sample_cells(world, part.cells, recipe.seed + 1)
    start, end = f"{part.train_years[0] - 2}-12-31", f"{part.test_years[1]}-12-31"
    outputs = ("evapotranspiration", "soil_moisture")
    run = simulate_twin(world, world["cell"].values[at], start, end, spec, outputs=outputs, progress=progress)
    series = {name: run[name].transpose("cell", "time").values for name in (*FORCING, *outputs)}
    inputs = np.stack([*(series[name][:, 1:] for name in FORCING), series["soil_moisture"][:, :-1]], -1)
    days = run["time"].values.astype("datetime64[D]")[1:]
    statics = static_features(world.isel(cell=at)).values
    return Days(inputs, series["evapotranspiration"][:, 1:], statics, days, at)


def between(days: NDArray[np.datetime64], first: int, last: int) -> slice:
    """Days of some years."""
    begin, end = np.searchsorted(days, [np.datetime64(f"{year}-01-01", "D") for year in (first, last + 1)])
    return slice(int(begin), int(end))


def swing(days: Days, recipe: StudyRecipe) -> F4:
    """Standard deviation (cell,) of evapotranspiration over the judged years, mm d-1: what NSE measures errors by."""
    return days.target[:, between(days.days, *recipe.emulation.test_years)].std(1)


def wetness(moisture: NDArray, learned: slice) -> NDArray:
    """Soil moisture (cell, day) as the share of its own range over the days `learned`.

    In mm its level means something else at each place, for how much water a soil holds is hidden in the twin and no
    static tells it: a network without recurrence then does no better with soil moisture than without.
    """
    low, high = (edge(moisture[:, learned], 1, keepdims=True) for edge in (np.min, np.max))
    share: NDArray = (moisture - low) / np.maximum(high - low, 1e-3)
    return share


def train_emulator(
    days: Days, world: xr.Dataset, recipe: StudyRecipe, emulator: Emulator, fold: int, cancel: CancelToken | None = None
) -> F4:
    """Train one emulator without a fold of cells and score it there, in later years: (cell, part) of `PARTS`, NSE."""
    part = recipe.emulation
    role = roles(world, days.at, fold, part.folds, recipe.seed, part.buffer)
    train, judged = np.flatnonzero(role == 1), np.flatnonzero(role == 0)
    learned = between(days.days, *part.train_years)
    seen = days.inputs.copy()
    seen[..., -1] = wetness(seen[..., -1], learned)
    used = slice(None) if emulator.soil_moisture else slice(0, len(FORCING))
    inputs = Scale.of(seen[train][:, learned]).apply(seen)[..., used]
    statics = Scale.of(days.statics[train]).apply(days.statics)
    goal = Scale.of(days.target[train][:, learned][..., None])
    target = ((days.target - goal.mean) / goal.std).astype(np.float32)
    rng = seed_of(recipe.seed, 2, EMULATORS.index(emulator), fold)
    torch.manual_seed(int(rng.integers(2**31)))
    network = SequenceNetwork(inputs.shape[-1] + statics.shape[-1], part.encoder, part.hidden, emulator.recurrent)
    # errors count by the size of their cell's own swings, as they do in the score
    size = (goal.std / (days.target[:, learned].std(1) + part.floor)) ** 2
    begins = np.arange(max(0, learned.start - part.warm_up), learned.stop - part.window + 1)

    def batches(_: int) -> Iterable[Batch]:
        for cells in np.array_split(rng.permutation(train), max(1, round(train.size / part.batch))):
            window = rng.choice(begins, cells.size)[:, None] + np.arange(part.window)
            weight = np.broadcast_to(size[cells, None], window.shape).astype(np.float32)
            weight[:, : part.warm_up] = 0
            yield (
                step_inputs(
                    torch.from_numpy(inputs[cells[:, None], window]), noisy(statics[cells], part.statics_noise, rng)
                ),
                torch.from_numpy(target[cells[:, None], window]),
                torch.from_numpy(weight),
            )

    fit(network, batches, part, cancel)
    told = between(days.days, part.test_years[0] - 1, part.test_years[1])
    tested = between(days.days, *part.test_years)
    predicted = run(network, inputs[judged][:, told], statics[judged])[:, tested.start - told.start :]
    return scores(predicted * goal.std + goal.mean, days.target[judged][:, tested], days.days[tested])


def scores(predicted: NDArray, simulated: NDArray, days: NDArray[np.datetime64]) -> F4:
    """NSE (cell, part) of series (cell, day): raw, and of the departures of each from its own smooth seasonal cycle."""
    pair = [np.asarray(x, np.float64).T for x in (predicted, simulated)]
    rest = [x - smooth_daily_cycle(x, days, days) for x in pair]
    return np.stack([nse(*pair), nse(*rest)], -1).astype(np.float32)
