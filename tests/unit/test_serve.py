"""The server: safe by default, honest probes, clear sentences, a clean stop."""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from dashboard.serve import (
    SPEAK_OF_CLOSED_TABS,
    THREAD_VARIABLES,
    allowed_origins,
    check_port,
    is_told,
    main,
    parse,
    prepare_environment,
    tell_failure,
)  # fmt: skip
from hdlcore.errors import RequestError

ROOT = Path(__file__).resolve().parents[2]

# A real Panel app with one figure; files beside it make it break, lose its figure, or compute for two minutes.
APP = """
import threading, time
from pathlib import Path
import holoviews as hv, numpy as np, panel as pn, torch
pn.extension()
hv.extension("bokeh")
here = Path(__file__).parent
if (here / "broken").exists():
    raise ValueError("it broke")
if (here / "busy").exists():
    threading.Thread(target=time.sleep, args=(120,)).start()
(here / "threads").write_text(str(torch.get_num_threads()))
content = pn.pane.Markdown("empty") if (here / "empty").exists() else pn.pane.HoloViews(hv.Image(np.eye(3)))
pn.Column("# hello", content).servable(title="tiny")
"""

# Seconds in which a server must have ended: far fewer than a thread of the app above computes on, yet enough on a
# machine that has other things to do.
IN_TIME = 15
START_SECONDS = 120


def get(url: str) -> tuple[int, str]:
    """Return status and body of a page on this machine."""
    try:
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Running:
    """A server process on a tiny app."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://localhost:{self.port}"
        (folder / "app.py").write_text(APP, encoding="utf-8")
        command = [sys.executable, "-m", "dashboard.serve", "--port", str(self.port), "--app", str(folder / "app.py")]
        command += ["--ready-seconds", "0.5"]
        environment = os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "4"}
        self.log = folder / "log.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen([*command, *options], cwd=folder, env=environment, stderr=log, stdout=log)

    def wait_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if get(f"{self.url}/readiness")[0] == 200:
                    return
            except OSError:
                time.sleep(0.1)
        pytest.fail(f"the server did not become ready:\n{self.log.read_text()}")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return exit code and seconds until the process ended."""
        started = time.monotonic()
        self.process.send_signal(number)
        return self.process.wait(timeout=20), time.monotonic() - started

    def token(self) -> str:
        """Open the page as a browser does; return the session's token."""
        page = get(f"{self.url}/app")[1]
        return page.split('"token":"')[1].split('"')[0]

    async def connect(self, origin: str, token: str | None = None) -> WebSocketClientConnection:
        request = HTTPRequest(f"ws://localhost:{self.port}/app/ws", headers={"Origin": origin})
        return await websocket_connect(request, subprotocols=["bokeh", token or self.token()])


