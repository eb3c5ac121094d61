"""Scores of a simulated against an observed series; time is the first dimension, missing values are left out.

All scores of one series use the same pairs: the times at which both values are known.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class KlingGupta(NamedTuple):
    """Kling-Gupta efficiency and its parts, each (...): r correlation, alpha = std ratio, beta = ratio of means."""

    kge: NDArray
    r: NDArray
    alpha: NDArray
    beta: NDArray


class ErrorParts(NamedTuple):
    """Mean square error and the three parts that add up to it, each (...), in squared units of the series."""

    mse: NDArray
    bias_squared: NDArray
    variance_error: NDArray
    phase_error: NDArray


def paired(simulated: ArrayLike, observed: ArrayLike) -> tuple[NDArray, NDArray]:
    """Both series in float64, NaN wherever either is not finite."""
    sim, obs = np.asarray(simulated, np.float64), np.asarray(observed, np.float64)
    known = np.isfinite(sim) & np.isfinite(obs)
    return np.where(known, sim, np.nan), np.where(known, obs, np.nan)


def _mean(values: NDArray) -> NDArray:
    """Mean over time of what is known; NaN, without a warning, where nothing is."""
    known = np.isfinite(values).sum(0)
    return np.where(known > 0, np.nansum(values, 0) / np.maximum(known, 1), np.nan)


def _ratio(above: NDArray, below: NDArray) -> NDArray:
    """above / below, NaN without a warning where `below` is zero or unknown."""
    usable = np.isfinite(below) & (below != 0)
    return np.where(usable, above / np.where(usable, below, 1), np.nan)


class _Moments(NamedTuple):
    sim_mean: NDArray
    obs_mean: NDArray
    sim_std: NDArray
    obs_std: NDArray
    covariance: NDArray


def _moments(simulated: ArrayLike, observed: ArrayLike) -> _Moments:
    """Means, standard deviations and covariance over the known pairs (population moments, divided by n)."""
    sim, obs = paired(simulated, observed)
    sim_mean, obs_mean = _mean(sim), _mean(obs)
    s, o = sim - sim_mean, obs - obs_mean
    return _Moments(sim_mean, obs_mean, np.sqrt(_mean(s**2)), np.sqrt(_mean(o**2)), _mean(s * o))


def nse(simulated: ArrayLike, observed: ArrayLike) -> NDArray:
    """Nash-Sutcliffe efficiency per series, (time, ...) -> (...); NaN where the observation does not vary.

    1 is perfect, 0 as good as the observed mean, negative worse (Nash and Sutcliffe 1970).
    """
    sim, obs = paired(simulated, observed)
    return 1 - _ratio(np.nansum((sim - obs) ** 2, 0), np.nansum((obs - _mean(obs)) ** 2, 0))


def correlation(simulated: ArrayLike, observed: ArrayLike) -> NDArray:
    """Pearson correlation per series, (time, ...) -> (...); NaN where one of them does not vary."""
    m = _moments(simulated, observed)
    return _ratio(m.covariance, m.sim_std * m.obs_std)


def rmse(simulated: ArrayLike, observed: ArrayLike) -> NDArray:
    """Root mean square error per series, (time, ...) -> (...), in the units of the series."""
    sim, obs = paired(simulated, observed)
    return np.sqrt(_mean((sim - obs) ** 2))


def bias(simulated: ArrayLike, observed: ArrayLike) -> NDArray:
    """Mean of simulated minus observed per series, (time, ...) -> (...), in the units of the series."""
    sim, obs = paired(simulated, observed)
    return _mean(sim - obs)


def kling_gupta(simulated: ArrayLike, observed: ArrayLike) -> KlingGupta:
    """Kling-Gupta efficiency per series, (time, ...) -> (...), with its three parts.

    1 - sqrt((r - 1)^2 + (alpha - 1)^2 + (beta - 1)^2) (Gupta et al. 2009, https://doi.org/10.1016/j.jhydrol.2009.08.003).
    The observed mean as a guess scores 1 - sqrt(2) = -0.41 (Knoben et al. 2019). It needs a mean that means
    something: NaN for anomalies, whose observed mean is zero to within 1e-9 of their standard deviation.
    """
    m = _moments(simulated, observed)
    r, alpha = _ratio(m.covariance, m.sim_std * m.obs_std), _ratio(m.sim_std, m.obs_std)
    meaningful = np.abs(m.obs_mean) > 1e-9 * m.obs_std
    beta = _ratio(m.sim_mean, np.where(meaningful, m.obs_mean, np.nan))
    return KlingGupta(1 - np.sqrt((r - 1) ** 2 + (alpha - 1) ** 2 + (beta - 1) ** 2), r, alpha, beta)


def error_parts(simulated: ArrayLike, observed: ArrayLike) -> ErrorParts:
    """Mean square error per series and its parts, (time, ...) -> (...).

    bias^2 = (mean_s - mean_o)^2, variance error = (std_s - std_o)^2, phase error = 2 std_s std_o (1 - r): the wrong
    level, the wrong size of the swings, and swings at the wrong time. They add up to the mean square error
    (Kobayashi and Salam 2000, https://doi.org/10.2134/agronj2000.922345x).
    """
    m = _moments(simulated, observed)
    bias_squared, variance = (m.sim_mean - m.obs_mean) ** 2, (m.sim_std - m.obs_std) ** 2
    phase = 2 * np.maximum(m.sim_std * m.obs_std - m.covariance, 0)
    return ErrorParts(bias_squared + variance + phase, bias_squared, variance, phase)
