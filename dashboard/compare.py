"""Two of anything side by side: what L and R are, the numbers of both maps and curves, and how far they differ."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.layers import MONTHS, Layer, field
from dashboard.scenario import in_words
from dashboard.summary import quantity
from hdlcore.runtime.sources import SourceInfo

#: What was observed or reanalysed, as a side beside a model of the real world.
OBSERVED = SourceInfo("observed", "Observed: GRACE, ERA5", "data", False, "mean seasons of GRACE and ERA5")
#: Quantity of a model -> what is known of it.
KNOWN = {
    "tws": "tws_observed",
    "precipitation": "precipitation_reanalysis",
    "air_temperature": "air_temperature_reanalysis",
}


@dataclass(frozen=True, eq=False)
class Side:
    """One side: what it is called, its map (None with the `problem` why), its curves, its place and month.

    `lack` says why there are no curves, where that is not the map's problem.
    """

    title: str
    layer: Layer | None
    season: xr.Dataset
    position: int
    month: int
    problem: str = ""
    generated: bool = False
    lack: str = ""

    def at_place(self, of: NDArray[np.intp], area: NDArray) -> float:
        """Area-weighted value of the map over positions, NaN where there is none."""
        if self.layer is None:
            return float("nan")
        values = self.layer.values[of].astype(float)
        good = np.isfinite(values)
        return float(np.average(values[good], weights=area[of][good])) if good.any() else float("nan")


def gives(fields: xr.Dataset | None, name: str) -> bool:
    """Whether a source says a quantity itself; what it lacks is shown as it was observed, beside any other source."""
    return fields is not None and field(name, xr.Dataset(), fields) is not None


def difference(left: Side, right: Side) -> NDArray[np.float32] | None:
    """R minus L, (cell); None where one of them has no map."""
    if left.layer is None or right.layer is None or not left.layer.ordered:
        return None
    return (right.layer.values - left.layer.values).astype(np.float32)


def with_difference(base: Layer, gained: NDArray[np.float32]) -> Layer:
    """The map of a run under a scenario: the map as it was and what the change adds, NaN where that is unknown."""
    return replace(base, values=(base.values + gained).astype(np.float32))


def agreement(left: Side, right: Side, mask: NDArray[np.bool_], area: NDArray) -> dict[str, float]:
    """Area-weighted mean difference (R minus L), root mean square difference and correlation over space; cells."""
    gap = difference(left, right)
    if gap is None or left.layer is None or right.layer is None:
        return {"cells": 0}
    good = mask & np.isfinite(gap)
    if not good.any():
        return {"cells": 0}
    a, b = left.layer.values[good].astype(float), right.layer.values[good].astype(float)
    weights = area[good].astype(float) / area[good].sum(dtype=float)
    departures = a - weights @ a, b - weights @ b
    scale = np.sqrt((weights @ departures[0] ** 2) * (weights @ departures[1] ** 2))
    return {
        "cells": int(good.sum()),
        "mean": float(weights @ (b - a)),
        "rms": float(np.sqrt(weights @ (b - a) ** 2)),
        "correlation": float(weights @ (departures[0] * departures[1]) / scale) if scale > 0 else float("nan"),
    }


def sentence(left: Side, right: Side, found: dict[str, float], here: tuple[float, float], where: str) -> str:
    """How far the two differ over the map, and at the chosen place."""
    problem = right.problem or left.problem
    layer = left.layer or right.layer
    if layer is not None and layer.classed and not problem:
        return "Classes have names but no difference; the legend of the page Explore says which is which."
    if layer is not None and layer.mixed and not problem:
        return "Mixed shares have colours but no difference; the triangle of the page Explore is their legend."
    if problem or layer is None or not found["cells"]:
        return problem or "L and R have no cell in common."
    units = layer.variable.units
    what = layer.variable.long_name[0].lower() + layer.variable.long_name[1:]
    text = (
        f"R minus L over {found['cells']:,} cells, area-weighted: {what} {quantity(found['mean'], units)} on average, "
        f"root mean square {quantity(found['rms'], units)}"
    )
    if np.isfinite(found["correlation"]):
        text += f", correlation over space {found['correlation']:.2f}".replace("-", "−")
    if np.isfinite(here).all():
        text += f". {where}: L {quantity(here[0], units)}, R {quantity(here[1], units)}"
    return text + "."


def places_sentence(left: Side, right: Side, here: tuple[float, float]) -> str:
    """One quantity at two places."""
    if right.problem or left.layer is None:
        return right.problem or left.problem
    entry, month = left.layer.variable, f" in {MONTHS[left.month - 1]}" if left.layer.seasonal else ""
    shown = ", ".join(
        f"{side}, {place.title}: {quantity(value, entry.units) if np.isfinite(value) else 'no value'}"
        for side, place, value in zip("LR", (left, right), here, strict=True)
    )
    return f"{entry.long_name}{month}. {shown}."


def season_of_runs(plain: xr.Dataset, changed: xr.Dataset, names: tuple[str, ...]) -> tuple[xr.Dataset, xr.Dataset]:
    """Mean seasons (month) of two runs (time), as departures from the yearly mean of the FIRST, so that a lasting
    change of the stores is seen as well."""
    held = [name for name in names if name in plain]
    both = [run[held].groupby("time.month").mean() for run in (plain, changed)]
    stores = [name for name in held if name != "precipitation"]
    mean = both[0][stores].mean("month")
    left, right = (run.assign({name: run[name] - mean[name] for name in stores}) for run in both)
    return left, right


def month_title(month: int) -> str:
    """Title of a side that is a month."""
    return MONTHS[month - 1]


def scenario_titles(text: str) -> tuple[str, str]:
    """Titles of both sides of a scenario."""
    said = in_words(text)
    return "As it was", said[:1].upper() + said[1:] if said else "No change yet"
