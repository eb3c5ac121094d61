"""Carbon of the twin Earth: leaves with fine roots, wood, litter and soil, and what they breathe out.

Plants and microbes respire with a Q10 law of temperature (Lloyd and Taylor 1994 discuss it; Mahecha et al. 2010 find
1.4), microbes also with moisture. Given growth, warmth and leaf fall, the pools are linear, so the state that returns
to itself after a block of years is solved for exactly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.compiled import compiled

F8 = NDArray[np.float64]

SERIES = (
    "autotrophic_respiration",
    "heterotrophic_respiration",
    "reco",
    "nee",
    "leaf_carbon",
    "wood_carbon",
    "litter_carbon",
    "soil_carbon",
    "soil_temperature",
)
N_POOLS = 4
#: The four pools (gC m-2), soil temperature (degC), leaf area index of the day before (1).
N_STATE = 6
REFERENCE = 15.0  # degC at which the rates are given


class CarbonParameters(NamedTuple):
    """Each [cell]; see the table of `hdlcore.data.twin.parameters`."""

    growth_respiration: F8
    leaf_share: F8
    leaf_maintenance: F8
    wood_maintenance: F8
    leaf_turnover: F8
    wood_turnover: F8
    litter_turnover: F8
    soil_turnover: F8
    humification: F8
    q10_plants: F8
    q10_soil: F8
    soil_temperature_time: F8
    snow_insulation: F8
    topsoil_dry: F8
    topsoil_wet: F8


@compiled
def carbon_series(
    temperature: F8,
    snow_cover: F8,
    topsoil: F8,
    leaf_area: F8,
    growth: F8,
    parameters: CarbonParameters,
    state: F8,
    trace: F8,
) -> F8:
    """Run the carbon pools of each cell through all days.

    Parameters
    ----------
    temperature (degC), snow_cover (1), topsoil (mm), leaf_area (1), growth (GPP, gC m-2 d-1) : [cell, day].
    state : [cell, N_STATE], changed in place. trace : [cell, day, N_STATE] to fill, or of size 0.

    Returns
    -------
    [cell, day, SERIES]: gC m-2 d-1, gC m-2, degC. Net ecosystem exchange is positive to the air.
    """
    n_cells, n_days = temperature.shape
    out = np.empty((n_cells, n_days, 9))
    p = parameters
    for c in range(n_cells):
        x = state[c]
        for d in range(n_days):
            t, area = temperature[c, d], leaf_area[c, d]
            x[4] += (t - x[4]) / p.soil_temperature_time[c] * (1.0 - p.snow_insulation[c] * snow_cover[c, d])
            shed = max(0.0, 1.0 - area / x[5]) if x[5] > 0.0 else 0.0
            x[5] = area
            plants = p.q10_plants[c] ** (0.1 * (t - REFERENCE))
            moist = min(1.0, max(0.0, (topsoil[c, d] - p.topsoil_dry[c]) / (p.topsoil_wet[c] - p.topsoil_dry[c])))
            microbes = p.q10_soil[c] ** (0.1 * (x[4] - REFERENCE)) * (0.1 + 0.9 * moist)
            grown = growth[c, d] * (1.0 - p.growth_respiration[c])
            leaf_breath = min(0.2, p.leaf_maintenance[c] * plants) * x[0]
            wood_breath = min(0.2, p.wood_maintenance[c] * plants) * x[1]
            leaf_fall = min(0.5, p.leaf_turnover[c] + 0.5 * shed) * x[0]
            wood_fall = p.wood_turnover[c] * x[1]
            litter_loss = min(0.5, p.litter_turnover[c] * microbes) * x[2]
            soil_loss = min(0.5, p.soil_turnover[c] * microbes) * x[3]
            kept = p.humification[c] * litter_loss
            x[0] += p.leaf_share[c] * grown - leaf_breath - leaf_fall
            x[1] += grown - p.leaf_share[c] * grown - wood_breath - wood_fall
            x[2] += leaf_fall + wood_fall - litter_loss
            x[3] += kept - soil_loss
            breath = (growth[c, d] - grown) + leaf_breath + wood_breath
            decay = (litter_loss - kept) + soil_loss
            out[c, d, 0] = breath
            out[c, d, 1] = decay
            out[c, d, 2] = breath + decay
            out[c, d, 3] = breath + decay - growth[c, d]
            for i in range(5):
                out[c, d, 4 + i] = x[i]
            if trace.size > 0:
                trace[c, d] = x
    return out


@compiled
def equilibrium_pools(after: F8) -> F8:
    """Pools [cell, 4] that return to themselves, from where five starts lead.

    after [5, cell, 4]: the pools after the block when it begins with all empty, then with 1000 gC m-2 in one pool each.
    The map is lower triangular in the order leaf, wood, litter, soil, as carbon only falls.
    """
    n_cells = after.shape[1]
    out = np.zeros((n_cells, N_POOLS))
    for c in range(n_cells):
        for i in range(N_POOLS):
            total = after[0, c, i]
            for j in range(i):
                total += (after[j + 1, c, i] - after[0, c, i]) / 1000.0 * out[c, j]
            kept = (after[i + 1, c, i] - after[0, c, i]) / 1000.0
            out[c, i] = max(0.0, total / max(1e-9, 1.0 - kept))
    return out
