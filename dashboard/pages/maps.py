"""What the maps of all pages share: a place in the layout, a tap that chooses the cell, and two linked side by side."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from dashboard.pages.parts import Plot, column, html
from dashboard.pages.view import View
from dashboard.plots.worldmap import WorldMap
from dashboard.state import apply


def map_pane(drawn: WorldMap) -> Plot:
    """The map, as wide as its place."""
    return Plot(drawn.figure, css_classes=["canvas"])


def chooses(view: View, drawn: WorldMap) -> WorldMap:
    """Let a tap on land choose the cell; gives the map back."""

    def tapped(position: int, lon: float, lat: float) -> None:
        if position >= 0:
            apply(view.state, {"cell": int(view.world["cell"].values[position]), "focus": "cell"})

    drawn.on_tap(tapped)
    return drawn


class MapPair:
    """Two maps with one zoom, each under a caption, made when first needed; `name` and side name the figures."""

    def __init__(self, view: View, name: str, sides: Iterable[str]) -> None:
        self.view, self.name = view, name
        self.captions = {side: html("caption") for side in sides}
        self.maps: dict[str, WorldMap] = {}
        self._places = {side: column("mapside", caption) for side, caption in self.captions.items()}
        self.layout = column("pair side", *self._places.values())

    def make(self) -> bool:
        """Make the maps unless they are there; whether it did."""
        if self.maps:
            return False
        shape, ids = self.view.projection("equal_earth"), self.view.world["cell"].values
        first: WorldMap | None = None
        for side, place in self._places.items():
            drawn = chooses(self.view, WorldMap(f"{self.name}-{side}", shape, ids, self.view.dark, beside=first))
            first = first or drawn
            self.maps[side] = drawn
            place[:] = [self.captions[side], map_pane(drawn)]
        return True

    def mark(self, mask: NDArray[np.bool_], at: int | None) -> None:
        """Show the cells that the filters leave, the region's outline and the chosen cell on both."""
        for drawn in self.maps.values():
            drawn.set_flags(mask, self.view.selection.outline, None)
            drawn.set_pick(at)

    def set_mode(self) -> None:
        """Bring both to the page's colours."""
        for drawn in self.maps.values():
            drawn.set_mode(self.view.dark)
