"""Run the study: one training after another, each kept when done, and all of them gathered into one dataset."""

from __future__ import annotations

import json
import time
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from safetensors.torch import load_file

from hdlcore.data.cubes import open_cube
from hdlcore.data.twin.truth import spec_of
from hdlcore.data.weather import FORCING
from hdlcore.errors import RequestError
from hdlcore.memory_study.cells import roles, sample_cells, study_cells
from hdlcore.memory_study.emulation import EMULATORS, Days, simulate_days, swing, train_emulator
from hdlcore.memory_study.memory import Memory, memories
from hdlcore.memory_study.recipe import StudyRecipe
from hdlcore.memory_study.result import dataset
from hdlcore.memory_study.truth import true_memory
from hdlcore.memory_study.vegetation import Records, read_records, stretch, train_vegetation
from hdlcore.models.checkpoint import save_tensors
from hdlcore.progress import CancelToken, Progress, scaled
from hdlcore.workers import Context, Here, Workers

EXPERIMENTS = ("vegetation", "emulation")
_RECIPE, _DAYS, _TRUTH = "recipe.json", "emulation/days.safetensors", "vegetation/truth.safetensors"


@dataclass(frozen=True)
class Job:
    """One training, by value and by path: model `number` of an experiment, judged on a fold of cells and, for
    vegetation, on a stretch of years."""

    recipe: StudyRecipe
    cube: Path
    folder: Path
    experiment: str
    number: int
    fold: int
    held: int = 0

    @property
    def result(self) -> Path:
        """Where what it found is kept."""
        return self.folder / self.experiment / f"{self.number}-{self.fold}-{self.held}.safetensors"


def jobs_of(recipe: StudyRecipe, cube: Path, folder: Path) -> list[Job]:
    """Every training of the study; those of one fold stand together, so that what is there first is comparable."""
    vegetation, emulation = recipe.vegetation, recipe.emulation
    numbers = range(len(_memories(recipe)))
    learned = [
        Job(recipe, cube, folder, "vegetation", number, fold, held)
        for fold in range(vegetation.folds)
        for held in range(len(vegetation.years))
        for number in numbers
    ]
    emulated = [
        Job(recipe, cube, folder, "emulation", number, fold)
        for fold in range(emulation.folds)
        for number in range(len(EMULATORS))
    ]
    return learned + emulated


def _memories(recipe: StudyRecipe) -> tuple[Memory, ...]:
    return memories(FORCING, recipe.vegetation.driver_months)


def run_study(
    recipe: StudyRecipe, cube: Path, folder: Path, workers: Workers | None = None, resume: bool = False,
    progress: Progress | None = None, cancel: CancelToken | None = None,
) -> xr.Dataset:  # fmt: skip
    """Train whatever is not in `folder` yet and return the study's result; see `hdlcore.memory_study.result`.

    `cube` is a twin cube. With `resume`, trainings that `folder` holds are kept; they must be of the same recipe and
    cube, else `RequestError`. Raises `DataError` for an unusable cube, `Cancelled` when told to stop.
    """
    cube, folder = cube.resolve(), folder.resolve()
    version = open_cube(cube).version
    begin(recipe, version, folder, resume)
    _prepare_days(recipe, cube, folder, scaled(progress, 0.0, 0.05))
    _prepare_truth(recipe, cube, folder, scaled(progress, 0.05, 0.1), cancel)
    jobs = jobs_of(recipe, cube, folder)
    waiting = [job for job in jobs if not job.result.is_file()]
    done = len(jobs) - len(waiting)
    with closing((workers or Here()).map(work, waiting, cancel)) as finished:
        for position, _ in finished:
            done += 1
            if progress:
                job = waiting[position]
                progress(0.1 + 0.9 * done / len(jobs), f"{job.experiment}: {done} of {len(jobs)} trainings")
    return _gather(recipe, cube, jobs, version)


def begin(recipe: StudyRecipe, version: str, folder: Path, resume: bool) -> None:
    """Make the folder of each experiment, or see that the trainings it holds are of this recipe and cube."""
    for experiment in EXPERIMENTS:
        part = recipe.model_dump(mode="json", include={"seed", experiment})
        own, path = {"recipe": part, "cube": version}, folder / experiment / _RECIPE
        if resume and path.is_file() and json.loads(path.read_text()) != own:
            raise RequestError(
                f"{path.parent} holds trainings of another recipe or twin; go on with those they were begun with, or "
                "begin anew without --resume."
            )
        path.parent.mkdir(parents=True, exist_ok=True)
        if not resume:
            for old in path.parent.glob("*.safetensors"):
                old.unlink()
        path.write_text(json.dumps(own))


