"""Catchments: a CSV of daily series each, with the attributes in a JSON or CSV beside it.

Columns may be missing: the cube then lacks them, and a model that needs them says so. What a column holds is read
from its name (`columns`), its units from the header, a second header line or the attributes; discharge by volume
becomes mm d-1 over the catchment's area.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hdlcore.data.ingest.kinds import Kind, Options, Origin, Source, describe
from hdlcore.data.ingest.sites.attributes import Attributes, beside, depth_factor, known_units, read_attributes
from hdlcore.data.ingest.sites.columns import Column, read_column
from hdlcore.data.ingest.sites.dates import date_columns, read_days
from hdlcore.data.ingest.sites.site import Series, Site, check_range, file_entry, sorted_days, to_source
from hdlcore.data.ingest.sites.table import MISSING_NUMBERS, MISSING_SMALL, Table, read_table
from hdlcore.data.ingest.units import can_convert, conversion
from hdlcore.errors import DataError
from hdlcore.variables import variable

PRODUCT = "catchment table"
DAY = 86_400.0
#: Quantities that are not measured but worked out, from temperature or a table of monthly normals.
_DERIVED = {"potential_evapotranspiration"}
_SMALL_IS_MISSING = {"precipitation", "air_temperature", "tmin", "tmax", "runoff_observed", "swe_observed",
                     "potential_evapotranspiration"}  # fmt: skip
_KELVIN_FROM = 150.0


@dataclass(frozen=True)
class _Read:
    """A column in canonical units, and the sentence on its conversion ('' for none)."""

    column: Column
    values: Series
    says: str


def read(files: Sequence[Path], options: Options) -> Source:
    """Catchment tables as a `Source`; see the module. Raises `DataError` in one sentence."""
    tables = [path for path in files if path.suffix.lower() != ".json"]
    loose = [path for path in files if path.suffix.lower() == ".json"]
    if not tables:
        where = read_attributes(loose[0]) if loose else {}
        raise DataError(
            f"{loose[0]} describes {len(where)} sites but there is no table of daily series; give the CSV too."
        )
    about: dict[str, Attributes] = {}
    if options.attributes is not None:
        about = read_attributes(options.attributes)
    for path in loose:
        about |= {name or path.stem: found for name, found in read_attributes(path).items()}
    sites = [read_catchment(path, attributes_of(path, about)) for path in tables]
    return to_source(sites, options, "Catchments" if len(sites) > 1 else sites[0].name)


def attributes_of(path: Path, about: dict[str, Attributes]) -> Attributes:
    """The attributes of a series file: by its stem in what was given, else in the file beside it, else unknown."""
    if path.stem in about:
        return about[path.stem]
    stems = [name for name in about if name and (path.stem.startswith(f"{name}_") or path.stem.lstrip("0") == name)]
    if len(stems) == 1:
        return about[stems[0]]
    if list(about) == [""]:
        return about[""]
    near = beside(path)
    if near is not None:
        found = read_attributes(near)
        return found.get(path.stem) or next(iter(found.values()))
    return Attributes()


def read_catchment(path: Path, about: Attributes) -> Site:
    """One table of daily series."""
    table = read_table(path)
    days = read_days(table)
    notes: list[str] = []
    columns = _columns(table, about, notes)
    reads = {name: _values(table, column, about) for name, column in columns.items()}
    _mean_temperature(reads, notes, table)
    for name, found in reads.items():
        check_range(name, found.values, str(path), table.lines, found.column.header)
    _check_discharge(reads, path)
    values = {name: found.values for name, found in reads.items()}
    days, values = sorted_days(days, values, str(path), table.lines, notes)
    if not any(np.isfinite(numbers).any() for numbers in values.values()):
        raise DataError(f"{path} holds no value at all, only missing ones; is it the right file?")
    values = {name: numbers for name, numbers in values.items() if np.isfinite(numbers).any()}
    notes += [f"{path.name}: '{reads[name].column.header}' has no value." for name in reads if name not in values]
    says = [f"{reads[name].column.header}: {reads[name].says}" for name in values if reads[name].says]
    return Site(
        path.stem, days, values, {name: describe(name, _origin(name), about.source or PRODUCT) for name in values},
        [file_entry(path, about.source or PRODUCT, "catchments", says)],
        about.lat, about.lon, about.area, about.elevation, _credit(about), notes + _place_notes(path, about),
    )  # fmt: skip


def _origin(name: str) -> Origin:
    return "derived" if name in _DERIVED else "observed"


def _credit(about: Attributes) -> str:
    return f"{about.source}{f' ({about.license})' if about.license else ''}." if about.source else ""


def _place_notes(path: Path, about: Attributes) -> list[str]:
    notes = [f"{path.stem}: {about.note}."] if about.note else []
    if math.isnan(about.lat) or math.isnan(about.lon):
        notes.append(
            f"{path.stem}: its place is not known, so no map can show it; lat and lon belong in the attributes."
        )
    return notes


def _columns(table: Table, about: Attributes, notes: list[str]) -> dict[str, Column]:
    """Quantity -> column; what is not known is passed over with a note, and a doubled quantity refused."""
    dates = set(date_columns(table.columns))
    found: dict[str, Column] = {}
    unknown = []
    for header in table.columns:
        if header in dates:
            continue
        units = table.units.get(header) or about.units.get(header) or ""
        column = read_column(header, units)
        if column is None:
            unknown.append(header)
            continue
        if not column.units and (said := about.units.get(column.name)):
            column = Column(header, column.name, known_units(said))
        if column.name in found:
            other = found[column.name]
            column = _better(table, other, column)
        found[column.name] = column
    if not found:
        shown = ", ".join(f"'{name}'" for name in unknown[:6])
        raise DataError(
            f"{table.path} has no column that is known here (it has {shown}); name them precipitation, "
            "air_temperature, potential_evapotranspiration, discharge."
        )
    if unknown:
        notes.append(f"{table.path.name}: columns that are not known here were left out: {', '.join(unknown[:12])}.")
    return found


def _better(table: Table, one: Column, other: Column) -> Column:
    """Of two columns for one quantity, the depth of water before its volume; anything else is refused."""
    if one.name == "runoff_observed":
        depths = [column for column in (one, other) if column.units and can_convert(column.units, "mm d-1", DAY)]
        if len(depths) == 1:
            return depths[0]
    raise DataError(
        f"{table.path}: the columns '{one.header}' and '{other.header}' both seem to be {one.name}; remove one of them."
    )


def _values(table: Table, column: Column, about: Attributes) -> _Read:
    """A column in canonical units."""
    name = "air_temperature" if column.name in ("tmin", "tmax") else column.name
    missing = MISSING_NUMBERS + (MISSING_SMALL if column.name in _SMALL_IS_MISSING else ())
    raw = table.numbers(column.header, missing)
    wanted, place = variable(name).units, f"{table.path}, column '{column.header}'"
    if not column.units:
        return _Read(column, raw, "units not said, taken as " + wanted)
    if name == "runoff_observed" and can_convert(column.units, "m3 s-1"):
        factor, says = depth_factor(column.units, about.area, place)
        return _Read(column, raw * factor, says)
    try:
        convert = conversion(column.units, wanted, DAY)
    except DataError:
        raise DataError(
            f"{place}: its units '{column.units}' cannot be turned into {wanted}; mend the header, as in "
            f"'{column.header.split('(')[0].strip()}({wanted})'."
        ) from None
    if convert.months:
        raise DataError(f"{place}: units by the month have no place in a table of days; make them {wanted}.")
    return _Read(column, raw * convert.factor + convert.offset, convert.says)


def _mean_temperature(reads: dict[str, _Read], notes: list[str], table: Table) -> None:
    """Take off tmin and tmax; where there is no mean temperature, it is the middle of the two."""
    path, lines = table.path, table.lines
    low, high = reads.pop("tmin", None), reads.pop("tmax", None)
    if low is None or high is None or "air_temperature" in reads:
        return
    for found in (low, high):
        check_range("air_temperature", found.values, str(path), lines, found.column.header)
    header = f"{low.column.header}, {high.column.header}"
    middle = (low.values + high.values) / 2
    reads["air_temperature"] = _Read(Column(header, "air_temperature", "degC"), middle, "mean of the two")
    notes.append(f"{path.name}: air temperature is the middle of '{low.column.header}' and '{high.column.header}'.")


def _check_discharge(reads: dict[str, _Read], path: Path) -> None:
    """Refuse a discharge without units that runs off more than rained: it is most likely a volume."""
    rain, flow = reads.get("precipitation"), reads.get("runoff_observed")
    if rain is None or flow is None or flow.column.units:
        return
    both = np.isfinite(rain.values) & np.isfinite(flow.values)
    if both.sum() >= 365 and flow.values[both].mean() > 1.5 * rain.values[both].mean():
        raise DataError(
            f"{path}: column '{flow.column.header}' has no units, and as mm d-1 more would run off than rained; if it "
            f"is m3 s-1, name it '{flow.column.header}(m3/s)' and give area_km2."
        )


KIND = Kind(
    "catchments",
    "Catchments: CSV of daily series",
    "One CSV per catchment with a date column and any of precipitation, air temperature, potential evapotranspiration, "
    "discharge, ...; attributes (lat, lon, area_km2) in NAME.json beside NAME.csv, or all in --attributes FILE.",
    (".csv", ".txt", ".tsv", ".dat", ".json"),
    "points",
    read,
)
