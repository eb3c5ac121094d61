"""Swiss FluxNet as written by diive: half hours in Parquet or CSV, stamped at their middle (TIMESTAMP_MIDDLE).

Columns end in ``_f`` (filled) and ``_orig`` (measured, after quality control); a constant friction velocity threshold
is marked CUT. Units: degC, W m-2, umolCO2 m-2 s-1, mm in the half hour, % of volume. The unit of VPD differs between
releases (kPa, hPa), so it is told from temperature and humidity.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from hdlcore.data.ingest.kinds import Kind, Options, Source
from hdlcore.data.ingest.sites.site import Days, Series, Site, to_source
from hdlcore.data.ingest.sites.table import read_table
from hdlcore.data.ingest.sites.towers import MEASURED, Steps, Tower, make_steps, no_contradiction, to_site
from hdlcore.data.ingest.units import conversion
from hdlcore.errors import DataError
from hdlcore.variables import variable

PRODUCT = "Swiss FluxNet"
ATTRIBUTION = "Swiss FluxNet, ETH Zurich Grassland Sciences Group (CC BY 4.0)."
MIDDLE = "TIMESTAMP_MIDDLE"
_SITE = re.compile(r"(?<![A-Za-z])CH-[A-Za-z0-9]{3}(?![A-Za-z0-9])")
_MOST_ROWS = 4_000_000

#: Quantity -> units, patterns of filled (or only) columns, patterns of measured ones.
WANTED: dict[str, tuple[str, tuple[str, ...], str]] = {
    "precipitation": ("mm", (r"PREC(_TOT)?(_.*)?",), ""),
    "air_temperature": ("degC", (r"(Tair|TA)(_.*)?_f",), r"(Tair|TA)(_.*)?_orig"),
    "shortwave_radiation": ("W m-2", (r"(Rg|SW_IN)(_.*)?_f",), r"(Rg|SW_IN)(_.*)?_orig"),
    "longwave_radiation": ("W m-2", (r"LW_IN(_.*)?",), ""),
    "vapour_pressure_deficit": ("VPD", (r"VPD(_.*)?_f",), r"VPD(_.*)?_orig"),
    "latent_heat_observed": ("W m-2", (r"LE_f",), r"LE_orig"),
    "sensible_heat_observed": ("W m-2", (r"H_f",), r"H_orig"),
    "soil_water_observed": ("percent", (r"SWC_.*",), ""),
    "nee_observed": ("umol m-2 s-1", (r"NEE_(CUT|VUT)_(REF|50)_f",), r"NEE_(CUT|VUT)_(REF|50)_orig"),
    "gpp_observed": ("umol m-2 s-1", (r"GPP_(CUT|VUT)_(REF|50)_f", r"GPP_DT_(CUT|VUT)_(REF|50)"), ""),
    "reco_observed": ("umol m-2 s-1", (r"Reco_(CUT|VUT)_(REF|50)", r"Reco_DT_(CUT|VUT)_(REF|50)"), ""),
}


def read(files: Sequence[Path], options: Options) -> Source:
    """Swiss FluxNet files, one for each site, as a `Source`. Raises `DataError` in one sentence."""
    sites = [read_tower(path, options) for path in files]
    return to_source(sites, options, f"Swiss FluxNet {', '.join(site.name for site in sites[:4])}")


def read_tower(path: Path, options: Options) -> Site:
    """One file of one site."""
    middles, values = _load_parquet(path) if path.suffix.lower() in (".parquet", ".pq") else _load_csv(path)
    note = no_contradiction(middles, values, str(path))
    minutes = _step(middles, path)
    # A stamp at the middle of a half hour: its start is a quarter of an hour earlier.
    steps, order = make_steps(middles - np.timedelta64(minutes // 2, "m"), str(path))
    match = _SITE.search(path.name)
    tower = Tower(match[0].upper() if match else path.stem, steps.days, notes=[note] if note else [])
    rows = {name: series[order] for name, series in values.items()}
    for quantity, (units, filled, measured) in WANTED.items():
        _add(tower, steps, rows, quantity, units, filled, measured)
    if not tower.values:
        raise DataError(f"{path} has none of the columns Tair_f, Rg_f, LE_f, NEE_CUT_REF_f, ...; is it of this kind?")
    tower.keep_observed(("latent_heat_observed", "sensible_heat_observed", "nee_observed"), MEASURED)
    share = tower.shares.get("nee_observed")
    for name in ("gpp_observed", "reco_observed"):
        if name in tower.values and share is not None:
            tower.values[name] = np.where(share >= MEASURED, tower.values[name], np.nan)
    tower.notes.append(f"{tower.name}: fluxes count on days of which {MEASURED:.0%} or more was measured.")
    return to_site(tower, [path], PRODUCT, "swissfluxnet", ATTRIBUTION, options)


def _add(
    tower: Tower, steps: Steps, rows: dict[str, Series], quantity: str, units: str, filled: Sequence[str], measured: str
) -> None:
    column = next((name for pattern in filled for name in rows if re.fullmatch(pattern, name)), None)
    raw = next((name for name in rows if measured and re.fullmatch(measured, name)), None)
    if column is None or not np.isfinite(rows[column]).any():
        return
    series = rows[column]
    if units == "VPD":
        units = deficit_units(rows, series, tower.name)
    there = np.isfinite(rows[raw]) if raw else None
    if raw is None and not column.endswith("_f"):
        there = np.isfinite(series)  # never filled: what is there was measured
    convert = conversion(units, variable(quantity).units, steps.minutes * 60.0)
    # Where filling is not told from measuring (Tair_f without Tair_orig), no share is claimed.
    share = steps.share(there) if there is not None and quantity not in ("gpp_observed", "reco_observed") else None
    tower.add(quantity, steps.mean(series) * convert.factor + convert.offset, share, column)
    tower.conversions.append(f"{column}: mean of the day{f'; {convert.says}' if convert.says else ''}")


def deficit_units(rows: dict[str, Series], deficit: Series, place: str) -> str:
    """Units of a vapour pressure deficit, by its ratio to that of temperature and humidity (Magnus formula, WMO).

    Raises `DataError` when it is neither hPa nor kPa; kPa, the network's convention, where there is no humidity.
    """
    warm = next((rows[name] for name in rows if re.fullmatch(r"(Tair|TA)(_.*)?_f", name)), None)
    if warm is None or "RH" not in rows:
        return "kPa"
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        worked_out = 6.112 * np.exp(17.62 * warm / (243.12 + warm)) * (1 - rows["RH"] / 100)
        ratio = deficit / worked_out
        ratio = ratio[np.isfinite(ratio) & (worked_out > 1)]
    middle = float(np.median(ratio)) if ratio.size else 0.1
    if 0.7 < middle < 1.4:
        return "hPa"
    if 0.07 < middle < 0.14:
        return "kPa"
    raise DataError(
        f"{place}: VPD is {middle:.3g} times what temperature and humidity give in hPa; it is neither hPa nor kPa."
    )


def _wanted(name: str) -> bool:
    patterns = [pattern for _, filled, measured in WANTED.values() for pattern in (*filled, measured) if pattern]
    return name == "RH" or any(re.fullmatch(pattern, name) for pattern in patterns)


def _load_parquet(path: Path) -> tuple[Days, dict[str, Series]]:
    """Time stamps (datetime64[m]) and columns; only numbers and times are taken, nothing is unpickled."""
    try:
        file = pq.ParquetFile(path)
        names = [field.name for field in file.schema_arrow if _wanted(field.name)]
        if file.metadata.num_rows > _MOST_ROWS:
            raise DataError(f"{path} has {file.metadata.num_rows:,} rows, more than half hours of 200 years; cut it.")
        if MIDDLE not in file.schema_arrow.names:
            raise DataError(f"{path} has no column {MIDDLE}; it is not of the Swiss FluxNet layout.")
        table = file.read([*names, MIDDLE])
    except (pa.ArrowException, OSError, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as Parquet ({' '.join(str(error).split())[:100]}); fetch it again."
        ) from None
    stamps = table.column(MIDDLE)
    if not pa.types.is_timestamp(stamps.type):
        raise DataError(f"{path}: {MIDDLE} holds {stamps.type} where times are needed.")
    middles = _whole(pd.Series(stamps.to_numpy()), path)
    values = {}
    for name in names:
        column = table.column(name)
        if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
            raise DataError(f"{path}: the column '{name}' holds {column.type} where numbers are needed.")
        series = column.to_numpy().astype(np.float64)
        series[(series == -9999) | ~np.isfinite(series)] = np.nan
        values[name] = series
    return middles, values


def _load_csv(path: Path) -> tuple[Days, dict[str, Series]]:
    table = read_table(path)
    if MIDDLE not in table.columns:
        raise DataError(f"{path} has no column {MIDDLE}; it is not of the Swiss FluxNet layout.")
    text = table.text(MIDDLE)
    found = pd.to_datetime(text, format="ISO8601", errors="coerce")
    if found.isna().any():
        at = int(np.flatnonzero(found.isna())[0])
        raise DataError(f"{path}, line {table.lines[at]}: '{text.iloc[at]:.30}' in {MIDDLE} is no time; correct it.")
    return _whole(found, path), {name: table.numbers(name, (-9999.0,)) for name in table.columns if _wanted(name)}


def _whole(stamps: pd.Series, path: Path) -> Days:
    if not len(stamps) or stamps.isna().any():
        raise DataError(f"{path} has rows without a time in {MIDDLE}, or no rows; is it whole?")
    times = stamps.to_numpy().astype("datetime64[m]")
    years = times.astype("datetime64[Y]").astype(int) + 1970
    if years.min() < 1900 or years.max() > 2200:
        raise DataError(f"{path} has times of the years {years.min()} to {years.max()}; correct {MIDDLE}.")
    return times


def _step(middles: Days, path: Path) -> int:
    """Minutes between rows, the commonest; refuses what is not half-hourly or hourly."""
    steps, counts = np.unique(np.diff(np.unique(middles)).astype(np.int64), return_counts=True)
    step = int(steps[counts.argmax()]) if steps.size else 30
    if step not in (30, 60):
        raise DataError(f"{path} steps by {step} minutes where 30 or 60 are read; average it to half hours first.")
    return step


KIND = Kind(
    "swissfluxnet",
    "Swiss FluxNet towers",
    "Half hours as diive writes them, Parquet or CSV, with TIMESTAMP_MIDDLE; half hours become days where enough of "
    "the day is there.",
    (".parquet", ".pq", ".csv"),
    "points",
    read,
)
