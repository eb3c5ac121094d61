"""Spare time of the process: what nobody has asked for yet is done in it, a piece at a time for all sessions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from dashboard.rest import Rest

REST_SECONDS = 1.0  # the process has rested so long before any is spent
LOOK_SECONDS = 0.1  # how often who waits for it looks


class Spare:
    """Given to whoever has waited longest, while the process rests; none where `begin` was not called."""

    def __init__(self) -> None:
        self._rest: Rest | None = None
        self._turn = asyncio.Lock()

    @property
    def on(self) -> bool:
        """Whether there is any."""
        return self._rest is not None

    def begin(self, rest: Rest) -> None:
        """From now on there is, whenever `rest`, which somebody else looks at, says so."""
        self._rest = rest

    def end(self) -> None:
        """There is none any more."""
        self._rest = None

    async def use(self, due: Callable[[], bool], work: Callable[[], Awaitable[None]]) -> None:
        """Await `work()` when the process rests and it is this one's turn; not at all once it is not `due` any more.

        As much time again is left to others before the next turn.
        """
        async with self._turn:
            while due() and self._rest is not None and self._rest.seconds < REST_SECONDS:
                await asyncio.sleep(LOOK_SECONDS)
            if not due() or self._rest is None:
                return
            with self._rest.apart() as spent:
                await work()
            await asyncio.sleep(spent[0])


#: that of this process
SPARE = Spare()
