"""Charts of what a model's members say one by one, of its split of water, and of its PIT. Pure Bokeh, kept alive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from dashboard.layers import ticks
from dashboard.plots.components import INITIALS
from dashboard.plots.sheet import quiet_figure, spoken
from dashboard.selection import number
from dashboard.theme import component_colors, tokens

MONTHS = np.arange(1, 13)
#: What water that comes in goes to, in the colours of the stores that take it.
DESTINATIONS = {"soil": "soil_moisture", "surface": "tws", "groundwater": "groundwater"}


def _figure(name: str, height: int) -> Any:
    return figure(
        name=name, x_range=Range1d(0, 1), y_range=Range1d(0, 1), sizing_mode="stretch_width", height=height, tools=[],
        toolbar_location=None,
    )  # fmt: skip


def _axis(axis: Any, low: float, high: float, label: str, names: Mapping[float, str] | None = None) -> None:
    known = dict(names) if names is not None else {tick: number(tick) for tick in ticks(low, high)}
    axis.update(ticker=FixedTicker(ticks=list(known)), major_label_overrides=known, axis_label=label)


class MembersPlot:
    """One store through the year: every member, their mean, a band, and what is known of it as dots."""

    def __init__(self, name: str, store: str, dark: bool, height: int = 170) -> None:
        self._store = store
        self.figure = _figure(name, height)
        self._band = ColumnDataSource({"x": MONTHS, "low": np.zeros(12), "high": np.zeros(12)})
        self._lines = ColumnDataSource({"xs": [], "ys": []})
        self._mean = ColumnDataSource({"x": [], "y": []})
        self._known = ColumnDataSource({"x": [], "y": []})
        fig = self.figure
        self._area = fig.varea("x", "low", "high", source=self._band, fill_alpha=0.18)
        self._each = fig.multi_line("xs", "ys", source=self._lines, line_width=1, line_alpha=0.75)
        self._middle = fig.line("x", "y", source=self._mean, line_width=2.2)
        self._dots = fig.scatter("x", "y", source=self._known, size=6, line_width=1.4, fill_color=None)
        self._summary = ""
        self.set_mode(dark)

    def show(
        self, members: NDArray, band: tuple[NDArray, NDArray] | None, known: NDArray | None, low: float, high: float,
        units: str, summary: str,
    ) -> None:  # fmt: skip
        """Cycles of the members (member, 12); band and what is known (12,) or None; range and units of the axis."""
        fig = self.figure
        fig.x_range.update(start=0.6, end=12.4)
        fig.y_range.update(start=low, end=high)
        _axis(fig.yaxis, low, high, units)
        _axis(fig.xaxis, 1, 12, "", dict(enumerate(INITIALS, start=1)))
        self._lines.data = {"xs": [MONTHS] * len(members), "ys": list(members)}
        self._mean.data = {"x": MONTHS, "y": members.mean(0)} if len(members) else {"x": [], "y": []}
        ends = band if band is not None else (np.full(12, np.nan), np.full(12, np.nan))
        self._band.data = {"x": MONTHS, "low": ends[0], "high": ends[1]}
        self._known.data = {"x": MONTHS, "y": known} if known is not None else {"x": [], "y": []}
        self._summary = summary
        fig.html_attributes = spoken(summary)

    def set_mode(self, dark: bool) -> None:
        """Light or dark tones."""
        tone, ink = tokens(dark), component_colors(dark)[self._store]
        quiet_figure(self.figure, tone, self._summary, left=56, right=6, top=6)
        self._area.glyph.fill_color = ink
        self._each.glyph.line_color = ink
        self._middle.glyph.line_color = ink
        self._dots.glyph.line_color = tone["text"]


class SplitPlot:
    """Share of incoming water that goes to each destination against the soil's deficit; published values as rings."""

    def __init__(self, name: str, dark: bool, height: int = 260) -> None:
        self.figure = _figure(name, height)
        self._areas, self._lines, self._rings = {}, {}, {}
        for part in DESTINATIONS:
            band = ColumnDataSource({"x": [], "low": [], "high": []})
            line, rings = ColumnDataSource({"x": [], "y": []}), ColumnDataSource({"x": [], "y": []})
            self._areas[part] = self.figure.varea("x", "low", "high", source=band, fill_alpha=0.18)
            self._lines[part] = self.figure.line("x", "y", source=line, line_width=2.2)
            self._rings[part] = self.figure.scatter(
                "x", "y", source=rings, size=9, fill_color=None, line_width=1.8,
                marker={"soil": "circle", "surface": "square"}.get(part, "diamond"),
            )  # fmt: skip
        self._summary = ""
        self.set_mode(dark)

    def show(
        self,
        curves: Mapping[str, Any],
        deficit: Sequence[float],
        published: Mapping[str, Sequence[float]],
        summary: str,
    ) -> None:
        """Curves by destination (`PartitionCurve`); published shares at some deficits (mm)."""
        far = 1.05 * max([*deficit, 100.0])
        self.figure.x_range.update(start=0, end=far)
        self.figure.y_range.update(start=-0.02, end=1.04)
        _axis(self.figure.xaxis, 0, far, "deficit of the soil, mm")
        _axis(self.figure.yaxis, 0, 1, "share of incoming water")
        for part in DESTINATIONS:
            curve = curves.get(part)
            good = np.isfinite(curve.median) if curve is not None else np.zeros(0, bool)
            held = {} if curve is None else {"x": curve.deficit[good]}
            empty: list[float] = []
            self._areas[part].data_source.data = (
                {**held, "low": curve.low[good], "high": curve.high[good]}
                if curve is not None
                else {"x": empty, "low": empty, "high": empty}
            )
            self._lines[part].data_source.data = (
                {**held, "y": curve.median[good]} if curve is not None else {"x": empty, "y": empty}
            )
            known = published.get(part, ()) if curve is not None else ()
            self._rings[part].data_source.data = {"x": list(deficit)[: len(known)], "y": list(known)}
        self._summary = summary
        self.figure.html_attributes = spoken(summary)

    def set_mode(self, dark: bool) -> None:
        """Light or dark tones."""
        tone, colors = tokens(dark), component_colors(dark)
        quiet_figure(self.figure, tone, self._summary, left=56, right=8, top=6)
        for part, store in DESTINATIONS.items():
            self._areas[part].glyph.fill_color = colors[store]
            self._lines[part].glyph.line_color = colors[store]
            self._rings[part].glyph.line_color = tone["text"] if part == "surface" else colors[store]


