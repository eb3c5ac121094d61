"""The reviewer finds what was done to a sound cube, names it, and says how to mend it - and is silent otherwise."""

from __future__ import annotations

import json

import numpy as np
import pytest
import xarray as xr
import zarr

from hdlcore.data import schema
from hdlcore.data.cube import cell_area, world_path
from hdlcore.data.cubes import place_coordinates, point_cells, write_cube
from hdlcore.data.review import Review, review
from hdlcore.data.review_values import longest_runs, unit_slip
from hdlcore.errors import DataError
from hdlcore.variables import variable

RNG = np.random.default_rng(5)
IDS = np.sort(np.concatenate([np.arange(12_000, 12_020), np.arange(48_000, 48_020)]))
LAT, LON = schema.ONE_DEGREE.centres(IDS)
TIME = schema.expected_time("daily", np.datetime64("2001-01-01"), np.datetime64("2003-12-31"))


def weather() -> dict[str, np.ndarray]:
    """Three years of plausible days at 40 places of both hemispheres."""
    shape = (TIME.size, IDS.size)
    day = np.arange(TIME.size)[:, None]
    season = np.cos(2 * np.pi * (day - 197) / 365.25) * np.sign(LAT)
    rain = RNG.gamma(0.6, 8.0, shape) * (RNG.random(shape) < 0.4)
    return {
        "precipitation": rain,
        "air_temperature": 12 + 10 * season + RNG.normal(0, 3, shape),
        "net_radiation": 80 + 60 * season + RNG.normal(0, 15, shape),
        "runoff_observed": 0.3 * rain.mean(0) + 0.5 * np.abs(RNG.normal(0, 1, shape)),
    }


def put(path, data: dict[str, np.ndarray], attrs=None, time=TIME, frequency="daily", area=None) -> Review:
    cells = xr.Dataset(coords=place_coordinates(IDS, LAT, LON, cell_area(LAT) if area is None else area))
    held = {
        n: (("time", "cell"), v.astype("f4"), {**variable(n).attributes(), "source": "observed", "product": "test"})
        for n, v in data.items()
    }
    group = xr.Dataset(held, {"time": time, "cell": IDS.astype("i4")})
    about = {
        "kind": "grid", "title": "Weather of forty places", "source": "observed", "attribution": "nobody",
        "provenance": [{"file": "a.nc", "sha256": "0" * 64}], "grid": schema.ONE_DEGREE.to_json(), **(attrs or {}),
    }  # fmt: skip
    write_cube(path, cells, **{frequency: group}, attrs=about)
    return review(path)


def test_a_sound_cube_is_accepted_and_described(tmp_path):
    report = put(tmp_path / "c.zarr", weather())
    assert report.ok and report.recommendation == "accept", report.text()
    assert "40 cells" in report.statement and "1,095 days from 2001-01-01 to 2003-12-31" in report.statement
    assert "precipitation (mm d-1, observed), 100.0% complete" in report.statement
    text = report.text()
    order = [
        text.index(t) for t in ("General statement", "Major remarks", "Minor remarks", "Recommendation", "Accept.")
    ]
    assert order == sorted(order)
    assert json.loads(json.dumps(report.as_dict()))["ok"] is True


def test_the_shipped_world_is_sound():
    report = review(world_path())
    assert report.ok and {f.where for f in report.minor} == {"monthly", "monthly/tws_observed"}


SLIPS = [
    ("air_temperature", lambda v: v + 273.15, "kelvin"),
    ("air_temperature", lambda v: v * 9 / 5 + 32, "degrees Fahrenheit"),
    ("precipitation", lambda v: v / 1000, "metres a day"),
    ("precipitation", lambda v: v / 86_400, "kg m-2 s-1"),
    ("precipitation", lambda v: v * 300, "mm a"),
    ("net_radiation", lambda v: v * 86_400, "J m-2 a day"),
    ("net_radiation", lambda v: v * 0.0864, "MJ m-2 a day"),
    ("runoff_observed", lambda v: v / 1000, "metres a day"),
]


@pytest.mark.parametrize(("name", "slip", "said"), SLIPS, ids=[f"{n}-{s}" for n, _, s in SLIPS])
def test_a_slip_of_units_is_guessed(tmp_path, name, slip, said):
    data = weather()
    data[name] = slip(data[name])
    report = put(tmp_path / "c.zarr", data)
    [finding] = [f for f in report.findings if f.where == f"daily/{name}" and "looks like" in f.what]
    assert f"this looks like {said}" in finding.what and finding.mend
    assert report.recommendation != "accept"


@pytest.mark.parametrize("name", sorted(weather()))
def test_a_record_of_the_usual_kind_is_not_suspected(name):
    sample = weather()[name].ravel()
    assert unit_slip(schema.base_name(name), variable(name).units, sample) == ""


def changed(name: str, change) -> dict[str, np.ndarray]:
    data = weather()
    change(data[name])
    return data


def _fill(v):
    v[10:20, 3] = -9999


def _constant(v):
    v[:, :5] = 3.0


def _stuck(v):
    v[100:180, 7] = 4.2


def _empty(v):
    v[:, 11] = np.nan


def _gap(v):
    v[50:60] = np.nan


def _impossible(v):
    v[5, 5] = -40.0


FLAWS = {
    "fill values as if they were data: -9999 (10 times)": ("precipitation", _fill, "major"),
    "5 cells never change": ("precipitation", _constant, "major"),
    "1 cells repeat one value for 30 days or more (up to 80)": ("precipitation", _stuck, "minor"),
    "1 of 40 cells has no value": ("precipitation", _empty, "minor"),
    "10 days have no value in any cell, the first is 2001-02-20": ("air_temperature", _gap, "minor"),
    "1 values lie outside what is physically possible": ("precipitation", _impossible, "major"),
}


