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

from hdlcore.attribution.banded import ignore
from hdlcore.attribution.contract import Question, Report, Subject
from hdlcore.attribution.lags import bin_sum
from hdlcore.models.kernels import fast
from hdlcore.progress import CancelToken, Progress, check
from hdlcore.variables import VARIABLES

F8 = NDArray[np.float64]
RANDOM_ORDERS, RANDOM_SETS = 4, 32
#: Random orders that the curves of one day are held against.
ORDERS_OF_A_DAY = 8
#: Days run between two looks at whether to stop.
DAYS_AT_ONCE = 32


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
    """Predictions at one cell, mean over members, on target days when features stand at the baseline."""

    def __init__(self, subject: Subject, question: Question) -> None:
        self.subject, self.question = subject, question
        self.n_features = question.windows[0].size * subject.forcing.shape[-1]
        self.states = fast.trajectory(subject.model, subject.prepared, subject.forcing, subject.state)

    def predict(self, masks: NDArray[np.bool_], report: Report = ignore) -> F8:
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
            for first in range(0, lags - 1, DAYS_AT_ONCE):
                report((i + first / lags) / len(self.question.targets))
                state = fast.advance(model, prepared, weather[first : min(first + DAYS_AT_ONCE, lags - 1)], state)
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
    falling, rising = masked.predict(gone_by_step(order)), masked.predict(gone_by_step(order[:, ::-1]))
    half = order.shape[1] // 2
    return {
        "cpd": float(np.abs(np.diff(falling[:, : half + 1], axis=1)).sum(1).mean()),
        "cpp": float(np.abs(np.diff(rising[:, : half + 1], axis=1)).sum(1).mean()),
        "deletion": float(np.abs(falling - falling[:, :1]).mean()),
        "insertion": float(np.abs(rising - rising[:, :1]).mean()),
    }


def gone_by_step(order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which features stand at the baseline after each step when they go in an order (target day, feature): (target day,
    step, feature), from none to all."""
    n = order.shape[1]
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, np.arange(n)[None], axis=1)
    return rank[:, None] < np.arange(n + 1)[None, :, None]


def day_curves(
    subject: Subject, question: Question, answer: xr.Dataset, progress: Progress | None = None,
    cancel: CancelToken | None = None, seed: int = 1,
) -> xr.Dataset:  # fmt: skip
    """Deletion and insertion curves of an attribution of one cell and one target day, all in one run of the model.

    Returns
    -------
    Dataset over ``step`` (0 to the number of features, drivers x lag windows), in the target's unit: ``deletion``, the
    target while the most important features go back to the baseline one after the other; ``insertion``, the target
    while they come back to a run under the baseline, most important first; ``random`` (order, step), deletion in random
    orders. ``driver``, ``first_lag`` and ``last_lag`` (step) name the feature of a step, of step 0 none. Attributes
    ``deletion_area``, ``insertion_area`` and ``random_area`` are the mean distances from the full prediction.
    """
    features = features_of(answer, question)
    importance = np.abs(features.values[0])
    order, draw = np.argsort(-importance, kind="stable"), np.random.default_rng(seed)
    orders = np.stack([order, order[::-1], *(draw.permutation(order.size) for _ in range(ORDERS_OF_A_DAY))])

    def report(fraction: float) -> None:
        check(cancel)
        if progress:
            progress(fraction, "putting weather back to usual, step by step")

    masks = gone_by_step(orders).reshape(1, -1, order.size)
    found = Masked(subject, question).predict(masks, report)[0].reshape(len(orders), -1)
    full = found[0, 0]
    data = {
        "deletion": ("step", found[0]),
        "insertion": ("step", found[1, ::-1]),
        "random": (("order", "step"), found[2:]),
    }
    start, end = question.windows
    drivers = [str(name) for name in answer["forcing"].values]
    at, of = np.divmod(order, len(drivers))
    coords = {
        "step": np.arange(order.size + 1),
        "driver": ("step", ["", *(drivers[i] for i in of)]),
        "first_lag": ("step", np.array([-1, *start[at]], np.int32), {"units": "d"}),
        "last_lag": ("step", np.array([-1, *end[at]], np.int32), {"units": "d"}),
    }
    areas = [float(np.abs(curve - full).mean()) for curve in (found[0], found[1], found[2:])]
    names = ("deletion_area", "insertion_area", "random_area")
    result = xr.Dataset(data, coords, dict(zip(names, areas, strict=True)))
    for name in data:
        result[name].attrs["units"] = VARIABLES[question.target].units
    return result
