"""CERES surface radiation: EBAF (monthly) and SYN1deg (daily, monthly), 1 degree, longitudes 0 to 360, W m-2.

Layout (EBAF Edition 4, https://doi.org/10.1175/JCLI-D-17-0523.1): ``sfc_net_sw_all_mon``, ``sfc_net_lw_all_mon``,
``sfc_net_tot_all_mon`` (time, lat, lon), stamped in mid-month in days since 2000-03-01. SYN1deg gives the surface
fluxes down and up under ``adj_...`` names with their interval at the end (``_mon``, ``_daily``).
"""

from __future__ import annotations

from hdlcore.data.ingest.grid_files import Field, Product
from hdlcore.data.ingest.products.kind import kind_of

_STEPS = ("mon", "daily", "1m", "1d")


def _names(*patterns: str) -> tuple[str, ...]:
    return tuple(pattern.format(step) for pattern in patterns for step in _STEPS)


CERES = Product(
    id="ceres",
    title="CERES surface radiation",
    attribution="CERES EBAF or SYN1deg, NASA Langley Research Center, free (Kato et al. 2018, "
    "doi:10.1175/JCLI-D-17-0523.1).",
    fields=(
        Field("net_radiation", _names("sfc_net_tot_all_{}"), ("surface_net_downward_radiative_flux",), units="W m-2"),
        Field(
            "net_radiation",
            _names("sfc_net_sw_all_{}", "adj_sfc_net_sw_all_{}", "ini_sfc_net_sw_all_{}"),
            plus=_names("sfc_net_lw_all_{}", "adj_sfc_net_lw_all_{}", "ini_sfc_net_lw_all_{}"),
            units="W m-2",
        ),
        Field("shortwave_radiation", _names("sfc_sw_down_all_{}", "adj_sfc_sw_down_all_{}"), units="W m-2"),
        Field("longwave_radiation", _names("sfc_lw_down_all_{}", "adj_sfc_lw_down_all_{}"), units="W m-2"),
    ),
    notes=("Net radiation is net shortwave plus net longwave at the surface; computed from satellite-seen clouds.",),
)
KIND = kind_of(CERES, "NetCDF files of EBAF-Surface or SYN1deg, daily or monthly.")
