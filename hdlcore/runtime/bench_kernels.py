"""Speed of the kernels: each figure a ratio to a plain scripted torch loop of the same model, measured in the same run.

The reference is the model's own step, traced by torch.jit and looped in TorchScript: what one would write for speed
without kernels. It runs with the number of threads that suits it best. Training is compared with plain autograd.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from hdlcore.errors import ModelError
from hdlcore.models.hybrid import HybridModel, Prepared
from hdlcore.models.kernels import arrays, fast
from hdlcore.models.kinds.h2m import H2M
from hdlcore.models.networks import RecurrentModule

#: hidden units of the shipped model and of the published H2M (Kraft et al. 2022)
SIZES = (64, 100)
TRAINING_OUTPUTS = ("tws", "evapotranspiration")
#: what makes numba, OpenBLAS, MKL and torch keep to AVX2
AVX2 = {
    "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx,+avx2,+fma,+bmi,+bmi2,+f16c,+sse4.2",
    "OPENBLAS_CORETYPE": "Haswell", "MKL_ENABLE_INSTRUCTIONS": "AVX2", "ATEN_CPU_CAPABILITY": "avx2",
}  # fmt: skip


#: Which clock a process of the benchmark reads; its children read the same.
CLOCK = "HDL_BENCH_CLOCK"


@dataclass(frozen=True)
class Figure:
    """One measurement: our time and the reference's in `unit`, and their ratio (None where there is no reference).

    Where known, the share of sgemm that was reached, and what the figure should be.
    """

    name: str
    ours: float
    reference: float | None
    ratio: float | None
    unit: str
    share_of_peak: float | None = None
    aim: float | None = None


def busy() -> bool:
    """Whether others use this machine so much that the wall clock would measure them."""
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > 0.5 * arrays.threads()


class Clock:
    """What `seconds` reads: the wall clock or, on a busy machine, the processor time of one thread."""

    read: Callable[[], float] = staticmethod(time.perf_counter)

    @classmethod
    def choose(cls, wanted: str = "") -> str:
        """Take the clock that is `wanted` ("wall" or "processor") or suits the machine now; returns its name.

        Processes begun from here on take the same.
        """
        wanted = wanted or os.environ.get(CLOCK, "") or ("processor" if busy() else "wall")
        os.environ[CLOCK] = wanted
        if wanted == "wall":
            return "wall clock"
        cls.read = staticmethod(time.process_time)
        arrays.set_threads(1)
        return "processor time on one thread (the machine is busy)"


def seconds(work: Callable[[], Any], repeats: int = 3) -> float:
    """Best of some repeats, after one unmeasured call."""
    work()
    times = []
    for _ in range(repeats):
        start = Clock.read()
        work()
        times.append(Clock.read() - start)
    return min(times)


def sgemm_flops(threads: int = 1) -> float:
    """Floating-point operations per second of a float32 matrix product of 1024 x 1024 on `threads` threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        a, b = torch.rand(1024 * threads, 1024), torch.rand(1024, 1024)
        return 2 * 1024**3 * threads / seconds(lambda: a @ b, 12)
    finally:
        torch.set_num_threads(before)


def flops(model: HybridModel) -> int:
    """Floating-point operations of the networks' products, per cell and day."""
    total = 0
    for module in model.network.values():
        if isinstance(module, RecurrentModule):
            weights = (module.weight_input, module.weight_hidden, module.head.weight, module.out.weight)
            total += sum(2 * w.numel() for w in weights)
    return total


