"""How far an attribution tells what the model really does: features are put back to the baseline and the model runs.

A feature is one driver over one lag window. Features are changed one after the other in the order of an attribution,
since removing many at once lets opposite signs cancel (the trap of plain top-k removal):

* CPD, cumulative prediction difference: sum of the steps of the prediction while the most important half goes first;
  larger is better. CPP, cumulative prediction preservation: the same while the least important half goes; smaller is
  better (Jang et al. 2025). Both are given relative to random orders.
* deletion and insertion: mean distance from the full prediction while features go, most important first (large is
  good), or come back to the baseline run (small is good) (Petsiuk et al. 2018); relative to random orders.
* infidelity (Yeh et al. 2019): mean square of (sum of contributions of a random set of features - what changes when it
  goes), over the mean square of that change; 0 is perfect, 1 no better than silence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from hdlcore.attribution.contract import Question, Subject
from hdlcore.attribution.lags import bin_sum
from hdlcore.models.kernels import fast

F8 = NDArray[np.float64]
RANDOM_ORDERS, RANDOM_SETS = 4, 32


@dataclass(frozen=True)
class Features:
    """Contributions of each feature to each target day of one member and cell, (target day, feature)."""

    values: F8
    question: Question
    n_forcing: int


def features_of(answer: xr.Dataset, question: Question) -> Features:
    """Sum an attribution of one cell (time, lag, forcing) over lag windows."""
    values = answer["attribution"].values.astype(np.float64)
    daily = values.shape[1] == question.lags and question.windows[0].size != question.lags
    binned = bin_sum(values, 1) if daily else values
    return Features(binned.reshape(len(binned), -1), question, values.shape[-1])


class Masked:
    """Predictions of one member at one cell on target days when features stand at the baseline."""

    def __init__(self, subject: Subject, question: Question) -> None:
        self.subject, self.question = subject, question
        self.n_features = question.windows[0].size * subject.forcing.shape[-1]
        self.states = fast.trajectory(subject.model, subject.prepared, subject.forcing, subject.state)

    def predict(self, masks: NDArray[np.bool_]) -> F8:
        """Target on each target day under masks (target day, run, feature), True for the baseline: (target, run)."""
        lags, model = self.question.lags, self.subject.model
        start, end = self.question.windows
        by_lag = np.repeat(masks.reshape(*masks.shape[:2], start.size, -1), end - start + 1, axis=2)[:, :, ::-1]
        results = []
        for i, target in enumerate(self.question.targets):
            days = slice(target - lags + 1, target + 1)
            own = self.subject.forcing[days, :, 0, None]  # (day, member, run, driver)
            base = self.subject.baseline[days, :, 0, None]
            mask = torch.from_numpy(np.ascontiguousarray(by_lag[i].transpose(1, 0, 2)))[:, None]
            weather = torch.where(mask, base, own)
            n_runs = masks.shape[1]
            prepared = self.subject.prepared.cells(torch.zeros(n_runs, dtype=torch.long))
            state = self.states[target - lags + 1][:, :1].expand(-1, n_runs, -1)
            if lags > 1:
                state = fast.advance(model, prepared, weather[:-1], state)
            with torch.no_grad():
                last, _ = fast.run(model, prepared, weather[-1:], state, (self.question.target,))
            results.append(last[0, :, :, 0].mean(0).double().numpy())
        return np.stack(results)


def faithfulness(
    subject: Subject, features: dict[str, Features], signed: dict[str, bool], seed: int = 1
) -> dict[str, dict[str, float]]:
    """Scores of several methods for one member at one cell (a `Subject` of one each).

    `signed` says which methods give contributions in the target's unit, so that infidelity has a meaning. Methods
    are compared with the same random orders and sets.
    """
    question = next(iter(features.values())).question
    masked, draw = Masked(subject, question), np.random.default_rng(seed)
    n_days, n = question.targets.size, masked.n_features
    orders = [np.argsort(draw.random((n_days, n)), axis=1) for _ in range(RANDOM_ORDERS)]
    chance = [_curves(masked, order) for order in orders]
    typical = {name: float(np.mean([curve[name] for curve in chance])) for name in chance[0]}
    sets = draw.random((n_days, RANDOM_SETS, n)) < 0.5
    full = masked.predict(np.zeros((n_days, 1, n), bool))
    change = full - masked.predict(sets)
    scores = {}
    for name, feature in features.items():
        order = np.argsort(-np.abs(feature.values), axis=1)
        found = _curves(masked, order)
        own = {key: found[key] / max(typical[key], 1e-12) for key in found}
        if signed[name]:
            told = np.einsum("trf,tf->tr", sets, feature.values)
            own["infidelity"] = float(((told - change) ** 2).mean() / max((change**2).mean(), 1e-12))
        scores[name] = own
    return scores


def _curves(masked: Masked, order: NDArray[np.int64]) -> dict[str, float]:
    """CPD, CPP, deletion and insertion of one order of features (target day, feature), in the target's unit."""
    n = order.shape[1]
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(n)[None], axis=1)
    steps = np.arange(n + 1)[None, :, None]
    gone = rank[:, None] < steps  # (target, step, feature): the `step` most important features are at the baseline
    left = rank[:, None] >= n - steps  # the least important go first
    falling, rising = masked.predict(gone), masked.predict(left)
    half = n // 2
    return {
        "cpd": float(np.abs(np.diff(falling[:, : half + 1], axis=1)).sum(1).mean()),
        "cpp": float(np.abs(np.diff(rising[:, : half + 1], axis=1)).sum(1).mean()),
        "deletion": float(np.abs(falling - falling[:, :1]).mean()),
        "insertion": float(np.abs(rising - rising[:, :1]).mean()),
    }
