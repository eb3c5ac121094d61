"""Memory that retraining finds: Mem_n = R2(M_n) - R2(M_0), by cell, zone, month and climate, and its significance.

After Kraft et al. (2019, https://doi.org/10.3389/fdata.2019.00031). M_n is a network that was trained with n steps of
the past, M_0 one without any; R2 = 1 - SSE / SST, the Nash-Sutcliffe efficiency, on what neither has seen. Series are
monthly, (model, time, cell) predicted and (time, cell) observed, in the Dataset that `hdlcore.memory_study.result`
describes.
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from hdlcore.analysis.scores import nse

F8 = NDArray[np.float64]

#: A series as it is, its median seasonal cycle, and what is left of it.
PARTS = ("raw", "msc", "ano")
BASE, FULL = "M_0", "M_full"
#: As published for the real Earth: global R2 of M_0 and M_full, Kraft et al. 2019.
PUBLISHED_R2 = {"raw": (0.848, 0.904), "msc": (0.881, 0.928), "ano": (0.323, 0.465)}
#: As published: mean and median NSE of the emulators over cells, Kraft, Besnard and Koirala 2021.
PUBLISHED_NSE = {
    "LSTM_SM": (0.97, 0.98),
    "LSTM_noSM": (0.95, 0.97),
    "FC_SM": (0.88, 0.93),
    "FC_noSM": (0.76, 0.89),
}


def median_seasonal_cycle(series: ArrayLike, months: ArrayLike) -> F8:
    """Median over years of each calendar month, (time, ...) -> (12, ...); NaN where a month has no value.

    months (time,) in 0 to 11.
    """
    values, which = np.asarray(series, np.float64), np.asarray(months)
    cycle = np.full((12, *values.shape[1:]), np.nan)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # months of no value are NaN, as they should be
        for month in range(12):
            if (which == month).any():
                cycle[month] = np.nanmedian(values[which == month], 0)
    return cycle


def split(series: ArrayLike, months: ArrayLike) -> dict[str, F8]:
    """A series (time, ...) as `PARTS`: raw and ano (time, ...), msc (12, ...)."""
    values = np.asarray(series, np.float64)
    cycle = median_seasonal_cycle(values, months)
    return {"raw": values, "msc": cycle, "ano": values - cycle[np.asarray(months)]}


def _paired_parts(result: xr.Dataset, model: str) -> tuple[dict[str, F8], dict[str, F8]]:
    """Parts of what a model predicted and of what was observed, at the times both are known."""
    predicted = result["predicted"].sel(model=model).transpose("time", "cell").values.astype(np.float64)
    observed = result["observed"].transpose("time", "cell").values.astype(np.float64)
    known = np.isfinite(predicted) & np.isfinite(observed)
    months = result["time"].dt.month.values - 1
    return split(np.where(known, predicted, np.nan), months), split(np.where(known, observed, np.nan), months)


def cell_r2(result: xr.Dataset) -> xr.DataArray:
    """R2 (model, part, cell) of each cell's series; NaN where the observation does not vary."""
    values = [
        [nse(predicted[part], observed[part]) for part in PARTS]
        for predicted, observed in (_paired_parts(result, str(name)) for name in result["model"].values)
    ]
    coords = {"model": result["model"], "part": list(PARTS), "cell": result["cell"]}
    return xr.DataArray(np.array(values), coords, ("model", "part", "cell"), "r2", {"units": "1"})


def global_r2(result: xr.Dataset) -> xr.DataArray:
    """R2 (model, part) over all cells and times at once, each cell weighted by the land it stands for.

    As "R2 global" of the paper: the mean that errors are judged against is that of all land, so differences between
    places count.
    """
    weight = result["weight"].values.astype(np.float64)
    values = []
    for name in result["model"].values:
        predicted, observed = _paired_parts(result, str(name))
        row = []
        for part in PARTS:
            sim, obs = predicted[part], observed[part]
            known = np.isfinite(sim) & np.isfinite(obs)
            w = np.where(known, weight, 0)
            mean = (w * np.where(known, obs, 0)).sum() / w.sum()
            error = (w * np.where(known, sim - obs, 0) ** 2).sum()
            row.append(1 - error / (w * np.where(known, obs - mean, 0) ** 2).sum())
        values.append(row)
    coords = {"model": result["model"], "part": list(PARTS)}
    return xr.DataArray(np.array(values), coords, ("model", "part"), "r2", {"units": "1"})