def _prepare_days(recipe: StudyRecipe, cube: Path, folder: Path, progress: Progress | None) -> None:
    """Run the twin once for all emulators."""
    if (folder / _DAYS).is_file():
        return
    days = simulate_days(_world(cube), spec_of(cube), recipe, progress)
    arrays = {
        "inputs": days.inputs, "target": days.target, "statics": days.statics, "days": days.days.astype(np.int64),
        "at": days.at,
    }  # fmt: skip
    save_tensors(
        {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in arrays.items()}, folder / _DAYS
    )


def _prepare_truth(
    recipe: StudyRecipe, cube: Path, folder: Path, progress: Progress | None, cancel: CancelToken | None
) -> None:
    """Follow the true memory of the sampled cells once."""
    if not (folder / _TRUTH).is_file():
        world = _world(cube)
        at = sample_cells(world, recipe.vegetation.cells, recipe.seed)
        size = true_memory(world, at, spec_of(cube), progress, cancel)
        save_tensors({"size": torch.from_numpy(size)}, folder / _TRUTH)


@lru_cache(maxsize=1)
def _world(cube: Path) -> xr.Dataset:
    """Cells, statics and climatologies: a twin cube brings its own."""
    return open_cube(cube).cells


@lru_cache(maxsize=1)
def _records(cube: Path, recipe: str) -> Records:
    return read_records(cube, _world(cube), StudyRecipe.model_validate_json(recipe))


@lru_cache(maxsize=1)
def _days(folder: Path) -> Days:
    kept = {name: tensor.numpy() for name, tensor in load_file(folder / _DAYS).items()}
    days = kept["days"].astype("datetime64[D]")
    return Days(kept["inputs"], kept["target"], kept["statics"], days, kept["at"])


def work(job: Job, context: Context) -> float:
    """Do one training and keep what it found; returns the seconds of processor time it took."""
    torch.set_num_threads(1)
    begin = time.process_time()
    if job.experiment == "vegetation":
        memory = _memories(job.recipe)[job.number]
        records = _records(job.cube, job.recipe.model_dump_json())
        found = train_vegetation(
            records, _world(job.cube), job.recipe, memory, job.number, job.fold, job.held, context.stop
        )
    else:
        emulator = EMULATORS[job.number]
        found = train_emulator(_days(job.folder), _world(job.cube), job.recipe, emulator, job.fold, context.stop)
    seconds = time.process_time() - begin
    save_tensors({"found": torch.from_numpy(found)}, job.result, {"seconds": f"{seconds:.1f}"})
    return seconds


def _gather(recipe: StudyRecipe, cube: Path, jobs: list[Job], version: str) -> xr.Dataset:
    world, part = _world(cube), recipe.vegetation
    records, days = _records(cube, recipe.model_dump_json()), _days(jobs[0].folder)
    models = _memories(recipe)
    predicted = np.full((len(models), *records.target.shape), np.nan, np.float32)
    score = np.full((len(EMULATORS), days.at.size, 2), np.nan, np.float32)
    for job in jobs:
        found = load_file(job.result)["found"].numpy()
        if job.experiment == "vegetation":
            cells = _judged(world, records.at, job.fold, recipe, part)
            predicted[job.number, cells, stretch(records, part.years[job.held])] = found
        else:
            score[job.number, _judged(world, days.at, job.fold, recipe, recipe.emulation)] = found
    kept = slice(stretch(records, part.years[0]).start, None)
    return dataset(
        {memory.name: predicted[i, :, kept] for i, memory in enumerate(models)},
        records.target[:, kept], records.months[kept], load_file(jobs[0].folder / _TRUTH)["size"].numpy(),
        study_cells(world, records.at),
        {emulator.name: score[i] for i, emulator in enumerate(EMULATORS)}, swing(days, recipe),
        study_cells(world, days.at), recipe, version,
    )  # fmt: skip


def _judged(world: xr.Dataset, at: NDArray[np.intp], fold: int, recipe: StudyRecipe, part: Any) -> NDArray[np.intp]:
    return np.flatnonzero(roles(world, at, fold, part.folds, recipe.seed, part.buffer) == 0)
