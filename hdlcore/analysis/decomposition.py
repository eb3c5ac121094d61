"""What total storage is made of, and how incoming water is split against the soil's deficit."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Edges of the default bins of deficit, mm; the published deficits lie in the middle of theirs.
DEFICIT_EDGES: NDArray[np.float64] = np.array([0, 5, 15, 30, 60, 90, 130, 190, 270, 360, 440, 600.0])


def variance_share(store: ArrayLike, total: ArrayLike) -> NDArray[np.float64]:
    """Share of the variance of total storage that a store carries, (time, ...) -> (...).

    cov(store, total) / var(total): the shares of all stores that make up the total sum to one; a store that swings
    against the total has a negative one. Times at which either is missing are left out; NaN where the total does not
    vary. On monthly series of anomalies or of the mean seasonal cycle alike.
    """
    part, whole = np.broadcast_arrays(np.asarray(store, np.float64), np.asarray(total, np.float64))
    known = np.isfinite(part) & np.isfinite(whole)
    count = np.maximum(known.sum(0), 1)
    s = np.where(known, part, 0) - np.where(known, part, 0).sum(0) / count
    t = np.where(known, whole, 0) - np.where(known, whole, 0).sum(0) / count
    variance = np.where(known, t * t, 0).sum(0)
    varies = variance > 1e-12 * count
    shared = np.where(known, s * t, 0).sum(0)
    return np.asarray(np.where(varies, shared / np.where(varies, variance, 1), np.nan))


def dominant_store(shares: ArrayLike) -> NDArray[np.intp]:
    """Index of the store with the largest share, (store, ...) -> (...); -1 where no share is known."""
    values = np.asarray(shares, np.float64)
    best = np.where(np.isfinite(values), values, -np.inf).argmax(0)
    return np.asarray(np.where(np.isfinite(values).any(0), best, -1))


class PartitionCurve(NamedTuple):
    """Fraction of incoming water against deficit, each (bin,): middle of the bin (mm), median, 0.2 and 0.8 quantiles,
    and how many values."""

    deficit: NDArray[np.float64]
    median: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n: NDArray[np.intp]


def partition_curve(
    fraction: ArrayLike,
    deficit: ArrayLike,
    water_input: ArrayLike | None = None,
    edges: ArrayLike = DEFICIT_EDGES,
    fewest: int = 20,
) -> PartitionCurve:
    """Median and 0.2 to 0.8 band of a partition fraction against the soil's deficit, over all days and cells.

    fraction in [0, 1] and deficit (mm, 0 for a full soil, positive below; minus `cwd`), of one shape; water_input
    (mm d-1) of that shape leaves out days on which no water came, where the fraction divides nothing. A bin with fewer
    than `fewest` values is NaN. Daily values, or a random sample of them: monthly means blur the curve.
    """
    share, below = np.asarray(fraction, np.float64).ravel(), np.asarray(deficit, np.float64).ravel()
    use = np.isfinite(share) & np.isfinite(below)
    if water_input is not None:
        use &= np.asarray(water_input, np.float64).ravel() > 0.1
    bounds = np.asarray(edges, np.float64)
    share, bins = share[use], np.digitize(below[use], bounds) - 1
    rows = [share[bins == number] for number in range(bounds.size - 1)]
    table = [np.quantile(r, [0.5, 0.2, 0.8]) if r.size >= fewest else np.full(3, np.nan) for r in rows]
    median, low, high = np.array(table).T
    return PartitionCurve((bounds[:-1] + bounds[1:]) / 2, median, low, high, np.array([r.size for r in rows], np.intp))
