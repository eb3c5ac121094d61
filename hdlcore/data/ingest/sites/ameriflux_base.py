"""AmeriFlux BASE: half-hourly or hourly files of a tower, as its team sends them, mostly not filled.

Layout: ``# Site:`` and ``# Version:`` above the header; TIMESTAMP_START, TIMESTAMP_END as YYYYMMDDHHMM in local
standard time; missing is -9999; names with qualifiers ``_F`` (filled), ``_PI`` (by the tower's team) and positions
``_H_V_R`` (horizontal, vertical, replicate), the first of each being the one of the site's choice. Units: FP standard
(ameriflux.lbl.gov/data/aboutdata/data-variables): TA degC, P mm, PA kPa, VPD hPa, SWC and RH %, fluxes W m-2 and
umolCO2 m-2 s-1.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hdlcore.data.ingest.kinds import Kind, Options, Source
from hdlcore.data.ingest.sites.fluxnet2015 import stamps
from hdlcore.data.ingest.sites.site import Series, Site, to_source
from hdlcore.data.ingest.sites.table import Table, read_table
from hdlcore.data.ingest.sites.towers import MEASURED, Tower, make_steps, no_contradiction, to_site
from hdlcore.data.ingest.units import conversion
from hdlcore.errors import DataError
from hdlcore.variables import variable

PRODUCT = "AmeriFlux BASE"
_SITE = re.compile(r"#\s*Site:\s*(?P<site>[A-Za-z]{2}-[A-Za-z0-9]{3})")
_FILE = re.compile(r"AMF_(?P<site>[A-Za-z]{2}-[A-Za-z0-9]{3})_BASE", re.I)
_POSITION = re.compile(r"^(?P<name>.+?)(?:_(?P<h>\d)_(?P<v>\d+)_(?P<r>\d|A))?$")

_CARBON = "umol m-2 s-1"
#: Quantity -> units, names of measured series (best first), names of filled ones.
WANTED: dict[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "precipitation": ("mm", ("P", "P_RAIN"), ("P_F", "P_PI_F")),
    "air_temperature": ("degC", ("TA", "TA_PI"), ("TA_F", "TA_PI_F")),
    "net_radiation": ("W m-2", ("NETRAD", "NETRAD_PI"), ("NETRAD_F", "NETRAD_PI_F")),
    "shortwave_radiation": ("W m-2", ("SW_IN", "SW_IN_PI"), ("SW_IN_F", "SW_IN_PI_F")),
    "longwave_radiation": ("W m-2", ("LW_IN", "LW_IN_PI"), ("LW_IN_F", "LW_IN_PI_F")),
    "vapour_pressure_deficit": ("hPa", ("VPD", "VPD_PI"), ("VPD_F", "VPD_PI_F")),
    "wind_speed": ("m s-1", ("WS",), ("WS_F", "WS_PI_F")),
    "latent_heat_observed": ("W m-2", ("LE", "LE_PI"), ("LE_F", "LE_PI_F")),
    "sensible_heat_observed": ("W m-2", ("H", "H_PI"), ("H_F", "H_PI_F")),
    "ground_heat_observed": ("W m-2", ("G", "G_PI"), ("G_F", "G_PI_F")),
    "soil_water_observed": ("percent", ("SWC", "SWC_PI"), ("SWC_F", "SWC_PI_F")),
    "nee_observed": (_CARBON, ("NEE", "NEE_PI", "FC"), ("NEE_F", "NEE_PI_F", "FC_F", "FC_PI_F")),
    "gpp_observed": (_CARBON, (), ("GPP_PI_F", "GPP_PI", "GPP_F")),
    "reco_observed": (_CARBON, (), ("RECO_PI_F", "RECO_PI", "RECO_F")),
}
_NAMES = {name for _, measured, filled in WANTED.values() for name in (*measured, *filled)} | {"RH"}


def read(files: Sequence[Path], options: Options) -> Source:
    """AmeriFlux BASE files, one for each site, as a `Source`. Raises `DataError` in one sentence."""
    sites = [read_tower(path, options) for path in files if not path.name.upper().endswith((".XLSX", ".PDF"))]
    return to_source(sites, options, f"AmeriFlux {', '.join(site.name for site in sites[:4])}")


def read_tower(path: Path, options: Options) -> Site:
    """One BASE file."""
    table = read_table(path)
    if not {"TIMESTAMP_START", "TIMESTAMP_END"} <= set(table.columns):
        raise DataError(
            f"{path} is not AmeriFlux BASE: it lacks TIMESTAMP_START and TIMESTAMP_END; is it the CSV itself?"
        )
    name = _site_name(table)
    chosen = best_positions(table.columns)
    if not set(chosen) - {"RH"}:
        raise DataError(f"{path} is not AmeriFlux BASE: none of TA, P, NETRAD, LE, H, FC, ... is among its columns.")
    starts = stamps(table, "TIMESTAMP_START", "%Y%m%d%H%M")
    values = {short: table.numbers(column, (-9999.0,)) for short, column in chosen.items()}
    note = no_contradiction(starts, values, str(path))
    steps, order = make_steps(starts, str(path))
    tower = Tower(name, steps.days, notes=[note] if note else [])
    rows: dict[str, Series] = {short: series[order] for short, series in values.items()}
    _add_deficit(rows, tower)
    for quantity, (units, measured, filled) in WANTED.items():
        raw = next((short for short in measured if short in rows and np.isfinite(rows[short]).any()), None)
        full = next((short for short in filled if short in rows and np.isfinite(rows[short]).any()), None)
        if raw is None and full is None:
            continue
        there = np.isfinite(rows[raw]) if raw else None
        series = rows[full] if full else rows[str(raw)]
        if full and raw:
            series = np.where(np.isfinite(series), series, rows[raw])
        convert = conversion(units, variable(quantity).units, steps.minutes * 60.0)
        column = chosen.get(full or str(raw), full or str(raw))
        share = steps.share(there) if there is not None else None
        tower.add(quantity, steps.mean(series) * convert.factor + convert.offset, share, column)
        tower.conversions.append(f"{column}: mean of the day{f'; {convert.says}' if convert.says else ''}")
    _keep_measured(tower)
    attribution = f"AmeriFlux BASE {name} (CC BY 4.0 where the site's data policy says so)."
    return to_site(tower, [path], PRODUCT, "ameriflux_base", attribution, options)


def _site_name(table: Table) -> str:
    for line in table.comments:
        if match := _SITE.search(line):
            return match["site"]
    match = _FILE.search(table.path.name)
    return match["site"] if match else table.path.stem


def best_positions(columns: Sequence[str]) -> dict[str, str]:
    """Name without position -> the column to take: no position, else the lowest horizontal, vertical and replicate."""
    found: dict[str, tuple[tuple[int, int, int], str]] = {}
    for column in columns:
        match = _POSITION.match(column.strip())
        if match is None or match["name"].upper() not in _NAMES:
            continue
        numbers = (match["h"] or "0", match["v"] or "0", (match["r"] or "0").replace("A", "0"))
        rank = (int(numbers[0]), int(numbers[1]), int(numbers[2]))
        short = match["name"].upper()
        if short not in found or rank < found[short][0]:
            found[short] = (rank, column)
    return {short: column for short, (_, column) in found.items()}


def _add_deficit(rows: dict[str, Series], tower: Tower) -> None:
    """Where no vapour pressure deficit is measured, work it out (hPa) from temperature and humidity (Magnus, WMO)."""
    if {"VPD", "VPD_PI", "VPD_F", "VPD_PI_F"} & set(rows) or not {"TA", "RH"} <= set(rows):
        return
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        saturated = 6.112 * np.exp(17.62 * rows["TA"] / (243.12 + rows["TA"]))
        rows["VPD"] = saturated * (1 - np.clip(rows["RH"], 0, 100) / 100)
    tower.notes.append(f"{tower.name}: vapour pressure deficit is worked out from TA and RH.")


def _keep_measured(tower: Tower) -> None:
    """Days of fluxes count where enough was measured; what is split from the exchange goes with it."""
    tower.keep_observed(("latent_heat_observed", "sensible_heat_observed", "nee_observed"), MEASURED)
    share = tower.shares.get("nee_observed")
    for name in ("gpp_observed", "reco_observed"):
        if name in tower.values and share is not None:
            tower.values[name] = np.where(share >= MEASURED, tower.values[name], np.nan)
    tower.notes.append(
        f"{tower.name}: fluxes count on days of which at least {MEASURED:.0%} was measured, the rest filled by the "
        "tower's team; where nothing is filled, at least 75% of the day must be there."
    )


KIND = Kind(
    "ameriflux_base",
    "AmeriFlux BASE towers",
    "Half-hourly (HH) or hourly (HR) AMF_SITE_BASE_... files, one for each site; half hours become days where enough "
    "of the day is there. Places of sites: --attributes FILE with name, lat, lon.",
    (".csv",),
    "points",
    read,
)
