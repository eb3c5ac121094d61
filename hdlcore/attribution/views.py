"""Views of an explanation: pure functions from the contributions (time, lag, forcing or store) to what is shown."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.attribution.lags import bin_sum, lag_bins, memory_length, memory_share, memory_time, memory_within

#: Water that is too little to speak of, mm.
SEEN = 0.01
#: The check of a pulse of warmth that models of rain-fed places often fail.
WARMTH_WETS = "Without snow, runoff grows after a warmer day."


def split_by(explanation: xr.Dataset) -> str:
    """What an explanation is split by beside the lag: "forcing" or "store"."""
    return "store" if "store" in explanation["attribution"].dims else "forcing"


def lag_by_forcing(explanation: xr.Dataset, absolute: bool = True) -> xr.DataArray:
    """Mean over target days of the contributions, or of their size, within lag bins: (lag_bin, forcing or store)."""
    values = explanation["attribution"]
    per_lag = (abs(values) if absolute else values).mean("time").transpose("lag", split_by(explanation))
    return _binned(explanation, per_lag, absolute)


def lag_by_month(explanation: xr.Dataset, entry: str | None = None, absolute: bool = True) -> xr.DataArray:
    """As `lag_by_forcing`, by calendar month of the target day: (lag_bin, month); over all entries or one."""
    values, axis = explanation["attribution"], split_by(explanation)
    values = abs(values) if absolute else values
    values = values.sum(axis) if entry is None else values.sel({axis: entry}, drop=True)
    per_lag = values.groupby("time.month").mean("time").transpose("lag", "month")
    return _binned(explanation, per_lag, absolute)


def lag_by_zone(explanation: xr.Dataset, zones: NDArray, area: NDArray, absolute: bool = True) -> xr.DataArray:
    """As `lag_by_forcing` over all entries together, for an answer with cells: area-weighted means, (lag_bin, zone).

    zones : name of each cell's zone, (cell,); area : m2, (cell,).
    """
    values, axis = explanation["attribution"], split_by(explanation)
    per_cell = (abs(values) if absolute else values).mean("time").sum(axis).transpose("lag", "cell")
    names = sorted({str(zone) for zone in zones})
    columns = [np.average(per_cell.values[:, zones == name], axis=1, weights=area[zones == name]) for name in names]
    per_lag = xr.DataArray(np.stack(columns, 1), dims=("lag", "zone"), coords={"zone": names})
    return _binned(explanation, per_lag, absolute)


def memory_map(explanation: xr.Dataset) -> xr.Dataset:
    """Memory of all entries together, for each cell where the answer has cells: mean memory time (d), share beyond 90
    days, memory length L5 (d), and the lags within which 80 and 90 % of the size lie (d)."""
    size = abs(explanation["attribution"]).mean("time").sum(split_by(explanation))
    dims = tuple(name for name in size.dims if name != "lag")
    values = size.transpose(*dims, "lag").values
    lags = 0.5 * (explanation["lag"] + explanation["lag_last"]).values
    measures = {
        "memory_time": (memory_time(values, lags), "d"),
        "memory_share": (memory_share(values, lags), "1"),
        "memory_length": (memory_length(values, lags), "d"),
        "memory_80": (memory_within(values, lags, 0.8), "d"),
        "memory_90": (memory_within(values, lags, 0.9), "d"),
    }
    coords = {name: explanation[name] for name in dims}
    return xr.Dataset({name: (dims, value, {"units": unit}) for name, (value, unit) in measures.items()}, coords)


def memory_summary(explanation: xr.Dataset) -> dict[str, float]:
    """`memory_map` of one cell, as numbers."""
    return {str(name): float(value) for name, value in memory_map(explanation).data_vars.items()}


def carrier_map(explanation: xr.Dataset, lag: int) -> xr.DataArray:
    """Share of each store in the memory held at the window of `lag`, (store,) or (cell, store); sums to 1."""
    size = abs(explanation["attribution"]).mean("time").sel(lag=lag, method="ffill", drop=True)
    total = size.sum("store")
    return (size / total.where(total > 0)).assign_attrs(units="1", long_name=f"share of the memory {lag} days back")


def event(explanation: xr.Dataset, day: str) -> xr.DataArray:
    """Signed contributions to one target day, on the days of the weather: (time, forcing or store), oldest first.

    For methods by window the day is the newest of each window.
    """
    values = explanation["attribution"].sel(time=day, method="nearest").transpose("lag", split_by(explanation))
    days = values["time"].values - values["lag"].values.astype("timedelta64[D]")
    return values.drop_vars("time").assign_coords(time=("lag", days)).swap_dims(lag="time").sortby("time")


def flags_of(response: xr.Dataset) -> list[str]:
    """What is not plausible of an answer to a pulse, in sentences: those true of any of its cells."""
    told = response["implausible"]
    return [str(flag) for flag in told["flag"].values[told.any("cell").values]]


def rain_fed(response: xr.Dataset) -> NDArray[np.bool_]:
    """Cells whose pulse moves no snow, (cell,): where a warmer day can only dry (see `WARMTH_WETS`)."""
    return (abs(response["swe"]).max("lag") < SEEN).values


def _binned(explanation: xr.Dataset, per_lag: xr.DataArray, absolute: bool) -> xr.DataArray:
    lags = int(explanation["lag_last"][-1]) + 1
    start, end = lag_bins(lags)
    other = per_lag.dims[1]
    daily = per_lag.sizes["lag"] == lags
    return xr.DataArray(
        bin_sum(per_lag.values, 0) if daily else per_lag.values,
        dims=("lag_bin", other),
        coords={
            other: per_lag[other].values,
            "lag_bin": np.arange(start.size),
            "lag_start": ("lag_bin", start),
            "lag_end": ("lag_bin", end),
        },
        attrs={
            "units": explanation["attribution"].attrs.get("units", ""),
            "long_name": "size of the contribution" if absolute else "signed contribution",
        },
    )
