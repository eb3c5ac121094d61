"""The grades of a model's methods (see `hdlcore.runtime.grade`) as a file of its folder, and as a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hdlcore.errors import ModelError
from hdlcore.runtime.store import write_text

GRADES = "grades.json"


def write_grades(grades: dict[str, Any], path: Path) -> Path:
    """Write grades as JSON, ``grades.json`` of a model folder by custom."""
    write_text(json.dumps(grades, indent=1) + "\n", path)
    return path


def read_grades(folder: Path) -> dict[str, Any] | None:
    """Grades of a model folder, None when it brings none; `ModelError` when they cannot be read."""
    path = folder / GRADES
    if not path.is_file():
        return None
    try:
        grades = json.loads(path.read_text(encoding="utf-8"))
        if not all(isinstance(entry, dict) for entry in grades["methods"].values()):
            raise ValueError("its methods are not as 'hdl grade' writes them")
    except (OSError, ValueError, KeyError, AttributeError, TypeError) as error:
        raise ModelError(f"The grades {path} cannot be read ({error}); make them anew with 'hdl grade'.") from error
    return grades  # type: ignore[no-any-return]


def table(grades: dict[str, Any]) -> str:
    """Grades as a table in Markdown."""
    columns = {
        "on paper": "oracle_error", "twin: rank r": "twin_rank_correlation",
        "twin: memory, days off": "twin_memory_time_error", "CPD": "cpd", "CPP": "cpp", "deletion": "deletion",
        "insertion": "insertion", "infidelity": "infidelity", "max-sensitivity": "max_sensitivity",
        "shuffled weights": "randomisation", "members": "agreement",
    }  # fmt: skip
    lines = [f"| method | {' | '.join(columns)} |", f"|---|{'---|' * len(columns)}"]
    for entry in grades["methods"].values():
        values = [_cell(name, entry.get(key)) for name, key in columns.items()]
        lines.append(f"| {entry['label']} | {' | '.join(values)} |")
    return "\n".join(lines)


def _cell(name: str, value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:.0e}" if name == "on paper" else f"{value:.0f}" if "days" in name else f"{value:.2f}"
