"""Static features of a cell that networks may see: terrain, vegetation, land cover and climate normals."""

from __future__ import annotations

import numpy as np
import xarray as xr

_FROM_CUBE = ("elevation", "elevation_std", "ndvi_max", "ndvi_min", "fapar_max", "c4_fraction", "land_fraction")
_CLIMATE = (
    "mean_air_temperature",
    "air_temperature_range",
    "annual_precipitation_root",
    "precipitation_seasonality",
    "warm_season_precipitation_share",
)


def static_features(world: xr.Dataset) -> xr.DataArray:
    """Features (cell, feature), float32, in physical units; NaN where a layer has no value.

    Climate normals come from the cube's monthly climatology: mean and range of air temperature (degC), root of
    the annual precipitation (mm^0.5), its coefficient of variation over months, and the share of it that falls in the
    six warmer months. Neither latitude nor longitude is a feature: a model may not learn places by heart.
    """
    temperature, precipitation = world["air_temperature"], world["precipitation"]
    annual = precipitation.mean("month") * 365.25
    warm = temperature >= temperature.median("month")
    climate = {
        "mean_air_temperature": temperature.mean("month"),
        "air_temperature_range": temperature.max("month") - temperature.min("month"),
        "annual_precipitation_root": np.sqrt(annual),
        "precipitation_seasonality": precipitation.std("month") / (precipitation.mean("month") + 0.01),
        "warm_season_precipitation_share": precipitation.where(warm).sum("month") / (precipitation.sum("month") + 0.01),
    }
    columns = [world[name].values for name in _FROM_CUBE]
    columns += list(world["land_cover_fraction"].transpose("igbp", "cell").values)
    columns += [np.asarray(climate[name]) for name in _CLIMATE]
    names = [*_FROM_CUBE, *(f"land_cover_{i}" for i in world["igbp"].values), *_CLIMATE]
    values = np.stack(columns, -1).astype(np.float32)
    return xr.DataArray(values, dims=("cell", "feature"), coords={"cell": world["cell"], "feature": names})
