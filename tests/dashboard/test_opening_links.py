"""Who waits for a session is told so at once; links are given ready sessions turned to their view."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from bokeh.protocol.messages.pull_doc_reply import pull_doc_reply
from bokeh.util.token import get_session_id
from tornado.httpclient import AsyncHTTPClient

import dashboard
from dashboard import opening
from dashboard.pages.scripts import beside, inline, loading, others, when_ready
from tests.dashboard.opening_server import House, Live


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

    sent = ready.reply or pull_doc_reply.create("", ready.session.document)
    walk(json.loads(sent.content_json)["doc"]["roots"])
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