class PitPlot:
    """Where observations fall in their predicted distributions: flat is honest."""

    def __init__(self, name: str, dark: bool, height: int = 170) -> None:
        self.figure = _figure(name, height)
        self._bars = ColumnDataSource({"left": [], "right": [], "top": []})
        self._drawn = self.figure.quad("left", "right", "top", 0, source=self._bars, line_width=1)
        self._even = self.figure.line([0, 1], [1, 1], line_dash="dashed", line_width=1.2)
        self._summary = ""
        self.set_mode(dark)

    def show(self, density: NDArray, summary: str) -> None:
        """Density of the PIT in equal bins (1 where even)."""
        edges = np.linspace(0, 1, density.size + 1)
        top = max(float(density.max(initial=0)) * 1.15, 1.3)
        self.figure.y_range.update(start=0, end=top)
        _axis(self.figure.xaxis, 0, 1, "place in the predicted distribution (PIT)")
        _axis(self.figure.yaxis, 0, top, "")
        self._bars.data = {"left": edges[:-1], "right": edges[1:], "top": density}
        self._summary = summary
        self.figure.html_attributes = spoken(summary)

    def set_mode(self, dark: bool) -> None:
        """Light or dark tones."""
        tone = tokens(dark)
        quiet_figure(self.figure, tone, self._summary, left=40, right=8, top=6)
        self._drawn.glyph.update(fill_color=tone["accent"], fill_alpha=0.45, line_color=tone["surface"])
        self._even.glyph.line_color = tone["quiet"]
