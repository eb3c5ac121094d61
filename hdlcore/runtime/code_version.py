"""A hash of the code that makes the numbers, so that no result of another version is taken for this one's."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

import hdlcore


@lru_cache(maxsize=1)
def code_version() -> str:
    """Hash over every source file of `hdlcore`; some milliseconds, once a process."""
    digest = hashlib.sha256()
    root = Path(hdlcore.__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
