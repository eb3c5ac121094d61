"""The commands of `hdl` that make and judge data: ingest, review and twin."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperCommand

from hdlcore.console import out, progress_bar

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class IngestCommand(TyperCommand):
    """Its help ends with the kinds of files; they are looked up only then, as loading the readers takes a second."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Add a line for each kind, then print."""
        from hdlcore.data.ingest import KINDS

        lines = [f"[bold]{kind.id}[/bold]: {kind.title}. {kind.help}" for kind in KINDS.values()]
        self.epilog = "\n\n".join(["Kinds:", *lines])
        super().format_help(ctx, formatter)


def ingest(
    sources: Annotated[list[Path], typer.Argument(help="Files, archives of them, or Zarr folders")],
    out_cube: Annotated[Path, typer.Option("--out", help="The cube to make, CUBE.zarr")],
    kind: Annotated[str, typer.Option("--as", help="What the files are; the kinds are listed below")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped")] = False,
    grid: Annotated[
        Literal["1deg", "native"], typer.Option(help="Grids: 1deg (land cells of the world cube) or native")
    ] = "1deg",
    variable: Annotated[
        list[str] | None, typer.Option("--variable", help="Keep only this quantity; may be repeated")
    ] = None,
    attributes: Annotated[
        Path | None, typer.Option(help="Sites: table (CSV or JSON) of name, lat, lon, area_km2, ...")
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Make a cube from files of one kind, check it, and print what a reviewer would say of it."""
    from hdlcore.data.ingest import ingest as ingest_files

    with progress_bar() as report:
        result = ingest_files(
            sources,
            kind,
            out_cube,
            resume=resume,
            grid=grid,
            variables=tuple(variable) if variable else None,
            attributes=attributes,
            progress=report,
        )
    _print(result, json_)


def review(
    cube: Annotated[Path, typer.Argument(help="The cube, CUBE.zarr")],
    json_: JsonOption = False,
) -> None:
    """Judge a cube as a reviewer would; exit code 1 when it cannot be used."""
    from hdlcore.data.review import review as review_cube

    result = review_cube(cube)
    _print(result, json_)
    if not result.ok:
        raise typer.Exit(1)


def twin(
    out_cube: Annotated[Path, typer.Option("--out", help="The cube to make, CUBE.zarr")],
    seed: Annotated[int, typer.Option(help="Draws the hidden parameters and the observations' noise")] = 1,
    weather_seed: Annotated[int, typer.Option(help="Draws the weather")] = 1,
    start: Annotated[str, typer.Option(help="First month, YYYY-MM-DD")] = "2001-01-01",
    end: Annotated[str, typer.Option(help="Last month, YYYY-MM-DD")] = "2014-12-31",
    data: Annotated[Path | None, typer.Option(help="World cube (Zarr); default the shipped one.")] = None,
    threads: Annotated[int, typer.Option(help="Threads")] = os.cpu_count() or 1,
) -> None:
    """Make the twin Earth's cube: observations with known truth, all of it generated (some minutes)."""
    from hdlcore.data.cube import open_world
    from hdlcore.data.twin import TwinSpec, make_twin
    from hdlcore.data.weather import WeatherSpec

    spec = TwinSpec(seed, WeatherSpec(weather_seed, "interannual"))
    with progress_bar() as report:
        make_twin(out_cube, spec, start, end, threads, report, world=open_world(data))
    out.print(f"{out_cube}: the twin Earth from {start} to {end}, generated; its truth is kept apart", highlight=False)


def _print(result: Any, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(result.as_dict(), indent=1))
    else:
        out.print(result.text(), highlight=False, markup=False, soft_wrap=True)
