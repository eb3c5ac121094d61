"""Occlusion: one driver over one window of lags is put back to the baseline, and the model runs again."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.attribution.contract import Method, Question, Raw, Report, Subject
from hdlcore.attribution.reruns import Reruns, rerun_steps


def answer(subject: Subject, question: Question, report: Report) -> Raw:
    """``A = F(x) - F(x with driver v at the window's lags set to the baseline)``."""
    runs = Reruns(subject, question)
    n_forcing = subject.forcing.shape[-1]
    start, end = question.windows
    values = runs.value.new_empty(*runs.value.shape, start.size, n_forcing)
    done, total = 0, float((end + 1).sum() * n_forcing)
    for window, (near, far) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        for driver in range(n_forcing):

            def usual(
                forcing: Tensor, targets: NDArray[np.int64], k: int = driver, a: int = near, b: int = far
            ) -> None:
                at = torch.from_numpy(targets) - b + torch.arange(b - a + 1)[:, None]
                forcing[: b - a + 1, ..., k] = subject.baseline[at][..., k].transpose(1, 2)

            report(done / total)
            values[..., window, driver] = runs.value - runs.ends(far, usual)
            done += far + 1
    return Raw(values)


def steps(n_days: int, question: Question, n_forcing: int) -> float:
    """A run from the far end of each window, for each driver."""
    return n_days + rerun_steps(question, n_forcing)


METHOD = Method(
    name="occlusion",
    label="Occlusion",
    claim="How the target would differ had a driver been at its usual value over a window of past days, all else "
    "unchanged; windows that work together or against each other need not add up.",
    axis="forcing",
    answer=answer,
    steps=steps,
    by_window=True,
)
