"""HBV: the conceptual model of Bergström (1992), as in HBV-light (Seibert and Vis 2012, HESS 16, 3315).

Every parameter is one number for all cells, within the ranges usual for its calibration (Seibert and Vis 2012; Beck et
al. 2016, doi:10.1002/2015WR018247; Feng et al. 2022, doi:10.1029/2022WR032404). What differs: rain turns to snow over a
ramp instead of at a step, and a cascade of two fast stores stands for the triangular weights (MAXBAS), so that water on
its way is a store and the balance closes. Parameters carry the papers' symbols in the comments.
"""

from __future__ import annotations

from typing import ClassVar

from hdlcore.models.hybrid import HybridModel, Named
from hdlcore.models.parameters import GLOBAL, Network, Parameter, Store
from hdlcore.physics.energy import evaporative_demand
from hdlcore.physics.groundwater import linear_reservoir, threshold_reservoir
from hdlcore.physics.ops import Array
from hdlcore.physics.routing import fast_reservoir
from hdlcore.physics.snow import degree_day_melt, pack_outflow, precipitation_phase, refreezing
from hdlcore.physics.soil import moisture_limited_evaporation, saturation_recharge


class HBV(HybridModel):
    """Snow with liquid water, one soil, an upper and a lower zone, two reaches; no network."""

    forcing: ClassVar = ("precipitation", "air_temperature", "potential_evapotranspiration")
    stores: ClassVar = (
        Store("snow_ice", initial=0.0, half=50.0),
        Store("snow_liquid_water", initial=0.0, half=10.0),
        Store("soil_moisture", initial=100.0, half=100.0),
        Store("upper_zone", initial=10.0, half=20.0),
        Store("lower_zone", initial=50.0, half=100.0),
        Store("upper_reach", initial=0.0, half=5.0),
        Store("lower_reach", initial=0.0, half=5.0),
    )
    networks: ClassVar[tuple[Network, ...]] = ()
    parameters_table: ClassVar[tuple[Parameter, ...]] = (
        Parameter("threshold_temperature", "degC", 0.0, -2.5, 2.5, GLOBAL),  # TT
        Parameter("melt_factor", "mm K-1 d-1", 3.0, 0.5, 10.0, GLOBAL),  # CFMAX
        Parameter("snow_correction", "1", 1.0, 0.5, 1.5, GLOBAL),  # SFCF
        Parameter("refreezing_factor", "1", 0.05, 0.0, 0.1, GLOBAL),  # CFR
        Parameter("holding_capacity", "1", 0.1, 0.0, 0.2, GLOBAL),  # CWH
        Parameter("soil_capacity", "mm", 250.0, 50.0, 1000.0, GLOBAL),  # FC
        Parameter("recharge_exponent", "1", 2.0, 1.0, 6.0, GLOBAL),  # BETA
        Parameter("stress_threshold", "1", 0.7, 0.3, 1.0, GLOBAL),  # LP
        Parameter("percolation_rate", "mm d-1", 1.0, 0.0, 10.0, GLOBAL),  # PERC
        Parameter("quick_flow_threshold", "mm", 20.0, 0.0, 100.0, GLOBAL),  # UZL
        Parameter("quick_flow_rate", "d-1", 0.3, 0.05, 0.9, GLOBAL),  # K0
        Parameter("interflow_rate", "d-1", 0.1, 0.01, 0.5, GLOBAL),  # K1
        Parameter("baseflow_rate", "d-1", 0.02, 0.001, 0.2, GLOBAL),  # K2
        # two reaches hold water 2 (1 - rate) / rate days: 6 at the lower bound, a MAXBAS of 12; 0 at the upper, of 1
        Parameter("routing_rate", "d-1", 0.7, 0.25, 1.0, GLOBAL),
    )
    fluxes: ClassVar = (
        "tws",
        "swe",
        "groundwater",
        "river_water",
        "evapotranspiration",
        "runoff",
        "quick_flow",
        "interflow",
        "baseflow",
        "percolation",
        "groundwater_recharge",
        "rainfall",
        "snowfall",
        "snowmelt",
        "refreezing",
    )
    inflow: ClassVar = ("rainfall", "snowfall")
    outflow: ClassVar = ("evapotranspiration", "runoff")

    @staticmethod
    def physics(forcing: Named, stores: Named, parameters: Named) -> tuple[Named, Named]:
        """One day of water, from the sky down: mm and mm d-1 by name."""
        snow, snow_fluxes, water_input = _snow(
            forcing["precipitation"], forcing["air_temperature"], stores["snow_ice"], stores["snow_liquid_water"],
            parameters,
        )  # fmt: skip
        demand = evaporative_demand(forcing["potential_evapotranspiration"])
        capacity = parameters["soil_capacity"]
        wetted, recharge = saturation_recharge(
            stores["soil_moisture"], water_input, capacity, parameters["recharge_exponent"]
        )
        soil_moisture, evapotranspiration = moisture_limited_evaporation(
            wetted, demand, capacity, parameters["stress_threshold"]
        )
        upper_zone, percolation, quick_flow, interflow = threshold_reservoir(
            stores["upper_zone"], recharge, parameters["percolation_rate"], parameters["quick_flow_threshold"],
            parameters["quick_flow_rate"], parameters["interflow_rate"],
        )  # fmt: skip
        lower_zone, baseflow = linear_reservoir(stores["lower_zone"], percolation, parameters["baseflow_rate"])
        rate, generated = parameters["routing_rate"], quick_flow + interflow + baseflow
        upper_reach, passed_on = fast_reservoir(stores["upper_reach"], generated, rate)
        lower_reach, runoff = fast_reservoir(stores["lower_reach"], passed_on, rate)
        groundwater, river_water = upper_zone + lower_zone, upper_reach + lower_reach
        return (
            {
                **snow,
                "soil_moisture": soil_moisture,
                "upper_zone": upper_zone,
                "lower_zone": lower_zone,
                "upper_reach": upper_reach,
                "lower_reach": lower_reach,
            },
            {
                **snow_fluxes,
                "tws": snow_fluxes["swe"] + soil_moisture + groundwater + river_water,
                "groundwater": groundwater,
                "river_water": river_water,
                "evapotranspiration": evapotranspiration,
                "runoff": runoff,
                "quick_flow": quick_flow,
                "interflow": interflow,
                "baseflow": baseflow,
                "percolation": percolation,
                "groundwater_recharge": recharge,
            },
        )


