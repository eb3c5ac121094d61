"""What follows from the state and is shared by the parts of a page, computed once per change."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import panel as pn
import param
import xarray as xr
from panel.io.document import unlocked

from dashboard import engine
from dashboard.jobs import sentence
from dashboard.layers import Layer, available, has_departure, layer
from dashboard.selection import Selection, select
from dashboard.series import season
from dashboard.state import FIELDS, FILTERS, State
from dashboard.summary import sentence as seen
from hdlcore.data.cube import find_cell
from hdlcore.errors import HDLError

log = logging.getLogger(__name__)

Update = Callable[[frozenset[str]], None]
EVERYTHING = frozenset({*FIELDS, "dark"})


class View(param.Parameterized):
    """Derived from a `State`; parts subscribe with `follow` and are told which fields changed.

    `quick` parts (map, chips, text) are told at once; the others on the next turn of the loop, so that what was clicked
    answers before the curves are drawn.
    """

    dark = param.Boolean(False, doc="Dark colours.")
    notice = param.String("", doc="One sentence to show on the page, or empty.")

    def __init__(self, state: State, **params: Any) -> None:
        super().__init__(**params)
        self.state = state
        self.world = engine.get_world()
        self._quick: list[Update] = []
        self._later: list[Update] = []
        self._waiting: set[str] = set()
        self.fields: xr.Dataset | None = None
        self.fields_problem = ""
        self.model = ""
        self.layer: Layer
        self.selection: Selection
        self._season: tuple[Any, xr.Dataset] | None = None
        self._drawn: tuple[Any, xr.Dataset] | None = None
        self.refresh(EVERYTHING)
        state.param.watch(self._changed, list(FIELDS))
        self.param.watch(self._changed, ["dark"])

    def follow(self, update: Update, quick: bool = False) -> None:
        """Call `update(changed names)` after each change, and once now."""
        (self._quick if quick else self._later).append(update)
        update(EVERYTHING)

    def _changed(self, *events: param.parameterized.Event) -> None:
        names = frozenset(event.name for event in events)
        try:
            # outside the document's lock a change to a raw Bokeh model is refused: these are held and sent together
            with unlocked():
                self.refresh(names)
                for update in self._quick:
                    update(names)
        except Exception as error:
            self.notice = sentence(error, "Showing the map")
            return
        first = not self._waiting
        self._waiting |= names
        if first:
            pn.state.execute(
                self._finish, schedule=True
            ) if pn.state.curdoc and pn.state.curdoc.session_context else self._finish()

    def _finish(self) -> None:
        names, self._waiting = frozenset(self._waiting), set()
        with unlocked():
            for update in self._later:
                try:
                    update(names)
                except Exception as error:
                    self.notice = sentence(error, "Drawing the curves")

    def refresh(self, names: frozenset[str]) -> None:
        """Recompute what depends on the named fields; what cannot be shown falls back with a notice, the page stays."""
        state = self.state
        if "model" in names:
            models = engine.get_models()
            if state.model and state.model not in models:
                known = ", ".join(models) or "none"
                self.notice = f"No model is called '{state.model}'; at hand: {known}."
            self.model = state.model if state.model in models else next(iter(models), "")
            self.fields, self.fields_problem = engine.get_fields(self.model)
        if names & {"model", "variable", "time", "departure"}:
            self.layer = self._layer()
        if names & {"model", "variable", "time", "departure", "cell", "focus", *FILTERS}:
            try:
                self.selection = select(state, self.world, self.layer, engine.get_world)
            except HDLError as error:
                self.notice = " ".join([self.notice, self._why(error)]).strip()
                self._fall_back()

    def _layer(self) -> Layer:
        state, name = self.state, self.shown_variable
        if name != state.variable and not self.fields_problem:
            self.notice = f"This model has no '{state.variable}'; it shows '{name}' instead."
        return layer(name, state.month, state.departure, self.world, self.fields)

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

    @property
    def shown_variable(self) -> str:
        """The chosen quantity, or the nearest that can be shown (GRACE's storage while no model has fields)."""
        names = {name for group in self.choices.values() for name in group.values()}
        if self.state.variable in names:
            return self.state.variable
        return "tws_observed" if "tws_observed" in names else next(iter(sorted(names)))

    @property
    def choices(self) -> dict[str, dict[str, str]]:
        """Quantities that can be shown, by group."""
        return available(self.world, self.fields)

    @property
    def can_depart(self) -> bool:
        """Whether the quantity has a departure from its yearly mean."""
        return has_departure(self.layer.variable.name, self.world, self.fields)

    def season(self) -> xr.Dataset:
        """Mean seasonal cycle of the selection, kept until the selection or the model changes."""
        key = (self.model, self.selection)
        if self._season is None or self._season[0] != key:
            self._season = (key, season(self.world, self.fields, self.selection))
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
        return seen(self.layer, self.state.month, self.selection, self.world["area"].values, self.season())

    def color_range(self) -> tuple[float, float]:
        """Range of the colours: fixed, following what is shown, or set by hand."""
        wanted = self.state.color_range
        if wanted == "auto":
            return self.layer.range_of_shown(self.selection.mask)
        if not wanted:
            return self.layer.low, self.layer.high
        if self.layer.diverging:  # zero stays in the middle of the colours
            half = max(abs(wanted[0]), abs(wanted[1]))
            return -half, half
        return wanted
