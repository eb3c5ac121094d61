"""Training on land cells under generated weather, against monthly observations: GRACE, or those of the twin Earth.

A pass runs one window of months from carried states over all cells of a lattice, in compact parts that are cut anew
each time; the optimizer steps after each. The next pass starts a stride later, so that in twelve passes every month
of the year has come first (a snowpack that began before the window gets no gradient) and slow stores have years to
find their level. A sensor that smooths is compared where most of what it sees lies inside the part.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from torch import Tensor

from hdlcore.analysis.scores import nse
from hdlcore.data.cube import open_world, unit_vectors
from hdlcore.data.cubes import open_cube
from hdlcore.data.features import static_features
from hdlcore.data.smoothing import grace_operator
from hdlcore.data.weather import FORCING, WeatherSpec, generate_arrays
from hdlcore.errors import DataError, ModelError
from hdlcore.models.hybrid import HybridModel
from hdlcore.models.kernels import fast
from hdlcore.models.registry import model_kind
from hdlcore.physics.energy import equivalent_evaporation
from hdlcore.training.losses import budyko_departure, departures, target_loss
from hdlcore.training.recipes import Recipe, Target, Term
from hdlcore.training.splits import Split, compact_parts
from hdlcore.training.task import Losses, Pass, Task, median

SPIN_UP_YEARS = 4
#: A smoothed cell is compared when at least this share of what its sensor sees lies in the part that runs.
INSIDE = 0.8


@dataclass(frozen=True)
class Observed:
    """One target over the lattice: values (month, cell) from the first month of the weather on, NaN where unknown;
    scale (cell,) of each term; the sensor's smoothing (cell, cell), if it has one."""

    target: Target
    values: Tensor
    scale: dict[Term, Tensor]
    smoothing: csr_matrix | None


@dataclass(frozen=True)
class LandData:
    """n lattice cells: forcing (time, n, 3), months as slices of days, statics (n, k), roles, targets by output."""

    forcing: Tensor
    months: list[slice]
    statics: Tensor
    features: tuple[str, ...]
    places: NDArray[np.float64]
    train: Tensor
    validation: Tensor
    held_out: Tensor
    observed: dict[str, Observed]


def lattice_positions(world: xr.Dataset, lattice: int) -> NDArray[np.intp]:
    """Positions of every `lattice`-th cell in latitude and longitude."""
    row, column = np.divmod(world["cell"].values, 360)
    return np.flatnonzero((row % lattice == 0) & (column % lattice == 0))


def training_weather(recipe: Recipe, member: int, path: Path | None) -> WeatherSpec:
    """The weather member `member` learns from.

    GRACE's seasonal cycle comes with no weather of its own: each member has generated weather that no evaluation uses.
    The twin's observations belong to the weather that its cube names.
    """
    if recipe.data == "twin":
        return cube_weather(_twin_cube(path))
    return WeatherSpec(seed=recipe.weather_seed + 1000 + member)


def land_data(recipe: Recipe, member: int, path: Path | None) -> LandData:
    """Gather what member `member` may see; `path` is the world cube for GRACE, the twin's cube for the twin.

    Raises `DataError` where a target is missing, and `ModelError` where the kind of model asks for other forcing.
    """
    kind = model_kind(recipe.model)
    if tuple(kind.forcing) != FORCING:
        raise ModelError(
            f"Models of kind '{recipe.model}' run on {', '.join(kind.forcing)}; generated weather has "
            f"{', '.join(FORCING)}. Choose another 'model' or 'data' in the recipe '{recipe.id}'."
        )
    world = open_world(path) if recipe.data == "grace" else open_cube(_twin_cube(path)).cells
    at = lattice_positions(world, recipe.lattice)
    chosen = world.isel(cell=at)
    first, last = recipe.years
    start, end = f"{first}-01-01", f"{last}-12-31"
    forcing = generate_arrays(chosen, chosen["cell"].values, start, end, training_weather(recipe, member, path))
    ends = np.cumsum(lengths := xr.date_range(start, end, freq="MS").days_in_month.values)
    split = Split(world, member, recipe.folds, recipe.seed, recipe.buffer, recipe.validation)
    statics = static_features(chosen)
    return LandData(
        forcing=torch.from_numpy(forcing),
        months=[slice(int(e - d), int(e)) for d, e in zip(lengths, ends, strict=True)],
        statics=torch.from_numpy(statics.values),
        features=tuple(str(name) for name in statics["feature"].values),
        places=unit_vectors(chosen["lat"].values, chosen["lon"].values),
        train=torch.from_numpy(split.train[at]),
        validation=torch.from_numpy(split.validation[at]),
        held_out=torch.from_numpy(split.held_out[at]),
        observed={
            name: _observed(target, _monthly(recipe, name, path, at, ends.size), chosen)
            for name, target in recipe.targets.items()
        },
    )


