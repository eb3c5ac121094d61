"""The two kinds of network a parameter can be learned by. Both start near zero, so that parameters start at default.

`prepare` does once what does not change from day to day (encoders, static part of the gates, scaling of inputs); what
remains is a handful of tensors that may carry a leading member dimension, so an ensemble steps as one batch.
"""

from __future__ import annotations

import math
from itertools import pairwise

import torch
from torch import Tensor, nn

from hdlcore.models.parameters import RecurrentNetwork, StaticNetwork

#: Forget gates start open, so that gradients reach back months from the first step of training.
FORGET_BIAS = 3.0


def _mlp(sizes: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def _start_small(layer: nn.Linear) -> None:
    with torch.no_grad():
        layer.weight.mul_(0.1)
        layer.bias.zero_()


class StaticModule(nn.Module):
    """Statics (cell, n_statics), standardised -> raw parameters (cell, n_parameters)."""

    def __init__(self, spec: StaticNetwork, n_statics: int, n_parameters: int) -> None:
        super().__init__()
        self.mlp = _mlp((n_statics, spec.hidden, spec.hidden, n_parameters))
        _start_small(self.mlp[-1])  # type: ignore[arg-type]

    def forward(self, statics: Tensor) -> Tensor:
        """Return raw parameters, (cell, n_parameters)."""
        return self.mlp(statics)  # type: ignore[no-any-return]


class RecurrentModule(nn.Module):
    """An LSTM stepping daily on [forcing, stores, encoded statics] with a two-layer tanh head (Kraft et al. 2022)."""

    def __init__(self, spec: RecurrentNetwork, n_statics: int, n_parameters: int) -> None:
        super().__init__()
        self.spec = spec
        n_dynamic, hidden = len(spec.forcing) + len(spec.stores), spec.hidden
        self.encoder = _mlp((n_statics, 30, spec.encoding))
        bound = 1 / math.sqrt(hidden)
        self.weight_input = nn.Parameter(torch.empty(n_dynamic, 4 * hidden).uniform_(-bound, bound))
        self.weight_static = nn.Parameter(torch.empty(spec.encoding, 4 * hidden).uniform_(-bound, bound))
        self.weight_hidden = nn.Parameter(torch.empty(hidden, 4 * hidden).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(4 * hidden))
        with torch.no_grad():
            self.bias[hidden : 2 * hidden] = FORGET_BIAS
        self.head = nn.Linear(hidden, spec.head)
        self.out = nn.Linear(spec.head, n_parameters)
        _start_small(self.out)

    def prepare(self, statics: Tensor, mean: Tensor, std: Tensor) -> dict[str, Tensor]:
        """Fold statics and forcing scaling (mean, std: (n_forcing,)) into the tensors a daily step needs.

        Returns gate_bias (cell, 4 hidden), weight (n_forcing + n_stores + hidden, 4 hidden), and the head's tensors.
        """
        n_forcing = len(self.spec.forcing)
        weight_forcing = self.weight_input[:n_forcing] / std[:, None]
        bias = self.bias - mean @ weight_forcing
        return {
            "gate_bias": torch.tanh(self.encoder(statics)) @ self.weight_static + bias,
            "weight": torch.cat([weight_forcing, self.weight_input[n_forcing:], self.weight_hidden]),
            "head_weight": self.head.weight.T,
            "head_bias": self.head.bias[None],
            "out_weight": self.out.weight.T,
            "out_bias": self.out.bias[None],
        }


def lstm_step(inputs: Tensor, hidden: Tensor, cell: Tensor, w: dict[str, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """One day: inputs (..., cell, n_dynamic), hidden and cell state (..., cell, hidden) -> (raw, hidden, cell)."""
    gates = torch.cat([inputs, hidden], -1) @ w["weight"] + w["gate_bias"]
    n = hidden.shape[-1]
    # split and chunk, never slices: their backward is one concatenation instead of a padded sum per slice
    switches, candidate = gates.split((3 * n, n), -1)
    let_in, keep, let_out = torch.sigmoid(switches).chunk(3, -1)
    cell = keep * cell + let_in * torch.tanh(candidate)
    hidden = let_out * torch.tanh(cell)
    raw = torch.tanh(hidden @ w["head_weight"] + w["head_bias"]) @ w["out_weight"] + w["out_bias"]
    return raw, hidden, cell
