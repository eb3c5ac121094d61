"""From files to a cube: checked, read piece by piece, written beside with a journal, sealed, renamed, reviewed.

A run that is killed leaves ``OUT.partial`` with the names of the pieces that are done; with ``resume`` the same request
goes on there, and gives the same bytes as a run that was never killed. OUT itself is whole or absent.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from hdlcore.data.cube_writer import JOURNAL, CubeWriter, WriteError, free_room, writing
from hdlcore.data.cubes import attribute_problems, complete_attributes, refuse_existing
from hdlcore.data.ingest.kinds import Grid, Kind, Options, Piece, Source, fingerprint
from hdlcore.data.ingest.probe import probe
from hdlcore.data.ingest.registry import KINDS
from hdlcore.data.ingest.safety import check_file, is_archive, unpack
from hdlcore.data.review import Review, review
from hdlcore.data.schema import SCHEMA_VERSION, cell_problems
from hdlcore.errors import DataError, HDLError
from hdlcore.progress import CancelToken, Progress, check

logger = logging.getLogger(__name__)

_ROOT, _ARRANGED = "root", "arranged"


def ingest(
    sources: Sequence[str | Path], kind: str, out: str | Path, *, resume: bool = False, grid: Grid = "1deg",
    variables: Sequence[str] | None = None, attributes: str | Path | None = None,
    progress: Progress | None = None, cancel: CancelToken | None = None,
) -> Review:  # fmt: skip
    """Make a cube of foreign files and return its review.

    Parameters
    ----------
    sources : files, Zarr folders, archives, or folders in which to look for files of the kind.
    kind : a key of `KINDS`.
    out : the cube to be made, ending in .zarr; it must not exist.
    resume : go on with a run that was stopped, if it asked for the same; else a stopped run is thrown away.
    grid : "1deg" (land cells of the world cube) or "native"; points ignore it.
    variables : canonical names to keep; None for all that are recognised.
    attributes : a table of site attributes for kinds that take one.

    Raises
    ------
    DataError
        Files that are not what they should be, an existing `out`, a full disk: one sentence. `out` is then absent.
    Cancelled
        When `cancel` is set; nothing is kept.
    """
    reader = kind_named(kind)
    target = Path(out).expanduser().resolve()
    if target.suffix != ".zarr":
        raise DataError(f"{target.name} should end in .zarr; a cube is a Zarr store.")
    refuse_existing(target)
    beside = target.with_name(target.name + ".partial")
    scratch = target.with_name(target.name + ".unpacked")
    try:
        with writing(target, kept="'--resume' goes on with what is done"):
            files = _files(sources, reader, scratch)
            table = None if attributes is None else Path(attributes).expanduser()
            if table is not None:
                check_file(table)
            options = Options(grid, None if variables is None else tuple(variables), table, scratch)
            request = _request(files, reader, options)
            journal = Journal(beside, request, resume)
            source = reader.read(files, options)
            _write(source, reader, journal, beside, progress, cancel)
            beside.rename(target)
    except WriteError:
        raise  # a full disk can be mended and the run gone on with
    except HDLError:
        shutil.rmtree(beside, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return review(target)


def kind_named(name: str) -> Kind:
    """The kind of an id; raises `DataError` naming near misses."""
    if name in KINDS:
        return KINDS[name]
    near = get_close_matches(name.lower(), KINDS, n=2)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(KINDS)}."
    raise DataError(f"No kind of file is called '{name}'; {hint}")


def _files(sources: Sequence[str | Path], reader: Kind, scratch: Path) -> list[Path]:
    """Every file meant by the sources, checked; archives are unpacked, folders searched for the kind's endings."""
    if not sources:
        raise DataError("No file was given; name the files to be ingested.")
    files: list[Path] = []
    for number, given in enumerate(sources):
        path = Path(given).expanduser()
        if path.is_dir() and not _is_zarr(path):
            inside = sorted(p for p in path.iterdir() if p.name.lower().endswith(reader.suffixes))
            if not inside:
                raise DataError(f"The folder {path} holds no file ending in {', '.join(reader.suffixes)}.")
            files += inside
        elif is_archive(path) and not path.name.lower().endswith(reader.suffixes):
            files += [f for f in unpack(path, scratch / str(number)) if f.name.lower().endswith(reader.suffixes)]
        else:
            files.append(path)
    binary = [path for path in files if check_file(path) in ("hdf5", "netcdf3")]
    unlike = [p for p in files if not p.name.lower().endswith(reader.suffixes)]
    if unlike:
        raise DataError(f"{unlike[0].name} is no file of '{reader.id}', which end in {', '.join(reader.suffixes)}.")
    if not files:
        raise DataError(f"The archives hold no file ending in {', '.join(reader.suffixes)}.")
    probe([path.resolve() for path in binary])
    return [p.resolve() for p in files]


def _is_zarr(path: Path) -> bool:
    return any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zmetadata"))


