"""Arrows between the parts of the project run one way.

cli, dashboard -> runtime -> training, attribution -> models, data -> physics, variables;
analysis stands on none of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# What each part of hdlcore may import from the other parts. Errors, log and assets know nothing of the science.
FOUNDATION = {"errors", "log", "progress", "assets", "variables", "workers", "folders"}
GROUND = FOUNDATION | {"physics"}
ALLOWED: dict[str, set[str]] = {
    "errors": set(),
    "log": set(),
    "progress": {"errors"},
    "workers": {"errors", "progress"},
    "assets": {"errors"},
    "folders": set(),
    "variables": {"errors"},
    "physics": {"errors", "variables"},
    "analysis": {"errors", "variables"},
    "data": GROUND | {"analysis"},
    # The layer of models and data is one layer with one arrow in it: a model may read a cube, a cube knows no model.
    "models": GROUND | {"data", "analysis"},
    "training": GROUND | {"data", "models", "analysis"},
    "attribution": GROUND | {"data", "models", "analysis"},
    "runtime": GROUND | {"data", "models", "training", "attribution", "analysis"},
    # Networks of its own on the twin's truth: not what the app's models are trained by, so not blind to it.
    "memory_study": GROUND | {"data", "models", "training", "analysis", "runtime"},
    "doctor": GROUND | {"data", "models", "training", "attribution", "analysis", "runtime"},
    "console": set(),
    "cli_data": FOUNDATION | {"data", "console"},
    "cli_cluster": FOUNDATION | {"runtime", "console"},
    "cli_options": FOUNDATION | {"data", "runtime"},
    "cli_explain": FOUNDATION | {"attribution", "runtime", "console", "cli_cluster", "cli_options"},
    "cli_memory_study": FOUNDATION | {"analysis", "memory_study", "runtime", "console"},
    "cli": GROUND
    | {"data", "models", "training", "attribution", "analysis", "runtime", "doctor"}
    | {"console", "cli_data", "cli_cluster", "cli_options", "cli_explain", "cli_memory_study"},
}
# The dashboard sees the engine, the analysis and names; data and attribution only as pure functions on datasets, and
# for the Data page the cubes, their reviews and the door that files come in by.
DASHBOARD_MAY_IMPORT = (
    "hdlcore.runtime",
    "hdlcore.analysis",
    "hdlcore.variables",
    "hdlcore.errors",
    "hdlcore.log",
    "hdlcore.assets",
    "hdlcore.data.cube",
    "hdlcore.data.cubes",
    "hdlcore.data.fine",
    "hdlcore.data.review",
    "hdlcore.data.review_finding",
    "hdlcore.data.ingest",
    "hdlcore.data.regions",
    "hdlcore.attribution.cubes",
    "hdlcore.attribution.views",
    "hdlcore.memory_study.result",
    "hdlcore.attribution.lags",
    "hdlcore.progress",
)
# The truth of the twin Earth grades what is trained; nothing that learns may see it, nor the model that makes it.
TRUTH, BLIND = "hdlcore.data.twin", {"models", "training"}
SCREEN_PACKAGES = {"panel", "panel_material_ui", "holoviews", "bokeh", "hvplot", "datashader", "param", "dashboard"}
FILES = sorted(p for folder in ("hdlcore", "dashboard") for p in (ROOT / folder).rglob("*.py"))


def imported(source: str) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) of every import of a module's text, in functions and under TYPE_CHECKING too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative import; write the absolute name"
            assert node.module is not None
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}"
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "import_module":
            yield from ((node.lineno, str(a.value)) for a in node.args[:1] if isinstance(a, ast.Constant))


def part_of(path: Path) -> str:
    """Return the part of hdlcore a file belongs to: the folder or module just under hdlcore."""
    first = path.relative_to(ROOT / "hdlcore").parts[0]
    return first.removesuffix(".py")


def violations(path: Path, source: str) -> list[str]:
    """Return one line for each import of ``source`` (standing at ``path``) that goes against the arrows."""
    found = []
    for line, name in imported(source):
        where = f"{path.relative_to(ROOT)}:{line} imports {name}"
        top, *rest = name.split(".")
        if path.is_relative_to(ROOT / "hdlcore"):
            part = part_of(path)
            if top in SCREEN_PACKAGES:
                found.append(f"{where}: hdlcore never imports what draws the screen")
            elif top == "hdlcore" and part != "__init__" and rest and rest[0] not in ALLOWED[part] | {part}:
                found.append(f"{where}: {part} may import only {sorted(ALLOWED[part])}")
            elif part in BLIND and f"{name}.".startswith(f"{TRUTH}."):
                found.append(f"{where}: {part} may not see the truth of the twin Earth")
        elif top == "hdlcore" and not any(f"{name}.".startswith(f"{allowed}.") for allowed in DASHBOARD_MAY_IMPORT):
            found.append(f"{where}: the dashboard may import only {', '.join(DASHBOARD_MAY_IMPORT)}")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_follow_the_arrows(path: Path) -> None:
    assert violations(path, path.read_text(encoding="utf-8")) == []


def test_every_part_of_hdlcore_has_a_place_in_the_law() -> None:
    parts = {part_of(p) for p in FILES if p.is_relative_to(ROOT / "hdlcore")} - {"__init__"}
    assert parts <= set(ALLOWED), f"give {sorted(parts - set(ALLOWED))} a line in ALLOWED"


def test_the_law_itself_has_no_circle() -> None:
    reached: dict[str, set[str]] = {}

    def below(part: str) -> set[str]:
        if part not in reached:
            reached[part] = set()
            reached[part] = ALLOWED[part].union(*(below(p) for p in ALLOWED[part])) if ALLOWED[part] else set()
        return reached[part]

    assert all(part not in below(part) for part in ALLOWED)


@pytest.mark.parametrize(
    ("place", "source"),
    [
        ("hdlcore/physics/snow.py", "import panel as pn"),
        ("hdlcore/runtime/engine.py", "def f():\n    from dashboard import state"),
        ("hdlcore/data/cube.py", "from hdlcore import models"),
        (
            "hdlcore/models/kinds/h2m.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import hdlcore.runtime.engine",
        ),
        ("hdlcore/analysis/scores.py", "from hdlcore.models.registry import load"),
        ("hdlcore/training/trainer.py", "from hdlcore.data.twin.truth import open_truth"),
        ("hdlcore/training/trainer.py", "def f():\n    from hdlcore.data import twin"),
        ("hdlcore/models/kinds/h2m.py", "import hdlcore.data.twin.simulate"),
        ("hdlcore/training/trainer.py", "import importlib\nimportlib.import_module('hdlcore.runtime')"),
        ("dashboard/app.py", "from hdlcore.models.registry import load"),
        ("dashboard/app.py", "from hdlcore.attribution import adjoint"),
    ],
)
def test_a_planted_violation_is_found(place: str, source: str) -> None:
    assert len(violations(ROOT / place, source)) == 1


@pytest.mark.parametrize(
    ("place", "source"),
    [
        (
            "dashboard/app.py",
            "from hdlcore.attribution.views import lag_by_forcing\nfrom hdlcore.runtime import Engine",
        ),
        ("dashboard/app.py", "from hdlcore.data import cube\nimport panel"),
        ("hdlcore/runtime/engine.py", "from hdlcore.training.recipes import Recipe\nimport torch"),
    ],
)
def test_a_lawful_import_passes(place: str, source: str) -> None:
    assert violations(ROOT / place, source) == []
