"""Daily net radiation after FAO-56 (Allen et al. 1998); sunshine, albedo and humidity follow from the climate."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.climate import MonthlyClimate
from hdlcore.data.weather.compiled import compiled
from hdlcore.data.weather.days import DayTables

F8 = NDArray[np.float64]
F4 = NDArray[np.float32]

SOLAR_CONSTANT = 1367.0  # W m-2; FAO-56 equation 21 (0.0820 MJ m-2 min-1)
STEFAN_BOLTZMANN = 5.670374e-8  # W m-2 K-4

# Snow-free albedo and albedo under full snow cover per IGBP class 1..17 (17 = water): round figures after the MODIS
# class means of Gao et al. (2005, doi:10.1029/2004JD005190) and the snow albedos of Moody et al. (2007).
ALBEDO = np.array(
    [0.10, 0.13, 0.12, 0.14, 0.12, 0.17, 0.21, 0.15, 0.16, 0.19, 0.12, 0.18, 0.15, 0.18, 0.60, 0.31, 0.07]
)
SNOW_ALBEDO = np.array(
    [0.25, 0.20, 0.30, 0.35, 0.30, 0.50, 0.65, 0.40, 0.50, 0.65, 0.60, 0.65, 0.40, 0.55, 0.75, 0.70, 0.40]
)

# Fitted to shortwave radiation at US-AR1 and Davos: its correlation with wet days and its spread from day to day.
CLOUD_SHARE = 0.75
CLOUD_EFFECT = 2.2


@compiled
def _top(lat: float, declination: float, distance: float) -> float:
    """Daily mean radiation at the top of the atmosphere (W m-2); FAO-56 equation 21."""
    sin_sin = math.sin(lat) * math.sin(declination)
    cos_cos = math.cos(lat) * math.cos(declination)
    hour_angle = math.acos(min(1.0, max(-1.0, -sin_sin / cos_cos)))
    return SOLAR_CONSTANT / math.pi * distance * (hour_angle * sin_sin + cos_cos * math.sin(hour_angle))


@compiled
def top_radiation(lat: F8, declination: F8, distance: F8) -> F8:
    """Daily mean radiation at the top of the atmosphere [cell, day], W m-2.

    lat [cell] in degrees; declination (rad) and inverse relative squared distance to the Sun [day].
    """
    out = np.empty((lat.size, declination.size))
    for c in range(lat.size):
        for d in range(declination.size):
            out[c, d] = _top(math.radians(lat[c]), declination[d], distance[d])
    return out


@compiled
def _net(
    top: float, sun: float, albedo: float, temperature: float, dew: float, elevation: float, heated: float
) -> float:
    """Daily mean net radiation (W m-2); FAO-56 equations 35 to 40 with daily mean temperature and dew point (degC).

    FAO-56 lets the surface emit at air temperature; a sunlit surface is warmer, so a share `heated` of the radiation it
    absorbs is emitted again (fitted to the tower US-AR1).
    """
    clear = 0.75 + 2e-5 * elevation  # share of the radiation at the top that arrives under a clear sky; FAO-56 eq. 37
    share = (0.25 + 0.50 * sun) * clear / 0.75
    vapour = 0.6108 * math.exp(17.27 * dew / (dew + 237.3))  # kPa
    clouds = 1.35 * min(1.0, share / clear) - 0.35
    longwave = STEFAN_BOLTZMANN * (temperature + 273.15) ** 4 * (0.34 - 0.14 * math.sqrt(vapour)) * clouds
    return (1.0 - albedo) * (1.0 - heated) * share * top - longwave


@compiled
def daily_net_radiation(
    wetness: F8,
    daily: F4,
    slow: F4,
    temperature: F8,
    climate: MonthlyClimate,
    lat: F8,
    elevation: F8,
    albedo: F8,
    snow_albedo: F8,
    days: DayTables,
    cloud_share: float,
    cloud_effect: float,
    snow_shift: float,
) -> F8:
    """Net radiation [cell, day], W m-2: wetter days are cloudier, drier climates have drier air, cold months snow.

    `daily` is [cell, field, day] in the order of `latent.FIELDS`, `slow` [cell, 2, day]. Warm months and winters have
    less snow: `snow_shift` is the shift of the logit of snow cover per standard deviation of slow warmth. Cloud goes
    with wetness by the correlation `cloud_share`; `cloud_effect` is its effect on the logit of sunshine.
    """
    top = top_radiation(lat, days.declination, days.distance)
    out = np.empty((wetness.shape[0], wetness.shape[1]))
    rest = math.sqrt(1.0 - cloud_share * cloud_share)
    for c in range(out.shape[0]):
        for d in range(out.shape[1]):
            i, j, w = days.before[d], days.after[d], days.weight[d]
            mean_sun = climate.sun[c, i] + w * (climate.sun[c, j] - climate.sun[c, i])
            cloud = cloud_share * wetness[c, d] + rest * daily[c, 4, d]
            sun = 1.0 / (1.0 + (1.0 - mean_sun) / mean_sun * math.exp(cloud_effect * cloud))
            dry = climate.dryness[c, i] + w * (climate.dryness[c, j] - climate.dryness[c, i])
            snow = climate.snow[c, i] + w * (climate.snow[c, j] - climate.snow[c, i])
            snow /= snow + (1.0 - snow) * math.exp(snow_shift * slow[c, 1, d])
            dew = max(-60.0, temperature[c, d] - 2.0 - 16.0 * dry * dry)
            surface = albedo[c] + snow * (snow_albedo[c] - albedo[c])
            out[c, d] = _net(top[c, d], sun, surface, temperature[c, d], dew, elevation[c], 0.05 + 0.19 * dry)
    return out
