"""Figures of the memory that retraining finds: by months of the past, season, climate and place. Pure.

Numbers of `hdlcore.analysis.retrained_memory` in, a drawing out; the map is a figure of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from bokeh.models import ColumnDataSource, LinearColorMapper, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from dashboard.plots.components import INITIALS
from dashboard.plots.labels import end_names, name_mark, room
from dashboard.plots.members import named
from dashboard.plots.palette import palette
from dashboard.plots.projection import Projection
from dashboard.plots.reading import Reading
from dashboard.plots.sheet import Drawing, Mark, quiet_figure
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


def _line(table: str, y: str, color: str, **more: Any) -> Mark:
    return Mark("line", table, {"x": "x", "y": y, "line_color": color, "line_width": 2} | more)


def _dots(table: str, y: str, color: str, marker: str, edge: str) -> Mark:
    style = {"x": "x", "y": y, "marker": marker, "size": 7, "fill_color": color, "line_color": edge}
    return Mark("scatter", table, style)


def _named(at: float, lines: Sequence[Line], limits: tuple[float, float], height: int, ink: str) -> dict[str, Any]:
    """Table of the lines' names beside their ends."""
    names = [line.name for line in lines]
    return end_names(at, [line.values[-1] for line in lines], names, [ink] * len(names), limits, height - _FOOT)


def _span(lines: Sequence[Line]) -> tuple[float, float]:
    """Range of the values with zero in it and a little room."""
    values = np.concatenate([np.ravel(part) for line in lines for part in (line.values, *(line.band or ()))])
    low, high = min(0.0, float(np.nanmin(values, initial=0))), max(0.02, float(np.nanmax(values, initial=0)))
    room = 0.06 * (high - low)
    return low - room, high + room


def memory_curves(
    steps: Sequence[str], lines: Sequence[Line], dark: bool = False, text: str = "", height: int = 250
) -> Drawing:
    """Mem against the months of the past a network may see; a line each, named at its end.

    The first line has its quartiles behind it; an "all" of the steps stands apart at the right.
    """
    tone, span, last = tokens(dark), _span(lines), len(steps) - 1
    x = np.arange(len(steps), dtype=float)
    ys = {f"y{at}": line.values for at, line in enumerate(lines)}
    tables: dict[str, dict[str, Any]] = {
        "curves": {"x": x[:-1]} | {name: values[:-1] for name, values in ys.items()},
        "all": {"x": x[-2:]} | {name: values[-2:] for name, values in ys.items()},
        "steps": {"x": x} | ys,
        "names": _named(last + 0.2, lines, span, height, tone["text"]),
    }
    marks = []
    for at, (line, (color, marker)) in enumerate(zip(lines, [(tone["total"], "circle"), *STYLES], strict=False)):
        if line.band is not None:
            tables[f"band{at}"] = {"x": x, "low": line.band[0], "high": line.band[1]}
            band = {"x": "x", "y1": "low", "y2": "high", "fill_color": color, "fill_alpha": 0.1}
            marks.append(Mark("varea", f"band{at}", band))
        name = f"y{at}"
        marks.append(_line("curves", name, color))
        marks.append(_line("all", name, color, line_width=1.2, line_dash="dotted"))
        marks.append(_dots("steps", name, color, marker, tone["surface"]))
    return Drawing(
        tables, [*marks, name_mark()], (-0.3, last + 0.2), span, height, dark, text, tuple(enumerate(steps)),
        named(*span), "Mem", "months of the past", left=56, right=room([line.name for line in lines]), top=6,
    )  # fmt: skip


