"""Snow: phase of precipitation, accumulation, degree-day melt, and liquid water held in the pack."""

from __future__ import annotations

from hdlcore.physics.ops import Array, maximum, minimum

#: Daily mean air temperature, degC, below which all and above which no precipitation falls as snow. H2M switches at
#: 0 degC; a ramp centred there keeps the phase differentiable and is nearer to observed mixed-phase days.
ALL_SNOW, ALL_RAIN = -1.0, 1.0


def precipitation_phase(
    precipitation: Array, air_temperature: Array, threshold_temperature: Array = 0.0
) -> tuple[Array, Array]:
    """Split precipitation (mm d-1) by air temperature (degC) into rainfall and snowfall, mm d-1.

    The ramp is centred on `threshold_temperature` (degC).
    """
    share = (ALL_RAIN - (air_temperature - threshold_temperature)) * (1.0 / (ALL_RAIN - ALL_SNOW))
    snowfall = precipitation * minimum(maximum(share, 0.0), 1.0)
    return precipitation - snowfall, snowfall


def degree_day_melt(
    swe: Array, air_temperature: Array, melt_factor: Array, threshold_temperature: Array = 0.0
) -> Array:
    """Snowmelt, mm d-1: `melt_factor` (mm K-1 d-1) times degrees above the threshold, never more than `swe` (mm)."""
    return minimum(swe, melt_factor * maximum(air_temperature - threshold_temperature, 0.0))


def refreezing(
    liquid_water: Array, air_temperature: Array, melt_factor: Array, refreezing_factor: Array,
    threshold_temperature: Array = 0.0,
) -> Array:  # fmt: skip
    """Liquid water of the pack that freezes again, mm d-1 (Bergström 1992).

    `refreezing_factor` (1) times the melt factor (mm K-1 d-1) times degrees below the threshold, never more than
    `liquid_water` (mm).
    """
    cold = maximum(threshold_temperature - air_temperature, 0.0)
    return minimum(liquid_water, refreezing_factor * melt_factor * cold)


def pack_outflow(liquid_water: Array, snow_ice: Array, holding_capacity: Array) -> Array:
    """Liquid water, mm d-1, beyond the share `holding_capacity` (1) of the pack's ice (mm) that its pores hold."""
    return maximum(liquid_water - holding_capacity * snow_ice, 0.0)