Launch = Callable[..., Running]


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Launch]:
    """Start servers that are surely ended after the test."""
    started: list[Running] = []

    def start(*options: str, ready: bool = True) -> Running:
        started.append(Running(tmp_path, *options))
        if ready:
            started[-1].wait_ready()
        return started[-1]

    yield start
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait(timeout=10)


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One server for the tests that only ask it things."""
    server = Running(tmp_path_factory.mktemp("standing"), "--allow-origin", "hdl.example.org")
    try:
        server.wait_ready()
        yield server
    finally:
        server.process.kill()
        server.process.wait(timeout=10)


def test_serves_the_app_and_says_where(standing: Running) -> None:
    server = standing
    assert f"HDL Explorer is at {server.url}/app" in server.log.read_text()
    assert json.loads(get(f"{server.url}/liveness")[1]) == {"alive": True}
    with urllib.request.urlopen(f"{server.url}/", timeout=20) as answer:
        assert answer.url == f"{server.url}/app"
    assert (server.folder / "threads").read_text() == "1", "several users share the cores: one BLAS thread each"

    page = get(f"{server.url}/app")[1]
    assert "http://" not in page
    assert "https://" not in page


def test_readiness_sees_a_page_that_fails_although_it_may_answer_200(standing: Running) -> None:
    server = standing
    for flag, word, answer in (("broken", "it broke", 500), ("empty", "no figure", 200)):
        (server.folder / flag).touch()
        assert get(f"{server.url}/app")[0] == answer
        time.sleep(0.6)
        status, body = get(f"{server.url}/readiness")
        assert status == 503
        assert word in json.loads(body)["problem"]
        assert get(f"{server.url}/liveness")[0] == 200
        (server.folder / flag).unlink()
        time.sleep(2.1)
        assert get(f"{server.url}/readiness")[0] == 200, "a page that works again is ready again"


def test_an_app_that_cannot_be_drawn_is_not_served(tmp_path: Path, launch: Launch) -> None:
    (tmp_path / "broken").touch()
    server = launch(ready=False)
    assert server.process.wait(timeout=START_SECONDS) == 1
    assert "The page could not be built (it broke)" in server.log.read_text()


def test_only_asked_origins_get_a_websocket(standing: Running) -> None:
    server = standing

    async def status(origin: str) -> int:
        try:
            connection = await server.connect(origin)
        except HTTPClientError as error:
            return error.code
        connection.close()
        return 101

    assert asyncio.run(status(server.url)) == 101
    assert asyncio.run(status("https://hdl.example.org")) == 101
    assert asyncio.run(status("https://evil.example.org")) == 403
    assert asyncio.run(status(f"http://localhost:{server.port + 1}")) == 403


def test_an_unsigned_session_is_refused(standing: Running) -> None:
    server = standing
    payload, signature = server.token().rsplit(".", 1)

    async def is_served(token: str) -> bool:
        try:
            return await (await server.connect(server.url, token)).read_message() is not None
        except HTTPClientError:
            return False

    assert asyncio.run(is_served(server.token()))
    assert not asyncio.run(is_served(f"{payload}.{'A' * len(signature)}"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stops_cleanly_with_a_live_session(launch: Launch, number: int) -> None:
    server = launch()

    async def stop_while_connected() -> tuple[int, float]:
        connection = await server.connect(server.url)
        await connection.read_message()
        return await asyncio.to_thread(server.stop, number)

    code, seconds = asyncio.run(stop_while_connected())
    assert code == 0
    assert seconds < IN_TIME
    assert "Traceback" not in server.log.read_text()


def test_stops_in_time_while_a_thread_computes(tmp_path: Path, launch: Launch) -> None:
    (tmp_path / "busy").touch()
    code, seconds = launch().stop()
    assert (code, seconds < IN_TIME) == (0, True)


def test_busy_port_is_one_sentence(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert main(["--port", str(port), "--address", "127.0.0.1"]) == 1
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert f"port {port}" in lines[0]
    assert "--port" in lines[0]


@pytest.mark.parametrize("port", [-1, 65536])
def test_impossible_port_is_refused(port: int) -> None:
    with pytest.raises(RequestError, match=f"port {port}"):
        check_port("localhost", port)


def test_address_that_is_not_ours_is_refused() -> None:
    with pytest.raises(RequestError, match=r"192\.0\.2\.1.*--address"):
        check_port("192.0.2.1", 5999)


@pytest.mark.parametrize("origin", ["*", "*.example.org", "http://example.org", "example.org/app"])
def test_origin_must_be_a_host(origin: str) -> None:
    with pytest.raises(RequestError, match="--allow-origin"):
        allowed_origins("localhost", 5006, [origin])


def test_origins_are_limited_to_what_was_asked() -> None:
    assert allowed_origins("0.0.0.0", 5006, []) == ["localhost:5006", "127.0.0.1:5006"]
    assert allowed_origins("10.0.0.5", 80, ["hdl.example.org"])[2:] == ["10.0.0.5:80", "hdl.example.org"]


def test_data_and_models_reach_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "HDL_DATA",
        "HDL_MODELS",
        "HDL_UPLOAD_MB",
        "BOKEH_SECRET_KEY",
        "BOKEH_SIGN_SESSIONS",
        "BOKEH_RESOURCES",
        *THREAD_VARIABLES,
    ):
        monkeypatch.setenv(name, "before")
    for folder in ("cube.zarr", "other.zarr", "one", "two"):
        (tmp_path / folder).mkdir()
    app = tmp_path / "app.py"
    app.touch()
    given = ["--app", str(app), "--data", str(tmp_path / "cube.zarr"), "--data", str(tmp_path / "other.zarr")]
    prepare_environment(parse([*given, "--models", str(tmp_path / "one"), "--models", str(tmp_path / "two")]))
    assert os.environ["HDL_DATA"].split(os.pathsep) == [str(tmp_path / "cube.zarr"), str(tmp_path / "other.zarr")]
    assert os.environ["HDL_MODELS"].split(os.pathsep) == [str(tmp_path / "one"), str(tmp_path / "two")]
    assert os.environ["HDL_UPLOAD_MB"] == "50"
    with pytest.raises(RequestError, match=r"--data .*nowhere"):
        prepare_environment(parse(["--app", str(app), "--data", str(tmp_path / "nowhere")]))
    with pytest.raises(RequestError, match="--upload-mb -1"):
        prepare_environment(parse(["--app", str(app), "--upload-mb", "-1"]))


def test_pages_are_made_ahead_unless_switched_off() -> None:
    assert parse([]).pages_ahead and not parse(["--no-pages-ahead"]).pages_ahead


def test_a_tab_closed_while_something_is_on_its_way_is_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    """What nobody awaited is logged with its traceback, but for a message to whoever has left."""
    from tornado.websocket import WebSocketClosedError

    async def fail(error: Exception) -> None:
        raise error

    async def leave_alone(error: Exception) -> None:
        asyncio.get_running_loop().set_exception_handler(tell_failure)
        task = asyncio.create_task(fail(error))
        await asyncio.sleep(0.01)
        del task
        gc.collect()

    asyncio.run(leave_alone(WebSocketClosedError()))
    assert not caplog.records
    asyncio.run(leave_alone(ValueError("a fault")))
    assert "a fault" in caplog.text


def test_what_libraries_say_of_closed_tabs_is_not_told() -> None:
    """Their own words, as they stand in their modules, are dropped; other warnings are not."""
    words = "Failed sending message as connection was closed"
    for name in SPEAK_OF_CLOSED_TABS:
        assert words in Path(str(importlib.import_module(name).__file__)).read_text(encoding="utf-8")
    assert not is_told(logging.makeLogRecord({"msg": words}))
    assert is_told(logging.makeLogRecord({"msg": "Failed sending message due to following error: %s", "args": ("e",)}))
