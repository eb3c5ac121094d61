"""Memory of every cell as part of the pass over all land: lag cubes, and what each store carries.

Gradient x input of the 15th of each month of a year over the year before, and the carriers of four of these days. Each
target day is asked of one member in turn, so that every member speaks for every season.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.attribution.banded import window_gradient
from hdlcore.attribution.lags import bin_sum, memory_length, memory_share, memory_time, memory_within, mid_months
from hdlcore.attribution.methods.carriers import store_columns
from hdlcore.models.hybrid import Prepared
from hdlcore.models.kernels import fast
from hdlcore.progress import CancelToken, check
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.explain import baseline_forcing
from hdlcore.runtime.fields import round_bits

MEMORY_YEAR, MEMORY_LAGS, MEMORY_TARGET = 2005, 365, "tws"
#: Months back at which a store is put back to its usual amount, and the months of the target days.
CARRIER_LAGS, CARRIER_MONTHS = (1, 3, 6, 12), (1, 4, 7, 10)
#: Mantissa bits kept of the cube by month, the largest field: 1.6 %.
MONTH_BITS = 5


def days_to_keep(start: dt.date, end: dt.date) -> list[int]:
    """Days of a run from `start` to `end`, whole years, before which the state is wanted: starts of the windows, and
    the 15th of every month."""
    return sorted({*_window_starts(start), *_all_mid_months(start, end).values()})


def _window_starts(start: dt.date) -> list[int]:
    return [int(day) - MEMORY_LAGS + 1 for day in mid_months(MEMORY_YEAR, np.datetime64(start))]


def _all_mid_months(start: dt.date, end: dt.date) -> dict[tuple[int, int], int]:
    """(year, month) -> day of the run of its 15th."""
    days = {year: mid_months(year, np.datetime64(start)) for year in range(start.year, end.year + 1)}
    return {(year, month + 1): int(day) for year in days for month, day in enumerate(days[year])}


def memory_of_cells(
    ensemble: Ensemble, cells: NDArray, prepared: Prepared, forcing: Tensor, period: tuple[dt.date, dt.date],
    states: Mapping[int, Tensor], cancel: CancelToken,
) -> dict[str, NDArray]:  # fmt: skip
    """Lag cubes and carriers of some cells, cell last, from a run over `period`; `states` (member, cell, n_state) are
    those before `days_to_keep`.

    attribution_size, attribution (forcing, lag_bin, cell): mean size and signed mean over the target days;
    attribution_month (month, lag_bin, cell): size by month, drivers together; lag_size (lag, cell): size by lag,
    drivers together; carriers (carrier, carrier_lag, cell): mean size of what each store carries, target's unit.
    """
    start, end = period
    departure = forcing - baseline_forcing(ensemble, cells, start, end)
    size = np.zeros((len(ensemble.model.forcing), MEMORY_LAGS, cells.size))
    signed, by_month = np.zeros_like(size), []
    members = len(ensemble.members)
    for number, first in enumerate(_window_starts(start)):
        check(cancel)
        window, member = slice(first, first + MEMORY_LAGS), number % members
        own = prepared.member(member)
        gradient = window_gradient(ensemble.model, own, forcing[window], states[first][member], MEMORY_TARGET)
        contribution = (gradient * departure[window].flip(0).transpose(0, 1)).permute(2, 1, 0).numpy()
        size += np.abs(contribution) / 12
        signed += contribution / 12
        by_month.append(bin_sum(np.abs(contribution).sum(0), 0))
    return {
        "attribution_size": bin_sum(size, 1),
        "attribution": bin_sum(signed, 1),
        "attribution_month": np.stack(by_month),
        "lag_size": size.sum(0),
        "carriers": _carriers(ensemble, prepared, forcing, _all_mid_months(start, end), states, cancel),
    }


def _carriers(
    ensemble: Ensemble, prepared: Prepared, forcing: Tensor, mids: Mapping[tuple[int, int], int],
    states: Mapping[int, Tensor], cancel: CancelToken,
) -> NDArray:  # fmt: skip
    """Mean size of target minus target of a run in which one store alone began at its usual amount some months back.

    A store's usual amount is its mean on that day of the year over the period.
    """
    groups = list(store_columns(ensemble.model).values())
    members = len(ensemble.members)
    years = sorted({year for year, _ in mids})
    total = np.zeros((len(groups), len(CARRIER_LAGS), forcing.shape[1]))
    for number, month in enumerate(CARRIER_MONTHS):
        member, target = number % members, mids[MEMORY_YEAR, month]
        own = prepared.member(member)
        for k, back in enumerate(CARRIER_LAGS):
            check(cancel)
            year, before = divmod(MEMORY_YEAR * 12 + month - 1 - back, 12)
            begin = mids[year, before + 1]
            state = states[begin][member]
            usual = torch.stack([states[mids[y, before + 1]][member] for y in years]).mean(0)
            changed = [state]
            for columns in groups:
                reset = state.clone()
                reset[:, columns] = usual[:, columns]
                changed.append(reset)
            total[:, k] += _moved(ensemble, own, forcing[begin : target + 1], changed) / len(CARRIER_MONTHS)
    return total


def _moved(ensemble: Ensemble, prepared: Prepared, weather: Tensor, states: list[Tensor]) -> NDArray:
    """How far the target on the last day is from that of the first state, (state - 1, cell)."""
    model, n_cells = ensemble.model, weather.shape[1]
    lanes = prepared.cells(torch.arange(n_cells).repeat(len(states)))
    days, state = weather.repeat(1, len(states), 1), torch.cat(states)
    state = fast.advance(model, lanes, days[:-1], state)
    with torch.no_grad():
        last, _ = fast.run(model, lanes, days[-1:], state, (MEMORY_TARGET,))
    values = last[0, :, 0].unflatten(0, (len(states), n_cells))
    return (values[:1] - values[1:]).abs().double().numpy()  # type: ignore[no-any-return]


def memory_fields(run: Mapping[str, NDArray]) -> dict[str, tuple]:
    """Fields (dims, values) of a model folder from the arrays that all cells left (see `memory_of_cells`)."""
    size, lags = run["lag_size"].T, np.arange(MEMORY_LAGS)
    by_month = round_bits(run["attribution_month"].astype(np.float32), MONTH_BITS)
    return {
        "memory_time": (("cell",), memory_time(size, lags)),
        "memory_share": (("cell",), memory_share(size, lags)),
        "memory_length": (("cell",), memory_length(size, lags)),
        "memory_80": (("cell",), memory_within(size, lags, 0.8)),
        "memory_90": (("cell",), memory_within(size, lags, 0.9)),
        "attribution": (("forcing", "lag_bin", "cell"), run["attribution"]),
        "attribution_size": (("forcing", "lag_bin", "cell"), run["attribution_size"]),
        "attribution_month": (("month", "lag_bin", "cell"), by_month),
        "carriers": (("carrier", "carrier_lag", "cell"), run["carriers"]),
    }
