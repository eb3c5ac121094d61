"""H2M held tighter: water reaches groundwater through the soil alone, and a dry soil ends evaporation by itself.

In H2M the network splits water freely, so storage can go to soil or to groundwater with the same total (the
equifinality that Kraft et al. 2022 discuss). Here what passes the soil follows its wetness, evaporation ceases as the
soil dries, and a deep soil drains the slower the drier it is. What is left to learn each day is the share that runs
off, the evaporation of a wet soil and the melt factor, from the weather and the snow; every capacity and rate is the
place's own.
"""

from __future__ import annotations

from typing import ClassVar

from hdlcore.models.hybrid import HybridModel, Named
from hdlcore.models.kinds.h2m import H2M
from hdlcore.models.parameters import Network, Parameter, RecurrentNetwork, StaticNetwork, Store
from hdlcore.physics.energy import equivalent_evaporation
from hdlcore.physics.groundwater import linear_reservoir
from hdlcore.physics.routing import fast_reservoir
from hdlcore.physics.snow import degree_day_melt, precipitation_phase
from hdlcore.physics.soil import moisture_limited_evaporation, saturation_recharge, unsaturated_drainage


class H2MInfiltration(HybridModel):
    """Snow, two layers of soil, groundwater and a quick store; an LSTM without sight of soil and groundwater."""

    forcing: ClassVar = H2M.forcing
    stores: ClassVar = (
        Store("swe", initial=0.0, half=50.0),
        Store("rootzone_moisture", initial=60.0, half=100.0),
        Store("deep_soil_moisture", initial=100.0, half=100.0),
        Store("groundwater", initial=50.0, half=100.0),
        Store("quick_flow_store", initial=0.0, half=20.0),
    )
    networks: ClassVar[tuple[Network, ...]] = (
        RecurrentNetwork("daily", forcing=H2M.forcing, stores=("swe",)),
        StaticNetwork("site"),
    )
    parameters_table: ClassVar[tuple[Parameter, ...]] = (
        Parameter("surface_fraction", "1", 0.1, 0.0, 1.0, "daily"),
        Parameter("evaporation_coefficient", "1", 0.7, 0.0, 1.5, "daily"),
        Parameter("melt_factor", "mm K-1 d-1", 3.0, 0.0, 20.0, "daily"),
        Parameter("snow_correction", "1", 1.0, 0.8, 1.5, "site"),
        Parameter("soil_capacity", "mm", 150.0, 20.0, 1000.0, "site"),
        Parameter("stress_threshold", "1", 0.5, 0.05, 1.0, "site"),
        Parameter("recharge_exponent", "1", 3.0, 0.5, 15.0, "site"),
        Parameter("deep_soil_capacity", "mm", 250.0, 20.0, 1000.0, "site"),
        Parameter("drainage_rate", "d-1", 0.1, 0.005, 0.9, "site"),
        Parameter("drainage_exponent", "1", 4.0, 0.5, 12.0, "site"),
        Parameter("interflow_fraction", "1", 0.3, 0.0, 1.0, "site"),
        Parameter("baseflow_rate", "d-1", 0.01, 0.0005, 0.2, "site"),
        Parameter("quick_flow_rate", "d-1", 0.1, 0.01, 1.0, "site"),
    )
    fluxes: ClassVar = (
        "tws",
        "soil_moisture",
        "evapotranspiration",
        "runoff",
        "surface_runoff",
        "quick_flow",
        "baseflow",
        "rainfall",
        "snowfall",
        "snowmelt",
        "soil_drainage",
        "groundwater_recharge",
    )
    inflow: ClassVar = ("rainfall", "snowfall")
    outflow: ClassVar = ("evapotranspiration", "runoff")

    @staticmethod
    def physics(forcing: Named, stores: Named, parameters: Named) -> tuple[Named, Named]:
        """One day of water, from the sky down: mm and mm d-1 by name."""
        rainfall, snowfall = precipitation_phase(forcing["precipitation"], forcing["air_temperature"])
        snowfall = snowfall * parameters["snow_correction"]
        snowmelt = degree_day_melt(stores["swe"], forcing["air_temperature"], parameters["melt_factor"])
        swe = stores["swe"] + snowfall - snowmelt
        water_input, capacity = rainfall + snowmelt, parameters["soil_capacity"]
        surface_runoff = parameters["surface_fraction"] * water_input
        wetted, passed = saturation_recharge(
            stores["rootzone_moisture"], water_input - surface_runoff, capacity, parameters["recharge_exponent"]
        )
        demand = parameters["evaporation_coefficient"] * equivalent_evaporation(forcing["net_radiation"])
        rootzone_moisture, evapotranspiration = moisture_limited_evaporation(
            wetted, demand, capacity, parameters["stress_threshold"]
        )
        deep_soil_moisture, drainage = unsaturated_drainage(
            stores["deep_soil_moisture"], passed, parameters["deep_soil_capacity"], parameters["drainage_rate"],
            parameters["drainage_exponent"],
        )  # fmt: skip
        interflow = parameters["interflow_fraction"] * drainage
        recharge = drainage - interflow
        groundwater, baseflow = linear_reservoir(stores["groundwater"], recharge, parameters["baseflow_rate"])
        held, quick_flow = fast_reservoir(
            stores["quick_flow_store"], surface_runoff + interflow, parameters["quick_flow_rate"]
        )
        soil_moisture = rootzone_moisture + deep_soil_moisture
        return (
            {
                "swe": swe,
                "rootzone_moisture": rootzone_moisture,
                "deep_soil_moisture": deep_soil_moisture,
                "groundwater": groundwater,
                "quick_flow_store": held,
            },
            {
                "tws": swe + soil_moisture + groundwater + held,
                "soil_moisture": soil_moisture,
                "evapotranspiration": evapotranspiration,
                "runoff": quick_flow + baseflow,
                "surface_runoff": surface_runoff,
                "quick_flow": quick_flow,
                "baseflow": baseflow,
                "rainfall": rainfall,
                "snowfall": snowfall,
                "snowmelt": snowmelt,
                "soil_drainage": drainage,
                "groundwater_recharge": recharge,
            },
        )
