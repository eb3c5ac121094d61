"""Every score on the three parts of a series: raw, mean seasonal cycle (msc) and departures from it (iav)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from hdlcore.analysis.scores import bias, correlation, error_parts, kling_gupta, nse, paired, rmse

Part = Literal["raw", "msc", "iav"]
PARTS: tuple[Part, ...] = ("raw", "msc", "iav")
#: Slots of the year that must be known before a mean seasonal cycle is one: half of them.
_ENOUGH = 0.5


def calendar_slots(times: ArrayLike) -> tuple[NDArray[np.intp], int]:
    """Slot of the year of each time and how many slots a year has: 12 for monthly series, else 365 days.

    times (time,) datetime64, rising. 29 February shares the slot of 28 February, so that leap days are neither lost nor
    a slot of their own with a quarter of the years.
    """
    days = np.asarray(times).astype("datetime64[D]")
    months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
    if np.unique(months).size == months.size:
        return months.astype(np.intp) % 12, 12
    first, last = years.astype("datetime64[D]"), (years + 1).astype("datetime64[D]")
    of_year, leap = (days - first).astype(np.intp), (last - first).astype(np.intp) == 366
    return of_year - (leap & (of_year >= 59)), 365


def seasonal_parts(
    simulated: ArrayLike, observed: ArrayLike, times: ArrayLike
) -> dict[Part, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Simulated and observed, both (time, ...), as raw (time, ...), msc (slot, ...) and iav (time, ...).

    Only times at which both are known count, so that a gap in the observation is the same gap in the simulated cycle.
    A slot known in one year only has no anomaly (it would be zero by construction); a series with fewer than half of
    the slots of the year has no seasonal cycle. Partial years are welcome: each slot has its own mean.
    """
    sim, obs = paired(simulated, observed)
    slots, count = calendar_slots(times)
    known = np.isfinite(sim)
    cycles = [np.full((count, *sim.shape[1:]), np.nan) for _ in range(2)]
    departures = [np.full(sim.shape, np.nan) for _ in range(2)]
    for slot in range(count):
        own = np.flatnonzero(slots == slot)
        years = known[own].sum(0)
        for values, cycle, departure in zip((sim, obs), cycles, departures, strict=True):
            mean = np.where(years > 0, np.nansum(values[own], 0) / np.maximum(years, 1), np.nan)
            cycle[slot] = mean
            departure[own] = np.where(years > 1, values[own] - mean, np.nan)
    whole = np.isfinite(cycles[0]).mean(0) >= _ENOUGH
    msc = np.where(whole, cycles[0], np.nan), np.where(whole, cycles[1], np.nan)
    return {"raw": (sim, obs), "msc": msc, "iav": (departures[0], departures[1])}


def score_dataset(simulated: xr.DataArray, observed: xr.DataArray) -> xr.Dataset:
    """All scores of each series on each part: dimensions (part, ...) for input (time, ...).

    Variables: nse, correlation, rmse, bias, kge with kge_alpha and kge_beta (none for iav), mse with bias_squared,
    variance_error and phase_error, and n, the number of pairs (slots for msc). `part` is raw, msc or iav.
    """
    simulated, observed = xr.align(simulated.transpose("time", ...), observed, join="inner")
    observed = observed.transpose(*simulated.dims)
    parts = seasonal_parts(simulated.values, observed.values, simulated["time"].values)
    rows = [_scores(*parts[part]) for part in PARTS]
    rest = simulated.dims[1:]
    units = str(observed.attrs.get("units", simulated.attrs.get("units", "")))
    coords: dict[str, Any] = {str(name): c for name, c in simulated.coords.items() if "time" not in c.dims}
    data = {name: (("part", *rest), np.stack([row[name] for row in rows])) for name in rows[0]}
    result = xr.Dataset(data, {**coords, "part": list(PARTS)})
    for name in ("rmse", "bias"):
        result[name].attrs["units"] = units
    for name in ("mse", "bias_squared", "variance_error", "phase_error"):
        result[name].attrs["units"] = f"({units})2" if units else ""
    return result


def _scores(sim: NDArray, obs: NDArray) -> dict[str, NDArray]:
    efficiency, errors = kling_gupta(sim, obs), error_parts(sim, obs)
    return {
        "nse": nse(sim, obs),
        "correlation": correlation(sim, obs),
        "rmse": rmse(sim, obs),
        "bias": bias(sim, obs),
        "kge": efficiency.kge,
        "kge_alpha": efficiency.alpha,
        "kge_beta": efficiency.beta,
        **errors._asdict(),
        "n": np.isfinite(sim).sum(0),
    }


def summary_by_zone(
    scores: xr.Dataset, zone: ArrayLike, names: Sequence[str], dim: str = "cell"
) -> tuple[xr.Dataset, NDArray[np.intp]]:
    """Median of every score over the cells of each zone, and the cells with a score per zone.

    zone (cell,) integer codes that index `names`; a negative code is of no zone. The first entry of the new dimension
    ``zone`` is "all": every cell, of a zone or none.
    """
    codes = np.asarray(zone)
    chosen = [np.arange(codes.size), *(np.flatnonzero(codes == code) for code in range(len(names)))]
    parts = [scores.isel({dim: at}).median(dim, skipna=True) for at in chosen]
    table = xr.concat(parts, xr.DataArray(["all", *names], dims="zone", name="zone"))
    return table, np.array([at.size for at in chosen], np.intp)
