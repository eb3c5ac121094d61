"""A scenario on many cells: the mean season of its difference, made block by block, coarse first and then finer.

Kept by what was asked for, bounded, and shared by every session of the process, so that a class computes it once.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from hdlcore.variables import VARIABLES

#: Cells of one step of the work: some seconds, so that cancelling and the next picture are near.
BLOCK = 256
#: Scenarios kept, with their fields, at most 15 MB each.
KEPT = 6
Run = Callable[[tuple[int, ...], str], xr.Dataset]


@dataclass
class Fields:
    """Mean seasonal difference so far: quantity -> (month, cell), NaN where it is not yet known."""

    count: int
    values: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    known: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))

    def __post_init__(self) -> None:
        self.known = np.zeros(self.count, bool)

    def put(self, name: str, block: NDArray[np.intp], season: NDArray) -> None:
        """Keep the season (month, cell of the block) of a quantity."""
        with _lock:
            self.values.setdefault(name, np.full((12, self.count), np.nan, np.float32))[:, block] = season

    def done(self, block: NDArray[np.intp]) -> None:
        """All that is known of a block is in place."""
        with _lock:
            self.known[block] = True


_kept: OrderedDict[tuple[str, str, str], Fields] = OrderedDict()
_lock = threading.Lock()


def fields_of(model: str, scenario: str, version: str, count: int) -> Fields:
    """The fields of a scenario, empty when nothing of it has been computed yet; the least recently used give way."""
    key = (model, scenario, version)
    with _lock:
        found = _kept.pop(key, None) or Fields(count)
        _kept[key] = found
        while len(_kept) > KEPT:
            _kept.popitem(last=False)
        return found


def order(lat: NDArray, lon: NDArray, of: NDArray[np.intp]) -> Iterator[NDArray[np.intp]]:
    """Positions `of` in blocks: every eighth row and column first, then every fourth, every second, and the rest.

    The first block is spread over all the land, so that the first picture is of all of it.
    """
    row, column = np.floor(90 - lat).astype(int), np.floor(lon + 180).astype(int)
    taken = np.zeros(of.size, bool)
    for step in (8, 4, 2, 1):
        part = (row[of] % step == 0) & (column[of] % step == 0) & ~taken
        taken |= part
        chosen = of[part]
        for first in range(0, chosen.size, BLOCK):
            yield chosen[first : first + BLOCK]


def add(held: Fields, block: NDArray[np.intp], cells: tuple[int, ...], run: Run, scenario: str) -> None:
    """Run a block of cells with and without the scenario and put the mean seasons of the differences in place."""
    plain, changed = run(cells, ""), run(cells, scenario)
    month = changed["time"].dt.month.values - 1
    for name in map(str, changed.data_vars):
        entry = VARIABLES.get(name)
        if entry is None or entry.kind not in ("store", "flux", "forcing") or changed[name].dims != ("time", "cell"):
            continue
        difference = changed[name].values - plain[name].values
        held.put(name, block, np.stack([difference[month == m].mean(0) for m in range(12)]))
    held.done(block)


def filled(values: NDArray, known: NDArray[np.bool_], lat: NDArray, lon: NDArray, reach: float = 6.0) -> NDArray:
    """Values (cell) with each unknown cell given that of the nearest known one within `reach` degrees."""
    result = np.where(known, values, np.nan).astype(np.float32)
    lacking = np.flatnonzero(~known)
    if not known.any() or not lacking.size:
        return result
    points = np.column_stack([lat, lon])
    distance, nearest = cKDTree(points[known]).query(points[lacking], distance_upper_bound=reach)
    good = np.isfinite(distance)
    result[lacking[good]] = values[known][nearest[good]]
    return result


def round_limit(values: NDArray) -> float:
    """A round half-range of colours that holds 98 % of the values: 1, 2 or 5 times a power of ten."""
    good = np.abs(values[np.isfinite(values)])
    most = float(np.percentile(good, 98)) if good.size else 0.0
    if most < 1e-6:
        return 1.0
    power = 10.0 ** np.floor(np.log10(most))
    return float(next(power * k for k in (1, 2, 5, 10) if power * k >= most))
