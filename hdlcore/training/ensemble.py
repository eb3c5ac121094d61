"""Train all members of a recipe, a process each, one BLAS thread per process."""

from __future__ import annotations

import logging
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

import torch

from hdlcore.data.cube import open_world
from hdlcore.training.recipes import Recipe
from hdlcore.training.trainer import Trainer

logger = logging.getLogger(__name__)

#: Called with (member, passes done, record of the pass).
Report = Callable[[int, int, dict[str, Any]], None]


def train_members(
    recipe: Recipe,
    out: Path,
    data: Path | None = None,
    jobs: int = 2,
    resume: bool = False,
    report: Report | None = None,
) -> None:
    """Train every member of `recipe` into ``out``; with `resume`, go on where an interrupted training stopped."""
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[variable] = "1"
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager:
        records = manager.Queue()
        listener = Thread(target=_listen, args=(records, report), daemon=True)
        listener.start()
        with ProcessPoolExecutor(min(jobs, recipe.members), mp_context=context) as pool:
            work = [pool.submit(_train, recipe, m, data, out, resume, records) for m in range(recipe.members)]
            for future in work:
                future.result()
        records.put(None)
        listener.join()


def _train(recipe: Recipe, member: int, data: Path | None, out: Path, resume: bool, records: Queue) -> None:
    torch.set_num_threads(1)
    trainer = Trainer(recipe, member, open_world(data), out)
    if resume and trainer.resume():
        logger.info("member %d goes on after pass %d", member, trainer.done)
    trainer.train(lambda done, record: records.put((member, done, record)))


def _listen(records: Queue, report: Report | None) -> None:
    while (entry := records.get()) is not None:
        if report:
            report(*entry)
