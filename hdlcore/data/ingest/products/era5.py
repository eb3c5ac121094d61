"""ERA5 and ERA5-Land from the Climate Data Store: hourly, daily or monthly NetCDF, old or new style.

Layout (https://confluence.ecmwf.int/display/CKB/ERA5): longitudes 0 to 360, latitudes from north to south, poles as
rows of their own; `time` or `valid_time`; values packed in integers; ERA5T marked by `expver`. Precipitation and
radiation are amounts: hourly, over the hour before the stamp; in monthly means, a mean amount per day; in ERA5-Land
hourly, run up since 00:00 UTC. Fluxes are positive downwards, so evaporation is negative.
"""

from __future__ import annotations

from dataclasses import replace

from hdlcore.data.ingest.grid_files import Field, Product
from hdlcore.data.ingest.products.kind import kind_of


def _field(
    name: str, names: tuple[str, ...], gathered: bool = True, sign: float = 1.0, plus: tuple[str, ...] = ()
) -> Field:
    return Field(name, names, plus=plus, gathered="step" if gathered else "no", sign=sign, source="reanalysis")


_FIELDS = (
    _field("precipitation", ("tp", "total_precipitation", "mtpr", "avg_tprate")),
    _field("air_temperature", ("t2m", "2t", "var167"), gathered=False),
    _field("net_radiation", ("ssr",), plus=("str",)),
    _field("net_radiation", ("msnswrf", "avg_snswrf"), plus=("msnlwrf", "avg_snlwrf")),
    _field("shortwave_radiation", ("ssrd", "msdwswrf", "avg_sdswrf")),
    _field("longwave_radiation", ("strd", "msdwlwrf", "avg_sdlwrf")),
    _field("potential_evapotranspiration", ("pev", "mper", "avg_pevr"), sign=-1.0),
    _field("evapotranspiration_observed", ("e", "mer", "avg_ie"), sign=-1.0),
    _field("runoff_observed", ("ro", "mror", "avg_rorwe")),
    _field("latent_heat_observed", ("slhf", "mslhf", "avg_slhtf"), sign=-1.0),
    _field("sensible_heat_observed", ("sshf", "msshf", "avg_ishf"), sign=-1.0),
    _field("swe_observed", ("sd",), gathered=False),
)
ERA5 = Product(
    id="era5",
    title="ERA5 reanalysis",
    attribution="Contains modified Copernicus Climate Change Service information (ERA5, Hersbach et al. 2020, "
    "doi:10.1002/qj.3803; Copernicus licence).",
    fields=_FIELDS,
    gathered_seconds=(("subdaily", 3600.0), ("daily", 86_400.0), ("monthly", 86_400.0)),
    notes=(
        "Amounts were divided by the time over which ERA5 gathers them: an hour in hourly files, a day in daily and "
        "monthly ones. Days are those of UTC.",
        "Quantities named as observed come from a reanalysis here, as their 'source' says.",
    ),
)
ERA5_LAND = replace(
    ERA5,
    id="era5-land",
    title="ERA5-Land reanalysis",
    attribution="Contains modified Copernicus Climate Change Service information (ERA5-Land, Munoz-Sabater et al. "
    "2021, doi:10.5194/essd-13-4349-2021; Copernicus licence).",
    fields=tuple(replace(f, gathered="day") if f.gathered == "step" else f for f in _FIELDS),
    notes=(
        "Hourly amounts of ERA5-Land run up from 00:00 UTC: the value at 00:00 is that of the whole day before.",
        *ERA5.notes[1:],
    ),
)
KIND = kind_of(ERA5, "NetCDF files of ERA5 single levels: tp, t2m, ssr and str, pev, ro, sd, ...; hourly to monthly.")
LAND = kind_of(ERA5_LAND, "NetCDF files of ERA5-Land, whose hourly amounts run up through the day.")
