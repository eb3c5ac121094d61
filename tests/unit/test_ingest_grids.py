"""Files in each product's own published layout become cubes whose numbers were worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hdlcore.data.cubes import Cube, open_cube
from hdlcore.data.ingest import ingest
from hdlcore.errors import DataError

TUEBINGEN = 41 * 360 + 189  # 48.5 N, 9.5 E
CHUKOTKA = 23 * 360 + 0  # 66.5 N, 179.5 W, beside the date line
#: ERA5 as it comes, but coarse: poles are rows of their own, longitudes run from 0.
LAT, LON = np.arange(90.0, -91, -5), np.arange(0.0, 360, 5)
#: The 5 degree cell that holds Tuebingen whole is centred at 50 N, 10 E.
ROW, COLUMN = 8, 2


def made(tmp_path: Path, files: list[Path], kind: str, **options) -> Cube:
    report = ingest(files, kind, tmp_path / "out.zarr", **options)
    assert not (tmp_path / "out.zarr.partial").exists()
    assert report.path == (tmp_path / "out.zarr").resolve()
    return open_cube(tmp_path / "out.zarr")


def grid(
    names: dict[str, np.ndarray], time, units: dict[str, str], lat=LAT, lon=LON, time_name="time", y="latitude",
    x="longitude",
) -> xr.Dataset:  # fmt: skip
    ds = xr.Dataset(
        {n: ((time_name, y, x), v.astype("f4"), {"units": units[n]}) for n, v in names.items()},
        {time_name: time, y: (y, lat, {"units": "degrees_north"}), x: (x, lon, {"units": "degrees_east"})},
    )
    return ds


def packed(ds: xr.Dataset, path: Path) -> Path:
    """Write as the Climate Data Store did for years: 16-bit integers with a scale and an offset."""
    encoding = {}
    for name, array in ds.data_vars.items():
        low, high = float(array.min()), float(array.max())
        scale = max((high - low) / 60_000, 1e-12)
        encoding[name] = {"dtype": "i2", "scale_factor": scale, "add_offset": (high + low) / 2, "_FillValue": -32767}
    ds.to_netcdf(path, encoding=encoding)
    return path


def plain(ds: xr.Dataset, path: Path, **encoding) -> Path:
    ds.to_netcdf(path, encoding=encoding)
    return path


def spread(values: np.ndarray, lat=LAT, lon=LON) -> np.ndarray:
    """One value per time step, everywhere the same."""
    return np.broadcast_to(values[:, None, None], (values.size, len(lat), len(lon))).copy()


def test_era5_hourly_amounts_belong_to_the_hour_before_their_stamp(tmp_path):
    time = np.arange("2001-01-01T00", "2001-01-03T01", dtype="datetime64[h]").astype("datetime64[ns]")
    hour = np.arange(49.0)
    ds = grid(
        {
            "tp": spread(hour * 1e-4),
            "t2m": spread(273.15 + hour),
            "ssr": spread(np.full(49, 720_000.0)),
            "str": spread(np.full(49, -360_000.0)),
            "pev": spread(np.full(49, -1e-4)),
        },
        time,
        {"tp": "m", "t2m": "K", "ssr": "J m**-2", "str": "J m**-2", "pev": "m"},
    )
    cube = made(tmp_path, [packed(ds, tmp_path / "era5.nc")], "era5")
    daily = cube.daily.sel(cell=TUEBINGEN).load()
    # 00:00 of 1 January closes the last hour of December: one hour is not a day, and the day is left out.
    assert [str(t)[:10] for t in daily.time.values] == ["2001-01-01", "2001-01-02"]
    np.testing.assert_allclose(daily.precipitation.values[0], sum(range(1, 25)) * 0.1, rtol=1e-3)
    np.testing.assert_allclose(daily.precipitation.values[1], sum(range(25, 49)) * 0.1, rtol=1e-3)
    np.testing.assert_allclose(daily.air_temperature.values, [11.5, 35.5], atol=0.01)
    np.testing.assert_allclose(daily.net_radiation.values, 100.0, rtol=1e-3)
    np.testing.assert_allclose(daily.potential_evapotranspiration.values, 2.4, rtol=1e-3)
    assert cube.daily.precipitation.attrs["source"] == "reanalysis"
    lines = " ".join(cube.provenance[0]["conversions"])
    assert "x 24000" in lines and "sign turned" in lines and cube.provenance[0]["sha256"]


def test_era5_cells_lie_where_they_are_on_earth(tmp_path):
    time = np.array(["2001-01-01", "2001-01-02"], "datetime64[ns]")
    place = LAT[:, None] + LON[None, :] / 1000
    ds = grid({"t2m": 273.15 + np.stack([place, place])}, time, {"t2m": "K"}, time_name="valid_time")
    cube = made(tmp_path, [plain(ds, tmp_path / "a.nc")], "era5")
    at = cube.series("air_temperature", [TUEBINGEN, CHUKOTKA]).values[0]
    assert at[0] == pytest.approx(LAT[ROW] + LON[COLUMN] / 1000, abs=1e-3)
    # 66.5 N, 179.5 W: the columns 180 and 175 E meet at 177.5 W, so all of the cell is in the one at 180.
    assert at[1] == pytest.approx(65 + 180 / 1000, abs=1e-3)


def test_era5_months_give_amounts_a_day_and_expver_is_folded(tmp_path):
    time = np.array(["2001-01-01", "2001-02-01", "2001-03-01"], "datetime64[ns]")
    final = spread(np.array([0.001, 0.002, np.nan]))
    early = spread(np.array([np.nan, 0.5, 0.003]))
    ds = xr.Dataset(
        {"tp": (("time", "expver", "latitude", "longitude"), np.stack([final, early], 1), {"units": "m"})},
        {"time": time, "expver": [1, 5], "latitude": LAT, "longitude": LON},
    )
    cube = made(tmp_path, [plain(ds, tmp_path / "m.nc")], "era5")
    np.testing.assert_allclose(cube.series("precipitation", [TUEBINGEN]).values[:, 0], [1, 2, 3], rtol=1e-5)
    assert cube.monthly is not None and cube.daily is None


def test_era5_land_amounts_run_up_through_the_day(tmp_path):
    time = np.arange("2001-01-01T00", "2001-01-02T02", dtype="datetime64[h]").astype("datetime64[ns]")
    running = np.array([0.004] + [h * 1e-3 for h in range(1, 25)] + [0.001])  # 24 mm on 1 January
    ds = grid({"tp": spread(running)}, time, {"tp": "m"})
    cube = made(tmp_path, [plain(ds, tmp_path / "l.nc")], "era5-land")
    rain = cube.series("precipitation", [TUEBINGEN])
    assert float(rain.sel(time="2001-01-01").values[0]) == pytest.approx(24.0)
    assert float(rain.sel(time="2000-12-31").values[0]) == pytest.approx(4.0)


def test_radiation_without_its_other_half_is_not_net_radiation(tmp_path):
    time = np.array(["2001-01-01", "2001-01-02"], "datetime64[ns]")
    ds = grid({"ssr": spread(np.array([1e6, 1e6]))}, time, {"ssr": "J m**-2"})
    with pytest.raises(DataError, match="no variable known to 'era5': it holds 'ssr'"):
        ingest([plain(ds, tmp_path / "a.nc")], "era5", tmp_path / "o.zarr")


def grace_file(path: Path, days: list[float], bounds: list[tuple[float, float]], values: np.ndarray, **more) -> Path:
    """GRCTellus.JPL...MSCNv04CRI.nc, coarser: attributes, names and fill as published."""
    lat, lon = np.arange(-88.5, 90, 3.0), np.arange(1.5, 360, 3.0)
    data = np.broadcast_to(values[:, None, None], (len(days), lat.size, lon.size)).copy()
    ds = xr.Dataset(
        {
            "lwe_thickness": (
                ("time", "lat", "lon"),
                data,
                {"units": "cm", "standard_name": "Liquid_Water_Equivalent_Thickness", "grid_mapping": "WGS84"},
            ),
            "uncertainty": (("time", "lat", "lon"), data, {"units": "cm"}),
            "time_bounds": (("time", "bounds"), np.array(bounds)),
            **{n: (("lat", "lon"), v) for n, v in more.items()},
        },
        {
            "time": (
                "time",
                np.array(days),
                {"units": "days since 2002-01-01T00:00:00Z", "calendar": "gregorian", "bounds": "time_bounds"},
            ),
            "lat": ("lat", lat, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", lon, {"units": "degrees_east", "standard_name": "longitude"}),
        },
    )
    ds.to_netcdf(path, encoding={"lwe_thickness": {"_FillValue": -99999.0}})
    return path


def _since_2002(date: str) -> float:
    return float((np.datetime64(date) - np.datetime64("2002-01-01")).astype(int))


def test_grace_solutions_go_to_their_months_scaled_and_masked(tmp_path):
    # As it was: no solution for 2011-11, and two whose middles fall into 2011-10 and its very end; 2002-06 is missing.
    spans = [("2002-04-05", "2002-05-01"), ("2002-05-02", "2002-05-17"), ("2002-07-05", "2002-08-05"),
             ("2002-08-01", "2002-09-01"), ("2002-08-21", "2002-09-10"), ("2017-06-01", "2017-07-01"),
             ("2018-06-01", "2018-07-01")]  # fmt: skip
    bounds = [(_since_2002(a), _since_2002(b)) for a, b in spans]
    days = [(a + b) / 2 for a, b in bounds]
    factor = np.full((60, 120), 2.0)
    land = np.ones((60, 120))
    land[:, 60:] = 0  # the western half of the world is called sea
    path = grace_file(tmp_path / "g.nc", days, bounds, np.arange(1.0, 8), scale_factor=factor, land_mask=land)
    cube = made(tmp_path, [path], "grace")
    tws = cube.series("tws_observed", [TUEBINGEN])[:, 0]
    month = lambda when: float(tws.sel(time=when).values)  # noqa: E731
    assert month("2002-04-01") == pytest.approx(1 * 10 * 2), "cm to mm, times the scale factor"
    assert month("2002-05-01") == pytest.approx(40.0)
    assert np.isnan(month("2002-06-01"))
    assert month("2002-07-01") == pytest.approx(60.0)
    # The fourth has its middle in August, the fifth at the end of it: it moves to the empty September.
    assert month("2002-08-01") == pytest.approx(80.0)
    assert month("2002-09-01") == pytest.approx(100.0)
    assert np.isnan(tws.sel(time=slice("2017-07-01", "2018-05-01")).values).all(), "between the missions"
    assert cube.monthly.sizes["time"] == 16 * 12 + 3 - 0, "April 2002 to June 2018, no month left out"
    amazon = 93 * 360 + 119  # 3.5 S, 60.5 W
    assert np.isnan(cube.series("tws_observed", [amazon]).values).all()
    assert "scale factor" in cube.provenance[0]["conversions"][0]


def test_csr_mascons_write_units_with_a_capital(tmp_path):
    path = grace_file(tmp_path / "g.nc", [105.0, 135.5], [(90, 120), (120, 151)], np.array([1.0, 2.0]))
    with xr.open_dataset(path, decode_times=False) as ds:
        csr = ds.load()
    for name in ("time", "lwe_thickness"):
        csr[name].attrs["Units"] = csr[name].attrs.pop("units")
    csr.to_netcdf(tmp_path / "csr.nc")
    cube = made(tmp_path, [tmp_path / "csr.nc"], "grace")
    assert cube.series("tws_observed", [TUEBINGEN]).values[:, 0] == pytest.approx([10, 20])


def ease_grid() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x, y in metres and latitudes of the northern EASE-Grid, every fourth of its 25 km cells' width."""
    x = (np.arange(181) - 90) * 4 * 25_067.525
    reach = np.hypot(*np.meshgrid(x, x)) / (2 * 6_371_228)
    return x, -x, 90 - np.rad2deg(2 * np.arcsin(np.clip(reach, 0, 1)))


