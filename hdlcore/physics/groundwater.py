"""Groundwater: a linear reservoir, and the zone above it that empties faster the fuller it is."""

from __future__ import annotations

from hdlcore.physics.ops import Array, maximum, minimum


def linear_reservoir(groundwater: Array, recharge: Array, baseflow_rate: Array) -> tuple[Array, Array]:
    """One day of a linear reservoir: returns (groundwater, baseflow) in mm and mm d-1.

    Baseflow is `baseflow_rate` (d-1, below 1) times yesterday's store; the response to recharge l days ago is
    ``rate * (1 - rate) ** (l - 1)``, the analytic oracle of the attribution tests.
    """
    baseflow = baseflow_rate * groundwater
    return groundwater - baseflow + recharge, baseflow


def threshold_reservoir(
    upper_zone: Array, recharge: Array, percolation_rate: Array, threshold: Array, quick_rate: Array,
    interflow_rate: Array,
) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    """One day of HBV's upper zone (Bergström 1992): returns (upper_zone, percolation, quick_flow, interflow).

    In mm and mm d-1. Percolation takes up to `percolation_rate` (mm d-1), then `quick_rate` (d-1) of what lies above
    `threshold` (mm) leaves, then `interflow_rate` (d-1) of what is left.
    """
    filled = upper_zone + recharge
    percolation = minimum(filled, percolation_rate)
    left = filled - percolation
    quick_flow = quick_rate * maximum(left - threshold, 0.0)
    left = left - quick_flow
    interflow = interflow_rate * left
    return left - interflow, percolation, quick_flow, interflow
