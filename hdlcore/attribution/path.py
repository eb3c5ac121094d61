"""Shared by methods that average gradients between a baseline and the weather."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.attribution.contract import Question, Subject
from hdlcore.errors import RequestError
from hdlcore.models.kernels import fast


def path_points(samples: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points between baseline (0) and weather (1) and their weights, of Gauss-Legendre quadrature."""
    points, weights = np.polynomial.legendre.leggauss(samples)
    return 0.5 * (points + 1), 0.5 * weights


def departures(difference: Tensor, question: Question) -> Tensor:
    """A daily difference (time, member, cell, n_forcing) as (target day, member, cell, lag, n_forcing)."""
    windows = difference.unfold(0, question.lags, 1).flip(-1)  # (first day, member, cell, n_forcing, lag)
    chosen = windows[torch.from_numpy(question.targets) - (question.lags - 1)]
    return chosen.transpose(-1, -2)


def target_series(subject: Subject, forcing: Tensor, question: Question) -> Tensor:
    """The target on the target days of a run under `forcing`, (target day, member, cell)."""
    with torch.no_grad():
        series, _ = fast.run(subject.model, subject.prepared, forcing, subject.state, (question.target,))
    return series[torch.from_numpy(question.targets), ..., 0]


def trajectories(subject: Subject, weathers: Sequence[Tensor]) -> list[Tensor]:
    """States on the morning of each day (time, member, cell, n_state) under each of some weathers, run as one batch."""
    n, n_cells = len(weathers), subject.n_cells
    prepared = subject.prepared.cells(torch.arange(n_cells).repeat(n))
    states = fast.trajectory(subject.model, prepared, torch.cat(list(weathers), 2), subject.state.repeat(1, n, 1))
    return list(states.split(n_cells, 2))


def run_difference(subject: Subject, question: Question) -> Tensor:
    """Target minus the target of the baseline run, both from the same state before the first day."""
    own = target_series(subject, subject.forcing, question)
    return own - target_series(subject, subject.baseline, question)


def finite(gradients: Tensor, question: Question) -> Tensor:
    """The gradients; raises `RequestError` when they are not all finite."""
    if not torch.isfinite(gradients).all():
        raise RequestError(
            f"The gradients of '{question.target}' are not finite for this cell; choose another cell, target or method."
        )
    return gradients
