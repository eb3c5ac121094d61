"""Training the fast way: an autograd function around the recurrent part, with its derivative written by the kernels."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.models.hybrid import Prepared
from hdlcore.models.kernels import arrays, compiled
from hdlcore.models.kernels.day import Day, Layout
from hdlcore.models.kernels.source_run import BLOCK_LANES
from hdlcore.models.kernels.source_train import train_source

PARTS = ("gate_bias", "weight", "head_weight", "head_bias", "out_weight", "out_bias")


class Training:
    """Forward and backward kernels of one kind of model, compiled when first needed."""

    def __init__(self, name: str, day: Day) -> None:
        self.name, self.day, self.layout = name, day, day.layout
        self._module: ModuleType | None = None
        self._lock = threading.Lock()

    @property
    def module(self) -> ModuleType:
        """The compiled kernels."""
        with self._lock:
            if self._module is None:
                arrays.one_blas_thread()
                self._module = compiled.load(f"{self.name}_train", train_source(self.name, self.day))
            return self._module

    def run(
        self, prepared: Prepared, forcing: Tensor, state: Tensor, columns: NDArray[np.int64]
    ) -> tuple[Tensor, Tensor]:
        """Outputs (time, cell, k) and state (cell, n_state), with a graph to everything that asks for one."""
        tensors = [prepared.recurrent[name][part] for name, *_ in self.layout.networks for part in PARTS]
        tensors += [prepared.parameters[name] for name in self.layout.constant]
        outputs, after = _Recurrent.apply(self, columns, forcing, state, *tensors)
        return outputs, after

    def states(self, prepared: Prepared, forcing: Tensor, state: Tensor) -> Tensor:
        """State on the morning of each day (time, cell, n_state) of a run, as the way back keeps it."""
        layout, (n_days, n_cells) = self.layout, forcing.shape[:2]
        networks = arrays.networks(layout, prepared, transposed=True)
        kept, per_network = _memory(layout, networks, n_days, n_cells)
        after = state.detach().clone(memory_format=torch.contiguous_format).numpy()
        constant, days = arrays.constants(layout, prepared, n_cells), arrays.numbers(forcing)
        nothing, columns = np.empty((n_days, n_cells, 0), np.float32), np.zeros(0, np.int64)
        kernel = self.module.forward

        def part(first: int, stop: int) -> None:
            kernel(days, after, constant, nothing, columns, kept, first, stop, *networks, *per_network)

        arrays.share([_bound(part, *piece) for piece in arrays.pieces(n_cells, BLOCK_LANES)])
        groups = [kept.reshape(len(kept), n_days, -1, BLOCK_LANES)[:, :, : len(layout.stores)]]
        for i in range(len(layout.networks)):
            for rows in (per_network[4 * i + 2], per_network[4 * i + 1]):  # hidden, then cell state
                groups.append(rows.reshape(len(kept), n_days + 1, -1, BLOCK_LANES)[:, :-1])
        before = np.concatenate(groups, 2).transpose(1, 0, 3, 2)  # (time, block, lane, n_state)
        return torch.from_numpy(np.ascontiguousarray(before.reshape(n_days, -1, before.shape[-1])[:, :n_cells]))


def _prepared(layout: Layout, tensors: Sequence[Tensor]) -> Prepared:
    recurrent = {
        name: dict(zip(PARTS, tensors[i * len(PARTS) : (i + 1) * len(PARTS)], strict=True))
        for i, (name, *_) in enumerate(layout.networks)
    }
    rest = tensors[len(layout.networks) * len(PARTS) :]
    return Prepared(recurrent, dict(zip(layout.constant, rest, strict=True)))


class _Recurrent(torch.autograd.Function):
    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, training: Training, columns: NDArray[np.int64], forcing: Tensor, state: Tensor, *tensors: Tensor
    ) -> tuple[Tensor, Tensor]:
        layout, n_cells, n_days = training.layout, state.shape[0], forcing.shape[0]
        prepared = _prepared(layout, tensors)
        networks = arrays.networks(layout, prepared, transposed=True)
        constant = arrays.constants(layout, prepared, n_cells)
        kept, per_network = _memory(layout, networks, n_days, n_cells)
        outputs = np.empty((n_days, n_cells, columns.size), np.float32)
        after = state.detach().clone(memory_format=torch.contiguous_format)
        days, last = arrays.numbers(forcing), after.numpy()
        kernel = training.module.forward

        def part(first: int, stop: int) -> None:
            kernel(days, last, constant, outputs, columns, kept, first, stop, *networks, *per_network)

        arrays.share([_bound(part, *piece) for piece in arrays.pieces(n_cells, BLOCK_LANES)])
        ctx.training, ctx.columns, ctx.kept = training, columns, (kept, per_network, networks, constant)
        ctx.save_for_backward(forcing, *tensors)
        return torch.from_numpy(outputs), after

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, d_outputs: Tensor, d_after: Tensor) -> tuple:  # type: ignore[override]
        forcing, *tensors = ctx.saved_tensors
        training = ctx.training
        kept, per_network, networks, constant = ctx.kept
        ctx.kept = None
        n_cells = d_after.shape[0]
        wants_forcing = ctx.needs_input_grad[2]
        d_out = np.ascontiguousarray(d_outputs.numpy(), np.float32)
        d_state = d_after.numpy().astype(np.float32)  # a copy: the kernel writes into it
        d_constant = np.zeros_like(constant)
        d_forcing = np.zeros(forcing.shape if wants_forcing else (0, 0, 0), np.float32)
        of_networks = slice(4, 4 + len(PARTS) * len(training.layout.networks))
        learns = any(ctx.needs_input_grad[of_networks])
        slopes = _slopes(networks, n_cells, learns)
        days, kernel = arrays.numbers(forcing), training.module.back

        def part(first: int, stop: int) -> None:
            kernel(
                days, constant, d_out, ctx.columns, kept, d_state, d_constant, d_forcing, first, stop,
                *networks, *per_network, *slopes,
            )  # fmt: skip

        arrays.share([_bound(part, *piece) for piece in arrays.pieces(n_cells, BLOCK_LANES)])
        grads: list[Tensor | None] = [torch.from_numpy(g) if learns else None for g in _summed(slopes)]
        for row, tensor in zip(d_constant, tensors[len(grads) :], strict=True):
            grads.append(torch.from_numpy(row.copy() if tensor.numel() > 1 or n_cells == 1 else row.sum(keepdims=True)))
        shaped = [None if g is None else g.reshape(t.shape) for g, t in zip(grads, tensors, strict=True)]
        d_weather = torch.from_numpy(d_forcing) if wants_forcing else None
        return None, None, d_weather, torch.from_numpy(d_state), *shaped


def _bound(part: Callable[[int, int], None], first: int, stop: int) -> Callable[[], None]:
    return lambda: part(first, stop)


def _memory(layout: Layout, networks: list, n_days: int, n_cells: int) -> tuple[NDArray, list[NDArray]]:
    """What the way back needs of every day: stores and raw parameters, and per network gates, states and head."""
    blocks = -(-n_cells // BLOCK_LANES)

    def room(days: int, rows: int) -> NDArray:
        return np.empty((blocks, days, rows * BLOCK_LANES), np.float32)

    per_network = []
    for i in range(len(layout.networks)):
        n, heads = networks[6 * i].shape[1] // 4, networks[6 * i + 2].shape[0]
        per_network += [room(n_days, 4 * n), room(n_days + 1, n), room(n_days + 1, n), room(n_days, heads)]
    return room(n_days, len(layout.stores) + len(layout.raw)), per_network


def _slopes(networks: list, n_cells: int, learns: bool) -> list[NDArray]:
    """Zeros for the slopes of the networks: the bias of the gates per cell, the others per block; else empty arrays."""
    blocks = -(-n_cells // BLOCK_LANES)
    slopes = []
    for i, array in enumerate(networks):
        shape = array.shape if i % 6 == 0 else (blocks, *array.shape)
        slopes.append(np.zeros(shape if learns else (0, *shape[1:]), np.float32))
    return slopes


def _summed(slopes: list[NDArray]) -> list[NDArray]:
    """Slopes as the tensors are: blocks summed in their order, weights turned back to (in, out)."""
    summed = []
    for i, slope in enumerate(slopes):
        total = slope if i % 6 == 0 else slope.sum(0, dtype=np.float64).astype(np.float32)
        summed.append(np.ascontiguousarray(total.T) if i % 6 in (1, 2, 4) else total)
    return summed
