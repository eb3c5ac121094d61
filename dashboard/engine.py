"""The one engine of this process, shared by every session, and the fields it ships. Sessions hold nothing heavy."""

from __future__ import annotations

import logging
import os
import threading
from functools import lru_cache
from pathlib import Path

import torch
import xarray as xr

from hdlcore.errors import HDLError
from hdlcore.runtime.engine import Engine, ModelInfo

log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def get_engine() -> Engine:
    """The engine of this process. ``HDL_MODELS`` (folders) and ``HDL_DATA`` (a cube) add a user's own."""
    torch.set_num_threads(1)  # two threads per request made eight sessions five times slower
    folders = [Path(part) for part in os.environ.get("HDL_MODELS", "").split(os.pathsep) if part]
    data = os.environ.get("HDL_DATA")
    return Engine(models=folders, data=Path(data) if data else None)


def get_world() -> xr.Dataset:
    """The world cube, read-only."""
    return get_engine().world


@lru_cache(maxsize=1)
def get_models() -> dict[str, ModelInfo]:
    """Models by id, in the order of the picker."""
    return {info.id: info for info in get_engine().models()}


@lru_cache(maxsize=8)
def get_fields(model: str) -> tuple[xr.Dataset | None, str]:
    """Precomputed fields of a model, or None and one sentence why there are none."""
    if not model:
        return (
            None,
            "No trained model is installed yet, so the map shows what is observed; `hdl models` lists what there is.",
        )
    try:
        return get_engine().fields(model), ""
    except HDLError as error:
        log.warning("no fields for %s: %s", model, error)
        return None, str(error)


@lru_cache(maxsize=1)
def warm_up() -> None:
    """Load, once a process, what the first page needs; then, beside it, what the first live run would wait for."""
    for model in [*get_models()][:1] or [""]:
        get_fields(model)
    threading.Thread(target=get_engine().warm_up, name="warm-up", daemon=True).start()
