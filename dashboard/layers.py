"""What the map can show: for each quantity and month one number per cell, with its range and colours."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard import finer
from dashboard.finer import Finer
from dashboard.plots import ternary
from hdlcore.errors import RequestError
from hdlcore.variables import VARIABLES, Variable, variable

#: The quantity whose map mixes the shares of snow, soil and groundwater.
MIXED = "store_shares"
#: Quantities that are classes: the codes of the world cube's variable of the same name.
CLASSES = ("land_cover", "koeppen")
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]

FAR = 1e30  # no quantity is so large; the steps of a legend would overflow

#: Groups of the list of quantities, in its order.
GROUPS = (
    "Water stores",
    "Water fluxes",
    "Carbon stores",
    "Carbon fluxes",
    "Vegetation, snow and soil",
    "Weather",
    "Learned, through the year",
    "Learned, fixed",
    "Memory",
    "Skill",
    "Observed and reanalysis",
    "Land",
)
_BY_KIND = {
    "forcing": "Weather",
    "fraction": "Learned, through the year",
    "parameter": "Learned, fixed",
    "memory": "Memory",
    "score": "Skill",
    "observation": "Observed and reanalysis",
    "static": "Land",
}
# States of plants, snow and ground that are neither water nor carbon.
_STATES = {"leaf_area_index", "soil_temperature", "snow_cover", "moisture_stress", "fapar", "ndvi"}
# What a made-up world calls them: it learned nothing, and nothing of it was observed.
_MADE_UP = {
    "Observed and reanalysis": "As satellites would see it",
    "Learned, through the year": "Fractions",
    "Learned, fixed": "Parameters",
}
#: Said of what a made-up world's satellites would see, where a real one's name would be untrue.
_LIKE = ", as a satellite would see it"
# Blue is wet in every departure of water; warm is red.
WARM = {"air_temperature", "air_temperature_reanalysis", "net_radiation"}
# Already departures, from a yearly mean that was taken off when they were made.
_DEPARTURES = {"tws_observed", "tws_smoothed", "tws_residual"}
#: In the cube itself, under which name: shown whether there is a model or not.
OBSERVED = {
    "precipitation": "precipitation",
    "air_temperature": "air_temperature",
    "precipitation_reanalysis": "precipitation",
    "air_temperature_reanalysis": "air_temperature",
    "tws_observed": "tws_observed_msc",
    "elevation": "elevation",
    "ndvi_max": "ndvi_max",
    "ndvi_min": "ndvi_min",
    "land_cover": "land_cover",
    "koeppen": "koeppen",
}


@dataclass(frozen=True)
class Layer:
    """One map: `values` (cell) float32, NaN where there are none; the fixed range; the colour map's name.

    `seasonal` says the quantity has months, `departure` that a yearly mean has been taken off. `finer` is the same on a
    finer grid, where there is one: it is what is drawn; selections, means and tables are of the cells.
    """

    variable: Variable
    values: NDArray[np.float32]
    low: float
    high: float
    cmap: str
    seasonal: bool
    departure: bool
    finer: Finer | None = None

    @property
    def mixed(self) -> bool:
        """Whether the values are classes of mixed shares, which have colours but no order."""
        return self.variable.name == MIXED

    @property
    def classed(self) -> bool:
        """Whether the values are codes of named classes."""
        return self.variable.name in CLASSES

    @property
    def ordered(self) -> bool:
        """Whether more or less can be said of the values: a range, a mean, a difference."""
        return not (self.mixed or self.classed)

    @property
    def diverging(self) -> bool:
        """Whether zero is the middle of the colours."""
        return self.low == -self.high

    def brushed(self, low: float, high: float) -> tuple[float, float]:
        """A brush over the histogram as a filter: to an end, whose bin holds what lies beyond, it means all of it."""
        step, values = (self.high - self.low) / 100, self.values[np.isfinite(self.values)]
        low = min(low, float(np.floor(values.min(initial=low)))) if low <= self.low + step else round(low, 3)
        high = max(high, float(np.ceil(values.max(initial=high)))) if high >= self.high - step else round(high, 3)
        return low, high

    def range_set(self, low: float, high: float) -> tuple[float, float]:
        """A range set by hand; the fixed one where no colours lie between its ends, or they are beyond all numbers."""
        if self.diverging:  # zero stays in the middle of the colours
            high = max(abs(low), abs(high))
            low = -high
        told_apart = high - low > 1e-4 * max(abs(low), abs(high)) + 1e-6
        return (low, high) if told_apart and high - low < FAR else (self.low, self.high)

    def range_of_shown(self, mask: NDArray[np.bool_]) -> tuple[float, float]:
        """Range from the 1st to the 99th percentile of the cells let through; around zero when diverging."""
        shown = self.values[mask & np.isfinite(self.values)]
        if shown.size < 2 or not self.ordered:
            return self.low, self.high
        low, high = (float(value) for value in np.percentile(shown, [1, 99]))
        if self.diverging:
            high = max(abs(low), abs(high))
            low = -high
        return (low, high) if high > low else (low - 0.5, high + 0.5)


def field(name: str, world: xr.Dataset, fields: xr.Dataset | None) -> NDArray[np.float32] | None:
    """Values of a quantity as (month, cell) or (cell); None when neither the source nor the cube has it."""
    if name == MIXED:
        if fields is None or not set(ternary.CORNERS) <= set(fields.data_vars):
            return None
        return ternary.classes(np.stack([fields[share].values for share in ternary.CORNERS]))
    if fields is not None and name in fields.data_vars and set(fields.variables[name].dims) <= {"month", "cell"}:
        return by_cell(fields, name)
    if name in OBSERVED and OBSERVED[name] in world.data_vars:
        return by_cell(world, OBSERVED[name])
    return None


def by_cell(data: xr.Dataset, name: str) -> NDArray[np.float32]:
    """Values of a variable, cells last. Without its coordinates, which take longer than the numbers of one cell."""
    return data.variables[name].transpose(..., "cell").values


def group_of(entry: Variable) -> str:
    """The group of the list that a quantity stands in."""
    if entry.name in _STATES:
        return "Vegetation, snow and soil"
    if entry.kind in ("store", "flux"):
        return f"{'Carbon' if entry.units.startswith('gC') else 'Water'} {entry.kind}s".replace("fluxs", "fluxes")
    return _BY_KIND[entry.kind]


def named(entry: Variable, generated: bool) -> Variable:
    """The entry as it may be called on the screen: nothing of a made-up world is called observed."""
    if not generated or entry.kind != "observation":
        return entry
    plain = entry.long_name.removesuffix(", observed").removesuffix(", GRACE")
    about = "A satellite-like view of a made-up world: smoothed, noisy, with gaps; generated, not observed."
    return replace(entry, long_name=plain + _LIKE, explanation=about)


def available(world: xr.Dataset, fields: xr.Dataset | None, generated: bool = False) -> dict[str, dict[str, str]]:
    """Quantities that can be shown: group -> {long name: name}."""
    groups: dict[str, dict[str, str]] = {group: {} for group in GROUPS}
    for name, entry in VARIABLES.items():
        if field(name, world, fields) is not None:
            groups[group_of(entry)][named(entry, generated).long_name] = name
    if generated:
        groups = {_MADE_UP.get(group, group): entries for group, entries in groups.items()}
    return {group: entries for group, entries in groups.items() if entries}


def has_departure(name: str, world: xr.Dataset, fields: xr.Dataset | None) -> bool:
    """Whether a departure from the yearly mean can be taken: it has months, and is not one already."""
    data = field(name, world, fields)
    return data is not None and data.ndim == 2 and name not in _DEPARTURES and variable(name).anomaly is not None


def layer(
    name: str, month: int, departure: bool, world: xr.Dataset, fields: xr.Dataset | None, generated: bool = False
) -> Layer:
    """The map of a quantity in a month (1 to 12).

    Raises
    ------
    RequestError
        When neither the model nor the cube has the quantity.
    """
    entry = named(variable(name), generated)
    data = field(name, world, fields)
    if data is not None and name == MIXED:
        return Layer(entry, data, 0, ternary.COUNT - 1, "ternary", False, False)
    if data is None:
        raise RequestError(f"{entry.long_name} is not among what is shown here; choose another quantity.")
    seasonal = data.ndim == 2
    own = fields is not None and name in fields.data_vars
    fine = "" if own or OBSERVED.get(name) not in finer.names() else OBSERVED[name]
    taken = departure and has_departure(name, world, fields)
    values = data[month - 1] if seasonal else data
    if taken:
        values = values - yearly_mean(data)
        half, cmap = float(entry.anomaly or 1), "vik" if name in WARM else "vik_r"
        grid = Finer(fine, month, departure=True) if fine else None
        return Layer(entry, values.astype(np.float32), -half, half, cmap, True, True, grid)
    grid = Finer(fine, month if seasonal else 1, classes=name in CLASSES) if fine else None
    values, left = np.asarray(values, np.float32), name in _DEPARTURES
    return Layer(entry, values, entry.low, entry.high, entry.cmap, seasonal, left, grid)


def yearly_mean(data: NDArray) -> NDArray:
    """Mean over the months (first axis) that a cell has, NaN where it has none."""
    good = np.isfinite(data)
    count = good.sum(0)
    total: NDArray = np.where(good, data, 0).sum(0, dtype=np.float64)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def title(shown: Layer, month: int) -> str:
    """What the map shows, in words: 'Total water storage in May, departure from the yearly mean'."""
    text = shown.variable.long_name
    if shown.seasonal:
        text += f" in {MONTHS[month - 1]}"
    return text + (
        ", departure from the yearly mean" if shown.departure and shown.variable.name not in _DEPARTURES else ""
    )


def bins(shown: Layer, mask: NDArray[np.bool_], low: float, high: float, n: int = 40) -> list[int]:
    """Cells let through, counted in n equal bins from low to high; the end bins hold what lies beyond."""
    values = shown.values[mask & np.isfinite(shown.values)]
    counts, _ = np.histogram(np.clip(values, low, high), bins=n, range=(low, high))
    return [int(count) for count in counts]


def ticks(low: float, high: float) -> list[float]:
    """Three to five round numbers inside a range."""
    step = 10 ** np.floor(np.log10((high - low) / 4))
    step = next(step * k for k in (1, 2, 2.5, 5, 10) if (high - low) / (step * k) <= 5)
    first = np.ceil(low / step) * step
    return [float(round(value, 10)) + 0.0 for value in np.arange(first, high + step * 1e-6, step)]
