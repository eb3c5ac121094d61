"""Whether an attribution depends on what it should: on the weights of the model, and little on noise in the weather."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from scipy.stats import spearmanr
from torch import Tensor

from hdlcore.attribution.attribute import attribute
from hdlcore.attribution.contract import Question, Subject
from hdlcore.attribution.views import lag_by_forcing
from hdlcore.models.hybrid import HybridModel, stack_members

#: Noise of max-sensitivity, as a share of each driver's standard deviation, and how often it is drawn.
NOISE, DRAWS = 0.02, 3


def heat(answer: xr.Dataset) -> NDArray[np.float64]:
    """Size by lag window and driver (or store) of an attribution of one cell, flat."""
    return lag_by_forcing(answer).values.astype(np.float64).ravel()


def signed(answer: xr.Dataset) -> NDArray[np.float64]:
    """Every signed contribution to one cell, flat; sizes fall with the lag in any model, signs tell them apart."""
    return answer["attribution"].values.astype(np.float64).ravel()


def rank_correlation(a: NDArray, b: NDArray) -> float:
    """Spearman's rank correlation; 0 when one of the two does not vary."""
    if np.ptp(a) == 0 or np.ptp(b) == 0:
        return 0.0
    return float(spearmanr(a, b).statistic)


def randomised(subject: Subject, statics: Tensor, seed: int = 1) -> Subject:
    """The same subject with the weights of every network and global parameter shuffled within their tensors.

    `statics` (cell, n_statics) in physical units; the subject must have one member. Shuffling keeps the size of the
    weights, so that the gates stay where weather can move them.
    """
    generator = torch.Generator().manual_seed(seed)
    other = shuffled(subject.model, generator)
    with torch.no_grad():
        return replace(subject, model=other, prepared=stack_members([other.prepare(statics)]))


def shuffled(model: HybridModel, generator: torch.Generator) -> HybridModel:
    """A copy of a model with every tensor of weights shuffled; the scaling of inputs stays."""
    other = type(model)(model.statics, _hidden(model)).to(model.forcing_mean.dtype)
    other.load_state_dict(model.state_dict())
    with torch.no_grad():
        for parameter in other.parameters():
            order = torch.randperm(parameter.numel(), generator=generator)
            parameter.copy_(parameter.flatten()[order].reshape(parameter.shape))
    return other.requires_grad_(False)


def _hidden(model: HybridModel) -> int | None:
    recurrent = model._recurrent()
    return recurrent[0].spec.hidden if recurrent else None


def max_sensitivity(subject: Subject, question: Question, method: str, answer: xr.Dataset, seed: int = 1) -> float:
    """Largest relative change of the attribution under small noise in the weather (Yeh et al. 2019)."""
    generator = torch.Generator().manual_seed(seed)
    spread = subject.forcing.std(0, keepdim=True)
    before = answer["attribution"].values.astype(np.float64)
    changes = []
    for _ in range(DRAWS):
        noise = torch.randn(subject.forcing.shape, generator=generator, dtype=subject.forcing.dtype)
        noisy = replace(subject, forcing=_possible(subject, subject.forcing + NOISE * spread * noise))
        after = attribute(noisy, question, method).isel(cell=0)["attribution"].values
        changes.append(float(np.linalg.norm(after - before)) / max(float(np.linalg.norm(before)), 1e-12))
    return max(changes)


def _possible(subject: Subject, forcing: Tensor) -> Tensor:
    """What falls from the sky is not negative."""
    for i, name in enumerate(subject.model.forcing):
        if name == "precipitation":
            forcing[..., i].clamp_(min=0)
    return forcing


def agreement(heats: Sequence[NDArray[np.float64]]) -> float | None:
    """Mean rank correlation of pairs of members; None for a single member."""
    pairs = [rank_correlation(a, b) for i, a in enumerate(heats) for b in heats[i + 1 :]]
    return float(np.mean(pairs)) if pairs else None
