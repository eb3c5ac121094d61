"""Names at the ends of lines, moved apart where they would cover each other."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np
from bokeh.core.properties import value

from dashboard.theme import FONT

hv.extension("bokeh")


def spread_apart(wanted: np.ndarray, gap: float) -> np.ndarray:
    """Positions as near as possible to the wanted ones, at least `gap` apart (labels that do not cover each other)."""
    order = np.argsort(wanted)
    placed = np.asarray(wanted, float)[order].copy()
    for _ in range(50):
        moved = False
        for i in range(placed.size - 1):
            lack = gap - (placed[i + 1] - placed[i])
            if lack > 1e-9:
                placed[i] -= lack / 2
                placed[i + 1] += lack / 2
                moved = True
        if not moved:
            break
    result = np.empty_like(placed)
    result[order] = placed
    return result


def line_labels(at: Any, placed: Any, names: list[str], paints: list[str]) -> hv.Labels:
    """Names written at one place of the horizontal axis, as at the ends of lines; they do not widen the plot."""
    table = {"x": [at] * len(names), "y": placed, "text": names, "color": paints}

    def hook(plot: Any, element: Any) -> None:
        plot.handles["glyph"].update(x_offset=6, text_font=value(FONT))

    return hv.Labels(table, ["x", "y"], ["text", "color"]).opts(
        text_color="color", text_align="left", text_baseline="middle", text_font_size="12px", apply_ranges=False,
        hooks=[hook],
    )  # fmt: skip
