"""CF grids of every kind, and every way in which they come broken: right numbers or one clear sentence."""

from __future__ import annotations

from pathlib import Path

import cftime
import numpy as np
import pytest
import xarray as xr

from hdlcore.data.cubes import Cube, open_cube
from hdlcore.data.ingest import ingest
from hdlcore.errors import DataError

TUEBINGEN = 41 * 360 + 189
LAT, LON = np.arange(88.0, -90, -4), np.arange(-178.0, 180, 4)


def made(tmp_path: Path, ds: xr.Dataset | list[xr.Dataset], grid="1deg", encoding=None, **options) -> Cube:
    files = []
    for i, one in enumerate(ds if isinstance(ds, list) else [ds]):
        files.append(tmp_path / f"in{i}.nc")
        one.to_netcdf(files[-1], encoding=encoding or {})
    ingest(files, "cf", tmp_path / "out.zarr", grid=grid, **options)
    return open_cube(tmp_path / "out.zarr")


def field(values, time, units="mm d-1", name="pr", lat=LAT, lon=LON, **attrs) -> xr.Dataset:
    values = np.asarray(values, "f4")
    data = np.broadcast_to(values.reshape(-1, 1, 1), (values.size, lat.size, lon.size)).copy()
    coords = {
        "time": time,
        "lat": ("lat", lat, {"units": "degrees_north"}),
        "lon": ("lon", lon, {"units": "degrees_east"}),
    }
    return xr.Dataset({name: (("time", "lat", "lon"), data, {"units": units, **attrs})}, coords, {"source": "test"})


def days(first: str, n: int) -> np.ndarray:
    return (np.datetime64(first, "D") + np.arange(n)).astype("datetime64[ns]")


def at(cube: Cube, name="precipitation") -> xr.DataArray:
    return cube.series(name, [TUEBINGEN])[:, 0]


def cf_time(dates: list, units: str, calendar: str) -> xr.Variable:
    numbers = cftime.date2num(dates, units, calendar)
    return xr.Variable("time", np.asarray(numbers, float), {"units": units, "calendar": calendar})


def test_noleap_leaves_out_29_february(tmp_path):
    dates = [cftime.DatetimeNoLeap(2004, 2, 28), cftime.DatetimeNoLeap(2004, 3, 1), cftime.DatetimeNoLeap(2004, 3, 2)]
    cube = made(tmp_path, field([1, 2, 3], cf_time(dates, "days since 2000-01-01", "noleap")))
    rain = at(cube)
    assert [str(t)[5:10] for t in rain.time.values] == ["02-28", "02-29", "03-01", "03-02"]
    np.testing.assert_array_equal(rain.values, [1, np.nan, 2, 3])
    assert "noleap" in cube.attrs["notes"]


def test_360_days_are_spread_over_the_year(tmp_path):
    dates = [cftime.Datetime360Day(2001, m, d) for m in range(1, 13) for d in range(1, 31)]
    cube = made(tmp_path, field(np.arange(360), cf_time(dates, "days since 2001-01-01", "360_day")))
    rain = at(cube)
    assert rain.sizes["time"] == 365 and int(np.isnan(rain.values).sum()) == 5
    assert rain.values[0] == 0 and rain.values[-1] == 359
    kept = rain.values[np.isfinite(rain.values)]
    np.testing.assert_array_equal(kept, np.arange(360))
    assert float(rain.sel(time="2001-07-03").values) == 180, "the middle of the year stays in the middle"


def test_360_day_months_keep_their_names(tmp_path):
    dates = [cftime.Datetime360Day(2001, m, 16) for m in range(1, 13)]
    cube = made(tmp_path, field(np.arange(12), cf_time(dates, "days since 1850-01-01", "360_day")))
    np.testing.assert_array_equal(at(cube).values, np.arange(12))


def test_julian_dates_are_the_same_instants(tmp_path):
    dates = [cftime.DatetimeJulian(2000, 12, 19), cftime.DatetimeJulian(2000, 12, 20)]
    cube = made(tmp_path, field([1, 2], cf_time(dates, "days since 2000-01-01", "julian")))
    assert [str(t)[:10] for t in at(cube).time.values] == ["2001-01-01", "2001-01-02"]