def _request(files: Sequence[Path], reader: Kind, options: Options) -> str:
    """What was asked for, as a hash: a run is gone on with only when all of it is the same."""
    parts: list[Any] = [SCHEMA_VERSION, reader.id, options.grid, options.variables]
    parts += [[path.name, fingerprint(path)] for path in files]
    if options.attributes is not None:
        parts.append(fingerprint(options.attributes))
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()


class Journal:
    """Which pieces are done, one line each; begun anew unless the same request is resumed."""

    def __init__(self, folder: Path, request: str, resume: bool) -> None:
        self.path = folder / JOURNAL
        self.request = request
        self.done: set[str] = set()
        self.created = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        lines = self._lines() if resume else []
        if lines and lines[0].get("request") == request:
            self.created = str(lines[0]["created"])
            self.done = {str(line["done"]) for line in lines[1:] if "done" in line}
            logger.info("going on after %d pieces that are done", len(self.done))
        elif folder.exists():
            logger.info(
                "throwing away an unfinished run in %s%s", folder, " that asked for something else" * bool(lines)
            )
            shutil.rmtree(folder)

    def _lines(self) -> list[dict[str, Any]]:
        """Whole lines only: the last one may have been cut by the kill."""
        if not self.path.is_file():
            return []
        lines = []
        for text in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            try:
                lines.append(json.loads(text))
            except ValueError:
                break
        return lines

    def begin(self) -> None:
        """Write the first line; the folder is there by now."""
        self.path.write_text(json.dumps({"request": self.request, "created": self.created}) + "\n", encoding="utf-8")
        self.add(_ROOT)

    def add(self, name: str) -> None:
        """Note a piece as done, safe against a crash of the machine."""
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"done": name}) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        self.done.add(name)


def _write(
    source: Source, reader: Kind, journal: Journal, folder: Path, progress: Progress | None, cancel: CancelToken | None
) -> None:
    writer = CubeWriter(folder, per_cell=source.layout == "points")
    rooted = source.frequency in ("climatology", "static")
    if _ROOT not in journal.done:
        cells = _with_statics(source, cancel) if rooted else source.cells
        about = _attributes(source, reader, journal.created)
        problems = attribute_problems(about) + cell_problems(cells, about)
        if problems:
            raise DataError(f"The files give no sound cube: {'; '.join(problems[:3])}.")
        writer.write_root(cells, about)
        journal.begin()
    if not rooted and _ARRANGED not in journal.done:
        group = source.frequency
        by_maps = source.layout == "grid"
        writer.add(group, source.time, source.cells["cell"].values, source.variables, by_maps=by_maps)
        for number, piece in enumerate(source.pieces):
            check(cancel)
            if piece.name not in journal.done:
                free_room(folder)
                _put(writer, group, source, piece)
                journal.add(piece.name)
            if progress:
                progress(0.9 * (number + 1) / len(source.pieces), f"reading {piece.name}")
        writer.arrange(group, None if progress is None else lambda f: progress(0.9 + 0.1 * f, "arranging"), cancel)
        journal.add(_ARRANGED)
    writer.seal()


def _put(writer: CubeWriter, group: str, source: Source, piece: Piece) -> None:
    """Write one block, after a look at whether it is what its reader promised."""
    block = piece.load()
    time, cell = block["time"].values, block["cell"].values
    first_time = int(np.searchsorted(source.time, time[0]))
    first_cell = int(np.searchsorted(source.cells["cell"].values, cell[0]))
    inside = (
        np.array_equal(source.time[first_time : first_time + time.size], time),
        np.array_equal(source.cells["cell"].values[first_cell : first_cell + cell.size], cell),
    )
    if not all(inside):
        raise DataError(f"The piece '{piece.name}' does not fit the time axis or the cells of its source.")
    for name, array in block.data_vars.items():
        writer.put(group, str(name), first_time, first_cell, array.transpose("time", "cell").values)


def _with_statics(source: Source, cancel: CancelToken | None) -> xr.Dataset:
    """The root with the variables of a climatology or of statics, which come in few and small pieces."""
    cells = source.cells
    for piece in source.pieces:
        check(cancel)
        block = piece.load()
        cells = cells.assign({n: a.drop_vars("cell") for n, a in block.data_vars.items()})
    return cells


def _attributes(source: Source, reader: Kind, created: str) -> dict[str, Any]:
    origins = {str(attrs.get("source", "observed")) for attrs in source.variables.values()} or {"observed"}
    about: dict[str, Any] = {
        "kind": source.layout,
        "title": source.title or reader.title,
        "source": origins.pop() if len(origins) == 1 else "mixed",
        "attribution": source.attribution,
        "history": f"{created} made by 'hdl ingest --as {reader.id}'",
        "provenance": source.provenance,
        "notes": json.dumps(source.notes, ensure_ascii=False),
    }
    if source.grid is not None:
        about["grid"] = dict(source.grid)
    return complete_attributes(about)
