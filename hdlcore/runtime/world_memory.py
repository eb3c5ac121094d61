"""Memory of every cell as part of the pass over all land: lag cubes, and what each store carries.

Integrated gradients of the 15th of each month of a year over the year before, and the carriers of four of these days.
Each target day is asked of one member in turn, so that every member speaks for every season.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.attribution.banded import window_gradient
from hdlcore.attribution.lags import (
    bin_sum,
    lag_bins,
    memory_length,
    memory_share,
    memory_time,
    memory_within,
    mid_months,
)
from hdlcore.attribution.methods.carriers import store_columns
from hdlcore.attribution.path import path_points
from hdlcore.models.hybrid import HybridModel, Prepared
from hdlcore.models.kernels import fast
from hdlcore.progress import CancelToken, check
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.explain import baseline_forcing
from hdlcore.runtime.fields import round_bits
from hdlcore.variables import VARIABLES

METHOD = "integrated_gradients"
MEMORY_YEAR, MEMORY_LAGS, MEMORY_TARGET = 2005, 365, "tws"
#: Points on the path from usual weather to the weather that was, as when one cell is asked.
MEMORY_SAMPLES = 8
#: Months back at which a store is put back to its usual amount, and the months of the target days.
CARRIER_LAGS, CARRIER_MONTHS = (1, 3, 6, 12), (1, 4, 7, 10)
#: Mantissa bits kept of the cube by month, the largest field: 1.6 %.
MONTH_BITS = 5
#: The same of the gap: 3 %.
GAP_BITS = 4
#: Cells in one backward pass; the memory that more of them need is mapped anew each time.
CELLS_AT_ONCE = 64
#: A difference below this, mm, is none.
TINY = 1e-6


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


def states_of(
    ensemble: Ensemble, prepared: Prepared, forcing: Tensor, state: Tensor, days: Sequence[int],
    cancel: CancelToken | None = None,
) -> dict[int, Tensor]:  # fmt: skip
    """State (member, cell, n_state) before each of some `days`, which rise, of a run from `state`."""
    states = {}
    for low, high in pairwise([0, *days]):
        if high > low:
            state = ensemble.advance(prepared, forcing[low:high], state, cancel)
        states[high] = state
    return states


def memory_of_cells(
    ensemble: Ensemble, cells: NDArray, prepared: Prepared, forcing: Tensor, period: tuple[dt.date, dt.date],
    states: Mapping[int, Tensor], cancel: CancelToken, samples: int = MEMORY_SAMPLES,
) -> dict[str, NDArray]:  # fmt: skip
    """Lag cubes and carriers of some cells, cell last, from a run over `period`; `states` (member, cell, n_state) are
    those before `days_to_keep`.

    attribution_size, attribution (forcing, lag_bin, cell): mean size and signed mean over the target days;
    attribution_month (month, lag_bin, cell): size by month, drivers together; lag_size (lag, cell): size by lag,
    drivers together; attribution_sums (2, cell): size of the completeness gap and of the difference it is a gap of,
    summed over the target days; carriers (carrier, carrier_lag, cell): mean size of what each store carries. Units are
    the target's. `samples` is the number of points on the path.
    """
    start, end = period
    usual = baseline_forcing(ensemble, cells, start, end)
    size = np.zeros((len(ensemble.model.forcing), MEMORY_LAGS, cells.size))
    signed, by_month, sums = np.zeros_like(size), [], np.zeros((2, cells.size))
    members = len(ensemble.members)
    for number, first in enumerate(_window_starts(start)):
        check(cancel)
        window, member = slice(first, first + MEMORY_LAGS), number % members
        asked = ensemble.model, prepared.member(member), forcing[window], usual[window], states[first][member]
        contribution, difference = _contributions(*asked, samples, cancel)
        size += np.abs(contribution) / 12
        signed += contribution / 12
        sums += np.abs([contribution.sum((0, 1)) - difference, difference])
        by_month.append(bin_sum(np.abs(contribution).sum(0), 0))
    return {
        "attribution_size": bin_sum(size, 1),
        "attribution": bin_sum(signed, 1),
        "attribution_month": np.stack(by_month),
        "lag_size": size.sum(0),
        "attribution_sums": sums,
        "carriers": _carriers(ensemble, prepared, forcing, _all_mid_months(start, end), states, cancel),
    }


def _contributions(
    model: HybridModel, prepared: Prepared, weather: Tensor, usual: Tensor, state: Tensor, samples: int,
    cancel: CancelToken,
) -> tuple[NDArray, NDArray]:  # fmt: skip
    """Integrated gradients of the last day of a window, (forcing, lag, cell), and the difference (cell,) from a run
    under usual weather, which they should add up to; weather and usual (day, cell, n_forcing), state (cell, n_state).
    """
    departure = weather - usual
    mean = torch.zeros(departure.shape[1], departure.shape[0], departure.shape[2])
    for first in range(0, len(mean), CELLS_AT_ONCE):
        cells = slice(first, first + CELLS_AT_ONCE)
        own = prepared.cells(torch.arange(len(mean))[cells])
        for point, weight in zip(*path_points(samples), strict=True):
            check(cancel)
            between = usual[:, cells] + float(point) * departure[:, cells]
            mean[cells] += float(weight) * window_gradient(model, own, between, state[cells], MEMORY_TARGET)
    values = (mean * departure.flip(0).transpose(0, 1)).permute(2, 1, 0).double().numpy()
    own, other = _last_day(model, prepared, torch.stack([weather, usual], 1), torch.stack([state, state]))
    return values, own - other


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
            weather = forcing[begin : target + 1, None].expand(-1, len(changed), -1, -1)
            values = _last_day(ensemble.model, own, weather, torch.stack(changed))
            total[:, k] += np.abs(values[:1] - values[1:]) / len(CARRIER_MONTHS)
    return total


def _last_day(model: HybridModel, prepared: Prepared, weather: Tensor, states: Tensor) -> NDArray:
    """Target on the last day of some runs, (run, cell): weather (day, run, cell, n_forcing), states (run, cell, k)."""
    n_runs, n_cells = states.shape[:2]
    lanes = prepared.cells(torch.arange(n_cells).repeat(n_runs))
    days = weather.flatten(1, 2).contiguous()
    state = fast.advance(model, lanes, days[:-1], states.flatten(0, 1))
    with torch.no_grad():
        last, _ = fast.run(model, lanes, days[-1:], state, (MEMORY_TARGET,))
    return last[0, :, 0].unflatten(0, (n_runs, n_cells)).double().numpy()  # type: ignore[no-any-return]


def with_memory(
    fields: xr.Dataset, run: Mapping[str, NDArray], model: HybridModel, samples: int = MEMORY_SAMPLES
) -> xr.Dataset:
    """Fields of a model folder (cell) with the memory that all cells left (see `memory_of_cells`)."""
    size, lags = run["lag_size"].T, np.arange(MEMORY_LAGS)
    start, end = lag_bins(MEMORY_LAGS)
    months_back = {"units": "months", "long_name": "months back"}
    gap, difference = run["attribution_sums"]
    data: dict[str, tuple] = {
        "memory_time": (("cell",), memory_time(size, lags)),
        "memory_share": (("cell",), memory_share(size, lags)),
        "memory_length": (("cell",), memory_length(size, lags)),
        "memory_80": (("cell",), memory_within(size, lags, 0.8)),
        "memory_90": (("cell",), memory_within(size, lags, 0.9)),
        "attribution": (("forcing", "lag_bin", "cell"), run["attribution"]),
        "attribution_size": (("forcing", "lag_bin", "cell"), run["attribution_size"]),
        "attribution_month": (("month", "lag_bin", "cell"), round_bits(run["attribution_month"], MONTH_BITS)),
        "attribution_gap": (("cell",), round_bits(gap / np.maximum(difference, TINY), GAP_BITS)),
        "carriers": (("carrier", "carrier_lag", "cell"), run["carriers"]),
    }
    coords = {
        "forcing": list(model.forcing),
        "lag_start": ("lag_bin", start.astype(np.int32), {"units": "d"}),
        "lag_end": ("lag_bin", end.astype(np.int32), {"units": "d"}),
        "carrier": list(store_columns(model)),
        "carrier_lag": ("carrier_lag", np.array(CARRIER_LAGS, np.int32), months_back),
    }  # fmt: skip
    about = {name: VARIABLES[name].attributes() for name in data if name in VARIABLES}
    about["attribution_gap"] = {"units": "1", "long_name": "Completeness gap as a share of what is explained"}
    made = xr.Dataset({n: (dims, np.asarray(v, np.float32), about.get(n, {})) for n, (dims, v) in data.items()}, coords)
    old = fields.drop_vars([name for name in (*data, *coords) if name in fields.variables])
    return old.merge(made).assign_attrs(
        attribution_method=METHOD, attribution_samples=samples,
        attribution_comment=f"Against the mean seasonal cycle; {samples} points on the path; target days are the 15th "
        f"of each month of {MEMORY_YEAR}, each of one member.",
    )  # fmt: skip
