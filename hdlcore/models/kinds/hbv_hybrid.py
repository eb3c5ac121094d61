"""HBV whose parameters are learned: those of a basin from what is known of it, some of them anew each day.

The physics is that of `hbv`, unchanged, so a basin calibrated by hand is a special case. What is learned: a static
network gives each basin its capacities and rates; an LSTM that sees the weather and the stores moves, day by day, how
readily soil passes water on, what plants can draw, and how fast snow melts (differentiable parameter learning: Tsai
et al. 2021, doi:10.1038/s41467-021-26107-z; which parameters move: Feng et al. 2022, doi:10.1029/2022WR032404).
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from hdlcore.models.hybrid import HybridModel
from hdlcore.models.kinds.hbv import HBV
from hdlcore.models.parameters import Network, Parameter, RecurrentNetwork, StaticNetwork

DAILY = ("melt_factor", "recharge_exponent", "stress_threshold")


class HBVHybrid(HybridModel):
    """HBV with a static and a daily network."""

    forcing: ClassVar = HBV.forcing
    stores: ClassVar = HBV.stores
    networks: ClassVar[tuple[Network, ...]] = (
        RecurrentNetwork(
            "daily", forcing=HBV.forcing, stores=("snow_ice", "soil_moisture", "upper_zone", "lower_zone")
        ),
        StaticNetwork("site"),
    )
    parameters_table: ClassVar[tuple[Parameter, ...]] = tuple(
        replace(parameter, source="daily" if parameter.name in DAILY else "site") for parameter in HBV.parameters_table
    )
    fluxes: ClassVar = HBV.fluxes
    inflow: ClassVar = HBV.inflow
    outflow: ClassVar = HBV.outflow
    physics = staticmethod(HBV.physics)
