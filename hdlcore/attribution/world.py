"""Memory of many cells at a few target days: the windows of all targets step as one batch, one backward pass each.

For a handful of target days this is cheaper than the banded adjoint and gives the same numbers.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from hdlcore.models.hybrid import HybridModel, Prepared
from hdlcore.models.kernels import fast


def window_gradients(model: HybridModel, prepared: Prepared, forcing: Tensor, state: Tensor, target: str) -> Tensor:
    """Gradient of the target on the last day of a window with respect to its forcing, by lag.

    forcing: (time, cell, n_forcing), a window of `time` days; state: (cell, n_state), before its first day. Returns
    (cell, lag, n_forcing), lag 0 the last day.
    """
    x = forcing.detach().clone().requires_grad_()
    with torch.enable_grad():
        output, _ = fast.run(model, prepared, x, state, (target,))
        (gradient,) = torch.autograd.grad(output[-1].sum(), x)
    return gradient.flip(0).transpose(0, 1)


def target_days(year: int, first: np.datetime64) -> np.ndarray:
    """Positions, counted from `first`, of the 15th of each month of `year`."""
    months = np.arange(f"{year}-01", f"{year + 1}-01", dtype="datetime64[M]")
    return (months.astype("datetime64[D]") + 14 - first).astype(int)
