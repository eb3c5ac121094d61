"""The data sets of the Data page: what each is, where its sites lie, what it holds, one series of it at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import xarray as xr

from dashboard import engine
from dashboard.layers import named
from dashboard.sources import TWIN
from dashboard.uploads import OwnSet, Uploads
from hdlcore.analysis.seasonality import mean_seasonal_cycle, monthly_mean
from hdlcore.assets import assets_dir
from hdlcore.data.cube import world_path
from hdlcore.data.cubes import Cube, open_cube
from hdlcore.data.review import Review, review
from hdlcore.errors import HDLError, RequestError
from hdlcore.runtime.datasets import DataSource
from hdlcore.runtime.requests import END, START, SimulationRequest
from hdlcore.variables import VARIABLES, Variable

log = logging.getLogger(__name__)

WORLD = "world"
_UNKNOWN = Variable("", "", "1", "static", "batlow", 0, 1)


@dataclass(frozen=True)
class Quantity:
    """One quantity of a data set: its names, unit, and the time steps it can be shown in, the finest first."""

    name: str
    long_name: str
    units: str
    steps: tuple[str, ...]


@dataclass(frozen=True)
class About:
    """What the list and the head of the page say of a data set."""

    id: str
    title: str
    what: str
    origin: str
    generated: bool
    period: str
    sites: int
    quantities: int
    attribution: str
    note: str = ""
    marks: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = field(default=())


class DataSet(Protocol):
    """One data set. `places` has cell, lat, lon (degrees) and, for named places, name."""

    about: About
    places: xr.Dataset
    quantities: dict[str, Quantity]
    slow: bool

    def review(self) -> Review | None:
        """Its review (some seconds the first time; for a thread), None when there is no file to review."""
        ...

    def series(self, site: int, name: str, step: str, progress: Any = None, cancel: Any = None) -> xr.DataArray:
        """One series, dim time or month, of the site at a position."""
        ...

    def snippet(self, site: int, name: str, step: str) -> str:
        """Python that makes the same numbers."""
        ...


def long_name(name: str, attrs: dict[str, Any], generated: bool) -> str:
    """What a quantity is called on the screen."""
    entry = VARIABLES.get(name)
    if entry is None:
        return str(attrs.get("long_name") or name)
    return named(entry, generated).long_name


def _period(cube: Cube) -> str:
    """First and last year of the series of a cube, in words."""
    axes = [group["time"].values for group in (cube.daily, cube.monthly) if group is not None and group.sizes["time"]]
    if not axes:
        return "mean seasonal cycle" if "month" in cube.cells.dims else "constant"
    first, last = min(axis[0] for axis in axes), max(axis[-1] for axis in axes)
    years = [str(when)[:4] for when in (first, last)]
    return years[0] if years[0] == years[1] else f"{years[0]} to {years[1]}"


def _origin(cube: Cube) -> str:
    """Where the numbers of a cube come from, in words; where they differ, what its variables say."""
    if cube.attrs.get("source") != "mixed":
        return str(cube.attrs.get("source") or "not stated")
    groups = [group for group in (cube.cells, cube.daily, cube.monthly) if group is not None]
    said = {str(v.attrs["source"]) for group in groups for v in group.data_vars.values() if "source" in v.attrs}
    known = [word for word in ("observed", "reanalysis", "derived", "generated") if word in said]
    return ", ".join([*known, *sorted(said - set(known))]) or "mixed"


class CubeSet:
    """A cube on disk. `held` gives its review when that is at hand already."""

    slow = False

    def __init__(
        self, set_id: str, cube: Cube, marks: tuple[str, ...] = (), held: Review | None = None, title: str = ""
    ) -> None:
        self.cube, self._held, self._lock = cube, held, threading.Lock()
        generated = cube.attrs.get("source") == "generated"
        self.places = cube.cells
        self.quantities = _quantities(cube, generated)
        grid = "grid" in cube.attrs
        count = int(cube.cells.sizes["cell"])
        self.about = About(
            id=set_id,
            title=title or cube.title,
            what="World" if set_id == WORLD else "Grid" if grid else "Places",
            origin=_origin(cube),
            generated=generated,
            period=_period(cube),
            sites=count,
            quantities=len(self.quantities),
            attribution=str(cube.attrs.get("attribution") or "not stated"),
            marks=marks,
            facts=_facts(cube),
        )

    def review(self) -> Review | None:
        """The reviewer's report, made once."""
        with self._lock:
            if self._held is None:
                self._held = review(self.cube)
            return self._held

    def series(self, site: int, name: str, step: str, progress: Any = None, cancel: Any = None) -> xr.DataArray:
        """One series of the cube; monthly means and seasons are made where the cube has only finer ones."""
        cube = self.cube
        daily = cube.daily is not None and name in cube.daily
        monthly = cube.monthly is not None and name in cube.monthly
        if step == "season" and name in cube.cells and "month" in cube.cells[name].dims:
            return cube.cells[name].isel(cell=site).transpose("month").load()
        if daily or monthly:
            cube.refuse_lost("daily" if daily and (step == "daily" or not monthly) else "monthly", (name,))
        if step == "daily" and daily:
            return cube.daily[name].isel(cell=site).load()  # type: ignore[index]
        if not (daily or monthly):
            raise RequestError(f"{self.about.title} has no series of '{name}'.")
        part = (cube.monthly if monthly else cube.daily)[name].isel(cell=site).load()  # type: ignore[index]
        attrs = part.attrs
        if not monthly:
            part = monthly_mean(part.to_dataset(name=name))[name]
        if step == "season":
            part = mean_seasonal_cycle(part).reindex(month=np.arange(1, 13))
        return part.assign_attrs(attrs)

    def snippet(self, site: int, name: str, step: str) -> str:
        """Through `open_cube`."""
        path = self.cube.path
        where = "world_path()" if self.about.id == WORLD else repr(str(path))
        lines = ["from hdlcore.data.cubes import open_cube"]
        lines += ["from hdlcore.data.cube import world_path"] if self.about.id == WORLD else []
        in_daily = self.cube.daily is not None and name in self.cube.daily
        in_root = step == "season" and name in self.cube.cells
        in_monthly = self.cube.monthly is not None and name in self.cube.monthly
        group = "cells" if in_root else "daily" if in_daily and (step == "daily" or not in_monthly) else "monthly"
        made = "series = data"
        if not in_root and step != "daily":
            tools = ["monthly_mean"] if group == "daily" else []
            tools += ["mean_seasonal_cycle"] if step == "season" else []
            if tools:
                lines.insert(0, f"from hdlcore.analysis.seasonality import {', '.join(sorted(tools))}")
            for tool in tools:
                made = f"{made.split(' = ')[0]} = {tool}({made.split(' = ')[1]})"
        return "\n".join(
            [*lines, "", f"cube = open_cube({where})", f"data = cube.{group}[{name!r}].isel(cell={site}).load()", made,
             "print(series.to_series())", ""]
        )  # fmt: skip


