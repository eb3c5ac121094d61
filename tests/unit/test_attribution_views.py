"""Views lose nothing of an explanation: bins sum to the whole, shares to one, and days are those of the weather."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from hdlcore.attribution.attribute import attribute, every_day
from hdlcore.attribution.contract import Question
from hdlcore.attribution.oracle import RATE, Cascade, Reservoir, reservoir_subject
from hdlcore.attribution.views import (
    carrier_map,
    event,
    lag_by_forcing,
    lag_by_month,
    lag_by_zone,
    memory_map,
    memory_summary,
)

QUESTION = Question("baseflow", every_day(120, 60), 60)


@pytest.fixture(scope="module")
def answer() -> xr.Dataset:
    """Contributions of rain to the flow of a reservoir."""
    return attribute(reservoir_subject(Reservoir), QUESTION, "gradient_x_input").isel(cell=0)


@pytest.fixture(scope="module")
def carried() -> xr.Dataset:
    """What each store of a cascade carries."""
    return attribute(reservoir_subject(Cascade), QUESTION, "carriers").isel(cell=0)


def test_bins_sum_to_the_whole(answer: xr.Dataset, carried: xr.Dataset) -> None:
    size = abs(answer["attribution"])
    assert float(lag_by_forcing(answer).sum()) == pytest.approx(float(size.mean("time").sum()), rel=1e-5)
    signed = lag_by_forcing(answer, absolute=False)
    assert float(signed.sum()) == pytest.approx(float(answer["attribution"].mean("time").sum()), rel=1e-5)
    months = lag_by_month(answer)
    assert months.dims == ("lag_bin", "month") and list(months["month"]) == [3, 4]
    by_hand = size.sel(time="2001-04").mean("time").sum()
    assert float(months.sel(month=4).sum()) == pytest.approx(float(by_hand), rel=1e-5)
    assert lag_by_forcing(carried).dims == ("lag_bin", "store")


def test_the_memory_of_a_reservoir_is_that_of_its_kernel() -> None:
    """Under steady sensitivity |A| falls as (1-r)^l: half of it lies within ln 2 / r days."""
    answer = attribute(reservoir_subject(Reservoir), QUESTION, "saliency").isel(cell=0)
    memory, lag = memory_summary(answer), np.arange(1, 60)
    kernel = (1 - RATE) ** (lag - 1.0)
    assert memory["memory_time"] == pytest.approx((kernel * lag).sum() / kernel.sum(), rel=1e-3)
    share = kernel.cumsum() / kernel.sum()
    assert memory["memory_80"] == lag[np.argmax(share >= 0.8)] and memory["memory_90"] == lag[np.argmax(share >= 0.9)]
    assert memory["memory_80"] < memory["memory_90"] and memory["memory_share"] == 0


def test_zones_and_maps_are_means_of_their_cells(answer: xr.Dataset) -> None:
    twice = answer.assign(attribution=2 * answer["attribution"])
    both = xr.concat([answer, twice, twice], "cell", data_vars="minimal", coords="minimal", compat="override")
    zones, area = np.array(["dry", "wet", "wet"]), np.array([1.0, 1.0, 3.0])
    heat = lag_by_zone(both, zones, area)
    assert heat.dims == ("lag_bin", "zone") and list(heat["zone"].values) == ["dry", "wet"]
    np.testing.assert_allclose(heat.sel(zone="wet"), 2 * heat.sel(zone="dry"), rtol=1e-6)
    np.testing.assert_allclose(heat.sel(zone="dry"), lag_by_forcing(answer)[:, 0], rtol=1e-5)
    found = memory_map(both)
    np.testing.assert_allclose(found["memory_time"], memory_summary(answer)["memory_time"], rtol=1e-6)


def test_shares_of_carriers_sum_to_one_and_shift_to_where_water_waits(carried: xr.Dataset) -> None:
    near, far = carrier_map(carried, 0), carrier_map(carried, 40)
    assert float(near.sum()) == pytest.approx(1) and float(far.sum()) == pytest.approx(1)
    assert float(near.sel(store="groundwater")) == pytest.approx(1)  # what is in the upper store flows out later
    assert float(far.sel(store="soil_moisture")) > float(near.sel(store="soil_moisture"))


def test_an_event_stands_on_the_dates_of_its_weather(answer: xr.Dataset) -> None:
    day = event(answer, "2001-04-20")
    assert str(day["time"].values[-1])[:10] == "2001-04-20" and day.sizes["time"] == 60
    assert (np.diff(day["time"].values) == np.timedelta64(1, "D")).all()
    np.testing.assert_array_equal(day.values[::-1, 0], answer["attribution"].sel(time="2001-04-20").values[:, 0])
