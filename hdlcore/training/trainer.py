"""Train one member of an ensemble: full passes over a lattice of cells, resumable to the same numbers.

A pass runs one year from a carried state. The next pass starts seven months later, so that over twelve passes every
month of the year has come first (a snowpack that began before the window gets no gradient) and slow stores have years
to find their level. Cells step in blocks; GRACE's smoothing couples them, so a pass runs twice: once
without gradient to get the loss and its slope per cell and month, once per block to send that slope back.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from scipy.sparse import csr_matrix
from torch import Tensor

from hdlcore.analysis.scores import nse
from hdlcore.data.features import static_features
from hdlcore.data.smoothing import grace_operator
from hdlcore.data.weather import WeatherSpec, generate_arrays
from hdlcore.models.checkpoint import load_tensors, save_tensors
from hdlcore.models.hybrid import HybridModel
from hdlcore.models.kernels import fast
from hdlcore.models.registry import model_kind
from hdlcore.physics.energy import equivalent_evaporation
from hdlcore.training.losses import budyko_departure, seasonal_mae
from hdlcore.training.recipes import Recipe
from hdlcore.training.splits import block_folds

logger = logging.getLogger(__name__)

#: months between the starts of consecutive passes; coprime to 12, so every month comes first in turn
STRIDE_MONTHS = 7
SPIN_UP_YEARS = 4
SAVE_EVERY = 5
KEEP = ("tws", "evapotranspiration")


@dataclass(frozen=True)
class TrainingData:
    """What a pass needs, for n cells of the lattice: forcing (time, n, 3), months as slices of days, GRACE (12, n)."""

    forcing: Tensor
    months: list[slice]
    statics: Tensor
    observed: Tensor
    smoothing: Tensor
    scale: Tensor
    train: Tensor

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return self.statics.shape[0]


def lattice_positions(world: xr.Dataset, lattice: int) -> np.ndarray:
    """Positions of every `lattice`-th cell in latitude and longitude."""
    row, column = np.divmod(world["cell"].values, 360)
    return np.flatnonzero((row % lattice == 0) & (column % lattice == 0))


def training_data(recipe: Recipe, member: int, world: xr.Dataset) -> TrainingData:
    """Gather what member `member` may see. Its weather has a seed of its own, which no evaluation uses."""
    chosen = world.isel(cell=lattice_positions(world, recipe.lattice))
    first, last = recipe.weather_years
    start, end = f"{first}-01-01", f"{last}-12-31"
    spec = WeatherSpec(seed=recipe.weather_seed + 1000 + member)
    forcing = torch.from_numpy(generate_arrays(chosen, chosen["cell"].values, start, end, spec))
    days = xr.date_range(start, end, freq="MS").days_in_month.values
    ends = np.cumsum(days)
    observed = torch.from_numpy(chosen["tws_observed_msc"].values.astype(np.float32))
    operator = grace_operator(chosen["lat"].values, chosen["lon"].values, chosen["area"].values, recipe.smoothing_km)
    fold = block_folds(world, recipe.folds, recipe.seed)[lattice_positions(world, recipe.lattice)]
    return TrainingData(
        forcing=forcing,
        months=[slice(int(e - d), int(e)) for d, e in zip(days, ends, strict=True)],
        statics=torch.from_numpy(static_features(chosen).values),
        observed=observed,
        smoothing=sparse_tensor(operator),
        scale=observed.std(0) + recipe.error_floor,
        train=torch.from_numpy(fold != member % recipe.folds),
    )


def sparse_tensor(matrix: csr_matrix) -> Tensor:
    """A scipy sparse matrix as a float32 torch tensor."""
    entries = matrix.tocoo()
    index = torch.from_numpy(np.stack([entries.row, entries.col]).astype(np.int64))
    values = entries.data.astype(np.float32)
    return torch.sparse_coo_tensor(index, torch.from_numpy(values), matrix.shape, check_invariants=True).coalesce()


def new_model(recipe: Recipe, member: int, world: xr.Dataset, data: TrainingData) -> HybridModel:
    """A model at its seeded start, with scaling taken from the training cells only."""
    torch.manual_seed(Trainer.seed(recipe, member))
    model = model_kind(recipe.model)(list(static_features(world.isel(cell=[0]))["feature"].values), recipe.hidden)
    weather = data.forcing[::7, data.train]
    statics = data.statics[data.train]
    known = torch.nan_to_num(statics - torch.nanmean(statics, 0))
    model.forcing_mean.copy_(weather.mean((0, 1)))
    model.forcing_std.copy_(weather.std((0, 1)))
    model.statics_mean.copy_(torch.nanmean(statics, 0))
    model.statics_std.copy_(known.std(0).clamp(min=1e-3))
    return model


class Trainer:
    """Trains one member and keeps all that is needed to go on after an interruption in ``out``."""

    def __init__(self, recipe: Recipe, member: int, world: xr.Dataset, out: Path) -> None:
        self.recipe, self.member, self.out = recipe, member, out
        self.data = training_data(recipe, member, world)
        self.model = new_model(recipe, member, world, self.data)
        self.optimizer = torch.optim.AdamW(parameter_groups(self.model, recipe))
        self.state = self.model.initial_state(self.data.n_cells)
        self.done = 0
        self.history: list[dict[str, Any]] = []
        out.mkdir(parents=True, exist_ok=True)

    @staticmethod
    def seed(recipe: Recipe, member: int) -> int:
        """Seed of a member's starting weights."""
        return recipe.seed * 100 + member

    @property
    def checkpoint(self) -> Path:
        """Where the state of the training is kept."""
        return self.out / f"training-{self.member}.safetensors"

    @property
    def weights(self) -> Path:
        """Where the finished member's weights are written."""
        return self.out / f"member-{self.member}.safetensors"

    def train(self, report: Callable[[int, dict[str, Any]], None] | None = None) -> None:
        """Do the passes that are left; a checkpoint every few passes, weights at the end."""
        if self.done == 0:
            self._spin_up()
        while self.done < self.recipe.passes:
            record = self._pass()
            self.done += 1
            self.history.append(record)
            if report:
                report(self.done, record)
            if self.done % SAVE_EVERY == 0 or self.done == self.recipe.passes:
                self.save()
        save_tensors(self.model.state_dict(), self.weights)

    # -- one pass -----------------------------------------------------------------------------------------------

    def _blocks(self) -> Iterator[slice]:
        for start in range(0, self.data.n_cells, self.recipe.block_cells):
            yield slice(start, start + self.recipe.block_cells)

    def _spin_up(self) -> None:
        with torch.no_grad():
            for block in self._blocks():
                prepared = self.model.prepare(self.data.statics[block])
                state = self.state[block]
                days = self.data.months[12 * SPIN_UP_YEARS - 1].stop
                self.state[block] = fast.advance(self.model, prepared, self.data.forcing[:days, block], state)

    def _window(self) -> list[slice]:
        start = (STRIDE_MONTHS * self.done) % (len(self.data.months) - 12)
        return self.data.months[start : start + 12]

    def _monthly(self, block: slice, state: Tensor, window: list[slice]) -> tuple[Tensor, Tensor]:
        """Monthly means (12, cell, 2) of `KEEP` for a block, and the state after the stride."""
        prepared = self.model.prepare(self.data.statics[block])
        parts, carried = [], state
        for months in (window[:STRIDE_MONTHS], window[STRIDE_MONTHS:]):
            days = slice(months[0].start, months[-1].stop)
            series, state = fast.run(self.model, prepared, self.data.forcing[days, block], state, KEEP)
            parts += series.split([month.stop - month.start for month in months])
            carried = state.detach() if months[0] is window[0] else carried
        return torch.stack([month.mean(0) for month in parts]), carried

    def _loss(self, monthly: Tensor, window: list[slice]) -> tuple[Tensor, Tensor]:
        """Loss and the model's seasonal anomaly as GRACE would see it, (12, cell) in calendar order."""
        data, recipe = self.data, self.recipe
        start = (STRIDE_MONTHS * self.done) % 12
        storage = torch.roll(monthly[..., 0], start, 0)  # window order -> January first
        smoothed = torch.sparse.mm(data.smoothing, storage.T).T
        loss = seasonal_mae(smoothed, data.observed, data.scale, data.train)
        if recipe.budyko_weight:
            weather = data.forcing[window[0].start : window[-1].stop]
            potential = equivalent_evaporation(weather[..., 2]).mean(0)
            rain = weather[..., 0].mean(0)
            evaporation = monthly[..., 1].mean(0)
            departure = budyko_departure(evaporation, rain, potential, data.train, recipe.budyko_tolerance)
            loss = loss + recipe.budyko_weight * departure
        return loss, smoothed - smoothed.mean(0)

    def _pass(self) -> dict[str, Any]:
        window = self._window()
        carried = torch.empty_like(self.state)
        with torch.no_grad():
            monthly = torch.cat([self._forward(block, window, carried) for block in self._blocks()], 1)
        monthly.requires_grad_()
        loss, seen = self._loss(monthly, window)
        (slope,) = torch.autograd.grad(loss, monthly)

        self.optimizer.zero_grad()
        for block in self._blocks():
            means, _ = self._monthly(block, self.state[block], window)
            (means * slope[:, block]).sum().backward()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.gradient_clip)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * one_cycle(self.done, self.recipe.passes)
        self.optimizer.step()
        self.state = carried
        return self._record(float(loss.detach()), float(norm), seen.detach())

    def _forward(self, block: slice, window: list[slice], carried: Tensor) -> Tensor:
        monthly, carried[block] = self._monthly(block, self.state[block], window)
        return monthly

    def _record(self, loss: float, norm: float, seen: Tensor) -> dict[str, Any]:
        if not math.isfinite(loss):
            raise FloatingPointError(f"pass {self.done + 1} of member {self.member} gave a loss of {loss}")
        efficiency = nse(seen.numpy(), self.data.observed.numpy())
        train = self.data.train.numpy()
        return {
            "pass": self.done + 1,
            "loss": loss,
            "gradient_norm": norm,
            "nse_train": float(np.nanmedian(efficiency[train])),
            "nse_held_out": float(np.nanmedian(efficiency[~train])),
        }

    # -- resuming -----------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write all that a later `resume` needs, atomically."""
        tensors = {f"model.{n}": t for n, t in self.model.state_dict().items()} | {"state": self.state}
        for i, entry in self.optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer.{i}.{name}": value for name, value in entry.items()}
        meta = {"done": str(self.done), "history": json.dumps(self.history), "recipe": self.recipe.model_dump_json()}
        save_tensors(tensors, self.checkpoint, meta)

    def resume(self) -> bool:
        """Take up an earlier training of the same recipe; False when there is none."""
        if not self.checkpoint.is_file():
            return False
        tensors, meta = load_tensors(self.checkpoint)
        if meta["recipe"] != self.recipe.model_dump_json():
            logger.warning("%s is of another recipe; member %d starts anew", self.checkpoint, self.member)
            return False
        self.model.load_state_dict({n[6:]: t for n, t in tensors.items() if n.startswith("model.")})
        entries: dict[int, dict[str, Tensor]] = {}
        for name, tensor in tensors.items():
            if name.startswith("optimizer."):
                _, index, key = name.split(".", 2)
                entries.setdefault(int(index), {})[key] = tensor
        self.optimizer.load_state_dict({**self.optimizer.state_dict(), "state": entries})
        self.state = tensors["state"]
        self.done, self.history = int(meta["done"]), json.loads(meta["history"])
        return True


def parameter_groups(model: HybridModel, recipe: Recipe) -> list[dict[str, Any]]:
    """Network weights, and global parameters: single numbers without decay that may step further."""
    networks = [p for name, p in model.named_parameters() if not name.startswith("global_raw")]
    rate, decay = recipe.learning_rate, recipe.weight_decay
    own = list(model.global_raw.parameters())
    return [
        {"params": networks, "lr": rate, "peak": rate, "weight_decay": decay},
        {"params": own, "lr": rate, "peak": rate * recipe.global_rate, "weight_decay": 0.0},
    ]


def one_cycle(done: int, passes: int) -> float:
    """Share of the peak rate for the pass after `done`: a linear rise over the first fifth, then a cosine to 1 %."""
    rise = max(1, passes // 5)
    if done < rise:
        return (done + 1) / rise
    progress = (done - rise) / max(1, passes - rise)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress))
