"""Serve the app with safe defaults: ``python -m dashboard.serve --port 5006`` (what ``hdl serve`` runs).

Against plain ``panel serve`` this adds: WebSockets only from the addresses asked for, signed sessions, unused sessions
dropped soon, one BLAS thread (several users share the cores), ``/liveness`` and ``/readiness``, a page that is built
once before the port opens, one clear sentence for a busy port, and a stop within five seconds on SIGTERM or SIGINT.
"""

from __future__ import annotations

import argparse
import asyncio
import errno
import gc
import logging
import os
import secrets
import signal
import socket
import sys
import threading
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hdlcore.errors import HDLError, RequestError
from hdlcore.log import LEVELS, configure

if TYPE_CHECKING:
    from bokeh.server.server import Server

log = logging.getLogger("hdl.serve")

APP = Path(__file__).resolve().with_name("app.py")
UNUSED_SESSION_SECONDS = 20  # a closed tab frees its memory this soon; a dropped connection may come back until then
CHECK_UNUSED_SECONDS = 5
MAX_MESSAGE_BYTES = 16 * 2**20  # largest message taken from a browser; an upload comes in pieces of under 1 MiB
PACKED = 1  # level of zlib for what goes to a browser: a third of the bytes; more would cost more than it saves
UPLOAD_MB, MOST_UPLOAD_MB = 50, 2000
AHEAD, MOST_AHEAD = 2, 20  # sessions made before anybody asks
READY_SECONDS = 10.0  # a good answer of /readiness is kept this long, so that probing does not rebuild the page all day
SPEAK_OF_CLOSED_TABS = ("bokeh.server.views.ws", "panel.io.document")
#: When Python looks for garbage; the last is for all that is not frozen, which holds every click for 70 to 240 ms and
#: came four times a visit with Python's own 10. Panel has garbage looked for, too, after each visitor who leaves.
COLLECT_AFTER = (700, 10, 100)
STOP_SECONDS = 4.0  # after this a stop no longer waits for computations in threads
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the command line. For tests: ``--app`` (another script behind ``/app``) and ``--ready-seconds``."""
    parser = argparse.ArgumentParser(prog="hdl serve", description="Serve HDL Explorer in the browser.")
    parser.add_argument("--port", type=int, default=5006, help="port to listen on (default 5006)")
    parser.add_argument("--address", default="localhost", help="address to listen on; 0.0.0.0 for a class (localhost)")
    parser.add_argument(
        "--data",
        type=Path,
        action="append",
        default=[],
        metavar="CUBE",
        help="your own cube, made by hdl ingest (repeatable); one of kind 'world' replaces the shipped world",
    )
    parser.add_argument("--models", type=Path, action="append", default=[], help="folder of your models (repeatable)")
    parser.add_argument("--tours", type=Path, action="append", default=[], help="folder of your tours (repeatable)")
    parser.add_argument(
        "--allow-origin",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="address, as browsers see it, that may use the app (repeatable)",
    )
    parser.add_argument(
        "--upload-mb",
        type=float,
        default=UPLOAD_MB,
        metavar="MB",
        help=f"most that a visitor may upload at once, private to the session (default {UPLOAD_MB}; 0: nothing)",
    )
    parser.add_argument(
        "--ahead",
        type=int,
        choices=range(MOST_AHEAD + 1),
        default=AHEAD,
        metavar="N",
        help=f"sessions of the opening view made ready before anybody asks (default {AHEAD}; 0: none)",
    )
    parser.add_argument(
        "--pages-ahead",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="make a visitor's other pages while visitor and server rest, so that they open at once (default: yes)",
    )
    parser.add_argument("--open", action="store_true", help="open the app in your browser")
    parser.add_argument("--log-level", choices=LEVELS, default="info")
    parser.add_argument("--app", type=Path, default=APP, help=argparse.SUPPRESS)
    parser.add_argument("--ready-seconds", type=float, default=READY_SECONDS, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def prepare_environment(options: argparse.Namespace) -> None:
    """Set what must stand before numpy, torch and Bokeh are imported, and hand the app its data and models.

    The app reads ``HDL_DATA``, ``HDL_MODELS``, ``HDL_TOURS`` (paths joined by ``os.pathsep``) and ``HDL_UPLOAD_MB``.
    Raises `RequestError` for a path that does not exist or a bound that is no number of megabytes.
    """
    for name in THREAD_VARIABLES:
        os.environ[name] = "1"
    os.environ.setdefault("BOKEH_SECRET_KEY", secrets.token_urlsafe(48))
    os.environ["BOKEH_SIGN_SESSIONS"] = "yes"
    os.environ["BOKEH_RESOURCES"] = "server"  # never the content network: the app works without internet
    given = {"--data": options.data, "--models": options.models, "--tours": options.tours}
    for option, path in [(option, path) for option, paths in given.items() for path in paths]:
        if not path.exists():
            raise RequestError(f"{option} {path} does not exist; give the path of a folder that does.")
    if not options.app.is_file():
        raise RequestError(f"The app {options.app} does not exist; reinstall hdl-explorer.")
    if not 0 <= options.upload_mb <= MOST_UPLOAD_MB:
        raise RequestError(f"--upload-mb {options.upload_mb:g} is not from 0 (no uploads) to {MOST_UPLOAD_MB}.")
    os.environ["HDL_UPLOAD_MB"] = f"{options.upload_mb:g}"
    for name, paths in (("HDL_DATA", options.data), ("HDL_MODELS", options.models), ("HDL_TOURS", options.tours)):
        if paths:
            os.environ[name] = os.pathsep.join(str(path.resolve()) for path in paths)


def allowed_origins(address: str, port: int, extra: Sequence[str]) -> list[str]:
    """Return the ``host:port`` values whose pages may open a WebSocket.

    The loopback names are always among them: only a browser on this machine can carry them. ``extra`` may leave out the
    port (80 or 443 are then meant, as behind a proxy). Raises `RequestError` for a wildcard, a scheme or a path.
    """
    hosts = ["localhost", "127.0.0.1"]
    if address not in ("", "localhost", "127.0.0.1", "0.0.0.0", "::", "::1"):
        hosts.append(address)
    origins = [f"{host}:{port}" for host in hosts]
    for origin in extra:
        if "*" in origin or "/" in origin:
            raise RequestError(
                f"--allow-origin {origin!r} is not a host name; give HOST or HOST:PORT without http://, path or *."
            )
        origins.append(origin)
    return list(dict.fromkeys(origins))


def explain_bind_error(error: OSError, address: str, port: int) -> RequestError:
    """Return one sentence for a port or address that cannot be listened on."""
    where = f"port {port} on {address}"
    if error.errno == errno.EADDRINUSE:
        return RequestError(
            f"Cannot serve on {where}: another program uses it; stop that program or choose another port, "
            f"for example --port {port + 1 if port < 65535 else 5006}."
        )
    if error.errno in (errno.EACCES, errno.EPERM):
        return RequestError(
            f"Cannot serve on {where}: not permitted; choose a port above 1023, for example --port 5006."
        )
    return RequestError(f"Cannot serve on {where}: {error.strerror or error}; check --address and --port.")


def check_port(address: str, port: int) -> None:
    """Fail at once, before the slow imports, when the port cannot be had. Raises `RequestError`."""
    if not 0 <= port <= 65535:
        raise RequestError(f"Cannot serve on port {port}: ports go from 1 to 65535; try --port 5006.")
    if port == 0:
        return
    try:
        places = socket.getaddrinfo(address or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise explain_bind_error(error, address, port) from error
    for family, kind, protocol, _, place in places:
        if family == socket.AF_INET6 and not socket.has_ipv6:
            continue
        try:
            with socket.socket(family, kind, protocol) as probe:
                if os.name == "posix":
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                probe.bind(place)
        except OSError as error:
            # A machine whose IPv6 is switched off still names ::1; the server then listens on IPv4 alone.
            if family == socket.AF_INET6 and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
                continue
            raise explain_bind_error(error, address, port) from error


def build(options: argparse.Namespace) -> Server:
    """Import and draw the app once, then bind the port. The loop is not started yet.

    Raises `RequestError` when the page cannot be drawn or the port cannot be had.
    """
    import torch

    torch.set_num_threads(1)
    import panel as pn
    from panel.io.application import build_single_handler_application

    from dashboard.probes import LivenessHandler, Readiness, ReadinessHandler

    application = build_single_handler_application(options.app)
    readiness = Readiness(application, options.ready_seconds)
    problem = readiness.problem()
    if problem is not None:
        raise RequestError(problem)
    # What is loaded by now stays for good. Looking through it again after each visitor who left held all others' clicks
    # for 300 ms; without it that takes 20.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    try:
        server = pn.io.server.get_server(
            {"/app": application},
            port=options.port,
            address=options.address,
            websocket_origin=allowed_origins(options.address, options.port, options.allow_origin),
            extra_patterns=[
                (r"/liveness", LivenessHandler),
                (r"/readiness", ReadinessHandler, {"readiness": readiness}),
            ],
            secret_key=os.environ["BOKEH_SECRET_KEY"].encode(),
            sign_sessions=True,
            generate_session_ids=True,
            unused_session_lifetime_milliseconds=UNUSED_SESSION_SECONDS * 1000,
            check_unused_sessions_milliseconds=CHECK_UNUSED_SECONDS * 1000,
            websocket_max_message_size=MAX_MESSAGE_BYTES,
            websocket_compression_level=PACKED,
            http_server_kwargs={"max_buffer_size": MAX_MESSAGE_BYTES, "xheaders": True},
            redirect_root=True,
        )
    except OSError as error:
        raise explain_bind_error(error, options.address, options.port) from error
    if options.port == 0:
        server._tornado._websocket_origins.update(allowed_origins(options.address, server.port, []))
    return server


def run(server: Server, options: argparse.Namespace) -> None:
    """Say where the app is and serve until SIGTERM or SIGINT; return within `STOP_SECONDS` or end the process, code 0.

    Meanwhile so many sessions of the opening view are kept ready, and visitors' pages are made ahead.

    A computation in a thread cannot be interrupted from outside, so a watchdog ends a process that would wait for one.
    """
    from dashboard import arrival, opening, static
    from dashboard.spare import SPARE

    loop = server.io_loop
    loop.asyncio_loop.set_exception_handler(tell_failure)  # type: ignore[attr-defined]
    for name in SPEAK_OF_CLOSED_TABS:
        logging.getLogger(name).addFilter(is_told)
    static.install(server._tornado)
    shelf = opening.Shelf(server._tornado, "/app", options.ahead)
    arrival.install(server._tornado, "/app", shelf)
    if options.pages_ahead:
        SPARE.begin(shelf.rest)

    def stop(number: int, _frame: object) -> None:
        log.info("%s: stopping", signal.Signals(number).name)
        watchdog = threading.Timer(STOP_SECONDS, _end_process)
        watchdog.daemon = True
        watchdog.start()
        loop.add_callback_from_signal(loop.stop)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    server.start()
    announce(server, options)
    loop.add_callback(shelf.start)
    loop.start()
    shelf.stop()
    server.stop(wait=False)
    loop.run_sync(server._http.close_all_connections, timeout=1.0)


def tell_failure(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what nobody awaited, but for what was on its way to a tab that has been closed: that is no fault."""
    from tornado.iostream import StreamClosedError
    from tornado.websocket import WebSocketClosedError

    if not isinstance(context.get("exception"), WebSocketClosedError | StreamClosedError):
        loop.default_exception_handler(context)


