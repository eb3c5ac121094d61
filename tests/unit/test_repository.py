"""What must hold of the repository as a whole: small files, free licences, a working wheel, a truthful README."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
CODE = ("hdlcore", "dashboard", "scripts", "tests")
LONGEST_FILE = 400  # lines; a file that grows past this is two ideas

# Copyleft or non-commercial terms in licence names. LGPL is not taken either: a wheel links it in ways hard to undo.
UNFREE = re.compile(
    r"\b[AL]?GPL|GNU (Affero |Lesser |Library )?General Public|non-?commercial|\bCC[- ]BY[- ]NC|\bSSPL|\bBUSL",
    re.IGNORECASE,
)
# libgfortran and libgcc inside numpy's and scipy's wheels: the exception lets any program be linked with them.
RUNTIME_EXCEPTION = re.compile(r"GPL-3\.0(-only|-or-later)?[- ]WITH[- ]GCC-exception-3\.1", re.IGNORECASE)


def code_files() -> list[Path]:
    return sorted(p for folder in CODE for p in (ROOT / folder).rglob("*.py"))


@pytest.mark.parametrize("path", code_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_files_stay_short(path: Path) -> None:
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines < LONGEST_FILE, f"{path.relative_to(ROOT)} has {lines} lines; split it in two ideas"


def runtime_distributions() -> dict[str, Distribution]:
    """Return every installed distribution that the project's run-time requirements lead to, by canonical name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, Distribution] = {}
    waiting = [Requirement(r) for r in project["dependencies"]]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        extras = requirement.extras or {""}
        if requirement.marker and not any(requirement.marker.evaluate({"extra": e}) for e in extras):
            continue
        if name in found:
            continue
        try:
            found[name] = distribution(name)
        except PackageNotFoundError:
            continue  # belongs to an extra that nobody asked for
        waiting += [Requirement(r) for r in found[name].requires or []]
    return found


def licence_names(package: Distribution) -> list[str]:
    """Return the names of a distribution's licence: expression, classifiers, first lines of the free text."""
    meta = package.metadata
    names = [meta.get("License-Expression") or ""]
    names += [c for c in meta.get_all("Classifier") or [] if c.startswith("License ::")]
    names += (
        (meta.get("License") or "").strip().splitlines()[:2]
    )  # some paste the whole text of every bundled part here
    return [name for name in names if name]


def is_unfree(name: str) -> bool:
    """Tell whether a licence name forbids what we want; of 'A OR B' one free side is enough."""
    parts = re.split(r"\s+OR\s+", RUNTIME_EXCEPTION.sub("", name), flags=re.IGNORECASE)
    return all(UNFREE.search(part) for part in parts)


def test_no_dependency_is_copyleft_or_non_commercial() -> None:
    packages = runtime_distributions()
    assert {"panel", "torch", "xarray", "zarr", "bokeh"} <= set(packages), "the walk does not see the dependencies"
    names = {name: licence_names(package) for name, package in packages.items()}
    unfree = {name: found for name, found in names.items() if any(map(is_unfree, found))}
    assert unfree == {}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BSD-3-Clause", False),
        ("GPL-3.0-or-later", True),
        ("License :: OSI Approved :: GNU General Public License v3 (GPLv3)", True),
        ("MIT OR GPL-2.0-only", False),
        ("BSD-3-Clause AND GPL-3.0-or-later WITH GCC-exception-3.1", False),
        ("CC-BY-NC-4.0", True),
        ("LGPL-2.1-only", True),
    ],
)
def test_licence_names_are_judged_rightly(name: str, expected: bool) -> None:
    assert is_unfree(name) is expected


@pytest.fixture(scope="session")
def unpacked_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel as `pip install` would and unpack it."""
    pytest.importorskip("hatchling", reason="the build backend is not installed: make setup")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "-qq", "--no-deps"]
    done = subprocess.run(
        [*command, "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_wheel_holds_code_and_assets(unpacked_wheel: Path) -> None:
    def relative(folder: Path, pattern: str) -> set[Path]:
        return {p.relative_to(folder) for p in folder.rglob(pattern) if p.is_file() and "__pycache__" not in p.parts}

    for package in ("hdlcore", "dashboard"):
        missing = relative(ROOT / package, "*.py") - relative(unpacked_wheel / package, "*.py")
        assert missing == set(), f"the wheel lacks {missing}"
    shipped = relative(ROOT / "assets", "*")
    assert shipped, "the checkout has no assets"
    assert shipped - relative(unpacked_wheel / "hdlcore" / "_assets", "*") == set()
    assert not list(unpacked_wheel.glob("tests"))
    (info,) = unpacked_wheel.glob("*.dist-info")
    licences = {p.name for p in info.rglob("licenses/**/*") if p.is_file()}
    assert {"LICENSE", "ATTRIBUTION.md"} <= licences


def test_assets_are_found_from_the_wheel(unpacked_wheel: Path, tmp_path: Path) -> None:
    environment = {k: v for k, v in os.environ.items() if k != "HDL_ASSETS"} | {"PYTHONPATH": str(unpacked_wheel)}
    script = "import hdlcore.assets as a, sys; sys.stdout.write(str(a.assets_dir()))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout) == unpacked_wheel / "hdlcore" / "_assets"


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_commands_in_the_documents_are_make_targets() -> None:
    named = {
        (path.name, target)
        for path in documents()
        for block in re.findall(r"```.*?```|`[^`\n]+`", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"(?:^|[`\s;&])make ([a-z][a-z-]*)", block)
    }
    assert ("README.md", "run") in named, "the README does not say how to start"
    assert [(path, target) for path, target in sorted(named) if target not in make_targets()] == []


def test_links_between_documents_lead_somewhere() -> None:
    for path in documents():
        for link in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text(encoding="utf-8")):
            if not re.match(r"[a-z]+:", link):
                assert (path.parent / link).exists(), f"{path.name} links to {link}, which is not there"
