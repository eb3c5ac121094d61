"""Snow of the twin Earth: five elevation bands, each with ice, liquid water held in the pack, and refreezing.

Degree-day and radiation melt (Hock 2003, doi:10.1016/S0022-1694(03)00257-9), liquid water and refreezing as in HBV
(Bergstroem 1976). Snow does not depend on soil or plants, so a cell's whole series is run at once.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.compiled import compiled

F8 = NDArray[np.float64]

N_BANDS = 5
#: Mean standard normal score of each fifth of a normal distribution: the bands are fifths of the cell by height.
BAND_SCORES = np.array([-1.3998, -0.5319, 0.0, 0.5319, 1.3998])
#: mm of ice on a band above which it flows downhill and melts there; keeps cold mountains from growing for ever.
FIRN_LIMIT = 1000.0
FIRN_RATE = 0.002  # d-1
#: mm of ice that hide the ground of a band.
FULL_COVER = 15.0

SERIES = (
    "rainfall",
    "snowfall",
    "snowmelt",
    "refreezing",
    "snow_evaporation",
    "swe",
    "snow_liquid_water",
    "snow_cover",
    "rain_on_ground",
    "pack_outflow",
)
N_STATE = 2 * N_BANDS  # ice of each band, then liquid of each band, mm over the band


class SnowParameters(NamedTuple):
    """Each [cell]; see the table of `hdlcore.data.twin.parameters`."""

    relief: F8
    lapse_rate: F8
    snow_temperature: F8
    degree_day_factor: F8
    radiation_melt: F8
    water_holding: F8
    refreezing_factor: F8
    snow_evaporation_share: F8


@compiled
def snow_series(forcing: F8, potential: F8, parameters: SnowParameters, state: F8, trace: F8) -> F8:
    """Run the snow of each cell through all days.

    Parameters
    ----------
    forcing : [cell, day, (P, T, Rn)] in mm d-1, degC, W m-2. potential : [cell, day] mm d-1.
    state : [cell, N_STATE] mm, changed in place to that after the last day.
    trace : [cell, day, N_STATE], filled with the state after each day; of size 0 when not wanted.

    Returns
    -------
    [cell, day, SERIES]: mm d-1, mm and 1, means over the cell.
    """
    n_cells, n_days = forcing.shape[0], forcing.shape[1]
    out = np.empty((n_cells, n_days, 10))
    weight = 1.0 / N_BANDS
    for c in range(n_cells):
        p = parameters
        ice, liquid = state[c, :N_BANDS], state[c, N_BANDS:]
        for d in range(n_days):
            rain_sum = snow_sum = melt_sum = frozen_sum = lost_sum = direct_sum = outflow_sum = 0.0
            for b in range(N_BANDS):
                t = forcing[c, d, 1] - p.lapse_rate[c] * p.relief[c] * BAND_SCORES[b]
                liquid_share = min(1.0, max(0.0, 0.5 * (t - p.snow_temperature[c] + 1.0)))
                rain = liquid_share * forcing[c, d, 0]
                snow = forcing[c, d, 0] - rain
                rain_sum += rain
                snow_sum += snow
                ice[b] += snow
                if ice[b] <= 0.0 and liquid[b] <= 0.0:  # no pack: rain reaches the ground
                    direct_sum += rain
                    continue
                lost = min(ice[b], p.snow_evaporation_share[c] * potential[c, d])
                ice[b] -= lost
                lost_sum += lost
                flow = FIRN_RATE * max(0.0, ice[b] - FIRN_LIMIT)
                ice[b] -= flow
                thaw = min(1.0, max(0.0, 0.5 * (t + 1.0)))  # sunlit packs begin to melt a little below 0 degC
                melt = p.degree_day_factor[c] * max(t, 0.0) + thaw * p.radiation_melt[c] * max(forcing[c, d, 2], 0.0)
                melt = min(ice[b], melt)
                ice[b] -= melt
                liquid[b] += rain + melt
                frozen = min(liquid[b], p.refreezing_factor[c] * max(-t, 0.0))
                liquid[b] -= frozen
                ice[b] += frozen
                drained = max(0.0, liquid[b] - p.water_holding[c] * ice[b])
                liquid[b] -= drained
                melt_sum += melt + flow
                frozen_sum += frozen
                outflow_sum += drained + flow
            held = solid = covered = 0.0
            for b in range(N_BANDS):
                solid += ice[b]
                held += liquid[b]
                covered += min(1.0, ice[b] / FULL_COVER)
            out[c, d, 0] = weight * rain_sum
            out[c, d, 1] = weight * snow_sum
            out[c, d, 2] = weight * melt_sum
            out[c, d, 3] = weight * frozen_sum
            out[c, d, 4] = weight * lost_sum
            out[c, d, 5] = weight * (solid + held)
            out[c, d, 6] = weight * held
            out[c, d, 7] = weight * covered
            out[c, d, 8] = weight * direct_sum
            out[c, d, 9] = weight * outflow_sum
            if trace.size > 0:
                trace[c, d] = state[c]
    return out
