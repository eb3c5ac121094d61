"""Fit a distribution head, calibrate it, score it on blocks it never saw, and keep it in a model folder."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from scipy.special import ndtr, ndtri
from torch import Tensor

from hdlcore.analysis.conformal import blocked_folds, blocked_split, fit_conformal
from hdlcore.analysis.uncertainty import CRPS_LEVELS, crps_of_quantiles, distribution_scores
from hdlcore.errors import DataError, ModelError
from hdlcore.models.checkpoint import load_tensors, save_tensors
from hdlcore.progress import CancelToken, check
from hdlcore.training.head import DistributionHead, HeadSpec, Samples, knot_weights

#: File of a model folder that holds the heads of all its variables.
HEADS = "heads.safetensors"
FORMAT = "1"
#: Parts of the blocks: each in turn is scored by a head that did not see it, and those scores calibrate.
FOLDS = 3
#: Share of the blocks, of those a head may see, that says when to stop.
VALIDATION_SHARE = 0.2
BATCH, PEAK_RATE = 4096, 1e-2
#: Random levels a step; more make a step steadier and slower.
_LEVELS = 16
#: Most rows used to fit and to say when to stop; more change nothing that calibration would not mend.
_FIT_ROWS, _STOP_ROWS = 150_000, 20_000
_FEWEST_ROWS = 200


def fit_head(
    samples: Samples, spec: HeadSpec, steps: int, seed: int = 0, cancel: CancelToken | None = None
) -> DistributionHead:
    """Fit and calibrate a head on out-of-fold predictions; the same numbers for the same seed.

    Calibration is cross-conformal (Vovk 2015, https://doi.org/10.1007/s10472-013-9368-4): the blocks are dealt to
    `FOLDS` parts, each is scored by a head fitted on the others, and the scores of all blocks make the map of the final
    head, which is fitted on all. One split would leave a zone too few blocks. Raises `DataError` when there are too few
    rows or blocks, or when the observation never departs from the mean; `Cancelled`.
    """
    if samples.size < _FEWEST_ROWS:
        raise DataError(
            f"{samples.size} observations are too few to fit a distribution on; give {_FEWEST_ROWS} or more."
        )
    fold = blocked_folds(samples.block, FOLDS, seed)
    scores = np.empty(samples.size)
    for number in range(FOLDS):
        own = fold == number
        other = _fitted(samples.take(~own), spec, seed + 1 + number, steps, cancel)
        scores[own] = other.normal_score(samples.take(own), calibrated=False, seed=seed)
    head = _fitted(samples, spec, seed, steps, cancel)
    head.calibrate(fit_conformal(scores, samples.zone, samples.block, len(spec.zones)))
    return head.eval().requires_grad_(False)


def _fitted(samples: Samples, spec: HeadSpec, seed: int, steps: int, cancel: CancelToken | None) -> DistributionHead:
    """A head that is not calibrated yet."""
    stop = blocked_split(samples.block, VALIDATION_SHARE, seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        head, draw = DistributionHead(spec), np.random.default_rng(seed)
        fit = _thinned(samples.take(~stop), _FIT_ROWS, draw)
        unseen = _thinned(samples.take(stop), _STOP_ROWS, draw)
        _fit(head, fit, unseen, draw, steps, cancel)
    return head


def _thinned(samples: Samples, most: int, draw: np.random.Generator) -> Samples:
    """At most so many rows, drawn at random."""
    if samples.size <= most:
        return samples
    return samples.take(np.sort(draw.choice(samples.size, most, replace=False)))


def _set_scaling(head: DistributionHead, samples: Samples) -> None:
    """Scale inputs by the fitting set, and guess the size of the error as a log-linear function of them."""
    residual = samples.observed.astype(np.float64) - samples.mean
    unit = math.sqrt(float((residual**2).mean()))
    if not math.isfinite(unit) or unit == 0:
        raise DataError("Predictions equal the observations everywhere; there is no error to fit a distribution to.")
    head.unit.fill_(unit)
    raw = head.raw_inputs(samples.mean, samples.spread, samples.month, samples.features)
    head.input_mean.copy_(torch.nan_to_num(torch.nanmean(raw, 0)))
    head.input_std.copy_(torch.nan_to_num(raw - head.input_mean).std(0).clamp(min=1e-3))
    inputs = head.scaled(raw).double().numpy()
    columns = np.concatenate([inputs, np.ones((len(inputs), 1))], 1)
    target = np.log(np.abs(residual) / unit + 1e-2)
    ridge = 1e-3 * len(columns) * np.eye(columns.shape[1])
    weights = np.linalg.solve(columns.T @ columns + ridge, columns.T @ target)
    head.scale_weights.copy_(torch.from_numpy(weights).float())
    first = head.first_scale(torch.from_numpy(inputs).float()).numpy()
    head.scale_weights[-1] += float(np.log(np.sqrt(((residual / first) ** 2).clip(0, 25).mean())))


@dataclass(frozen=True)
class _Scaled:
    """Inputs (n, k), error and floor (n,) in units of the first guess of the scale."""

    inputs: Tensor
    error: Tensor
    floor: Tensor


@torch.no_grad()
def _in_scale(head: DistributionHead, samples: Samples) -> _Scaled:
    inputs = head.scaled(head.raw_inputs(samples.mean, samples.spread, samples.month, samples.features))
    scale, mean = head.first_scale(inputs), torch.from_numpy(samples.mean.astype(np.float32))
    error = (torch.from_numpy(samples.observed.astype(np.float32)) - mean) / scale
    low = -math.inf if head.spec.floor is None else head.spec.floor
    return _Scaled(inputs, error, (low - mean) / scale)


def _pinball(head: DistributionHead, data: _Scaled, levels: NDArray) -> Tensor:
    """Mean pinball loss of the quantiles at `levels`, censored at the floor, in units of the first scale."""
    weights = torch.from_numpy(knot_weights(ndtri(levels))).float()
    quantiles = torch.maximum(head.knots(data.inputs) @ weights.T, data.floor[:, None])
    above = data.error[:, None] - quantiles
    level = torch.from_numpy(levels).float()
    return torch.maximum(level * above, (level - 1) * above).mean()


def _fit(
    head: DistributionHead, fit: Samples, stop: Samples, draw: np.random.Generator, steps: int,
    cancel: CancelToken | None,
) -> None:  # fmt: skip
    """Descend the CRPS; keep the weights that do best on the blocks that say when to stop."""
    _set_scaling(head, fit)
    data, unseen = _in_scale(head, fit), _in_scale(head, stop)
    optimizer = torch.optim.AdamW(head.network.parameters(), lr=PEAK_RATE, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK_RATE, total_steps=steps, pct_start=0.2)
    best, kept = math.inf, {n: t.clone() for n, t in head.network.state_dict().items()}
    for step in range(steps):
        rows = torch.from_numpy(draw.integers(0, fit.size, min(BATCH, fit.size)))
        levels = (np.arange(_LEVELS) + draw.random(_LEVELS)) / _LEVELS
        optimizer.zero_grad()
        batch = _Scaled(data.inputs[rows], data.error[rows], data.floor[rows])
        _pinball(head, batch, np.clip(levels, 1e-4, 1 - 1e-4)).backward()
        optimizer.step()
        schedule.step()
        if step % 25 == 24 or step == steps - 1:
            check(cancel)
            with torch.no_grad():
                loss = float(_pinball(head, unseen, CRPS_LEVELS[::2]))
            if loss < best:
                best, kept = loss, {n: t.clone() for n, t in head.network.state_dict().items()}
    head.network.load_state_dict(kept)


# -- how good it is ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HeldOut:
    """PIT and CRPS (n,) of every sample under a head that saw nothing of its block, and `bounds` (4, n): quantiles
    at 5, 25, 75 and 95 %."""

    pit: NDArray
    crps: NDArray
    bounds: NDArray

    def scores(self, rows: NDArray | None = None) -> dict[str, float]:
        """coverage_50, coverage_90 and crps, of all samples or of some rows (a zone)."""
        chosen = slice(None) if rows is None else rows
        return distribution_scores(self.pit[chosen], self.crps[chosen])


def score_held_out(
    samples: Samples, spec: HeadSpec, steps: int, folds: int = 4, seed: int = 0,
    report: Callable[[float], None] | None = None, cancel: CancelToken | None = None,
) -> HeldOut:  # fmt: skip
    """Cross-validate `fit_head`: each sample judged by a head fitted AND calibrated on other blocks.

    `report` hears the fraction done. Raises `Cancelled` between some steps of a fit.
    """
    fold = blocked_folds(samples.block, folds, seed)
    pit, crps, bounds = np.empty(samples.size), np.empty(samples.size), np.empty((4, samples.size), np.float32)
    for number in range(folds):
        own = fold == number
        if report:
            report(number / folds)
        head, judged = fit_head(samples.take(~own), spec, steps, seed + number, cancel), samples.take(own)
        pit[own] = ndtr(head.normal_score(judged, seed=seed))
        given = judged.mean, judged.spread, judged.month, judged.features, judged.zone
        crps[own] = crps_of_quantiles(head.quantiles(CRPS_LEVELS, *given), judged.observed)
        bounds[:, own] = head.quantiles([0.05, 0.25, 0.75, 0.95], *given)
    return HeldOut(pit, crps, bounds)


# -- in a model folder -------------------------------------------------------------------------------------------------


def save_heads(heads: Mapping[str, DistributionHead], path: Path) -> None:
    """Write the heads of all variables as one safetensors file, atomically."""
    tensors = {f"{variable}/{name}": t for variable, head in heads.items() for name, t in head.state_dict().items()}
    specs = {variable: head.spec.model_dump(mode="json") for variable, head in heads.items()}
    save_tensors(tensors, path, {"content": "distribution heads", "format": FORMAT, "heads": json.dumps(specs)})


def load_heads(path: Path) -> dict[str, DistributionHead]:
    """Read what `save_heads` wrote, by variable; raises `ModelError` for another format, content or shape."""
    tensors, meta = load_tensors(path)
    if meta.get("content") != "distribution heads":
        raise ModelError(f"{path} holds no distribution heads; copy the model folder again.")
    if meta.get("format") != FORMAT:
        raise ModelError(
            f"{path} is of format {meta.get('format')} and this program reads format {FORMAT}: "
            "publish the model again with this version, or use the version that made it."
        )
    heads = {}
    try:
        for variable, spec in json.loads(meta["heads"]).items():
            heads[variable] = DistributionHead(HeadSpec(**spec))
            own = {n.split("/", 1)[1]: t for n, t in tensors.items() if n.startswith(f"{variable}/")}
            heads[variable].load_state_dict(own)
            heads[variable].eval().requires_grad_(False)
    except (KeyError, TypeError, ValueError, RuntimeError, ValidationError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise ModelError(f"{path} does not hold the heads it names ({reason}); copy the model folder again.") from error
    return heads