def test_months_since_and_dates_before_the_gregorian_reform(tmp_path):
    ds = field([1, 2], xr.Variable("time", np.array([0.5, 1.5]), {"units": "months since 2001-01-01"}))
    np.testing.assert_array_equal(at(made(tmp_path, ds)).values, [1, 2])
    # Days since the year 1 in the mixed calendar: 2001-01-01 is day 730487 + 2 of it (cftime agrees).
    number = cftime.date2num(cftime.DatetimeGregorian(2001, 1, 1), "days since 0001-01-01", "standard")
    attrs = {"units": "days since 0001-01-01", "calendar": "standard"}
    other = field([1, 2], xr.Variable("time", np.array([number, number + 1.0]), attrs))
    (tmp_path / "b").mkdir()
    assert str(at(made(tmp_path / "b", other)).time.values[0])[:10] == "2001-01-01"


@pytest.mark.parametrize(
    ("hour", "expected"), [(0, "2001-01-01"), (12, "2001-01-01"), (23, "2001-01-01")], ids=["start", "middle", "end"]
)
def test_stamps_at_start_middle_or_end_mean_the_same_day(tmp_path, hour, expected):
    cube = made(tmp_path, field([1, 2, 3], days("2001-01-01", 3) + np.timedelta64(hour, "h")))
    assert str(at(cube).time.values[0])[:10] == expected


def test_bounds_decide_over_stamps(tmp_path):
    ds = field([1, 2, 3], days("2001-01-02", 3))  # stamped at the end
    stamps = np.arange(1.0, 4)
    ds["time_bnds"] = (("time", "nv"), np.stack([stamps - 1, stamps], -1))
    ds["time"] = ("time", stamps, {"units": "days since 2001-01-01", "bounds": "time_bnds"})
    cube = made(tmp_path, ds.drop_vars([]))
    assert str(at(cube).time.values[0])[:10] == "2001-01-01"


def test_monthly_sums_are_divided_by_the_days_of_their_very_month(tmp_path):
    time = np.array(["2004-01-31", "2004-02-29", "2004-03-31"], "datetime64[ns]")
    cube = made(tmp_path, field([31, 29, 62], time, units="mm"))
    np.testing.assert_allclose(at(cube).values, [1, 1, 2], rtol=1e-6)
    assert [str(t)[:10] for t in at(cube).time.values] == ["2004-01-01", "2004-02-01", "2004-03-01"]


def test_three_hourly_rates_become_daily_means_and_half_days_are_no_days(tmp_path):
    time = np.arange("2001-01-01T00", "2001-01-02T09", 3, dtype="datetime64[h]").astype("datetime64[ns]")
    cube = made(tmp_path, field(np.arange(time.size) * 1e-5, time, units="kg m-2 s-1"))
    rain = at(cube)
    assert rain.values.tolist() == pytest.approx([3.5e-5 * 86_400], rel=1e-5), "three of eight steps are no day"


def test_files_in_different_units_meet_in_one(tmp_path):
    first = field([280.15, 281.15], days("2001-01-01", 2), "K", "tas")
    second = field([9.0, 46.4], days("2001-01-03", 2), "degC", "tas")
    second["tas"].attrs["units"] = "degF"
    cube = made(tmp_path, [first, second])
    np.testing.assert_allclose(at(cube, "air_temperature").values, [7, 8, -12.78, 8], atol=0.01)
    texts = [" ".join(p["conversions"]) for p in cube.provenance]
    assert "K -> degC" in texts[0] and "degF -> degC" in texts[1]


def test_missing_days_are_there_and_doubled_ones_only_once(tmp_path):
    time = days("2001-01-01", 5)[[0, 1, 1, 4]]
    cube = made(tmp_path, field([1, 2, 9, 5], time))
    np.testing.assert_array_equal(at(cube).values, [1, 2, np.nan, np.nan, 5])
    assert "1 days are in the files twice" in cube.attrs["notes"]


@pytest.mark.parametrize("fill", [-9999.0, 1e20, 9.96921e36, -999.0])
def test_fills_that_no_one_declared_are_missing(tmp_path, fill):
    cube = made(tmp_path, field([1, fill, 3], days("2001-01-01", 3)))
    np.testing.assert_array_equal(at(cube).values, [1, np.nan, 3])


