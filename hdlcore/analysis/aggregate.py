"""Area-weighted aggregation over cells."""

from __future__ import annotations

import xarray as xr


def area_mean(data: xr.Dataset, dim: str = "cell") -> xr.Dataset:
    """Mean over `dim` weighted by the coordinate ``area`` (m2); cells without a value are left out."""
    return data.weighted(data["area"].fillna(0)).mean(dim, keep_attrs=True)