def memory_gain(r2: xr.DataArray) -> xr.DataArray:
    """Mem = R2(model) - R2(M_0), of the shape of `r2` with its dimension "model"."""
    return r2 - r2.sel(model=BASE, drop=True)


class Spread(NamedTuple):
    """Median and quartiles over the cells of a group, each (group, ...)."""

    median: F8
    low: F8
    high: F8
    n: NDArray[np.intp]


def by_group(values: ArrayLike, group: ArrayLike, groups: int) -> Spread:
    """Median and quartiles of values (..., cell) over the cells of each group: (group, ...).

    group (cell,) in 0 to groups - 1, or negative for none. Cells without a value count for nothing; a group without
    any is NaN.
    """
    data, of = np.asarray(values, np.float64), np.asarray(group)
    table = np.full((3, groups, *data.shape[:-1]), np.nan)
    count = np.zeros(groups, np.intp)
    for number in range(groups):
        chosen = data[..., of == number]
        chosen = chosen[..., np.isfinite(chosen).all(tuple(range(chosen.ndim - 1)))]
        count[number] = chosen.shape[-1]
        if chosen.shape[-1]:
            table[:, number] = np.quantile(chosen, [0.5, 0.25, 0.75], axis=-1)
    return Spread(table[0], table[1], table[2], count)


def months_that_hold(size: ArrayLike, share: float = 0.9) -> F8:
    """Months of the past that hold `share` of a memory whose sizes by age are (age, ...): (...), interpolated.

    Ages are months from 0, the current one; its part is left out, for it is no memory. Within the last age, which may
    hold all that is older, nothing is told apart: at most as many months as there are ages after the first.
    """
    past = np.asarray(size, np.float64)[1:]
    total = past.sum(0)
    cumulative = np.concatenate([np.zeros((1, *total.shape)), past.cumsum(0)]) / np.where(total > 0, total, np.nan)
    reached = (cumulative >= share).argmax(0)
    at = np.clip(reached, 1, len(past))
    low, high = (np.take_along_axis(cumulative, (at - i)[None], 0)[0] for i in (1, 0))
    return np.asarray(at - 1 + (share - low) / np.where(high > low, high - low, np.nan))


def monthly_memory(result: xr.Dataset, model: str = FULL, part: str = "ano") -> xr.DataArray:
    """Mem by calendar month and hemisphere (hemisphere, month): the mean fall of the squared error from M_0 to `model`
    in that month over the mean variance of all months, cells weighted by land.

    The mean over months, each weighted by its number of values, is the Mem of the hemisphere's pooled series.
    """
    if part not in ("raw", "ano"):
        raise ValueError(f"part '{part}' has no single months; raw or ano")
    weight, months = result["weight"].values, result["time"].dt.month.values - 1
    predicted, observed = _paired_parts(result, model)
    base, _ = _paired_parts(result, BASE)
    fall = (base[part] - observed[part]) ** 2 - (predicted[part] - observed[part]) ** 2
    departure = (observed[part] - np.nanmean(observed[part], 0)) ** 2
    rows = []
    for half in (result["lat"].values >= 0, result["lat"].values < 0):
        w = np.where(np.isfinite(fall) & half, weight, 0)
        variance = (w * np.where(w > 0, departure, 0)).sum() / max(w.sum(), 1e-12)
        row = []
        for month in range(12):
            own = np.where((months == month)[:, None], w, 0)
            row.append((own * np.where(own > 0, fall, 0)).sum() / max(own.sum(), 1e-12) / max(variance, 1e-12))
        rows.append(row)
    coords = {"hemisphere": ["northern", "southern"], "month": np.arange(1, 13)}
    return xr.DataArray(np.array(rows), coords, ("hemisphere", "month"), "memory", {"units": "1"})


