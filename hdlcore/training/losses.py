"""Losses: what a model is asked to match, and the soft constraints that keep it plausible."""

from __future__ import annotations

import torch
from torch import Tensor


def seasonal_mae(simulated: Tensor, observed: Tensor, scale: Tensor, cells: Tensor) -> Tensor:
    """Mean absolute error of the de-meaned seasonal cycle, each cell scaled; NaN in `observed` is left out.

    simulated, observed: (month, cell) mm; scale: (cell,) mm; cells: (cell,) bool, those that count.
    """
    anomaly = simulated - simulated.mean(0, keepdim=True)
    error = (anomaly - observed).abs() / scale
    known = torch.isfinite(observed) & cells
    return torch.where(known, error, torch.zeros_like(error)).sum() / known.sum()


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
    return ((share - tolerance).clamp(min=0) * cells).sum() / cells.sum()
