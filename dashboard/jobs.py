"""Long work off the event loop: one lane per question, progress, cancel, and the newest request wins.

A coroutine that is superseded stops at once, but the thread under it would run on (measured: 10 s of held clicks), so
every piece of work gets a `threading.Event` to look at between batches.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

import panel as pn
import param
from bokeh.document import Document
from panel.io.document import unlocked

from dashboard.lighter.bookkeeping import forget_soon
from dashboard.lighter.looking import looked_through_once
from hdlcore.errors import Cancelled, HDLError

log = logging.getLogger(__name__)

Work = Callable[[Callable[[float, str], None], threading.Event], Any]


def log_id(error: BaseException, doing: str) -> str:
    """Log the traceback under a short id that can be shown to the person and found by the operator."""
    mark = uuid.uuid4().hex[:8]
    log.error("%s failed [%s]", doing, mark, exc_info=error)
    return mark


def sentence(error: BaseException, doing: str) -> str:
    """One sentence for the page: ours as it is, anything unexpected with a log id."""
    if isinstance(error, HDLError):
        return str(error)
    return f"{doing} failed unexpectedly; the log has the details under {log_id(error, doing)}."


@contextmanager
def together() -> Iterator[None]:
    """Change many things of the page as one: one message to the browser, and what is new is looked through once.

    Outside a callback's lock a change to a raw Bokeh model would be refused: here it is held. And Bokeh looks through
    all models of the document whenever one more is hung in: a new plot did so for each line, tick and label of it, with
    all the pages seen before (three quarters of the server's time while the page Trust came, by a sampler).
    """
    document = pn.state.curdoc
    with unlocked():
        session = getattr(document.session_context, "session", None) if document is not None else None
        # what is said of a model at once, before it belongs to the document, would be lost
        held = document is not None and (document.callbacks.hold_value or not (session and session.connection_count))
        if document is None or not held or "recompute" in vars(document.models):
            yield
            return
        with looked_through_once(document) as new:
            yield
    if new:
        forget_soon(document)


def when_arrived(change: Callable[[], None]) -> None:
    """Change what is shown at once, or, while the page is on its way to the browser, when it has arrived.

    Before the browser asks for the page, changes are part of it. Between its asking and its saying that all is drawn
    Panel 1.9 drops changes that it holds back (visibility, children of a row), since it takes the page for unsent.
    """
    document = pn.state.curdoc
    session = getattr(document.session_context, "session", None) if document is not None else None
    if session is not None and session.connection_count and not pn.state.loaded:
        pn.state.onload(change)
    else:
        change()


def _soon(document: Document | None, change: Callable[[], None]) -> None:
    """Change what is shown: at once outside a server, else on the loop's next turn under the document's lock."""
    if document is None or document.session_context is None or document.session_context.server_context is None:
        change()
    else:
        document.add_next_tick_callback(partial(when_arrived, change))


_put_off: ContextVar[list[Lane] | None] = ContextVar("_put_off", default=None)


@contextmanager
def put_off(lanes: list[Lane]) -> Iterator[None]:
    """Have work that is started inside wait until its lane, which is added to `lanes`, is told to `begin`.

    Nobody looks at it yet; it is said to be under way, as it will be.
    """
    held = _put_off.set(lanes)
    try:
        yield
    finally:
        _put_off.reset(held)


class Lane(param.Parameterized):
    """One question at a time: a newer request cancels the older; the parameters say what is going on.

    While work is under way the document is not locked, so its other controls, Cancel among them, answer.
    """

    running = param.Boolean(False, doc="Whether work is under way.")
    fraction = param.Number(0.0, bounds=(0, 1), doc="Share done.")
    message = param.String("", doc="What is happening, in words.")
    error = param.String("", doc="One sentence when the last work failed, else empty.")

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._token: threading.Event | None = None
        self._undo: Callable[[], None] | None = None
        self._waiting: tuple[str, Work, Callable[[Any], None]] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._document = pn.state.curdoc  # where work is started outside a callback of the document, it is not said
        if self._document is not None:
            self._document.on_session_destroyed(self._left)

    def _left(self, _: object) -> None:
        """The page is gone: stop the work, whose result would be drawn into a document that has been taken apart."""
        if self._token is not None:
            self._token.set()
            self._token = None

    def cancel(self) -> None:
        """Ask the work under way to stop; nothing of it is kept."""
        if self._token is not None:
            self._token.set()
            self._token = None
        undo, self._undo, self._waiting = self._undo, None, None
        if undo is not None:
            undo()
        self.param.update(running=False, fraction=0.0, message="")

    def hold(self, doing: str, undo: Callable[[], None]) -> None:
        """Say that something is under way outside a thread (a file being sent); `undo` is called if it is cancelled.

        Ends with `start`, which takes the lane over, or `cancel`.
        """
        self.cancel()
        self._undo = undo
        self.param.update(running=True, fraction=0.0, message=doing, error="")

    def start(self, doing: str, work: Work, done: Callable[[Any], None]) -> None:
        """Run `work(progress, cancel)` in a thread and hand its result to `done`, unless superseded or cancelled.

        Where no event loop runs (the page drawn once before the server starts) the work is done before this returns.
        """
        aside = _put_off.get()
        if aside is not None:
            self.cancel()
            self._waiting = (doing, work, done)
            self.param.update(running=True, message=doing, error="")
            aside.append(self)
            return
        self._waiting = None
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            asyncio.run(self._alone(doing, work, done))
            return
        task = loop.create_task(self.run(doing, work, done))
        self._tasks.add(task)  # a task that nobody holds may be collected before it ends
        task.add_done_callback(self._tasks.discard)

    def begin(self) -> None:
        """Start what was `put_off`, unless it was cancelled or superseded meanwhile."""
        waiting = self._waiting
        if waiting is not None:
            self.start(*waiting)

    async def _alone(self, doing: str, work: Work, done: Callable[[Any], None]) -> None:
        """Run, and then whatever `done` has started, in this lane or in others."""
        await self.run(doing, work, done)
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            await asyncio.gather(*others)

    async def run(self, doing: str, work: Work, done: Callable[[Any], None]) -> None:
        """As `start`, awaited."""
        self._undo = None
        self.cancel()
        token = self._token = threading.Event()
        document, loop, last = pn.state.curdoc or self._document, asyncio.get_running_loop(), 0.0
        _soon(document, lambda: self._show(token, 0.0, doing, error=""))

        def progress(fraction: float, message: str = "") -> None:
            nonlocal last
            if token.is_set():
                raise Cancelled(f"{doing} was cancelled.")
            if time.monotonic() - last > 0.1:  # ten steps a second are plenty to look at
                last = time.monotonic()
                part = min(max(float(fraction), 0.0), 1.0)
                loop.call_soon_threadsafe(_soon, document, lambda: self._show(token, part, message or doing))

        result, failed = None, ""
        try:
            result = await asyncio.to_thread(work, progress, token)
        except Cancelled:
            return
        except Exception as error:
            failed = sentence(error, doing)
        _soon(document, lambda: self._finish(token, doing, result, failed, done))

    def _show(self, token: threading.Event, fraction: float, message: str, **more: Any) -> None:
        if token is self._token:
            self.param.update(running=True, fraction=fraction, message=message, **more)

    def _finish(
        self, token: threading.Event, doing: str, result: Any, failed: str, done: Callable[[Any], None]
    ) -> None:
        if token is not self._token:
            return
        self._token = None
        self.param.update(running=False, fraction=0.0, message="", error=failed)
        if not failed:
            try:
                with together():
                    done(result)
            except Exception as error:  # outside a callback nobody else would say so on the page
                self.error = sentence(error, doing)
