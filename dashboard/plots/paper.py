"""Drawings on paper: the numbers that a figure on the screen shows, as PNG of any width or as SVG. Pure.

Matplotlib draws them from the same tables and marks (`sheet.py`), so a picture to take away is the one on the screen.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dashboard.plots.sheet import Drawing, Mark, Sheet, numbers
from dashboard.theme import tokens

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE = 960  # px that a picture is laid out for; PNGs are then drawn finer
_INCH = 100  # px
_POINT = 72 / _INCH  # of a px
_FOOT, _EDGE = 32, 16  # px under a frame whose axis is written out, and around everything
_LABEL = 14  # px more where the axis has a label
_DASHES: dict[str, Any] = {"solid": "-", "dotted": ":", "dashed": "--", "dotdash": "-.", "14 4": (0, (9, 3))}


@dataclass(frozen=True)
class Panel:
    """Drawings that stand under each other, with a name above them, or none."""

    drawings: Sequence[Drawing]
    name: str = ""

    @staticmethod
    def of(*sheets: Sheet, name: str = "") -> list[Panel]:
        """What some figures of the screen show, under each other; none when they show nothing."""
        drawings = [sheet.drawing for sheet in sheets if sheet.drawing is not None]
        return [Panel(drawings, name)] if drawings else []

    @property
    def height(self) -> int:
        """Px."""
        return sum(drawing.height for drawing in self.drawings) + (26 if self.name else 0)


def png(panels: Sequence[Panel], width: int, title: str, lead: str, foot: str) -> io.BytesIO:
    """Panels beside each other, `width` px in all, with a title, a sentence, and where the numbers come from."""
    return _file(panels, title, lead, foot, "png", width * _INCH / WIDE)


def svg(panels: Sequence[Panel], said: str) -> str:
    """HTML of panels beside each other; `said` is what a screen reader says."""
    drawn = _file(panels, "", "", "", "svg", _INCH).getvalue().decode("utf-8")
    return f'<div class="figure" role="img" aria-label="{escape(said)}">{drawn[drawn.index("<svg") :]}</div>'


def _file(panels: Sequence[Panel], title: str, lead: str, foot: str, kind: str, dpi: float) -> io.BytesIO:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    tone = tokens(panels[0].drawings[0].dark)
    words = textwrap.wrap(lead, 118)
    small = [line for part in foot.splitlines() for line in textwrap.wrap(part, 175)]
    above = (34 if title else 0) + 19 * len(words) + _EDGE
    below = 13 * len(small) + _EDGE
    tall = above + max(panel.height for panel in panels) + below
    figure = Figure(figsize=(WIDE / _INCH, tall / _INCH), dpi=dpi, facecolor=tone["surface"] if title else "none")
    FigureCanvasAgg(figure)

    def write(text: str, top: float, size: float, color: str, left: float = _EDGE, weight: str = "normal") -> None:
        place = {"va": "top", "fontsize": size * _POINT, "color": tone[color], "weight": weight}
        figure.text(left / WIDE, 1 - top / tall, text, **place)  # type: ignore[arg-type]

    write(title, _EDGE, 19, "text", weight="bold")
    for at, line in enumerate(words):
        write(line, _EDGE + 32 + 19 * at, 13, "text")
    for at, line in enumerate(small):
        write(line, tall - below + 4 + 13 * at, 9.5, "quiet")
    wide = (WIDE - 2 * _EDGE) / len(panels)
    for number, panel in enumerate(panels):
        left, top = _EDGE + number * wide, float(above)
        if panel.name:
            write(panel.name, top + 4, 13, "text", left, "bold")
            top += 26
        for drawing in panel.drawings:
            _draw(figure, drawing, (left, top, wide, tall))
            top += drawing.height
    stream = io.BytesIO()
    figure.savefig(stream, format=kind)
    stream.seek(0)
    return stream


def _draw(figure: Figure, drawing: Drawing, place: tuple[float, float, float, float]) -> None:
    """One drawing; `place` is left, top and width in px, and the height of the whole figure."""
    left, top, width, tall = place
    foot = (_FOOT if drawing.x_shown else 5) + (_LABEL if drawing.x_label else 0)
    across, down = width - drawing.left - drawing.right, drawing.height - drawing.top - foot
    bottom = tall - top - drawing.top - down
    axes = figure.add_axes(
        ((left + drawing.left) / WIDE, bottom / tall, across / WIDE, down / tall), facecolor="none"
    )  # fmt: skip
    axes.set(xlim=drawing.x, ylim=drawing.y, autoscale_on=False)
    _dress(axes, drawing)
    axes.yaxis.set_label_coords((12 - drawing.left) / across, 0.5)  # of all drawings in one column
    for order, mark in enumerate(drawing.marks):
        _put(axes, drawing, mark, 0.5 if mark.style.get("level") == "underlay" else 2 + order)


def _dress(axes: Axes, drawing: Drawing) -> None:
    """Axes of words only, as on the screen."""
    from matplotlib.ticker import AutoLocator, MaxNLocator

    tone = tokens(drawing.dark)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0, labelsize=12 * _POINT, labelcolor=tone["quiet"])
    axes.tick_params(axis="x", length=4 if drawing.x_lines else 0, color=tone["quiet"])
    axes.set_ylabel(drawing.y_label, fontsize=12 * _POINT, color=tone["quiet"])
    axes.set_xlabel(drawing.x_label, fontsize=12 * _POINT, color=tone["quiet"])
    if drawing.rows:
        axes.grid(axis="y", color=tone["line"], lw=0.7)
        axes.set_axisbelow(True)
    for axis, ticks in ((axes.xaxis, drawing.x_ticks), (axes.yaxis, drawing.y_ticks)):
        if isinstance(ticks, int):
            axis.set_major_locator(MaxNLocator(ticks))
        elif ticks:
            axis.set_ticks([at for at, _ in ticks], [name for _, name in ticks])
        else:
            axis.set_major_locator(AutoLocator())
    if drawing.dates and (isinstance(drawing.x_ticks, int) or not drawing.x_ticks):
        axes.set_xticks(*_dates(drawing.x, drawing.x_ticks if isinstance(drawing.x_ticks, int) else 6))
    axes.xaxis.set_visible(drawing.x_shown)


def _dates(span: tuple[float, float], about: int) -> tuple[list[float], list[str]]:
    """Starts of months (or years, where those are many) in a span of ms since 1970, and their names."""
    first, last = (np.datetime64(int(end), "ms") for end in span)
    months = np.arange(first.astype("datetime64[M]") + 1, last.astype("datetime64[M]") + 1)
    years = months.size > 36
    starts = np.unique(months.astype("datetime64[Y]"))[1:] if years else months
    at = starts[:: max(-(-starts.size // about), 1)]
    names = [str(when) if years else when.item().strftime("%b %Y") for when in at]
    return list(map(float, numbers(at.astype("datetime64[ms]")))), names


def _put(axes: Axes, drawing: Drawing, mark: Mark, order: float) -> None:
    """One mark of Bokeh's kinds."""
    table, style = drawing.tables[mark.table], mark.style

    def of(name: str, usual: Any = None) -> Any:
        """A column of the table, or the value itself."""
        found = style.get(name, usual)
        return table[found] if isinstance(found, str) and found in table else found

    def column(name: str) -> NDArray[np.float64]:
        return np.asarray(of(name), float)

    stroke = {"lw": float(of("line_width", 1)) * _POINT, "alpha": of("line_alpha", 1.0), "zorder": order}
    fill = {"fc": of("fill_color") or "none", "alpha": of("fill_alpha", 1.0), "lw": 0, "zorder": order}
    if mark.glyph == "line":
        dash = _DASHES.get(str(of("line_dash", "solid")), "-")
        axes.plot(column("x"), column("y"), color=of("line_color"), ls=dash, **stroke)
    elif mark.glyph == "multi_line":
        for x, y in zip(of("xs"), of("ys"), strict=True):
            axes.plot(x, y, color=of("line_color"), **stroke)
    elif mark.glyph == "scatter":
        shape = {"x": "x", "plus": "+", "square": "s", "diamond": "D", "triangle": "^", "inverted_triangle": "v"}.get(
            str(of("marker", "circle")), "o"
        )
        (dots,) = axes.plot(column("x"), column("y"), shape, ms=float(of("size", 6)) * _POINT, zorder=order)
        dots.set(mfc=of("fill_color") or "none", mec=of("line_color") or "none", mew=stroke["lw"])
    elif mark.glyph == "varea":
        axes.fill_between(column("x"), column("y1"), column("y2"), **fill)
    elif mark.glyph == "vstrip":
        for left, right in zip(column("x0"), column("x1"), strict=True):
            axes.axvspan(left, right, **fill)
    elif mark.glyph == "quad":
        _boxes(axes, [column(name) for name in ("left", "bottom", "right", "top")], style, of, order)
    elif mark.glyph == "segment":
        lines = zip(*(column(name) for name in ("x0", "y0", "x1", "y1")), strict=True)
        for x0, y0, x1, y1 in lines:
            axes.plot([x0, x1], [y0, y1], color=of("line_color"), solid_capstyle="butt", **stroke)
    elif mark.glyph == "text":
        _words(axes, of, order)
    elif mark.glyph == "image":
        _image(axes, of, order)
    else:
        raise NotImplementedError(f"a mark of kind {mark.glyph} has no form on paper yet")


