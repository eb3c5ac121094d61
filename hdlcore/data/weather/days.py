"""Calendar of the weather generator: dates, the canonical 14-year blocks, months, and the shape of the year.

Whatever period is asked for, days are generated in whole months (variability "climatological") or whole blocks
("interannual") whose limits depend on the calendar alone, so that a day's weather never depends on the request.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hdlcore.errors import RequestError

BLOCK_YEARS = 14
FIRST_YEAR = 2001  # of block 0; block -1 is 1987-2000, block 1 is 2015-2028
MIN_YEAR, MAX_YEAR = 1801, 2199
_MONTH_LENGTHS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])

Day = np.datetime64
DateLike = str | datetime.date | np.datetime64


def parse_day(value: DateLike, what: str) -> Day:
    """Return `value` as a calendar day; raises `RequestError` when it is no ISO date or out of range."""
    try:
        if isinstance(value, np.datetime64):
            moment = value.astype("datetime64[D]").item()
            day = datetime.date(moment.year, moment.month, moment.day)
        elif isinstance(value, datetime.datetime):
            day = datetime.date(value.year, value.month, value.day)
        elif isinstance(value, datetime.date):
            day = value
        else:
            day = datetime.datetime.fromisoformat(value).date()
    except (ValueError, TypeError, AttributeError):
        raise RequestError(f"The {what} '{value}' is not a date; write it as YYYY-MM-DD, as in 2002-01-31.") from None
    if not MIN_YEAR <= day.year <= MAX_YEAR:
        raise RequestError(f"The {what} {day} is out of range; weather is generated for {MIN_YEAR} to {MAX_YEAR}.")
    return np.datetime64(day, "D")


def parse_period(start: DateLike, end: DateLike) -> tuple[Day, Day]:
    """Return the first and last day of a period, both included; raises `RequestError` when it is empty or no period."""
    first, last = parse_day(start, "start"), parse_day(end, "end")
    if last < first:
        raise RequestError(f"The end {last} lies before the start {first}; swap the two dates.")
    return first, last


@dataclass(frozen=True)
class Block:
    """One canonical calendar block of T real days, 29 February included.

    day_of_year [T]: days since 1 January; leap [T]: whether in a leap year; month [T]: 0-11; month_start [12 * 14 + 1]:
    index of each month's first day, closed by T.
    """

    index: int
    first: Day
    day_of_year: NDArray[np.int64]
    leap: NDArray[np.int64]
    month: NDArray[np.int64]
    month_start: NDArray[np.int64]

    @property
    def n_days(self) -> int:
        return int(self.month_start[-1])


class DayTables(NamedTuple):
    """What the kernels need of each generated day; all are [day] but course and the groups.

    before, after, weight: neighbouring mid-months (0-11) and the weight of the later one; course [day, 12]: weights of
    the monthly means in the smooth annual course; month: 0-11; bump: parabola over each month, zero at its edges, of
    mean 1; declination (rad) and distance (inverse relative Earth-Sun distance squared): see `YearShape`.
    group_days, group_start: days of group g are group_days[group_start[g]:group_start[g + 1]]; a group is what
    returns the climatology: one month, or one calendar month in all years of a block.
    """

    before: NDArray[np.int64]
    after: NDArray[np.int64]
    weight: NDArray[np.float64]
    course: NDArray[np.float64]
    month: NDArray[np.int64]
    bump: NDArray[np.float64]
    declination: NDArray[np.float64]
    distance: NDArray[np.float64]
    group_days: NDArray[np.int64]
    group_start: NDArray[np.int64]


def day_tables(calendar: Block, first_month: int, last_month: int, pooled: bool) -> DayTables:
    """Tables for the months first_month..last_month-1 of a block; `pooled` joins a calendar month's years."""
    start, stop = calendar.month_start[first_month], calendar.month_start[last_month]
    shape = year_shape()
    at = calendar.leap[start:stop], calendar.day_of_year[start:stop]
    edges = calendar.month_start[first_month : last_month + 1] - start
    months = [np.arange(a, b) for a, b in pairwise(edges)]
    members = [months[m::12] for m in range(12)] if pooled else [[days] for days in months]
    groups = [np.concatenate(member) for member in members]
    return DayTables(
        before=shape.before[at],
        after=shape.after[at],
        weight=shape.weight[at],
        course=shape.course[at],
        month=calendar.month[start:stop],
        bump=np.concatenate([_bump(days.size) for days in months]),
        declination=shape.declination[at],
        distance=shape.distance[at],
        group_days=np.concatenate(groups),
        group_start=np.concatenate([[0], np.cumsum([group.size for group in groups])]),
    )


@lru_cache(maxsize=4)
def _bump(length: int) -> NDArray[np.float64]:
    """Parabola over a month of `length` days, zero at its edges, of mean 1."""
    u = (np.arange(length) + 0.5) / length
    parabola: NDArray[np.float64] = u * (1 - u)
    parabola /= parabola.mean()
    return parabola


