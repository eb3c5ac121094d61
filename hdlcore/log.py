"""Where the project's messages go: one handler on the root logger, one line each, on standard error."""

from __future__ import annotations

import logging
import sys

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
LEVELS = ("debug", "info", "warning", "error")


def configure(level: str = "info") -> None:
    """Send every log record of ``level`` (one of `LEVELS`) and above, and Python's warnings, to standard error.

    Only entry points call this (the command line, the server, scripts); a library never configures logging. A second
    call replaces the first. Raises `ValueError` for an unknown level.
    """
    if level not in LEVELS:
        raise ValueError(f"unknown log level {level!r}; choose one of {', '.join(LEVELS)}")
    logging.basicConfig(stream=sys.stderr, level=level.upper(), format=FORMAT, datefmt="%Y-%m-%d %H:%M:%S", force=True)
    logging.captureWarnings(True)
    # These speak at INFO of every request and compilation: useful when one debugs them, noise when one does not.
    if level != "debug":
        for name in ("bokeh", "tornado.access", "numba", "matplotlib", "param", "asyncio"):
            logging.getLogger(name).setLevel(logging.WARNING)