def is_told(record: logging.LogRecord) -> bool:
    """Whether a record of the libraries is of use: that a tab was closed while a message was on its way is none."""
    return "connection was closed" not in record.getMessage()


def _end_process() -> None:
    log.warning("a computation was still running; it is given up")
    logging.shutdown()
    os._exit(0)


def announce(server: Server, options: argparse.Namespace) -> None:
    """Say in one line where the app is, warn of what will not work, and open it if asked."""
    host = "localhost" if options.address in ("", "0.0.0.0", "::", "127.0.0.1", "::1") else options.address
    url = f"http://{host}:{server.port}/app"
    log.info("HDL Explorer is at %s (Ctrl+C stops it)", url)
    if options.address in ("", "0.0.0.0", "::") and not options.allow_origin:
        log.warning(
            "Other machines will see an empty page: add --allow-origin with the address they type, "
            "for example --allow-origin 192.168.1.20:%d",
            server.port,
        )
    if options.open:
        has_desktop = sys.platform in ("darwin", "win32") or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
        if not (has_desktop and webbrowser.open(url)):
            log.info("No browser could be opened from here; open %s yourself", url)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the server; return the exit code: 0 after a clean stop, 1 with one sentence when it cannot start."""
    options = parse(arguments)
    configure(options.log_level)
    try:
        check_port(options.address, options.port)
        prepare_environment(options)
        log.info("Loading the world and its models; a slow machine needs half a minute")
        server = build(options)
    except HDLError as error:
        log.error("%s", error)
        return 1
    except KeyboardInterrupt:
        return 0
    run(server, options)
    log.info("stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())
