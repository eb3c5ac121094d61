"""Gradient x input and integrated gradients by lag, on the banded adjoint; one contract for both.

    gradient x input:      A = (x - b) dF(x)/dx
    integrated gradients:  A = (x - b) * integral over a of dF(b + a (x - b))/dx   (Sundararajan et al. 2017)

`b` is the baseline forcing, by default the cell's own mean seasonal cycle.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from hdlcore.attribution.banded import banded_gradients
from hdlcore.errors import RequestError
from hdlcore.models.hybrid import HybridModel, Prepared
from hdlcore.progress import CancelToken, Progress

METHODS = ("gradient_x_input", "integrated_gradients")

#: Gauss-Legendre nodes of the path integral; kinks of the physics (melt, overflow) slow its convergence, the gap tells.
NODES = 8


@dataclass(frozen=True)
class Attribution:
    """Contributions (n_target, member, cell, lag, n_forcing) in the target's unit, and how far they add up.

    `difference` is F(x) - F(b) per target day (n_target, member, cell), both runs from the same state before the
    first day; `gap` = sum of contributions - difference: error of quadrature or linearisation, and what lies beyond
    the lags.
    """

    contributions: Tensor
    difference: Tensor
    gap: Tensor


def attribute(
    method: str,
    model: HybridModel,
    prepared: Prepared,
    forcing: Tensor,
    baseline: Tensor,
    state: Tensor,
    target: str,
    lags: int,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    nodes: int = NODES,
) -> Attribution:
    """Contribution of each forcing at each lag to the target on every target day t >= lags - 1.

    forcing and baseline: (time, member, cell, n_forcing); state: (member, cell, n_state), a warm one. More `nodes` of
    the path integral trade time for completeness. Raises `RequestError` for an unknown method or target and for lags
    longer than the record.
    """
    _refuse(method, model, target, lags, forcing.shape[0])
    path, weights = _path(method, nodes)
    total = None
    for i, (node, weight) in enumerate(zip(path, weights, strict=True)):

        def part(fraction: float, message: str, done: int = i) -> None:
            if progress:
                progress((done + fraction) / len(path), message)

        _, gradients = banded_gradients(
            model, prepared, baseline + node * (forcing - baseline), state, target, lags, part, cancel
        )
        total = gradients.mul_(weight) if total is None else total.add_(gradients, alpha=weight)
    assert total is not None
    departure = (forcing - baseline).unfold(0, lags, 1).flip(-1)  # (n_target, member, cell, n_forcing, lag)
    contributions = total * departure.transpose(-1, -2)
    if not torch.isfinite(contributions).all():
        raise RequestError(f"The gradients of '{target}' are not finite for this cell; choose another cell or target.")
    difference = _target_series(model, prepared, forcing, state, target, lags) - _target_series(
        model, prepared, baseline, state, target, lags
    )
    return Attribution(contributions, difference, contributions.sum((-1, -2)) - difference)


def _path(method: str, nodes: int) -> tuple[list[float], list[float]]:
    if method == "gradient_x_input":
        return [1.0], [1.0]
    path, weights = np.polynomial.legendre.leggauss(nodes)
    return [float(0.5 * (node + 1)) for node in path], [float(0.5 * w) for w in weights]


def _target_series(
    model: HybridModel, prepared: Prepared, forcing: Tensor, state: Tensor, target: str, lags: int
) -> Tensor:
    with torch.no_grad():
        series, _ = model.run(prepared, forcing, state, (target,))
    return series[lags - 1 :, ..., 0]


def _refuse(method: str, model: HybridModel, target: str, lags: int, n_days: int) -> None:
    if method not in METHODS:
        raise RequestError(f"No attribution method is called '{method}'; there are {', '.join(METHODS)}.")
    if target not in model.outputs:
        raise RequestError(f"The model has no output '{target}'; it has {', '.join(model.outputs)}.")
    if not 1 <= lags <= n_days:
        raise RequestError(f"{lags} lags do not fit a record of {n_days} days; ask for 1 to {n_days}.")
