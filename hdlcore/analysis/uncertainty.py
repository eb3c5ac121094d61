"""How honest a predictive distribution is: coverage, interval score, probability integral transform, CRPS.

A predictive distribution is given by its quantiles, (level, ...) at rising levels, or by the members of an ensemble,
(member, ...). Values that are not finite are left out of every mean.
"""

from __future__ import annotations

import importlib
import sys
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Levels at which a CRPS is summed: middles of equal parts of (0, 1), as its approximation by pinball losses asks.
CRPS_LEVELS: NDArray[np.float64] = (np.arange(50) + 0.5) / 50


#: Parts of scoringrules that compile kernels for numba on import; each may be absent, as where there is no numba.
_KERNELS = tuple(
    f"scoringrules.core.{part}._gufuncs{weighted}"
    for part in ("crps", "energy", "kernels", "variogram")
    for weighted in ("", "_w")
)


@lru_cache(maxsize=1)
def _rules() -> Any:
    """scoringrules, asked for its numpy backend only.

    Its kernels for numba, which are not used here, would take ten seconds of compiling at every start: they are
    declared absent while it is imported.
    """
    if "scoringrules" not in sys.modules:
        absent: dict[str, Any] = dict.fromkeys(_KERNELS)  # None says: not to be imported
        sys.modules.update(absent)
    try:
        return importlib.import_module("scoringrules")
    finally:
        for name in _KERNELS:
            if sys.modules.get(name, ...) is None:
                del sys.modules[name]


def central_levels(level: float) -> tuple[float, float]:
    """The two levels that bound the central band of `level`: 0.9 -> (0.05, 0.95)."""
    return (1 - level) / 2, (1 + level) / 2


def coverage(lower: ArrayLike, upper: ArrayLike, observed: ArrayLike, axis: int | None = None) -> NDArray[np.float64]:
    """Share of known observations within [lower, upper], over `axis` or all; NaN where none is known.

    A value with a floor that is often met (no snow, no runoff) is covered by every band that starts at the floor; use
    `coverage_of_pit` with a randomised PIT there.
    """
    low, high, obs = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (lower, upper, observed)))
    known = np.isfinite(low) & np.isfinite(high) & np.isfinite(obs)
    inside = (known & (low <= obs) & (obs <= high)).sum(axis)
    count = known.sum(axis)
    return np.asarray(np.where(count > 0, inside / np.maximum(count, 1), np.nan))


def coverage_of_pit(pit: ArrayLike, level: ArrayLike) -> NDArray[np.float64]:
    """Share of PIT values within the central band of each level; the reliability curve when `level` is an array.

    Equals the coverage of the band, and stays right where the distribution has an atom (a randomised PIT).
    """
    known = np.asarray(pit, np.float64)
    known = known[np.isfinite(known)]
    half = np.asarray(level, np.float64)[..., None] / 2
    if not known.size:
        return np.full(half.shape[:-1], np.nan)
    return np.asarray((np.abs(known - 0.5) <= half).mean(-1))


def interval_score(lower: ArrayLike, upper: ArrayLike, observed: ArrayLike, level: float) -> NDArray[np.float64]:
    """Interval score of the central band of `level`, elementwise, in units of the observation; less is better.

    Width plus 2 / (1 - level) times how far the observation lies outside (Gneiting and Raftery 2007, eq. 43,
    https://doi.org/10.1198/016214506000001437).
    """
    low, high, obs = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (lower, upper, observed)))
    return np.asarray(_rules().interval_score(obs, low, high, 1 - level, backend="numpy"))


def crps_of_quantiles(quantiles: ArrayLike, observed: ArrayLike) -> NDArray[np.float64]:
    """Continuous ranked probability score of quantiles (level, ...) at `CRPS_LEVELS`, elementwise (...).

    Twice the mean pinball loss (Berrisch and Ziel 2023, https://arxiv.org/abs/2102.00968), in units of the observation;
    for a single number it is the absolute error. Raises ValueError for another number of levels.
    """
    values, obs = np.asarray(quantiles, np.float64), np.asarray(observed, np.float64)
    if values.shape[0] != CRPS_LEVELS.size:
        raise ValueError(f"a CRPS needs the {CRPS_LEVELS.size} quantiles at CRPS_LEVELS, not {values.shape[0]}")
    rules = _rules()
    return np.asarray(rules.crps_quantile(obs, np.moveaxis(values, 0, -1), CRPS_LEVELS, backend="numpy"))


def crps_of_members(members: ArrayLike, observed: ArrayLike) -> NDArray[np.float64]:
    """CRPS of an ensemble (member, ...) taken as draws, elementwise (...).

    The fair estimate (Ferro 2014, https://doi.org/10.1002/qj.2270), which does not punish an ensemble for being small.
    """
    values, obs = np.asarray(members, np.float64), np.asarray(observed, np.float64)
    return np.asarray(_rules().crps_ensemble(obs, np.moveaxis(values, 0, -1), estimator="fair", backend="numpy"))


def pit_of_members(members: ArrayLike, observed: ArrayLike, seed: int = 0) -> NDArray[np.float64]:
    """PIT of the observation in an ensemble (member, ...), elementwise in (0, 1); NaN where unknown.

    The rank among the members, spread evenly within its step and over ties, so that it is uniform for an honest
    ensemble of any size (Hamill 2001, https://doi.org/10.1175/1520-0493(2001)129<0550:IORHFV>2.0.CO;2).
    """
    values, obs = np.asarray(members, np.float64), np.asarray(observed, np.float64)
    below, ties = (values < obs).sum(0), (values == obs).sum(0)
    drawn = np.random.default_rng(seed).random(obs.shape)
    pit = (below + drawn * (ties + 1)) / (len(values) + 1)
    return np.where(np.isfinite(values).all(0) & np.isfinite(obs), pit, np.nan)


def pit_histogram(pit: ArrayLike, bins: int = 10) -> NDArray[np.float64]:
    """Density of PIT values in equal bins of (0, 1), (bins,); 1 everywhere for an honest distribution.

    A valley says too narrow, a hill too wide, a slope biased (Gneiting et al. 2007,
    https://doi.org/10.1111/j.1467-9868.2007.00587.x).
    """
    known = np.asarray(pit, np.float64)
    known = known[np.isfinite(known)]
    if not known.size:
        return np.full(bins, np.nan)
    counts, _ = np.histogram(known, bins, (0, 1))
    return np.asarray(counts * bins / known.size)


def distribution_scores(pit: ArrayLike, crps: ArrayLike) -> dict[str, float]:
    """Coverage of the central 50 % and 90 % bands and the mean CRPS, as `hdl evaluate --json` prints them."""
    fifty, ninety = coverage_of_pit(pit, np.array([0.5, 0.9]))
    known = np.asarray(crps, np.float64)
    known = known[np.isfinite(known)]
    return {
        "coverage_50": float(fifty),
        "coverage_90": float(ninety),
        "crps": float(known.mean()) if known.size else float("nan"),
    }
