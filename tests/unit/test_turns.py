"""Turns: never more at work than slots, the urgent first, nobody starved, cancelled at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from hdlcore.errors import Cancelled
from hdlcore.runtime.turns import Asker, Priority, Turns

BACKGROUND = Priority.BACKGROUND


def start(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.005)


def test_never_more_at_work_than_slots() -> None:
    turns, now, most, lock = Turns(2), [0], [0], threading.Lock()

    def work() -> None:
        with turns.turn(Asker()):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            time.sleep(0.02)
            with lock:
                now[0] -= 1

    threads = [start(work) for _ in range(10)]
    for thread in threads:
        thread.join(5)
    assert most[0] == 2 and now[0] == 0


def test_a_click_goes_before_the_background_that_runs_and_it_goes_on_after() -> None:
    turns, order = Turns(1), []
    running, stop = threading.Event(), threading.Event()

    def background() -> None:
        with turns.turn(Asker("map", BACKGROUND)) as turn:
            running.set()
            while not stop.is_set():
                assert not turn.is_set()
                time.sleep(0.005)
            order.append("background ended")

    thread = start(background)
    running.wait(5)
    began = time.monotonic()
    with turns.turn(Asker("visitor")):
        waited = time.monotonic() - began
        order.append("click")
    assert waited < 0.5
    stop.set()
    thread.join(5)
    assert order == ["click", "background ended"]


def test_users_share_a_slot_when_one_asks_for_more() -> None:
    """A user with endless work does not keep another from ending a short one."""
    turns, stop, running = Turns(1), threading.Event(), threading.Event()

    def greedy() -> None:
        with turns.turn(Asker("greedy")) as turn:
            running.set()
            while not stop.is_set():
                turn.is_set()
                time.sleep(0.005)

    thread = start(greedy)
    running.wait(5)
    with turns.turn(Asker("modest")):
        pass
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_who_waits_is_cancelled_within_a_tenth_of_a_second_and_leaves_no_trace() -> None:
    turns, release, token = Turns(1), threading.Event(), threading.Event()
    holding = threading.Event()

    def hold() -> None:
        with turns.turn(Asker("a")):
            holding.set()
            release.wait(5)

    thread = start(hold)
    holding.wait(5)
    threading.Timer(0.1, token.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled), turns.turn(Asker("b"), token):
        pass
    assert time.monotonic() - began < 0.5
    release.set()
    thread.join(5)
    with turns.turn(Asker("c")):
        pass  # the slot is free again


def test_an_error_gives_the_turn_back() -> None:
    turns = Turns(1)
    with pytest.raises(ValueError, match="broken"), turns.turn(Asker()):
        raise ValueError("broken")
    with turns.turn(Asker()):
        pass


def test_the_most_urgent_of_those_who_wait_is_next() -> None:
    turns, order, release = Turns(1), [], threading.Event()
    holding = threading.Event()

    def hold() -> None:
        with turns.turn(Asker()):
            holding.set()
            release.wait(5)

    def wait_for(asker: Asker) -> None:
        with turns.turn(asker):
            order.append(asker.user)

    first = start(hold)
    holding.wait(5)
    late = start(lambda: wait_for(Asker("background", BACKGROUND)))
    until(lambda: len(turns._waiting) == 1)
    soon = start(lambda: wait_for(Asker("click")))
    until(lambda: len(turns._waiting) == 2)
    release.set()
    for thread in (first, late, soon):
        thread.join(5)
    assert order == ["click", "background"]
