"""The twin's true memory of NDVI at the sampled cells: what weather of each age really does to today's greenness."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.twin import TwinSpec
from hdlcore.data.twin.memory import memory_sizes
from hdlcore.memory_study.fit import F4
from hdlcore.memory_study.memory import LONGEST
from hdlcore.progress import CancelToken, Progress

#: Days of a month of age, and of the longest age followed.
MONTH, LAGS = 30, 365


def true_memory(
    world: xr.Dataset, at: NDArray[np.intp], spec: TwinSpec, progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> F4:  # fmt: skip
    """Mean size of the true contribution to NDVI (driver, age, cell) of weather by its age in months of 30 days.

    The last age, after those of 0 to 6 months, holds all that is older, up to a year. By finite differences of the
    process model (`hdlcore.data.twin.memory`): no network is asked.
    """
    sizes = memory_sizes(world, world["cell"].values[at], "ndvi", LAGS, spec=spec, progress=progress, cancel=cancel)
    begins = np.arange(LONGEST + 2) * MONTH
    size = sizes["attribution_size"].transpose("forcing", "lag", "cell").values
    return np.add.reduceat(size, begins, axis=1).astype(np.float32)
