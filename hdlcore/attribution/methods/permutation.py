"""Permutation after training: a driver's window is swapped with that of another day, and the model runs again."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.attribution.contract import Method, Question, Raw, Report, Subject
from hdlcore.attribution.reruns import Reruns, rerun_steps


def answer(subject: Subject, question: Question, report: Report) -> Raw:
    """Root mean square, over `samples` draws, of ``F(x) - F(x with driver v at the window's lags from another day)``.

    The window comes from that of another day of the record drawn at random, in any season: what is broken is the tie
    between this driver, these lags and the day (Breiman 2001, by lag window).
    """
    runs, draw = Reruns(subject, question), np.random.default_rng(question.seed)
    n_forcing = subject.forcing.shape[-1]
    start, end = question.windows
    squares = runs.value.new_zeros(*runs.value.shape, start.size, n_forcing)
    done, total = 0, float((end + 1).sum() * n_forcing * question.samples)
    for window, (near, far) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        for driver in range(n_forcing):
            for _ in range(question.samples):
                drawn = draw.integers(
                    far, subject.n_days, subject.n_days
                )  # for every day, so that batches do not matter

                def swap(
                    forcing: Tensor,
                    targets: NDArray[np.int64],
                    k: int = driver,
                    a: int = near,
                    b: int = far,
                    drawn: NDArray[np.int64] = drawn,
                ) -> None:
                    at = torch.from_numpy(drawn[targets]) - b + torch.arange(b - a + 1)[:, None]
                    forcing[: b - a + 1, ..., k] = subject.forcing[at][..., k].transpose(1, 2)

                report(done / total)
                squares[..., window, driver] += (runs.value - runs.ends(far, swap)).square()
                done += far + 1
    return Raw((squares / question.samples).sqrt())


def steps(n_days: int, question: Question, n_forcing: int) -> float:
    """Several runs from the far end of each window, for each driver."""
    return n_days + rerun_steps(question, n_forcing * question.samples)


METHOD = Method(
    name="permutation",
    label="Permutation",
    claim="How far the target moves, as a root mean square, when a driver's window of past days is swapped with that "
    "of another day of the record; a size, without a sign.",
    axis="forcing",
    answer=answer,
    steps=steps,
    by_window=True,
)