@pytest.mark.parametrize("said", FLAWS)
def test_a_flaw_in_the_numbers_is_found(tmp_path, said):
    name, change, level = FLAWS[said]
    report = put(tmp_path / "c.zarr", changed(name, change))
    [finding] = [f for f in report.findings if said in f.what]
    assert finding.severity == level and finding.where == f"daily/{name}"
    assert said in report.text()
    assert report.ok == (level == "minor")


def test_an_empty_variable_and_summers_in_winter(tmp_path):
    data = weather()
    data["net_radiation"][:] = np.nan
    data["air_temperature"] = data["air_temperature"][:, ::-1]  # north and south exchanged
    report = put(tmp_path / "c.zarr", data)
    said = {f.where: f.what for f in report.major}
    assert said["daily/net_radiation"] == "holds no value at all"
    assert "summers are in winter in 100%" in said["daily/air_temperature"]


def test_more_runoff_than_rain_is_noticed(tmp_path):
    data = weather()
    data["runoff_observed"] = data["runoff_observed"] + 2 * data["precipitation"].mean(0)
    report = put(tmp_path / "c.zarr", data)
    assert any("more water runs off than falls in 40 of 40 places" in f.what for f in report.major)


def test_partial_years_are_said(tmp_path):
    part = slice(70, 800)
    report = put(tmp_path / "c.zarr", {n: v[part] for n, v in weather().items()}, time=TIME[part])
    [finding] = report.minor
    assert "2001 begins on 2001-03-12 and 2003 ends on 2003-03-11" in finding.what


def test_areas_must_be_those_of_the_cells(tmp_path):
    report = put(tmp_path / "c.zarr", weather(), area=cell_area(LAT) / 1e6)
    assert any("'area' of 40 cells is not that of 1 degree cells" in f.what for f in report.major)


def rewrite(path, **attrs) -> None:
    group = zarr.open_group(path, mode="r+")
    group.attrs.update(attrs)


def test_missing_provenance_and_changed_content_are_found(tmp_path):
    path = tmp_path / "c.zarr"
    put(path, weather())
    rewrite(path, provenance="")
    assert "the attribute 'provenance' is missing" in review(path).text()
    rewrite(path, provenance='[{"file": "a.nc"}]')
    assert "1 of 1 inputs have no file name or checksum" in review(path).text()
    rewrite(path, provenance="not JSON")
    assert not review(path).ok
    array = zarr.open_group(path, mode="r+", path="daily")["precipitation"]
    array[0, 0] = 77.0
    assert "the content has changed since it was written" in review(path).text()


def test_axes_that_are_spoilt_are_described_not_raised(tmp_path):
    path = tmp_path / "c.zarr"
    put(path, weather())
    group = zarr.open_group(path, mode="r+", path="daily")
    days = group["time"][:]
    days[5], days[900:] = days[4], days[900:] + 3
    group["time"][:] = days
    said = " ".join(f.what for f in review(path).major)
    assert "1 days are there twice" in said and "days are left out of the time axis" in said
    days[7] = days[2]
    group["time"][:] = days
    assert any("runs backwards" in f.what for f in review(path).major)


def test_cells_that_are_spoilt_are_described(tmp_path):
    path = tmp_path / "c.zarr"
    put(path, weather())
    root = zarr.open_group(path, mode="r+")
    root["lat"][:] = -LAT.astype("f4")
    assert any("looks turned upside down" in f.what for f in review(path).major)
    root["lat"][:], root["lon"][:] = LON.astype("f4") - 100, LAT.astype("f4")
    assert any("'lat' and 'lon' look swapped" in f.what for f in review(path).major)


def test_what_cannot_be_read_is_rejected_in_a_report(tmp_path):
    path = tmp_path / "c.zarr"
    put(path, weather())
    chunk = next(p for p in (path / "daily" / "precipitation" / "c").rglob("*") if p.is_file())
    chunk.write_bytes(b"broken")
    report = review(path)
    assert report.recommendation == "reject" and not report.ok and "cannot be read" in report.text()
    with pytest.raises(DataError, match="There is no cube"):
        review(tmp_path / "nothing.zarr")


def test_places_given_twice_and_areas_in_km2(tmp_path):
    cells = point_cells(np.array([48.5, 48.5]), np.array([9.0, 9.0]), ["a", "b"], np.array([120.0, 80.0]))
    values = weather()["precipitation"][:, :2].astype("f4")
    attrs = {**variable("precipitation").attributes(), "source": "observed"}
    daily = xr.Dataset({"precipitation": (("time", "cell"), values, attrs)}, {"time": TIME, "cell": np.arange(2)})
    about = {
        "kind": "points",
        "title": "t",
        "source": "observed",
        "attribution": "a",
        "provenance": [{"file": "a", "sha256": "b"}],
    }
    write_cube(tmp_path / "p.zarr", cells, daily, attrs=about)
    said = [f.what for f in review(tmp_path / "p.zarr").minor]
    assert "1 cells share their place with another" in said
    assert "the areas are very small; this looks like km2" in said


def test_runs_are_counted():
    block = np.array([[1, 0, np.nan], [1, 0, np.nan], [1, 0, np.nan], [2, 5, np.nan]], "f4")
    assert longest_runs(block).tolist() == [3, 1, 0]
