"""Where a model is asked about places unlike those it learned from: the area of applicability.

After Meyer and Pebesma (2021, https://doi.org/10.1111/2041-210X.13650): the dissimilarity of a place is the distance to
the nearest training place, in standardised features, over the mean distance between training places. What is too far
is set by the training places themselves, each measured to the nearest one of OTHER blocks, as cross-validation measured
the skill.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: Rows of a distance table made at a time.
_CHUNK = 1024
#: Pairs drawn for the mean distance between training places.
_PAIRS = 200_000


@dataclass(frozen=True)
class TrainingRange:
    """Training places in standardised features (place, feature), what scales them, and the threshold of dissimilarity.

    `low` and `high` (feature,) are the range of each feature in training, in its own units.
    """

    places: NDArray[np.float64]
    mean: NDArray[np.float64]
    std: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    mean_distance: float
    threshold: float

    def dissimilarity(self, features: ArrayLike) -> NDArray[np.float64]:
        """Dissimilarity of places (place, feature) -> (place,): 0 at a training place, above `threshold` too far."""
        return _nearest(self._scaled(features), self.places)[0] / self.mean_distance

    def outside(self, features: ArrayLike) -> NDArray[np.bool_]:
        """True (place,) where the model extrapolates: the score its cross-validation gave says nothing there."""
        return np.asarray(self.dissimilarity(features) > self.threshold)

    def beyond(self, features: ArrayLike) -> NDArray[np.bool_]:
        """True (place, feature) where a feature alone lies outside its range in training; what to tell a reader."""
        values = np.asarray(features, np.float64)
        return np.asarray((values < self.low) | (values > self.high))

    def _scaled(self, features: ArrayLike) -> NDArray[np.float64]:
        values = (np.asarray(features, np.float64) - self.mean) / self.std
        return np.nan_to_num(values)  # a missing feature is taken as the average one, as the networks take it


def training_range(features: ArrayLike, block: ArrayLike, seed: int = 0) -> TrainingRange:
    """The range of training places (place, feature) of blocks (place,); statics and climate normals alike.

    Threshold: the upper whisker of the training places' own dissimilarities (third quartile plus 1.5 times the
    interquartile range), but no more than the largest. A feature that does not vary is left out. Raises ValueError with
    fewer than two blocks.
    """
    values, blocks = np.asarray(features, np.float64), np.asarray(block)
    if np.unique(blocks).size < 2:
        raise ValueError("a training range needs places of two or more blocks")
    values = np.where(np.isfinite(values).any(0), values, 0.0)  # a feature nobody knows does not vary
    mean, std = np.nanmean(values, 0), np.nanstd(values, 0)
    std = np.where(std > 1e-12, std, np.inf)
    places = np.nan_to_num((values - mean) / std)
    draw = np.random.default_rng(seed)
    one, other = draw.integers(0, len(places), (2, min(_PAIRS, 20 * len(places))))
    distance = np.sqrt(((places[one] - places[other]) ** 2).sum(1))[one != other].mean()
    own = _nearest(places, places, blocks, blocks)[0] / distance
    lower, upper = np.quantile(own, [0.25, 0.75])
    threshold = min(float(upper + 1.5 * (upper - lower)), float(own.max()))
    low, high = np.nanmin(values, 0), np.nanmax(values, 0)
    return TrainingRange(places, mean, std, low, high, float(distance), threshold)


def _nearest(
    points: NDArray, places: NDArray, block: NDArray | None = None, of: NDArray | None = None
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Distance of each point to the nearest place, and which; with blocks, to the nearest place of another block."""
    size = (places**2).sum(1)
    distance, which = np.empty(len(points)), np.empty(len(points), np.intp)
    for start in range(0, len(points), _CHUNK):
        rows = slice(start, start + _CHUNK)
        square = (points[rows] ** 2).sum(1)[:, None] + size - 2 * points[rows] @ places.T
        if block is not None and of is not None:
            square[block[rows][:, None] == of] = np.inf
        which[rows] = square.argmin(1)
        gap = points[rows] - places[which[rows]]
        distance[rows] = np.sqrt((gap**2).sum(1))  # exact: the table loses digits where points coincide
    return distance, which
