"""Large river basins, drawn from mapped rivers and the height of the land: which basin each cell of a grid belongs to.

No map of basins with a free licence is in the package registries, so these are our own. Rivers that meet are one
system, and so are those that meet in a lake; from its rivers each system grows over the land, lowest ground first,
until it meets the next one (the flooding of Meyer 1994, https://doi.org/10.1016/0165-1684(94)90060-4). In dry
climates hollows that would have to fill deeply before they spill keep what falls into them. What stands in
`large_basins.csv` is where each basin is recognised, and the area that others published for it.
"""

from __future__ import annotations

import csv
import logging
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import shapefile
import xarray as xr
from numpy.typing import ArrayLike, NDArray
from PIL import Image, ImageDraw
from scipy import ndimage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree
from skimage.morphology import reconstruction
from skimage.segmentation import watershed

from hdlcore.data.cube import cell_area, unit_vectors

log = logging.getLogger(__name__)

STEP = 1 / 12  # degrees between the points of the heights
POINT_SPACING = 0.02  # degrees between the points that a river is drawn by
END_DISTANCE, MOUTH_DISTANCE = 0.05, 0.2  # degrees within which an end, or the lower end, of a river meets another one
OCEANS = ((-30.0, 0.0), (18.0, 35.0), (35.0, 43.0), (20.0, 58.0), (52.0, 26.0), (38.0, 20.0), (37.0, 46.0))
CASPIAN = (51.0, 42.0)  # every other lake is part of the basin that drains into it
BIFURCATIONS = ((-66.3, 2.6),)  # rivers that feed two basins and would make them one: the Casiquiare
DRY = range(5, 9)  # Koeppen classes BSh to BWk
HOLLOW_DEPTH, HOLLOW_POINTS = 40.0, 30  # m to fill before it spills, and points of the heights that it covers: of
# 12 to 150 points, 30 come nearest to the published areas (canyons that the heights do not resolve are smaller)
OVERLAP = 60  # columns repeated beyond the date line, so that basins grow across it
MAX_DIFFERENCE = 0.15  # of the published area; sources differ among themselves by as much

Lines = list[NDArray[np.float64]]


@dataclass(frozen=True)
class Basin:
    """A basin's name, points (lon, lat) on the rivers that make it, and its published area in km2 with the source."""

    name: str
    points: tuple[tuple[float, float], ...]
    area: float
    source: str


def read_basins() -> list[Basin]:
    """The rows of `large_basins.csv`."""
    with (Path(__file__).parent / "large_basins.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    return [
        Basin(
            row["name"],
            tuple((float(lon), float(lat)) for lon, lat in (point.split() for point in row["points"].split(";"))),
            float(row["area_km2"]),
            row["source"],
        )
        for row in rows
    ]


def draw_basins(rivers: Path, land: Path, height: NDArray[np.float32], koeppen: NDArray) -> xr.DataArray:
    """Index of the basin of each point, (lat, lon) from 90 S and 180 W on, STEP apart; -1 on other land, -2 in the sea.

    Parameters
    ----------
    rivers, land : shapefiles of Natural Earth: centre lines of rivers and lakes, and land without its lakes.
    height : (2161, 4320) m on the same points, below zero under the sea.
    koeppen : (rows, columns) classes 1 to 31 on any regular grid from 90 N and 180 W on.

    Raises SystemExit when a basin comes out another size than is published.
    """
    lines = [line for line in _river_lines(rivers) if not _passes_any(line, BIFURCATIONS)]
    water, ocean = _waters(_drawn_land(land, height.shape))
    caspian = water == water[_at(*CASPIAN)]
    system = _systems(lines, height, water)
    markers = _markers(lines, system, ocean)
    markers[caspian] = markers.max() + 1
    markers[_hollows(height, markers, _dry(koeppen, height.shape))] = markers.max() + 1
    grown = _grown(height, markers)
    basins = read_basins()
    basin_of = np.full(grown.max() + 1, -1, dtype=np.int16)
    tree = cKDTree(unit_vectors(*np.vstack(lines).T[::-1]))
    owner = np.repeat(system, [len(line) for line in lines])
    for index, basin in enumerate(basins):
        basin_of[owner[tree.query(unit_vectors(*np.array(basin.points).T[::-1]))[1]]] = index
    drawn = np.where(ocean | caspian, np.int16(-2), basin_of[grown])
    _check(drawn, basins)
    axes = {"lat": np.arange(height.shape[0]) * STEP - 90, "lon": np.arange(height.shape[1]) * STEP - 180}
    return xr.DataArray(drawn, axes, ("lat", "lon"), attrs={"names": [f"{basin.name} basin" for basin in basins]})


