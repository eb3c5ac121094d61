"""The one table of every quantity: name, long name, units, kind, sign, colour map, colour and fixed display range.

Names follow CF standard names where one exists, else the field's usual term. A new quantity is one line here.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from hdlcore.errors import RequestError

Kind = Literal["forcing", "store", "flux", "fraction", "parameter", "observation", "score", "memory", "static"]


@dataclass(frozen=True)
class Variable:
    """One quantity.

    `low` and `high` are the fixed colour range on a map (in `units`); `anomaly` is the half-range of its departure
    from its own yearly mean, drawn with the diverging colour map. `positive` says what a positive value means.
    A monthly value is the mean over its days, for stores and fluxes alike.
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
    # stores
    Variable("tws", "Total water storage", "mm", "store", "davos_r", 0, 800, 200, None, "more water stored", "Snow, soil moisture and groundwater together. " + _MM),
    Variable("swe", "Snow water equivalent", "mm", "store", "oslo", 0, 300, 150, SNOW, "more snow", "The water that the snow on the ground would make if it melted. " + _MM, "lwe_thickness_of_surface_snow_amount"),
    Variable("soil_moisture", "Soil moisture", "mm", "store", "lajolla_r", 0, 400, 150, SOIL, "wetter soil", "Water that plants and evaporation can reach. " + _MM, "lwe_thickness_of_soil_moisture_content"),
    Variable("groundwater", "Groundwater", "mm", "store", "davos_r", 0, 600, 150, GROUNDWATER, "more water below the soil", "Water below the soil that leaves slowly as baseflow; in this model also rivers and lakes. " + _MM),
    Variable("cwd", "Cumulative water deficit", "mm", "store", "lajolla", -400, 0, 150, None, "closer to saturation", "How far the soil is from full: 0 is full, negative is dry. " + _MM),
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
    # learned, varying in time
    Variable("soil_fraction", "Fraction of water input to soil", "1", "fraction", "lipari_r", 0, 1, 0.4, SOIL, "more goes to soil"),
    Variable("groundwater_fraction", "Fraction of water input to groundwater", "1", "fraction", "lipari_r", 0, 1, 0.4, GROUNDWATER, "more goes to groundwater"),
    Variable("surface_fraction", "Fraction of water input to surface runoff", "1", "fraction", "lipari_r", 0, 1, 0.4, "#0072B2", "more runs off"),
    Variable("evaporative_fraction", "Evaporative fraction", "1", "fraction", "bamako_r", 0, 1, 0.4, "#D55E00", "more of the net radiation evaporates water"),
    Variable("melt_factor", "Degree-day melt factor", "mm K-1 d-1", "parameter", "oslo", 0, 10, 4, SNOW, "faster melt"),
    # learned or calibrated, fixed in time
    Variable("soil_capacity", "Soil water capacity", "mm", "parameter", "lajolla_r", 0, 600, None, SOIL, "larger soil store"),
    Variable("baseflow_rate", "Baseflow recession rate", "d-1", "parameter", "davos_r", 0, 0.01, None, GROUNDWATER, "groundwater drains faster"),
    Variable("snow_correction", "Snowfall correction factor", "1", "parameter", "oslo", 0.8, 1.5, None, SNOW, "more snow than measured"),
    # observations
    Variable("tws_observed", "Total water storage anomaly, GRACE", "mm", "observation", "vik_r", -150, 150, 150, "#555555", "more water stored than the yearly mean", "Observed from space by GRACE, smoothed over a few hundred kilometres. " + _MM),
    Variable("tws_smoothed", "Total water storage anomaly, model as GRACE sees it", "mm", "store", "vik_r", -150, 150, 150, None, "more water stored than the yearly mean", "The model's storage under GRACE's own smoothing. " + _MM),
    Variable("tws_residual", "Model minus GRACE, total water storage anomaly", "mm", "score", "broc_r", -100, 100, 100, None, "the model stores more than observed", _MM),
    # scores
    Variable("tws_nse", "Skill on held-out blocks (NSE, seasonal storage)", "1", "score", "lipari", -1, 1, None, None, "1 is perfect, 0 is no better than the mean"),
    Variable("tws_correlation", "Correlation with GRACE on held-out blocks", "1", "score", "lipari", -1, 1, None, None, "same timing"),
    # memory
    Variable("memory_time", "Mean memory time of total water storage", "d", "memory", "batlow", 0, 180, None, None, "older weather still matters", "The lag of past weather, averaged by its weight in today's storage."),
    Variable("memory_share", "Share of memory older than 90 days", "1", "memory", "batlow", 0, 1, None, None, "older weather still matters"),
    Variable("memory_length", "Lag beyond which influence stays under 5 % of its peak", "d", "memory", "batlow", 0, 365, None, None, "older weather still matters", "The last lag at which influence reaches 5 % of its peak; 364 days, the end of the window, means a year or more."),
    # share of the seasonal storage variance
    Variable("snow_share", "Share of storage variance carried by snow", "1", "store", "oslo", 0, 1, None, SNOW, "snow carries the swing"),
    Variable("soil_share", "Share of storage variance carried by soil moisture", "1", "store", "lajolla_r", 0, 1, None, SOIL, "soil carries the swing"),
    Variable("groundwater_share", "Share of storage variance carried by groundwater", "1", "store", "davos_r", 0, 1, None, GROUNDWATER, "groundwater carries the swing"),
    # statics
    Variable("elevation", "Elevation", "m", "static", "oleron", 0, 5000, None, None, "higher"),
    Variable("ndvi_max", "Greenest NDVI of the year", "1", "static", "bamako_r", 0, 1, None, None, "greener"),
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
