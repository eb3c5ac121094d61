"""Banded adjoint: exact gradients of every target day with respect to every day before it, lag by lag.

For any ``s_t, y_t = f(s_{t-1}, x_t)`` the states are stored in one forward run, all days are flattened into one batch
of independent single steps, and the adjoint of every target day is pulled back one day at a time: one
vector-Jacobian product per lag instead of one backward pass per target day. The numbers are those of plain autograd.
For a single target day there is no gain.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from hdlcore.models.hybrid import HybridModel, Prepared
from hdlcore.progress import CancelToken, Progress, check

#: Rows (member x day x cell) in one graph; more falls out of the cache.
MAX_ROWS = 12_000


def trajectory(model: HybridModel, prepared: Prepared, forcing: Tensor, state: Tensor) -> Tensor:
    """States before each day, (time, ..., cell, n_state), of a run over forcing (time, ..., cell, n_forcing)."""
    states = []
    with torch.no_grad():
        for day in forcing.unbind(0):
            states.append(state)
            _, state = model.step(day, state, prepared, model.store_names[:1])
    return torch.stack(states)


def banded_gradients(
    model: HybridModel,
    prepared: Prepared,
    forcing: Tensor,
    state: Tensor,
    target: str,
    lags: int,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> tuple[Tensor, Tensor]:
    """Gradients ``d y_t / d x_{t-l}`` for l < `lags` and every target day t >= lags - 1 of the record.

    Parameters
    ----------
    prepared : for members x cells (a leading member dimension, 1 for a single member)
    forcing : (time, member, cell, n_forcing), physical units
    state : (member, cell, n_state), the state before the first day: take a warm one
    target : name of an output

    Returns
    -------
    values : (n_target, member, cell), the target on each target day
    gradients : (n_target, member, cell, lag, n_forcing), units of target per unit of forcing
    """
    n_days, n_members, n_cells, n_forcing = forcing.shape
    n_targets = n_days - lags + 1
    states = trajectory(model, prepared, forcing, state)
    gradients = forcing.new_empty(n_targets, n_members, n_cells, lags, n_forcing)
    values = forcing.new_empty(n_targets, n_members, n_cells)
    width = max(1, MAX_ROWS // (n_days * n_members))
    starts = range(0, n_cells, width)
    for i, first in enumerate(starts):
        cells = slice(first, min(first + width, n_cells))

        def part(fraction: float, done: int = i) -> None:
            check(cancel)
            if progress:
                progress((done + fraction) / len(starts), "following influence back, day by day")

        values[:, :, cells], gradients[:, :, cells] = _block(
            model, prepared.cells(torch.arange(cells.start, cells.stop)), forcing[:, :, cells], states[:, :, cells],
            target, lags, part,
        )  # fmt: skip
    return values, gradients


def _block(
    model: HybridModel,
    prepared: Prepared,
    forcing: Tensor,
    states: Tensor,
    target: str,
    lags: int,
    report: Callable[[float], None],
) -> tuple[Tensor, Tensor]:
    n_days, n_members, n_cells, _ = forcing.shape
    n_targets = n_days - lags + 1
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
    seed[:, lags - 1 :] = 1.0
    grad_x, adjoint = torch.autograd.grad(
        output, (x, s), seed.reshape_as(output), retain_graph=True, materialize_grads=True
    )
    gradients = forcing.new_empty(n_targets, n_members, n_cells, lags, forcing.shape[-1])
    gradients[..., 0, :] = days(grad_x)[:, lags - 1 :].transpose(0, 1)
    for lag in range(1, lags):
        if lag % 16 == 1:
            report(lag / lags)
        shifted = torch.zeros_like(days(adjoint))
        shifted[:, :-1] = days(adjoint)[:, 1:]
        grad_x, adjoint = torch.autograd.grad(
            after, (x, s), shifted.reshape_as(after), retain_graph=True, materialize_grads=True
        )
        gradients[..., lag, :] = days(grad_x)[:, lags - 1 - lag : n_days - lag].transpose(0, 1)
    values = days(output.detach())[:, lags - 1 :, :, 0].transpose(0, 1)
    return values, gradients
