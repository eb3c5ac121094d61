"""How long work tells where it is and is told to stop; the same everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from hdlcore.errors import Cancelled

#: Called with the fraction done (0 to 1) and what is happening, in words.
Progress = Callable[[float, str], None]


class CancelToken(Protocol):
    """Anything with `is_set`, such as threading.Event."""

    def is_set(self) -> bool:
        """Whether the work should stop."""


def check(cancel: CancelToken | None) -> None:
    """Raise `Cancelled` when asked to stop."""
    if cancel is not None and cancel.is_set():
        raise Cancelled("The computation was cancelled; nothing was kept.")


def scaled(progress: Progress | None, begin: float, end: float) -> Progress | None:
    """A progress that fills the part from `begin` to `end` of another one."""
    if progress is None:
        return None
    return lambda fraction, message: progress(begin + (end - begin) * fraction, message)
