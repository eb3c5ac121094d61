"""A plot as plain numbers, and the one Bokeh figure that shows it: of a new drawing only what differs is sent.

A `Drawing` is what a pure function makes of the data: tables of columns, marks that name columns, ranges, ticks, words.
A `Sheet` is a figure that lives as long as its page. Drawing the same kind of plot anew changes columns and numbers in
it; a HoloViews overlay of the same curves took 200 ms of the server for each click, this takes 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from bokeh.core.properties import value
from bokeh.models import (
    BasicTicker,
    BasicTickFormatter,
    CDSView,
    ColumnDataSource,
    CustomJS,
    DatetimeTicker,
    DatetimeTickFormatter,
    FixedTicker,
    GlyphRenderer,
    Range1d,
    glyphs,
)
from bokeh.plotting import figure
from numpy.typing import NDArray

from dashboard.plots.reading import Boxes, Reading
from dashboard.theme import FONT, tokens

Ticks = Sequence[tuple[float, str]]
#: Style of a figure: no dots around one that was clicked. No key leads to it (`page.js`), so none has to be told.
CLICKED = ".bk-Canvas { --highlight-color: transparent; }"
#: What can be drawn, by the names that Bokeh's figure has for it.
_GLYPHS = {
    "line": glyphs.Line, "multi_line": glyphs.MultiLine, "scatter": glyphs.Scatter, "varea": glyphs.VArea,
    "vstrip": glyphs.VStrip, "quad": glyphs.Quad, "segment": glyphs.Segment, "text": glyphs.Text, "patch": glyphs.Patch,
    "image": glyphs.Image, "image_rgba": glyphs.ImageRGBA,
}  # fmt: skip
#: Shorter columns go as text inside the message; an array needs two frames of its own and pays from here on.
_FEW = 80

# Labels a phone has no room for are left out: from the last back, those nearer than a label is wide.
_THIN = """
const {start, end} = fig.x_range
const kept = []
for (const at of [...ticker.tags].reverse()) {
  const px = (at - start) / (end - start) * fig.inner_width
  if (kept.every((other) => other.px - px >= room)) kept.unshift({at, px})
}
const ticks = kept.map(({at}) => at)
if (fig.inner_width > 0 && String(ticks) !== String(ticker.ticks)) ticker.ticks = ticks
"""
#: Px from the middle of one label to the middle of the next: of words, of single letters.
OF_WORDS, OF_LETTERS = 44, 12


@dataclass(frozen=True)
class Mark:
    """Things of one kind, one for each row of a table (or one line through all).

    `glyph` is a method of Bokeh's figure, `style` its arguments: names of columns, or values.
    """

    glyph: str
    table: str
    style: Mapping[str, Any]


@dataclass(frozen=True)
class Drawing:
    """What a plot shows. `text` is what a screen reader says; borders are px; ticks are places and names.

    Without ticks an axis has round numbers (dates where `dates` is set), with a number for them about that many.
    """

    tables: Mapping[str, Mapping[str, Any]]
    marks: Sequence[Mark]
    x: tuple[float, float]
    y: tuple[float, float]
    height: int
    dark: bool = False
    text: str = ""
    x_ticks: Ticks | int = ()
    y_ticks: Ticks | int = ()
    y_label: str = ""
    x_label: str = ""
    x_shown: bool = True  # whether the horizontal axis is written out
    x_lines: bool = False  # whether its ticks are drawn
    dates: bool = False
    rows: bool = True  # whether horizontal lines are drawn
    thin: int = 0  # px from one label to the next, those that a narrow screen has no room for are left out; 0: none is
    reads: Sequence[Reading | Boxes] = ()  # what a pointer reads
    left: int = 62
    right: int = 4
    top: int = 4

    @property
    def kind(self) -> tuple[Any, ...]:
        """What a figure must have been built for, to show this one."""
        return tuple((mark.glyph, mark.table, *sorted(mark.style)) for mark in self.marks)


def numbers(values: NDArray) -> NDArray:
    """Places on an axis as Bokeh counts: milliseconds since 1970 for times, else the numbers."""
    if np.issubdtype(values.dtype, np.datetime64):
        return values.astype("datetime64[ms]").astype(np.float64)
    return values


def words(**style: Any) -> dict[str, Any]:
    """Style of text on a canvas: the page's font, left-aligned on the middle of the line."""
    base = {"text_align": "left", "text_baseline": "middle", "text_font_size": "12px", "text_font": value(FONT)}
    return base | style


