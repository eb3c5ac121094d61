"""A field on a regular grid, resampled to the pixels of the part of a map that is on the screen. Pure.

Zoomed out, a pixel shows the mean (of classes: the commonest) of a block of cells about as large as it is, aggregated
by datashader; zoomed in, the cell it lies in. The way from a pixel to the globe is that of the map's projection, so the
date line and the poles need no care.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.plots.projection import ICE, PolarProjection, Projection

#: Block sizes that divide both axes of a 0.25 degree grid.
BLOCKS = (1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15, 16)
#: A window larger than this is drawn in fewer, larger pixels: a picture stays under 300 kB on the wire.
MOST_PIXELS = 500_000
#: Codes of a pixel: beyond the globe or sea, land without a value; values count on from there.
CLEAR, NO_DATA, FIRST = 0, 1, 2
#: Steps between the least and the greatest value in a window: finer than a colour.
STEPS = 2000


@dataclass(frozen=True)
class Window:
    """Part of a map on the screen: edges in projected units, size in pixels."""

    west: float
    east: float
    south: float
    north: float
    columns: int
    rows: int

    def fitted(self, most: int = MOST_PIXELS) -> Window:
        """The same part in at most so many pixels."""
        shrink = min(1.0, (most / max(self.columns * self.rows, 1)) ** 0.5)
        columns, rows = (max(int(n * shrink), 8) for n in (self.columns, self.rows))
        return Window(self.west, self.east, self.south, self.north, columns, rows)

    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Projected coordinates of the pixels' columns and rows, from the west and from the south."""
        x = self.west + (np.arange(self.columns) + 0.5) / self.columns * (self.east - self.west)
        y = self.south + (np.arange(self.rows) + 0.5) / self.rows * (self.north - self.south)
        return x, y


@dataclass(frozen=True, eq=False)
class Sight:
    """Where the pixels of a window lie on the globe: `lon`, `lat` (row, column) in degrees, NaN beyond the globe.

    `land` (row, column) says which lie on land outside the model's cells; `step` is the size of a pixel in degrees.
    """

    window: Window
    lon: NDArray[np.float32]
    lat: NDArray[np.float32]
    land: NDArray[np.bool_]
    step: float


@dataclass(frozen=True, eq=False)
class Picture:
    """Codes (row, column) uint16 of a window, rows from the south; a value is `offset + (code - FIRST) * scale`.

    `step` is the size in degrees of what a pixel shows.
    """

    window: Window
    codes: NDArray[np.uint16]
    offset: float
    scale: float
    step: float

    @cached_property
    def sent(self) -> NDArray[np.uint8]:
        """The codes as they cross the wire."""
        return wire(self.codes)

    def values(self) -> NDArray[np.float64]:
        """The values as they will be read, NaN where there is none."""
        return np.where(self.codes < FIRST, np.nan, self.offset + (self.codes.astype(float) - FIRST) * self.scale)


def sight(projection: Projection, window: Window) -> Sight:
    """Look from the pixels of a window back to the globe."""
    x, y = window.centres()
    lon, lat = projection.inverse(x[None], y[:, None])
    again_x, again_y = projection.forward(np.clip(lon, -180 + 1e-9, 180 - 1e-9), lat)
    size = (window.east - window.west) / window.columns
    near = np.hypot(again_x - x[None], again_y - y[:, None]) < 0.5 * size  # what is beyond was brought to the edge
    east, north = (np.where(near, degrees, np.nan).astype(np.float32) for degrees in (lon, lat))
    column = np.clip(np.round((x - projection.x[0]) / (projection.x[1] - projection.x[0])), 0, projection.x.size - 1)
    row = np.clip(np.round((y - projection.y[0]) / (projection.y[1] - projection.y[0])), 0, projection.y.size - 1)
    land = near & (projection.index[np.ix_(row.astype(int), column.astype(int))] == ICE)
    return Sight(window, east, north, land, _pixel_degrees(east, north))


