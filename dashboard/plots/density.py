"""How often pairs of known and simulated values occur together, with the line of equality, as a drawing. Pure.

177,000 pairs as dots would be 1.4 MB and one dark cloud; counted in bins they are 20 kB and show where most lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from bokeh.models import LogColorMapper
from numpy.typing import NDArray

from dashboard.plots.members import named
from dashboard.plots.palette import palette
from dashboard.plots.sheet import Drawing, Mark
from dashboard.theme import tokens

SIDE = 340  # px, about square
CHOSEN = "#E69F00"


def density(
    counts: NDArray[np.float32], low: float, high: float, chosen: tuple[NDArray, NDArray], labels: Sequence[str],
    dark: bool = False, text: str = "",
) -> Drawing:  # fmt: skip
    """Counts (simulated, known) in bins from low to high; the chosen cell's known and simulated; labels of x, y."""
    tone, wide = tokens(dark), high - low
    colors = palette("devon")[40:] if dark else palette("devon_r")[24:]
    most = max(float(np.nanmax(counts, initial=1)), 2.0)
    mapper = LogColorMapper(palette=list(colors), low=1, high=most, nan_color="rgba(0,0,0,0)")
    tables: dict[str, dict[str, Any]] = {
        "counts": {"image": [counts], "x": [low], "y": [low], "dw": [wide], "dh": [wide]},
        "even": {"x": [low, high], "y": [low, high]},
        "chosen": {"x": chosen[0], "y": chosen[1]},
    }
    even = {"x": "x", "y": "y", "line_color": tone["quiet"], "line_width": 1.2, "line_dash": "dashed"}
    rings = {"x": "x", "y": "y", "size": 9, "fill_color": None}
    marks = [
        Mark("image", "counts", {name: name for name in tables["counts"]} | {"color_mapper": mapper}),
        Mark("line", "even", even),
        Mark("scatter", "chosen", rings | {"line_color": tone["surface"], "line_width": 4}),
        Mark("scatter", "chosen", rings | {"line_color": CHOSEN, "line_width": 1.8}),
    ]
    at = named(low, high)
    return Drawing(
        tables, marks, (low, high), (low, high), SIDE, dark, text, at, at, labels[1], labels[0], right=12, top=8
    )  # fmt: skip
