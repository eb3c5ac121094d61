"""The twin Earth as a source: a process model whose every store is known, run on demand where it is asked for."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.analysis.seasonality import smooth_daily_cycle
from hdlcore.assets import assets_dir
from hdlcore.attribution.lags import lag_bins
from hdlcore.attribution.pulse import PULSES
from hdlcore.data.cube import positions
from hdlcore.data.twin import OUTPUTS, TWIN_ID, TwinSpec, carrier_response, lagged_response, simulate_twin
from hdlcore.data.weather import FORCING, generate_arrays
from hdlcore.errors import RequestError
from hdlcore.progress import CancelToken, Progress, check
from hdlcore.runtime.cache import read_only
from hdlcore.runtime.estimate import refuse_too_large
from hdlcore.runtime.explain import BASELINE
from hdlcore.runtime.fields import fields_of_world
from hdlcore.runtime.requests import END, START, ExplanationRequest, ImpulseRequest, SimulationRequest
from hdlcore.runtime.scenarios import apply_scenario, parse_scenario
from hdlcore.runtime.sources import SourceInfo
from hdlcore.variables import VARIABLES

METHOD = "finite_difference"
#: Stores of models and the twin's carriers that hold the same water.
SAME_STORE = {"swe": "snow", "soil_moisture": "soil_moisture", "groundwater": "groundwater"}
_NOTE = "made by a process model driven by generated weather, so that every store is known; nothing in it is observed"


class TwinSource:
    """The twin Earth on a world cube. Thread-safe."""

    def __init__(self, world: xr.Dataset, spec: TwinSpec | None = None) -> None:
        self.world, self.spec = world, spec or TwinSpec()
        self._fields: xr.Dataset | None = None
        self._reading = threading.Lock()

    @cached_property
    def info(self) -> SourceInfo:
        """What the picker says of it."""
        return SourceInfo(TWIN_ID, "Twin Earth: the truth", "twin", True, _NOTE, (METHOD, "carriers"))

    @property
    def has_map(self) -> bool:
        """Yes: it is a world."""
        return True

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its stores and fluxes."""
        return OUTPUTS

    @property
    def version(self) -> str:
        """Seeds and world."""
        return f"{self.spec} {self.world.attrs.get('version', '')}"

    def fields(self) -> xr.Dataset:
        """Mean seasonal cycles of all land, read once and kept; `ModelError` when they are of another world."""
        with self._reading:
            if self._fields is None:
                self._fields = read_only(fields_of_world(assets_dir() / "twin", TWIN_ID, self.world))
            return self._fields

    def simulate(
        self, request: SimulationRequest, progress: Progress | None, cancel: CancelToken | None,
        plain: xr.Dataset | None = None,
    ) -> xr.Dataset:  # fmt: skip
        """Every store and flux, (time, cell); one truth, so without a spread."""
        refuse_too_large(request, len(OUTPUTS) + len(FORCING))
        cells = np.asarray(request.cells)
        forcing = self._under_scenario(request, cells) if request.scenario else None
        result = simulate_twin(
            self.world, cells, request.start, request.end, self.spec, forcing, request.frequency, 1, progress, cancel
        )
        place = self.world.isel(cell=positions(self.world, cells))
        result = result.assign_coords(area=("cell", place["area"].values, {"units": "m2"}))
        about = {"frequency": request.frequency, "period": f"{request.start}/{request.end}"}
        if request.scenario:
            about["scenario"] = request.scenario
        return result.assign_attrs(about)

    def _under_scenario(self, request: SimulationRequest, cells: NDArray) -> NDArray[np.float32]:
        start, end = request.start, request.end
        if request.frequency == "monthly":  # the twin's months are whole ones
            start = f"{start[:7]}-01"
            end = str((np.datetime64(end, "M") + 1).astype("datetime64[D]") - 1)
        days = np.arange(start, np.datetime64(end) + 1, dtype="datetime64[D]")
        record, record_days = self._record(cells)
        own = generate_arrays(self.world, cells, start, end, self.spec.weather)
        lat = self.world["lat"].values[positions(self.world, cells)]
        return apply_scenario(parse_scenario(request.scenario), own, FORCING, days, lat, record, record_days)

    def _record(self, cells: NDArray) -> tuple[NDArray[np.float32], NDArray[np.datetime64]]:
        """Weather of the default period, (time, cell, forcing), and its days: what stands for the climatology."""
        days = np.arange(START, np.datetime64(END) + 1, dtype="datetime64[D]")
        return generate_arrays(self.world, cells, START, END, self.spec.weather), days

    def explain(self, request: ExplanationRequest, progress: Progress | None, cancel: CancelToken | None) -> xr.Dataset:
        """Contributions (time, lag, forcing) to the target, in its unit: the true response to each past day, by finite
        difference, times that day's departure from the mean seasonal cycle.

        The same layout as a model's explanation; `completeness_gap` is what the true response, a linearisation, leaves
        of the difference from a run under the mean seasonal cycle. By `carriers` it is what each store truly carried.
        """
        if request.method == "carriers":
            return self._carriers(request, progress, cancel)
        began = time.perf_counter()
        days = _record_days(request)
        response = lagged_response(
            self.world, request.cell, request.target, request.lags, int(request.start[:4]), self.spec, progress, cancel
        )["response"]
        check(cancel)
        baseline = smooth_daily_cycle(*self._record(np.array([request.cell])), days)
        departure = self.departure(request.cell, days)
        windows = np.lib.stride_tricks.sliding_window_view(departure, request.lags, axis=0)  # (target, forcing, lag)
        contributions = response.values * windows[..., ::-1].transpose(0, 2, 1)
        difference = self._difference(request, days, baseline)
        whole = self._dataset(request, days[request.lags - 1 :], contributions, difference, time.perf_counter() - began)
        return whole.sel(time=slice(request.start, request.end)).isel(time=slice(None, None, request.every))

    def _carriers(
        self, request: ExplanationRequest, progress: Progress | None, cancel: CancelToken | None
    ) -> xr.Dataset:
        """What each store alone carried, (time, lag, store), reset at the first lag of each log-like window."""
        began, _ = time.perf_counter(), _record_days(request)
        carried = carrier_response(
            self.world, request.cell, request.target, request.lags, int(request.start[:4]), self.spec, progress, cancel
        )["carried"]
        start, end = lag_bins(request.lags)
        names = {twin: model for model, twin in SAME_STORE.items()}
        chosen = carried.sel(time=slice(request.start, request.end)).isel(
            time=slice(None, None, request.every), lag=start
        )
        target = VARIABLES[request.target]
        about = {"long_name": f"{target.long_name.lower()} truly carried by each store", "units": target.units}
        coords = {
            "time": ("time", chosen["time"].values, {"long_name": "target day"}),
            "lag": ("lag", start.astype(np.int32), {"units": "d", "long_name": "days before target"}),
            "lag_last": ("lag", end.astype(np.int32), {"units": "d"}),
            "store": [names.get(str(name), str(name)) for name in chosen["store"].values],
            "cell": request.cell,
        }
        attrs = {
            "title": self.info.title, "model": TWIN_ID, "source": "generated", "method": request.method,
            "target": request.target, "baseline": "each store's own mean seasonal course",
            "data_version": str(self.world.attrs.get("version", "")),
            "cost_seconds": round(time.perf_counter() - began, 3),
        }  # fmt: skip
        values = chosen.transpose("time", "lag", "store").values.astype(np.float32)
        data = {"attribution": (("time", "lag", "store"), values, about | {"source": "generated"})}
        return xr.Dataset(data, coords, attrs)

    def impulse(self, request: ImpulseRequest, cancel: CancelToken | None) -> xr.Dataset:
        """True response of every store and flux to a pulse, (cell, lag): the difference of two runs."""
        if request.driver not in FORCING:
            raise RequestError(f"The twin has no driver '{request.driver}'; it has {', '.join(FORCING)}.")
        cells = np.asarray(request.cells)
        size = request.size
        if size is None and request.driver in PULSES:
            size = PULSES[request.driver]
        if size is None:
            size = float(self._record(cells)[0][..., FORCING.index(request.driver)].std())
        end = str(np.datetime64(request.day) + request.lags - 1)
        asked = SimulationRequest(self.info.id, request.cells, request.day, end)
        changed = replace(asked, scenario=f"{request.driver}{size:+.6g}@{request.day}")
        runs = [self.simulate(one, None, cancel) for one in (changed, asked)]
        data: dict[str, tuple] = {}
        for name in OUTPUTS:
            gap = runs[0][name].values.astype(np.float64) - runs[1][name].values
            data[name] = (("cell", "lag"), gap.T, VARIABLES[name].attributes() | {"source": "generated"})
        data["pulse"] = (("cell",), np.full(cells.size, size), {"units": VARIABLES[request.driver].units})
        coords = {"cell": cells, "lag": ("lag", np.arange(request.lags), {"units": "d"})}
        attrs = {"title": self.info.title, "model": TWIN_ID, "source": "generated", "driver": request.driver}
        return xr.Dataset(data, coords, attrs | {"day": request.day})

    def departure(self, cell: int, days: NDArray[np.datetime64]) -> NDArray[np.float32]:
        """Weather of a cell on `days` less its mean seasonal cycle, (day, forcing)."""
        cells = np.array([cell])
        own = generate_arrays(self.world, cells, str(days[0]), str(days[-1]), self.spec.weather)
        return (own - smooth_daily_cycle(*self._record(cells), days))[:, 0]

    def _difference(self, request: ExplanationRequest, days: NDArray, baseline: NDArray) -> NDArray[np.float32]:
        """Target minus the target of a run under the baseline from the same state, on each day of the year."""
        ends = str(days[0]), str(days[-1])
        runs = [
            simulate_twin(self.world, [request.cell], *ends, self.spec, forcing, outputs=(request.target,))
            for forcing in (None, np.maximum(baseline, np.where(np.arange(baseline.shape[-1]) == 0, 0.0, -np.inf)))
        ]
        whole = (runs[0][request.target] - runs[1][request.target]).values[:, 0]
        return whole[request.lags - 1 :]

    def _dataset(
        self, request: ExplanationRequest, days: NDArray, contributions: NDArray, difference: NDArray, seconds: float
    ) -> xr.Dataset:
        target = VARIABLES[request.target]
        units = {"units": target.units, "source": "generated"}
        bin_start, bin_end = lag_bins(request.lags)
        gap = contributions.sum((1, 2)) - difference
        data = {
            "attribution": (
                ("time", "lag", "forcing"), contributions.astype(np.float32),
                {"long_name": f"true contribution of past forcing to {target.long_name.lower()}", **units},
            ),
            "completeness_gap": (
                ("time",), gap.astype(np.float32),
                {"long_name": "sum of contributions minus the difference from the baseline run", **units},
            ),
            "difference": (
                ("time",), difference.astype(np.float32),
                {"long_name": "target minus the target of the baseline run", **units},
            ),
        }  # fmt: skip
        coords = {
            "time": ("time", days.astype("datetime64[ns]"), {"long_name": "target day"}),
            "lag": ("lag", np.arange(request.lags, dtype=np.int32), {"units": "d", "long_name": "days before target"}),
            "lag_last": ("lag", np.arange(request.lags, dtype=np.int32), {"units": "d"}),
            "forcing": list(FORCING),
            "lag_bin": np.arange(bin_start.size, dtype=np.int32),
            "lag_start": ("lag_bin", bin_start.astype(np.int32), {"units": "d"}),
            "lag_end": ("lag_bin", bin_end.astype(np.int32), {"units": "d"}),
            "cell": request.cell,
        }
        attrs = {
            "title": self.info.title,
            "model": TWIN_ID,
            "source": "generated",
            "method": METHOD,
            "target": request.target,
            "baseline": BASELINE,
            "data_version": str(self.world.attrs.get("version", "")),
            "cost_seconds": round(seconds, 3),
        }
        return xr.Dataset(data, coords, attrs)


def _record_days(request: ExplanationRequest) -> NDArray[np.datetime64]:
    """The year that is asked about and the days before it; raises `RequestError` for what the twin cannot answer."""
    year = int(request.start[:4])
    if request.end[:4] != request.start[:4]:
        raise RequestError("The twin answers for the days of one calendar year at a time; choose days of one year.")
    first = np.datetime64(f"{year}-01-01") - (request.lags - 1)
    if first < np.datetime64("1987-01-01"):
        raise RequestError(f"The twin begins in 1987; ask for a year after {1987 + request.lags // 365}.")
    return np.arange(first, np.datetime64(f"{year + 1}-01-01"), dtype="datetime64[D]")
