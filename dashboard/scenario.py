"""A scenario as a person sets it: knobs and presets <-> the text of `hdlcore.runtime.scenarios`, and it in words."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from dashboard.layers import MONTHS
from hdlcore.runtime.scenarios import Change, Scenario, parse_scenario, scenario_text
from hdlcore.variables import variable

#: Drivers that the page can change, as it calls them.
DRIVERS = {"precipitation": "Precipitation", "air_temperature": "Temperature", "net_radiation": "Radiation"}
SEASONS = {"winter": "Winters", "spring": "Springs", "summer": "Summers", "autumn": "Autumns"}
#: Knob -> lowest, highest, step, unit.
RANGES = {
    "precipitation": (-100.0, 100.0, 5.0, "%"),
    "air_temperature": (-6.0, 8.0, 0.5, "°C"),
    "net_radiation": (-50.0, 50.0, 5.0, "%"),
    "season": (-90.0, 90.0, 5.0, "days"),
}


@dataclass(frozen=True)
class Preset:
    """A ready experiment: its name, the scenario's text, and one sentence of what it does."""

    name: str
    scenario: str
    about: str


PRESETS = {
    "drought": Preset(
        "A dry year", "precipitation*0.5@2004-01-01..2004-12-31", "Half the rain and snow in 2004, then all as before."
    ),
    "wet": Preset("A wet year", "precipitation*1.5@2004-01-01..2004-12-31", "Half as much again in 2004."),
    "warm": Preset("2 °C warmer", "air_temperature+2", "Every day 2 °C warmer; rain and radiation stay."),
    "snowless": Preset(
        "No snow", "air_temperature+15@winter;air_temperature+15@spring", "Winters and springs too warm for snow."
    ),
    "winter": Preset("Wetter winters", "precipitation*1.3@winter", "30 % more in the three winter months."),
    "late": Preset("Season a month late", "all>>30", "The seasons come 30 days later, the weather on top stays."),
    "calm": Preset(
        "No weather, only climate", "all=climatology", "Every day is the mean of its date: no storms, no dry spells."
    ),
    "dim": Preset("Radiation held", "net_radiation=mean", "Radiation at its long-term mean, without a season."),
}


@dataclass(frozen=True)
class Knobs:
    """What the sliders show.

    Precipitation and radiation in percent more or less, temperature in degrees, the season in days later; `when` they
    hold ("", a season, or a period "first..last"); drivers `held` at their mean; `other` changes no knob can show.
    """

    precipitation: float = 0.0
    air_temperature: float = 0.0
    net_radiation: float = 0.0
    season: float = 0.0
    when: str = ""
    held: tuple[str, ...] = ()
    other: Scenario = ()

    def text(self) -> str:
        """The scenario's text."""
        start, end, season = _when(self.when)
        changes = list(self.other)
        for name in ("precipitation", "net_radiation"):
            if value := getattr(self, name):
                changes.append(Change("scale", name, round(1 + value / 100, 4), start, end, season))  # type: ignore[arg-type]
        if self.air_temperature:
            changes.append(Change("shift", "air_temperature", self.air_temperature, start, end, season))  # type: ignore[arg-type]
        changes += [Change("mean", name) for name in self.held]
        if self.season:
            changes.append(Change("season", "all", self.season))
        return scenario_text(tuple(changes))

    def turned(self, name: str, value: float) -> Knobs:
        """The same with one slider at another place."""
        low, high, _, _ = RANGES[name]
        return replace(self, **{name: float(min(max(value, low), high))})  # type: ignore[arg-type]


def _when(when: str) -> tuple[str, str, str]:
    if when in SEASONS or not when:
        return "", "", when
    start, _, end = when.partition("..")
    return start, end, ""


def _when_of(change: Change) -> str:
    if change.season:
        return change.season if not (change.start or change.end) else "both"
    return (
        f"{change.start}..{change.end}" if change.start and change.end else "open" if change.start != change.end else ""
    )


