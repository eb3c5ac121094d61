"""Scripts and style sheets: the same bytes packed and plain, kept by the browser, and nothing but what may be sent."""

from __future__ import annotations

import asyncio
import gzip
import os
import threading
from pathlib import Path

import panel as pn
import panel_material_ui  # noqa: F401  (whose scripts are asked for)
import pytest
from bokeh.settings import settings
from tornado.httpclient import AsyncHTTPClient, HTTPResponse
from tornado.ioloop import IOLoop

from dashboard import static

SCRIPT = "static/js/bokeh-widgets.min.js"
EXTENSION = "static/extensions/panel-material-ui/panel-material-ui.bundle.css"


def answers(*asked: tuple[str, str]) -> list[HTTPResponse]:
    """What a server says to (path, accepted encoding), in their order, its bytes as they come."""

    async def ask() -> list[HTTPResponse]:
        server = pn.io.server.get_server({"/app": pn.Column}, port=0, io_loop=IOLoop.current(), start=False, show=False)
        static.install(server._tornado)
        server.start()
        client = AsyncHTTPClient(force_instance=True)
        try:
            return [
                await client.fetch(
                    f"http://localhost:{server.port}/{path}",
                    headers={"Accept-Encoding": encoding},
                    decompress_response=False,
                    raise_error=False,
                )
                for path, encoding in asked
            ]
        finally:
            client.close()
            server.stop(wait=False)

    return asyncio.run(ask())


@pytest.mark.parametrize("path", [SCRIPT, EXTENSION])
def test_a_packed_file_is_the_file(path: str) -> None:
    """Whoever takes gzip gets a third of the bytes or less, and the same after unpacking as who does not."""
    packed, plain = answers((f"{path}?v=1", "gzip, br"), (f"{path}?v=1", "identity"))
    assert packed.headers["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Type"] == plain.headers["Content-Type"]
    assert int(packed.headers["Content-Length"]) == len(packed.body) < len(plain.body) / 2.5
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["Etag"] != plain.headers["Etag"] and packed.headers["Vary"] == "Accept-Encoding"


def test_packing_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is done in other threads than the one that answers everybody, once for all who ask at the same time."""
    pack, threads = gzip.compress, []

    def noted(*given: object, **more: object) -> bytes:
        threads.append(threading.current_thread())
        return pack(*given, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(static.gzip, "compress", noted)
    first, second = answers((f"{SCRIPT}?v=1", "gzip"), (f"{SCRIPT}?v=1", "gzip"))
    assert first.body == second.body
    assert len(threads) == 1 and threading.main_thread() not in threads


def test_an_address_with_a_version_is_kept_for_good_and_another_is_asked_for_again() -> None:
    """As the controls' script has it, whose version has no name."""
    ages = [each.headers.get("Cache-Control", "") for each in answers((f"{EXTENSION}?a1b2", ""), (EXTENSION, ""))]
    assert ages == ["max-age=315360000", ""]


def test_nothing_else_is_sent() -> None:
    """No file outside the folders, packed or not; and none that does not exist."""
    outside = Path(settings.bokehjs_path()).parent / "contexts.py"
    assert outside.exists()
    paths = (
        "static/../../contexts.py",
        "static/%2e%2e/%2e%2e/contexts.py",
        "static/js/none.js",
        "static/extensions/no/x.js",
    )
    assert [each.code for each in answers(*((path, "gzip") for path in paths))] == [403, 403, 404, 404]


def test_a_changed_file_is_packed_anew_and_the_folder_goes_with_the_store(tmp_path: Path) -> None:
    """What was packed before is not sent for what is there now."""
    script, store = tmp_path / "a.js", static.Store()
    kept = []
    for text in ("let a = 1", "let a = 2"):
        script.write_text(text, encoding="utf-8")
        os.utime(script, ns=(1, len(kept)))
        kept.append(store.packed(script))
        assert gzip.decompress(kept[-1].read_bytes()).decode() == text
        assert store.packed(script) == kept[-1]
    assert kept[0] != kept[1]
    folder = kept[0].parent
    del store
    assert not folder.exists()
