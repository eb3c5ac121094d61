"""What a trainer needs of the data: batches with losses, states carried from pass to pass, and a score to stop by."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hdlcore.models.hybrid import HybridModel


@dataclass(frozen=True)
class Losses:
    """Losses of a batch: one per target (n,), and the soft constraints, already weighted."""

    targets: Tensor
    penalty: Tensor


class Pass(ABC):
    """One pass over the data. Batches come in order; the trainer steps the optimizer after each."""

    @abstractmethod
    def __iter__(self) -> Iterator[Losses]:
        """Losses of one batch after another, each with its graph, under the weights as they are at that time."""

    @abstractmethod
    def end(self) -> tuple[Tensor, dict[str, Any]]:
        """States for the next pass, and the record of this one with ``score_validation`` (higher is better)."""


class Task(ABC):
    """Data of one member's training, bound to a recipe."""

    #: names of the targets, in the order of their losses
    targets: tuple[str, ...]
    #: names of the statics that networks see
    features: tuple[str, ...]

    @abstractmethod
    def scaling(self) -> tuple[Tensor, Tensor]:
        """Forcing (sample, n_forcing) and statics (cell, n_statics) of what is trained on, to scale inputs by."""

    @abstractmethod
    def warm(self, model: HybridModel) -> Tensor:
        """States (cell, n_state) before the first pass."""

    @abstractmethod
    def begin(self, model: HybridModel, states: Tensor, done: int) -> Pass:
        """The pass after `done` others."""


def scale_inputs(model: HybridModel, task: Task) -> None:
    """Give a new model the scaling of its inputs; a static that does not vary where it trains counts for none."""
    forcing, statics = task.scaling()
    known = torch.isfinite(statics)
    count = known.sum(0).clamp(min=1)
    mean = torch.where(known, statics, torch.zeros_like(statics)).sum(0) / count
    spread = torch.where(known, statics - mean, torch.zeros_like(statics)).square().sum(0).div(count).sqrt()
    constant = spread <= 1e-6 * mean.abs().clamp(min=1.0)
    model.forcing_mean.copy_(forcing.mean(0))
    model.forcing_std.copy_(forcing.std(0).clamp(min=1e-3))
    model.statics_mean.copy_(mean)
    # infinite spread: such a static stays at the mean for every cell, also for one where it differs
    model.statics_std.copy_(torch.where(constant, torch.full_like(spread, torch.inf), spread))


def median(values: np.ndarray) -> float:
    """Median of the finite values, NaN when there are none."""
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else float("nan")
