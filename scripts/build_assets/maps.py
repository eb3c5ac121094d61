"""Precomputed map projections: which cell each pixel shows, and coast, graticule and outline in projected coordinates.

Kept as plain arrays, so that the app needs no projection library. In each file

index : int32 (ny, nx), the position along the cube's ``cell`` dimension, or NO_DATA_SEA, OUTSIDE, NO_DATA_LAND;
    row 0 is the southernmost, column 0 the westernmost.
x, y : float32 (nx), (ny), rising, projected coordinates of the pixel centres (m; degrees in plate_carree).
cell_x, cell_y : float32 (cell), projected centres of the cells.
coast_*, graticule_*, outline_* : float32 paths, parts separated by NaN.
projection, world_version : the PROJ string, and the version of the cube that `index` refers to.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from pyproj import Proj

from scripts.build_assets.topology import Topology

NO_DATA_SEA, OUTSIDE, NO_DATA_LAND = -1, -2, -3
SPHERE = "+R=6371007.2 +lon_0=0"
PROJECTIONS = {"equal_earth": f"+proj=eqearth {SPHERE}", "robinson": f"+proj=robin {SPHERE}", "plate_carree": ""}
COAST_TOLERANCE = 0.06  # degrees: a quarter of a pixel at 1440 columns
MIN_ISLAND = 0.03  # square degrees; smaller islands would be dots
_EDGE = 180 - 1e-6


class Projection:
    """A map projection on the sphere; plate carree keeps degrees."""

    def __init__(self, definition: str) -> None:
        self.proj = Proj(definition) if definition else None

    def forward(self, lon: NDArray, lat: NDArray) -> tuple[NDArray, NDArray]:
        return self.proj(lon, lat) if self.proj else (lon, lat)

    def inverse(self, x: NDArray, y: NDArray) -> tuple[NDArray, NDArray]:
        """Longitude and latitude, NaN outside the globe's outline."""
        if self.proj is None:
            return x, y
        lon, lat = self.proj(x, y, inverse=True)
        lon, lat = np.where(np.isfinite(lon), lon, 0), np.where(np.isfinite(lat), lat, 99)
        # Beyond the outline an inverse may wrap around or stop short: only what maps back onto itself is inside.
        x_again, y_again = self.proj(lon, np.clip(lat, -90, 90))
        inside = (abs(lat) <= 90) & (np.hypot(x_again - x, y_again - y) < 10) & (abs(lon) <= 180)
        return np.where(inside, lon, np.nan), np.where(inside, lat, np.nan)


def build_map(name: str, world: xr.Dataset, land: Topology, nx: int = 1440) -> dict[str, NDArray]:
    """All arrays of one map, as the module says."""
    projection = Projection(PROJECTIONS[name])
    x_limit = float(projection.forward(np.array([180.0]), np.array([0.0]))[0][0])
    y_limit = float(projection.forward(np.array([0.0]), np.array([90.0]))[1][0])
    ny = round(nx * y_limit / x_limit)
    x, y = (limit * ((np.arange(n) + 0.5) / n * 2 - 1) for limit, n in ((x_limit, nx), (y_limit, ny)))
    lon, lat = projection.inverse(*np.meshgrid(x, y))
    cell_x, cell_y = projection.forward(world["lon"].values.astype(float), world["lat"].values.astype(float))
    arrays = {"index": pixel_index(lon, lat, world, land), "x": x, "y": y, "cell_x": cell_x, "cell_y": cell_y}
    for kind, path in (("coast", coast(land)), ("graticule", graticule()), ("outline", outline())):
        arrays[f"{kind}_x"], arrays[f"{kind}_y"] = projection.forward(path[:, 0], path[:, 1])
        for axis in "xy":  # PROJ turns NaN into inf
            arrays[f"{kind}_{axis}"] = np.where(np.isfinite(arrays[f"{kind}_{axis}"]), arrays[f"{kind}_{axis}"], np.nan)
    stored = {key: value if key == "index" else value.astype(np.float32) for key, value in arrays.items()}
    return stored | {
        "projection": np.array(PROJECTIONS[name] or "+proj=eqc"),
        "world_version": np.array(world.attrs["version"]),
    }


def pixel_index(lon: NDArray, lat: NDArray, world: xr.Dataset, land: Topology) -> NDArray[np.int32]:
    """Position of the cell under each pixel, or a code for sea, land without data, and beyond the globe."""
    inside = np.isfinite(lon)
    row = np.clip(np.floor(90 - lat[inside]), 0, 179).astype(int)
    column = np.floor(lon[inside] + 180).astype(int) % 360
    position = np.full(180 * 360, NO_DATA_SEA, dtype=np.int32)
    position[world["cell"].values] = np.arange(world.sizes["cell"])
    shown = position[row * 360 + column]
    ground = shapely.union_all(land.land())
    shapely.prepare(ground)
    empty = np.flatnonzero(shown == NO_DATA_SEA)
    on_land = shapely.contains_xy(ground, lon[inside][empty], lat[inside][empty])
    shown[empty[on_land]] = NO_DATA_LAND
    index = np.full(lon.shape, OUTSIDE, dtype=np.int32)
    index[inside] = shown
    return index


def coast(land: Topology) -> NDArray[np.float64]:
    """Land outlines (n, 2) lon, lat, simplified, without the cuts along the date line and the pole."""
    lines = []
    for polygon in land.land():
        if polygon.area < MIN_ISLAND:
            continue
        for ring in (polygon.exterior, *polygon.interiors):
            points = shapely.get_coordinates(shapely.simplify(ring, COAST_TOLERANCE))
            a, b = points[:-1], points[1:]
            on_cut = (np.minimum(abs(a[:, 0]), abs(b[:, 0])) >= _EDGE) | (np.maximum(a[:, 1], b[:, 1]) < -89.9)
            for run in np.split(np.arange(len(a)), np.flatnonzero(on_cut)):
                kept = run[~on_cut[run]]
                if kept.size:
                    lines.append(np.vstack([points[kept], points[kept[-1] + 1]]))
    return _joined(lines)


def graticule(step: int = 30) -> NDArray[np.float64]:
    """Meridians and parallels every `step` degrees, without the outline itself."""
    along_lat, along_lon = np.linspace(-90, 90, 181), np.linspace(-180, 180, 361)
    meridians = [np.column_stack([np.full(181, lon), along_lat]) for lon in range(-180 + step, 180, step)]
    parallels = [np.column_stack([along_lon, np.full(361, lat)]) for lat in range(-90 + step, 90, step)]
    return _joined(meridians + parallels)


def outline() -> NDArray[np.float64]:
    """The edge of the globe, one closed line."""
    up, right = np.linspace(-90, 90, 181), np.linspace(-180, 180, 361)
    sides = [
        (np.full(181, -180), up),
        (right, np.full(361, 90)),
        (np.full(181, 180), up[::-1]),
        (right[::-1], np.full(361, -90)),
    ]
    return np.vstack([np.column_stack(side) for side in sides])


def _joined(lines: list[NDArray]) -> NDArray[np.float64]:
    gap = np.full((1, 2), np.nan)
    return np.vstack([part for line in lines for part in (line, gap)][:-1])


def write_map(arrays: dict[str, NDArray], target: Path) -> None:
    """Write beside, then rename."""
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f"new-{target.name}")
    np.savez_compressed(beside, allow_pickle=False, **arrays)
    beside.rename(target)