def _quantities(cube: Cube, generated: bool) -> dict[str, Quantity]:
    """Everything in a cube that has a time axis."""
    found: dict[str, Quantity] = {}
    daily, monthly = (set() if g is None else {str(n) for n in g.data_vars} for g in (cube.daily, cube.monthly))
    seasonal = {str(n) for n, v in cube.cells.data_vars.items() if v.dims == ("month", "cell") and v.dtype.kind == "f"}
    # what was observed comes first: it is what a data set is looked at for
    for name in sorted({*cube.variables(), *seasonal}, key=lambda name: (not name.endswith("_observed"), name)):
        group = cube.daily if name in daily else cube.monthly if name in monthly else cube.cells
        attrs = dict(group[name].attrs) if group is not None else {}
        steps = (("daily",) if name in daily else ()) + (("monthly",) if name in daily | monthly else ()) + ("season",)
        found[name] = Quantity(name, long_name(name, attrs, generated), str(attrs.get("units", "1")), steps)
    return found


def _facts(cube: Cube) -> tuple[tuple[str, str], ...]:
    """What else is worth saying of a cube: the files it was made of, its version."""
    entries = cube.provenance
    rows = [("Version", cube.version)] if cube.attrs.get("version") else []
    if entries:
        names = [str(entry.get("file", "?")).rsplit("/", 1)[-1] for entry in entries]
        shown = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
        readers = sorted({str(entry["reader"]) for entry in entries if entry.get("reader")})
        rows.append(("Made of", shown + (f", read as {', '.join(readers)}" if readers else "")))
    return tuple(rows)


