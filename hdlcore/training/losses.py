"""Losses: what a model is asked to match, and the soft constraints that keep it plausible."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from hdlcore.training.recipes import Target, Term

#: Where learned task weights start: the standard deviation of each target's error (Kraft et al. 2022).
SIGMA = 0.7


def departures(simulated: Tensor, observed: Tensor) -> tuple[Tensor, Tensor]:
    """Both series (time, cell) less their mean over the times observed; NaN in `observed` stays."""
    known = torch.isfinite(observed)
    count = known.sum(0).clamp(min=1)
    filled = torch.where(known, observed, torch.zeros_like(observed))
    seen = torch.where(known, simulated, torch.zeros_like(simulated))
    return simulated - seen.sum(0) / count, observed - filled.sum(0) / count


def parts(simulated: Tensor, observed: Tensor, term: Term) -> tuple[Tensor, Tensor]:
    """A part of monthly series (time, cell) that begin in any month: as it is, its mean seasonal cycle, or the rest.

    Calendar months count where `observed` knows them; the other side's cycle is the mean over the same times.
    """
    if term == "raw":
        return simulated, observed
    years = math.ceil(observed.shape[0] / 12)
    pad = years * 12 - observed.shape[0]
    sim, obs = (
        torch.cat([x, x.new_full((pad, x.shape[1]), math.nan)]).reshape(years, 12, -1) for x in (simulated, observed)
    )
    known = torch.isfinite(obs)
    count = known.sum(0).clamp(min=1)
    zero = torch.zeros_like(obs)
    cycles = [torch.where(known, x, zero).sum(0) / count for x in (sim, obs)]
    if term == "seasonal":
        cycles[1] = torch.where(known.any(0), cycles[1], cycles[1].new_tensor(math.nan))
        return cycles[0], cycles[1]
    rest = [
        (x - cycle).reshape(years * 12, -1)[: observed.shape[0]] for x, cycle in zip((sim, obs), cycles, strict=True)
    ]
    return rest[0], rest[1]


def mean_error(simulated: Tensor, observed: Tensor, scale: Tensor, cells: Tensor, squared: bool = False) -> Tensor:
    """Mean absolute (or squared) error over all known values of some cells, each cell scaled.

    simulated, observed: (time, cell), NaN in `observed` is left out; scale: (cell,); cells: (cell,) bool.
    """
    known = torch.isfinite(observed) & cells
    error = torch.where(
        known, (simulated - torch.where(known, observed, simulated)) / scale, torch.zeros_like(simulated)
    )
    error = error.square() if squared else error.abs()
    return error.sum() / known.sum().clamp(min=1)


def target_loss(
    target: Target, simulated: Tensor, observed: Tensor, scale: Mapping[Term, Tensor], cells: Tensor
) -> Tensor:
    """Mean over a target's terms of the scaled error, series (time, cell) as its sensor sees them."""
    if target.departures:
        simulated, observed = departures(simulated, observed)
    errors = [
        mean_error(*parts(simulated, observed, term), scale[term], cells, target.error == "squared")
        for term in target.terms
    ]
    return torch.stack(errors).mean()


class TaskWeights(nn.Module):
    """Learned weights of several targets: L = sum of exp(-s) L_k / 2 + s / 2 (Kendall et al. 2018, CVPR)."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.log_variance = nn.Parameter(torch.full((n,), math.log(SIGMA**2)))

    def forward(self, losses: Tensor) -> Tensor:
        """Total of `losses` (n,)."""
        return (0.5 * torch.exp(-self.log_variance) * losses + 0.5 * self.log_variance).sum()


def budyko_evaporation(precipitation: Tensor, potential: Tensor, omega: float = 2.6) -> Tensor:
    """Long-term evapotranspiration (mm d-1) on Fu's curve (Fu 1981; Zhang et al. 2004), omega 2.6 by default."""
    dryness = potential / precipitation.clamp(min=0.02)
    return precipitation * (1 + dryness - (1 + dryness**omega) ** (1 / omega))


def budyko_departure(
    evapotranspiration: Tensor, precipitation: Tensor, potential: Tensor, cells: Tensor, tolerance: float
) -> Tensor:
    """Mean departure of long-term evapotranspiration from Budyko's curve beyond `tolerance` (share of precipitation).

    All (cell,), mm d-1. Storage alone says little of how much water evaporates and how much runs off; this keeps the
    split where catchments of the world lie without dictating it.
    """
    share = (evapotranspiration - budyko_evaporation(precipitation, potential)).abs() / precipitation.clamp(min=0.1)
    return ((share - tolerance).clamp(min=0) * cells).sum() / cells.sum().clamp(min=1)
