"""Days from a table: ISO, 19900131, 31.01.1990, 31/01/1990 where it can only mean one day, or year, month, day columns.

A date that could be two days is refused, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hdlcore.data.ingest.sites.site import FIRST_YEAR, LAST_YEAR
from hdlcore.data.ingest.sites.table import Table
from hdlcore.errors import DataError

Days = NDArray[np.datetime64]

_DATE = re.compile(
    r"^(date|dates|datum|day|time|datetime|timestamp|date[ _]?time|yyyymmdd|date_?utc|fecha|valid[ _]?time)$", re.I
)
_YEAR = re.compile(r"^(year|yr|yyyy|jahr)$", re.I)
_MONTH = re.compile(r"^(month|mnth|mon|mm|mo|monat)$", re.I)
_DAY = re.compile(r"^(day|dd|dy|dom|tag)$", re.I)
_DOY = re.compile(r"^(doy|jday|julian_?day|yday|day_?of_?year)$", re.I)
# Pattern of the cells, and how pandas writes it. Those with two readings come last and are judged apart.
_FORMATS = (
    (r"\d{4}-\d{1,2}-\d{1,2}", "%Y-%m-%d"),
    (r"\d{4}/\d{1,2}/\d{1,2}", "%Y/%m/%d"),
    (r"\d{4}\.\d{1,2}\.\d{1,2}", "%Y.%m.%d"),
    (r"\d{8}", "%Y%m%d"),
    (r"\d{1,2}\.\d{1,2}\.\d{4}", "%d.%m.%Y"),
    (r"\d{1,2}[- ][A-Za-z]{3}[- ]\d{4}", "%d-%b-%Y"),
)
_TIME_OF_DAY = r"(?:[T ]+(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(?:Z|UTC|[+-]\d{2}:?\d{2})?)?"


def date_columns(columns: Sequence[str]) -> tuple[str, ...]:
    """The columns that say when: one of dates; year, month, day; or year, day of year.

    Raises `DataError` when there are none, naming the columns that were found.
    """
    found = {kind: next((name for name in columns if pattern.match(name.strip())), None)
             for kind, pattern in (("year", _YEAR), ("month", _MONTH), ("day", _DAY), ("doy", _DOY))}  # fmt: skip
    year, month, day, doy = found.values()
    if year and month and day:
        return year, month, day
    date = next((name for name in columns if _DATE.match(name.strip())), None)
    if date:
        return (date,)
    if year and doy:
        return year, doy
    shown = ", ".join(f"'{name}'" for name in columns[:6])
    raise DataError(f"There is no date column among {shown}; name one 'date' (YYYY-MM-DD), or three year, month, day.")


def read_days(table: Table) -> Days:
    """The day of each row, datetime64[D].

    Raises `DataError` with the line of the first date that cannot be read, is impossible, or could be two days.
    """
    try:
        columns = date_columns(table.columns)
    except DataError as error:
        raise DataError(f"{table.path}: {error}") from None
    days = _from_text(table, columns[0]) if len(columns) == 1 else _from_parts(table, columns)
    years = days.astype("datetime64[Y]").astype(int) + 1970
    off = (years < FIRST_YEAR) | (years > LAST_YEAR)
    if off.any():
        at = int(np.flatnonzero(off)[0])
        raise DataError(f"{table.path}, line {table.lines[at]}: the year {years[at]} cannot be; correct the date.")
    return days


def _from_parts(table: Table, columns: tuple[str, ...]) -> Days:
    parts = [table.numbers(name) for name in columns]
    bad = ~np.all(np.isfinite(parts), axis=0) | np.any(np.mod(parts, 1) != 0, axis=0)
    bad |= np.any(np.abs(np.nan_to_num(parts)) > 9999, axis=0)
    if not bad.any():
        whole = [np.asarray(part, np.int64) for part in parts]
        if len(parts) == 3:
            text = pd.Series([f"{y:04d}-{m:02d}-{d:02d}" for y, m, d in zip(*whole, strict=True)], dtype=str)
            found = pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
        else:
            text = pd.Series([f"{y:04d}-{d:03d}" for y, d in zip(*whole, strict=True)], dtype=str)
            found = pd.to_datetime(text, format="%Y-%j", errors="coerce")
        bad = found.isna().to_numpy()
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        cells = ", ".join(table.frame[name].iloc[at] for name in columns)
        raise DataError(f"{table.path}, line {table.lines[at]}: {' '.join(columns)} = {cells} is no date; correct it.")
    return found.to_numpy().astype("datetime64[D]")


def _from_text(table: Table, column: str) -> Days:
    text = table.text(column).str.strip('"')
    full = text.str.extract(rf"^(\S+?(?:[- ][A-Za-z]{{3}}[- ]\d{{4}})?){_TIME_OF_DAY}$")
    date = full[0].fillna("")
    form = _format(table, column, date)
    if "%b" in form:
        date = date.str.replace(" ", "-", regex=False)
    days = pd.to_datetime(date, format=form, errors="coerce")
    bad = days.isna().to_numpy()
    if bad.any():
        at = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"{table.path}, line {table.lines[at]}: '{text.iloc[at]:.40}' in column '{column}' is no date of the form "
            "of the others; write dates as YYYY-MM-DD."
        )
    times = full[1].dropna()
    result = days.to_numpy().astype("datetime64[D]")
    if len(set(times)) > 1 and np.unique(result).size < 0.75 * result.size:
        raise DataError(
            f"{table.path} holds several values a day (at {', '.join(times.unique()[:3])}, ...); "
            "make daily sums or means of them first."
        )
    return result


def _format(table: Table, column: str, date: pd.Series) -> str:
    """How the dates are written; refuses 03/04/1990 when no other row tells day from month."""
    first = date.iloc[0]
    for pattern, form in _FORMATS:
        if re.fullmatch(pattern, first):
            return form
    parts = re.fullmatch(r"(\d{1,2})([/-])\d{1,2}\2\d{4}", first)
    if parts is None:
        shown = first or table.text(column).iloc[0]
        number = re.fullmatch(r"\d{5}(\.0)?", first)
        hint = " (a spreadsheet's day number?)" if number else ""
        raise DataError(
            f"{table.path}, line {table.lines[0]}: '{shown:.40}' in column '{column}' is no date "
            f"that can be read{hint}; write dates as YYYY-MM-DD."
        )
    mark = parts[2]
    leading = pd.to_numeric(date.str.extract(r"^(\d{1,2})[/-]")[0], errors="coerce")
    second = pd.to_numeric(date.str.extract(r"^\d{1,2}[/-](\d{1,2})")[0], errors="coerce")
    day_first, month_first = bool((leading > 12).any()), bool((second > 12).any())
    if day_first == month_first:
        why = "some dates put the day first and some the month" if day_first else "day and month cannot be told apart"
        raise DataError(f"{table.path}: {why} in '{first}' (column '{column}'); write dates as YYYY-MM-DD.")
    return f"%d{mark}%m{mark}%Y" if day_first else f"%m{mark}%d{mark}%Y"
