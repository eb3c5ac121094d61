"""Filters combine, the count is right, and an empty result says which filter emptied it."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard import layers, series, summary
from dashboard.selection import explain_empty, facts, filter_labels, select
from dashboard.state import State, apply
from hdlcore.variables import variable


def _select(world, **values):
    state = State()
    apply(state, {"variable": "precipitation", "departure": False, **values})
    shown = layers.layer("precipitation", state.month, False, world, None)
    return state, shown, select(state, world, shown, lambda: world)


def test_filters_combine_with_and(world) -> None:
    every = {"climate_zones": (1, 2), "latitude": (-20.0, 10.0), "values": (2.0, 8.0), "region": "Brazil"}
    masks = [_select(world, **{name: value})[2].mask for name, value in every.items()]
    _, _, chosen = _select(world, focus="filter", **every)
    np.testing.assert_array_equal(chosen.mask, np.logical_and.reduce(masks))
    assert 0 < chosen.mask.sum() < min(mask.sum() for mask in masks)
    np.testing.assert_array_equal(chosen.of, np.flatnonzero(chosen.mask))


def test_without_filters_every_cell_passes_and_the_curves_are_of_the_cell(world) -> None:
    state, _, chosen = _select(world)
    assert chosen.mask.all()
    assert chosen.single
    assert world["cell"].values[chosen.of[0]] == state.cell
    assert "Brazil" in chosen.label


def test_a_drawn_region_holds_the_cells_inside_it(world) -> None:
    _, _, chosen = _select(world, polygon=((0.0, 40.0), (20.0, 40.0), (20.0, 50.0), (0.0, 50.0)), focus="filter")
    lat, lon = world["lat"].values[chosen.of], world["lon"].values[chosen.of]
    assert chosen.of.size > 100
    assert lon.min() > 0
    assert lon.max() < 20
    assert lat.min() > 39
    assert lat.max() < 52  # sides are great circles
    assert chosen.outline is not None


def test_an_empty_result_names_the_filter_that_emptied_it(world) -> None:
    _, _, alone = _select(world, values=(90.0, 99.0), climate_zones=(1,), focus="filter")
    assert "'Precipitation 90 to 99 mm d-1' alone lets none through" in alone.empty
    assert alone.single
    _, _, pair = _select(world, latitude=(60.0, 80.0), climate_zones=(1,), focus="filter")
    assert "there would be" in pair.empty
    assert not pair.mask.any()


def test_no_pair_in_common_is_said_too() -> None:
    masks = {"a": np.array([1, 0, 0], bool), "b": np.array([0, 1, 0], bool), "c": np.array([0, 0, 1], bool)}
    assert "none in common" in explain_empty(masks, {"a": "A", "b": "B", "c": "C"})


def test_region_numbers_are_area_weighted_and_say_so(world) -> None:
    state, shown, chosen = _select(world, latitude=(-60.0, 80.0), focus="filter")
    cycle = series.season(world, None, chosen)
    area = world["area"].values[chosen.of].astype(float)
    wanted = np.average(world["precipitation"].values[4, chosen.of].astype(float), weights=area)
    assert float(cycle["precipitation"][4]) == pytest.approx(wanted, rel=1e-6)
    assert wanted != pytest.approx(float(world["precipitation"].values[4, chosen.of].mean()), rel=1e-3)
    assert "(area-weighted)" in summary.sentence(shown, state.month, chosen, world["area"].values, cycle)
    assert dict(facts(world, chosen))["Cells"].startswith(f"{chosen.of.size:,}")


def test_chips_name_every_filter_that_is_set(world) -> None:
    state, _, _ = _select(world, climate_zones=(1, 5), latitude=(-30.0, 0.0), region="Brazil")
    labels = filter_labels(state, world, variable("precipitation"))
    assert labels == {"climate_zones": "Tropical, Polar climate", "latitude": "30° S to 0°", "region": "Brazil"}


def test_the_sentence_is_computed_from_the_data(world, season) -> None:
    _, _, chosen = _select(world)
    shown = layers.layer("tws_observed", 5, True, world, None)
    text = summary.sentence(shown, 5, chosen, world["area"].values, season)
    value = world["tws_observed_msc"].values[4, chosen.position]
    assert f"{value:.0f} mm above its yearly mean" in text
    total = season["tws"] - season["tws"].mean()
    part = float((season["soil_moisture"] * total).mean() / (total**2).mean())
    assert f"soil moisture carries {100 * part:.0f} %" in text
    assert sum(summary.swing_shares(season).values()) == pytest.approx(1)


def test_a_departure_is_from_the_cells_own_yearly_mean(world) -> None:
    shown = layers.layer("precipitation", 7, True, world, None)
    data = world["precipitation"].values
    np.testing.assert_allclose(shown.values, data[6] - data.mean(0), atol=1e-4)
    assert shown.low == -shown.high
    assert sum(layers.bins(shown, np.ones(data.shape[1], bool), shown.low, shown.high)) == data.shape[1]