def block_index(day: Day) -> int:
    """Index of the block that holds `day` (0 for 2001-2014)."""
    return int((day.astype("datetime64[Y]").astype(int) + 1970 - FIRST_YEAR) // BLOCK_YEARS)


@lru_cache(maxsize=64)
def block(index: int) -> Block:
    """The calendar of block `index`: 14 whole years of real days, 29 February included."""
    year = FIRST_YEAR + index * BLOCK_YEARS
    months = np.arange(f"{year}-01", f"{year + BLOCK_YEARS}-01", dtype="datetime64[M]")
    starts = months.astype("datetime64[D]")
    first, end = starts[0], np.datetime64(f"{year + BLOCK_YEARS}-01-01", "D")
    days = np.arange(first, end)
    years = days.astype("datetime64[Y]")
    lengths = ((years + 1).astype("datetime64[D]") - years.astype("datetime64[D]")).astype(np.int64)
    month_start = np.append((starts - first).astype(np.int64), days.size)
    return Block(
        index=index,
        first=first,
        day_of_year=(days - years.astype("datetime64[D]")).astype(np.int64),
        leap=(lengths == 366).astype(np.int64),
        month=(days.astype("datetime64[M]").astype(np.int64) % 12).astype(np.int64),
        month_start=month_start,
    )


@dataclass(frozen=True)
class YearShape:
    """Everything of a day that follows from its place in the year alone; first axis 0 = ordinary, 1 = leap year.

    course [2, 366, 12]: weights that turn 12 monthly means into a smooth daily course with the same monthly means.
    before, after, weight [2, 366]: linear interpolation between the middles of neighbouring months.
    declination [2, 366] (rad), distance [2, 366] (inverse relative Earth-Sun distance squared, 1).
    month_declination [12] (rad), month_distance [12]: the same at mid-month.
    """

    course: NDArray[np.float64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    weight: NDArray[np.float64]
    declination: NDArray[np.float64]
    distance: NDArray[np.float64]
    month_declination: NDArray[np.float64]
    month_distance: NDArray[np.float64]


def periodic_spline(knots: NDArray[np.float64], at: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights (at, knot) of values at `knots` (rising, within one period of 1) in the periodic cubic spline at `at`.

    The second derivatives of the spline follow from its smoothness at the knots, one cyclic tridiagonal system. Twelve
    knots are not worth the import of scipy.interpolate, slower than a cell's weather; a test holds them side by side.
    """
    n, here = knots.size, np.arange(knots.size)
    after, before = (here + 1) % n, (here - 1) % n
    step = np.diff(np.append(knots, knots[0] + 1))
    smooth, slope = np.zeros((n, n)), np.zeros((n, n))
    np.add.at(smooth, (here, before), step[before])
    np.add.at(smooth, (here, here), 2 * (step[before] + step))
    np.add.at(smooth, (here, after), step)
    np.add.at(slope, (here, after), 1 / step)
    np.add.at(slope, (here, here), -1 / step - 1 / step[before])
    np.add.at(slope, (here, before), 1 / step[before])
    second, value = np.linalg.solve(smooth, 6 * slope), np.eye(n)
    at = np.where(at < knots[0], at + 1, at)
    left = np.searchsorted(knots, at, side="right") - 1
    right, width = (left + 1) % n, step[left][:, None]
    b = (at - knots[left])[:, None] / width
    a = 1 - b
    bend = ((a**3 - a) * second[left] + (b**3 - b) * second[right]) * width**2 / 6
    return np.asarray(a * value[left] + b * value[right] + bend)


@lru_cache(maxsize=1)
def year_shape() -> YearShape:
    """Tables over the days of an ordinary and a leap year.

    The annual course is a periodic cubic spline whose knots are solved for so that the mean over each month is the
    monthly mean given (a spline through the means themselves would flatten summer and winter). Declination and
    Earth-Sun distance after Allen et al. (1998), FAO Irrigation and Drainage Paper 56, equations 23 and 24.
    """
    edges = np.concatenate([[0.0], np.cumsum(_MONTH_LENGTHS)]) / 365.0
    middle = (edges[:-1] + edges[1:]) / 2
    course = np.zeros((2, 366, 12))
    before, after = np.zeros((2, 366), np.int64), np.zeros((2, 366), np.int64)
    weight, fraction = np.zeros((2, 366)), np.zeros((2, 366))
    for kind, length in enumerate((365, 366)):
        at = (np.arange(length) + 0.5) / length
        fraction[kind, :length] = at
        course[kind, :length] = periodic_spline(middle, at)
        after_month = np.searchsorted(middle, at)
        left = np.where(after_month == 0, middle[-1] - 1, middle[after_month - 1])
        right = np.where(after_month == 12, middle[0] + 1, middle[after_month % 12])
        before[kind, :length], after[kind, :length] = (after_month - 1) % 12, after_month % 12
        weight[kind, :length] = (at - left) / (right - left)
    month = np.repeat(np.arange(12), _MONTH_LENGTHS)
    means = np.stack([course[0, :365][month == m].mean(axis=0) for m in range(12)])
    course = course @ np.linalg.inv(means)
    return YearShape(
        course=np.ascontiguousarray(course),
        before=before,
        after=after,
        weight=weight,
        declination=_declination(fraction),
        distance=_distance(fraction),
        month_declination=_declination(middle),
        month_distance=_distance(middle),
    )


def solar_day(days: NDArray[np.datetime64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Solar declination (rad) and inverse relative Earth-Sun distance squared (1) on any days (time,)."""
    year = days.astype("datetime64[Y]")
    first, last = year.astype("datetime64[D]"), (year + 1).astype("datetime64[D]")
    fraction = ((days - first).astype(float) + 0.5) / (last - first).astype(float)
    return _declination(fraction), _distance(fraction)


def _declination(fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solar declination (rad) at a fraction of the year; FAO-56 equation 24."""
    result: NDArray[np.float64] = 0.409 * np.sin(2 * np.pi * fraction - 1.39)
    return result


def _distance(fraction: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inverse relative Earth-Sun distance squared (1) at a fraction of the year; FAO-56 equation 23."""
    result: NDArray[np.float64] = 1 + 0.033 * np.cos(2 * np.pi * fraction)
    return result
