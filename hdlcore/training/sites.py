"""Training on gauged basins: windows of daily records, each begun from the state that a sweep of the record leaves.

At the start of a pass all basins run through their whole records without gradient; windows drawn from the records then
begin with the states met on the way, so that slow stores are where the current weights put them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.analysis.scores import nse
from hdlcore.assets import assets_dir
from hdlcore.data.cubes import Cube, open_cube
from hdlcore.data.sites import SITE_FEATURES, SITE_FORCING, SiteRecord, site_records
from hdlcore.errors import DataError, ModelError
from hdlcore.models.hybrid import HybridModel, Prepared
from hdlcore.models.kernels import fast
from hdlcore.models.registry import model_kind
from hdlcore.training.losses import mean_error
from hdlcore.training.recipes import Recipe
from hdlcore.training.task import Losses, Pass, Task, median

#: Days between states kept by a sweep, so between possible starts of a window.
STRETCH = 61
#: Days that repeat from pass to pass to bring stores to their level: whole years, so that seasons join.
SPIN_UP_DAYS = 3 * 365
#: The first year of every record only warms the model up.
FIRST_YEAR = 365


@dataclass(frozen=True)
class SiteData:
    """b basins side by side, each from its own first day: forcing (time, b, 3), past the end of a record repeated from
    its beginning; runoff (time, b), NaN where unknown; roles (time, b) bool; statics (b, k)."""

    records: tuple[SiteRecord, ...]
    forcing: Tensor
    runoff: Tensor
    train: Tensor
    validation: Tensor
    test: Tensor
    statics: Tensor


def catchments_cube(path: Path | None) -> Cube:
    """The shipped catchments, or another cube of places."""
    return open_cube(path or assets_dir() / "data" / "catchments.zarr")


def side_by_side(records: list[SiteRecord]) -> tuple[Tensor, Tensor]:
    """Forcing (time, b, 3) and runoff (time, b) of records that begin on days of their own."""
    n = max(len(record.forcing) for record in records)
    forcing = [np.resize(record.forcing, (n, record.forcing.shape[1])) for record in records]
    runoff = [np.pad(record.runoff, (0, n - len(record.runoff)), constant_values=np.nan) for record in records]
    return torch.from_numpy(np.stack(forcing, 1)), torch.from_numpy(np.stack(runoff, 1))


def time_roles(length: int, fold: int, folds: int, test_share: float) -> tuple[NDArray, NDArray, NDArray]:
    """Days (time,) bool of a record for training, validation and test.

    The last share is the test; what lies before it, less the first year, falls into `folds` stretches, of which one is
    the member's validation.
    """
    day = np.arange(length)
    begins = round(length * (1 - test_share))
    edges = np.linspace(FIRST_YEAR, begins, folds + 1).round()
    own = (day >= edges[fold]) & (day < edges[fold + 1])
    before = (day >= FIRST_YEAR) & (day < begins)
    return before & ~own, own, day >= begins


def site_data(recipe: Recipe, member: int, path: Path | None) -> SiteData:
    """What member `member` may see. Members past the ensemble's own are trained without one basin each.

    Raises `DataError` where a basin has no runoff, or one that does not vary, in its training years.
    """
    cube = catchments_cube(path)
    records = site_records(cube)
    forcing, runoff = side_by_side(records)
    roles = np.zeros((3, *runoff.shape), bool)
    for at, record in enumerate(records):
        length = len(record.forcing)
        roles[:, :length, at] = time_roles(length, member % recipe.folds, recipe.folds, recipe.test_share)
        seen = record.runoff[: round(length * (1 - recipe.test_share))]
        if not np.isfinite(seen).any() or not np.nanstd(seen) > 0:
            raise DataError(
                f"'{record.name}' has no runoff that varies in its training years; give observations or leave it out."
            )
    if (left_out := left_out_site(recipe, member, len(records))) is not None:
        roles[:2, :, left_out] = False
    train, validation, test = (torch.from_numpy(role) for role in roles)
    statics = torch.from_numpy(np.stack([record.features for record in records]))
    return SiteData(tuple(records), forcing, runoff, train, validation, test, statics)


def left_out_site(recipe: Recipe, member: int, n_sites: int) -> int | None:
    """Position of the basin that a member never sees; None for the ensemble's own members."""
    return (member - recipe.members) % n_sites if member >= recipe.members else None


def extra_members(recipe: Recipe, path: Path | None) -> int:
    """How many members past the ensemble's own are trained, each without one basin."""
    return recipe.leave_one_out * catchments_cube(path).cells.sizes["cell"] if recipe.data == "catchments" else 0


