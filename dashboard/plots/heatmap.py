"""Memory heatmap: what the past still does to stored water, by lag and driver, month, zone or store. Pure.

Input: DataArray (lag_bin, rows) with coordinates ``lag_start`` and ``lag_end`` (days), in the target's unit. Rows are
forcing, store or carrier, whose marginal bars are shares, or month or zone, whose bars are mean memory times.
"""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import xarray as xr

from dashboard.layers import MONTHS
from dashboard.plots.palette import palette
from dashboard.plots.reading import Boxes
from dashboard.plots.sheet import OF_WORDS, Drawing, Mark, words
from dashboard.selection import row_label
from dashboard.summary import quantity
from dashboard.theme import tokens
from hdlcore.attribution.cubes import MONTH_DAYS
from hdlcore.attribution.lags import LANDMARKS

_GAP = 0.12  # between the map and the bars, in rows
_TOP = 0.85  # height of the bars by lag, in rows
_SIDE = 0.2  # width of the bars by row, as a share of the bins
_EDGE = 0.017  # between the map and the bars, as a share of the bins
_WIDTH = 1.44  # of the frame, in widths of the bins: room for the bars and their numbers


def lag_position(day: float, start: np.ndarray, end: np.ndarray) -> float:
    """Where a lag stands on the axis of bins: each bin one step wide, straight within a bin."""
    edges = np.concatenate([start, [end[-1] + 1]]).astype(float)
    return float(np.interp(day, edges, np.arange(edges.size)))


def landmarks(start: np.ndarray, end: np.ndarray) -> list[tuple[float, str]]:
    """Positions and names of the lags a person thinks in, those inside the axis."""
    return [(lag_position(day, start, end), name) for day, name in LANDMARKS.items() if day <= end[-1] + 1]


def marks_of(start: np.ndarray, end: np.ndarray) -> list[tuple[float, str]]:
    """Where the axis is labelled: at the lags a person thinks in, or under each window where these stand apart."""
    if (start[1:] == end[:-1] + 1).all():
        return landmarks(start, end)
    months = np.round(start / MONTH_DAYS).astype(int)
    names = ["1 year" if month == 12 else f"{month} month{'s' if month > 1 else ''}" for month in months]
    return [(i + 0.5, name) for i, name in enumerate(names)]


def age_names(start: np.ndarray, end: np.ndarray) -> list[str]:
    """Windows of lags in words."""
    return [
        f"{last} day{'' if last == 1 else 's'} before" if first == last else f"{first} to {last} days before"
        for first, last in zip(start, end, strict=True)
    ]


def colors(signed: bool, dark: bool) -> tuple[str, ...]:
    """Diverging around zero for signed contributions (blue adds water), else from the surface to strong for size."""
    if signed:
        return palette("berlin_r") if dark else palette("vik_r")
    return palette("devon") if dark else palette("devon_r")


def color_limit(heat: xr.DataArray) -> float:
    """Largest size of a contribution: the end of the colours."""
    most = float(np.nanmax(np.abs(heat.values), initial=0))
    return most if most > 0 else 1.0


def color_key(heat: xr.DataArray, signed: bool, dark: bool, limit: float | None = None) -> str:
    """HTML of the colours from low to high with the unit; zero is marked where they diverge."""
    most = quantity(float(f"{limit or color_limit(heat):.2g}"), str(heat.attrs.get("units") or "mm"))
    low, high, zero = ("−", f"+{most}", ' class="zero"') if signed else ("0", most, "")
    ramp = f'<i{zero} style="background: linear-gradient(to right, {", ".join(colors(signed, dark)[::15])})"></i>'
    label = f"Colours of the boxes, from {'−' + most if signed else low} to {most}"
    return f'<div role="img" aria-label="{label}">{ramp}<span>{low}</span><span>{high}</span></div>'


def box_meaning(signed: bool) -> str:
    """What one box of the heatmap says, in a sentence."""
    what = "water added (+) or taken (−) today by" if signed else "how much today's water is moved by"
    return f"A box: {what} weather of that age, on average."


def axis_of(heat: xr.DataArray) -> str:
    """Dimension of the rows."""
    return next(str(name) for name in heat.dims if name != "lag_bin")


def row_names(heat: xr.DataArray) -> list[str]:
    """What the rows are called on the screen."""
    axis = axis_of(heat)
    names = heat[axis].values
    if axis == "month":
        return [MONTHS[int(month) - 1][:3] for month in names]
    return [str(name).capitalize() if axis == "zone" else row_label(str(name)) for name in names]


def row_marks(heat: xr.DataArray) -> tuple[np.ndarray, list[str]]:
    """Length of the bar beside each row (1 is the longest) and its text: a share, or a mean memory time in days."""
    size = np.abs(np.nan_to_num(heat.transpose("lag_bin", ...).values))
    total = size.sum(0)
    if axis_of(heat) in ("month", "zone"):
        middle = 0.5 * (heat["lag_start"] + heat["lag_end"]).values
        days = (size * middle[:, None]).sum(0) / np.where(total > 0, total, 1)
        return days / max(days.max(initial=0), 1e-12), [f"{value:.0f} d" for value in days]
    share = total / max(total.sum(), 1e-12)
    return share / max(share.max(initial=0), 1e-12), [f"{100 * part:.0f} %" for part in share]