def _snow(
    precipitation: Array, air_temperature: Array, snow_ice: Array, snow_liquid_water: Array, parameters: Named
) -> tuple[Named, Named, Array]:
    """A pack of ice and the water in its pores: its stores, its fluxes, and the water that reaches the soil (mm d-1).

    Rain falls into the pores; without a pack they hold nothing and it passes.
    """
    threshold, melt_factor = parameters["threshold_temperature"], parameters["melt_factor"]
    rainfall, snowfall = precipitation_phase(precipitation, air_temperature, threshold)
    snowfall = snowfall * parameters["snow_correction"]
    snowmelt = degree_day_melt(snow_ice, air_temperature, melt_factor, threshold)
    frozen = refreezing(snow_liquid_water, air_temperature, melt_factor, parameters["refreezing_factor"], threshold)
    ice = snow_ice + snowfall - snowmelt + frozen
    wet = snow_liquid_water + rainfall + snowmelt - frozen
    outflow = pack_outflow(wet, ice, parameters["holding_capacity"])
    liquid = wet - outflow
    return (
        {"snow_ice": ice, "snow_liquid_water": liquid},
        {"rainfall": rainfall, "snowfall": snowfall, "snowmelt": snowmelt, "refreezing": frozen, "swe": ice + liquid},
        outflow,
    )
