"""Every day of a run as a linear map: what one day's forcing and state do to the next, and cheap to follow far back.

The slope of an LSTM's step is six numbers a unit and its recurrent weights; that of the physics a small matrix. Both
are taken once a day, from torch, and `hdlcore.attribution.pull` then goes back through the days without a graph.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.models.hybrid import HybridModel, Prepared
from hdlcore.models.kernels.day import Layout, after_networks, layout_of

F4 = NDArray[np.float32]


@dataclass(frozen=True)
class LinearDays:
    """Slopes of every day (rows: day, or day x cell) of one member; S stores, n units, X drivers.

    units : (row, 6 n), of the LSTM's gates; weight : (4 n, drivers seen + stores seen + n), shared by all rows
    store_unit : (row, S, n), new stores by hidden unit; store_store : (row, S, S), new by old, along the physics
    store_forcing : (row, S, X); seen : (row, S), slope of a store as the network sees it
    target_unit, target_store, target_forcing : the same of the target: (row, n), (row, S), (row, X)
    sees_forcing, sees_stores : which drivers and stores the network sees, in the order of the weight's columns
    """

    units: F4
    weight: F4
    store_unit: F4
    store_store: F4
    store_forcing: F4
    seen: F4
    target_unit: F4
    target_store: F4
    target_forcing: F4
    sees_forcing: NDArray[np.int64]
    sees_stores: NDArray[np.int64]

    @property
    def arguments(self) -> tuple[NDArray, ...]:
        """In the order of `pull`."""
        return tuple(getattr(self, field.name) for field in fields(self))


def suits(model: HybridModel, forcing: Tensor) -> bool:
    """Whether a model's days can be written so: standard step, one recurrent network, single precision."""
    standard = all(getattr(type(model), name) is getattr(HybridModel, name) for name in ("step", "run", "_inputs"))
    return standard and len(model._recurrent()) == 1 and forcing.dtype is torch.float32


def linear_days(model: HybridModel, prepared: Prepared, forcing: Tensor, states: Tensor, target: str) -> LinearDays:
    """Slopes of the days of one member: forcing (row, X), states before each day (row, n_state); `prepared` of the
    same rows."""
    (module,) = model._recurrent()
    layout = layout_of(model)
    weights = prepared.recurrent[module.spec.name]
    stores, hidden, cell = states.split(model._state_sizes(), -1)
    with torch.no_grad():
        units, raw, head = _network(model, weights, forcing, stores, hidden, cell)
    slopes = _physics(model, layout, prepared, forcing, stores, raw, target)
    of_stores, of_target = slopes
    with torch.no_grad():
        # d raw / d hidden = last (raw, head) * slope of tanh (head) * head (head, unit)
        store_unit = (of_stores[1] @ weights["out_weight"].T * head[:, None]) @ weights["head_weight"].T
        target_unit = (of_target[1] @ weights["out_weight"].T * head) @ weights["head_weight"].T
        half = stores.new_tensor([store.half for store in model.stores])
        seen = half / (stores + half).square() if model.stores else stores
    _, sees_forcing, sees_stores, _ = layout.networks[0]
    return LinearDays(
        units=_array(units), weight=_array(weights["weight"].T), store_unit=_array(store_unit),
        store_store=_array(of_stores[0]), store_forcing=_array(of_stores[2]), seen=_array(seen),
        target_unit=_array(target_unit), target_store=_array(of_target[0]), target_forcing=_array(of_target[2]),
        sees_forcing=np.array(sees_forcing, np.int64), sees_stores=np.array(sees_stores, np.int64),
    )  # fmt: skip


def _array(tensor: Tensor) -> F4:
    return np.ascontiguousarray(tensor.detach().numpy(), np.float32)


def _network(
    model: HybridModel, w: dict[str, Tensor], forcing: Tensor, stores: Tensor, hidden: Tensor, cell: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Six slopes a unit (row, 6 n), raw parameters (row, r), and the slope of the head's tanh (row, head)."""
    (module,) = model._recurrent()
    inputs = model._inputs(module.spec, forcing, model._seen_stores(stores))
    gates = torch.cat([inputs, hidden], -1) @ w["weight"] + w["gate_bias"]
    n = hidden.shape[-1]
    let_in, keep, let_out = torch.sigmoid(gates[:, : 3 * n]).chunk(3, -1)
    new = torch.tanh(gates[:, 3 * n :])
    squashed = torch.tanh(keep * cell + let_in * new)
    act = torch.tanh((let_out * squashed) @ w["head_weight"] + w["head_bias"])
    units = torch.cat([
        let_out * (1 - squashed * squashed),  # cell state by hidden
        new * let_in * (1 - let_in),  # gates by cell state: in, keep, new; and out by hidden
        cell * keep * (1 - keep),
        squashed * let_out * (1 - let_out),
        let_in * (1 - new * new),
        keep,
    ], -1)  # fmt: skip
    return units, act @ w["out_weight"] + w["out_bias"], 1 - act * act


def _physics(
    model: HybridModel, layout: Layout, prepared: Prepared, forcing: Tensor, stores: Tensor, raw: Tensor, target: str
) -> tuple[tuple[Tensor, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]:
    """Slopes of new stores (row, S, by stores, raw, forcing) and of the target (row, by the same)."""
    taken = [t.detach().clone().requires_grad_() for t in (stores, raw, forcing)]
    with torch.enable_grad():
        values = {
            "stores": taken[0].unbind(-1), "raw": taken[1].unbind(-1), "forcing": taken[2].unbind(-1),
            "constant": [prepared.parameters[name] for name in layout.constant],
        }  # fmt: skip
        named = after_networks(model, layout, values)
        n_rows = stores.shape[0]
        wanted = [named[name].expand(n_rows) for name in (*layout.stores, target)]
        slopes = [
            torch.autograd.grad(w.sum(), taken, retain_graph=True, allow_unused=True, materialize_grads=True)
            if w.requires_grad else [torch.zeros_like(t) for t in taken]
            for w in wanted
        ]  # fmt: skip
    per_store = [torch.stack([s[i] for s in slopes[:-1]], 1) if layout.stores else raw.new_zeros(n_rows, 0, t.shape[-1])
                 for i, t in enumerate(taken)]  # fmt: skip
    return (per_store[0], per_store[1], per_store[2]), (slopes[-1][0], slopes[-1][1], slopes[-1][2])