def painted(values: np.ndarray, signed: bool, dark: bool, most: float) -> list[str]:
    """Colour of each contribution, where the colours end at `most`; a missing one has none."""
    tones = colors(signed, dark)
    place = (values / most + 1) / 2 if signed else np.abs(values) / most
    at = np.clip(np.round(np.nan_to_num(place) * (len(tones) - 1)), 0, len(tones) - 1).astype(int)
    return [tones[i] if good else "#00000000" for i, good in zip(at, np.isfinite(values), strict=True)]


def box_colors(heat: xr.DataArray, signed: bool, dark: bool, limit: float | None = None) -> list[str]:
    """Colour of each box, window by window."""
    return painted(heat.transpose("lag_bin", ...).values.ravel(), signed, dark, limit or color_limit(heat))


def heatmap(
    heat: xr.DataArray, signed: bool, dark: bool = False, summary: str = "", height: int = 168,
    limit: float | None = None, box: tuple[list[int], int, int] | None = None,
) -> Drawing:  # fmt: skip
    """Lag by row: colour is the contribution, or its size; bars are totals by lag (above) and by row (right).

    limit : end of the colours (default: the largest size). box : rows and first and last window to outline.
    """
    values = heat.transpose("lag_bin", ...).values
    start, end = heat["lag_start"].values, heat["lag_end"].values
    tone = tokens(dark)
    n, rows = values.shape
    lag, row = (index.ravel() for index in np.meshgrid(np.arange(n), np.arange(rows), indexing="ij"))
    y = rows - 1 - row  # the first row on top
    boxes = _quads(lag + 0.03, y + 0.03, lag + 0.97, y + 0.97) | {
        "color": box_colors(heat, signed, dark, limit), "value": values.ravel().astype(np.float32)
    }  # fmt: skip
    by_lag = np.abs(np.nan_to_num(values)).sum(1)
    tall = _TOP * max(1.0, rows / 5)
    floor = rows + _GAP
    top = floor + tall * by_lag / max(by_lag.max(initial=0), 1e-12)
    at, lines = np.arange(n), rows - 1 - np.arange(rows)
    wall = n * (1 + _EDGE)
    length, texts = row_marks(heat)
    side = wall + _SIDE * n * length
    bars = _quads(
        np.concatenate([at + 0.15, np.full(rows, wall)]),
        np.concatenate([np.full(n, floor), lines + 0.25]),
        np.concatenate([at + 0.85, side]),
        np.concatenate([top, lines + 0.75]),
    )
    ends = {name: name for name in ("left", "bottom", "right", "top")}
    marks = [
        Mark("quad", "boxes", {**ends, "fill_color": "color", "line_color": None}),
        Mark("quad", "bars", {**ends, "fill_color": tone["quiet"], "fill_alpha": 0.55, "line_color": None}),
        Mark("text", "words", words(x="x", y="y", text="text", text_color=tone["text"])),
        Mark("quad", "outline", {**ends, "fill_color": None, "line_color": tone["text"], "line_width": 2.5}),
    ]
    outline = np.array(_outlines(box, rows), float).reshape(-1, 4)
    text = {"x": side + 0.01 * n, "y": lines + 0.5, "text": texts}
    named = row_names(heat)
    names = [(rows - 1 - i + 0.5, name) for i, name in enumerate(named)]
    read = Boxes("boxes", "value", str(heat.attrs.get("units") or "mm"), named, age_names(start, end))
    # names of lags on two lines: room on a phone
    ages = [(at, name.replace(" ", "\n")) for at, name in marks_of(start, end)]
    return Drawing(
        {"boxes": boxes, "bars": bars, "words": text, "outline": _quads(*outline.T)}, marks, (0, n * _WIDTH),
        (0, rows + _GAP + tall + 0.05), height, dark, summary, ages, names, x_lines=True, rows=False, thin=OF_WORDS,
        left=92, right=5, top=2, reads=[read],
    )  # fmt: skip


def _quads(left: np.ndarray, bottom: np.ndarray, right: np.ndarray, top: np.ndarray) -> dict[str, Any]:
    return {"left": left, "bottom": bottom, "right": right, "top": top}


def _outlines(box: tuple[list[int], int, int] | None, rows: int) -> list[tuple[float, float, float, float]]:
    """A frame around each run of neighbouring rows of a box."""
    if box is None:
        return []
    chosen, first, last = box
    breaks = [i for i in range(1, len(chosen)) if chosen[i] != chosen[i - 1] + 1]
    runs = [chosen[a:b] for a, b in zip([0, *breaks], [*breaks, len(chosen)], strict=True)]
    return [(float(first), float(rows - 1 - run[-1]), last + 1.0, float(rows - run[0])) for run in runs]


def figure_html(heat: xr.DataArray, signed: bool, label: str) -> str:
    """The heatmap as a table of coloured boxes, for a file that needs no server."""
    units = str(heat.attrs.get("units") or "mm")
    values = np.nan_to_num(heat.transpose("lag_bin", ...).values)
    paints = np.reshape(box_colors(heat, signed, False), values.shape)
    ages = "".join(f"<th>{start}</th>" for start in heat["lag_start"].values)
    rows = ""
    for k, name in enumerate(row_names(heat)):
        boxes = [
            f'<td style="background:{paints[i, k]};min-width:18px" title="{quantity(value, units)}"></td>'
            for i, value in enumerate(values[:, k])
        ]
        rows += f"<tr><th>{escape(name)}</th>{''.join(boxes)}</tr>"
    caption = f"Memory of stored water, {label}: days ago, to {quantity(color_limit(heat), units)}"
    return f"<table><caption>{escape(caption)}</caption><tr><th></th>{ages}</tr>{rows}</table>"
