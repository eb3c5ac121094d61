"""Soil: where incoming water goes, and a bounded store that evaporation can empty and rain can fill."""

from __future__ import annotations

from hdlcore.physics.ops import Array, maximum, minimum


def water_partition(surface_weight: Array, soil_weight: Array, groundwater_weight: Array) -> tuple[Array, Array, Array]:
    """Fractions of water input to surface runoff, soil and groundwater from three positive weights; they sum to 1."""
    total = surface_weight + soil_weight + groundwater_weight
    surface, soil = surface_weight / total, soil_weight / total
    # the third as the remainder, so that the split closes to the last bit of the others
    return surface, soil, 1.0 - surface - soil


def bounded_soil(soil_moisture: Array, recharge: Array, demand: Array, capacity: Array) -> tuple[Array, Array, Array]:
    """One day of a soil store bounded by 0 and `capacity`.

    Parameters are in mm (stores) and mm d-1 (fluxes). Returns (soil_moisture, evapotranspiration, overflow).
    Evaporation takes `demand` while there is water; what exceeds `capacity` overflows. At zero deficit nothing leaks,
    unlike the softplus overflow of Kraft et al. (2022), which loses 0.69 mm d-1 there.
    """
    available = soil_moisture + recharge
    evapotranspiration = minimum(demand, available)
    filled = available - evapotranspiration
    overflow = maximum(filled - capacity, 0.0)
    return filled - overflow, evapotranspiration, overflow


def saturation_recharge(
    soil_moisture: Array, water_input: Array, capacity: Array, recharge_exponent: Array
) -> tuple[Array, Array]:
    """Wet the soil as HBV does (Bergström 1992): returns (soil_moisture, recharge), mm and mm d-1.

    The share ``(soil_moisture / capacity) ** recharge_exponent`` of the input passes through; what would exceed the
    capacity (mm) passes as well.
    """
    wetness = minimum(soil_moisture / capacity, 1.0)
    passing = water_input * wetness**recharge_exponent
    filled = soil_moisture + water_input - passing
    overflow = maximum(filled - capacity, 0.0)
    return filled - overflow, passing + overflow


def moisture_limited_evaporation(
    soil_moisture: Array, demand: Array, capacity: Array, stress_threshold: Array
) -> tuple[Array, Array]:
    """Evaporate from the soil: returns (soil_moisture, evapotranspiration), mm and mm d-1.

    All of `demand` (mm d-1) while soil moisture is above the share `stress_threshold` (1) of capacity, less in
    proportion below it (HBV's LP), and never more than is there.
    """
    supply = minimum(soil_moisture / (stress_threshold * capacity), 1.0)
    evapotranspiration = minimum(demand * supply, soil_moisture)
    return soil_moisture - evapotranspiration, evapotranspiration


def unsaturated_drainage(
    soil_moisture: Array, recharge: Array, capacity: Array, drainage_rate: Array, drainage_exponent: Array
) -> tuple[Array, Array]:
    """Drain a deep soil by a power of its wetness: returns (soil_moisture, drainage), mm and mm d-1.

    ``drainage_rate * soil_moisture * (soil_moisture / capacity) ** drainage_exponent`` leaves, with `drainage_rate`
    (d-1, below 1) that of a full soil: the conductivity of a soil falls steeply as it dries (Brooks and Corey 1964;
    Clapp and Hornberger 1978, doi:10.1029/WR014i004p00601). What would exceed `capacity` (mm) drains as well.
    """
    wetness = minimum(soil_moisture / capacity, 1.0)
    drained = drainage_rate * soil_moisture * wetness**drainage_exponent
    filled = soil_moisture - drained + recharge
    overflow = maximum(filled - capacity, 0.0)
    return filled - overflow, drained + overflow
