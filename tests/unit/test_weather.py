"""Generated daily weather returns the climatology, looks like observed weather, and comes out the same each time."""

from __future__ import annotations

import datetime
import hashlib
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from scipy.interpolate import CubicSpline

from hdlcore.data.cube import find_cell, open_world, positions
from hdlcore.data.weather import FORCING, WeatherSpec, generate, generate_arrays
from hdlcore.data.weather.days import periodic_spline, year_shape
from hdlcore.errors import DataError, RequestError

MODES = ("climatological", "interannual")
RAIN, WARMTH, RADIATION = range(3)


@pytest.fixture(scope="module")
def world() -> xr.Dataset:
    return open_world()


@pytest.fixture(scope="module")
def land_year(world: xr.Dataset) -> np.ndarray:
    """All land through one leap year [366, cell, 3]."""
    return generate_arrays(world, world["cell"].values, "2004-01-01", "2004-12-31", threads=2)


@pytest.fixture(scope="module")
def lahn(world: xr.Dataset) -> int:
    return find_cell(world, 50.5, 8.5)


@pytest.mark.parametrize("mode", MODES)
def test_fourteen_years_return_the_climatology(world: xr.Dataset, mode: str) -> None:
    cells = np.random.default_rng(7).choice(world["cell"].values, 300, replace=False)
    made = generate_arrays(world, cells, "2001-01-01", "2014-12-31", WeatherSpec(3, mode))
    month = np.arange("2001-01-01", "2015-01-01", dtype="datetime64[D]").astype("datetime64[M]").astype(int) % 12
    at = positions(world, cells)
    for m in range(12):
        mean = made[month == m].mean(axis=0, dtype=np.float64)
        rain = world["precipitation"].values[m, at]
        np.testing.assert_allclose(mean[:, RAIN], rain, rtol=0.03, atol=1e-6)
        np.testing.assert_allclose(mean[:, WARMTH], world["air_temperature"].values[m, at], atol=0.3)


def test_climatological_weather_returns_the_climatology_in_every_single_month(world: xr.Dataset) -> None:
    cells = world["cell"].values[::97]
    made = generate(world, cells, "2003-01-01", "2004-12-31").resample(time="MS").mean()
    expected = world["precipitation"].sel(cell=cells).values
    np.testing.assert_allclose(made["precipitation"].values, np.tile(expected, (2, 1)), rtol=1e-3, atol=1e-6)


def test_interannual_weather_differs_between_years(world: xr.Dataset, lahn: int) -> None:
    made = generate(world, [lahn], "2001-01-01", "2014-12-31", WeatherSpec(1, "interannual")).isel(cell=0)
    july = made.sel(time=made["time.month"] == 7).groupby("time.year").mean()
    assert 0.2 < float(july["precipitation"].std() / july["precipitation"].mean()) < 1.0
    assert 0.8 < float(july["air_temperature"].std()) < 3.0


def test_all_land_is_finite_and_plausible(land_year: np.ndarray) -> None:
    assert np.isfinite(land_year).all()
    assert (land_year[..., RAIN] >= 0).all()
    assert land_year[..., RAIN].max() < 600
    assert -80 < land_year[..., WARMTH].min() < -40
    assert 38 < land_year[..., WARMTH].max() < 58
    assert land_year[..., RADIATION].min() > -120
    assert land_year[..., RADIATION].max() < 320


def test_net_radiation_is_plausible_by_climate(world: xr.Dataset, land_year: np.ndarray) -> None:
    net = land_year[..., RADIATION].mean(axis=0)
    weight = world["area"].values * world["land_fraction"].values
    zones = {
        "land": weight > 0,
        "rain forest": world["koeppen"].values == 1,
        "hot desert": world["koeppen"].values == 7,
    }
    zones["boreal"] = (world["lat"].values > 55) & (world["lat"].values < 70)
    limits = {"land": (70, 92), "rain forest": (118, 155), "hot desert": (62, 95), "boreal": (28, 52)}
    for zone, inside in zones.items():
        low, high = limits[zone]
        assert low < np.average(net[inside], weights=weight[inside]) < high, zone


def test_southern_winter_is_in_july(world: xr.Dataset) -> None:
    made = generate(world, [find_cell(world, -34.5, -60.5), find_cell(world, 52.5, 13.5)], "2005-01-01", "2005-12-31")
    means = made.groupby("time.month").mean()
    for name in ("air_temperature", "net_radiation"):
        south, north = means[name].values.T
        assert south.argmin() in (5, 6)
        assert south.argmax() in (0, 11)
        assert north.argmin() in (0, 11)
        assert north.argmax() in (5, 6, 7)


def test_leap_years_are_real(world: xr.Dataset, lahn: int) -> None:
    made = generate(world, [lahn], "2004-02-27", "2004-03-02")
    assert [str(day)[:10] for day in made["time"].values][2] == "2004-02-29"
    assert np.isfinite(made["air_temperature"].sel(time="2004-02-29")).all()
    assert generate(world, [lahn], "2003-02-27", "2003-03-02").sizes["time"] == 4
    assert generate_arrays(world, [lahn], "1900-02-28", "1900-03-01").shape[0] == 2


