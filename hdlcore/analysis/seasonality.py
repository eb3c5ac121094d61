"""Seasonal decomposition: raw = mean seasonal cycle + anomaly."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray


def monthly_mean(data: xr.Dataset) -> xr.Dataset:
    """Means of whole calendar months of a daily dataset, stamped at the first of the month; others are dropped."""
    counts = data["time"].resample(time="MS").count()
    means = data.resample(time="MS").mean(keep_attrs=True)
    whole = counts.values == means["time"].dt.days_in_month.values
    return means.isel(time=whole)


def mean_seasonal_cycle(data: xr.Dataset | xr.DataArray) -> xr.Dataset | xr.DataArray:
    """Mean over years of each calendar month, (time, ...) -> (month, ...), missing values left out."""
    return data.groupby("time.month").mean("time", keep_attrs=True)


def anomalies(data: xr.Dataset | xr.DataArray) -> xr.Dataset | xr.DataArray:
    """Departure of each value from the mean seasonal cycle of its own series; same shape as `data`."""
    cycle = mean_seasonal_cycle(data)
    result = data.groupby("time.month") - cycle
    return result.drop_vars("month", errors="ignore")  # type: ignore[no-any-return,union-attr]


def smooth_daily_cycle(values: NDArray, days: NDArray, at: NDArray) -> NDArray:
    """Smooth mean seasonal cycle of a daily series, evaluated on other days.

    values (time, ...) on `days` (datetime64[D]); returns (len(at), ...). The means of the twelve calendar months stand
    at mid-month and are joined by straight lines around the year, so 29 February needs no special case.
    """
    months = days.astype("datetime64[M]").astype(int) % 12
    means = np.stack([values[months == m].mean(0) for m in range(12)])
    middle = at.astype("datetime64[M]")
    length = (middle + 1).astype("datetime64[D]") - middle.astype("datetime64[D]")
    within = (at - middle.astype("datetime64[D]")).astype(float) + 0.5
    position = middle.astype(int) % 12 + within / length.astype(float) - 0.5
    low = np.floor(position).astype(int)
    weight = (position - low).reshape(-1, *[1] * (values.ndim - 1))
    return (means[low % 12] * (1 - weight) + means[(low + 1) % 12] * weight).astype(values.dtype)
