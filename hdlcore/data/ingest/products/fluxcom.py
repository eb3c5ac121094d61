"""FLUXCOM: fluxes of energy, water and carbon upscaled from towers by machine learning; 0.5 degree, daily or monthly.

Layout (Jung et al. 2019, https://doi.org/10.1038/s41597-019-0076-8; Tramontana et al. 2016): LE, H and Rn in
MJ m-2 d-1, GPP, TER and NEE in gC m-2 d-1, fill -9999, files such as ``LE.RS_METEO...720_360.monthly.2001.nc``.
FLUXCOM-X has ET in mm h-1 and the carbon fluxes under the same names.
"""

from __future__ import annotations

from hdlcore.data.ingest.grid_files import Field, Product
from hdlcore.data.ingest.products.kind import kind_of


def _field(name: str, *names: str, units: str) -> Field:
    return Field(name, names, units=units, source="derived")


FLUXCOM = Product(
    id="fluxcom",
    title="FLUXCOM",
    attribution="FLUXCOM, Max Planck Institute for Biogeochemistry (Jung et al. 2019, doi:10.1038/s41597-019-0076-8; "
    "CC BY 4.0).",
    fields=(
        _field("evapotranspiration_observed", "LE", "ET", units="MJ m-2 d-1"),
        _field("sensible_heat_observed", "H", units="MJ m-2 d-1"),
        _field("net_radiation", "Rn", units="MJ m-2 d-1"),
        _field("gpp_observed", "GPP", "GPP_HB", units="gC m-2 d-1"),
        _field("reco_observed", "TER", "RECO", "TER_HB", units="gC m-2 d-1"),
        _field("nee_observed", "NEE", units="gC m-2 d-1"),
    ),
    notes=(
        "Upscaled from flux towers by machine learning: derived, not observed, and smooth between years.",
        "Evapotranspiration is latent heat over 2.45 MJ kg-1.",
    ),
)
KIND = kind_of(FLUXCOM, "NetCDF files of LE or ET, H, Rn, GPP, TER, NEE; daily, 8-daily or monthly.")
