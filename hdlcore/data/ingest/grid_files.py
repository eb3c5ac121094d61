"""Looking into one gridded file: where its coordinates, times and variables are, and reading blocks of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.ingest import calendars
from hdlcore.data.ingest.calendars import Position, Stamps
from hdlcore.errors import DataError

_LAT = ("lat", "latitude", "nav_lat", "XLAT", "Latitude", "LAT")
_LON = ("lon", "longitude", "nav_lon", "XLONG", "Longitude", "LON", "long")
_TIMES = ("time", "valid_time", "Time", "TIME", "t", "date")
#: Fill values that files hold without saying so.
FILLS = (-9999.0, -999.0, -99999.0, -32767.0, -32768.0, 9.96921e36)
HUGE = 1e19
#: Finer grids than 0.05 degrees over the globe, or more steps than 500 years of hours, are taken for damage.
MOST_CELLS, MOST_STEPS = 30_000_000, 4_500_000


@dataclass(frozen=True)
class Field:
    """How one variable of a product is read.

    name : canonical name in `hdlcore.variables`.
    names, standard_names : under which a file may hold it; the names go first.
    plus : names of a second variable that is added (net longwave to net shortwave).
    units : taken where the file states none; `wrong` are stated units known to be wrong, replaced by `units`.
    gathered : the numbers are amounts over the "step", or run up since the start of the "day" (UTC).
    sign : -1 where the file counts the other way.
    valid : (low, high) of the raw numbers; outside are flags, hence missing.
    scale : names of a factor (lat, lon) in the same file or in one beside it.
    mask : names of a mask (lat, lon), 0 where the field says nothing about land.
    source : observed, reanalysis, generated or derived.
    """

    name: str
    names: tuple[str, ...]
    standard_names: tuple[str, ...] = ()
    plus: tuple[str, ...] = ()
    units: str | None = None
    wrong: tuple[str, ...] = ()
    gathered: Literal["no", "step", "day"] = "no"
    sign: float = 1.0
    valid: tuple[float, float] | None = None
    scale: tuple[str, ...] = ()
    mask: tuple[str, ...] = ()
    source: Literal["observed", "reanalysis", "generated", "derived"] = "observed"


@dataclass(frozen=True)
class Product:
    """A family of files that share a layout; `fields` in the order in which they are looked for."""

    id: str
    title: str
    attribution: str
    fields: tuple[Field, ...]
    position: Position | None = None
    #: Length (s) over which "step" amounts are gathered, by step; the step itself where nothing is said.
    gathered_seconds: tuple[tuple[str, float], ...] = ()
    irregular: bool = False
    #: A time in the name of the file, for files without a time axis: groups year, month, perhaps day.
    time_in_name: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """A field in a file: the variables that hold it, their units, the dimensions to be taken and those beside."""

    field: Field
    variables: tuple[str, ...]
    units: str
    integers: bool


@dataclass(frozen=True)
class GridFile:
    """What `look` saw in one file. `lat`, `lon` are 1-D or both 2-D; `edges` bounds where the file gives them."""

    path: Path
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    y: str
    x: str
    lat_bounds: NDArray[np.float64] | None
    lon_bounds: NDArray[np.float64] | None
    time: str | None
    stamps: Stamps | None
    bounds: NDArray[np.datetime64] | None
    hint: str
    found: dict[str, Found] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    months: str | None = None


@contextmanager
def opened(path: Path) -> Iterator[xr.Dataset]:
    """A NetCDF file or Zarr folder, lazily, with declared fills and scales applied and times left as numbers."""
    try:
        options: dict[str, Any] = {"decode_times": False, "mask_and_scale": True, "decode_coords": True}
        if path.is_dir():
            ds = xr.open_zarr(path, chunks=None, consolidated=(path / ".zmetadata").is_file(), **options)
        else:
            ds = xr.open_dataset(path, chunks=None, cache=False, **options)
    except Exception as error:  # HDF5, zarr and numcodecs raise many kinds for damaged files
        said = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise DataError(f"{path.name} cannot be read as NetCDF or Zarr ({said}); download or make it again.") from error
    for array in ds.variables.values():  # CSR writes "Units"
        if "units" not in array.attrs and "Units" in array.attrs:
            array.attrs["units"] = array.attrs["Units"]
    with ds:
        yield ds


def look(path: Path, product: Product) -> GridFile:
    """Find coordinates, times and the product's fields in a file; raises `DataError` naming what is missing."""
    with opened(path) as ds:
        lat_name, lon_name = _coordinate(ds, _LAT, "latitude", "north"), _coordinate(ds, _LON, "longitude", "east")
        if lat_name is None or lon_name is None:
            place = _projected(ds)
            if place is None:
                raise DataError(f"{path.name} has no latitudes and longitudes; its variables are {_listed(ds)}.")
            lat, lon, y, x = place
        else:
            _check_size(path, ds, lat_name, lon_name)
            lat, lon = (np.asarray(ds[n].values, np.float64) for n in (lat_name, lon_name))
            dims = (ds[lat_name].dims[0], ds[lon_name].dims[-1]) if lat.ndim == 1 else ds[lat_name].dims
            y, x = (str(d) for d in dims)
        if y == x:
            raise DataError(f"{path.name} holds a list of places, not a grid; give it as a table of points.")
        _check_places(path, lat, lon)
        time = _time_name(ds)
        stamps, bounds = (None, None) if time is None else _stamps(ds, time, path)
        if time is None and product.time_in_name:
            stamps = _time_from_name(path, product.time_in_name)
        found: dict[str, Found] = {}
        for wanted in product.fields:  # a quantity may be held in several ways: the first that is there counts
            hit = None if wanted.name in found else _find(ds, wanted, str(y), str(x))
            if hit is not None:
                found[wanted.name] = hit
        used = {v for hit in found.values() for v in hit.variables}
        others = tuple(str(n) for n, a in ds.data_vars.items() if {y, x} <= set(a.dims) and n not in used)
        bound = [None if lat.ndim == 2 else _edges(ds, name) for name in (lat_name, lon_name)]
        hint = " ".join(str(ds.attrs.get(k, "")) for k in ("frequency", "time_coverage_resolution", "table_id"))
        months = next((str(d) for d in ds.dims if str(d).lower() in ("month", "months") and ds.sizes[d] == 12), None)
    return GridFile(
        path, lat, lon, str(y), str(x), bound[0], bound[1], time, stamps, bounds, f"{hint} {path.name}", found,
        others, months,
    )  # fmt: skip


