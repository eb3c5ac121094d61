"""What the readers of flux towers share: half hours to days, the share of the day that was measured, known places.

A day's mean is that of its half hours when at least `ENOUGH` of them are there; the amount of rain is the mean rate
times 24 hours, so that a few lost half hours do not make a dry day. A day of a target counts as observed only when
enough of it was measured and not filled: the share, where files tell it, is kept beside it, as
``weather_coverage``, ``energy_coverage`` and ``carbon_coverage``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.ingest.kinds import Options, Origin, describe
from hdlcore.data.ingest.sites.attributes import Attributes, read_attributes
from hdlcore.data.ingest.sites.site import Days, Series, Site, file_entry
from hdlcore.data.schema import physical_range
from hdlcore.errors import DataError
from hdlcore.variables import variable

#: Share of a day's steps that must be there for a daily value.
ENOUGH = 0.75
#: Share of good quality (measured, or filled with good quality) from which a day of a FLUXNET target counts.
GOOD = 0.5
#: Share of measured half hours from which a filled day counts where files do not tell good filling from bad; lower,
#: as calm nights are left out on purpose (the friction velocity filter).
MEASURED = 0.25

GROUPS = {
    "weather_coverage": ("air_temperature", "shortwave_radiation", "precipitation", "vapour_pressure_deficit"),
    "energy_coverage": ("latent_heat_observed", "sensible_heat_observed"),
    "carbon_coverage": ("nee_observed",),
}
#: Split from the measured exchange by a model, so not observed themselves.
_DERIVED = {"gpp_observed", "reco_observed"}

#: Places of towers whose files do not say them: lat, lon (degrees), elevation (m), from the sites' own pages.
PLACES: dict[str, tuple[float, float, float]] = {
    "US-AR1": (36.4267, -99.4200, 611.0),  # AmeriFlux, doi:10.17190/AMF/1246137
    "US-Tw3": (38.1152, -121.6469, -9.0),  # AmeriFlux, doi:10.17190/AMF/1246149
    "CH-DAV": (46.8153, 9.8559, 1639.0),  # Swiss FluxNet; Zielis et al. 2014, doi:10.5194/bg-11-1627-2014
    "CH-CHA": (47.2102, 8.4104, 393.0),  # Swiss FluxNet
}


@dataclass
class Tower:
    """Daily series of a tower as they are gathered: values and shares of good data, (day,) each."""

    name: str
    days: Days
    values: dict[str, Series] = field(default_factory=dict)
    shares: dict[str, Series] = field(default_factory=dict)
    comments: dict[str, str] = field(default_factory=dict)
    conversions: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, name: str, values: Series, share: Series | None = None, comment: str = "") -> None:
        """Keep a series; a later one of the same name is not kept."""
        if name not in self.values:
            self.values[name] = values
            self.comments[name] = comment
            if share is not None:
                self.shares[name] = np.clip(share, 0, 1)

    def keep_observed(self, names: Iterable[str], least: float) -> None:
        """Make days missing whose share of good data is below `least`."""
        for name in names:
            share = self.shares.get(name)
            if name in self.values and share is not None:
                with np.errstate(invalid="ignore"):
                    self.values[name] = np.where(share >= least, self.values[name], np.nan)


@dataclass(frozen=True)
class Steps:
    """Half-hourly or hourly rows in days: `day` (row,) counts from the first of `days`; each is `minutes` long."""

    days: Days
    day: NDArray[np.int64]
    minutes: int

    @property
    def per_day(self) -> int:
        """Steps of a whole day."""
        return 1440 // self.minutes

    def mean(self, values: Series) -> Series:
        """Daily means (day,); NaN where fewer than `ENOUGH` of the day's steps have a value."""
        there = np.isfinite(values)
        count = np.bincount(self.day[there], minlength=self.days.size)
        total = np.bincount(self.day[there], weights=values[there], minlength=self.days.size)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean: Series = np.where(count >= ENOUGH * self.per_day, total / count, np.nan)
        return mean

    def share(self, good: NDArray[np.bool_]) -> Series:
        """Share of the day's steps (0 to 1) that are good."""
        counted: Series = np.bincount(self.day[good], minlength=self.days.size) / self.per_day
        return counted


