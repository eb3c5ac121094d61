"""H2M for observed catchments: potential evapotranspiration for net radiation, and runoff that takes days to the gauge.

Snow, soil and groundwater are those of H2M. What is added: rates of drainage and routing per basin, a fast reservoir
that surface runoff passes on its way to the gauge, and a bounded correction of precipitation, which gauges miss and
mountains distort (Adam and Lettenmaier 2003, doi:10.1029/2002JD002499). Corrected precipitation is the inflow.
"""

from __future__ import annotations

import math
from typing import ClassVar

from hdlcore.models.hybrid import HybridModel, Named
from hdlcore.models.kinds.h2m import H2M, water_cycle
from hdlcore.models.parameters import Network, Parameter, RecurrentNetwork, StaticNetwork, Store
from hdlcore.physics.energy import evaporative_demand
from hdlcore.physics.routing import fast_reservoir


class H2MCatchment(HybridModel):
    """Four stores; an LSTM learns partitioning, evaporation and melt every day, a static network what a basin is."""

    forcing: ClassVar = ("precipitation", "air_temperature", "potential_evapotranspiration")
    stores: ClassVar = (*H2M.stores, Store("quick_flow_store", initial=0.0, half=20.0))
    networks: ClassVar[tuple[Network, ...]] = (
        RecurrentNetwork("daily", forcing=forcing, stores=("swe", "soil_moisture", "groundwater", "quick_flow_store")),
        StaticNetwork("site"),
    )
    parameters_table: ClassVar[tuple[Parameter, ...]] = (
        Parameter("surface_weight", "1", 0.3, 0.0, math.inf, "daily"),
        Parameter("soil_weight", "1", 1.0, 0.0, math.inf, "daily"),
        Parameter("groundwater_weight", "1", 0.3, 0.0, math.inf, "daily"),
        Parameter("evaporation_coefficient", "1", 0.7, 0.0, 1.2, "daily"),
        Parameter("melt_factor", "mm K-1 d-1", 3.0, 0.0, math.inf, "daily"),
        Parameter("soil_capacity", "mm", 250.0, 20.0, 1500.0, "site"),
        Parameter("baseflow_rate", "d-1", 0.02, 0.001, 0.2, "site"),
        Parameter("quick_flow_rate", "d-1", 0.4, 0.05, 1.0, "site"),
        Parameter("snow_correction", "1", 1.0, 0.8, 1.5, "site"),
        Parameter("precipitation_correction", "1", 1.0, 0.8, 1.3, "site"),
    )
    hidden_parameters: ClassVar = H2M.hidden_parameters
    fluxes: ClassVar = (*H2M.fluxes, "quick_flow")
    inflow: ClassVar = H2M.inflow
    outflow: ClassVar = H2M.outflow

    @staticmethod
    def physics(forcing: Named, stores: Named, parameters: Named) -> tuple[Named, Named]:
        """One day of water: H2M's, then surface runoff through the fast reservoir."""
        precipitation = parameters["precipitation_correction"] * forcing["precipitation"]
        demand = parameters["evaporation_coefficient"] * evaporative_demand(forcing["potential_evapotranspiration"])
        new, fluxes = water_cycle(precipitation, forcing["air_temperature"], demand, stores, parameters)
        held, quick_flow = fast_reservoir(
            stores["quick_flow_store"], fluxes["surface_runoff"], parameters["quick_flow_rate"]
        )
        routed = {"quick_flow": quick_flow, "runoff": quick_flow + fluxes["baseflow"], "tws": fluxes["tws"] + held}
        return {**new, "quick_flow_store": held}, {**fluxes, **routed}