def memory_months(lines: Sequence[Line], dark: bool = False, text: str = "", height: int = 200) -> Drawing:
    """Mem through the months of the year, a line each."""
    tone, span = tokens(dark), _span(lines)
    year: dict[str, Any] = {"x": np.arange(1, 13, dtype=float)}
    year |= {f"y{at}": line.values for at, line in enumerate(lines)}
    marks = []
    for at, (_, (color, marker)) in enumerate(zip(lines, (STYLES[3], STYLES[1]), strict=True)):
        marks += [_line("year", f"y{at}", color), _dots("year", f"y{at}", color, marker, tone["surface"])]
    return Drawing(
        {"year": year, "names": _named(12.25, lines, span, height, tone["text"])}, [*marks, name_mark()], (0.6, 12.4),
        span, height, dark, text, tuple(enumerate(INITIALS, start=1)), named(*span), "Mem", left=56,
        right=room([line.name for line in lines]), top=6,
        reads=[Reading("year", {f"y{at}": line.name for at, line in enumerate(lines)}, "of R²", "season", "x")],
    )  # fmt: skip


def memory_colors(dark: bool) -> list[str]:
    """Colours of Mem from none to much."""
    return list(palette("devon" if dark else "devon_r"))


def memory_climate(space: ClimateSpace, limit: float, dark: bool = False, text: str = "", height: int = 250) -> Drawing:
    """Median Mem in the space of annual rain and mean temperature; boxes of too few cells stay empty."""
    rows, columns = space.median.shape
    row, column = np.nonzero(np.isfinite(space.median))
    paints = np.array(memory_colors(dark))
    part = np.clip(space.median[row, column] / limit, 0, 1) * (paints.size - 1)
    boxes = {
        "left": column + 0.03, "right": column + 0.97, "bottom": row + 0.04, "top": row + 0.96,
        "color": paints[np.round(part).astype(int)].tolist(),
    }  # fmt: skip
    ends = {name: name for name in ("left", "right", "bottom", "top")}
    wet, warm = space.rain_edges, space.temperature_edges
    return Drawing(
        {"boxes": boxes}, [Mark("quad", "boxes", {**ends, "fill_color": "color", "line_color": None})], (0, columns),
        (0, rows), height, dark, text, tuple((i, f"{wet[i]:.0f}") for i in range(1, columns, 2)),
        tuple((i, number(warm[i])) for i in range(1, rows)), "mean temperature, °C", "annual precipitation, mm",
        rows=False, left=56, right=6, top=6,
    )  # fmt: skip


@dataclass(frozen=True)
class Sampled:
    """Mem of the cells that were sampled, where they lie on a projection: `x` and `y` on its plane, whether their Mem
    is significant, and the Mem that has the last colour."""

    projection: Projection
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    memory: NDArray[np.float64]
    significant: NDArray[np.bool_]
    limit: float

    def split(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Cells drawn as a ring, for their Mem is not significant, and those that are filled."""
        known = np.isfinite(self.memory)
        return known & ~self.significant, known & self.significant


def memory_map(held: Sampled, dark: bool, summary: str) -> Any:
    """Sampled cells as dots: filled by their Mem where it is significant, a faint ring where it is not."""
    tone, projection = tokens(dark), held.projection
    west, east, south, north = projection.extent
    fig = figure(
        name="retrained-map", x_range=Range1d(west * 1.01, east * 1.01), y_range=Range1d(south * 1.01, north * 1.01),
        sizing_mode="scale_width", width=500, height=round(500 * (north - south) / (east - west)), tools=[],
        toolbar_location=None,
    )  # fmt: skip
    fig.patch(*projection.outline, fill_color=tone["ocean"], line_color=None)
    fig.line(*projection.coast, line_color=tone["quiet"], line_width=0.6, line_alpha=0.9)
    hollow, full = held.split()
    fig.scatter(held.x[hollow], held.y[hollow], size=4, fill_color=None, line_color=tone["quiet"], line_width=0.8)
    mapper = LinearColorMapper(palette=memory_colors(dark), low=0, high=held.limit)
    source = ColumnDataSource({"x": held.x[full], "y": held.y[full], "value": held.memory[full]})
    fig.scatter(
        "x", "y", source=source, size=7, line_color=tone["quiet"], line_width=0.5,
        fill_color={"field": "value", "transform": mapper},
    )  # fmt: skip
    quiet_figure(fig, tone, summary, left=2, right=2, top=2, rows=False)
    fig.axis.visible = False
    return fig
