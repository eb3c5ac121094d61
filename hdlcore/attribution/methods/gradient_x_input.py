"""Gradient x input: the gradient times how far the weather of that day departs from the baseline."""

from __future__ import annotations

from hdlcore.attribution.banded import lag_gradients
from hdlcore.attribution.contract import Method, Question, Raw, Report, Subject
from hdlcore.attribution.methods.saliency import steps
from hdlcore.attribution.path import departures, finite, run_difference


def answer(subject: Subject, question: Question, report: Report) -> Raw:
    """``A = (x - b) dF(x)/dx``."""
    gradients = finite(lag_gradients(subject, subject.forcing, question, report), question)
    values = gradients.mul_(departures(subject.forcing - subject.baseline, question))
    return Raw(values, run_difference(subject, question))


METHOD = Method(
    name="gradient_x_input",
    label="Gradient × input",
    claim="What each past day's departure from its usual weather did to the target, were the model straight.",
    axis="forcing",
    answer=answer,
    steps=steps,
    additive=True,
)
