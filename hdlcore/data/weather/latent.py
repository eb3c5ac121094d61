"""Latent Gaussian weather: fields on the sphere, smooth in space, first-order autoregressive in time.

A field is a sum of random plane waves sampled on the sphere (random Fourier features, Rahimi and Recht 2007):
z(x, t) = sum_m [a_m(t) cos(w_m . x) + b_m(t) sin(w_m . x)] / sqrt(M), x the unit vector of a place,
w_m ~ N(0, 1 / l^2), a and b independent AR(1) series of unit variance. Its variance is exactly 1 everywhere, its
correlation over a distance d is about exp(-d^2 / (2 l^2)), and any cell can be made alone.

The noise of each (seed, field, block) is its own Philox stream, so that it depends on nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from hdlcore.data.weather.compiled import compiled
from hdlcore.data.weather.days import block

EARTH_RADIUS_KM = 6371.0


@dataclass(frozen=True)
class LatentField:
    """A latent field: length scale (km), lag-1 autocorrelation of its daily coefficients, and number of waves M."""

    name: str
    length_km: float
    persistence: float
    waves: int


# Length scales: fronts and their air masses are 1000 km, convective clusters a few hundred, blocking and
# ENSO-like shifts of the storm tracks larger. Persistence is fitted to the observed catchments (docs/weather.md).
FIELDS = (
    LatentField("synoptic", 900.0, 0.58, 48),
    LatentField("convective", 350.0, 0.30, 64),
    LatentField("slow", 2000.0, 0.985, 16),
    LatentField("temperature", 1300.0, 0.84, 40),
    LatentField("brief temperature", 500.0, 0.15, 32),
)
OFFSETS = np.concatenate([[0], np.cumsum([2 * field.waves for field in FIELDS])]).astype(np.int64)


def _generator(seed: int, *key: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, *key])))


@lru_cache(maxsize=4)
def wave_vectors(seed: int) -> NDArray[np.float64]:
    """Wave vectors w [sum of waves, 3] of all fields of `seed`, in radians per Earth radius."""
    parts = [
        _generator(seed, number, 0, 0).standard_normal((field.waves, 3)) * (EARTH_RADIUS_KM / field.length_km)
        for number, field in enumerate(FIELDS)
    ]
    vectors = np.concatenate(parts)
    vectors.flags.writeable = False
    return vectors


@lru_cache(maxsize=6)  # 7 MB each
def coefficients(seed: int, index: int) -> NDArray[np.float32]:
    """Daily coefficients [2 * waves of all fields, days] of block `index`.

    Cosine coefficients of a field come first, then its sine coefficients. The series runs in from the whole previous
    block's noise, so that the weather goes on smoothly from one block to the next.
    """
    days = block(index).n_days
    result = np.empty((OFFSETS[-1], days), np.float32)
    for number, field in enumerate(FIELDS):
        noise = np.concatenate([_noise(seed, number, index - 1), _noise(seed, number, index)], axis=1)
        rho = field.persistence
        series = lfilter([np.sqrt((1 - rho**2) / field.waves)], [1.0, -rho], noise, axis=1)
        result[OFFSETS[number] : OFFSETS[number + 1]] = series[:, -days:]
    result.flags.writeable = False
    return result


def _noise(seed: int, number: int, index: int) -> NDArray[np.float64]:
    """White noise [2 * waves, days] of one field and block; 1000 keeps keys of past blocks positive."""
    shape = (2 * FIELDS[number].waves, block(index).n_days)
    return _generator(seed, number, 1, index + 1000).standard_normal(shape)


@compiled
def latent_fields(
    waves: NDArray[np.float64],
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    coefs: NDArray[np.float32],
    offsets: NDArray[np.int64],
    first: int,
    last: int,
) -> NDArray[np.float32]:
    """Latent fields [cell, field, day] for days first..last-1 of one block.

    waves [M, 3]; lat, lon [cell] (degrees); coefs [2 M, days] with the rows of field f at offsets[f]..offsets[f + 1].
    """
    tile = 128  # days: the coefficients of one tile stay in the cache for all cells
    n_fields = offsets.size - 1
    out = np.zeros((lat.size, n_fields, last - first), np.float32)
    basis = np.empty((lat.size, coefs.shape[0]), np.float32)
    for c in range(lat.size):
        phi, lam = math.radians(lat[c]), math.radians(lon[c])
        x, y, z = math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)
        wave = 0
        for f in range(n_fields):
            half = (offsets[f + 1] - offsets[f]) // 2
            for m in range(half):
                phase = waves[wave, 0] * x + waves[wave, 1] * y + waves[wave, 2] * z
                basis[c, offsets[f] + m] = math.cos(phase)
                basis[c, offsets[f] + half + m] = math.sin(phase)
                wave += 1
    for start in range(0, last - first, tile):
        stop = min(start + tile, last - first)
        for c in range(lat.size):
            for f in range(n_fields):
                target = out[c, f, start:stop]
                for k in range(offsets[f], offsets[f + 1]):
                    amplitude = basis[c, k]
                    source = coefs[k, first + start : first + stop]
                    for d in range(target.size):
                        target[d] += amplitude * source[d]
    return out
