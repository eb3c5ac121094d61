"""Train a network on batches and run it: the same for both experiments."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.errors import ModelError
from hdlcore.memory_study.network import SequenceNetwork, step_inputs
from hdlcore.memory_study.recipe import Training
from hdlcore.progress import CancelToken, check
from hdlcore.training.trainer import one_cycle

F4 = NDArray[np.float32]

#: Inputs (series, step, feature), targets (series, step) and their weights (series, step), zero where not compared.
Batch = tuple[Tensor, Tensor, Tensor]
_AT_ONCE = 64  # series run at once


@dataclass(frozen=True)
class Scale:
    """Mean and standard deviation of each column, from what is trained on."""

    mean: F4
    std: F4

    @classmethod
    def of(cls, values: NDArray) -> Scale:
        """From samples (..., column); missing values are left out, a column that does not vary counts for none."""
        flat = np.asarray(values, np.float64).reshape(-1, values.shape[-1])
        known = np.isfinite(flat)
        count = np.maximum(known.sum(0), 1)
        mean = np.where(known, flat, 0).sum(0) / count
        std = np.sqrt(np.where(known, flat - mean, 0).__pow__(2).sum(0) / count)
        std = np.where(std <= 1e-6 * np.maximum(np.abs(mean), 1), np.inf, std)
        return cls(mean.astype(np.float32), std.astype(np.float32))

    def apply(self, values: NDArray) -> F4:
        """Standardised; a missing value becomes the mean."""
        scaled = (values - self.mean) / self.std
        return np.where(np.isfinite(scaled), scaled, 0).astype(np.float32)


def seed_of(seed: int, *parts: int) -> np.random.Generator:
    """The stream of chance of one training, the same whatever was trained before it."""
    return np.random.default_rng([seed, *parts])


def fit(
    network: SequenceNetwork, batches: Callable[[int], Iterable[Batch]], training: Training,
    cancel: CancelToken | None = None,
) -> float:  # fmt: skip
    """Train by AdamW under one cycle of rates on `batches(pass)`; returns the mean loss of the last pass.

    Raises `ModelError` when the loss is no number.
    """
    optimizer = torch.optim.AdamW(network.parameters(), lr=training.learning_rate, weight_decay=training.weight_decay)
    mean = math.nan
    for done in range(training.passes):
        check(cancel)
        for group in optimizer.param_groups:
            group["lr"] = training.learning_rate * one_cycle(done, training.passes)
        losses = []
        for inputs, target, weight in batches(done):
            error = (network(inputs) - target).square() * weight
            loss = error.sum() / weight.sum().clamp(min=1)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            losses.append(float(loss.detach()))
        mean = float(np.mean(losses))
        if not math.isfinite(mean):
            raise ModelError(f"The loss is {mean} in pass {done + 1}; lower 'learning_rate' in the recipe.")
    return mean


@torch.no_grad()
def run(network: SequenceNetwork, drivers: F4, statics: F4) -> F4:
    """Predictions (series, step), standardised, of drivers (series, step, driver) in their true order."""
    parts = []
    for begin in range(0, len(drivers), _AT_ONCE):
        chosen = slice(begin, begin + _AT_ONCE)
        inputs = step_inputs(torch.from_numpy(drivers[chosen]), torch.from_numpy(statics[chosen]))
        parts.append(network(inputs).numpy())
    return np.concatenate(parts)


def noisy(statics: F4, noise: float, rng: np.random.Generator) -> Tensor:
    """Standardised statics with some noise, as a tensor."""
    return torch.from_numpy(statics + noise * rng.standard_normal(statics.shape, dtype=np.float32))
