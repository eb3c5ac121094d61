"""Putting a cube on disk block by block: the layouts of `schema`, transposed within bounded memory, then sealed."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, BloscShuffle

from hdlcore.data import schema
from hdlcore.errors import DataError
from hdlcore.progress import CancelToken, check

#: A run stops with a clear sentence while there is still room to say so.
SPARE_BYTES = 64 * 2**20
_SLAB_BYTES = 256 * 2**20
JOURNAL = "journal.jsonl"


class CubeWriter:
    """Writes the parts of a cube into `folder`; a folder that was begun is gone on with.

    `per_cell` chunks series one cell at a time (stations). Groups that come as maps (`by_maps`) are first written
    map-major, then transposed by `arrange`; `seal` keeps the maps only where `schema.MAPS_FROM_BYTES` asks so.
    `level` is that of the compression (zstd), 9 for what is shipped.
    """

    def __init__(self, folder: Path, per_cell: bool = False, level: int = 3) -> None:
        self.folder = folder
        self.per_cell = per_cell
        self.level = level
        self._arrays: dict[str, zarr.Array] = {}
        self._by_maps: dict[str, bool] = {}

    def write_root(self, cells: xr.Dataset, attrs: Mapping[str, Any]) -> None:
        """Write the cells, their statics and the root attributes; whatever `folder` held is removed."""
        root = cells.drop_vars("name", errors="ignore")
        root.attrs = dict(attrs)
        if "name" in cells.variables:
            root.attrs["cell_names"] = json.dumps([str(name) for name in cells["name"].values], ensure_ascii=False)
        encoding = {
            n: {"compressors": [_codec(v.dtype, self.level)], "chunks": v.shape}
            for n, v in root.variables.items()
            if v.ndim
        }
        root.to_zarr(self.folder, mode="w", zarr_format=3, consolidated=False, encoding=encoding)

    def add(
        self,
        group: str,
        time: NDArray,
        cell: NDArray,
        variables: Mapping[str, Mapping[str, Any]],
        by_maps: bool = False,
    ) -> None:
        """Lay out a (time, cell) group, every value missing; arrays that are there already are kept."""
        n_time, n_cell = time.size, cell.size
        self._by_maps[group] = by_maps
        names = [group + schema.MAPS] if by_maps else [group]
        if not by_maps and self._wants_maps(n_time, n_cell):
            names.append(group + schema.MAPS)
        for name in names:
            self._axes(name, group.split("/")[-1], time, cell)
            maps = name.endswith(schema.MAPS)
            chunks = schema.map_chunks(n_time, n_cell) if maps else schema.series_chunks(n_time, n_cell, self.per_cell)
            for variable, attrs in variables.items():
                self._create(f"{name}/{variable}", (n_time, n_cell), chunks, attrs)

    def put(self, group: str, variable: str, first_time: int, first_cell: int, block: NDArray) -> None:
        """Write a block (time, cell) whose corner stands at these positions."""
        where = (slice(first_time, first_time + block.shape[0]), slice(first_cell, first_cell + block.shape[1]))
        values = np.ascontiguousarray(block, np.float32)
        for name in (group, group + schema.MAPS):
            if f"{name}/{variable}" in self._arrays:
                self._arrays[f"{name}/{variable}"][where] = values

    def arrange(
        self, group: str, progress: Callable[[float], None] | None = None, cancel: CancelToken | None = None
    ) -> None:
        """Make the series-major copy of a group that came as maps, a band of cells at a time."""
        if not self._by_maps[group]:
            return
        maps = {n: a for n, a in self._arrays.items() if n.startswith(group + schema.MAPS + "/")}
        first = next(iter(maps.values()))
        n_time, n_cell = first.shape
        time, cell = (np.asarray(self._stored(f"{group}{schema.MAPS}/{name}")[:]) for name in ("time", "cell"))
        self._axes(group, group.split("/")[-1], time.astype("datetime64[D]"), cell)
        chunks = schema.series_chunks(n_time, n_cell, self.per_cell)
        for done, (name, source) in enumerate(maps.items()):
            target = self._create(f"{group}/{name.split('/')[-1]}", first.shape, chunks, dict(source.attrs))
            for at in transpose(source, target, cancel):
                if progress:
                    progress((done + at) / len(maps))

    def tidy(self) -> None:
        """Remove map-major copies that are too small to be worth their room; safe to call again."""
        for maps in self.folder.glob(f"**/*{schema.MAPS}"):
            shapes = [a.shape for a in zarr.open_group(maps, mode="r").array_values() if a.ndim == 2] or [(0, 0)]
            if not self._wants_maps(*shapes[0]):
                # Renamed first: a folder that is half removed would look like one that is half written.
                shutil.rmtree(maps.rename(maps.with_name(".removed")))
        shutil.rmtree(self.folder / ".removed", ignore_errors=True)

    def seal(self, **attrs: Any) -> str:
        """Set the last root attributes and `version`, the hash of what is stored; returns it."""
        self.tidy()
        for stray in self.folder.rglob("*.partial"):  # what zarr was writing when a run was killed
            stray.unlink()
        version = stored_hash(self.folder)
        root = zarr.open_group(self.folder, mode="r+")
        root.attrs.update({**attrs, "version": version, "version_of": "stored bytes"})
        (self.folder / JOURNAL).unlink(missing_ok=True)
        return version

    def _wants_maps(self, n_time: int, n_cell: int) -> bool:
        return n_time * n_cell * 4 > schema.MAPS_FROM_BYTES and not self.per_cell

    def _axes(self, group: str, frequency: str, time: NDArray, cell: NDArray) -> None:
        days = time.astype("datetime64[D]").astype(np.int64)
        self._create(f"{group}/time", days.shape, days.shape, schema.time_attributes(frequency), "time", days)
        self._create(f"{group}/cell", cell.shape, cell.shape, {"long_name": "Cell id"}, "cell", cell)

    def _stored(self, name: str) -> zarr.Array:
        return zarr.open_array(self.folder, path=name, mode="r+")

    def _create(
        self, name: str, shape: tuple[int, ...], chunks: tuple[int, ...], attrs: Mapping[str, Any],
        axis: str | None = None, values: NDArray | None = None,
    ) -> zarr.Array:  # fmt: skip
        root = zarr.open_group(self.folder, mode="a", zarr_format=3)
        if name in root:
            array = self._stored(name)
        else:
            dtype = np.dtype(np.float32) if values is None else values.dtype
            array = root.create_array(
                name, shape=shape, chunks=chunks, dtype=dtype, fill_value=np.nan if values is None else 0,
                compressors=[_codec(dtype, self.level)], dimension_names=("time", "cell") if axis is None else (axis,),
                attributes=dict(attrs), config={"write_empty_chunks": False},
            )  # fmt: skip
        if values is not None:
            array[:] = values
        else:
            self._arrays[name] = array
        return array


def transpose(source: zarr.Array, target: zarr.Array, cancel: CancelToken | None = None) -> Iterator[float]:
    """Copy maps to series, a band of cells at a time within `_SLAB_BYTES`; gives the share done after each band."""
    n_time, n_cell = source.shape
    chunk = target.chunks[1]
    width = chunk * max(1, _SLAB_BYTES // (4 * n_time * chunk))
    if width < source.chunks[1] and source.chunks[1] < n_cell:
        # Equal parts of a chunk of the source, so that each of its chunks is read as few times as can be.
        parts = -(-source.chunks[1] // width)
        width = max(chunk, -(-source.chunks[1] // parts) // chunk * chunk)
    rows = source.chunks[0]
    for start in range(0, n_cell, width):
        check(cancel)
        stop = min(start + width, n_cell)
        band = np.empty((n_time, stop - start), np.float32)
        for first in range(0, n_time, rows):
            band[first : first + rows] = source[first : first + rows, start:stop]
        target[:, start:stop] = band
        yield stop / n_cell


def stored_hash(folder: Path) -> str:
    """First 12 hex digits of the SHA-256 over every stored chunk and array description, the root's own aside.

    The map-major copy holds the same numbers and is left out.
    """
    digest = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        relative = path.relative_to(folder)
        if str(relative) in ("zarr.json", JOURNAL) or any(part.endswith(schema.MAPS) for part in relative.parts):
            continue
        digest.update(relative.as_posix().encode())
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()[:12]


def free_room(folder: Path) -> None:
    """Raise OSError (ENOSPC) before the disk that holds `folder` is full to the last byte."""
    at = next(place for place in (folder, *folder.parents) if place.exists())
    if shutil.disk_usage(at).free < SPARE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(at))


class WriteError(DataError):
    """The disk, not the data, is at fault: what is done so far can be gone on with."""


@contextmanager
def writing(target: Path, kept: str = "nothing was kept") -> Iterator[None]:
    """Turn what the system says of a failed write into one sentence; `kept` tells what is left of the work."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise WriteError(
                f"The disk that holds {target.parent} is full; make room and run again ({kept})."
            ) from error
        raise WriteError(f"{target} could not be written ({error.strerror or error}); {kept}.") from error


def _codec(dtype: np.dtype, level: int) -> BloscCodec:
    return BloscCodec(typesize=dtype.itemsize, cname="zstd", clevel=level, shuffle=BloscShuffle.shuffle)
