"""Views of an explanation: pure functions from the contributions (time, lag, forcing) to what a heatmap shows."""

from __future__ import annotations

import numpy as np
import xarray as xr

from hdlcore.attribution.lags import bin_sum, lag_bins, memory_length, memory_share, memory_time


def lag_by_forcing(explanation: xr.Dataset, absolute: bool = True) -> xr.DataArray:
    """Mean over target days of the contributions, or of their size, summed within lag bins: (lag_bin, forcing)."""
    values = explanation["attribution"]
    per_lag = (abs(values) if absolute else values).mean("time").transpose("lag", "forcing")
    return _binned(per_lag, {"units": explanation["attribution"].attrs.get("units", "")}, absolute)


def lag_by_month(explanation: xr.Dataset, forcing: str | None = None, absolute: bool = True) -> xr.DataArray:
    """As `lag_by_forcing`, by calendar month of the target day: (lag_bin, month); over all forcing or one."""
    values = explanation["attribution"]
    values = abs(values) if absolute else values
    values = values.sum("forcing") if forcing is None else values.sel(forcing=forcing, drop=True)
    per_lag = values.groupby("time.month").mean("time").transpose("lag", "month")
    return _binned(per_lag, {"units": explanation["attribution"].attrs.get("units", "")}, absolute)


def memory_summary(explanation: xr.Dataset) -> dict[str, float]:
    """Memory time (d), share of memory beyond 90 days, and memory length L5 (d) over all forcing together."""
    size = abs(explanation["attribution"]).mean("time").sum("forcing").values
    lags = explanation["lag"].values
    return {
        "memory_time": float(memory_time(size, lags)),
        "memory_share": float(memory_share(size, lags)),
        "memory_length": float(memory_length(size, lags)),
    }


def _binned(per_lag: xr.DataArray, units: dict, absolute: bool) -> xr.DataArray:
    start, end = lag_bins(per_lag.sizes["lag"])
    other = per_lag.dims[1]
    return xr.DataArray(
        bin_sum(per_lag.values, 0),
        dims=("lag_bin", other),
        coords={
            other: per_lag[other].values,
            "lag_bin": np.arange(start.size),
            "lag_start": ("lag_bin", start),
            "lag_end": ("lag_bin", end),
        },
        attrs={**units, "long_name": "size of the contribution" if absolute else "signed contribution"},
    )
