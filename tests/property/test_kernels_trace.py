"""Tracing: what physics does is written down exactly, or the model is left to the plain path with a reason."""

from __future__ import annotations

import itertools
from typing import ClassVar

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlcore.models.hybrid import HybridModel, Named
from hdlcore.models.kernels import fast
from hdlcore.models.kernels.adjoint import pull_back
from hdlcore.models.kernels.day import evaluate
from hdlcore.models.kernels.trace import Graph, Symbol, Untraceable
from hdlcore.models.kinds.bucket import Bucket
from hdlcore.models.parameters import FIXED, Network, Parameter, Store
from hdlcore.physics.ops import maximum, minimum

NAMES = ("add", "sub", "mul", "min", "max", "clamp", "relu", "where", "tanh", "exp", "abs", "square", "ratio")


def apply(name: str, a: object, b: object) -> object:
    """One operation, on tensors or symbols alike."""
    return {
        "add": lambda: a + b,
        "sub": lambda: 2.0 - a - b,
        "mul": lambda: a * b,
        "min": lambda: minimum(a, b),
        "max": lambda: maximum(b, a),
        "clamp": lambda: minimum(maximum(a, -1.0), 1.0),
        "relu": lambda: torch.relu(a),
        "where": lambda: torch.where((a > b) | (a == 0), a, 0.5 * b),
        "tanh": lambda: torch.tanh(a),
        "exp": lambda: torch.exp(-abs(b)),
        "abs": lambda: abs(a - b),
        "square": lambda: b**2,
        "ratio": lambda: a / (1.0 + b * b),
    }[name]()


