"""See that a Chromium for the browser tests is on this machine, and install one if not.

Looked for in this order: ``HDL_CHROMIUM``, a Chromium or Chrome on the PATH, the one that playwright keeps. Installed
by apt-get where we are root on a Debian-like system, else (or if that fails) by ``playwright install chromium``.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def works(path: str | Path) -> bool:
    """Tell whether a browser's executable starts at all (a distribution's place holder does not)."""
    try:
        done = subprocess.run([str(path), "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def find_browser() -> str | None:
    """Return the path of a Chromium that starts, or None."""
    named = os.environ.get("HDL_CHROMIUM")
    if named:
        return named if works(named) else None
    for name in NAMES:
        path = shutil.which(name)
        if path and works(path):
            return path
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() and works(path) else None


def install() -> None:
    """Try what this system offers; failures show in the tools' own output."""
    if sys.platform == "linux" and hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        commands = (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium", "fonts-dejavu-core"],
        )
        if all(subprocess.run(c, env=environment, check=False).returncode == 0 for c in commands) and find_browser():
            return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def main() -> int:
    """Return 0 when a browser is there in the end."""
    if find_browser() is None:
        print("setup: installing Chromium for the browser tests")
        install()
    path = find_browser()
    if path is None:
        print(
            "No Chromium could be found or installed; install one (Debian: apt-get install chromium) or point "
            "HDL_CHROMIUM at its executable.",
            file=sys.stderr,
        )
        return 1
    print(f"browser: {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
