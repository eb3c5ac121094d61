"""Rows of dots on one axis: a quantity a row, a mark each for the model and its rivals, as a drawing. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.layers import ticks
from dashboard.plots.labels import room
from dashboard.plots.sheet import OF_WORDS, Drawing, Mark, words
from dashboard.selection import number
from dashboard.theme import tokens

ROW, HEAD, FOOT = 25, 6, 34  # px: a row, above the first, below the last
#: Shapes in order, as Bokeh and as text know them: the first is the model's, filled; shape, not colour, tells them.
MARKERS = (("circle", "●"), ("diamond", "◇"), ("triangle", "△"), ("square", "□"), ("inverted_triangle", "▽"))

SIZES = (10, 9, 8, 8, 8)  # px


@dataclass(frozen=True)
class Dots:
    """One mark a row: `values` (row), NaN where there is none."""

    name: str
    values: NDArray[np.float64]


def dot_rows(
    rows: Sequence[str], series: Sequence[Dots], low: float, high: float, marks: Sequence[float] = (), label: str = "",
    text: str = "", at: Sequence[float] | None = None, dark: bool = False, left: int = 150,
) -> Drawing:  # fmt: skip
    """Rows from top to bottom; values beyond the ends stand at them; the first series is written out at right.

    `marks` are values with a line through all rows. `at` gives the ticks, as shares to be read in percent; without it
    they are plain round numbers.
    """
    tone, count, percent = tokens(dark), len(rows), at is not None
    line, edge, border = -np.arange(count, dtype=float), 0.02 * (high - low), room(["100.0 %"])
    known = list(at) if at is not None else ticks(low, high)
    own = series[0].values if series else np.array([])
    good = np.isfinite(own)
    said = [f"{100 * v:.1f} %" if percent else number(round(float(v), 2)) for v in own[good]]
    tables: dict[str, dict[str, Any]] = {
        "tracks": {"y": line, "low": np.full(count, low), "high": np.full(count, high)},
        "rules": {"x": list(marks), "low": [-count + 0.5] * len(marks), "high": [0.5] * len(marks)},
        "words": {"x": np.full(good.sum(), high + edge), "y": line[: own.size][good], "text": said},
    }
    track = {"x0": "low", "y0": "y", "x1": "high", "y1": "y", "line_color": tone["line"], "line_width": 1}
    rule = {"x0": "x", "y0": "low", "x1": "x", "y1": "high", "line_color": tone["quiet"], "line_width": 1}
    drawn = [Mark("segment", "tracks", track), Mark("segment", "rules", rule)]
    for place, (one, (shape, _)) in enumerate(zip(series, MARKERS, strict=False)):
        there, ink, table = np.isfinite(one.values), tone["text"] if place else tone["accent"], f"dots {place}"
        tables[table] = {"x": np.clip(one.values[there], low, high), "y": line[: one.values.size][there]}
        style = {"x": "x", "y": "y", "marker": shape, "size": SIZES[place], "line_color": ink, "line_width": 1.3}
        drawn.append(Mark("scatter", table, style | {"fill_color": tone["surface"] if place else ink}))
    style = words(x="x", y="y", text="text", text_color=tone["text"], text_align="right", x_offset=border - 2)
    drawn.append(Mark("text", "words", style | {"level": "annotation"}))
    return Drawing(
        tables, drawn, (low - edge, high + edge), (-count + 0.5, 0.5), HEAD + ROW * max(count, 1) + FOOT, dark, text,
        tuple((tick, f"{100 * tick:.0f} %" if percent else number(tick)) for tick in known),
        tuple(zip(line.tolist(), rows, strict=True)), x_label=label, rows=False, thin=OF_WORDS, left=left, right=border,
        top=HEAD,
    )  # fmt: skip


def key_of(names: Sequence[str]) -> str:
    """HTML that says which mark is which."""
    marks = "".join(
        f'<span><b class="glyph{" own" if not at else ""}" aria-hidden="true">{MARKERS[at][1]}</b>{escape(name)}</span>'
        for at, name in enumerate(names)
    )
    return f'<div class="keylist">{marks}</div>'
