"""Routing: fast stores that delay and spread runoff on its way to the gauge."""

from __future__ import annotations

from hdlcore.physics.ops import Array


def fast_reservoir(store: Array, inflow: Array, rate: Array) -> tuple[Array, Array]:
    """One day of a linear reservoir that already drains today's inflow: returns (store, outflow), mm and mm d-1.

    `rate` (d-1, 0 to 1) of what is there and what comes in leaves within the day, so water stays (1 - rate) / rate days
    on average, and a rate of 1 passes all of it on at once. Two in a row are Nash's (1957) cascade, whose unit
    hydrograph rises and falls as the triangle of HBV does.
    """
    filled = store + inflow
    outflow = rate * filled
    return filled - outflow, outflow
