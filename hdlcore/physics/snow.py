"""Snow: phase of precipitation, accumulation and degree-day melt."""

from __future__ import annotations

from hdlcore.physics.ops import Array, maximum, minimum

#: Daily mean air temperature, degC, below which all and above which no precipitation falls as snow. H2M switches at
#: 0 degC; a ramp centred there keeps the phase differentiable and is nearer to observed mixed-phase days.
ALL_SNOW, ALL_RAIN = -1.0, 1.0


def precipitation_phase(precipitation: Array, air_temperature: Array) -> tuple[Array, Array]:
    """Split precipitation (mm d-1) by air temperature (degC) into rainfall and snowfall, mm d-1."""
    share = (ALL_RAIN - air_temperature) * (1.0 / (ALL_RAIN - ALL_SNOW))
    snowfall = precipitation * minimum(maximum(share, 0.0), 1.0)
    return precipitation - snowfall, snowfall


def degree_day_melt(swe: Array, air_temperature: Array, melt_factor: Array) -> Array:
    """Snowmelt, mm d-1: `melt_factor` (mm K-1 d-1) times degrees above zero, never more than `swe` (mm) holds."""
    return minimum(swe, melt_factor * maximum(air_temperature, 0.0))
