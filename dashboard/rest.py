"""Whether the server rests: what nobody has asked for yet is done then, so that nobody's click waits for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from bokeh.server.session import ServerSession
from panel.io.state import state

BUSY_SHARE = 0.15  # of a core; a server that uses less since the last look rests
ARRIVING_SECONDS = 10.0  # who has not said by then that the page is drawn is no longer waited for


class Rest:
    """For how long the process has used next to nothing and no visitor's browser has been busy with the page.

    Parameters
    ----------
    sessions
        Gives the sessions that visitors have.
    """

    def __init__(self, sessions: Callable[[], Iterable[ServerSession]]) -> None:
        self._sessions = sessions
        self.seconds = 0.0  # of rest, up to the last look
        self._used, self._looked = time.process_time(), time.monotonic()

    def look(self) -> float:
        """Seconds of rest up to now; to be called twice a second or so."""
        used, looked = self._used, self._looked
        self._used, self._looked = time.process_time(), time.monotonic()
        elapsed = self._looked - looked
        rests = self._used - used < BUSY_SHARE * elapsed and not self._arriving()
        self.seconds = self.seconds + elapsed if rests else 0.0
        return self.seconds

    @contextmanager
    def apart(self) -> Iterator[list[float]]:
        """What is used inside does not end the rest; the list holds, afterwards, how many seconds of a core it was."""
        spent, before = [0.0], time.process_time()
        try:
            yield spent
        finally:
            spent[0] = time.process_time() - before
            self._used += spent[0]

    def _arriving(self) -> bool:
        return any(
            session.milliseconds_since_last_unsubscribe < 1000 * ARRIVING_SECONDS
            and not state._loaded.get(session.document)
            for session in self._sessions()
        )
