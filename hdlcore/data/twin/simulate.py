"""Simulate the twin Earth: any cells and days of one fixed history, daily or by month.

Every answer is cut from the same history: it begins on 1 January 1987 in the warm state and runs forward day by day,
so a day of a cell is the same bits whatever period, batch or number of threads it is asked for with.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from hdlcore.data.cube import positions
from hdlcore.data.twin import model
from hdlcore.data.twin.parameters import Parameters, cell_parameters
from hdlcore.data.twin.warm import warm_state
from hdlcore.data.weather import FORCING, WeatherSpec, generate_arrays
from hdlcore.data.weather.compiled import compiled
from hdlcore.data.weather.days import DateLike, parse_period
from hdlcore.errors import RequestError
from hdlcore.progress import CancelToken, Progress, check
from hdlcore.variables import VARIABLES

F8 = NDArray[np.float64]
F4 = NDArray[np.float32]

TWIN_ID = "twin-earth"
#: The history begins here; the weather of the 14 years up to BLOCK_END settles the warm state.
HISTORY_START, BLOCK_END = np.datetime64("1987-01-01"), np.datetime64("2000-12-31")
CELLS_AT_ONCE = 16
_MAX_VALUES = 300_000_000  # 1.2 GB of answer: all land by month, or some thousand cells by day
_TITLE = "Twin Earth: a process model driven by generated weather"
_COMMENT = "Generated, not observed: made so that stores, fluxes and lagged responses are known exactly."


@dataclass(frozen=True)
class TwinSpec:
    """Which twin: `seed` draws the hidden parameters and the noise of the observations, `weather` the weather."""

    seed: int = 1
    weather: WeatherSpec = field(default_factory=lambda: WeatherSpec(1, "interannual"))

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, (int, np.integer)) or self.seed < 0:
            raise RequestError(f"The twin's seed '{self.seed}' is not a whole number from 0 up; give one, as in 1.")


@dataclass(frozen=True)
class Warmed:
    """Cells on the eve of a day: their parameters and state [cell, N_STATE] before `day`."""

    parameters: Parameters
    state: F8
    day: np.datetime64


def days_of(first: np.datetime64, last: np.datetime64) -> NDArray[np.datetime64]:
    """All days from `first` to `last`, both included."""
    return np.arange(first, last + 1, dtype="datetime64[D]")


def cell_forcing(world: xr.Dataset, cells: ArrayLike, first: np.datetime64, last: np.datetime64, spec: TwinSpec) -> F8:
    """Generated weather as the kernels want it: [cell, day, (P, T, Rn)], float64."""
    values = generate_arrays(world, cells, first, last, spec.weather)
    return np.ascontiguousarray(values.transpose(1, 0, 2), dtype=np.float64)


def warm(world: xr.Dataset, cells: ArrayLike, spec: TwinSpec, day: np.datetime64 = HISTORY_START) -> Warmed:
    """Parameters and state of `cells` on the eve of `day`, run from the start of the history."""
    parameters = cell_parameters(world, positions(world, cells), int(spec.seed))
    block = cell_forcing(world, cells, HISTORY_START, BLOCK_END, spec)
    settled = warm_state(parameters, block)
    if day > BLOCK_END:
        ahead = cell_forcing(world, cells, BLOCK_END + 1, day - 1, spec) if day > BLOCK_END + 1 else block[:, :0]
        return Warmed(parameters, model.advance(parameters, ahead, settled.last), day)
    passed = np.ascontiguousarray(block[:, : int((day - HISTORY_START).astype(int))])
    return Warmed(parameters, model.advance(parameters, passed, settled.first), day)


def simulate_twin(
    world: xr.Dataset,
    cells: ArrayLike,
    start: DateLike,
    end: DateLike,
    spec: TwinSpec | None = None,
    forcing: ArrayLike | None = None,
    frequency: Literal["daily", "monthly"] = "daily",
    threads: int = 1,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    outputs: Sequence[str] | None = None,
) -> xr.Dataset:
    """Simulate the twin Earth for some cells and a period.

    Parameters
    ----------
    world : world cube.
    cells : cell ids, in any order.
    start, end : first and last day (ISO dates), from 1987 on; "monthly" widens them to whole months.
    spec : seed and weather; None for the default twin.
    forcing : [day, cell, 3] in the order of `FORCING` (mm d-1, degC, W m-2) to use in the period instead of the twin's
        own weather; what came before stays the twin's history. None for its own.
    frequency : "daily", or "monthly": means over the days of each month, stamped with its first day.
    threads : threads to share the cells among; the numbers do not depend on it.
    outputs : names out of `OUTPUTS` to return; None for all. The forcing is always returned.

    Returns
    -------
    Dataset (time, cell), float32, lat and lon on the cells; each variable has ``source="generated"``.

    Raises
    ------
    RequestError
        For bad dates, unknown cells or outputs, a period before 1987, forcing of another shape, or too much at once.
    Cancelled
        When `cancel` is set; nothing is kept.
    """
    spec = spec or TwinSpec()
    ids = np.atleast_1d(np.asarray(cells))
    names = _chosen_outputs(outputs)
    if frequency not in ("daily", "monthly"):
        raise RequestError(f"The frequency '{frequency}' is unknown; choose daily or monthly.")
    first, last = _period(start, end, frequency)
    positions(world, ids)  # refuse unknown cells before any work
    given = _checked_forcing(forcing, first, last, ids.size)
    days = days_of(first, last)
    months = np.unique(days.astype("datetime64[M]"))
    times = days if frequency == "daily" else months.astype("datetime64[D]")
    if times.size * ids.size * (len(names) + len(FORCING)) > _MAX_VALUES:
        raise RequestError(
            f"{ids.size} cells times {times.size} times are too many at once; ask for fewer cells, years or outputs."
        )
    edges = np.searchsorted(days, np.append(months, months[-1] + 1).astype("datetime64[D]"))
    values = np.empty((len(FORCING) + len(names), times.size, ids.size), np.float32)

    def work(begin: int) -> None:
        chosen = slice(begin, begin + CELLS_AT_ONCE)
        part = None if given is None else np.ascontiguousarray(given[:, chosen].transpose(1, 0, 2))
        drivers, result = run_cells(world, ids[chosen], first, last, spec, part)
        for i in range(len(FORCING)):
            values[i, :, chosen] = _reduced(np.ascontiguousarray(drivers[..., i]), edges, frequency).T
        for i, name in enumerate(names):
            values[len(FORCING) + i, :, chosen] = _reduced(result.series(name), edges, frequency).T

    in_batches(work, ids.size, threads, progress, cancel, "running the twin Earth")
    return _dataset(world, ids, times, (*FORCING, *names), values, spec)


def run_cells(
    world: xr.Dataset,
    cells: ArrayLike,
    first: np.datetime64,
    last: np.datetime64,
    spec: TwinSpec,
    forcing: F8 | None = None,
    traced: bool = False,
) -> tuple[F8, model.Run]:
    """Forcing [cell, day, 3] and the run of a few cells from `first` to `last`, in float64 from the warm state."""
    warmed = warm(world, cells, spec, first)
    drivers = cell_forcing(world, cells, first, last, spec) if forcing is None else forcing
    return drivers, model.run(warmed.parameters, drivers, warmed.state, traced)


def in_batches(
    work: Callable[[int], None],
    n_cells: int,
    threads: int,
    progress: Progress | None,
    cancel: CancelToken | None,
    message: str,
) -> None:
    """Call `work` with the first cell of each batch of CELLS_AT_ONCE, on some threads, telling and asking between."""
    begins = list(range(0, n_cells, CELLS_AT_ONCE))
    if threads <= 1 or len(begins) == 1:
        for done, begin in enumerate(begins):
            check(cancel)
            work(begin)
            if progress:
                progress((done + 1) / len(begins), message)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting, done = set(), 0
        try:
            for begin in [*begins, *([-1] * len(begins))]:
                if begin >= 0:
                    waiting.add(pool.submit(work, begin))
                if len(waiting) >= 2 * threads or (begin < 0 and waiting):
                    finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    for future in finished:
                        future.result()
                        done += 1
                    if progress:
                        progress(done / len(begins), message)
                    check(cancel)
        finally:
            for future in waiting:
                future.cancel()


def _chosen_outputs(outputs: Sequence[str] | None) -> tuple[str, ...]:
    if outputs is None:
        return model.OUTPUTS
    unknown = [name for name in outputs if name not in model.OUTPUTS]
    if unknown:
        raise RequestError(f"The twin has no output '{unknown[0]}'; it has {', '.join(model.OUTPUTS)}.")
    return tuple(outputs)


def _period(start: DateLike, end: DateLike, frequency: str) -> tuple[np.datetime64, np.datetime64]:
    first, last = parse_period(start, end)
    if frequency == "monthly":
        first = first.astype("datetime64[M]").astype("datetime64[D]")
        last = (last.astype("datetime64[M]") + 1).astype("datetime64[D]") - 1
    if first < HISTORY_START:
        raise RequestError(f"The twin's history begins on {HISTORY_START}; {first} lies before it.")
    return first, last


def _checked_forcing(forcing: ArrayLike | None, first: np.datetime64, last: np.datetime64, n_cells: int) -> F8 | None:
    if forcing is None:
        return None
    values = np.asarray(forcing, np.float64)
    needed = (int((last - first).astype(int)) + 1, n_cells, len(FORCING))
    if values.shape != needed:
        raise RequestError(f"The forcing has shape {values.shape} where (day, cell, forcing) = {needed} is needed.")
    if not np.isfinite(values).all() or (values[..., 0] < 0).any():
        raise RequestError("The forcing holds missing values or negative precipitation; fill or mend them first.")
    return values


def _reduced(series: F8, edges: NDArray[np.intp], frequency: str) -> F4:
    """[cell, day] as float32, or the mean of each month [cell, month] (summed in float64, in the order of days)."""
    if frequency == "daily":
        return series.astype(np.float32)
    return month_means(np.ascontiguousarray(series), edges).astype(np.float32)


@compiled
def month_means(series: F8, edges: NDArray[np.int64]) -> F8:
    """Means [cell, month] of [cell, day]; month m is days edges[m] to edges[m + 1]. Summed in the order of days."""
    out = np.empty((series.shape[0], edges.size - 1))
    for c in range(series.shape[0]):
        for m in range(edges.size - 1):
            total = 0.0
            for d in range(edges[m], edges[m + 1]):
                total += series[c, d]
            out[c, m] = total / (edges[m + 1] - edges[m])
    return out


def _dataset(
    world: xr.Dataset,
    ids: NDArray,
    times: NDArray[np.datetime64],
    names: tuple[str, ...],
    values: F4,
    spec: TwinSpec,
) -> xr.Dataset:
    at = positions(world, ids)
    data = {
        name: (("time", "cell"), values[i], VARIABLES[name].attributes() | {"source": "generated"})
        for i, name in enumerate(names)
    }
    coords = {
        "time": times.astype("datetime64[ns]"),
        "cell": world["cell"].values[at],
        "lat": ("cell", world["lat"].values[at]),
        "lon": ("cell", world["lon"].values[at]),
    }
    return xr.Dataset(data, coords, twin_attributes(spec))


def twin_attributes(spec: TwinSpec) -> dict[str, str | int]:
    """What every Dataset of the twin says of itself."""
    return {
        "title": _TITLE,
        "source": "generated",
        "comment": _COMMENT,
        "model": TWIN_ID,
        "seed": int(spec.seed),
        "weather_seed": int(spec.weather.seed),
        "weather_variability": spec.weather.variability,
    }
