"""A model of the twin held against the twin: shares of the stores and maps of memory, in numbers and words."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.plots.ternary import CORNERS
from dashboard.selection import number
from dashboard.series import mean_over
from dashboard.summary import quantity

NAMES = ("snow", "soil moisture", "groundwater")


def shares(fields: xr.Dataset | None, of: NDArray[np.intp], area: NDArray) -> NDArray[np.float64]:
    """Area-weighted mean shares of snow, soil and groundwater in the swing of stored water, (3,); NaN if unknown."""
    if fields is None or not set(CORNERS) <= set(fields.data_vars):
        return np.full(3, np.nan)
    return np.array([float(mean_over(fields[name].values, of, area)) for name in CORNERS])


def shares_sentence(true: NDArray, found: NDArray, place: str) -> str:
    """Both in words."""
    if not (np.isfinite(true).all() and np.isfinite(found).all()):
        return f"{place}: the shares of the stores are not known on both sides."
    parts = [
        f"{name} {100 * a:.0f} % (model {100 * b:.0f} %)".replace("-", "−")
        for name, a, b in zip(NAMES, true, found, strict=True)
        if max(abs(a), abs(b)) >= 0.01
    ]
    return f"{place}: in truth the swing of stored water is carried by {', '.join(parts)}."


def shares_rows(
    true: xr.Dataset | None, found: xr.Dataset | None, of: NDArray[np.intp], area: NDArray, zones: NDArray[np.str_]
) -> list[list[str]]:
    """Shares in truth and in the model: a row for each climate zone of the cells `of`, and one for all of them."""
    rows = []
    for zone in [*sorted(set(zones[of])), ""]:
        cells = of[zones[of] == zone] if zone else of
        pairs = zip(shares(true, cells, area), shares(found, cells, area), strict=True)
        parts = [x for pair in pairs for x in pair]
        percent = [f"{round(100 * x)} %".replace("-", "−") if np.isfinite(x) else "–" for x in parts]
        rows.append([zone.capitalize() or "All left", *percent])
    return rows


class Agreement(NamedTuple):
    """A measure in truth and as attributed over some cells: area-weighted means, correlation of the two maps, and
    median absolute difference."""

    cells: int
    true: float
    found: float
    correlation: float
    difference: float


def agreement(true: NDArray, found: NDArray, area: NDArray, of: NDArray[np.bool_]) -> Agreement | None:
    """Of two maps (cell) over the cells `of`; None where fewer than three are known in both."""
    known = of & np.isfinite(true) & np.isfinite(found)
    a, b = true[known].astype(np.float64), found[known].astype(np.float64)
    if a.size < 3:
        return None
    flat = np.ptp(a) == 0 or np.ptp(b) == 0
    return Agreement(
        a.size, float(np.average(a, weights=area[known])), float(np.average(b, weights=area[known])),
        float("nan") if flat else float(np.corrcoef(a, b)[0, 1]), float(np.median(np.abs(a - b))),
    )  # fmt: skip


def agreement_sentence(found: Agreement | None, units: str) -> str:
    """How a map of memory holds against the truth, in words."""
    if found is None:
        return "Too few cells are left to hold the two maps against each other."
    tie = "" if np.isnan(found.correlation) else f"the maps correlate at {found.correlation:.2f} and "
    true, attributed, apart = (quantity(value, units) for value in (found.true, found.found, found.difference))
    return (
        f"Over {number(found.cells)} cells {tie}half of the cells lie within {apart} of the truth; "
        f"on average {true} in truth and {attributed} as attributed."
    )


def pair_sentence(true: float, found: float, units: str) -> str:
    """One place in truth and as attributed, in words."""
    if not (np.isfinite(true) and np.isfinite(found)):
        return "not known on both sides."
    return f"{quantity(float(true), units)} in truth, {quantity(float(found), units)} as attributed."


def agreement_rows(
    true: NDArray, found: NDArray, area: NDArray, mask: NDArray[np.bool_], zones: NDArray[np.str_], units: str
) -> list[list[str]]:
    """A row for each climate zone of the cells left, and one for all of them."""
    rows = []
    for zone in [*sorted(set(zones[mask])), ""]:
        of = agreement(true, found, area, mask & (zones == zone) if zone else mask)
        if of is not None:
            means = [quantity(value, units) for value in (of.true, of.found, of.difference)]
            tie = "–" if np.isnan(of.correlation) else f"{of.correlation:.2f}".replace("-", "−")
            rows.append([zone.capitalize() or "All left", number(of.cells), *means, tie])
    return rows