def basin_of_cells(drawn: xr.DataArray, lat: NDArray, lon: NDArray) -> NDArray[np.int16]:
    """The basin that has at least half of the land points of the 1 degree cells with these centres, else -1."""
    per = np.arange(round(1 / STEP))
    out = np.full(lat.shape, -1, dtype=np.int16)
    for index, (south, west) in enumerate(zip(lat - 0.5, lon - 0.5, strict=True)):
        row, column = _at(west, south)
        held = drawn.values[np.ix_(row + per, (column + per) % drawn.shape[1])]
        names, counts = np.unique(held[held > -2], return_counts=True)
        if names.size and 2 * counts.max() >= counts.sum():
            out[index] = names[counts.argmax()]
    return out


def _check(drawn: NDArray, basins: list[Basin]) -> None:
    """Compare what was drawn (lakes included) with the published areas."""
    lat = np.arange(drawn.shape[0]) * STEP - 90
    weight = np.broadcast_to((cell_area(lat) * STEP**2 / 1e6)[:, None], drawn.shape)
    areas = np.bincount((drawn + 2).ravel(), weight.ravel(), minlength=len(basins) + 2)[2:]
    for basin, area in zip(basins, areas, strict=True):
        log.info("%-20s %8.0f km2, published %8.0f: %+3.0f %%", basin.name, area, basin.area,
                 100 * (area / basin.area - 1))  # fmt: skip
        if abs(area / basin.area - 1) > MAX_DIFFERENCE:
            raise SystemExit(
                f"The {basin.name} basin comes out as {area:.0f} km2 where {basin.area:.0f} are published; "
                "look at its points in large_basins.csv."
            )


def _river_lines(path: Path) -> Lines:
    """Every part of every line, its points close together."""
    lines = []
    with shapefile.Reader(shp=str(path)) as reader:
        for shape in reader.iterShapes():
            ends = [*shape.parts, len(shape.points)]
            for first, last in pairwise(ends):
                points = np.array(shape.points[first:last])[:, :2]
                if len(points) > 1:
                    along = np.concatenate([[0], np.hypot(*np.diff(points, axis=0).T).cumsum()])
                    at = np.linspace(0, along[-1], max(2, int(along[-1] / POINT_SPACING) + 1))
                    lines.append(np.column_stack([np.interp(at, along, points[:, k]) for k in (0, 1)]))
    return lines


def _passes_any(line: NDArray, points: tuple[tuple[float, float], ...]) -> bool:
    return any(np.hypot(*(line - point).T).min() < MOUTH_DISTANCE for point in points)


