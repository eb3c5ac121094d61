"""The world cube: what it must hold, how it is opened, checked, and asked for a cell.

It is a cube of `hdlcore.data.schema` - GRACE's months in ``/monthly``, all else in the root - that holds more than any
cube must; `SCHEMA` says what. The stable name of a cell is its id, ``row * 360 + column`` with row 0 at 89.5 N and
column 0 at 179.5 W; its *position* is where it stands along the ``cell`` dimension of one cube.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from hdlcore.assets import assets_dir
from hdlcore.errors import DataError, RequestError

log = logging.getLogger(__name__)

N_ROWS, N_COLUMNS = 180, 360
EARTH_RADIUS = 6_371_007.2  # m, of the sphere with the Earth's area (authalic radius, WGS 84)


@dataclass(frozen=True)
class Field:
    """One entry of the schema: dimensions, units, valid range (inclusive), and whether missing values are allowed.

    A world may do without an `optional` variable.
    """

    dims: tuple[str, ...]
    units: str
    low: float
    high: float
    missing_allowed: bool = False
    flags: bool = False
    optional: bool = False


_C = ("cell",)
SCHEMA: dict[str, Field] = {
    "lat": Field(_C, "degrees_north", -90, 90),
    "lon": Field(_C, "degrees_east", -180, 180),
    "area": Field(_C, "m2", 1e7, 1.3e10),
    "air_temperature": Field(("month", "cell"), "degC", -70, 50),
    "precipitation": Field(("month", "cell"), "mm d-1", 0, 100),
    "tws_observed": Field(("time", "cell"), "mm", -1000, 1000),
    "tws_observed_msc": Field(("month", "cell"), "mm", -1000, 1000),
    "land_cover_fraction": Field(("igbp", "cell"), "1", 0, 1),
    "land_cover": Field(_C, "1", 1, 17, flags=True),
    "koeppen": Field(_C, "1", 1, 31, flags=True),
    "climate_zone": Field(_C, "1", 1, 5, flags=True),
    "region": Field(_C, "1", -1, 1000, flags=True),
    "country": Field(_C, "1", -1, 1000, flags=True),
    "basin": Field(_C, "1", -1, 1000, flags=True, optional=True),
    "block": Field(_C, "1", 0, 647),
    "elevation": Field(_C, "m", -500, 9000),
    "elevation_std": Field(_C, "m", 0, 4000),
    "ndvi_max": Field(_C, "1", -0.3, 1, missing_allowed=True),
    "ndvi_min": Field(_C, "1", -0.3, 1, missing_allowed=True),
    "fapar_max": Field(_C, "1", 0, 1, missing_allowed=True),
    "optimum_temperature": Field(_C, "degC", -50, 50, missing_allowed=True),
    "c4_fraction": Field(_C, "1", 0, 1, missing_allowed=True),
    "land_fraction": Field(_C, "1", 0, 1.0001),
}
_SIZES = {"month": 12, "igbp": 17}
_MEND = "rebuild it with `make assets`."
_opened: dict[tuple[Path, int], xr.Dataset] = {}


def world_path() -> Path:
    """Path of the shipped world cube."""
    return assets_dir() / "data" / "world.zarr"


def open_world(path: str | Path | None = None) -> xr.Dataset:
    """Open a world cube whole into memory, checked against the schema.

    Parameters
    ----------
    path : path of a Zarr store, or None for the shipped cube.

    Returns
    -------
    Dataset with the variables of `SCHEMA`; its arrays are read-only, and the same object is returned for the same
    unchanged store, so it must be treated as immutable.

    Raises
    ------
    DataError
        When the store is missing, unreadable or does not hold what the schema promises.
    """
    source = Path(path).expanduser().resolve() if path is not None else world_path().resolve()
    marker = source / "zarr.json"
    if not marker.is_file():
        raise DataError(f"There is no world cube at {source}; give the path of a Zarr store made by `make assets`.")
    key = (source, marker.stat().st_mtime_ns)
    if key not in _opened:
        try:
            with xr.open_zarr(source, consolidated=False, chunks=None, decode_timedelta=False) as lazy:
                ds = lazy.load()
            if (source / "monthly").is_dir():
                ds = _with_months(ds, source)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise DataError(
                f"The world cube at {source} cannot be read ({error}); rebuild it with `make assets`."
            ) from error
        problems = validate(ds)
        if problems:
            raise DataError(
                f"The world cube at {source} is malformed: {'; '.join(problems[:3])}. Rebuild it with `make assets`."
            )
        for variable in ds.variables.values():
            if isinstance(variable.values, np.ndarray):
                variable.values.flags.writeable = False
        log.debug("opened %s: %d cells", source, ds.sizes["cell"])
        _opened[key] = ds
    return _opened[key]


def _with_months(ds: xr.Dataset, source: Path) -> xr.Dataset:
    """Add the monthly series. On disk the axis has every month; one without any value is left out here."""
    with xr.open_zarr(source, group="monthly", consolidated=False, chunks=None) as lazy:
        months = lazy.load()
    if not np.array_equal(months["cell"].values, ds["cell"].values):
        raise ValueError("the cells of its months are not those of its root")
    held = np.any([np.isfinite(v.transpose("time", ...).values).any(1) for v in months.data_vars.values()], axis=0)
    months = months.isel(time=held)
    return ds.assign_coords(time=months["time"]).assign({name: months[name] for name in months.data_vars})


def validate(ds: xr.Dataset) -> list[str]:
    """Compare a cube with the schema; returns one sentence per problem, an empty list for a sound cube."""
    problems = [f"dimension '{dim}' is missing" for dim in ("cell", "month", "time", "igbp") if dim not in ds.sizes]
    for dim, size in _SIZES.items():
        if dim in ds.sizes and ds.sizes[dim] != size:
            problems.append(f"dimension '{dim}' has {ds.sizes[dim]} entries where {size} are needed")
    for name, field in SCHEMA.items():
        if name not in ds.variables:
            problems += [] if field.optional else [f"'{name}' is missing"]
        else:
            problems += _field_problems(ds[name], name, field)
    if "cell" in ds.coords and not problems:
        problems += _cell_problems(ds)
    if "version" not in ds.attrs:
        problems.append("the attribute 'version' is missing")
    return problems


def _field_problems(array: xr.DataArray, name: str, field: Field) -> list[str]:
    """Problems of one variable: dimensions, units, missing and impossible values, flag tables."""
    if array.dims != field.dims:
        return [f"'{name}' has dimensions {array.dims} where {field.dims} are needed"]
    problems = []
    units = array.attrs.get("units")
    if units != field.units:
        problems.append(f"'{name}' is in {units!r} where {field.units!r} is needed")
    if not np.issubdtype(array.dtype, np.number):
        return [*problems, f"'{name}' holds {array.dtype} where numbers are needed"]
    values = array.values
    finite = np.isfinite(values)
    if not field.missing_allowed and not finite.all():
        problems.append(f"'{name}' misses {int((~finite).sum())} of {values.size} values")
    if finite.any():
        low, high = float(values[finite].min()), float(values[finite].max())
        if low < field.low or high > field.high:
            problems.append(
                f"'{name}' spans {low:g} to {high:g} {field.units}, outside {field.low:g} to {field.high:g}"
            )
    else:
        problems.append(f"'{name}' holds no value at all")
    if field.flags:
        problems += _flag_problems(array, name)
    return problems


def _flag_problems(array: xr.DataArray, name: str) -> list[str]:
    """A categorical variable must name each value that it holds."""
    try:
        names, values = json.loads(array.attrs["flag_names"]), np.atleast_1d(array.attrs["flag_values"])
    except (KeyError, TypeError, ValueError):
        return [f"'{name}' lacks a readable 'flag_names' or 'flag_values' attribute"]
    if len(names) != len(values):
        return [f"'{name}' has {len(names)} names for {len(values)} values"]
    unnamed = set(np.unique(array.values).tolist()) - set(values.tolist()) - {-1}
    return [f"'{name}' holds values without a name: {sorted(unnamed)}"] if unnamed else []


def _cell_problems(ds: xr.Dataset) -> list[str]:
    """Cell ids must be integers, unique, rising, and agree with lat and lon."""
    ids = ds["cell"].values
    if not np.issubdtype(ids.dtype, np.integer):
        return ["'cell' must hold integer ids"]
    if np.any(np.diff(ids) <= 0):
        return ["the ids in 'cell' must be unique and rising"]
    if ids.size == 0 or ids.min() < 0 or ids.max() >= N_ROWS * N_COLUMNS:
        return [f"the ids in 'cell' must lie in 0 to {N_ROWS * N_COLUMNS - 1}"]
    lat, lon = cell_centre(ids)
    if not (np.allclose(lat, ds["lat"].values) and np.allclose(lon, ds["lon"].values)):
        return ["'lat' and 'lon' disagree with the ids in 'cell' (id = row * 360 + column, from 89.5 N, 179.5 W)"]
    return []


def cell_centre(cells: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Latitude and longitude (degrees, -180 to 180) of the centres of cell ids, each of the shape of `cells`."""
    ids = np.asarray(cells)
    return 89.5 - ids // N_COLUMNS, -179.5 + ids % N_COLUMNS


