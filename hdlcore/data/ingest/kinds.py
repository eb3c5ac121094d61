"""What a reader of foreign files is asked for and what it hands back: `Kind`, `Options`, `Source`, `Piece`.

A reader never writes. It looks at the files, says which cells, days and variables they hold, and gives *pieces*:
small blocks that are read, converted and aggregated only when the pipeline asks for them, one at a time. So memory
stays bounded, and a killed run goes on where it stopped, by the names of the pieces.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.variables import variable

Layout = Literal["grid", "points"]
Frequency = Literal["daily", "monthly", "climatology", "static"]
Grid = Literal["1deg", "native"]
#: What a variable's numbers are: never shown as observed when they are not.
Origin = Literal["observed", "reanalysis", "generated", "derived"]


@dataclass(frozen=True)
class Options:
    """How the files are to be read.

    grid : "1deg", the land cells of the world cube, or "native", the cells of the files. Points ignore it.
    variables : names of `hdlcore.variables` to keep, or None for every one that is recognised.
    attributes : a table of site attributes (CSV or JSON) for kinds that take one.
    scratch : a folder that is thrown away at the end, for files unpacked from archives.
    """

    grid: Grid = "1deg"
    variables: tuple[str, ...] | None = None
    attributes: Path | None = None
    scratch: Path | None = None


@dataclass(frozen=True)
class Piece:
    """One block of a source. `name` is unique in its source and the same at each run; `load` reads the block.

    `load()` gives a Dataset of float32 variables (time, cell) in canonical names and units - (month, cell) for a
    climatology, (cell) for statics - with coordinates `time` (or `month`) and `cell`, each a contiguous run of the
    source's own. A variable of the source that is absent from the block is missing there.
    """

    name: str
    load: Callable[[], xr.Dataset]


@dataclass(frozen=True)
class Source:
    """What one set of files holds.

    layout : "grid" or "points".
    frequency : "daily", "monthly", "climatology" (variables by month go to the root of the cube) or "static".
    cells : root Dataset: coordinates cell (int id), lat, lon (degrees), area (m2, NaN if unknown); for points `name`
        (str); statics with their attributes.
    time : rising days at 00:00 (daily) or first days of months (monthly), datetime64[ns], without gaps; empty for
        climatologies and statics.
    variables : canonical name -> attributes; `Source.describe` makes them from `hdlcore.variables`.
    pieces : the blocks, in the order in which they are best read.
    provenance : one dict per input file with at least file, sha256, product, reader, conversions (list of str).
    attribution : whom to name, and the licence when known.
    notes : sentences a reader of the cube should know (calendar, gaps filled with missing, doubled days, ...).
    grid : {"rows", "columns", "north", "west", "step"} of a regular grid, None for points.
    title : a short title for the cube.
    """

    layout: Layout
    frequency: Frequency
    cells: xr.Dataset
    time: NDArray[np.datetime64]
    variables: Mapping[str, Mapping[str, Any]]
    pieces: Sequence[Piece]
    provenance: list[dict[str, Any]]
    attribution: str
    notes: list[str] = field(default_factory=list)
    grid: Mapping[str, float] | None = None
    title: str = ""


@dataclass(frozen=True)
class Kind:
    """One kind of files that can be ingested: `read(files, options)` looks at them and gives a `Source`.

    `suffixes` are lower-case endings of the files it takes, such as ".nc" or ".csv" (a Zarr folder ends in ".zarr").
    `read` raises `DataError` with one sentence when the files are not of this kind.
    """

    id: str
    title: str
    help: str
    suffixes: tuple[str, ...]
    layout: Layout
    read: Callable[[Sequence[Path], Options], Source]


def fingerprint(path: Path) -> str:
    """SHA-256 of a file, or of all files of a folder (Zarr) with their names; kept while the file stays the same."""
    stat = path.stat()
    return _fingerprint(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=4096)
def _fingerprint(path: Path, _changed: int, _size: int) -> str:
    digest = hashlib.sha256()
    inside = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in inside:
        if path.is_dir():
            digest.update(file.relative_to(path).as_posix().encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def describe(name: str, source: Origin, product: str, **more: Any) -> dict[str, Any]:
    """Attributes of a canonical variable in a cube: units, long_name, standard_name, source, product."""
    return {**variable(name).attributes(), "source": source, "product": product, **more}
