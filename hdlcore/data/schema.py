"""The one schema of data cubes: groups, dimensions, names, units, physical ranges, time axes and chunk shapes.

    CUBE.zarr/          cells: cell (id), lat, lon, area; statics (cell), climatologies (month, cell)
      daily/            (time, cell), series-major: one chunk holds all days of a few cells
      daily_maps/       the same numbers, map-major (a few days of all cells), only where size asks for it
      monthly/          (time, cell)
      truth/monthly/    a twin's truth; `open_cube` never reads it

Names and units are those of `hdlcore.variables`; values are float32, missing is NaN, and time is proleptic gregorian,
without gaps: a day without data is there, and missing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from hdlcore.variables import VARIABLES

SCHEMA_VERSION = 1
CONVENTIONS = "CF-1.11"
CUBE_KINDS = ("world", "grid", "points", "twin")
ORIGINS = ("observed", "reanalysis", "generated", "mixed", "derived")
REQUIRED_ATTRIBUTES = ("kind", "title", "source", "attribution", "provenance")
FREQUENCIES = ("daily", "monthly")
MAPS = "_maps"
#: Above this size of one variable, a second, map-major copy is kept: reading one day from series would take all of it.
MAPS_FROM_BYTES = 64 * 2**20
CHUNK_BYTES = 2 * 2**20
MAP_CELLS = 16_384

#: What is physically possible (inclusive), by name without ``_observed``; far wider than the range drawn on a map.
PHYSICAL: dict[str, tuple[float, float]] = {
    "precipitation": (-0.01, 2000),
    "air_temperature": (-95, 65),
    "net_radiation": (-400, 1000),
    "shortwave_radiation": (-10, 700),
    "longwave_radiation": (40, 700),
    "potential_evapotranspiration": (-5, 50),
    "vapour_pressure_deficit": (-0.5, 120),
    "wind_speed": (0, 100),
    "co2": (150, 2000),
    "tws": (-20_000, 20_000),
    "swe": (-0.01, 30_000),
    "soil_moisture": (-0.01, 10_000),
    "evapotranspiration": (-10, 30),
    "runoff": (-0.01, 2000),
    "snowmelt": (-0.01, 2000),
    "rainfall": (-0.01, 2000),
    "snowfall": (-0.01, 2000),
    "gpp": (-15, 60),
    "nee": (-80, 80),
    "reco": (-15, 80),
    "latent_heat": (-300, 1000),
    "sensible_heat": (-500, 1000),
    "ground_heat": (-400, 400),
    "soil_water": (0, 1),
    "ndvi": (-1, 1),
    "ndvi_max": (-1, 1),
    "ndvi_min": (-1, 1),
    "gcc": (0, 1),
    "fapar": (-0.001, 1.001),
    "leaf_area_index": (-0.001, 20),
    "elevation": (-500, 9000),
}

_TIME_ATTRS = {
    "daily": {"standard_name": "time", "long_name": "day"},
    "monthly": {"standard_name": "time", "long_name": "first day of the month"},
}


@dataclass(frozen=True)
class GridSpec:
    """A regular grid: rows from `north` downwards, columns from `west` eastwards, `step` degrees; edges, not centres.

    The id of a cell is ``row * columns + column``; on the 1 degree grid that is the id of the world cube.
    """

    rows: int
    columns: int
    north: float
    west: float
    step: float

    def centres(self, ids: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Latitude and longitude (degrees) of the centres of cell ids."""
        cells = np.asarray(ids)
        lat = self.north - (cells // self.columns + 0.5) * self.step
        lon = self.west + (cells % self.columns + 0.5) * self.step
        return lat, lon

    def to_json(self) -> str:
        """As kept in the attribute ``grid`` of a cube."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> GridSpec:
        """Raises `ValueError` for anything that is not a grid."""
        try:
            raw = json.loads(text)
            grid = cls(
                int(raw["rows"]), int(raw["columns"]), float(raw["north"]), float(raw["west"]), float(raw["step"])
            )
        except (TypeError, KeyError, json.JSONDecodeError) as error:
            raise ValueError(f"'{text}' does not describe a grid") from error
        if grid.rows < 1 or grid.columns < 1 or not grid.step > 0:
            raise ValueError(f"'{text}' describes an empty grid")
        return grid


ONE_DEGREE = GridSpec(180, 360, 90.0, -180.0, 1.0)
QUARTER_DEGREE = GridSpec(720, 1440, 90.0, -180.0, 0.25)


def base_name(name: str) -> str:
    """The quantity behind a name: 'swe' of 'swe_observed'."""
    return name.removesuffix("_observed")


def physical_range(name: str) -> tuple[float, float] | None:
    """Physically possible range in the units of `hdlcore.variables`, or None where there is none to check."""
    return PHYSICAL.get(base_name(name))


def time_attributes(frequency: str) -> dict[str, Any]:
    """Attributes of the stored time axis: whole days since 1970-01-01."""
    return {**_TIME_ATTRS[frequency], "units": "days since 1970-01-01", "calendar": "proleptic_gregorian"}


def series_chunks(n_time: int, n_cell: int, per_cell: bool = False) -> tuple[int, int]:
    """Chunk (time, cell) of the series-major copy: whole series of as many cells as fit in `CHUNK_BYTES`.

    Stations come one by one and are asked for one by one: `per_cell` gives each its own chunk.
    """
    time = min(n_time, CHUNK_BYTES // 4)
    return max(time, 1), 1 if per_cell else int(np.clip(CHUNK_BYTES // (4 * max(time, 1)), 1, max(n_cell, 1)))


def map_chunks(n_time: int, n_cell: int) -> tuple[int, int]:
    """Chunk (time, cell) of the map-major copy: a few days of all cells, or of `MAP_CELLS` where there are more.

    Maps are cut so that turning them into series, a band of cells at a time, does not read all of them for each band.
    """
    cell = max(min(n_cell, MAP_CELLS), 1)
    return int(np.clip(CHUNK_BYTES // (4 * cell), 1, max(n_time, 1))), cell


def expected_time(frequency: str, first: np.datetime64, last: np.datetime64) -> NDArray[np.datetime64]:
    """Every day, or first day of month, from `first` to `last` (both included), datetime64[ns]."""
    unit = "datetime64[D]" if frequency == "daily" else "datetime64[M]"
    return np.arange(first.astype(unit), last.astype(unit) + 1).astype("datetime64[ns]")


def near_miss(name: str) -> str:
    """A hint for an unknown name: ' (did you mean ...?)', or nothing."""
    near = get_close_matches(name, VARIABLES, n=2, cutoff=0.6)
    return f" (did you mean {' or '.join(near)}?)" if near else ""


def cell_problems(cells: xr.Dataset, attrs: Mapping[str, Any]) -> list[str]:
    """What makes the cells of a cube unusable: no ids, no coordinates, ids that are doubled or off their grid."""
    problems = [f"'{name}' is missing" for name in ("cell", "lat", "lon", "area") if name not in cells.variables]
    if problems:
        return problems
    if any(cells[name].dims != ("cell",) for name in ("lat", "lon", "area")):
        return ["'lat', 'lon' and 'area' must be one value for each cell"]
    ids, lat, lon = (cells[name].values for name in ("cell", "lat", "lon"))
    if ids.size == 0:
        return ["it has no cells"]
    if not np.issubdtype(ids.dtype, np.integer):
        return ["'cell' must hold whole numbers"]
    if np.any(np.diff(ids) <= 0):
        problems.append("the ids in 'cell' are not unique and rising")
    # A site may be anonymous (its place kept back); a cell of a grid never is.
    if attrs.get("kind") != "points" and not (np.isfinite(lat).all() and np.isfinite(lon).all()):
        problems.append("some cells have no 'lat' or 'lon'")
    elif np.any(np.abs(lat) > 90) or np.any(np.abs(lon) > 180):
        swapped = np.abs(lon).max() <= 90 and np.abs(lat).max() > 90
        hint = "; 'lat' and 'lon' look swapped" if swapped else ""
        problems.append(f"'lat' must lie in -90 to 90 and 'lon' in -180 to 180 degrees{hint}")
    elif "grid" in attrs:
        problems += _off_grid(cells, str(attrs["grid"]))
    elif attrs.get("kind") in ("world", "grid", "twin"):
        problems.append("the attribute 'grid' is missing")
    return problems


def _off_grid(cells: xr.Dataset, text: str) -> list[str]:
    try:
        grid = GridSpec.from_json(text)
    except ValueError as error:
        return [f"the attribute 'grid' cannot be read: {error}"]
    ids = cells["cell"].values
    if ids.min() < 0 or ids.max() >= grid.rows * grid.columns:
        return [f"the ids in 'cell' lie outside 0 to {grid.rows * grid.columns - 1}"]
    lat, lon = grid.centres(ids)
    off = (np.abs(lat - cells["lat"].values) > 0.01 * grid.step) | (
        np.abs(lon - cells["lon"].values) > 0.01 * grid.step
    )
    if not off.any():
        return []
    mirrored = np.allclose(-lat, cells["lat"].values, atol=0.01 * grid.step)
    hint = "; 'lat' looks turned upside down" if mirrored else ""
    return [f"'lat' or 'lon' of {int(off.sum())} cells disagree with their ids on the grid{hint}"]


def time_problems(time: NDArray[Any], frequency: str) -> list[str]:
    """What is wrong with a time axis: not times, not rising, doubled, with gaps, or off the day or month."""
    if not np.issubdtype(time.dtype, np.datetime64):
        return [f"'time' of {frequency} holds {time.dtype} where dates are needed"]
    if time.size == 0:
        return [f"'time' of {frequency} is empty"]
    if np.isnat(time).any():
        return [f"'time' of {frequency} holds missing dates"]
    unit = "day" if frequency == "daily" else "month"
    coarse = time.astype("datetime64[D]" if frequency == "daily" else "datetime64[M]")
    problems = []
    if np.any(coarse.astype(time.dtype) != time):
        where = "at 00:00 of its day" if frequency == "daily" else "on the first day of its month"
        problems.append(f"'time' of {frequency} is not {where} everywhere")
    step = np.diff(coarse).astype(int)
    if np.any(step < 0):
        at = int(np.flatnonzero(step < 0)[0]) + 1
        problems.append(f"'time' of {frequency} runs backwards at {str(time[at])[:10]}")
    if np.any(step == 0):
        at = int(np.flatnonzero(step == 0)[0]) + 1
        problems.append(f"{int((step == 0).sum())} {unit}s are there twice, the first is {str(time[at])[:10]}")
    if np.any(step > 1):
        at = int(np.flatnonzero(step > 1)[0])
        missing = int((step[step > 1] - 1).sum())
        problems.append(f"{missing} {unit}s are left out of the time axis, the first gap follows {str(time[at])[:10]}")
    return problems


def group_problems(data: xr.Dataset, frequency: str, cells: NDArray[Any]) -> list[str]:
    """What keeps a (time, cell) group from being part of a cube: axes, dimensions, types, names and units."""
    if "time" not in data.coords or "cell" not in data.coords:
        return [f"{frequency} needs the coordinates 'time' and 'cell'"]
    problems = time_problems(data["time"].values, frequency)
    if not np.array_equal(data["cell"].values, cells):
        problems.append(f"the cells of {frequency} are not those of the cube")
    if not data.data_vars:
        problems.append(f"{frequency} holds no variable")
    for name, array in data.data_vars.items():
        if array.dims != ("time", "cell"):
            problems.append(f"'{name}' has dimensions {array.dims} where ('time', 'cell') are needed")
        if array.dtype != np.float32:
            problems.append(f"'{name}' holds {array.dtype} where float32 is needed")
        if str(name) not in VARIABLES:
            problems.append(f"no quantity is called '{name}'{near_miss(str(name))}")
        elif array.attrs.get("units") != VARIABLES[str(name)].units:
            units = array.attrs.get("units")
            problems.append(f"'{name}' says {units!r} where {VARIABLES[str(name)].units!r} is needed")
    return problems
