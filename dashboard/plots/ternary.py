"""Three shares as one colour: a triangle whose corners are the colours of snow, soil and groundwater. Pure.

The triangle is cut into small equal ones, `STEPS` along a side; a cell is shown by the number of its own, and the
colour map has one colour for each, mixed in linear light.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hdlcore.variables import GROUNDWATER, SNOW, SOIL

#: Parts of a side; (STEPS + 1)(STEPS + 2) / 2 colours in all.
STEPS = 16
CORNERS = {"snow_share": SNOW, "soil_share": SOIL, "groundwater_share": GROUNDWATER}
COUNT = (STEPS + 1) * (STEPS + 2) // 2


@lru_cache(maxsize=1)
def points() -> NDArray[np.int64]:
    """Parts of snow, soil and groundwater of each class, (class, 3), adding up to `STEPS`."""
    found = [(snow, soil, STEPS - snow - soil) for snow in range(STEPS + 1) for soil in range(STEPS + 1 - snow)]
    return np.array(found)


def classes(shares: NDArray) -> NDArray[np.float32]:
    """Class of each cell from its shares (3, cell); NaN where one is missing.

    Shares may be below 0 or above 1, where a store swings against the total: they are clipped and scaled to sum to 1.
    """
    good = np.isfinite(shares).all(0)
    part = np.clip(np.where(good, shares, 1.0), 0, None)
    part = part / np.maximum(part.sum(0), 1e-9) * STEPS
    snow = np.round(part[0]).astype(int)
    soil = np.clip(np.round(part[1]).astype(int), 0, STEPS - snow)
    first = snow * (STEPS + 1) - snow * (snow - 1) // 2  # classes with less snow
    return np.where(good, first + soil, np.nan).astype(np.float32)


def _linear(color: str) -> NDArray[np.float64]:
    srgb = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


@lru_cache(maxsize=1)
def colors() -> tuple[str, ...]:
    """CSS colour of each class."""
    corners = np.stack([_linear(color) for color in CORNERS.values()])
    mixed = points() / STEPS @ corners
    srgb = np.where(mixed <= 0.0031308, 12.92 * mixed, 1.055 * mixed ** (1 / 2.4) - 0.055)
    return tuple("#" + "".join(f"{round(part):02x}" for part in 255 * row) for row in srgb)


def place(shares: NDArray) -> tuple[float, float]:
    """Where shares (3) lie in a triangle of side 1 with snow on top, soil left and groundwater right: x, height."""
    part = np.clip(shares, 0, None)
    snow, _, ground = part / max(float(part.sum()), 1e-9)
    return float(ground + snow / 2), float(snow)