@pytest.mark.parametrize("with_latitudes", [True, False])
def test_globsnow_flags_are_missing_and_the_date_is_in_the_name(tmp_path, with_latitudes):
    x, y, lat = ease_grid()
    lon = np.rad2deg(np.arctan2(*np.meshgrid(x, -y)))
    swe = np.full(lat.shape, 80.0, "f4")
    swe[lat < 60] = -1.0  # mountains
    swe[lat < 50] = -2.0  # water
    files = []
    for day, factor in (("20010115", 1), ("20010117", 2)):
        ds = xr.Dataset({"swe": (("y", "x"), np.where(swe > 0, swe * factor, swe), {"units": "mm"})}, {"x": x, "y": y})
        if with_latitudes:
            ds = ds.assign_coords(lat=(("y", "x"), lat), lon=(("y", "x"), lon))
        files.append(plain(ds, tmp_path / f"GlobSnow_SWE_L3A_{day}_v3.0.nc"))
    cube = made(tmp_path, files, "globsnow")
    assert [str(t)[:10] for t in cube.daily.time.values] == ["2001-01-15", "2001-01-16", "2001-01-17"]
    yakutsk = (90 - 63) * 360 + 180 + 129
    snow = cube.series("swe_observed", [yakutsk]).values[:, 0]
    assert snow[0] == pytest.approx(80) and np.isnan(snow[1]) and snow[2] == pytest.approx(160)
    south = cube.cells["lat"].values < 58
    assert np.isnan(cube.daily.swe_observed.values[:, south]).all()


