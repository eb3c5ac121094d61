"""Run any hybrid model the fast way when it has one, and the plain way when it has not.

`run` gives what `HybridModel.run` gives: the fast path is generated from the model's own physics, proven against it
before its first use, and left aside, with a line in the log, when anything about the model is not what it was
generated for. `HDL_PLAIN=1` in the environment turns it off.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.models.hybrid import HybridModel, Prepared
from hdlcore.models.kernels import arrays, compiled
from hdlcore.models.kernels.day import Day
from hdlcore.models.kernels.source_run import BLOCK_LANES, run_source
from hdlcore.models.kernels.trace import Untraceable
from hdlcore.models.kernels.train import Training
from hdlcore.models.networks import RecurrentModule, StaticModule
from hdlcore.models.parameters import Parameter

logger = logging.getLogger(__name__)

#: fewer cells than this left over are run one by one
FEW_CELLS = 8
#: what a model may not write anew if the kernels are to be its own
_STANDARD = ("step", "run", "prepare", "outputs", "n_state", "_recurrent", "_state_sizes", "_seen_stores", "_inputs")
_EMPTY, _NO_SUMS, _NO_BINS = np.zeros((0, 0, 0), np.float32), np.zeros((0, 0, 0)), np.zeros(0, np.int64)

_lock = threading.RLock()
_known: dict[type[HybridModel], FastPath | str] = {}


class FastPath:
    """The kernels of one kind of model, compiled when first needed."""

    def __init__(self, model: HybridModel) -> None:
        self.name = type(model).__name__.lower()
        self.day = Day(model)
        self.layout = self.day.layout
        self.training = Training(self.name, self.day)
        self._modules: dict[int, ModuleType] = {}

    def kernel(self, lanes: int) -> Callable[..., None]:
        """The simulation kernel for blocks of `lanes` cells."""
        with _lock:
            if lanes not in self._modules:
                arrays.one_blas_thread()
                source = run_source(self.name, self.day, lanes)
                self._modules[lanes] = compiled.load(f"{self.name}_{lanes}", source)
            return self._modules[lanes].run  # type: ignore[no-any-return]

    def simulate(self, run: Run, out: NDArray, sums: NDArray, bins: NDArray) -> None:
        """Run all members; out (time, ..., cell, k) or sums (bin, ..., cell, k) may be empty; replaces `run.state`."""
        stacked = run.state.ndim == 3
        members: Sequence[int | None] = range(run.state.shape[0]) if stacked else [None]
        work = []
        for member in members:
            own = run.prepared if member is None else run.prepared.member(member)
            picked = [a if member is None or not a.size else a[:, member] for a in (out, sums)]
            state = arrays.numbers(run.state if member is None else run.state[member])
            work += self._work(own, arrays.days_of(run.forcing, member), state, picked, run.columns, bins, len(members))
        arrays.share(work)

    def _work(
        self, prepared: Prepared, forcing: NDArray, state: NDArray, out: list[NDArray], columns: NDArray,
        bins: NDArray, members: int,
    ) -> list[Callable[[], None]]:  # fmt: skip
        n_cells = state.shape[0]
        rest = n_cells % BLOCK_LANES
        whole = n_cells - rest if rest < FEW_CELLS else n_cells
        constant = arrays.constants(self.layout, prepared, n_cells)
        work: list[Callable[[], None]] = []
        for lanes, offset, size in ((BLOCK_LANES, 0, whole), (1, whole, n_cells - whole)):
            if size:
                kernel = self.kernel(lanes)
                networks = arrays.networks(self.layout, prepared, transposed=lanes > 1)
                for first, last in arrays.pieces(size, lanes, members):

                    def part(
                        a: int = offset + first, b: int = offset + last, kernel: Callable[..., None] = kernel,
                        networks: list = networks,
                    ) -> None:  # fmt: skip
                        kernel(forcing, state, constant, out[0], columns, out[1], bins, a, b, *networks)

                    work.append(part)
        return work


@dataclass(frozen=True)
class Run:
    """What is run: `state` is overwritten; `columns` are numbers of outputs."""

    prepared: Prepared
    forcing: Tensor
    state: Tensor
    columns: NDArray[np.int64]


def run(
    model: HybridModel, prepared: Prepared, forcing: Tensor, state: Tensor, keep: Sequence[str] | None = None
) -> tuple[Tensor, Tensor]:
    """`HybridModel.run`, fast where there is a fast path, with gradients to whatever asks for them.

    forcing (time, ..., cell, n_forcing), state (..., cell, n_state), with or without a member dimension, which
    `prepared` then has too. Returns outputs (time, ..., cell, n_output) and the state after the last day.
    """
    path = usable(model, prepared, forcing, state)
    if torch.is_grad_enabled() and arrays.wants_gradient(prepared, forcing, state):
        if path is None or state.ndim != 2:
            return model.run(prepared, forcing, state, keep)
        return path.training.run(prepared, forcing, state, _columns(model, keep))
    if path is None:
        with torch.no_grad():
            return model.run(prepared, forcing, state, keep)
    asked = _run_of(model, prepared, forcing, state, keep)
    out = torch.empty(*forcing.shape[:-1], asked.columns.size)
    path.simulate(asked, arrays.numbers(out), _NO_SUMS, _NO_BINS)
    return out, asked.state


def advance(model: HybridModel, prepared: Prepared, forcing: Tensor, state: Tensor) -> Tensor:
    """State after running over `forcing`; no output is kept."""
    path = usable(model, prepared, forcing, state)
    if path is None:
        with torch.no_grad():
            return model.run(prepared, forcing, state, model.store_names[:1])[1]
    asked = _run_of(model, prepared, forcing, state, ())
    path.simulate(asked, _EMPTY, _NO_SUMS, _NO_BINS)
    return asked.state


def trajectory(model: HybridModel, prepared: Prepared, forcing: Tensor, state: Tensor) -> Tensor:
    """States on the morning of each day, (time, ..., cell, n_state), of a run over forcing (time, ..., cell, k)."""
    path = usable(model, prepared, forcing, state)
    if path is None:
        states = []
        with torch.no_grad():
            for day in forcing.unbind(0):
                states.append(state.expand(*forcing.shape[1:-1], -1))
                _, state = model.step(day, state, prepared, model.store_names[:1] or model.outputs[:1])
        return torch.stack(states)
    if state.ndim == 2:
        return path.training.states(prepared, forcing, state)
    members = range(state.shape[0])
    return torch.stack([path.training.states(prepared.member(m), forcing[:, m], state[m]) for m in members], 1)


def sums(
    model: HybridModel, prepared: Prepared, forcing: Tensor, state: Tensor, bins: NDArray[np.int64], n_bins: int,
    keep: Sequence[str] | None = None,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """Sums of outputs over the days of each bin (such as a month), float64 (bin, ..., cell, n_output), and the state.

    `bins` (time,) says which of `n_bins` bins a day belongs to, -1 for none. Daily outputs are never kept.
    """
    path = usable(model, prepared, forcing, state)
    if path is None:
        with torch.no_grad():
            daily, state = model.run(prepared, forcing, state, keep)
        total = torch.zeros(n_bins, *daily.shape[1:], dtype=torch.float64)
        kept = torch.from_numpy(np.flatnonzero(bins >= 0))
        return total.index_add_(0, torch.from_numpy(bins)[kept], daily[kept].double()), state
    asked = _run_of(model, prepared, forcing, state, keep)
    total = torch.zeros(n_bins, *forcing.shape[1:-1], asked.columns.size, dtype=torch.float64)
    path.simulate(asked, _EMPTY, total.numpy(), np.ascontiguousarray(bins, np.int64))
    return total, asked.state


def _run_of(
    model: HybridModel, prepared: Prepared, forcing: Tensor, state: Tensor, keep: Sequence[str] | None
) -> Run:  # fmt: skip
    shape = (*forcing.shape[1:-1], state.shape[-1])
    own = state.detach().expand(shape).clone(memory_format=torch.contiguous_format)
    return Run(prepared, forcing, own, _columns(model, keep))


def _columns(model: HybridModel, keep: Sequence[str] | None) -> NDArray[np.int64]:
    return np.array([model.outputs.index(name) for name in (model.outputs if keep is None else keep)], np.int64)


# -- which models have one ----------------------------------------------------------------------------------------


def usable(model: HybridModel, prepared: Prepared, forcing: Tensor, state: Tensor) -> FastPath | None:
    """The fast path for this very run, or None when it must go the plain way."""
    path = fast_path(model)
    if path is None or state.ndim not in (2, 3) or forcing.ndim != state.ndim + 1:
        return None
    return path if arrays.suits(prepared, forcing, state) else None


def fast_path(model: HybridModel) -> FastPath | None:
    """The fast path of a model's kind; None when it has none or is turned off."""
    if os.environ.get("HDL_PLAIN") == "1":
        return None
    found = _find(model)
    return found if isinstance(found, FastPath) else None


