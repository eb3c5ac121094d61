"""Undo, and what counts as one step."""

from __future__ import annotations

import asyncio
import threading
import time

from bokeh.document import Document
from panel.io.state import set_curdoc

from dashboard.jobs import Lane
from dashboard.state import History, State, apply, defaults
from hdlcore.errors import RequestError


def test_undo_walks_back_to_the_opening_view() -> None:
    state = State()
    history = History(state)
    apply(state, {"climate_zones": (1,), "focus": "filter"})
    state.region = "Brazil"
    state.variable = "swe"
    assert len(history) == 3
    for _ in range(3):
        assert history.undo()
    assert state.snapshot() == defaults()
    assert not history.undo()


def test_playing_the_months_is_one_step() -> None:
    state = State()
    history = History(state)
    state.region = "Brazil"
    for month in range(6, 12):
        state.time = f"{month:02d}"
    assert len(history) == 2
    history.undo()
    assert (state.time, state.region) == ("05", "Brazil")


def test_what_is_set_silently_is_not_undone() -> None:
    state = State()
    history = History(state)
    with history.silently():
        state.region = "Brazil"
    state.variable = "swe"
    history.undo()
    assert (state.region, state.variable) == ("Brazil", "tws")


def test_clearing_removes_every_filter_at_once() -> None:
    state = State()
    history = History(state)
    apply(state, {"climate_zones": (1,), "latitude": (-10.0, 10.0), "values": (0.0, 5.0), "focus": "filter"})
    assert state.filtered
    state.clear_filters()
    assert not state.filtered
    assert state.focus == "cell"
    history.undo()
    assert state.latitude == (-10.0, 10.0)


def test_a_newer_request_supersedes_the_older_and_its_work_is_told_to_stop() -> None:
    async def both() -> tuple[list[str], bool]:
        lane, results, stopped = Lane(), [], threading.Event()

        def slow(progress, cancel) -> str:
            while not cancel.is_set():
                time.sleep(0.005)
            stopped.set()
            return "slow"

        first = asyncio.create_task(lane.run("Slow", slow, results.append))
        await asyncio.sleep(0.05)
        assert lane.running
        await lane.run("Quick", lambda progress, cancel: "quick", results.append)
        await first
        assert not lane.running
        return results, stopped.is_set()

    assert asyncio.run(both()) == (["quick"], True)


def test_work_of_a_page_that_was_closed_is_told_to_stop_and_draws_nothing() -> None:
    document = Document()

    async def leave() -> tuple[bool, list[str]]:
        with set_curdoc(document):
            lane, results, stopped = Lane(), [], threading.Event()

        def slow(progress, cancel) -> str:
            stopped.set() if cancel.wait(5) else None
            return "slow"

        task = asyncio.create_task(lane.run("Slow", slow, results.append))
        await asyncio.sleep(0.02)
        (left,) = document.session_destroyed_callbacks
        left(None)
        await asyncio.wait_for(task, 10)
        return stopped.is_set(), results

    assert asyncio.run(leave()) == (True, [])


def test_a_failed_job_says_one_sentence_and_cancelling_says_nothing() -> None:
    async def go() -> tuple[str, str, list]:
        lane, results = Lane(), []

        def refuse(progress, cancel) -> None:
            raise RequestError("The cell is in the sea; choose another.")

        def break_down(progress, cancel) -> None:
            raise ZeroDivisionError("inner detail")

        await lane.run("Running", refuse, results.append)
        ours = lane.error
        await lane.run("Running", break_down, results.append)
        return ours, lane.error, results

    ours, unexpected, results = asyncio.run(go())
    assert ours == "The cell is in the sea; choose another."
    assert unexpected.startswith("Running failed unexpectedly; the log has the details under ")
    assert "inner detail" not in unexpected
    assert results == []
