"""Install torch into this environment: the small CPU build where the machine has no GPU and one can be had.

PyPI's Linux wheels carry the CUDA libraries (gigabytes); the PyTorch index has CPU builds of about 200 MB. Nothing is
done when a fitting torch is there already, so never more than one is fetched. Run by ``make setup``, before the rest.
"""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
PROBE_SECONDS = 3


def requirement() -> str:
    """Return the project's requirement of torch as pyproject.toml states it, e.g. ``torch>=2.13,<2.14``."""
    text = (Path(__file__).resolve().parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    return next(r for r in tomllib.loads(text)["project"]["dependencies"] if r.startswith("torch"))


def satisfied(wanted: str) -> bool:
    """Tell whether an installed torch meets the requirement (pip brings the version rules with it)."""
    from pip._vendor.packaging.requirements import Requirement

    try:
        return Requirement(wanted).specifier.contains(version("torch"))
    except PackageNotFoundError:
        return False


def cpu_index() -> str | None:
    """Return the PyTorch CPU index where it is of use and answers in time, else None (pip's own settings)."""
    if platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64") or shutil.which("nvidia-smi"):
        return None
    try:
        with urllib.request.urlopen(f"{CPU_INDEX}/torch/", timeout=PROBE_SECONDS) as answer:
            return CPU_INDEX if answer.status == 200 else None
    except OSError:
        return None


def main() -> int:
    """Install torch if need be; return pip's exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--index", help="package index to take torch from, e.g. " + CPU_INDEX)
    options = parser.parse_args()
    wanted = requirement()
    if satisfied(wanted):
        return 0
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "-qq", "--progress-bar", "off"]
    index = options.index or cpu_index()
    if index:
        print(f"setup: {wanted} from {index}")
        command += ["--index-url", index]
    return subprocess.run([*command, wanted], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
