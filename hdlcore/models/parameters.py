"""A hybrid model is a table of parameters plus a pure step function; this is the table.

Each parameter is learned by a named network, global (one number for the whole world, learned), or fixed. The idea of
the table is that of EasyHybrid.jl: a new hypothesis is one line.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from hdlcore.errors import ModelError

GLOBAL, FIXED = "global", "fixed"


@dataclass(frozen=True)
class Parameter:
    """One parameter of the physics.

    `source` is the name of the network that learns it, or "global", or "fixed". The learned raw value 0 means
    `default`; `low` and `high` bound it: both finite (sigmoid), `high` infinite (softplus), or neither (straight line).
    Units as in the source equation. Where a bound is missing, `scale` is how far one unit of the raw value moves it.
    """

    name: str
    units: str
    default: float
    low: float
    high: float
    source: str
    scale: float = 1.0

    def __post_init__(self) -> None:
        if not self.low <= self.default <= self.high or self.low == self.high:
            raise ModelError(
                f"Parameter '{self.name}' has default {self.default} outside ({self.low}, {self.high}); mend its line."
            )
        if self.source != FIXED and self.default in (self.low, self.high):
            raise ModelError(f"Parameter '{self.name}' starts on its bound and cannot be learned; move its default.")
        if math.isinf(self.low) and not math.isinf(self.high):
            raise ModelError(f"Parameter '{self.name}' has an upper bound and no lower one; give both, or neither.")
        if not 0 < self.scale < math.inf:
            raise ModelError(f"Parameter '{self.name}' has scale {self.scale}; give a positive number.")

    def value(self, raw: Tensor) -> Tensor:
        """Map raw network output (any shape) into the open interval (low, high); 0 maps to the default."""
        if math.isinf(self.low):
            return self.default + self.scale * raw
        if math.isinf(self.high):
            above = (self.default - self.low) / self.scale
            start = above + math.log(-math.expm1(-above))  # the inverse of softplus, for large values too
            return self.low + self.scale * torch.nn.functional.softplus(raw + start)
        span = self.high - self.low
        start = math.log((self.default - self.low) / (self.high - self.default))
        return self.low + span * torch.sigmoid(raw + start)


@dataclass(frozen=True)
class Store:
    """One store of water, mm: its name, cold start, and the amount at which a network sees it half saturated."""

    name: str
    initial: float
    half: float


@dataclass(frozen=True)
class StaticNetwork:
    """A network that sees only what does not change in time; its parameters are constant per cell."""

    name: str
    hidden: int = 32


@dataclass(frozen=True)
class RecurrentNetwork:
    """An LSTM that steps daily; it sees the named forcing and stores and an encoding of the statics."""

    name: str
    forcing: tuple[str, ...]
    stores: tuple[str, ...]
    hidden: int = 64
    encoding: int = 12
    head: int = 32


Network = StaticNetwork | RecurrentNetwork
