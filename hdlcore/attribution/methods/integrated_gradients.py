"""Integrated gradients (Sundararajan et al. 2017): the gradient averaged on the way from baseline to weather."""

from __future__ import annotations

from hdlcore.attribution.banded import lag_gradients
from hdlcore.attribution.contract import Method, Question, Raw, Report, Subject
from hdlcore.attribution.methods import saliency
from hdlcore.attribution.path import departures, finite, path_points, run_difference, trajectories


def answer(subject: Subject, question: Question, report: Report) -> Raw:
    """``A = (x - b) * integral over a in (0, 1) of dF(b + a (x - b))/dx``, by Gauss-Legendre quadrature.

    Kinks of the physics (melt, overflow) slow its convergence; the completeness gap tells.
    """
    difference = subject.forcing - subject.baseline
    points, weights = path_points(question.samples)
    between = [subject.baseline + float(point) * difference for point in points]
    total = None
    for i, (weather, states, weight) in enumerate(zip(between, trajectories(subject, between), weights, strict=True)):

        def part(fraction: float, done: int = i) -> None:
            report((done + fraction) / question.samples)

        gradients = finite(lag_gradients(subject, weather, question, part, states), question)
        total = gradients.mul_(weight) if total is None else total.add_(gradients, alpha=float(weight))
    assert total is not None
    return Raw(total.mul_(departures(difference, question)), run_difference(subject, question))


def steps(n_days: int, question: Question, n_forcing: int) -> float:
    """A gradient at each point of the path."""
    return question.samples * saliency.steps(n_days, question, n_forcing)


METHOD = Method(
    name="integrated_gradients",
    label="Integrated gradients",
    claim="What each past day's departure from its usual weather did to the target; all together add up to the "
    "difference from a run under usual weather.",
    axis="forcing",
    answer=answer,
    steps=steps,
    additive=True,
)
