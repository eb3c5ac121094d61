"""Random streams of the weather generator."""

from __future__ import annotations

import numpy as np


def generator(seed: int, *key: int) -> np.random.Generator:
    """Random stream of one part of the weather; keys are whole numbers from 0 up."""
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *key])))
