"""Reading a visitor's file in a process of its own: what breaks a library, or fills the memory, ends only that."""

from __future__ import annotations

import multiprocessing
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hdlcore.errors import Cancelled, DataError, HDLError
from hdlcore.progress import Progress

MAX_MEMORY = 4 * 2**30  # bytes of address space that reading one upload may take
MAX_SECONDS = 300.0
GUESS = "guess"
_ROOM = threading.BoundedSemaphore(2)  # readings at a time: the other visitors want to look at something too


def ingest_apart(
    files: Sequence[Path],
    kind: str,
    out: Path,
    progress: Progress,
    cancel: threading.Event,
    seconds: float = MAX_SECONDS,
) -> str:
    """Ingest files into the cube `out` in another process; return the kind they were read as.

    `kind` is one of `hdlcore.data.ingest.KINDS`, or `GUESS`. Raises `DataError` with the reader's own sentence, or for
    a reader that crashed or took too long; `Cancelled`.
    """
    while not _ROOM.acquire(timeout=0.2):
        progress(0.0, "Waiting for other uploads to be read")
        if cancel.is_set():
            raise Cancelled("Reading the upload was cancelled.")
    try:
        return _read_apart(files, kind, out, progress, cancel, seconds)
    finally:
        _ROOM.release()


def _read_apart(
    files: Sequence[Path], kind: str, out: Path, progress: Progress, cancel: threading.Event, seconds: float
) -> str:
    context = multiprocessing.get_context("spawn")
    mine, theirs = context.Pipe(duplex=False)
    process = context.Process(target=WORK, args=(theirs, [str(f) for f in files], kind, str(out)), daemon=True)
    process.start()
    theirs.close()
    deadline = time.monotonic() + seconds
    try:
        while True:
            if cancel.is_set():
                raise Cancelled("Reading the upload was cancelled.")
            if time.monotonic() > deadline:
                raise DataError(f"Reading took longer than {seconds:.0f} s and was given up; use 'hdl ingest' for it.")
            if not mine.poll(0.1):
                continue
            try:
                word, *rest = mine.recv()
            except EOFError:
                process.join(5)
                raise DataError(
                    "The file broke the program that reads it; check that it opens elsewhere, and that it is complete."
                ) from None
            if word == "progress":
                progress(*rest)
            elif word == "done":
                return str(rest[0])
            else:
                raise DataError(str(rest[0]))
    finally:
        mine.close()
        if process.is_alive():
            process.join(1 if not cancel.is_set() else 0)
        if process.is_alive():
            process.terminate()
        process.join(5)


def _work(pipe: Connection, files: list[str], kind: str, out: str) -> None:
    """In the other process: ingest, and say how it goes."""
    _limit_memory()
    last = 0.0

    def say(fraction: float, text: str = "") -> None:
        nonlocal last
        if time.monotonic() - last > 0.1:
            last = time.monotonic()
            pipe.send(("progress", float(fraction), str(text)))

    try:
        pipe.send(("done", _ingest([Path(file) for file in files], kind, Path(out), say)))
    except HDLError as error:
        pipe.send(("failed", str(error)))
    except MemoryError:
        pipe.send(("failed", "The file needs more memory than an upload may take; use 'hdl ingest' for it."))


def _ingest(files: list[Path], kind: str, out: Path, say: Any) -> str:
    from hdlcore.data.ingest import KINDS, ingest

    said = ""
    for name in guesses(files) if kind == GUESS else [kind]:
        # a JSON beside files of a kind that has none of its own tells about their sites
        about = [f for f in files if f.suffix.lower() == ".json" and ".json" not in KINDS[name].suffixes]
        data = [file for file in files if file not in about]
        try:
            ingest(data, name, out, attributes=about[0] if about else None, progress=say)
            return name
        except DataError as error:
            said = str(error)
    raise DataError(said or "No kind of file that can be read looks like this; choose one by hand.")


#: Kinds that are tried when the person does not say which: those that know their own files by name or header first.
#: A product of a fixed layout reads any grid as its own, so it has to be chosen.
_TRIED = ("fluxnet2015", "ameriflux_base", "swissfluxnet", "phenocam", "catchments", "cf")


def guesses(files: Sequence[Path]) -> list[str]:
    """Kinds the files may be of, by their endings, the most particular first; archives may be anything."""
    from hdlcore.data.ingest import KINDS

    endings = {file.suffix.lower() for file in files} - {".json"}
    open_ = [ending for ending in endings if any(ending in kind.suffixes for kind in KINDS.values())]
    known = [name for name in _TRIED if name in KINDS]
    if not open_:
        return known
    return [name for name in known if endings <= set(KINDS[name].suffixes)] or known


def _limit_memory() -> None:
    if sys.platform.startswith("linux"):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))


#: What the other process runs.
WORK = _work
