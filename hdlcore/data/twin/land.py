"""Soil water and leaves of the twin Earth, in one loop since they feed on each other.

Rain is caught by leaves; what falls through runs off where the soil is saturated (variable infiltration capacity, Zhao
1992; Liang et al. 1994) or fills three layers; roots take water with a stress that starts below a critical share of
field capacity (Feddes et al. 1978); water above field capacity percolates. The leaf area follows the past weeks to
months of water and warmth (a growing-season index with memory, after Jolly et al. 2005).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.compiled import compiled

F8 = NDArray[np.float64]

EXTINCTION = 0.5  # of light in leaves, per leaf area (1)

SERIES = (
    "interception_evaporation",
    "transpiration",
    "soil_evaporation",
    "surface_runoff",
    "soil_drainage",
    "canopy_water",
    "topsoil_moisture",
    "rootzone_moisture",
    "deep_soil_moisture",
    "moisture_stress",
    "leaf_area_index",
)
#: Canopy, three layers (mm), memory of water and of warmth (1), leaf area index (1).
N_STATE = 7


class LandParameters(NamedTuple):
    """Each [cell], but those of the layers [cell, 3], top first; see the table of `hdlcore.data.twin.parameters`."""

    leaf_water: F8
    residual: F8
    wilting: F8
    field: F8
    saturation: F8
    roots: F8
    percolation_rate: F8
    infiltration_shape: F8
    critical_moisture: F8
    water_memory_time: F8
    warmth_memory_time: F8
    leaf_out_time: F8
    leaf_fall_time: F8
    cold_limit: F8
    warm_limit: F8
    leaf_area_low: F8
    leaf_area_high: F8


@compiled
def _saturation_excess(water: float, capacity: float, shape: float, rain: float) -> float:
    """Runoff (mm) from `rain` (mm) on soil holding `water` of `capacity` mm; Liang et al. (1994), equation 3."""
    free = capacity - water
    if free <= 0.0:
        return rain
    highest = capacity * (1.0 + shape)
    reached = highest * (1.0 - (free / capacity) ** (1.0 / (1.0 + shape)))
    if reached + rain >= highest:
        return max(0.0, rain - free)
    return min(rain, max(0.0, rain - free + capacity * (1.0 - (reached + rain) / highest) ** (1.0 + shape)))


@compiled
def _ramp(x: float, low: float, high: float) -> float:
    """0 below `low`, 1 above `high`, straight between."""
    return min(1.0, max(0.0, (x - low) / (high - low)))


@compiled
def _infiltrate(w: F8, p: LandParameters, c: int, water: float) -> float:
    """Fill the two upper layers with `water` (mm); returns what runs off the surface."""
    capacity = p.saturation[c, 0] + p.saturation[c, 1]
    runoff = _saturation_excess(w[1] + w[2], capacity, p.infiltration_shape[c], water)
    entering = water - runoff
    top = min(entering, max(0.0, p.saturation[c, 0] - w[1]))
    below = min(entering - top, max(0.0, p.saturation[c, 1] - w[2]))
    w[1] += top
    w[2] += below
    return runoff + (entering - top - below)


@compiled
def _percolate(w: F8, p: LandParameters, c: int) -> float:
    """Move water above field capacity one layer down; returns the drainage out of the lowest layer (mm)."""
    drained = max(0.0, w[3] - p.field[c, 2]) * p.percolation_rate[c, 2]
    w[3] -= drained
    for layer in (1, 0):
        room = p.saturation[c, layer + 1] - w[layer + 2]
        moved = min(max(0.0, w[layer + 1] - p.field[c, layer]) * p.percolation_rate[c, layer], max(0.0, room))
        w[layer + 1] -= moved
        w[layer + 2] += moved
    return drained


@compiled
def _grow(w: F8, p: LandParameters, c: int, stress: float, t: float) -> None:
    """Move the memories of water and warmth on by a day, and the leaf area towards what they allow."""
    w[4] += (stress - w[4]) / p.water_memory_time[c]
    w[5] += (_ramp(t, p.cold_limit[c], p.warm_limit[c]) - w[5]) / p.warmth_memory_time[c]
    wanted = p.leaf_area_low[c] + (p.leaf_area_high[c] - p.leaf_area_low[c]) * w[5] * w[4]
    time = p.leaf_out_time[c] if wanted > w[6] else p.leaf_fall_time[c]
    w[6] += (wanted - w[6]) / time


@compiled
def land_series(
    temperature: F8, potential: F8, snow_cover: F8, rain: F8, melt: F8, parameters: LandParameters, state: F8, trace: F8
) -> F8:
    """Run soil water and leaves of each cell through all days.

    Parameters
    ----------
    temperature (degC), potential (mm d-1), snow_cover (1), rain on bare ground and outflow of the snow pack
    (mm d-1) : [cell, day].
    state : [cell, N_STATE], changed in place. trace : [cell, day, N_STATE] to fill, or of size 0.

    Returns
    -------
    [cell, day, SERIES]: mm d-1, mm and 1.
    """
    n_cells, n_days = temperature.shape
    out = np.empty((n_cells, n_days, 11))
    p = parameters
    uptake = np.empty(3)
    for c in range(n_cells):
        w = state[c]
        for d in range(n_days):
            t, bare = temperature[c, d], 1.0 - snow_cover[c, d]
            leaves = 1.0 - math.exp(-EXTINCTION * w[6])
            w[0] += rain[c, d]
            fallen = max(0.0, w[0] - p.leaf_water[c] * w[6])
            w[0] -= fallen
            runoff = _infiltrate(w, p, c, fallen + melt[c, d])
            demand = potential[c, d] * bare
            wet = min(w[0], demand)
            w[0] -= wet
            demand -= wet
            stress = 0.0
            for i in range(3):
                critical = p.wilting[c, i] + p.critical_moisture[c] * (p.field[c, i] - p.wilting[c, i])
                uptake[i] = p.roots[c, i] * _ramp(w[i + 1], p.wilting[c, i], critical)
                stress += uptake[i]
            wanted = leaves * demand * _ramp(t, -2.0, 10.0)
            transpiration = 0.0
            for i in range(3):
                taken = min(wanted * uptake[i], max(0.0, w[i + 1] - p.wilting[c, i]))
                w[i + 1] -= taken
                transpiration += taken
            dryness = _ramp(w[1], p.residual[c, 0], p.field[c, 0])
            soil = min((1.0 - leaves) * demand * dryness * dryness, max(0.0, w[1] - p.residual[c, 0]))
            w[1] -= soil
            drained = _percolate(w, p, c)
            _grow(w, p, c, stress, t)
            out[c, d, 0] = wet
            out[c, d, 1] = transpiration
            out[c, d, 2] = soil
            out[c, d, 3] = runoff
            out[c, d, 4] = drained
            for i in range(4):
                out[c, d, 5 + i] = w[i]
            out[c, d, 9] = stress
            out[c, d, 10] = w[6]
            if trace.size > 0:
                trace[c, d] = w
    return out
