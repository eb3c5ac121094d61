"""Rows of dots on one axis: a quantity a row, a mark each for the model and its rivals. Pure Bokeh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from dashboard.layers import ticks
from dashboard.plots.labels import room
from dashboard.plots.sheet import quiet_figure, spoken, words
from dashboard.selection import number
from dashboard.theme import tokens

ROW, HEAD, FOOT = 25, 6, 34  # px: a row, above the first, below the last
#: Shapes in order, as Bokeh and as text know them: the first is the model's, filled; shape, not colour, tells them.
MARKERS = (("circle", "●"), ("diamond", "◇"), ("triangle", "△"), ("square", "□"), ("inverted_triangle", "▽"))


@dataclass(frozen=True)
class Dots:
    """One mark a row: `values` (row), NaN where there is none."""

    name: str
    values: NDArray[np.float64]


class RowsPlot:
    """A figure named `name`; `show` gives it rows, `set_mode` its tones."""

    def __init__(self, name: str, dark: bool, left: int = 150) -> None:
        self._left = left
        self._x, self._y = Range1d(0, 1), Range1d(-0.5, 0.5)
        self.figure = figure(
            name=name, x_range=self._x, y_range=self._y, sizing_mode="stretch_width", height=80, tools=[],
            toolbar_location=None,
        )  # fmt: skip
        self._lines = ColumnDataSource({"y": [], "low": [], "high": []})
        self._tracks = self.figure.segment("low", "y", "high", "y", source=self._lines, line_width=1)
        self._marks = ColumnDataSource({"x": [], "low": [], "high": []})
        self._rules = self.figure.segment("x", "low", "x", "high", source=self._marks, line_width=1)
        self._dots = [
            self.figure.scatter("x", "y", source=ColumnDataSource({"x": [], "y": []}), marker=marker, size=size)
            for (marker, _), size in zip(MARKERS, (10, 9, 8, 8, 8), strict=True)
        ]
        self._words = ColumnDataSource({"x": [], "y": [], "text": []})
        self._right = room(["100.0 %"])
        self._text = self.figure.text(
            source=self._words, level="annotation", x_offset=self._right - 2,
            **words(x="x", y="y", text="text", text_align="right"),
        )  # fmt: skip
        self._summary = ""
        self.set_mode(dark)

    def show(
        self, rows: Sequence[str], series: Sequence[Dots], low: float, high: float, marks: Sequence[float] = (),
        label: str = "", summary: str = "", at: Sequence[float] | None = None,
    ) -> None:  # fmt: skip
        """Rows from top to bottom; values beyond the ends stand at them; the first series is written out at right.

        `at` gives the ticks, as shares to be read in percent; without it they are plain round numbers.
        """
        count = len(rows)
        line = -np.arange(count, dtype=float)
        percent = at is not None
        self._x.update(start=low - 0.02 * (high - low), end=high + 0.02 * (high - low))
        self._y.update(start=-count + 0.5, end=0.5)
        self.figure.height = HEAD + ROW * max(count, 1) + FOOT
        known = list(at) if at is not None else ticks(low, high)
        names = {tick: f"{100 * tick:.0f} %" if percent else number(tick) for tick in known}
        self.figure.xaxis.update(ticker=FixedTicker(ticks=known), major_label_overrides=names, axis_label=label)
        self.figure.yaxis.update(
            ticker=FixedTicker(ticks=line.tolist()), major_label_overrides=dict(zip(line.tolist(), rows, strict=True))
        )
        for place, drawn in enumerate(self._dots):
            values = series[place].values if place < len(series) else np.array([])
            good = np.isfinite(values)
            x = np.clip(values[good], low, high)
            drawn.data_source.data = {"x": x, "y": line[: values.size][good]}
        self._lines.data = {"y": line, "low": [low] * count, "high": [high] * count}
        self._marks.data = {
            "x": list(marks), "low": [-count + 0.5] * len(marks), "high": [0.5] * len(marks),
        }  # fmt: skip
        own = series[0].values if series else np.array([])
        good = np.isfinite(own)
        written = [f"{100 * v:.1f} %" if percent else number(round(float(v), 2)) for v in own[good]]
        self._words.data = {"x": np.full(good.sum(), self._x.end), "y": line[: own.size][good], "text": written}
        self._summary = summary
        self.figure.html_attributes = spoken(summary)

    def set_mode(self, dark: bool) -> None:
        """Light or dark tones."""
        tone = tokens(dark)
        quiet_figure(self.figure, tone, self._summary, left=self._left, right=self._right, top=HEAD, rows=False)
        self._tracks.glyph.line_color = tone["line"]
        self.figure.yaxis.major_label_text_color = tone["text"]
        self._rules.glyph.line_color = tone["quiet"]
        self._text.glyph.text_color = tone["text"]
        for at, drawn in enumerate(self._dots):
            ink = tone["accent"] if not at else tone["text"]
            drawn.glyph.update(fill_color=ink if not at else tone["surface"], line_color=ink, line_width=1.3)


def key_of(names: Sequence[str]) -> str:
    """HTML that says which mark is which."""
    marks = "".join(
        f'<span><b class="glyph{" own" if not at else ""}" aria-hidden="true">{MARKERS[at][1]}</b>{escape(name)}</span>'
        for at, name in enumerate(names)
    )
    return f'<div class="keylist">{marks}</div>'
