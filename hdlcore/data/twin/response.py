"""What the twin Earth truly remembers: lagged responses by finite difference, and memory by the store that carries it.

One run from a changed day gives the response of every later day, so all target days and lags of a year cost one run
for each day of the window and each kind of change.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.analysis.seasonality import smooth_daily_cycle
from hdlcore.data.twin import carbon, groundwater, land, model, snow
from hdlcore.data.twin.parameters import Parameters
from hdlcore.data.twin.simulate import TwinSpec, cell_forcing, days_of, twin_attributes, warm
from hdlcore.data.weather import FORCING
from hdlcore.errors import RequestError
from hdlcore.progress import CancelToken, Progress, check
from hdlcore.variables import VARIABLES

F8 = NDArray[np.float64]

#: Half-widths of the central difference, mm d-1, K and W m-2: well above rounding, well below a day's changes.
STEPS = {"precipitation": 0.05, "air_temperature": 0.05, "net_radiation": 0.5}
#: What is set back to its mean seasonal course, and where in the state it is kept.
CARRIERS: dict[str, tuple[int, ...]] = {
    "snow": tuple(range(model.SNOW.start, model.SNOW.stop)),
    "canopy_water": (model.LAND.start,),
    "soil_moisture": tuple(range(model.LAND.start + 1, model.LAND.start + 4)),
    "leaves": tuple(range(model.LAND.start + 4, model.LAND.stop)),
    "groundwater": (model.GROUNDWATER.start,),
    "interflow_and_rivers": (model.GROUNDWATER.start + 1, model.GROUNDWATER.start + 2),
    "carbon": tuple(range(model.CARBON.start, model.CARBON.start + carbon.N_POOLS)),
    "soil_temperature": (model.CARBON.start + 4,),
}
assert model.N_STATE == snow.N_STATE + land.N_STATE + groundwater.N_STATE + carbon.N_STATE
_RUNS_AT_ONCE = 48
_MAX_LAGS = 1460
CLIMATOLOGY = np.datetime64("2001-01-01"), np.datetime64("2014-12-31")


class _Window:
    """One cell over a year and the `lags` - 1 days before it: weather, states before each day, and reruns."""

    def __init__(self, world: xr.Dataset, cell: int, target: str, lags: int, year: int, spec: TwinSpec) -> None:
        if target not in model.OUTPUTS:
            raise RequestError(f"The twin has no output '{target}'; it has {', '.join(model.OUTPUTS)}.")
        if not 1 <= lags <= _MAX_LAGS:
            raise RequestError(f"{lags} lags cannot be followed; ask for 1 to {_MAX_LAGS} days.")
        if not 1991 <= year <= 2198:
            raise RequestError(f"The year {year} is out of range; the twin answers for 1991 to 2198.")
        self.target, self.lags = target, lags
        first = np.datetime64(f"{year}-01-01") - (lags - 1)
        self.days = days_of(first, np.datetime64(f"{year}-12-31"))
        warmed = warm(world, [cell], spec, first)
        self.parameters = warmed.parameters
        self.forcing = cell_forcing(world, [cell], first, self.days[-1], spec)
        self.plants = target in model.OF_PLANTS
        base = model.run(self.parameters, self.forcing, warmed.state, True, self.plants)
        assert base.states is not None
        eve = warmed.state[:, None, : base.states.shape[-1]]
        self.states = np.concatenate([eve, base.states[:, :-1]], axis=1)[0]  # before each day
        self.base = base.series(target)[0]

    def _length(self, begin: int) -> int:
        return min(self.lags, self.days.size - begin)

    def rerun(self, begins: NDArray[np.intp], forcing: F8, states: F8) -> F8:
        """Target [run, day] of runs from `states` [run, N_STATE] with `forcing` [run, day, 3]."""
        repeated = self.parameters.take(np.zeros(begins.size, np.intp))
        result = model.run(repeated, forcing, states, plants=self.plants)
        return np.ascontiguousarray(result.series(self.target))

    def stretches(self, begins: NDArray[np.intp]) -> F8:
        """Forcing [run, day, 3] from each of some days on; past the end of the year the last day is repeated."""
        length = self._length(int(begins[0]))
        at = np.minimum(begins[:, None] + np.arange(length), self.days.size - 1)
        return self.forcing[0][at]

    def collect(
        self,
        kinds: list[str],
        changed: Callable[[str, NDArray[np.intp]], F8],
        progress: Progress | None,
        cancel: CancelToken | None,
        message: str,
    ) -> NDArray[np.float32]:
        """[target day, lag, kind] from `changed(kind, begins)`, the response [run, day] to a change on each day."""
        n_targets = self.days.size - (self.lags - 1)
        out = np.zeros((n_targets, self.lags, len(kinds)), np.float32)
        batches = [
            np.arange(i, min(i + _RUNS_AT_ONCE, self.days.size)) for i in range(0, self.days.size, _RUNS_AT_ONCE)
        ]
        for done, begins in enumerate(batches):
            for k, kind in enumerate(kinds):
                check(cancel)
                effect = changed(kind, begins)
                for row, begin in enumerate(begins):
                    lag = np.arange(self._length(int(begin)))
                    target = begin + lag - (self.lags - 1)
                    seen = target >= 0
                    out[target[seen], lag[seen], k] = effect[row, lag[seen]]
            if progress:
                progress((done + 1) / len(batches), message)
        return out


def lagged_response(
    world: xr.Dataset,
    cell: int,
    target: str = "tws",
    lags: int = 365,
    year: int = 2005,
    spec: TwinSpec | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> xr.Dataset:
    """True response of a target to past weather, by finite difference.

    Parameters
    ----------
    cell : id of the cell. target : one of `OUTPUTS`. lags : days back, 1 to 1460. year : 1991 or later.

    Returns
    -------
    Dataset with ``response`` (time, lag, forcing): change of the target on each day of `year` per unit of the forcing
    `lag` days before, from a central difference of `STEPS` (one-sided where it did not rain, as rain cannot be
    negative). Float32.

    Raises
    ------
    RequestError
        For an unknown cell or target, lags or a year out of range.
    """
    spec = spec or TwinSpec()
    window = _Window(world, cell, target, lags, year, spec)

    def changed(name: str, begins: NDArray[np.intp]) -> F8:
        i = FORCING.index(name)
        low, high = window.stretches(begins), window.stretches(begins)
        high[:, 0, i] += STEPS[name]
        low[:, 0, i] -= STEPS[name]
        if name == "precipitation":
            low[:, 0, i] = np.maximum(low[:, 0, i], 0.0)
        states = window.states[begins]
        width = (high[:, 0, i] - low[:, 0, i])[:, None]
        difference: F8 = (window.rerun(begins, high, states) - window.rerun(begins, low, states)) / width
        return difference

    values = window.collect(list(FORCING), changed, progress, cancel, "following each day's weather")
    entry = VARIABLES[target]
    attrs = {
        "long_name": f"true response of {entry.long_name.lower()} to past forcing",
        "units": f"{entry.units} per unit of forcing ({', '.join(VARIABLES[n].units for n in FORCING)})",
        "source": "generated",
    }
    about = {"method": "central finite difference", "steps": [STEPS[name] for name in FORCING]}
    return _labelled("response", values, ("forcing", list(FORCING)), window, attrs, cell, spec, about)


def carrier_response(
    world: xr.Dataset,
    cell: int,
    target: str = "tws",
    lags: int = 365,
    year: int = 2005,
    spec: TwinSpec | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> xr.Dataset:
    """What each store's departure from its mean seasonal course carries into the future.

    Returns
    -------
    Dataset with ``carried`` (time, lag, store): target minus the target of a run in which that store alone was set to
    its mean seasonal course (2001-2014) `lag` days before, at the start of the day; units of the target. Arguments and
    errors as `lagged_response`.
    """
    spec = spec or TwinSpec()
    window = _Window(world, cell, target, lags, year, spec)
    usual = _usual_state(world, cell, window.days, window.parameters, spec)

    def changed(name: str, begins: NDArray[np.intp]) -> F8:
        states = window.states[begins].copy()
        own = [i for i in CARRIERS[name] if i < states.shape[1]]
        states[:, own] = usual[begins][:, own]
        stretch = window.stretches(begins)
        at = np.minimum(begins[:, None] + np.arange(stretch.shape[1]), window.days.size - 1)
        difference: F8 = window.base[at] - window.rerun(begins, stretch, states)
        return difference

    values = window.collect(list(CARRIERS), changed, progress, cancel, "resetting each store")
    entry = VARIABLES[target]
    attrs = {
        "long_name": f"{entry.long_name.lower()} carried by each store's departure from its seasonal course",
        "units": entry.units,
        "source": "generated",
    }
    about = {"method": "one store reset to its mean seasonal course"}
    return _labelled("carried", values, ("store", list(CARRIERS)), window, attrs, cell, spec, about)


def _usual_state(
    world: xr.Dataset, cell: int, days: NDArray[np.datetime64], parameters: Parameters, spec: TwinSpec
) -> F8:
    """Mean seasonal course of the state [day, N_STATE] at the start of each of `days`, over the block 2001-2014."""
    first, last = CLIMATOLOGY
    warmed = warm(world, [cell], spec, first)
    traced = model.run(parameters, cell_forcing(world, [cell], first, last, spec), warmed.state, traced=True)
    assert traced.states is not None
    before = np.concatenate([warmed.state[:, None], traced.states[:, :-1]], axis=1)[0]
    course: F8 = smooth_daily_cycle(before, days_of(first, last), days)  # means of means: never below zero
    return course


def _labelled(
    name: str,
    values: NDArray[np.float32],
    axis: tuple[str, list[str]],
    window: _Window,
    attrs: dict[str, str],
    cell: int,
    spec: TwinSpec,
    about: dict[str, Any],
) -> xr.Dataset:
    targets = window.days[window.lags - 1 :]
    return xr.Dataset(
        {name: (("time", "lag", axis[0]), values, attrs)},
        {
            "time": ("time", targets.astype("datetime64[ns]"), {"long_name": "target day"}),
            "lag": ("lag", np.arange(window.lags, dtype=np.int32), {"units": "d", "long_name": "days before target"}),
            axis[0]: axis[1],
            "cell": cell,
        },
        twin_attributes(spec) | {"target": window.target} | about,
    )
