"""Options and answers that commands share: which models and data, which cells."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hdlcore.errors import RequestError

DataOption = Annotated[Path | None, typer.Option("--data", help="World cube (Zarr); default the shipped one.")]
ModelsOption = Annotated[
    list[Path] | None, typer.Option("--models", help="Folder of your own models; may be repeated.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def open_engine(models: list[Path] | None, data: Path | None) -> Any:
    """The engine on a user's models and data."""
    from hdlcore.runtime.disk_cache import DiskCache
    from hdlcore.runtime.engine import Engine  # torch is slow to load: --help must not wait for it

    return Engine(models or [], data, disk=DiskCache())


def chosen_cells(engine: Any, cell: str | None, region: str | None, everything: bool) -> tuple[int, ...]:
    """Ids of the cells of exactly one of a place, a region or all land; raises `RequestError`."""
    from hdlcore.data.cube import find_cell
    from hdlcore.data.regions import cells_in_region

    if sum((cell is not None, region is not None, everything)) != 1:
        raise RequestError("Say where: exactly one of --cell LAT,LON, --region NAME or --all.")
    if cell is not None:
        return (find_cell(engine.world, *_lat_lon(cell)),)
    chosen = cells_in_region(engine.world, region) if region is not None else engine.world["cell"].values
    return tuple(int(c) for c in chosen)


def _lat_lon(text: str) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        raise RequestError(f"The place '{text}' is not LAT,LON; write it as --cell=-4.5,-62.5.") from None
    return lat, lon
