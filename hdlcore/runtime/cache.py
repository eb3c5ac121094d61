"""A bounded, thread-safe cache of read-only datasets. Keys are requests, never object identities."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

import xarray as xr


def read_only(dataset: xr.Dataset) -> xr.Dataset:
    """Mark every numpy array of `dataset` as not writeable, so that one reader cannot change another's numbers."""
    for variable in dataset.variables.values():
        if hasattr(variable.values, "flags"):
            variable.values.flags.writeable = False
    return dataset


class DatasetCache:
    """Least recently used datasets within `max_bytes`; what is computed for one caller waits for no other key."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._entries: OrderedDict[Hashable, xr.Dataset] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], xr.Dataset]) -> xr.Dataset:
        """Return the dataset of `key`, computing (outside the lock) and keeping it when it is not here."""
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
                return self._entries[key]
        dataset = read_only(compute())
        with self._lock:
            if key not in self._entries and dataset.nbytes <= self.max_bytes:
                self._entries[key] = dataset
                self._bytes += dataset.nbytes
                while self._bytes > self.max_bytes:
                    _, dropped = self._entries.popitem(last=False)
                    self._bytes -= dropped.nbytes
        return dataset

    @property
    def nbytes(self) -> int:
        """Bytes held now."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._entries)
