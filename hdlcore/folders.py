"""The one folder of the user's that is written to unasked: what can be made again, kept to save time."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def cache_folder(part: str) -> Path:
    """Folder of one part of the cache ("results", "kernels"); ``HDL_CACHE`` names another root. It may not exist."""
    chosen = os.environ.get("HDL_CACHE")
    root = Path(chosen).expanduser() if chosen else Path(platformdirs.user_cache_dir("hdl-explorer", False))
    return root / part
