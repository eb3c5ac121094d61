"""What the map can show: for each quantity and month one number per cell, with its range and colours."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.errors import RequestError
from hdlcore.variables import VARIABLES, Variable, variable

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

GROUPS = {
    "Water stores": "store",
    "Water fluxes": "flux",
    "Weather": "forcing",
    "Learned, through the year": "fraction",
    "Learned, fixed": "parameter",
    "Memory": "memory",
    "Skill": "score",
    "Observed": "observation",
    "Land": "static",
}
# Blue is wet in every departure of water; warm is red.
_WARM = {"air_temperature", "net_radiation"}
# Already departures, from a yearly mean that was taken off when they were made.
_DEPARTURES = {"tws_observed", "tws_smoothed", "tws_residual"}
# In the cube itself: shown whether there is a model or not.
_OBSERVED = {
    "precipitation": "precipitation",
    "air_temperature": "air_temperature",
    "tws_observed": "tws_observed_msc",
    "elevation": "elevation",
    "ndvi_max": "ndvi_max",
}


@dataclass(frozen=True)
class Layer:
    """One map: `values` (cell) float32, NaN where there are none; the fixed range; the colour map's name.

    `seasonal` says the quantity has months, `departure` that a yearly mean has been taken off.
    """

    variable: Variable
    values: NDArray[np.float32]
    low: float
    high: float
    cmap: str
    seasonal: bool
    departure: bool

    @property
    def diverging(self) -> bool:
        """Whether zero is the middle of the colours."""
        return self.low == -self.high

    def range_of_shown(self, mask: NDArray[np.bool_]) -> tuple[float, float]:
        """Range from the 1st to the 99th percentile of the cells let through; around zero when diverging."""
        shown = self.values[mask & np.isfinite(self.values)]
        if shown.size < 2:
            return self.low, self.high
        low, high = (float(value) for value in np.percentile(shown, [1, 99]))
        if self.diverging:
            high = max(abs(low), abs(high))
            low = -high
        return (low, high) if high > low else (low - 0.5, high + 0.5)


def field(name: str, world: xr.Dataset, fields: xr.Dataset | None) -> NDArray[np.float32] | None:
    """Values of a quantity as (month, cell) or (cell); None when neither the model nor the cube has it."""
    if name == "tws_residual":
        if fields is None or not {"tws_smoothed", "tws_observed"} <= set(fields.data_vars):
            return None
        return fields["tws_smoothed"].values - fields["tws_observed"].values
    if fields is not None and name in fields.data_vars and set(fields[name].dims) <= {"month", "cell"}:
        return fields[name].transpose(..., "cell").values
    if name in _OBSERVED and _OBSERVED[name] in world.data_vars:
        return world[_OBSERVED[name]].transpose(..., "cell").values
    return None


def available(world: xr.Dataset, fields: xr.Dataset | None) -> dict[str, dict[str, str]]:
    """Quantities that can be shown: group -> {long name: name}."""
    groups: dict[str, dict[str, str]] = {group: {} for group in GROUPS}
    by_kind = {kind: group for group, kind in GROUPS.items()}
    for name, entry in VARIABLES.items():
        if field(name, world, fields) is not None:
            groups[by_kind[entry.kind]][entry.long_name] = name
    return {group: entries for group, entries in groups.items() if entries}


def has_departure(name: str, world: xr.Dataset, fields: xr.Dataset | None) -> bool:
    """Whether a departure from the yearly mean can be taken: it has months, and is not one already."""
    data = field(name, world, fields)
    return data is not None and data.ndim == 2 and name not in _DEPARTURES and variable(name).anomaly is not None


def layer(name: str, month: int, departure: bool, world: xr.Dataset, fields: xr.Dataset | None) -> Layer:
    """The map of a quantity in a month (1 to 12).

    Raises
    ------
    RequestError
        When neither the model nor the cube has the quantity.
    """
    entry = variable(name)
    data = field(name, world, fields)
    if data is None:
        raise RequestError(
            f"{entry.long_name} is not among what this model and the observations hold; choose another quantity."
        )
    seasonal = data.ndim == 2
    taken = departure and has_departure(name, world, fields)
    values = data[month - 1] if seasonal else data
    if taken:
        values = values - np.nanmean(data, axis=0)
        half = float(entry.anomaly or 1)
        return Layer(entry, values.astype(np.float32), -half, half, "vik" if name in _WARM else "vik_r", True, True)
    return Layer(
        entry, np.asarray(values, np.float32), entry.low, entry.high, entry.cmap, seasonal, name in _DEPARTURES
    )


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
