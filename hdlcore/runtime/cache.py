"""A bounded, thread-safe cache of read-only datasets. Keys are requests, never object identities."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

import xarray as xr

from hdlcore.progress import CancelToken, check
from hdlcore.runtime.disk_cache import DiskCache

#: How often one who waits for another's computation looks at its own cancel token, seconds.
LOOK = 0.05
#: Only what took longer than this is worth a place on disk, seconds.
WORTH_KEEPING = 0.5


def read_only(dataset: xr.Dataset) -> xr.Dataset:
    """Mark every numpy array of `dataset` as not writeable, so that one reader cannot change another's numbers."""
    for variable in dataset.variables.values():
        if hasattr(variable.values, "flags"):
            variable.values.flags.writeable = False
    return dataset


class DatasetCache:
    """Least recently used datasets within `max_bytes`, and behind them a `DiskCache` if one is given.

    What is asked for twice at the same time is computed once; what is computed for one caller waits for no other key.
    """

    def __init__(self, max_bytes: int, disk: DiskCache | None = None) -> None:
        self.max_bytes, self.disk = max_bytes, disk
        self._entries: OrderedDict[Hashable, xr.Dataset] = OrderedDict()
        self._flights: dict[Hashable, threading.Event] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def get(
        self, key: Hashable, compute: Callable[[], xr.Dataset], cancel: CancelToken | None = None, name: str = ""
    ) -> xr.Dataset:
        """Return the dataset of `key`, computing it outside the lock when it is not here.

        A caller who finds the key under computation waits for it, and takes over when that one fails or is cancelled.
        `cancel` is the caller's own: one who waits and is cancelled leaves alone. `name` is the key's on disk; empty
        means memory only.
        """
        while True:
            with self._lock:
                if key in self._entries:
                    self._entries.move_to_end(key)
                    return self._entries[key]
                landed = self._flights.get(key)
                if landed is None:
                    landed = self._flights[key] = threading.Event()
                    break
            while not landed.wait(LOOK):
                check(cancel)
        try:
            dataset = read_only(self._find_or_make(compute, name))
            self._keep(key, dataset)
            return dataset
        finally:
            with self._lock:
                del self._flights[key]
            landed.set()

    def _find_or_make(self, compute: Callable[[], xr.Dataset], name: str) -> xr.Dataset:
        if self.disk is None or not name:
            return compute()
        dataset = self.disk.read(name)
        if dataset is None:
            began = time.perf_counter()
            dataset = compute()
            if time.perf_counter() - began > WORTH_KEEPING:
                self.disk.write(name, dataset)
        return dataset

    def _keep(self, key: Hashable, dataset: xr.Dataset) -> None:
        with self._lock:
            if dataset.nbytes <= self.max_bytes:
                self._entries[key] = dataset
                self._bytes += dataset.nbytes
                while self._bytes > self.max_bytes:
                    _, dropped = self._entries.popitem(last=False)
                    self._bytes -= dropped.nbytes

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._entries)
