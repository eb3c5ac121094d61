"""Every public layer brought to the 1 degree grid and some to 0.25 degree: rows from the north, columns from 180 W."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from PIL import Image
from scipy.io import loadmat

from scripts.build_assets.basins import draw_basins
from scripts.build_assets.topology import Topology

ROWS, FINE_ROWS = 180, 720  # of the 1 and the 0.25 degree grid
OCEAN = 32  # in the Koeppen image
# The file of 60 months carries no dates. The months without a solution were inferred from harmonic fits.
GRACE_GAPS = ("2002-06", "2002-07", "2003-06", "2004-07", "2004-08", "2004-09", "2004-10")
GRACE_MONTHS = np.setdiff1d(
    np.arange("2002-04", "2007-11", dtype="datetime64[M]"), np.array(GRACE_GAPS, dtype="datetime64[M]")
)


@dataclass(frozen=True)
class Layers:
    """The public data on their grids, before any cell is chosen.

    climatology: air_temperature (degC) and precipitation (mm month-1), (month, lat, lon); grace: tws_anomaly (mm),
    (time, lat, lon); static: land_cover_fraction (land_cover: water, then IGBP 1 to 16; lat, lon) and more (lat, lon),
    all at 1 degree. fine: at 0.25 degree the same climatology, elevation (m), ndvi_max, ndvi_min, koeppen,
    dominant_land_cover (0 water, IGBP 1 to 16) and land_fraction. basins: what `draw_basins` returns, if drawn.
    """

    climatology: xr.Dataset
    grace: xr.Dataset
    static: xr.Dataset
    fine: xr.Dataset
    countries: Topology
    land: Topology
    basins: xr.DataArray | None = None


def from_folder(folder: Path) -> Layers:
    """Layers already extracted: global/{climatology,static}_{1deg,0p25deg}.nc, global/grace_tws_1deg.nc,
    vectors/{land,countries}-50m.json."""

    def opened(name: str) -> xr.Dataset:
        layer = xr.load_dataset(folder / "global" / f"{name}.nc")
        return layer.rename(koppen="koeppen") if "koppen" in layer else layer

    vectors = [Topology(folder / "vectors" / f"{name}-50m.json") for name in ("countries", "land")]
    fine = opened("static_0p25deg").drop_dims("land_cover").merge(opened("climatology_0p25deg"))
    return Layers(opened("climatology_1deg"), opened("grace_tws_1deg"), opened("static_1deg"), fine, *vectors)


def from_packages(paths: dict[str, Path]) -> Layers:
    """Layers computed from the files of the packages, by the name each has in `packages.FILES`."""
    Image.MAX_IMAGE_PIXELS = None
    vectors = [Topology(paths[name]) for name in ("countries", "land")]
    grace, static = _grace(paths["grace"]), _static(paths)
    height = _points(paths["elevation"])
    koeppen = _image(paths["koeppen"])
    basins = draw_basins(paths["rivers"], paths["land_and_lakes"], height, koeppen)
    return Layers(climatology(paths["climatology"]), grace, static, fine_layers(paths), *vectors, basins)


def axes(rows: int) -> dict[str, NDArray[np.float64]]:
    """Centres of the cells of the grid with so many rows."""
    step = 180 / rows
    return {"lat": 90 - (np.arange(rows) + 0.5) * step, "lon": (np.arange(2 * rows) + 0.5) * step - 180}


def climatology(path: Path, rows: int = ROWS) -> xr.Dataset:
    """ERA5 at the nodes of a 0.25 degree grid (from 90 N, 0 E) as means over the cells of a grid with so many rows.

    The attributes of the file say K and m; its values are degC and mm month-1.
    """
    source = xr.load_dataset(path)
    n = 720 // rows  # from edge to edge of a cell; the nodes on its edges are shared with its neighbours
    weight = np.array([0.5, *[1.0] * (n - 1), 0.5]) / n
    layers = {}
    for name, key in (("air_temperature", "t2m"), ("precipitation", "tp")):
        nodes = np.roll(source[key].values, 720, axis=2)
        nodes = np.concatenate([nodes, nodes[:, :, :1]], axis=2)
        bands = sum(weight[k] * nodes[:, k : k + 720 - n + 1 : n] for k in range(n + 1))
        cells = sum(weight[k] * bands[:, :, k : k + 1440 - n + 1 : n] for k in range(n + 1))
        layers[name] = (("month", "lat", "lon"), cells)
    return xr.Dataset(layers, coords={"month": np.arange(1, 13), **axes(rows)})


def fine_layers(paths: dict[str, Path]) -> xr.Dataset:
    """What is shown at 0.25 degree, as `Layers` says."""
    grid, rows = ("lat", "lon"), FINE_ROWS
    cover = _cover_shares(paths["land_cover"], rows)
    layers: dict[str, tuple] = {
        "dominant_land_cover": (grid, cover.argmax(axis=0)),
        "land_fraction": (grid, 1 - cover[0]),
        "elevation": (grid, _heights(paths["elevation"], rows).mean(axis=(1, 3))),
        "koeppen": (grid, _commonest_land_class(_tiles(_image(paths["koeppen"]), rows))),
    }
    for name in ("ndvi_max", "ndvi_min"):
        layers[name] = (grid, _mean(_image(paths[name]), rows))
    return climatology(paths["climatology"], rows).assign(layers)


def _grace(path: Path) -> xr.Dataset:
    """60 monthly anomalies (mm), already on the grid; the month labels are `GRACE_MONTHS`."""
    values = loadmat(path)["tws_m"]
    coords = {"time": GRACE_MONTHS.astype("datetime64[ns]"), **axes(ROWS)}
    return xr.Dataset({"tws_anomaly": (("time", "lat", "lon"), values)}, coords=coords)


def _static(paths: dict[str, Path]) -> xr.Dataset:
    """Land cover shares, vegetation, elevation and Koeppen class."""
    grid = ("lat", "lon")
    fraction = _cover_shares(paths["land_cover"], ROWS)
    layers: dict[str, tuple] = {"land_cover_fraction": (("land_cover", *grid), fraction)}
    for name in ("ndvi_max", "ndvi_min"):
        layers[name] = (grid, _mean(_image(paths[name])))
    for name, missing, scale in (("topt", -9999, 0.01), ("fapar_max", -999, 1e-4)):
        stored = _image(paths[name]).astype(np.float32)
        layers[name] = (grid, _mean(np.where(stored == missing, np.nan, stored)) * scale)
    layers["c4_fraction"] = (grid, _image(paths["c4_fraction"]) / 100)  # stored in percent
    tiles = _heights(paths["elevation"], ROWS)
    layers["elevation"], layers["elevation_std"] = (grid, tiles.mean(axis=(1, 3))), (grid, tiles.std(axis=(1, 3)))
    layers["koeppen"] = (grid, _commonest_land_class(_tiles(_image(paths["koeppen"]), ROWS)))
    return xr.Dataset(layers, coords=axes(ROWS))


def _cover_shares(path: Path, rows: int) -> NDArray:
    """Share of each cell under water and the IGBP classes 1 to 16, (17, lat, lon)."""
    cover = _tiles(_image(path), rows)
    return np.stack([(cover == value).mean(axis=(1, 3)) for value in range(17)])


def _points(path: Path) -> NDArray[np.float32]:
    """ETOPO5 as it is, (lat, lon) from 90 S and 180 W on, below zero under the sea."""
    return np.roll(xr.load_dataset(path)["ROSE"].values, 2160, axis=1).astype(np.float32)


def _heights(path: Path, rows: int) -> NDArray:
    """ETOPO5 in the cells of a grid; its rows run from 90 S, its columns from 0 E, and the sea counts as 0 m."""
    height = np.roll(xr.load_dataset(path)["ROSE"].values[::-1], 2160, axis=1)
    return _tiles(np.maximum(height, 0)[:2160], rows)


def _image(path: Path) -> NDArray:
    with Image.open(path) as image:
        return np.asarray(image)


def _tiles(image: NDArray, rows: int) -> NDArray:
    """View of an image as (rows, size, 2 rows, size): the `size` x `size` pixels of each cell."""
    size = image.shape[0] // rows
    return image.reshape(rows, size, 2 * rows, size)


def _mean(image: NDArray, rows: int = ROWS) -> NDArray:
    """Mean over each cell of the pixels that hold a value; NaN where none does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean over a cell of open sea
        return np.nanmean(_tiles(image, rows), axis=(1, 3))


def _commonest_land_class(tiles: NDArray) -> NDArray:
    """Most frequent class 1 to 31 of each cell, or OCEAN where there is only ocean."""
    counts = np.stack([(tiles == value).sum(axis=(1, 3)) for value in range(1, OCEAN)])
    return np.where(counts.any(axis=0), counts.argmax(axis=0) + 1, OCEAN)
