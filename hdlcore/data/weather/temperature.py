"""Daily air temperature: a smooth annual course plus persistent anomalies, coupled to wetness."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.climate import MonthlyClimate
from hdlcore.data.weather.compiled import compiled
from hdlcore.data.weather.days import DayTables

F8 = NDArray[np.float64]
F4 = NDArray[np.float32]


@compiled
def daily_temperature(
    wetness: F8,
    daily: F4,
    slow: F4,
    enso: F8,
    pattern: F8,
    climate: MonthlyClimate,
    t_clim: F8,
    days: DayTables,
    spread_factor: float,
) -> F8:
    """Air temperature [cell, day], degC, whose mean over each group of days is the climatology t_clim [cell, 12].

    `daily` is [cell, field, day] in the order of `latent.FIELDS`, `slow` [cell, 2, day], `enso` the index [day] and
    `pattern` its correlation with warmth [cell, 12]. The anomalies of a group are centred with a parabola
    over each month that is zero at its edges, so that no month begins with a jump.
    """
    n_cells, n_days = wetness.shape
    out = np.empty((n_cells, n_days))
    for c in range(n_cells):
        for d in range(n_days):
            i, j, w = days.before[d], days.after[d], days.weight[d]
            coupling = climate.coupling[c, i] + w * (climate.coupling[c, j] - climate.coupling[c, i])
            spread = climate.spread[c, i] + w * (climate.spread[c, j] - climate.spread[c, i])
            brief = climate.brief[c, i] + w * (climate.brief[c, j] - climate.brief[c, i])
            lasting = climate.slow_warmth[c, i] + w * (climate.slow_warmth[c, j] - climate.slow_warmth[c, i])
            far = pattern[c, i] + w * (pattern[c, j] - pattern[c, i])
            own = (
                math.sqrt(1.0 - lasting - brief) * daily[c, 2, d]
                + math.sqrt(brief) * daily[c, 3, d]
                + math.sqrt(lasting) * slow[c, 1, d]
            )
            own = math.sqrt(1.0 - coupling * coupling) * (math.sqrt(1.0 - far * far) * own + far * enso[d])
            value = spread_factor * spread * (coupling * wetness[c, d] + own)
            for m in range(12):
                value += days.course[d, m] * t_clim[c, m]
            out[c, d] = value
        for g in range(days.group_start.size - 1):
            chosen = days.group_days[days.group_start[g] : days.group_start[g + 1]]
            excess = 0.0
            for d in chosen:
                excess += out[c, d] - t_clim[c, days.month[d]]
            excess /= chosen.size
            for d in chosen:
                out[c, d] -= excess * days.bump[d]
    return out
