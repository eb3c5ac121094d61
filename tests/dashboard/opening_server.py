"""A small real server that keeps sessions ready, for the tests of opening."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import panel as pn
import pytest
from bokeh.server.contexts import ApplicationContext
from bokeh.server.server import Server
from bokeh.server.session import ServerSession
from bokeh.util.token import get_session_id
from panel.io.application import build_single_handler_application
from tornado.httpclient import AsyncHTTPClient
from tornado.ioloop import IOLoop

from dashboard import arrival, opening, rest

# A page that is filled a moment after it has been sent, as the app's pages are; one link of it fails.
APP = """
import panel as pn
from dashboard.pages.frame import MARK
pn.extension()
if "fail" in pn.state.session_args:
    raise RuntimeError("a secret of the server")
pn.state.curdoc.template = "{% block contents %}<p id='hdl-doing'></p>" + MARK + "{{ super() }}{% endblock %}"
box = pn.Column("# hello")
pn.state.curdoc.add_timeout_callback(lambda: box.append(pn.pane.HTML("filled")), 20)
box.servable()
"""
WAIT_SECONDS = 20.0


class House:
    """A server on a page of ours, with its shelf."""

    def __init__(self, server: Server, shelf: opening.Shelf, line: arrival.Line) -> None:
        self.shelf, self.line, self.url = shelf, line, f"http://localhost:{server.port}/app"
        self.context: ApplicationContext = server._tornado._applications["/app"]

    async def until(self, holds: Callable[[], object], told: str) -> None:
        """Wait until something holds; ``told`` when it never does."""
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while not holds():
            assert asyncio.get_running_loop().time() < deadline, told
            await asyncio.sleep(0.02)

    async def stocked(self, count: int, query: str = "") -> None:
        """Wait until so many sessions of a link are ready."""
        await self.until(lambda: len(self.ready(query)) >= count, f"not {count} sessions are ready")

    async def headed(self) -> None:
        """Wait until the page's head is known."""
        await self.until(lambda: set(self.shelf.heads) == set(opening.THEMES), "a head is not known")

    def ready(self, query: str = "") -> list[opening.Ready]:
        """Those of a link."""
        return list(self.shelf._ready.get(query, ()))

    async def ask(self, query: str = "", **headers: str) -> str:
        """Token of the page that the server sends."""
        answer = await AsyncHTTPClient().fetch(self.url + query, headers=headers)
        found = re.search(r'"token":"([^"]+)"', answer.body.decode())
        assert found is not None and answer.headers["Cache-Control"] == "no-store"
        return found[1]

    def session(self, token: str) -> ServerSession:
        """The session of a token."""
        return self.context.get_session(get_session_id(token))


Visit = Callable[[House], Awaitable[None]]
Live = Callable[..., None]


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    """Run something beside a server that keeps so many sessions ready, and unused ones for so many milliseconds."""
    monkeypatch.setattr(opening, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(opening, "REST_SECONDS", 0.0)
    monkeypatch.setattr(rest, "BUSY_SHARE", 2.0)
    monkeypatch.setattr(arrival, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(opening, "QUIET_SECONDS", 0.01)
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")

    async def beside(visit: Visit, size: int, unused: int, app: Path) -> None:
        application = build_single_handler_application(app)
        server = pn.io.server.get_server(
            {"/app": application}, port=0, websocket_origin="*", secret_key=b"k" * 32, sign_sessions=True,
            generate_session_ids=True, unused_session_lifetime_milliseconds=unused,
            check_unused_sessions_milliseconds=50,
            io_loop=IOLoop.current(), start=False, show=False,
        )  # fmt: skip
        shelf = opening.Shelf(server._tornado, "/app", size)
        line = arrival.install(server._tornado, "/app", shelf)
        server.start()
        shelf.start()
        try:
            await visit(House(server, shelf, line))
        finally:
            shelf.stop()
            server.stop(wait=False)

    small = tmp_path / "app.py"
    return lambda visit, size, unused=20_000, app=small: asyncio.run(beside(visit, size, unused, app))
