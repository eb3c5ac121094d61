"""States met on the way of recent runs, kept within bounds so that a changed run need not start from the beginning."""

from __future__ import annotations

import datetime as dt
import threading
from collections import OrderedDict

from torch import Tensor

#: Which cells (their ids as bytes, in order), of a run since which day, on the morning of which day.
Key = tuple[bytes, dt.date, dt.date]
#: A shelf holds this much, bytes.
MAX_BYTES = 200_000_000


class StateShelf:
    """The states put here last, (member, cell, n_state) each. Thread-safe."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self._states: OrderedDict[Key, Tensor] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def put(self, key: Key, state: Tensor) -> None:
        """Keep a state; the oldest ones give way."""
        with self._lock:
            if key in self._states or state.nbytes > self.max_bytes:
                return
            self._states[key] = state
            self._bytes += state.nbytes
            while self._bytes > self.max_bytes:
                _, dropped = self._states.popitem(last=False)
                self._bytes -= dropped.nbytes

    def get(self, key: Key) -> Tensor | None:
        """The state of a key, or None."""
        with self._lock:
            return self._states.get(key)

    def __contains__(self, key: Key) -> bool:
        return key in self._states
