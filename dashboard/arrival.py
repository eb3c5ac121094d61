"""What a visitor is sent: the page of a ready session, or its head at once and the rest when their session is built.

The head holds what is the same for everybody: styles, the scripts' addresses and the frame of the page with a sentence
of what is being done. The browser shows it, and fetches and runs the scripts, while the visitor waits for their turn.
"""

from __future__ import annotations

import asyncio
import json
from html import escape
from typing import Any

from bokeh.server.tornado import BokehTornado
from bokeh.util.token import TokenPayload
from panel.io.server import DocHandler
from tornado.iostream import StreamClosedError
from tornado.web import authenticated

from dashboard.jobs import log_id
from dashboard.opening import THEMES, Ready, Shelf
from dashboard.state import PAGES

FIRST_SECONDS = 0.1  # the server's loop is left to the scripts that a browser asks for when it has read the head
#: an address that names one of these, or a header, has a session already
NAMED = ("bokeh-session-id", "bokeh-token")
_HEADER = "Bokeh-Session-Id"
_BARE = '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>HDL Explorer</title></head><body>'


class Line:
    """Who waits for their session to be built, first come first served.

    Of a class that comes at once one page is built at a time, and between two of them those who are in have their turn
    (all that came were built before anybody's click was heard).
    """

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._waiting: list[Arrival] = []
        self._door = asyncio.Lock()

    async def session(self, visitor: Arrival, payload: TokenPayload) -> Ready:
        """The visitor's session when it is built; of those who leave meanwhile none is. Errors are those of `build`.

        Raises
        ------
        StreamClosedError
            When the visitor has left.
        """
        self._waiting.append(visitor)
        try:
            visitor.tell(len(self._waiting) - 1)
            async with self._door:
                if visitor.gone:
                    raise StreamClosedError
                ready = await self._shelf.build(visitor.request, payload)
                await asyncio.sleep(0)  # whoever came with this one finds the door shut, and the loop goes round
                return ready
        finally:
            place = self._waiting.index(visitor)
            del self._waiting[place]
            for before, other in enumerate(self._waiting[place:], place):
                other.tell(before)


class Arrival(DocHandler):
    """Answers a GET of the app."""

    def initialize(self, shelf: Shelf, line: Line, **kwargs: Any) -> None:
        """Take shelf and line; the rest is Bokeh's."""
        self._shelf, self._line = shelf, line
        self._begun = self.gone = False

    def on_connection_close(self) -> None:
        """The visitor has left before the page was there."""
        self.gone = True
        super().on_connection_close()

    @authenticated
    async def get(self, *args: Any, **kwargs: Any) -> None:
        """Send the page."""
        if _HEADER in self.request.headers or any(name in self.request.arguments for name in NAMED):
            await super().get(*args, **kwargs)  # type: ignore[misc]  # tornado's stub of `authenticated`
            return
        self.set_header("Cache-Control", "no-store")  # as Panel does: a token serves once
        self.set_header("Content-Type", "text/html")
        payload = self._generate_token_payload()
        ready = self._shelf.take(self.request.query)
        try:
            if ready is None:
                await self._begin()
                ready = await self._line.session(self, payload)
            rest = self._shelf.give(ready, self.request, payload)
            self.write(rest if self._begun else self._shelf.heads[ready.theme] + rest)
        except StreamClosedError:
            return
        except Exception as error:
            self._fail(log_id(error, "Opening a page"))

    async def _begin(self) -> None:
        """Send what is the same for everybody, once it is known."""
        named = self.request.arguments.get("theme", [b""])[0].decode("utf-8", "replace")
        head = self._shelf.heads.get(named if named in THEMES else THEMES[0])
        if head:
            self._begun = True
            self.write(head)
            page = self.request.arguments.get("page", [b""])[0].decode("utf-8", "replace")
            if page in list(PAGES)[1:]:  # the frame shows where the map will be
                self.write('<script>document.getElementById("hdl-first").dataset.other = ""</script>')
            await self.flush()
            await asyncio.sleep(FIRST_SECONDS)

    def tell(self, before: int) -> None:
        """Say, in the frame of the page, what is being done and how many visitors come before."""
        if not self._begun or self.gone:
            return
        what = "Opening the view of this link" if self.request.query else "Opening the page"
        if before:
            who = "one visitor is" if before == 1 else f"{before} visitors are"
            what += f": {who} before you"
        self.write(f'<script>document.getElementById("hdl-doing").textContent = {json.dumps(what)}</script>')
        self.flush()  # who has left is not told, and waits no longer when their turn comes

    def _fail(self, mark: str) -> None:
        """End the page with a sentence, in its frame where that has been sent."""
        if not self._begun:
            self.set_status(500)
            self.write(_BARE)
        here = escape(self.request.path.rpartition("/")[2])
        self.write(
            '<style>#hdl-first .body { display: none }</style><div id="hdl-failed" role="alert">'
            f"<p>This view could not be opened. The server's log has the details under {mark}.</p>"
            f'<p><a href="">Try again</a> <a href="{here}">Open the app without the link\'s view</a></p>'
            "</div></body></html>"
        )


def install(tornado: BokehTornado, url: str, shelf: Shelf) -> Line:
    """Have a server that has not started answer so at `url`; the line that visitors then wait in."""
    context = {"application_context": tornado._applications[url], "bokeh_websocket_path": f"{tornado.prefix}{url}/ws"}
    line = Line(shelf)
    tornado.add_handlers(".*", [(f"{tornado.prefix}{url}", Arrival, {**context, "shelf": shelf, "line": line})])
    return line
