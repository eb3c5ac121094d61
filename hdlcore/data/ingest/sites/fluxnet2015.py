"""FLUXNET2015: daily (DD), half-hourly (HH) and hourly (HR) files, FULLSET or SUBSET.

Layout and meaning of the columns: Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3, and the FLUXNET2015 data
product description. Missing is -9999. In DD files ``X_QC`` is the share of the day that was measured or filled with
good quality; in HH and HR files it is 0 (measured), 1 (filled, good), 2 (medium) or 3 (poor), and 2 (ERA) for weather.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from hdlcore.data.ingest.kinds import Kind, Options, Source
from hdlcore.data.ingest.sites.site import Days, Series, Site, sorted_days, to_source
from hdlcore.data.ingest.sites.table import Table, read_table
from hdlcore.data.ingest.sites.towers import GOOD, Tower, make_steps, no_contradiction, to_site
from hdlcore.data.ingest.units import conversion
from hdlcore.errors import DataError
from hdlcore.variables import variable

PRODUCT = "FLUXNET2015"
ATTRIBUTION = (
    "FLUXNET2015 (CC BY 4.0), Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3, and the teams of the sites."
)
_NAME = re.compile(
    r"(?P<network>[A-Z]{3})_(?P<site>[A-Za-z]{2}-[A-Za-z0-9]{3})_(?P<product>FLUXNET\w*?|FLUXNET-CH4)_"
    r"(?P<set>FULLSET|SUBSET|ERAI|ERA5|AUXMETEO|AUXNEE)_(?:(?P<step>DD|HH|HR|WW|MM|YY)_)?", re.I,
)  # fmt: skip
_STEPS = {"WW": "weekly", "MM": "monthly", "YY": "yearly"}


@dataclass(frozen=True)
class Wanted:
    """A quantity: its columns, best first, and their units in daily and in half-hourly files."""

    name: str
    columns: tuple[str, ...]
    daily: str
    half_hourly: str
    target: bool = False


_C = ("gC m-2 d-1", "umol m-2 s-1", True)
WANTED = (
    Wanted("precipitation", ("P_F", "P"), "mm d-1", "mm"),
    Wanted("air_temperature", ("TA_F", "TA_F_MDS"), "degC", "degC"),
    Wanted("net_radiation", ("NETRAD",), "W m-2", "W m-2"),
    Wanted("shortwave_radiation", ("SW_IN_F", "SW_IN_F_MDS"), "W m-2", "W m-2"),
    Wanted("longwave_radiation", ("LW_IN_F", "LW_IN_F_MDS"), "W m-2", "W m-2"),
    Wanted("vapour_pressure_deficit", ("VPD_F", "VPD_F_MDS"), "hPa", "hPa"),
    Wanted("wind_speed", ("WS_F", "WS"), "m s-1", "m s-1"),
    Wanted("co2", ("CO2_F_MDS",), "1e-6", "1e-6"),
    Wanted("latent_heat_observed", ("LE_F_MDS",), "W m-2", "W m-2", True),
    Wanted("sensible_heat_observed", ("H_F_MDS",), "W m-2", "W m-2", True),
    Wanted("ground_heat_observed", ("G_F_MDS",), "W m-2", "W m-2", True),
    Wanted("soil_water_observed", ("SWC_F_MDS_1",), "percent", "percent", True),
    Wanted("nee_observed", ("NEE_VUT_REF", "NEE_CUT_REF"), *_C),
    Wanted("gpp_observed", ("GPP_NT_VUT_REF", "GPP_NT_CUT_REF", "GPP_DT_VUT_REF", "GPP_DT_CUT_REF"), *_C),
    Wanted("reco_observed", ("RECO_NT_VUT_REF", "RECO_NT_CUT_REF", "RECO_DT_VUT_REF", "RECO_DT_CUT_REF"), *_C),
)
TIMES = ("TIMESTAMP", "TIMESTAMP_START", "TIMESTAMP_END")


def read(files: Sequence[Path], options: Options) -> Source:
    """FLUXNET2015 files of any number of sites as a `Source`. Raises `DataError` in one sentence."""
    notes: list[str] = []
    chosen = _choose(files, notes)
    sites = [_read_site(name, paths, options) for name, paths in chosen.items()]
    sites[0].notes[:0] = notes
    return to_source(sites, options, f"FLUXNET2015 {', '.join(chosen)}" if len(chosen) < 4 else "FLUXNET2015 towers")


def _choose(files: Sequence[Path], notes: list[str]) -> dict[str, list[Path]]:
    """Site -> its files: days before hours, FULLSET before SUBSET; other files of the product are passed over."""
    ranked: dict[str, dict[tuple[int, str], list[Path]]] = {}
    passed = []
    for path in files:
        match = _NAME.search(path.name)
        step = (match["step"] or "").upper() if match else ""
        if match is None:
            columns = _sniff(path)
            step = "DD" if "TIMESTAMP" in columns else "HH"
            site = path.stem
        else:
            site = match["site"][:2].upper() + match["site"][2:]
            if match["set"].upper() not in ("FULLSET", "SUBSET") or step not in ("DD", "HH", "HR"):
                what = _STEPS.get(step, match["set"].upper())
                passed.append((path, what))
                continue
        rank = (0 if step == "DD" else 1, match["set"].upper() if match else "FULLSET")
        ranked.setdefault(site, {}).setdefault(rank, []).append(path)
    if not ranked:
        path, what = passed[0]
        raise DataError(f"{path} is the {what} file of FLUXNET2015, which is not read; give the DD or HH file.")
    notes += [f"{path.name} ({what}) was passed over." for path, what in passed]
    chosen = {}
    for site, by_rank in ranked.items():
        best, *others = sorted(by_rank)
        chosen[site] = sorted(by_rank[best])
        passed_over = [path.name for rank in others for path in by_rank[rank]]
        notes += [f"{other} was passed over: {site} has daily or fuller files." for other in passed_over]
    return chosen


def _sniff(path: Path) -> tuple[str, ...]:
    """The columns of a file whose name is not that of the product; refuses one that is not of it by its columns."""
    columns = read_table(path, TIMES).columns
    known = {column for wanted in WANTED for column in wanted.columns}
    if not set(TIMES) & set(columns) or not known & set(columns):
        lacks = "TA_F, LE_F_MDS, ..." if set(TIMES) & set(columns) else "TIMESTAMP"
        raise DataError(f"{path} is not FLUXNET2015: it lacks {lacks}; for a table of your own use --as catchments.")
    return columns


def _read_site(name: str, paths: list[Path], options: Options) -> Site:
    wanted = {c for w in WANTED for column in w.columns for c in (column, f"{column}_QC")} | set(TIMES)
    tables = [read_table(path, wanted) for path in paths]
    parts = [_daily(name, t) if "TIMESTAMP" in t.columns else _half_hourly(name, t) for t in tables]
    tower = parts[0] if len(parts) == 1 else _joined(parts, paths)
    tower.keep_observed([w.name for w in WANTED if w.target], GOOD)
    share = tower.shares.get("nee_observed")
    for part in ("gpp_observed", "reco_observed"):  # they stand on the measured exchange
        if part in tower.values and share is not None:
            tower.values[part] = np.where(np.nan_to_num(share) >= GOOD, tower.values[part], np.nan)
    tower.notes.append(
        f"{name}: fluxes count where at least {GOOD:.0%} of the day was measured or filled with good quality; "
        "weather is filled where it was not measured (see weather_coverage)."
    )
    return to_site(tower, paths, PRODUCT, "fluxnet2015", ATTRIBUTION, options)


def _daily(name: str, table: Table) -> Tower:
    days = stamps(table, "TIMESTAMP", "%Y%m%d").astype("datetime64[D]")
    values: dict[str, Series] = {c: table.numbers(c, (-9999.0,)) for c in table.frame.columns if c not in TIMES}
    notes: list[str] = []
    days, values = sorted_days(days, values, str(table.path), table.lines, notes)
    tower = Tower(name, days, notes=notes)
    for wanted in WANTED:
        column = next((c for c in wanted.columns if c in values and np.isfinite(values[c]).any()), None)
        if column is not None:
            convert = conversion(wanted.daily, variable(wanted.name).units)
            tower.add(wanted.name, values[column] * convert.factor + convert.offset, values.get(f"{column}_QC"), column)
            tower.conversions += [f"{column}: {convert.says}"] if convert.says else []
    return tower


def _half_hourly(name: str, table: Table) -> Tower:
    start = next((column for column in TIMES[1:] if column in table.columns), None)
    if start is None:
        raise DataError(f"{table.path} lacks TIMESTAMP, TIMESTAMP_START and TIMESTAMP_END; is it FLUXNET2015?")
    starts = stamps(table, start, "%Y%m%d%H%M")
    values = {c: table.numbers(c, (-9999.0,)) for c in table.frame.columns if c not in TIMES}
    note = no_contradiction(starts, values, str(table.path))
    if start == "TIMESTAMP_END":
        starts = starts - np.timedelta64(30, "m")
    steps, order = make_steps(starts, str(table.path))
    tower = Tower(name, steps.days, notes=[note] if note else [])
    for wanted in WANTED:
        column = next((c for c in wanted.columns if c in values and np.isfinite(values[c]).any()), None)
        if column is None:
            continue
        series, quality = values[column][order], values.get(f"{column}_QC")
        convert = conversion(wanted.half_hourly, variable(wanted.name).units, steps.minutes * 60.0)
        with np.errstate(invalid="ignore"):
            good = np.isfinite(series) & (True if quality is None else quality[order] <= 1)
        tower.add(wanted.name, steps.mean(series) * convert.factor + convert.offset, steps.share(good), column)
        tower.conversions.append(f"{column}: mean of the day{f'; {convert.says}' if convert.says else ''}")
    return tower


def stamps(table: Table, column: str, form: str) -> Days:
    """Time stamps such as 20090101 or 200901010030, datetime64[m]; refuses one that is none, with its line."""
    text = table.text(column).str.removesuffix(".0")
    found = pd.to_datetime(text, format=form, errors="coerce")
    bad = found.isna().to_numpy() | (text.str.len() != (8 if form == "%Y%m%d" else 12)).to_numpy()
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        shown = f"'{text.iloc[at]:.30}' in {column}"
        raise DataError(f"{table.path}, line {table.lines[at]}: {shown} is no time; is the file whole?")
    return found.to_numpy().astype("datetime64[m]")


def _joined(parts: list[Tower], paths: list[Path]) -> Tower:
    """Files of one site that follow each other in time as one."""
    parts = sorted(parts, key=lambda part: part.days[0])
    days = np.concatenate([part.days for part in parts])
    if np.any(np.diff(days.astype(np.int64)) <= 0):
        raise DataError(f"{paths[0].name} and {paths[-1].name} hold the same days of one site; give one of them.")
    whole = Tower(parts[0].name, days, notes=[n for p in parts for n in p.notes], conversions=parts[0].conversions)

    def joined(field: str, name: str) -> np.ndarray:
        return np.concatenate([getattr(p, field).get(name, np.full(p.days.size, np.nan)) for p in parts])

    for name in dict.fromkeys(name for part in parts for name in part.values):
        with_share = any(name in part.shares for part in parts)
        comment = next(part.comments[name] for part in parts if name in part.comments)
        whole.add(name, joined("values", name), joined("shares", name) if with_share else None, comment)
    return whole


KIND = Kind(
    "fluxnet2015",
    "FLUXNET2015 towers",
    "Daily (DD) or half-hourly (HH, HR) files, FULLSET or SUBSET, of one or many sites; half hours become days, and "
    "the share of measured data is kept. Places of sites: --attributes FILE with name, lat, lon.",
    (".csv",),
    "points",
    read,
)
