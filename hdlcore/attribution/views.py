"""Views of an explanation: pure functions from the contributions (time, lag, forcing or store) to what is shown."""

from __future__ import annotations

import numpy as np
import xarray as xr

from hdlcore.attribution.lags import bin_sum, lag_bins, memory_length, memory_share, memory_time, memory_within


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


def memory_summary(explanation: xr.Dataset) -> dict[str, float]:
    """Memory of all entries together: mean memory time (d), share beyond 90 days, memory length L5 (d), and the lags
    within which 80 and 90 % of the size lie (d)."""
    size = abs(explanation["attribution"]).mean("time").sum(split_by(explanation)).values
    lags = 0.5 * (explanation["lag"] + explanation["lag_last"]).values
    return {
        "memory_time": float(memory_time(size, lags)),
        "memory_share": float(memory_share(size, lags)),
        "memory_length": float(memory_length(size, lags)),
        "memory_80": float(memory_within(size, lags, 0.8)),
        "memory_90": float(memory_within(size, lags, 0.9)),
    }


def event(explanation: xr.Dataset, day: str) -> xr.DataArray:
    """Signed contributions to one target day, on the days of the weather: (time, forcing or store), oldest first.

    For methods by window the day is the newest of each window.
    """
    values = explanation["attribution"].sel(time=day, method="nearest").transpose("lag", split_by(explanation))
    days = values["time"].values - values["lag"].values.astype("timedelta64[D]")
    return values.drop_vars("time").assign_coords(time=("lag", days)).swap_dims(lag="time").sortby("time")


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
