"""What the parts of the Memory page share: the heatmap of the selection, from lag cubes or live, and the truth."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import xarray as xr

from dashboard import engine, memory
from dashboard.jobs import Lane
from dashboard.memory import Wanted
from dashboard.pages.told import Told
from dashboard.pages.view import View
from dashboard.state import FILTERS, REACH
from hdlcore.errors import RequestError
from hdlcore.runtime.requests import EXPLANATIONS

#: Fields of the state that another heatmap follows from.
MOVES = frozenset({"model", "cell", "focus", "method", "rows", "quarter", "reach", "signed", *FILTERS})


class Side:
    """One heatmap: of the source on the map, or of the one it is held against.

    `heat` is None while there is none, and `why` says so; `live` is the answer it was drawn from, None for the cubes.
    """

    def __init__(self, view: View, told: Callable[[], None]) -> None:
        self.view, self._told = view, told
        self.lane = Lane()
        self.heat: xr.DataArray | None = None
        self.live: xr.Dataset | None = None
        self.why = ""
        self.source = ""
        self._held: tuple[Any, xr.Dataset] | None = None

    @property
    def kind(self) -> str:
        """What the source is: model, twin or data."""
        info = self.view.sources().get(self.source)
        return info.kind if info is not None else ""

    @property
    def title(self) -> str:
        """What the source is called."""
        info = self.view.sources().get(self.source)
        return info.title if info is not None else self.source

    def refresh(self, source: str, wanted: Wanted, method: str = "", reach: str = "year", asked: bool = False) -> None:
        """Take the heatmap from the cubes, or ask live where these do not hold it or `asked`.

        Without a `method` that of the cubes will do.
        """
        self.lane.cancel()
        self.lane.error = ""
        self.source, self._wanted = source, wanted
        view = self.view
        fields = view.fields if source == view.model else engine.get_fields(source)[0]
        single = view.selection.single
        self.live, self.heat = None, memory.shipped(wanted, fields, view.selection, view.world)
        self.why = "" if self.heat is not None else memory.lacking(wanted, fields, self.title, single)
        ours = memory.cube_method(fields)
        method = method or (ours if ours in EXPLANATIONS else memory.PLAIN)
        plain = reach == "year" and (self.kind == "twin" or method == ours or wanted.rows == "carrier")
        if self.kind not in ("model", "twin"):
            self.heat, self.why = None, "Data cannot be asked what it remembers; choose a model or the twin above."
        elif single and memory.answers_live(wanted) and (self.heat is None or not plain or asked):
            self._ask(wanted, method, REACH[reach])
        elif self.heat is not None and not plain and not single:
            self.why = "Of many cells the lag cubes are shown, a year back. Choose one cell for more."

    def _ask(self, wanted: Wanted, method: str, lags: int) -> None:
        """Live, coarse first; what has been answered for this cell is kept."""
        view, cell = self.view, int(self.view.state.cell)
        first, last = (
            memory.live_request(self.source, self.kind, cell, method, wanted, lags, every)
            for every in (memory.COARSE, memory.FINE)
        )
        if self._held is not None and self._held[0] in (first, last):
            self._draw(self._held[1])
            if self._held[0] == last:
                return
        else:
            self.why = "The memory of this cell is on its way."

        def step(request: Any, then: Callable[[], None] | None) -> None:
            def work(progress: Any, cancel: Any) -> xr.Dataset:
                return engine.get_engine().explain(request, progress, cancel, view.asker)

            def done(answer: xr.Dataset) -> None:
                self._held = (request, answer)
                self._draw(answer)
                self._told()
                if then is not None:
                    then()

            self.lane.start("Asking which past days made today's water", work, done)

        def fine() -> None:
            step(last, None)

        # the twin answers every day of a year at once: there is nothing coarser to be had
        if self.kind == "twin" or (self._held is not None and self._held[0] == first):
            fine()
        else:
            step(first, fine)

    def _draw(self, answer: xr.Dataset) -> None:
        try:
            self.heat, self.live, self.why = memory.live_heat(answer, self._wanted), answer, ""
        except RequestError as error:
            self.heat, self.why = None, str(error)


class Memory(Told):
    """The page's model: `own` and, where there is a made-up world to hold it against, `other`."""

    news = frozenset({"heat"})

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view, self.state = view, view.state
        told = partial(self.tell, self.news)
        self.own, self.other = Side(view, told), Side(view, told)
        self._asked: tuple[Any, ...] | None = None
        view.follow(self._update)

    @property
    def wanted(self) -> Wanted:
        """The heatmap that the state asks for."""
        return Wanted(self.state.rows, self.state.signed, self.state.quarter)

    @property
    def against(self) -> str:
        """Source that the one on the map is held against: the twin for what learned from it, and that for the twin."""
        view = self.view
        made_up = {"twin": "model", "model": "twin"}.get(view.kind, "") if view.generated else ""
        return next((info.id for info in view.sources().values() if info.kind == made_up and info.generated), "")

    @property
    def can_ask(self) -> bool:
        """Whether a button can make the heatmap live: one cell of a model, drawn from the cubes."""
        shown = self.own.heat is not None and self.own.live is None and not self.own.lane.running
        return shown and self.view.selection.single and self.view.kind == "model" and self.state.rows != "zone"

    def ask(self) -> None:
        """Compute the heatmap of this cell live."""
        self._asked = (self.view.model, self.state.cell)
        self.refresh()
        self.tell(self.news)

    def refresh(self) -> None:
        """Both heatmaps of the state as it is."""
        live, state = self._asked == (self.view.model, self.state.cell), self.state
        # of carriers the twin has no lag cubes: side by side both are asked for the same days and lags
        live |= bool(self.against) and state.rows == "carrier"
        self.own.refresh(self.view.model, self.wanted, state.method, state.reach, live)
        if self.against:
            self.other.refresh(self.against, self.wanted, state.method, state.reach)
        else:
            self.other.lane.cancel()
            self.other.heat, self.other.source = None, ""

    def _update(self, names: frozenset[str]) -> None:
        moved = names & MOVES or (self.state.values and names & {"time", "variable", "departure"})
        if moved:
            self.refresh()
        self.tell(names | {"heat"} if moved else names)