def why_plain(model: HybridModel) -> str:
    """Why a model has no fast path; empty when it has one."""
    if os.environ.get("HDL_PLAIN") == "1":
        return "the environment variable HDL_PLAIN is set"
    found = _find(model)
    return found if isinstance(found, str) else ""


def _find(model: HybridModel) -> FastPath | str:
    kind = type(model)
    with _lock:
        if kind not in _known:
            _known[kind] = reason = _make(model)
            if isinstance(reason, str):
                logger.info("%s runs without a fast path: %s", kind.__name__, reason)
        return _known[kind]


def _make(model: HybridModel) -> FastPath | str:
    kind = type(model)
    own = [name for name in _STANDARD if getattr(kind, name) is not getattr(HybridModel, name)]
    if own:
        return f"it writes {', '.join(own)} in its own way"
    if any(type(m) not in (RecurrentModule, StaticModule) for m in model.network.values()):
        return "it has a network of its own kind"
    if any(type(p) is not Parameter for p in model.parameters_table):
        return "it has a parameter of its own kind"
    try:
        path = FastPath(model)
        _prove(model, path)
    except Untraceable as reason:
        return str(reason)
    except Exception as error:  # whatever a kind of model does that symbols cannot, the plain path is the truth
        return f"its physics could not be traced ({type(error).__name__}: {error})"
    return path


