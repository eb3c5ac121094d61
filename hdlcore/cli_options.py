"""Options and answers that commands share: which models and data, which cells."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from hdlcore.errors import RequestError

DataOption = Annotated[Path | None, typer.Option("--data", help="World cube (Zarr); default the shipped one.")]
ModelsOption = Annotated[
    list[Path] | None, typer.Option("--models", help="Folder of your own models; may be repeated.")
]
CellOption = Annotated[str | None, typer.Option("--cell", help="LAT,LON; the name of a place for models of places")]
RegionOption = Annotated[str | None, typer.Option("--region", help="Region, country, basin or climate zone: all cells")]
AllOption = Annotated[bool, typer.Option("--all", help="All land, or all places")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def without_pint() -> None:
    """Let xarray take pint for absent in this process: 0.4 of 4 s of a start.

    At its first index it loads all of pint to know its arrays when it meets them. Here no array is one: units are
    attributes, and only the ingest of foreign files reads them with pint, which it can still do.
    """
    import xarray as xr

    if "pint" in sys.modules:
        return
    sys.modules["pint"] = None  # type: ignore[assignment]  # so an import of it fails at once, and xarray notes that
    try:
        xr.DataArray([0.0], {"x": [0]}, "x").to_numpy()
    finally:
        del sys.modules["pint"]


def open_engine(models: list[Path] | None, data: Path | None) -> Any:
    """The engine on a user's models and data; raises `DataError` for data that cannot be opened, which a server would
    leave out and go on."""
    from hdlcore.data.cubes import open_cube
    from hdlcore.runtime.disk_cache import DiskCache
    from hdlcore.runtime.engine import Engine  # torch is slow to load: --help must not wait for it

    without_pint()
    if data is not None and data.exists():
        open_cube(data)
    return Engine(models or [], data, disk=DiskCache())


def chosen_cells(engine: Any, model: str, cell: str | None, region: str | None, everything: bool) -> tuple[int, ...]:
    """Ids of the cells of exactly one of a place, a region or all land; raises `RequestError`.

    A model of gauged places knows its places by name or number.
    """
    from hdlcore.data.cube import find_cell
    from hdlcore.data.regions import cells_in_region

    if any(info.id == model for info in engine.models_of_places()):
        return _chosen_places(engine, model, cell, region, everything)
    if sum((cell is not None, region is not None, everything)) != 1:
        raise RequestError("Say where: exactly one of --cell LAT,LON, --region NAME or --all.")
    if cell is not None:
        return (find_cell(engine.world, *_lat_lon(cell)),)
    chosen = cells_in_region(engine.world, region) if region is not None else engine.world["cell"].values
    return tuple(int(c) for c in chosen)


def _chosen_places(engine: Any, model: str, cell: str | None, region: str | None, everything: bool) -> tuple[int, ...]:
    places = engine.cells_of(model)
    ids = [int(number) for number in places["cell"].values]
    names = [str(name) for name in places["name"].values] if "name" in places else [str(number) for number in ids]
    if region is not None or (cell is None) != everything:
        raise RequestError(f"'{model}' runs at places; say --cell NAME or --all. Names: {', '.join(names[:12])}.")
    if everything:
        return tuple(ids)
    chosen = {**{str(number): number for number in ids}, **dict(zip(names, ids, strict=True))}.get(str(cell))
    if chosen is None:
        raise RequestError(f"'{model}' knows no place '{cell}'; it has {', '.join(names[:12])}.")
    return (chosen,)


def _lat_lon(text: str) -> tuple[float, float]:
    try:
        lat, lon = (float(part) for part in text.split(","))
    except ValueError:
        raise RequestError(f"The place '{text}' is not LAT,LON; write it as --cell=-4.5,-62.5.") from None
    return lat, lon