class SitesTask(Task):
    """Daily runoff of gauged basins."""

    features = SITE_FEATURES

    def __init__(self, recipe: Recipe, member: int, path: Path | None) -> None:
        kind = model_kind(recipe.model)
        if tuple(kind.forcing) != SITE_FORCING:
            raise ModelError(
                f"Models of kind '{recipe.model}' run on {', '.join(kind.forcing)}; basins have "
                f"{', '.join(SITE_FORCING)}. Choose another 'model' or 'data' in the recipe '{recipe.id}'."
            )
        if set(recipe.targets) != {"runoff"} or recipe.targets["runoff"].terms != ("raw",):
            raise ModelError(f"The recipe '{recipe.id}' must have 'runoff' as its one target, with the term 'raw'.")
        self.recipe, self.member = recipe, member
        self.data = site_data(recipe, member, path)
        self.targets = ("runoff",)
        train = torch.where(self.data.train, self.data.runoff, torch.full_like(self.data.runoff, torch.nan)).numpy()
        spread = np.array([np.nanstd(column) if np.isfinite(column).any() else 1.0 for column in train.T])
        self.scale = torch.from_numpy(spread.astype(np.float32)) + recipe.targets["runoff"].floor
        self.lengths = np.array([len(record.forcing) for record in self.data.records])

    def scaling(self) -> tuple[Tensor, Tensor]:
        """Training days of all basins, and the statics of those trained on."""
        return self.data.forcing[self.data.train], self.data.statics[self.data.train.any(0)]

    def warm(self, model: HybridModel) -> Tensor:
        """States (b, n_state) after the first years, from a cold start."""
        with torch.no_grad():
            prepared = model.prepare(self.data.statics)
            state = model.initial_state(len(self.data.records))
            for _ in range(2):
                state = fast.advance(model, prepared, self.data.forcing[:SPIN_UP_DAYS], state)
        return state

    def begin(self, model: HybridModel, states: Tensor, done: int) -> Pass:
        """Windows from all basins, some batches of them."""
        return _SitesPass(self, model, states, done)


def sweep(
    model: HybridModel, prepared: Prepared, forcing: Tensor, state: Tensor, every: int = STRETCH
) -> tuple[list[Tensor], Tensor]:
    """Run through forcing (time, b, 3) without gradient: states at the start of each stretch, and runoff (time, b)."""
    states, runoff = [], []
    with torch.no_grad():
        for stretch in forcing.split(every):
            states.append(state)
            series, state = fast.run(model, prepared, stretch, state, ("runoff",))
            runoff.append(series[..., 0])
    return states, torch.cat(runoff)


class _SitesPass(Pass):
    def __init__(self, task: SitesTask, model: HybridModel, states: Tensor, done: int) -> None:
        self.task, self.model = task, model
        self.rng = np.random.default_rng([task.recipe.seed, task.member, done])
        with torch.no_grad():
            self.swept, self.simulated = sweep(model, model.prepare(task.data.statics), task.data.forcing, states)

    def __iter__(self) -> Iterator[Losses]:
        recipe = self.task.recipe
        warm, length = (round(months * 30.4) for months in (recipe.warm_up_months, recipe.window_months))
        for _ in range(recipe.batches):
            yield self._losses(*self._draw(warm + length), warm, length)

    def _draw(self, length: int) -> tuple[NDArray, NDArray]:
        """Basins and numbers of the stretches that windows begin with; each trained basin as often as another."""
        trained = np.flatnonzero(self.task.data.train.any(0).numpy())
        basins = self.rng.permutation(np.resize(trained, self.task.recipe.windows))
        last = np.maximum(1, (self.task.lengths[basins] * (1 - self.task.recipe.test_share) - length) // STRETCH)
        return basins, (self.rng.random(basins.size) * last).astype(int)

    def _losses(self, basins: NDArray, starts: NDArray, warm: int, length: int) -> Losses:
        data = self.task.data
        day = torch.from_numpy(starts * STRETCH)[None] + torch.arange(warm + length)[:, None]
        day, site = day.clamp(max=len(data.forcing) - 1), torch.from_numpy(basins)
        prepared = self.model.prepare(data.statics[site])
        state = torch.stack([self.swept[start][basin] for basin, start in zip(basins, starts, strict=True)])
        series, _ = fast.run(self.model, prepared, data.forcing[day, site], state, ("runoff",))
        compared = day[warm:]
        observed = data.runoff[compared, site].masked_fill(~data.train[compared, site], torch.nan)
        squared = self.task.recipe.targets["runoff"].error == "squared"
        everywhere = torch.ones(len(site), dtype=torch.bool)
        loss = mean_error(series[warm:, :, 0], observed, self.task.scale[site], everywhere, squared)
        return Losses(loss[None], loss.new_zeros(()))

    def end(self) -> tuple[Tensor, dict[str, Any]]:
        data = self.task.data
        simulated, observed = self.simulated.numpy(), data.runoff.numpy()
        scores = {
            role: nse(simulated, np.where(getattr(data, role).numpy(), observed, np.nan))
            for role in ("train", "validation")
        }
        record = {f"nse_{role}": median(values) for role, values in scores.items()}
        # the worst basin counts as well: a model that gives one up is not the best one
        known = scores["validation"][np.isfinite(scores["validation"])]
        score = float(known.clip(min=-1).mean()) if known.size else float("nan")
        carried = self.swept[SPIN_UP_DAYS // STRETCH]
        return carried, {**record, "score_validation": score}
