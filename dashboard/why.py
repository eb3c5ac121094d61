"""What the Why page shows, without a screen: one day's water told by the weather before it, and checks of that."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.scenario import day_in_words
from dashboard.selection import row_label
from dashboard.summary import quantity
from hdlcore.analysis.seasonality import smooth_daily_cycle
from hdlcore.attribution.lags import bin_sum, lag_bins
from hdlcore.attribution.views import split_by
from hdlcore.errors import RequestError
from hdlcore.runtime.requests import END, EXPLANATIONS, ExplanationRequest
from hdlcore.variables import VARIABLES, variable

#: Points on the path and draws of a single day's answer: one day is cheap.
SAMPLES = 8
#: First day that can be asked about: before it lies a year of weather.
FIRST = "2003-01-01"
#: Figures of a method's grades: heading, key, and what is good.
GRADES = (
    ("On paper", "oracle_error", "0 is exact"),
    ("Twin: rank r", "twin_rank_correlation", "1 is the truth's order"),
    ("Twin: days off", "twin_memory_time_error", "0 is the true memory time"),
    ("CPD", "cpd", "above 1: finds what matters"),
    ("CPP", "cpp", "below 1: knows what does not"),
    ("Infidelity", "infidelity", "0 is perfect, 1 says nothing"),
    ("Sensitivity", "max_sensitivity", "small: noise changes little"),
    ("Shuffled", "randomisation", "near 0: depends on the weights"),
    ("Members", "agreement", "1: members agree"),
)


def read_day(text: str) -> str:
    """An ISO day that can be asked about; raises `RequestError` with one sentence."""
    try:
        day = dt.date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise RequestError(f"'{text}' is not a day; write it as 2005-05-15.") from None
    if not FIRST <= day <= END:
        raise RequestError(f"{text} lies outside the weather at hand; choose a day from {FIRST} to {END}.")
    return day


def question(source: str, kind: str, cell: int, target: str, method: str, day: str, lags: int) -> ExplanationRequest:
    """What is asked of the engine: one day."""
    if kind == "twin":
        method = "finite_difference"
    return ExplanationRequest(source, cell, target, method, lags, day, day, samples=SAMPLES)


@dataclass(frozen=True)
class Story:
    """One day told.

    answer : of the engine, its day only. value : target on the day, in its unit. weather, usual : drivers on the days
    of the lags, (time), oldest first. check : what a rerun says of the largest contribution, None where none can.
    """

    answer: xr.Dataset
    value: float
    weather: xr.Dataset
    usual: xr.Dataset
    check: Check | None = None

    @property
    def target(self) -> str:
        """Name of the target."""
        return str(self.answer.attrs["target"])

    @property
    def method(self) -> str:
        """Name of the method."""
        return str(self.answer.attrs["method"])

    @property
    def units(self) -> str:
        """Unit of the contributions."""
        return str(self.answer["attribution"].attrs.get("units", ""))

    @property
    def by_driver(self) -> bool:
        """Whether contributions are split by driver, so that they can be drawn on the weather."""
        return split_by(self.answer) == "forcing"

    @property
    def in_target(self) -> bool:
        """Whether contributions are amounts of the target with a sign, which may be summed and checked by a rerun."""
        return self.units == VARIABLES[self.target].units and self.method != "permutation"


@dataclass(frozen=True)
class Check:
    """The largest contribution against a rerun with that weather put back to usual, in the target's unit."""

    driver: str
    first: str
    last: str
    told: float
    found: float


def weather_of(run: xr.Dataset, record: xr.Dataset, names: tuple[str, ...]) -> tuple[xr.Dataset, xr.Dataset]:
    """Drivers of a run (time) and their usual course on the same days, from a `record` of whole years."""
    days = run["time"].values.astype("datetime64[D]")
    known = record["time"].values.astype("datetime64[D]")
    weather = xr.Dataset({name: run[name].isel(cell=0, drop=True) for name in names if name in run})
    usual = {
        name: ("time", smooth_daily_cycle(record[name].values[:, 0], known, days), weather[name].attrs)
        for name in map(str, weather.data_vars)
    }
    return weather, xr.Dataset(usual, {"time": weather["time"]})


def contributions(answer: xr.Dataset) -> xr.DataArray:
    """One day's contributions on the dates of the weather, (time, driver or store), oldest first.

    What a method says of a whole window is spread evenly over its days.
    """
    values = answer["attribution"].isel(time=0).transpose("lag", split_by(answer))
    first, last = answer["lag"].values, answer["lag_last"].values
    lengths = last - first + 1
    daily = np.repeat(values.values / lengths[:, None], lengths, axis=0)
    day = answer["time"].values[0].astype("datetime64[D]")
    days = day - np.arange(daily.shape[0])
    axis = split_by(answer)
    found = xr.DataArray(
        daily, {"time": days.astype("datetime64[ns]"), axis: values[axis].values}, ("time", axis), attrs=values.attrs
    )
    return found.isel(time=slice(None, None, -1))


def windows(answer: xr.Dataset) -> tuple[NDArray, NDArray, xr.DataArray]:
    """First and last day back of each log-like window, and its contributions (window, driver or store)."""
    values = answer["attribution"].isel(time=0, drop=True).transpose("lag", split_by(answer))
    lags = int(answer["lag_last"].values[-1]) + 1
    start, end = lag_bins(lags)
    daily = values.sizes["lag"] == lags
    summed = bin_sum(values.values, 0) if daily else values.values
    axis = split_by(answer)
    return start, end, xr.DataArray(summed, {axis: values[axis].values}, ("window", axis))


