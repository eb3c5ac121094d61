"""The twin Earth's memory on a map: how much past weather truly moves a store today, by lag, for all land.

The full truth of one cell (`lagged_response`) takes a second; a map of it would take hours. Here only every fifteenth
day of a year is moved, and its response is weighed by how far that fortnight's weather was from its usual course.
"""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from hdlcore.analysis.seasonality import smooth_daily_cycle
from hdlcore.data.twin import model
from hdlcore.data.twin.response import STEPS
from hdlcore.data.twin.simulate import CELLS_AT_ONCE, TwinSpec, cell_forcing, days_of, in_batches, twin_attributes, warm
from hdlcore.data.weather import FORCING
from hdlcore.progress import CancelToken, Progress
from hdlcore.variables import VARIABLES

F8 = NDArray[np.float64]

SPACING, SOURCES = 15, 24  # days between moved days, and how many there are: one year of them
#: Years whose mean seasonal course is the usual weather, as for the models' explanations.
USUAL = np.datetime64("2002-01-01"), np.datetime64("2007-12-31")


def memory_sizes(
    world: xr.Dataset,
    cells: ArrayLike,
    target: str = "tws",
    lags: int = 365,
    year: int = 2005,
    spec: TwinSpec | None = None,
    threads: int = 1,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> xr.Dataset:
    """Mean true contribution of past forcing to `target` by lag, around `year`.

    Returns
    -------
    Dataset (forcing, lag, cell), float32, in the unit of the target: ``attribution_size``, the mean size of response
    times departure, and ``attribution``, its signed mean; over `SOURCES` days from July before `year` to June of it.
    """
    spec = spec or TwinSpec()
    ids = np.atleast_1d(np.asarray(cells))
    size = np.empty((len(FORCING), lags, ids.size), np.float32)
    signed = np.empty_like(size)

    def work(begin: int) -> None:
        chosen = slice(begin, begin + CELLS_AT_ONCE)
        size[..., chosen], signed[..., chosen] = _batch(world, ids[chosen], target, lags, year, spec)

    in_batches(work, ids.size, threads, progress, cancel, "following the memory of the twin Earth")
    entry = VARIABLES[target]
    dims, attrs = ("forcing", "lag", "cell"), {"units": entry.units, "source": "generated"}
    return xr.Dataset(
        {"attribution_size": (dims, size, attrs), "attribution": (dims, signed, attrs)},
        {"forcing": list(FORCING), "lag": np.arange(lags, dtype=np.int32), "cell": ids},
        twin_attributes(spec) | {"target": target, "method": f"finite difference of every {SPACING}th day"},
    )


def _batch(
    world: xr.Dataset, cells: NDArray, target: str, lags: int, year: int, spec: TwinSpec
) -> tuple[NDArray, NDArray]:
    """Size and signed mean [forcing, lag, cell] of a few cells."""
    first = np.datetime64(f"{year - 1}-07-01")
    days = days_of(first, first + SPACING * SOURCES + lags)
    eve = warm(world, cells, spec, first)
    forcing = cell_forcing(world, cells, first, days[-1], spec)
    departure = forcing - _usual(world, cells, days, spec)
    plants = target in model.OF_PLANTS
    base = model.run(eve.parameters, forcing, eve.state, True, plants)
    assert base.states is not None
    before = np.concatenate([eve.state[:, None, : base.states.shape[-1]], base.states[:, :-1]], axis=1)
    undisturbed = base.series(target)
    begins = np.arange(SOURCES) * SPACING + SPACING // 2
    at = begins[:, None] + np.arange(lags)
    size, signed = (np.empty((len(FORCING), lags, len(cells))) for _ in range(2))
    for c in range(len(cells)):
        repeated = eve.parameters.take(np.full(SOURCES, c))
        for i, name in enumerate(FORCING):
            moved = forcing[c][at]
            moved[:, 0, i] += STEPS[name]
            changed = model.run(repeated, moved, before[c, begins], plants=plants).series(target)
            response = (changed - undisturbed[c][at]) / STEPS[name]
            spell = departure[c, : SPACING * SOURCES, i].reshape(SOURCES, SPACING)
            size[i, :, c] = (np.abs(response) * np.abs(spell).mean(1)[:, None]).mean(0)
            signed[i, :, c] = (response * spell.mean(1)[:, None]).mean(0)
    return size, signed


def _usual(world: xr.Dataset, cells: NDArray, days: NDArray[np.datetime64], spec: TwinSpec) -> F8:
    """The mean seasonal course of the forcing [cell, day, 3] on `days`."""
    record = cell_forcing(world, cells, *USUAL, spec)
    course: F8 = smooth_daily_cycle(record.transpose(1, 0, 2), days_of(*USUAL), days)
    return course.transpose(1, 0, 2)
