"""The one network of the study: two layers, a recurrence or a third layer in its place, and a number a step."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn


class SequenceNetwork(nn.Module):
    """Inputs (series, step, feature) -> (series, step): two tanh layers, an LSTM, a linear layer.

    As in Kraft et al. (2019), narrower. Without `recurrent` a tanh layer as wide as the LSTM stands in its place, so
    that a step knows of no other: the fully connected network of Kraft, Besnard and Koirala (2021).
    """

    def __init__(self, features: int, encoder: int, hidden: int, recurrent: bool) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(features, encoder), nn.Tanh(), nn.Linear(encoder, encoder), nn.Tanh())
        self.recurrent = recurrent
        self.core: nn.Module = (
            nn.LSTM(encoder, hidden, batch_first=True)
            if recurrent
            else nn.Sequential(nn.Linear(encoder, hidden), nn.Tanh())
        )
        self.head = nn.Linear(hidden, 1)

    def forward(self, inputs: Tensor) -> Tensor:
        """Prediction (series, step), standardised."""
        encoded = self.encoder(inputs)
        out = self.core(encoded)
        hidden = out[0] if self.recurrent else out
        return cast(Tensor, self.head(hidden)).squeeze(-1)


def step_inputs(drivers: Tensor, statics: Tensor) -> Tensor:
    """Drivers (series, step, driver) with the statics (series, static) repeated at every step."""
    repeated = statics[:, None].expand(-1, drivers.shape[1], -1)
    return torch.cat([drivers, repeated], -1)
