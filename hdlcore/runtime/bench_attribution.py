"""Speed of attribution: the banded adjoint against one backward pass per target day, in the same run."""

from __future__ import annotations

import datetime as dt

import numpy as np
import torch

from hdlcore.attribution.attribute import attribute, every_day
from hdlcore.attribution.contract import Question, Subject
from hdlcore.runtime.bench_kernels import Figure, seconds
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.explain import explain_cell, question_of, subject_of
from hdlcore.runtime.requests import ExplanationRequest

#: Target days of the reference that are really run; its time for all is scaled from these.
SAMPLED_DAYS = 6
LAST_DAY = dt.date(2005, 12, 31)


def attribution_figures(ensemble: Ensemble) -> list[Figure]:
    """Gradients and integrated gradients of many target days over many lags."""
    return [
        _figure(ensemble, "saliency", 1, 365, 365, 1, SAMPLED_DAYS),
        _figure(ensemble, "integrated_gradients", 1, 365, 365, 16, SAMPLED_DAYS),
        _figure(ensemble, "saliency", 16, 730, 120, 1, SAMPLED_DAYS),
        _click(ensemble),
    ]


def _figure(
    ensemble: Ensemble, method: str, n_cells: int, n_days: int, lags: int, samples: int, sampled: int
) -> Figure:  # fmt: skip
    """One question, of one member, and its reference: plain backward passes scaled from `sampled` target days."""
    at = np.linspace(0, ensemble.world.sizes["cell"] - 1, n_cells + 2).astype(int)[1:-1]
    start = LAST_DAY - dt.timedelta(days=n_days + lags - 2)
    whole = subject_of(ensemble, ensemble.world["cell"].values[at], start, LAST_DAY)
    subject = whole.part(0, slice(None))
    question = Question("tws", every_day(subject.n_days, lags), lags, samples)
    ours = seconds(lambda: attribute(subject, question, method), 1)
    reference = seconds(lambda: one_by_one(subject, question, sampled), 1) * question.targets.size / sampled
    passes = samples if method == "integrated_gradients" else 1
    steps = f", {samples} steps" if passes > 1 else ""
    words = f"{method} of {n_days} target days x {lags} lags, {n_cells} cell{'s' if n_cells > 1 else ''}{steps}"
    return Figure(words, ours, reference * passes, reference * passes / ours, "s")


def _click(ensemble: Ensemble) -> Figure:
    """The live heatmap of a clicked cell in the app: everything from the request to the answer, all members."""
    cell = int(ensemble.world["cell"].values[ensemble.world.sizes["cell"] // 2])
    request = ExplanationRequest(ensemble.card.id, cell, "tws", "integrated_gradients", lags=730, every=12)
    ours = seconds(lambda: explain_cell(ensemble, request, None, None), 3)
    start, end = dt.date.fromisoformat(request.start), dt.date.fromisoformat(request.end)
    subject = subject_of(ensemble, np.array([cell]), start - dt.timedelta(days=request.lags - 1), end)
    question = question_of(request, (end - start).days + 1)
    sampled = 2
    reference = seconds(lambda: one_by_one(subject, question, sampled), 1) * question.targets.size / sampled
    reference *= request.samples
    words = (
        f"live heatmap of a clicked cell: {request.lags} lags, every {request.every}th day, {request.samples} steps, "
    )
    return Figure(f"{words}{subject.n_members} members", ours, reference, reference / ours, "s")


def one_by_one(subject: Subject, question: Question, sampled: int) -> None:
    """A plain backward pass over the window of some target days, all cells in a batch: what autograd alone would do."""
    chosen = question.targets[np.linspace(0, question.targets.size - 1, sampled).astype(int)]
    for day in chosen:
        x = subject.forcing[day - question.lags + 1 : day + 1].clone().requires_grad_()
        with torch.enable_grad():
            series, _ = subject.model.run(subject.prepared, x, subject.state, (question.target,))
            torch.autograd.grad(series[-1].sum(), x)
