"""The one engine of this process, shared by every session, and the fields it ships. Sessions hold nothing heavy."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import torch
import xarray as xr

from hdlcore.errors import HDLError
from hdlcore.runtime.datasets import DataSource
from hdlcore.runtime.disk_cache import DiskCache
from hdlcore.runtime.engine import Engine, ModelInfo
from hdlcore.runtime.sources import SourceInfo

log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def get_engine() -> Engine:
    """The engine of this process. ``HDL_MODELS`` (folders) and ``HDL_DATA`` (cubes) add a user's own."""
    torch.set_num_threads(1)  # two threads per request made eight sessions five times slower
    models, data = (
        [Path(part) for part in os.environ.get(name, "").split(os.pathsep) if part]
        for name in ("HDL_MODELS", "HDL_DATA")
    )
    return Engine(models=models, data=data, disk=DiskCache())


def get_world() -> xr.Dataset:
    """The world cube, read-only."""
    return get_engine().world


@lru_cache(maxsize=1)
def get_models() -> dict[str, ModelInfo]:
    """Models by id."""
    return {info.id: info for info in get_engine().models()}


def get_sources() -> dict[str, SourceInfo]:
    """Everything with a map that every visitor can choose, by id, in the order of the picker."""
    held, found = get_engine(), {}
    for info in held.sources():
        source = held.source(info.id)
        if source.has_map:
            found[info.id] = replace(info, title=title_of(source)) if isinstance(source, DataSource) else info
    return found


def get_data() -> dict[str, DataSource]:
    """The data sets that every visitor sees, with a map or without, by id."""
    return {source.info.id: source for source in get_engine().data()}


def title_of(source: DataSource) -> str:
    """A cube's title, with the name of its folder where that says more: 'Catchments, lahn'."""
    title, stem = source.info.title, source.cube.path.stem
    return title if stem.lower() in title.lower() else f"{title}, {stem}"


@lru_cache(maxsize=8)
def get_fields(source: str) -> tuple[xr.Dataset | None, str]:
    """All land of a source at once, or None and one sentence why there is no map of it."""
    if not source:
        return (
            None,
            "No trained model is installed yet, so the map shows what is observed; `hdl models` lists what there is.",
        )
    try:
        return get_engine().fields(source), ""
    except HDLError as error:
        log.warning("no fields for %s: %s", source, error)
        return None, str(error)


@lru_cache(maxsize=1)
def warm_up(*then: Callable[[], None]) -> None:
    """Load, once a process, what the first page needs; then, beside it, what the first live run would wait for.

    `then` are called last, for what other pages and maps would wait for.
    """
    for source in [*get_sources()][:1] or [""]:
        get_fields(source)

    def rest() -> None:
        get_engine().warm_up()
        for work in then:
            work()

    threading.Thread(target=rest, name="warm-up", daemon=True).start()
