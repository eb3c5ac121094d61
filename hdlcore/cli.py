"""`hdl`, the command line: thin words over the engine. A user's mistake ends in one sentence and exit code 1."""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.logging import RichHandler
from rich.table import Table

from hdlcore import cli_cluster, cli_data, cli_explain, cli_memory_study
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
from hdlcore.console import err, out, progress_bar
from hdlcore.errors import HDLError, RequestError

app = typer.Typer(
    help="HDL Explorer: hybrid models of the Earth's water, and what they remember.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


def main() -> None:
    """Run the command line; errors meant for the user are printed as one sentence."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")  # a daily step is tiny: more BLAS threads make it slower
    gc.set_threshold(100_000, 50, 50)  # importing makes many objects and no garbage: a tenth of a command's start
    logging.basicConfig(level=logging.INFO, format="%(message)s", handlers=[RichHandler(console=err, show_path=False)])
    try:
        app()
    except HDLError as error:
        err.print(f"[red]hdl:[/red] {error}", highlight=False, soft_wrap=True)
        sys.exit(1)
    except OSError as error:
        err.print(f"[red]hdl:[/red] {_os_sentence(error)}", highlight=False, soft_wrap=True)
        sys.exit(1)


def _os_sentence(error: OSError) -> str:
    place = f" {error.filename}" if error.filename else ""
    return f"{error.strerror or error}:{place}; check that the place exists, is writable and has room."


@app.command()
def models(json_: JsonOption = False, models: ModelsOption = None, data: DataOption = None) -> None:
    """List the models at hand, with their scores on held-out blocks."""
    engine = open_engine(models, data)
    infos = [*engine.models(), *engine.models_of_places()]
    if json_:
        typer.echo(json.dumps([{**i.card.model_dump(), "folder": str(i.folder)} for i in infos], indent=1))
        return
    table = Table("model", "title", "members", "held out", "NSE", "r")
    for info in infos:
        variable, part, words = HEADLINES[info.card.recipe.get("data", "grace")]
        values = info.card.scores.get(variable, {}).get(part, {})
        score = [f"{values[k]:.2f}" if values.get(k) is not None else "-" for k in ("nse_median", "r_median")]
        table.add_row(info.id, info.title, str(info.members), words, *score)
    out.print(table)


#: The score that stands for a model, by what it was trained on.
HEADLINES = {
    "grace": ("tws", "msc", "storage, mean season"),
    "twin": ("tws", "raw", "storage, months"),
    "catchments": ("runoff", "raw", "runoff, days"),
}


@app.command()
def simulate(
    model: str,
    out_file: Annotated[Path, typer.Option("--out", help="FILE.nc or FILE.zarr")],
    cell: CellOption = None,
    region: RegionOption = None,
    all_: AllOption = False,
    start: Annotated[str, typer.Option(help="First day, YYYY-MM-DD")] = "2002-01-01",
    end: Annotated[str, typer.Option(help="Last day, YYYY-MM-DD")] = "2007-12-31",
    monthly: Annotated[bool, typer.Option(help="Monthly means instead of daily values")] = False,
    scenario: Annotated[
        str, typer.Option(help="What if, as in 'precipitation*0.5@2003-06..2003-08;air_temperature+2'")
    ] = "",
    models: ModelsOption = None,
    data: DataOption = None,
    scheduler: SchedulerOption = None,
    local_cluster: LocalClusterOption = None,
    resume: ResumeOption = False,
) -> None:
    """Run a model's ensemble and write every store, flux and learned fraction as CF NetCDF or Zarr."""
    from hdlcore.runtime.requests import SimulationRequest
    from hdlcore.runtime.store import check_target, write_dataset

    check_target(out_file)
    engine = open_engine(models, data)
    engine.source(model)
    cells = chosen_cells(engine, model, cell, region, all_)
    request = SimulationRequest(model, cells, start, end, "monthly" if monthly else "daily", scenario)
    if cli_cluster.wants_blocks(out_file, cell is None, scheduler, local_cluster, resume):
        cli_cluster.run_in_blocks(engine, data, request, cells, out_file, scheduler, local_cluster, resume)
        return
    cli_cluster.say_cost(engine, request, len(cells), out_file)
    with progress_bar() as report:
        result = engine.simulate(request, report)
    write_dataset(result, out_file)
    out.print(f"{out_file}: {result.sizes['time']} steps x {result.sizes['cell']} cells", highlight=False)


app.command()(cli_explain.explain)
app.command()(cli_explain.grade)
app.command()(cli_explain.memory_maps)


@app.command()
def evaluate(
    model: str,
    json_: JsonOption = False,
    report_file: Annotated[Path | None, typer.Option("--report", help="Write an HTML page of it, with plots")] = None,
    jobs: Annotated[int, typer.Option(help="Processes")] = os.cpu_count() or 1,
    models: ModelsOption = None,
    data: DataOption = None,
) -> None:
    """Score a model on what its members never saw: all land (some minutes), or the places of a cube."""
    from hdlcore.runtime.evaluate import evaluate as evaluate_model
    from hdlcore.runtime.evaluate import table as score_rows
    from hdlcore.runtime.report_page import write_report
    from hdlcore.workers import Processes

    if report_file is not None and not report_file.absolute().parent.is_dir():
        raise RequestError(f"The folder {report_file.absolute().parent} does not exist; make it first.")
    engine = open_engine(models, data)
    info = engine.model(model)
    with progress_bar() as report:
        result, page = evaluate_model(info.folder, info.card, engine.world, data, Processes(jobs), report)
    if report_file is not None:
        write_report(page, report_file)
    if json_:
        typer.echo(json.dumps(result, indent=1))
        return
    rows = Table("variable", "part", "NSE", "r", "RMSE")
    for variable, part, score in score_rows(result["scores"]):
        values = [score["nse_median"], score["r_median"], score["rmse_median"]]
        rows.add_row(variable, part, *("-" if v is None else f"{v:.3f}" for v in values))
    out.print(f"{model}: medians over {result['n_cells']:,} places; {result['split']}", highlight=False)
    out.print(rows)
    for sheet in (_basin_table(result.get("basins", {})), _component_table(result.get("components", {}))):
        if sheet.row_count:
            out.print(sheet)
    residual = result["mass_balance"]["max_abs_residual_mm_per_year"]
    out.print(f"largest water-balance residual {residual:.2g} mm per year", highlight=False)


def _basin_table(basins: dict[str, Any]) -> Table:
    """NSE and KGE of daily runoff per basin, others beside it."""
    rivals = list(
        dict.fromkeys(name for row in basins.values() for name, value in row.items() if isinstance(value, dict))
    )
    sheet = Table("basin", "NSE", "KGE", *(f"NSE {name.replace('_', ' ')}" for name in rivals))
    for name, row in basins.items():
        values = [row["nse"], row["kge"], *(row.get(rival, {}).get("nse") for rival in rivals)]
        sheet.add_row(name, *("-" if v is None else f"{v:.3f}" for v in values))
    return sheet


def _component_table(components: dict[str, Any]) -> Table:
    """Stores against the twin's truth."""
    sheet = Table("store", "r of anomalies", "r", "share of variance", "in truth")
    for name, row in components.items():
        values = [row[key] for key in ("r_anomaly_median", "r_median", "share_mean", "share_mean_truth")]
        sheet.add_row(name, *("-" if v is None else f"{v:.3f}" for v in values))
    return sheet


@app.command()
def train(
    recipe: Annotated[str, typer.Argument(help="A shipped recipe or a .toml file")],
    out_dir: Annotated[Path, typer.Option("--out", help="The model folder to make")],
    data: DataOption = None,
    resume: Annotated[bool, typer.Option(help="Go on where an interrupted training stopped")] = False,
    jobs: Annotated[int, typer.Option(help="Processes")] = os.cpu_count() or 1,
    baseline: Annotated[
        list[Path] | None, typer.Option(help="Model folder to score beside it; may be repeated")
    ] = None,
    memory: Annotated[bool, typer.Option(help="Map the memory of all land as well")] = True,
    scheduler: SchedulerOption = None,
    local_cluster: LocalClusterOption = None,
) -> None:
    """Train a recipe's ensemble, then run it, score it and write the model folder."""
    from hdlcore.runtime.evaluate import observations
    from hdlcore.runtime.publish import publish
    from hdlcore.training.ensemble import train_members
    from hdlcore.training.recipes import load_recipe
    from hdlcore.training.sites import extra_members
    from hdlcore.workers import Processes

    chosen = load_recipe(recipe)
    work = out_dir.with_name(out_dir.name + ".training")
    done: dict[int, int] = {}

    with cli_cluster.cluster_of(scheduler, local_cluster) as cluster, progress_bar() as report:
        cube = observations(chosen, data, report) or data
        members = chosen.members + extra_members(chosen, cube)

        def passed(member: int, passes: int, record: dict[str, Any]) -> None:
            done[member] = passes
            message = f"training: member {member}, validation NSE {record['nse_validation']:.2f}"
            report(sum(done.values()) / (members * chosen.passes), message)

        train_members(chosen, work, cube, cluster or Processes(min(jobs, members)), resume, passed)
        workers = cluster or Processes(jobs)
        card = publish(chosen, work, out_dir, cube, workers, tuple(baseline or ()), memory, report)
    for variable, parts in card.scores.items():
        if "raw" in parts:
            medians = ", ".join(
                f"{part} {parts[part]['nse_median']:.3f}" for part in parts if "nse_median" in parts[part]
            )
            out.print(f"{out_dir}: median NSE of {variable} on what was held out: {medians}", highlight=False)


@app.command()
def search(
    recipe: Annotated[str, typer.Argument(help="A shipped recipe or a .toml file")],
    out_file: Annotated[Path, typer.Option("--out", help="The recipe to write, a .toml file")],
    trials: Annotated[int, typer.Option(help="Trials to add", min=1)] = 20,
    data: DataOption = None,
) -> None:
    """Search for better settings of a recipe with Optuna, judged by validation; a second call goes on."""
    from hdlcore.runtime.evaluate import observations
    from hdlcore.training.recipes import load_recipe, recipe_path
    from hdlcore.training.search import as_toml
    from hdlcore.training.search import search as search_settings

    if out_file.suffix != ".toml":
        raise RequestError(f"{out_file} is no recipe; name it FILE.toml.")
    chosen = load_recipe(recipe)
    with progress_bar() as report:
        cube = observations(chosen, data, report) or data

        def told(done: int, score: float, settings: dict[str, Any]) -> None:
            words = ", ".join(f"{name} {value:.3g}" for name, value in settings.items())
            report(min(done / trials, 1.0), f"best of {done}: {score:.3f} with {words}")

        best = search_settings(chosen, out_file.with_suffix(".search"), trials, cube, told)
    out_file.write_text(as_toml(best, recipe_path(recipe)))
    out.print(
        f"{out_file}: " + ", ".join(f"{n} {getattr(best, n):.3g}" for n in ("learning_rate", "weight_decay", "hidden"))
    )


app.command(cls=cli_data.IngestCommand)(cli_data.ingest)
app.command()(cli_data.review)
app.command()(cli_data.twin)
app.command()(cli_memory_study.memory_study)


@app.command(
    # every option, --help too, is the server's own
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []}
)
def serve(context: typer.Context) -> None:
    """Serve the app with safe defaults ("hdl serve --help" lists its options)."""
    os.execv(sys.executable, [sys.executable, "-m", "dashboard.serve", *context.args])


