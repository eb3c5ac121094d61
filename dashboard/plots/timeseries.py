"""One quantity through time, with what is missing left open and shaded. Pure: a DataArray in, HoloViews out.

Input: dim ``time`` (days or months) or ``month`` (a mean seasonal cycle), any unit; NaN is missing.
"""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np
import xarray as xr
from bokeh.models import DatetimeTickFormatter, FixedTicker
from numpy.typing import NDArray

from dashboard.plots.components import INITIALS, quiet_figure
from dashboard.theme import tokens

hv.extension("bokeh")

#: More points than this are drawn as the lowest and highest of each stretch: a screen has no more pixels to show.
MOST_POINTS = 4000


def gaps(values: NDArray) -> NDArray[np.intp]:
    """First and last index (inclusive) of each run of missing values, (run, 2)."""
    missing = np.concatenate([[False], ~np.isfinite(values), [False]])
    edges = np.flatnonzero(missing[1:] != missing[:-1])
    return np.stack([edges[::2], edges[1::2] - 1], axis=1)


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
    data: xr.DataArray, units: str, dark: bool = False, summary: str = "", height: int = 300, color: str | None = None
) -> hv.Overlay:
    """The curve, dots where a value stands alone, missing stretches shaded."""
    axis = str(data.dims[0])
    at, values = data[axis].values, data.values.astype(float)
    tone = tokens(dark)
    ink = color or tone["accent"]
    kept = thinned(values)
    curve = hv.Curve((at[kept], values[kept]), axis, "value").opts(color=ink, line_width=1.6)
    lone = alone(values)
    dots = hv.Scatter((at[lone], values[lone]), axis, "value").opts(color=ink, size=4)
    low, high = span_of(values)
    pad = 0.5 if axis == "month" else 0
    first, last = (at[0] - pad, at[-1] + pad) if axis == "month" else (at[0], at[-1])
    # boxes far beyond the axis: they reach from top to bottom whatever is shown
    boxes = [(*ends, low - 9 * (high - low), high + 9 * (high - low)) for ends in _gap_ends(at, values, axis)]
    shade = hv.Rectangles([(left, bottom, right, top) for left, right, bottom, top in boxes])
    shade = shade.opts(color=tone["nodata"], alpha=0.55, line_alpha=0)
    return hv.Overlay([shade, curve, dots]).opts(
        hv.opts.Overlay(
            height=height,
            responsive=True,
            show_legend=False,
            xlim=(first, last),
            ylim=(low, high),
            xlabel="",
            ylabel=units,
            hooks=[_frame(dark, axis, summary)],
            default_tools=[],
            active_tools=[],
            toolbar=None,
        )
    )


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


def _frame(dark: bool, axis: str, summary: str) -> Any:
    tone = tokens(dark)

    def hook(plot: Any, element: Any) -> None:
        fig = plot.state
        quiet_figure(fig, tone, summary, left=64, right=12, top=6)
        if axis == "month":
            names = dict(enumerate(INITIALS, start=1))
            fig.xaxis.update(ticker=FixedTicker(ticks=list(names)), major_label_overrides=names)
        else:
            fig.xaxis.formatter = DatetimeTickFormatter(
                days="%d %b", months="%b %Y", years="%Y", context_which="end", hide_repeats=True
            )

    return hook
