"""How the kernels of the weather generator are compiled.

Each file of kernels stands alone: numba's cache on disk looks only at the file of the function it stores, so a compiled
function must not take code or constants from another file, or an edit there would go unseen.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

log = logging.getLogger(__name__)
F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile a kernel without fastmath (sums keep their order) and without the GIL, cached on disk where that can be.

    numba refuses to cache when it can write neither beside the source nor in the user's cache folder; then the
    kernel is compiled anew in each process, which costs some seconds at the first use.
    """
    try:
        kernel: Any = njit(cache=True, nogil=True)(function)
    except RuntimeError as error:
        log.info("%s is compiled without a cache on disk: %s", function.__name__, error)
        kernel = njit(nogil=True)(function)
    result: F = kernel
    return result
