"""A memory heatmap that lives on: new numbers go into the same figure; a tap or a drag chooses a box of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xarray as xr
from bokeh.events import SelectionGeometry, Tap
from bokeh.models import BoxSelectTool, CustomJS

from dashboard.pages.parts import column, drawn, html
from dashboard.plots.heatmap import color_key, heatmap
from dashboard.plots.paper import Panel
from dashboard.plots.sheet import Sheet

#: Told of a box: first and last row (positions from the top), first and last window.
OnBox = Callable[[int, int, int, int], None]
# On a phone a drag scrolls the page; a tap chooses one box there.
_TOUCH = 'if (matchMedia("(pointer: coarse)").matches) fig.toolbar.active_drag = null'


class HeatPane:
    """Plot and colour key; `show` fills them, `clear` leaves them empty."""

    def __init__(self, height: int = 168, chosen: OnBox | None = None) -> None:
        self.height, self._chosen = height, chosen
        self.heat: xr.DataArray | None = None
        self._sheet = Sheet()
        self._plot = drawn(self._sheet)
        self._key = html("heatkey")
        self.layout = column("heatpane", self._plot, self._key)
        if chosen is not None:
            self._listen()

    @property
    def panels(self) -> list[Panel]:
        """What is drawn, for paper."""
        return Panel.of(self._sheet)

    def clear(self) -> None:
        """Show nothing."""
        self.heat = None
        self._sheet.hide()
        self._key.object = ""

    def show(
        self, heat: xr.DataArray, signed: bool, dark: bool, text: str, limit: float | None = None,
        box: tuple[list[int], int, int] | None = None,
    ) -> None:  # fmt: skip
        """Draw a heatmap; `text` is what a screen reader says of it, `limit` the end of its colours."""
        self.heat = heat
        height = self.height + max(heat.shape[1] - 5, 0) * 22
        self._sheet.show(heatmap(heat, signed, dark, text, height, limit, box))
        self._key.object = color_key(heat, signed, dark, limit)

    def _listen(self) -> None:
        """What a tap or a drag over the boxes means."""
        fig, tool = self._sheet.figure, BoxSelectTool(renderers=[])
        fig.add_tools(tool)
        fig.toolbar.active_drag = tool
        fig.js_on_change("inner_width", CustomJS(args={"fig": fig}, code=_TOUCH))
        fig.on_event(Tap, lambda event: self._choose(event.x, event.y, event.x, event.y))
        fig.on_event(SelectionGeometry, self._dragged)

    def _dragged(self, event: SelectionGeometry) -> None:
        shape = event.geometry
        if event.final and shape.get("type") == "rect":
            self._choose(shape["x0"], shape["y0"], shape["x1"], shape["y1"])

    def _choose(self, x0: Any, y0: Any, x1: Any, y1: Any) -> None:
        """From places on the plot to rows and windows; what lies beside the boxes chooses nothing."""
        if self._chosen is None or self.heat is None or any(value is None for value in (x0, y0, x1, y1)):
            return
        windows, rows = self.heat.transpose("lag_bin", ...).shape
        (left, right), (low, high) = sorted((x0, x1)), sorted((y0, y1))
        if right < 0 or left >= windows or high < 0 or low >= rows:
            return
        last = min(int(right), windows - 1)
        self._chosen(
            rows - 1 - min(int(high), rows - 1), rows - 1 - max(int(low), 0), min(max(int(left), 0), last), last
        )
