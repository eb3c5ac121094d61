"""Latent Gaussian weather: travelling storms and temperature waves, slow regional modes, and an ENSO-like oscillation.

Daily fields live in bands of latitude 20 degrees apart. In each band a field is a sum of waves round the Earth,
z(lat, lon, t) = sum_m [a_m(t) cos(n_m lon + k_m lat) + b_m(t) sin(n_m lon + k_m lat)] / sqrt(M), with whole n_m, a
and b AR(1) series of unit variance whose phases turn with a steering wind: the pattern travels with that wind while it
is born and dies. A cell mixes the two bands beside it with weights cos and sin, so that the variance is 1 everywhere,
no meridian is a seam, and any cell can be made alone.

Slow fields are sums of random plane waves on the sphere (random Fourier features, Rahimi and Recht 2007), made
every 8 days and interpolated.

The noise of each (seed, part, block) is its own Philox stream, so that it depends on nothing else.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from hdlcore.data.weather.autoregression import autoregress
from hdlcore.data.weather.compiled import compiled
from hdlcore.data.weather.days import block
from hdlcore.data.weather.slow import NODE_DAYS, SLOW_SOURCES, SlowModes
from hdlcore.data.weather.streams import generator

F8 = NDArray[np.float64]
F4 = NDArray[np.float32]

EARTH_RADIUS_KM = 6371.0
YEAR = 365.2425


@dataclass(frozen=True)
class TravellingField:
    """A daily field: length scale (km), lag-1 autocorrelation along its way, waves M per band (even), share of wind."""

    name: str
    length_km: float
    persistence: float
    waves: int
    steering: float


@dataclass(frozen=True)
class Band:
    """A band: its middle latitude (degrees), its wind eastward (m/s; mean, and excess in January) and northward."""

    lat: float
    eastward: float
    january: float
    northward: float


# Length scales: fronts and their air masses are 1000 km, convective clusters a few hundred. Persistence is that of the
# moving system; at a place it is less, as systems pass.
FIELDS = (
    TravellingField("synoptic", 950.0, 0.875, 20, 1.0),
    TravellingField("convective", 350.0, 0.375, 24, 0.5),
    TravellingField("temperature", 1350.0, 0.90, 18, 0.6),
    TravellingField("brief temperature", 500.0, 0.15, 12, 0.5),
    TravellingField("cloud", 500.0, 0.25, 8, 0.5),
)
# Steering winds: round figures after the 700 hPa wind (Peixoto and Oort 1992, Physics of Climate, chapter 7):
# westerlies that are strongest in winter, easterlies in the tropics, which in summer reach 20 degrees.
BANDS = (
    Band(-60.0, 9.0, 0.0, -1.0),
    Band(-40.0, 9.0, -0.5, -1.5),
    Band(-20.0, -1.0, -3.0, 0.0),
    Band(0.0, -5.5, 0.0, 0.0),
    Band(20.0, -1.0, 3.0, 0.0),
    Band(40.0, 8.0, 1.0, 1.5),
    Band(60.0, 7.0, 0.5, 1.0),
    Band(80.0, 3.0, 0.0, 0.0),
)
BAND_STEP = 20.0
# Two bands blend over 20 degrees, which shortens a field's reach north and south as a scale of this length would.
_BLEND_KM = 1415.0
OFFSETS = np.concatenate([[0], np.cumsum([2 * field.waves for field in FIELDS])]).astype(np.int64)
_TAIL = 256  # days of a block's noise that are their own stream: the next block runs in from them
_EPOCH = np.datetime64("2001-01-01", "D")


def drift(band: Band, day: F8) -> tuple[F8, F8]:
    """Way (rad of longitude, rad of latitude) that the steering wind has gone since 2001-01-01 [day]."""
    metres = 86400.0 / (EARTH_RADIUS_KM * 1000.0)
    season = YEAR / (2 * np.pi) * np.sin(2 * np.pi * (day - 15.0) / YEAR)
    east = (band.eastward * day + band.january * season) * metres / math.cos(math.radians(band.lat))
    return east, band.northward * day * metres


@lru_cache(maxsize=4)
def wave_numbers(seed: int) -> F8:
    """Wave numbers [band, waves of all fields, 2]: whole waves round the Earth, and rad per rad of latitude.

    Normal quantiles of an evenly spread sequence (Roberts 2018, R2) with a random start, so that few waves already have
    the correlation function wanted.
    """
    golden = 1.32471795724474602596
    result = np.empty((len(BANDS), OFFSETS[-1] // 2, 2))
    for b, band in enumerate(BANDS):
        for f, field in enumerate(FIELDS):
            start = generator(seed, 1, b, f).random(2)
            step = np.arange(field.waves)[:, None] * np.array([1 / golden, 1 / golden**2])
            normal = ndtri((start + step) % 1.0 * (1 - 1e-9) + 5e-10)
            meridional = math.sqrt(max(0.15, 1 - (field.length_km / _BLEND_KM) ** 2))
            waves = slice(OFFSETS[f] // 2, OFFSETS[f + 1] // 2)
            scale = EARTH_RADIUS_KM / field.length_km
            result[b, waves, 0] = np.round(normal[:, 0] * scale * math.cos(math.radians(band.lat)))
            result[b, waves, 1] = normal[:, 1] * scale * meridional
    result.flags.writeable = False
    return result


class Coefficients:
    """Daily coefficients [band, 2 * waves of all fields, day] of one seed and block; bands are made when asked for.

    Cosine coefficients of a field come first, then its sine coefficients.
    """

    def __init__(self, seed: int, index: int) -> None:
        self.seed, self.index = seed, index
        self.values: F4 = np.zeros((len(BANDS), OFFSETS[-1], block(index).n_days), np.float32)
        self._filled: set[int] = set()
        self._lock = threading.Lock()

    def ensure(self, lat: F8) -> None:
        """Make the bands that the latitudes need."""
        with self._lock:
            below = np.unique(band_below(lat))
            for band in sorted({int(b) for b in below} | {int(b) + 1 for b in below}):
                if band not in self._filled:
                    self._fill(band)
                    self._filled.add(band)

    def _fill(self, band: int) -> None:
        calendar = block(self.index)
        day = (calendar.first - _EPOCH).astype(int) + np.arange(calendar.n_days, dtype=np.float64)
        east, north = drift(BANDS[band], day)
        numbers = wave_numbers(self.seed)[band]
        for f, field in enumerate(FIELDS):
            first, last = OFFSETS[f], OFFSETS[f + 1]
            rho = field.persistence
            noise = np.concatenate([self._tail(band, f, -1), self._head(band, f), self._tail(band, f, 0)], axis=1)
            series = autoregress(noise, np.sqrt((1 - rho**2) / field.waves), np.array([rho]))[:, _TAIL:]
            a, b = series[: field.waves], series[field.waves :]
            n, k = numbers[first // 2 : last // 2].T[:, :, None]
            turn = field.steering * (n * east + k * north)
            cos, sin = np.cos(turn), np.sin(turn)
            self.values[band, first : first + field.waves] = a * cos - b * sin
            self.values[band, first + field.waves : last] = a * sin + b * cos

    def _tail(self, band: int, f: int, back: int) -> F8:
        """White noise of the last days of this block (back = 0) or of the one before (-1)."""
        # 1000 keeps keys of past blocks positive
        return generator(self.seed, 2, band, f, self.index + back + 1000).standard_normal((2 * FIELDS[f].waves, _TAIL))

    def _head(self, band: int, f: int) -> F8:
        shape = (2 * FIELDS[f].waves, block(self.index).n_days - _TAIL)
        return generator(self.seed, 3, band, f, self.index + 1000).standard_normal(shape)


@lru_cache(maxsize=3)  # 27 MB each when every band has been asked for
def coefficients(seed: int, index: int) -> Coefficients:
    """The coefficients of block `index`, shared by all threads."""
    return Coefficients(seed, index)


def band_below(lat: F8) -> NDArray[np.int64]:
    """Index of the band south of a latitude; the one to its north is the next."""
    return np.clip(np.floor((lat - BANDS[0].lat) / BAND_STEP), 0, len(BANDS) - 2).astype(np.int64)


def latent_fields(
    seed: int, lat: F8, lon: F8, coefs: Coefficients, slow: SlowModes, first: int, last: int
) -> tuple[F4, F4]:
    """Latent fields for days first..last-1 of one block.

    Parameters
    ----------
    lat, lon : [cell], degrees.
    coefs : of the block, its bands ensured for `lat`.
    slow : slow modes of the block.

    Returns
    -------
    Daily fields [cell, field, day] in the order of `FIELDS`, and slow fields [cell, 2, day]: of wetness and of warmth.
    """
    daily = _daily(
        wave_numbers(seed), lat, lon, band_below(lat), BANDS[0].lat, BAND_STEP, coefs.values, OFFSETS, first, last
    )
    return daily, _slow(slow.vectors, lat, lon, slow.values, SLOW_SOURCES, slow.offset + first, last - first, NODE_DAYS)


@compiled
def _daily(
    numbers: F8,
    lat: F8,
    lon: F8,
    below: NDArray[np.int64],
    south: float,
    step: float,
    coefs: F4,
    offsets: NDArray[np.int64],
    first: int,
    last: int,
) -> F4:
    tile = 128  # days: the coefficients of one tile stay in the cache for all cells
    n_fields = offsets.size - 1
    n_rows = coefs.shape[1]
    out = np.zeros((lat.size, n_fields, last - first), np.float32)
    basis = np.empty((lat.size, 2, n_rows), np.float32)
    for c in range(lat.size):
        phi, lam = math.radians(lat[c]), math.radians(lon[c])
        part = min(1.0, max(0.0, (lat[c] - south) / step - below[c])) * math.pi / 2
        for s in range(2):
            share = math.cos(part) if s == 0 else math.sin(part)
            wave = 0
            for f in range(n_fields):
                half = (offsets[f + 1] - offsets[f]) // 2
                for m in range(half):
                    phase = numbers[below[c] + s, wave, 0] * lam + numbers[below[c] + s, wave, 1] * phi
                    basis[c, s, offsets[f] + m] = share * math.cos(phase)
                    basis[c, s, offsets[f] + half + m] = share * math.sin(phase)
                    wave += 1
    for start in range(0, last - first, tile):
        stop = min(start + tile, last - first)
        for c in range(lat.size):
            for f in range(n_fields):
                target = out[c, f, start:stop]
                for s in range(2):
                    for k in range(offsets[f], offsets[f + 1], 4):  # four rows at once: fewer passes over the target
                        a0, a1, a2, a3 = basis[c, s, k], basis[c, s, k + 1], basis[c, s, k + 2], basis[c, s, k + 3]
                        band, begin, end = below[c] + s, first + start, first + stop
                        r0, r1 = coefs[band, k, begin:end], coefs[band, k + 1, begin:end]
                        r2, r3 = coefs[band, k + 2, begin:end], coefs[band, k + 3, begin:end]
                        for d in range(target.size):
                            target[d] += (a0 * r0[d] + a1 * r1[d]) + (a2 * r2[d] + a3 * r3[d])
    return out


@compiled
def _slow(
    vectors: F8, lat: F8, lon: F8, values: F8, sources: NDArray[np.int64], offset: int, n_days: int, node_days: int
) -> F4:
    """Slow fields [cell, 2, day]; values [2 * waves, node], day d of the answer lies `offset` + d days after node 0."""
    out = np.empty((lat.size, 2, n_days), np.float32)
    first_node, last_node = offset // node_days, (offset + n_days - 1) // node_days + 1
    at_node = np.empty((2, last_node - first_node + 1))
    for c in range(lat.size):
        phi, lam = math.radians(lat[c]), math.radians(lon[c])
        x, y, z = math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)
        at_node[:] = 0.0
        for m in range(vectors.shape[0]):
            phase = vectors[m, 0] * x + vectors[m, 1] * y + vectors[m, 2] * z
            cos, sin = math.cos(phase), math.sin(phase)
            target = at_node[sources[m]]
            for i in range(target.size):
                target[i] += cos * values[2 * m, first_node + i] + sin * values[2 * m + 1, first_node + i]
        for d in range(n_days):
            node, rest = (offset + d) // node_days - first_node, (offset + d) % node_days
            weight = rest / node_days
            out[c, 0, d] = at_node[0, node] + weight * (at_node[0, node + 1] - at_node[0, node])
            out[c, 1, d] = at_node[1, node] + weight * (at_node[1, node + 1] - at_node[1, node])
    return out


def enso_of_days(slow: SlowModes, first: int, last: int) -> F8:
    """ENSO-like index (1, standard normal) for days first..last-1 of the block."""
    at = slow.offset + np.arange(first, last)
    node, weight = at // NODE_DAYS, (at % NODE_DAYS) / NODE_DAYS
    index: F8 = slow.enso[node] + weight * (slow.enso[node + 1] - slow.enso[node])
    return index
