"""Banded adjoint: exact gradients of every target day with respect to every day before it, lag by lag.

For any ``s_t, y_t = f(s_{t-1}, x_t)`` the states are stored in one forward run, all days are flattened into one batch
of independent single steps, and the adjoint of every target day is pulled back one day at a time: one
vector-Jacobian product per lag instead of one backward pass per target day. The numbers are those of plain autograd.
For a single target day there is no gain; there one backward pass over its window is taken.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from hdlcore.attribution.contract import Question, Report, Subject
from hdlcore.attribution.linear import F4, LinearDays, linear_days, suits
from hdlcore.attribution.pull import LANES, pull
from hdlcore.models.hybrid import HybridModel, Prepared
from hdlcore.models.kernels import arrays, fast

#: Rows (member x day x cell) in one graph; more falls out of the cache.
MAX_ROWS = 12_000
#: Rows (day x window) that one backward pass over windows may keep.
WINDOW_ROWS = 60_000
#: A backward pass over a window costs about this many times a vector-Jacobian product of the banded adjoint per day.
FEW_TARGETS = 3


def ignore(fraction: float) -> None:
    """Report to nobody."""


def lag_gradients(
    subject: Subject, forcing: Tensor, question: Question, report: Report = ignore, states: Tensor | None = None
) -> Tensor:
    """Gradients ``d y_t / d x_{t-l}`` of the target under `forcing` (time, member, cell, n_forcing).

    Returns (target day, member, cell, lag, n_forcing), units of target per unit of forcing. Many target days go by the
    banded adjoint, few by one backward pass each over their windows; the numbers are the same. `states` is the
    `trajectory` under `forcing`, if it is known.
    """
    model, prepared = subject.model, subject.prepared
    if states is None:
        states = fast.trajectory(model, prepared, forcing, subject.state)
    if suits(model, forcing):
        return pulled_gradients(model, prepared, forcing, states, question, report)
    few = FEW_TARGETS * question.targets.size < forcing.shape[0]
    gradients = window_gradients if few else banded_gradients
    return gradients(model, prepared, forcing, states, question, report)


def pulled_gradients(
    model: HybridModel, prepared: Prepared, forcing: Tensor, states: Tensor, question: Question, report: Report = ignore
) -> Tensor:
    """The banded adjoint without a graph (`hdlcore.attribution.pull`); arguments and result as `banded_gradients`."""
    n_days, n_members, n_cells, n_forcing = forcing.shape
    n_targets = question.targets.size
    gradients = np.zeros((n_members, n_cells, n_targets, question.lags, n_forcing), np.float32)
    everyday = torch.zeros(n_days, dtype=torch.long)
    arrays.one_blas_thread()
    for member in range(n_members):
        for cell in range(n_cells):
            report((member * n_cells + cell) / (n_members * n_cells))
            rows = prepared.member(member).cells(everyday + cell)
            days = linear_days(model, rows, forcing[:, member, cell], states[:, member, cell], question.target)
            found = gradients[member, cell]

            def part(first: int, last: int, days: LinearDays = days, found: F4 = found) -> None:
                pull(question.targets, first, last, *days.arguments, np.float32(1), found)  # type: ignore[call-arg]

            arrays.share([partial(part, *piece) for piece in arrays.pieces(n_targets, LANES)])
    return torch.from_numpy(gradients).permute(2, 0, 1, 3, 4)


def banded_gradients(
    model: HybridModel, prepared: Prepared, forcing: Tensor, states: Tensor, question: Question, report: Report = ignore
) -> Tensor:
    """The banded adjoint: arguments and result as `lag_gradients`, `states` (time, member, cell, n_state)."""
    n_days, n_members, n_cells, n_forcing = forcing.shape
    targets = torch.from_numpy(question.targets)
    gradients = forcing.new_empty(targets.numel(), n_members, n_cells, question.lags, n_forcing)
    width = max(1, MAX_ROWS // (n_days * n_members))
    starts = range(0, n_cells, width)
    for i, first in enumerate(starts):
        cells = slice(first, min(first + width, n_cells))

        def part(fraction: float, done: int = i) -> None:
            report((done + fraction) / len(starts))

        part(0.0)
        gradients[:, :, cells] = _block(
            model, prepared.cells(torch.arange(cells.start, cells.stop)), forcing[:, :, cells], states[:, :, cells],
            question.target, targets, question.lags, part,
        )  # fmt: skip
    return gradients


def _block(
    model: HybridModel, prepared: Prepared, forcing: Tensor, states: Tensor, target: str, targets: Tensor, lags: int,
    report: Report,
) -> Tensor:  # fmt: skip
    n_days, n_members, n_cells, _ = forcing.shape
    rows = prepared.cells(torch.arange(n_cells).repeat(n_days))

    def flat(x: Tensor) -> Tensor:  # (time, member, cell, k) -> (member, time * cell, k): rows of one matrix product
        return x.transpose(0, 1).reshape(n_members, n_days * n_cells, -1)

    def days(x: Tensor) -> Tensor:  # and back to (member, time, cell, k)
        return x.reshape(n_members, n_days, n_cells, -1)

    x = flat(forcing).detach().requires_grad_()
    s = flat(states).detach().requires_grad_()
    with torch.enable_grad():
        output, after = model.step(x, s, rows, (target,))
    # Only rows of target days start with a slope; the others carry zeros until an adjoint is shifted onto them.
    seed = days(torch.zeros_like(output)).clone()
    seed[:, targets] = 1.0
    grad_x, adjoint = torch.autograd.grad(
        output, (x, s), seed.reshape_as(output), retain_graph=True, materialize_grads=True
    )
    gradients = forcing.new_empty(targets.numel(), n_members, n_cells, lags, forcing.shape[-1])
    gradients[..., 0, :] = days(grad_x)[:, targets].transpose(0, 1)
    for lag in range(1, lags):
        if lag % 16 == 1:
            report(lag / lags)
        shifted = torch.zeros_like(days(adjoint))
        shifted[:, :-1] = days(adjoint)[:, 1:]
        grad_x, adjoint = torch.autograd.grad(
            after, (x, s), shifted.reshape_as(after), retain_graph=True, materialize_grads=True
        )
        gradients[..., lag, :] = days(grad_x)[:, targets - lag].transpose(0, 1)
    return gradients


def window_gradients(
    model: HybridModel, prepared: Prepared, forcing: Tensor, states: Tensor, question: Question, report: Report = ignore
) -> Tensor:
    """One backward pass over the window of each target day, windows in a batch; otherwise as `banded_gradients`."""
    n_members, n_cells, lags = forcing.shape[1], forcing.shape[2], question.lags
    targets = torch.from_numpy(question.targets)
    gradients = forcing.new_empty(targets.numel(), n_members, n_cells, lags, forcing.shape[-1])
    size = max(1, WINDOW_ROWS // (lags * n_cells))
    for first in range(0, targets.numel(), size):
        group = slice(first, first + size)
        begins = targets[group] - (lags - 1)
        window = begins + torch.arange(lags)[:, None]  # (day of the window, target)
        lanes = torch.arange(n_cells).repeat(begins.numel())
        for member in range(n_members):
            report((first + member / n_members) / targets.numel())
            own = prepared.member(member).cells(lanes)
            weather, before = forcing[:, member][window].flatten(1, 2), states[:, member][begins].flatten(0, 1)
            gradient = window_gradient(model, own, weather, before, question.target)
            gradients[group, member] = gradient.unflatten(0, (-1, n_cells))
    return gradients


def window_gradient(model: HybridModel, prepared: Prepared, forcing: Tensor, state: Tensor, target: str) -> Tensor:
    """Gradient of the target on the last day of a window with respect to the forcing of its days, (cell, lag, forcing).

    forcing (day, cell, n_forcing) and state (cell, n_state), without a member dimension; lag 0 is the last day.
    """
    x = forcing.detach().clone(memory_format=torch.contiguous_format).requires_grad_()
    with torch.enable_grad():
        output, _ = fast.run(model, prepared, x, state.contiguous(), (target,))
        (gradient,) = torch.autograd.grad(output[-1].sum(), x)
    return gradient.flip(0).transpose(0, 1)
