"""What a cell's monthly climate implies for its daily weather.

The constants are estimated by `scripts/tune_weather.py`: least squares over the statistics of the observed daily
series of docs/weather.md, each in units of its tolerance; those of sunshine by hand, to two towers and 28 places.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.compiled import compiled

F8 = NDArray[np.float64]

WATT_TO_MM = 0.0864 / 2.45  # evaporated water (mm d-1) per W m-2; FAO-56 box 2


class Constants(NamedTuple):
    """Constants of the relations below; shares and correlations unless a unit is given."""

    intensity: float = 2.83  # mm d-1
    intensity_warmth: float = 0.017  # per K
    intensity_subtropical_winter: float = 2.44
    intensity_subtropical_summer: float = 0.4
    intensity_dryness: float = -0.04
    shape: float = 0.91
    shape_warmth: float = 0.045
    shape_continental: float = -0.075
    convective: float = 0.07
    convective_warmth: float = 0.68
    convective_continental: float = 0.74
    convective_subtropical: float = 0.7
    convective_height: float = 0.28  # per km
    slow_rain: float = 0.008
    slow_rain_warmth: float = 0.004
    slow_rain_continental: float = -0.003
    spread_summer: float = 2.1  # K
    spread_winter: float = 11.5  # K
    spread_span: float = 28.0  # K
    spread_tropical: float = 1.07  # K
    brief: float = 0.03
    brief_tropical: float = 0.9
    brief_summer: float = 0.09
    brief_continental: float = 0.18
    coupling: float = -0.03
    coupling_dryness: float = -0.6
    coupling_winter: float = 0.3
    coupling_height: float = -0.265  # per km
    coupling_continental: float = 0.055
    slow_warmth: float = -0.02
    slow_warmth_winter: float = 0.14
    sun: float = 0.33
    sun_dryness: float = 0.42
    sun_gloom: float = 0.12
    sun_rain: float = 0.12
    sun_height: float = 0.07  # per km
    sun_tropical: float = 0.01
    sun_continental: float = 0.15
    # sqrt(1 + pi / 8 * 2.2**2): the mean of 1 / (1 + exp(-x)) over days with x of standard deviation 2.2 (radiation.py)
    # is that at the mean of x over this factor
    sun_stretch: float = 1.70


class MonthlyClimate(NamedTuple):
    """Parameters of the daily weather, each [cell, 12].

    wet: share of days with any rain (1); scale, shape: Weibull scale (mm d-1) and shape (1) of their amounts;
    convective, slow: share of the variance of wetness at convective scale and in slow modes (1); spread: standard
    deviation of air temperature (K); coupling: correlation of the latents of wetness and temperature (1); brief,
    slow_warmth: share of temperature's variance without persistence and in slow modes (1); sun: relative sunshine
    duration of a day of median cloud (1); dryness: PET / (P + PET), mean of the month's and the year's (1); snow: snow
    cover (1).
    """

    wet: F8
    scale: F8
    shape: F8
    convective: F8
    slow: F8
    spread: F8
    coupling: F8
    brief: F8
    slow_warmth: F8
    sun: F8
    dryness: F8
    snow: F8


@compiled
def _smoothstep(x: float, low: float, high: float) -> float:
    """0 below `low`, 1 above `high`, smooth between."""
    s = min(1.0, max(0.0, (x - low) / (high - low)))
    return s * s * (3.0 - 2.0 * s)


@compiled
def _rain_of_month(
    k: Constants, t: float, p: float, lat: float, height: float, winter: float, continental: float, dry: float
) -> tuple[float, float, float, float, float]:
    """Wet-day share, Weibull scale and shape, convective and slow share of a month of mean t (degC) and p (mm d-1).

    A wet day rains harder where it is warm; in the subtropics the rain of the cool season comes with fronts that draw
    on a warm sea, on few and heavy days (Leaf River against the Lahn). With a given mean amount per wet day, the
    share of wet days saturates as months get wetter.
    """
    subtropics = math.exp(-(((abs(lat) - 30.0) / 7.0) ** 2))
    warm = _smoothstep(t, 5.0, 26.0)
    fronts = winter * (2.0 - winter)  # of the cool half of the year; only high summer is without
    seasonal = k.intensity_subtropical_summer + fronts * (
        k.intensity_subtropical_winter - k.intensity_subtropical_summer
    )
    intensity = k.intensity * math.exp(k.intensity_warmth * min(35.0, max(-25.0, t)))
    intensity *= (1.0 + seasonal * subtropics) * math.exp(k.intensity_dryness * (dry - 0.5))
    wet = max(1e-4, 1.0 - math.exp(-p / intensity))
    shape = min(1.1, max(0.65, k.shape + k.shape_warmth * warm + k.shape_continental * continental))
    convective = k.convective + k.convective_warmth * warm + k.convective_continental * continental
    convective += k.convective_subtropical * subtropics + k.convective_height * min(3.0, height)
    slow = k.slow_rain + k.slow_rain_warmth * warm + k.slow_rain_continental * continental
    scale = max(p / wet, 0.5 * intensity) / math.gamma(1.0 + 1.0 / shape)
    return wet, scale, shape, min(0.85, max(0.0, convective)), min(0.12, max(0.005, slow))


@compiled
def _temperature_of_month(
    k: Constants, span: float, lat: float, height: float, winter: float, continental: float, dry: float
) -> tuple[float, float, float, float]:
    """Standard deviation (K) of daily temperature, its coupling to wetness, its brief and its slow share in a month.

    Storms outside the tropics make temperature vary, most in winter and in continental climates, where the year spans
    many degrees. Wet days are mild in such winters, cool in dry summers and on mountains (height in km).
    """
    storms = _smoothstep(abs(lat), 12.0, 42.0)
    cold = (0.45 + 0.55 * storms) * k.spread_winter * span**2 / (span**2 + k.spread_span**2)
    warm = k.spread_summer * storms
    brief = k.brief + k.brief_tropical * (1.0 - storms) + k.brief_continental * continental
    brief += k.brief_summer * storms * (1.0 - winter)
    coupling = k.coupling + k.coupling_dryness * storms * (dry - 0.5) + k.coupling_winter * storms * winter
    coupling += k.coupling_height * min(3.0, height) + k.coupling_continental * continental
    slow = k.slow_warmth + k.slow_warmth_winter * storms * winter
    return (
        k.spread_tropical + warm + winter * max(0.0, cold - warm),
        min(0.6, max(-0.6, coupling)),
        min(0.6, max(0.0, brief)),
        min(0.35, max(0.02, slow)),
    )


@compiled
def _snow_of_year(t_clim: F8, p_clim: F8, cover: F8) -> None:
    """Fill the snow cover of each month: what has fallen below freezing and not yet melted, by degree-days.

    Three years from bare ground are long enough; ice that never melts is full cover.
    """
    water = 0.0
    for step in range(36):
        m = step % 12
        falling = p_clim[m] / (1.0 + math.exp(min(50.0, max(-50.0, (t_clim[m] - 0.5) / 1.5))))
        # days of a month above freezing melt snow although its mean is below: 4 K of spread about it
        melt = 3.0 * 4.0 * math.log1p(math.exp(min(50.0, t_clim[m] / 4.0 - 0.5)))
        before = water
        water = max(0.0, water + 30.4 * (falling - melt))
        middle = 0.5 * (before + water) + 4.0 * falling
        cover[m] = middle / (middle + 12.0)


@compiled
def _monthly(k: Constants, t_clim: F8, p_clim: F8, lat: F8, elevation: F8, top: F8, watt_to_mm: float, out: F8) -> None:
    """Fill out [12, cell, 12] in the order of `MonthlyClimate`; see `monthly_climate`."""
    dryness = np.empty(12)
    for c in range(lat.size):
        low, high = t_clim[c].min(), t_clim[c].max()
        span = high - low
        continental = _smoothstep(span, 18.0, 35.0)
        height = max(0.0, elevation[c]) / 1000.0
        tropics = math.exp(-((lat[c] / 12.0) ** 2))
        gloom = math.exp(-(((abs(lat[c]) - 58.0) / 16.0) ** 2))  # cloud of the storm tracks
        for m in range(12):
            t, p = t_clim[c, m], p_clim[c, m]
            potential = top[c, m] * watt_to_mm * max(0.0, t + 5.0) / 100.0  # Oudin et al. (2005)
            dryness[m] = potential / (p + potential) if p + potential > 1e-6 else 1.0
        mean_dryness = dryness.mean()
        _snow_of_year(t_clim[c], p_clim[c], out[11, c])
        for m in range(12):  # half of a season's dryness is its climate's: a cold month may be dry without evaporation
            t, p = t_clim[c, m], p_clim[c, m]
            dry = 0.5 * (dryness[m] + mean_dryness)
            winter = (high - t) / span if span > 1.0 else 0.0
            rain = _rain_of_month(k, t, p, lat[c], height, winter, continental, dry)
            for i in range(5):
                out[i, c, m] = rain[i]
            warmth = _temperature_of_month(k, span, lat[c], height, winter, continental, dry)
            for i in range(4):
                out[5 + i, c, m] = warmth[i]
            sun = k.sun + k.sun_dryness * dry - k.sun_gloom * gloom - k.sun_rain * (1.0 - math.exp(-p / 6.0))
            sun += k.sun_height * min(4.0, height) - k.sun_tropical * tropics + k.sun_continental * continental
            out[9, c, m] = 1.0 / (1.0 + (1.0 / min(0.9, max(0.15, sun)) - 1.0) ** k.sun_stretch)
            out[10, c, m] = dry


def monthly_climate(
    t_clim: F8, p_clim: F8, lat: F8, elevation: F8, top: F8, constants: Constants | None = None
) -> MonthlyClimate:
    """Parameters of the daily weather from the climatology.

    Parameters
    ----------
    t_clim, p_clim : monthly means [cell, 12], degC and mm d-1.
    lat, elevation : degrees north and m [cell].
    top : radiation at the top of the atmosphere [cell, 12], W m-2.
    constants : None for those of the generator.
    """
    out = np.empty((12, lat.size, 12))
    _monthly(constants or CONSTANTS, t_clim, p_clim, lat, elevation, top, WATT_TO_MM, out)
    return MonthlyClimate(*out)


CONSTANTS = Constants()