def half_degree(value: float, name: str, units: str, y="lat", x="lon", n=12, **attrs) -> xr.Dataset:
    lat, lon = np.arange(88.0, -90, -4), np.arange(-178.0, 180, 4)
    data = np.full((n, lat.size, lon.size), value, "f4")
    data[:, :, :5] = -9999.0
    time = np.array([f"2001-{m:02d}-15" for m in range(1, n + 1)], "datetime64[ns]")
    coords = {"time": time, y: (y, lat, {"units": "degrees_north"}), x: (x, lon, {"units": "degrees_east"})}
    return xr.Dataset({name: (("time", y, x), data, {"units": units, **attrs})}, coords)


def test_fluxcom_energy_becomes_water_and_its_fill_is_missing(tmp_path):
    latent = half_degree(4.9, "LE", "MJ m-2 d-1")
    carbon = half_degree(3.0, "GPP", "gC m-2 d-1")
    files = [plain(latent, tmp_path / "LE.RS.nc"), plain(carbon, tmp_path / "GPP.RS.nc")]
    cube = made(tmp_path, files, "fluxcom")
    assert cube.series("evapotranspiration_observed", [TUEBINGEN]).values[:, 0] == pytest.approx(np.full(12, 2.0))
    assert cube.series("gpp_observed", [TUEBINGEN]).values[0, 0] == pytest.approx(3.0)
    assert np.isnan(cube.series("gpp_observed", [CHUKOTKA]).values).all(), "-9999 is not declared and yet missing"
    assert cube.monthly["gpp_observed"].attrs["source"] == "derived"
    assert str(cube.monthly.time.values[0])[:10] == "2001-01-01", "stamped in mid-month"


