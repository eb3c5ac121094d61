"""Pages made before they are opened, in spare time, so that a first visit is a switch as any other.

The browser asks for the next piece when its visitor rests, and again when it has drawn what came (`widgets/shell.js`);
so nothing is made for whoever acts, looks at another tab, or has no browser. The server makes it when it rests too, one
piece at a time for all its visitors (`dashboard/spare.py`). A click meanwhile waits for one piece at the most.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn
from bokeh.document import Document

from dashboard.jobs import together, when_arrived
from dashboard.pages.making import Making
from dashboard.pages.view import View
from dashboard.spare import SPARE, Spare
from dashboard.state import FIELDS, PAGES
from dashboard.widgets import Nav, Shell

CALM_S = 1.0  # a visitor who has changed nothing for so long rests
PATIENCE_S = 20.0  # a session that has not taken its piece by then has gone


class Beforehand:
    """Answers the browser of one session; `making` gives a page by its name, begun if it was not."""

    def __init__(self, view: View, shell: Shell, navs: list[Nav], making: Callable[[str], Making]) -> None:
        self.view, self._shell, self._making = view, shell, making
        self._made: dict[str, Making] = {}
        self._near = ""
        self._wanted = False
        self._acted = -CALM_S
        self._task: asyncio.Task[None] | None = None
        shell.ahead = SPARE.on
        shell.on_message("rests", lambda _: self._rests())
        shell.on_message("acts", lambda _: self.stop())
        for nav in navs:
            nav.on_message("near", self._nears)
        view.state.param.watch(self._acts, list(FIELDS))
        if pn.state.curdoc is not None:
            pn.state.curdoc.on_session_destroyed(self._left)

    def _acts(self, *_: Any) -> None:
        self._acted = time.monotonic()

    def _nears(self, message: dict[str, Any]) -> None:
        """A pointer or the focus is on the page's name: it comes next."""
        if message.get("id") in PAGES:
            self._near = str(message["id"])

    def stop(self) -> None:
        """Make no more until the browser asks again."""
        self._wanted = False

    def next(self) -> Making | None:
        """The page whose turn it is; None when all have been made."""
        for name in [self._near, *PAGES]:
            if name and not (name in self._made and self._made[name].done):
                making = self._made[name] = self._making(name)
                if not making.done:
                    return making
        return None

    def piece(self) -> bool:
        """Make the next piece, and hide the page that the browser has drawn since; whether anything is left."""
        with together():
            for each in self._made.values():
                each.place()
            making = self.next()
            if making is None:
                return False
            making.step()
        return True

    def _rests(self) -> None:
        document = pn.state.curdoc
        if document is None or not SPARE.on:
            return
        self._wanted = True
        if self._task is None:
            self._task = asyncio.ensure_future(self._take(document, SPARE))

    def _left(self, _: object) -> None:
        self.stop()
        if self._task is not None:
            self._task.cancel()

    async def _take(self, document: Document, spare: Spare) -> None:
        """While a piece is asked for: wait for spare time, make it under the document's lock, say that it has come."""
        done = asyncio.Event()

        def run() -> None:
            try:
                if self._wanted:
                    self._shell.send({"type": "made", "left": self.piece()})
            finally:
                self._wanted = False
                done.set()

        async def work() -> None:
            document.add_next_tick_callback(partial(when_arrived, run))
            async with asyncio.timeout(PATIENCE_S):
                await done.wait()

        def due() -> bool:
            return self._wanted

        try:
            while self._wanted:
                while self._wanted and (calm := self._acted + CALM_S - time.monotonic()) > 0:
                    await asyncio.sleep(calm)
                done.clear()
                await spare.use(due, work)
        except TimeoutError:
            pass  # it has left, or is held up; whoever is there asks again
        finally:
            self._task = None
