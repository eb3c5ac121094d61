"""What a pointer reads on a drawing: which columns, under which names, at what. Pure; `pages/pointer.js` shows it.

The words come from the browser, which has the numbers: nothing is asked of the server while a pointer moves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

#: How a place on the horizontal axis is named: a day, a month of a year, a month of all years, days after, a share, mm
#: that the soil lacks.
Head = Literal["day", "month", "season", "age", "share", "deficit"]


class Marked(Protocol):
    """What a reading needs to know of a mark (`sheet.Mark`)."""

    @property
    def table(self) -> str: ...
    @property
    def style(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Reading:
    """The row of a table nearest to the pointer: its columns by name, in `units`; `at` is the column of places.

    `over` names columns that are taken off first, for what is stacked: column -> the one below. `title` stands above
    the rows, where the plots that are read together would leave them unclear.
    """

    table: str
    columns: Mapping[str, str]
    units: str
    head: Head = "day"
    at: str = "at"
    over: Mapping[str, str] | None = None
    title: str = ""

    def told(self, marks: Sequence[Marked]) -> dict[str, Any]:
        """As it goes to the browser, with the colour that each column is drawn in."""
        rows = [
            [column, name, _color(marks, self.table, column), (self.over or {}).get(column, "")]
            for column, name in self.columns.items()
        ]
        return {
            "table": self.table, "at": self.at, "head": self.head, "units": self.units, "rows": rows,
            "title": self.title,
        }  # fmt: skip


@dataclass(frozen=True)
class Boxes:
    """The box of a heatmap under the pointer: `down` names the rows from the top, `across` the columns.

    Its table counts the boxes column by column; `value` is its column of numbers.
    """

    table: str
    value: str
    units: str
    down: Sequence[str]
    across: Sequence[str]

    def told(self, marks: Sequence[Marked]) -> dict[str, Any]:
        """As it goes to the browser."""
        return {
            "boxes": self.table, "value": self.value, "units": self.units, "down": list(self.down),
            "across": list(self.across),
        }  # fmt: skip


def _color(marks: Sequence[Marked], table: str, column: str) -> str:
    """Of the mark that draws the column last: its line, else its fill."""
    for mark in reversed(marks):
        drawn = {mark.style.get(name) for name in ("y", "y1", "y2", "top", "bottom")}
        if mark.table == table and column in drawn:
            paint = mark.style.get("line_color") or mark.style.get("fill_color")
            return str(paint) if str(paint).startswith("#") else ""
    return ""
