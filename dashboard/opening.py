"""Opening the app: a session of the opening view is made ready while the server rests, and given to the next who comes.

To build a session takes the server longer than to send it, and a browser on the same machine, or a class behind the
same server, waits meanwhile for its scripts. What is made ahead is a whole session, as any visitor's: its document,
filled, the HTML around it and the answer to the browser's first question. Whoever takes it makes it their own: its
token and all that it says of its request are of the visitor who asked. No session is given twice.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from bokeh.document.events import DocumentChangedEvent, DocumentPatchedEvent
from bokeh.protocol.messages.pull_doc_reply import pull_doc_reply
from bokeh.protocol.messages.pull_doc_req import pull_doc_req
from bokeh.server.connection import ServerConnection
from bokeh.server.contexts import ApplicationContext
from bokeh.server.server import Server
from bokeh.server.session import ServerSession, current_time
from bokeh.server.tornado import BokehTornado
from bokeh.util.token import generate_jwt_token, generate_session_id
from panel.io.resources import Resources
from panel.io.server import DocHandler, RequestProxy, server_html_page_for_session
from panel.io.state import set_curdoc, state
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.ioloop import PeriodicCallback
from tornado.web import authenticated

log = logging.getLogger("hdl.serve")

LOOK_SECONDS = 0.5  # how often the server looks whether it rests
BUSY_SHARE = 0.15  # of a core; a server that uses less since the last look rests
REST_SECONDS = 1.0  # it has rested so long before a session is made
ARRIVING_SECONDS = 10.0  # who has not said by then that the page is drawn is no longer waited for
QUIET_SECONDS, QUIET_LOOKS = 0.1, 3  # a session in which nothing is waiting to be done so long, so often, is filled
FILL_SECONDS = 30.0  # a session that is not filled by then is given up
_TOKEN = "TOKEN-OF-THE-VISITOR"
#: what a visitor's address or headers name that has a session already
_NAMED = "Bokeh-Session-Id"


@dataclass
class Ready:
    """A session nobody has yet, the HTML around it (with `_TOKEN`), and its document as a browser asks for it."""

    session: ServerSession
    html: str
    reply: pull_doc_reply | None = field(default=None, repr=False)

    async def fill(self) -> None:
        """Write down the document as it is now, for the browser that asks for it first."""
        document, session = self.session.document, self.session
        document.callbacks.on_change(self._changed)
        self.reply = await session.with_document_locked(pull_doc_reply.create, "", document)
        self.reply.content_json  # noqa: B018  (kept by the message)
        session._handle_pull = self._pull  # type: ignore[method-assign]

    def _changed(self, event: DocumentChangedEvent) -> None:
        """What was written down holds no longer."""
        if isinstance(event, DocumentPatchedEvent):
            self.reply = None

    async def _pull(self, message: pull_doc_req, connection: ServerConnection) -> pull_doc_reply:
        """The document for a browser: as it was written down, or, when it has changed since, as it is now."""
        del self.session._handle_pull
        reply, self.reply = self.reply, None
        if reply is None:
            return await self.session._handle_pull(message, connection)
        reply.header = {**reply.header, "reqid": message.header["msgid"]}
        return reply


class Shelf:
    """Sessions made ready, at most `size`; made when the server rests, so that nobody's click waits for them.

    Bokeh drops sessions that nobody is connected to; these are kept from it until they are taken, or `stop` is called.
    """

    def __init__(self, tornado: BokehTornado, url: str, size: int) -> None:
        self._tornado, self._url, self._size = tornado, url, size
        self._context: ApplicationContext = tornado._applications[url]
        self._ready: deque[Ready] = deque()
        self._making: asyncio.Task[None] | None = None
        self._looks = PeriodicCallback(self._look, 1000 * LOOK_SECONDS)
        self._rested, self._used, self._looked = 0.0, 0.0, 0.0
        #: held by who is being let in: of a class that comes at once one page is built at a time, and between two of
        #: them those who are in have their turn (all that came were built before anybody's click was heard)
        self.door = asyncio.Lock()

    def start(self) -> None:
        """Begin to make sessions, the first at once."""
        self._rested = REST_SECONDS
        self._note()
        self._looks.start()

    def stop(self) -> None:
        """Make no more, and let go of those that nobody took."""
        self._looks.stop()
        if self._making is not None:
            self._making.cancel()
        while self._ready:
            self._ready.popleft().session.unblock_expiration()

    def __len__(self) -> int:
        return len(self._ready)

    def take(self, handler: Opening) -> str | None:
        """HTML of a session that is now the asking visitor's; None when none is ready, or another view is asked for."""
        request = handler.request
        if request.path != self._url or request.arguments or _NAMED in request.headers or not self._ready:
            return None
        ready = self._ready.popleft()
        session, payload = ready.session, handler._generate_token_payload()
        token = generate_jwt_token(
            session.id, secret_key=self._tornado.secret_key, signed=self._tornado.sign_sessions,
            expiration=self._tornado.session_token_expiration, extra_payload=payload,
        )  # fmt: skip
        session._token = token
        context = self._context._session_contexts[session.id]
        context._token = token
        context._request = RequestProxy(
            request, **{name: payload.get(name) for name in ("arguments", "cookies", "headers")}
        )
        session._last_unsubscribe_time = current_time()  # from now on a visitor who does not come is waited for
        session.unblock_expiration()
        return ready.html.replace(_TOKEN, token)

    def _note(self) -> None:
        self._used, self._looked = time.process_time(), time.monotonic()

    def _arriving(self) -> bool:
        """Whether a visitor's browser is still busy with the page."""
        ready = {ready.session.id for ready in self._ready}
        return any(
            session.id not in ready
            and session.milliseconds_since_last_unsubscribe < 1000 * ARRIVING_SECONDS
            and not state._loaded.get(session.document)
            for session in self._context.sessions
        )

    def _look(self) -> None:
        """Make one when some are missing and the process has rested for a while."""
        used, looked = self._used, self._looked
        self._note()
        elapsed = self._looked - looked
        if self._making is not None or len(self._ready) >= self._size:
            return
        rests = self._used - used < BUSY_SHARE * elapsed and not self._arriving()
        self._rested = self._rested + elapsed if rests else 0.0
        if self._rested >= REST_SECONDS:
            self._rested = 0.0
            self._making = asyncio.ensure_future(self._make())

    async def _make(self) -> None:
        try:
            self._ready.append(await self._filled())
        except Exception:
            log.exception("no session could be made ready; the next visitor's is built when they come")
        finally:
            self._making = None

    async def _filled(self) -> Ready:
        session_id = generate_session_id(secret_key=self._tornado.secret_key, signed=self._tornado.sign_sessions)
        line = RequestStartLine("GET", self._url, "HTTP/1.1")
        request = HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "localhost"}))
        session = await self._context.create_session_if_needed(session_id, request)
        session.block_expiration()
        try:
            document = session.document
            if any(handler.failed for handler in self._context.application.handlers):
                raise RuntimeError("the page could not be built")
            with set_curdoc(document):
                html = server_html_page_for_session(
                    session, resources=Resources.from_bokeh(self._tornado.resources()), title=document.title,
                    token=_TOKEN, template=document.template, template_variables=document.template_variables,
                )  # fmt: skip
            ready = Ready(session, html)
            await self._rests(session)
            await ready.fill()
        except BaseException:
            session.unblock_expiration()
            raise
        return ready

    async def _rests(self, session: ServerSession) -> None:
        """Wait until the parts of the page, which are built one after the other, are there."""
        until, quiet = time.monotonic() + FILL_SECONDS, 0
        while quiet < QUIET_LOOKS:
            await asyncio.sleep(QUIET_SECONDS)
            await session.with_document_locked(lambda: None)
            quiet = 0 if session.document.session_callbacks else quiet + 1
            if time.monotonic() > until:
                raise TimeoutError(f"the opening view was not filled within {FILL_SECONDS:g} s")


class Opening(DocHandler):
    """Answers a GET of the app, with a ready session where one serves."""

    def initialize(self, shelf: Shelf, **kwargs: Any) -> None:
        """Take the shelf; the rest is Bokeh's."""
        self._shelf = shelf

    @authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Send the page."""
        html = self._shelf.take(self)
        if html is None:
            async with self._shelf.door:
                await super().get(*args, **kwargs)  # type: ignore[misc]  # tornado's stub of `authenticated`
                await asyncio.sleep(0)  # whoever came with this one finds the door shut, and the loop goes round
            return
        self.set_header("Cache-Control", "no-store")  # as Panel does: a token serves once
        self.set_header("Content-Type", "text/html")
        self.write(html)


def install(server: Server, url: str, size: int) -> Shelf:
    """Sessions made ready for the app at `url` of a server that has not started; to `start` and `stop` it is left."""
    tornado = server._tornado
    shelf = Shelf(tornado, url, size)
    context = {"application_context": tornado._applications[url], "bokeh_websocket_path": f"{tornado.prefix}{url}/ws"}
    tornado.add_handlers(".*", [(f"{tornado.prefix}{url}", Opening, {**context, "shelf": shelf})])
    return shelf