def knobs_of(text: str) -> Knobs:
    """The knobs of a scenario; a change that no knob can show, or that holds at another time, is among `other`."""
    knobs, other, when = Knobs(), [], None
    for change in parse_scenario(text):
        name, value = _knob(change)
        if change.action == "mean" and change.forcing in DRIVERS and not _when_of(change):
            knobs = replace(knobs, held=tuple(dict.fromkeys([*knobs.held, change.forcing])))
        elif name == "season" and not _when_of(change) and not knobs.season and _fits(name, value):
            knobs = replace(knobs, season=value)
        elif (
            name in DRIVERS and _fits(name, value) and not getattr(knobs, name)
            and _when_of(change) not in ("both", "open") and when in (None, _when_of(change))
        ):  # fmt: skip
            when = _when_of(change)
            knobs = replace(knobs, **{name: value})  # type: ignore[arg-type]
        else:
            other.append(change)
    return replace(knobs, when=when or "", other=tuple(other))


def _knob(change: Change) -> tuple[str, float]:
    """The slider a change belongs to and its place there; '' when there is none."""
    if change.action == "scale" and change.forcing in ("precipitation", "net_radiation"):
        return change.forcing, round(100 * (change.amount - 1), 2)
    if change.action == "shift" and change.forcing == "air_temperature":
        return change.forcing, change.amount
    if change.action == "season" and change.forcing == "all":
        return "season", change.amount
    return "", 0.0


def _fits(name: str, value: float) -> bool:
    low, high, _, _ = RANGES[name]
    return value != 0 and low <= value <= high


def read_scenario(text: str) -> str:
    """The plain form of a scenario's text; raises `RequestError` for what cannot be read or no driver is called."""
    scenario = parse_scenario(text)
    for change in scenario:
        if change.forcing != "all":
            variable(change.forcing)
    return scenario_text(scenario)


def in_words(text: str) -> str:
    """A scenario in words: '50 % less precipitation in 2004; 2 °C warmer'. Empty for none."""
    return "; ".join(_change_in_words(change) for change in parse_scenario(text))


def _change_in_words(change: Change) -> str:
    name = "all weather" if change.forcing == "all" else variable(change.forcing).long_name.lower()
    size = abs(change.amount)
    match change.action:
        case "scale":
            part = round(100 * (change.amount - 1), 1)
            what = f"{abs(part):g} % {'more' if part > 0 else 'less'} {name}" if part else f"{name} as it is"
        case "shift" if change.forcing == "air_temperature":
            what = f"{size:g} °C {'warmer' if change.amount > 0 else 'colder'}"
        case "shift":
            units = variable(change.forcing).units.replace("mm d-1", "mm a day") if change.forcing != "all" else ""
            what = f"{size:g} {units} {'more' if change.amount > 0 else 'less'} {name}".replace("  ", " ")
        case "climatology":
            what = f"{name} as the mean of each date"
        case "mean":
            what = f"{name} held at its mean"
        case _:
            whose = "seasons" if change.forcing == "all" else f"season of {name}"
            what = f"{whose} {size:g} days {'later' if change.amount > 0 else 'earlier'}"
    return what + _time_in_words(change)


def _time_in_words(change: Change) -> str:
    season = f" in {SEASONS[change.season].lower()}" if change.season else ""
    start, end = change.start, change.end
    if not start and not end:
        return season
    if start == end:
        return f"{season} on {day_in_words(start)}"
    if start.endswith("-01-01") and end.endswith("-12-31"):
        years = start[:4] if start[:4] == end[:4] else f"{start[:4]} to {end[:4]}"
        return f"{season} in {years}"
    ends = [f"from {day_in_words(start)}" if start else "", f"to {day_in_words(end)}" if end else ""]
    return " ".join(["", *(part for part in (season.strip(), *ends) if part)])


def day_in_words(day: str) -> str:
    """'1 May 2005' of an ISO day."""
    return f"{int(day[8:])} {MONTHS[int(day[5:7]) - 1]} {day[:4]}"


def changed_span(text: str, days: np.ndarray) -> tuple[np.datetime64, np.datetime64] | None:
    """First and last of some days (datetime64) between which changes with dates hold; None when one has no dates."""
    changes = parse_scenario(text)
    if not changes or any(not (change.start and change.end) for change in changes):
        return None
    first = max(np.datetime64(min(change.start for change in changes)), days.min().astype("datetime64[D]"))
    last = min(np.datetime64(max(change.end for change in changes)), days.max().astype("datetime64[D]"))
    return (first, last) if first <= last else None
