"""H2M: a hybrid model of the global hydrological cycle (Kraft et al. 2022, HESS 26, 1579).

Three of its weak points are mended: the soil store is bounded by a learned capacity instead of a deficit without
floor, it overflows only when full (no leak at zero deficit), and the snowfall correction stays within 0.8 to 1.5.
Rain and snow are told apart by a ramp from -1 to 1 degC instead of a switch at 0 degC.
"""

from __future__ import annotations

import math
from typing import ClassVar

from hdlcore.models.hybrid import HybridModel, Named
from hdlcore.models.parameters import GLOBAL, Network, Parameter, RecurrentNetwork, StaticNetwork, Store
from hdlcore.physics.energy import equivalent_evaporation
from hdlcore.physics.groundwater import linear_reservoir
from hdlcore.physics.ops import Array
from hdlcore.physics.snow import degree_day_melt, precipitation_phase
from hdlcore.physics.soil import bounded_soil, water_partition


class H2M(HybridModel):
    """Snow, soil and groundwater stores; an LSTM learns partitioning, evaporative fraction and melt, every day."""

    forcing: ClassVar = ("precipitation", "air_temperature", "net_radiation")
    stores: ClassVar = (
        Store("swe", initial=0.0, half=50.0),
        Store("soil_moisture", initial=100.0, half=100.0),
        Store("groundwater", initial=100.0, half=200.0),
    )
    networks: ClassVar[tuple[Network, ...]] = (
        RecurrentNetwork("daily", forcing=forcing, stores=("swe", "soil_moisture", "groundwater")),
        StaticNetwork("site"),
    )
    parameters_table: ClassVar[tuple[Parameter, ...]] = (
        Parameter("surface_weight", "1", 0.3, 0.0, math.inf, "daily"),
        Parameter("soil_weight", "1", 1.0, 0.0, math.inf, "daily"),
        Parameter("groundwater_weight", "1", 0.3, 0.0, math.inf, "daily"),
        Parameter("evaporative_fraction", "1", 0.5, 0.0, 1.0, "daily"),
        Parameter("melt_factor", "mm K-1 d-1", 3.0, 0.0, math.inf, "daily"),
        Parameter("soil_capacity", "mm", 250.0, 20.0, 1500.0, "site"),
        Parameter("baseflow_rate", "d-1", 0.005, 0.0, 0.01, GLOBAL),
        Parameter("snow_correction", "1", 1.0, 0.8, 1.5, GLOBAL),
    )
    hidden_parameters: ClassVar = ("surface_weight", "soil_weight", "groundwater_weight")
    fluxes: ClassVar = (
        "tws",
        "cwd",
        "evapotranspiration",
        "runoff",
        "surface_runoff",
        "baseflow",
        "rainfall",
        "snowfall",
        "snowmelt",
        "soil_recharge",
        "groundwater_recharge",
        "surface_fraction",
        "soil_fraction",
        "groundwater_fraction",
    )
    inflow: ClassVar = ("rainfall", "snowfall")
    outflow: ClassVar = ("evapotranspiration", "runoff")

    @staticmethod
    def physics(forcing: Named, stores: Named, parameters: Named) -> tuple[Named, Named]:
        """One day of water, with net radiation as the demand of the air."""
        demand = parameters["evaporative_fraction"] * equivalent_evaporation(forcing["net_radiation"])
        return water_cycle(forcing["precipitation"], forcing["air_temperature"], demand, stores, parameters)


def water_cycle(
    precipitation: Array, air_temperature: Array, demand: Array, stores: Named, parameters: Named
) -> tuple[Named, Named]:
    """One day of snow, soil and groundwater: stores (mm) and fluxes (mm d-1) by name.

    precipitation and demand (what the air would take) in mm d-1, air_temperature in degC. What comes in leaves or
    stays, to the last bit of the arithmetic.
    """
    rainfall, snowfall = precipitation_phase(precipitation, air_temperature)
    snowfall = snowfall * parameters["snow_correction"]
    snowmelt = degree_day_melt(stores["swe"], air_temperature, parameters["melt_factor"])
    swe = stores["swe"] + snowfall - snowmelt

    water_input = rainfall + snowmelt
    to_surface, to_soil, to_groundwater = water_partition(
        parameters["surface_weight"], parameters["soil_weight"], parameters["groundwater_weight"]
    )
    soil_moisture, evapotranspiration, overflow = bounded_soil(
        stores["soil_moisture"], to_soil * water_input, demand, parameters["soil_capacity"]
    )
    recharge = to_groundwater * water_input + overflow
    groundwater, baseflow = linear_reservoir(stores["groundwater"], recharge, parameters["baseflow_rate"])
    surface_runoff = to_surface * water_input
    return (
        {"swe": swe, "soil_moisture": soil_moisture, "groundwater": groundwater},
        {
            "tws": swe + soil_moisture + groundwater,
            "cwd": soil_moisture - parameters["soil_capacity"],
            "evapotranspiration": evapotranspiration,
            "runoff": surface_runoff + baseflow,
            "surface_runoff": surface_runoff,
            "baseflow": baseflow,
            "rainfall": rainfall,
            "snowfall": snowfall,
            "snowmelt": snowmelt,
            "soil_recharge": to_soil * water_input,
            "groundwater_recharge": recharge,
            "surface_fraction": to_surface,
            "soil_fraction": to_soil,
            "groundwater_fraction": to_groundwater,
        },
    )
