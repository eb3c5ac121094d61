"""Time stamps of foreign files to days and months of the standard calendar.

Whatever the stamps are - start, middle or end of their period, in a calendar of 360, 365 or 366 days - each gets the
middle of its period in the proleptic gregorian calendar, and that decides to which day or month it belongs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.errors import DataError

Position = Literal["start", "middle", "end"]
Step = Literal["subdaily", "daily", "days", "monthly"]
STANDARD = ("standard", "gregorian", "proleptic_gregorian")
CALENDARS = (*STANDARD, "noleap", "365_day", "all_leap", "366_day", "360_day", "julian")
#: Lengths in seconds; a month is that of the mean year.
DAY, MONTH = 86_400.0, 365.25 / 12 * 86_400
#: datetime64[ns], in which cubes keep time, ends in these years.
_YEARS = (1678, 2261)


@dataclass(frozen=True)
class Stamps:
    """Decoded stamps: `when` in the standard calendar (datetime64[s]), `keep` False where it has no such day."""

    when: NDArray[np.datetime64]
    keep: NDArray[np.bool_]
    calendar: str


def decode(values: NDArray[Any], units: str, calendar: str | None = None) -> Stamps:
    """Numbers "since" a date to instants of the standard calendar.

    noleap: the same date, so 29 February is never there. 366_day: 29 February of other years is dropped. 360_day: by
    the share of the year gone, so that five or six days of each year stay empty. julian: the same instant.

    Raises `DataError` for units or calendars that cannot be read and for dates that a cube cannot hold.
    """
    name = (calendar or "standard").lower()
    if name not in CALENDARS:
        raise DataError(f"The calendar '{calendar}' is not known; known are {', '.join(CALENDARS)}.")
    numbers = np.asarray(values, np.float64).ravel()
    if numbers.size == 0:
        raise DataError("The time axis is empty; the file has no time steps.")
    if not np.isfinite(numbers).all():
        raise DataError("The time axis holds missing values; every step needs a time.")
    match = re.match(r"\s*(months?|years?)\s+since\s+(\S+)", units, flags=re.IGNORECASE)
    try:
        if match and name in STANDARD:
            when = _since_months(numbers * (12 if match[1].lower().startswith("year") else 1), match[2])
            keep = np.ones(when.size, bool)
        elif name in STANDARD:
            decoded = np.atleast_1d(xr.coding.times.decode_cf_datetime(numbers, units, name))
            if decoded.dtype == object:  # counted from before 1582, in the mixed calendar: the dates are the same
                when, keep = _to_standard(decoded, name)
            else:
                when, keep = decoded.astype("datetime64[s]"), np.ones(numbers.size, bool)
        else:
            dates = xr.coding.times.decode_cf_datetime(numbers, units, name, use_cftime=True)
            when, keep = _to_standard(np.atleast_1d(dates), name)
    except (ValueError, OverflowError, TypeError, AttributeError) as error:
        raise DataError(f"The time '{units}' ({name}) cannot be read ({error}); mend its units.") from error
    years = when.astype("datetime64[Y]").astype(int) + 1970
    if years.min() < _YEARS[0] or years.max() > _YEARS[1]:
        raise DataError(f"The time axis spans {years.min()} to {years.max()}; a cube holds {_YEARS[0]} to {_YEARS[1]}.")
    return Stamps(when, keep, name)


def _since_months(months: NDArray[np.float64], start: str) -> NDArray[np.datetime64]:
    """Whole months by the calendar, parts of a month by its own length."""
    first = np.datetime64(start[:10], "D")
    whole = np.floor(months + 1e-9)
    base = first.astype("datetime64[M]") + whole.astype(int)
    length = (base + 1).astype("datetime64[D]") - base.astype("datetime64[D]")
    seconds = (months - whole) * length.astype(float) * 86_400
    day = first - first.astype("datetime64[M]").astype("datetime64[D]")
    return base.astype("datetime64[s]") + day + np.round(seconds).astype("timedelta64[s]")


def _to_standard(dates: NDArray[Any], calendar: str) -> tuple[NDArray[np.datetime64], NDArray[np.bool_]]:
    """cftime dates of another calendar to the standard one; False where there is no such day."""
    when = np.empty(dates.size, "datetime64[s]")
    keep = np.ones(dates.size, bool)
    for i, date in enumerate(dates):
        second = np.timedelta64(date.hour * 3600 + date.minute * 60 + date.second, "s")
        year = np.datetime64(f"{date.year:04d}-01-01", "D")
        if calendar == "360_day":
            length = int((np.datetime64(f"{date.year + 1:04d}-01-01", "D") - year).astype(int))
            place = (date.month - 1) * 30 + date.day - 1
            day = year + int((place + 0.5) * length / 360)
        elif calendar == "julian":
            # Real time in another notation: the Julian day number is the same.
            when[i] = np.datetime64(round((date.toordinal(fractional=True) - 2_440_587.5) * 86_400), "s")
            continue
        else:
            leap = date.month == 2 and date.day == 29
            keep[i] = not leap or (year + 365).astype("datetime64[Y]") == year.astype("datetime64[Y]")
            day = np.datetime64(f"{date.year:04d}-{date.month:02d}-{28 if leap and not keep[i] else date.day:02d}", "D")
        when[i] = day.astype("datetime64[s]") + second
    return when, keep


def step_of(when: NDArray[np.datetime64], hint: str = "") -> tuple[Step, float]:
    """Kind of step and its length (s), from the stamps of all files together.

    `hint` is what the file says of its resolution ("P1M", "monthly", "day"), needed for a single stamp.
    """
    unique = np.unique(when)
    if unique.size > 1:
        # Not the median: where most days are missing, the step is still a day.
        steps = np.diff(unique).astype("timedelta64[s]").astype(float)
        seconds = float(np.quantile(steps, 0.25, method="lower"))
    else:
        seconds = _hinted(hint)
    days = seconds / 86_400
    if days < 0.9:
        return "subdaily", seconds
    if days < 1.5:
        return "daily", DAY
    if days < 26:
        return "days", seconds
    if days < 32:
        return "monthly", MONTH
    raise DataError(f"The time steps are {days:.0f} days long; a cube holds daily or monthly values.")


def _hinted(hint: str) -> float:
    text = hint.lower()
    for pattern, seconds in (
        (r"p1m\b|month|\bmon\b|amon", MONTH),
        (r"p1d\b|daily|\bday\b", DAY),
        (r"pt1h|hourly|1hr", 3600.0),
    ):
        if re.search(pattern, text):
            return seconds
    raise DataError(
        "There is only one time step and nothing says how long it lasts; give more files, or time bounds in the file."
    )


def position_of(when: NDArray[np.datetime64], step: Step) -> Position:
    """Where in their period the stamps stand, as far as the stamps tell."""
    if step == "monthly":
        day = (when.astype("datetime64[D]") - when.astype("datetime64[M]").astype("datetime64[D]")).astype(int) + 1
        middle = float(np.median(day))
        return "start" if middle <= 3 else "end" if middle >= 28 else "middle"
    of_day = (when - when.astype("datetime64[D]")).astype(float)
    if step in ("daily", "days"):
        return "start" if np.median(of_day) == 0 else "end" if np.median(of_day) >= 23 * 3600 else "middle"
    unique = np.unique(of_day)
    gap = float(np.min(np.diff(unique))) if unique.size > 1 else 86_400.0
    return "middle" if unique.size and abs(unique[0] - gap / 2) < 1 else "start"


def middles(
    when: NDArray[np.datetime64], step: Step, seconds: float, position: Position, bounds: NDArray[Any] | None = None
) -> NDArray[np.datetime64]:
    """The middle of each stamp's period; `bounds` (n, 2) datetime64, where the file has them, decide alone."""
    if bounds is not None:
        low, high = bounds[:, 0].astype("datetime64[s]"), bounds[:, 1].astype("datetime64[s]")
        if np.all(high > low):
            return low + (high - low) // 2
    if step == "monthly":
        # Half a month from either edge is inside the month, whatever its length.
        half = np.timedelta64(15, "D").astype("timedelta64[s]")
    else:
        half = np.timedelta64(round(seconds / 2), "s")
    return when + {"start": half, "middle": 0 * half, "end": -half}[position]


