"""Additive decomposition of a plain LSTM's cell state by the day that wrote it (Jiang et al. 2022, WRR 58,
e2021WR030185).

    c_t = f_t c_{t-1} + i_t g_t   so   c_T = sum over days k of (product of f_j for j > k) i_k g_k

What day k wrote counts in the output by its share of each unit: ``h = o tanh(c)`` gives it ``o tanh(c)/c`` of its part
of c, and the head, which is not linear, counts units by its gradient averaged on the way from h = 0.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from hdlcore.attribution.contract import Method, Question, Raw, Report, Subject
from hdlcore.models.hybrid import HybridModel
from hdlcore.models.kernels.fast import trajectory

ALL_WEATHER = "all_weather"
#: Points of the average over the head.
HEAD_NODES = 16
#: Below this a cell state counts as zero, where tanh(c)/c is 1.
_NEAR_ZERO = 1e-6


def answer(subject: Subject, question: Question, report: Report) -> Raw:
    """Contribution of all weather of each past day; adds up to the output less the output of an empty hidden state."""
    model, targets = subject.model, torch.from_numpy(question.targets)
    (module,) = model._recurrent()
    weights = subject.prepared.recurrent[module.spec.name]
    states = trajectory(model, subject.prepared, subject.forcing, subject.state)
    hidden, cell = states.chunk(2, -1)
    inputs = model._inputs(module.spec, subject.forcing, subject.forcing[..., :0])
    gates = torch.cat([inputs, hidden], -1) @ weights["weight"] + weights["gate_bias"]
    n = hidden.shape[-1]
    let_in, keep, let_out = torch.sigmoid(gates[..., : 3 * n]).chunk(3, -1)
    written = let_in * torch.tanh(gates[..., 3 * n :])
    c = (keep * cell + written)[targets]
    squashed = torch.where(c.abs() < _NEAR_ZERO, 1.0, torch.tanh(c) / c) * let_out[targets]
    slope, difference = _head(subject, question, squashed * c)
    weight = slope * squashed
    values = c.new_empty(*c.shape[:-1], question.lags, 1)
    kept = torch.ones_like(c)
    for lag in range(question.lags):
        if lag % 32 == 0:
            report(lag / question.lags)
        values[..., lag, 0] = (weight * kept * written[targets - lag]).sum(-1)
        kept = kept * keep[targets - lag]
    return Raw(values, difference)


def _head(subject: Subject, question: Question, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """Mean gradient of the target on the way from h = 0 to `hidden`, and the target less that of h = 0."""
    model = subject.model
    (module,) = model._recurrent()
    weights = subject.prepared.recurrent[module.spec.name]
    table = model._learned_by(module.spec.name)
    column = [parameter.name for parameter in table].index(question.target)

    def target(h: Tensor) -> Tensor:
        raw = torch.tanh(h @ weights["head_weight"] + weights["head_bias"]) @ weights["out_weight"]
        return table[column].value((raw + weights["out_bias"])[..., column])

    slope = torch.zeros_like(hidden)
    path, shares = np.polynomial.legendre.leggauss(HEAD_NODES)
    with torch.enable_grad():
        for node, share in zip(0.5 * (path + 1), 0.5 * shares, strict=True):
            h = (float(node) * hidden).requires_grad_()
            (gradient,) = torch.autograd.grad(target(h).sum(), h)
            slope += float(share) * gradient
    return slope, (target(hidden) - target(torch.zeros_like(hidden))).detach()


def steps(n_days: int, question: Question, n_entries: int) -> float:
    """A run, and a product of a few numbers per lag."""
    return n_days + 0.05 * question.lags * question.targets.size


def _refuses(model: HybridModel, target: str) -> str:
    modules = model._recurrent()
    plain = not model.stores and len(modules) == 1 and not model.fluxes
    if plain and target in (p.name for p in model._learned_by(modules[0].spec.name)):
        return ""
    return (
        "The additive decomposition takes apart the cell state of a plain LSTM; this model has stores of its own, so "
        "ask for carriers instead."
    )


METHOD = Method(
    name="additive_decomposition",
    label="Additive decomposition",
    claim="What each past day wrote into the network's memory and how much of that is left in the target today, all "
    "drivers of the day together.",
    axis="forcing",
    answer=answer,
    steps=steps,
    additive=True,
    entries=lambda model: (ALL_WEATHER,),
    refuses=_refuses,
)