def _coordinate(ds: xr.Dataset, names: tuple[str, ...], standard: str, direction: str) -> str | None:
    for name, array in ds.variables.items():
        units = str(array.attrs.get("units", "")).lower().replace("_", "").replace(" ", "")
        if array.ndim in (1, 2) and (
            array.attrs.get("standard_name") == standard or units in (f"degrees{direction[0]}", f"degree{direction}",
                                                                      f"degrees{direction}", f"degree{direction[0]}")
        ) and "bnds" not in str(name) and "bounds" not in str(name):  # fmt: skip
            return str(name)
    return next((n for n in names if n in ds.variables and ds[n].ndim in (1, 2)), None)


def _check_size(path: Path, ds: xr.Dataset, lat: str, lon: str) -> None:
    """Refuse, before reading, coordinates that no product has: a damaged header asks for any amount of memory."""
    cells = int(ds[lat].size) * (int(ds[lon].size) if ds[lat].ndim == 1 else 1)
    if cells > MOST_CELLS:
        raise DataError(f"{path.name} has a grid of {cells:,} cells, beyond {MOST_CELLS:,}; make it coarser first.")
    time = _time_name(ds)
    if time is not None and ds[time].size > MOST_STEPS:
        raise DataError(f"{path.name} has {ds[time].size:,} time steps, beyond {MOST_STEPS:,}; cut it into parts.")


