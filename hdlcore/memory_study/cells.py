"""Which cells the study looks at, and how much land each stands for."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.features import static_features
from hdlcore.data.regions import category_index
from hdlcore.errors import RequestError
from hdlcore.training.splits import Split


def sample_cells(world: xr.Dataset, count: int, seed: int) -> NDArray[np.intp]:
    """Positions, rising, of `count` cells drawn at random: equal shares of the climate zones, as far as they reach.

    Raises `RequestError` when the world has fewer cells.
    """
    zones, names = category_index(world, "climate_zone")
    if count > zones.size:
        raise RequestError(f"The world has {zones.size} cells, fewer than the {count} asked for; lower 'cells'.")
    rng = np.random.default_rng([seed, 11])
    pools = [rng.permutation(np.flatnonzero(zones == zone)) for zone in range(len(names))]
    turns = max(pool.size for pool in pools)
    dealt = [pool[turn] for turn in range(turns) for pool in pools if turn < pool.size]
    return np.sort(np.array(dealt[:count], np.intp))


def study_cells(world: xr.Dataset, at: NDArray[np.intp]) -> xr.Dataset:
    """What results say of their cells (cell): place, climate zone, climate means, and `weight`, the land area (m2)
    that each stands for: its zone's area shared among the zone's sampled cells."""
    zones, _ = category_index(world, "climate_zone")
    area = world["area"].values.astype(np.float64)
    total, chosen = np.bincount(zones, area), np.bincount(zones[at], minlength=zones.max() + 1)
    weight = total[zones[at]] / np.maximum(chosen[zones[at]], 1)
    features = static_features(world.isel(cell=at))
    places = {name: ("cell", world[name].values[at], world[name].attrs) for name in ("lat", "lon", "climate_zone")}
    own = {
        "weight": (weight, "Land area that the cell stands for", "m2"),
        "annual_precipitation": (
            features.sel(feature="annual_precipitation_root").values ** 2, "Annual precipitation", "mm"
        ),
        "annual_temperature": (features.sel(feature="mean_air_temperature").values, "Mean air temperature", "degC"),
    }  # fmt: skip
    data = {
        name: ("cell", v.astype(np.float32), {"long_name": text, "units": units})
        for name, (v, text, units) in own.items()
    }
    return xr.Dataset({**data, **places}, {"cell": world["cell"].values[at]}).set_coords(["lat", "lon"])


def roles(world: xr.Dataset, at: NDArray[np.intp], fold: int, folds: int, seed: int, buffer: float) -> NDArray[np.int8]:
    """Role (cell,) of the sampled cells in a fold: 1 trained on, 0 judged, -1 neither (within `buffer` degrees)."""
    split = Split(world, fold, folds, seed, buffer, 0.0)
    role = np.full(at.size, -1, np.int8)
    role[(split.train | split.validation)[at]] = 1
    role[split.held_out[at]] = 0
    return role
