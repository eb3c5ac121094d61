"""Which past a network may learn from, and the order its training series are put into so that it can learn no other.

After Kraft et al. (2019): a series is cut into blocks of n + 1 steps, the blocks are shuffled, inputs and targets
alike, and only the last step of each block is compared. What stands before a block is some other time, so n steps of
the past are all that helps. n = 0 shuffles single steps: no memory. The order is redrawn for every step of the
optimizer, in training only; a trained network is always run on the true order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdlcore.errors import RequestError

#: The longest limited memory, steps (Kraft et al. 2019: n = 0 to 6).
LONGEST = 6


@dataclass(frozen=True)
class Memory:
    """What a network may remember: `steps` back (None: all), of all drivers (None) or only of some.

    With some `drivers`, the others' values before the last step of a block are drawn from other times: of them only the
    current value can be used.
    """

    steps: int | None
    drivers: tuple[str, ...] | None = None

    @property
    def name(self) -> str:
        """As in "M_3", "M_full", "M_6 precipitation", "M_6 precipitation+net_radiation"."""
        length = "full" if self.steps is None else str(self.steps)
        return f"M_{length} {'+'.join(self.drivers or ())}".strip()


NONE, FULL = Memory(0), Memory(None)


def memories(drivers: tuple[str, ...], driver_steps: int = LONGEST) -> tuple[Memory, ...]:
    """All that are trained: M_0 to M_6, M_full, the longest of each driver alone, and of all drivers but each."""
    limited = tuple(Memory(n) for n in range(LONGEST + 1))
    alone = tuple(Memory(driver_steps, (driver,)) for driver in drivers)
    without = tuple(Memory(driver_steps, tuple(d for d in drivers if d != driver)) for driver in drivers)
    return (*limited, FULL, *alone, *without)


def block_order(steps: int, n: int, rng: np.random.Generator) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Order (step,) of a series of `steps` in shuffled blocks of n + 1, and which places (step,) are compared.

    Compared is the last step of each whole block. Where the first block begins is drawn too, so that every step is the
    last of a block in turn; what is left at either end is shuffled with the blocks and not compared. With n + 1 of
    `steps` or more the order is the true one, and its last step is compared.

    Raises `RequestError` for a negative n or an empty series.
    """
    if steps < 1 or n < 0:
        raise RequestError(
            f"A series of {steps} steps has no blocks of {n + 1}; give at least one step and n from 0 up."
        )
    length = min(n + 1, steps)
    begin = int(rng.integers(min(length, steps - length + 1)))
    edges = [*range(begin, steps, length), steps]
    pieces = [np.arange(a, b) for a, b in zip([0, *edges[:-1]], edges, strict=True) if b > a]
    whole = [piece.size == length and piece[0] >= begin for piece in pieces]
    order, compared = [], np.zeros(steps, bool)
    at = 0
    for number in rng.permutation(len(pieces)):
        order.append(pieces[number])
        at += pieces[number].size
        compared[at - 1] = whole[number]
    return np.concatenate(order), compared


def driver_order(order: NDArray[np.intp], compared: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.intp]:
    """Order (step,) for a driver without memory beside `order`: true where compared, from other times elsewhere."""
    mixed = order.copy()
    mixed[~compared] = rng.permutation(order[~compared])
    return mixed


def training_orders(
    memory: Memory, drivers: tuple[str, ...], series: int, steps: int, rng: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.bool_]]:
    """Orders (series, step, driver) of the inputs, the order (series, step) of the target, and the places
    (series, step) that are compared.

    Raises `RequestError` when the memory is of a driver that is not there.
    """
    unknown = [driver for driver in memory.drivers or () if driver not in drivers]
    if unknown:
        raise RequestError(f"There is no driver '{unknown[0]}' to remember; there are {', '.join(drivers)}.")
    orders, places = np.empty((series, steps), np.intp), np.ones((series, steps), bool)
    orders[:] = np.arange(steps)
    if memory.steps is None:
        return np.repeat(orders[..., None], len(drivers), -1), orders, places
    inputs = np.empty((series, steps, len(drivers)), np.intp)
    for s in range(series):
        orders[s], places[s] = block_order(steps, memory.steps, rng)
        inputs[s] = orders[s][:, None]
        if memory.drivers is not None:
            others = [i for i, driver in enumerate(drivers) if driver not in memory.drivers]
            inputs[s][:, others] = driver_order(orders[s], places[s], rng)[:, None]
    return inputs, orders, places