def _check_places(path: Path, lat: NDArray[np.float64], lon: NDArray[np.float64]) -> None:
    if lat.size == 0 or lon.size == 0:
        raise DataError(f"{path.name} holds no cells; its latitudes or longitudes are empty.")
    if lat.ndim == 1:
        if not (np.isfinite(lat).all() and np.isfinite(lon).all()):
            raise DataError(f"{path.name} has missing latitudes or longitudes; mend its coordinates.")
        if np.abs(lat).max() > 90.001:
            swapped = " Latitude and longitude look swapped." if np.abs(lon).max() <= 90.001 else ""
            raise DataError(f"{path.name} has a latitude of {lat[np.abs(lat).argmax()]:g}, beyond 90 degrees.{swapped}")
        if np.ptp(lon) > 361 or np.abs(lon).max() > 540:
            raise DataError(f"{path.name} has longitudes from {lon.min():g} to {lon.max():g}, more than one turn.")


def _projected(ds: xr.Dataset) -> tuple[NDArray, NDArray, str, str] | None:
    """Latitudes and longitudes of the northern EASE-Grid (azimuthal equal-area about the pole) from x and y in metres.

    Sphere of radius 6371228 m (Brodzik and Knowles 2002); files of EASE-Grid 2.0 give latitudes themselves.
    """
    if not {"x", "y"} <= set(ds.variables) or ds["x"].ndim != 1 or ds["y"].ndim != 1:
        return None
    unit = 1e3 if str(ds["x"].attrs.get("units", "m")).lower() in ("km", "kilometers", "kilometres") else 1.0
    x, y = np.meshgrid(np.asarray(ds["x"].values, float) * unit, np.asarray(ds["y"].values, float) * unit)
    reach = np.hypot(x, y) / (2 * 6_371_228.0)
    with np.errstate(invalid="ignore"):
        lat = 90 - np.rad2deg(2 * np.arcsin(np.where(reach <= np.sqrt(0.5), reach, np.nan)))
    return lat, np.rad2deg(np.arctan2(x, -y)), "y", "x"


def _time_name(ds: xr.Dataset) -> str | None:
    for name in (*_TIMES, *map(str, ds.coords)):
        if name in ds.variables and " since " in str(ds[name].attrs.get("units", "")) and ds[name].ndim <= 1:
            return name
    return None


def _stamps(ds: xr.Dataset, time: str, path: Path) -> tuple[Stamps, NDArray[np.datetime64] | None]:
    axis = ds[time]
    units, calendar = str(axis.attrs["units"]), str(axis.attrs.get("calendar", "standard"))
    try:
        stamps = calendars.decode(np.atleast_1d(axis.values), units, calendar)
        name = str(axis.attrs.get("bounds", "")) or next((n for n in ("time_bnds", "time_bounds") if n in ds), "")
        bounds = None
        if name in ds.variables and ds[name].ndim == 2 and ds[name].shape == (stamps.when.size, 2):
            units = str(ds[name].attrs.get("units", units))
            flat = calendars.decode(ds[name].values.ravel(), units, calendar)
            bounds = flat.when.reshape(-1, 2)
    except DataError as error:
        raise DataError(f"{path.name}: {error}") from error
    return stamps, bounds


def _time_from_name(path: Path, pattern: str) -> Stamps | None:
    match = re.search(pattern, path.name)
    if match is None:
        raise DataError(f"{path.name} has no time axis and no date in its name; name it as the product does.")
    parts = [int(p) for p in match.groups() if p is not None]
    try:
        when = np.datetime64("{:04d}-{:02d}-{:02d}".format(*[*parts, 1][:3]), "s")
    except ValueError as error:
        raise DataError(f"{path.name} has no date in its name that exists; name it as the product does.") from error
    return Stamps(np.array([when]), np.ones(1, bool), "standard")


