"""What a cell's monthly climate implies for its daily weather.

Constants without another source are fitted by eye to the observed daily series of docs/weather.md.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.compiled import compiled

F8 = NDArray[np.float64]

SHAPE = 0.75  # Weibull shape of wet-day amounts; below 1 = heavy tail (Wilks 1989 finds 0.6 to 0.9)
WATT_TO_MM = 0.0864 / 2.45  # evaporated water (mm d-1) per W m-2; FAO-56 box 2


class MonthlyClimate(NamedTuple):
    """Parameters of the daily weather, each [cell, 12].

    wet: share of days with any rain (1); scale: Weibull scale of their amounts (mm d-1); convective: share of the
    variance of wetness at convective scale (1); spread: standard deviation of air temperature (K); coupling:
    correlation of the latents of wetness and temperature (1); brief: share of temperature's variance without
    persistence (1); sun: relative sunshine duration (1); dryness: PET / (P + PET), mean of the month's and the
    year's (1); snow: snow cover (1).
    """

    wet: F8
    scale: F8
    convective: F8
    spread: F8
    coupling: F8
    brief: F8
    sun: F8
    dryness: F8
    snow: F8


@compiled
def _smoothstep(x: float, low: float, high: float) -> float:
    """0 below `low`, 1 above `high`, smooth between."""
    s = min(1.0, max(0.0, (x - low) / (high - low)))
    return s * s * (3.0 - 2.0 * s)


@compiled
def _rain_of_month(t: float, p: float, span: float, lat: float, mean_factor: float) -> tuple[float, float, float]:
    """Wet-day share, Weibull scale and convective share of a month with mean temperature t and precipitation p.

    A wet day rains harder where it is warm; in the subtropics the same rain falls on fewer, heavier days (Leaf River
    against the Lahn). Such rain, and that of continents (Baskatong), persists less. With a given
    mean amount per wet day, the share of wet days saturates as months get wetter.
    """
    subtropics = math.exp(-(((abs(lat) - 30.0) / 7.0) ** 2))
    intensity = 2.3 * math.exp(0.025 * min(35.0, max(-25.0, t))) * (1.0 + 0.8 * subtropics)
    wet = max(1e-4, 1.0 - math.exp(-p / intensity))
    convective = 0.15 + 0.45 * _smoothstep(t, 5.0, 26.0) + 0.25 * _smoothstep(span, 18.0, 35.0) + 0.3 * subtropics
    return wet, max(p / wet, 0.5 * intensity) / mean_factor, min(0.8, convective)


@compiled
def _temperature_of_month(t: float, low: float, high: float, lat: float) -> tuple[float, float, float]:
    """Standard deviation (K) of daily temperature, its coupling to wetness and its brief share in a month of mean t.

    Storms outside the tropics make temperature vary, most in winter and in continental climates, where the year spans
    many degrees (low, high: coldest and warmest month). Wet days are mild in such winters and cool elsewhere.
    """
    span = high - low
    storms = _smoothstep(abs(lat), 12.0, 42.0)
    winter = (high - t) / span if span > 1.0 else 0.0
    cold = (0.45 + 0.55 * storms) * 9.5 * span**2 / (span**2 + 620.0)
    warm = 2.3 * storms
    brief = 0.5 * (1.0 - storms) + 0.2 * _smoothstep(span, 18.0, 35.0)
    return 1.0 + warm + winter * max(0.0, cold - warm), -0.25 + 0.70 * storms * winter, min(0.6, brief)


@compiled
def _monthly(t_clim: F8, p_clim: F8, lat: F8, top: F8, watt_to_mm: float, mean_factor: float, out: F8) -> None:
    """Fill out [9, cell, 12] in the order of `MonthlyClimate`; see `monthly_climate`."""
    dryness = np.empty(12)
    for c in range(lat.size):
        low, high = t_clim[c].min(), t_clim[c].max()
        gloom = math.exp(-(((abs(lat[c]) - 58.0) / 16.0) ** 2))  # cloud of the storm tracks
        for m in range(12):
            t, p = t_clim[c, m], p_clim[c, m]
            out[0, c, m], out[1, c, m], out[2, c, m] = _rain_of_month(t, p, high - low, lat[c], mean_factor)
            out[3, c, m], out[4, c, m], out[5, c, m] = _temperature_of_month(t, low, high, lat[c])
            potential = top[c, m] * watt_to_mm * max(0.0, t + 5.0) / 100.0  # Oudin et al. (2005)
            dryness[m] = potential / (p + potential) if p + potential > 1e-6 else 1.0
            out[8, c, m] = 1.0 / (1.0 + math.exp(min(50.0, (t + 2.0) / 1.5)))
        mean_dryness = dryness.mean()
        for m in range(12):  # half of a season's dryness is its climate's: a cold month may be dry without evaporation
            dry = 0.5 * (dryness[m] + mean_dryness)
            sun = 0.38 + 0.55 * dry - 0.22 * gloom - 0.15 * (1.0 - math.exp(-p_clim[c, m] / 6.0))
            out[6, c, m] = min(0.9, max(0.15, sun))
            out[7, c, m] = dry


def monthly_climate(t_clim: F8, p_clim: F8, lat: F8, top: F8) -> MonthlyClimate:
    """Parameters of the daily weather from the climatology.

    Parameters
    ----------
    t_clim, p_clim : monthly means [cell, 12], degC and mm d-1.
    lat : degrees north [cell].
    top : radiation at the top of the atmosphere [cell, 12], W m-2.
    """
    out = np.empty((9, lat.size, 12))
    _monthly(t_clim, p_clim, lat, top, WATT_TO_MM, math.gamma(1 + 1 / SHAPE), out)
    return MonthlyClimate(*out)