@settings(max_examples=60, deadline=None)
@given(
    steps=st.lists(st.tuples(st.sampled_from(NAMES), st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=12),
    values=st.lists(st.integers(-3, 3), min_size=3, max_size=3),
)
def test_any_chain_of_operations_and_its_slopes_are_those_of_torch(
    steps: list[tuple[str, int, int]], values: list[int]
) -> None:
    """Small whole numbers, so that ties of minimum, maximum, clamp, relu and abs are met often."""
    graph = Graph()
    symbols: list = [graph.input(f"x{i}") for i in range(3)]
    tensors: list = [torch.tensor([float(v)], dtype=torch.float64, requires_grad=True) for v in values]
    for name, i, j in steps:
        symbols.append(apply(name, symbols[i % len(symbols)], symbols[j % len(symbols)]))
        tensors.append(apply(name, tensors[i % len(tensors)], tensors[j % len(tensors)]))
    known = {s.index: np.array([float(v)]) for s, v in zip(symbols[:3], values, strict=True)}
    (ours,) = evaluate(graph, [symbols[-1]], known)
    torch.testing.assert_close(torch.as_tensor(ours).expand(1), tensors[-1].detach(), rtol=1e-12, atol=1e-12)
    slopes = pull_back(graph, [symbols[-1]], [graph.constant(1.0)], symbols[:3])
    truth = torch.autograd.grad(tensors[-1].sum(), tensors[:3], allow_unused=True)
    for slope, true in zip(slopes, truth, strict=True):
        value = 0.0 if slope is None else float(np.ravel(evaluate(graph, [slope], known)[0])[0])
        assert value == pytest.approx(0.0 if true is None else float(true), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize(
    ("said", "work"),
    [
        ("branches", lambda x: x if x > 0 else -x),
        ("branches", lambda x: float(x) * 2.0),
        ("'.mean'", lambda x: x - x.mean()),
        ("cumsum", lambda x: torch.cumsum(x, 0)),
        ("not known", lambda x: np.interp(x, [0, 1], [0, 1])),
        ("array of numbers", lambda x: x * np.array([1.0, 2.0])),
        ("softplus", lambda x: torch.nn.functional.softplus(x, beta=2.0)),
        ("itself a daily value", lambda x: x.clamp(max=x)),
        ("not a comparison", lambda x: torch.where(x, x, x)),
    ],
)
def test_what_cannot_be_written_down_is_refused_with_its_reason(said: str, work: object) -> None:
    with pytest.raises(Untraceable, match=said):
        work(Graph().input("x"))  # type: ignore[operator]


class Tank(HybridModel):
    """One store that leaks; its `leak` is replaced by the tests."""

    forcing: ClassVar = ("precipitation", "air_temperature", "net_radiation")
    stores: ClassVar = (Store("soil", 10.0, 10.0),)
    networks: ClassVar[tuple[Network, ...]] = ()
    parameters_table: ClassVar[tuple[Parameter, ...]] = (Parameter("rate", "d-1", 0.1, 0.0, 1.0, FIXED),)
    fluxes: ClassVar = ("runoff",)
    inflow: ClassVar = ("precipitation",)
    outflow: ClassVar = ("runoff",)

    @staticmethod
    def leak(store: object, rate: object) -> object:
        """What leaves in a day."""
        return store * rate  # type: ignore[operator]

    @classmethod
    def physics(cls, forcing: Named, stores: Named, parameters: Named) -> tuple[Named, Named]:  # type: ignore[override]
        """A leaking tank."""
        runoff = cls.leak(stores["soil"], parameters["rate"])
        return {"soil": stores["soil"] + forcing["precipitation"] - runoff}, {"runoff": runoff}


counter = itertools.count()
UNFIT = {
    "branch": (lambda store, rate: store * (0.1 if store.max() > 5 else 0.2), "'.max'"),
    "counter": (lambda store, rate: store * rate * (next(counter) % 2), "more than the day's values"),
    "random": (lambda store, rate: store * torch.rand(()) * rate, "more than the day's values"),
}


def tank(**own: object) -> HybridModel:
    """A tank of a class of its own."""
    return type("OwnTank", (Tank,), own)(["a"])  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", UNFIT)
def test_a_model_that_cannot_be_traced_runs_plain_and_says_why(name: str) -> None:
    leak, said = UNFIT[name]
    model = tank(leak=staticmethod(leak))
    assert said in fast.why_plain(model)
    forcing, state = torch.rand(5, 4, 3), model.initial_state(4)
    prepared = model.prepare(torch.zeros(4, 1))
    outputs, _ = fast.run(model, prepared, forcing, state)
    assert outputs.shape == (5, 4, 2) and torch.isfinite(outputs).all()


def test_a_model_that_steps_in_its_own_way_runs_plain() -> None:
    def step(self: HybridModel, *arguments: object) -> object:
        outputs, state = HybridModel.step(self, *arguments)  # type: ignore[arg-type]
        return outputs * 2, state

    model = tank(step=step)
    assert "step" in fast.why_plain(model)
    forcing, state, prepared = torch.rand(3, 2, 3), model.initial_state(2), model.prepare(torch.zeros(2, 1))
    ours, _ = fast.run(model, prepared, forcing, state)
    assert torch.equal(ours, model.run(prepared, forcing, state)[0])


def test_the_fast_path_can_be_turned_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDL_PLAIN", "1")
    model = Bucket(["a"])
    assert fast.fast_path(model) is None and "HDL_PLAIN" in fast.why_plain(model)


def test_double_precision_runs_plain() -> None:
    model = Bucket(["a"]).double()
    prepared, state = model.prepare(torch.zeros(2, 1, dtype=torch.float64)), model.initial_state(2)
    forcing = torch.rand(4, 2, 3, dtype=torch.float64)
    with torch.no_grad():
        assert fast.usable(model, prepared, forcing, state) is None
        assert fast.run(model, prepared, forcing, state)[0].dtype is torch.float64


def test_equal_operations_are_written_down_once() -> None:
    graph = Graph()
    x = graph.input("x")
    a, b = x * 2.0 + 1.0, x * 2.0 + 1.0
    assert isinstance(a, Symbol) and a.index == b.index
    assert (x * 0.0).index != (x * -0.0).index
    assert (x * torch.tensor(2.0)).index == (x * np.float64(2)).index == (x * 2.0).index
