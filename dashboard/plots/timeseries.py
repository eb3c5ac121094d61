"""One quantity through time, with what is missing left open and shaded. Pure: a DataArray in, a drawing out.

Input: dim ``time`` (days or months) or ``month`` (a mean seasonal cycle), any unit; NaN is missing.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.plots.components import INITIALS, head_of, month_mark, month_spans
from dashboard.plots.reading import Reading
from dashboard.plots.sheet import Drawing, Mark, numbers
from dashboard.theme import tokens

#: More points than this are drawn as the lowest and highest of each stretch: a screen has no more pixels to show.
MOST_POINTS = 4000


def gaps(values: NDArray) -> NDArray[np.intp]:
    """First and last index (inclusive) of each run of missing values, (run, 2)."""
    missing = np.concatenate([[False], ~np.isfinite(values), [False]])
    edges = np.flatnonzero(missing[1:] != missing[:-1])
    return np.stack([edges[::2], edges[1::2] - 1], axis=1)


_DAY = 86_400_000.0  # ms, on either side of one value alone


def thinned(values: NDArray, most: int = MOST_POINTS) -> NDArray[np.intp]:
    """Positions to draw, rising: all where they are few, else the lowest and highest of each stretch.

    A stretch that misses values keeps one of them, so that the line is broken there.
    """
    if values.size <= most:
        return np.arange(values.size)
    width = int(np.ceil(values.size / (most // 3)))
    kept = []
    for start in range(0, values.size, width):
        part = values[start : start + width]
        good = np.isfinite(part)
        if good.any():
            kept += [start + int(np.nanargmin(part)), start + int(np.nanargmax(part))]
        if not good.all():
            kept.append(start + int(np.flatnonzero(~good)[0]))
    return np.unique(np.asarray(kept, np.intp))


def alone(values: NDArray) -> NDArray[np.intp]:
    """Positions of values whose neighbours are both missing: no line reaches them, so they need a dot."""
    good = np.concatenate([[False], np.isfinite(values), [False]])
    return np.flatnonzero(good[1:-1] & ~good[:-2] & ~good[2:])


def span_of(values: NDArray) -> tuple[float, float]:
    """Vertical range: what there is with a margin; from zero where all is positive and the swing is large."""
    good = values[np.isfinite(values)]
    if not good.size:
        return 0.0, 1.0
    low, high = float(good.min()), float(good.max())
    if 0 <= low < 0.3 * high:
        low = 0.0
    margin = 0.06 * (high - low) or max(abs(high) * 0.1, 0.5)
    return (low if low == 0 else low - margin), high + margin


def timeseries(
    data: xr.DataArray, units: str, dark: bool = False, summary: str = "", height: int = 300, color: str | None = None,
    month: int | None = None,
) -> Drawing:  # fmt: skip
    """The curve, dots where a value stands alone, missing stretches shaded; and a `month` (1 to 12), if given."""
    axis = str(data.dims[0])
    at, values = data[axis].values, data.values.astype(np.float32)
    tone = tokens(dark)
    ink = color or tone["accent"]
    kept, lone = thinned(values), alone(values)
    pad = 0.5 if axis == "month" else _DAY if at.size == 1 else 0.0
    ends = numbers(np.array(_gap_ends(at, values, axis), at.dtype if axis != "month" else float)).reshape(-1, 2)
    places = numbers(at)
    tables: dict[str, dict[str, Any]] = {
        "gaps": {"left": ends[:, 0], "right": ends[:, 1]},
        "curve": {"at": places[kept], "value": values[kept]},
        "alone": {"at": places[lone], "value": values[lone]},
    }
    shade = {"fill_color": tone["nodata"], "fill_alpha": 0.55, "line_color": None}
    marks = [
        Mark("vstrip", "gaps", {"x0": "left", "x1": "right", **shade}),
        Mark("line", "curve", {"x": "at", "y": "value", "line_color": ink, "line_width": 1.6}),
        Mark("scatter", "alone", {"x": "at", "y": "value", "fill_color": ink, "line_color": ink, "size": 4}),
    ]
    if month is not None:
        tables["months"] = month_spans(data, month)
        marks.insert(0, month_mark(dark))
    return Drawing(
        tables, marks, (float(places[0]) - pad, float(places[-1]) + pad), span_of(values), height, dark, summary,
        tuple(enumerate(INITIALS, start=1)) if axis == "month" else (), y_label=units, dates=axis != "month",
        left=64, right=12, top=6,
        reads=[Reading("curve", {"value": str(data.attrs.get("long_name", "Value"))}, units, head_of(data))],
    )  # fmt: skip


def _gap_ends(at: NDArray, values: NDArray, axis: str) -> list[tuple[Any, Any]]:
    """Where the missing stretches begin and end on the time axis, at least as wide as a pixel or so."""
    runs = gaps(values)
    if axis == "month":
        return [(at[a] - 0.5, at[b] + 0.5) for a, b in runs]
    if at.size < 2:
        return []
    step = (at[1:] - at[:-1]).min()
    least = (at[-1] - at[0]) / 700
    ends = []
    for a, b in runs:
        left, right = at[a] - step / 2, at[b] + step / 2
        if right - left < least:
            right = left + least
        ends.append((left, right))
    return ends[:: max(len(ends) // 1500, 1)]
