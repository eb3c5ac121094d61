"""Many visitors of one process: clicks among others, memory of open sessions, what is kept of closed ones."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psutil
from playwright.sync_api import Browser

from dashboard.serve import CHECK_UNUSED_SECONDS, UNUSED_SESSION_SECONDS
from dashboard.state import PAGES
from scripts.app_bench.client import Client
from scripts.app_bench.figures import slope
from scripts.app_bench.visitor import Visitor

IDLE, BUSY = 10, 3
BATCH = 12
GONE_S = UNUSED_SESSION_SECONDS + 2 * CHECK_UNUSED_SECONDS + 2
THINK_MS = 1000


@contextmanager
def idle(address: str, count: int) -> Iterator[None]:
    """Some visitors with the page open who do nothing. No browser is behind them: painting costs the server nothing."""
    loop, done, ready = asyncio.new_event_loop(), asyncio.Event(), threading.Event()
    problems: list[BaseException] = []

    async def stay() -> None:
        clients = []
        try:
            for _ in range(count):
                clients.append(await Client.enter(address))
            ready.set()
            await done.wait()
        except Exception as error:
            problems.append(error)
        finally:
            for client in clients:
                client.leave()
            ready.set()

    thread = threading.Thread(target=lambda: loop.run_until_complete(stay()), name="idle", daemon=True)
    thread.start()
    ready.wait()
    if problems:
        raise RuntimeError(f"An idle visitor could not enter: {problems[0]}")
    try:
        yield
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()


def together(
    browser: Browser, enter: Callable[[Browser], Visitor], click: Callable[[Visitor, tuple[float, float]], None],
    cells: Sequence[tuple[float, float]], rounds: int, goal: str,
) -> list[float]:  # fmt: skip
    """Rounds in which three people click another cell each in the same moment; milliseconds of all clicks."""
    visitors = [enter(browser) for _ in range(BUSY)]
    took: list[float] = []
    for step in range(rounds):
        for number, visitor in enumerate(visitors):
            click(visitor, cells[step * BUSY + number])
        took += [visitor.seen()[goal] for visitor in visitors]
        visitors[0].page.wait_for_timeout(THINK_MS)
    for visitor in visitors:
        visitor.close()
    return took


def memory(address: str, process: int, batches: int, size: int, pages: bool) -> dict[str, list[float]]:
    """Megabytes of the server for each open session, and kept for each closed one.

    Sessions come in batches, opened one after the other (with `pages` on the pages in turn), all open at once, then all
    closed and let go of. A first batch warms the caches; "kept" is the slope over all closed ones after it. A last one
    is twice as large, and (with `pages`) each of its sessions goes through all pages, which then stay in it: half of
    it lives in what earlier ones have given back, "session" is the slope over the rest.
    """
    server = psutil.Process(process)

    def used() -> float:
        return float(server.memory_info().rss) / 1e6

    async def visit(number: int, every: bool) -> Client:
        names = list(PAGES) if pages else []
        client = await Client.enter(f"{address}?page={names[number % len(names)]}" if pages and not every else address)
        for page in [*names[1:], names[0]] if every else []:
            await client.turn(page)
        await client.tap(0.1, 0.1)
        await client.rest()
        return client

    async def batch(size: int = size, every: bool = False) -> tuple[list[float], float]:
        clients, during = [], [used()]
        for number in range(size):
            clients.append(await visit(number, every))
            during.append(used())
        for client in clients:
            client.leave()
        await asyncio.sleep(GONE_S)
        return during, used()

    async def all_batches() -> dict[str, list[float]]:
        await batch()
        after = [(await batch())[1] for _ in range(batches)]
        grown, _ = await batch(2 * size, every=pages)
        kept = slope([size * n for n in range(1, batches + 1)], after)
        return {"session": [slope(range(size, 2 * size + 1), grown[size:])], "kept": [kept]}

    return asyncio.run(all_batches())
