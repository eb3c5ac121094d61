"""Conformal calibration of a predictive distribution, per zone, with whole spatial blocks held back for it.

The distribution says for each observation where in it the observation lies, as a normal score z = Phi^-1(F(y)). Were it
honest, z would be standard normal. `fit_conformal` takes the z of observations it was not fitted on and learns which
z really bounds each level; a band then reads its quantiles there. This is split conformal prediction with the
distribution's own level as the score (Chernozhukov et al. 2021, https://doi.org/10.1073/pnas.2107794118): on data
exchangeable with the calibration set, a central band of level L covers at least L, whatever was wrong with the
distribution. A band mean + spread * z works the same way with z = error / spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from hdlcore.errors import DataError

#: Levels at which the map is kept; between them normal scores are joined by straight lines.
_LOWER = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4]
LEVELS: NDArray[np.float64] = np.array([*_LOWER, 0.5, *(1 - level for level in reversed(_LOWER))])
#: A zone needs this many observations, so that its outermost level is an order statistic ...
ENOUGH = 199
#: ... from this many blocks: neighbours within a block say the same thing over again.
ENOUGH_BLOCKS = 8


@dataclass(frozen=True)
class ConformalMap:
    """Calibrated normal scores at `LEVELS` for each zone, (zone, level); and for all together, (level,).

    `own` (zone,) says which zones had enough data for a map of their own; the others carry the pooled one.
    """

    pooled: NDArray[np.float64]
    by_zone: NDArray[np.float64]
    own: NDArray[np.bool_]

    def _rows(self, zone: ArrayLike | None) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """Row of each zone code, and the rows: the pooled map first; codes that are no zone take it."""
        table = np.concatenate([self.pooled[None], self.by_zone])
        codes = np.asarray(-1 if zone is None else zone, np.intp)
        return np.where((codes >= 0) & (codes < len(self.by_zone)), codes + 1, 0), table

    def score_at(self, level: ArrayLike, zone: ArrayLike | None = None) -> NDArray[np.float64]:
        """Normal score that truly bounds `level`: levels (level,) and zones (...) -> (level, ...).

        Beyond the outermost kept level the offset from an honest distribution stays what it is there.
        """
        rows, table = self._rows(zone)
        wanted = ndtri(np.atleast_1d(np.asarray(level, np.float64)))
        values = np.stack([_joined(wanted, ndtri(LEVELS), row) for row in table], -1)
        return np.asarray(values[:, rows])

    def calibrated(self, score: ArrayLike, zone: ArrayLike | None = None) -> NDArray[np.float64]:
        """Normal scores after calibration, elementwise; Phi of them is the calibrated PIT."""
        scores = np.asarray(score, np.float64)
        rows, table = self._rows(zone)
        rows = np.broadcast_to(rows, scores.shape)
        result = np.full(scores.shape, np.nan)
        for number in np.unique(rows):
            own = rows == number
            result[own] = _joined(scores[own], table[number], ndtri(LEVELS))
        return result


def _joined(at: NDArray, x: NDArray, y: NDArray) -> NDArray[np.float64]:
    """Piecewise linear y(x) for rising x; beyond the ends the departure y - x stays."""
    inside = np.interp(at, x, y)
    return np.asarray(np.where(at < x[0], at + y[0] - x[0], np.where(at > x[-1], at + y[-1] - x[-1], inside)))


def fit_conformal(
    score: ArrayLike,
    zone: ArrayLike | None = None,
    block: ArrayLike | None = None,
    n_zones: int = 0,
    symmetric: bool = False,
) -> ConformalMap:
    """Learn the map from normal scores of observations that the distribution was not fitted on.

    Parameters
    ----------
    score : (n,) normal scores of the calibration set; values that are not finite are left out.
    zone : (n,) codes from 0; negative for none. `n_zones` is how many there are.
    block : (n,) spatial (or temporal) block; a zone with fewer than `ENOUGH_BLOCKS` takes the pooled map.
    symmetric : use the size of the score only. For a band that is carried over to another quantity (from total storage
        to one of its stores), where the sign of the error means nothing.

    Raises
    ------
    DataError
        With fewer than 20 known scores there is nothing to calibrate with.
    """
    scores = np.asarray(score, np.float64).ravel()
    zones = np.broadcast_to(np.asarray(-1 if zone is None else zone, np.intp), scores.shape)
    blocks = np.arange(scores.size) if block is None else np.asarray(block).ravel()
    known = np.isfinite(scores)
    if known.sum() < 20:
        raise DataError(
            f"Only {known.sum()} observations to calibrate a band with; it takes 20 or more: give more data."
        )
    scores, zones, blocks = scores[known], zones[known], blocks[known]
    pooled = order_statistics(scores, symmetric)
    by_zone, own = np.repeat(pooled[None], n_zones, 0), np.zeros(n_zones, bool)
    for code in range(n_zones):
        here = zones == code
        if here.sum() >= ENOUGH and np.unique(blocks[here]).size >= ENOUGH_BLOCKS:
            by_zone[code], own[code] = order_statistics(scores[here], symmetric), True
    return ConformalMap(pooled, by_zone, own)


def order_statistics(scores: NDArray, symmetric: bool = False) -> NDArray[np.float64]:
    """Finite-sample quantiles of scores (n,) at `LEVELS`, strictly rising.

    Of n + 1 exchangeable values the next lies below the k-th smallest of the others with probability k / (n + 1): the
    rank is floor((n + 1) level) below the median and ceil((n + 1) level) above it, so that bands err on the wide side.
    """
    if symmetric:
        sizes = np.sort(np.abs(scores))
        rank = np.ceil((scores.size + 1) * np.abs(2 * LEVELS - 1)).astype(int)
        values = np.sign(LEVELS - 0.5) * sizes[np.clip(rank, 1, scores.size) - 1]
    else:
        ranked, exact = np.sort(scores), (scores.size + 1) * LEVELS
        rank = np.where(LEVELS < 0.5, np.floor(exact + 1e-9), np.ceil(exact - 1e-9)).astype(int)
        values = ranked[np.clip(rank, 1, scores.size) - 1]
    return np.asarray(np.maximum.accumulate(values) + 1e-9 * np.arange(LEVELS.size))


def blocked_split(block: ArrayLike, share: float, seed: int) -> NDArray[np.bool_]:
    """True (n,) for about `share` of the observations, whole blocks at a time; the same for the same seed.

    Neighbouring cells are alike: a split by single cells would calibrate on what was fitted. Raises `DataError` when
    there are fewer than two blocks.
    """
    blocks = np.asarray(block)
    names, inverse, counts = np.unique(blocks, return_inverse=True, return_counts=True)
    if names.size < 2:
        raise DataError("All observations lie in one block; holding some back takes two blocks (of cells or of years).")
    order = np.random.default_rng(seed).permutation(names.size)
    taken = np.cumsum(counts[order])
    number = int(np.clip(np.searchsorted(taken, share * blocks.size) + 1, 1, names.size - 1))
    chosen = np.zeros(names.size, bool)
    chosen[order[:number]] = True
    return np.asarray(chosen[inverse])


def blocked_folds(block: ArrayLike, folds: int, seed: int) -> NDArray[np.intp]:
    """Fold (n,) of each observation, whole blocks dealt at random; `DataError` with fewer blocks than folds."""
    names, inverse = np.unique(np.asarray(block), return_inverse=True)
    if names.size < folds:
        raise DataError(f"{names.size} blocks cannot make {folds} folds; give smaller blocks or fewer folds.")
    dealt = np.empty(names.size, np.intp)
    dealt[np.random.default_rng(seed).permutation(names.size)] = np.arange(names.size) % folds
    return np.asarray(dealt[inverse])


def spread_score(observed: ArrayLike, mean: ArrayLike, spread: ArrayLike, least: float = 1e-6) -> NDArray[np.float64]:
    """Error in units of the spread between members, elementwise: the score of the band mean + z spread.

    `least` is added to the spread (its units) so that members that agree to the last digit do not claim certainty.
    """
    return np.asarray(
        (np.asarray(observed, np.float64) - np.asarray(mean, np.float64)) / (np.asarray(spread, np.float64) + least)
    )


def spread_band(
    mean: ArrayLike, spread: ArrayLike, levels: ArrayLike, scaling: ConformalMap, zone: ArrayLike | None = None,
    least: float = 1e-6,
) -> NDArray[np.float64]:  # fmt: skip
    """Quantiles mean + spread * score, (level, ...), with scores from a map fitted on `spread_score`.

    mean, spread (..., cell), zone (cell,). For a store that nobody observes, `scaling` comes from an observed quantity
    (then it assumes that the members understate both alike) or from a twin whose truth is known.
    """
    middle = np.asarray(mean, np.float64)
    score = scaling.score_at(levels, zone)
    score = score.reshape(score.shape[0], *[1] * (middle.ndim - score.ndim + 1), *score.shape[1:])
    return np.asarray(middle + (np.asarray(spread, np.float64) + least) * score)
