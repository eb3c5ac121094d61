"""A class opens one link: how long each waits for the first bytes and for a filled page, and who clicks meanwhile.

    python scripts/class_arrives.py http://localhost:5006/app --link "tour=what-is-water-storage&stop=1"

Asks a server that runs already. The visitors have no browser behind them (`app_bench/client.py`), so that this machine
can be the server's own; their browsers' time comes on top. Several addresses are asked in turn, to compare servers.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

import numpy as np  # noqa: E402
from tornado.httpclient import AsyncHTTPClient  # noqa: E402

from scripts.app_bench.client import Client  # noqa: E402

CLICK_S = 1.0
REACH_M = 4e6  # clicks fall so near to the map's middle
BEFORE_S = 90.0  # between the teacher's trying the link and the class


async def arrive(address: str, after: float) -> Client:
    """A visitor who comes so many seconds from now, and stays."""
    await asyncio.sleep(after)
    return await Client.enter(address)


async def clicks(client: Client, took: list[float], over: asyncio.Event) -> None:
    """Click another place every second; put down what each answer took (s)."""
    loop, chance = asyncio.get_running_loop(), random.Random(1)
    while not over.is_set():
        await asyncio.sleep(CLICK_S)
        await client.rest(0.05)
        begun = loop.time()
        await client.tap(chance.uniform(-REACH_M, REACH_M), chance.uniform(-REACH_M, REACH_M))
        await client.answered()
        took.append(loop.time() - begun)


async def a_class(address: str, query: str, count: int, within: float, asked: int) -> None:
    """Let a class come to one server, and say what it was like."""
    link = f"{address}?{query}" if query else address
    for _ in range(asked):  # the teacher, who tries the link beforehand
        (await Client.enter(link)).leave()
    await asyncio.sleep(BEFORE_S if asked else 0)
    inside = await Client.enter(address)
    took: list[float] = []
    over = asyncio.Event()
    clicking = asyncio.create_task(clicks(inside, took, over))
    chance = random.Random(2)
    pupils = await asyncio.gather(*(arrive(link, chance.uniform(0, within)) for _ in range(count)))
    over.set()
    await clicking
    waited = {"first bytes": [each.first for each in pupils], "filled": [each.filled for each in pupils]}
    for what, values in waited.items():
        middle, high, longest = np.percentile(values, (50, 95, 100))
        print(f"{address} {what}: median {middle:.2f}, 95 % {high:.2f}, longest {longest:.2f} s")
    print(f"{address} longest answer to one of {len(took)} clicks meanwhile: {max(took, default=0):.2f} s", flush=True)
    for client in (inside, *pupils):
        client.leave()


async def main() -> None:
    """Read the command line, and let the class come."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("addresses", nargs="+", metavar="ADDRESS", help="of the app on servers that run")
    parser.add_argument("--link", default="", help="what stands behind the question mark; empty for the plain address")
    parser.add_argument("--count", type=int, default=30)
    parser.add_argument("--within", type=float, default=20.0, metavar="SECONDS")
    parser.add_argument("--asked", type=int, default=0, help="how often the link was asked for before")
    options = parser.parse_args()
    AsyncHTTPClient.configure(None, max_clients=2 * options.count)
    for address in options.addresses:
        await a_class(address, options.link, options.count, options.within, options.asked)


if __name__ == "__main__":
    asyncio.run(main())