def cell_area(lat: ArrayLike, size: float = 1.0) -> NDArray[np.float64]:
    """Area (m2) of cells of `size` degrees centred at `lat` on the authalic sphere."""
    centre = np.asarray(lat, dtype=np.float64)
    north, south = np.deg2rad(centre + size / 2), np.deg2rad(centre - size / 2)
    area: NDArray[np.float64] = EARTH_RADIUS**2 * np.deg2rad(size) * (np.sin(north) - np.sin(south))
    return area


def unit_vectors(lat: ArrayLike, lon: ArrayLike) -> NDArray[np.float64]:
    """Places (degrees, any shape) as points (..., 3) on the unit sphere: no date line, no poles."""
    phi, lam = np.radians(np.asarray(lat, dtype=np.float64)), np.radians(np.asarray(lon, dtype=np.float64))
    return np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], -1)


def distance_km(lat: float, lon: float, lats: ArrayLike, lons: ArrayLike) -> NDArray[np.float64]:
    """Great-circle distance (km) from one point to many, by the haversine formula; degrees in."""
    phi, phis = np.deg2rad(lat), np.deg2rad(np.asarray(lats, dtype=np.float64))
    half_dlon = np.deg2rad(np.asarray(lons, dtype=np.float64) - lon) / 2
    chord = np.sin((phis - phi) / 2) ** 2 + np.cos(phi) * np.cos(phis) * np.sin(half_dlon) ** 2
    distance: NDArray[np.float64] = 2 * EARTH_RADIUS / 1000 * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))
    return distance


