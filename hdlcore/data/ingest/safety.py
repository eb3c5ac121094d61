"""What may come through the door: files are looked at before any reader opens them.

A file from outside is refused, in one sentence, when it is empty, cut short, a web page that was saved in place of
the data, not what its ending says, or an archive that reaches outside its folder or swells beyond bounds. Nothing is
ever executed or unpickled.
"""

from __future__ import annotations

import gzip
import os
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO, Literal

from hdlcore.data.ingest.binary import hdf5_length, netcdf3_length, parquet_fault
from hdlcore.errors import DataError

Content = Literal["netcdf3", "hdf5", "parquet", "zip", "tar", "gzip", "text", "zarr"]

HDF5_MAGIC = b"\x89HDF\r\n\x1a\n"
_FAMILIES: dict[Content, tuple[str, ...]] = {
    "hdf5": (".nc", ".nc4", ".cdf", ".netcdf", ".h5", ".hdf5", ".he5"),
    "netcdf3": (".nc", ".nc3", ".cdf", ".netcdf"),
    "parquet": (".parquet", ".pq"),
    "zip": (".zip",),
    "tar": (".tar",),
    "gzip": (".gz", ".tgz"),
    "text": (".csv", ".txt", ".tsv", ".dat", ".asc", ".json"),
}
_NAMES: dict[Content, str] = {
    "hdf5": "NetCDF-4 or HDF5",
    "netcdf3": "NetCDF-3",
    "parquet": "Parquet",
    "zip": "a zip archive",
    "tar": "a tar archive",
    "gzip": "gzip",
    "text": "text",
    "zarr": "Zarr",
}
_PICKLE = "is a Python pickle, which is never opened because it can run code; save it as CSV, NetCDF or Parquet"
# Formats that a person may well have at hand, and what to do with them.
_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"GRIB", "is GRIB, which is not read here; convert it with 'cdo -f nc4 copy IN.grib OUT.nc'"),
    (b"\x0e\x03\x13\x01", "is HDF4, which is not read here; convert it with 'h4tonccf' or 'gdal_translate -of netCDF'"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook; save the sheet as CSV"),
    (b"%PDF", "is a PDF, not data; download the data file itself"),
    (b"BZh", "is packed with bzip2; unpack it first with 'bunzip2'"),
    (b"\xfd7zXZ", "is packed with xz; unpack it first with 'unxz'"),
    (b"7z\xbc\xaf", "is a 7z archive; unpack it first"),
    (b"Rar!", "is a RAR archive; unpack it first"),
    (
        b"\x80\x02",
        "is a Python pickle, which is never opened because it can run code; save it as CSV, NetCDF or Parquet",
    ),
    (
        b"\x80\x03",
        "is a Python pickle, which is never opened because it can run code; save it as CSV, NetCDF or Parquet",
    ),
    (
        b"\x80\x04",
        "is a Python pickle, which is never opened because it can run code; save it as CSV, NetCDF or Parquet",
    ),
    (
        b"\x80\x05",
        "is a Python pickle, which is never opened because it can run code; save it as CSV, NetCDF or Parquet",
    ),
)
_JUNK = re.compile(r"(^|/)(__MACOSX/|\.DS_Store$|Thumbs\.db$|desktop\.ini$)")
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Limits:
    """How much an archive may hold: bytes in all, growth over its packed size, files, and archives within archives."""

    total: int = 16 << 30
    ratio: float = 200.0
    ratio_from: int = 32 << 20  # small files may pack very well: a column of -9999 does
    files: int = 10_000
    depth: int = 2


def check_file(path: str | Path, largest: int | None = None) -> Content:
    """What a file from outside holds, or a refusal in one sentence.

    Parameters
    ----------
    path : the file, or the folder of a Zarr store.
    largest : bytes it may have at most, or None.

    Raises
    ------
    DataError
        When it is not there, no plain file, unreadable, empty, too large, cut short, a web page or error message, of
        a format that is not read, or not what its ending says.
    """
    path = Path(path)
    size = _regular_size(path)
    if size is None:
        return "zarr"
    if size == 0:
        raise DataError(f"{path} is empty (0 bytes): a download or copy did not finish; fetch it again.")
    if largest is not None and size > largest:
        raise DataError(f"{path} has {_size(size)}, more than the {_size(largest)} allowed here; cut it into parts.")
    try:
        with path.open("rb") as file:
            content = _content(path, file)
            _check_whole(path, file, content, size)
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror or error}); check its permissions.") from None
    _check_suffix(path, content)
    return content


