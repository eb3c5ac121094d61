"""A small map to choose the cell on, showing the quantity of the view."""

from __future__ import annotations

from html import escape

from dashboard.layers import title
from dashboard.pages.maps import chooses, map_pane
from dashboard.pages.parts import column, html, row
from dashboard.pages.view import View
from dashboard.plots.palette import palette
from dashboard.plots.worldmap import WorldMap
from dashboard.state import FILTERS


class PickMap:
    """Follows quantity, month, filters and cell; a tap on land chooses."""

    def __init__(self, view: View, name: str) -> None:
        self.view, self.state = view, view.state
        self.map = chooses(view, WorldMap(name, view.projection("equal_earth"), view.world["cell"].values, view.dark))
        self.caption = html("plotnote")
        self.layout = column("pickmap", row("onlymap", map_pane(self.map)), self.caption)
        view.follow(self.update, quick=True)

    def update(self, names: frozenset[str]) -> None:
        """Bring the map to the state."""
        view, shown = self.view, self.view.layer
        if "dark" in names:
            self.map.set_mode(view.dark)
        if names & {"model", "variable", "time", "departure"}:
            self.map.set_values(shown.values)
            self.map.set_colors(palette(shown.cmap), shown.low, shown.high)
            said = title(shown, self.state.month)
            self.caption.object = f"<p>{escape(said)}. Click a land cell to choose it.</p>"
        if names & {"model", "cell", "focus", "variable", "time", *FILTERS}:
            selection = view.selection
            self.map.set_flags(selection.mask, selection.outline, None)
            self.map.set_pick(selection.position if selection.single else None)
            self.map.describe(f"Map: choose a place. Chosen: {view.place}.")
