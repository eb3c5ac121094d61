"""The few non-arithmetic operations the physics needs, for torch tensors, numpy arrays and plain floats alike."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch

#: A torch tensor, numpy array or float; all arguments of one call are of the same kind or plain floats.
Array: TypeAlias = Any


def minimum(a: Array, b: Array) -> Array:
    """Elementwise smaller of two; where equal, torch splits the gradient evenly."""
    if isinstance(a, torch.Tensor):
        return torch.minimum(a, b) if isinstance(b, torch.Tensor) else a.clamp(max=b)
    return b.clamp(max=a) if isinstance(b, torch.Tensor) else np.minimum(a, b)


def maximum(a: Array, b: Array) -> Array:
    """Elementwise larger of two; where equal, torch splits the gradient evenly."""
    if isinstance(a, torch.Tensor):
        return torch.maximum(a, b) if isinstance(b, torch.Tensor) else a.clamp(min=b)
    return b.clamp(min=a) if isinstance(b, torch.Tensor) else np.maximum(a, b)
