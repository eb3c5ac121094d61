"""Every cell's series in one picture: how many curves pass each pixel, and the quantiles over them. Pure.

Counted here and not by datashader's lines: those compile for seconds on first use, and then take
three times as long for all land.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from bokeh.models import LinearColorMapper
from numpy.typing import NDArray

from dashboard.plots.components import INITIALS, head_of, month_mark, month_spans
from dashboard.plots.labels import end_names, name_mark, room
from dashboard.plots.palette import palette
from dashboard.plots.reading import Reading
from dashboard.plots.sheet import Drawing, Mark, numbers
from dashboard.theme import tokens

#: Pixels of the picture: about those of the plot, a byte each on the wire.
WIDTH, HEIGHT = 480, 240
WORDS = {"p10": "10 %", "p25": "25 %", "p50": "Median", "p75": "75 %", "p90": "90 %"}
DASHES = {"p10": "dotted", "p25": "dashed", "p50": "solid", "p75": "dashed", "p90": "dotted"}
_TALL, _INNER = 262, 230  # px of the figure, and between its axes


def colors(dark: bool) -> list[str]:
    """Colours from few curves to many, perceptually uniform, clear of the page's own tone."""
    return list(palette("davos")[40:216] if dark else palette("davos_r")[32:200])


def passing(cells: xr.DataArray) -> NDArray[np.uint32]:
    """How many cells' curves (time or month, cell) are in each pixel of the plot, (row, column) from below.

    Each curve counts once a column, at the height that it has in the column's middle; a gap in it counts for nothing.
    """
    at = np.asarray(numbers(cells[cells.dims[0]].values), np.float64)
    x, y = extent(cells)
    middles = x[0] + (np.arange(WIDTH) + 0.5) / WIDTH * (x[1] - x[0])
    inside = np.flatnonzero((middles >= at[0]) & (middles <= at[-1]))
    before = np.clip(np.searchsorted(at, middles[inside], "right") - 1, 0, at.size - 2)
    part = ((middles[inside] - at[before]) / (at[before + 1] - at[before])).astype(np.float32)
    heights = (cells.values.astype(np.float32) - y[0]) / (y[1] - y[0]) * HEIGHT
    counts = np.zeros((WIDTH, HEIGHT), np.uint32)
    for column, first, share in zip(inside, before, part, strict=True):
        row = heights[first] * (1 - share) + heights[first + 1] * share
        row = row[(row >= 0) & (row < HEIGHT)]  # a missing value is in no row
        counts[column] = np.bincount(row.astype(np.intp), minlength=HEIGHT)
    return np.ascontiguousarray(counts.T)


def coded(counts: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """Counts as bytes on a logarithmic scale: 0 none, 1 one curve, 255 the most."""
    most = max(int(counts.max(initial=1)), 2)
    return np.where(counts > 0, 1 + np.round(254 * np.log(np.maximum(counts, 1)) / np.log(most)), 0).astype(np.uint8)


def extent(cells: xr.DataArray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Ranges of the plot: all of the time; all but the outermost thousandths of the values, with a margin."""
    axis = str(cells.dims[0])
    at = np.asarray(numbers(cells[axis].values), np.float64)
    pad = 0.5 if axis == "month" else 0.0
    good = cells.values[np.isfinite(cells.values)]
    low, high = (float(v) for v in np.quantile(good, [0.001, 0.999])) if good.size else (0.0, 1.0)
    margin = 0.04 * (high - low) or 0.5
    return (float(at[0]) - pad, float(at[-1]) + pad), (low - margin, high + margin)


def many_lines(
    cells: xr.DataArray, counts: NDArray[np.uint32], found: xr.Dataset, units: str, dark: bool = False, text: str = "",
    month: int = 1,
) -> Drawing:  # fmt: skip
    """The density of all curves (`counts` as by `passing`) with the quantile lines of `found` over it."""
    axis, name, tone = str(cells.dims[0]), str(cells.name), tokens(dark)
    at = np.asarray(numbers(cells[axis].values), np.float64)
    x, y = extent(cells)
    ends = [float(np.nan_to_num(found[f"{name}_{level}"].values[-1], nan=y[0])) for level in WORDS]
    place = {"x": [x[0]], "y": [y[0]], "dw": [x[1] - x[0]], "dh": [y[1] - y[0]]}
    curves: dict[str, Any] = {"at": at}
    tables: dict[str, dict[str, Any]] = {
        "density": {"image": [coded(counts)], **place}, "months": month_spans(cells, month), "curves": curves,
        "names": end_names(x[1], ends, list(WORDS.values()), [tone["text"]] * len(WORDS), y, _INNER),
    }  # fmt: skip
    mapper = LinearColorMapper(palette=colors(dark), low=1, high=255, low_color="rgba(0,0,0,0)")
    image = {key: key for key in ("image", *place)}
    marks = [Mark("image", "density", {**image, "color_mapper": mapper}), month_mark(dark)]
    for level, dash in DASHES.items():
        curves[level] = found[f"{name}_{level}"].values.astype(np.float32)
        for color, width in ((tone["surface"], 4.0), (tone["text"], 2.2 if level == "p50" else 1.4)):
            line = {"x": "at", "y": level, "line_color": color, "line_width": width}
            line |= {"line_dash": dash} if color != tone["surface"] else {"line_alpha": 0.55}
            marks.append(Mark("line", "curves", line))
    marks.append(name_mark())
    ticks = tuple(enumerate(INITIALS, start=1)) if axis == "month" else ()
    return Drawing(
        tables, marks, x, y, _TALL, dark, text, ticks, y_label=units, dates=axis != "month", left=64,
        right=room(WORDS.values()), top=6, reads=[Reading("curves", WORDS, units, head_of(cells))],
    )  # fmt: skip