def cube_weather(path: Path) -> WeatherSpec:
    """The generated weather that a twin's observations belong to."""
    attrs = open_cube(path).attrs
    try:
        return WeatherSpec(int(attrs["weather_seed"]), attrs["weather_variability"])
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path} does not say what weather it was made with ({error}); is it a twin's cube?") from error


def _twin_cube(path: Path | None) -> Path:
    if path is None:
        raise DataError(
            "Training on the twin Earth needs its cube: make it with 'hdl twin --out FILE', give --data FILE."
        )
    return path


def _monthly(recipe: Recipe, name: str, path: Path | None, at: NDArray[np.intp], n_months: int) -> NDArray[np.float32]:
    """Observed values (month, cell) of the lattice over the recipe's years."""
    if recipe.data == "grace":
        world = open_world(path)
        if f"{name}_observed_msc" not in world:
            raise DataError(f"The world cube has no observed '{name}'; its recipe can have 'tws' as target.")
        cycle = world[f"{name}_observed_msc"].values[:, at].astype(np.float32)
        return np.tile(cycle, (n_months // 12, 1))
    monthly = open_cube(_twin_cube(path)).monthly
    if monthly is None or f"{name}_observed" not in monthly:
        raise DataError(
            f"The cube {path} has no monthly '{name}_observed'; drop the target '{name}' or give another cube."
        )
    period = slice(f"{recipe.years[0]}-01-01", f"{recipe.years[1]}-12-31")
    values = monthly[f"{name}_observed"].sel(time=period).values[:, at].astype(np.float32)
    if values.shape[0] != n_months:
        raise DataError(f"The cube {path} does not hold all months of {recipe.years}; change 'years' in the recipe.")
    return values


def _observed(target: Target, values: NDArray[np.float32], cells: xr.Dataset) -> Observed:
    if target.saturation is not None:
        values = np.minimum(values, target.saturation)
    years = values.reshape(-1, 12, values.shape[1])
    known = np.isfinite(years)
    cycle = np.where(known, years, 0).sum(0) / np.maximum(known.sum(0), 1)
    spread = {"raw": _std(values), "seasonal": _std(cycle), "anomaly": _std((years - cycle).reshape(values.shape))}
    smoothing = None
    if target.smoothing_km is not None:
        lat, lon, area = (cells[name].values for name in ("lat", "lon", "area"))
        smoothing = grace_operator(lat, lon, area, target.smoothing_km)
    scale: dict[Term, Tensor] = {
        term: torch.from_numpy(spread[term].astype(np.float32)) + target.floor for term in target.terms
    }
    return Observed(target, torch.from_numpy(np.ascontiguousarray(values)), scale, smoothing)


def _std(values: NDArray) -> NDArray:
    known = np.isfinite(values)
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, values, 0).sum(0) / count
    return np.asarray(np.sqrt(np.where(known, (values - mean) ** 2, 0).sum(0) / count))


class LandTask(Task):
    """Monthly targets over land."""

    def __init__(self, recipe: Recipe, member: int, path: Path | None) -> None:
        self.recipe, self.member = recipe, member
        self.data = land_data(recipe, member, path)
        self.targets, self.features = tuple(recipe.targets), self.data.features
        missing = [name for name in self.targets if name not in self._outputs()]
        if missing:
            raise ModelError(f"Models of kind '{recipe.model}' have no output '{missing[0]}'; drop that target.")

    def _outputs(self) -> tuple[str, ...]:
        return model_kind(self.recipe.model)(self.features, self.recipe.hidden).outputs

    def scaling(self) -> tuple[Tensor, Tensor]:
        """Every seventh day of the training cells, and their statics."""
        return self.data.forcing[::7, self.data.train].flatten(0, 1), self.data.statics[self.data.train]

    def warm(self, model: HybridModel) -> Tensor:
        """States after the first years of the weather, from a cold start."""
        days = self.data.months[min(12 * SPIN_UP_YEARS, len(self.data.months)) - 1].stop
        with torch.no_grad():
            prepared = model.prepare(self.data.statics)
            return fast.advance(model, prepared, self.data.forcing[:days], model.initial_state(len(self.data.statics)))

    def begin(self, model: HybridModel, states: Tensor, done: int) -> Pass:
        """One window over all parts of the lattice."""
        return _LandPass(self, model, states, done)


class _LandPass(Pass):
    def __init__(self, task: LandTask, model: HybridModel, states: Tensor, done: int) -> None:
        self.task, self.model, self.states = task, model, states
        recipe, months = task.recipe, task.data.months
        length = recipe.warm_up_months + recipe.window_months
        # whole years are skipped at the end, so the states carried over are of the right season
        self.first = (recipe.stride_months * done) % (len(months) - length)
        self.window = months[self.first : self.first + length]
        rng = np.random.default_rng([recipe.seed, task.member, done])
        self.parts = compact_parts(task.data.places, recipe.batches, rng)
        self.parts = [self.parts[i] for i in rng.permutation(len(self.parts))]
        self.statics = _jittered(task.data.statics, recipe.statics_noise, model, rng)
        self.carried = torch.empty_like(states)
        self.keep = list(task.targets)
        if recipe.budyko_weight and "evapotranspiration" not in self.keep:
            self.keep.append("evapotranspiration")
        n = len(states)
        self.scores = {name: np.full(n, np.nan, np.float32) for name in task.targets}

    def __iter__(self) -> Iterator[Losses]:
        for part in self.parts:
            yield self._losses(torch.from_numpy(part))

    def end(self) -> tuple[Tensor, dict[str, Any]]:
        roles = {role: getattr(self.task.data, role).numpy() for role in ("train", "validation", "held_out")}
        by_role = {
            role: {name: median(values[cells]) for name, values in self.scores.items()} for role, cells in roles.items()
        }
        record = {f"nse_{role}": float(np.nanmean(list(scores.values()))) for role, scores in by_role.items()}
        return self.carried, {**record, "nse": by_role, "score_validation": record["nse_validation"]}

    def _months(self, part: Tensor) -> Tensor:
        """Monthly means (month, cell, output) of the whole window; what the next pass starts from is put aside."""
        prepared = self.model.prepare(self.statics[part])
        state, stride, means = self.states[part], self.task.recipe.stride_months, []
        for months in (self.window[:stride], self.window[stride:]):
            if not months:
                break
            weather = self.task.data.forcing[months[0].start : months[-1].stop, part]
            series, state = fast.run(self.model, prepared, weather, state, self.keep)
            means += [month.mean(0) for month in series.split([m.stop - m.start for m in months])]
            if months[0] is self.window[0]:
                self.carried[part] = state.detach()
        return torch.stack(means)

    def _losses(self, part: Tensor) -> Losses:
        data, recipe = self.task.data, self.task.recipe
        means = self._months(part)[recipe.warm_up_months :]
        first = self.first + recipe.warm_up_months
        losses = []
        for i, (name, observed) in enumerate(data.observed.items()):
            simulated, inside = self._seen(means[..., i], observed, part)
            values = observed.values[first : first + recipe.window_months, part]
            scale = {term: s[part] for term, s in observed.scale.items()}
            losses.append(target_loss(observed.target, simulated, values, scale, data.train[part] & inside))
            with torch.no_grad():
                sides = departures(simulated, values) if observed.target.departures else (simulated, values)
                score = nse(*(side.numpy() for side in sides))
                self.scores[name][part.numpy()] = np.where(inside.numpy(), score, np.nan)
        penalty = means.new_zeros(())
        if recipe.budyko_weight:
            penalty = recipe.budyko_weight * self._budyko(means[..., self.keep.index("evapotranspiration")], part)
        return Losses(torch.stack(losses), penalty)

    def _seen(self, simulated: Tensor, observed: Observed, part: Tensor) -> tuple[Tensor, Tensor]:
        """What the sensor sees of monthly means (month, cell), and where enough of it lies in the part."""
        target = observed.target
        inside = torch.ones(len(part), dtype=torch.bool)
        if target.saturation is not None:
            simulated = simulated.clamp(max=target.saturation)
        if observed.smoothing is not None:
            own = observed.smoothing[part.numpy()][:, part.numpy()]
            weight = np.asarray(own.sum(1)).ravel()
            inside = torch.from_numpy(weight >= INSIDE)
            simulated = torch.sparse.mm(sparse_tensor(diags(1 / weight) @ own), simulated.T).T
        return simulated, inside

    def _budyko(self, evapotranspiration: Tensor, part: Tensor) -> Tensor:
        recipe, window = self.task.recipe, self.window[self.task.recipe.warm_up_months :]
        weather = self.task.data.forcing[window[0].start : window[-1].stop, part]
        rain, potential = weather[..., 0].mean(0), equivalent_evaporation(weather[..., 2]).mean(0)
        return budyko_departure(
            evapotranspiration.mean(0), rain, potential, self.task.data.train[part], recipe.budyko_tolerance
        )


def _jittered(statics: Tensor, size: float, model: HybridModel, rng: np.random.Generator) -> Tensor:
    """Statics (cell, k) with noise of `size` of their spread among training cells, so that no cell is known by them."""
    if not size:
        return statics
    noise = torch.from_numpy(rng.standard_normal(statics.shape, np.float32))
    spread = torch.where(torch.isfinite(model.statics_std), model.statics_std, torch.zeros(()))
    return statics + size * spread * noise


def sparse_tensor(matrix: csr_matrix) -> Tensor:
    """A scipy sparse matrix as a float32 torch tensor."""
    entries = matrix.tocoo()
    index = torch.from_numpy(np.stack([entries.row, entries.col]).astype(np.int64))
    values = entries.data.astype(np.float32)
    return torch.sparse_coo_tensor(index, torch.from_numpy(values), matrix.shape, check_invariants=True).coalesce()
