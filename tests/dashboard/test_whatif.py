"""Experiments: knobs write what they read, runs differ as they must, a pulse's water is all accounted for."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import scenario_fields, whatif, whatif_export
from dashboard.pages.experiment import Experiment
from dashboard.pages.view import View
from dashboard.scenario import DRIVERS, PRESETS, RANGES, SEASONS, Knobs, changed_span, in_words, knobs_of
from dashboard.state import State, apply
from hdlcore.data.twin import TWIN_ID
from hdlcore.runtime.scenarios import parse_scenario, scenario_text

WHEN = ["", *SEASONS, "2004-01-01..2004-12-31", "2003-06-01..2003-08-31"]


def _places(name: str) -> st.SearchStrategy[float]:
    low, high, step, _ = RANGES[name]
    return st.integers(0, round((high - low) / step)).map(lambda i: low + i * step)


sliders = {name: _places(name) for name in RANGES}
knobs = st.builds(
    Knobs, **sliders, when=st.sampled_from(WHEN), held=st.lists(st.sampled_from(list(DRIVERS)), unique=True).map(tuple)
)  # fmt: skip


@given(knobs)
@settings(deadline=None)
def test_knobs_read_what_they_wrote(turned: Knobs) -> None:
    read = knobs_of(turned.text())
    moved = turned.precipitation or turned.air_temperature or turned.net_radiation
    assert {name: getattr(read, name) for name in RANGES} == {name: getattr(turned, name) for name in RANGES}
    assert (set(read.held), read.other) == (set(turned.held), ())
    assert read.when == (turned.when if moved else "")


@pytest.mark.parametrize(
    "text",
    [
        *(preset.scenario for preset in PRESETS.values()),
        "precipitation*0.5@2003-06..2003-08;air_temperature+2;all>>30",
        "precipitation+10@2005-05-01;precipitation=climatology;air_temperature+2@2003,winter",
        "precipitation*0.5;precipitation*0.5",
    ],
)
def test_no_change_is_lost_on_the_way_through_the_knobs(text: str) -> None:
    again = parse_scenario(knobs_of(text).text())
    assert sorted(map(str, again)) == sorted(map(str, parse_scenario(text)))
    assert in_words(text) and "None" not in in_words(text)


def test_a_change_in_words() -> None:
    said = in_words("precipitation*0.5@2004;air_temperature-1.5@winter;all>>30;net_radiation=mean")
    assert said == (
        "50 % less precipitation in 2004; 1.5 °C colder in winters; seasons 30 days later; "
        "net radiation held at its mean"
    )
    assert in_words("precipitation+10@2005-05-01") == "10 mm a day more precipitation on 1 May 2005"


def test_the_shaded_span_is_when_the_change_holds() -> None:
    days = np.arange("2002-01-01", "2008-01-01", dtype="datetime64[D]")
    assert changed_span("precipitation*0.5@2004", days) == (np.datetime64("2004-01-01"), np.datetime64("2004-12-31"))
    assert changed_span("precipitation*0.5@2004;air_temperature+2", days) is None
    assert changed_span("precipitation*0.5@2020", days) is None


@pytest.fixture(scope="module", params=["global-grace", TWIN_ID])
def experiment(request) -> Experiment:
    state = State()
    apply(state, {"page": "whatif", "model": request.param, "scenario": "precipitation*0.5@2004-01-01..2004-12-31"})
    return Experiment(View(state))


def test_both_runs_are_the_same_before_the_change_and_close_their_water_balance(experiment: Experiment) -> None:
    runs = experiment.runs
    assert runs is not None and experiment.lane.error == ""
    gap = runs.difference
    before = gap.sel(time=slice(None, "2003-12-31"))
    assert all(np.abs(before[name].values).max() == 0 for name in runs.names)
    assert float(gap["precipitation"].sel(time="2004").mean()) < -1
    budget = whatif.budget(runs)
    closing = budget["precipitation"] - budget["evapotranspiration"] - budget["runoff"] - budget["stored"]
    assert abs(closing) < 0.02 * abs(budget["precipitation"])
    assert runs.names[:4] == ["tws", "swe", "soil_moisture", "groundwater"]
    assert "less, in " in whatif.sentence(runs, "tws")


def test_tiles_show_the_largest_difference_of_every_store_and_flux(experiment: Experiment) -> None:
    runs = experiment.runs
    assert runs is not None
    tiles = {str(tile["id"]): tile for tile in whatif.tiles(runs)}
    assert set(tiles) == set(runs.names)
    for tile in tiles.values():
        line = np.array(tile["line"])
        assert 2 <= line.size <= 120 and np.abs(line).max() <= 1
    assert np.abs(tiles["tws"]["line"]).max() == 1  # type: ignore[arg-type]
    assert str(tiles["tws"]["value"]).startswith("−")


def test_runs_go_out_as_tidy_table_and_netcdf(experiment: Experiment, tmp_path) -> None:
    table = pd.read_csv(whatif_export.runs_csv(experiment))
    assert list(table.columns[-5:]) == ["scenario", "run", "variable", "units", "value"]
    path = tmp_path / "runs.nc"
    path.write_bytes(whatif_export.runs_netcdf(experiment).read())
    with xr.open_dataset(path) as data:
        assert list(data["run"].values) == list(whatif_export.RUNS)
        np.testing.assert_allclose(data["tws"][2], data["tws"][1] - data["tws"][0], atol=1e-3)
        assert data["tws"].attrs["units"] == "mm" and "2004" in data.attrs["change"]
    code = whatif_export.snippet(experiment)
    compile(code, "snippet", "exec")
    assert repr(experiment.state.scenario) in code


@pytest.mark.parametrize("source", ["global-grace", TWIN_ID])
def test_all_the_water_of_a_pulse_is_somewhere(source: str) -> None:
    state = State()
    apply(state, {"model": source})
    view = View(state)
    cell, text = (state.cell,), whatif.pulse_text(50, 5)
    plain, changed = view.run(cell, "daily"), view.run(cell, "daily", scenario=text)
    way = whatif.pulse_way(plain, changed, np.datetime64("2005-05-01"), 50.0)
    assert way.sizes["age"] == whatif.PULSE_DAYS + 1
    total = sum(way[name].values for name in way.data_vars)
    np.testing.assert_allclose(total, 50.0)
    stored = sum(way[name].values for name in whatif.STORES)
    assert stored[-1] < stored[0]
    assert way["runoff"].values[-1] > way["runoff"].values[0] >= 0
    # Only the twin has stores beside the three; in the other the rest is rounding.
    assert np.abs(way["other"].values).max() < (50 if source == TWIN_ID else 0.5)
    assert whatif.pulse_sentence(way, "Here").startswith("Here: of 50 mm more rain, after 30 days ")


def test_data_cannot_be_changed_and_many_cells_are_not_run_unasked() -> None:
    state = State()
    apply(state, {"page": "whatif", "climate_zones": (1,), "focus": "filter"})
    crowd = Experiment(View(state))
    assert crowd.runs is None and "too many to run while you wait" in crowd.empty


def test_the_map_of_differences_is_coarse_first_and_covers_each_cell_once(world) -> None:
    lat, lon = world["lat"].values, world["lon"].values
    every = np.arange(lat.size)
    blocks = list(scenario_fields.order(lat, lon, every))
    assert max(block.size for block in blocks) <= scenario_fields.BLOCK
    np.testing.assert_array_equal(np.sort(np.concatenate(blocks)), every)
    known = np.zeros(lat.size, bool)
    known[blocks[0]] = True
    values = np.where(known, lat, np.nan)
    shown = scenario_fields.filled(values, known, lat, lon)
    near = np.isfinite(shown)
    assert known.sum() < 0.02 * lat.size and near.mean() > 0.85, "the first block is all of the land, if coarse"
    assert np.abs(shown[near] - lat[near]).max() <= 6


def test_a_block_adds_the_mean_season_of_the_difference() -> None:
    time = pd.date_range("2002-01-01", periods=24, freq="MS")
    cells = (7, 9)

    def run(some: tuple[int, ...], scenario: str) -> xr.Dataset:
        values = np.outer(time.month, [1.0, 2.0]) * (3.0 if scenario else 1.0)
        return xr.Dataset({"tws": (("time", "cell"), values.astype(np.float32))}, {"time": time, "cell": list(some)})

    held = scenario_fields.Fields(4)
    scenario_fields.add(held, np.array([1, 3]), cells, run, "x")
    np.testing.assert_array_equal(held.known, [False, True, False, True])
    np.testing.assert_allclose(held.values["tws"][:, 1], 2 * np.arange(1, 13))
    np.testing.assert_allclose(held.values["tws"][:, 3], 4 * np.arange(1, 13))
    assert np.isnan(held.values["tws"][:, 0]).all()
    assert scenario_fields.round_limit(held.values["tws"]) == 50.0


def test_scenario_texts_in_links_are_kept_in_their_plain_form() -> None:
    from dashboard import links

    found = links.decode("v=1&if=precipitation*0.50@2004")
    assert found.values["scenario"] == scenario_text(parse_scenario("precipitation*0.5@2004")) and not found.notices
    unknown = links.decode("v=1&if=rain*2&var=swe")
    assert unknown.values == {"variable": "swe"} and "rain" in unknown.notices[0]
    bad = links.decode("v=1&if=precipitation^2&var=swe")
    assert bad.values == {"variable": "swe"} and "cannot be read" in bad.notices[0]
    assert in_words("") == ""
