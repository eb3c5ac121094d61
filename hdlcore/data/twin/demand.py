"""Evaporative demand of the twin Earth: Priestley and Taylor (1972) from net radiation and air temperature."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.compiled import compiled

F8 = NDArray[np.float64]

WATT_TO_MM = 0.0864 / 2.45  # evaporated water (mm d-1) per W m-2; FAO-56 box 2


class DemandParameters(NamedTuple):
    """Each [cell]; see the table of `hdlcore.data.twin.parameters`."""

    priestley_taylor: F8
    psychrometric_constant: F8


@compiled
def potential_evapotranspiration(forcing: F8, parameters: DemandParameters) -> F8:
    """Potential evapotranspiration [cell, day], mm d-1, from forcing [cell, day, (P, T, Rn)] (mm d-1, degC, W m-2).

    The slope of the saturation vapour pressure curve is equation 13 of FAO-56 (Allen et al. 1998).
    """
    n_cells, n_days = forcing.shape[0], forcing.shape[1]
    out = np.empty((n_cells, n_days))
    for c in range(n_cells):
        alpha, gamma = parameters.priestley_taylor[c], parameters.psychrometric_constant[c]
        for d in range(n_days):
            t = min(60.0, max(-60.0, forcing[c, d, 1]))
            slope = 4098.0 * 0.6108 * math.exp(17.27 * t / (t + 237.3)) / (t + 237.3) ** 2
            out[c, d] = alpha * slope / (slope + gamma) * max(forcing[c, d, 2], 0.0) * WATT_TO_MM
    return out
