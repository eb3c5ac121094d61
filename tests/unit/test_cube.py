"""The shipped world cube holds what its schema promises, and cells are found or refused with a clear sentence."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr

from hdlcore.data import cube
from hdlcore.errors import DataError, RequestError


@pytest.fixture(scope="module")
def world() -> xr.Dataset:
    return cube.open_world()


def at(world: xr.Dataset, name: str, lat: float, lon: float) -> np.ndarray:
    position = cube.positions(world, [cube.find_cell(world, lat, lon)])[0]
    return world[name].values[..., position]


def test_the_shipped_cube_has_no_problems(world):
    assert cube.validate(world) == []
    assert 14_000 < world.sizes["cell"] < 15_500


def test_it_is_opened_once_and_cannot_be_written_to(world):
    assert cube.open_world() is world
    with pytest.raises(ValueError, match="read-only"):
        world["precipitation"].values[0, 0] = 1.0


def test_cell_ids_are_stable_unique_and_invertible(world):
    ids = world["cell"].values
    assert np.unique(ids).size == ids.size
    assert np.array_equal(cube.positions(world, ids), np.arange(ids.size))
    shuffled = np.random.default_rng(1).permutation(ids)
    assert np.array_equal(ids[cube.positions(world, shuffled)], shuffled)
    lat, lon = cube.cell_centre(ids)
    found = [cube.find_cell(world, lat[i], lon[i]) for i in range(0, ids.size, 37)]
    assert np.array_equal(found, ids[::37])
    assert cube.find_cell(world, 48.52, 9.06) == 41 * 360 + 189  # Tuebingen: the id is a promise to links and files


def test_land_area_is_that_of_the_ice_free_earth(world):
    land = float((world["area"].astype("f8") * world["land_fraction"]).sum()) / 1e12
    assert land == pytest.approx(
        131, rel=0.05
    )  # 149 million km2, less Antarctica 14, Greenland's ice 1.7, glaciers and lakes
    assert cube.cell_area(89.5 - np.arange(180)).sum() * 360 == pytest.approx(4 * np.pi * cube.EARTH_RADIUS**2)


def test_every_layer_lies_the_right_way_round(world):
    yearly = 365.25 * at(world, "precipitation", -3.5, -60.5).mean()
    assert yearly > 2000, "the Amazon is wet"
    assert 365.25 * at(world, "precipitation", 23.5, 10.5).mean() < 60, "the Sahara is dry"
    assert at(world, "elevation", 28.5, 86.5) > 4500, "the Himalaya is high"
    july, january = at(world, "air_temperature", 62.5, 129.5)[[6, 0]]
    assert july > 10 > -30 > january, "Yakutia has hot summers and the coldest winters"
    assert at(world, "air_temperature", -30.5, 145.5)[0] > at(world, "air_temperature", -30.5, 145.5)[6] + 10, (
        "southern summer"
    )
    assert at(world, "koeppen", -3.5, -60.5) == 1
    assert at(world, "land_cover", -3.5, -60.5) == 2
    assert at(world, "ndvi_max", -3.5, -60.5) > 0.7 > 0.2 > at(world, "ndvi_max", 23.5, 10.5)
    assert at(world, "tws_observed_msc", -3.5, -60.5).argmax() in (3, 4, 5), "Amazon storage peaks after the rains"
    assert at(world, "tws_observed_msc", 24.5, 85.5).argmax() in (7, 8, 9), "the Ganges stores the monsoon"


def test_global_means_are_those_of_the_land(world):
    weight = (world["area"].astype("f8") * world["land_fraction"]).values
    weight /= weight.sum()
    assert 365.25 * (world["precipitation"].mean("month").values * weight).sum() == pytest.approx(850, rel=0.1)  # mm
    assert (world["air_temperature"].mean("month").values * weight).sum() == pytest.approx(
        14, abs=2
    )  # degC without ice


def test_ice_sheets_and_antarctica_are_left_out(world):
    assert world["lat"].values.min() > -60
    assert not (world["land_cover"].values == 15).any()
    with pytest.raises(
        RequestError, match=r"72\.5 N, 40 W is in the sea, a lake or on an ice sheet.*nearest land cell.*km"
    ):
        cube.find_cell(world, 72.5, -40)
    with pytest.raises(RequestError, match="Antarctica"):
        cube.find_cell(world, -80, 20)


def test_shares_and_cycles_close(world):
    np.testing.assert_allclose(world["land_cover_fraction"].sum("igbp"), 1, atol=2e-3)
    water = world["land_cover_fraction"].sel(igbp=17)
    np.testing.assert_allclose(world["land_fraction"], 1 - water, atol=2e-3)
    assert abs(world["tws_observed_msc"].values.mean(axis=0)).max() < 0.1  # mm
    rows = world["cell"].values // 360, world["cell"].values % 360
    np.testing.assert_array_equal(world["block"], rows[0] // 10 * 36 + rows[1] // 10)


def test_climate_zone_is_the_letter_of_its_class(world):
    koeppen = json.loads(world["koeppen"].attrs["flag_names"])
    letters = np.array([name[0] for name in koeppen])[world["koeppen"].values - 1]
    np.testing.assert_array_equal(world["climate_zone"], ["ABCDE".index(letter) + 1 for letter in letters])


def test_longitude_may_be_given_either_way_and_wraps_at_the_date_line(world):
    assert cube.find_cell(world, -3.5, 299.5) == cube.find_cell(world, -3.5, -60.5)
    east, west = cube.find_cell(world, 67.5, 179.9), cube.find_cell(world, 67.5, -179.9)
    assert (east % 360, west % 360) == (359, 0)
    assert cube.find_cell(world, 67.5, 180) == cube.find_cell(world, 67.5, -180) == west
    assert cube.distance_km(67.5, 179.5, [67.5], [-179.5])[0] == pytest.approx(42.6, abs=0.5)


def test_a_place_in_the_sea_is_refused_with_the_nearest_land(world):
    with pytest.raises(RequestError, match=r"12\.5 N, 30\.5 W is in the sea.*12\.5 N, 16\.5 W \(1520 km away\)"):
        cube.find_cell(world, 12.5, -30.5)
    with pytest.raises(
        RequestError, match=r"nearest land cell is .* E"
    ):  # across the date line from the far east of Russia
        cube.find_cell(world, 60.5, -179.5)


@pytest.mark.parametrize(
    ("lat", "lon", "says"),
    [
        (91, 0, "Latitude 91"),
        (-90.5, 0, "Latitude"),
        (0, 361, "Longitude 361"),
        (0, -181, "Longitude"),
        (np.nan, 0, "not a place"),
        (0, np.inf, "not a place"),
    ],
)
def test_impossible_places_are_refused(world, lat, lon, says):
    with pytest.raises(RequestError, match=says):
        cube.find_cell(world, lat, lon)


def test_the_poles_are_places(world):
    for lat in (90, -90):
        with pytest.raises(RequestError, match="nearest land cell"):
            cube.find_cell(world, lat, 0)


def test_unknown_ids_are_refused_by_name(world):
    with pytest.raises(RequestError, match=r"Not among the .* land cells: 0, 99999999"):
        cube.positions(world, [int(world["cell"].values[0]), 0, 99_999_999])
    with pytest.raises(RequestError, match="whole numbers"):
        cube.positions(world, [0.5])
    assert cube.positions(world, []).size == 0


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda d: d.drop_vars("precipitation"), "'precipitation' is missing"),
        (lambda d: d.isel(month=slice(0, 6)), "'month' has 6 entries where 12"),
        (
            lambda d: d.assign(precipitation=d.precipitation.assign_attrs(units="mm")),
            "'precipitation' is in 'mm' where 'mm d-1'",
        ),
        (lambda d: d.assign(precipitation=-d.precipitation), "'precipitation' spans"),
        (lambda d: d.assign(air_temperature=d.air_temperature + 273.15), "'air_temperature' spans"),
        (lambda d: d.assign(elevation=d.elevation.where(d.lat > 0)), "'elevation' misses"),
        (lambda d: d.assign_coords(cell=d.cell.values[::-1]), "unique and rising"),
        (lambda d: d.assign_coords(cell=d.cell.values + 360), "disagree"),
        (lambda d: d.assign(region=d.region.assign_attrs(flag_names="[")), "'region' lacks a readable"),
        (lambda d: d.assign(tws_observed=d.tws_observed.transpose()), "'tws_observed' has dimensions"),
    ],
)
def test_validate_names_what_is_wrong(world, damage, says):
    assert any(says in problem for problem in cube.validate(damage(world))), cube.validate(damage(world))


def test_a_missing_or_broken_store_is_a_data_error(tmp_path, world):
    with pytest.raises(DataError, match="no world cube at"):
        cube.open_world(tmp_path / "nothing.zarr")
    small = world.isel(cell=slice(0, 50)).drop_vars("koeppen")
    small.to_zarr(tmp_path / "small.zarr", zarr_format=3, consolidated=False)
    with pytest.raises(DataError, match="malformed: 'koeppen' is missing"):
        cube.open_world(tmp_path / "small.zarr")
    (tmp_path / "small.zarr" / "elevation" / "zarr.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        cube.open_world(tmp_path / "small.zarr")


def test_a_cube_survives_a_round_trip(tmp_path, world):
    part = world.isel(cell=slice(None, None, 100))
    part.to_zarr(tmp_path / "part.zarr", zarr_format=3, consolidated=False)
    again = cube.open_world(tmp_path / "part.zarr")
    xr.testing.assert_identical(again.drop_encoding(), part.drop_encoding())