def _regular_size(path: Path) -> int | None:
    """Size in bytes of a plain file; None for the folder of a Zarr store; refuses everything else."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise DataError(f"There is no file at {path}; check the name and the folder.") from None
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it
        raise DataError(f"{str(path)!r} cannot be looked at ({error}); check the name and its permissions.") from None
    if stat.S_ISDIR(status.st_mode):
        if any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zmetadata")):
            return None
        raise DataError(f"{path} is a folder, not a data file or a Zarr store; name the files in it, as in {path}/*.")
    if not stat.S_ISREG(status.st_mode):
        raise DataError(f"{path} is not a plain file (a device, pipe or socket); name a data file.")
    if not os.access(path, os.R_OK):
        raise DataError(f"{path} may not be read by this user; check its permissions.")
    return status.st_size


def _content(path: Path, file: BinaryIO) -> Content:
    """Tell the format by the bytes, not by the name."""
    head = file.read(4096)
    for magic, sentence in _FOREIGN:
        if head.startswith(magic):
            raise DataError(f"{path} {sentence}.")
    if head.startswith(b"CDF") and head[3:4] in (b"\x01", b"\x02", b"\x05"):
        return "netcdf3"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head[257:262] == b"ustar":
        return "tar"
    if _hdf5_start(file) is not None:
        return "hdf5"
    return _text(path, head)


def _hdf5_start(file: BinaryIO) -> int | None:
    """Where the HDF5 signature stands: at 0, or after a user block of 512, 1024, 2048, ... bytes."""
    for start in (0, 512, 1024, 2048, 4096, 8192):
        file.seek(start)
        if file.read(8) == HDF5_MAGIC:
            return start
    return None


def _text(path: Path, head: bytes) -> Content:
    """Refuse bytes that are no text, and text that is a page or message in place of the data."""
    utf16 = head.startswith((b"\xff\xfe", b"\xfe\xff"))
    if b"\0" in head and not utf16:
        raise DataError(f"{path} is in no format that is read here (it starts with {head[:8].hex(' ')}); is it whole?")
    start = head.decode("utf-16" if utf16 else "utf-8", errors="replace").lstrip("\ufeff \t\r\n").lower()
    shown = " ".join(start.split())[:60]
    if re.match(r"<!doctype html|<html|<head|<body|<script", start) or re.search(r"<html[\s>]", start):
        raise DataError(f"{path} is a web page, not data: the server answered with a page; log in and download again.")
    if start.startswith("<"):
        raise DataError(f"{path} is XML, not data ('{shown}...'): most likely a server's error; download it again.")
    if path.suffix.lower() != ".json" and start.startswith("{"):
        raise DataError(f"{path} is JSON, not data ('{shown}...'): most likely a server's error; download it again.")
    return "text"


def _check_whole(path: Path, file: BinaryIO, content: Content, size: int) -> None:
    """Refuse a file that is shorter than its own header says, or whose end is missing."""
    expected: int | None = None
    if content == "hdf5":
        expected = hdf5_length(file, _hdf5_start(file) or 0)
    elif content == "netcdf3":
        expected = netcdf3_length(file, size)
    if expected is not None and size < expected:
        raise DataError(f"{path} is cut short: {size:,} of {expected:,} bytes; the download broke off, fetch it again.")
    if content in ("hdf5", "netcdf3") and expected is None:
        raise DataError(f"{path} has a damaged or cut {_NAMES[content]} header; fetch it again.")
    if content == "parquet" and (fault := parquet_fault(file, size)):
        raise DataError(f"{path} {fault}; fetch it again.")
    if content == "zip" and not zipfile.is_zipfile(path):
        raise DataError(f"{path} is a zip archive cut short (its list of files is missing); fetch it again.")


def _check_suffix(path: Path, content: Content) -> None:
    suffix = path.suffix.lower()
    if content == "zip" and suffix in (".xlsx", ".xlsm", ".ods"):
        raise DataError(f"{path} is a spreadsheet; save its sheet as CSV and give that.")
    claimed = next((kind for kind, suffixes in _FAMILIES.items() if suffix in suffixes), None)
    if claimed is None or suffix in _FAMILIES[content]:
        return
    mend = f"rename it to {path.stem}{_FAMILIES[content][0]}" if content != "text" else "fetch it again"
    raise DataError(f"{path} ends in {suffix} but holds {_NAMES[content]}; {mend}.")


def is_archive(path: Path) -> bool:
    """Whether a file, already checked, is one that `unpack` opens (zip, tar, gzip)."""
    return path.is_file() and check_file(path) in ("zip", "tar", "gzip")


@dataclass
class _Count:
    """What has been written so far, of how many packed bytes."""

    packed: int
    limits: Limits
    path: Path
    written: int = 0
    files: list[Path] = field(default_factory=list)

    def add(self, n: int) -> None:
        self.written += n
        bomb = self.written > self.limits.ratio_from and self.written > self.limits.ratio * self.packed
        if bomb or self.written > self.limits.total:
            raise DataError(
                f"{self.path} unpacks to more than {_size(self.written)} from {_size(self.packed)}, which is beyond "
                "bounds (a zip bomb?); unpack it yourself and give the files."
            )


def unpack(path: str | Path, into: str | Path, limits: Limits | None = None) -> list[Path]:
    """Unpack a zip, tar, tar.gz or gzip file into a folder of its own, archives inside it too.

    Parameters
    ----------
    path : the archive.
    into : a folder, made when missing; everything is written below it. The caller removes it when this raises.
    limits : bounds on what may come out, counted while it is written: what the archive claims is not believed.

    Returns
    -------
    The files, in the archive's order. The caller picks those it wants and puts them through `check_file`: an archive
    may well hold a PDF beside its data.

    Raises
    ------
    DataError
        When a member's path leads outside, is a link or a device, is encrypted or damaged, or the bounds are passed.
    """
    path, into = Path(path), Path(into)
    content = check_file(path)
    into.mkdir(parents=True, exist_ok=True)
    count = _Count(path.stat().st_size, limits or Limits(), path)
    try:
        _unpack(path, content, into, count, 0)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, gzip.BadGzipFile, struct.error) as error:
        raise DataError(f"{path} is a damaged or cut archive ({error}); fetch it again.") from None
    except (NotImplementedError, RuntimeError) as error:  # zipfile: unknown packing, or a password is needed
        raise DataError(f"{path} cannot be unpacked here ({error}); unpack it yourself and give the files.") from None
    if not count.files:
        raise DataError(f"{path} holds no files; fetch it again.")
    return count.files


def _unpack(path: Path, content: Content, into: Path, count: _Count, depth: int) -> None:
    if depth > count.limits.depth:
        raise DataError(f"{count.path} holds archives within archives too deep; unpack it yourself and give the files.")
    for name, stream in _members(path, content):
        target = _inside(into, name, count.path)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with stream, target.open("xb") as out:
                while block := stream.read(_CHUNK):
                    count.add(len(block))
                    out.write(block)
        except FileExistsError:
            raise DataError(f"{count.path} holds '{name}' twice; fetch it again.") from None
        except IsADirectoryError:
            raise DataError(f"{count.path} holds '{name}' as a file and as a folder; fetch it again.") from None
        if target.suffix.lower() in (*_FAMILIES["zip"], *_FAMILIES["tar"], *_FAMILIES["gzip"]):
            _unpack(target, check_file(target), target.with_name(target.name + ".unpacked"), count, depth + 1)
            target.unlink()
        else:
            count.files.append(target)
        if len(count.files) > count.limits.files:
            raise DataError(f"{count.path} holds more than {count.limits.files:,} files; give the ones that are meant.")


def _members(path: Path, content: Content) -> Iterator[tuple[str, BinaryIO]]:
    """Name and open stream of each plain file in an archive, in order; links and devices are refused."""
    if content == "zip":
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if stat.S_ISLNK(info.external_attr >> 16):
                    raise DataError(f"{path} holds a link ('{info.filename}'), not followed; pack plain files.")
                if not info.is_dir() and not _JUNK.search(info.filename):
                    yield info.filename, archive.open(info)  # type: ignore[misc]
        return
    if content == "gzip" and not _is_tar_gz(path):
        name = path.name.removesuffix(".gz") if path.suffix == ".gz" else path.name + ".data"
        with gzip.open(path, "rb") as stream:
            yield name, stream  # type: ignore[misc]
        return
    with tarfile.open(path, "r|gz" if content == "gzip" else "r|") as tar:
        for item in tar:
            if not item.isfile() and not item.isdir():
                raise DataError(f"{path} holds a link or device ('{item.name}'), not followed; pack plain files.")
            member = tar.extractfile(item) if item.isfile() and not _JUNK.search(item.name) else None
            if member is not None:
                yield item.name, member  # type: ignore[misc]


def _is_tar_gz(path: Path) -> bool:
    with gzip.open(path, "rb") as stream:
        return stream.read(262)[257:262] == b"ustar"


def _inside(into: Path, name: str, archive: Path) -> Path:
    """The place below `into` that a member's name stands for; refuses one that leads out of it."""
    parts = PurePosixPath(name.replace("\\", "/")).parts
    bad = not parts or name.startswith(("/", "\\")) or ".." in parts or re.match(r"[A-Za-z]:", name) or "\0" in name
    if bad or any(len(part.encode("utf-8", "replace")) > 255 for part in parts):
        raise DataError(
            f"{archive} holds the path {name[:80]!r}, which leads outside its folder; nothing was unpacked."
        )
    target = into.joinpath(*parts)
    if not target.resolve().is_relative_to(into.resolve()):
        raise DataError(
            f"{archive} holds the path {name[:80]!r}, which leads outside its folder; nothing was unpacked."
        )
    return target


def _size(n: int) -> str:
    """Bytes as a person reads them: 812 bytes, 4.2 MB, 1.3 GB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if n >= scale:
            return f"{n / scale:.3g} {unit}"
    return f"{n} bytes"
