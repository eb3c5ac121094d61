"""Results kept on disk between runs: Zarr stores that several processes may share and a kill cannot spoil.

An entry is a folder, written beside under a name of its own and then renamed, so it is whole or absent. A manifest
lists every file with its size and checksum; an entry that does not match is thrown away and computed again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import time
import uuid
import zlib
from pathlib import Path

import xarray as xr
from zarr.core.buffer import Buffer, default_buffer_prototype
from zarr.storage import MemoryStore

from hdlcore.folders import cache_folder

logger = logging.getLogger(__name__)

MANIFEST, DATA = "manifest.json", "data.zarr"
#: What a killed process left half-written is swept away after this, seconds.
STALE = 3600.0
#: Default bound of the cache, bytes.
MAX_BYTES = 2_000_000_000


def entry_name(*parts: object) -> str:
    """Name of an entry: a hash of everything the result depends on."""
    return hashlib.sha256("\n".join(map(repr, parts)).encode()).hexdigest()[:40]


class DiskCache:
    """Entries under `root`, at most `max_bytes` of them, the least recently used dropped first.

    A folder that cannot be written to is read all the same; a full disk loses the entry, never the result.
    """

    def __init__(self, root: Path | None = None, max_bytes: int = MAX_BYTES) -> None:
        self.root = root / "results" if root else cache_folder("results")
        self.max_bytes = max_bytes
        self._said = False

    def read(self, name: str) -> xr.Dataset | None:
        """The dataset kept under `name`, or None; a damaged entry is removed and counts as absent."""
        path = self.root / name
        try:
            entry = path.stat().st_ino
        except OSError:
            return None
        try:
            files = _checked_files(path)
            with xr.open_zarr(MemoryStore(files), consolidated=False, chunks=None, decode_timedelta=False) as stored:
                dataset = stored.load()
            words = json.loads(dataset.attrs.pop("_words", "{}"))
            dataset = dataset.assign_coords({n: (dim, values) for n, (dim, values) in words.items()})
        except Exception as error:  # zarr raises many kinds for a damaged store, and all mean: compute it again
            # what another process has replaced or dropped meanwhile was not damaged, and its new entry stays
            if path.exists() and path.stat().st_ino == entry:
                logger.warning("The cached result %s is damaged (%s); it is computed again.", path, error)
                self._remove(path)
            return None
        try:
            os.utime(path / MANIFEST)
        except OSError:
            logger.debug("%s is read-only", path)
        return dataset

    def write(self, name: str, dataset: xr.Dataset) -> None:
        """Keep a dataset; one that cannot be kept is logged once and not kept."""
        path = self.root / name
        beside = self.root / f".{name}.{os.getpid()}.{uuid.uuid4().hex[:8]}"
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            _numbers(dataset).to_zarr(beside / DATA, mode="w", zarr_format=3, consolidated=False)
            (beside / MANIFEST).write_text(json.dumps(_manifest(beside)))
            self._remove(path)
            os.rename(beside, path)
            self._evict()
        except OSError as error:
            if path.is_dir():
                return  # another process kept the same result a moment before
            if not self._said:
                logger.warning("Results are not kept on disk in %s: %s.", self.root, error)
            self._said = True
        finally:
            shutil.rmtree(beside, ignore_errors=True)

    def _evict(self) -> None:
        """Drop the entries used longest ago until the rest fits, and what killed processes left behind."""
        entries = []
        for path in self.root.iterdir():
            try:
                if path.name.startswith("."):
                    if time.time() - path.stat().st_mtime > STALE:
                        shutil.rmtree(path, ignore_errors=True)
                    continue
                sizes = json.loads((path / MANIFEST).read_text())
                entries.append(((path / MANIFEST).stat().st_mtime, sum(size for size, _ in sizes.values()), path))
            except (OSError, ValueError):
                continue  # another process is at it
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self.max_bytes:
                break
            self._remove(path)
            total -= size

    def _remove(self, path: Path) -> None:
        """Take an entry away at once for every process (rename), then delete it."""
        gone = path.with_name(f".gone.{uuid.uuid4().hex[:8]}")
        try:
            os.rename(path, gone)
        except OSError:
            return  # read-only, or another process was quicker
        shutil.rmtree(gone, ignore_errors=True)


def _manifest(path: Path) -> dict[str, list[int]]:
    """Size and checksum of every file of an entry's data."""
    files = sorted(p for p in (path / DATA).rglob("*") if p.is_file())
    return {p.relative_to(path / DATA).as_posix(): [p.stat().st_size, zlib.crc32(p.read_bytes())] for p in files}


def _checked_files(path: Path) -> dict[str, Buffer]:
    """The files of an entry in memory, as the manifest promises them; what is read is what was checked.

    Another process may replace the entry meanwhile: then the checksums differ, and it counts as damaged.
    """
    found = {}
    for name, (size, checksum) in json.loads((path / MANIFEST).read_text()).items():
        content = (path / DATA / name).read_bytes()
        if len(content) != size or zlib.crc32(content) != checksum:
            raise ValueError(f"{name} does not match its checksum")
        found[name] = default_buffer_prototype().buffer.from_bytes(content)
    return found


def _numbers(dataset: xr.Dataset) -> xr.Dataset:
    """The dataset with coordinates of words moved into an attribute, since Zarr v3 has no settled type for strings."""
    words = {str(n): (c.dims[0], [str(v) for v in c.values]) for n, c in dataset.coords.items() if c.dtype.kind in "UO"}
    return dataset.drop_vars(list(words)).assign_attrs(_words=json.dumps(words))
