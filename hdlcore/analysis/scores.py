"""Scores of a simulated against an observed series; time is the first dimension, missing values are left out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def _paired(simulated: ArrayLike, observed: ArrayLike) -> tuple[NDArray, NDArray]:
    sim, obs = np.asarray(simulated, np.float64), np.asarray(observed, np.float64)
    known = np.isfinite(sim) & np.isfinite(obs)
    return np.where(known, sim, np.nan), np.where(known, obs, np.nan)


def _mean(values: NDArray) -> NDArray:
    """Mean over time of what is known; NaN, without a warning, where nothing is."""
    known = np.isfinite(values).sum(0)
    return np.where(known > 0, np.nansum(values, 0) / np.maximum(known, 1), np.nan)


def nse(simulated: ArrayLike, observed: ArrayLike) -> NDArray:
    """Nash-Sutcliffe efficiency per series, (time, ...) -> (...); NaN where the observation does not vary.

    1 is perfect, 0 as good as the observed mean, negative worse (Nash and Sutcliffe 1970).
    """
    sim, obs = _paired(simulated, observed)
    variance = np.nansum((obs - _mean(obs)) ** 2, 0)
    error = np.nansum((sim - obs) ** 2, 0)
    return np.where(variance > 0, 1 - error / np.where(variance > 0, variance, 1), np.nan)


def correlation(simulated: ArrayLike, observed: ArrayLike) -> NDArray:
    """Pearson correlation per series, (time, ...) -> (...); NaN where one of them does not vary."""
    sim, obs = _paired(simulated, observed)
    s, o = sim - _mean(sim), obs - _mean(obs)
    scale = np.sqrt(np.nansum(s**2, 0) * np.nansum(o**2, 0))
    return np.where(scale > 0, np.nansum(s * o, 0) / np.where(scale > 0, scale, 1), np.nan)


def rmse(simulated: ArrayLike, observed: ArrayLike) -> NDArray:
    """Root mean square error per series, (time, ...) -> (...), in the units of the series."""
    sim, obs = _paired(simulated, observed)
    return np.sqrt(_mean((sim - obs) ** 2))