def test_scaled_integers_are_unpacked_and_undeclared_ones_reviewed(tmp_path):
    ds = field([0.5, 0.75], days("2001-01-01", 2), "1", "ndvi")
    cube = made(tmp_path, ds, encoding={"ndvi": {"dtype": "i2", "scale_factor": 1e-4, "_FillValue": -32768}})
    np.testing.assert_allclose(at(cube, "ndvi_observed").values, [0.5, 0.75], atol=1e-4)
    raw = field(np.linspace(2000, 7500, 20), days("2001-01-01", 20), "1", "ndvi").astype("i2")
    raw["ndvi"].attrs["units"] = "1"
    path = tmp_path / "raw.nc"
    raw.to_netcdf(path)
    report = ingest([path], "cf", tmp_path / "raw.zarr")
    assert not report.ok and "scaled by 10000" in report.text()


def test_any_order_of_rows_and_columns_gives_the_same_cube(tmp_path):
    rng = np.random.default_rng(1)
    data = rng.random((2, LAT.size, LON.size)).astype("f4")
    first = field([0, 0], days("2001-01-01", 2))
    first["pr"].values[:] = data
    turned = first.isel(lat=slice(None, None, -1)).assign_coords(lon=first.lon % 360).sortby("lon")
    turned = turned.transpose("lon", "time", "lat")
    (tmp_path / "b").mkdir()
    one, other = made(tmp_path, first), made(tmp_path / "b", turned)
    np.testing.assert_allclose(one.daily.precipitation.values, other.daily.precipitation.values, rtol=1e-6)


def test_its_own_grid_is_kept_with_ids_from_the_north_west(tmp_path):
    lat, lon = np.arange(-88.75, 90, 2.5), np.arange(1.25, 360, 2.5)
    ds = field([1, 2], days("2001-01-01", 2), lat=lat, lon=lon)
    ds["pr"].values[:] = lat[:, None] * 1000 + (lon + 180) % 360 - 180
    cube = made(tmp_path, ds, grid="native")
    cells = cube.cells
    assert cells.sizes["cell"] == 72 * 144
    assert (float(cells.lat[0]), float(cells.lon[0])) == (88.75, -178.75)
    np.testing.assert_allclose(
        cube.daily.precipitation.values[0], cells.lat.values * 1000 + cells.lon.values, rtol=1e-5
    )
    assert float(cells.area.sum(dtype="f8")) == pytest.approx(4 * np.pi * 6_371_007.2**2, rel=1e-5)


def test_coarse_cells_fill_fine_ones_and_sea_stays_empty(tmp_path):
    ds = field([1, 2], days("2001-01-01", 2))
    ds["pr"].values[:, :, 40:50] = np.nan
    cube = made(tmp_path, ds)
    empty = np.isnan(cube.daily.precipitation.values[0])
    lon = cube.cells.lon.values
    assert empty[(lon > -20) & (lon < 20)].all() and not empty[np.abs(lon) > 21].any()


def test_zarr_stores_come_in_as_well(tmp_path):
    field([1, 2, 3], days("2001-01-01", 3)).to_zarr(tmp_path / "in.zarr", zarr_format=3, consolidated=False)
    ingest([tmp_path / "in.zarr"], "cf", tmp_path / "out.zarr")
    np.testing.assert_array_equal(at(open_cube(tmp_path / "out.zarr")).values, [1, 2, 3])


def test_climatologies_and_statics_go_to_the_root(tmp_path):
    coords = {"month": np.arange(1, 13), "lat": LAT, "lon": LON}
    shape = (12, LAT.size, LON.size)
    climate = xr.Dataset(
        {"precipitation": (("month", "lat", "lon"), np.full(shape, 62.0), {"units": "mm month-1"})}, coords
    )
    cube = made(tmp_path, climate)
    assert cube.cells.precipitation.sel(month=1).values[0] == pytest.approx(2.0)
    classes = np.where(LAT[:, None] > 30, 7, 3) * np.ones(shape[1:], "i2")
    fixed = xr.Dataset(
        {"soil_class": (("lat", "lon"), classes.astype("i2")), "topt": (("lat", "lon"), classes * 1.5)}, coords
    )
    (tmp_path / "b").mkdir()
    cells = made(tmp_path / "b", fixed).cells
    assert set(np.unique(cells.soil_class)) == {3, 7}, "classes are not averaged"
    assert "optimum_temperature" in cells


