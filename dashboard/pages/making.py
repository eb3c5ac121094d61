"""A page being made, piece by piece: at once for the visitor who opens it, in spare time for the one who may."""

from __future__ import annotations

import time
from collections import deque
from functools import partial

import panel as pn
from param.parameterized import discard_events

from dashboard.jobs import Lane, put_off, sentence, together, when_arrived
from dashboard.pages.growing import Growing, bit_by_bit, grow
from dashboard.pages.page import Page
from dashboard.pages.parts import place, show
from dashboard.pages.view import View
from dashboard.state import PAGES

FIRST_MS, STEP_MS = 5, 20  # after the page itself, and between its messages where a browser shows them
BIT_S = 0.02  # of a page that nobody waits for: a click that comes meanwhile does
ASK_MS = 50  # after the page was shown: the models' work would take the processor from its painting
MESSAGE_S = 0.1  # pieces that take less together come in one message, and are seen in one frame


class Making:
    """A page, and what of it is still to be made.

    What a page asks of the models, live, is put off until it is looked at, as is what it has to say.
    """

    def __init__(self, name: str, made: Page, view: View) -> None:
        self.name, self.made, self.view = name, made, view
        self._steps, self._begun = deque(made.steps()), False
        self._unfinished: list[Growing] = []
        self._lanes: list[Lane] = []
        self._notice = ""

    @property
    def done(self) -> bool:
        """Whether nothing is still to be made."""
        return not self._steps and not self._unfinished

    @property
    def seen(self) -> bool:
        """Whether it is the open page."""
        return bool(self.view.state.page == self.name)

    def step(self) -> None:
        """Make the next piece. One that fails is told; without the first there is nothing to add the others to.

        Of a page that nobody sees a step's parts are made, and then hung in bit by bit.
        """
        view = self.view
        if self.seen:
            self._piece()
            return
        with discard_events(view), put_off(self._lanes), bit_by_bit(BIT_S) as bits:
            told, view.notice = view.notice, ""
            self._piece()
            self._notice, view.notice = view.notice or self._notice, told
        self._unfinished = bits.unfinished

    def _piece(self) -> None:
        begun, self.view.building, self._begun = self._begun, self.name, True
        try:
            if self._unfinished:
                unfinished, self._unfinished = self._unfinished, []
                grow(unfinished)
            else:
                self._steps.popleft()()
        except Exception as error:
            self.view.notice = sentence(error, f"Building the page {PAGES[self.name]}")
            # nothing more is on its way where the page was still to come
            self.made.layout[:] = [part for part in self.made.layout if "skeletonpane" not in part.css_classes]
            if not begun:
                self._steps.clear()
        finally:
            self.view.building = ""

    def finish(self) -> None:
        """Make the rest for the visitor who waits; in a live session message by message, the browser let in between."""
        document = pn.state.curdoc
        session = document.session_context if document is not None else None
        if document is None or not session or session.server_context is None:
            while not self.done:
                self.step()
            return

        def message() -> None:
            begun = time.perf_counter()
            with together():
                while not self.done and time.perf_counter() - begun < MESSAGE_S:
                    self.step()
                if self.done and not self.seen:
                    self.place()
            if not self.done:
                live = session.session
                pause = STEP_MS if live and live.connection_count else 1
                document.add_timeout_callback(partial(when_arrived, message), pause)

        if not self.done:
            document.add_timeout_callback(partial(when_arrived, message), FIRST_MS)

    def place(self) -> None:
        """Show it if it is the open page; else hide it, where it stays; while it is being made it has its size."""
        if self.seen or self.done:
            show(self.made.layout, self.seen)
        else:
            place(self.made.layout)

    def opened(self) -> None:
        """It is looked at: ask what was put off, say what was not said."""
        if self._notice:
            self.view.notice, self._notice = self._notice, ""
        document = pn.state.curdoc
        if document is not None and document.session_context is not None:
            # after what has changed meanwhile, which may ask something else, and after the page has been sent
            document.add_timeout_callback(self._ask, ASK_MS)
        else:
            self._ask()

    def _ask(self) -> None:
        if self.seen:
            lanes, self._lanes = self._lanes, []
            for lane in lanes:
                lane.begin()
