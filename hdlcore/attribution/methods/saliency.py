"""Saliency: the plain gradient of the target with respect to the weather of each day before it."""

from __future__ import annotations

from hdlcore.attribution.banded import lag_gradients
from hdlcore.attribution.contract import Method, Question, Raw, Report, Subject
from hdlcore.attribution.path import finite


def answer(subject: Subject, question: Question, report: Report) -> Raw:
    """``d y_t / d x_{t-l}``."""
    return Raw(finite(lag_gradients(subject, subject.forcing, question, report), question))


def steps(n_days: int, question: Question, n_forcing: int) -> float:
    """One run, then one product per lag for every day."""
    return n_days * (1 + 1.5 * question.lags)


METHOD = Method(
    name="saliency",
    label="Gradient",
    claim="What one more unit of a driver on one past day would do to the target, for a small change.",
    axis="forcing",
    answer=answer,
    steps=steps,
    unit="{unit} per unit of the driver",
)
