"""Names at the ends of lines: in the border beside the frame, which is as wide as the longest of them is in pixels,
so that a phone cuts none and a wide screen gives the curves the rest; moved apart where they would cover each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ImageFont

from dashboard.plots.sheet import Mark, words

LINE = 15  # px from one name to the next
OFFSET = 6  # px from the end of a line to its name
SIZE = 12  # px


@lru_cache(maxsize=1)
def _face() -> ImageFont.FreeTypeFont:
    """DejaVu Sans, in which pictures on paper are written: wider than Inter, so it has room on the screen as well."""
    spec = find_spec("matplotlib")
    assert spec is not None and spec.submodule_search_locations
    return ImageFont.truetype(
        Path(spec.submodule_search_locations[0], "mpl-data", "fonts", "ttf", "DejaVuSans.ttf"), SIZE
    )


def room(names: Iterable[str]) -> int:
    """Px right of a frame that names beside it need. All that stands under each other takes the same names."""
    return OFFSET + int(np.ceil(max(map(_face().getlength, names)))) + 2


def spread_apart(wanted: np.ndarray, gap: float) -> np.ndarray:
    """Positions as near as possible to the wanted ones, at least `gap` apart (labels that do not cover each other)."""
    order = np.argsort(wanted, kind="stable")
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


def end_names(
    at: float, wanted: Sequence[float], names: Sequence[str], paints: Sequence[str], limits: tuple[float, float],
    height: float,
) -> dict[str, Any]:  # fmt: skip
    """Table of names at one place of the horizontal axis, apart and inside the vertical `limits` of a `height` (px)."""
    gap = LINE * (limits[1] - limits[0]) / max(height, 2 * LINE)
    placed = _inside(spread_apart(np.asarray(wanted, float), gap), limits[0] + gap / 2, limits[1] - gap / 2, gap)
    return {"x": [at] * len(names), "y": placed, "text": list(names), "color": list(paints)}


def _inside(placed: np.ndarray, low: float, high: float, gap: float) -> np.ndarray:
    """The same in the same order, none below `low` and none above `high` while there is room for all."""
    order, result = np.argsort(placed, kind="stable"), placed.copy()
    for i, at in enumerate(order):
        result[at] = max(result[at], low if not i else result[order[i - 1]] + gap)
    for i, at in enumerate(order[::-1]):  # what was pushed over the edge pushes the others down
        result[at] = min(result[at], high if not i else result[order[::-1][i - 1]] - gap)
    return result


def name_mark(table: str = "names") -> Mark:
    """The names of such a table, written beside the ends of the lines; what is an annotation may leave the frame."""
    look = words(x="x", y="y", text="text", text_color="color", x_offset=OFFSET, level="annotation")
    return Mark("text", table, look)
