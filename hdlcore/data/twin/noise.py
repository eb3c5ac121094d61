"""Hidden noise of the twin Earth's parameters: fields that no static map knows, the same for a cell in any batch.

Each field has unit variance: SMOOTH of it is a sum of random plane waves on the sphere (as in the weather generator),
the rest is drawn for each cell alone from its id.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.compiled import compiled

F8 = NDArray[np.float64]

LENGTH_KM = 1200.0
SMOOTH = 0.7  # share of the variance that is smooth in space
N_WAVES = 48
_EARTH_RADIUS_KM = 6371.0


@lru_cache(maxsize=4)
def _waves(seed: int, n_fields: int) -> tuple[F8, F8]:
    """Wave vectors [field, wave, 3] (radians per Earth radius) and phases [field, wave]."""
    generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 7001])))
    phases = generator.uniform(0.0, 2 * np.pi, (n_fields, N_WAVES))
    vectors = generator.standard_normal((n_fields, N_WAVES, 3)) * (_EARTH_RADIUS_KM / LENGTH_KM)
    return vectors, phases


def hidden_noise(seed: int, cells: NDArray[np.int64], lat: F8, lon: F8, n_fields: int) -> F8:
    """Standard normal noise [cell, field] of cells (ids) at lat, lon (degrees); depends on seed and cell alone."""
    vectors, phases = _waves(seed, n_fields)
    return _noise(seed, np.asarray(cells, np.int64), lat, lon, vectors, phases, SMOOTH)  # type: ignore[no-any-return]


@compiled
def _scramble(x: np.uint64) -> np.uint64:
    """SplitMix64 (Steele et al. 2014): neighbouring numbers in, unrelated numbers out."""
    x = x + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@compiled
def _normal(key: np.uint64) -> float:
    """A standard normal number from a 64-bit key, by Box and Muller (1958)."""
    first, second = _scramble(key), _scramble(key ^ np.uint64(0xA5A5A5A5A5A5A5A5))
    u = (float(first >> np.uint64(11)) + 0.5) / 9007199254740992.0
    v = float(second >> np.uint64(11)) / 9007199254740992.0
    return math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v)


@compiled
def _noise(seed: int, cells: NDArray[np.int64], lat: F8, lon: F8, vectors: F8, phases: F8, smooth: float) -> F8:
    n_fields, n_waves = phases.shape
    out = np.empty((cells.size, n_fields))
    for c in range(cells.size):
        phi, lam = math.radians(lat[c]), math.radians(lon[c])
        x, y, z = math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)
        own = _scramble(np.uint64(seed) ^ _scramble(np.uint64(cells[c])))
        for f in range(n_fields):
            total = 0.0
            for w in range(n_waves):
                total += math.cos(vectors[f, w, 0] * x + vectors[f, w, 1] * y + vectors[f, w, 2] * z + phases[f, w])
            alone = _normal(own ^ _scramble(np.uint64(f + 1)))
            out[c, f] = math.sqrt(smooth * 2.0 / n_waves) * total + math.sqrt(1.0 - smooth) * alone
    return out
