"""A visitor's own files: received piece by piece, bounded, kept in a folder of the session and deleted with it."""

from __future__ import annotations

import base64
import binascii
import logging
import os
import re
import shutil
import tempfile
import threading
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import param
import xarray as xr

from dashboard.ingest_job import ingest_apart
from hdlcore.data.review import Review, review
from hdlcore.errors import DataError, HDLError, RequestError
from hdlcore.progress import Progress
from hdlcore.runtime.datasets import DataSource
from hdlcore.runtime.sources import SourceInfo, free_id, id_of

log = logging.getLogger(__name__)

MOST_SETS = 5  # data sets a session may hold
MOST_FILES = 40  # files of one data set
_NAME = re.compile(r"[^\w.()+-]+")


def limit_bytes() -> int:
    """Bytes that all files of one upload may have together; 0 means that nothing can be uploaded here."""
    return int(float(os.environ.get("HDL_UPLOAD_MB", "50")) * 1e6)


@dataclass(frozen=True)
class OwnSet:
    """An uploaded data set and its review. One with major remarks can be looked at too: its report stands beside it."""

    id: str
    title: str
    path: Path
    review: Review
    source: DataSource

    def fields(self) -> tuple[xr.Dataset | None, str]:
        """Its map on the world's cells, or None and one sentence why there is none."""
        try:
            return self.source.fields(), ""
        except HDLError as error:
            return None, str(error)


@dataclass
class Transfer:
    """Files on their way from the browser; pieces come in order, and no more than was announced is taken."""

    folder: Path
    names: list[str]
    sizes: list[int]
    ticket: str
    at: int = 0
    received: int = 0
    _open: Any = field(default=None, repr=False)

    @property
    def fraction(self) -> float:
        """Share of all bytes that has come."""
        return (sum(self.sizes[: self.at]) + self.received) / max(sum(self.sizes), 1)

    @property
    def done(self) -> bool:
        """Whether everything has come."""
        return self.at >= len(self.names)

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return [self.folder / name for name in self.names]

    def wanted(self) -> dict[str, Any]:
        """The message that asks for the next piece; files of no bytes need none."""
        while not self.done and self.received >= self.sizes[self.at]:
            self._next_file()
        return {"type": "next", "ticket": self.ticket, "file": self.at, "start": self.received}

    def take(self, message: dict[str, Any]) -> None:
        """Append one piece. Raises `RequestError` when it is not the one asked for."""
        try:
            piece = base64.b64decode(str(message.get("content", "")), validate=True)
        except (binascii.Error, ValueError):
            piece = b""
        asked = (message.get("file"), message.get("start")) == (self.at, self.received)
        if self.done or not asked or not piece or self.received + len(piece) > self.sizes[self.at]:
            raise RequestError("The upload was garbled on its way; nothing was kept, please choose the file again.")
        with self.paths[self.at].open("ab") as file:
            file.write(piece)
        self.received += len(piece)

    def _next_file(self) -> None:
        self.paths[self.at].touch()
        self.at, self.received = self.at + 1, 0

    def drop(self) -> None:
        """Remove what has come."""
        shutil.rmtree(self.folder, ignore_errors=True)


def safe_names(names: Sequence[str]) -> list[str]:
    """File names without folders or odd characters, each different, so that none can leave its folder."""
    found: list[str] = []
    for number, name in enumerate(names):
        last = _NAME.sub("_", str(name).replace("\\", "/").rsplit("/", 1)[-1]).lstrip(".")[-100:] or f"file{number}"
        found.append(last if last.lower() not in {other.lower() for other in found} else f"{number}_{last}")
    return found


class Uploads(param.Parameterized):
    """The data sets of one session. Nothing of them is seen by another; the folder goes when the session does."""

    changed = param.Event(doc="A data set has come or gone.")

    def __init__(self, world: xr.Dataset, **params: Any) -> None:
        super().__init__(**params)
        self._world = world
        self._sets: dict[str, OwnSet] = {}
        self._folder: Path | None = None
        self._lock, self._count = threading.Lock(), 0

    # -- what there is ------------------------------------------------------------------------------------------

    def sets(self) -> list[OwnSet]:
        """All of them, oldest first."""
        return list(self._sets.values())

    def find(self, set_id: str) -> OwnSet | None:
        """One by its id, or None."""
        return self._sets.get(set_id)

    def maps(self) -> dict[str, SourceInfo]:
        """Those that have a map, by id."""
        return {own.id: replace(own.source.info, title=own.title) for own in self.sets() if own.source.has_map}

    # -- receiving ----------------------------------------------------------------------------------------------

    def folder(self) -> Path:
        """The session's folder, made when first needed and removed with this object, at the latest at exit."""
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="hdl-session-"))
                weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
            return self._folder

    def close(self) -> None:
        """Remove everything: the session has ended."""
        with self._lock:
            folder, self._folder = self._folder, None
            self._sets.clear()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)

    def begin(self, files: Sequence[dict[str, Any]], ticket: str) -> Transfer:
        """Make room for files that the browser announces by name and size. Raises `RequestError` for too much."""
        limit = limit_bytes()
        sizes = [max(int(item.get("size") or 0), 0) for item in files]
        if not limit:
            raise RequestError("This server takes no uploads; run 'hdl serve' yourself to look at your own data.")
        if not files:
            raise RequestError("No file was chosen.")
        if len(files) > MOST_FILES:
            raise RequestError(f"{len(files)} files are too many; up to {MOST_FILES} make one data set.")
        if len(self._sets) >= MOST_SETS:
            raise RequestError(f"This session holds {MOST_SETS} data sets already; remove one of them first.")
        if sum(sizes) > limit:
            raise RequestError(
                f"{sum(sizes) / 1e6:,.0f} MB are too much to upload (up to {limit / 1e6:,.0f} MB); "
                "use 'hdl ingest' and 'hdl serve --data' for larger data."
            )
        names = safe_names([str(item.get("name", "")) for item in files])
        self._count += 1
        folder = self.folder() / f"in-{self._count}"
        folder.mkdir()
        return Transfer(folder, names, sizes, ticket)

    def read(self, files: Sequence[Path], kind: str, progress: Progress, cancel: threading.Event) -> OwnSet:
        """Ingest files that have come, review the cube and open it; for a thread. Raises `HDLError`, `Cancelled`."""
        first = max(files, key=lambda path: path.stat().st_size)
        own_id = free_id(f"own-{id_of(first)}", lambda name: name in self._sets)
        with self._lock:
            self._count += 1
            out = (self._folder or first.parent) / f"{own_id}-{self._count}.zarr"
        try:
            used = ingest_apart(files, kind, out, lambda done, text: progress(0.9 * done, text), cancel)
        except DataError as error:  # a file is known by its name alone: where it was kept is nobody's business
            raise DataError(str(error).replace(f"{first.parent}{os.sep}", "")) from error
        progress(0.93, "Reviewing the data")
        found = review(out)
        log.info("upload read as %s: %s", used, found.recommendation)
        return OwnSet(own_id, first.name, out, found, DataSource(out, self._world, own_id))

    def keep(self, own: OwnSet) -> None:
        """Add a data set to the session."""
        self._sets[own.id] = own
        self.changed = True

    def remove(self, own_id: str) -> None:
        """Delete a data set."""
        own = self._sets.pop(own_id, None)
        if own is not None:
            shutil.rmtree(own.path, ignore_errors=True)
            self.changed = True
