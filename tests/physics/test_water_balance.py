"""Water is neither made nor lost, whatever the parameters: law 1."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlcore.models.hybrid import HybridModel
from hdlcore.models.kinds.h2m_catchment import H2MCatchment
from hdlcore.models.kinds.hbv import HBV
from hdlcore.models.registry import KINDS
from hdlcore.physics.energy import equivalent_evaporation
from hdlcore.physics.groundwater import linear_reservoir, threshold_reservoir
from hdlcore.physics.routing import fast_reservoir
from hdlcore.physics.snow import degree_day_melt, pack_outflow, precipitation_phase, refreezing
from hdlcore.physics.soil import (
    bounded_soil,
    moisture_limited_evaporation,
    saturation_recharge,
    water_partition,
)

DAYS, CELLS = 120, 6
CLOSING = [kind for kind in KINDS.values() if kind.stores]
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


def random_weather(kind: type[HybridModel], seed: int, days: int = DAYS) -> torch.Tensor:
    """Weather from polar night to monsoon, as a kind of model wants it: (day, cell, n_forcing)."""
    generator = torch.Generator().manual_seed(seed)
    rain = torch.distributions.Exponential(torch.tensor(0.1)).sample((days, CELLS))
    rain = rain * (torch.rand(days, CELLS, generator=generator) < 0.4)
    warmth = 15 * torch.randn(days, CELLS, generator=generator) + torch.linspace(-30, 30, CELLS)
    radiation = 80 * torch.randn(days, CELLS, generator=generator) + 70
    weather = {"precipitation": rain, "air_temperature": warmth, "net_radiation": radiation}
    weather["potential_evapotranspiration"] = radiation / 25
    return torch.stack([weather[name] for name in kind.forcing], -1)


def residual(model: HybridModel, dtype: torch.dtype, seed: int, days: int = DAYS) -> torch.Tensor:
    """|inflow - outflow - change of storage| over all days, (cell,), summed in float64."""
    model = model.to(dtype)
    prepared = model.prepare(torch.randn(CELLS, 3, dtype=dtype))
    start = model.initial_state(CELLS)
    with torch.no_grad():
        outputs, end = model.run(prepared, random_weather(type(model), seed, days).to(dtype), start)
    series = {name: outputs[..., i].double() for i, name in enumerate(model.outputs)}
    stores = len(model.stores)
    change = end[:, :stores].double().sum(-1) - start[:, :stores].double().sum(-1)
    inflow = sum(series[name] for name in model.inflow)
    outflow = sum(series[name] for name in model.outflow)
    return ((inflow - outflow).sum(0) - change).abs()


@pytest.mark.parametrize("kind", CLOSING)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), spread=st.floats(0, 2))
def test_water_is_conserved_for_any_parameters(kind: type[HybridModel], seed: int, spread: float) -> None:
    assert residual(random_model(kind, seed, spread), torch.float64, seed).max() < 3e-7


@pytest.mark.parametrize("kind", CLOSING)
def test_water_is_conserved_in_single_precision(kind: type[HybridModel]) -> None:
    """0.05 mm over a whole year."""
    assert residual(random_model(kind, 3, 1.0), torch.float32, 3, days=365).max() < 0.05


def test_a_model_without_stores_claims_no_balance() -> None:
    for name, kind in KINDS.items():
        assert bool(kind.stores) == bool(kind.inflow) == bool(kind.outflow), name


@pytest.mark.parametrize("kind", CLOSING)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), spread=st.floats(0, 2))
def test_stores_stay_within_their_bounds(kind: type[HybridModel], seed: int, spread: float) -> None:
    """The start (100 mm) may lie above a small capacity; the first day's overflow mends it."""
    model = random_model(kind, seed, spread)
    prepared = model.prepare(torch.randn(CELLS, 3))
    with torch.no_grad():
        outputs, _ = model.run(prepared, random_weather(kind, seed), model.initial_state(CELLS))
    series = {name: outputs[..., i] for i, name in enumerate(model.outputs)}
    assert torch.isfinite(outputs).all()
    for name in (*model.store_names, *model.fluxes):
        # the third part of a split is the remainder of the others: it may miss zero by their rounding
        assert name == "cwd" or series[name].min() >= -1e-5, name
    upper = "rootzone_moisture" if "rootzone_moisture" in model.store_names else "soil_moisture"
    for name, capacity in ((upper, "soil_capacity"), ("deep_soil_moisture", "deep_soil_capacity")):
        if name in model.store_names:
            assert (series[name] <= prepared.parameters[capacity] * (1 + 1e-6)).all(), name
    stored = sum(series[name] for name in model.store_names)
    torch.testing.assert_close(series["tws"], stored, rtol=1e-5, atol=1e-3)
    if "cwd" in series:
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


