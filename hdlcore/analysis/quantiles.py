"""Quantiles over cells of different area."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def weighted_quantiles(values: NDArray, weights: NDArray, levels: Sequence[float]) -> NDArray[np.float64]:
    """Quantiles over the last axis, each value counting by its weight.

    Parameters
    ----------
    values : (..., cell), any unit; NaN counts for nothing.
    weights : (cell,), not negative.
    levels : shares from 0 to 1.

    Returns
    -------
    (level, ...), in the units of `values`, NaN where no value has a weight: the least of the values at or below which
    that share of the weight lies (the inverse of the cumulative distribution, Hyndman and Fan 1996, definition 1).
    """
    order = np.argsort(values, axis=-1)
    ranked = np.take_along_axis(values, order, axis=-1).astype(np.float64)
    share = np.where(np.isfinite(ranked), np.asarray(weights, np.float64)[order], 0.0)
    below = np.cumsum(share, axis=-1)
    total = below[..., -1:]
    found = np.empty((len(levels), *values.shape[:-1]))
    for i, level in enumerate(levels):
        at = (below < level * total * (1 - 1e-12)).sum(axis=-1, keepdims=True)
        found[i] = np.take_along_axis(ranked, at, axis=-1)[..., 0]
    return np.where(total[..., 0] > 0, found, np.nan)
