"""Expected gradients (Erion et al. 2021): integrated gradients averaged over baselines, the weather of other years."""

from __future__ import annotations

import numpy as np
import torch

from hdlcore.attribution.banded import lag_gradients
from hdlcore.attribution.contract import Method, Question, Raw, Report, Subject
from hdlcore.attribution.methods import integrated_gradients
from hdlcore.attribution.path import departures, finite, target_series
from hdlcore.errors import RequestError


def answer(subject: Subject, question: Question, report: Report) -> Raw:
    """``A = mean over years b, and a in (0, 1), of (x - b) dF(b + a (x - b))/dx``; one draw of a for each year.

    The draws of a are stratified: one in each of `samples` equal parts of (0, 1), in random order.
    """
    if subject.other_years is None:
        raise RequestError("Expected gradients need the weather of other years, which this record does not bring.")
    draw, n = np.random.default_rng(question.seed), question.samples
    nodes = draw.permutation((np.arange(n) + draw.random(n)) / n)
    own = target_series(subject, subject.forcing, question)
    total, reference = None, torch.zeros_like(own)
    for i, node in enumerate(nodes):

        def part(fraction: float, done: int = i) -> None:
            report((done + fraction) / n)

        baseline = subject.other_years(i)
        difference = subject.forcing - baseline
        gradients = finite(lag_gradients(subject, baseline + float(node) * difference, question, part), question)
        values = gradients.mul_(departures(difference, question)).div_(n)
        total = values if total is None else total.add_(values)
        reference = reference + target_series(subject, baseline, question) / n
    assert total is not None
    return Raw(total, own - reference)


METHOD = Method(
    name="expected_gradients",
    label="Expected gradients",
    claim="What each past day's weather did to the target compared with the same days of other years, on average; "
    "together they add up, within the noise of the draws, to the difference from the mean of runs under those years.",
    axis="forcing",
    answer=answer,
    steps=integrated_gradients.steps,
    additive=True,
)
