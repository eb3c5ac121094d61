"""The answer of one day while weather is put back to usual, or given back, step by step. Pure: numbers in, a drawing
out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from dashboard.plots.reading import Reading
from dashboard.plots.sheet import Drawing, Mark
from dashboard.theme import tokens


def trial_curve(
    curve: NDArray, chance: NDArray, units: str, dark: bool = False, summary: str = "", height: int = 150
) -> Drawing:
    """One curve (step) over the band and the mean of random orders (order, step); a dot where the curve ends."""
    tone, share = tokens(dark), np.linspace(0, 100, curve.size)
    low, high, middle = chance.min(0), chance.max(0), chance.mean(0)
    least, most = float(min(low.min(), curve.min())), float(max(high.max(), curve.max()))
    pad = 0.08 * max(most - least, 1e-3)
    return Drawing(
        tables={
            "chance": {"x": share, "low": low, "high": high, "middle": middle},
            "curve": {"x": share, "y": curve},
            "goal": {"x": share[[0, -1]], "y": curve[[0, -1]]},
        },
        marks=[
            Mark("varea", "chance", {"x": "x", "y1": "low", "y2": "high", "fill_color": tone["quiet"],
                                     "fill_alpha": 0.18}),
            Mark("line", "chance", {"x": "x", "y": "middle", "line_color": tone["quiet"], "line_width": 1.2,
                                    "line_dash": "dashed"}),
            Mark("line", "curve", {"x": "x", "y": "y", "line_color": tone["accent"], "line_width": 2}),
            Mark("scatter", "goal", {"x": "x", "y": "y", "size": 6, "fill_color": tone["accent"],
                                     "line_color": tone["surface"]}),
        ],
        x=(-2, 102), y=(least - pad, most + pad), height=height, dark=dark, text=summary,
        x_ticks=[(at, f"{at:g} %") for at in (0, 25, 50, 75, 100)], y_ticks=4, y_label=units,
        reads=[
            Reading("curve", {"y": "By its answer"}, units, "share", "x"),
            Reading("chance", {"middle": "By chance"}, units, "share", "x"),
        ],
    )  # fmt: skip