def largest(answer: xr.Dataset) -> tuple[str, int, int, float]:
    """The window and driver (or store) that contributes most: name, first and last day back, contribution."""
    start, end, values = windows(answer)
    at, of = np.unravel_index(int(np.abs(values.values).argmax()), values.shape)
    name = str(values[split_by(answer)].values[of])
    return name, int(start[at]), int(end[at]), float(values.values[at, of])


def span_of(day: str, first: int, last: int) -> tuple[str, str]:
    """Dates of a window, oldest first, as ISO days."""
    at = np.datetime64(day)
    return str(at - last), str(at - first)


def put_back(driver: str, first: str, last: str) -> str:
    """The scenario that puts a driver back to its usual course between two days."""
    return f"{driver}=climatology@{first}..{last}"


def span_in_words(first: str, last: str) -> str:
    """'14 March to 12 April 2005'."""
    if first == last:
        return day_in_words(first)
    one, other = day_in_words(first), day_in_words(last)
    return f"{one if first[:4] != last[:4] else one[:-5]} to {other}"


def sentence(story: Story, place: str) -> str:
    """What the day was, how it differs from usual, and what made most of that."""
    entry = variable(story.target)
    day = str(story.answer["time"].values[0])[:10]
    lower = entry.long_name[0].lower() + entry.long_name[1:]
    text = f"{place}, {day_in_words(day)}: {lower} {quantity(story.value, entry.units)}"
    if story.in_target and "difference" in story.answer:
        gap = float(story.answer["difference"].values[0])
        side = "more" if gap >= 0 else "less"
        text += f", {quantity(abs(gap), entry.units)} {side} than usual weather would have left"
    name, first, last, amount = largest(story.answer)
    if not amount:
        return f"{text}; nothing before it is found to matter."
    when = span_in_words(*span_of(day, first, last))
    label = row_label(name).lower()
    if not story.by_driver:
        ago = "that morning" if not first else f"{first} day{'s' if first > 1 else ''} before"
        what = "more" if amount > 0 else "less"
        return (
            f"{text}. {label.capitalize()} as it stood {ago} makes {quantity(abs(amount), entry.units)} {what} of it."
        )
    if not story.in_target:
        return f"{text}; it answers most to {label} of {when}."
    did = "added" if amount > 0 else "took away"
    return f"{text}. {label.capitalize()} of {when} {did} most: {quantity(abs(amount), entry.units)}."


def accounts(story: Story) -> str:
    """How far the contributions add up, how far members differ, and what a rerun says, in sentences."""
    answer, units = story.answer, VARIABLES[story.target].units
    parts = []
    if "completeness_gap" in answer:
        whole, gap = (float(answer[name].values[0]) for name in ("difference", "completeness_gap"))
        parts.append(
            f"The contributions add up to {quantity(whole + gap, units)} of {quantity(whole, units)}: "
            f"{quantity(abs(gap), units)} {'too much' if gap * whole > 0 else 'not accounted for'}."
        )
    else:
        parts.append("This method does not claim that its numbers add up.")
    if "attribution_spread" in answer:
        spread, size = (float(np.abs(answer[name]).sum()) for name in ("attribution_spread", "attribution"))
        if size > 0:
            parts.append(f"Members' sizes differ by {100 * spread / size:.0f} %.")
    parts.append(f"Computed in {float(answer.attrs.get('cost_seconds', 0)):.1f} s.")
    if answer.attrs.get("notes"):
        parts.append(str(answer.attrs["notes"]))
    return " ".join(parts)


def check_sentence(check: Check | None, units: str) -> str:
    """What a rerun says of the largest contribution."""
    if check is None:
        return ""
    when = span_in_words(check.first, check.last)
    same = abs(check.told - check.found) <= 0.25 * max(abs(check.found), 1e-9)
    verdict = "the method is borne out" if same else "the method and the rerun part ways"
    return (
        f"Checked by running again with {row_label(check.driver).lower()} of {when} at its usual: "
        f"{quantity(check.found, units)} came from it, the method says {quantity(check.told, units)}; {verdict}."
    )


def grade_rows(grades: dict[str, Any] | None, methods: tuple[str, ...]) -> list[list[str]]:
    """Each method: label, claim, and its figures as `GRADES` lists them, '–' where there is none."""
    held = (grades or {}).get("methods", {})
    rows = []
    for name in methods:
        way, entry = EXPLANATIONS[name], held.get(name, {})
        figures = []
        for _, key, _ in GRADES if held else ():
            value = entry.get(key)
            if value is None or not np.isfinite(value):
                figures.append("–")
            elif key == "oracle_error":
                figures.append(f"{value:.0e}".replace("-", "−"))
            else:
                figures.append((f"{value:.0f}" if "time" in key else f"{value:.2f}").replace("-", "−"))
        rows.append([way.label, way.claim, *figures])
    return rows


def drivers_of(run: xr.Dataset, outputs: tuple[str, ...]) -> tuple[str, ...]:
    """Weather that drove a run, not its outputs of the same kind, in the order of the table of variables.

    A run read back from a store has its variables in any order.
    """
    weather = (name for name, entry in VARIABLES.items() if entry.kind == "forcing" and name not in outputs)
    return tuple(name for name in weather if name in run)
