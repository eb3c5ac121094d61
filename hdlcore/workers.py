"""Who does the work: this process, processes of this machine, or a cluster (`hdlcore.runtime.cluster`). One way to ask.

Work is a function ``work(item, context)`` of a module, so that a process started anew can import it; items and results
are small, and large things are named by path. It may be done twice when a worker is lost, so it must do no harm twice.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from queue import Queue
from threading import Event, Thread
from typing import Any, Protocol, TypeVar

from hdlcore.errors import RequestError
from hdlcore.progress import CancelToken, check

Item = TypeVar("Item")
Result = TypeVar("Result")

#: How often the one who asks looks at its cancel token, seconds.
LOOK = 0.05
#: A worker is one core's: kernels and libraries keep to one thread there, since every core has a worker of its own.
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "BLOSC_NTHREADS": "1",
    "HDL_THREADS": "1",
}


@dataclass(frozen=True)
class Context:
    """What work has beside its item: whether to stop, and whom to tell where it is (anything small and picklable)."""

    stop: CancelToken
    tell: Callable[[Any], None]


class Workers(Protocol):
    """Something that does work for many items."""

    @property
    def count(self) -> int:
        """How many items are worked on at a time."""
        ...

    def map(
        self, work: Callable[[Item, Context], Result], items: Sequence[Item], cancel: CancelToken | None = None,
        heard: Callable[[Any], None] | None = None,
    ) -> Generator[tuple[int, Result], None, None]:  # fmt: skip
        """Give (position, result) as results come, in any order; `heard` gets what the work tells.

        Raises `Cancelled` when told to stop, what the work raises, and `RequestError` when workers are lost for good.
        Work under way is told to stop when the generator is closed before its end.
        """
        ...


def ignore(_: Any) -> None:
    """Hear nothing."""


class Here:
    """This very process, one item after the other."""

    count = 1

    def map(
        self, work: Callable[[Item, Context], Result], items: Sequence[Item], cancel: CancelToken | None = None,
        heard: Callable[[Any], None] | None = None,
    ) -> Generator[tuple[int, Result], None, None]:  # fmt: skip
        """Do the items in order."""
        context = Context(cancel or Event(), heard or ignore)
        for position, item in enumerate(items):
            check(cancel)
            yield position, work(item, context)


class Processes:
    """Processes of this machine, started for each `map` and gone after it."""

    def __init__(self, count: int) -> None:
        self.count = max(count, 1)

    def map(
        self, work: Callable[[Item, Context], Result], items: Sequence[Item], cancel: CancelToken | None = None,
        heard: Callable[[Any], None] | None = None,
    ) -> Generator[tuple[int, Result], None, None]:  # fmt: skip
        """Share the items among the processes."""
        context = multiprocessing.get_context("spawn")
        with context.Manager() as manager:
            words, stop = manager.Queue(), manager.Event()
            listener = Thread(target=_listen, args=(words, heard or ignore), daemon=True)
            listener.start()
            try:
                with ProcessPoolExecutor(self.count, context, _begin, (words, stop)) as pool:
                    try:
                        position = {pool.submit(_work, work, item): i for i, item in enumerate(items)}
                        waiting = set(position)
                        while waiting:
                            check(cancel)
                            done, waiting = wait(waiting, LOOK, FIRST_COMPLETED)
                            for future in done:
                                yield position[future], future.result()
                    except BrokenProcessPool:
                        raise RequestError(
                            "A worker process ended unexpectedly, most likely for lack of memory; ask for fewer jobs."
                        ) from None
                    finally:
                        stop.set()
                        pool.shutdown(wait=False, cancel_futures=True)
            finally:
                words.put(None)
                listener.join()


_context: Context | None = None


def _begin(words: Queue, stop: Any) -> None:
    """Start of a worker process: one thread for everything, and its context."""
    global _context
    os.environ.update(ONE_THREAD)
    _context = Context(stop, words.put)


def _work(work: Callable[[Item, Context], Result], item: Item) -> Result:
    assert _context is not None
    return work(item, _context)


def _listen(words: Queue, heard: Callable[[Any], None]) -> None:
    while (entry := words.get()) is not None:
        heard(entry)