@app.command()
def bench(
    json_: JsonOption = False,
    models: ModelsOption = None,
    only: Annotated[list[str] | None, typer.Option("--only", help="One figure; may be repeated")] = None,
    wall: Annotated[bool, typer.Option("--wall", help="Wall clock, though others use the machine")] = False,
) -> None:
    """Measure the project's own speed figures, each a ratio to a plain reference of the same run.

    The words app, app-users and app-memory measure the app in a real browser, always by the wall clock.
    """
    from hdlcore.runtime.bench import run_bench

    with progress_bar() as report:
        measured = run_bench(models or (), only or (), wall, lambda word: report(0.0, word))
    if json_:
        typer.echo(json.dumps(measured, indent=1))
        return
    table = Table("what", "ours", "reference", "unit", "ratio", "share of sgemm", "aim")
    forms = {"ours": ".3g", "reference": ".3g", "unit": "", "ratio": ".1f", "share_of_peak": ".0%", "aim": "g"}
    for figure in measured["figures"]:
        row = ["-" if figure[key] is None else format(figure[key], form) for key, form in forms.items()]
        table.add_row(figure["name"], *row)
    out.print(table)
    out.print(", ".join(f"{name} {value}" for name, value in measured["machine"].items()), highlight=False)


@app.command()
def doctor() -> None:
    """Check this installation and say what is missing and how to mend it."""
    from hdlcore.doctor import findings

    failed = False
    for finding in findings():
        mark = "[green]ok[/green]  " if finding.ok else "[red]mend[/red]"
        out.print(f"{mark} {finding.what}: {finding.detail}", highlight=False, soft_wrap=True)
        failed |= not finding.ok
    sys.exit(1 if failed else 0)
