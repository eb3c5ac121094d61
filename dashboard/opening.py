"""Opening the app: sessions are made ready while the server rests, and given to the next who come.

To build a session takes the server longer than to send it, and a browser on the same machine, or a class behind the
same server, waits meanwhile for its scripts. What is made ahead is a whole session, as any visitor's: its document,
filled, the HTML around it and the answer to the browser's first question. Whoever takes it makes it their own: its
token and all that it says of its request are of the visitor who asked. No session is given twice. Who finds none is
built one when their turn comes (`arrival.py`).

Most are of the opening view. A link that was asked for more than once in ten minutes, as by a class, has its share.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial

from bokeh.document.events import DocumentChangedEvent, DocumentPatchedEvent
from bokeh.embed.util import RenderItem
from bokeh.protocol.messages.pull_doc_reply import pull_doc_reply
from bokeh.protocol.messages.pull_doc_req import pull_doc_req
from bokeh.server.connection import ServerConnection
from bokeh.server.contexts import ApplicationContext
from bokeh.server.session import ServerSession, current_time
from bokeh.server.tornado import BokehTornado
from bokeh.util.token import TokenPayload, generate_jwt_token, generate_session_id
from panel.config import config
from panel.io.resources import LOCAL_DIST, Resources, patch_model_css
from panel.io.server import RequestProxy, html_page_for_render_items, server_html_page_for_session
from panel.io.state import set_curdoc, state
from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine
from tornado.ioloop import PeriodicCallback

from dashboard.pages.book import show_link
from dashboard.pages.frame import MARK
from dashboard.rest import Rest

log = logging.getLogger("hdl.serve")

LOOK_SECONDS = 0.5  # how often the server looks whether it rests
REST_SECONDS = 1.0  # it has rested so long before a session is made
QUIET_SECONDS, QUIET_LOOKS = 0.1, 3  # a session in which nothing is waiting to be done so long, so often, is filled
FILL_SECONDS = 30.0  # a session that is not filled by then is given up
BUILD_SECONDS = 3.0  # a visitor who waits is sent the page by then, whatever of it is still to come
ASKED_SECONDS = 600.0  # a link that was asked for twice within these is kept ready
MOST_ASKED = 50  # links remembered, the last asked for
LONGEST = 2000  # characters; a longer link is not remembered
THEMES = ("default", "dark")  # of Panel; the first is meant where an address names none
_TOKEN = "TOKEN-OF-THE-VISITOR"


class Asked:
    """How often each link, the plain address among them, was asked for of late."""

    def __init__(self) -> None:
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def note(self, query: str) -> None:
        """Somebody asks for it now."""
        if len(query) > LONGEST:
            return
        self._times.setdefault(query, deque(maxlen=MOST_ASKED)).append(time.monotonic())
        self._times.move_to_end(query)
        while len(self._times) > MOST_ASKED:
            self._times.popitem(last=False)

    def shares(self, size: int) -> dict[str, int]:
        """Of `size` sessions how many are to be of which link: as often as it was asked for, and one at the least."""
        since = time.monotonic() - ASKED_SECONDS
        counts = {query: sum(at > since for at in times) for query, times in reversed(self._times.items()) if query}
        links = [query for query, count in counts.items() if count > 1][: max(size - 1, 0)]
        plain = max(1, sum(at > since for at in self._times.get("", ())))
        total = plain + sum(counts[query] for query in links)
        spare = size - 1 - len(links)  # one for each, the rest as they are asked for
        shares = {query: 1 + int(spare * counts[query] / total) for query in links}
        return {"": size - sum(shares.values()), **shares}


@dataclass
class Ready:
    """A session nobody has yet, the HTML of it (with `_TOKEN`), and its document as a browser asks for it."""

    session: ServerSession
    theme: str
    html: str  # what comes below the mark
    reply: pull_doc_reply | None = field(default=None, repr=False)

    async def fill(self) -> None:
        """Write down the document as it is now, for the browser that asks for it first."""
        document, session = self.session.document, self.session
        self._listen()
        self.reply = await session.with_document_locked(pull_doc_reply.create, "", document)
        self.reply.content_json  # noqa: B018  (kept by the message)
        session._handle_pull = self._pull  # type: ignore[method-assign]

    def _listen(self) -> None:
        """Hear of every change from now on: what was written down holds no longer.

        Not by `on_change`: Panel takes the changes that it holds back to the browsers itself, and where there is none
        nobody else is told of them.
        """
        callbacks = self.session.document.callbacks
        if "trigger_on_change" in vars(callbacks):
            return
        trigger = callbacks.trigger_on_change

        def heard(event: DocumentChangedEvent) -> None:
            if isinstance(event, DocumentPatchedEvent):
                self.reply = None
            trigger(event)

        callbacks.trigger_on_change = heard  # type: ignore[method-assign]

    async def _pull(self, message: pull_doc_req, connection: ServerConnection) -> pull_doc_reply:
        """The document for a browser: as it was written down, or, when it has changed since, as it is now."""
        del self.session._handle_pull
        vars(self.session.document.callbacks).pop("trigger_on_change", None)
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
        self._ready: dict[str, deque[Ready]] = {}
        self._asked = Asked()
        self._making: asyncio.Task[None] | None = None
        self._looks = PeriodicCallback(self._look, 1000 * LOOK_SECONDS)
        self.rest = Rest(self._taken)
        #: what the page begins with, the same for all visitors of one colour mode
        self.heads: dict[str, str] = {}
        self._unknown = list(THEMES)

    def start(self) -> None:
        """Begin to make sessions, the first at once."""
        self.rest.seconds = REST_SECONDS
        self._looks.start()

    def stop(self) -> None:
        """Make no more, and let go of those that nobody took."""
        self._looks.stop()
        if self._making is not None:
            self._making.cancel()
        for ready in self:
            ready.session.unblock_expiration()
        self._ready.clear()

    def __len__(self) -> int:
        return sum(map(len, self._ready.values()))

    def __iter__(self) -> Iterator[Ready]:
        return (ready for kept in self._ready.values() for ready in kept)

    def take(self, query: str) -> Ready | None:
        """A ready session of a link, to be `given`; None when there is none."""
        self._asked.note(query)
        kept = self._ready.get(query)
        return kept.popleft() if kept else None

    def give(self, ready: Ready, request: HTTPServerRequest, payload: TokenPayload) -> str:
        """HTML, below the mark, of a ready session that is the asking visitor's from now on."""
        session = ready.session
        session._token = token = self._token(session.id, payload)
        context = self._context._session_contexts[session.id]
        context._token = token
        context._request = RequestProxy(
            request, **{name: payload.get(name) for name in ("arguments", "cookies", "headers")}
        )
        session._last_unsubscribe_time = current_time()  # from now on a visitor who does not come is waited for
        session.unblock_expiration()
        return ready.html.replace(_TOKEN, token)

    async def build(self, request: HTTPServerRequest, payload: TokenPayload) -> Ready:
        """A session for a visitor who waits for it, to be `given` them: a ready one turned to their view, or new.

        Raises
        ------
        RuntimeError
            When the page could not be built; why stands in the log.
        """
        ready = await self._turned(request.query) or await self._built(request, payload)
        await self._rests(ready.session, 1, BUILD_SECONDS)
        return ready

    async def _turned(self, query: str) -> Ready | None:
        """A ready session of the opening view turned to a link's; None where there is none, or better none."""
        kept = self._ready.get("")
        if not kept or not query:
            return None
        ready = kept.popleft()
        if await ready.session.with_document_locked(show_link, ready.session.document, query):
            return ready
        kept.appendleft(ready)
        return None

    def _token(self, session_id: str, payload: TokenPayload) -> str:
        return generate_jwt_token(
            session_id, secret_key=self._tornado.secret_key, signed=self._tornado.sign_sessions,
            expiration=self._tornado.session_token_expiration, extra_payload=payload,
        )  # fmt: skip

    def _taken(self) -> Iterator[ServerSession]:
        ready = {ready.session.id for ready in self}
        return (session for session in self._context.sessions if session.id not in ready)

    def _missing(self) -> str | None:
        """Link of which a session is wanted, after those no longer wanted have been let go of."""
        shares = self._asked.shares(self._size)
        for query, kept in list(self._ready.items()):
            while len(kept) > shares.get(query, 0):
                kept.pop().session.unblock_expiration()
            if not kept:
                del self._ready[query]
        missing = (query for query, share in shares.items() if len(self._ready.get(query, ())) < share)
        return next(missing, None)

    def _look(self) -> None:
        """Learn the heads; then, when the process has rested for a while, make a session if some are missing."""
        rested = self.rest.look() >= REST_SECONDS
        if self._making is not None:
            return
        make: Callable[[], Coroutine[None, None, None]] | None = None
        if self._unknown:
            make = partial(self._learn, self._unknown.pop())
        elif rested and (query := self._missing()) is not None:
            make = partial(self._stock, query)
        elif rested:  # an answer that a link's view waited for may have come meanwhile
            make = next((ready.fill for ready in self if ready.reply is None), None)
        if make is not None:
            self.rest.seconds = 0.0
            self._making = asyncio.ensure_future(self._make(make))

    async def _learn(self, theme: str) -> None:
        (await self._built(self._request(f"theme={theme}"))).session.unblock_expiration()

    async def _stock(self, query: str) -> None:
        ready = await self._filled(query)
        self._ready.setdefault(query, deque()).append(ready)

    async def _make(self, make: Callable[[], Coroutine[None, None, None]]) -> None:
        try:
            await make()
        except Exception:
            log.exception("no session could be made ready; the next visitor's is built when they come")
        finally:
            self._making = None

    def _request(self, query: str) -> HTTPServerRequest:
        line = RequestStartLine("GET", f"{self._url}?{query}" if query else self._url, "HTTP/1.1")
        return HTTPServerRequest(start_line=line, headers=HTTPHeaders({"Host": "localhost"}))

    async def _filled(self, query: str) -> Ready:
        ready = await self._built(self._request(query))
        try:
            if not await self._rests(ready.session, QUIET_LOOKS, FILL_SECONDS):
                raise TimeoutError(f"the page was not filled within {FILL_SECONDS:g} s")
            await ready.fill()
        except BaseException:
            ready.session.unblock_expiration()
            raise
        return ready

    async def _built(self, request: HTTPServerRequest, payload: TokenPayload | None = None) -> Ready:
        """A new session that is kept until it is given or let go of; its parts are still to come."""
        session_id = generate_session_id(secret_key=self._tornado.secret_key, signed=self._tornado.sign_sessions)
        token = None if payload is None else self._token(session_id, payload)
        session = await self._context.create_session_if_needed(session_id, request, token)
        session.block_expiration()
        try:
            if any(handler.failed for handler in self._context.application.handlers):
                raise RuntimeError("the page could not be built")
            return Ready(session, *self._drawn(session))
        except BaseException:
            session.unblock_expiration()
            raise

    def _drawn(self, session: ServerSession) -> tuple[str, str]:
        """Colour mode of a session's page, and its HTML below the mark."""
        document = session.document
        with set_curdoc(document):
            theme, parts = config.theme, document.template_variables
            if self.heads.get(theme):
                # as Panel does, without looking for all the scripts once more: a tenth of the time of a session
                where = f"{state.rel_path}/{LOCAL_DIST}" if state.rel_path else LOCAL_DIST
                parts |= {"theme_name": theme, "dist_url": where}
                for root in document.roots:
                    patch_model_css(root, dist_url=where)
                item = RenderItem(token=_TOKEN, roots=document.roots, use_for_title=False)
                html = html_page_for_render_items(("", ""), {}, [item], document.title, document.template, parts)
                return theme, html.partition(MARK)[2]
            html = server_html_page_for_session(
                session, resources=Resources.from_bokeh(self._tornado.resources()), title=document.title,
                token=_TOKEN, template=document.template, template_variables=parts,
            )  # fmt: skip
        head, mark, rest = html.partition(MARK)
        self.heads[theme] = head if mark else ""  # the page of another app goes out whole
        return theme, rest if mark else html

    async def _rests(self, session: ServerSession, looks: int, limit: float) -> bool:
        """Wait until the parts of the page, which are built one after the other, are there; whether they are."""
        until, quiet = time.monotonic() + limit, 0
        while quiet < looks:
            if time.monotonic() > until:
                return False
            await asyncio.sleep(QUIET_SECONDS if looks > 1 else 0)
            await session.with_document_locked(lambda: None)
            quiet = 0 if session.document.session_callbacks else quiet + 1
        return True
