"""One HTML file of a view for a lesson: it needs no server and no internet.

The map and its months, and the curves of any cell that is clicked, are drawn in the browser from numbers in the file
(deflated, base64). What the open page draws beside them stands under it as pictures.
"""

from __future__ import annotations

import base64
import json
import zlib
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dashboard.export import references
from dashboard.layers import MONTHS, field, layer, yearly_mean
from dashboard.plots.components import LABELS
from dashboard.plots.palette import palette
from dashboard.plots.projection import run_lengths
from dashboard.selection import flag_names
from dashboard.series import STORES
from dashboard.summary import units_in_words
from dashboard.theme import DASHES, FONT, LIGHT, component_colors, font_face

if TYPE_CHECKING:
    from dashboard.pages.view import View
    from dashboard.tours import Question

_HERE = Path(__file__).parent
STEP = 2  # every second pixel of the map in both directions: 720 across
MISSING = 255


def packed(values: NDArray[Any]) -> str:
    """Numbers as deflated base64, little endian."""
    data = np.ascontiguousarray(values).astype(values.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(zlib.compress(data.tobytes(), 9)).decode("ascii")


def to_bytes(values: NDArray[Any], low: float, high: float) -> NDArray[np.uint8]:
    """Values in 255 steps from low to high, clipped; 255 where there is none."""
    part = np.clip((values - low) / (high - low), 0, 1) * (MISSING - 1)
    return np.where(np.isfinite(values), np.round(np.nan_to_num(part)), MISSING).astype(np.uint8)


def map_data(view: View) -> dict[str, Any]:
    """The map of each month, its colours, and what lies under it."""
    projection = view.projection()
    index = projection.index[::-STEP, ::STEP]
    value, length = run_lengths(np.ascontiguousarray(index))
    name, low, high = view.layer.variable.name, *view.color_range()
    months = range(1, 13) if view.layer.seasonal else [view.state.month]
    shown = [layer(name, month, view.state.departure, view.observed, view.fields, view.generated) for month in months]
    keep = view.selection.mask
    values = np.stack([np.where(keep, one.values, np.nan) for one in shown])
    west, east, south, north = projection.extent

    def line(part: tuple[NDArray, NDArray]) -> str:
        x, y = ((part[0] - west) / (east - west) * 1e4, (north - part[1]) / (north - south) * 1e4)
        path = np.stack([x, y], axis=1)
        return packed(np.where(np.isfinite(path), path, -1).astype(np.int16))

    return {
        "size": [int(index.shape[1]), int(index.shape[0])], "runs": packed(value), "lengths": packed(length),
        "values": packed(to_bytes(values, low, high)), "months": len(shown), "month": view.state.month,
        "low": low, "high": high, "palette": [*palette(view.layer.cmap)[:: 3 if view.layer.ordered else 1]],
        "mixed": view.layer.mixed, "classes": _classes(view),
        "units": units_in_words(view.layer.variable.units) or "share", "title": view.layer.variable.long_name,
        "departure": view.layer.departure, "cells": packed(view.world["cell"].values.astype(np.int32)),
        "coast": line(projection.coast), "outline": line(projection.outline), "chosen": view.selection.position,
    }  # fmt: skip


def _classes(view: View) -> list[str]:
    """Names of the classes of the map, the first of code 1; empty for a map of numbers."""
    return list(flag_names(view.world, view.layer.variable.name).values()) if view.layer.classed else []


def curve_data(view: View) -> dict[str, Any]:
    """Mean seasons of the stores of every cell, as departures from their yearly mean in tenths of a millimetre."""
    found = {}
    for name in STORES:
        values = field(name, view.observed, view.fields)
        if values is not None and values.ndim == 2:
            tenths = np.round(10 * (values - yearly_mean(values)))
            found[name] = np.where(np.isfinite(tenths), np.clip(tenths, -32000, 32000), -32768).astype(np.int16)
    colors = component_colors(False)
    dashes = {"solid": "", "dotted": "2 3", "dashed": "7 4", "dotdash": "2 3 8 3"}
    return {
        "stores": [
            {"name": LABELS[name], "color": colors[name], "dash": dashes[DASHES[name]], "values": packed(values)}
            for name, values in found.items()
        ]
    }


def lesson(view: View, title: str, text: str, question: Question | None, figures: list[str], link: str) -> bytes:
    """The file. `text` is HTML; `figures` are SVG or HTML of what else is on the page; `link` is kept as a note."""
    data = {"map": map_data(view), "curves": curve_data(view), "names": MONTHS}
    kind, link = "generated" if view.generated else "", link or "opening view"
    parts = {
        "TITLE": escape(title), "TEXT": text, "QUESTION": _question(question), "FIGURES": "\n".join(figures),
        "SENTENCE": escape(view.sentence()), "MARK": f"<mark>{kind}</mark>" if kind else "",
        "CREDIT": escape(f"HDL Explorer, {datetime.now(UTC):%d %B %Y}. {view.origin} {references(view)} View: {link}."),
        "DATA": json.dumps(data, separators=(",", ":")), "FONT": FONT, "FACE": font_face(),
        "SCRIPT": _file("pages/number.js") + _file("handout.js"),
        "TOKENS": ";".join(f"--{name}:{color}" for name, color in LIGHT.items()),
    }  # fmt: skip
    page = _file("handout.html")
    for name, content in parts.items():
        page = page.replace(f"@@{name}@@", content)
    return page.encode("utf-8")


def _file(name: str) -> str:
    return (_HERE / name).read_text(encoding="utf-8")


def _question(question: Question | None) -> str:
    if question is None:
        return ""
    from dashboard.tours import prose

    right = f"<p><b>{escape(question.options[(question.answer or 1) - 1])}</b></p>" if question.options else ""
    options = "".join(f"<li>{escape(option)}</li>" for option in question.options)
    listed = f'<ol type="a">{options}</ol>' if options else ""
    answer = f"<details><summary>Show the answer</summary>{right}{prose(question.explain)}</details>"
    return f'<section class="question"><h2>{escape(question.ask)}</h2>{listed}{answer}</section>'
