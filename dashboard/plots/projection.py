"""Precomputed maps: which cell each pixel shows, the lines over it, and the way back to the globe."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdlcore.assets import assets_dir
from hdlcore.data.cube import EARTH_RADIUS
from hdlcore.errors import DataError

SEA, OUTSIDE, ICE = -1, -2, -3
Floats = NDArray[np.float64]
#: Maps around a pole: which; the lowest latitude shown, rows of the raster, its width as a share of its height.
POLES = {"north_pole": 1, "south_pole": -1}
POLAR_LIMIT, POLAR_ROWS, POLAR_WIDTH = 20.0, 640, 1.9


def run_lengths(index: NDArray[np.int16]) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
    """Values and lengths of the runs of equal values in row order."""
    flat = index.ravel()
    starts = np.flatnonzero(np.concatenate([[True], flat[1:] != flat[:-1]]))
    return flat[starts], np.diff(np.concatenate([starts, [flat.size]])).astype(np.int32)


def _read_only(*arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    for array in arrays:
        array.setflags(write=False)
    return arrays


@dataclass(frozen=True, eq=False)
class Projection:
    """A pseudocylindrical map of the cube's cells, rows from south to north.

    `index` (ny, nx) holds the position along the cell dimension, or SEA, OUTSIDE the globe, ICE (land not in the cube).
    What maps send of it (`runs`, `line`) is made once for all of them and read-only: a copy each took 0.6 MB a map.
    """

    name: str
    index: NDArray[np.int16]
    x: Floats
    y: Floats
    cell_x: Floats
    cell_y: Floats
    coast: tuple[Floats, Floats]
    graticule: tuple[Floats, Floats]
    outline: tuple[Floats, Floats]
    _lat: Floats
    _abs_y: Floats

    @property
    def extent(self) -> tuple[float, float, float, float]:
        """West, east, south, north edges of the raster in projected units."""
        dx, dy = (self.x[1] - self.x[0]) / 2, (self.y[1] - self.y[0]) / 2
        return float(self.x[0] - dx), float(self.x[-1] + dx), float(self.y[0] - dy), float(self.y[-1] + dy)

    @cached_property
    def runs(self) -> tuple[NDArray[np.int16], NDArray[np.int32]]:
        """Run lengths of the index."""
        value, length = _read_only(*run_lengths(self.index))
        return value, length

    @cached_property
    def _sent(self) -> dict[str, dict[str, NDArray[np.float32]]]:
        parts = {"outline": self.outline, "graticule": self.graticule, "coast": self.coast}
        return {
            part: dict(zip("xy", _read_only(*(points.astype(np.float32) for points in pair)), strict=True))
            for part, pair in parts.items()
        }

    def line(self, part: str) -> dict[str, NDArray[np.float32]]:
        """Columns x and y of the "outline", "graticule" or "coast", as they are sent."""
        return dict(self._sent[part])

    def at(self, x: float, y: float, reach: int = 5) -> int:
        """Position of the cell at a point, else of the nearest within `reach` pixels, else SEA, OUTSIDE or ICE."""
        column = round((x - self.x[0]) / (self.x[1] - self.x[0]))
        row = round((y - self.y[0]) / (self.y[1] - self.y[0]))
        if not (0 <= row < self.index.shape[0] and 0 <= column < self.index.shape[1]):
            return OUTSIDE
        here = int(self.index[row, column])
        if here >= 0 or here == OUTSIDE:
            return here
        top, left = max(row - reach, 0), max(column - reach, 0)
        around = self.index[top : row + reach + 1, left : column + reach + 1]
        rows, columns = np.nonzero(around >= 0)
        if rows.size == 0:
            return here
        nearest = np.argmin((rows + top - row) ** 2 + (columns + left - column) ** 2)
        return int(around[rows[nearest], columns[nearest]])

    def inverse(self, x: Floats | float, y: Floats | float) -> tuple[Floats, Floats]:
        """Longitude and latitude (degrees) of points of the plane.

        In a pseudocylindrical projection y depends on latitude alone and x is proportional to longitude along a
        parallel, so both follow from the cells' own coordinates and the globe's outline. Points outside are brought to
        the edge.
        """
        x, y = np.asarray(x, float), np.asarray(y, float)
        lat = np.sign(y) * np.interp(np.abs(y), self._abs_y, self._lat)
        return np.clip(180 * x / np.maximum(self._edge(y), 1e-9), -180, 180), lat

    def forward(self, lon: Floats | float, lat: Floats | float) -> tuple[Floats, Floats]:
        """Where longitude and latitude (degrees) lie on the plane; the way back of `inverse`."""
        lon, lat = (np.asarray(lon, float) + 180) % 360 - 180, np.asarray(lat, float)
        y = np.sign(lat) * np.interp(np.abs(lat), self._lat, self._abs_y)
        return lon / 180 * self._edge(y), y

    def kilometres(self, y: Floats) -> Floats:
        """How long a unit of the plane is from west to east, at some heights, on a sphere."""
        lat = self.inverse(np.zeros_like(y), y)[1]
        return np.pi * EARTH_RADIUS / 1000 * np.cos(np.radians(lat)) / np.maximum(self._edge(y), 1e-9)

    def _edge(self, y: Floats) -> Floats:
        """Half the width of the globe at a height."""
        heights, at = np.unique(self.outline[1], return_inverse=True)
        reach = np.zeros_like(heights)  # a pole is a line: of its points the outermost counts
        np.maximum.at(reach, at, self.outline[0])
        return np.interp(y, heights, reach)


@dataclass(frozen=True, eq=False)
class PolarProjection(Projection):
    """Lambert's azimuthal equal-area map around a pole (Snyder 1987, eq. 24-3 and 24-4), on a sphere of radius 1."""

    pole: int = 1

    def inverse(self, x: Floats | float, y: Floats | float) -> tuple[Floats, Floats]:
        """Longitude and latitude (degrees) of points of the plane; points outside are brought to the edge."""
        lon, lat = azimuthal_inverse(np.asarray(x, float), np.asarray(y, float), self.pole)
        return lon, np.maximum(self.pole * lat, POLAR_LIMIT) * self.pole

    def forward(self, lon: Floats | float, lat: Floats | float) -> tuple[Floats, Floats]:
        """Where longitude and latitude (degrees) lie on the plane; NaN beyond the edge of the map."""
        x, y = azimuthal(np.asarray(lon, float), np.asarray(lat, float), self.pole)
        beyond = self.pole * np.asarray(lat, float) < POLAR_LIMIT
        return np.where(beyond, np.nan, x), np.where(beyond, np.nan, y)


