"""Which cells a member may learn from: 10-degree blocks held out by fold."""

from __future__ import annotations

import numpy as np
import xarray as xr


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


def block_interior(world: xr.Dataset, margin: float) -> np.ndarray:
    """True (cell,) where a cell lies at least `margin` degrees inside its own 10-degree block.

    Scores there show how much held-out skill owes to neighbours just across a block's edge.
    """
    to_edge = [np.minimum(np.mod(world[c].values, 10), 10 - np.mod(world[c].values, 10)) for c in ("lat", "lon")]
    return np.minimum(*to_edge) >= margin
