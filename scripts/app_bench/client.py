"""A visitor without a browser: what a browser asks of the server, spoken by hand (Bokeh's protocol over a WebSocket).

For the server it is a session like any other: the page is fetched, its document pulled, said to be drawn, clicked.
Nothing is painted, so dozens of them cost this machine next to nothing.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from dashboard.state import PAGES

QUIET_S = 0.7  # a page that has sent nothing for so long is filled
TURNED_S = 1.5  # the same, where runs are made for it
PATIENCE_S = 60
MAX_MESSAGE = 64 * 2**20


class Client:
    """One session; made by `enter`."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self._socket = socket
        self._map = self._nav = ""
        self.received = 0  # messages
        self.first = self.filled = 0.0  # seconds from asking until the page's first bytes, and its last message
        self._last = 0.0
        self._awaited, self._came = "", False

    @classmethod
    async def enter(cls, address: str, quiet: float = QUIET_S) -> Client:
        """Fetch a page of the app and fill it as a browser does."""
        begun, came, parts = time.monotonic(), [], list[bytes]()

        def take(part: bytes) -> None:
            came.append(time.monotonic() - begun)
            parts.append(part)

        await AsyncHTTPClient().fetch(address, request_timeout=120, streaming_callback=take)
        page = b"".join(parts).decode()
        token = re.search(r'"token":"([^"]+)"', page)
        if token is None:
            raise RuntimeError(f"{address} has sent no page of Bokeh")
        origin, _, rest = address.partition("//")[2].partition("/")
        place = f"ws://{origin}/{rest.partition('?')[0]}/ws"
        request = HTTPRequest(place, headers={"Origin": f"http://{origin}"})
        socket = await websocket_connect(
            request,
            subprotocols=["bokeh", token[1]],
            max_message_size=MAX_MESSAGE,
            ping_interval=0,
            compression_options={},  # as browsers do
        )
        self = cls(socket)
        while '"ACK"' not in await self._next():
            pass  # until then the server takes nothing
        await self._send("PULL-DOC-REQ", {})
        content = await self._next()
        while not content.startswith('{"doc"'):
            content = await self._next()
        held = json.loads(content)
        self._map = _model_with(held, "name", "world-map")
        self._nav = _model_with(held, "class_name", "Nav")
        await self.event("document_ready")
        await self.rest(quiet)
        self.first, self.filled = came[0], self._last - begun
        return self

    async def answered(self) -> None:
        """Wait for what the server sends next."""
        await self._next()

    async def _next(self) -> str:
        frame = await self._socket.read_message()
        if frame is None:
            raise RuntimeError("the server has closed the connection")
        self.received += 1
        self._last = time.monotonic()
        text = frame if isinstance(frame, str) else ""
        self._came |= bool(self._awaited) and self._awaited in text
        return text

    async def _send(self, kind: str, content: dict[str, Any]) -> None:
        for part in ({"msgid": uuid.uuid4().hex, "msgtype": kind}, {}, content):
            await self._socket.write_message(json.dumps(part))

    async def event(self, name: str, **values: Any) -> None:
        """Send an event of the document or, with `model`, of a model."""
        data = {"type": "event", "name": name, "values": {"type": "map", "entries": [list(v) for v in values.items()]}}
        sent = {"kind": "MessageSent", "msg_type": "bokeh_event", "msg_data": data}
        await self._send("PATCH-DOC", {"events": [sent]})

    async def rest(self, quiet: float = QUIET_S, limit: float = PATIENCE_S) -> None:
        """Take in what the server sends until it has sent nothing for `quiet` seconds."""
        until = asyncio.get_running_loop().time() + limit
        while asyncio.get_running_loop().time() < until:
            try:
                await asyncio.wait_for(self._next(), quiet)
            except TimeoutError:
                return

    async def tap(self, x: float, y: float) -> None:
        """Click the world map at coordinates of its projection, as Bokeh in a browser says it."""
        values = {"x": x, "y": y, "sx": 1, "sy": 1, "modifiers": {"type": "map", "entries": []}}
        await self.event("tap", model={"id": self._map}, **values)

    async def turn(self, page: str) -> None:
        """Open another page by its link in the header, and wait until its parts have come.

        Raises
        ------
        RuntimeError
            When the page is not said to be open within `PATIENCE_S`.
        """
        self._awaited, self._came = f'"{PAGES[page]} page"', False  # what a screen reader is told
        message = {"type": "map", "entries": [["type", "open"], ["id", page]]}
        await self.event("data_event", model={"id": self._nav}, data=message)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not self._came:
                    await self._next()
        except TimeoutError:
            raise RuntimeError(f"the page {PAGES[page]} has not come within {PATIENCE_S} s") from None
        await self.rest(TURNED_S)

    def leave(self) -> None:
        """Close the connection, as a closed tab does."""
        self._socket.close()


def _model_with(content: Any, attribute: str, value: str) -> str:
    """Id of the first model found with that attribute in a serialized document; empty where there is none."""
    waiting = [content]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            attributes = node.get("attributes")
            if isinstance(attributes, dict) and attributes.get(attribute) == value:
                return str(node["id"])
            waiting += node.values()
        elif isinstance(node, list):
            waiting += node
    return ""