class TwinSet:
    """The twin Earth as a data set: its series are made when they are asked for."""

    slow = True

    def __init__(self, twin_id: str, title: str, world: xr.Dataset) -> None:
        held, _ = engine.get_fields(twin_id)
        outputs = tuple(engine.get_engine().source(twin_id).outputs)
        forcing = ("precipitation", "air_temperature", "net_radiation")
        seen = [str(n) for n in held.data_vars if str(n).endswith("_observed")] if held is not None else []
        self.fields, self.places = held, world
        self.quantities = {}
        for name in dict.fromkeys([*outputs, *forcing, *seen]):
            entry = VARIABLES.get(name)
            if entry is not None:
                steps = ("season",) if name in seen else ("daily", "monthly", "season")
                self.quantities[name] = Quantity(name, named(entry, True).long_name, entry.units, steps)
        self.about = About(
            id=twin_id,
            title=title,
            what="World",
            origin="generated",
            generated=True,
            period=f"{START[:4]} to {END[:4]}, made on demand",
            sites=int(world.sizes["cell"]),
            quantities=len(self.quantities),
            attribution="HDL Explorer's own process model and weather generator; no observation in it.",
            note=TWIN,
        )

    def review(self) -> Review | None:
        """No file, no review."""
        return None

    def series(self, site: int, name: str, step: str, progress: Any = None, cancel: Any = None) -> xr.DataArray:
        """A run of the twin for one cell, or the season that is shipped."""
        if step == "season":
            if self.fields is None or name not in self.fields:
                raise RequestError(f"The season of '{name}' is not shipped; look at its monthly values.")
            return self.fields[name].isel(cell=site).transpose("month").load()
        cell = int(self.places["cell"].values[site])
        request = SimulationRequest(self.about.id, (cell,), START, END, "daily" if step == "daily" else "monthly")
        made = engine.get_engine().simulate(request, progress=progress, cancel=cancel)
        return made[name].isel(cell=0).load()

    def snippet(self, site: int, name: str, step: str) -> str:
        """Through the engine."""
        cell = int(self.places["cell"].values[site])
        head = "from hdlcore.runtime.engine import Engine\n"
        if step == "season":
            made = f"series = Engine().fields({self.about.id!r})[{name!r}].sel(cell={cell})"
            return f"{head}\n{made}\nprint(series.to_series())\n"
        request = f"SimulationRequest({self.about.id!r}, ({cell},), {START!r}, {END!r}, {step!r})"
        return (
            f"{head}from hdlcore.runtime.requests import SimulationRequest\n\n"
            f"run = Engine().simulate({request})\nprint(run[{name!r}].isel(cell=0).to_series())\n"
        )


@lru_cache(maxsize=1)
def shared() -> dict[str, DataSet]:
    """The data sets that every visitor sees, opened once a process: world, twin, shipped and served ones."""
    held = engine.get_engine()
    found: dict[str, DataSet] = {}
    _add(found, WORLD, lambda: CubeSet(WORLD, open_cube(held.world.encoding.get("source") or world_path())))
    for info in held.sources():
        if info.kind == "twin":
            _add(found, info.id, lambda info=info: TwinSet(info.id, info.title, held.world))  # type: ignore[misc]
    for source in held.data():
        _add(found, source.info.id, lambda source=source: _served(source))  # type: ignore[misc]
    return found


def warm_up() -> None:
    """Open and review every shared data set, so that the first visitor of the page does not wait for it."""
    for held in shared().values():
        try:
            held.review()
        except HDLError as error:
            log.warning("%s could not be reviewed: %s", held.about.id, error)


def _served(source: DataSource) -> DataSet:
    """A cube of the engine: shipped with the project, or given with ``--data``."""
    marks = () if assets_dir().resolve() in source.cube.path.parents else ("served here",)
    return CubeSet(source.info.id, source.cube, marks, source.review, engine.title_of(source))


def _add(found: dict[str, DataSet], set_id: str, make: Callable[[], DataSet]) -> None:
    """Add one data set; one that cannot be opened is left out, with a sentence in the log."""
    try:
        found[set_id] = make()
    except HDLError as error:
        log.warning("data set %s is left out: %s", set_id, error)


class Catalogue:
    """Every data set this visitor can see: the shared ones, then their own."""

    def __init__(self, uploads: Uploads) -> None:
        self.uploads = uploads
        self._own: dict[str, DataSet] = {}

    def sets(self) -> dict[str, DataSet]:
        """By id, in the order of the list."""
        own: dict[str, DataSet] = {}
        for item in self.uploads.sets():
            kept = self._own.get(item.id)
            own[item.id] = kept if kept is not None else _own_set(item)
        self._own = own
        return shared() | own


def _own_set(item: OwnSet) -> DataSet:
    marks = ("yours",) if item.review.ok else ("yours", "major remarks")
    return CubeSet(item.id, item.source.cube, marks, item.review, item.title)