def spoken(summary: str) -> dict[str, str]:
    """Attributes that make a figure a picture for a screen reader; of none while nothing is drawn in it yet."""
    return {"role": "img", "aria-label": summary} if summary else {}


def bare_figure(name: str, x_range: Range1d, y_range: Range1d, **more: Any) -> Any:
    """A figure for a map: no axes, no grid, no ground, no tools."""
    fig = figure(
        name=name, x_range=x_range, y_range=y_range, sizing_mode="stretch_width", toolbar_location=None,
        outline_line_color=None, background_fill_color=None, background_fill_alpha=0, border_fill_color=None,
        min_border=2, tools=[], stylesheets=[CLICKED], x_axis_type=None, y_axis_type=None, title=None, **more,
    )  # fmt: skip
    return fig


def add_mark(fig: Any, glyph: str, source: ColumnDataSource, level: str = "glyph", **style: Any) -> GlyphRenderer:
    """Draw the rows of `source`, by one glyph and no more: nothing of ours is ever selected or muted.

    Bokeh's own methods make a glyph each for these states, and a filter and a policy of selection for every one. That
    was a third of all models of a session: of its memory, and of what the browser is sent and builds.
    """
    view = CDSView()
    if fig.renderers:
        first = fig.renderers[0]
        view.filter, source.selection_policy = first.view.filter, first.data_source.selection_policy
    drawn = GlyphRenderer(data_source=source, glyph=_GLYPHS[glyph](**style), view=view, level=level)
    fig.renderers.append(drawn)
    return drawn


def quiet_figure(
    fig: Any, tone: dict[str, str], summary: str, left: int, right: int = 5, top: int = 5, rows: bool = True
) -> None:
    """No box, no tools, quiet axes; `summary` is what a screen reader says; `rows` draws the horizontal lines."""
    fig.update(
        toolbar_location=None,
        background_fill_color=None,
        background_fill_alpha=0,
        output_backend="canvas",  # a WebGL canvas costs half a second to start and a few lines do not need it
        border_fill_color=None,
        outline_line_color=None,
        min_border_left=left,
        min_border_right=right,
        min_border_top=top,
        html_attributes=spoken(summary),
        stylesheets=[CLICKED],
    )
    quiet_axes(fig, tone)
    fig.xgrid.grid_line_color = None
    fig.ygrid.update(grid_line_color=tone["line"] if rows else None, grid_line_width=1)


def quiet_axes(fig: Any, tone: dict[str, str]) -> None:
    """Axes of words only, in the quiet tone: what all our figures share."""
    for axis in [*fig.xaxis, *fig.yaxis]:
        axis.update(
            axis_line_color=None,
            major_tick_line_color=None,
            minor_tick_line_color=None,
            major_label_text_color=tone["quiet"],
            axis_label_text_color=tone["quiet"],
            major_label_text_font_size="12px",
            axis_label_text_font_size="12px",
            axis_label_text_font_style="normal",
            major_label_text_font=FONT,
            axis_label_text_font=FONT,
        )


