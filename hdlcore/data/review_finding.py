"""One remark of a review."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Severity = Literal["major", "minor"]


@dataclass(frozen=True)
class Finding:
    """A remark: how grave, where in the cube, what is seen, how to mend it."""

    severity: Severity
    where: str
    what: str
    mend: str

    def __str__(self) -> str:
        """One line, as in the report."""
        return f"{self.where}: {self.what}. Mend: {self.mend}."
