"""The one table of every quantity: name, long name, units, kind, sign, colour map, colour and fixed display range.

Names follow CF standard names where one exists, else the field's usual term. A new quantity is one line here.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

from hdlcore.errors import RequestError

if TYPE_CHECKING:
    import xarray as xr

Kind = Literal["forcing", "store", "flux", "fraction", "parameter", "observation", "score", "memory", "static"]


@dataclass(frozen=True)
class Variable:
    """One quantity.

    `low` and `high` are the fixed colour range on a map (in `units`); `anomaly` is the half-range of its departure
    from its own yearly mean, drawn with the diverging colour map. `positive` says what a positive value means.
    A monthly value is the mean over its days, for stores and fluxes alike. A quantity that no model gives may be made
    of others: `formula` of those it `needs`, wherever they are held (see `with_derived`).
    """

    name: str
    long_name: str
    units: str
    kind: Kind
    cmap: str
    low: float
    high: float
    anomaly: float | None = None
    color: str | None = None
    positive: str = ""
    explanation: str = ""
    standard_name: str | None = None
    needs: tuple[str, ...] = ()
    formula: Callable[..., Any] | None = None

    def attributes(self) -> dict[str, str]:
        """CF attributes for a DataArray of this quantity."""
        attrs = {"long_name": self.long_name, "units": self.units}
        if self.standard_name:
            attrs["standard_name"] = self.standard_name
        return attrs


# Okabe-Ito: told apart by colour-blind readers (Okabe and Ito 2008).
SNOW, SOIL, GROUNDWATER = "#56B4E9", "#E69F00", "#009E73"

_MM = "1 mm of water is 1 litre on each square metre."

# fmt: off
_TABLE = [
    # forcing
    Variable("precipitation", "Precipitation", "mm d-1", "forcing", "devon_r", 0, 12, 6, "#0072B2", "water falling", _MM, "lwe_precipitation_rate"),
    Variable("air_temperature", "Air temperature", "degC", "forcing", "roma_r", -30, 35, 20, "#D55E00", "warmer", "", "air_temperature"),
    Variable("net_radiation", "Net radiation", "W m-2", "forcing", "lajolla_r", 0, 200, 100, "#CC79A7", "energy gained by the surface", "Energy left at the surface to evaporate water and warm the air.", "surface_net_downward_radiative_flux"),
    Variable("potential_evapotranspiration", "Potential evapotranspiration", "mm d-1", "forcing", "bamako_r", 0, 8, 4, "#D55E00", "thirstier air", _MM, "water_potential_evaporation_flux"),
    Variable("shortwave_radiation", "Incoming shortwave radiation", "W m-2", "forcing", "lajolla_r", 0, 350, 150, "#CC79A7", "more sunlight", "", "surface_downwelling_shortwave_flux_in_air"),
    Variable("longwave_radiation", "Incoming longwave radiation", "W m-2", "forcing", "lajolla_r", 150, 450, 80, None, "warmer sky", "", "surface_downwelling_longwave_flux_in_air"),
    Variable("vapour_pressure_deficit", "Vapour pressure deficit", "hPa", "forcing", "bamako_r", 0, 30, 15, None, "drier air", "", "water_vapor_saturation_deficit_in_air"),
    Variable("wind_speed", "Wind speed", "m s-1", "forcing", "batlow", 0, 10, 5, None, "stronger wind", "", "wind_speed"),
    Variable("co2", "Carbon dioxide in the air", "1e-6", "forcing", "batlow", 300, 450, 40, None, "more carbon dioxide", "Parts per million.", "mole_fraction_of_carbon_dioxide_in_air"),
    Variable("precipitation_reanalysis", "Precipitation, ERA5", "mm d-1", "observation", "devon_r", 0, 12, 6, "#0072B2", "water falling", "Reanalysis: observations put into a weather model, mean 2000 to 2025. " + _MM, "lwe_precipitation_rate"),
    Variable("air_temperature_reanalysis", "Air temperature, ERA5", "degC", "observation", "roma_r", -30, 35, 20, "#D55E00", "warmer", "Reanalysis: observations put into a weather model, mean 2000 to 2025.", "air_temperature"),
    # stores
    Variable("tws", "Total water storage", "mm", "store", "davos_r", 0, 800, 200, None, "more water stored", "Snow, soil moisture and groundwater together. " + _MM),
    Variable("swe", "Snow water equivalent", "mm", "store", "oslo", 0, 300, 150, SNOW, "more snow", "The water that the snow on the ground would make if it melted. " + _MM, "lwe_thickness_of_surface_snow_amount"),
    Variable("soil_moisture", "Soil moisture", "mm", "store", "lajolla_r", 0, 400, 150, SOIL, "wetter soil", "Water that plants and evaporation can reach. " + _MM, "lwe_thickness_of_soil_moisture_content"),
    Variable("groundwater", "Groundwater", "mm", "store", "davos_r", 0, 600, 150, GROUNDWATER, "more water below the soil", "Water below the soil that leaves slowly as baseflow; in this model also rivers and lakes. " + _MM),
    Variable("cwd", "Cumulative water deficit", "mm", "store", "lajolla", -400, 0, 150, None, "closer to saturation", "How far the soil is from full: 0 is full, negative is dry. " + _MM),
    Variable("canopy_water", "Water on leaves", "mm", "store", "davos_r", 0, 2, 1, None, "wetter leaves", "Rain caught by leaves before it evaporates or falls. " + _MM, "canopy_water_amount"),
    Variable("snow_liquid_water", "Liquid water in the snow pack", "mm", "store", "oslo", 0, 20, 10, None, "wetter snow", "Part of the snow water equivalent; it can freeze again. " + _MM),
    Variable("snow_ice", "Frozen water in the snow pack", "mm", "store", "oslo", 0, 300, 150, None, "more ice in the snow", "The snow water equivalent without the liquid water in the pores of the pack. " + _MM),
    Variable("topsoil_moisture", "Topsoil moisture", "mm", "store", "lajolla_r", 0, 45, 20, None, "wetter topsoil", "The top 10 cm. " + _MM),
    Variable("rootzone_moisture", "Root zone moisture", "mm", "store", "lajolla_r", 0, 200, 80, None, "wetter root zone", "What plants draw on: in the twin from 10 to 50 cm. " + _MM),
    Variable("deep_soil_moisture", "Deep soil moisture", "mm", "store", "lajolla_r", 0, 400, 150, None, "wetter deep soil", "Below the root zone: in the twin below 50 cm, down to the deepest roots. " + _MM),
    Variable("upper_zone", "Upper groundwater zone", "mm", "store", "davos_r", 0, 60, 30, None, "more water above the water table", "Water that has left the soil and drains within days to weeks. " + _MM),
    Variable("lower_zone", "Lower groundwater zone", "mm", "store", "davos_r", 0, 200, 80, None, "more deep groundwater", "Water that has percolated down and drains within months as baseflow. " + _MM),
    Variable("interflow_store", "Interflow store", "mm", "store", "davos_r", 0, 60, 30, None, "more water moving through the hillslopes", "Water on its way sideways through the soil to rivers. " + _MM),
    Variable("quick_flow_store", "Water on its way to the gauge", "mm", "store", "davos_r", 0, 40, 20, None, "more water on its way to the gauge", "Surface runoff that has not yet reached the gauge. " + _MM),
    Variable("river_water", "Water in rivers and lakes", "mm", "store", "davos_r", 0, 80, 40, None, "fuller rivers", _MM),
    Variable("upper_reach", "Water in the upper reach", "mm", "store", "davos_r", 0, 20, 10, None, "fuller upper reach", "First of the two stores that runoff passes on its way to the gauge. " + _MM),
    Variable("lower_reach", "Water in the lower reach", "mm", "store", "davos_r", 0, 20, 10, None, "fuller lower reach", "Second of the two stores that runoff passes on its way to the gauge. " + _MM),
    Variable("leaf_area_index", "Leaf area index", "1", "store", "bamako_r", 0, 6, 2, "#117733", "more leaves", "Leaf area over ground area.", "leaf_area_index"),
    Variable("soil_temperature", "Soil temperature", "degC", "store", "roma_r", -20, 35, 15, None, "warmer soil", "", "soil_temperature"),
    Variable("leaf_carbon", "Carbon in leaves and fine roots", "gC m-2", "store", "bamako_r", 0, 800, 200, None, "more carbon stored"),
    Variable("wood_carbon", "Carbon in wood", "gC m-2", "store", "bamako_r", 0, 15000, 500, None, "more carbon stored"),
    Variable("litter_carbon", "Carbon in litter", "gC m-2", "store", "bamako_r", 0, 1500, 300, None, "more carbon stored", "", "litter_mass_content_of_carbon"),
    Variable("soil_carbon", "Carbon in soil", "gC m-2", "store", "bamako_r", 0, 25000, 500, None, "more carbon stored", "", "soil_mass_content_of_carbon"),
    # fluxes
    Variable("evapotranspiration", "Evapotranspiration", "mm d-1", "flux", "bamako_r", 0, 5, 2, "#D55E00", "water leaving to the air", _MM, "lwe_water_evaporation_rate"),
    Variable("runoff", "Runoff", "mm d-1", "flux", "devon_r", 0, 6, 3, "#0072B2", "water leaving to rivers", "Surface runoff and baseflow together. " + _MM),
    Variable("surface_runoff", "Surface runoff", "mm d-1", "flux", "devon_r", 0, 4, 2, None, "water leaving over the surface", _MM),
    Variable("baseflow", "Baseflow", "mm d-1", "flux", "devon_r", 0, 4, 2, None, "water leaving from groundwater", _MM),
    Variable("snowfall", "Snowfall", "mm d-1", "flux", "oslo", 0, 5, 3, None, "snow falling", "After the correction for undercatch. " + _MM, "lwe_snowfall_rate"),
    Variable("rainfall", "Rainfall", "mm d-1", "flux", "devon_r", 0, 12, 6, None, "rain falling", _MM),
    Variable("snowmelt", "Snowmelt", "mm d-1", "flux", "oslo", 0, 6, 3, None, "snow turning to water", _MM),
    Variable("soil_recharge", "Soil recharge", "mm d-1", "flux", "lajolla_r", 0, 6, 3, None, "water entering the soil", _MM),
    Variable("groundwater_recharge", "Groundwater recharge", "mm d-1", "flux", "davos_r", 0, 4, 2, None, "water entering groundwater", "Direct recharge and overflow of the full soil. " + _MM),
    Variable("transpiration", "Transpiration", "mm d-1", "flux", "bamako_r", 0, 4, 2, None, "water leaving through plants", _MM, "lwe_transpiration_rate"),
    Variable("soil_evaporation", "Soil evaporation", "mm d-1", "flux", "bamako_r", 0, 2, 1, None, "water leaving from bare soil", _MM, "lwe_water_evaporation_rate_from_soil"),
    Variable("interception_evaporation", "Evaporation from wet leaves", "mm d-1", "flux", "bamako_r", 0, 2, 1, None, "water leaving from wet leaves", _MM, "lwe_water_evaporation_rate_from_canopy"),
    Variable("snow_evaporation", "Evaporation from snow", "mm d-1", "flux", "oslo", 0, 1, 0.5, None, "water leaving from snow", _MM),
    Variable("refreezing", "Refreezing in the snow pack", "mm d-1", "flux", "oslo", 0, 2, 1, None, "meltwater freezing again", _MM),
    Variable("interflow", "Interflow", "mm d-1", "flux", "devon_r", 0, 4, 2, None, "water leaving sideways through the soil", _MM),
    Variable("quick_flow", "Quick flow", "mm d-1", "flux", "devon_r", 0, 4, 2, None, "water leaving within days of the rain", "Runoff of the wettest store, after its way to the gauge where that is modelled. " + _MM),
    Variable("soil_drainage", "Drainage from the soil", "mm d-1", "flux", "davos_r", 0, 4, 2, None, "water leaving the soil downwards", _MM),
    Variable("percolation", "Percolation", "mm d-1", "flux", "davos_r", 0, 4, 2, None, "water moving down to the lower zone", _MM),
    Variable("gpp", "Gross primary production", "gC m-2 d-1", "flux", "bamako_r", 0, 10, 4, "#117733", "more carbon taken up", "", "gross_primary_productivity_of_biomass_expressed_as_carbon"),
    Variable("reco", "Ecosystem respiration", "gC m-2 d-1", "flux", "bamako_r", 0, 10, 4, "#882255", "more carbon respired", "Plants and soil together."),
    Variable("nee", "Net ecosystem exchange", "gC m-2 d-1", "flux", "vik_r", -4, 4, 3, "#332288", "carbon lost to the air", "Negative when the land takes up carbon."),
    Variable("autotrophic_respiration", "Plant respiration", "gC m-2 d-1", "flux", "bamako_r", 0, 6, 3, None, "more carbon respired by plants", "", "plant_respiration_carbon_flux"),
    Variable("heterotrophic_respiration", "Soil and litter respiration", "gC m-2 d-1", "flux", "bamako_r", 0, 6, 3, None, "more carbon respired by microbes", "", "heterotrophic_respiration_carbon_flux"),
    # fractions of a process model
    Variable("snow_cover", "Snow cover", "1", "fraction", "oslo", 0, 1, 0.4, None, "more ground under snow", "", "surface_snow_area_fraction"),
    Variable("moisture_stress", "Moisture factor of plants", "1", "fraction", "lajolla_r", 0, 1, 0.4, None, "less thirst", "1 where roots find all the water they want, 0 at the wilting point."),
    Variable("fapar", "Absorbed photosynthetic radiation share", "1", "fraction", "bamako_r", 0, 1, 0.3, "#117733", "more light used by plants", "", "fraction_of_surface_downwelling_photosynthetic_radiative_flux_absorbed_by_vegetation"),
    Variable("ndvi", "NDVI", "1", "fraction", "bamako_r", 0, 1, 0.3, "#44AA99", "greener", "", "normalized_difference_vegetation_index"),
    # learned, varying in time
    Variable("soil_fraction", "Fraction of water input to soil", "1", "fraction", "lipari_r", 0, 1, 0.4, SOIL, "more goes to soil"),
    Variable("groundwater_fraction", "Fraction of water input to groundwater", "1", "fraction", "lipari_r", 0, 1, 0.4, GROUNDWATER, "more goes to groundwater"),
    Variable("surface_fraction", "Fraction of water input to surface runoff", "1", "fraction", "lipari_r", 0, 1, 0.4, "#0072B2", "more runs off"),
    Variable("evaporative_fraction", "Evaporative fraction", "1", "fraction", "bamako_r", 0, 1, 0.4, "#D55E00", "more of the net radiation evaporates water"),
    Variable("melt_factor", "Degree-day melt factor", "mm K-1 d-1", "parameter", "oslo", 0, 10, 4, SNOW, "faster melt"),
    Variable("evaporation_coefficient", "Evapotranspiration coefficient", "1", "fraction", "bamako_r", 0, 1.2, 0.4, "#D55E00", "more of the potential evapotranspiration is met", "What the land would evaporate, were there water, over potential evapotranspiration."),
    # learned or calibrated, fixed in time
    Variable("soil_capacity", "Soil water capacity", "mm", "parameter", "lajolla_r", 0, 600, None, SOIL, "larger soil store"),
    Variable("baseflow_rate", "Baseflow recession rate", "d-1", "parameter", "davos_r", 0, 0.01, None, GROUNDWATER, "groundwater drains faster"),
    Variable("snow_correction", "Snowfall correction factor", "1", "parameter", "oslo", 0.8, 1.5, None, SNOW, "more snow than measured"),
    Variable("precipitation_correction", "Precipitation correction factor", "1", "parameter", "devon_r", 0.8, 1.3, None, None, "more precipitation than measured"),
    Variable("threshold_temperature", "Threshold temperature of snow", "degC", "parameter", "roma_r", -2.5, 2.5, None, SNOW, "snow falls and melts in warmer air", "Centre of the change from snow to rain, and where melt begins."),
    Variable("refreezing_factor", "Refreezing coefficient", "1", "parameter", "oslo", 0, 0.1, None, SNOW, "meltwater freezes faster", "Refreezing per degree below the threshold over melt per degree above it."),
    Variable("holding_capacity", "Water holding capacity of snow", "1", "parameter", "oslo", 0, 0.2, None, SNOW, "snow holds more liquid water", "Liquid water the pack can hold over its frozen water."),
    Variable("recharge_exponent", "Recharge exponent", "1", "parameter", "lajolla_r", 1, 6, None, SOIL, "a dry soil lets less water through", "The power of soil wetness that passes on as recharge (HBV's beta)."),
    Variable("stress_threshold", "Wetness below which evaporation is limited", "1", "parameter", "lajolla_r", 0.3, 1, None, SOIL, "drought stress begins in a wetter soil", "Share of soil water capacity (HBV's LP)."),
    Variable("deep_soil_capacity", "Deep soil water capacity", "mm", "parameter", "lajolla_r", 0, 600, None, SOIL, "larger deep soil"),
    Variable("drainage_rate", "Drainage rate of a full deep soil", "d-1", "parameter", "davos_r", 0, 0.5, None, SOIL, "a wet deep soil drains faster"),
    Variable("drainage_exponent", "Drainage exponent", "1", "parameter", "davos_r", 0, 12, None, SOIL, "drainage ceases sooner as the deep soil dries"),
    Variable("interflow_fraction", "Share of drainage that flows sideways", "1", "parameter", "devon_r", 0, 1, None, None, "less water reaches groundwater"),
    Variable("percolation_rate", "Largest percolation rate", "mm d-1", "parameter", "davos_r", 0, 10, None, GROUNDWATER, "more water reaches the lower zone"),
    Variable("quick_flow_threshold", "Threshold of quick flow", "mm", "parameter", "devon_r", 0, 100, None, None, "quick flow begins in a fuller store"),
    Variable("quick_flow_rate", "Quick flow recession rate", "d-1", "parameter", "devon_r", 0, 1, None, None, "floods pass faster"),
    Variable("interflow_rate", "Interflow recession rate", "d-1", "parameter", "devon_r", 0, 0.5, None, None, "the upper zone drains faster"),
    Variable("routing_rate", "Routing rate of a reach", "d-1", "parameter", "devon_r", 0.25, 1, None, None, "water reaches the gauge sooner"),
    # observations
    Variable("tws_observed", "Total water storage anomaly, GRACE", "mm", "observation", "vik_r", -150, 150, 150, "#555555", "more water stored than the yearly mean", "Observed from space by GRACE, smoothed over a few hundred kilometres. " + _MM),
    Variable("swe_observed", "Snow water equivalent, observed", "mm", "observation", "oslo", 0, 300, 150, "#555555", "more snow", _MM, "lwe_thickness_of_surface_snow_amount"),
    Variable("evapotranspiration_observed", "Evapotranspiration, observed", "mm d-1", "observation", "bamako_r", 0, 5, 2, "#555555", "water leaving to the air", _MM, "lwe_water_evaporation_rate"),
    Variable("runoff_observed", "Runoff, observed", "mm d-1", "observation", "devon_r", 0, 6, 3, "#555555", "water leaving to rivers", "River discharge over the area that feeds it. " + _MM),
    Variable("gpp_observed", "Gross primary production, observed", "gC m-2 d-1", "observation", "bamako_r", 0, 10, 5, "#555555", "more carbon taken up", "Split from the measured exchange by a model."),
    Variable("nee_observed", "Net ecosystem exchange, observed", "gC m-2 d-1", "observation", "vik_r", -5, 5, 3, "#555555", "carbon lost to the air", "Negative when the land takes up carbon."),
    Variable("reco_observed", "Ecosystem respiration, observed", "gC m-2 d-1", "observation", "bamako_r", 0, 10, 5, "#555555", "more carbon respired", "Split from the measured exchange by a model."),
    Variable("latent_heat_observed", "Latent heat flux, observed", "W m-2", "observation", "bamako_r", 0, 150, 80, "#555555", "more heat carried away by water vapour", "", "surface_upward_latent_heat_flux"),
    Variable("sensible_heat_observed", "Sensible heat flux, observed", "W m-2", "observation", "lajolla_r", -50, 150, 80, "#555555", "more heat warming the air", "", "surface_upward_sensible_heat_flux"),
    Variable("ground_heat_observed", "Ground heat flux, observed", "W m-2", "observation", "vik_r", -50, 50, 30, "#555555", "more heat into the ground", "", "downward_heat_flux_at_ground_level_in_soil"),
    Variable("soil_water_observed", "Volumetric soil water, observed", "1", "observation", "lajolla_r", 0, 0.5, 0.2, "#555555", "wetter soil", "Share of the soil's volume that is water, at the probe's depth.", "volume_fraction_of_condensed_water_in_soil"),
    Variable("ndvi_observed", "NDVI, observed", "1", "observation", "bamako_r", 0, 1, 0.3, "#555555", "greener", "", "normalized_difference_vegetation_index"),
    Variable("gcc_observed", "Green chromatic coordinate, observed", "1", "observation", "bamako_r", 0.3, 0.5, 0.1, "#555555", "greener", "The green share of a camera picture's colour."),
    Variable("fapar_observed", "Absorbed photosynthetic radiation share, observed", "1", "observation", "bamako_r", 0, 1, 0.3, "#555555", "more light used by plants", "", "fraction_of_surface_downwelling_photosynthetic_radiative_flux_absorbed_by_vegetation"),
    Variable("weather_coverage", "Measured share of the day, weather", "1", "observation", "lipari", 0, 1, None, "#555555", "more measured, less filled", "Share of the day's half hours in which the weather was measured, or filled with good quality."),
    Variable("energy_coverage", "Measured share of the day, energy fluxes", "1", "observation", "lipari", 0, 1, None, "#555555", "more measured, less filled", "Share of the day's half hours in which the heat fluxes were measured, or filled with good quality."),
    Variable("carbon_coverage", "Measured share of the day, carbon exchange", "1", "observation", "lipari", 0, 1, None, "#555555", "more measured, less filled", "Share of the day's half hours in which the carbon exchange was measured, or filled with good quality."),
    Variable("tws_smoothed", "Total water storage anomaly, model as GRACE sees it", "mm", "store", "vik_r", -150, 150, 150, None, "more water stored than the yearly mean", "The model's storage under GRACE's own smoothing. " + _MM),
    Variable("tws_residual", "Model minus observed, total water storage anomaly", "mm", "score", "broc_r", -100, 100, 100, None, "the model stores more than observed", _MM, needs=("tws_smoothed", "tws_observed"), formula=operator.sub),
    # scores
    Variable("tws_nse", "Skill on held-out blocks (NSE, seasonal storage)", "1", "score", "lipari", -1, 1, None, None, "1 is perfect, 0 is no better than the mean"),
    Variable("tws_correlation", "Correlation of storage on held-out blocks", "1", "score", "lipari", -1, 1, None, None, "same timing"),
    Variable("swe_nse", "Skill on held-out blocks and years (NSE, snow)", "1", "score", "lipari", -1, 1, None, None, "1 is perfect, 0 is no better than the mean"),
    Variable("swe_correlation", "Correlation of snow on held-out blocks and years", "1", "score", "lipari", -1, 1, None, None, "same timing"),
    Variable("evapotranspiration_nse", "Skill on held-out blocks and years (NSE, evapotranspiration)", "1", "score", "lipari", -1, 1, None, None, "1 is perfect, 0 is no better than the mean"),
    Variable("evapotranspiration_correlation", "Correlation of evapotranspiration on held-out blocks and years", "1", "score", "lipari", -1, 1, None, None, "same timing"),
    Variable("runoff_nse", "Skill on held-out blocks and years (NSE, runoff)", "1", "score", "lipari", -1, 1, None, None, "1 is perfect, 0 is no better than the mean"),
    Variable("runoff_correlation", "Correlation of runoff on held-out blocks and years", "1", "score", "lipari", -1, 1, None, None, "same timing"),
    Variable("swe_truth_correlation", "Truth found: anomalies of snow (r)", "1", "score", "lipari", -1, 1, None, None, "1 where the store follows the twin's truth"),
    Variable("swe_share_error", "Share of storage variance, snow: model minus truth", "1", "score", "vik", -0.5, 0.5, None, None, "the model gives this store more of the variance than it has"),
    Variable("soil_moisture_truth_correlation", "Truth found: anomalies of soil moisture (r)", "1", "score", "lipari", -1, 1, None, None, "1 where the store follows the twin's truth"),
    Variable("soil_moisture_share_error", "Share of storage variance, soil moisture: model minus truth", "1", "score", "vik", -0.5, 0.5, None, None, "the model gives this store more of the variance than it has"),
    Variable("groundwater_truth_correlation", "Truth found: anomalies of groundwater (r)", "1", "score", "lipari", -1, 1, None, None, "1 where the store follows the twin's truth"),
    Variable("groundwater_share_error", "Share of storage variance, groundwater: model minus truth", "1", "score", "vik", -0.5, 0.5, None, None, "the model gives this store more of the variance than it has"),
    Variable("tws_equifinality", "Members disagree on total storage (swing, timing)", "1", "score", "lajolla_r", 0, 2, None, None, "0: members agree; 1: they differ as much as each varies", "Squared difference of pairs of members, each as a departure from its own mean, over their variance (equifinality). Storage is observed as a departure: mean levels may differ freely and do not count."),
    Variable("swe_equifinality", "Members disagree on snow (swing, timing)", "1", "score", "lajolla_r", 0, 2, None, None, "0: members agree; 1: they differ as much as each varies", "Squared difference of pairs of members, each as a departure from its own mean, over their variance (equifinality). Storage is observed as a departure: mean levels may differ freely and do not count."),
    Variable("soil_moisture_equifinality", "Members disagree on soil moisture (swing, timing)", "1", "score", "lajolla_r", 0, 2, None, None, "0: members agree; 1: they differ as much as each varies", "Squared difference of pairs of members, each as a departure from its own mean, over their variance (equifinality). Storage is observed as a departure: mean levels may differ freely and do not count."),
    Variable("groundwater_equifinality", "Members disagree on groundwater (swing, timing)", "1", "score", "lajolla_r", 0, 2, None, None, "0: members agree; 1: they differ as much as each varies", "Squared difference of pairs of members, each as a departure from its own mean, over their variance (equifinality). Storage is observed as a departure: mean levels may differ freely and do not count."),
    Variable("evapotranspiration_equifinality", "Members disagree on evapotranspiration (level, swing, timing)", "1", "score", "lajolla_r", 0, 2, None, None, "0: members agree; 1: they differ as much as each varies", "Squared difference of pairs of members over their variance (equifinality)."),
    Variable("runoff_equifinality", "Members disagree on runoff (level, swing, timing)", "1", "score", "lajolla_r", 0, 2, None, None, "0: members agree; 1: they differ as much as each varies", "Squared difference of pairs of members over their variance (equifinality)."),
    Variable("extrapolation", "Unlike what it learned from", "1", "score", "lajolla_r", 0, 2, None, None, "above 1 the model extrapolates: its scores say nothing there", "Distance to the nearest training place in statics and climate, over the largest that held-out scoring has met (Meyer and Pebesma 2021)."),
    # memory
    Variable("memory_time", "Mean memory time of total water storage", "d", "memory", "batlow", 0, 180, None, None, "older weather still matters", "The lag of past weather, averaged by its weight in today's storage."),
    Variable("memory_share", "Share of memory older than 90 days", "1", "memory", "batlow", 0, 1, None, None, "older weather still matters"),
    Variable("memory_length", "Lag beyond which influence stays under 5 % of its peak", "d", "memory", "batlow", 0, 365, None, None, "older weather still matters", "The last lag at which influence reaches 5 % of its peak; 364 days, the end of the window, means a year or more."),
    Variable("memory_80", "Lag within which 80 % of the influence lies", "d", "memory", "batlow", 0, 365, None, None, "older weather still matters"),
    Variable("memory_90", "Lag within which 90 % of the influence lies", "d", "memory", "batlow", 0, 365, None, None, "older weather still matters"),
    # share of the seasonal storage variance
    Variable("store_shares", "Stores that carry the yearly swing", "1", "store", "batlow", 0, 1, None, None, "", "The shares of snow, soil moisture and groundwater in the swing of stored water, as a mixed colour."),
    Variable("snow_share", "Share of storage variance carried by snow", "1", "store", "oslo", 0, 1, None, SNOW, "snow carries the swing"),
    Variable("soil_share", "Share of storage variance carried by soil moisture", "1", "store", "lajolla_r", 0, 1, None, SOIL, "soil carries the swing"),
    Variable("groundwater_share", "Share of storage variance carried by groundwater", "1", "store", "davos_r", 0, 1, None, GROUNDWATER, "groundwater carries the swing"),
    # statics
    Variable("elevation", "Elevation", "m", "static", "oleron_land", 0, 5000, None, None, "higher"),
    Variable("ndvi_max", "Greenest NDVI of the year", "1", "static", "bamako_r", 0, 1, None, None, "greener"),
    Variable("ndvi_min", "Least green NDVI of the year", "1", "static", "bamako_r", 0, 1, None, None, "greener"),
    Variable("land_cover", "Dominant land cover", "1", "static", "igbp", 1, 16, None, None, "", "The commonest class of the International Geosphere-Biosphere Programme, seen by MODIS in 2019.", "area_type"),
    Variable("koeppen", "Köppen-Geiger climate", "1", "static", "koeppen", 1, 31, None, None, "", "Classes of temperature and precipitation through the year."),
]
# fmt: on

VARIABLES: dict[str, Variable] = {variable.name: variable for variable in _TABLE}


def variable(name: str) -> Variable:
    """Return the entry of `name`; raises `RequestError` naming the near misses when there is none."""
    try:
        return VARIABLES[name]
    except KeyError:
        near = get_close_matches(name, VARIABLES, n=3)
        hint = f"did you mean {' or '.join(near)}?" if near else f"known names: {', '.join(VARIABLES)}."
        raise RequestError(f"No variable is called '{name}'; {hint}") from None


def with_derived(data: xr.Dataset) -> xr.Dataset:
    """The dataset with each quantity of the table that can be made of what it holds and that it does not hold itself.

    On a mean seasonal cycle the formula is of means: it gives the mean of a quantity that is a sum or a difference, and
    only about that of one that is a ratio or a product.
    """
    made = {}
    for name, entry in VARIABLES.items():
        if entry.formula is not None and name not in data and all(need in data for need in entry.needs):
            made[name] = entry.formula(*(data[need] for need in entry.needs)).assign_attrs(entry.attributes())
    return data.assign(made) if made else data