def _edges(ds: xr.Dataset, coordinate: str | None) -> NDArray[np.float64] | None:
    if coordinate is None:
        return None
    name = str(ds[coordinate].attrs.get("bounds", "")) or next(
        (n for n in (f"{coordinate}_bnds", f"{coordinate}_bounds") if n in ds.variables), ""
    )
    if name in ds.variables and ds[name].shape == (ds[coordinate].size, 2):
        return np.asarray(ds[name].values, np.float64)
    return None


def _find(ds: xr.Dataset, wanted: Field, y: str, x: str) -> Found | None:
    def usable(name: str) -> bool:
        return name in ds.variables and {y, x} <= set(ds[name].dims)

    folded = {str(n).casefold(): str(n) for n in ds.variables}
    first = next((folded[n.casefold()] for n in wanted.names if usable(folded.get(n.casefold(), ""))), None)
    if first is None:
        for name, array in ds.data_vars.items():
            if array.attrs.get("standard_name") in wanted.standard_names and usable(str(name)):
                first = str(name)
                break
    if first is None:
        return None
    second = next((folded[n.casefold()] for n in wanted.plus if usable(folded.get(n.casefold(), ""))), None)
    if wanted.plus and second is None:
        return None
    stated = str(ds[first].attrs.get("units", "")).strip()
    units = wanted.units if wanted.units and (not stated or stated in wanted.wrong) else stated
    integers = np.issubdtype(ds[first].encoding.get("dtype", ds[first].dtype), np.integer)
    packed = "scale_factor" in ds[first].encoding or "scale_factor" in ds[first].attrs
    return Found(wanted, tuple(n for n in (first, second) if n), units or "", bool(integers and not packed))


def read_block(ds: xr.Dataset, file: GridFile, name: str, steps: slice | None) -> NDArray[np.float64]:
    """Raw numbers (step, cell) of a variable for a run of time steps, row by row; fills are NaN.

    An ``expver`` dimension (ERA5 and its preliminary ERA5T) is folded: the first version with a value counts.
    """
    array = ds[name]
    times = () if file.time is None else ds[file.time].dims
    if steps is not None and times and times[0] in array.dims:
        array = array.isel({times[0]: steps})
    spare = [d for d in array.dims if d not in (file.y, file.x, *times)]
    for dim in spare:
        if array.sizes[dim] == 1:
            array = array.isel({dim: 0})
        elif str(dim) != "expver":
            raise DataError(
                f"'{name}' of {file.path.name} has a dimension '{dim}' of {array.sizes[dim]}; keep one of them."
            )
    try:
        values = np.asarray(array.values, np.float64)
    except Exception as error:  # a damaged chunk: HDF5, zarr and codecs raise many kinds
        raise DataError(f"'{name}' of {file.path.name} cannot be read ({error}); download it again.") from error
    values = _without_fills(values)
    if "expver" in array.dims:
        axis = array.dims.index("expver")
        parts = [np.take(values, i, axis) for i in range(values.shape[axis])]
        values = parts[0]
        for part in parts[1:]:
            values = np.where(np.isfinite(values), values, part)
        array = array.isel(expver=0)
    order = [d for d in array.dims if d not in (file.y, file.x)]
    values = np.transpose(values, [array.dims.index(d) for d in (*order, file.y, file.x)])
    return values.reshape(-1, values.shape[-1] * values.shape[-2])


def _without_fills(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fill values that the file does not declare become missing."""
    bad = np.abs(values) > HUGE
    for fill in FILLS:
        bad |= values == fill
    return np.where(bad, np.nan, values)


def _listed(ds: xr.Dataset) -> str:
    names = [str(n) for n in ds.variables]
    return ", ".join(names[:12]) + (", ..." if len(names) > 12 else "") if names else "none"