class ClimateSpace(NamedTuple):
    """Median Mem (temperature bin, rain bin) and how many cells each bin holds, with the bins' edges."""

    median: F8
    n: NDArray[np.intp]
    rain_edges: F8
    temperature_edges: F8


RAIN_EDGES: F8 = np.array([0, 125, 250, 500, 750, 1000, 1500, 2000, 3000, 6000.0])
TEMPERATURE_EDGES: F8 = np.array([-25, -15, -10, -5, 0, 5, 10, 15, 20, 25, 30.0])


def climate_space(memory: ArrayLike, rain: ArrayLike, temperature: ArrayLike, fewest: int = 3) -> ClimateSpace:
    """Median of `memory` (cell,) over bins of annual rain (mm) and mean temperature (degC); NaN in bins of too few."""
    values, wet, warm = (np.asarray(x, np.float64) for x in (memory, rain, temperature))
    known = np.isfinite(values)
    row = np.clip(np.digitize(warm, TEMPERATURE_EDGES) - 1, 0, TEMPERATURE_EDGES.size - 2)
    column = np.clip(np.digitize(wet, RAIN_EDGES) - 1, 0, RAIN_EDGES.size - 2)
    shape = (TEMPERATURE_EDGES.size - 1, RAIN_EDGES.size - 1)
    median, count = np.full(shape, np.nan), np.zeros(shape, np.intp)
    for at in np.ndindex(shape):
        held = values[known & (row == at[0]) & (column == at[1])]
        count[at] = held.size
        if held.size >= fewest:
            median[at] = np.median(held)
    return ClimateSpace(median, count, RAIN_EDGES, TEMPERATURE_EDGES)


class Significance(NamedTuple):
    """Whether each cell's Mem is above chance, its statistic, and the height the statistic must pass."""

    significant: NDArray[np.bool_]
    statistic: F8
    threshold: float


def significance(
    result: xr.Dataset, model: str = FULL, part: str = "ano", permutations: int = 999, alpha: float = 0.1,
    seed: int = 1,
) -> Significance:  # fmt: skip
    """Cells whose Mem is above what exchanging the labels of `model` and M_0 gives anywhere, at `alpha` for the map.

    Labels are exchanged season by season (three months), so that errors that last stay together, and in all cells at
    once, so that errors of one region do too. The statistic of a cell is the sum over seasons of the fall of its
    squared error, over the root of the sum of the falls' squares: Mem itself up to a scale that no exchange changes,
    and that lets no cell of small variance set the height for all. The threshold is the 1 - alpha quantile of the
    largest statistic of any cell (Nichols and Holmes 2002, https://doi.org/10.1002/hbm.1058), true labels included.
    """
    predicted, observed = _paired_parts(result, model)
    base, _ = _paired_parts(result, BASE)
    fall = (base[part] - observed[part]) ** 2 - (predicted[part] - observed[part]) ** 2
    season = result["time"].dt.year.values * 4 + (result["time"].dt.month.values - 1) // 3
    sums = np.stack([np.nansum(fall[season == s], 0) for s in np.unique(season)])
    return max_statistic(sums, permutations, alpha, seed)


def max_statistic(fall: ArrayLike, permutations: int, alpha: float, seed: int) -> Significance:
    """Test of falls (block, cell) whose signs may be exchanged block by block; see `significance`."""
    blocks = np.asarray(fall, np.float64)
    size = np.sqrt((blocks**2).sum(0))
    scaled = blocks / np.where(size > 0, size, np.inf)
    statistic = scaled.sum(0)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], (permutations, len(blocks)))
    largest = np.append((signs @ scaled).max(1), statistic.max())
    threshold = float(np.quantile(largest, 1 - alpha, method="higher"))
    return Significance(statistic > threshold, statistic, threshold)
