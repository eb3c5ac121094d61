"""Spin-up: bring every store to the level that its own climate sustains.

Years repeat until stores return to where they were. A slow store approaches its level geometrically, so after two
repeats its limit can be read off (Aitken's delta-squared) and jumped to; that works for any store of any model. The
drift that is left is returned, not assumed.
"""

from __future__ import annotations

import torch
from torch import Tensor

from hdlcore.models.hybrid import HybridModel, Prepared
from hdlcore.progress import CancelToken, check

#: rounds of (two repeats and a jump), then settling repeats after the last jump
ROUNDS, SETTLE = 2, 2


def spin_up(
    model: HybridModel, prepared: Prepared, years: Tensor, state: Tensor, cancel: CancelToken | None = None
) -> tuple[Tensor, Tensor]:
    """Repeat forcing `years` (time, ..., cell, n_forcing), whole years, from `state` until stores are in balance.

    Returns the state (..., cell, n_state) and the remaining drift of each store per repeat (..., cell, n_store), mm.
    A store whose repeats do not approach a limit (snow that never melts away) is left as it is, and its drift tells.
    """
    n = len(model.stores)

    def repeat(start: Tensor) -> Tensor:
        check(cancel)
        with torch.no_grad():
            return model.run(prepared, years, start, model.store_names[:1])[1]

    state = repeat(state)
    for _ in range(ROUNDS):
        first = repeat(state)
        second = repeat(first)
        state = torch.cat([_limit(state[..., :n], first[..., :n], second[..., :n]), second[..., n:]], -1)
    for _ in range(SETTLE):
        before, state = state, repeat(state)
    return state, state[..., :n] - before[..., :n]


def _limit(s0: Tensor, s1: Tensor, s2: Tensor) -> Tensor:
    """Where a geometric approach s0, s1, s2 ends; s2 where it is none, and never below zero."""
    d1, d2 = s1 - s0, s2 - s1
    ratio = torch.where(
        d1.abs() > 1e-3, d2 / torch.where(d1.abs() > 1e-3, d1, torch.ones_like(d1)), torch.zeros_like(d1)
    )
    geometric = (ratio > 0) & (ratio < 0.98)
    jump = d2 * ratio / (1 - torch.where(geometric, ratio, torch.zeros_like(ratio)))
    return torch.where(geometric, s2 + jump, s2).clamp(min=0)
