"""Turn generated source into compiled kernels, kept in the user's cache folder under the hash of all they stand on.

The name of a file holds the hash of its own text and of the kernels it calls, so a change of either is a new file and
numba's cache beside it is never stale. Each kernel has one signature: processes that compile the same kernel at once
write the same thing.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import logging
import os
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import ModuleType

from hdlcore.folders import cache_folder
from hdlcore.models.kernels import network, numerics

logger = logging.getLogger(__name__)
_lock = threading.Lock()
_loaded: dict[str, ModuleType] = {}


def kernel_folder() -> Path:
    """Where compiled kernels are kept; the environment variable HDL_KERNELS moves it."""
    chosen = os.environ.get("HDL_KERNELS")
    return Path(chosen) if chosen else cache_folder("kernels")


def load(name: str, source: str) -> ModuleType:
    """The module of `source`, compiled; from disk when an earlier process has left it there."""
    digest = hashlib.sha256("\n".join([source, *map(_text, (network, numerics))]).encode()).hexdigest()[:16]
    key = f"{name}_{digest}"
    with _lock:
        if key not in _loaded:
            began = time.perf_counter()
            _loaded[key] = _import(key, source)
            logger.debug("%s is ready after %.1f s", key, time.perf_counter() - began)
        return _loaded[key]


def _text(module: ModuleType) -> str:
    assert module.__file__ is not None
    return Path(module.__file__).read_text(encoding="utf-8")


def _import(key: str, source: str) -> ModuleType:
    folder = kernel_folder()
    for _ in range(2):
        path = _written(folder, key, f"CACHE = True\n{source}")
        if path is None:
            break
        try:
            return _execute(key, path)
        except Exception as error:  # a cache that was damaged or cannot be written costs time, never an answer
            logger.info("the kernels %s are made anew: %s: %s", key, type(error).__name__, error)
            _forget(folder, key)
    with tempfile.TemporaryDirectory(prefix="hdl-kernels-") as own:
        path = _written(Path(own), key, f"CACHE = False\n{source}")
        assert path is not None
        return _execute(key, path)


def _forget(folder: Path, key: str) -> None:
    """Remove what is kept of a kernel, so far as that can be done."""
    for path in [folder / f"{key}.py", *(folder / "__pycache__").glob(f"{key}.*")]:
        with contextlib.suppress(OSError):
            path.unlink()


def _written(folder: Path, key: str, text: str) -> Path | None:
    """Put the text into `folder` unless it is there already; None where nothing can be written or read."""
    path = folder / f"{key}.py"
    try:
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            return path
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, beside = tempfile.mkstemp(prefix=key, suffix=".part", dir=folder)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        os.replace(beside, path)
    except OSError as error:
        logger.info("the folder %s keeps no kernels: %s", folder, error)
        return None
    return path


def _execute(key: str, path: Path) -> ModuleType:
    name = f"hdl_kernels_{key}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # numba looks a function's module up by name
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module
