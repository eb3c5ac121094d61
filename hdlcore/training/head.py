"""A distribution around the ensemble's mean, fitted after training on residuals of cells that no member had seen.

The head is a small network that reads the mean, the members' spread, the time of year and the features of a place, and
gives the quantile function of the observation there. It is piecewise linear in normal scores z = Phi^-1(level): seven
numbers either side of the median, so it can be skewed, peaked or heavy in one tail, and a straight line is the normal
distribution. A quantity with a floor (no snow is no snow) is censored there: all that would lie below lies at it. It
learns with the CRPS, as pinball losses at random levels (Gneiting and Raftery 2007), and is then calibrated on blocks
that it did not see (`hdlcore.analysis.conformal`).
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict
from scipy.special import ndtr, ndtri
from torch import Tensor, nn

from hdlcore.analysis.conformal import LEVELS, ConformalMap

#: Levels of the knots of the quantile function, and their normal scores.
KNOT_LEVELS = (0.005, 0.02, 0.05, 0.1, 0.2, 0.35, 0.45, 0.5, 0.55, 0.65, 0.8, 0.9, 0.95, 0.98, 0.995)
KNOTS: NDArray[np.float64] = ndtri(KNOT_LEVELS)
_MIDDLE = KNOT_LEVELS.index(0.5)
HIDDEN = 32
#: Samples that go through the network at once when a field is asked for; memory, not result, depends on it.
_CHUNK = 200_000


class HeadSpec(BaseModel):
    """What a head was fitted for: names of its features and zones in order, floor (None for none) and units."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    features: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    floor: float | None = None
    units: str = ""


@dataclass(frozen=True)
class Samples:
    """Pairs of prediction and observation, one row each, all (n,) but `features` (n, k).

    mean, spread: mean of the members that never saw the place, and standard deviation between members, in units of the
    observation; month 1 to 12; zone: code from 0, negative for none; block: what is held back together, cells of one
    region of space or days of one stretch of time.
    """

    mean: NDArray
    spread: NDArray
    month: NDArray
    features: NDArray
    observed: NDArray
    zone: NDArray
    block: NDArray

    @property
    def size(self) -> int:
        """Number of rows."""
        return len(self.mean)

    def take(self, rows: NDArray) -> Samples:
        """The rows of a mask or of positions."""
        return Samples(*(getattr(self, field.name)[rows] for field in fields(self)))


def samples_of(
    mean: ArrayLike, spread: ArrayLike, observed: ArrayLike, times: ArrayLike, features: ArrayLike | None = None,
    zone: ArrayLike = -1, block: ArrayLike = 0,
) -> Samples:  # fmt: skip
    """Rows for a head from fields (time, cell); those without a mean or an observation are left out.

    times (time,) datetime64; features (cell, k); zone and block (cell,), or (time, cell) where blocks are of time.
    """
    middle = np.asarray(mean, np.float32)
    shape = middle.shape
    months = np.asarray(times).astype("datetime64[M]").astype(int) % 12 + 1
    place = np.zeros((shape[1], 0), np.float32) if features is None else np.asarray(features, np.float32)
    known = np.isfinite(middle) & np.isfinite(np.asarray(observed, np.float32))
    cell = np.broadcast_to(np.arange(shape[1]), shape)[known]

    def rows(values: ArrayLike, kind: type = np.float32) -> NDArray:
        return np.broadcast_to(np.asarray(values, kind), shape)[known]

    month = np.broadcast_to(months[:, None], shape)[known]
    return Samples(
        rows(mean), rows(spread), month, place[cell], rows(observed), rows(zone, np.int64), rows(block, np.int64)
    )