def azimuthal(lon: Floats, lat: Floats, pole: int) -> tuple[Floats, Floats]:
    """Equal-area azimuthal projection of degrees around the north (1) or south (-1) pole; 0 degrees points down, up."""
    radius = 2 * np.sin(np.radians(90 - pole * lat) / 2)
    return radius * np.sin(np.radians(lon)), -pole * radius * np.cos(np.radians(lon))


def azimuthal_inverse(x: Floats, y: Floats, pole: int) -> tuple[Floats, Floats]:
    """The way back of `azimuthal`, degrees."""
    radius = np.minimum(np.hypot(x, y), 2.0)
    return np.degrees(np.arctan2(x, -pole * y)), pole * (90 - np.degrees(2 * np.arcsin(radius / 2)))


def _polar(name: str, flat: Projection) -> PolarProjection:
    """A polar map made of the flat one: its index is looked up, its coast is moved, its lines are drawn anew."""
    pole = POLES[name]
    edge = 2 * float(np.sin(np.radians(90 - POLAR_LIMIT) / 2))
    # as wide as the other maps: the disc stands in the middle
    y = (np.arange(POLAR_ROWS) + 0.5) / POLAR_ROWS * 2 * edge - edge
    step = y[1] - y[0]
    columns = round(POLAR_ROWS * POLAR_WIDTH)
    x = (np.arange(columns) - (columns - 1) / 2) * step
    xs, ys = np.meshgrid(x, y)
    lon, lat = azimuthal_inverse(xs, ys, pole)
    column = np.clip(np.round((lon - flat.x[0]) / (flat.x[1] - flat.x[0])), 0, flat.x.size - 1).astype(int)
    line = np.clip(np.round((lat - flat.y[0]) / (flat.y[1] - flat.y[0])), 0, flat.y.size - 1).astype(int)
    index = np.where(np.hypot(xs, ys) <= edge, flat.index[line, column], OUTSIDE).astype(np.int16)
    turn = np.radians(np.linspace(0, 360, 361))

    def moved(points: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
        a, b = azimuthal(*points, pole)
        beyond = pole * points[1] < POLAR_LIMIT
        return np.where(beyond, np.nan, a), np.where(beyond, np.nan, b)

    meridians = [(np.full(71, at), pole * np.linspace(POLAR_LIMIT, 90, 71)) for at in range(0, 360, 30)]
    parallels = [(np.linspace(0, 360, 361), np.full(361, pole * at)) for at in (30.0, 60.0)]
    gap = np.array([np.nan])
    lines = [np.concatenate([piece for part in [*meridians, *parallels] for piece in (part[i], gap)]) for i in (0, 1)]
    cell_x, cell_y = moved((flat.cell_x, flat.cell_y))
    return PolarProjection(
        name=name, index=np.ascontiguousarray(index), x=x, y=y, cell_x=cell_x, cell_y=cell_y, coast=moved(flat.coast),
        graticule=moved((lines[0], lines[1])), outline=(edge * np.sin(turn), edge * np.cos(turn)), _lat=flat._lat,
        _abs_y=flat._abs_y, pole=pole,
    )  # fmt: skip


@lru_cache(maxsize=6)
def load_projection(name: str, n_cells: int, lat_of_cells: bytes) -> Projection:
    """Read `assets/maps/<name>.npz`, or make a polar map of the flat one.

    `lat_of_cells` is the cube's float32 latitudes as bytes (the key is their value).

    Raises
    ------
    DataError
        When the file is missing or was made for another set of cells.
    """
    if name in POLES:
        return _polar(name, load_projection("plate_carree", n_cells, lat_of_cells))
    path = assets_dir() / "maps" / f"{name}.npz"
    try:
        with np.load(path) as data:
            arrays = {key: data[key] for key in data.files}
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"The map {path} cannot be read ({error}); rebuild it with `make assets`.") from error
    lat = np.frombuffer(lat_of_cells, np.float32).astype(float)
    if arrays["cell_x"].size != n_cells or arrays["index"].max() >= n_cells:
        raise DataError(
            f"The map {path} was made for {arrays['cell_x'].size} cells, the cube has {n_cells}; "
            "rebuild it with `make assets`."
        )
    index, y = arrays["index"].astype(np.int16), arrays["y"].astype(float)
    if y[0] > y[-1]:
        index, y = index[::-1], y[::-1]
    top = float(np.nanmax(arrays["outline_y"]))
    lats, first = np.unique(np.abs(lat), return_index=True)
    pair = {
        part: (np.asarray(arrays[f"{part}_x"], float), np.asarray(arrays[f"{part}_y"], float))
        for part in ("coast", "graticule", "outline")
    }
    return Projection(
        name=name,
        index=np.ascontiguousarray(index),
        x=arrays["x"].astype(float),
        y=np.ascontiguousarray(y),
        cell_x=arrays["cell_x"].astype(float),
        cell_y=arrays["cell_y"].astype(float),
        _lat=np.concatenate([[0.0], lats, [90.0]]),
        _abs_y=np.concatenate([[0.0], np.abs(arrays["cell_y"][first]).astype(float), [top]]),
        **pair,
    )
