"""Explore: the map, its months and filters on the left; place, components and memory of the selection on the right."""

from __future__ import annotations

import panel as pn
import panel_material_ui as pmui

from dashboard import links
from dashboard.jobs import sentence
from dashboard.pages.explore_filters import FilterPart, PlacePart
from dashboard.pages.explore_map import MapPart
from dashboard.pages.explore_memory import MemoryPart
from dashboard.pages.explore_series import SeriesPart
from dashboard.pages.frame import Frame, page
from dashboard.pages.parts import column, html
from dashboard.pages.view import View
from dashboard.state import History, State, apply

SKELETON = '<p class="visually-hidden" role="status">Loading the map</p><div class="skeleton"><i></i><i></i></div>'


def explore(query: str = "", dark: bool = False) -> pmui.Page:
    """The Explore page for an address's query string.

    In a live session the parts are built just after the page itself has been sent, while the browser is still loading
    its scripts; they are there when it asks for them.
    """
    found = links.decode(query)
    state = State()
    apply(state, found.values)
    view = View(state, dark=dark)
    if found.notices:
        view.notice = " ".join([*found.notices, view.notice]).strip()
    history = History(state)
    frame = Frame(view, history)
    body = column("columns", html("skeletonpane", SKELETON))
    result = page(frame, body)

    build = _Build(view, history, body)
    context = pn.state.curdoc.session_context if pn.state.curdoc is not None else None
    if context is not None and context.server_context is not None:
        pn.state.curdoc.add_timeout_callback(build.left, 5)
        pn.state.curdoc.add_timeout_callback(build.right, 60)
    else:
        build.left()
        build.right()
    return result


class _Build:
    """The two columns, built one after the other: between them the browser is let in, so the map is there first."""

    def __init__(self, view: View, history: History, body: pn.Column) -> None:
        self.view, self.history, self.body = view, history, body
        self._place: PlacePart | None = None

    def left(self) -> None:
        """Map, months, filters; and the place card."""
        try:
            self._place = PlacePart(self.view)
            world = MapPart(self.view, self._place.warn)
            filters = FilterPart(self.view, self.history)
            left = column("left", world.layout, filters.layout)
            self.body[:] = [left, column("right", self._place.layout)]
        except Exception as error:
            self._failed(error)

    def right(self) -> None:
        """Curves and memory."""
        if self._place is None:
            return
        try:
            series, memory = SeriesPart(self.view), MemoryPart(self.view)
            self.body[1].extend([series.layout, memory.layout])
        except Exception as error:
            self._failed(error)

    def _failed(self, error: Exception) -> None:
        self.view.notice = sentence(error, "Building the page")
        if self._place is None:
            self.body[:] = []
