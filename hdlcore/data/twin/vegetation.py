"""Light, greenness and growth of the twin Earth's plants, from the leaf area of `hdlcore.data.twin.land`.

Gross primary production by light-use efficiency (Monteith 1972; Running et al. 2004): absorbed light times an
efficiency, cut by cold, heat and thirst.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.compiled import compiled

F8 = NDArray[np.float64]

EXTINCTION = 0.5  # of light in leaves, per leaf area (1); as in land.py
# Sunlight is not a forcing: it is taken back from net radiation with an albedo of 0.2 and 36 W m-2 of net longwave
# loss, so that net radiation is what light means to this world's plants.
SUN_OFFSET, SUN_SLOPE = 45.0, 1.25  # W m-2, 1
VISIBLE = 0.45  # share of sunlight that plants can use
WATT_TO_MJ = 0.0864  # MJ m-2 d-1 per W m-2

SERIES = ("fapar", "ndvi", "gpp")


class VegetationParameters(NamedTuple):
    """Each [cell]; see the table of `hdlcore.data.twin.parameters`."""

    light_use_efficiency: F8
    optimum_temperature: F8
    cold_limit: F8
    growth_stress_power: F8
    ndvi_soil: F8
    ndvi_leaves: F8


@compiled
def vegetation_series(forcing: F8, snow_cover: F8, leaf_area: F8, stress: F8, parameters: VegetationParameters) -> F8:
    """fAPAR (1), NDVI (1) and GPP (gC m-2 d-1) as [cell, day, SERIES].

    forcing [cell, day, (P, T, Rn)]; snow_cover, leaf_area, stress [cell, day].
    """
    n_cells, n_days = leaf_area.shape
    out = np.empty((n_cells, n_days, 3))
    p = parameters
    for c in range(n_cells):
        warm, cold = p.optimum_temperature[c], p.cold_limit[c]
        for d in range(n_days):
            t = forcing[c, d, 1]
            leaves = 1.0 - math.exp(-EXTINCTION * leaf_area[c, d])
            absorbed = 0.95 * leaves
            sun = max(0.0, SUN_OFFSET + SUN_SLOPE * forcing[c, d, 2])
            if t < warm:
                heat = min(1.0, max(0.0, (t - cold) / (warm - cold)))
                heat = heat * heat * (3.0 - 2.0 * heat)
            else:
                heat = math.exp(-(((t - warm) / 14.0) ** 2))
            thirst = stress[c, d] ** p.growth_stress_power[c]
            green = p.ndvi_soil[c] + (p.ndvi_leaves[c] - p.ndvi_soil[c]) * leaves
            out[c, d, 0] = absorbed
            out[c, d, 1] = green * (1.0 - 0.8 * snow_cover[c, d])
            out[c, d, 2] = p.light_use_efficiency[c] * VISIBLE * WATT_TO_MJ * sun * absorbed * heat * thirst
    return out
