"""How long a binary file says it is: the headers of HDF5, NetCDF-3 and Parquet, read just far enough to see a cut.

Sources: HDF5 File Format Specification 3.0, section II.A (superblock); NetCDF classic format specification (Unidata,
"NetCDF File Format Specifications"); Apache Parquet format, "File format".
"""

from __future__ import annotations

import struct
from typing import BinaryIO

_TYPE_SIZE = {1: 1, 2: 1, 3: 2, 4: 4, 5: 4, 6: 8, 7: 1, 8: 2, 9: 4, 10: 8, 11: 8}
_MOST = 100_000  # entries of one list in a header; more is damage


def hdf5_length(file: BinaryIO, start: int) -> int | None:
    """Bytes that an HDF5 file must have at least, by its superblock at `start`; None when that is damaged."""
    file.seek(start)
    block = file.read(96)
    if len(block) < 48:
        return None
    version = block[8]
    if version in (0, 1):
        width, first = block[13], 24 if version == 0 else 28
    elif version in (2, 3):
        width, first = block[9], 12
    else:
        return None
    if width not in (2, 4, 8) or len(block) < first + 3 * width:
        return None
    base = int.from_bytes(block[first : first + width], "little")
    end = int.from_bytes(block[first + 2 * width : first + 3 * width], "little")
    if end >= 1 << (8 * width - 1):  # "undefined": the writer never closed the file
        return None
    return max(end, base) + (start if base == 0 else 0)


class _Header:
    """A cursor over the big-endian header of a NetCDF-3 file; raises ValueError at damage, EOFError at the end."""

    def __init__(self, file: BinaryIO, version: int, size: int) -> None:
        self.file, self.size = file, size
        self.count_format = ">q" if version == 5 else ">i"
        self.offset_format = ">i" if version == 1 else ">q"

    def number(self, form: str) -> int:
        raw = self.file.read(struct.calcsize(form))
        if len(raw) < struct.calcsize(form):
            raise EOFError
        return int(struct.unpack(form, raw)[0])

    def count(self) -> int:
        return self.number(self.count_format)

    def skip(self, n: int) -> None:
        """Pass over n bytes, padded to four."""
        if not 0 <= n <= self.size:
            raise ValueError
        self.file.seek(n + (-n) % 4, 1)
        if self.file.tell() > self.size:
            raise EOFError

    def list_length(self, tag: int) -> int:
        found, n = self.number(">i"), self.count()
        if ((found, n) != (0, 0) and found != tag) or not 0 <= n <= _MOST:
            raise ValueError
        return n

    def attributes(self) -> None:
        for _ in range(self.list_length(12)):
            self.skip(self.count())
            width = _TYPE_SIZE.get(self.number(">i"))
            if width is None:
                raise ValueError
            self.skip(self.count() * width)


def netcdf3_length(file: BinaryIO, size: int) -> int | None:
    """Bytes that a NetCDF-3 file (classic, 64-bit offset or data) must have at least; None when its header is damaged.

    The padding behind the last value may be missing, and a count of records that was never written (streaming) is
    taken as none.
    """
    file.seek(3)
    version = file.read(1)[0]
    header = _Header(file, version, size)
    try:
        records = header.count()
        dimensions = []
        for _ in range(header.list_length(10)):
            header.skip(header.count())
            dimensions.append(header.count())
        header.attributes()
        ends, record_starts, record_sizes = [file.tell()], [], []
        for _ in range(header.list_length(11)):
            header.skip(header.count())
            rank = header.count()
            if not 0 <= rank <= 1024:
                return None
            shape = [dimensions[header.count()] for _ in range(rank)]
            header.attributes()
            width = _TYPE_SIZE[header.number(">i")]
            header.count()  # vsize: overflows in large files, so it is worked out from the shape
            begin = header.number(header.offset_format)
            is_record = bool(shape) and shape[0] == 0
            n = width
            for length in shape[1:] if is_record else shape:
                n *= length
            if is_record:
                record_starts.append(begin)
                record_sizes.append(n)
            else:
                ends.append(begin + n)
    except (EOFError, ValueError, KeyError, IndexError, struct.error):
        return None
    if record_starts and records > 0:
        stride = record_sizes[0] if len(record_sizes) == 1 else sum(n + (-n) % 4 for n in record_sizes)
        last = max(start + n for start, n in zip(record_starts, record_sizes, strict=True))
        ends.append(last + (records - 1) * stride)
    return max(ends)


def parquet_fault(file: BinaryIO, size: int) -> str | None:
    """What is wrong with the frame of a Parquet file, or None."""
    if size < 12:
        return "is a Parquet file cut short"
    file.seek(size - 8)
    length, magic = struct.unpack("<I4s", file.read(8))
    if magic != b"PAR1":
        return "is a Parquet file cut short (its footer is missing)"
    if not 0 < length <= size - 12:
        return "is a Parquet file with a damaged footer"
    return None