def _drawn_land(path: Path, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Mask of the points of the heights that are land: rings are drawn from the largest to the smallest."""
    rings = []
    with shapefile.Reader(shp=str(path)) as reader:
        for polygon in reader.iterShapes():
            ends = [*polygon.parts, len(polygon.points)]
            for first, last in pairwise(ends):
                x, y = np.array(polygon.points[first:last])[:, :2].T
                twice = float(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1]))
                rings.append((abs(twice), twice < 0, np.column_stack([(x + 180) / STEP, (y + 90) / STEP])))
    image = Image.new("1", shape[::-1], 0)
    draw = ImageDraw.Draw(image)
    for _, outer, corners in sorted(rings, key=lambda ring: -ring[0]):
        draw.polygon([(float(x), float(y)) for x, y in corners], fill=int(outer))
    return np.array(image, dtype=bool)


def _waters(land: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """Number of each body of water (0 on land), and the mask of those that are the ocean."""
    water, _ = ndimage.label(~land)
    return water, np.isin(water, [water[_at(*point)] for point in OCEANS])


def _systems(lines: Lines, height: NDArray, water: NDArray) -> NDArray[np.int32]:
    """Number (2 and more) of the river system of each line: rivers that meet, or touch the same lake."""
    tree = cKDTree(unit_vectors(*np.vstack(lines).T[::-1]))
    owner = np.repeat(np.arange(len(lines)), [len(line) for line in lines])
    joined: list[tuple[int, int]] = []
    for index, line in enumerate(lines):
        low = [float(height[_at(*line[end])]) for end in (0, -1)]
        for end, lower in ((0, low[0] <= low[1]), (-1, low[1] <= low[0])):
            reach = np.radians(MOUTH_DISTANCE if lower else END_DISTANCE)
            place = unit_vectors(*line[end, ::-1])
            near = [k for k in tree.query_ball_point(place, reach) if owner[k] != index]
            if near:
                nearest = near[int(np.linalg.norm(tree.data[near] - place, axis=1).argmin())]
                joined.append((index, int(owner[nearest])))
    first: dict[int, int] = {}
    sea = {0, *(int(water[_at(*point)]) for point in (*OCEANS, CASPIAN))}
    for index, line in enumerate(lines):
        for lake in set(water[_at(*line.T)].tolist()) - sea:
            joined.append((index, first.setdefault(lake, index)))
    a, b = np.array(joined).T
    n = len(lines)
    return connected_components(coo_array((np.ones(a.size), (a, b)), shape=(n, n)), directed=False)[1] + 2


def _markers(lines: Lines, system: NDArray, ocean: NDArray) -> NDArray[np.int32]:
    """1 in the ocean, the number of its system where a river flows, 0 elsewhere."""
    markers = ocean.astype(np.int32)
    for number, line in zip(system, lines, strict=True):
        rows, columns = _at(*line.T)
        flows = ~ocean[rows, columns]
        markers[rows[flows], columns[flows]] = number
    return markers


def _dry(koeppen: NDArray, shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Where the climate is dry, on the points of the heights."""
    rows, columns = (np.minimum((np.arange(n) + 0.5) * size // n, size - 1).astype(int)
                     for n, size in zip(shape, koeppen.shape, strict=True))  # fmt: skip
    return np.asarray(np.isin(koeppen[::-1], DRY)[np.ix_(rows, columns)])


def _hollows(height: NDArray, markers: NDArray, dry: NDArray) -> NDArray[np.bool_]:
    """The lower half of each closed hollow of a dry climate that no river leaves."""
    start = np.where(markers > 0, height, height.max())
    depth = reconstruction(start, height, method="erosion", footprint=np.ones((3, 3))) - height
    hollow, count = ndimage.label(depth > 0, structure=np.ones((3, 3)))
    number = np.arange(count + 1)
    deepest = ndimage.maximum(depth, hollow, number)
    kept = (deepest >= HOLLOW_DEPTH) & (ndimage.mean(dry, hollow, number) > 0.5)
    kept &= np.bincount(hollow.ravel(), minlength=count + 1) >= HOLLOW_POINTS
    kept[0] = False
    return np.asarray(kept[hollow] & (depth > deepest[hollow] / 2))


def _grown(height: NDArray, markers: NDArray) -> NDArray[np.int32]:
    """The marker that each point belongs to, grown from the markers over the lowest ground first."""
    beyond = [np.concatenate([a[:, -OVERLAP:], a, a[:, :OVERLAP]], axis=1) for a in (height, markers)]
    return np.asarray(watershed(*beyond, connectivity=2)[:, OVERLAP:-OVERLAP])


def _at(lon: ArrayLike, lat: ArrayLike) -> tuple[Any, Any]:
    """Rows and columns of the points of the heights nearest to places."""
    rows, columns = (
        np.round((np.asarray(values) + edge) / STEP).astype(int) for values, edge in ((lat, 90), (lon, 180))
    )
    return rows, columns % round(360 / STEP)
