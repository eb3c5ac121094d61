"""What if: changes of the forcing on a period, written as short text that a link and a command line can carry.

    precipitation*0.5@2003-06..2003-08     half the rain from June to August 2003
    air_temperature+2                      2 K warmer throughout
    precipitation+10@2005-05-01            a pulse of 10 mm on one day
    precipitation*1.3@winter               wetter winters, each hemisphere in its own
    net_radiation=climatology              its mean seasonal cycle instead of its days
    net_radiation=mean                     the driver dropped: held at its long-term mean
    all>>30                                the season comes 30 days later (<< earlier), weather on top unchanged

Several changes are joined by ";" and made in that order.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from calendar import monthrange
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from hdlcore.analysis.seasonality import smooth_daily_cycle
from hdlcore.errors import RequestError

Action = Literal["scale", "shift", "climatology", "mean", "season"]
Season = Literal["", "winter", "spring", "summer", "autumn"]

ALL = "all"
#: Months of each season in the north; in the south six months later.
MONTHS = {"winter": (12, 1, 2), "spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11)}
#: Forcing that cannot be negative.
NOT_NEGATIVE = frozenset({"precipitation", "potential_evapotranspiration"})
#: Largest change that still means something, by action; beyond it a slip is more likely.
_LARGEST = {"scale": 10.0, "shift": 500.0, "season": 183.0}

_CHANGE = re.compile(
    r"(?P<forcing>[a-z_]+)\s*(?:(?P<sign>\*|\+|-|>>|<<)\s*(?P<amount>[0-9.eE+-]+)|=\s*(?P<word>[a-z]+))"
    r"(?:\s*@\s*(?P<when>.+))?"
)
_DATE = r"\d{4}(?:-\d{2}){0,2}"
_PERIOD = re.compile(rf"(?P<first>{_DATE})(?:\.\.(?P<last>{_DATE}))?")


@dataclass(frozen=True)
class Change:
    """One change: `amount` is a factor (scale), forcing units (shift) or days later (season).

    It holds from `start` to `end` (ISO days, both included; empty: without bound) and, if given, in one season only.
    """

    action: Action
    forcing: str
    amount: float = 0.0
    start: str = ""
    end: str = ""
    season: Season = ""

    def __post_init__(self) -> None:
        if self.action not in get_args(Action) or self.season not in get_args(Season):
            raise RequestError(f"'{self.action}' or '{self.season}' is no change or season known; see 'hdl simulate'.")
        largest = _LARGEST.get(self.action, math.inf)
        if not (math.isfinite(self.amount) and abs(self.amount) <= largest):
            raise RequestError(f"A {self.action} by {self.amount:g} is too much; stay within {largest:g}.")
        if self.action == "scale" and self.amount < 0:
            raise RequestError(f"A factor of {self.amount:g} would turn {self.forcing} around; give 0 or more.")
        if self.start and self.end and self.end < self.start:
            raise RequestError(f"The change ends ({self.end}) before it starts ({self.start}); swap the two dates.")

    def __str__(self) -> str:
        """The text `parse_scenario` reads."""
        words = {"climatology": "=climatology", "mean": "=mean", "scale": f"*{self.amount:g}"}
        sign = ("+" if self.amount >= 0 else "-") if self.action == "shift" else (">>" if self.amount >= 0 else "<<")
        text = self.forcing + words.get(self.action, f"{sign}{abs(self.amount):g}")
        period = self.start if self.start == self.end else f"{self.start or '0001'}..{self.end or '9999'}"
        when = ",".join(part for part in (period, self.season) if part)
        return f"{text}@{when}" if when else text


Scenario = tuple[Change, ...]


def parse_scenario(text: str) -> Scenario:
    """Read a scenario; an empty text is no change. Raises `RequestError` naming the part that cannot be read."""
    return tuple(_parse_change(part.strip()) for part in text.split(";") if part.strip())


def scenario_text(scenario: Scenario) -> str:
    """The text of a scenario, as `parse_scenario` reads it."""
    return ";".join(map(str, scenario))


def _parse_change(text: str) -> Change:
    found = _CHANGE.fullmatch(text)
    if found is None:
        raise RequestError(
            f"The change '{text}' cannot be read; write it as precipitation*0.5@2003-06..2003-08, air_temperature+2, "
            "net_radiation=climatology, net_radiation=mean or all>>30."
        )
    sign, word, forcing = found["sign"], found["word"], found["forcing"]
    start, end, season = _parse_when(found["when"] or "", text)
    if word is not None:
        if word not in ("climatology", "mean"):
            raise RequestError(f"'{text}' replaces by '{word}'; a driver can be replaced by climatology or mean.")
        return Change(word, forcing, 0.0, start, end, season)  # type: ignore[arg-type]
    try:
        amount = float(found["amount"])
    except ValueError:
        raise RequestError(f"'{found['amount']}' in '{text}' is not a number; write it as in 0.5.") from None
    action: Action = "scale" if sign == "*" else "shift" if sign in "+-" else "season"
    return Change(action, forcing, -amount if sign in ("-", "<<") else amount, start, end, season)


def _parse_when(text: str, whole: str) -> tuple[str, str, Season]:
    start, end, season = "", "", ""
    for part in filter(None, (part.strip() for part in text.split(","))):
        found = _PERIOD.fullmatch(part)
        if part in MONTHS:
            season = part
        elif found is not None:
            start, end = _first_day(found["first"], whole), _last_day(found["last"] or found["first"], whole)
        else:
            raise RequestError(f"The time '{part}' in '{whole}' cannot be read; write 2003-06..2003-08 or winter.")
    return start, end, season  # type: ignore[return-value]


def _first_day(text: str, whole: str) -> str:
    return _day((text + "-01-01")[:10] if len(text) < 10 else text, whole) if text != "0001" else ""


def _last_day(text: str, whole: str) -> str:
    if text == "9999":
        return ""
    if len(text) == 4:
        text += "-12"
    if len(text) == 7:
        year, month = int(text[:4]), int(text[5:])
        text += f"-{monthrange(year, month)[1] if 1 <= month <= 12 and year else 1:02d}"
    return _day(text, whole)


def _day(text: str, whole: str) -> str:
    try:
        return dt.date.fromisoformat(text).isoformat()
    except ValueError:
        raise RequestError(f"'{text}' in '{whole}' is not a day; write it as YYYY-MM-DD.") from None


def first_changed_day(scenario: Scenario, start: str) -> str:
    """First day from `start` on that a scenario can change, ISO; a run before it is as without the scenario."""
    return max(start, min((change.start for change in scenario), default="9999-12-31"))


def apply_scenario(
    scenario: Scenario,
    forcing: NDArray[np.float32],
    names: tuple[str, ...],
    days: NDArray[np.datetime64],
    lat: NDArray,
    record: NDArray[np.float32],
    record_days: NDArray[np.datetime64],
) -> NDArray[np.float32]:
    """Forcing under a scenario, a new array of the same shape and units.

    Parameters
    ----------
    forcing : (time, cell, n_forcing) on `days` (datetime64[D]).
    names : of the forcing.
    lat : degrees north (cell), for the hemisphere's seasons.
    record, record_days : forcing (time, cell, n_forcing) of the period whose mean and mean seasonal cycle stand for
        the climatology.

    Raises
    ------
    RequestError
        For a driver the model does not have, and for a temperature scaled (it has no zero to scale about).
    """
    changed = np.array(forcing, np.float32)
    for change in scenario:
        for index in _indices(change, names):
            cycle = smooth_daily_cycle(record[..., index], record_days, days)
            if change.action == "season":
                moved = days - np.timedelta64(round(change.amount), "D")
                new = changed[..., index] - cycle + smooth_daily_cycle(record[..., index], record_days, moved)
            else:
                new = _changed(change, changed[..., index], cycle, record[..., index])
            if names[index] in NOT_NEGATIVE:
                new = np.maximum(new, 0.0)
            where = _when(change, days, lat)
            changed[..., index] = np.where(where, new, changed[..., index])
    return changed


def _indices(change: Change, names: tuple[str, ...]) -> list[int]:
    if change.forcing == ALL:
        return list(range(len(names)))
    if change.forcing not in names:
        raise RequestError(f"The model is not driven by '{change.forcing}'; it is by {', '.join(names)}.")
    if change.action == "scale" and change.forcing == "air_temperature":
        raise RequestError("A temperature in degC cannot be scaled; shift it, as in air_temperature+2.")
    return [names.index(change.forcing)]


def _changed(change: Change, values: NDArray, cycle: NDArray, record: NDArray) -> NDArray:
    match change.action:
        case "scale":
            return values * np.float32(change.amount)
        case "shift":
            return values + np.float32(change.amount)
        case "climatology":
            return cycle
        case _:
            return np.broadcast_to(record.mean(0, dtype=np.float64), values.shape)


def _when(change: Change, days: NDArray[np.datetime64], lat: NDArray) -> NDArray[np.bool_]:
    """Where a change holds, (time, cell)."""
    on = np.ones(days.size, bool)
    if change.start:
        on &= days >= np.datetime64(change.start)
    if change.end:
        on &= days <= np.datetime64(change.end)
    where = np.repeat(on[:, None], lat.size, axis=1)
    if change.season:
        month = days.astype("datetime64[M]").astype(int) % 12 + 1
        north = np.isin(month, MONTHS[change.season])
        south = np.isin((month + 5) % 12 + 1, MONTHS[change.season])
        where &= np.where(lat[None] >= 0, north[:, None], south[:, None])
    return where
