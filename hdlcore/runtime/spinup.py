"""Spin-up: bring every store to the level that its own climate sustains.

A year repeats until stores return to where they were; cells that have settled drop out, so the slow few do not make
the many wait. Extrapolating the approach (Aitken's delta-squared) was tried: the network's feedback makes it
overshoot, and plain repeats end nearer in the same time. The drift that is left is returned, not assumed.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hdlcore.models.hybrid import HybridModel, Prepared
from hdlcore.models.kernels import fast
from hdlcore.progress import CancelToken, check
from hdlcore.runtime.stretches import stretches

#: A cell has settled when no store of any member moved further than this over a repeat, mm.
TOLERANCE = 1.0
#: Snow that never melts away does not settle: there the repeats end here, and the drift tells.
MAX_REPEATS = 24


def spin_up(
    model: HybridModel, prepared: Prepared, year: Tensor, state: Tensor, cancel: CancelToken | None = None
) -> tuple[Tensor, Tensor]:
    """Repeat forcing `year` (time, member, cell, n_forcing) from `state` until each cell's stores are in balance.

    Returns the state (member, cell, n_state) at the end of a repeat and the drift of each store over the last repeat
    of its cell (member, cell, n_store), mm.
    """
    n = len(model.stores)
    state, drift = state.clone(), torch.zeros_like(state[..., :n])
    active = torch.arange(state.shape[-2])
    for _ in range(MAX_REPEATS):
        before = state[:, active]
        cells, after = prepared.cells(active), before
        for stretch in stretches(year[:, :, active], before.shape[0] * active.numel()):
            check(cancel)
            after = fast.advance(model, cells, stretch, after)
        state[:, active], drift[:, active] = after, after[..., :n] - before[..., :n]
        active = active[(drift[:, active].abs() > TOLERANCE).any(-1).any(0)]
        if not active.numel():
            break
    return state, drift
