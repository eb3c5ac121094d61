"""The fast path gives the numbers of the plain one: every output and every gradient, for every kind of model."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest
import torch
from torch import Tensor

from hdlcore.models.hybrid import HybridModel, Named, stack_members
from hdlcore.models.kernels import arrays, fast
from hdlcore.models.kinds.bucket import Bucket
from hdlcore.models.kinds.h2m import H2M
from hdlcore.models.parameters import FIXED, GLOBAL, Network, Parameter, RecurrentNetwork, StaticNetwork, Store
from hdlcore.models.registry import KINDS
from hdlcore.physics.ops import maximum, minimum


class TwoRhythms(HybridModel):
    """A made-up model with two recurrent networks, a static one, and most of what physics may do."""

    forcing: ClassVar = ("precipitation", "air_temperature", "net_radiation")
    stores: ClassVar = (Store("canopy", 0.0, 2.0), Store("soil", 50.0, 80.0))
    networks: ClassVar[tuple[Network, ...]] = (
        RecurrentNetwork("slow", forcing=("net_radiation",), stores=("soil",), hidden=10, head=5),
        RecurrentNetwork("quick", forcing=("precipitation", "air_temperature"), stores=(), hidden=7, head=9),
        StaticNetwork("site"),
    )
    parameters_table: ClassVar[tuple[Parameter, ...]] = (
        Parameter("demand", "1", 0.4, 0.0, 1.0, "slow"),
        Parameter("storage", "mm", 2.0, 0.1, math.inf, "quick"),
        Parameter("drainage", "d-1", 0.05, 0.0, 0.5, "quick"),
        Parameter("capacity", "mm", 120.0, 20.0, 500.0, "site"),
        Parameter("shape", "1", 2.0, 0.5, 6.0, GLOBAL),
        Parameter("leak", "d-1", 0.01, 0.0, 1.0, FIXED),
    )
    fluxes: ClassVar = ("evaporation", "runoff", "interception", "wave", "leak_rate")
    inflow: ClassVar = ("precipitation",)
    outflow: ClassVar = ("evaporation", "runoff")

    @staticmethod
    def physics(forcing: Named, stores: Named, parameters: Named) -> tuple[Named, Named]:
        """A leaking canopy over a soil that drains by a power law."""
        rain = torch.where(forcing["air_temperature"] < 0, 0.25 * forcing["precipitation"], forcing["precipitation"])
        caught = minimum(stores["canopy"] + rain, parameters["storage"])
        canopy = caught * torch.exp(-caught / parameters["storage"])
        energy = torch.relu(forcing["net_radiation"]) / 28.4
        dry = (stores["soil"] / parameters["capacity"]).clamp(0, 1) ** parameters["shape"]
        evaporation = minimum(parameters["demand"] * energy, stores["soil"]) * torch.sqrt(dry + 0.01)
        wet = maximum(stores["soil"] - evaporation + rain, 0.0)
        fast_part = torch.where((wet > parameters["capacity"]) & (rain > 1), wet - parameters["capacity"], 0.0)
        runoff = (
            fast_part + parameters["drainage"] * (wet - fast_part) + parameters["leak"] * (1 - torch.tanh(wet / 50))
        )
        wave = torch.sin(wet / 40) + torch.cos(canopy) + torch.log1p(wet) - torch.log(1 + wet**2) * 0.1
        soil = maximum(wet - runoff, torch.zeros_like(wet))
        return {"canopy": canopy, "soil": soil}, {
            "evaporation": evaporation,
            "runoff": runoff,
            "interception": abs(canopy - caught) + torch.sigmoid(rain) * 0 + torch.nn.functional.softplus(-rain),
            "wave": wave - torch.expm1(-canopy),
            "leak_rate": parameters["leak"],
        }


MODELS = [*KINDS.values(), TwoRhythms]
Arguments = tuple[HybridModel, Tensor, Tensor]


def setting(kind: type[HybridModel], seed: int, n_cells: int, n_days: int, spread: float = 0.1) -> Arguments:
    """A model with random parameters, statics and weather from polar night to monsoon, dry and calm days among it."""
    torch.manual_seed(seed)
    model = kind(["a", "b"])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * spread)
    rain = torch.rand(n_days, n_cells).mul(12) * (torch.rand(n_days, n_cells) < 0.5)
    warmth = 12 * torch.randn(n_days, n_cells) + torch.linspace(-25, 28, n_cells)
    radiation = torch.where(torch.rand(n_days, n_cells) < 0.1, 0.0, 60 + 70 * torch.randn(n_days, n_cells))
    weather = {
        "precipitation": (rain, 3.0, 6.0), "air_temperature": (warmth, 8.0, 15.0),
        "net_radiation": (radiation, 70.0, 70.0), "potential_evapotranspiration": (radiation / 25, 3.0, 3.0),
    }  # fmt: skip
    model.forcing_mean.copy_(torch.tensor([weather[name][1] for name in kind.forcing]))
    model.forcing_std.copy_(torch.tensor([weather[name][2] for name in kind.forcing]))
    return model, torch.randn(n_cells, 2), torch.stack([weather[name][0] for name in kind.forcing], -1)


def plain(model: HybridModel, statics: Tensor, forcing: Tensor, dtype: torch.dtype) -> Tensor:
    """Outputs of the plain path in a precision."""
    other = type(model)(["a", "b"]).to(dtype)
    other.load_state_dict({name: value.to(dtype) for name, value in model.state_dict().items()})
    with torch.no_grad():
        prepared, state = other.prepare(statics.to(dtype)), other.initial_state(forcing.shape[1])
        return other.run(prepared, forcing.to(dtype), state)[0]


def assert_close(ours: Tensor, theirs: Tensor, truth: Tensor, names: list[str], over: tuple[int, ...]) -> None:
    """Fast = plain to 1e-5 of the largest value; where single precision itself errs, as near the truth as plain is.

    A network with random weights may amplify rounding until the plain path itself is off by more than that; then the
    fast one may not be further from double precision than five times the plain one.
    """
    assert torch.isfinite(ours).all()
    size = truth.abs().amax(over).clamp(min=1e-30)
    apart = (ours - theirs).abs().amax(over) / size
    own_error, plain_error = ((x - truth).abs().amax(over) / size for x in (ours, theirs))
    bad = (apart > 1e-5) & (own_error > 5 * plain_error)
    assert not bad.any(), {n: (float(apart[i]), float(own_error[i])) for i, n in enumerate(names) if bad[i]}


@pytest.mark.parametrize("kind", MODELS)
def test_every_registered_model_has_a_fast_path(kind: type[HybridModel]) -> None:
    assert fast.why_plain(kind(["a", "b"])) == ""


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(("n_cells", "n_days"), [(1, 400), (5, 60), (37, 200)])
def test_fast_equals_plain(kind: type[HybridModel], n_cells: int, n_days: int) -> None:
    for seed in range(3):
        model, statics, forcing = setting(kind, seed, n_cells, n_days, spread=0.05 * (seed + 1))
        with torch.no_grad():
            prepared, state = model.prepare(statics), model.initial_state(n_cells)
            ours, ours_after = fast.run(model, prepared, forcing, state)
            theirs, after = model.run(prepared, forcing, state)
        truth = plain(model, statics, forcing, torch.float64)
        assert_close(ours, theirs, truth, list(model.outputs), (0, 1))
        torch.testing.assert_close(ours_after, after, rtol=1e-4, atol=2e-3)


def gradients(
    run: Callable[..., tuple[Tensor, Tensor]], model: HybridModel, statics: Tensor, forcing: Tensor, dtype: torch.dtype
) -> dict[str, Tensor]:
    """Slopes of a random sum over all outputs and the last state: parameters, forcing, first state."""
    other = type(model)(["a", "b"]).to(dtype)
    other.load_state_dict({name: value.to(dtype) for name, value in model.state_dict().items()})
    generator = torch.Generator().manual_seed(5)
    weather = forcing.to(dtype).requires_grad_()
    state = other.initial_state(forcing.shape[1]).requires_grad_()
    outputs, after = run(other, other.prepare(statics.to(dtype)), weather, state)
    scale = outputs.detach().double().abs().amax((0, 1)) + 1e-3  # every output counts, whatever its unit
    seeds = torch.randn(outputs.shape, generator=generator, dtype=torch.float64) / scale
    last = torch.randn(after.shape, generator=generator, dtype=torch.float64)
    total = (outputs * seeds.to(dtype)).sum() + (after * last.to(dtype)).sum()
    asked = {"forcing": weather, "state": state, **dict(other.named_parameters())}
    slopes = torch.autograd.grad(total, list(asked.values()), allow_unused=True)
    return {n: torch.zeros_like(a) if s is None else s for (n, a), s in zip(asked.items(), slopes, strict=True)}


def plain_run(model: HybridModel, *arguments: object) -> tuple[Tensor, Tensor]:
    """The truth."""
    return model.run(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", MODELS)
@pytest.mark.parametrize(("n_cells", "n_days"), [(3, 75), (21, 40)])
def test_every_gradient_equals_autograd(kind: type[HybridModel], n_cells: int, n_days: int) -> None:
    for seed in range(2):
        model, statics, forcing = setting(kind, seed, n_cells, n_days)
        ours = gradients(fast.run, model, statics, forcing, torch.float32)
        theirs = gradients(plain_run, model, statics, forcing, torch.float32)
        truth = gradients(plain_run, model, statics, forcing, torch.float64)
        for name in truth:
            flat = (ours[name].flatten()[:, None], theirs[name].flatten()[:, None], truth[name].flatten()[:, None])
            assert_close(*flat, [name], (0,))


@pytest.mark.parametrize("kind", MODELS)
def test_slopes_of_the_weather_alone_are_the_same_bits(kind: type[HybridModel]) -> None:
    """Whether or not anybody asks for those of the weights, whose part of the work is then left out."""
    model, statics, forcing = setting(kind, 2, 21, 40)
    found = []
    for wanted in (True, False):
        model.requires_grad_(wanted)
        weather = forcing.clone().requires_grad_()
        outputs, _ = fast.run(model, model.prepare(statics), weather, model.initial_state(21))
        found.append(torch.autograd.grad(outputs[-1].sum(), weather)[0])
    assert found[0].abs().max() > 0 and torch.equal(*found)


def test_the_fast_way_is_really_taken_in_training(monkeypatch: pytest.MonkeyPatch) -> None:
    model, statics, forcing = setting(H2M, 0, 4, 10)
    monkeypatch.setattr(HybridModel, "step", lambda *_: pytest.fail("the plain path ran"))
    outputs, _ = fast.run(model, model.prepare(statics), forcing, model.initial_state(4), ("tws",))
    outputs.sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def test_gradients_do_not_depend_on_the_threads() -> None:
    model, statics, forcing = setting(H2M, 1, 50, 40)
    before, slopes = arrays.threads(), []
    try:
        for count in (1, 2, 3):
            arrays.set_threads(count)
            slopes.append(gradients(fast.run, model, statics, forcing, torch.float32))
    finally:
        arrays.set_threads(before)
    for other in slopes[1:]:
        assert all(torch.equal(slopes[0][name], other[name]) for name in other)


@pytest.mark.parametrize("value", [0.0, 2.0])
def test_slopes_at_ties_are_those_of_torch(value: float) -> None:
    """swe = 0 and melt = 0, demand = 0, a share on its bound: minimum and maximum share the slope, a clamp keeps it."""
    model, statics, forcing = setting(H2M, 3, 2, 6)
    forcing = torch.zeros_like(forcing)
    forcing[..., 1] = value - 1
    ours = gradients(fast.run, model, statics, forcing, torch.float32)
    theirs = gradients(plain_run, model, statics, forcing, torch.float32)
    for name in ours:
        torch.testing.assert_close(ours[name], theirs[name], rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("kind", [H2M, Bucket, TwoRhythms])
def test_a_cell_alone_is_bit_for_bit_the_cell_in_any_batch(kind: type[HybridModel]) -> None:
    model, statics, forcing = setting(kind, 2, 50, 30)
    with torch.no_grad():
        prepared, state = model.prepare(statics), model.initial_state(50)
    whole, _ = fast.run(model, prepared, forcing, state)
    order = torch.randperm(50)
    for chosen in (order, order[:1], order[:9], order[7:40]):
        part, _ = fast.run(model, prepared.cells(chosen), forcing[:, chosen], state[chosen])
        assert torch.equal(part, whole[:, chosen])


def test_a_carried_state_goes_on_bit_for_bit() -> None:
    model, statics, forcing = setting(H2M, 4, 20, 60)
    with torch.no_grad():
        prepared, state = model.prepare(statics), model.initial_state(20)
    whole, end = fast.run(model, prepared, forcing, state)
    first, middle = fast.run(model, prepared, forcing[:23], state)
    second, after = fast.run(model, prepared, forcing[23:], middle)
    assert torch.equal(torch.cat([first, second]), whole) and torch.equal(after, end)
    assert torch.equal(fast.advance(model, prepared, forcing, state), end)
    assert torch.equal(state, model.initial_state(20)), "the state that was given is not written to"


def test_members_chosen_outputs_and_monthly_sums() -> None:
    models = [setting(H2M, seed, 19, 1)[0] for seed in range(3)]
    _, statics, forcing = setting(H2M, 9, 19, 90)
    with torch.no_grad():
        prepared = stack_members([m.prepare(statics) for m in models])
    state = models[0].initial_state(19).expand(3, -1, -1)
    weather = forcing[:, None].expand(-1, 3, -1, -1)
    names = ("runoff", "tws", "melt_factor")
    together, after = fast.run(models[0], prepared, weather, state, names)
    for i, model in enumerate(models):
        alone, own = fast.run(model, prepared.member(i), forcing, state[i], names)
        assert torch.equal(together[:, i], alone) and torch.equal(after[i], own)
    bins = np.arange(90) // 30
    bins[:5] = -1  # days of no month
    sums, last = fast.sums(models[0], prepared, weather, state, bins, 3, names)
    expected = torch.stack([together[max(5, 30 * i) : 30 * (i + 1)].double().sum(0) for i in range(3)])
    torch.testing.assert_close(sums, expected, rtol=1e-12, atol=1e-9)
    assert torch.equal(last, after)


@pytest.mark.parametrize("kind", KINDS.values())
def test_a_missing_value_stays_missing_and_touches_no_other_cell(kind: type[HybridModel]) -> None:
    model, statics, forcing = setting(kind, 5, 20, 30)
    with torch.no_grad():
        prepared, state = model.prepare(statics), model.initial_state(20)
    good, _ = fast.run(model, prepared, forcing, state)
    forcing[3, 7, 1] = math.nan
    holed, _ = fast.run(model, prepared, forcing, state)
    assert torch.isnan(holed[3:, 7, model.outputs.index("tws" if "tws" in model.outputs else "runoff")]).all()
    others = [i for i in range(20) if i != 7]
    assert torch.equal(holed[:, others], good[:, others])
