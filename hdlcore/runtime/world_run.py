"""A trained model's pass over all land: what it is scored by, and what a visitor sees first.

The work is shared by blocks of cells among workers; every number is that of the engine's own run.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.cube import open_world, positions
from hdlcore.models.checkpoint import Card, read_card
from hdlcore.models.hybrid import HybridModel, Prepared
from hdlcore.models.kernels import fast
from hdlcore.progress import CancelToken, check
from hdlcore.runtime.code_version import code_version, refuse_another
from hdlcore.runtime.domains import domain_of, recipe_of
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.fields import equilibrium_of, read_fields
from hdlcore.runtime.requests import END, START, parse_date
from hdlcore.runtime.world_memory import days_to_keep, memory_of_cells
from hdlcore.workers import Context, Here, Workers

BLOCK_CELLS = 256
#: Outputs whose months are kept for scores, of those that the model has.
MONTHLY = ("tws", "swe", "soil_moisture", "groundwater", "evapotranspiration", "runoff")


@dataclass(frozen=True)
class WorldRun:
    """What a pass over all land leaves, arrays with cell last; member first where kept apart.

    cycle (member, 12, n_output, cell): mean seasonal cycle; monthly (member, month, k, cell): `MONTHLY` outputs;
    forcing (12, n_forcing, cell); residual (cell): largest yearly water-balance residual of a member, mm;
    equilibrium (member, store, cell); drift (cell): mm in the last spin-up year.
    """

    arrays: dict[str, NDArray]

    def __getitem__(self, name: str) -> NDArray:
        return self.arrays[name]


@dataclass(frozen=True)
class WorldBlock:
    """Some cells (ids) for a worker: model and world by path, and the versions that whoever asks sees of them."""

    folder: Path
    data: Path | None
    version: str
    code: str
    cells: tuple[int, ...]
    memory: bool


def run_world(
    folder: Path, data: Path | None, workers: Workers | None = None, memory: bool = False,
    report: Callable[[float], None] | None = None, cancel: CancelToken | None = None,
) -> WorldRun:  # fmt: skip
    """Run all land for the default period on `workers` (default: this process).

    `memory` adds the lag sizes of every cell; `report` hears the fraction done. Raises `ModelError`, `DataError`,
    `Cancelled`, and `RequestError` when workers are lost for good.
    """
    world = open_world(data)
    cells = world["cell"].values.tolist()
    folder, data = folder.resolve(), data.resolve() if data is not None else None
    shared = folder, data, version_of(folder, world), code_version()
    blocks = [WorldBlock(*shared, tuple(cells[i : i + BLOCK_CELLS]), memory) for i in range(0, len(cells), BLOCK_CELLS)]
    parts: dict[int, dict[str, NDArray]] = {}
    with closing((workers or Here()).map(run_block, blocks, cancel)) as results:
        for at, part in results:
            parts[at] = part
            if report:
                report(len(parts) / len(blocks))
    ordered = [parts[i] for i in range(len(blocks))]
    return WorldRun({name: np.concatenate([part[name] for part in ordered], -1) for name in ordered[0]})


def version_of(folder: Path, world: xr.Dataset) -> str:
    """Hashes of the weights and of the world."""
    return " ".join([*(m.sha256 for m in read_card(folder).members), str(world.attrs.get("version", ""))])


@lru_cache(maxsize=1)
def opened_ensemble(folder: Path, data: Path | None, version: str) -> Ensemble:
    """The ensemble, read once a process; `version` is part of the key, so that a model trained anew is read anew."""
    world = open_world(data)
    refuse_another("model or world", version_of(folder, world), version)
    card = read_card(folder)
    ready = equilibrium_of(read_fields(folder), world, len(card.members))
    return Ensemble(folder, card, domain_of(card, world), ready)


def period_of(card: Card) -> tuple[dt.date, dt.date]:
    """Days that a model's pass over all land covers: all years of the twin's record, else the default period."""
    recipe = recipe_of(card)
    if recipe.data == "twin":
        return dt.date(recipe.years[0], 1, 1), dt.date((recipe.test_years or recipe.years)[1], 12, 31)
    return parse_date(START, "start"), parse_date(END, "end")


def monthly_names(model: HybridModel) -> tuple[str, ...]:
    """Names of the outputs in `WorldRun.monthly`."""
    return tuple(name for name in MONTHLY if name in model.outputs)


def run_block(block: WorldBlock, context: Context) -> dict[str, NDArray]:
    """Run the cells of one block; on a worker."""
    refuse_another("code", code_version(), block.code)
    ensemble, cells = opened_ensemble(block.folder, block.data, block.version), np.array(block.cells)
    model = ensemble.model
    start, end = period_of(ensemble.card)
    prepared = ensemble.prepare(positions(ensemble.world, cells))
    first = ensemble.domain.run_up(cells, start)
    equilibrium, drift = _equilibrium(ensemble, cells, prepared, first, context.stop)
    state = model.initial_state(cells.size).expand(len(ensemble.members), -1, -1).clone()
    state[..., : len(model.stores)] = equilibrium
    run_up = ensemble.forcing(cells, first, start - dt.timedelta(days=1), cancel=context.stop)
    state = ensemble.advance(prepared, run_up, state, context.stop)
    forcing = ensemble.forcing(cells, start, end, cancel=context.stop)
    monthly, lengths, residual = [], [], []
    states: dict[int, torch.Tensor] = {}
    keep_at = days_to_keep(start, end) if block.memory else []
    position = 0
    for days in month_lengths(start.year, end.year):
        check(context.stop)
        stretch = forcing[position : position + days]
        outputs, state = _month(ensemble, prepared, stretch, state, position, keep_at, states)
        residual.append(_balance(ensemble, outputs))
        monthly.append(outputs.mean(0))
        lengths.append(days)
        position += days
    months = torch.stack(monthly)  # (month, member, cell, output)
    kept = [model.outputs.index(name) for name in monthly_names(model)]
    result = {
        "cycle": months.unflatten(0, (-1, 12)).mean(0).permute(1, 0, 3, 2).numpy(),
        "monthly": months[..., kept].permute(1, 0, 3, 2).contiguous().numpy(),
        "forcing": _forcing_cycle(forcing, lengths),
        "residual": yearly_residual(torch.stack(residual), months.shape[0] // 12),
        "equilibrium": equilibrium.transpose(-1, -2).numpy(),
        "drift": torch.nn.functional.pad(drift.abs(), (0, 1)).amax((0, 2)).numpy(),  # a model may have no store
        "parameters": _parameters(ensemble, prepared, cells.size),
    }
    if block.memory:
        result |= memory_of_cells(ensemble, cells, prepared, forcing, (start, end), states, context.stop)
    return result


def _month(
    ensemble: Ensemble, prepared: Prepared, stretch: torch.Tensor, state: torch.Tensor, position: int,
    keep_at: list[int], states: dict[int, torch.Tensor],
) -> tuple[torch.Tensor, torch.Tensor]:  # fmt: skip
    """Run one month, keeping the state before each day of `keep_at`, which rise."""
    cuts = [0] + [day - position for day in keep_at if 0 < day - position < len(stretch)] + [len(stretch)]
    parts = []
    for low, high in pairwise(cuts):
        if position + low in keep_at:
            states[position + low] = state
        outputs, state = fast.run(ensemble.model, prepared, ensemble.per_member(stretch[low:high]), state)
        parts.append(outputs)
    return torch.cat(parts), state


def _equilibrium(
    ensemble: Ensemble, cells: NDArray, prepared: Prepared, begin: dt.date, cancel: CancelToken
) -> tuple[torch.Tensor, torch.Tensor]:
    n_stores = len(ensemble.model.stores)
    if ensemble.equilibrium is not None:
        stores = torch.from_numpy(ensemble.equilibrium[:, positions(ensemble.world, cells)])
        return stores, torch.zeros(len(ensemble.members), cells.size, n_stores)
    return ensemble.spin_up(cells, prepared, begin, cancel)


def _parameters(ensemble: Ensemble, prepared: Prepared, n_cells: int) -> NDArray:
    """Parameters that do not change in time, (parameter, member, cell)."""
    values = [torch.broadcast_to(p, (len(ensemble.members), n_cells)).numpy() for p in prepared.parameters.values()]
    return np.stack(values) if values else np.zeros((0, len(ensemble.members), n_cells), np.float32)


def month_lengths(first: int, last: int) -> list[int]:
    """Days of each month of the years `first` to `last`."""
    months = np.arange(f"{first}-01", f"{last + 1}-01", dtype="datetime64[M]")
    return [int(d) for d in ((months + 1).astype("datetime64[D]") - months.astype("datetime64[D]")).astype(int)]


def _balance(ensemble: Ensemble, outputs: torch.Tensor) -> torch.Tensor:
    """Inflow - outflow per month, and storage on its last day: (2, member, cell), float64 mm."""
    model, names = ensemble.model, ensemble.model.outputs
    daily = outputs.double()

    def total(wanted: tuple[str, ...]) -> torch.Tensor:
        return daily[..., [names.index(name) for name in wanted]].sum(-1)

    return torch.stack([(total(model.inflow) - total(model.outflow)).sum(0), total(model.store_names)[-1]])


def yearly_residual(balance: torch.Tensor, years: int) -> NDArray:
    """Largest |inflow - outflow - change of storage| of any member and whole year, (cell,), from `_balance`."""
    net = balance[12:, 0].unflatten(0, (years - 1, 12)).sum(1)
    storage = balance[11::12, 1]
    return (net - storage.diff(dim=0)).abs().amax((0, 1)).numpy()


def _forcing_cycle(forcing: torch.Tensor, lengths: list[int]) -> NDArray:
    means = torch.stack([month.mean(0) for month in forcing.split(lengths)])
    return means.unflatten(0, (-1, 12)).mean(0).transpose(-1, -2).numpy()
