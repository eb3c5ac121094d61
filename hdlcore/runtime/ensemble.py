"""An ensemble of members of one model, run as one batch over cells: forcing, warm state, statistics."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.data.cube import positions
from hdlcore.data.features import static_features
from hdlcore.data.weather import WeatherSpec, generate_arrays
from hdlcore.models.checkpoint import Card, load_member
from hdlcore.models.hybrid import HybridModel, Prepared, stack_members
from hdlcore.progress import CancelToken, check
from hdlcore.runtime.spinup import spin_up

#: Days that step between two looks at the cancel token.
STRETCH = 73


@dataclass(frozen=True)
class Series:
    """A run: days (time,), outputs (time, member, cell, n_output), forcing (time, cell, n_forcing), drift of stores
    over the last spin-up year (member, cell, n_store), mm (zero where the state came ready-made)."""

    days: NDArray[np.datetime64]
    outputs: Tensor
    forcing: Tensor
    drift: Tensor


class Ensemble:
    """All members of a model, bound to a world cube.

    `equilibrium` holds stores on 1 January at equilibrium, (member, cell, n_store) for every cell of the cube, when
    the model folder brings them; otherwise each run spins up for itself.
    """

    def __init__(self, folder: Path, card: Card, world: xr.Dataset, equilibrium: NDArray | None = None) -> None:
        self.card, self.world, self.equilibrium = card, world, equilibrium
        self.members = [load_member(folder, card, i) for i in range(len(card.members))]
        self._statics = torch.from_numpy(static_features(world).values)
        self.weather = WeatherSpec(seed=int(card.recipe.get("weather_seed", 1)))

    @property
    def model(self) -> HybridModel:
        """The physics and layout that all members share."""
        return self.members[0]

    def prepare(self, at: NDArray[np.intp]) -> Prepared:
        """Hoisted tensors of all members for cells at positions `at`, with a leading member dimension."""
        statics = self._statics[torch.from_numpy(np.ascontiguousarray(at))]
        with torch.no_grad():
            return stack_members([member.prepare(statics) for member in self.members])

    def forcing(self, cells: NDArray, start: dt.date, end: dt.date) -> Tensor:
        """Daily forcing (time, cell, n_forcing), generated from the cube's climatology."""
        values = generate_arrays(self.world, cells, start.isoformat(), end.isoformat(), self.weather)
        return torch.from_numpy(np.ascontiguousarray(values, np.float32))

    def spin_up(
        self, cells: NDArray, prepared: Prepared, start: dt.date, cancel: CancelToken | None = None
    ) -> tuple[Tensor, Tensor]:
        """Stores (member, cell, n_store) at equilibrium on 1 January of the year before `start`, and their drift."""
        n_stores = len(self.model.stores)
        year = self.forcing(cells, dt.date(start.year - 1, 1, 1), dt.date(start.year - 1, 12, 31))
        state = self.model.initial_state(cells.size).expand(len(self.members), -1, -1).clone()
        state, drift = spin_up(self.model, prepared, self.per_member(year), state, cancel)
        return state[..., :n_stores], drift

    def warm_state(
        self, cells: NDArray, prepared: Prepared, start: dt.date, cancel: CancelToken | None = None
    ) -> tuple[Tensor, Tensor]:
        """State on the morning of `start` (member, cell, n_state) and the drift left in the stores.

        Stores start at equilibrium on 1 January of the year before and run up to `start`, so that the networks' own
        memory is warm as well.
        """
        if self.equilibrium is not None:
            stores = torch.from_numpy(self.equilibrium[:, positions(self.world, cells)])
            drift = torch.zeros_like(stores)
        else:
            stores, drift = self.spin_up(cells, prepared, start, cancel)
        state = self.model.initial_state(cells.size).expand(len(self.members), -1, -1).clone()
        state[..., : len(self.model.stores)] = stores
        run_up = self.forcing(cells, dt.date(start.year - 1, 1, 1), start - dt.timedelta(days=1))
        return self.advance(prepared, run_up, state, cancel), drift

    def run(
        self, cells: NDArray, start: dt.date, end: dt.date, cancel: CancelToken | None = None,
        progress: Callable[[float], None] | None = None,
    ) -> Series:  # fmt: skip
        """Run all members from a warm state over the days `start` to `end`, both included."""
        prepared = self.prepare(positions(self.world, cells))
        state, drift = self.warm_state(cells, prepared, start, cancel)
        forcing = self.forcing(cells, start, end)
        parts = []
        with torch.no_grad():
            for stretch in self._stretches(forcing):
                check(cancel)
                outputs, state = self.model.run(prepared, self.per_member(stretch), state)
                parts.append(outputs)
                if progress:
                    progress(len(parts) * STRETCH / len(forcing))
        days = np.arange(np.datetime64(start), np.datetime64(end) + 1)
        return Series(days, torch.cat(parts), forcing, drift)

    def per_member(self, forcing: Tensor) -> Tensor:
        """(time, cell, k) -> (time, member, cell, k), without a copy."""
        return forcing[:, None].expand(-1, len(self.members), -1, -1)

    def _stretches(self, forcing: Tensor) -> Iterator[Tensor]:
        yield from forcing.split(STRETCH)

    def advance(self, prepared: Prepared, forcing: Tensor, state: Tensor, cancel: CancelToken | None = None) -> Tensor:
        """State after running all members over forcing (time, cell, n_forcing) from `state`."""
        with torch.no_grad():
            for stretch in self._stretches(forcing):
                check(cancel)
                _, state = self.model.run(prepared, self.per_member(stretch), state, self.model.store_names[:1])
        return state