def _boxes(axes: Axes, ends: Sequence[NDArray], style: Any, of: Any, order: float) -> None:
    from matplotlib.collections import PolyCollection

    left, bottom, right, top = ends
    corners = np.stack([[left, left, right, right], [bottom, top, top, bottom]], axis=-1).transpose(1, 0, 2)
    paint, edge = of("fill_color"), of("line_color")
    boxes = PolyCollection(
        list(corners), facecolors="none" if paint is None else paint, edgecolors="none" if edge is None else edge,
        linewidths=of("line_width", 1) * _POINT, zorder=order,
    )  # fmt: skip
    if "fill_alpha" in style:
        boxes.set_alpha(of("fill_alpha"))
    axes.add_collection(boxes, autolim=False)


def _words(axes: Axes, of: Any, order: float) -> None:
    texts, ink = list(of("text")), of("text_color")
    inks = [ink] * len(texts) if isinstance(ink, str) else list(ink)
    offset = (float(of("x_offset", 0)) * _POINT, 0.0)
    for x, y, text, color in zip(of("x"), of("y"), texts, inks, strict=True):
        axes.annotate(
            text, (float(x), float(y)), offset, textcoords="offset points", ha=of("text_align", "left"),
            va="top" if of("text_baseline") == "top" else "center", fontsize=12 * _POINT, color=color, zorder=order,
            annotation_clip=False,
        )  # fmt: skip


def _image(axes: Axes, of: Any, order: float) -> None:
    from bokeh.models import LogColorMapper
    from matplotlib.colors import ListedColormap, LogNorm, Normalize

    mapper = of("color_mapper")
    norm = (LogNorm if isinstance(mapper, LogColorMapper) else Normalize)(mapper.low, mapper.high)
    x, y, width, height = (float(of(name)[0]) for name in ("x", "y", "dw", "dh"))
    values = np.ma.masked_less(np.ma.masked_invalid(np.asarray(of("image")[0], float)), mapper.low)
    axes.imshow(
        values, ListedColormap(list(mapper.palette)), norm, origin="lower", aspect="auto",
        extent=(x, x + width, y, y + height), interpolation="nearest", zorder=order,
    )  # fmt: skip
