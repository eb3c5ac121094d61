"""Lag bins on a log-like scale, so that day 1 and the year both show, and measures of memory length."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

#: First lag (days) of each bin; the last bin ends before two years.
_EDGES = (0, 1, 2, 3, 5, 8, 12, 18, 27, 40, 60, 90, 130, 180, 250, 365, 530, 730)

#: Lags at which an axis is labelled, as a person says them.
LANDMARKS = {1: "1 day", 7: "1 week", 30: "1 month", 90: "1 season", 365: "1 year", 730: "2 years"}


def lag_bins(lags: int) -> tuple[NDArray, NDArray]:
    """First and last lag (inclusive, days) of the bins that cover lags 0 .. `lags` - 1."""
    start = np.array([e for e in _EDGES if e < lags])
    end = np.append(start[1:], lags) - 1
    return start, end


def bin_sum(values: NDArray, lags_axis: int) -> NDArray:
    """Sum over the lags of each bin along `lags_axis`; the total over bins equals the total over lags."""
    start, _ = lag_bins(values.shape[lags_axis])
    return np.add.reduceat(values, start, axis=lags_axis)


def memory_time(size: NDArray, lags: NDArray) -> NDArray:
    """Mean memory time, days: sum(lag |A|) / sum |A| over the last axis (lag); NaN where nothing matters."""
    total = size.sum(-1)
    return np.where(total > 0, (size * lags).sum(-1) / np.where(total > 0, total, 1), np.nan)


def memory_share(size: NDArray, lags: NDArray, beyond: float = 90) -> NDArray:
    """Share of sum |A| that lies at lags over `beyond` days, last axis lag; NaN where nothing matters."""
    total = size.sum(-1)
    return np.where(total > 0, (size * (lags > beyond)).sum(-1) / np.where(total > 0, total, 1), np.nan)


def memory_length(size: NDArray, lags: NDArray, fraction: float = 0.05) -> NDArray:
    """L5: the largest lag (days) at which |A| still reaches `fraction` of its maximum, last axis lag."""
    peak = size.max(-1, keepdims=True)
    reaches = (size >= fraction * peak) & (peak > 0)
    return np.where(reaches.any(-1), np.where(reaches, lags, -1).max(-1).astype(float), np.nan)


def memory_within(size: NDArray, lags: NDArray, share: float) -> NDArray:
    """Smallest lag (days) within which `share` of sum |A| lies, last axis lag; NaN where nothing matters."""
    total = size.sum(-1, keepdims=True)
    reached = size.cumsum(-1) >= share * total * (1 - 1e-9)
    return np.where(total[..., 0] > 0, lags[reached.argmax(-1)], np.nan)


def mid_months(year: int, first: np.datetime64) -> NDArray[np.int64]:
    """Positions, counted from `first`, of the 15th of each month of `year`."""
    months = np.arange(f"{year}-01", f"{year + 1}-01", dtype="datetime64[M]")
    return (months.astype("datetime64[D]") + 14 - first).astype(np.int64)
