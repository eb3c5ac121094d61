"""Text tables as people write them: any usual separator, decimal mark, encoding and mark for missing values.

A table is read as text first; a column becomes numbers only when asked for, and a cell that is no number is named with
its line.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from hdlcore.errors import DataError

MISSING_WORDS = frozenset({"", "na", "n/a", "nan", "null", "none", "nil", "-", "--", "missing", "m", "nodata", "#n/a"})
#: Numbers that stand for "no value" in every kind of file; no quantity read here can have one of them.
MISSING_NUMBERS = (-9999.0, -9999.9, -9999.99, -99999.0, -999.0, -999.9, -999.99, -6999.0, -32768.0)
#: More of them, for quantities that are never so far below zero: rain, temperature, discharge.
MISSING_SMALL = (-99.0, -99.9, -99.99)
_HUGE = 1e15  # 1e20, 9.96921e36 and the like
_COMMENTS = ("#", "%", "//", "!")
_MOST_COLUMNS = 5000
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$")
_COMMA_NUMBER = re.compile(r"[+-]?\d*,\d+$")


@dataclass(frozen=True)
class Table:
    """A table of text. `columns` are the header's names as written, `lines` the line of the file of each row (from 1).

    `comments` are the lines before the header and `decimal` the mark in its numbers.
    """

    path: Path
    columns: tuple[str, ...]
    frame: pd.DataFrame
    lines: NDArray[np.int64]
    comments: tuple[str, ...] = ()
    decimal: str = "."
    units: dict[str, str] = field(default_factory=dict)

    def text(self, column: str) -> pd.Series:
        """A column as stripped text; '' where the row has nothing."""
        return self.frame[column].fillna("").str.strip()

    def numbers(self, column: str, missing_numbers: Collection[float] = MISSING_NUMBERS) -> NDArray[np.float64]:
        """A column as numbers, NaN where missing: blank, a word for it, one of `missing_numbers`, or absurdly large.

        Raises `DataError` naming the first line whose cell is neither a number nor a mark for a missing value.
        """
        text = self.text(column)
        if self.decimal == ",":
            text = text.str.replace(",", ".", regex=False)
        missing = text.str.lower().isin(MISSING_WORDS)
        values = pd.to_numeric(text.where(~missing), errors="coerce").to_numpy(np.float64, na_value=np.nan).copy()
        bad = ~missing.to_numpy(bool) & ~np.isfinite(values)
        if bad.any():
            at = int(np.flatnonzero(bad)[0])
            raise DataError(
                f"{self.path}, line {self.lines[at]}: '{self.frame[column].iloc[at]:.40}' in column '{column}' is no "
                "number; correct it, or leave it blank where the value is missing."
            )
        values[np.isin(values, list(missing_numbers)) | (np.abs(values) >= _HUGE)] = np.nan
        return values


def read_table(path: Path, wanted: Collection[str] | None = None) -> Table:
    """Read a delimited text file whose first line that is no comment names the columns.

    Parameters
    ----------
    path : the file, already through `safety.check_file`.
    wanted : the only columns to keep (those of them that are there), or None for all.

    Raises
    ------
    DataError
        When there is no header, a row has more or fewer cells than the header, or the bytes are no text.
    """
    encoding = find_encoding(path)
    with path.open(encoding=encoding, errors="strict", newline=None) as file:
        head = list(islice((line.rstrip("\n") for line in file), 400))
    comments, first = _comments(head)
    if first >= len(head):
        raise DataError(f"{path} has no line that names its columns; give it a header such as 'date,precipitation'.")
    separator = _separator(path, head[first:])
    columns = _header(path, head[first], separator)
    skipped, lines = _scan(path, encoding, first, separator, len(columns))
    if not lines.size:
        raise DataError(f"{path} has a header but no rows; is it the right file, and whole?")
    keep = None if wanted is None else [i for i, name in enumerate(columns) if name in wanted] or [0]
    frame = _frame(path, encoding, separator, first, skipped, keep, columns)
    if len(frame) != lines.size:
        raise DataError(f"{path} has a quotation mark that is not closed; remove it.")
    units, frame, lines = _units_row(frame, lines)
    return Table(path, columns, frame, lines, comments, _decimal(frame, separator), units)


def find_encoding(path: Path) -> str:
    """The encoding of a text file: that of its byte order mark, else UTF-8, else Windows-1252."""
    with path.open("rb") as file:
        start = file.read(4)
        if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            encoding = "utf-16"
        else:
            encoding = "utf-8-sig"
            decoder = codecs.getincrementaldecoder("utf-8")()
            file.seek(0)
            try:
                while block := file.read(1 << 20):
                    decoder.decode(block)
                decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                return "latin-1"  # takes any byte, and differs from Windows-1252 in no letter or unit
            return encoding
    try:
        with path.open(encoding=encoding) as text:
            for _ in text:
                pass
    except UnicodeError:
        raise DataError(f"{path} begins like UTF-16 text but is not; save it as UTF-8.") from None
    return encoding


def _comments(head: Sequence[str]) -> tuple[tuple[str, ...], int]:
    """The comment lines at the top, and where the header stands."""
    comments: list[str] = []
    for at, line in enumerate(head):
        if line.strip() and not line.lstrip().startswith(_COMMENTS):
            return tuple(comments), at
        comments.append(line)
    return tuple(comments), len(head)


def _separator(path: Path, rows: Sequence[str]) -> str:
    """The character between cells: the one that cuts the header and the first rows into equally many."""
    sample = [row for row in rows[:50] if row.strip()]
    for separator in (";", "\t", ",", "|"):
        cells = [len(next(csv.reader([row], delimiter=separator))) for row in sample]
        if cells[0] > 1 and Counter(cells).most_common(1)[0][0] == cells[0]:
            return separator
    if len(sample[0].split()) > 1 and all(len(row.split()) == len(sample[0].split()) for row in sample[1:5]):
        return r"\s+"
    for separator in (";", "\t", ","):  # ragged rows: let the scan name the line
        if separator in sample[0]:
            return separator
    raise DataError(f"{path} has a single column ('{sample[0][:40]}'); separate its columns by commas.")


def _cut(line: str, separator: str) -> list[str]:
    return line.split() if separator == r"\s+" else next(csv.reader([line], delimiter=separator), [])


def _header(path: Path, line: str, separator: str) -> tuple[str, ...]:
    try:
        names = [name.strip().strip('"').strip() for name in _cut(line, separator)]
    except csv.Error as error:
        raise DataError(f"{path} has a header that cannot be read ({error}); name its columns in one line.") from None
    if len(names) > _MOST_COLUMNS:
        raise DataError(f"{path} has {len(names)} columns, more than any series table; is it the right file?")
    if sum(bool(_NUMBER.match(name)) for name in names) > len(names) / 2:
        raise DataError(f"{path} starts with numbers ('{line[:40]}'); name the columns in its first line.")
    doubled = [name for name, count in Counter(name for name in names if name).items() if count > 1]
    if doubled:
        raise DataError(f"{path} names the column '{doubled[0]}' twice; keep one of them.")
    return tuple(name or f"unnamed_{at + 1}" for at, name in enumerate(names))


def _scan(
    path: Path, encoding: str, first: int, separator: str, width: int
) -> tuple[list[int], NDArray[np.int64]]:  # fmt: skip
    """Lines to pass over (blank, comments), and the line number of each row; refuses ragged rows and NUL."""
    skipped, lines = [], []
    with path.open(encoding=encoding, newline=None) as file:
        for at, line in enumerate(file):
            if at <= first:
                continue
            if "\0" in line:
                raise DataError(f"{path}, line {at + 1}: there are bytes that are no text; fetch the file again.")
            if not line.strip() or line.lstrip().startswith(_COMMENTS):
                skipped.append(at)
                continue
            lines.append(at + 1)
            if '"' in line:
                continue
            cells = len(line.split()) if separator == r"\s+" else line.count(separator) + 1
            empty_tail = cells == width + 1 and line.rstrip().endswith(separator)
            if cells != width and not empty_tail:
                last = "; is the file cut short?" if not line.endswith("\n") else "; correct it."
                raise DataError(f"{path}, line {at + 1} has {cells} columns where the header has {width}{last}")
    return skipped, np.asarray(lines, np.int64)


def _frame(
    path: Path, encoding: str, separator: str, first: int, skipped: list[int], keep: list[int] | None,
    columns: tuple[str, ...],
) -> pd.DataFrame:  # fmt: skip
    try:
        frame = pd.read_csv(
            path, sep=separator, header=None, names=list(range(len(columns))), usecols=keep, index_col=False,
            skiprows=[*range(first + 1), *skipped], dtype=str, keep_default_na=False, na_filter=False,
            skip_blank_lines=False, encoding=encoding, skipinitialspace=True, on_bad_lines="error",
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeError, csv.Error, ValueError) as error:
        raise DataError(
            f"{path} cannot be read as a table ({' '.join(str(error).split())[:120]}); correct it."
        ) from None
    frame.columns = pd.Index([columns[int(at)] for at in frame.columns])
    return frame


def _units_row(
    frame: pd.DataFrame, lines: NDArray[np.int64]
) -> tuple[dict[str, str], pd.DataFrame, NDArray[np.int64]]:  # fmt: skip
    """Take off a second header line that holds units: its cells are words where the next row has numbers."""
    if len(frame) < 2:
        return {}, frame, lines
    rows = [[str(cell or "").strip() for cell in frame.iloc[at]] for at in (0, 1)]
    digits = [sum(bool(re.search(r"\d", cell)) and not re.search(r"[a-zA-Z%°]", cell) for cell in row) for row in rows]
    words = [cell for cell in rows[0] if cell and cell.lower() not in MISSING_WORDS]
    if digits[0] or not words or not digits[1]:
        return {}, frame, lines
    named = zip(map(str, frame.columns), rows[0], strict=True)
    units = {name: cell.strip("()[]") for name, cell in named if cell}
    return units, frame.iloc[1:].reset_index(drop=True), lines[1:]


def _decimal(frame: pd.DataFrame, separator: str) -> str:
    """The decimal mark: ',' when cells such as '3,14' stand in a table that is not cut at commas."""
    if separator == ",":
        return "."
    cells = [cell for name in frame for cell in frame[name].iloc[:200].fillna("").str.strip()]
    comma = sum(bool(_COMMA_NUMBER.match(cell)) for cell in cells)
    point = sum(bool(re.match(r"[+-]?\d+\.\d+$", cell)) for cell in cells)
    return "," if comma > point else "."