def test_the_annual_course_keeps_monthly_means_and_has_no_step_at_new_year() -> None:
    course = year_shape().course[0, :365]
    means = 10 * np.cos(2 * np.pi * np.arange(12) / 12)
    daily = course @ means
    month = np.arange("2001-01-01", "2002-01-01", dtype="datetime64[D]").astype("datetime64[M]").astype(int) % 12
    np.testing.assert_allclose([daily[month == m].mean() for m in range(12)], means, atol=1e-9)
    assert abs(daily[0] - daily[-1]) < 0.15
    assert np.abs(np.diff(daily)).max() < 0.2


def test_blocks_and_months_join_without_a_jump(world: xr.Dataset) -> None:
    cells = world["cell"].values[::40]
    for mode in MODES:
        made = generate_arrays(world, cells, "2014-11-01", "2015-02-28", WeatherSpec(2, mode))
        steps = np.sqrt((np.diff(made[..., WARMTH], axis=0) ** 2).mean(axis=1))
        assert steps[60] < 1.6 * np.median(steps)  # 31 December 2014 to 1 January 2015, over the limit of two blocks
        rain = np.log1p(made[..., RAIN])
        assert np.corrcoef(rain[60], rain[61])[0, 1] > 0.2


def test_neighbours_share_their_weather_and_far_places_do_not(world: xr.Dataset) -> None:
    lons = [8.5, 9.5, 13.5, 23.5, 83.5]
    cells = [find_cell(world, 52.5, lon) for lon in lons]
    made = generate_arrays(world, cells, "2001-01-01", "2014-12-31")
    day = np.arange(made.shape[0])
    season = np.stack([np.ones(day.size), np.cos(day / 365.25 * 2 * np.pi), np.sin(day / 365.25 * 2 * np.pi)], axis=1)
    for name, values, near in (("rain", np.log1p(made[..., RAIN]), 0.9), ("warmth", made[..., WARMTH], 0.97)):
        anomaly = values - season @ np.linalg.lstsq(season, values, rcond=None)[0]
        r = np.corrcoef(anomaly.T)[0]
        assert r[1] > near, name
        assert r[1] > r[2] > r[3] - 0.02, name
        assert abs(r[4]) < 0.25, name


def test_weather_is_smooth_across_the_date_line(world: xr.Dataset) -> None:
    west, east, inland = (find_cell(world, 67.5, lon) for lon in (179.5, -179.5, 178.5))
    made = generate_arrays(world, [inland, west, east], "2001-01-01", "2003-12-31")
    rain = np.corrcoef(np.log1p(made[..., RAIN]).T)
    warmth = np.corrcoef(made[..., WARMTH].T)
    assert rain[1, 2] > rain[0, 1] - 0.05
    assert warmth[1, 2] > 0.99


def test_wet_days_are_mild_in_winter_and_cool_and_dull_in_summer(world: xr.Dataset, lahn: int) -> None:
    made = generate(world, [lahn], "2001-01-01", "2014-12-31").isel(cell=0).to_dataframe()
    month = pd.DatetimeIndex(made.index).month
    wet = made["precipitation"] >= 1
    gap = {
        (season, name): made.loc[inside & wet, name].mean() - made.loc[inside & ~wet, name].mean()
        for season, inside in (("winter", np.isin(month, (12, 1, 2))), ("summer", np.isin(month, (6, 7, 8))))
        for name in ("air_temperature", "net_radiation")
    }
    assert gap["winter", "air_temperature"] > 0.5
    assert gap["summer", "air_temperature"] < -0.5
    assert gap["summer", "net_radiation"] < -20


def _dry_world(world: xr.Dataset, value: float) -> xr.Dataset:
    part = world.isel(cell=slice(0, 3)).copy(deep=True)
    part["precipitation"] = part["precipitation"].copy(data=np.full(part["precipitation"].shape, value, np.float32))
    return part


@pytest.mark.parametrize("mode", MODES)
def test_no_rain_stays_none_and_hardly_any_rain_is_returned(world: xr.Dataset, mode: str) -> None:
    for value in (0.0, 1e-12, 1e-5, 1e-3):
        part = _dry_world(world, value)
        made = generate_arrays(part, part["cell"].values, "2001-01-01", "2014-12-31", WeatherSpec(1, mode))
        assert np.isfinite(made).all()
        np.testing.assert_allclose(made[..., RAIN].mean(axis=0, dtype=np.float64), value, rtol=0.03)


def test_one_extremely_wet_month_spreads_over_its_days(world: xr.Dataset) -> None:
    part = _dry_world(world, 30.0)
    made = generate_arrays(part, part["cell"].values, "2001-01-01", "2014-12-31")
    assert (made[..., RAIN] > 0).mean() > 0.8
    assert made[..., RAIN].max() < 900


