"""Train all members of a recipe, a worker each: processes of this machine, or a cluster that shares the file system."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from hdlcore.errors import ModelError
from hdlcore.progress import CancelToken, check
from hdlcore.training.recipes import Recipe
from hdlcore.training.sites import extra_members
from hdlcore.training.trainer import Trainer, make_task
from hdlcore.workers import Context, Processes, Workers

logger = logging.getLogger(__name__)

#: Called with (member, passes done, record of the pass).
Report = Callable[[int, int, dict[str, Any]], None]


@dataclass(frozen=True)
class MemberTask:
    """One member to train: everything by value or by path."""

    recipe: Recipe
    member: int
    data: Path | None
    out: Path


def train_members(
    recipe: Recipe,
    out: Path,
    data: Path | None = None,
    workers: Workers | None = None,
    resume: bool = False,
    report: Report | None = None,
    cancel: CancelToken | None = None,
) -> None:
    """Train every member of `recipe`, also those for unseen basins, into ``out`` on `workers`.

    By default these are processes, one per core and at most one per member.
    With `resume`, members go on where an interrupted training stopped. A member whose worker died goes on from its last
    checkpoint on another one.
    """
    members = recipe.members + extra_members(recipe, data)
    workers = workers or Processes(min(os.cpu_count() or 1, members))
    out, data = out.resolve(), data.resolve() if data is not None else None
    out.mkdir(parents=True, exist_ok=True)
    if not resume:  # what an earlier training left is of no use to this one
        for old in (*out.glob("training-*.safetensors"), *out.glob("member-*.safetensors")):
            old.unlink()
    tasks = [MemberTask(recipe, member, data, out) for member in range(members)]
    with closing(workers.map(train_member, tasks, cancel, lambda told: report(*told) if report else None)) as trained:
        for at, passes in trained:
            logger.debug("member %d is trained after %d passes", at, passes)


def train_member(task: MemberTask, context: Context) -> int:
    """Train one member from its checkpoint, if there is one, on; returns its passes."""
    torch.set_num_threads(1)
    if not task.out.is_dir():
        raise ModelError(f"A worker does not see {task.out}; workers must share the file system with the one who asks.")
    trainer = Trainer(task.recipe, task.member, make_task(task.recipe, task.member, task.data), task.out)
    if trainer.resume():
        logger.info("member %d goes on after pass %d", task.member, trainer.done)

    def passed(done: int, record: dict[str, Any]) -> None:
        check(context.stop)
        context.tell((task.member, done, record))

    trainer.train(passed)
    return trainer.done
