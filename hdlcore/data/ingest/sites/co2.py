"""Carbon dioxide in the air: annual tables as AquaCrop ships them, and NOAA's annual and monthly means.

AquaCrop (MaunaLoaCO2.txt): a ``%%`` line that says which years are observed, ``Year CO2(ppm)``, then a year a line;
what comes after the observed years is a projection, every ten years, and left out. NOAA (co2_annmean_mlo.txt,
co2_mm_mlo.txt): ``#`` lines, then numbers without a header; -99.99 is missing.
An annual mean stands on each month of its year: nothing is interpolated.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.ingest.kinds import Kind, Options, Source, describe
from hdlcore.data.ingest.sites.site import Days, Site, check_range, file_entry, to_source
from hdlcore.data.ingest.sites.table import MISSING_SMALL, find_encoding
from hdlcore.errors import DataError

PRODUCT = "Mauna Loa CO2"
ATTRIBUTION = "NOAA Global Monitoring Laboratory and Scripps Institution of Oceanography, Mauna Loa."
MAUNA_LOA = (19.5362, -155.5763, 3397.0)  # lat, lon, m: gml.noaa.gov/obop/mlo
_OBSERVED = re.compile(r"observations?\s+(\d{4})\s*-\s*(\d{4})", re.I)
_MOST_LINES = 100_000


def read(files: Sequence[Path], options: Options) -> Source:
    """Tables of CO2 as a monthly `Source` of one cell. Raises `DataError` in one sentence."""
    sites = [read_series(path) for path in files]
    return to_source(sites, options, "Carbon dioxide at Mauna Loa", "monthly")


def read_series(path: Path) -> Site:
    """One table, annual or monthly."""
    comments, rows, lines = _rows(path)
    notes: list[str] = []
    years = rows[:, 0]
    if np.any(years % 1) or years.min() < 1700 or years.max() > 2200:
        at = int(np.flatnonzero((years % 1 != 0) | (years < 1700) | (years > 2200))[0])
        raise DataError(f"{path}, line {lines[at]}: {years[at]:g} is no year; the first column holds years.")
    monthly = rows.shape[1] >= 4
    if monthly:
        months = rows[:, 1]
        if np.any(~np.isin(months, np.arange(1, 13))):
            at = int(np.flatnonzero(~np.isin(months, np.arange(1, 13)))[0])
            raise DataError(f"{path}, line {lines[at]}: {months[at]:g} is no month; the second column holds months.")
        time, values = _month(years, months), rows[:, 3]
    else:
        observed = _observed(comments, years, path, notes)
        time, values = _month(years[observed], np.ones(observed.sum())), rows[observed, 1]
        lines = lines[observed]
    values = np.where(np.isin(values, MISSING_SMALL) | (values < -900), np.nan, values)
    check_range("co2", values, str(path), lines, "CO2")
    if np.any(np.diff(time.astype("datetime64[M]").astype(int)) <= 0):
        at = int(np.flatnonzero(np.diff(time.astype("datetime64[M]").astype(int)) <= 0)[0]) + 1
        raise DataError(f"{path}, line {lines[at]}: the years do not rise; a line is doubled or out of order.")
    if not np.isfinite(values).any():
        raise DataError(f"{path} holds no observed value of CO2; is it the right file?")
    if not monthly:
        time = (time.astype("datetime64[M]")[:, None] + np.arange(12)).ravel().astype("datetime64[D]")
        values = np.repeat(values, 12)
        notes.append(f"{path.name}: each month has the mean of its year.")
    lat, lon, elevation = MAUNA_LOA
    return Site(
        "Mauna Loa", time, {"co2": values}, {"co2": describe("co2", "observed", PRODUCT)},
        [file_entry(path, PRODUCT, "co2", ["ppm -> 1e-6: x 1"])], lat, lon, np.nan, elevation, ATTRIBUTION, notes,
    )  # fmt: skip


def _rows(path: Path) -> tuple[str, NDArray[np.float64], NDArray[np.int64]]:
    """Comment lines in one text, the numbers (row, column), and the line of each row."""
    comments: list[str] = []
    rows: list[list[float]] = []
    lines: list[int] = []
    with path.open(encoding=find_encoding(path)) as file:
        for number, line in enumerate(file, 1):
            cells = re.split(r"[,;\s]+", line.strip().rstrip(",;"))
            if not line.strip() or line.lstrip().startswith(("#", "%", '"')) or (not rows and not _numeric(cells[0])):
                comments.append(line.strip())
                continue
            if not all(map(_numeric, cells)):
                raise DataError(f"{path}, line {number}: '{line.strip():.40}' is not a row of numbers; correct it.")
            if rows and len(cells) != len(rows[0]):
                raise DataError(f"{path}, line {number} has {len(cells)} columns where others have {len(rows[0])}.")
            rows.append([float(cell) for cell in cells])
            lines.append(number)
            if number > _MOST_LINES:
                raise DataError(f"{path} has more than {_MOST_LINES} lines; it is no table of annual or monthly means.")
    if not rows or len(rows[0]) < 2:
        raise DataError(f"{path} has no rows of a year and a value; is it a table of CO2?")
    return "\n".join(comments), np.asarray(rows), np.asarray(lines, np.int64)


def _numeric(cell: str) -> bool:
    return bool(re.fullmatch(r"[+-]?(\d{1,9}\.?\d{0,12}|\.\d{1,12})", cell))


def _observed(comments: str, years: NDArray[np.float64], path: Path, notes: list[str]) -> NDArray[np.bool_]:
    """Which rows are observed: as the heading says, else those before the first gap in the years."""
    said = _OBSERVED.search(comments)
    last = float(said[2]) if said else years.max()
    if not said and np.any(np.diff(years) > 1):
        last = years[np.flatnonzero(np.diff(years) > 1)[0]]
    observed: NDArray[np.bool_] = years <= last
    if not observed.all():
        notes.append(f"{path.name}: the {int((~observed).sum())} years after {last:g} are projections and left out.")
    if not observed.any():
        raise DataError(f"{path} has no year up to {last:g}, the last observed one by its heading; correct it.")
    return observed


def _month(years: NDArray[np.float64], months: NDArray[np.float64]) -> Days:
    whole = (years.astype(np.int64) - 1970) * 12 + months.astype(np.int64) - 1
    return whole.astype("datetime64[M]").astype("datetime64[D]")


KIND = Kind(
    "co2",
    "Carbon dioxide at Mauna Loa",
    "Annual or monthly means as text: year and ppm, or NOAA's co2_annmean_mlo.txt and co2_mm_mlo.txt.",
    (".txt", ".csv"),
    "points",
    read,
)
