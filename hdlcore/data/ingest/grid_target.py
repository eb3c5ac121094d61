"""The cells that a gridded source fills: land cells of the 1 degree grid by conservative aggregation, or its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.cube import EARTH_RADIUS, open_world
from hdlcore.data.cubes import place_coordinates
from hdlcore.data.ingest.grid_files import GridFile
from hdlcore.data.ingest.regrid import MIN_SHARE, Regrid, curvilinear, edges, regular
from hdlcore.data.schema import ONE_DEGREE, GridSpec
from hdlcore.errors import DataError

Move = Callable[[NDArray[np.float64]], NDArray[np.float32]]


@dataclass(frozen=True)
class Target:
    """Cells (root of the cube), their grid, and how values (n, n_source) get there: `mean`, or `majority` for codes."""

    cells: xr.Dataset
    grid: GridSpec
    mean: Move
    majority: Move
    note: str


def target_of(file: GridFile, grid: str) -> Target:
    """The target of a source grid; `grid` is "1deg" or "native".

    Raises `DataError` when the files cover no land cell, or when a native grid is not regular.
    """
    try:
        return _native(file) if grid == "native" else _one_degree(file)
    except DataError as error:
        name = file.path.name
        raise error if name in str(error) else DataError(f"{name}: {error}") from error


def _one_degree(file: GridFile) -> Target:
    world = open_world()
    lat, lon = (world[n].values.astype(np.float64) for n in ("lat", "lon"))
    if file.lat.ndim == 2:
        weights = curvilinear(file.lat, file.lon, lat, lon)
    else:
        rows = edges(file.lat, 90) if file.lat_bounds is None else file.lat_bounds
        columns = edges(file.lon) if file.lon_bounds is None else file.lon_bounds
        weights = regular(rows, columns, lat, lon)
    # Only land has values in many products, so half of the land of a cell is enough.
    need = MIN_SHARE * world["land_fraction"].values.astype(np.float64)
    kept = np.flatnonzero(weights.cover() >= need - 1e-9)
    if kept.size == 0:
        raise DataError(
            f"{file.path.name} covers no land cell of the 1 degree grid by half; keep its own (--grid native)."
        )
    part = Regrid(weights.weights[kept])
    coords = place_coordinates(world["cell"].values[kept], lat[kept], lon[kept], world["area"].values[kept])
    return Target(
        xr.Dataset(coords=coords),
        ONE_DEGREE,
        lambda values: part.apply(values, need[kept]),
        lambda values: np.stack([part.majority(row) for row in values]),
        "Aggregated to the land cells of the 1 degree grid by area on the sphere (first-order conservative); a cell is "
        "missing where less than half of its land is covered.",
    )


def _native(file: GridFile) -> Target:
    if file.lat.ndim == 2:
        raise DataError(f"{file.path.name} lies on a projected grid, which a cube cannot keep; use --grid 1deg.")
    steps = [float(np.median(np.abs(np.diff(a)))) if a.size > 1 else np.nan for a in (file.lat, file.lon)]
    step = steps[0]
    even = all(
        a.size > 1 and np.allclose(np.abs(np.diff(a)), step, rtol=0.01, atol=1e-4) and np.ptp(np.sign(np.diff(a))) == 0
        for a in (file.lat, _unwrapped(file.lon))
    )
    if not even:
        raise DataError(
            f"{file.path.name} has cells of {steps[0]:g} by {steps[1]:g} degrees or uneven ones; use --grid 1deg."
        )
    step = 1 / round(1 / step) if abs(round(1 / step) * step - 1) < 1e-3 else round(step, 6)
    lon = (file.lon + 180 + 1e-9) % 360 - 180
    south_to_north = np.argsort(-file.lat, kind="stable")
    west_to_east = np.argsort(lon, kind="stable")
    order = (south_to_north[:, None] * file.lon.size + west_to_east[None, :]).ravel()
    lat, lon = file.lat[south_to_north], lon[west_to_east]
    if lon.size > 1 and np.any(np.diff(lon) > 1.5 * step):
        raise DataError(f"{file.path.name} crosses the date line in part, which a native grid cannot; use --grid 1deg.")
    spec = GridSpec(lat.size, lon.size, float(lat[0] + step / 2), float(lon[0] - step / 2), step)
    place_lat, place_lon = (a.ravel() for a in np.meshgrid(lat, lon, indexing="ij"))
    area = np.repeat(_row_area(lat, step), lon.size)
    cells = xr.Dataset(coords=place_coordinates(np.arange(place_lat.size), place_lat, place_lon, area))

    def move(values: NDArray[np.float64]) -> NDArray[np.float32]:
        return values[:, order].astype(np.float32)

    return Target(cells, spec, move, move, "Kept on its own grid.")


def _row_area(lat: NDArray[np.float64], step: float) -> NDArray[np.float64]:
    """Area (m2) of the cells of each row; a row centred on a pole has the half that is on the Earth."""
    north, south = (np.sin(np.deg2rad(np.clip(lat + side * step / 2, -90, 90))) for side in (1, -1))
    area: NDArray[np.float64] = EARTH_RADIUS**2 * np.deg2rad(step) * (north - south)
    return area


def _unwrapped(lon: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.unwrap(lon, period=360)
