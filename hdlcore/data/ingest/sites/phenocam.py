"""PhenoCam: 1-day and 3-day summaries of greenness (GCC) and of camera NDVI.

Layout: ``#`` lines with Site, ROI ID Number, Lat, Lon, Elev, Aggregation Period, then a CSV with date, gcc_90 or
ndvi_90, snow_flag and outlier flags; NA is missing (Seyednasrollah et al. 2019, doi:10.1038/s41597-019-0229-9).
The 90th percentile of the day's pictures is taken, as the network advises; outliers and days with snow are left out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.ingest.kinds import Kind, Options, Source, describe
from hdlcore.data.ingest.sites.attributes import Attributes
from hdlcore.data.ingest.sites.dates import read_days
from hdlcore.data.ingest.sites.site import Series, Site, check_range, file_entry, sorted_days, to_source
from hdlcore.data.ingest.sites.table import Table, read_table
from hdlcore.data.ingest.sites.towers import place_of
from hdlcore.errors import DataError

PRODUCT = "PhenoCam"
ATTRIBUTION = "PhenoCam network (CC BY 4.0), Seyednasrollah et al. 2019, doi:10.1038/s41597-019-0229-9."
_KEY = re.compile(r"#\s*(?P<key>[A-Za-z][A-Za-z ]*?):\s*(?P<value>[^#]*)")
#: Quantity -> columns, best first.
WANTED = {
    "ndvi_observed": ("ndvi_90", "ndvi_75", "ndvi_50", "ndvi_mean"),
    "gcc_observed": ("gcc_90", "gcc_75", "gcc_50", "gcc_mean"),
}


def read(files: Sequence[Path], options: Options) -> Source:
    """PhenoCam summaries as a `Source`, one cell for each camera and region of interest. Raises `DataError`."""
    sites: dict[str, Site] = {}
    periods: dict[str, int] = {}
    notes: list[str] = []
    for path in files:
        site, period = read_camera(path, options)
        other = sites.get(site.name)
        if other is None or set(other.values) & set(site.values):
            if other is not None and period >= periods[site.name]:
                notes.append(f"{path.name} was passed over: there is a {periods[site.name]}-day file of {site.name}.")
                continue
            if other is not None:
                notes.append(f"The {periods[site.name]}-day file of {site.name} was passed over for {path.name}.")
            sites[site.name], periods[site.name] = site, period
        else:
            sites[f"{site.name}_{'_'.join(name.split('_')[0] for name in site.values)}"] = site
    first = next(iter(sites.values()))
    first.notes[:0] = notes
    return to_source(list(sites.values()), options, "PhenoCam" if len(sites) > 1 else f"PhenoCam {first.name}")


def read_camera(path: Path, options: Options) -> tuple[Site, int]:
    """One summary file, and its period in days. A value of three days stands on the day that the file gives it."""
    table = read_table(path)
    about = header(table)
    if "site" not in about or not {c for columns in WANTED.values() for c in columns} & set(table.columns):
        raise DataError(
            f"{path} is not a PhenoCam summary: it lacks '# Site:' above, or gcc_90 or ndvi_90 among its columns."
        )
    days = read_days(table)
    notes: list[str] = []
    values: dict[str, Series] = {}
    taken = {}
    for name, columns in WANTED.items():
        column = next((c for c in columns if c in table.columns), None)
        if column is None:
            continue
        numbers = table.numbers(column)
        left_out = _flagged(table, f"outlierflag_{column}") | _flagged(table, "snow_flag")
        if (left_out & np.isfinite(numbers)).any():
            notes.append(f"{path.name}: {int(left_out.sum())} flagged as outliers or snow are missing in the cube.")
        numbers[left_out] = np.nan
        check_range(name, numbers, str(path), table.lines, column)
        values[name], taken[name] = numbers, column
    values = {name: numbers for name, numbers in values.items() if np.isfinite(numbers).any()}
    if not values:
        raise DataError(f"{path} holds no value at all, only missing ones; is it the right file?")
    if about.get("aggregation period") == "3":
        notes.append(f"{path.name}: one value in three days, on the middle day; the days between are missing.")
    days, values = sorted_days(days, values, str(path), table.lines, notes)
    name = f"{about['site']}_{about.get('veg type', 'XX')}_{about.get('roi id number', '0')}"
    place = _place(about, path, options)
    attrs = {n: describe(n, "observed", PRODUCT, comment=f"{taken[n]} of the camera's pictures") for n in values}
    entry = file_entry(path, PRODUCT, "phenocam", [f"{column} -> {n}" for n, column in taken.items()])
    period = about.get("aggregation period", "1")
    site = Site(
        name, days, values, attrs, [entry], place.lat, place.lon, np.nan, place.elevation, ATTRIBUTION, notes
    )  # fmt: skip
    return site, int(period) if period.isdigit() else 1


def header(table: Table) -> dict[str, str]:
    """The lines '# Key: value' above the table; two that lost the line break between them are told apart."""
    found = {}
    for line in table.comments:
        for part in _KEY.finditer(line):
            found[part["key"].strip().casefold()] = part["value"].strip()
    return found


def _flagged(table: Table, column: str) -> NDArray[np.bool_]:
    """Rows whose flag is set; NA and 0 are not."""
    if column not in table.columns:
        return np.zeros(len(table.frame), bool)
    flags: NDArray[np.bool_] = np.nan_to_num(table.numbers(column)) > 0
    return flags


def _place(about: dict[str, str], path: Path, options: Options) -> Attributes:
    place = place_of(about["site"], options)
    if np.isfinite([place.lat, place.lon]).all():
        return place
    try:
        lat, lon = float(about.get("lat", "nan")), float(about.get("lon", "nan"))
        elevation = float(about.get("elev", "nan"))
    except ValueError:
        raise DataError(f"{path}: 'Lat', 'Lon' or 'Elev' above the table is no number; correct it.") from None
    if abs(lat) > 90 or abs(lon) > 180 or not -500 < elevation < 9000:
        raise DataError(f"{path}: Lat {lat:g}, Lon {lon:g}, Elev {elevation:g} is no place on land; correct it.")
    return Attributes(lat=lat, lon=lon, elevation=elevation)


KIND = Kind(
    "phenocam",
    "PhenoCam greenness and NDVI",
    "1-day or 3-day summaries (SITE_VEG_ROI_1day.csv, ..._3day.csv, ..._ndvi_3day.csv), with their # lines.",
    (".csv",),
    "points",
    read,
)
