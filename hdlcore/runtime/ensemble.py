"""An ensemble of members of one model, run as one batch over cells: forcing, warm state, statistics."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.data.cube import positions
from hdlcore.errors import ModelError
from hdlcore.models.checkpoint import Card, load_member
from hdlcore.models.hybrid import HybridModel, Prepared, stack_members
from hdlcore.models.kernels import arrays, fast
from hdlcore.progress import CancelToken, check
from hdlcore.runtime.domains import Domain
from hdlcore.runtime.requests import END, START
from hdlcore.runtime.scenarios import Scenario, apply_scenario
from hdlcore.runtime.spinup import spin_up
from hdlcore.runtime.states import StateShelf
from hdlcore.runtime.stretches import stretches


@dataclass(frozen=True)
class Series:
    """A run: days (time,), outputs (time, member, cell, n_output), forcing (time, cell, n_forcing), drift of stores
    over the last spin-up year (member, cell, n_store), mm (zero where the state came ready-made)."""

    days: NDArray[np.datetime64]
    outputs: Tensor
    forcing: Tensor
    drift: Tensor


class WholeMonths:
    """The calendar months that lie wholly within some consecutive days (datetime64[D])."""

    def __init__(self, days: NDArray[np.datetime64]) -> None:
        month = days.astype("datetime64[M]")
        first, last = month[0], month[-1] + 1
        first += first.astype("datetime64[D]") < days[0]
        last -= last.astype("datetime64[D]") > days[-1] + 1
        self.first_days = np.arange(first, last).astype("datetime64[D]")
        self.count = self.first_days.size
        number = (month - first).astype(np.int64)
        #: number of the month of each day, -1 for days of no whole month
        self.bins = np.where((number >= 0) & (number < self.count), number, -1)
        self._lengths = np.bincount(self.bins[self.bins >= 0], minlength=self.count)

    def sums(self, daily: Tensor) -> Tensor:
        """(time, ...) -> sums over each month (month, ...), float64."""
        total = torch.zeros(self.count, *daily.shape[1:], dtype=torch.float64)
        inside = torch.from_numpy(np.flatnonzero(self.bins >= 0))
        return total.index_add_(0, torch.from_numpy(self.bins)[inside], daily[inside].double())

    def mean(self, sums: Tensor) -> Tensor:
        """Sums over each month (month, ...) -> daily means, float32."""
        return (sums / torch.from_numpy(self._lengths).reshape(-1, *[1] * (sums.ndim - 1))).float()


class Ensemble:
    """All members of a model, bound to the cells it runs on.

    `equilibrium` holds stores on 1 January at equilibrium, (member, cell, n_store) for every cell of the domain, when
    the model folder brings them; otherwise each run spins up for itself. `statics` (cell, feature) are the features
    that the networks were trained on. Raises `ModelError` where the model asks for forcing or features that the domain
    has not.
    """

    def __init__(self, folder: Path, card: Card, domain: Domain, equilibrium: NDArray | None = None) -> None:
        self.card, self.domain, self.equilibrium = card, domain, equilibrium
        self.members = [load_member(folder, card, i) for i in range(len(card.members))]
        if tuple(self.model.forcing) != domain.names:
            raise ModelError(
                f"'{card.id}' runs on {', '.join(self.model.forcing)}; here there is {', '.join(domain.names)}."
            )
        self.statics = domain.statics(card.statics)
        self.kept = StateShelf()

    @property
    def world(self) -> xr.Dataset:
        """The cells: their ids, places, areas and what else the cube knows of them."""
        return self.domain.cells

    @property
    def model(self) -> HybridModel:
        """The physics and layout that all members share."""
        return self.members[0]

    def prepare(self, at: NDArray[np.intp]) -> Prepared:
        """Hoisted tensors of all members for cells at positions `at`, with a leading member dimension."""
        statics = self.statics[torch.from_numpy(np.ascontiguousarray(at))]
        with torch.no_grad():
            return stack_members([member.prepare(statics) for member in self.members])

    def forcing(
        self, cells: NDArray, start: dt.date, end: dt.date, scenario: Scenario = (), cancel: CancelToken | None = None
    ) -> Tensor:
        """Daily forcing (time, cell, n_forcing) of the domain, under a scenario if given."""
        values = self.domain.forcing(cells, start, end, arrays.threads(), cancel)
        if scenario:
            first, last = dt.date.fromisoformat(START), dt.date.fromisoformat(END)
            record = self.domain.forcing(cells, first, last, cancel=cancel)
            values = apply_scenario(
                scenario, values, self.model.forcing, np.arange(np.datetime64(start), np.datetime64(end) + 1),
                self.world["lat"].values[positions(self.world, cells)], record,
                np.arange(np.datetime64(first), np.datetime64(last) + 1),
            )  # fmt: skip
        return torch.from_numpy(np.ascontiguousarray(values, np.float32))

    def spin_up(
        self, cells: NDArray, prepared: Prepared, begin: dt.date, cancel: CancelToken | None = None
    ) -> tuple[Tensor, Tensor]:
        """Stores (member, cell, n_store) at equilibrium with the climate on the morning of `begin`, and their drift."""
        n_stores = len(self.model.stores)
        state = self.model.initial_state(cells.size).expand(len(self.members), -1, -1).clone()
        if not n_stores:
            return state[..., :0], state[..., :0]
        climate = torch.from_numpy(self.domain.climate(cells, begin))
        state, drift = spin_up(self.model, prepared, self.per_member(climate), state, cancel)
        return state[..., :n_stores], drift

    def warm_state(
        self, cells: NDArray, prepared: Prepared, start: dt.date, cancel: CancelToken | None = None
    ) -> tuple[Tensor, Tensor]:
        """State on the morning of `start` (member, cell, n_state) and the drift left in the stores.

        Stores start at equilibrium some time before and run up to `start`, so that the networks' own memory is warm as
        well.
        """
        begin = self.domain.run_up(cells, start)
        if self.equilibrium is not None:
            stores = torch.from_numpy(self.equilibrium[:, positions(self.world, cells)])
            drift = torch.zeros_like(stores)
        else:
            stores, drift = self.spin_up(cells, prepared, begin, cancel)
        state = self.model.initial_state(cells.size).expand(len(self.members), -1, -1).clone()
        state[..., : len(self.model.stores)] = stores
        if begin == start:
            return state, drift
        run_up = self.forcing(cells, begin, start - dt.timedelta(days=1), cancel=cancel)
        return self.advance(prepared, run_up, state, cancel), drift

    def run(
        self, cells: NDArray, start: dt.date, end: dt.date, cancel: CancelToken | None = None,
        progress: Callable[[float], None] | None = None, scenario: Scenario = (), monthly: bool = False,
        begin: dt.date | None = None,
    ) -> Series:  # fmt: skip
        """Run all members over the days `start` to `end`, both included, from a warm state.

        A scenario changes the forcing from `start` on; what came before stays as it was. States met on the way of a run
        without one are kept for a while, so that a scenario can go on from where it begins to differ: `begin`, a day
        that `resume_day` gave, is then the first day of the series. With `monthly` the result holds means of whole
        months, on their first day; daily outputs are then never kept.
        """
        prepared = self.prepare(positions(self.world, cells))
        origin = cells.tobytes(), start
        kept = self.kept.get((*origin, begin)) if begin else None
        if begin and kept is not None:
            start, state = begin, kept
            drift = torch.zeros(len(self.members), cells.size, len(self.model.stores))
        else:
            state, drift = self.warm_state(cells, prepared, start, cancel)
        forcing = self.forcing(cells, start, end, scenario, cancel)
        days = np.arange(np.datetime64(start), np.datetime64(end) + 1)
        months = WholeMonths(days) if monthly else None
        parts, done = [], 0
        for year in range(start.year, end.year + 1):
            first, last = max(start, dt.date(year, 1, 1)), min(end, dt.date(year, 12, 31))
            if not scenario:
                self.kept.put((*origin, first), state)
            weather_of_year = forcing[(first - start).days : (last - start).days + 1]
            for stretch in stretches(weather_of_year, cells.size * len(self.members)):
                check(cancel)
                weather = self.per_member(stretch)
                if months is None:
                    outputs, state = fast.run(self.model, prepared, weather, state)
                    parts.append(outputs)
                else:
                    bins = months.bins[done : done + len(stretch)]
                    sums, state = fast.sums(self.model, prepared, weather, state, bins, months.count)
                    parts = [parts[0] + sums] if parts else [sums]
                done += len(stretch)
                if progress:
                    progress(done / len(forcing))
        if months is None:
            return Series(days, torch.cat(parts), forcing, drift)
        return Series(months.first_days, months.mean(parts[0]), months.mean(months.sums(forcing)), drift)

    def resume_day(self, cells: NDArray, start: dt.date, day: dt.date) -> dt.date:
        """Last 1 January up to `day` whose state is kept from a run of these cells since `start`, or `start`."""
        for year in range(day.year, start.year, -1):
            if (cells.tobytes(), start, dt.date(year, 1, 1)) in self.kept:
                return dt.date(year, 1, 1)
        return start

    def per_member(self, forcing: Tensor) -> Tensor:
        """(time, cell, k) -> (time, member, cell, k), without a copy."""
        return forcing[:, None].expand(-1, len(self.members), -1, -1)

    def advance(self, prepared: Prepared, forcing: Tensor, state: Tensor, cancel: CancelToken | None = None) -> Tensor:
        """State after running all members over forcing (time, cell, n_forcing) from `state`."""
        for stretch in stretches(forcing, forcing.shape[1] * len(self.members)):
            check(cancel)
            state = fast.advance(self.model, prepared, self.per_member(stretch), state)
        return state
