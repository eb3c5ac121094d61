"""What a model's members say one by one, its split of water, and its PIT, as drawings. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.layers import ticks
from dashboard.plots.components import INITIALS, LABELS
from dashboard.plots.reading import Reading
from dashboard.plots.sheet import OF_LETTERS, Drawing, Mark
from dashboard.selection import number
from dashboard.theme import component_colors, tokens

MONTHS = np.arange(1, 13)
#: What water that comes in goes to, in the colours of the stores that take it.
DESTINATIONS = {"soil": "soil_moisture", "surface": "tws", "groundwater": "groundwater"}
#: Mark of the published values.
_SHAPES = {"soil": "circle", "surface": "square"}


def named(low: float, high: float) -> tuple[tuple[float, str], ...]:
    """Round numbers of an axis, written out."""
    return tuple((tick, number(tick)) for tick in ticks(low, high))


def members(
    store: str, cycles: NDArray, band: tuple[NDArray, NDArray] | None, known: NDArray | None, half: float, units: str,
    dark: bool = False, text: str = "", height: int = 170,
) -> Drawing:  # fmt: skip
    """One store through the year: every member (member, 12), their mean, a band, and what is known (12,) as dots.

    The axis goes from -half to half.
    """
    ink, none = component_colors(dark)[store], np.full(12, np.nan)
    low, high = band if band is not None else (none, none)
    tables: dict[str, dict[str, Any]] = {
        "band": {"x": MONTHS, "low": low, "high": high},
        "members": {"xs": [MONTHS] * len(cycles), "ys": list(cycles)},
        "year": {
            "x": MONTHS,
            "mean": cycles.mean(0) if len(cycles) else none,
            "known": none if known is None else known,
        },
    }
    ring = {"line_color": tokens(dark)["text"], "line_width": 1.4}
    read = {"mean": "Mean of the members"} | ({} if known is None else {"known": "Known"})
    marks = [
        Mark("varea", "band", {"x": "x", "y1": "low", "y2": "high", "fill_color": ink, "fill_alpha": 0.18}),
        Mark("multi_line", "members", {"xs": "xs", "ys": "ys", "line_color": ink, "line_width": 1, "line_alpha": 0.75}),
        Mark("line", "year", {"x": "x", "y": "mean", "line_color": ink, "line_width": 2.2}),
        Mark("scatter", "year", {"x": "x", "y": "known", "size": 6, "fill_color": None} | ring),
    ]
    return Drawing(
        tables, marks, (0.6, 12.4), (-half, half), height, dark, text, tuple(enumerate(INITIALS, start=1)),
        named(-half, half), units, thin=OF_LETTERS, left=56, right=6, top=6,
        reads=[Reading("year", read, units, "season", "x", title=LABELS[store])] if len(cycles) else [],
    )  # fmt: skip


def split(
    curves: Mapping[str, Any], deficit: Sequence[float], published: Mapping[str, Sequence[float]], dark: bool = False,
    text: str = "", height: int = 260,
) -> Drawing:  # fmt: skip
    """Share of incoming water that goes to each destination against the soil's deficit (mm); published values as rings.

    curves : by destination (`PartitionCurve`). published : shares at the deficits.
    """
    far, tone, colors = 1.05 * max([*deficit, 100.0]), tokens(dark), component_colors(dark)
    tables: dict[str, dict[str, Any]] = {}
    marks, reads = [], []
    for part, curve in curves.items():
        good, ink = np.isfinite(curve.median), colors[DESTINATIONS[part]]
        ends = {"low": curve.low[good], "high": curve.high[good]}
        tables[part] = {"x": curve.deficit[good], "y": curve.median[good], **ends}
        known = published.get(part, ())
        tables[f"{part} published"] = {"x": list(deficit)[: len(known)], "y": list(known)}
        rings = {
            "x": "x", "y": "y", "size": 9, "fill_color": None, "line_width": 1.8,
            "line_color": tone["text"] if part == "surface" else ink, "marker": _SHAPES.get(part, "diamond"),
        }  # fmt: skip
        marks += [
            Mark("varea", part, {"x": "x", "y1": "low", "y2": "high", "fill_color": ink, "fill_alpha": 0.18}),
            Mark("line", part, {"x": "x", "y": "y", "line_color": ink, "line_width": 2.2}),
            Mark("scatter", f"{part} published", rings),
        ]
        reads.append(Reading(part, {"y": f"To {part}"}, "of the water", "deficit", "x"))
    return Drawing(
        tables, marks, (0, far), (-0.02, 1.04), height, dark, text, named(0, far), named(0, 1),
        "share of incoming water", "deficit of the soil, mm", left=56, right=8, top=6, reads=reads,
    )  # fmt: skip


def pit(density: NDArray, dark: bool = False, text: str = "", height: int = 170) -> Drawing:
    """Where observations fall in their predicted distributions, in equal bins (1 where even): flat is honest."""
    edges, tone = np.linspace(0, 1, density.size + 1), tokens(dark)
    top = max(float(density.max(initial=0)) * 1.15, 1.3)
    bars = {"left": edges[:-1], "right": edges[1:], "bottom": np.zeros(density.size), "top": density}
    style: dict[str, Any] = {name: name for name in bars}
    style |= {"fill_color": tone["accent"], "fill_alpha": 0.45, "line_color": tone["surface"], "line_width": 1}
    even = {"x": "x", "y": "y", "line_color": tone["quiet"], "line_dash": "dashed", "line_width": 1.2}
    return Drawing(
        {"bars": bars, "even": {"x": [0.0, 1.0], "y": [1.0, 1.0]}},
        [Mark("quad", "bars", style), Mark("line", "even", even)], (0, 1), (0, top), height, dark, text, named(0, 1),
        named(0, top), x_label="place in the predicted distribution (PIT)", left=40, right=8, top=6,
    )  # fmt: skip