def _pixel_degrees(lon: NDArray[np.float32], lat: NDArray[np.float32]) -> float:
    """Side of a square with the area of a pixel, degrees: the middle over the window."""
    p, t = np.radians(lon[::8, ::8].astype(float)), np.radians(lat[::8, ::8].astype(float))
    point = np.stack([np.cos(t) * np.cos(p), np.cos(t) * np.sin(p), np.sin(t)])
    right = np.linalg.norm(np.diff(point[:, :-1], axis=2), axis=0)
    down = np.linalg.norm(np.diff(point[:, :, :-1], axis=1), axis=0)
    area = right * down
    seen = np.isfinite(area)
    return float(np.degrees(np.sqrt(np.median(area[seen]))) / 8) if seen.any() else 1.0


def block_size(step: float, cell: float) -> int:
    """Cells along the side of a block that a pixel of `step` degrees does not outgrow: none is passed over."""
    return next((n for n in BLOCKS if n >= 0.9 * step / cell), BLOCKS[-1])


def blocks(values: NDArray[np.float32], n: int, classes: bool = False) -> NDArray[np.float32]:
    """Means, or the commonest classes, of n x n cells of a grid; cells without a value are left out."""
    if n == 1:
        return values
    import datashader  # takes seconds to import: for those who look at such a field, not for the start of the app

    rows, columns = values.shape
    at = {"y": np.arange(rows) + 0.5, "x": np.arange(columns) + 0.5}
    canvas = datashader.Canvas(columns // n, rows // n, x_range=(0, columns), y_range=(0, rows))
    found = canvas.raster(xr.DataArray(values, at, ("y", "x")), downsample_method="mode" if classes else "mean")
    return np.asarray(found.values, np.float32)


def look(seen: Sight, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the pixels of a window show of a global grid (rows from 90 N, columns from 180 W), NaN where nothing."""
    rows, columns = values.shape
    inside = np.isfinite(seen.lat)
    row = np.clip((90 - np.where(inside, seen.lat, 0)) / 180 * rows, 0, rows - 1).astype(np.intp)
    column = ((np.where(inside, seen.lon, 0) + 180) / 360 * columns).astype(np.intp) % columns
    return np.where(inside, values[row, column], np.nan).astype(np.float32)


def picture(
    seen: Sight, block_of: Callable[[int], NDArray[np.float32]], cell: float = 0.25, classes: bool = False
) -> Picture:
    """The field in the window, with `block_of(n)` its n x n blocks of cells of `cell` degrees."""
    n = block_size(seen.step, cell)
    values = look(seen, block_of(n))
    good = np.isfinite(values)
    low, high = (float(values[good].min()), float(values[good].max())) if good.any() else (0.0, 1.0)
    scale = 1.0 if classes or high == low else (high - low) / STEPS
    part = np.round((np.where(good, values, low) - low) / scale)
    code = np.where(good, part + FIRST, np.where(seen.land, NO_DATA, CLEAR)).astype(np.uint16)
    return Picture(seen.window, code, low, scale, n * cell)


def wire(codes: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Codes as bytes for the browser: differences along the rows, high bytes before low ones, deflated."""
    steps = np.diff(codes.ravel(), prepend=np.uint16(0)).astype(">u2").view(np.uint8).reshape(-1, 2)
    return np.frombuffer(zlib.compress(np.ascontiguousarray(steps.T).tobytes(), 2), np.uint8)


def unwire(data: NDArray[np.uint8], shape: tuple[int, int]) -> NDArray[np.uint16]:
    """The way back of `wire`, as the script of the map does it."""
    planes = np.frombuffer(zlib.decompress(data.tobytes()), np.uint8).reshape(2, -1).astype(np.uint16)
    return np.cumsum(planes[0] << 8 | planes[1], dtype=np.uint16).reshape(shape)


def rows_on_globe(projection: Projection, window: Window) -> tuple[dict[str, Any], int]:
    """For the pointer: latitude and half the globe's width of each row, and which pole (0: none) the map is around."""
    _, y = window.centres()
    pole = projection.pole if isinstance(projection, PolarProjection) else 0
    x = np.zeros_like(y)
    if pole:
        return {"lat": x.astype(np.float32), "edge": x.astype(np.float32)}, pole
    _, lat = projection.inverse(x, y)
    edge, _ = projection.forward(np.full_like(y, 180 - 1e-9), lat)
    return {"lat": lat.astype(np.float32), "edge": edge.astype(np.float32)}, 0
