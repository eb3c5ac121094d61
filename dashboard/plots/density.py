"""How often pairs of known and simulated values occur together, with the line of equality. Pure Bokeh.

177,000 pairs as dots would be 1.4 MB and one dark cloud; counted in bins they are 20 kB and show where most lie.
"""

from __future__ import annotations

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, LogColorMapper, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from dashboard.layers import ticks
from dashboard.plots.palette import palette
from dashboard.plots.sheet import quiet_figure, spoken
from dashboard.selection import number
from dashboard.theme import tokens

SIDE = 340  # px, about square


class DensityPlot:
    """A figure named `name`; `show` gives it counts and the pairs of the chosen cell."""

    def __init__(self, name: str, dark: bool) -> None:
        self._x, self._y = Range1d(0, 1), Range1d(0, 1)
        self.figure = figure(
            name=name, x_range=self._x, y_range=self._y, sizing_mode="stretch_width", height=SIDE, tools=[],
            toolbar_location=None, match_aspect=False,
        )  # fmt: skip
        self._mapper = LogColorMapper(low=1, high=10, nan_color="rgba(0,0,0,0)")
        self._image = ColumnDataSource({"image": [np.full((1, 1), np.nan, np.float32)], "x": [0], "y": [0], "w": [1]})
        self._even = ColumnDataSource({"x": [0, 1], "y": [0, 1]})
        self._chosen = ColumnDataSource({"x": [], "y": []})
        self.figure.image("image", "x", "y", "w", "w", source=self._image, color_mapper=self._mapper)
        self._line = self.figure.line("x", "y", source=self._even, line_width=1.2, line_dash="dashed")
        self._halo = self.figure.scatter("x", "y", source=self._chosen, size=9, fill_color=None, line_width=4)
        self._rings = self.figure.scatter("x", "y", source=self._chosen, size=9, fill_color=None, line_width=1.8)
        self._summary = ""
        self.set_mode(dark)

    def show(
        self, counts: NDArray[np.float32], low: float, high: float, chosen: tuple[NDArray, NDArray], labels: list[str],
        summary: str,
    ) -> None:  # fmt: skip
        """Counts (simulated, known) in bins from low to high; the chosen cell's known and simulated; labels of x, y."""
        self._x.update(start=low, end=high)
        self._y.update(start=low, end=high)
        self._mapper.update(low=1, high=max(float(np.nanmax(counts, initial=1)), 2.0))
        self._image.data = {"image": [counts], "x": [low], "y": [low], "w": [high - low]}
        self._even.data = {"x": [low, high], "y": [low, high]}
        self._chosen.data = {"x": chosen[0], "y": chosen[1]}
        known = ticks(low, high)
        for axis, label in zip((self.figure.xaxis, self.figure.yaxis), labels, strict=True):
            axis.update(
                ticker=FixedTicker(ticks=known), major_label_overrides={t: number(t) for t in known}, axis_label=label
            )
        self._summary = summary
        self.figure.html_attributes = spoken(summary)

    def set_mode(self, dark: bool) -> None:
        """Light or dark tones."""
        tone = tokens(dark)
        quiet_figure(self.figure, tone, self._summary, left=62, right=12, top=8)
        self.figure.xgrid.grid_line_color = tone["line"]
        self._mapper.palette = list(palette("devon")[40:] if dark else palette("devon_r")[24:])
        self._line.glyph.line_color = tone["quiet"]
        self._halo.glyph.line_color = tone["surface"]
        self._rings.glyph.line_color = "#E69F00"
