"""What every method of attribution is given and gives: one subject, one question, one kind of answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.attribution.lags import lag_bins
from hdlcore.errors import RequestError
from hdlcore.models.hybrid import HybridModel, Prepared

Axis = Literal["forcing", "store"]
#: Told how far a piece of work is (0 to 1); raises `Cancelled` when it should stop.
Report = Callable[[float], None]


@dataclass(frozen=True)
class Subject:
    """A model at some cells under their weather.

    forcing : (time, member, cell, n_forcing), physical units; members may share memory
    baseline : the same shape, what the weather is compared with, such as its mean seasonal cycle
    state : (member, cell, n_state) on the morning of the first day; take a warm one
    days : (time,) datetime64[D]; cells : ids (cell,)
    usual : gives the mean seasonal course of the state (time, member, cell, n_state) on the morning of each day
    other_years : gives the same days of another year i = 0, 1, ... as forcing (time, member, cell, n_forcing)

    The last two are asked for only by the methods that need them.
    """

    model: HybridModel
    prepared: Prepared
    forcing: Tensor
    baseline: Tensor
    state: Tensor
    days: NDArray[np.datetime64]
    cells: NDArray[np.int64]
    usual: Callable[[], Tensor] | None = None
    other_years: Callable[[int], Tensor] | None = None

    @property
    def n_days(self) -> int:
        """Days of the record."""
        return self.forcing.shape[0]

    @property
    def n_members(self) -> int:
        """Members of the ensemble."""
        return self.forcing.shape[1]

    @property
    def n_cells(self) -> int:
        """Cells."""
        return self.forcing.shape[2]

    def part(self, member: int, cells: slice) -> Subject:
        """One member at some of the cells, its member dimension kept."""
        at = torch.arange(self.n_cells)[cells]
        own = slice(member, member + 1)
        usual, other_years = self.usual, self.other_years
        return replace(
            self,
            prepared=self.prepared.map(lambda tensor: tensor[own]).cells(at),
            forcing=self.forcing[:, own, cells],
            baseline=self.baseline[:, own, cells],
            state=self.state[own, cells],
            cells=self.cells[cells],
            usual=None if usual is None else lambda: usual()[:, own, cells],
            other_years=None if other_years is None else lambda i: other_years(i)[:, own, cells],
        )


@dataclass(frozen=True)
class Question:
    """Which output, on which days, how many days back.

    targets : positions in the record, each at least `lags` - 1. samples : points on the path of an integral, or draws
    of a random method. seed : of random methods; the same question has the same answer.
    """

    target: str
    targets: NDArray[np.int64]
    lags: int
    samples: int = 8
    seed: int = 1

    @cached_property
    def windows(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """First and last lag of each log-like window, for methods that change whole windows."""
        return lag_bins(self.lags)


@dataclass(frozen=True)
class Raw:
    """What a method gives: `values` (target day, member, cell, lag or lag window, axis) and, where contributions should
    add up to it, `difference` (target day, member, cell)."""

    values: Tensor
    difference: Tensor | None = None


@dataclass(frozen=True)
class Method:
    """One way to attribute.

    claim : what its numbers mean, one sentence. axis : what they are split by. by_window : whether the lag axis has
    windows instead of days. unit : format of the answer's unit given the target's. steps : daily model steps it costs
    per member and cell, given the record's length, the question, and the lengths of forcing and state axis.
    refuses : why it cannot answer for a model and target; empty when it can.
    """

    name: str
    label: str
    claim: str
    axis: Axis
    answer: Callable[[Subject, Question, Report], Raw]
    steps: Callable[[int, Question, int], float]
    by_window: bool = False
    additive: bool = False
    unit: str = "{unit}"
    entries: Callable[[HybridModel], tuple[str, ...]] = lambda model: tuple(model.forcing)
    refuses: Callable[[HybridModel, str], str] = lambda model, target: ""


def refuse(method: Method, subject: Subject, question: Question) -> None:
    """Raise `RequestError` for what cannot be asked: an output the model lacks, lags or days outside the record."""
    model, lags, n_days = subject.model, question.lags, subject.n_days
    if question.target not in model.outputs:
        raise RequestError(f"The model has no output '{question.target}'; it has {', '.join(model.outputs)}.")
    if not 1 <= lags <= n_days:
        raise RequestError(f"{lags} lags do not fit a record of {n_days} days; ask for 1 to {n_days}.")
    if not question.targets.size:
        raise RequestError("No target day was asked for; ask for at least one day.")
    first, last = int(question.targets.min()), int(question.targets.max())
    if first < lags - 1 or last >= n_days:
        raise RequestError(
            f"The days asked for need {lags - 1} days of weather before each; in this record ask for days from "
            f"{subject.days[lags - 1]} to {subject.days[-1]}."
        )
    if question.samples < 1:
        raise RequestError(f"{question.samples} samples are none; ask for at least 1.")
    said = method.refuses(model, question.target)
    if said:
        raise RequestError(said)
    if not torch.isfinite(subject.forcing).all():
        lost = [n for i, n in enumerate(model.forcing) if not torch.isfinite(subject.forcing[..., i]).all()]
        raise RequestError(f"The record has gaps in {', '.join(lost)}; fill them or choose a period without.")


def constant_drivers(subject: Subject) -> tuple[str, ...]:
    """Drivers that never change in the record, of which nothing can be said."""
    same = (subject.forcing == subject.forcing[:1]).all(0).flatten(0, -2).all(0)
    return tuple(name for name, flat in zip(subject.model.forcing, same.tolist(), strict=True) if flat)


def driver_index(model: HybridModel, name: str) -> int:
    """Position of a driver; raises `RequestError` naming those there are."""
    if name not in model.forcing:
        raise RequestError(f"The model has no driver '{name}'; it has {', '.join(model.forcing)}.")
    return model.forcing.index(name)
