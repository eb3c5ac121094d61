"""What can be asked of the engine: small, hashable, checked."""

from __future__ import annotations

import calendar
import datetime as dt
import math
from dataclasses import dataclass
from typing import Literal, get_args

from hdlcore.attribution.registry import METHODS, find_method
from hdlcore.errors import RequestError
from hdlcore.runtime.scenarios import parse_scenario, scenario_text

Frequency = Literal["daily", "monthly"]

#: Default period: the calendar years of the GRACE record that the shipped models are compared with.
START, END = "2002-01-01", "2007-12-31"


@dataclass(frozen=True)
class Explanation:
    """One way to explain: what it is called, what its numbers mean, and by what they are split."""

    label: str
    claim: str
    axis: Literal["forcing", "store"] = "forcing"


#: Ways to explain: methods on a network's model, or what a process model answers when its forcing is nudged.
EXPLANATIONS = {method.name: Explanation(method.label, method.claim, method.axis) for method in METHODS.values()} | {
    "finite_difference": Explanation(
        "True response",
        "How the target of the made-up world truly answers when the weather of one past day is changed a little, times "
        "that day's departure from its usual weather.",
    )
}
#: Days back that can be asked for, points or draws, and cells that a pulse is given to at once.
MAX_LAGS, MAX_SAMPLES, MAX_PULSED = 1460, 256, 200
#: Years a run may reach; outside them a date is taken for a slip.
FIRST_YEAR, LAST_YEAR = 1901, 2100


def parse_date(text: str, what: str) -> dt.date:
    """Read an ISO date within the years a run may reach; raises `RequestError`."""
    try:
        date = dt.date.fromisoformat(text)
    except (ValueError, TypeError):
        raise RequestError(f"The {what} '{text}' is not a date; write it as YYYY-MM-DD, such as {START}.") from None
    if not FIRST_YEAR <= date.year <= LAST_YEAR:
        raise RequestError(f"The {what} {text} is outside {FIRST_YEAR} to {LAST_YEAR}; choose a year within.")
    return date


@dataclass(frozen=True)
class SimulationRequest:
    """Run a model's ensemble for some cells (ids) and a period (ISO dates, both days included).

    `scenario` changes the forcing (text of `hdlcore.runtime.scenarios`; empty for none) and is kept in its plain form.
    """

    model: str
    cells: tuple[int, ...]
    start: str = START
    end: str = END
    frequency: Frequency = "daily"
    scenario: str = ""

    def __post_init__(self) -> None:
        if not self.cells:
            raise RequestError("No cell was asked for; choose a cell or a region that holds some.")
        object.__setattr__(self, "scenario", scenario_text(parse_scenario(self.scenario)))
        if self.frequency not in get_args(Frequency):
            raise RequestError(f"The frequency '{self.frequency}' is unknown; choose daily or monthly.")
        start, end = parse_date(self.start, "start"), parse_date(self.end, "end")
        if end < start:
            raise RequestError(f"The period ends ({self.end}) before it starts ({self.start}); swap the two dates.")
        last = calendar.monthrange(end.year, end.month)[1]
        whole_months = (end.year * 12 + end.month + (end.day == last)) - (
            start.year * 12 + start.month + (start.day > 1)
        )
        if self.frequency == "monthly" and whole_months < 1:
            raise RequestError(f"{self.start} to {self.end} holds no whole month; lengthen it or ask for daily values.")


@dataclass(frozen=True)
class ExplanationRequest:
    """Attribute a target of one cell to the `lags` days up to it, on each `every`-th day from `start` to `end`.

    `samples` is how many points or draws a method takes, where it takes any.
    """

    model: str
    cell: int
    target: str = "tws"
    method: str = "integrated_gradients"
    lags: int = 365
    start: str = "2005-01-01"
    end: str = "2005-12-31"
    every: int = 1
    samples: int = 8

    def __post_init__(self) -> None:
        if self.method not in EXPLANATIONS:
            find_method(self.method)
        if not 1 <= self.lags <= MAX_LAGS:
            raise RequestError(f"{self.lags} lags cannot be attributed; ask for 1 to {MAX_LAGS} days.")
        start, end = parse_date(self.start, "start"), parse_date(self.end, "end")
        if end < start:
            raise RequestError(f"The target days end ({self.end}) before they start ({self.start}); swap the dates.")
        if start.year < FIRST_YEAR + 5:
            raise RequestError(f"The start {self.start} is before {FIRST_YEAR + 5}; choose a later one.")
        if self.every < 1:
            raise RequestError(f"Every {self.every} days is no step; ask for 1 or more.")
        if not 1 <= self.samples <= MAX_SAMPLES:
            raise RequestError(f"{self.samples} samples cannot be taken; ask for 1 to {MAX_SAMPLES}.")


@dataclass(frozen=True)
class ImpulseRequest:
    """Give some cells (ids) one pulse of a driver on one day and follow every output over the `lags` days from it.

    `size` is in the driver's unit; None takes +10 mm of rain, +5 K, or one standard deviation of another driver.
    """

    model: str
    cells: tuple[int, ...]
    driver: str = "precipitation"
    day: str = "2005-05-01"
    lags: int = 365
    size: float | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.cells) <= MAX_PULSED:
            raise RequestError(f"A pulse is given to 1 to {MAX_PULSED} cells at once, not {len(self.cells)}.")
        if not 1 <= self.lags <= MAX_LAGS:
            raise RequestError(f"A pulse is followed over 1 to {MAX_LAGS} days, not {self.lags}.")
        day = parse_date(self.day, "day of the pulse")
        if not FIRST_YEAR + 5 <= day.year <= LAST_YEAR - 5:
            raise RequestError(f"The day {self.day} is near the ends of time; choose a year from 1906 to 2095.")
        if self.size is not None and not (math.isfinite(self.size) and self.size):
            raise RequestError(f"A pulse of {self.size} moves nothing; give a number other than 0.")
