"""Sessions made ready or built for who waits: each is one visitor's alone, and is let go of like any other."""

from __future__ import annotations

import asyncio
import gc
import json
import re
import weakref
from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path

import panel as pn
import pytest
from bokeh.protocol.messages.pull_doc_reply import pull_doc_reply
from bokeh.server.contexts import ApplicationContext
from bokeh.server.server import Server
from bokeh.server.session import ServerSession
from bokeh.util.token import get_session_id, get_token_payload
from panel.io.application import build_single_handler_application
from tornado.httpclient import AsyncHTTPClient
from tornado.ioloop import IOLoop

import dashboard
from dashboard import arrival, opening, rest
from dashboard.pages.scripts import beside, inline, loading, others, when_ready
from scripts.app_bench.client import Client

# A page that is filled a moment after it has been sent, as the app's pages are; one link of it fails.
APP = """
import panel as pn
from dashboard.pages.frame import MARK
pn.extension()
if "fail" in pn.state.session_args:
    raise RuntimeError("a secret of the server")
pn.state.curdoc.template = "{% block contents %}<p id='hdl-doing'></p>" + MARK + "{{ super() }}{% endblock %}"
box = pn.Column("# hello")
pn.state.curdoc.add_timeout_callback(lambda: box.append(pn.pane.HTML("filled")), 20)
box.servable()
"""
WAIT_SECONDS = 20.0


class House:
    """A server on a page of ours, with its shelf."""

    def __init__(self, server: Server, shelf: opening.Shelf, line: arrival.Line) -> None:
        self.shelf, self.line, self.url = shelf, line, f"http://localhost:{server.port}/app"
        self.context: ApplicationContext = server._tornado._applications["/app"]

    async def until(self, holds: Callable[[], object], told: str) -> None:
        """Wait until something holds; ``told`` when it never does."""
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while not holds():
            assert asyncio.get_running_loop().time() < deadline, told
            await asyncio.sleep(0.02)

    async def stocked(self, count: int, query: str = "") -> None:
        """Wait until so many sessions of a link are ready."""
        await self.until(lambda: len(self.ready(query)) >= count, f"not {count} sessions are ready")

    async def headed(self) -> None:
        """Wait until the page's head is known."""
        await self.until(lambda: set(self.shelf.heads) == set(opening.THEMES), "a head is not known")

    def ready(self, query: str = "") -> list[opening.Ready]:
        """Those of a link."""
        return list(self.shelf._ready.get(query, ()))

    async def ask(self, query: str = "", **headers: str) -> str:
        """Token of the page that the server sends."""
        answer = await AsyncHTTPClient().fetch(self.url + query, headers=headers)
        found = re.search(r'"token":"([^"]+)"', answer.body.decode())
        assert found is not None and answer.headers["Cache-Control"] == "no-store"
        return found[1]

    def session(self, token: str) -> ServerSession:
        """The session of a token."""
        return self.context.get_session(get_session_id(token))