def _prove(model: HybridModel, path: FastPath) -> None:
    """A few cells and days the fast way and the plain way; what differs is not used."""
    if model.forcing_mean.dtype is not torch.float32:
        return
    n_cells, n_days = BLOCK_LANES + 1, 4  # a whole block and one cell alone
    generator = torch.Generator().manual_seed(1)
    statics = torch.randn(n_cells, len(model.statics), generator=generator)
    weather = torch.randn(n_days, n_cells, len(model.forcing), generator=generator).abs()
    weather[:, ::3] *= -0.3  # some weather below the mean, little of it below what can be
    forcing = (model.forcing_mean + weather * model.forcing_std).detach()
    with torch.no_grad():
        prepared, state = model.prepare(statics), model.initial_state(n_cells)
        plain, after = model.run(prepared, forcing, state)
    asked = _run_of(model, prepared, forcing, state, None)
    out = torch.empty_like(plain)
    path.simulate(asked, out.numpy(), _NO_SUMS, _NO_BINS)
    known = torch.isfinite(plain)
    size = torch.where(known, plain, 0.0).abs().amax((0, 1)).clamp(min=1e-3)
    apart = torch.where(known, (out - plain).abs(), 0.0)
    wrong = ~(apart <= 1e-4 * size).all(0).all(0)  # so written that a NaN of ours is wrong
    states_agree = torch.allclose(asked.state, after, rtol=1e-4, atol=1e-3, equal_nan=True)
    if wrong.any() or not states_agree:
        names = [name for name, bad in zip(model.outputs, wrong, strict=True) if bad]
        raise Untraceable(f"on this machine its fast path differs from the plain one in {', '.join(names) or 'state'}")
