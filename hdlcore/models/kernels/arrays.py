"""Tensors of a run as the arrays that the kernels read, and the threads that share the cells."""

from __future__ import annotations

import contextlib
import ctypes
import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import threadpoolctl  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.models.hybrid import Prepared
from hdlcore.models.kernels.day import Layout

_threads = 0
_pool: ThreadPoolExecutor | None = None
_lock = threading.Lock()


def threads() -> int:
    """Threads that share the cells of a run: the cores this process may use, or HDL_THREADS."""
    chosen = os.environ.get("HDL_THREADS", "")
    if _threads or chosen.isdigit():
        return max(1, _threads or int(chosen))
    own = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(own(0)) if own else os.cpu_count() or 1


def set_threads(count: int) -> None:
    """Use `count` threads from now on; a process that is one of several workers sets 1."""
    global _threads, _pool
    with _lock:
        _threads, _pool = count, None


def one_blas_thread() -> None:
    """Keep BLAS to one thread in this process: a daily product is tiny, and the threads are over cells."""
    _blas().limit(limits=1, user_api="blas")


@lru_cache(maxsize=1)
def _blas() -> threadpoolctl.ThreadpoolController:
    """The libraries of this process, looked for once: reading their list takes as long as a short run."""
    import scipy.linalg.cython_blas  # noqa: F401  the BLAS that numba calls must be loaded to be limited

    return threadpoolctl.ThreadpoolController()


def give_back() -> None:
    """Return freed memory to the system (glibc keeps it otherwise, in pieces, and a run over the world grows by GB)."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)


def share(work: list[Callable[[], None]]) -> None:
    """Do all of `work`, which releases the GIL, on the threads."""
    global _pool
    if len(work) == 1 or threads() == 1:
        for one in work:
            one()
        return
    with _lock:
        if _pool is None:
            _pool = ThreadPoolExecutor(threads(), "hdl-kernel")
        pool = _pool
    for done in [pool.submit(one) for one in work]:
        done.result()


def pieces(n_cells: int, lanes: int, members: int = 1) -> Iterator[tuple[int, int]]:
    """Ranges of cells, whole blocks each, enough of them that no thread waits long for another."""
    blocks = -(-n_cells // lanes)
    count = min(blocks, max(1, -(-4 * threads() // members))) if threads() > 1 else 1
    cuts = [round(i * blocks / count) * lanes for i in range(count + 1)]
    for first, last in pairwise(cuts):
        yield first, min(last, n_cells)


def numbers(tensor: Tensor) -> NDArray[np.float32]:
    """A tensor's memory as an array."""
    return tensor.detach().numpy()


def constants(layout: Layout, prepared: Prepared, n_cells: int) -> NDArray[np.float32]:
    """Parameters that do not change in time, (parameter, cell)."""
    rows = [np.broadcast_to(numbers(prepared.parameters[name]), n_cells) for name in layout.constant]
    return np.stack(rows) if rows else np.zeros((0, n_cells), np.float32)


def networks(layout: Layout, prepared: Prepared, transposed: bool) -> list[Any]:
    """Tensors of every recurrent network in the order of the kernels' arguments.

    Weights are kept (in, out); a block's kernel wants them the other way round (`transposed`).
    """
    arrays: list[Any] = []
    for name, *_ in layout.networks:
        t = prepared.recurrent[name]
        arrays.append(numbers(t["gate_bias"]))
        for weight, bias in (("weight", ""), ("head_weight", "head_bias"), ("out_weight", "out_bias")):
            value = numbers(t[weight])
            arrays.append(np.ascontiguousarray(value.T if transposed else value))
            if bias:
                arrays.append(np.ascontiguousarray(numbers(t[bias]).reshape(-1)))
    return arrays


def days_of(forcing: Tensor, member: int | None) -> NDArray[np.float32]:
    """Forcing (time, cell, n_forcing) of one member, or of all when the model has no member dimension."""
    return numbers(forcing if member is None else forcing[:, member])


def suits(prepared: Prepared, *tensors: Tensor) -> bool:
    """Whether everything is float32 on the CPU."""
    return all(t.dtype is torch.float32 and t.device.type == "cpu" for t in _every(prepared, *tensors))


def wants_gradient(prepared: Prepared, *tensors: Tensor) -> bool:
    """Whether anything asks for its gradient."""
    return any(t.requires_grad for t in _every(prepared, *tensors))


def _every(prepared: Prepared, *tensors: Tensor) -> Iterator[Tensor]:
    yield from tensors
    yield from prepared.parameters.values()
    for network in prepared.recurrent.values():
        yield from network.values()
