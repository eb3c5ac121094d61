"""A data cube as a source: observed, reanalysed or generated series that stand beside the models."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.analysis.seasonality import mean_seasonal_cycle, monthly_mean
from hdlcore.assets import assets_dir
from hdlcore.data.cube import N_COLUMNS, positions
from hdlcore.data.cubes import open_cube
from hdlcore.data.review import Review, review
from hdlcore.errors import DataError, RequestError
from hdlcore.progress import CancelToken, Progress, check
from hdlcore.runtime.cache import read_only
from hdlcore.runtime.requests import ExplanationRequest, ImpulseRequest, SimulationRequest
from hdlcore.runtime.sources import SourceInfo
from hdlcore.variables import VARIABLES, with_derived


class DataSource:
    """A cube on disk, opened lazily. Raises `DataError` when it cannot be opened.

    A cube with major remarks can be looked at all the same, its review beside it: the remarks are what one looks for.
    """

    def __init__(self, path: Path, world: xr.Dataset, source_id: str) -> None:
        self.cube = open_cube(path)
        self.world, self._id = world, source_id
        self._fields: xr.Dataset | None = None
        self._lock = threading.Lock()

    @cached_property
    def review(self) -> Review:
        """The reviewer's report; reads the whole cube the first time, in bounded memory."""
        return review(self.cube)

    @cached_property
    def info(self) -> SourceInfo:
        """What the picker says of it."""
        source = str(self.cube.attrs["source"])
        count, period = self.cube.cells.sizes["cell"], self.period
        note = f"{count:,} places, {source}" + (f", {period[0][:4]} to {period[1][:4]}" if period else "")
        return SourceInfo(self._id, self.cube.title, "data", source == "generated", note)

    @property
    def has_map(self) -> bool:
        """Whether it is a grid that holds something the app can show; places have series, but no map."""
        return "grid" in self.cube.attrs and any(name in VARIABLES for name in (*self.outputs, *self._constants()))

    @property
    def version(self) -> str:
        """Hash of the cube's content."""
        return self.cube.version

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of its time series."""
        return tuple(self.cube.variables())

    @property
    def period(self) -> tuple[str, str] | None:
        """First and last day of its series, None for a cube without any."""
        ends = []
        if self.cube.daily is not None:
            ends += [self.cube.daily["time"].values[0], self.cube.daily["time"].values[-1]]
        if self.cube.monthly is not None:
            last = self.cube.monthly["time"].values[-1].astype("datetime64[M]") + 1
            ends += [self.cube.monthly["time"].values[0], last.astype("datetime64[D]") - 1]
        days = [np.datetime64(end, "D") for end in ends]
        return (str(min(days)), str(max(days))) if days else None

    def fields(self) -> xr.Dataset:
        """Mean seasonal cycles (month, cell) and statics (cell) on the world's 1 degree cells, NaN where it has none.

        Cells of a finer grid are averaged, weighted by area, into the world cell that holds their centre. Raises
        `DataError` for a cube of points: these have series, but no map.
        """
        if "grid" not in self.cube.attrs:
            raise DataError(f"'{self.info.id}' holds {self.cube.cells.sizes['cell']} places, no map; see its series.")
        with self._lock:
            if self._fields is None:
                self._fields = read_only(self._on_world())
            return self._fields

    @cached_property
    def _home(self) -> NDArray[np.intp]:
        """Position of the world cell that the centre of each of the cube's cells lies in, -1 where there is none."""
        cells, known = self.cube.cells, self.world["cell"].values
        row = np.clip((90 - cells["lat"].values).astype(int), 0, 179)
        column = ((cells["lon"].values + 180) % 360).astype(int) % N_COLUMNS
        at = np.searchsorted(known, row * N_COLUMNS + column).clip(max=known.size - 1)
        return np.where(known[at] == row * N_COLUMNS + column, at, -1)

    @cached_property
    def _weight(self) -> NDArray[np.float64]:
        """Area of each of the cube's cells, up to a factor."""
        return np.cos(np.deg2rad(self.cube.cells["lat"].values.astype(float)))

    def series_on_world(
        self, request: SimulationRequest, progress: Progress | None, cancel: CancelToken | None
    ) -> xr.Dataset:
        """As `simulate`, but the request names cells of the world: means over the cube's cells in each, by area.

        NaN in world cells that the cube does not cover; `RequestError` when it covers none of them.
        """
        wanted = positions(self.world, request.cells)
        own = np.flatnonzero(np.isin(self._home, wanted))
        if not own.size:
            count = np.unique(self._home[self._home >= 0]).size
            raise RequestError(
                f"{self.cube.title} holds nothing here; choose one of the {count:,} cells of the map that it covers."
            )
        ids = tuple(int(cell) for cell in self.cube.cells["cell"].values[own])
        run = self.simulate(replace(request, cells=ids), progress, cancel)
        at, names = np.argsort(wanted)[np.searchsorted(np.sort(wanted), self._home[own])], list(run.data_vars)
        data = {}
        for name in names:
            values = run[name].transpose("time", "cell").values
            data[name] = (("time", "cell"), _means(values, at, self._weight[own], wanted.size), run[name].attrs)
        places = {name: self.world[name].isel(cell=wanted) for name in ("cell", "lat", "lon", "area")}
        return xr.Dataset(data, {"time": run["time"], **places}, run.attrs)

    def _on_world(self) -> xr.Dataset:
        """The cube's cycles and statics, averaged into the world's cells."""
        inside = self._home >= 0
        data = {}
        for name, array in self._seasonal().items():
            values = array.transpose(..., "cell").values[..., inside]
            means = _means(values, self._home[inside], self._weight[inside], self.world.sizes["cell"])
            data[name] = (array.dims, means, array.attrs)
        coords = {name: self.world[name] for name in ("cell", "lat", "lon", "area")} | {"month": np.arange(1, 13)}
        about = {"model": self.info.id, "source": str(self.cube.attrs["source"])}
        return with_derived(xr.Dataset(data, coords, about))

    def _constants(self) -> dict[str, xr.DataArray]:
        """What the cube holds by month of the year, or once for each cell."""
        held = self.cube.cells.data_vars.items()
        dims = ({"cell"}, {"month", "cell"})
        return {str(name): array for name, array in held if array.dtype.kind == "f" and set(array.dims) in dims}

    def _seasonal(self) -> dict[str, xr.DataArray]:
        """Numbers by month, or constant, of every variable of the cube; in chunks, since it may exceed the memory."""
        found = self._constants()
        cube = open_cube(self.cube.path, chunks={})
        for part in (cube.daily, cube.monthly):
            if part is not None:
                cycle = mean_seasonal_cycle(part).reindex(month=np.arange(1, 13)).compute()
                found |= {str(name): cycle[name].transpose("month", "cell") for name in cycle.data_vars}
        return found

    def simulate(
        self, request: SimulationRequest, progress: Progress | None, cancel: CancelToken | None,
        plain: xr.Dataset | None = None,
    ) -> xr.Dataset:  # fmt: skip
        """What the cube holds for the cells and period asked for, (time, cell).

        Monthly values of a cube that has only daily ones are their means over whole months.
        """
        check(cancel)
        if request.scenario:
            raise RequestError(f"'{self.info.id}' is data and cannot be run under a scenario; choose a model.")
        own, other = self.cube.daily, self.cube.monthly
        if request.frequency == "monthly":
            own, other = other, own
        part = own
        if part is None and request.frequency == "monthly" and other is not None:
            part = other
        if part is None:
            raise RequestError(f"'{self.info.id}' has no {request.frequency} series; ask for the other frequency.")
        at = positions(self.cube.cells, request.cells)
        self.cube.refuse_lost("daily" if part is self.cube.daily else "monthly", map(str, part.data_vars))
        chosen = part.isel(cell=at).sel(time=slice(request.start, request.end))
        if not chosen.sizes["time"]:
            start, end = self.period or ("", "")
            raise RequestError(f"'{self.info.id}' covers {start} to {end}; ask for days within.")
        for variable in chosen.variables.values():
            check(cancel)
            variable.load()
        if part is other:
            chosen = monthly_mean(chosen)
        chosen.attrs = {"model": self.info.id, "source": str(self.cube.attrs["source"]), "frequency": request.frequency}
        return with_derived(chosen.transpose("time", "cell"))

    def explain(self, request: ExplanationRequest, progress: Progress | None, cancel: CancelToken | None) -> xr.Dataset:
        """Data cannot be asked why."""
        raise RequestError(f"'{self.info.id}' is data, not a model, and cannot be asked why.")

    def impulse(self, request: ImpulseRequest, cancel: CancelToken | None) -> xr.Dataset:
        """Data answers no pulse."""
        raise RequestError(f"'{self.info.id}' is data and answers no pulse; choose a model or the twin.")


