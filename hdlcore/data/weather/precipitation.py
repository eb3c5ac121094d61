"""Daily precipitation: occurrence and amount from one latent of wetness, brought to the climatology's totals."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.climate import MonthlyClimate
from hdlcore.data.weather.compiled import compiled
from hdlcore.data.weather.days import DayTables

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]
F4 = NDArray[np.float32]

TOO_LITTLE, TOO_MUCH = 2.0, 0.5  # beyond these factors, the number of wet days is changed before the amounts are


@compiled
def wetness(daily: F4, slow: F4, enso: F8, pattern: F8, climate: MonthlyClimate, days: DayTables) -> F8:
    """Standard normal wetness [cell, day].

    Parameters
    ----------
    daily : [cell, field, day] in the order of `latent.FIELDS`; slow : [cell, 2, day].
    enso : ENSO-like index [day]; pattern : its correlation with wetness [cell, 12].
    """
    out = np.empty((daily.shape[0], daily.shape[2]))
    for c in range(out.shape[0]):
        for d in range(out.shape[1]):
            i, j, w = days.before[d], days.after[d], days.weight[d]
            share = climate.convective[c, i] + w * (climate.convective[c, j] - climate.convective[c, i])
            lasting = climate.slow[c, i] + w * (climate.slow[c, j] - climate.slow[c, i])
            far = pattern[c, i] + w * (pattern[c, j] - pattern[c, i])
            own = (
                math.sqrt(1.0 - lasting - share) * daily[c, 0, d]
                + math.sqrt(share) * daily[c, 1, d]
                + math.sqrt(lasting) * slow[c, 0, d]
            )
            out[c, d] = math.sqrt(1.0 - far * far) * own + far * enso[d]
    return out


@compiled
def _rain(tail: F8, wet: F8, scale: F8, power: F8, chosen: I8, factor: float, amount: F8) -> tuple[float, int]:
    """Fill `amount` (mm) on the chosen days, wet-day shares times `factor`; returns their total and number of wet days.

    `tail` is the chance of a wetter day: a day is wet when it is below the wet-day share, and what is left of the
    chance gives the amount as a Weibull quantile.
    """
    total, count = 0.0, 0
    for d in chosen:
        share = min(1.0, wet[d] * factor)
        amount[d] = 0.0
        if tail[d] < share:
            amount[d] = scale[d] * (-math.log(tail[d] / share)) ** power[d]
            total += amount[d]
            count += 1
    return total, count


@compiled
def _rain_to_total(tail: F8, wet: F8, scale: F8, power: F8, chosen: I8, target: float, amount: F8) -> None:
    """Give the chosen days rain (mm) that sums to `target`.

    Where the amounts would need a large factor, more (or fewer) of the latently wettest days are made wet first: a dry
    draw of a wet month then rains on more days, not absurdly hard on one; a month without any wet day gets its wettest.
    """
    if target <= 0.0:
        for d in chosen:
            amount[d] = 0.0
        return
    factor = 1.0
    total, count = _rain(tail, wet, scale, power, chosen, factor, amount)
    if total <= 0.0:
        factor = 1e300
        for d in chosen:
            factor = min(factor, tail[d] / wet[d])
        factor *= 1.5
        total, count = _rain(tail, wet, scale, power, chosen, factor, amount)
    grown = False
    while target > TOO_LITTLE * total and count < chosen.size:
        grown = True
        factor *= 1.2
        total, count = _rain(tail, wet, scale, power, chosen, factor, amount)
    while not grown and target < TOO_MUCH * total and count > 3:
        factor /= 1.2
        total, count = _rain(tail, wet, scale, power, chosen, factor, amount)
    if total <= 0.0:  # the last step dried up every day at once
        factor *= 1.2
        total, count = _rain(tail, wet, scale, power, chosen, factor, amount)
    for d in chosen:
        amount[d] *= target / total


@compiled
def daily_precipitation(wetness: F8, climate: MonthlyClimate, p_clim: F8, days: DayTables) -> F8:
    """Precipitation [cell, day], mm d-1, whose mean over each group of days is the climatology p_clim [cell, 12]."""
    n_cells, n_days = wetness.shape
    out = np.empty((n_cells, n_days))
    tail, wet, scale, power = np.empty(n_days), np.empty(n_days), np.empty(n_days), np.empty(n_days)
    for c in range(n_cells):
        for d in range(n_days):
            i, j, w = days.before[d], days.after[d], days.weight[d]
            # the clip (7 standard deviations) keeps logarithms finite
            tail[d] = min(1.0 - 1e-12, max(1e-12, 0.5 * math.erfc(wetness[c, d] / math.sqrt(2.0))))
            wet[d] = climate.wet[c, i] + w * (climate.wet[c, j] - climate.wet[c, i])
            scale[d] = climate.scale[c, i] + w * (climate.scale[c, j] - climate.scale[c, i])
            power[d] = 1.0 / (climate.shape[c, i] + w * (climate.shape[c, j] - climate.shape[c, i]))
        for g in range(days.group_start.size - 1):
            chosen = days.group_days[days.group_start[g] : days.group_start[g + 1]]
            target = p_clim[c, days.month[chosen[0]]] * chosen.size
            _rain_to_total(tail, wet, scale, power, chosen, target, out[c])
    return out
