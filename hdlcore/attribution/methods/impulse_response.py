"""Impulse response: a pulse of one driver on one past day, large enough to matter, and what it does to the target."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from hdlcore.attribution.contract import Method, Question, Raw, Report, Subject
from hdlcore.attribution.pulse import pulse_size, pulse_unit
from hdlcore.attribution.reruns import BATCH_NUMBERS
from hdlcore.models.kernels import fast
from hdlcore.models.kernels.fast import trajectory


def answer(subject: Subject, question: Question, report: Report) -> Raw:
    """``A = F(x with a pulse of driver v on day t - l) - F(x)``; see `pulse_size` for how large a pulse is.

    One run from a changed day gives the response of every later day, so that all lags of all days cost one run for
    each day and driver.
    """
    model, lags = subject.model, question.lags
    states = trajectory(model, subject.prepared, subject.forcing, subject.state)
    plain = _series(subject, subject.forcing, subject.state, question.target)
    wanted = np.zeros(subject.n_days, bool)
    for lag in range(lags):
        wanted[question.targets - lag] = True
    begins = np.flatnonzero(wanted)
    n_forcing = len(model.forcing)
    values = plain.new_zeros(question.targets.size, *plain.shape[1:], lags, n_forcing)
    size = max(1, BATCH_NUMBERS // (lags * subject.n_members * subject.n_cells * n_forcing))
    for driver, name in enumerate(model.forcing):
        pulse = pulse_size(subject, name)
        for first in range(0, begins.size, size):
            report((driver + first / begins.size) / n_forcing)
            batch = torch.from_numpy(begins[first : first + size])
            response = _responses(subject, question, states, plain, batch, driver, pulse)
            _scatter(values[..., driver], response, batch, question)
    return Raw(values)


def _series(subject: Subject, forcing: Tensor, state: Tensor, target: str) -> Tensor:
    with torch.no_grad():
        series, _ = fast.run(subject.model, subject.prepared, forcing, state, (target,))
    return series[..., 0]


def _responses(
    subject: Subject, question: Question, states: Tensor, plain: Tensor, begins: Tensor, driver: int, pulse: Tensor
) -> Tensor:
    """Response (lag, member, run, cell) to a pulse on each of `begins`; beyond the record its last day is repeated."""
    n_cells = subject.n_cells
    at = (begins + torch.arange(question.lags)[:, None]).clamp(max=subject.n_days - 1)
    forcing = subject.forcing[at].transpose(1, 2).clone()  # (lag, member, run, cell, n_forcing)
    forcing[0, ..., driver] += pulse
    prepared = subject.prepared.cells(torch.arange(n_cells).repeat(begins.numel()))
    with torch.no_grad():
        series, _ = fast.run(
            subject.model, prepared, forcing.flatten(2, 3), states[begins].transpose(0, 1).flatten(1, 2),
            (question.target,),
        )  # fmt: skip
    return series[..., 0].unflatten(2, (-1, n_cells)) - plain[at].transpose(1, 2)


def _scatter(values: Tensor, response: Tensor, begins: Tensor, question: Question) -> None:
    """Put the response to a pulse on day b at lag l where target day b + l stands, (target, member, cell, lag)."""
    place = torch.full((int(question.targets.max()) + question.lags + 1,), -1)
    place[torch.from_numpy(question.targets)] = torch.arange(question.targets.size)
    for lag in range(question.lags):
        target = place[(begins + lag).clamp(max=place.numel() - 1)]
        seen = torch.nonzero(target >= 0)[:, 0]
        values[target[seen], ..., lag] = response[lag][:, seen].transpose(0, 1)


def steps(n_days: int, question: Question, n_forcing: int) -> float:
    """A run of all lags from each day, for each driver."""
    return n_days * (1.0 + question.lags * n_forcing)


METHOD = Method(
    name="impulse_response",
    label="Impulse response",
    claim="What the target would be more, or less, had one past day brought a pulse of a driver: "
    f"{pulse_unit('precipitation')}, {pulse_unit('air_temperature')}, of others one standard deviation.",
    axis="forcing",
    answer=answer,
    steps=steps,
    unit="{unit} per pulse",
)
