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
