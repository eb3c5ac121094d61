"""A real server and a real Chromium for the journeys. Requests that leave this machine are refused and recorded."""

from __future__ import annotations

import os
import re
import runpy
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Route, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
LOCAL_HOSTS = {"localhost", "127.0.0.1", "[::1]", "::1"}
START_SECONDS = 120
CHROMIUM_OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--force-color-profile=srgb",
]
DESKTOP = {"width": 1440, "height": 900}
PHONE = {"width": 360, "height": 740}


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
    """Start the real server, its log in ``folder``; return when ``/readiness`` answers 200, else fail with the log."""
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
    pytest.fail(f"the server did not become ready:\n{log.read_text(errors='replace')[-4000:]}")


def stop_server(server: ServerProcess) -> None:
    """End the process: gently, then for good."""
    if server.process.poll() is None:
        server.process.terminate()
        try:
            server.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            server.process.kill()
            server.process.wait(timeout=10)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The app on the shipped data and models, one process for all journeys."""
    running = start_server(tmp_path_factory.mktemp("server"))
    yield running
    stop_server(running)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium: the system's where there is one, else playwright's own."""
    find_browser = runpy.run_path(str(ROOT / "scripts" / "ensure_browser.py"))["find_browser"]
    executable = find_browser()
    assert executable is not None, "no Chromium on this machine; run `make browser`"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_OPTIONS)
        yield chromium
        chromium.close()


@dataclass
class Watch:
    """What went wrong in the browser during one test."""

    foreign_requests: list[str] = field(default_factory=list)
    console_errors: list[str] = field(default_factory=list)
    page_errors: list[str] = field(default_factory=list)
    failed_requests: list[str] = field(default_factory=list)
    # Patterns of console errors and failed requests that this one test provokes on purpose.
    expected: list[str] = field(default_factory=list)

    def problems(self) -> list[str]:
        """Return every recorded problem that was not expected; a foreign request is never expected."""
        told = (
            [f"console error: {text}" for text in self.console_errors]
            + [f"page error: {text}" for text in self.page_errors]
            + [f"failed request: {text}" for text in self.failed_requests]
        )
        unexpected = [text for text in told if not any(re.search(pattern, text) for pattern in self.expected)]
        return [f"request to another host: {url}" for url in self.foreign_requests] + unexpected

    def attach(self, context: BrowserContext) -> None:
        """Refuse and record foreign requests, and record errors, on every page of a browser context."""

        def only_local(route: Route) -> None:
            url = route.request.url
            if urlsplit(url).hostname in LOCAL_HOSTS:
                route.continue_()
            else:
                self.foreign_requests.append(url)
                route.abort()

        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                place = message.location.get("url", "")
                self.console_errors.append(f"{message.text} ({place})")

        def on_failed(request: Request) -> None:
            # A page that is closed or reloaded aborts what is still on its way; that is no fault of ours.
            if urlsplit(request.url).hostname in LOCAL_HOSTS and request.failure != "net::ERR_ABORTED":
                self.failed_requests.append(f"{request.url} ({request.failure})")

        def on_page(page: Page) -> None:
            page.on("websocket", lambda socket: self._check_socket(socket.url))

        context.route(lambda url: urlsplit(url).scheme in ("http", "https"), only_local)
        context.on("console", on_console)
        context.on("weberror", lambda error: self.page_errors.append(str(error.error)))
        context.on("requestfailed", on_failed)
        context.on("page", on_page)

    def _check_socket(self, url: str) -> None:
        if urlsplit(url).hostname not in LOCAL_HOSTS:
            self.foreign_requests.append(url)


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Records problems of every page of the test, and fails the test at its end if there were any."""
    record = Watch()
    yield record
    problems = record.problems()
    assert not problems, "\n".join(problems)


NewPage = Callable[..., Page]


@pytest.fixture
def new_page(browser: Browser, watch: Watch) -> Iterator[NewPage]:
    """Return a function that opens a page of a new visitor (own cookies and session), watched.

    ``new_page(viewport=PHONE, color_scheme="dark")``: options as of playwright's ``Browser.new_context``.
    """
    contexts: list[BrowserContext] = []

    def open_page(**options: object) -> Page:
        settings = {"viewport": DESKTOP, "reduced_motion": "reduce", "accept_downloads": True} | options
        context = browser.new_context(**settings)  # type: ignore[arg-type]
        contexts.append(context)
        context.set_default_timeout(30_000)
        watch.attach(context)
        return context.new_page()

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: NewPage) -> Page:
    """One desktop-sized page of one visitor."""
    return new_page()


# A page is settled when Bokeh has drawn its documents and for a while neither the WebSocket nor the page has moved.
_IDLE = """() => {
    const B = window.Bokeh;
    if (!B || !B.documents || B.documents.length === 0) return false;
    return B.documents.every((doc) => doc.is_idle);
}"""
_FINGERPRINT = """() => {
    const seen = [];
    const walk = (root) => {
        for (const node of root.querySelectorAll('*')) {
            if (node.tagName === 'CANVAS') seen.push(node.width + 'x' + node.height);
            if (node.shadowRoot) walk(node.shadowRoot);
        }
        seen.push((root.textContent || '').length);
    };
    walk(document.body);
    return seen.join(',');
}"""


def settle(page: Page, *, quiet: float = 0.4, timeout: float = 30.0) -> None:
    """Wait until the page is drawn and has not changed (text, canvases, messages) for ``quiet`` seconds.

    Fails the test after ``timeout`` seconds. Waits on what a person sees, never for a fixed time alone.
    """
    deadline = time.monotonic() + timeout
    page.wait_for_function(_IDLE, timeout=timeout * 1000)
    last, since = page.evaluate(_FINGERPRINT), time.monotonic()
    while time.monotonic() - since < quiet:
        if time.monotonic() > deadline:
            pytest.fail(f"the page did not settle within {timeout:g} s")
        page.wait_for_timeout(50)
        now = page.evaluate(_FINGERPRINT) if page.evaluate(_IDLE) else ""
        if now != last:
            last, since = now, time.monotonic()


@pytest.fixture(name="settle", scope="session")
def settle_fixture() -> Callable[..., None]:
    """Return `settle`, so that a journey needs no import of this file."""
    return settle


@pytest.fixture
def open_app(server: ServerProcess, page: Page) -> Callable[[str], Page]:
    """Return a function that opens the app with a query string ('' or '?...') and waits until it is settled."""

    def go(query: str = "") -> Page:
        page.goto(server.app + query, wait_until="domcontentloaded")
        settle(page)
        return page

    return go