def make_steps(starts: NDArray[np.datetime64], place: str) -> tuple[Steps, NDArray[np.intp]]:
    """Sort time stamps at the *start* of each step (datetime64[m]) into days.

    Returns the steps, and the order of rows that goes with them: rising, each stamp once. Raises `DataError` for a
    step that is not 30 or 60 minutes, and for stamps off the step.
    """
    order = np.argsort(starts, kind="stable")
    minutes = starts[order].astype("datetime64[m]").astype(np.int64)
    first = np.ones(minutes.size, bool)
    first[1:] = np.diff(minutes) > 0
    order, minutes = order[first], minutes[first]
    steps, counts = np.unique(np.diff(minutes), return_counts=True)
    step = int(steps[counts.argmax()]) if steps.size else 30
    if step not in (30, 60):
        raise DataError(
            f"{place} steps by {step} minutes where 30 or 60 are read here; average it to half hours first."
        )
    if np.any(minutes % step):
        at = np.datetime64(int(minutes[np.flatnonzero(minutes % step)[0]]), "m")
        raise DataError(f"{place}: the time {at} is not on a step of {step} minutes; correct it.")
    day = minutes // 1440
    days = np.arange(day[0], day[-1] + 1).astype("datetime64[D]")
    return Steps(days, day - day[0], step), order


def no_contradiction(starts: NDArray[np.datetime64], values: Mapping[str, Series], place: str) -> str:
    """Refuse a time stamp that is there twice with different values; a note when they agree, else ''."""
    order = np.argsort(starts, kind="stable")
    again = np.flatnonzero(np.diff(starts[order].astype(np.int64)) == 0)
    for name, numbers in values.items():
        one, other = numbers[order[again]], numbers[order[again + 1]]
        differs = again[~((one == other) | (np.isnan(one) & np.isnan(other)))]
        if differs.size:
            when = starts[order[differs[0]]]
            raise DataError(f"{place}: {when} is there twice with different {name}; keep one of them.")
    return (
        f"{place}: {again.size} time stamps were there twice with the same values and count once." if again.size else ""
    )


def possible(name: str, values: Series, place: str, notes: list[str]) -> Series:
    """Values with what is physically impossible made missing, and a note of how many; refuses when most are."""
    limits = physical_range(name)
    if limits is None:
        return values
    with np.errstate(invalid="ignore"):
        off = (values < limits[0]) | (values > limits[1])
    n, there = int(off.sum()), int(np.isfinite(values).sum())
    if not n:
        return values
    if n > 0.05 * there:
        units = variable(name).units
        raise DataError(
            f"{place}: {n} of {there} daily values of {name} lie outside {limits[0]:g} to {limits[1]:g} {units}; "
            "the column is not in the units of its format."
        )
    notes.append(f"{place}: {n} impossible days of {name} are missing in the cube.")
    return np.where(off, np.nan, values)


def to_site(tower: Tower, files: list[Path], product: str, reader: str, attribution: str, options: Options) -> Site:
    """A tower's series as a `Site`: checked, with its coverage and its place. Raises `DataError` for an empty one."""
    place = files[0].name
    values = {name: possible(name, series, place, tower.notes) for name, series in tower.values.items()}
    values = {name: series for name, series in values.items() if np.isfinite(series).any()}
    if not values:
        raise DataError(f"{files[0]} holds no value that can be used, only missing ones; is it the right file?")
    for coverage, members in GROUPS.items():
        shares = [tower.shares[name] for name in members if name in values and name in tower.shares]
        if shares and len(shares) == sum(name in values for name in members):
            values[coverage] = np.mean(shares, axis=0)
    about = place_of(tower.name, options)
    attrs = {}
    for name in values:
        origin: Origin = "derived" if name in _DERIVED else "observed"
        comment = {"comment": tower.comments[name]} if tower.comments.get(name) else {}
        attrs[name] = describe(name, origin, product, **comment)
    if not np.isfinite([about.lat, about.lon]).all():
        tower.notes.append(f"{tower.name}: its place is not in the file; give lat and lon with --attributes.")
    entries = [file_entry(path, product, reader, tower.conversions) for path in files]
    return Site(
        tower.name, tower.days, values, attrs, entries, about.lat, about.lon, about.area, about.elevation,
        attribution, tower.notes,
    )  # fmt: skip


def place_of(name: str, options: Options) -> Attributes:
    """Place of a tower: from --attributes, else from `PLACES`, else unknown."""
    if options.attributes is not None:
        found = {key.casefold(): value for key, value in read_attributes(options.attributes).items()}
        if name.casefold() in found:
            return found[name.casefold()]
        if list(found) == [""]:
            return found[""]
    known = next((place for site, place in PLACES.items() if site.casefold() == name.casefold()), None)
    return Attributes(*known) if known else Attributes()