def test_seeds_differ_and_the_default_is_seed_one(world: xr.Dataset, lahn: int) -> None:
    period = ([lahn], "2002-01-01", "2002-12-31")
    first = generate_arrays(world, *period)
    assert np.array_equal(first, generate_arrays(world, *period, WeatherSpec(1)))
    other = generate_arrays(world, *period, WeatherSpec(2))
    assert abs(np.corrcoef(first[:, 0, RAIN], other[:, 0, RAIN])[0, 1]) < 0.25


def test_another_process_makes_the_same_bits(world: xr.Dataset, lahn: int) -> None:
    code = (
        "import hashlib; from hdlcore.data.cube import open_world; from hdlcore.data.weather import generate_arrays;"
        f"a = generate_arrays(open_world(), [{lahn}], '2002-01-01', '2002-12-31');"
        "print(hashlib.sha256(a.tobytes()).hexdigest())"
    )
    here = hashlib.sha256(generate_arrays(world, [lahn], "2002-01-01", "2002-12-31").tobytes()).hexdigest()
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert there.stdout.strip() == here


def test_the_dataset_says_what_it_is(world: xr.Dataset, lahn: int) -> None:
    made = generate(world, [lahn], "2002-01-30", "2002-02-02", WeatherSpec(5, "interannual"))
    assert dict(made.sizes) == {"time": 4, "cell": 1}
    assert list(made.data_vars) == list(FORCING)
    assert made.attrs["source"] == "generated"
    assert (made.attrs["seed"], made.attrs["variability"]) == (5, "interannual")
    assert [made[name].attrs["units"] for name in FORCING] == ["mm d-1", "degC", "W m-2"]
    assert all(made[name].dtype == np.float32 for name in FORCING)
    stacked = generate_arrays(world, [lahn], "2002-01-30", "2002-02-02", WeatherSpec(5, "interannual"))
    assert stacked.flags.c_contiguous
    assert np.array_equal(stacked, np.stack([made[name].values for name in FORCING], axis=-1))


@pytest.mark.parametrize(
    ("start", "end", "says"),
    [
        ("2002-01-02", "2002-01-01", "before the start"),
        ("2002-13-01", "2003-01-01", "not a date"),
        ("yesterday", "2003-01-01", "not a date"),
        ("2001-02-29", "2003-01-01", "not a date"),
        (np.datetime64("NaT"), "2003-01-01", "not a date"),
        (pd.NaT, "2003-01-01", "not a date"),
        (None, "2003-01-01", "not a date"),
        (2002, "2003-01-01", "not a date"),
        ("1200-01-01", "2003-01-01", "out of range"),
        ("2002-01-01", "9999-12-31", "out of range"),
    ],
)
def test_bad_periods_are_refused(world: xr.Dataset, lahn: int, start: object, end: object, says: str) -> None:
    with pytest.raises(RequestError, match=says):
        generate(world, [lahn], start, end)  # type: ignore[arg-type]


def test_dates_may_come_in_any_usual_form(world: xr.Dataset, lahn: int) -> None:
    expected = generate_arrays(world, [lahn], "2002-01-05", "2002-01-09")
    for start in (datetime.date(2002, 1, 5), pd.Timestamp("2002-01-05"), np.datetime64("2002-01-05T00:00:00", "ns")):
        assert np.array_equal(expected, generate_arrays(world, [lahn], start, "2002-01-09"))


def test_unknown_cells_and_settings_are_refused(world: xr.Dataset, lahn: int) -> None:
    with pytest.raises(RequestError, match="find_cell"):
        generate(world, [lahn, 5], "2002-01-01", "2002-01-02")
    with pytest.raises(RequestError, match="seed"):
        WeatherSpec(seed=-1)
    with pytest.raises(RequestError, match="climatological or interannual"):
        WeatherSpec(variability="wild")  # type: ignore[arg-type]
    with pytest.raises(RequestError, match="fewer cells or years"):
        generate_arrays(world, world["cell"].values, "1900-01-01", "2100-12-31")


def test_a_broken_climatology_is_refused(world: xr.Dataset) -> None:
    part = _dry_world(world, np.nan)
    with pytest.raises(DataError, match="climatology of cell"):
        generate(part, part["cell"].values, "2002-01-01", "2002-01-02")


def test_the_periodic_spline_is_that_of_scipy() -> None:
    rng = np.random.default_rng(4)
    for n in (5, 12):
        knots, at = np.sort(rng.uniform(size=n)), rng.uniform(size=300)
        whole = CubicSpline(np.append(knots, knots[0] + 1), np.vstack([np.eye(n), np.eye(n)[:1]]), bc_type="periodic")
        expected = whole(np.where(at < knots[0], at + 1, at))
        np.testing.assert_allclose(periodic_spline(knots, at), expected, rtol=0, atol=1e-12 * np.abs(expected).max())