class Loop(torch.nn.Module):
    """A traced step, looped over days in TorchScript."""

    def __init__(self, step: Any) -> None:
        super().__init__()
        self.step = step

    def forward(self, forcing: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        """forcing (time, cell, n_forcing), state (cell, n_state) -> (outputs, state)."""
        series: list[Tensor] = []
        for day in range(forcing.size(0)):
            outputs, state = self.step(forcing[day], state)
            series.append(outputs)
        return torch.stack(series), state


def scripted(model: HybridModel, prepared: Prepared, forcing: Tensor, state: Tensor) -> Any:
    """The reference loop for a model and cells."""
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch.jit says that it is old; it is what the published loop uses
        step = torch.jit.trace(lambda day, s: model.step(day, s, prepared), (forcing[0], state), check_trace=False)
        return torch.jit.script(Loop(step))


@dataclass(frozen=True)
class Case:
    """A model with weather, cells and a first state."""

    model: HybridModel
    statics: Tensor
    forcing: Tensor
    state: Tensor

    @property
    def cell_days(self) -> int:
        """How much is computed."""
        return self.forcing.shape[0] * self.forcing.shape[1]


def case(hidden: int, n_cells: int, n_days: int) -> Case:
    """An H2M of some size under drawn weather."""
    torch.manual_seed(1)
    model = H2M(["a", "b", "c"], hidden)
    model.forcing_mean.copy_(torch.tensor([2.0, 10.0, 80.0]))
    model.forcing_std.copy_(torch.tensor([5.0, 12.0, 70.0]))
    rain = torch.rand(n_days, n_cells) * 8
    warmth, radiation = 10 + 12 * torch.randn(n_days, n_cells), 80 + 70 * torch.randn(n_days, n_cells)
    weather = torch.stack([rain, warmth, radiation], -1)
    return Case(model, torch.randn(n_cells, 3), weather, model.initial_state(n_cells))


def best_reference(work: Callable[[], Any], repeats: int) -> float:
    """Seconds of the reference with the number of torch threads that suits it best."""
    before, times = torch.get_num_threads(), []
    for count in sorted({1, arrays.threads()}):
        torch.set_num_threads(count)
        times.append(seconds(work, repeats))
    torch.set_num_threads(before)
    return min(times)


def simulation(name: str, hidden: int, n_cells: int, n_days: int, peak: float, repeats: int = 5) -> Figure:
    """Our kernel against the scripted loop, all outputs kept."""
    one = case(hidden, n_cells, n_days)
    with torch.no_grad():
        prepared = one.model.prepare(one.statics).detach()
        loop = scripted(one.model, prepared, one.forcing, one.state)
        ours = seconds(lambda: fast.run(one.model, prepared, one.forcing, one.state), repeats)
        reference = best_reference(lambda: loop(one.forcing, one.state), 2)
        ours = min(ours, seconds(lambda: fast.run(one.model, prepared, one.forcing, one.state), repeats))
    share = one.cell_days * flops(one.model) / ours / peak
    full = f"{name}, {hidden} hidden"
    if n_cells == 1:
        return Figure(full, ours, reference, reference / ours, "s", share)
    rates = one.cell_days / ours, one.cell_days / reference
    return Figure(full, *rates, rates[0] / rates[1], "cell-days s-1", share)


def training(hidden: int, peak: float) -> Figure:
    """Forward and backward of 256 cells x 365 days against plain torch autograd."""
    one = case(hidden, 256, 365)

    def passed(run: Callable[..., tuple[Tensor, Tensor]]) -> None:
        one.model.zero_grad()
        outputs, _ = run(one.model, one.model.prepare(one.statics), one.forcing, one.state, TRAINING_OUTPUTS)
        outputs.square().mean().backward()

    ours = seconds(lambda: passed(fast.run), 4)
    reference = best_reference(lambda: passed(lambda model, *a: model.run(*a)), 1)
    ours = min(ours, seconds(lambda: passed(fast.run), 4))
    rates = one.cell_days / ours, one.cell_days / reference
    share = 3 * rates[0] * flops(one.model) / peak
    name = f"training, 256 cells x 365 days, {hidden} hidden (against autograd)"
    return Figure(name, *rates, reference / ours, "cell-days s-1", share)


def kept_to_avx2() -> Figure:
    """512 cells in a process whose libraries all keep to AVX2, ours and the reference alike."""
    script = (
        "import json, dataclasses, hdlcore.runtime.bench_kernels as b\n"
        "b.Clock.choose()\n"
        "peak = b.sgemm_flops(b.arrays.threads())\n"
        "print(json.dumps(dataclasses.asdict(b.simulation('512 cells x 120 days, AVX2 only', 64, 512, 120, peak))))"
    )
    return Figure(**json.loads(child(script, **AVX2)[1].splitlines()[-1]))


def child(script: str, *arguments: str, **environment: str) -> tuple[float, str]:
    """Run Python in a process of its own: seconds by the clock in use, and what it printed; `ModelError` on failure."""
    before, start = _children(), time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments], env=os.environ | environment, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    wall, cpu = time.perf_counter() - start, _children() - before
    if done.returncode:
        raise ModelError(f"A part of the benchmark failed: {done.stderr.strip().splitlines()[-1:] or done.returncode}.")
    return wall if Clock.read is time.perf_counter else cpu, done.stdout


def _children() -> float:
    times = os.times()
    return times.children_user + times.children_system