def _means(values: NDArray, at: NDArray[np.intp], weight: NDArray, n: int) -> NDArray[np.float32]:
    """Weighted means of what there is (..., cell) in each of `n` places that the cells lie `at`, (..., n); else NaN."""
    found = np.full((*values.shape[:-1], n), np.nan, np.float32)
    for index in np.ndindex(values.shape[:-1]):
        use = np.isfinite(values[index])
        filled = np.bincount(at[use], weight[use], n)
        total = np.bincount(at[use], weight[use] * values[index][use], n)
        np.divide(total, filled, out=found[index], where=filled > 0, casting="same_kind")
    return found


def is_world(path: Path) -> bool:
    """Whether a path is a world cube, told by its root attributes alone; a path that is none is left to its opener."""
    about = _attributes(path)
    return about is not None and about.get("kind", "world") == "world"


def is_places(path: Path) -> bool:
    """Whether a path is a cube of places with daily weather."""
    about = _attributes(path)
    return about is not None and about.get("kind") == "points" and (path / "daily" / "precipitation").is_dir()


def shipped_cubes() -> list[Path]:
    """Data cubes that come with the project, beside the world."""
    return [path for path in sorted((assets_dir() / "data").glob("*.zarr")) if not is_world(path)]


def _attributes(path: Path) -> dict[str, Any] | None:
    """Root attributes of a Zarr store; None where there is none."""
    try:
        found = json.loads((path / "zarr.json").read_text())["attributes"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, dict) else None
