"""Every public layer brought to the 180 x 360 grid: rows from 89.5 N, columns from 179.5 W."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from PIL import Image
from scipy.io import loadmat

from scripts.build_assets.topology import Topology

LAT, LON = 89.5 - np.arange(180), -179.5 + np.arange(360)
OCEAN = 32  # in the Koeppen image
# The file of 60 months carries no dates. The months without a solution were inferred from harmonic fits.
GRACE_GAPS = ("2002-06", "2002-07", "2003-06", "2004-07", "2004-08", "2004-09", "2004-10")
GRACE_MONTHS = np.setdiff1d(
    np.arange("2002-04", "2007-11", dtype="datetime64[M]"), np.array(GRACE_GAPS, dtype="datetime64[M]")
)


@dataclass(frozen=True)
class Layers:
    """The public data on the 1 degree grid, before any cell is chosen.

    climatology: air_temperature (degC) and precipitation (mm month-1), (month, lat, lon); grace: tws_anomaly (mm),
    (time, lat, lon); static: land_cover_fraction (land_cover: water, then IGBP 1 to 16; lat, lon) and more (lat, lon).
    """

    climatology: xr.Dataset
    grace: xr.Dataset
    static: xr.Dataset
    countries: Topology
    land: Topology


def from_folder(folder: Path) -> Layers:
    """Layers already extracted: global/{climatology,grace_tws,static}_1deg.nc and vectors/{land,countries}-50m.json."""
    opened = [xr.load_dataset(folder / "global" / f"{name}_1deg.nc") for name in ("climatology", "grace_tws", "static")]
    vectors = [Topology(folder / "vectors" / f"{name}-50m.json") for name in ("countries", "land")]
    return Layers(opened[0], opened[1], opened[2].rename(koppen="koeppen"), *vectors)


def from_packages(paths: dict[str, Path]) -> Layers:
    """Layers computed from the files of the packages, by the name each has in `packages.FILES`."""
    Image.MAX_IMAGE_PIXELS = None
    vectors = [Topology(paths[name]) for name in ("countries", "land")]
    return Layers(_climatology(paths["climatology"]), _grace(paths["grace"]), _static(paths), *vectors)


def _climatology(path: Path) -> xr.Dataset:
    """ERA5 at the nodes of a 0.25 degree grid (from 90 N, 0 E) as means over 1 degree cells.

    The attributes of the file say K and m; its values are degC and mm month-1.
    """
    source = xr.load_dataset(path)
    weight = np.array([0.5, 1, 1, 1, 0.5], dtype=np.float64) / 4  # a cell's edge nodes are shared with its neighbours
    layers = {}
    for name, key in (("air_temperature", "t2m"), ("precipitation", "tp")):
        nodes = np.roll(source[key].values, 720, axis=2)
        nodes = np.concatenate([nodes, nodes[:, :, :1]], axis=2)
        rows = sum(weight[k] * nodes[:, k : k + 717 : 4] for k in range(5))
        layers[name] = (("month", "lat", "lon"), sum(weight[k] * rows[:, :, k : k + 1437 : 4] for k in range(5)))
    return xr.Dataset(layers, coords={"month": np.arange(1, 13), "lat": LAT, "lon": LON})


def _grace(path: Path) -> xr.Dataset:
    """60 monthly anomalies (mm), already on the grid; the month labels are `GRACE_MONTHS`."""
    values = loadmat(path)["tws_m"]
    coords = {"time": GRACE_MONTHS.astype("datetime64[ns]"), "lat": LAT, "lon": LON}
    return xr.Dataset({"tws_anomaly": (("time", "lat", "lon"), values)}, coords=coords)


def _static(paths: dict[str, Path]) -> xr.Dataset:
    """Land cover shares, vegetation, elevation and Koeppen class."""
    grid = ("lat", "lon")
    cover = _tiles(_image(paths["land_cover"]), 20)
    fraction = np.stack([(cover == value).mean(axis=(1, 3)) for value in range(17)])
    layers: dict[str, tuple] = {"land_cover_fraction": (("land_cover", *grid), fraction)}
    for name in ("ndvi_max", "ndvi_min"):
        layers[name] = (grid, _mean(_image(paths[name])))
    for name, missing, scale in (("topt", -9999, 0.01), ("fapar_max", -999, 1e-4)):
        stored = _image(paths[name]).astype(np.float32)
        layers[name] = (grid, _mean(np.where(stored == missing, np.nan, stored)) * scale)
    layers["c4_fraction"] = (grid, _image(paths["c4_fraction"]) / 100)  # stored in percent
    # ETOPO5 rows run from 90 S and columns from 0 E; the sea counts as 0 m.
    height = np.roll(xr.load_dataset(paths["elevation"])["ROSE"].values[::-1], 2160, axis=1)
    tiles = _tiles(np.maximum(height, 0)[:2160], 12)
    layers["elevation"], layers["elevation_std"] = (grid, tiles.mean(axis=(1, 3))), (grid, tiles.std(axis=(1, 3)))
    layers["koeppen"] = (grid, _commonest_land_class(_tiles(_image(paths["koeppen"]), 36)))
    return xr.Dataset(layers, coords={"lat": LAT, "lon": LON})


def _image(path: Path) -> NDArray:
    with Image.open(path) as image:
        return np.asarray(image)


def _tiles(image: NDArray, size: int) -> NDArray:
    """View of an image as (180, size, 360, size): the `size` x `size` pixels of each cell."""
    return image.reshape(180, size, 360, size)


def _mean(image: NDArray) -> NDArray:
    """Mean over each cell of the pixels that hold a value; NaN where none does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean over a cell of open sea
        return np.nanmean(_tiles(image, image.shape[0] // 180), axis=(1, 3))


def _commonest_land_class(tiles: NDArray) -> NDArray:
    """Most frequent class 1 to 31 of each cell, or OCEAN where there is only ocean."""
    counts = np.stack([(tiles == value).sum(axis=(1, 3)) for value in range(1, OCEAN)])
    return np.where(counts.any(axis=0), counts.argmax(axis=0) + 1, OCEAN)
