"""A hash of the code that makes the numbers, so that no result of another version is taken for this one's."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import hdlcore
from hdlcore.errors import ModelError


@lru_cache(maxsize=1)
def code_version() -> str:
    """Hash over every source file of `hdlcore`; some milliseconds, once a process."""
    digest = hashlib.sha256()
    root = Path(hdlcore.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def refuse_another(what: str, here: str, there: str) -> None:
    """Raise `ModelError` when a worker sees (`here`) another version of something than whoever asks (`there`)."""
    if here != there:
        raise ModelError(
            f"A worker sees another version of the {what} than the one who asks ({here[:16]} and {there[:16]}); "
            "install the same on all machines and share the folders."
        )
