"""Equifinality: members that fit the data alike and disagree on what is behind them.

Each measure compares what members disagree on with something that the data do fix: how a store varies, how total
storage spreads, how a parameter varies from place to place or may vary at all.
"""

from __future__ import annotations

from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class PairScore(NamedTuple):
    """Mean over pairs of members of their squared difference over their variance, (...), and its three parts."""

    total: NDArray[np.float64]
    level: NDArray[np.float64]
    amplitude: NDArray[np.float64]
    timing: NDArray[np.float64]


def _ratio(above: NDArray, below: NDArray) -> NDArray[np.float64]:
    """above / below; NaN where `below` is zero."""
    return np.asarray(np.where(below > 0, above / np.where(below > 0, below, 1), np.nan))


def pair_score(values: ArrayLike) -> PairScore:
    """Equifinality score of a store or flux, (member, time, ...) -> (...).

    For each pair of members [(m1 - m2)^2 + (s1 - s2)^2 + 2 s1 s2 (1 - r)] / ((v1 + v2) / 2), with mean m, standard
    deviation s, variance v and correlation r over time; then the mean over pairs. The three terms say whether members
    disagree on the level, on the amplitude or on the timing. 0: they agree; 1: they differ as much as each varies.
    (Score of the H2CM model description, GMD 19, 4467, 2026; the terms are those of Kobayashi and Salam 2000.)
    NaN where no member varies. Raises ValueError for fewer than two members.
    """
    series = np.asarray(values, np.float64)
    if len(series) < 2:
        raise ValueError("equifinality compares members; give two or more")
    mean, std = series.mean(1), series.std(1)
    parts = np.zeros((3, *series.shape[2:]))
    known = np.zeros(series.shape[2:])
    for a, b in combinations(range(len(series)), 2):
        covariance = ((series[a] - mean[a]) * (series[b] - mean[b])).mean(0)
        scale = (std[a] ** 2 + std[b] ** 2) / 2
        timing = 2 * np.maximum(std[a] * std[b] - covariance, 0)
        pair = np.stack([(mean[a] - mean[b]) ** 2, (std[a] - std[b]) ** 2, timing])
        varies = scale > 0
        parts += np.where(varies, pair / np.where(varies, scale, 1), 0)
        known += varies
    level, amplitude, timing = np.where(known > 0, parts / np.maximum(known, 1), np.nan)
    return PairScore(level + amplitude + timing, level, amplitude, timing)


def spread_against_total(store: ArrayLike, total: ArrayLike) -> NDArray[np.float64]:
    """Spread between members of a store relative to that of total storage, (member, time, ...) -> (...).

    Root mean square over time of the standard deviation between members, each member as a departure from its own mean
    (total storage is observed as an anomaly only). Above 1: members that agree on the total split it differently, and
    the observed total cannot tell them apart.
    """

    def spread(values: ArrayLike) -> NDArray:
        series = np.asarray(values, np.float64)
        departure = series - series.mean(1, keepdims=True)
        return np.asarray(np.sqrt((departure.std(0) ** 2).mean(0)))

    return _ratio(spread(store), spread(total))


def spread_between_places(values: ArrayLike) -> float:
    """Share of a parameter's variance that is disagreement between members, (member, cell) -> [0, 1].

    Variance between members at a place over all variance, of members and places (one minus the intraclass correlation
    of one-way analysis of variance, Shrout and Fleiss 1979): 0 when members agree on the map, 1 when they share no map.
    NaN when nothing varies.
    """
    table = np.asarray(values, np.float64)
    table = table[:, np.isfinite(table).all(0)]
    if not table.size:
        return float("nan")
    disagreement = table.var(0, ddof=1).mean()
    map_variance = max(float(table.mean(0).var(ddof=1) - disagreement / len(table)), 0.0) if table.shape[1] > 1 else 0.0
    whole = disagreement + map_variance
    return float(disagreement / whole) if whole > 0 else float("nan")


def contraction(values: ArrayLike, low: float, high: float) -> NDArray[np.float64]:
    """How far the data narrowed a bounded parameter, (member, ...) -> (...), at most 1.

    1 - variance between members / variance of a uniform prior on [low, high], (high - low)^2 / 12: near 1 the data
    decided, near 0 the members are as scattered as the bounds allow. Raises ValueError for unbounded parameters.
    """
    if not (np.isfinite(low) and np.isfinite(high) and high > low):
        raise ValueError("contraction needs finite bounds with low < high")
    spread = np.asarray(values, np.float64).var(0, ddof=1)
    return np.asarray(1 - spread / ((high - low) ** 2 / 12))
