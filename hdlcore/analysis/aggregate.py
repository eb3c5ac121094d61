"""Area-weighted aggregation over cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike


def area_mean(data: xr.Dataset, dim: str = "cell") -> xr.Dataset:
    """Mean over `dim` weighted by the coordinate ``area`` (m2); cells without a value are left out."""
    return data.weighted(data["area"].fillna(0)).mean(dim, keep_attrs=True)


def zone_means(data: xr.Dataset, zone: ArrayLike, names: Sequence[str]) -> xr.Dataset:
    """Area-weighted mean over the cells of each zone, with "all" cells first: (..., cell) -> (zone, ...).

    zone (cell,) integer codes that index `names` (as `hdlcore.data.regions.category_index` gives them); a negative
    code is of no zone. Simulated and observed values in one dataset: mask one by the other first, else a gap moves one
    mean only.
    """
    codes = np.asarray(zone)
    chosen = [np.arange(codes.size), *(np.flatnonzero(codes == code) for code in range(len(names)))]
    means = [area_mean(data.isel(cell=at)) for at in chosen]
    return xr.concat(means, xr.DataArray(["all", *names], dims="zone", name="zone"), combine_attrs="override")
