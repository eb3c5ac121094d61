"""Scripts and style sheets go out packed, and a browser that has them does not ask for them again.

The page's scripts have 4.1 MB, packed 1.2: a class in one wireless network waits for the difference. Each file is
packed when it is first asked for, and kept on disk while the server runs.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import mimetypes
import os
import tempfile
import threading
from datetime import datetime
from pathlib import Path
from typing import Any

from bokeh.embed.bundle import extension_dirs
from bokeh.server.tornado import BokehTornado
from bokeh.server.views.multi_root_static_handler import MultiRootStaticHandler
from bokeh.server.views.static_handler import StaticHandler
from tornado.web import StaticFileHandler

KINDS = (".js", ".css", ".svg", ".json")
SMALLEST = 2000  # bytes; less fits into a packet or two as it is


class Store:
    """A folder of packed files; it goes when this object does, at the latest at exit."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="hdl-packed-")
        self._packing = threading.Lock()

    def packed(self, path: Path) -> Path:
        """The packed form of a file as it is now, made if it is not there; for any thread."""
        found = path.stat()
        key = hashlib.sha256(f"{path}|{found.st_mtime_ns}|{found.st_size}".encode()).hexdigest()[:24]
        packed = Path(self._folder.name) / f"{key}{path.suffix}"
        if not packed.exists():
            with self._packing:
                beside = packed.with_suffix(".part")
                beside.write_bytes(gzip.compress(path.read_bytes(), 9, mtime=0))
                os.utime(beside, ns=(found.st_atime_ns, found.st_mtime_ns))
                os.replace(beside, packed)
        return packed


class _Packed(StaticFileHandler):
    """A file as it is, or packed where it pays and the browser takes it."""

    def initialize(self, *args: Any, store: Store, **kwargs: Any) -> None:  # type: ignore[override]
        """Take the store; the rest is Bokeh's."""
        super().initialize(*args, **kwargs)
        self._store = store

    def _pays(self, found: str) -> bool:
        """Whether a file is worth packing."""
        return Path(found).suffix in KINDS and os.path.getsize(found) >= SMALLEST

    def _taken(self) -> bool:
        """Whether the browser takes packed files, and the whole of this one."""
        return "gzip" in self.request.headers.get("Accept-Encoding", "") and "Range" not in self.request.headers

    async def get(self, path: str, include_body: bool = True) -> None:
        """Pack the file in a thread, up to 70 ms for the largest, so that nobody else waits; the rest is Tornado's."""
        self.path = self.parse_url_path(path)
        found = super().validate_absolute_path(self.root, self.get_absolute_path(self.root, self.path))
        if found is not None and self._pays(found) and self._taken():
            await asyncio.to_thread(self._store.packed, Path(found))
        await super().get(path, include_body)

    def validate_absolute_path(self, root: Any, absolute_path: str) -> str | None:
        """The file to send, once Bokeh has found it to be one that may be sent."""
        found = super().validate_absolute_path(root, absolute_path)
        if found is None or not self._pays(found):
            return found
        self.set_header("Vary", "Accept-Encoding")
        if not self._taken():
            return found
        self.set_header("Content-Encoding", "gzip")
        return str(self._store.packed(Path(found)))

    def get_content_size(self) -> int:
        """Bytes of the file to send, which Tornado may have looked up for the one that was asked for."""
        return os.path.getsize(str(self.absolute_path))

    def get_content_type(self) -> str:
        """Of what is packed."""
        return mimetypes.guess_type(self.path)[0] or super().get_content_type()

    def get_cache_time(self, path: str, modified: datetime | None, mime_type: str) -> int:
        """Ten years (s) for an address that names a version of the file, as `?v=...` or `?...`; else 0: ask again."""
        return self.CACHE_MAX_AGE if self.request.query else 0


class _Script(_Packed, StaticHandler):
    """Of Bokeh."""


class _Extension(_Packed, MultiRootStaticHandler):
    """Of Panel and its components."""


def install(tornado: BokehTornado) -> None:
    """Have a server that has not started send its scripts and style sheets this way."""
    store = Store()
    tornado.add_handlers(
        ".*",
        [
            (f"{tornado.prefix}/static/extensions/(.*)", _Extension, {"root": extension_dirs, "store": store}),
            (f"{tornado.prefix}/static/(.*)", _Script, {"store": store}),
        ],
    )
