"""What the engine can show: trained models, the twin Earth, and data cubes, told apart by a few facts each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import xarray as xr

from hdlcore.errors import RequestError
from hdlcore.progress import CancelToken, Progress
from hdlcore.runtime.requests import ExplanationRequest, ImpulseRequest, SimulationRequest

SourceKind = Literal["model", "twin", "data"]


@dataclass(frozen=True)
class SourceInfo:
    """One entry of the picker.

    `generated` says that everything in it is made by a model of a made-up Earth, and must be labelled so wherever it is
    shown; `note` is one sentence about where its numbers come from. `methods` are the ways it can be explained, none
    for data.
    """

    id: str
    title: str
    kind: SourceKind
    generated: bool
    note: str
    methods: tuple[str, ...] = ()


class Source(Protocol):
    """What stands behind an id: it runs, is explained, and brings fields, or says in one sentence why it does not."""

    @property
    def info(self) -> SourceInfo:
        """What the picker says of it."""
        ...

    @property
    def has_map(self) -> bool:
        """Whether it is of all land, or a grid, and so can be shown on the map."""
        ...

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the quantities it gives beside the forcing."""
        ...

    @property
    def version(self) -> str:
        """Changes when the same question may get another answer: weights, data, seeds."""
        ...

    def fields(self) -> xr.Dataset:
        """All land at once: mean seasonal cycles (month, cell) and constants (cell) on the world's cells."""
        ...

    def simulate(
        self, request: SimulationRequest, progress: Progress | None, cancel: CancelToken | None,
        plain: xr.Dataset | None = None,
    ) -> xr.Dataset:  # fmt: skip
        """Series (time, cell) of every output and forcing; `plain` is the answer without the request's scenario."""
        ...

    def explain(self, request: ExplanationRequest, progress: Progress | None, cancel: CancelToken | None) -> xr.Dataset:
        """Contributions (time, lag, forcing) of past forcing to a target."""
        ...

    def impulse(self, request: ImpulseRequest, cancel: CancelToken | None) -> xr.Dataset:
        """Response (cell, lag) of every output to one pulse of a driver."""
        ...


def refuse_explanation(source: Source, request: ExplanationRequest) -> None:
    """Raise `RequestError` when `source` cannot be explained by the request's method, or lacks its target."""
    info = source.info
    if not info.methods:
        raise RequestError(f"'{info.id}' is data, not a model, and cannot be asked why; choose a model or the twin.")
    if request.method not in info.methods:
        raise RequestError(f"'{info.id}' cannot be explained by '{request.method}'; it has {', '.join(info.methods)}.")
    if request.target not in source.outputs:
        raise RequestError(f"'{info.id}' has no output '{request.target}'; it has {', '.join(source.outputs)}.")


def free_id(wanted: str, taken: Callable[[str], bool]) -> str:
    """`wanted`, or with a number behind it when it is taken already."""
    number, name = 2, wanted
    while taken(name):
        name, number = f"{wanted}-{number}", number + 1
    return name


def id_of(path: Path) -> str:
    """A short id for a file: its stem in lower case, everything but letters and digits as hyphens."""
    stem = "".join(c if c.isascii() and c.isalnum() else "-" for c in path.stem.lower())
    return "-".join(part for part in stem.split("-") if part) or "data"