Visit = Callable[[House], Awaitable[None]]
Live = Callable[..., None]


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Live:
    """Run something beside a server that keeps so many sessions ready, and unused ones for so many milliseconds."""
    monkeypatch.setattr(opening, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(opening, "REST_SECONDS", 0.0)
    monkeypatch.setattr(rest, "BUSY_SHARE", 2.0)
    monkeypatch.setattr(arrival, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(opening, "QUIET_SECONDS", 0.01)
    (tmp_path / "app.py").write_text(APP, encoding="utf-8")

    async def beside(visit: Visit, size: int, unused: int, app: Path) -> None:
        application = build_single_handler_application(app)
        server = pn.io.server.get_server(
            {"/app": application}, port=0, websocket_origin="*", secret_key=b"k" * 32, sign_sessions=True,
            generate_session_ids=True, unused_session_lifetime_milliseconds=unused,
            check_unused_sessions_milliseconds=50,
            io_loop=IOLoop.current(), start=False, show=False,
        )  # fmt: skip
        shelf = opening.Shelf(server._tornado, "/app", size)
        line = arrival.install(server._tornado, "/app", shelf)
        server.start()
        shelf.start()
        try:
            await visit(House(server, shelf, line))
        finally:
            shelf.stop()
            server.stop(wait=False)

    small = tmp_path / "app.py"
    return lambda visit, size, unused=20_000, app=small: asyncio.run(beside(visit, size, unused, app))


def test_each_visitor_gets_a_session_of_their_own(live: Live) -> None:
    """Of five who come at once two find one ready and the others have theirs built; the shelf fills up again."""

    async def visit(house: House) -> None:
        await house.stocked(2)
        ready = {each.session.id for each in house.shelf}
        tokens = await asyncio.gather(*(house.ask() for _ in range(5)))
        found = {get_session_id(token) for token in tokens}
        assert len(found) == 5
        assert ready < found
        assert len({id(house.session(token).document) for token in tokens}) == 5
        await house.stocked(2)
        assert not found & {each.session.id for each in house.shelf}

    live(visit, 2)


def test_a_taken_session_says_what_its_visitor_asked_with(live: Live) -> None:
    """Cookies and headers are the visitor's, in the token and in the session, and nothing of the next one's."""

    async def visit(house: House) -> None:
        await house.stocked(2)
        for name in ("ada", "bob"):
            token = await house.ask(Cookie=f"who={name}", **{"User-Agent": f"browser of {name}"})
            context, payload = house.session(token).document.session_context, get_token_payload(token)
            assert context is not None and context.request is not None
            assert context.request.cookies == {"who": name} == payload["cookies"]
            assert context.request.headers["User-Agent"] == f"browser of {name}" == payload["headers"]["User-Agent"]
            assert context.request.arguments == {}
            assert context.token_payload["cookies"] == {"who": name}

    live(visit, 2)


def test_a_link_with_a_view_is_built_for_itself(live: Live) -> None:
    """Whatever an address asks for, the session on the shelf is not of it."""

    async def visit(house: House) -> None:
        await house.stocked(1)
        kept = house.ready()[0].session.id
        for query in ("?var=swe", "?theme=dark", "?page=why&x"):
            token = await house.ask(query)
            request = house.session(token).document.session_context.request
            assert get_session_id(token) != kept and request.arguments
        assert get_session_id(await house.ask()) == kept

    live(visit, 1)


def test_a_browser_gets_the_whole_document_as_it_is(live: Live) -> None:
    """The first answer is what was written down; after a change, and when asked again, what the document is now."""

    async def document(client: Client) -> str:
        await client._send("PULL-DOC-REQ", {})
        while not (content := await client._next()).startswith('{"doc"'):
            pass
        return content

    async def visit(house: House) -> None:
        for change in (False, True):
            await house.stocked(1)
            ready = house.ready()[0]
            written, model = ready.reply, ready.session.document.roots[0]
            assert written is not None and "filled" in written.content_json
            if change:
                await ready.session.with_document_locked(model.update, name="changed meanwhile")
                assert ready.reply is None
            client = await Client.enter(house.url, quiet=0.1)
            assert 0 < client.first <= client.filled
            session = ready.session
            assert session.connection_count == 1 and "_handle_pull" not in vars(session)
            again = await document(client)
            assert ("changed meanwhile" in again) == change
            fresh = json.loads(again)["doc"]["roots"]
            assert change or fresh == json.loads(written.content_json)["doc"]["roots"]
            client.leave()

    live(visit, 1)


def test_what_changes_in_a_ready_session_is_written_down_again(live: Live) -> None:
    """As where a link's view waits for an answer of the model: who takes it later has it at once all the same."""

    async def visit(house: House) -> None:
        await house.stocked(1)
        ready = house.ready()[0]
        await ready.session.with_document_locked(ready.session.document.roots[0].update, name="come meanwhile")
        await house.until(lambda: ready.reply is not None, "the answer is not written down")
        assert ready.reply is not None and "come meanwhile" in ready.reply.content_json

    live(visit, 1)


def test_a_ready_session_outlives_unused_ones_and_a_left_one_does_not(live: Live) -> None:
    """Nobody is connected to either: the one is kept until it is taken, the other goes as any visitor's who left."""

    async def visit(house: House) -> None:
        await house.stocked(1)
        kept = house.ready()[0].session
        await asyncio.sleep(0.5)
        assert not kept.destroyed and house.context.get_session(kept.id) is kept
        assert get_session_id(await house.ask()) == kept.id
        await house.stocked(1)
        house.shelf.stop()
        assert len(house.shelf) == 0
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while list(house.context.sessions):
            assert asyncio.get_running_loop().time() < deadline, "a session is kept though nobody has it"
            await asyncio.sleep(0.05)

    live(visit, 1, unused=200)


def test_of_a_class_that_comes_at_once_one_page_is_built_at_a_time(live: Live) -> None:
    """Between two of them whoever is in is heard: never two sessions more in one turn of the server's loop."""

    async def visit(house: House) -> None:
        await house.headed()
        comers = [asyncio.create_task(house.ask(f"?number={number}")) for number in range(10)]
        most, known = 0, len(house.context._session_contexts)
        before = known
        while not all(comer.done() for comer in comers):
            await asyncio.sleep(0)
            now = len(house.context._session_contexts)
            most, before = max(most, now - before), now
        assert before == known + len(comers) and most == 1, f"{most} pages were built while nobody else was heard"
        for comer in comers:
            await comer

    live(visit, size=0)


def test_thirty_openings_leave_nothing(live: Live) -> None:
    """Neither documents nor sessions nor what was written down of them."""
    documents: list[weakref.ref[object]] = []

    async def visit(house: House) -> None:
        for _ in range(5):
            await house.stocked(6)
            clients = await asyncio.gather(*(Client.enter(house.url, quiet=0.05) for _ in range(6)))
            documents.extend(weakref.ref(session.document) for session in house.context.sessions)
            for client in clients:
                client.leave()
        house.shelf.stop()
        deadline = asyncio.get_running_loop().time() + WAIT_SECONDS
        while list(house.context.sessions):
            assert asyncio.get_running_loop().time() < deadline
            await asyncio.sleep(0.05)
        gc.collect()
        assert len(documents) >= 30
        assert not [each for each in documents if each() is not None]

    live(visit, 6, unused=200)


def test_the_opening_view_is_written_down_whole_and_stays_as_it_is(live: Live) -> None:
    """Of the app itself: all parts are in it, and nothing that comes later changes it, or it would be written anew."""

    async def visit(house: House) -> None:
        await house.stocked(1)
        await asyncio.sleep(0.5)
        reply = house.ready()[0].reply
        assert reply is not None
        for part in ('"world-map"', "the memory of stored water", "Stored water", "Region, country or basin"):
            assert part in reply.content_json, part
        assert '"skeletonpane"' not in reply.content_json

    live(visit, 1, app=Path(dashboard.__file__).with_name("app.py"))


async def streamed(address: str, parts: list[bytes]) -> None:
    """Fetch a page, its pieces put down as they come."""
    await AsyncHTTPClient().fetch(address, streaming_callback=parts.append)


def test_the_head_goes_out_before_the_session_is_built_and_says_who_comes_before(live: Live) -> None:
    """Whoever must wait has the frame of the page meanwhile; head and rest are the page that is sent at once."""

    async def visit(house: House) -> None:
        await house.stocked(1)
        await house.headed()
        parts: list[list[bytes]] = [[], [], []]
        async with house.line._door:
            fetched = [asyncio.create_task(streamed(f"{house.url}?number={i}", each)) for i, each in enumerate(parts)]
            said = ["Opening the view of this link", "one visitor is before you", "2 visitors are before you"]
            await house.until(lambda: sorted(map(last, parts)) == sorted(said), "who comes before is not said")
            known = len(house.context._session_contexts)
            assert all(b"".join(each).decode().startswith(house.shelf.heads["default"]) for each in parts)
        await asyncio.gather(*fetched)
        assert len(house.context._session_contexts) == known + 3
        for each in parts:
            page = re.sub(r"<script>document[^\n]*?</script>", "", b"".join(each).decode())
            whole = (await AsyncHTTPClient().fetch(house.url)).body.decode()
            assert said[0] not in page and len(page) == pytest.approx(len(whole), abs=400)  # ids and tokens differ
            assert page.count("</html>") == 1 == page.count('"token"')

    def last(parts: list[bytes]) -> str:
        told = re.findall(r'textContent = "(?:[^":]*: )?([^"]*)"', b"".join(parts).decode())
        return told[-1] if told else ""

    live(visit, 1)


@pytest.mark.parametrize("known", [True, False])
def test_a_page_that_cannot_be_built_ends_in_a_sentence(
    live: Live, known: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """In the frame that has been sent, or alone; what went wrong stands in the log, under what the page names."""

    async def visit(house: House) -> None:
        await house.headed()
        if not known:
            house.shelf.heads.clear()
        answer = await AsyncHTTPClient().fetch(f"{house.url}?fail=1", raise_error=False)
        page = answer.body.decode()
        assert answer.code == (200 if known else 500)
        mark = re.search(r"could not be opened.*?under (\w{8})", page)
        assert mark is not None and mark[1] in caplog.text
        assert page.startswith(house.shelf.heads["default"] if known else "<!DOCTYPE html>") and page.endswith(
            "</html>"
        )
        assert "secret" not in page and "Traceback" not in page
        assert await house.ask("?next=1")  # and the next visitor is let in

    live(visit, 0)


def test_for_who_has_left_nothing_is_built(live: Live) -> None:
    """A page reloaded while it waits costs nothing."""

    async def visit(house: House) -> None:
        await house.headed()
        async with house.line._door:
            reader, writer = await asyncio.open_connection("localhost", int(house.url.split(":")[2].partition("/")[0]))
            writer.write(b"GET /app?left HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await reader.readuntil(b"hdl-doing")
            await house.until(lambda: house.line._waiting, "nobody waits")
            known = len(house.context._session_contexts)
            (visitor,) = house.line._waiting
            writer.close()
            await house.until(lambda: visitor.gone, "that the visitor has left is not seen")
        await house.until(lambda: not house.line._waiting, "who has left still waits")
        assert len(house.context._session_contexts) == known

    live(visit, 0)


def test_a_link_asked_for_twice_is_made_ready_for_the_next(live: Live) -> None:
    """Its view is the link's, its cookies are who took it's; the plain address keeps its own."""

    async def visit(house: House) -> None:
        for _ in range(2):
            await house.ask("?number=7")
        await house.stocked(1, "number=7")
        await house.stocked(1)
        ready = {each.session.id for each in house.ready("number=7")}
        token = await house.ask("?number=7", Cookie="who=ada")
        assert get_session_id(token) in ready
        request = house.session(token).document.session_context.request
        assert request.arguments == {"number": [b"7"]} and request.cookies == {"who": "ada"}
        assert get_session_id(await house.ask("?number=8")) not in ready

    live(visit, 4)


def words(ready: opening.Ready) -> Counter[str]:
    """All that a page says and how it is drawn; ids and the address it was made for are left out."""
    found: Counter[str] = Counter()

    def walk(node: object) -> None:
        if isinstance(node, dict):
            attributes = node.get("attributes")
            if isinstance(attributes, dict) and "invitation" in attributes.get("css_classes", ()):
                found["invitation"] += attributes.get("visible", True)
                return
            for key, value in node.items():
                if key not in ("id", "name", "tags", "href", "search", "type", "js_event_callbacks"):
                    walk(value)
        elif isinstance(node, list):
            for each in node:
                walk(each)
        elif isinstance(node, str):
            found[node] += 1

    document = ready.session.document
    walk(json.loads(pull_doc_reply.create("", document).content_json)["doc"]["roots"])
    return found


@pytest.mark.parametrize("query", ["v=1&t=09&at=50.5,10.5", "tour=what-is-water-storage&stop=1"])
def test_a_ready_session_turned_to_a_link_is_as_one_built_for_it(live: Live, query: str) -> None:
    """It says the same, to the last word; other pages, other colours and bad links are built."""

    async def visit(house: House) -> None:
        await house.stocked(1)
        shelf, before = house.shelf, words(house.ready()[0])
        for other in ("page=why", "t=09&theme=dark", "t=13", ""):
            assert await shelf._turned(other) is None and len(house.ready()) == 1
        turned, built = await shelf._turned(query), await shelf._filled(query)
        assert turned is not None and await shelf._rests(turned.session, 1, 30)
        said = words(turned)
        assert +said == words(built) != before
        assert before["invitation"] == 1 and not said["invitation"]

    live(visit, 1, app=Path(dashboard.__file__).with_name("app.py"))


def test_odd_links_fill_neither_the_shelf_nor_the_memory(live: Live) -> None:
    """However many links are asked for however often, so many sessions are ready, and few links remembered."""

    async def visit(house: House) -> None:
        await house.stocked(2)
        for number in range(3 * opening.MOST_ASKED):
            house.shelf.take(f"number={number}")
            house.shelf.take(f"number={number}")
        house.shelf.take("x" * (opening.LONGEST + 1))
        assert len(house.shelf._asked._times) == opening.MOST_ASKED
        newest = f"number={3 * opening.MOST_ASKED - 1}"
        await house.stocked(1, newest)
        assert len(house.shelf) <= 3 and house.ready()

    live(visit, 3)


def test_shares_follow_what_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """One asked for once has none, a class's link most, the plain address one at least, for ten minutes."""
    asked, now = opening.Asked(), [0.0]
    monkeypatch.setattr(opening.time, "monotonic", lambda: now[0])
    asked.note("once")
    assert asked.shares(20) == {"": 20}
    for _ in range(2):
        asked.note("teacher")
    assert asked.shares(2) == {"": 1, "teacher": 1} and asked.shares(1) == {"": 1} and asked.shares(0) == {"": 0}
    for _ in range(30):
        asked.note("class")
    for size in range(21):
        assert sum(asked.shares(size).values()) == size
    shares = asked.shares(20)
    assert shares["class"] > 15 and shares["teacher"] >= 1 <= shares[""]
    now[0] += opening.ASKED_SECONDS + 1
    assert asked.shares(20) == {"": 20}


def test_scripts_run_in_their_order_as_they_come_and_unused_ones_not_at_all() -> None:
    """What the page brings is fetched at once, what stands in it waits, style sheets hold up nothing."""
    tags = (
        '<script type="esms-options">{}</script>'
        '<script type="text/javascript" src="static/js/bokeh.min.js?v=1"></script>'
        '<script type="text/javascript" src="static/js/bokeh-gl.min.js?v=2"></script>'
        '<link rel="stylesheet" href="x/font-awesome/css/all.min.css?v=3"/><link rel="stylesheet" href="own.css"/>'
        '<script type="text/javascript">\nBokeh.set_log_level("info")</script>'
        '<script src="last.js"></script><script type="module" src="m.js"></script>'
    )
    assert '["static/js/bokeh.min.js?v=1", "last.js"]' in loading(tags) and "async: false" in loading(tags)
    assert inline(tags) == 'Bokeh.set_log_level("info")'
    kept = '<script type="esms-options">{}</script><link rel="stylesheet" href="own.css"/>'
    assert others(tags) == kept + '<script type="module" src="m.js"></script>'
    assert """<link rel="stylesheet" media="print" onload="this.media = 'all'" href="own.css"/>""" in beside(tags)
    data = '<script type="application/json">{}</script>'
    assert when_ready(f"{data}<script>run()</script>") == f"{data}<script>hdl.ready.then(() => {{run()}})</script>"