@given(liquid=amounts, ice=amounts, temperature=weather, factor=st.floats(0, 20), share=st.floats(0, 0.2))
def test_a_pack_holds_what_its_pores_hold(
    liquid: float, ice: float, temperature: float, factor: float, share: float
) -> None:
    frozen = refreezing(liquid, temperature, factor, 0.05)
    assert 0 <= frozen <= liquid
    assert temperature < 0 or frozen == 0
    outflow = pack_outflow(liquid, ice, share)
    assert outflow >= 0 and liquid - outflow == pytest.approx(min(liquid, share * ice))


@given(soil=amounts, water=amounts, demand=amounts, capacity=st.floats(1, 500), power=st.floats(1, 6))
def test_soil_of_hbv_gives_no_more_than_it_has(
    soil: float, water: float, demand: float, capacity: float, power: float
) -> None:
    wetted, recharge = saturation_recharge(soil, water, capacity, power)
    assert 0 <= wetted <= capacity * (1 + 1e-12) and recharge >= 0
    assert wetted + recharge == pytest.approx(soil + water)
    dried, evaporation = moisture_limited_evaporation(wetted, demand, capacity, 0.7)
    assert 0 <= evaporation <= demand and dried >= 0
    assert dried + evaporation == pytest.approx(wetted)
    if wetted >= 0.7 * capacity + 1e-9:
        assert evaporation == pytest.approx(min(demand, wetted)), "no stress above the threshold"


@given(zone=amounts, recharge=amounts, percolation=st.floats(0, 10), threshold=st.floats(0, 100))
def test_the_upper_zone_loses_what_leaves_it(
    zone: float, recharge: float, percolation: float, threshold: float
) -> None:
    new, down, quick, slow = threshold_reservoir(zone, recharge, percolation, threshold, 0.3, 0.1)
    assert min(new, down, quick, slow) >= 0
    assert new + down + quick + slow == pytest.approx(zone + recharge)
    if zone + recharge - down <= threshold:
        assert quick == 0


@pytest.mark.parametrize("rate", [0.25, 0.5, 1.0])
def test_two_reaches_delay_water_by_what_their_rate_says(rate: float) -> None:
    """Nash's cascade: the unit hydrograph sums to one and its centroid lies 2 (1 - rate) / rate days after the rain."""
    first = second = 0.0
    hydrograph = []
    for day in range(200):
        first, between = fast_reservoir(first, 1.0 if day == 0 else 0.0, rate)
        second, out = fast_reservoir(second, between, rate)
        hydrograph.append(out)
    assert sum(hydrograph) == pytest.approx(1)
    assert np.dot(hydrograph, np.arange(200)) == pytest.approx(2 * (1 - rate) / rate)


def test_hbv_in_steady_rain_passes_on_what_does_not_evaporate() -> None:
    """After years of the same day every store stands still, and runoff is rain minus potential evapotranspiration."""
    model = HBV(["a"]).double()
    day = torch.tensor([[[6.0, 15.0, 2.0]]], dtype=torch.float64).expand(4000, 1, 3)
    with torch.no_grad():
        outputs, _ = model.run(model.prepare(torch.zeros(1, 1).double()), day, model.initial_state(1))
    last = dict(zip(model.outputs, outputs[-1, 0].tolist(), strict=True))
    assert last["evapotranspiration"] == pytest.approx(2.0) and last["runoff"] == pytest.approx(4.0)
    assert last["percolation"] == pytest.approx(1.0) and last["swe"] == 0
    assert last["lower_zone"] == pytest.approx((1.0) / 0.02), "1 mm d-1 in, 2 % of the store out"


def test_a_basin_that_gets_more_rain_than_its_gauges_say_still_closes() -> None:
    """Corrected precipitation is the inflow, snow corrected on top of it."""
    model = random_model(H2MCatchment, 4, 1.5)
    prepared = model.prepare(torch.randn(CELLS, 3))
    forcing = random_weather(H2MCatchment, 4)
    with torch.no_grad():
        outputs, _ = model.run(prepared, forcing, model.initial_state(CELLS))
    series = {name: outputs[..., i] for i, name in enumerate(model.outputs)}
    fallen = series["rainfall"] + series["snowfall"] / prepared.parameters["snow_correction"]
    torch.testing.assert_close(fallen, forcing[..., 0] * prepared.parameters["precipitation_correction"])
    assert prepared.parameters["precipitation_correction"].std() > 0, "each basin has its own"
