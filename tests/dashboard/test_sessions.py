"""A closed tab leaves nothing behind: what stands for the whole process forgets its session."""

from __future__ import annotations

import asyncio
from pathlib import Path

from bokeh.application.handlers.document_lifecycle import DocumentLifecycleHandler
from bokeh.server.contexts import ApplicationContext
from panel.io.application import build_single_handler_application
from panel.io.state import state
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.ioloop import IOLoop

import dashboard

APP = Path(dashboard.__file__).with_name("app.py")


def held() -> tuple[int, int]:
    """What Panel's own state holds of all sessions: roots, and who follows whether the server is busy."""
    return len(state._views), len(state.param.watchers.get("busy", {}).get("value", []))


def test_a_closed_session_is_let_go_of() -> None:
    """Panel's state holds the roots of an open session, and neither roots nor watchers of a closed one.

    Either would hold the document, and with it every figure and array of the session, for as long as the server runs.
    """
    line = RequestStartLine("GET", "/app", "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "localhost"}))

    async def lives() -> list[tuple[int, int]]:
        application = build_single_handler_application(APP)
        application.add(DocumentLifecycleHandler())  # as the server does
        context = ApplicationContext(application, IOLoop.current(), "/app")
        seen = []
        for number in range(2):
            session = await context.create_session_if_needed(f"visitor-{number}", request)
            open_roots = len(state._views)
            await context._discard_session(session, lambda _: True)
            seen.append((open_roots, *held()))
        return seen

    before = held()
    seen = asyncio.run(lives())
    assert all(roots > before[0] for roots, *_ in seen), "the test has opened no session"
    assert [after for _, *after in seen] == [[*before], [*before]]
