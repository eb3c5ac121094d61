"""Workers of a dask.distributed cluster: a scheduler by address, or processes of this machine (docs/cluster.md).

Tasks carry paths and cell numbers; models and data are read on the worker. A worker that dies costs what it was at: the
scheduler gives its tasks to others. What ends the work ends it with one sentence.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import Empty, Queue
from typing import Any

import dask
import torch
from distributed import Client, Event, Future, KilledWorker, LocalCluster, get_client, get_worker

from hdlcore.errors import Cancelled, HDLError, RequestError
from hdlcore.models.kernels.arrays import one_blas_thread, set_threads
from hdlcore.progress import CancelToken, check
from hdlcore.workers import ONE_THREAD, Context, Item, Result

logger = logging.getLogger(__name__)

#: How often the driver looks at its cancel token and at the connection, seconds.
LOOK = 0.05
#: How often a worker asks the scheduler whether to stop, seconds.
ASK = 0.25
#: How long a scheduler may take to answer at first, seconds.
PATIENCE = 15
#: How often an item that failed for lack of memory is tried again.
RETRIES = 2
_NO_MEMORY = (
    "A worker ran out of memory and was ended, more than once; give workers more memory (--memory-limit), or ask for a "
    "shorter period, monthly values or fewer cells per block."
)


class Cluster:
    """`hdlcore.workers.Workers` on a cluster that a client is connected to."""

    def __init__(self, client: Client) -> None:
        self.client = client

    @property
    def count(self) -> int:
        """Threads of all workers that are there now."""
        return max(1, sum(self.client.nthreads().values()))

    def map(
        self, work: Callable[[Item, Context], Result], items: Sequence[Item], cancel: CancelToken | None = None,
        heard: Callable[[Any], None] | None = None,
    ) -> Generator[tuple[int, Result], None, None]:  # fmt: skip
        """Share the items among the workers; see `hdlcore.workers.Workers.map`."""
        if not items:
            return
        run = _Run(self.client, work, items, f"hdl-{uuid.uuid4().hex[:8]}")
        if heard:
            self.client.subscribe_topic(run.name, lambda event: heard(event[1]))
        finished = False
        try:
            for position in range(len(items)):
                run.submit(position)
            while run.waiting:
                check(cancel)
                if self.client.status != "running":
                    raise _lost()
                result = run.next(LOOK)
                if result is not None:
                    yield result
            finished = True
        finally:
            run.stop(finished)
            if heard and self.client.status == "running":
                self.client.unsubscribe_topic(run.name)


@dataclass
class _Run:
    """One `map` under way."""

    client: Client
    work: Callable[[Any, Context], Any]
    items: Sequence[Any]
    name: str
    waiting: dict[int, Future] = field(default_factory=dict)
    tries: dict[int, int] = field(default_factory=dict)
    done: Queue = field(default_factory=Queue)

    def submit(self, position: int) -> None:
        attempt = self.tries[position] = self.tries.get(position, -1) + 1
        future = self.client.submit(
            _on_worker, self.work, self.items[position], self.name,
            key=f"{self.name}-{position}-{attempt}", pure=False, priority=-position,
        )  # fmt: skip
        self.waiting[position] = future
        future.add_done_callback(lambda _: self.done.put((position, attempt)))

    def next(self, timeout: float) -> tuple[int, Any] | None:
        """The next result, or None when there is none yet; raises the sentence that ends the run."""
        try:
            position, attempt = self.done.get(timeout=timeout)
        except Empty:
            return None
        future = self.waiting.pop(position)
        if future.status == "finished":
            try:
                return position, future.result(timeout=PATIENCE)
            except (OSError, TimeoutError, asyncio.CancelledError) as error:
                if self.client.status != "running":
                    raise _lost() from error
                error_ = error  # the worker died with the result in its hands
            self.submit(position)
            logger.info("item %d is done again: %s", position, error_)
            return None
        if future.status in ("cancelled", "lost"):
            raise _lost()
        self._failed(position, attempt, future.exception())
        return None

    def _failed(self, position: int, attempt: int, error: BaseException | None) -> None:
        """Try again what another worker may manage; else raise one sentence."""
        if isinstance(error, HDLError):
            raise error
        if isinstance(error, KilledWorker):
            raise RequestError(_NO_MEMORY) from error
        if isinstance(error, MemoryError):
            if attempt >= RETRIES:
                raise RequestError(_NO_MEMORY) from error
            self.submit(position)
            return
        raise error if error is not None else _lost()

    def stop(self, finished: bool) -> None:
        """Cancel what is left, and tell work under way to stop."""
        if finished or self.client.status != "running":
            return
        try:
            Event(self.name, self.client).set()
            self.client.cancel(list(self.waiting.values()), force=True)
        except (OSError, TimeoutError, asyncio.CancelledError) as error:
            logger.debug("the scheduler did not hear that the work is over: %s", error)


def _lost() -> RequestError:
    return RequestError(
        "The connection to the scheduler was lost; start it and its workers again, and go on with --resume."
    )


@contextmanager
def local_cluster(workers: int, memory_limit: str = "auto") -> Iterator[Cluster]:
    """`workers` processes of this machine with a scheduler of their own, gone at the end."""
    if workers < 1:
        raise RequestError(f"A cluster of {workers} workers cannot work; ask for 1 or more.")
    with _quiet(), dask.config.set({"distributed.nanny.pre-spawn-environ": ONE_THREAD}):
        with _interrupts_ignored():
            cluster = LocalCluster(
                n_workers=workers, threads_per_worker=1, memory_limit=memory_limit, silence_logs=logging.CRITICAL,
                dashboard_address="127.0.0.1:0", scheduler_kwargs={"dashboard": False},
            )  # fmt: skip
        with cluster, Client(cluster, set_as_default=False) as client:
            yield Cluster(client)


@contextmanager
def _interrupts_ignored() -> Iterator[None]:
    """Ctrl-C reaches all processes of a terminal; workers begun in here leave it to the driver, who tells them."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def connect(address: str, patience: float = PATIENCE) -> Iterator[Cluster]:
    """The cluster of the scheduler at `address` (tcp://HOST:PORT), which goes on after us.

    Raises `RequestError` when nobody answers there, or no worker comes within `patience` seconds.
    """
    with _quiet():
        try:
            client = Client(address, timeout=patience, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise RequestError(
                f"No scheduler answers at {address} ({type(error).__name__}); start one with 'dask scheduler' and give "
                "the address that it prints."
            ) from error
        with client:
            try:
                client.wait_for_workers(1, timeout=patience)
            except (OSError, TimeoutError) as error:
                raise RequestError(
                    f"The scheduler at {address} has no workers; start some with 'dask worker {address}'."
                ) from error
            yield Cluster(client)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep dask's own log of lost connections off the screen: what matters of it is said in a sentence."""
    logs = logging.getLogger("distributed")
    level = logs.level
    logs.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logs.setLevel(level)


# -- on the worker ------------------------------------------------------------------------------------------------


def _on_worker(work: Callable[[Item, Context], Result], item: Item, run: str) -> Result:
    """Do one item with one thread; what it tells goes to the driver as an event of the run."""
    _one_thread()
    worker, stop = get_worker(), _Stop(run)
    try:
        # what the work opens lazily is read right here: as tasks of the cluster it would wait for its own worker
        with dask.config.set(scheduler="synchronous"):
            return work(item, Context(stop, lambda told: worker.log_event(run, told)))
    except RuntimeError as error:
        if "allocate memory" in str(error):  # torch's way to say it
            raise MemoryError(str(error)) from error
        raise


def _one_thread() -> None:
    os.environ.update(ONE_THREAD)
    set_threads(1)
    one_blas_thread()
    torch.set_num_threads(1)


class _Stop:
    """Whether the driver has ended the run, asked of the scheduler now and then; work without a scheduler is over."""

    def __init__(self, run: str) -> None:
        self._event = Event(run, get_client())
        self._asked, self._answer = time.monotonic(), False
        self._lock = threading.Lock()

    def is_set(self) -> bool:
        """Whether to stop."""
        with self._lock:
            if not self._answer and time.monotonic() - self._asked > ASK:
                try:
                    self._answer = bool(self._event.is_set())
                except (OSError, TimeoutError, asyncio.CancelledError, Cancelled):
                    self._answer = True
                self._asked = time.monotonic()
            return self._answer
