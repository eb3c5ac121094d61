"""Autoregressive series from noise.

`scipy.signal.lfilter` gives the same numbers to the bit, but scipy.signal takes longer to import than the weather of a
cell takes to make.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.compiled import compiled

F8 = NDArray[np.float64]


@compiled
def autoregress(noise: F8, gain: float, memory: F8) -> F8:
    """Series y [row, time] with y(t) = gain * noise(t) + sum_k memory[k] * y(t - 1 - k), at rest before its start.

    Sums are taken in the order of a transposed direct form II filter, oldest term first.
    """
    order = memory.size
    result = np.empty_like(noise)
    carried = np.zeros(order + 1)
    for row in range(noise.shape[0]):
        carried[:] = 0.0
        for t in range(noise.shape[1]):
            y = gain * noise[row, t] + carried[0]
            for k in range(order):
                carried[k] = carried[k + 1] + memory[k] * y
            result[row, t] = y
    return result