def positions(ds: xr.Dataset, cells: ArrayLike | Iterable[int]) -> NDArray[np.intp]:
    """Positions along the ``cell`` dimension of an array of cell ids, in the order asked for.

    Raises `RequestError` naming the first ids that the cube does not hold.
    """
    ids = np.atleast_1d(np.asarray(cells if isinstance(cells, (np.ndarray, int)) else list(cells)))  # type: ignore[arg-type]
    if ids.size == 0:
        return np.empty(0, dtype=np.intp)
    if ids.dtype.kind not in "iu":
        raise RequestError(f"Cell ids are whole numbers, not {ids.dtype}; ask find_cell for the cell at a place.")
    known = ds["cell"].values
    found = np.searchsorted(known, ids).clip(max=known.size - 1)
    unknown = ids[known[found] != ids]
    if unknown.size:
        shown = ", ".join(str(i) for i in unknown[:5]) + (", ..." if unknown.size > 5 else "")
        raise RequestError(f"Not among the {known.size} land cells: {shown}; ask find_cell for the cell at a place.")
    return found.astype(np.intp)


def find_cell(ds: xr.Dataset, lat: float, lon: float) -> int:
    """Id of the land cell that holds a place.

    Parameters
    ----------
    lat : degrees north, -90 to 90.
    lon : degrees east, -180 to 360 (both conventions).

    Raises
    ------
    RequestError
        When the place is out of range, or in the sea or on ice; the message names the nearest land cell.
    """
    place = float(lat), float(lon)
    if not np.isfinite(place).all():
        raise RequestError(f"'{lat}, {lon}' is not a place; give latitude and longitude in degrees, as in 48.5, 9.1.")
    if abs(place[0]) > 90:
        raise RequestError(f"Latitude {place[0]:g} is out of range; give -90 to 90 degrees, latitude first.")
    if not -180 <= place[1] <= 360:
        raise RequestError(f"Longitude {place[1]:g} is out of range; give -180 to 180 (or 0 to 360) degrees.")
    east = (place[1] + 180) % 360
    row, column = min(int(90 - place[0]), N_ROWS - 1), min(int(east), N_COLUMNS - 1)
    cell = row * N_COLUMNS + column
    known = ds["cell"].values
    at = int(np.searchsorted(known, cell))
    if at < known.size and known[at] == cell:
        return cell
    away = distance_km(place[0], east - 180, ds["lat"].values, ds["lon"].values)
    nearest = int(away.argmin())
    neighbour = place_label(float(ds["lat"].values[nearest]), float(ds["lon"].values[nearest]))
    where = (
        "is in the sea, a lake or on an ice sheet" if place[0] >= -65 else "is in or near Antarctica, which is left out"
    )
    raise RequestError(
        f"{place_label(place[0], east - 180)} {where}; "
        f"the nearest land cell is {neighbour} ({away[nearest]:.0f} km away)."
    )


def place_label(lat: float, lon: float) -> str:
    """A place as a person writes it: '12.5 N, 30.5 W'."""
    north, east = "N" if lat >= 0 else "S", "E" if lon >= 0 else "W"
    return f"{abs(lat):.4g} {north}, {abs(lon):.5g} {east}"
