"""A run in stretches of days, between which it looks at its cancel token and gives way to others."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

#: Most days between two looks.
DAYS = 73
#: Most cell-days of members between two looks: some hundredths of a second on one core.
WORK = 50_000


def stretches(forcing: Tensor, lanes: int) -> Iterator[Tensor]:
    """Split forcing (time, ...) along time; `lanes` are the cells times members that step together."""
    yield from forcing.split(max(1, min(DAYS, WORK // max(lanes, 1))))
