"""`hdl memory-study`: networks trained on the twin Earth with parts of the past withheld."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from hdlcore.console import out, progress_bar


def memory_study(
    out_file: Annotated[Path, typer.Option("--out", help="The result to write, FILE.nc")],
    recipe: Annotated[Path | None, typer.Option(help="Recipe (.toml); default the shipped one")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="Twin cube; made once and kept when not given")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an interrupted study stopped")] = False,
    jobs: Annotated[int, typer.Option(help="Processes", min=1)] = os.cpu_count() or 1,
) -> None:
    """Find memory by retraining, on the twin Earth (generated): Kraft et al. 2019 and 2021."""
    from hdlcore.analysis.retrained_memory import PARTS, global_r2
    from hdlcore.errors import RequestError
    from hdlcore.memory_study.recipe import load_study
    from hdlcore.memory_study.result import write_result
    from hdlcore.memory_study.study import run_study
    from hdlcore.runtime.evaluate import twin_cube
    from hdlcore.workers import Here, Processes

    if out_file.suffix != ".nc":
        raise RequestError(f"{out_file} is no NetCDF file; name it FILE.nc.")
    chosen = load_study(recipe)
    with progress_bar() as report:
        cube = data or twin_cube(report)
        workers = Processes(jobs) if jobs > 1 else Here()
        result = run_study(chosen, cube, out_file.with_suffix(".training"), workers, resume, report)
    write_result(result, out_file)
    r2 = global_r2(result)
    for name in r2["model"].values:
        out.print(
            f"{name}: global R2", *(f"{p} {float(r2.sel(model=name, part=p)):.3f}" for p in PARTS), highlight=False
        )
    for name in result["emulator"].values:
        nse = result["nse"].sel(emulator=name, part="raw")
        out.print(f"{name}: median NSE {float(nse.median()):.3f}", highlight=False)
