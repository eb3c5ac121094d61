"""Water is neither made nor lost, whatever the parameters: law 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlcore.models.bucket import Bucket
from hdlcore.models.h2m import H2M
from hdlcore.models.hybrid import HybridModel
from hdlcore.physics.energy import equivalent_evaporation
from hdlcore.physics.groundwater import linear_reservoir
from hdlcore.physics.snow import degree_day_melt, precipitation_phase
from hdlcore.physics.soil import bounded_soil, water_partition

DAYS, CELLS = 120, 6
weather = st.floats(-60, 60)
amounts = st.floats(0, 500)


def random_model(kind: type[HybridModel], seed: int, spread: float) -> HybridModel:
    """A model with wild weights: parameters anywhere within their bounds."""
    torch.manual_seed(seed)
    model = kind(["a", "b", "c"])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * spread)
    return model


def random_weather(seed: int, days: int = DAYS) -> torch.Tensor:
    """Weather from polar night to monsoon: (day, cell, 3)."""
    generator = torch.Generator().manual_seed(seed)
    rain = torch.distributions.Exponential(torch.tensor(0.1)).sample((days, CELLS))
    rain = rain * (torch.rand(days, CELLS, generator=generator) < 0.4)
    warmth = 15 * torch.randn(days, CELLS, generator=generator) + torch.linspace(-30, 30, CELLS)
    radiation = 80 * torch.randn(days, CELLS, generator=generator) + 70
    return torch.stack([rain, warmth, radiation], -1)


def residual(model: HybridModel, dtype: torch.dtype, seed: int, days: int = DAYS) -> torch.Tensor:
    """|inflow - outflow - change of storage| over all days, (cell,), summed in float64."""
    model = model.to(dtype)
    prepared = model.prepare(torch.randn(CELLS, 3, dtype=dtype))
    start = model.initial_state(CELLS)
    with torch.no_grad():
        outputs, end = model.run(prepared, random_weather(seed, days).to(dtype), start)
    series = {name: outputs[..., i].double() for i, name in enumerate(model.outputs)}
    stores = len(model.stores)
    change = end[:, :stores].double().sum(-1) - start[:, :stores].double().sum(-1)
    inflow = sum(series[name] for name in model.inflow)
    outflow = sum(series[name] for name in model.outflow)
    return ((inflow - outflow).sum(0) - change).abs()


@pytest.mark.parametrize("kind", [H2M, Bucket])
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), spread=st.floats(0, 2))
def test_water_is_conserved_for_any_parameters(kind: type[HybridModel], seed: int, spread: float) -> None:
    assert residual(random_model(kind, seed, spread), torch.float64, seed).max() < 3e-7


@pytest.mark.parametrize("kind", [H2M, Bucket])
def test_water_is_conserved_in_single_precision(kind: type[HybridModel]) -> None:
    """0.05 mm over a whole year."""
    assert residual(random_model(kind, 3, 1.0), torch.float32, 3, days=365).max() < 0.05


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), spread=st.floats(0, 2))
def test_stores_stay_within_their_bounds(seed: int, spread: float) -> None:
    model = random_model(H2M, seed, spread)
    prepared = model.prepare(torch.randn(CELLS, 3))
    with torch.no_grad():
        outputs, _ = model.run(prepared, random_weather(seed), model.initial_state(CELLS))
    series = {name: outputs[..., i] for i, name in enumerate(model.outputs)}
    assert torch.isfinite(outputs).all()
    for name in ("swe", "soil_moisture", "groundwater", "evapotranspiration", "runoff", "snowmelt"):
        assert series[name].min() >= 0, name
    # the start (100 mm) may lie above a small capacity; the first day's overflow mends it
    assert (series["soil_moisture"] <= prepared.parameters["soil_capacity"] * (1 + 1e-6)).all()
    assert series["cwd"].max() <= 1e-3
    fractions = series["surface_fraction"] + series["soil_fraction"] + series["groundwater_fraction"]
    torch.testing.assert_close(fractions, torch.ones_like(fractions))


def test_a_full_soil_does_not_leak() -> None:
    """The softplus overflow of the published model loses 0.69 mm d-1 at zero deficit; this one loses nothing."""
    soil, evaporation, overflow = bounded_soil(np.array([200.0]), np.array([0.0]), np.array([0.0]), 200.0)
    assert soil == 200 and evaporation == 0 and overflow == 0


@given(soil=amounts, recharge=amounts, demand=amounts, capacity=st.floats(1, 500))
def test_soil_gives_no_more_than_it_has(soil: float, recharge: float, demand: float, capacity: float) -> None:
    new, evaporation, overflow = bounded_soil(soil, recharge, demand, capacity)
    assert 0 <= new <= capacity * (1 + 1e-12)
    assert evaporation <= min(demand, soil + recharge)
    assert soil + recharge == pytest.approx(new + evaporation + overflow)


@given(precipitation=amounts, temperature=weather)
def test_all_precipitation_is_rain_or_snow(precipitation: float, temperature: float) -> None:
    rain, snow = precipitation_phase(precipitation, temperature)
    assert rain >= 0 and snow >= 0 and rain + snow == pytest.approx(precipitation)
    if temperature <= -1:
        assert rain == 0
    if temperature >= 1:
        assert snow == 0


@given(swe=amounts, temperature=weather, factor=st.floats(0, 20))
def test_no_more_melts_than_lies_there(swe: float, temperature: float, factor: float) -> None:
    melt = degree_day_melt(swe, temperature, factor)
    assert 0 <= melt <= swe
    assert temperature > 0 or melt == 0


@given(a=st.floats(1e-6, 1e3), b=st.floats(1e-6, 1e3), c=st.floats(1e-6, 1e3))
def test_water_input_is_split_without_rest(a: float, b: float, c: float) -> None:
    assert sum(water_partition(a, b, c)) == pytest.approx(1)


def test_a_reservoir_left_alone_empties_by_its_rate() -> None:
    store, flows = 100.0, []
    for _ in range(50):
        store, flow = linear_reservoir(store, 0.0, 0.1)
        flows.append(flow)
    assert store == pytest.approx(100 * 0.9**50)
    assert sum(flows) + store == pytest.approx(100)


def test_radiation_of_a_day_evaporates_what_the_latent_heat_says() -> None:
    # 28.36 W m-2 over a day is 2.45 MJ m-2, the latent heat of 1 mm
    assert equivalent_evaporation(2.45 / 0.0864) == pytest.approx(1)
    assert equivalent_evaporation(-50.0) == 0


def test_physics_is_the_same_for_numpy_and_torch() -> None:
    values = np.linspace(0, 200, 9)
    for own, other in zip(
        bounded_soil(values, values[::-1].copy(), values, values + 1),
        bounded_soil(*(torch.from_numpy(v.copy()) for v in (values, values[::-1], values, values + 1))),
        strict=True,
    ):
        np.testing.assert_array_equal(own, other.numpy())
