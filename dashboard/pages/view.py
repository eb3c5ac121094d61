"""What follows from the state and is shared by the parts of a page, computed once per change."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import panel as pn
import param
import xarray as xr
from numpy.typing import NDArray

from dashboard import engine, sources
from dashboard.jobs import sentence, together
from dashboard.layers import Layer, available, has_departure, layer
from dashboard.look import Look
from dashboard.memory import showing
from dashboard.pages.told import EVERYTHING, Update
from dashboard.plots.projection import Projection, load_projection
from dashboard.selection import Selection, select
from dashboard.series import season
from dashboard.state import FIELDS, FILTERS, OF_DATA, State
from dashboard.uploads import Uploads
from hdlcore.data.cube import distance_km, find_cell
from hdlcore.errors import HDLError, RequestError
from hdlcore.runtime.datasets import DataSource
from hdlcore.runtime.requests import Frequency, SimulationRequest
from hdlcore.runtime.sources import SourceInfo
from hdlcore.runtime.turns import Asker, Priority
from hdlcore.variables import variable

log = logging.getLogger(__name__)

Words = list[tuple[Any, dict[str, Any]]]


class View(param.Parameterized):
    """Derived from a `State`; parts subscribe with `follow` and are told which fields changed.

    `quick` parts (some ms) are told at once, and what they change crosses the wire in one message; the others on the
    next turn of the loop, so that what was clicked answers first. Parts of a page that is not open are told when it is
    opened again.
    """

    dark = param.Boolean(False, doc="Dark colours.")
    notice = param.String("", doc="One sentence to show on the page, or empty.")
    draft = param.Parameter(None, doc="The tour that is being written in this session, or None.")

    def __init__(self, state: State, **params: Any) -> None:
        super().__init__(**params)
        self.state = state
        self.world = engine.get_world()
        self.send: Callable[[dict[str, Any]], None] = lambda message: None  # to the browser; the frame sets it
        self.last_page = "explore"  # the page looked at last, apart from Learn
        self.building = ""  # the page whose parts are being made, where that is not the open one
        self._quick: list[tuple[str, Update]] = []
        self._later: list[tuple[str, Update]] = []
        self._always: list[Update] = []
        self._last: list[Callable[[], None]] = []
        self._waiting: set[str] = set()
        self._missed: dict[str, set[str]] = {}  # page -> what changed while it was not open
        self.uploads = Uploads(self.world)
        self.asker = Asker(uuid.uuid4().hex)  # so that the engine serves visitors in turn
        self.source: SourceInfo | None = None
        self.observed = self.world
        self.fields: xr.Dataset | None = None
        self.fields_problem = ""
        self.model = ""
        self.layer: Layer
        self.selection: Selection
        self._season: tuple[Any, xr.Dataset] | None = None
        self._look: Look | None = None
        #: What parts say of a month: properties, by component or model. Only of the page that steps through months.
        self.says: list[Callable[[Look], Words]] = []
        self._drawn: tuple[Any, xr.Dataset] | None = None
        self.refresh(EVERYTHING)
        others = {"page", *OF_DATA} - {"years"}
        state.param.watch(self._changed, [name for name in FIELDS if name not in others])
        state.param.watch(self._elsewhere, list(others))
        self.param.watch(self._changed, ["dark"])
        self.uploads.param.watch(self._lost, "changed")

    def projection(self, name: str = "") -> Projection:
        """The world's cells in a projection, that of the state when no other is named."""
        lat = self.world["lat"].values.astype(np.float32)
        return load_projection(name or self.state.projection, lat.size, lat.tobytes())

    def follow(self, update: Update, quick: bool = False) -> None:
        """Call `update(changed names)` after each change while the part's page is open, and once now."""
        (self._quick if quick else self._later).append((self.building or self.state.page, update))
        update(EVERYTHING)

    def say(self, says: Callable[[Look], Words]) -> None:
        """Have what a part says of a month said ahead, where its page steps through months."""
        if (self.building or self.state.page) == "explore":
            self.says.append(says)

    def follow_everywhere(self, update: Update) -> None:
        """Call `update(changed names)` after each change of the state, whichever page is open, and once now."""
        self._always.append(update)
        update(EVERYTHING)

    def follow_last(self, update: Callable[[], None]) -> None:
        """Call `update()` after every part of the open page has followed a change, in the same message as the last."""
        self._last.append(update)

    def opened(self) -> None:
        """The state names another page: tell its parts what they missed."""
        if self.state.page != "learn":
            self.last_page = self.state.page
        missed = self._missed.pop(self.state.page, None)
        if missed:
            self._tell(frozenset(missed))

    def _lost(self, *_: Any) -> None:
        """The data set on the map was removed: go back to the first source."""
        if self.model not in self.sources():
            self.state.model = ""

    def _changed(self, *events: param.parameterized.Event) -> None:
        names = frozenset(event.name for event in events)
        with together():
            try:
                self.refresh(names)
            except Exception as error:
                self.notice = sentence(error, "Showing the map")
            else:
                for page in {page for page, _ in [*self._quick, *self._later]} - {self.state.page}:
                    self._missed.setdefault(page, set()).update(names)
                self._tell(names)
            self._elsewhere(*events)

    def _elsewhere(self, *events: param.parameterized.Event) -> None:
        """Tell what follows every change, also one that is of no concern to the map."""
        names = frozenset(event.name for event in events)
        with together():
            for update in self._always:
                update(names)

    def _tell(self, names: frozenset[str]) -> None:
        """Tell the parts of the open page."""
        with together():
            for page, update in self._quick:
                if page == self.state.page:
                    self._update(update, names, "Showing the map")
            if all(page != self.state.page for page, _ in self._later):
                self._said()
                return
        first = not self._waiting
        self._waiting |= names
        if first:
            pn.state.execute(
                self._finish, schedule=True
            ) if pn.state.curdoc and pn.state.curdoc.session_context else self._finish()

    def _finish(self) -> None:
        names, self._waiting = frozenset(self._waiting), set()
        with together():
            for page, update in self._later:
                if page != self.state.page:  # turned while this was waiting
                    self._missed.setdefault(page, set()).update(names)
                    continue
                self._update(update, names, "Drawing the curves")
            self._said()

    def _said(self) -> None:
        """All parts say what the state says: tell what speaks of all of them."""
        for update in self._last:
            update()

    def _update(self, update: Update, names: frozenset[str], doing: str) -> None:
        """A part that fails leaves a notice; the others follow all the same."""
        try:
            update(names)
        except Exception as error:
            self.notice = sentence(error, doing)

    def refresh(self, names: frozenset[str]) -> None:
        """Recompute what depends on the named fields; what cannot be shown falls back with a notice, the page stays."""
        state = self.state
        if "model" in names:
            self._choose_source()
        if names & {"model", "variable", "time", "departure"}:
            self.layer = self._layer()
        seen = {"variable", "time", "departure"} if state.values else set()  # a value filter is of what the map shows
        if names & {"model", "cell", "focus", *FILTERS} | seen:
            try:
                self.selection = select(state, self.world, self.layer, engine.get_world, self._box())
            except HDLError as error:
                self.notice = " ".join([self.notice, self._why(error)]).strip()
                self._fall_back()

    def _box(self) -> NDArray[np.bool_] | None:
        """Cells that show the chosen box of a memory heatmap; a box that the source cannot tell is dropped."""
        box = self.state.memory_box
        if box is None:
            return None
        try:
            return showing(box, self.fields, self.world)
        except RequestError as error:
            self.notice = f"{self.notice} {error}".strip()
        with param.parameterized.discard_events(self.state):
            self.state.memory_box = None
        return None

    def sources(self) -> dict[str, SourceInfo]:
        """Everything this visitor can choose: what all can, and the maps of their own uploads."""
        return engine.get_sources() | self.uploads.maps()

    def cell_in(self, source_id: str) -> int:
        """The chosen cell, or the nearest one that a data set covers when it does not cover that."""
        own = self.uploads.find(source_id)
        fields, _ = own.fields() if own is not None else engine.get_fields(source_id)
        info = self.sources().get(source_id)
        if fields is None or info is None or info.kind != "data":
            return int(self.state.cell)
        covered = np.zeros(self.world.sizes["cell"], bool)
        for array in fields.data_vars.values():
            covered |= np.isfinite(array.values).any(axis=tuple(range(array.ndim - 1)))
        at = self.selection.position
        if covered[at] or not covered.any():
            return int(self.state.cell)
        lat, lon = self.world["lat"].values, self.world["lon"].values
        away = np.where(covered, distance_km(float(lat[at]), float(lon[at]), lat, lon), np.inf)
        return int(self.world["cell"].values[int(away.argmin())])

    def _choose_source(self) -> None:
        wanted, known = self.state.model, self.sources()
        if wanted and wanted not in known:
            self.notice = sources.unknown(wanted, known, engine.get_data())
        self.model = wanted if wanted in known else next(iter(known), "")
        self.source = known.get(self.model)
        own = self.uploads.find(self.model)
        self.fields, self.fields_problem = own.fields() if own is not None else engine.get_fields(self.model)
        self.observed = sources.observed_with(self.source, self.world)
        #: Quantities that can be shown, by group.
        self.choices = available(self.observed, self.fields, self.generated)

    def cube_attributes(self) -> Mapping[str, Any] | None:
        """Attributes of the cube behind a data source; None for models and the twin."""
        own = self.uploads.find(self.model)
        held = own.source if own is not None else engine.get_engine().source(self.model) if self.model else None
        return held.cube.attrs if isinstance(held, DataSource) else None

    @property
    def kind(self) -> str:
        """What the source is: model, twin or data; empty when there is none."""
        return self.source.kind if self.source is not None else ""

    @property
    def generated(self) -> bool:
        """Whether all that is shown is of a made-up world."""
        return self.source is not None and self.source.generated

    @property
    def label(self) -> str:
        """Where the numbers come from, in a sentence."""
        return sources.label(self.source)

    @property
    def place(self) -> str:
        """What the curves are of, marked where they are generated."""
        return f"{self.selection.label} (generated)" if self.generated else self.selection.label

    @property
    def title(self) -> str:
        """What the map shows, marked where it is generated."""
        return self.look().title

    @property
    def origin(self) -> str:
        """Where the numbers of the map come from, in a sentence."""
        if self.layer.finer is None:
            return self.label
        about = self.layer.finer.attributes()
        return f"{str(about['source']).capitalize()}: {about['product']}."

    @property
    def map_label(self) -> str:
        """The origin of the map, and the grid it is drawn on where that is not the cells."""
        grid = self.layer.finer
        if grid is None:
            return self.origin
        return f"{self.origin} Drawn on a {grid.step:g} degree grid; means and tables are of cells of 1 degree."

    @property
    def map_generated(self) -> bool:
        """Whether the map is of a made-up world."""
        return self.look().generated

    def look(self, month: int | None = None) -> Look:
        """The map as it is, or as it would be in another month (1 to 12); kept, as several parts say it."""
        if month is not None and month != self.state.month:
            return Look(self, self._layer_in(month), month)
        if self._look is None or self._look.layer is not self.layer or self._look.selection is not self.selection:
            self._look = Look(self, self.layer, self.state.month)
        return self._look

    def _layer_in(self, month: int) -> Layer:
        name, departure = self.shown_variable, self.state.departure
        return layer(name, month, departure, self.observed, self.fields, self.generated)

    def _layer(self) -> Layer:
        state, name = self.state, self.shown_variable
        if name != state.variable and not self.fields_problem:
            who = self.source.title if self.source is not None else "The world"
            wanted, found = (variable(each).long_name for each in (state.variable, name))
            self.notice = f"{who} has no '{wanted}'; it shows '{found}' instead."
        return self._layer_in(state.month)

    def _why(self, error: HDLError) -> str:
        """The sentence for the page; a cell that is not land is said as a place."""
        if self.state.cell in self.world["cell"].values:
            return str(error)
        lat, lon = 89.5 - self.state.cell // 360, self.state.cell % 360 - 179.5
        try:
            find_cell(self.world, lat, lon)
        except HDLError as sea:
            return str(sea)
        return str(error)

    def _fall_back(self) -> None:
        """The view a link asked for cannot be made: drop the place and the region, keep the rest."""
        opening = {name: State.param[name].default for name in ("cell", "region", "polygon", "focus")}
        with param.parameterized.discard_events(self.state):
            self.state.param.update(**opening)
        self.selection = select(self.state, self.world, self.layer, engine.get_world)

    def run(
        self, cells: tuple[int, ...], frequency: Frequency, progress: Any = None, cancel: Any = None,
        scenario: str = "", background: bool = False,
    ) -> xr.Dataset:  # fmt: skip
        """Series of the source over its period, from the engine or from this session's own data; for a thread.

        Under a `scenario` the source must be a model or the twin. Work in the `background` gives way to clicks.
        """
        own = self.uploads.find(self.model)
        held = own.source if own is not None else engine.get_engine().source(self.model)
        if not isinstance(held, DataSource):
            request = SimulationRequest(self.model, cells, frequency=frequency, scenario=scenario)
            asker = Asker(self.asker.user, Priority.BACKGROUND) if background else self.asker
            return engine.get_engine().simulate(request, progress, cancel, asker)
        if scenario:
            raise RequestError(f"{held.info.title} is data and cannot be changed; choose a model or the twin.")
        if held.period is None:
            raise RequestError(f"{held.info.title} has no series; its seasonal means are shown.")
        only = held.cube.monthly is not None if held.cube.daily is None else False
        request = SimulationRequest(self.model, cells, *held.period, frequency="monthly" if only else frequency)
        return held.series_on_world(request, progress, cancel)

    @property
    def shown_variable(self) -> str:
        """The chosen quantity, or the nearest that can be shown (GRACE's storage while no model has fields)."""
        names = [name for group in self.choices.values() for name in group.values()]
        return next(name for name in (self.state.variable, "tws", "tws_observed", *names) if name in names)

    @property
    def can_depart(self) -> bool:
        """Whether the quantity has a departure from its yearly mean."""
        return has_departure(self.layer.variable.name, self.observed, self.fields)

    def season(self) -> xr.Dataset:
        """Mean seasonal cycle of the selection, kept until the selection or the model changes."""
        key = (self.model, self.selection)
        if self._season is None or self._season[0] != key:
            self._season = (key, season(self.observed, self.fields, self.selection))
        return self._season[1]

    @property
    def curves(self) -> xr.Dataset:
        """The curves on the screen; the season while a live run for the selection is under way."""
        if self._drawn is not None and self._drawn[0] == (self.model, self.selection, self.state.series):
            return self._drawn[1]
        return self.season()

    def draw(self, curves: xr.Dataset) -> None:
        """Say which curves are on the screen for the selection as it is now."""
        self._drawn = ((self.model, self.selection, self.state.series), curves)

    def sentence(self) -> str:
        """The sentence of what is seen."""
        return self.look().sentence

    def color_range(self) -> tuple[float, float]:
        """Range of the colours: fixed, following what is shown, or set by hand."""
        return self.look().color_range
