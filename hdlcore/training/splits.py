"""Which cells a member may learn from: 10-degree blocks held out by fold, with a strip around them left out."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hdlcore.data.cube import unit_vectors


def block_folds(world: xr.Dataset, folds: int, seed: int) -> np.ndarray:
    """Fold of each cell, (cell,) int8 in [0, folds): whole 10-degree blocks, dealt at random but evenly.

    Blocks are dealt in order of latitude in groups of `folds`, so that every fold sees every climate.
    """
    blocks, first = np.unique(world["block"].values, return_index=True)
    order = np.argsort(world["lat"].values[first], kind="stable")
    rng = np.random.default_rng(seed)
    fold = np.empty(blocks.size, np.int8)
    for start in range(0, blocks.size, folds):
        group = order[start : start + folds]
        fold[group] = rng.permutation(folds)[: group.size]
    return fold[np.searchsorted(blocks, world["block"].values)]


def near(places: NDArray, chosen: NDArray[np.bool_], degrees: float) -> NDArray[np.bool_]:
    """True (cell,) where a cell lies within `degrees` (great circle) of a chosen one, chosen cells included."""
    if not chosen.any():
        return np.zeros_like(chosen)
    distance, _ = cKDTree(places[chosen]).query(places)
    return chosen | (distance <= 2 * math.sin(math.radians(degrees) / 2))


class Split:
    """Roles (cell,) bool of land cells for one member: `train`, `validation`, `held_out`; a buffer has none of them."""

    def __init__(self, world: xr.Dataset, member: int, folds: int, seed: int, buffer: float, validation: float) -> None:
        self.held_out = block_folds(world, folds, seed) == member % folds
        places = unit_vectors(world["lat"].values, world["lon"].values)
        free = ~near(places, self.held_out, buffer)
        blocks = world["block"].values
        own = np.unique(blocks[free])
        rng = np.random.default_rng([seed, member, 77])
        kept = rng.permutation(own)[: max(1, round(validation * own.size))]
        self.validation = free & np.isin(blocks, kept)
        self.train = free & ~self.validation


def compact_parts(places: NDArray, n: int, rng: np.random.Generator) -> list[NDArray[np.intp]]:
    """Positions of points (cell, 3) in `n` compact parts of nearly equal size, cut anew for each `rng`.

    The longest extent is halved again and again, in a randomly turned frame, so that cells at the edge of a part lie
    inside one at another time.
    """
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    turned = places @ turn
    cut = [np.arange(len(places))]
    while len(cut) < n:
        largest = cut.pop(int(np.argmax([part.size for part in cut])))
        axis = int(np.argmax(np.ptp(turned[largest], axis=0)))
        order = largest[np.argsort(turned[largest, axis], kind="stable")]
        cut += [order[: order.size // 2], order[order.size // 2 :]]
    return [np.sort(part) for part in cut if part.size]
