"""Two runs of the same cells, without and with a change, as numbers: means, differences, the way of a pulse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.layers import MONTHS
from dashboard.scenario import in_words
from dashboard.series import mean_over
from dashboard.summary import quantity
from hdlcore.errors import RequestError
from hdlcore.variables import VARIABLES, variable

#: Shown first, in this order; what a source has beyond these follows.
FIRST = (
    "tws", "swe", "soil_moisture", "groundwater", "evapotranspiration", "runoff", "surface_runoff", "baseflow",
    "snowmelt", "groundwater_recharge", "soil_recharge",
)  # fmt: skip
STORES = ("swe", "soil_moisture", "groundwater")
#: Days after a pulse that its way is followed.
PULSE_DAYS = 365


@dataclass(frozen=True, eq=False)
class Runs:
    """Area-weighted means (time) of both runs, every quantity with CF attributes; what they are of."""

    plain: xr.Dataset
    changed: xr.Dataset
    scenario: str
    place: str

    @property
    def difference(self) -> xr.Dataset:
        """Changed minus plain."""
        with xr.set_options(keep_attrs=True):
            return self.changed - self.plain

    @property
    def names(self) -> list[str]:
        """Stores and fluxes in the order they are shown."""
        found = [str(name) for name in self.plain.data_vars if VARIABLES[str(name)].kind in ("store", "flux")]
        return [*(name for name in FIRST if name in found), *(name for name in found if name not in FIRST)]


def means(simulated: xr.Dataset, area: NDArray) -> xr.Dataset:
    """Area-weighted means over the cells of a run, (time), of every quantity that the table knows."""
    data = {}
    for name in map(str, simulated.data_vars):
        if name in VARIABLES and set(simulated[name].dims) == {"time", "cell"}:
            values = mean_over(simulated[name].transpose("time", "cell").values, np.arange(area.size), area)
            data[name] = ("time", values, variable(name).attributes())
    return xr.Dataset(data, {"time": simulated["time"]})


def tiles(runs: Runs, points: int = 120) -> list[dict[str, Any]]:
    """One entry for each quantity: its largest difference in words, and the difference as a line of few points."""
    found: list[dict[str, Any]] = []
    for name in runs.names:
        values = runs.difference[name].values
        good = np.nan_to_num(values)
        most = float(good[np.abs(good).argmax()]) if good.size else 0.0
        width = max(int(np.ceil(good.size / points)), 1)
        parts = [good[at : at + width] for at in range(0, good.size, width)]
        line = [float(part[np.abs(part).argmax()]) for part in parts]
        entry = variable(name)
        found.append(
            {
                "id": name, "label": entry.long_name,
                "value": f"{'+' if most > 0 else ''}{quantity(most, entry.units)}" if abs(most) > 1e-3 else "no change",
                "line": [round(value / max(abs(most), 1e-9), 3) for value in line] if abs(most) > 1e-3 else [0.0, 0.0],
            }
        )  # fmt: skip
    return found


def sentence(runs: Runs, name: str) -> str:
    """What the change does to a quantity: the largest difference, when, and what is left of it at the end."""
    entry, difference = variable(name), runs.difference[name]
    lower = entry.long_name[0].lower() + entry.long_name[1:]
    if not runs.scenario:
        return f"{runs.place}: nothing is changed yet; choose an experiment or move a slider."
    values = difference.values
    if not np.isfinite(values).any() or np.nanmax(np.abs(values)) < 1e-3:
        return f"{runs.place}, {in_words(runs.scenario)}: {lower} stays as it was."
    at = int(np.nanargmax(np.abs(values)))
    side = "more" if values[at] > 0 else "less"
    when = difference["time"].values[at].astype("datetime64[D]")
    mean = _amount(float(np.nanmean(values)), entry.units)
    last = values[difference["time"].values >= difference["time"].values[-1] - np.timedelta64(365, "D")]
    text = (
        f"{runs.place}, {in_words(runs.scenario)}: {lower} is at most {quantity(abs(float(values[at])), entry.units)} "
        f"{side}, in {MONTHS[when.astype('datetime64[M]').astype(int) % 12]} {str(when)[:4]}; {mean} on average"
    )
    return text + f" and {_amount(float(np.nanmean(last)), entry.units)} in the last year."


def rain_sentence(runs: Runs) -> str:
    """What a screen reader says of the rain of both runs."""
    was, now = (float(run["precipitation"].mean()) for run in (runs.plain, runs.changed))
    text = f"Precipitation: {quantity(was, 'mm d-1')} on average"
    return f"{text} as it was, {quantity(now, 'mm d-1')} changed." if abs(now - was) > 1e-6 else f"{text}."


def rain_changes(runs: Runs) -> bool:
    """Whether the rain of the changed run is another."""
    name = "precipitation"
    return name in runs.plain and not np.array_equal(runs.plain[name].values, runs.changed[name].values)


def _amount(value: float, units: str) -> str:
    """A difference with its units; what is smaller than any of its numbers shown elsewhere is none."""
    return quantity(value if abs(value) >= 5e-3 else 0.0, units)


def budget(runs: Runs) -> dict[str, float]:
    """Mean differences of the water balance, mm a year: what comes in more, and where it goes. They close.

    ``stored`` is the change of total storage over the period; the rest is what no named quantity holds.
    """
    difference = runs.difference
    found = {}
    for name in ("precipitation", "evapotranspiration", "runoff"):
        if name in difference:
            found[name] = float(difference[name].mean()) * 365.25
    if "tws" in difference:
        first, last = difference["time"].values[[0, -1]]
        years = float((last - first) / np.timedelta64(1, "D")) / 365.25
        tws = difference["tws"].values
        found["stored"] = float(tws[-1] - tws[0]) / max(years, 1e-9)
    return found


# -- a pulse and its way through the stores -------------------------------------------------------------------------


def pulse_text(amount: float, month: int, year: int = 2005) -> str:
    """The scenario of `amount` mm more precipitation on the first of a month."""
    day = f"{year}-{month:02d}-01"
    return f"precipitation+{amount:g}@{day}..{day}"


def pulse_way(plain: xr.Dataset, changed: xr.Dataset, day: np.datetime64, amount: float) -> xr.Dataset:
    """Where the water of a pulse is on each day after it, mm, (age): in stores, evaporated, run off; they add up.

    `plain` and `changed` are daily runs (time, cell) of one cell. ``other`` is what is in other stores: on leaves,
    in rivers. Water that the pulse displaces counts as its own: the difference of two runs, not the fate of molecules.
    """
    at = int(np.searchsorted(plain["time"].values, day.astype("datetime64[ns]")))
    if at >= plain.sizes["time"]:
        raise RequestError("The pulse falls after the end of the run; choose an earlier day.")
    after = slice(at, at + PULSE_DAYS + 1)

    def gained(name: str) -> NDArray[np.float64]:
        both = (run[name].isel(cell=0).values[after].astype(np.float64) for run in (changed, plain))
        return np.asarray(next(both) - next(both))

    ways = {name: gained(name) for name in STORES if name in plain}
    for name in ("evapotranspiration", "runoff"):
        if name in plain:
            ways[name] = np.cumsum(gained(name))
    ways["other"] = amount - np.sum(list(ways.values()), axis=0)
    age = np.arange(ways["other"].size)
    data = {name: ("age", values, {"units": "mm"}) for name, values in ways.items()}
    return xr.Dataset(data, {"age": ("age", age, {"units": "d"})}, {"amount": amount, "day": str(day)})


WAYS = {
    "swe": "snow", "soil_moisture": "soil", "groundwater": "groundwater", "other": "other stores",
    "evapotranspiration": "evaporated", "runoff": "run off",
}  # fmt: skip


def pulse_sentence(way: xr.Dataset, place: str) -> str:
    """Where the pulse is after a month and at the end."""
    amount = float(way.attrs["amount"])

    def at(age: int) -> str:
        parts = {name: 100 * float(way[name][age]) / amount for name in WAYS if name in way}
        named = sorted((name for name in parts if abs(parts[name]) >= 1), key=lambda name: -parts[name])
        return ", ".join(f"{parts[name]:.0f} % {WAYS[name]}".replace("-", "−") for name in named[:4])

    last = int(way.sizes["age"]) - 1
    return f"{place}: of {amount:g} mm more rain, after 30 days {at(min(30, last))}; after a year {at(last)}."