def test_grun_has_coordinates_named_x_and_y(tmp_path):
    cube = made(tmp_path, [plain(half_degree(1.5, "Runoff", "mm/day", "Y", "X"), tmp_path / "GRUN.nc")], "grun")
    assert cube.series("runoff_observed", [TUEBINGEN]).values[:, 0] == pytest.approx(np.full(12, 1.5))


def test_gpcp_counts_longitudes_from_zero_and_latitudes_from_the_south(tmp_path):
    lat, lon = np.arange(-89.5, 90), np.arange(0.5, 360)
    time = np.arange("2001-12-30", "2002-01-03", dtype="datetime64[D]").astype("datetime64[ns]")
    data = (np.arange(4)[:, None, None] + lat[:, None] / 100 + lon / 10_000).astype("f4") + 1
    ds = xr.Dataset(
        {"precip": (("time", "latitude", "longitude"), data, {"units": "mm/day"})},
        {"time": time, "latitude": lat, "longitude": lon},
    )
    cube = made(tmp_path, [plain(ds, tmp_path / "gpcp_1dd.nc")], "gpcp")
    assert cube.series("precipitation", [TUEBINGEN]).values[:, 0] == pytest.approx(
        np.arange(4) + 1.485 + 0.00095, abs=1e-4
    )
    assert cube.series("precipitation", [CHUKOTKA]).values[0, 0] == pytest.approx(1.665 + 0.01805, abs=1e-4)


def test_ceres_net_radiation_is_the_sum_of_its_parts(tmp_path):
    short = half_degree(150.0, "sfc_net_sw_all_mon", "W m-2")
    short["sfc_net_lw_all_mon"] = short["sfc_net_sw_all_mon"] * 0 - 50.0
    cube = made(tmp_path, [plain(short, tmp_path / "CERES_EBAF.nc")], "ceres")
    assert cube.series("net_radiation", [TUEBINGEN]).values[:, 0] == pytest.approx(np.full(12, 100.0))
