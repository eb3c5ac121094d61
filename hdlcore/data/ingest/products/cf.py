"""Any grid that follows the CF conventions, near enough: NetCDF or Zarr, known by standard name or usual name.

Without a time axis, every number on the grid is kept: (month, lat, lon) as a climatology, (lat, lon) as a static.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from hdlcore.data.ingest.grid_files import Field, GridFile, Product, look, opened
from hdlcore.data.ingest.gridded import read_grid
from hdlcore.data.ingest.kinds import Kind, Options, Source
from hdlcore.data.ingest.products.kind import SUFFIXES

#: The one table of other names: canonical name, names in files (case does not matter), CF standard names.
ALIASES: tuple[Field, ...] = (
    Field(
        "precipitation",
        ("precipitation", "pr", "prec", "precip", "tp", "rain", "rr", "ppt", "rainf", "prcp"),
        (
            "lwe_precipitation_rate",
            "precipitation_flux",
            "lwe_thickness_of_precipitation_amount",
            "precipitation_amount",
            "rainfall_flux",
        ),
    ),
    Field(
        "air_temperature",
        ("air_temperature", "tas", "t2m", "tair", "tmean", "tavg", "tg", "temp"),
        ("air_temperature",),
    ),
    Field("net_radiation", ("net_radiation", "rn", "rnet", "netrad"), ("surface_net_downward_radiative_flux",)),
    Field("net_radiation", ("rss",), ("surface_net_downward_shortwave_flux",), plus=("rls",)),
    Field(
        "shortwave_radiation",
        ("shortwave_radiation", "rsds", "ssrd", "swdown"),
        ("surface_downwelling_shortwave_flux_in_air", "surface_downwelling_shortwave_flux"),
    ),
    Field(
        "longwave_radiation",
        ("longwave_radiation", "rlds", "strd", "lwdown"),
        ("surface_downwelling_longwave_flux_in_air", "surface_downwelling_longwave_flux"),
    ),
    Field(
        "potential_evapotranspiration",
        ("potential_evapotranspiration", "pet", "evspsblpot"),
        ("water_potential_evaporation_flux", "water_potential_evaporation_amount"),
    ),
    Field(
        "vapour_pressure_deficit",
        ("vapour_pressure_deficit", "vpd"),
        ("water_vapor_saturation_deficit_in_air",),
    ),
    Field("wind_speed", ("wind_speed", "sfcwind", "ws", "wind"), ("wind_speed",)),
    Field("co2", ("co2",), ("mole_fraction_of_carbon_dioxide_in_air",)),
    Field(
        "tws_observed",
        ("tws_observed", "tws_anomaly", "lwe_thickness", "tws", "twsa"),
        ("Liquid_Water_Equivalent_Thickness",),
    ),
    Field(
        "swe_observed",
        ("swe_observed", "swe", "snw"),
        ("lwe_thickness_of_surface_snow_amount", "surface_snow_amount"),
    ),
    Field(
        "evapotranspiration_observed",
        ("evapotranspiration_observed", "evapotranspiration", "et", "evspsbl", "evap"),
        ("lwe_water_evaporation_rate", "water_evapotranspiration_flux", "water_evaporation_flux"),
    ),
    Field(
        "runoff_observed",
        ("runoff_observed", "runoff", "mrro"),
        ("runoff_flux", "runoff_amount", "surface_runoff_flux"),
    ),
    Field(
        "gpp_observed",
        ("gpp_observed", "gpp"),
        ("gross_primary_productivity_of_biomass_expressed_as_carbon",),
    ),
    Field("nee_observed", ("nee_observed", "nee"), ()),
    Field("reco_observed", ("reco_observed", "reco", "ter"), ()),
    Field("latent_heat_observed", ("latent_heat_observed", "hfls", "le"), ("surface_upward_latent_heat_flux",)),
    Field("sensible_heat_observed", ("sensible_heat_observed", "hfss"), ("surface_upward_sensible_heat_flux",)),
    Field(
        "soil_water_observed",
        ("soil_water_observed", "swvl1", "swc"),
        ("volume_fraction_of_condensed_water_in_soil",),
        units="1",
    ),
    Field("ndvi_observed", ("ndvi_observed", "ndvi"), ("normalized_difference_vegetation_index",), units="1"),
    Field(
        "fapar_observed",
        ("fapar_observed", "fapar", "fpar"),
        ("fraction_of_surface_downwelling_photosynthetic_radiative_flux_absorbed_by_vegetation",),
        units="1",
    ),
)
#: Statics under other names, and the names that models of this project know them by.
STATICS = {"topt": "optimum_temperature", "koppen": "koeppen", "orog": "elevation", "dem": "elevation"}
CF = Product("cf", "CF grid", "As the files state; name their makers.", ALIASES)


def read(files: Sequence[Path], options: Options) -> Source:
    """Read CF grids; the product's title, attribution and origin are what the first file says of itself."""
    product = _described(CF, files[0])
    seen = [look(path, product) for path in files]
    if all(file.stamps is None for file in seen):
        product = replace(product, fields=(*product.fields, *_statics(seen)))
    return read_grid(files, options, product)


def _described(product: Product, path: Path) -> Product:
    with opened(path) as ds:
        said = {str(k).lower(): str(v).strip() for k, v in ds.attrs.items()}
    credit = [said[k] for k in ("institution", "references", "license", "licence") if said.get(k)]
    text = " ".join(said.get(k, "") for k in ("title", "source", "summary")).lower()
    fields = product.fields
    if "reanalysis" in text or "era5" in text:
        fields = tuple(replace(f, source="reanalysis") for f in fields)
    elif said.get("source") == "generated":
        fields = tuple(replace(f, source="generated") for f in fields)
    told = bool({"source", "institution"} & set(said)) or fields is not product.fields
    notes = () if told else ("The files do not say how they came about; they are taken as observed.",)
    return replace(
        product,
        title=(said.get("title") or f"{path.stem} (CF grid)")[:120],
        attribution="; ".join(credit)[:1000] or product.attribution,
        fields=fields,
        notes=notes,
    )


def _statics(seen: Sequence[GridFile]) -> list[Field]:
    """A field for every number on the grid that has no other name."""
    fields = {}
    for file in seen:
        with opened(file.path) as ds:
            for name in file.others:
                if np.issubdtype(ds[name].dtype, np.number):
                    fields[name] = Field(STATICS.get(name, name), (name,))
    return list(fields.values())


KIND = Kind(
    "cf",
    "CF grid",
    "NetCDF or Zarr on a grid, CF conventions: daily, sub-daily or monthly series, climatologies, statics.",
    SUFFIXES,
    "grid",
    read,
)