class DistributionHead(nn.Module):
    """Quantile function of an observation, calibrated per zone. `fit_head` makes one, `load_heads` reads it.

    All that it needs stands in its state: network, scaling of the inputs, first guess of the scale, calibration.
    """

    input_mean: Tensor
    input_std: Tensor
    scale_weights: Tensor
    unit: Tensor
    pooled: Tensor
    by_zone: Tensor
    own: Tensor

    def __init__(self, spec: HeadSpec) -> None:
        super().__init__()
        self.spec = spec
        n = 7 + len(spec.features)
        last = nn.Linear(HIDDEN, KNOTS.size)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.network = nn.Sequential(nn.Linear(n, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU(), last)
        self.register_buffer("input_mean", torch.zeros(n))
        self.register_buffer("input_std", torch.ones(n))
        self.register_buffer("scale_weights", torch.zeros(n + 1))
        self.register_buffer("unit", torch.tensor(1.0))
        honest = torch.from_numpy(ndtri(LEVELS))
        self.register_buffer("pooled", honest.clone())
        self.register_buffer("by_zone", honest.repeat(len(spec.zones), 1))
        self.register_buffer("own", torch.zeros(len(spec.zones), dtype=torch.bool))

    # -- the distribution before calibration ------------------------------------------------------------------------

    def raw_inputs(self, mean: ArrayLike, spread: ArrayLike, month: ArrayLike, features: ArrayLike | None) -> Tensor:
        """What the network reads before scaling, (n, 7 + k): size of mean and spread in units of the typical error,
        two waves of the year, features."""
        unit = float(self.unit)
        middle, width = (np.nan_to_num(np.asarray(v, np.float32)) / unit for v in np.broadcast_arrays(mean, spread))
        angle = 2 * np.pi * (np.broadcast_to(np.asarray(month, np.float32), middle.shape) - 0.5) / 12
        columns = [np.arcsinh(middle), np.log(np.abs(middle) + 1e-2), np.log(width + 1e-3)]
        columns += [np.sin(angle), np.cos(angle), np.sin(2 * angle), np.cos(2 * angle)]
        place = np.zeros((middle.size, 0)) if features is None else np.asarray(features)
        return torch.from_numpy(np.concatenate([np.stack(columns, -1), place], -1).astype(np.float32))

    def scaled(self, raw: Tensor) -> Tensor:
        """Inputs about a standard normal; a missing feature is an average one, an outlandish one is cut at 4."""
        return torch.nan_to_num((raw - self.input_mean) / self.input_std).clamp(-4, 4)

    def first_scale(self, inputs: Tensor) -> Tensor:
        """First guess of the size of the error (n,), in its units: log-linear in the scaled inputs."""
        logarithm = inputs @ self.scale_weights[:-1] + self.scale_weights[-1]
        return self.unit * logarithm.clamp(-6, 4).exp()

    def knots(self, inputs: Tensor) -> Tensor:
        """Quantiles of (observed - mean) / first_scale at `KNOTS`, (n, knot), rising along the knots."""
        out = self.network(inputs)
        gaps = torch.from_numpy(np.diff(KNOTS)).float()
        # softplus of zero plus this is one: the untrained head is the normal distribution
        steps = gaps * nn.functional.softplus(out[:, 1:] + 0.5413249).clamp(min=1e-4)
        rise = torch.cumsum(steps, 1)
        start = out[:, :1] - rise[:, _MIDDLE - 1 : _MIDDLE]
        return torch.cat([start, start + rise], 1)

    @torch.no_grad()
    def _absolute_knots(self, inputs: Tensor, mean: NDArray) -> NDArray[np.float64]:
        """Quantiles of the observation at `KNOTS`, (n, knot), before the floor."""
        values = self.knots(inputs) * self.first_scale(inputs)[:, None]
        return np.asarray(mean, np.float64)[:, None] + values.double().numpy()

    # -- what is asked of it ----------------------------------------------------------------------------------------

    @property
    def calibration(self) -> ConformalMap:
        """The conformal map in use."""
        return ConformalMap(self.pooled.numpy(), self.by_zone.numpy(), self.own.numpy())

    def calibrate(self, mapping: ConformalMap) -> None:
        """Take a conformal map into use."""
        self.pooled.copy_(torch.from_numpy(mapping.pooled))
        self.by_zone.copy_(torch.from_numpy(mapping.by_zone))
        self.own.copy_(torch.from_numpy(mapping.own))

    def quantiles(
        self, levels: ArrayLike, mean: ArrayLike, spread: ArrayLike, month: ArrayLike,
        features: ArrayLike | None = None, zone: ArrayLike = -1,
    ) -> NDArray[np.float32]:  # fmt: skip
        """Calibrated quantiles (level, n) at any levels in (0, 1), in units of the observation.

        mean, spread, month (1 to 12) and zone (n,), features (n, k) in the order of `spec.features`.
        """
        middle = np.asarray(mean, np.float32)
        wanted = np.atleast_1d(np.asarray(levels, np.float64))
        codes = np.broadcast_to(np.asarray(zone, np.int64), middle.shape)
        raw = self.raw_inputs(middle, spread, month, features)
        result = np.empty((wanted.size, middle.size), np.float32)
        for start in range(0, middle.size, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            values = self._absolute_knots(self.scaled(raw[chunk]), middle[chunk])
            for code in np.unique(codes[chunk]):
                at = start + np.flatnonzero(codes[chunk] == code)
                basis = knot_weights(self.calibration.score_at(wanted, code))
                result[:, at] = (values[at - start] @ basis.T).T
        return result if self.spec.floor is None else np.maximum(result, np.float32(self.spec.floor))

    def normal_score(self, samples: Samples, calibrated: bool = True, seed: int = 0) -> NDArray[np.float64]:
        """Where each observation lies in its distribution, as a normal score (n,); Phi of it is the PIT.

        An observation at the floor stands for all that would lie below; its place among that is drawn at random
        (Czado et al. 2009, https://doi.org/10.1111/j.1541-0420.2009.01191.x), so the PIT of an honest head is uniform.
        """
        raw = self.raw_inputs(samples.mean, samples.spread, samples.month, samples.features)
        observed = np.asarray(samples.observed, np.float64)
        scores = np.empty(samples.size)
        for start in range(0, samples.size, _CHUNK):
            chunk = slice(start, start + _CHUNK)
            values = self._absolute_knots(self.scaled(raw[chunk]), samples.mean[chunk])
            scores[chunk] = score_in_knots(observed[chunk], values)
        if self.spec.floor is not None:
            at_floor = observed <= self.spec.floor
            drawn = np.random.default_rng(seed).random(int(at_floor.sum()))
            scores[at_floor] = ndtri(np.maximum(drawn * ndtr(scores[at_floor]), 1e-300))
        return self.calibration.calibrated(scores, samples.zone) if calibrated else scores


def knot_weights(scores: ArrayLike) -> NDArray[np.float64]:
    """Weights (score, knot) that join knots by straight lines at normal scores, with the end slopes beyond the ends."""
    at = np.asarray(scores, np.float64)
    left = np.clip(np.searchsorted(KNOTS, at) - 1, 0, KNOTS.size - 2)
    share = (at - KNOTS[left]) / (KNOTS[left + 1] - KNOTS[left])
    weights = np.zeros((at.size, KNOTS.size))
    weights[np.arange(at.size), left], weights[np.arange(at.size), left + 1] = 1 - share, share
    return weights


def score_in_knots(observed: NDArray, values: NDArray) -> NDArray[np.float64]:
    """Normal score of each observation (n,) among its knots (n, knot): the inverse of `knot_weights`."""
    left = np.clip((values < observed[:, None]).sum(1) - 1, 0, KNOTS.size - 2)
    rows = np.arange(observed.size)
    low, high = values[rows, left], values[rows, left + 1]
    share = (observed - low) / np.maximum(high - low, 1e-12)
    return np.clip(KNOTS[left] + share * (KNOTS[left + 1] - KNOTS[left]), -30, 30)  # type: ignore[no-any-return]
