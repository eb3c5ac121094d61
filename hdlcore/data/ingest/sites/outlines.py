"""Outlines (TopoJSON, GeoJSON, shapefiles): the door says plainly that no cube holds them, and where they go."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hdlcore.data.ingest.kinds import Kind, Options, Source
from hdlcore.errors import DataError


def read(files: Sequence[Path], options: Options) -> Source:
    """Always raises `DataError`: outlines hold no data of cells and days."""
    names = ", ".join(path.name for path in files[:3])
    raise DataError(
        f"{names}: outlines of coasts and countries are no data of cells and days, so no cube holds them; the maps' "
        "coastlines are built by `python -m scripts.build_assets` (see docs/ingest.md, 'Outlines')."
    )


KIND = Kind(
    "outlines",
    "Outlines (not for a cube)",
    "TopoJSON, GeoJSON and shapefiles are not ingested: coastlines are built with the assets; this only says so.",
    (".json", ".geojson", ".topojson", ".shp"),
    "points",
    read,
)
