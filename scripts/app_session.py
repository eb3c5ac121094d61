"""A real server and a real Chromium that talks to it alone, for the journeys, the measurements and the pictures."""

from __future__ import annotations

import math
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
LOCAL_HOSTS = frozenset({"localhost", "127.0.0.1", "::1"})
START_SECONDS = 240
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--force-color-profile=srgb",
    # No other host has an address, whatever a page asks for.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
]


def is_local(url: str) -> bool:
    """Whether a request stays on this machine."""
    return urlsplit(url).hostname in LOCAL_HOSTS


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class ServerProcess:
    """A running ``python -m dashboard.serve`` and where it is."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def app(self) -> str:
        """Address of the app."""
        return f"{self.url}/app"


def start_server(folder: Path, *options: str) -> ServerProcess:
    """Start the real server, its log in ``folder``; return when ``/readiness`` answers 200.

    Raises
    ------
    RuntimeError
        With the end of the log, when it has not become ready within `START_SECONDS`.
    """
    port = free_port()
    log = folder / "server.log"
    command = [sys.executable, "-m", "dashboard.serve", "--port", str(port), *options]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with log.open("wb") as stream:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=stream, stderr=subprocess.STDOUT)
    server = ServerProcess(f"http://localhost:{port}", process, log)
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{server.url}/readiness", timeout=30):
                return server
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    stop_server(server)
    raise RuntimeError(f"the server did not become ready:\n{log.read_text(errors='replace')[-4000:]}")


def stop_server(server: ServerProcess) -> None:
    """End the process: gently, then for good."""
    if server.process.poll() is None:
        server.process.terminate()
        try:
            server.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait(timeout=10)


@contextmanager
def chromium(*options: str) -> Iterator[Browser]:
    """A headless Chromium that finds no host but this one: the system's where there is one, else playwright's own.

    ``options`` are more of its command line, beside `CHROMIUM_OPTIONS`.

    Raises
    ------
    RuntimeError
        When there is none on this machine.
    """
    from scripts.ensure_browser import find_browser

    executable = find_browser()
    if executable is None:
        raise RuntimeError("There is no Chromium on this machine; run `make browser`.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=[*CHROMIUM_OPTIONS, *options])
        try:
            yield browser
        finally:
            browser.close()


# A page is settled when Bokeh has drawn its documents, the parts that come later have come, nothing is being computed,
# and for a while neither text nor canvases have changed.
_IDLE = """() => {
    const B = window.Bokeh;
    if (!B || !B.documents || B.documents.length === 0) return false;
    const painted = Number(document.documentElement.dataset.hdlMapPainted ?? 0) > 0;
    const mapless = ['data', 'learn'].includes(new URLSearchParams(window.location.search).get('page'));
    return B.documents.every((doc) => doc.is_idle) && (painted || mapless);
}"""
_FINGERPRINT = """() => {
    const seen = [document.documentElement.dataset.hdlMapPainted];
    const walk = (root) => {
        for (const node of root.querySelectorAll('*')) {
            if (node.tagName === 'CANVAS') seen.push(node.width + 'x' + node.height);
            if (node.shadowRoot && node.checkVisibility({ visibilityProperty: true })) walk(node.shadowRoot);
        }
        if (root.querySelector('.skeleton')) seen.push(Math.random());
        seen.push((root.textContent || '').length);
    };
    walk(document.body);
    return seen.join(',');
}"""


def settle(page: Page, *, quiet: float = 0.4, timeout: float = 60.0) -> None:
    """Wait until the page is drawn and has not changed (text, canvases, map) for ``quiet`` seconds.

    Waits on what a person sees, never for a fixed time alone.

    Raises
    ------
    TimeoutError
        When it still changes after ``timeout`` seconds.
    """
    deadline = time.monotonic() + timeout
    page.wait_for_function(_IDLE, timeout=timeout * 1000)
    last, since = page.evaluate(_FINGERPRINT), time.monotonic()
    while time.monotonic() - since < quiet:
        if time.monotonic() > deadline:
            raise TimeoutError(f"the page did not settle within {timeout:g} s")
        page.wait_for_timeout(50)
        now = page.evaluate(_FINGERPRINT) if page.evaluate(_IDLE) else ""
        if now != last:
            last, since = now, time.monotonic()


def equal_earth(lat: float, lon: float) -> tuple[float, float]:
    """Equal Earth projection (Savric et al. 2018) of degrees, in radii: x reaches 2.70663, y reaches 1.31736."""
    a1, a2, a3, a4, m = 1.340264, -0.081106, 0.000893, 0.003796, math.sqrt(3) / 2
    theta = math.asin(m * math.sin(math.radians(lat)))
    t2 = theta * theta
    t6 = t2**3
    x = math.radians(lon) * math.cos(theta) / (m * (a1 + 3 * a2 * t2 + t6 * (7 * a3 + 9 * a4 * t2)))
    return x, theta * (a1 + a2 * t2 + t6 * (a3 + a4 * t2))


_FRAME = """(canvas) => {
    const fig = window.Bokeh.documents.map((doc) => doc.get_model_by_name('world-map')).find((found) => found);
    const box = canvas.getBoundingClientRect();
    return {
        x: [fig.x_range.start, fig.x_range.end], y: [fig.y_range.start, fig.y_range.end], border: fig.min_border,
        reach: fig.x_range.reset_end, box: [box.left, box.top, box.width, box.height],
    };
}"""


def pixel(page: Page, lat: float, lon: float) -> tuple[float, float]:
    """Where a place lies on the screen (px of the viewport) on the Equal Earth map as it is zoomed now."""
    frame: dict[str, Any] = page.get_by_role("img", name="Map:").evaluate(_FRAME)
    west, east = frame["x"]
    south, north = frame["y"]
    x, y = equal_earth(lat, lon)
    # The range reaches 0.6 % of the map's width beyond the edge of the globe on either side.
    radius = frame["reach"] / (1 + 2 * 0.006) / 2.70663
    left, top, width, height = frame["box"]
    border = frame["border"]
    across = (x * radius - west) / (east - west)
    down = (north - y * radius) / (north - south)
    return left + border + across * (width - 2 * border), top + border + down * (height - 2 * border)
