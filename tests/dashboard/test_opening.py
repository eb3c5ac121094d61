"""Sessions made ready or built for who waits: each is one visitor's alone, and is let go of like any other."""

from __future__ import annotations

import asyncio
import gc
import json
import weakref
from pathlib import Path

from bokeh.util.token import get_session_id, get_token_payload

import dashboard
from scripts.app_bench.client import Client
from tests.dashboard.opening_server import WAIT_SECONDS, House, Live


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
