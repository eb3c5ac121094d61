"""Groundwater: a linear reservoir."""

from __future__ import annotations

from hdlcore.physics.ops import Array


def linear_reservoir(groundwater: Array, recharge: Array, baseflow_rate: Array) -> tuple[Array, Array]:
    """One day of a linear reservoir: returns (groundwater, baseflow) in mm and mm d-1.

    Baseflow is `baseflow_rate` (d-1, below 1) times yesterday's store; the response to recharge l days ago is
    ``rate * (1 - rate) ** (l - 1)``, the analytic oracle of the attribution tests.
    """
    baseflow = baseflow_rate * groundwater
    return groundwater - baseflow + recharge, baseflow
