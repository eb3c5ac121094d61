"""Whose turn it is to compute: a click before a background map, and users in turn.

Work runs in the threads that ask for it; only as many at a time as there are processors. Whoever holds a turn looks at
it between stretches of work, as it looks at its cancel token, and gives way there when someone more urgent waits or
when another user has had less.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import IntEnum

from hdlcore.errors import Cancelled
from hdlcore.progress import CancelToken

#: A turn is not taken away from its user for another's before this, seconds.
QUANTUM = 0.25
#: How soon one who waits sees that it was cancelled, seconds.
LOOK = 0.05
#: Time after which half of what a user has had is forgotten, seconds.
HALF_LIFE = 30.0


class Priority(IntEnum):
    """How urgent: someone looks at the screen and waits, or nobody does."""

    CLICK = 0
    BACKGROUND = 1


@dataclass(frozen=True)
class Asker:
    """Who asks (any name that tells users apart) and how urgently."""

    user: str = ""
    priority: Priority = Priority.CLICK


#: Who asks when nobody says.
SOMEONE = Asker()


@dataclass(eq=False)
class Turn:
    """A right to compute, usable as a cancel token: `is_set` first gives way to whoever should go before."""

    turns: Turns
    asker: Asker
    cancel: CancelToken | None
    since: float = 0.0
    holding: bool = field(default=False)

    def is_set(self) -> bool:
        """Whether the work should stop; may wait while others go first."""
        if self.cancel is not None and self.cancel.is_set():
            return True
        if self.holding:
            self.turns.give_way(self)
        return self.cancel is not None and self.cancel.is_set()


class Turns:
    """At most `slots` turns at a time, handed to the most urgent, then to the user who has had least, then in order."""

    def __init__(self, slots: int | None = None) -> None:
        self.slots = slots or os.cpu_count() or 1
        self._free = self.slots
        self._waiting: list[Turn] = []
        self._had: dict[str, tuple[float, float]] = {}  # user -> seconds had, as of when
        self._changed = threading.Condition()

    @contextmanager
    def turn(self, asker: Asker, cancel: CancelToken | None = None) -> Iterator[Turn]:
        """Wait for a turn, hold it, give it back. Raises `Cancelled` when told to stop while waiting."""
        turn = Turn(self, asker, cancel)
        self._take(turn)
        try:
            yield turn
        finally:
            self._give_back(turn)

    def give_way(self, turn: Turn) -> None:
        """Let whoever should go before `turn` go first, then take it again."""
        with self._changed:
            held = time.monotonic() - turn.since
            wanted = any(
                other.asker.priority < turn.asker.priority
                or (
                    other.asker.priority == turn.asker.priority
                    and held > QUANTUM
                    and other.asker.user != turn.asker.user
                    and self._seconds(other.asker.user) < self._seconds(turn.asker.user) + held
                )
                for other in self._waiting
            )
        if wanted:
            self._give_back(turn)
            self._take(turn)

    def _take(self, turn: Turn) -> None:
        with self._changed:
            self._waiting.append(turn)
            try:
                while not (self._free and self._next() is turn):
                    self._changed.wait(LOOK)
                    if turn.cancel is not None and turn.cancel.is_set():
                        raise Cancelled("The computation was cancelled while it waited; nothing was kept.")
                self._free -= 1
            finally:
                self._waiting.remove(turn)
                self._changed.notify_all()
            turn.since, turn.holding = time.monotonic(), True

    def _give_back(self, turn: Turn) -> None:
        with self._changed:
            if turn.holding:
                now, user = time.monotonic(), turn.asker.user
                self._had[user] = (self._seconds(user) + now - turn.since, now)
                turn.holding = False
                self._free += 1
                self._changed.notify_all()

    def _next(self) -> Turn:
        """Who goes next of those who wait; the list is in order of arrival."""
        return min(self._waiting, key=lambda turn: (turn.asker.priority, self._seconds(turn.asker.user)))

    def _seconds(self, user: str) -> float:
        """Seconds a user has had lately."""
        had, when = self._had.get(user, (0.0, 0.0))
        had *= 0.5 ** ((time.monotonic() - when) / HALF_LIFE)
        if had < 0.01:
            self._had.pop(user, None)  # users come and go; what is forgotten is not kept
        return had
