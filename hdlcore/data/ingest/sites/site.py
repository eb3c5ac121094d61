"""What every reader of sites comes to: sites with daily series, put side by side as one `Source`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.cubes import point_cells
from hdlcore.data.ingest.kinds import Frequency, Options, Piece, Source, fingerprint
from hdlcore.data.schema import expected_time, physical_range
from hdlcore.errors import DataError, RequestError
from hdlcore.variables import VARIABLES, variable

Days = NDArray[np.datetime64]
FIRST_YEAR, LAST_YEAR = 1700, 2200
Series = NDArray[np.floating[Any]]


@dataclass
class Site:
    """One place and its series, in canonical names and units.

    lat, lon : degrees, NaN where the source does not say (an anonymised basin).
    area : m2, NaN if unknown. elevation : m, NaN if unknown.
    time : rising days (or first days of months), datetime64[D], gaps allowed.
    values : name -> (time,) numbers; variables : name -> attributes as `kinds.describe` makes them.
    provenance : one dict per file; notes : sentences for the reader of the cube.
    """

    name: str
    time: Days
    values: dict[str, Series]
    variables: dict[str, dict[str, Any]]
    provenance: list[dict[str, Any]]
    lat: float = np.nan
    lon: float = np.nan
    area: float = np.nan
    elevation: float = np.nan
    attribution: str = ""
    notes: list[str] = field(default_factory=list)


def to_source(sites: Sequence[Site], options: Options, title: str, frequency: Frequency = "daily") -> Source:
    """Sites, sorted by name, as one `Source`: a cell each, on the time axis that holds them all.

    Raises
    ------
    DataError
        When two sites have one name.
    RequestError
        When `options.variables` asks for what no site has.
    """
    sites = sorted(sites, key=lambda site: site.name)
    doubled = [a.name for a, b in pairwise(sites) if a.name == b.name]
    if doubled:
        raise DataError(f"Two files give the site '{doubled[0]}'; give one, or rename a file.")
    variables = _variables(sites, options)
    known = [site.time for site in sites if site.time.size]
    if not known:
        raise DataError("No file holds a single day of data; check that they are the right ones.")
    _check_years(sites)
    time = expected_time(frequency, min(days[0] for days in known), max(days[-1] for days in known))
    return Source(
        layout="points",
        frequency=frequency,
        cells=_cells(sites),
        time=time,
        variables=variables,
        pieces=[_piece(at, site, list(variables), frequency) for at, site in enumerate(sites) if site.time.size],
        provenance=[entry for site in sites for entry in site.provenance],
        attribution=" ".join(dict.fromkeys(site.attribution for site in sites if site.attribution)) or "not stated",
        notes=[note for site in sites for note in site.notes],
        title=title,
    )


def _check_years(sites: Sequence[Site]) -> None:
    """Refuse days that cannot be meant: a slip in a year would stretch the axis over centuries."""
    for site in sites:
        years = site.time.astype("datetime64[Y]").astype(int) + 1970
        if years.size and not (years[0] >= FIRST_YEAR and years[-1] <= LAST_YEAR):
            wrong = years[0] if years[0] < FIRST_YEAR else years[-1]
            raise DataError(f"{site.name} has data of the year {wrong}, which cannot be; correct its dates.")


def _variables(sites: Sequence[Site], options: Options) -> dict[str, Mapping[str, Any]]:
    found: dict[str, Mapping[str, Any]] = {}
    for site in sites:
        for name, attrs in site.variables.items():
            found.setdefault(name, attrs)
    if options.variables is not None:
        absent = [name for name in options.variables if name not in found]
        if absent:
            raise RequestError(f"No file holds {absent[0]}; they hold {', '.join(found)}.")
        found = {name: attrs for name, attrs in found.items() if name in options.variables}
    return {name: found[name] for name in VARIABLES if name in found}  # in the table's order


def _cells(sites: Sequence[Site]) -> xr.Dataset:
    places = [np.array([getattr(site, name) for site in sites]) for name in ("lat", "lon", "area", "elevation")]
    cells = point_cells(places[0], places[1], [site.name for site in sites], places[2])
    if np.isfinite(places[3]).any():
        cells["elevation"] = ("cell", places[3].astype(np.float32), variable("elevation").attributes())
    return cells


def _piece(at: int, site: Site, names: Sequence[str], frequency: Frequency) -> Piece:
    def load() -> xr.Dataset:
        time = expected_time(frequency, site.time[0], site.time[-1])
        unit = "D" if frequency == "daily" else "M"
        rows = (site.time.astype(f"datetime64[{unit}]") - time[0].astype(f"datetime64[{unit}]")).astype(int)
        data = {}
        for name in names:
            if name in site.values:
                column = np.full((time.size, 1), np.nan, np.float32)
                column[rows, 0] = site.values[name]
                data[name] = (("time", "cell"), column)
        return xr.Dataset(data, coords={"time": time, "cell": np.array([at], np.int32)})

    return Piece(f"site {at} {site.name}", load)


def sorted_days(
    days: Days, values: dict[str, Series], place: str, lines: NDArray[np.int64], notes: list[str]
) -> tuple[Days, dict[str, Series]]:
    """Rows in rising order of days; rows that are there twice and agree count once.

    Parameters
    ----------
    days : (row,); values : name -> (row,); lines : the line of each row; place : what is read, for messages.
    notes : what was mended is appended here.

    Raises `DataError` naming both lines when a day is there twice with different values.
    """
    if np.any(np.diff(days.astype(np.int64)) < 0):
        order = np.argsort(days, kind="stable")
        days, lines = days[order], lines[order]
        values = {name: numbers[order] for name, numbers in values.items()}
        notes.append(f"{place}: the rows were not in the order of time and were sorted.")
    again = np.flatnonzero(np.diff(days.astype(np.int64)) == 0)
    for name, numbers in values.items():
        differs = again[~_same(numbers[again], numbers[again + 1])]
        if differs.size:
            at = int(differs[0])
            raise DataError(
                f"{place}: the day {days[at]} is there twice with different {name} (lines {lines[at]} and "
                f"{lines[at + 1]}); keep one of them."
            )
    if again.size:
        notes.append(f"{place}: {again.size} days were there twice with the same values and count once.")
        keep = np.ones(days.size, bool)
        keep[again + 1] = False
        days, values = days[keep], {name: numbers[keep] for name, numbers in values.items()}
    gaps = int(days[-1].astype(int) - days[0].astype(int)) + 1 - days.size if days.size else 0
    if gaps:
        notes.append(f"{place}: {gaps} days are left out of the file and are missing in the cube.")
    return days, values


def _same(a: Series, b: Series) -> NDArray[np.bool_]:
    return (a == b) | (np.isnan(a) & np.isnan(b))


def check_range(name: str, values: Series, place: str, lines: NDArray[np.int64], column: str) -> None:
    """Refuse what is physically impossible, with the line it stands on and the likely cause."""
    limits = physical_range(name)
    if limits is None:
        return
    with np.errstate(invalid="ignore"):
        off = (values < limits[0]) | (values > limits[1])
    if not off.any():
        return
    at = int(np.flatnonzero(off)[0])
    units = variable(name).units
    share = off.sum() / np.isfinite(values).sum()
    if share > 0.5:
        why = f"the units are not {units}; say them in the header, as in '{column}(UNITS)'"
    elif name == "air_temperature" and values[at] > 150:
        why = "degrees and kelvins seem to be mixed in one column; convert one of them"
    else:
        why = "correct it, or leave it blank"
    raise DataError(
        f"{place}, line {lines[at]}: {values[at]:.6g} {units} in column '{column}' cannot be "
        f"{variable(name).long_name} ({limits[0]:g} to {limits[1]:g}): {why}."
    )


def file_entry(path: Path, product: str, reader: str, conversions: Sequence[str]) -> dict[str, Any]:
    """The provenance of one input file."""
    return {
        "file": path.name,
        "sha256": fingerprint(path),
        "product": product,
        "reader": reader,
        "conversions": list(conversions),
    }
