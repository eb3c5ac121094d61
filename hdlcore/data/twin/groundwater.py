"""Groundwater, interflow and rivers of the twin Earth, fed by the drainage and the runoff of the soil.

Groundwater empties by a power law of its storage, Q = r S0 (S / S0)^p (Wittenberg 1999,
doi:10.1002/(SICI)1099-1085(19990415)13:5<715::AID-HYP775>3.0.CO;2-N, finds p near 2); interflow and rivers are linear.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.compiled import compiled

F8 = NDArray[np.float64]

SERIES = (
    "groundwater_recharge",
    "baseflow",
    "interflow",
    "runoff",
    "groundwater",
    "interflow_store",
    "river_water",
)
#: Groundwater, interflow store, river water (mm).
N_STATE = 3
LARGEST_SHARE = 0.2  # of the groundwater that can leave on one day


class GroundwaterParameters(NamedTuple):
    """Each [cell]; see the table of `hdlcore.data.twin.parameters`."""

    interflow_share: F8
    interflow_rate: F8
    groundwater_scale: F8
    groundwater_rate: F8
    groundwater_power: F8
    river_rate: F8


@compiled
def groundwater_series(runoff: F8, drainage: F8, parameters: GroundwaterParameters, state: F8, trace: F8) -> F8:
    """Run groundwater, interflow and rivers of each cell through all days.

    Parameters
    ----------
    runoff, drainage : [cell, day] mm d-1 from the soil.
    state : [cell, N_STATE] mm, changed in place. trace : [cell, day, N_STATE] to fill, or of size 0.

    Returns
    -------
    [cell, day, SERIES]: mm d-1 and mm.
    """
    n_cells, n_days = runoff.shape
    out = np.empty((n_cells, n_days, 7))
    p = parameters
    for c in range(n_cells):
        s = state[c]
        scale = p.groundwater_scale[c]
        for d in range(n_days):
            sideways = p.interflow_share[c] * drainage[c, d]
            recharge = drainage[c, d] - sideways
            s[0] += recharge
            base = p.groundwater_rate[c] * scale * (s[0] / scale) ** p.groundwater_power[c]
            base = min(base, LARGEST_SHARE * s[0])
            s[0] -= base
            s[1] += sideways
            through = p.interflow_rate[c] * s[1]
            s[1] -= through
            s[2] += runoff[c, d] + through + base
            left = p.river_rate[c] * s[2]
            s[2] -= left
            out[c, d, 0] = recharge
            out[c, d, 1] = base
            out[c, d, 2] = through
            out[c, d, 3] = left
            for i in range(3):
                out[c, d, 4 + i] = s[i]
            if trace.size > 0:
                trace[c, d] = s
    return out
