"""Readers of point data: catchments, flux towers, cameras. `SITE_KINDS` is what they offer."""

from __future__ import annotations

from hdlcore.data.ingest.kinds import Kind
from hdlcore.data.ingest.sites import (
    ameriflux_base,
    camels,
    catchment_csv,
    co2,
    fluxnet2015,
    outlines,
    phenocam,
    swissfluxnet,
)

SITE_KINDS: tuple[Kind, ...] = (
    catchment_csv.KIND,
    camels.KIND,
    fluxnet2015.KIND,
    ameriflux_base.KIND,
    swissfluxnet.KIND,
    phenocam.KIND,
    co2.KIND,
    outlines.KIND,
)
