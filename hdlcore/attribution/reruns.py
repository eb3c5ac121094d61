"""Runs begun anew on many days at once, with changed weather or a changed state: what most methods stand on."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.attribution.contract import Question, Report, Subject
from hdlcore.models.kernels import fast
from hdlcore.models.kernels.fast import trajectory

#: Numbers of weather that one batch of runs may hold.
BATCH_NUMBERS = 8_000_000

#: Changes weather (day, member, run, cell, n_forcing) in place; told the positions of the target days of these runs.
Change = Callable[[Tensor, NDArray[np.int64]], None]


class Reruns:
    """Runs that end on the target days of a question and began some days before."""

    def __init__(self, subject: Subject, question: Question) -> None:
        self.subject, self.question = subject, question
        self.states = trajectory(subject.model, subject.prepared, subject.forcing, subject.state)
        self.value = self.ends(0)  # (target day, member, cell)

    def ends(
        self, lag: int, weather: Change | None = None, states: Tensor | None = None, report: Report | None = None
    ) -> Tensor:
        """Target on each target day (target day, member, cell) of runs that begin `lag` days before it.

        `states` (time, member, cell, n_state) replaces the states the runs begin from.
        """
        begin_states = self.states if states is None else states
        parts = []
        for i, targets in self._batches(lag):
            if report:
                report(i)
            begins = torch.from_numpy(targets - lag)
            forcing = self._weather(begins, lag)
            if weather:
                weather(forcing, targets)
            before = begin_states[begins].transpose(0, 1)  # (member, run, cell, n_state)
            parts.append(self._last(forcing, before))
        return torch.cat(parts)

    def _batches(self, lag: int) -> Iterator[tuple[float, NDArray[np.int64]]]:
        subject, targets = self.subject, self.question.targets
        numbers = (lag + 1) * subject.n_members * subject.n_cells * len(subject.model.forcing)
        size = max(1, BATCH_NUMBERS // numbers)
        for first in range(0, targets.size, size):
            yield first / targets.size, targets[first : first + size]

    def _weather(self, begins: Tensor, lag: int) -> Tensor:
        at = begins + torch.arange(lag + 1)[:, None]
        return self.subject.forcing[at].transpose(1, 2).clone()  # (day, member, run, cell, n_forcing)

    def _last(self, forcing: Tensor, before: Tensor) -> Tensor:
        """Target on the last day of runs (run, member, cell)."""
        subject = self.subject
        n_runs, n_cells = before.shape[1], before.shape[2]
        prepared = subject.prepared.cells(torch.arange(n_cells).repeat(n_runs))
        flat, state = forcing.flatten(2, 3), before.flatten(1, 2)
        if len(flat) > 1:
            state = fast.advance(subject.model, prepared, flat[:-1], state)
        with torch.no_grad():
            last, _ = fast.run(subject.model, prepared, flat[-1:], state, (self.question.target,))
        return last[0, ..., 0].unflatten(1, (n_runs, n_cells)).transpose(0, 1)


def rerun_steps(question: Question, runs_per_window: int) -> float:
    """Daily model steps of one run per target day and window, begun at the far end of the window."""
    _, end = question.windows
    return float(question.targets.size * runs_per_window * (end + 1).sum())
