"""CAMELS (US) as it is published: basin mean forcing and USGS streamflow, a text file of each for each basin.

Forcing (BASIN_lump_cida_forcing_leap.txt is Daymet; also _maurer_, _nldas_): latitude, elevation (m) and area (m2) on
three lines, then ``Year Mnth Day Hr Dayl(s) PRCP(mm/day) SRAD(W/m2) SWE(mm) Tmax(C) Tmin(C) Vp(Pa)``. Streamflow
(BASIN_streamflow_qc.txt): basin, year, month, day, ft3 s-1, flag, without a header; -999 is missing.
Newman et al. 2015, doi:10.5194/hess-19-209-2015; Addor et al. 2017, doi:10.5194/hess-21-5293-2017.
The SWE in the forcing is a model's and left out. Daymet's SRAD is the mean over the hours of daylight, so it is scaled
to the day; what it is in the other two is not documented, so it is left out.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from hdlcore.data.ingest.kinds import Kind, Options, Source, describe
from hdlcore.data.ingest.sites.attributes import Attributes, depth_factor, read_attributes
from hdlcore.data.ingest.sites.dates import read_days
from hdlcore.data.ingest.sites.site import Days, Series, Site, check_range, file_entry, sorted_days, to_source
from hdlcore.data.ingest.sites.table import MISSING_NUMBERS, Table, find_encoding
from hdlcore.errors import DataError

PRODUCT = "CAMELS"
ATTRIBUTION = (
    "CAMELS (CC BY 4.0), Newman et al. 2015, doi:10.5194/hess-19-209-2015; Addor et al. 2017, "
    "doi:10.5194/hess-21-5293-2017; streamflow of the USGS."
)
_BASIN = re.compile(r"^(?P<basin>\d{7,8})_(?P<what>streamflow|lump)", re.I)
_FLOW = ("basin", "year", "month", "day", "flow", "flag")
_MOST_LINES = 100_000


def read(files: Sequence[Path], options: Options) -> Source:
    """CAMELS forcing and streamflow files of any number of basins as a `Source`. Raises `DataError`."""
    basins: dict[str, dict[str, Path]] = {}
    for path in files:
        match = _BASIN.match(path.name)
        if match is None:
            raise DataError(
                f"{path} is not named as CAMELS does: BASIN_lump_..._forcing_leap.txt or BASIN_streamflow_qc.txt."
            )
        what = match["what"].lower()
        if what in basins.setdefault(match["basin"].zfill(8), {}):
            raise DataError(f"{path}: there are two {what} files of one basin; give one forcing product only.")
        basins[match["basin"].zfill(8)][what] = path
    about = read_attributes(options.attributes) if options.attributes is not None else {}
    about = {name.zfill(8): found for name, found in about.items()}
    sites = [_read_basin(name, parts, about.get(name, Attributes())) for name, parts in basins.items()]
    return to_source(sites, options, f"CAMELS, {len(sites)} basins" if len(sites) > 1 else f"CAMELS {sites[0].name}")


def _read_basin(name: str, parts: dict[str, Path], about: Attributes) -> Site:
    notes: list[str] = []
    says: dict[str, list[str]] = {}
    records: list[tuple[Days, dict[str, Series]]] = []
    if "lump" in parts:
        about, days, values = _forcing(parts["lump"], about, notes)
        records.append((days, values))
        says["lump"] = ["Tmax, Tmin: mean of the two", "SRAD: mean over daylight -> over the day, x Dayl / 86400"]
    if "streamflow" in parts:
        days, values, said = _streamflow(parts["streamflow"], about, notes)
        records.append((days, values))
        says["streamflow"] = [said]
    first, last = min(d[0] for d, _ in records), max(d[-1] for d, _ in records)
    time = np.arange(first, last + np.timedelta64(1, "D"))
    joined = {}
    for days, values in records:
        for quantity, series in values.items():
            joined[quantity] = np.full(time.size, np.nan)
            joined[quantity][(days - first).astype(int)] = series
    return Site(
        name, time, joined, {quantity: describe(quantity, "observed", PRODUCT) for quantity in joined},
        [file_entry(path, PRODUCT, "camels", says[what]) for what, path in parts.items()],
        about.lat, about.lon, about.area, about.elevation, ATTRIBUTION, notes,
    )  # fmt: skip


def _table(path: Path, skip: int, columns: tuple[str, ...] | None) -> tuple[list[str], Table]:
    """The lines above, and the rows of words below them as a table; `columns` None takes them from the line after."""
    with path.open(encoding=find_encoding(path)) as file:
        lines = [line.rstrip("\n") for _, line in zip(range(_MOST_LINES), file, strict=False)]
    head, rest = lines[:skip], list(enumerate(lines[skip:], skip + 1))
    if columns is None:
        if not rest:
            raise DataError(f"{path} ends before its header; fetch it again.")
        columns = tuple(word.split("(")[0].casefold() for word in rest[0][1].split())
        rest = rest[1:]
    rows = [(number, line.split()) for number, line in rest if line.strip()]
    uneven = [number for number, cells in rows if len(cells) != len(columns)]
    if uneven or not rows:
        where = f"line {uneven[0]}" if uneven else "the end"
        raise DataError(f"{path}, {where}: there should be {len(columns)} columns; is the file cut short?")
    frame = pd.DataFrame([cells for _, cells in rows], columns=list(columns), dtype=str)
    return head, Table(path, columns, frame, np.array([number for number, _ in rows]))


def _forcing(path: Path, about: Attributes, notes: list[str]) -> tuple[Attributes, Days, dict[str, Series]]:
    head, table = _table(path, 3, None)
    try:
        lat, elevation, area = (float(line) for line in head)
    except ValueError:
        raise DataError(f"{path} does not begin with latitude, elevation and area; is it CAMELS forcing?") from None
    if not (abs(lat) <= 90 and -500 < elevation < 9000 and 1e5 < area < 1e13):
        raise DataError(f"{path} begins with {lat:g}, {elevation:g}, {area:g}, which are no latitude, height and area.")
    lacking = {"prcp", "tmax", "tmin", "srad", "year"} - set(table.columns)
    if lacking or len(set(table.columns)) != len(table.columns):
        raise DataError(
            f"{path} lacks the column {', '.join(sorted(lacking)) or 'names of CAMELS'}; is it CAMELS forcing?"
        )
    series = {name: table.numbers(name, MISSING_NUMBERS) for name in ("prcp", "srad", "tmax", "tmin")}
    values: dict[str, Series] = {
        "precipitation": series["prcp"],
        "air_temperature": (series["tmax"] + series["tmin"]) / 2,
    }
    if "_cida_" in path.name.lower():
        values["shortwave_radiation"] = series["srad"] * _daylight(table)
    for quantity, column in zip(values, ("prcp", "tmax, tmin", "srad"), strict=False):
        check_range(quantity, values[quantity], str(path), table.lines, column)
    known = replace(
        about,
        lat=lat if math.isnan(about.lat) else about.lat,
        elevation=elevation if math.isnan(about.elevation) else about.elevation,
        area=area if math.isnan(about.area) else about.area,
    )
    return known, *sorted_days(read_days(table), values, str(path), table.lines, notes)


def _daylight(table: Table) -> Series:
    """Share of the day that is daylight, from Dayl (s): Daymet's SRAD is the mean over that part alone."""
    if "dayl" not in table.columns:
        raise DataError(f"{table.path} lacks the column Dayl, which SRAD needs; is it CAMELS forcing?")
    seconds = table.numbers("dayl")
    return np.where((seconds >= 0) & (seconds <= 86_400), seconds / 86_400, np.nan)


def _streamflow(path: Path, about: Attributes, notes: list[str]) -> tuple[Days, dict[str, Series], str]:
    _, table = _table(path, 0, _FLOW)
    factor, says = depth_factor("ft3 s-1", about.area, str(path))
    flow = table.numbers("flow", MISSING_NUMBERS) * factor
    check_range("runoff_observed", flow, str(path), table.lines, "flow")
    days, values = sorted_days(read_days(table), {"runoff_observed": flow}, str(path), table.lines, notes)
    return days, values, says


KIND = Kind(
    "camels",
    "CAMELS (US) basins",
    "BASIN_lump_..._forcing_leap.txt and BASIN_streamflow_qc.txt of any number of basins; the area is in the forcing. "
    "Longitudes: --attributes camels_topo.txt or another table of gauge_id, gauge_lat, gauge_lon.",
    (".txt",),
    "points",
    read,
)
