"""Health probes of the server: ``/liveness`` (the process answers) and ``/readiness`` (the page can really be drawn).

Panel answers 200 for an app that fails on import, so readiness builds the app's document as for a new visitor
and looks for a figure that holds data.
"""

from __future__ import annotations

import json
import logging
import time

from bokeh.application import Application
from bokeh.document import Document
from bokeh.models import GlyphRenderer, Plot
from panel.io.document import _cleanup_doc
from panel.io.session import generate_session
from panel.io.state import set_curdoc, state
from tornado.web import RequestHandler

log = logging.getLogger(__name__)

FAILED_SECONDS = 2.0  # a bad answer is kept this long


def drawn_figures(document: Document) -> int:
    """Return how many figures of a Bokeh document hold at least one glyph renderer with a column of data."""
    figures: set[str] = set()
    for root in document.roots:
        for model in root.references():
            if isinstance(model, Plot) and any(
                isinstance(renderer, GlyphRenderer) and any(len(c) for c in renderer.data_source.data.values())
                for renderer in model.renderers
            ):
                figures.add(model.id)
    return len(figures)


class Readiness:
    """Builds the application's document when asked, and remembers the answer for a few seconds.

    Parameters
    ----------
    application
        The Bokeh application whose page must be drawable.
    ready_seconds
        How long a good answer is kept (s).
    """

    def __init__(self, application: Application, ready_seconds: float) -> None:
        self._application = application
        self._ready_seconds = ready_seconds
        self._problem: str | None = "The server has just started and has not built the page yet; ask again in a moment."
        self._valid_until = 0.0

    def problem(self) -> str | None:
        """Return None when the page was drawn, else one sentence saying what failed (the traceback goes to the log)."""
        if time.monotonic() >= self._valid_until:
            self._problem = self._build()
            kept = self._ready_seconds if self._problem is None else FAILED_SECONDS
            self._valid_until = time.monotonic() + kept
        return self._problem

    def _build(self) -> str | None:
        started = time.perf_counter()
        try:
            session = generate_session(self._application)
        except Exception as error:
            log.exception("the page could not be built")
            return f"The page could not be built ({type(error).__name__}); the server's log has the details."
        try:
            with set_curdoc(session.document):
                state._on_load(None)  # what a page defers until the browser has loaded it
            failed = [h for h in self._application.handlers if h.failed]
            figures = drawn_figures(session.document)
        finally:
            _cleanup_doc(session.document, destroy=True)
        if failed:
            # Bokeh has written the traceback to the log already.
            reason = str(failed[0].error).splitlines()[0] if failed[0].error else "unknown error"
            return f"The page could not be built ({reason}); the server's log has the details."
        if figures == 0:
            log.error("the page was built but no figure on it holds data")
            return "The page was built but no figure on it holds data; the server's log has the details."
        log.debug("readiness: %d figures drawn in %.2f s", figures, time.perf_counter() - started)
        return None


class LivenessHandler(RequestHandler):
    """Answers 200 while the event loop turns; builds nothing."""

    def get(self) -> None:
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "application/json")
        self.write(json.dumps({"alive": True}))


class ReadinessHandler(RequestHandler):
    """Answers 200 when the page can be drawn, else 503 with one sentence."""

    def initialize(self, readiness: Readiness) -> None:
        self._readiness = readiness

    def get(self) -> None:
        problem = self._readiness.problem()
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "application/json")
        if problem is not None:
            self.set_status(503)
        self.write(json.dumps({"ready": problem is None} | ({} if problem is None else {"problem": problem})))
