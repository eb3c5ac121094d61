"""Gridded products by name, a file each, and `cf` for any grid that follows the CF conventions."""

from __future__ import annotations

from hdlcore.data.ingest.kinds import Kind
from hdlcore.data.ingest.products import ceres, cf, era5, fluxcom, globsnow, gpcp, grace, grun

GRID_KINDS: tuple[Kind, ...] = (
    cf.KIND,
    era5.KIND,
    era5.LAND,
    grace.KIND,
    globsnow.KIND,
    fluxcom.KIND,
    grun.KIND,
    gpcp.KIND,
    ceres.KIND,
)