def months_of(middle: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Month of each solution of an irregular monthly record (GRACE): two in one month move to an empty neighbour.

    Where the second of two solutions lies late in its month and the next month is empty it goes there, likewise the
    first to an empty month before; else both stay and are averaged.
    """
    order = np.argsort(middle)
    month = middle.astype("datetime64[M]")
    taken = {m: int((month == m).sum()) for m in np.unique(month)}
    for i, j in pairwise(order):
        if month[i] != month[j]:
            continue
        length = ((month[i] + 1).astype("datetime64[s]") - month[i].astype("datetime64[s]")).astype(float)
        share_i = float((middle[i] - month[i].astype("datetime64[s]")).astype(float)) / length
        share_j = float((middle[j] - month[j].astype("datetime64[s]")).astype(float)) / length
        before, after = month[i] - 1, month[j] + 1
        if share_j > 0.6 and not taken.get(after):
            taken[month[j]], taken[after] = taken[month[j]] - 1, 1
            month[j] = after
        elif share_i < 0.4 and not taken.get(before):
            taken[month[i]], taken[before] = taken[month[i]] - 1, 1
            month[i] = before
    return month


def month_lengths(month: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Days of each month."""
    first = month.astype("datetime64[M]")
    return ((first + 1).astype("datetime64[D]") - first.astype("datetime64[D]")).astype(np.float64)