class Sheet:
    """A figure that shows one drawing after another; `figure` is never replaced, so what listens to it stays.

    It takes no room before the first drawing, nor after `hide` until the next. (A Panel pane's own `visible` is no way
    to it: what it is made with never reaches the figure.)
    """

    def __init__(self) -> None:
        self.figure = figure(
            x_range=Range1d(0, 1), y_range=Range1d(0, 1), sizing_mode="stretch_width", tools=[], toolbar_location=None,
            visible=False, title=None,
        )  # fmt: skip
        self._sources: dict[str, ColumnDataSource] = {}
        self._drawn: Drawing | None = None
        self._thinning = False

    @property
    def drawing(self) -> Drawing | None:
        """What is shown; None while nothing is."""
        return self._drawn if self.figure.visible else None

    def hide(self) -> None:
        """Show nothing."""
        self.figure.visible = False

    def show(self, drawing: Drawing) -> None:
        """Show a drawing; of one of the same kind as the last only what differs is sent."""
        old = self._drawn
        if old is None or old.kind != drawing.kind:
            self._build(drawing)
        else:
            for mark, before, drawn in zip(drawing.marks, old.marks, self.figure.renderers, strict=True):
                changed = {name: item for name, item in mark.style.items() if item != before.style[name]}
                if changed:
                    drawn.glyph.update(**changed)
            self._fill(drawing)
        self._drawn = drawing
        self._dress(drawing, old)
        self.figure.visible = True

    def _build(self, drawing: Drawing) -> None:
        fig = self.figure
        fig.renderers = []
        self._sources = {name: ColumnDataSource(_sent(table), name=name) for name, table in drawing.tables.items()}
        for mark in drawing.marks:
            add_mark(fig, mark.glyph, self._sources[mark.table], **mark.style)

    def _fill(self, drawing: Drawing) -> None:
        """Columns that differ; all of a table whose length has changed."""
        for name, table in drawing.tables.items():
            source, columns = self._sources[name], _sent(table)
            held = source.data
            changed = {key: column for key, column in columns.items() if not _same(column, held[key])}
            if not changed:
                continue
            key = next(iter(changed))
            if len(changed[key]) == len(held[key]):
                held.update(changed)
            else:
                source.data = columns

    def with_table(self, name: str, table: Mapping[str, Any]) -> list[tuple[Any, dict[str, Any]]]:
        """What of the figure's models would show another table of that name: properties, by model."""
        return [(self._sources[name], {"data": _sent(table)})] if name in self._sources else []

    def _dress(self, drawing: Drawing, old: Drawing | None) -> None:
        """Everything that is not data: size, tones, ranges, axes, what a screen reader says."""
        fig = self.figure

        def differs(*names: str) -> bool:
            return old is None or any(getattr(drawing, name) != getattr(old, name) for name in names)

        if differs("height"):
            fig.height = drawing.height
        if differs("reads", "dark"):
            fig.tags = [{"reads": [part.told(drawing.marks) for part in drawing.reads]}]
        for span, name in ((fig.x_range, "x"), (fig.y_range, "y")):
            if differs(name):
                start, end = getattr(drawing, name)
                span.update(start=start, end=end)
        if differs("dark", "rows", "left", "right", "top", "x_lines"):
            tone = tokens(drawing.dark)
            quiet_figure(fig, tone, drawing.text, drawing.left, drawing.right, drawing.top, drawing.rows)
            if drawing.x_lines:
                fig.xaxis.major_tick_line_color = tone["quiet"]
        elif differs("text"):
            fig.html_attributes = spoken(drawing.text)
        if differs("x_shown"):
            fig.xaxis.visible = drawing.x_shown
        if differs("y_label"):
            fig.yaxis.axis_label = drawing.y_label or None
        if differs("x_label"):
            fig.xaxis.axis_label = drawing.x_label or None
        if differs("x_ticks", "dates"):
            self._ticks(fig.xaxis[0], drawing.x_ticks, drawing.dates)
        if differs("y_ticks"):
            self._ticks(fig.yaxis[0], drawing.y_ticks)
        if drawing.thin and not self._thinning:
            self._thinning = True
            args = {"fig": fig, "ticker": fig.xaxis[0].ticker, "room": drawing.thin}
            fig.js_on_change("inner_width", CustomJS(args=args, code=_THIN))

    @staticmethod
    def _ticks(axis: Any, ticks: Ticks | int, dates: bool = False) -> None:
        if dates and (isinstance(ticks, int) or not ticks):
            ticker = DatetimeTicker(desired_num_ticks=ticks) if isinstance(ticks, int) else DatetimeTicker()
            formatter = DatetimeTickFormatter(
                days="%d %b", months="%b %Y", years="%Y", context_which="end", hide_repeats=True
            )
            axis.update(ticker=ticker, formatter=formatter, major_label_overrides={})
        elif isinstance(ticks, int) or not ticks:
            ticker = BasicTicker(desired_num_ticks=ticks) if isinstance(ticks, int) else BasicTicker()
            axis.update(ticker=ticker, formatter=BasicTickFormatter(), major_label_overrides={})
        else:
            at = [place for place, _ in ticks]
            if isinstance(axis.ticker, FixedTicker):
                axis.ticker.update(ticks=at, tags=at)
            else:
                axis.update(ticker=FixedTicker(ticks=at, tags=at), formatter=BasicTickFormatter())
            axis.major_label_overrides = dict(ticks)


def _sent(table: Mapping[str, Any]) -> dict[str, Any]:
    """Columns as they cross the wire."""
    return {
        name: column.tolist() if isinstance(column, np.ndarray) and column.size < _FEW else column
        for name, column in table.items()
    }


def _same(new: Any, held: Any) -> bool:
    if isinstance(new, list) and new and isinstance(new[0], np.ndarray):  # a column of pictures
        return len(new) == len(held) and all(map(np.array_equal, new, held))
    if isinstance(new, np.ndarray) or isinstance(held, np.ndarray):
        kind = np.asarray(new).dtype.kind
        return bool(np.array_equal(new, held, equal_nan=kind == "f"))
    return bool(new == held)
