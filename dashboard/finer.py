"""The finer grid of a quantity: which field it is, and what of it a window of a map shows; shared by all visitors."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard.plots import screen
from dashboard.plots.projection import Projection
from hdlcore.data.fine import open_fine
from hdlcore.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Finer:
    """A field of `hdlcore.data.fine` in a month; `departure`: its yearly mean taken off; `classes`: codes."""

    name: str
    month: int
    departure: bool = False
    classes: bool = False

    def next_month(self) -> Finer:
        """The same a month later; of a field without months, itself."""
        return replace(self, month=self.month % 12 + 1) if open_fine().seasonal(self.name) else self

    @property
    def step(self) -> float:
        """Size of its cells, degrees."""
        return open_fine().grid.step

    def values(self) -> NDArray[np.float32]:
        """All of it, (row, column) from 90 N, 180 W; NaN where there is none."""
        return open_fine().values(self.name, self.month, self.departure)

    def attributes(self) -> dict[str, Any]:
        """CF attributes, with source, product and licence."""
        return open_fine().attributes(self.name)


@lru_cache(maxsize=1)
def names() -> frozenset[str]:
    """Quantities of the world cube that there is a finer grid of; none where the shipped store cannot be read."""
    try:
        return frozenset(open_fine().names)
    except DataError as error:
        log.warning("no fine fields: %s", error)
        return frozenset()


def warm_up() -> None:
    """What the first look at a fine field would wait for: a library and its compiled loops."""
    if names():
        for classes in (False, True):
            screen.blocks(np.zeros((6, 6), np.float32), 2, classes)


@lru_cache(maxsize=24)
def _blocks(finer: Finer, n: int) -> NDArray[np.float32]:
    return screen.blocks(finer.values(), n, finer.classes)


@lru_cache(maxsize=6)
def _sight(projection: Projection, window: screen.Window) -> screen.Sight:
    return screen.sight(projection, window)


@lru_cache(maxsize=24)
def picture(finer: Finer, projection: Projection, window: screen.Window) -> screen.Picture:
    """What the window shows of the field."""
    seen = _sight(projection, window)
    return screen.picture(seen, lambda n: _blocks(finer, n), finer.step, finer.classes)


def ready(finer: Finer, projection: Projection, window: screen.Window) -> screen.Picture:
    """The same with all that is sent of it; for a thread."""
    found = picture(finer, projection, window)
    _ = found.sent
    return found
