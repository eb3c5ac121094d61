"""Rows and columns that hang their parts into the page bit by bit, so that no message of a page made ahead is long.

The Panel objects of a part are all there at once; what takes the server to make, to send, and the browser to build, are
their Bokeh models. Inside `bit_by_bit` a layout makes as many of its children's as there is time for, and notes that
some are left; `grow` has it make more, in a further message.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any


class Bits:
    """How long models may be made, and the layouts in which some are left, the innermost first."""

    def __init__(self, seconds: float) -> None:
        self._until: float = time.perf_counter() + seconds
        self._begun = False
        self.unfinished: list[Growing] = []

    def more(self) -> bool:
        """Whether there is time for one more; for the first there always is."""
        begun, self._begun = self._begun, True
        return not begun or time.perf_counter() < self._until


_bits: ContextVar[Bits | None] = ContextVar("_bits", default=None)


@contextmanager
def bit_by_bit(seconds: float) -> Iterator[Bits]:
    """Make models for so long, and one at the least; `unfinished` says, afterwards, where some are left."""
    bits = Bits(seconds)
    held = _bits.set(bits)
    try:
        yield bits
    finally:
        _bits.reset(held)


class Growing:
    """A Panel layout that can be unfinished."""

    def _get_objects(self, model: Any, old_objects: list[Any], doc: Any, root: Any, comm: Any = None) -> Any:
        """As Panel's method of this name: models of the children, and those of them that were there."""
        bits = _bits.get()
        if bits is None:
            return super()._get_objects(model, old_objects, doc, root, comm)  # type: ignore[misc]
        parts, ref = self.objects, root.ref["id"]  # type: ignore[attr-defined]
        for part in old_objects:
            if part not in parts:
                part._cleanup(root)
        old = [part._models[ref][0] for part in parts if ref in part._models]
        before = len(bits.unfinished)
        for part in parts:
            if ref not in part._models and bits.more():
                part._get_model(doc, root, model, comm)
        made = [part._models[ref][0] for part in parts if ref in part._models]
        if len(made) < len(parts) or len(bits.unfinished) > before:  # its own size follows from its children's
            bits.unfinished.append(self)
        return made, old


def grow(unfinished: Iterable[Growing]) -> None:
    """Hang in what is left, the innermost first; inside `bit_by_bit` what there is time for."""
    bits, waiting = _bits.get(), deque(unfinished)
    while waiting and not (bits and bits.unfinished):
        waiting.popleft().param.trigger("objects")  # type: ignore[attr-defined]
    if bits:
        bits.unfinished += waiting  # what they hold is not whole yet, and with it their own size
