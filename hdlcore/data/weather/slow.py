"""Slow modes of the weather: what makes a month, a year or a decade wet, dry, warm or cold over a whole region.

Three kinds act on wetness and on warmth each: seasons (months long), years, and a drift of decades (sinusoids of 15 to
60 years, known at any date). Beside them goes one ENSO-like index for the whole Earth: noise of some months drives
a damped oscillator of 3.8 years, which puts most of its power at 2 to 7 years.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.autoregression import autoregress
from hdlcore.data.weather.days import block
from hdlcore.data.weather.streams import generator

F8 = NDArray[np.float64]

NODE_DAYS = 8
EARTH_RADIUS_KM = 6371.0
_EPOCH = np.datetime64("1700-01-01", "D")  # node 0; before any block
_RUN_IN = 3  # blocks: 42 years are long for every memory below


@dataclass(frozen=True)
class SlowField:
    """A slow field: acts on 0 wetness or 1 warmth; length (km), memory (d; 0 = drift), waves, share of variance."""

    acts_on: int
    length_km: float
    memory_days: float
    waves: int
    share: float


SLOW_FIELDS = (
    SlowField(0, 1800.0, 60.0, 16, 0.50),
    SlowField(0, 2300.0, 450.0, 12, 0.35),
    SlowField(0, 2600.0, 0.0, 8, 0.15),
    SlowField(1, 2000.0, 45.0, 16, 0.75),
    SlowField(1, 2600.0, 450.0, 12, 0.17),
    SlowField(1, 3000.0, 0.0, 8, 0.08),
)
SLOW_SOURCES = np.repeat([field.acts_on for field in SLOW_FIELDS], [field.waves for field in SLOW_FIELDS])

ENSO_PERIOD = 3.8  # years
ENSO_MEMORY = 2.0  # years; damping of the oscillator
ENSO_NOISE_MEMORY = 60.0  # days


@dataclass(frozen=True)
class SlowModes:
    """Slow modes of one block.

    vectors [waves, 3]: wave vectors (rad per Earth radius); values [2 * waves, node]: coefficient of the cosine and the
    sine of each wave in turn; enso [node]; offset: days from the first node to the block's first day.
    """

    vectors: F8
    values: F8
    enso: F8
    offset: int


@lru_cache(maxsize=6)
def slow_modes(seed: int, index: int) -> SlowModes:
    """Slow modes of block `index`; they go on smoothly from block to block."""
    first = int((block(index).first - _EPOCH).astype(int))
    node = first // NODE_DAYS
    count = (first + block(index).n_days - 1) // NODE_DAYS + 2 - node
    vectors, values = [], []
    for f, field in enumerate(SLOW_FIELDS):
        random = generator(seed, 4, f)
        vectors.append(random.standard_normal((field.waves, 3)) * (EARTH_RADIUS_KM / field.length_km))
        scale = np.sqrt(field.share / field.waves)
        if field.memory_days > 0:
            rho = np.exp(-NODE_DAYS / field.memory_days)
            values.append(scale * _filtered(seed, (5, f), 2 * field.waves, np.array([rho]), index, node, count))
        else:
            values.append(scale * _drift(random, field.waves, (node + np.arange(count)) * NODE_DAYS / 365.2425))
    turn, damping = 2 * np.pi * NODE_DAYS / (ENSO_PERIOD * 365.2425), np.exp(-NODE_DAYS / (ENSO_MEMORY * 365.2425))
    oscillator = [1.0, -2 * damping * np.cos(turn), damping**2]
    memory = np.convolve(oscillator, [1.0, -np.exp(-NODE_DAYS / ENSO_NOISE_MEMORY)])
    enso = _filtered(seed, (6, 0), 1, -memory[1:], index, node, count)[0]
    return SlowModes(np.concatenate(vectors), np.concatenate(values), enso, first - node * NODE_DAYS)


def _nodes(index: int) -> tuple[int, int]:
    """First node of a block's own noise, and of the next block's."""
    first = int((block(index).first - _EPOCH).astype(int))
    return -(-first // NODE_DAYS), -(-(first + block(index).n_days) // NODE_DAYS)


def _filtered(seed: int, key: tuple[int, int], rows: int, memory: F8, index: int, node: int, count: int) -> F8:
    """Autoregressive series [rows, count] of unit variance from node `node` on; `memory` are its weights by lag."""
    members = range(index - _RUN_IN, index + 2)
    parts = []
    for member in members:
        start, stop = _nodes(member)
        parts.append(generator(seed, *key, member + 1000).standard_normal((rows, stop - start)))
    impulse = np.zeros((1, 20000))
    impulse[0, 0] = 1.0
    gain = 1 / np.sqrt((autoregress(impulse, 1.0, memory)[0] ** 2).sum())
    series = autoregress(np.concatenate(parts, axis=1), gain, memory)
    begin = node - _nodes(members[0])[0]
    result: F8 = series[:, begin : begin + count]
    return result


def _drift(random: np.random.Generator, waves: int, year: F8) -> F8:
    """Sinusoids [2 * waves, node] of 15 to 60 years; cosine and sine of a wave are a quarter of a turn apart."""
    period = np.exp(random.uniform(np.log(15.0), np.log(60.0), waves))
    phase = 2 * np.pi * (year / period[:, None] + random.random(waves)[:, None])
    # sqrt(2): a cos(x) + b sin(x) with a and b on a circle is one cosine, of variance one half
    result: F8 = np.sqrt(2.0) * np.stack([np.cos(phase), np.sin(phase)], axis=1).reshape(2 * waves, -1)
    return result