def two(**options) -> xr.Dataset:
    return field([1, 2], days("2001-01-01", 2), **options)


def stamped(numbers: list[float], **attrs) -> xr.Dataset:
    return field([1, 2], xr.Variable("time", numbers, {"units": "days since 2001-01-01", **attrs}))


def swapped() -> xr.Dataset:
    ds = two().rename(lat="lon", lon="lat")
    ds["lat"].attrs["units"], ds["lon"].attrs["units"] = "degrees_north", "degrees_east"
    return ds


BAD = {
    "no variable known": lambda: two(name="precipitatoin"),
    "cannot be turned into 'mm d-1'": lambda: two(units="glorps"),
    "measure different things": lambda: two(units="degC"),
    "Latitude and longitude look swapped": swapped,
    "more than one turn": lambda: two(lon=LON * 3),
    "neither rise nor fall": lambda: two(lat=np.r_[LAT[:20][::-1], LAT[20:]]),
    "days long": lambda: field([1, 2], np.array(["2001-01-01", "2002-01-01"], "datetime64[ns]")),
    "nothing says how long it lasts": lambda: field([1], days("2001-01-01", 1)),
    "no latitudes and longitudes": lambda: two().rename(lat="a", lon="b").drop_vars(["a", "b"]),
    "a dimension 'level'": lambda: two().expand_dims(level=3),
    "is not known": lambda: stamped([0.0, 1.0], calendar="maya"),
    "holds missing values": lambda: stamped([0.0, np.nan]),
}


@pytest.mark.parametrize("sentence", BAD)
def test_what_is_wrong_is_said_in_one_sentence_and_nothing_is_left(tmp_path, sentence):
    path = tmp_path / "in.nc"
    BAD[sentence]().to_netcdf(path)
    with pytest.raises(DataError, match=sentence) as told:
        ingest([path], "cf", tmp_path / "out.zarr")
    assert "in.nc" in str(told.value) or "time" in str(told.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.nc"]


def test_a_grid_or_an_axis_beyond_all_products_is_refused_unread(tmp_path):
    lat = xr.Variable("lat", np.linspace(-90, 90, 10_000), {"units": "degrees_north"})
    lon = xr.Variable("lon", np.linspace(-180, 180, 10_000), {"units": "degrees_east"})
    xr.Dataset({"pr": (("lat",), np.zeros(10_000))}, {"lat": lat, "lon": lon}).to_netcdf(tmp_path / "in.nc")
    with pytest.raises(DataError, match=r"a grid of 100,000,000 cells"):
        ingest([tmp_path / "in.nc"], "cf", tmp_path / "out.zarr")


def test_near_misses_of_names_are_shown(tmp_path):
    path = tmp_path / "in.nc"
    field([1, 2], days("2001-01-01", 2), name="precipitatoin").to_netcdf(path)
    with pytest.raises(DataError, match="'precipitatoin' looks like 'precipitation'"):
        ingest([path], "cf", tmp_path / "out.zarr")
    field([1, 2], days("2001-01-01", 2)).to_netcdf(path)
    with pytest.raises(DataError, match="no 'air_temperature'; they hold precipitation"):
        ingest([path], "cf", tmp_path / "out.zarr", variables=["air_temperature"])


def test_files_that_do_not_belong_together_are_refused(tmp_path):
    daily = field([1, 2, 3], days("2001-01-01", 3))
    monthly = field([1, 2, 3], np.array(["2001-01-01", "2001-02-01", "2001-03-01"], "datetime64[ns]"))
    with pytest.raises(DataError, match=r"is daily and .* is monthly"):
        made(tmp_path, [daily, monthly])
    other = field([1, 2], days("2001-01-04", 2), lat=LAT - 0.5)
    with pytest.raises(DataError, match="lies on another grid"):
        made(tmp_path, [daily, other])
