"""The twin Earth as physics: what comes in leaves or stays, snow freezes again, soils fill, responses are the truth."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from hdlcore.data.cube import find_cell
from hdlcore.data.twin import CARRIERS, OUTPUTS, TwinSpec, carrier_response, lagged_response, simulate_twin
from hdlcore.data.twin.land import land_series
from hdlcore.data.twin.memory import memory_sizes
from hdlcore.data.twin.model import CARBON_STORES, INFLOW, OUTFLOW, STORES, WATER_STORES, advance, run
from hdlcore.data.twin.parameters import INDEX, PARAMETERS, cell_parameters, grouped, sites
from hdlcore.data.twin.simulate import cell_forcing, warm
from hdlcore.data.weather import FORCING, WeatherSpec, generate_arrays
from hdlcore.errors import Cancelled, RequestError
from hdlcore.variables import VARIABLES

PLACES = {"amazon": (-3.5, -60.5), "siberia": (64.5, 110.5), "sahel": (13.5, 5.5), "europe": (50.5, 9.5)}
SPEC = TwinSpec()


@pytest.fixture(scope="module")
def cells(world: xr.Dataset) -> np.ndarray:
    return np.array([find_cell(world, *place) for place in PLACES.values()])


@pytest.fixture(scope="module")
def daily(world: xr.Dataset, cells: np.ndarray) -> xr.Dataset:
    return simulate_twin(world, cells, "2001-01-01", "2006-12-31", SPEC)


def test_every_output_has_a_name_units_and_says_that_it_is_generated(daily: xr.Dataset) -> None:
    assert set(daily.data_vars) == {*OUTPUTS, *FORCING}
    for name, values in daily.data_vars.items():
        assert values.attrs["units"] == VARIABLES[str(name)].units
        assert values.attrs["source"] == "generated"
        assert values.dtype == np.float32
        assert np.isfinite(values).all(), name


@pytest.mark.parametrize("first", ["1987-01-01", "2001-01-01"])
def test_water_and_carbon_close_over_each_year_in_the_real_world(world: xr.Dataset, first: str) -> None:
    some = world["cell"].values[::400]
    start = np.datetime64(first)
    eve = warm(world, some, SPEC, start)
    forcing = cell_forcing(world, some, start, start + 729, SPEC)
    result = run(eve.parameters, forcing, eve.state)
    gain = sum(result.series(name) for name in INFLOW) - sum(result.series(name) for name in OUTFLOW)
    water, carbon = result.series("tws"), sum(result.series(name) for name in CARBON_STORES)
    for year in (slice(1, 366), slice(366, 730)):
        before, after = year.start - 1, year.stop - 1
        assert np.abs(gain[:, year].sum(1) - (water[:, after] - water[:, before])).max() < 1e-6  # mm
        exchange = -result.series("nee")[:, year].sum(1)
        assert np.abs(exchange - (carbon[:, after] - carbon[:, before])).max() < 1e-6  # gC m-2
    assert np.allclose(sum(result.series(name) for name in INFLOW), forcing[..., 0], atol=1e-12)


def test_total_storage_is_the_sum_of_the_named_stores(daily: xr.Dataset) -> None:
    total = sum(daily[name].astype(float) for name in WATER_STORES)
    assert float(abs(total - daily["tws"]).max()) < 1e-3


def test_a_place_in_equilibrium_gives_back_its_carbon(world: xr.Dataset, cells: np.ndarray) -> None:
    block = simulate_twin(world, cells, "1987-01-01", "2000-12-31", SPEC, outputs=("nee", "gpp"))
    assert float(abs(block["nee"].mean("time") / block["gpp"].mean("time")).max()) < 1e-3


def test_the_warm_state_returns_to_itself(world: xr.Dataset, cells: np.ndarray) -> None:
    eve = warm(world, cells, SPEC)
    later = advance(eve.parameters, cell_forcing(world, cells, eve.day, np.datetime64("2000-12-31"), SPEC), eve.state)
    assert np.abs(later - eve.state).max() < 0.05  # mm, degC, gC m-2


def test_meltwater_freezes_again_and_is_held_in_the_pack(world: xr.Dataset, cells: np.ndarray) -> None:
    eve = warm(world, cells[1:2], SPEC, np.datetime64("2003-01-01"))
    forcing = np.zeros((1, 3, 3))
    forcing[0, :, 1] = [-20.0, 4.0, -20.0]
    result = run(eve.parameters, forcing, eve.state)
    assert result.series("snowmelt")[0, 1] > 1.0
    assert result.series("snow_liquid_water")[0, 1] > 0.0
    assert result.series("refreezing")[0, 2] > 0.0
    assert result.series("snow_liquid_water")[0, 2] < result.series("snow_liquid_water")[0, 1]


def test_high_bands_keep_their_snow_longer_than_flat_ground(world: xr.Dataset, cells: np.ndarray) -> None:
    flat = warm(world, cells[1:2], SPEC, np.datetime64("2003-03-01"))
    table = flat.parameters.table.copy()
    table[:, INDEX["relief"]] = 900.0
    forcing = cell_forcing(world, cells[1:2], np.datetime64("2003-03-01"), np.datetime64("2003-09-30"), SPEC)
    seasons = [run(p, forcing, flat.state).series("snow_cover")[0] for p in (flat.parameters, grouped(table))]
    assert np.flatnonzero(seasons[1] > 0.1).size > np.flatnonzero(seasons[0] > 0.1).size
    assert 0.0 < np.median(seasons[1][seasons[1] > 0.1]) <= 1.0


def test_a_full_soil_sheds_all_rain_and_a_dry_one_little(world: xr.Dataset, cells: np.ndarray) -> None:
    p = cell_parameters(world, np.array([0]), 1)
    zero, rain = np.zeros((1, 1)), np.full((1, 1), 30.0)
    runoff = {}
    for name, level in (("full", p.land.saturation), ("dry", p.land.wilting)):
        state = np.zeros((1, 7))
        state[:, 1:4] = level
        out = land_series(np.full((1, 1), 15.0), zero, zero, rain, zero, p.land, state, np.empty((0, 0, 0)))
        runoff[name] = out[0, 0, 3]
    assert runoff["full"] == pytest.approx(30.0, abs=1e-9)
    assert runoff["dry"] < 10.0


def test_plants_thirst_below_the_wilting_point_and_leaves_follow(daily: xr.Dataset) -> None:
    sahel = daily.isel(cell=2)
    month = sahel.groupby("time.month").mean()
    wettest, leafiest = int(month["precipitation"].values.argmax()), int(month["leaf_area_index"].values.argmax())
    assert 0 < (leafiest - wettest) % 12 <= 3, "leaves come after the rain, within a season"
    assert float(sahel["moisture_stress"].min()) < 0.35 < float(sahel["moisture_stress"].max())


def test_the_year_of_each_climate_is_plausible(daily: xr.Dataset) -> None:
    month = daily.groupby("time.month").mean()
    siberia, europe = month.isel(cell=1), month.isel(cell=3)
    assert int(siberia["swe"].values.argmax()) + 1 in (3, 4)
    assert float(siberia["swe"].min()) < 2.0
    assert int(siberia["runoff"].values.argmax()) + 1 in (5, 6)
    assert int(europe["gpp"].values.argmax()) + 1 in (6, 7)
    assert float(europe["leaf_area_index"].max()) > 2 * float(europe["leaf_area_index"].min())
    assert float(month.isel(cell=0)["tws"].max() - month.isel(cell=0)["tws"].min()) > 150  # the Amazon breathes


def test_parameters_follow_statics_and_hide_some_noise(world: xr.Dataset) -> None:
    at = np.arange(0, world.sizes["cell"], 37)
    one, two = (cell_parameters(world, at, seed) for seed in (1, 2))
    assert not np.array_equal(one.table, two.table)
    for i, parameter in enumerate(PARAMETERS):
        column = one.table[:, i]
        assert (column >= parameter.low).all() and (column <= parameter.high).all(), parameter.name
        assert (column.std() > 0) == (parameter.spread > 0 or parameter.name in ("relief", "psychrometric_constant"))
    wood = np.array([site.trees for site in sites(world, at)])
    assert np.corrcoef(wood, one.column("deep_layer"))[0, 1] > 0.4
    assert abs(np.corrcoef(wood, one.column("groundwater_rate"))[0, 1]) < 0.3


@pytest.mark.parametrize(("name", "step"), [("precipitation", 0.05), ("air_temperature", 0.05), ("net_radiation", 0.5)])
def test_lagged_responses_are_those_of_plain_reruns(
    world: xr.Dataset, cells: np.ndarray, name: str, step: float
) -> None:
    cell, lags, year = int(cells[3]), 40, 2005
    response = lagged_response(world, cell, "tws", lags, year)["response"]
    assert response.shape == (365, lags, 3)
    first, last, i = np.datetime64("2004-12-01"), np.datetime64("2005-12-31"), FORCING.index(name)
    own = generate_arrays(world, [cell], first, last, SPEC.weather).astype(np.float64)
    day = 100
    assert own[day, 0, 0] >= 0.05 or name != "precipitation" or own[day, 0, 0] == 0.0
    runs = []
    for sign in (1, -1):
        changed = own.copy()
        changed[day, 0, i] += sign * step
        if name == "precipitation":
            changed[day, 0, 0] = max(changed[day, 0, 0], 0.0)
        runs.append((changed[day, 0, i], _exact(world, cell, first, changed)))
    for lag in (0, 1, 7, 39):
        true = (runs[0][1][day + lag] - runs[1][1][day + lag]) / (runs[0][0] - runs[1][0])
        found = float(response.sel(time=first + day + lag, lag=lag, forcing=name))
        assert found == pytest.approx(true, rel=1e-4, abs=1e-7)


def _exact(world: xr.Dataset, cell: int, first: np.datetime64, forcing: np.ndarray) -> np.ndarray:
    eve = warm(world, [cell], SPEC, first)
    return run(eve.parameters, np.ascontiguousarray(forcing.transpose(1, 0, 2)), eve.state).series("tws")[0]


def test_rain_is_answered_with_its_own_mass(world: xr.Dataset, cells: np.ndarray) -> None:
    first, last = np.datetime64("2005-01-01"), np.datetime64("2006-12-31")
    own = generate_arrays(world, cells, first, last, SPEC.weather).astype(np.float64)
    wetter = own.copy()
    wetter[20, :, 0] += 10.0
    names = ("tws", "evapotranspiration", "runoff")
    a, b = (simulate_twin(world, cells, first, last, SPEC, f, outputs=names).astype(float) for f in (own, wetter))
    gone = (b - a)[["evapotranspiration", "runoff"]].to_dataarray().sum("variable")[20:].sum("time")
    kept = (b - a)["tws"][-1]
    assert np.allclose(gone + kept, 10.0, atol=2e-2)  # float32 answers


def test_the_mapped_memory_is_that_of_the_full_truth(world: xr.Dataset, cells: np.ndarray) -> None:
    lags = 200
    chosen = [int(cells[3]), int(cells[0])]
    mapped = memory_sizes(world, chosen, "tws", lags, 2005)["attribution_size"]
    assert mapped.dims == ("forcing", "lag", "cell") and float(mapped.min()) >= 0.0
    for at, cell in enumerate(chosen):
        response = abs(lagged_response(world, cell, "tws", lags, 2005)["response"]).mean("time")  # (lag, forcing)
        for name in ("precipitation", "net_radiation"):
            full, thin = response.sel(forcing=name).values, mapped.sel(forcing=name).isel(cell=at).values
            assert np.corrcoef(full, thin)[0, 1] > 0.95


def test_what_stores_carry_fades_and_belongs_to_the_climate(world: xr.Dataset, cells: np.ndarray) -> None:
    siberia = carrier_response(world, int(cells[1]), "tws", 180, 2005)["carried"]
    amazon = carrier_response(world, int(cells[0]), "tws", 180, 2005)["carried"]
    assert list(siberia["store"].values) == list(CARRIERS)
    size = abs(siberia).mean("time")
    assert float(size.sel(store="snow").isel(lag=90)) > 1.0
    assert float(abs(amazon).sel(store="snow").max()) == 0.0
    for store in ("groundwater", "soil_moisture"):
        assert float(size.sel(store=store).isel(lag=179)) < float(size.sel(store=store).isel(lag=0))
    assert float(abs(siberia).sel(store="carbon").max()) == 0.0, "carbon does not feed back on water"


def test_a_store_set_to_its_course_today_is_missed_by_its_own_departure(world: xr.Dataset, cells: np.ndarray) -> None:
    carried = carrier_response(world, int(cells[0]), "groundwater", 3, 2005)["carried"]
    eve = warm(world, cells[:1], SPEC, np.datetime64("2005-01-01"))
    block_start = warm(world, cells[:1], SPEC, np.datetime64("2001-01-01"))
    forcing = cell_forcing(world, cells[:1], np.datetime64("2001-01-01"), np.datetime64("2014-12-31"), SPEC)
    course = run(block_start.parameters, forcing, block_start.state).series("groundwater")[0]
    days = np.arange("2001-01-01", "2015-01-01", dtype="datetime64[D]")
    january = course[days.astype("datetime64[M]").astype(int) % 12 == 0].mean()
    departure = eve.state[0, 17] - january
    found = float(carried.sel(store="groundwater").isel(time=0, lag=0))
    assert np.sign(found) == np.sign(departure)
    assert found == pytest.approx(departure, rel=0.5)


def test_requests_that_cannot_be_answered_say_so(world: xr.Dataset, cells: np.ndarray) -> None:
    with pytest.raises(RequestError, match="begins on 1987"):
        simulate_twin(world, cells, "1986-12-31", "1987-01-31")
    with pytest.raises(RequestError, match="no output 'rain'"):
        simulate_twin(world, cells, "2001-01-01", "2001-01-31", outputs=("rain",))
    with pytest.raises(RequestError, match="shape"):
        simulate_twin(world, cells, "2001-01-01", "2001-01-31", forcing=np.zeros((31, 1, 3)))
    with pytest.raises(RequestError, match="negative precipitation"):
        simulate_twin(world, cells[:1], "2001-01-01", "2001-01-31", forcing=np.full((31, 1, 3), -1.0))
    with pytest.raises(RequestError, match="too many"):
        simulate_twin(world, world["cell"].values, "2001-01-01", "2014-12-31")
    with pytest.raises(RequestError, match="land cells"):
        simulate_twin(world, [0], "2001-01-01", "2001-01-31")
    with pytest.raises(RequestError, match="seed"):
        TwinSpec(-1)
    with pytest.raises(RequestError, match="no output"):
        lagged_response(world, int(cells[0]), "rain")
    with pytest.raises(RequestError, match="lags"):
        lagged_response(world, int(cells[0]), "tws", 0)
    with pytest.raises(RequestError, match="out of range"):
        lagged_response(world, int(cells[0]), "tws", 10, 1988)


def test_work_is_told_and_can_be_stopped(world: xr.Dataset) -> None:
    class Stop:
        def __init__(self) -> None:
            self.asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            return self.asked > 2

    heard: list[float] = []
    many = world["cell"].values[:80]
    with pytest.raises(Cancelled):
        simulate_twin(
            world,
            many,
            "2001-01-01",
            "2001-01-31",
            progress=lambda f, _: heard.append(f),
            cancel=Stop(),
            outputs=("tws",),
        )
    assert heard == [0.2, 0.4]
    with pytest.raises(Cancelled):
        lagged_response(world, int(many[0]), "tws", 100, 2005, cancel=Stop())


def test_another_weather_or_seed_is_another_truth(world: xr.Dataset, cells: np.ndarray, daily: xr.Dataset) -> None:
    for spec in (TwinSpec(2), TwinSpec(1, WeatherSpec(2, "interannual")), TwinSpec(1, WeatherSpec(1))):
        other = simulate_twin(world, cells, "2001-01-01", "2001-03-31", spec, outputs=("tws",))
        assert not np.allclose(other["tws"], daily["tws"][:90])


def test_no_store_is_negative_and_fractions_stay_within_bounds(daily: xr.Dataset) -> None:
    for name in STORES:
        if name != "soil_temperature":
            assert float(daily[name].min()) >= 0.0, name
    for name in ("snow_cover", "moisture_stress", "fapar", "ndvi"):
        assert float(daily[name].min()) >= 0.0 and float(daily[name].max()) <= 1.0 + 1e-6, name
