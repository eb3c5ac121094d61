"""What a column of a catchment table holds: its quantity, by the names people use, and the units in its header."""

from __future__ import annotations

import re
from dataclasses import dataclass

from hdlcore.variables import VARIABLES

#: Canonical name (or tmin, tmax, a helper of air_temperature) -> names in use. Compared without case, units and marks.
ALIASES: dict[str, tuple[str, ...]] = {
    "precipitation": ("p", "pr", "prec", "precip", "prcp", "ppt", "pre", "rain", "rainfall", "rr", "ptot", "tp", "pcp",
                      "total precipitation", "precipitation sum", "rainfall amount", "niederschlag"),
    "air_temperature": ("t", "temp", "tmean", "tavg", "ta", "tas", "tair", "temperature", "t2m", "mean temperature",
                        "temperature mean", "temp mean", "air temp", "2m temperature", "average temperature",
                        "temperatur"),
    "tmin": ("tmin", "temp min", "min temp", "temperature min", "minimum temperature", "tasmin", "tn"),
    "tmax": ("tmax", "temp max", "max temp", "temperature max", "maximum temperature", "tasmax", "tx"),
    "potential_evapotranspiration": ("pet", "pe", "e0", "ep", "et0", "eto", "etp", "epot", "evap pot", "potential et",
                                     "potential evaporation", "reference evapotranspiration", "pev"),
    "net_radiation": ("rn", "rnet", "netrad", "net rad", "net radiation", "nr"),
    "shortwave_radiation": ("srad", "sw", "swdown", "sw in", "rg", "rsds", "rs", "shortwave", "solar radiation",
                            "global radiation", "ssrd", "incoming shortwave"),
    "longwave_radiation": ("lw in", "lwdown", "rlds", "longwave", "strd"),
    "vapour_pressure_deficit": ("vpd",),
    "wind_speed": ("wind", "ws", "wind speed", "u2", "u10"),
    "runoff_observed": ("q", "qobs", "q obs", "obs q", "qo", "qt", "discharge", "streamflow", "runoff", "flow", "ro",
                        "river discharge", "specific discharge", "discharge spec", "discharge vol", "abfluss",
                        "mean flow", "streamflow observed", "observed discharge", "discharge observed", "runoff obs"),
    "swe_observed": ("swe", "snow water equivalent", "swe obs", "swe observed"),
    "evapotranspiration_observed": ("et", "aet", "eta", "actual evapotranspiration", "evapotranspiration",
                                    "et obs", "evapotranspiration observed"),
    "latent_heat_observed": ("le", "latent heat"),
    "sensible_heat_observed": ("sensible heat",),
    "ndvi_observed": ("ndvi",),
    "soil_water_observed": ("swc", "soil water content", "volumetric soil moisture", "soil moisture volumetric"),
}  # fmt: skip

#: Spellings of units in headers -> those of the unit library. Whole text, without case and blanks.
_UNITS = {
    "mm": "mm", "mm/d": "mm d-1", "mm/day": "mm d-1", "mmd": "mm d-1", "mmday": "mm d-1", "mmd-1": "mm d-1",
    "mmday-1": "mm d-1", "mm/h": "mm h-1", "mmh-1": "mm h-1", "cm": "cm",
    "cm/d": "cm d-1", "cm/day": "cm d-1", "m": "m",
    "in": "inch", "inch": "inch", "inches": "inch", "in/d": "inch d-1", "in/day": "inch d-1",
    "c": "degC", "°c": "degC", "degc": "degC", "deg_c": "degC", "celsius": "degC", "oc": "degC",
    "k": "K", "kelvin": "K", "f": "degF", "degf": "degF", "°f": "degF", "fahrenheit": "degF",
    "m3/s": "m3 s-1", "m3s": "m3 s-1", "m3s-1": "m3 s-1", "m^3/s": "m3 s-1", "m³/s": "m3 s-1", "m³s-1": "m3 s-1",
    "cms": "m3 s-1", "cumecs": "m3 s-1", "m^3s^-1": "m3 s-1", "m**3s**-1": "m3 s-1", "m3sec": "m3 s-1",
    "m3/sec": "m3 s-1",
    "l/s": "L s-1", "ls": "L s-1", "ls-1": "L s-1", "cfs": "ft3 s-1", "ft3/s": "ft3 s-1", "ft3s": "ft3 s-1",
    "ft^3/s": "ft3 s-1", "m3/d": "m3 d-1", "m3/day": "m3 d-1", "ml/d": "1000 m3 d-1", "ml/day": "1000 m3 d-1",
    "l/s/km2": "L s-1 km-2", "ls-1km-2": "L s-1 km-2", "m3/s/km2": "m3 s-1 km-2",
    "w/m2": "W m-2", "wm2": "W m-2", "wm-2": "W m-2", "w/m^2": "W m-2", "w/m²": "W m-2",
    "mj/m2": "MJ m-2", "mj/m2/d": "MJ m-2 d-1", "mj/m2/day": "MJ m-2 d-1", "mjm-2d-1": "MJ m-2 d-1", "mjm-2": "MJ m-2",
    "pa": "Pa", "hpa": "hPa", "kpa": "kPa", "mbar": "hPa", "m/s": "m s-1", "ms-1": "m s-1", "km/h": "km h-1",
    "%": "percent", "percent": "percent", "-": "1", "1": "1", "kg/m2/s": "kg m-2 s-1", "kgm-2s-1": "kg m-2 s-1",
    "kg/m2": "kg m-2", "kgm-2": "kg m-2", "m3/m3": "1", "m3m-3": "1", "mm/month": "mm month-1",
}  # fmt: skip

_BRACKETS = re.compile(r"^(?P<name>[^(\[]*?)[\s_]*[(\[](?P<units>[^)\]]*)[)\]]\s*$")


@dataclass(frozen=True)
class Column:
    """What a header says: the quantity (a canonical name, tmin or tmax) and the units, '' where they are not said."""

    header: str
    name: str
    units: str


def _plain(name: str) -> str:
    return re.sub(r"[\s_.\-]+", " ", name).strip().casefold()


_NAMES = {_plain(alias): name for name, aliases in ALIASES.items() for alias in aliases}
_NAMES |= {_plain(name): name for name, entry in VARIABLES.items() if entry.kind in ("forcing", "observation")}


def read_units(text: str) -> str | None:
    """Units in the spelling of the unit library; None for a text that is no unit known here."""
    return _UNITS.get(re.sub(r"\s+", "", text.strip()).casefold())


def read_column(header: str, units: str = "") -> Column | None:
    """What a header such as 'prcp(mm/day)', 'discharge_m3s' or 'T [K]' stands for; None when it is not known.

    `units` are those of a second header line or of the attributes; the header's own come first.
    """
    spelled = read_units(units) or units
    brackets = _BRACKETS.match(header)
    if brackets and (name := _NAMES.get(_plain(brackets["name"]))):
        return Column(header, name, read_units(brackets["units"]) or brackets["units"].strip())
    if name := _NAMES.get(_plain(header)):
        return Column(header, name, spelled)
    words = re.split(r"[ _]", header.strip())
    for cut in range(1, len(words)):
        name, tail = _NAMES.get(_plain(" ".join(words[:-cut]))), read_units("".join(words[-cut:]))
        if name and tail:
            return Column(header, name, tail)
    return None
