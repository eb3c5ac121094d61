"""`hdl explain`: attribute a target of a model to what came before it, and write or show the answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from hdlcore import cli_cluster
from hdlcore.cli_cluster import LocalClusterOption, ResumeOption, SchedulerOption
from hdlcore.cli_options import (
    AllOption,
    CellOption,
    DataOption,
    JsonOption,
    ModelsOption,
    RegionOption,
    chosen_cells,
    open_engine,
)
from hdlcore.console import out, progress_bar
from hdlcore.errors import RequestError


def explain(
    model: str,
    out_file: Annotated[Path, typer.Option("--out", help="FILE.nc, FILE.zarr, FILE.csv or FILE.json")],
    cell: CellOption = None,
    region: RegionOption = None,
    all_: AllOption = False,
    target: Annotated[str, typer.Option(help="An output of the model")] = "tws",
    method: Annotated[str, typer.Option(help="A method of docs/attribution.md; a wrong name lists them")] = "",
    lags: Annotated[int, typer.Option(help="How many days back")] = 365,
    start: Annotated[str, typer.Option(help="First target day, YYYY-MM-DD")] = "2005-01-01",
    end: Annotated[str, typer.Option(help="Last target day, YYYY-MM-DD")] = "2005-12-31",
    every: Annotated[int, typer.Option(help="Explain each N-th day only")] = 1,
    samples: Annotated[int, typer.Option(help="Points of a path, or draws, where a method takes any")] = 8,
    models: ModelsOption = None,
    data: DataOption = None,
    scheduler: SchedulerOption = None,
    local_cluster: LocalClusterOption = None,
    resume: ResumeOption = False,
) -> None:
    """Attribute a target on each day asked for to the days before it, and write it.

    CSV and JSON hold the heatmap of lag bins and drivers (or stores); NetCDF and Zarr hold every day and lag.
    """
    from hdlcore.runtime.requests import ExplanationRequest
    from hdlcore.runtime.store import check_target, write_dataset

    table = out_file.suffix in (".csv", ".json")
    if not table:
        check_target(out_file)
    engine = open_engine(models, data)
    source = engine.source(model)
    methods, plain = source.info.methods, ExplanationRequest.method  # the request's own default, where it is had
    preferred = plain if plain in methods or not methods else methods[0]
    cells = chosen_cells(engine, model, cell, region, all_)
    request = ExplanationRequest(model, cells[0], target, method or preferred, lags, start, end, every, samples)
    if cli_cluster.wants_blocks(out_file, cell is None, scheduler, local_cluster, resume):
        cli_cluster.run_in_blocks(engine, data, request, cells, out_file, scheduler, local_cluster, resume)
        return
    if cell is None:
        raise RequestError(f"{out_file} holds one cell; name the output .zarr for the {len(cells)} cells asked for.")
    with progress_bar() as report:
        result = engine.explain(request, report)
    if table:
        _write_table(result, out_file)
    else:
        write_dataset(result, out_file)
    out.print(f"{out_file}: {_summary(result)}", highlight=False)


def grade(
    model: str,
    target: Annotated[str, typer.Option(help="An output that the twin has as well")] = "tws",
    per_zone: Annotated[int, typer.Option(help="Cells of each climate zone")] = 1,
    out_file: Annotated[Path | None, typer.Option("--out", help="FILE.json; default grades.json in the model")] = None,
    json_: JsonOption = False,
    models: ModelsOption = None,
    data: DataOption = None,
) -> None:
    """Grade every attribution method on a model: on paper, on the twin Earth, and by trying it out (minutes)."""
    from hdlcore.runtime.grade import grade
    from hdlcore.runtime.grade_file import GRADES, table, write_grades

    engine = open_engine(models, data)
    info = engine.model(model)
    with progress_bar() as report:
        grades = grade(engine.ensemble(model), target, per_zone, progress=report)
    path = write_grades(grades, out_file or info.folder / GRADES)
    typer.echo(json.dumps(grades, indent=1) if json_ else f"{path}\n\n{table(grades)}")


def memory_maps(
    model: str,
    samples: Annotated[int, typer.Option(help="Points on the path of integrated gradients")] = 8,
    jobs: Annotated[int, typer.Option(help="Processes", min=1)] = 1,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted run stopped")] = False,
    models: ModelsOption = None,
    data: DataOption = None,
) -> None:
    """Make the memory maps of a model's folder anew: lag cubes, memory lengths, carriers (minutes)."""
    from hdlcore.runtime.memory_maps import remake_memory
    from hdlcore.workers import Here, Processes

    folder = open_engine(models, data).model(model).folder
    with progress_bar() as report:
        made = remake_memory(folder, data, Processes(jobs) if jobs > 1 else Here(), samples, resume, report)
    gap, time = (float(made[name].median()) for name in ("attribution_gap", "memory_time"))
    out.print(
        f"{folder}: median mean memory time {time:.0f} days, completeness gap {gap:.0%} of what is explained",
        highlight=False,
    )


def _summary(result: Any) -> str:
    from hdlcore.attribution.views import memory_summary

    memory = memory_summary(result)
    said = (
        f"mean memory time {memory['memory_time']:.0f} days, "
        f"{memory['memory_share']:.0%} of the influence older than 90 days, "
        f"80 % of it within {memory['memory_80']:.0f} and 90 % within {memory['memory_90']:.0f} days"
    )
    if "completeness_gap" in result:
        gap, unit = float(abs(result["completeness_gap"]).max()), result["attribution"].attrs.get("units", "")
        said += f", largest completeness gap {gap:.3g} {unit}"
    notes = result.attrs.get("notes", "")
    return f"{said}. {notes}" if notes else said


def _write_table(result: Any, path: Path) -> None:
    """The signed and absolute heatmap of lag bins, as tidy CSV or as JSON with what made it."""
    from hdlcore.attribution.views import lag_by_forcing, memory_summary, split_by
    from hdlcore.runtime.store import write_text

    axis = split_by(result)
    size, signed = lag_by_forcing(result), lag_by_forcing(result, absolute=False)
    rows = [
        {
            "first_lag_d": int(size["lag_start"][i]), "last_lag_d": int(size["lag_end"][i]),
            axis: str(name), "size": float(size[i, k]), "signed": float(signed[i, k]),
        }
        for i in range(size.sizes["lag_bin"])
        for k, name in enumerate(size[axis].values)
    ]  # fmt: skip
    if path.suffix == ".json":
        about = {name: getattr(value, "item", lambda v=value: v)() for name, value in result.attrs.items()}
        text = json.dumps(
            about | {"units": size.attrs["units"], "memory": memory_summary(result), "rows": rows}, indent=1
        )
    else:
        names = list(rows[0])
        text = "\n".join([",".join(names), *(",".join(str(row[n]) for n in names) for row in rows)])
    write_text(text + "\n", path)
