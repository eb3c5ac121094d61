"""Figures of the memory that retraining finds: by months of the past, season, climate and place. Pure Bokeh.

Numbers of `hdlcore.analysis.retrained_memory` in, a figure out; nothing is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, LinearColorMapper, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from dashboard.layers import ticks
from dashboard.plots.components import INITIALS
from dashboard.plots.labels import end_names, name_mark, room
from dashboard.plots.palette import palette
from dashboard.plots.projection import Projection
from dashboard.plots.sheet import quiet_figure
from dashboard.selection import number
from dashboard.theme import tokens
from hdlcore.analysis.retrained_memory import ClimateSpace

#: Colour and mark of a line; the mark tells it too. Okabe and Ito's colours.
STYLES = (
    ("#009E73", "circle"), ("#E69F00", "square"), ("#56B4E9", "triangle"), ("#0072B2", "diamond"),
    ("#CC79A7", "inverted_triangle"), ("#D55E00", "plus"),
)  # fmt: skip
_FOOT = 40  # px under a frame whose axis is written out and named


class Line(NamedTuple):
    """A line: its name, values, and the quartiles around them or None."""

    name: str
    values: NDArray[np.float64]
    band: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None


def _blank(name: str, x: tuple[float, float], y: tuple[float, float], height: int) -> Any:
    return figure(
        name=name, x_range=Range1d(*x), y_range=Range1d(*y), sizing_mode="stretch_width", height=height, tools=[],
        toolbar_location=None,
    )  # fmt: skip


def _axis(axis: Any, names: Mapping[float, str], label: str) -> None:
    axis.update(ticker=FixedTicker(ticks=list(names)), major_label_overrides=dict(names), axis_label=label)


def _named(fig: Any, at: float, lines: Sequence[Line], limits: tuple[float, float], height: int, ink: str) -> int:
    """Write the names of the lines beside their ends; px they need right of the frame."""
    names = [line.name for line in lines]
    table = end_names(at, [line.values[-1] for line in lines], names, [ink] * len(names), limits, height)
    mark = name_mark()
    getattr(fig, mark.glyph)(source=ColumnDataSource(table), **mark.style)
    return room(names)


def _span(lines: Sequence[Line]) -> tuple[float, float]:
    """Range of the values with zero in it and a little room."""
    values = np.concatenate([np.ravel(part) for line in lines for part in (line.values, *(line.band or ()))])
    low, high = min(0.0, float(np.nanmin(values, initial=0))), max(0.02, float(np.nanmax(values, initial=0)))
    room = 0.06 * (high - low)
    return low - room, high + room


def memory_curves(steps: Sequence[str], lines: Sequence[Line], dark: bool, summary: str, height: int = 250) -> Any:
    """Mem against the months of the past a network may see; a line each, named at its end.

    The first line has its quartiles behind it; an "all" of the steps stands apart at the right.
    """
    tone, (low, high) = tokens(dark), _span(lines)
    fig = _blank("retrained-curves", (-0.3, len(steps) - 1 + 0.2), (low, high), height)
    x = np.arange(len(steps), dtype=float)
    for line, style in zip(lines, [(tone["total"], "circle"), *STYLES], strict=False):
        color, marker = style
        if line.band is not None:
            fig.varea(x=x, y1=line.band[0], y2=line.band[1], fill_color=color, fill_alpha=0.1)
        fig.line(x[:-1], line.values[:-1], line_color=color, line_width=2)
        fig.line(x[-2:], line.values[-2:], line_color=color, line_width=1.2, line_dash="dotted")
        fig.scatter(x, line.values, marker=marker, size=7, fill_color=color, line_color=tone["surface"])
    _axis(fig.xaxis, dict(enumerate(steps)), "months of the past")
    _axis(fig.yaxis, {tick: number(tick) for tick in ticks(low, high)}, "Mem")
    right = _named(fig, x[-1] + 0.2, lines, (low, high), height - _FOOT, tone["text"])
    quiet_figure(fig, tone, summary, left=56, right=right, top=6)
    return fig


def memory_months(lines: Sequence[Line], dark: bool, summary: str, height: int = 200) -> Any:
    """Mem through the months of the year, a line each."""
    tone, (low, high) = tokens(dark), _span(lines)
    fig = _blank("retrained-months", (0.6, 12.4), (low, high), height)
    x = np.arange(1, 13, dtype=float)
    for line, (color, marker) in zip(lines, (STYLES[3], STYLES[1]), strict=True):
        fig.line(x, line.values, line_color=color, line_width=2)
        fig.scatter(x, line.values, marker=marker, size=7, fill_color=color, line_color=tone["surface"])
    _axis(fig.xaxis, dict(enumerate(INITIALS, start=1)), "")
    _axis(fig.yaxis, {tick: number(tick) for tick in ticks(low, high)}, "Mem")
    right = _named(fig, 12.25, lines, (low, high), height - _FOOT, tone["text"])
    quiet_figure(fig, tone, summary, left=56, right=right, top=6)
    return fig


def memory_colors(dark: bool) -> list[str]:
    """Colours of Mem from none to much."""
    return list(palette("devon" if dark else "devon_r"))


def memory_climate(space: ClimateSpace, limit: float, dark: bool, summary: str, height: int = 250) -> Any:
    """Median Mem in the space of annual rain and mean temperature; boxes of too few cells stay empty."""
    tone = tokens(dark)
    rows, columns = space.median.shape
    fig = _blank("retrained-climate", (0, columns), (0, rows), height)
    row, column = np.nonzero(np.isfinite(space.median))
    mapper = LinearColorMapper(palette=memory_colors(dark), low=0, high=limit)
    source = ColumnDataSource(
        {"left": column + 0.03, "right": column + 0.97, "bottom": row + 0.04, "top": row + 0.96,
         "value": space.median[row, column]}
    )  # fmt: skip
    fig.quad(
        "left", "right", "bottom", "top", source=source, line_color=None,
        fill_color={"field": "value", "transform": mapper},
    )  # fmt: skip
    wet, warm = space.rain_edges, space.temperature_edges
    _axis(fig.xaxis, {float(i): f"{wet[i]:.0f}" for i in range(1, columns, 2)}, "annual precipitation, mm")
    _axis(fig.yaxis, {float(i): number(warm[i]) for i in range(1, rows)}, "mean temperature, °C")
    quiet_figure(fig, tone, summary, left=56, right=6, top=6, rows=False)
    return fig


def memory_map(
    projection: Projection, lat: NDArray, lon: NDArray, memory: NDArray, significant: NDArray[np.bool_], limit: float,
    dark: bool, summary: str,
) -> Any:  # fmt: skip
    """Sampled cells as dots: filled by their Mem where it is significant, a faint ring where it is not."""
    tone = tokens(dark)
    west, east, south, north = projection.extent
    fig = figure(
        name="retrained-map", x_range=Range1d(west * 1.01, east * 1.01), y_range=Range1d(south * 1.01, north * 1.01),
        sizing_mode="scale_width", width=500, height=round(500 * (north - south) / (east - west)), tools=[],
        toolbar_location=None,
    )  # fmt: skip
    fig.patch(*projection.outline, fill_color=tone["ocean"], line_color=None)
    fig.line(*projection.coast, line_color=tone["quiet"], line_width=0.6, line_alpha=0.9)
    x, y = projection.forward(lon.astype(np.float64), lat.astype(np.float64))
    known = np.isfinite(memory)
    hollow, full = known & ~significant, known & significant
    fig.scatter(x[hollow], y[hollow], size=4, fill_color=None, line_color=tone["quiet"], line_width=0.8)
    mapper = LinearColorMapper(palette=memory_colors(dark), low=0, high=limit)
    source = ColumnDataSource({"x": x[full], "y": y[full], "value": memory[full]})
    fig.scatter(
        "x", "y", source=source, size=7, line_color=tone["quiet"], line_width=0.5,
        fill_color={"field": "value", "transform": mapper},
    )  # fmt: skip
    quiet_figure(fig, tone, summary, left=2, right=2, top=2, rows=False)
    fig.axis.visible = False
    return fig
