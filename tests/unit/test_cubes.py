"""A cube gives back what was put in, by series and by map, is whole or absent, and hides the truth of a twin."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hdlcore.data import cube_writer, schema
from hdlcore.data.cube import open_world, world_path
from hdlcore.data.cubes import open_cube, place_coordinates, point_cells, write_cube
from hdlcore.errors import DataError, RequestError
from hdlcore.variables import VARIABLES, variable

IDS = np.arange(20_000, 20_040)


def cells(ids=IDS) -> xr.Dataset:
    lat, lon = schema.ONE_DEGREE.centres(ids)
    return xr.Dataset(coords=place_coordinates(ids, lat, lon, np.full(ids.size, 1e10)))


def series(
    name="precipitation", frequency="daily", first="2001-01-01", last="2001-12-31", ids=IDS, seed=0
) -> xr.Dataset:
    time = schema.expected_time(frequency, np.datetime64(first), np.datetime64(last))
    values = np.random.default_rng(seed).random((time.size, ids.size), dtype=np.float32)
    values[3] = np.nan
    attrs = {**variable(name).attributes(), "source": "generated", "product": "test"}
    return xr.Dataset({name: (("time", "cell"), values, attrs)}, {"time": time, "cell": ids.astype(np.int32)})


ATTRS = {
    "kind": "grid",
    "title": "A test",
    "source": "generated",
    "attribution": "nobody",
    "provenance": [{"file": "a.nc", "sha256": "0" * 64}],
    "grid": schema.ONE_DEGREE.to_json(),
}


def test_what_goes_in_comes_out(tmp_path):
    daily, monthly = series(), series("tws_observed", "monthly", last="2003-05-01")
    seen = []
    write_cube(tmp_path / "c.zarr", cells(), daily, monthly, attrs=ATTRS, progress=lambda f, _: seen.append(f))
    cube = open_cube(tmp_path / "c.zarr")
    np.testing.assert_array_equal(cube.daily.precipitation.values, daily.precipitation.values)
    np.testing.assert_array_equal(cube.monthly.tws_observed.values, monthly.tws_observed.values)
    np.testing.assert_array_equal(cube.daily.time.values, daily.time.values)
    assert cube.daily.precipitation.attrs == daily.precipitation.attrs
    assert cube.kind == "grid" and cube.title == "A test" and cube.provenance == ATTRS["provenance"]
    assert cube.variables() == ["precipitation", "tws_observed"]
    assert cube.daily.lat.dims == ("cell",)
    assert seen == sorted(seen) and seen[-1] == pytest.approx(1.0)


def test_series_and_maps_are_picked_by_access(tmp_path, monkeypatch):
    monkeypatch.setattr(schema, "MAPS_FROM_BYTES", 1000)
    monkeypatch.setattr(schema, "CHUNK_BYTES", 4 * 365 * 8)
    daily = series()
    write_cube(tmp_path / "c.zarr", cells(), daily, attrs=ATTRS)
    cube = open_cube(tmp_path / "c.zarr")
    assert cube.daily.precipitation.encoding["chunks"] == (365, 8), "whole series"
    assert cube.maps.precipitation.encoding["chunks"] == (73, 40), "whole maps"
    one = cube.series("precipitation", [IDS[7], IDS[2]])
    np.testing.assert_array_equal(one.values, daily.precipitation.values[:, [7, 2]])
    np.testing.assert_array_equal(cube.map("precipitation", "2001-02-03").values, daily.precipitation.values[33])
    with pytest.raises(RequestError, match="has no cell 1"):
        cube.series("precipitation", [1])
    with pytest.raises(RequestError, match="no variable 'swe'; it holds precipitation"):
        cube.series("swe", [IDS[0]])
    with pytest.raises(RequestError, match="runs from 2001-01-01 to 2001-12-31"):
        cube.map("precipitation", "2002-01-01")


def test_small_cubes_keep_one_copy(tmp_path):
    write_cube(tmp_path / "c.zarr", cells(), series(), attrs=ATTRS)
    assert not (tmp_path / "c.zarr" / "daily_maps").exists()
    cube = open_cube(tmp_path / "c.zarr")
    assert cube.maps is cube.daily


def test_larger_than_memory_goes_slab_by_slab_and_gives_the_same(tmp_path, monkeypatch):
    daily = series()
    write_cube(tmp_path / "a.zarr", cells(), daily, attrs=ATTRS)
    monkeypatch.setattr("hdlcore.data.cubes.WHOLE_BYTES", 10)
    monkeypatch.setattr(schema, "MAP_CELLS", 16)
    monkeypatch.setattr(cube_writer, "_SLAB_BYTES", 5000)
    write_cube(tmp_path / "b.zarr", cells(), daily.chunk(time=50), attrs=ATTRS)
    a, b = open_cube(tmp_path / "a.zarr"), open_cube(tmp_path / "b.zarr", chunks={})
    np.testing.assert_array_equal(a.daily.precipitation.values, b.daily.precipitation.values)
    assert b.daily.precipitation.chunks is not None, "lazy by dask"
    assert a.version == b.version, "the same bytes by either way"


def test_the_version_is_that_of_the_content(tmp_path):
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        write_cube(tmp_path / f"{name}.zarr", cells(), series(seed=seed), attrs={**ATTRS, "title": name})
    a, b, c = (open_cube(tmp_path / f"{n}.zarr").version for n in "abc")
    assert a == b != c


def test_the_truth_of_a_twin_is_not_opened(tmp_path):
    truth = series("swe", "monthly", last="2003-05-01")
    write_cube(
        tmp_path / "t.zarr", cells(), monthly=series("tws_observed", "monthly", last="2003-05-01"), truth=truth,
        attrs={**ATTRS, "kind": "twin"},
    )  # fmt: skip
    cube = open_cube(tmp_path / "t.zarr")
    assert cube.variables() == ["tws_observed"] and "swe" not in cube.cells
    kept = xr.open_zarr(tmp_path / "t.zarr", group="truth/monthly", consolidated=False)
    np.testing.assert_array_equal(kept.swe.values, truth.swe.values)


def test_points_keep_their_names_and_a_chunk_each(tmp_path):
    root = point_cells(np.array([48.5, -3.0]), np.array([9.1, -60.0]), ["Tübingen", "Manaus, Ducke"])
    daily = series(ids=np.arange(2))
    write_cube(
        tmp_path / "p.zarr", root, daily, attrs={**{k: v for k, v in ATTRS.items() if k != "grid"}, "kind": "points"}
    )
    cube = open_cube(tmp_path / "p.zarr")
    assert list(cube.cells.name.values) == ["Tübingen", "Manaus, Ducke"]
    assert cube.daily.precipitation.encoding["chunks"] == (365, 1)
    assert np.isnan(cube.cells.area.values).all()


def test_the_world_is_a_cube_like_any_other():
    world, cube = open_world(), open_cube(world_path())
    assert cube.kind == "world" and cube.version == world.attrs["version"] == "910a62455c77"
    months = cube.monthly.tws_observed
    assert months.sizes["time"] == 67, "the axis has no gap: months without a solution are missing"
    np.testing.assert_array_equal(months.sel(time=world.time).values, world.tws_observed.values)
    assert cube.provenance and all(entry["sha256"] for entry in cube.provenance)


WRONG = {
    "the attribute 'title' is missing": {"attrs": {k: v for k, v in ATTRS.items() if k != "title"}},
    "'planet' is no kind of cube": {"attrs": {**ATTRS, "kind": "planet"}},
    "'guessed' is no source": {"attrs": {**ATTRS, "source": "guessed"}},
    "the attribute 'grid' is missing": {"attrs": {k: v for k, v in ATTRS.items() if k != "grid"}},
    "not unique and rising": {"cells": lambda c: c.isel(cell=[1, 0, *range(2, 40)])},
    "disagree with their ids": {"cells": lambda c: c.assign_coords(lat=c.lat + 1)},
    "turned upside down": {"cells": lambda c: c.assign_coords(lat=-c.lat)},
    "look swapped": {"cells": lambda c: c.assign_coords(lat=c.lon * 0 + 120, lon=c.lat * 0 + 40)},
    "'area' is missing": {"cells": lambda c: c.drop_vars("area")},
    "the cells of daily are not those": {"daily": lambda d: d.assign_coords(cell=d.cell + 1)},
    "2 days are left out": {"daily": lambda d: d.isel(time=[0, 1, 4, 5])},
    "1 days are there twice": {"daily": lambda d: d.isel(time=[0, 1, 1, 2])},
    "runs backwards": {"daily": lambda d: d.isel(time=[0, 2, 1])},
    "not at 00:00": {"daily": lambda d: d.assign_coords(time=d.time + np.timedelta64(6, "h"))},
    r"no quantity is called 'precip' \(did you mean precipitation": {
        "daily": lambda d: d.rename(precipitation="precip")
    },
    "says 'm' where 'mm d-1' is needed": {
        "daily": lambda d: d.assign(precipitation=d.precipitation.assign_attrs(units="m"))
    },
    "holds float64 where float32": {"daily": lambda d: d.astype("f8")},
    r"has dimensions \('cell', 'time'\)": {"daily": lambda d: d.transpose("cell", "time")},
}


@pytest.mark.parametrize("sentence", WRONG)
def test_what_is_not_a_cube_is_refused_and_nothing_is_written(tmp_path, sentence):
    change = WRONG[sentence]
    root = change.get("cells", lambda c: c)(cells())
    daily = series()
    daily = change["daily"](daily) if "daily" in change else daily.assign_coords(cell=root["cell"].values)
    with pytest.raises(DataError, match=sentence):
        write_cube(tmp_path / "c.zarr", root, daily, attrs=change.get("attrs", ATTRS))
    assert not list(tmp_path.iterdir())


def test_an_existing_cube_is_not_overwritten_and_a_failed_one_leaves_nothing(tmp_path):
    write_cube(tmp_path / "c.zarr", cells(), series(), attrs=ATTRS)
    with pytest.raises(DataError, match="is there already"):
        write_cube(tmp_path / "c.zarr", cells(), series(), attrs=ATTRS)

    def fail(*_) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_cube(tmp_path / "d.zarr", cells(), series(), attrs=ATTRS, progress=fail)
    assert [p.name for p in tmp_path.iterdir()] == ["c.zarr"]


def test_what_is_no_cube_is_said_so(tmp_path):
    with pytest.raises(DataError, match="There is no cube at"):
        open_cube(tmp_path / "nothing.zarr")
    xr.Dataset({"a": ("x", [1.0])}).to_zarr(tmp_path / "other.zarr", zarr_format=3, consolidated=False)
    with pytest.raises(DataError, match="a Zarr store but not a cube"):
        open_cube(tmp_path / "other.zarr")
    write_cube(tmp_path / "c.zarr", cells(), series(), attrs=ATTRS)
    (tmp_path / "c.zarr" / "daily" / "zarr.json").write_text("{")
    with pytest.raises(DataError, match="cannot be read"):
        open_cube(tmp_path / "c.zarr")


def test_a_cube_of_another_schema_is_refused(tmp_path):
    write_cube(tmp_path / "c.zarr", cells(), series(), attrs=ATTRS)
    about = tmp_path / "c.zarr" / "zarr.json"
    raw = json.loads(about.read_text())
    raw["attributes"]["hdl_cube"] = 99
    about.write_text(json.dumps(raw))
    with pytest.raises(DataError, match="is of schema 99; this version reads schema 1"):
        open_cube(tmp_path / "c.zarr")


def test_physical_ranges_are_wider_than_what_is_drawn():
    """A colour range is no test of truth: the range that validates must hold it, and be of a known quantity."""
    for name, (low, high) in schema.PHYSICAL.items():
        assert low < high
        entry = VARIABLES.get(name) or VARIABLES.get(f"{name}_observed")
        if entry is not None:
            assert low <= entry.low + 1e-9 or entry.low < 0, name
            assert high >= entry.high - 1e-9, name


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"rows": 0, "columns": 1, "north": 1, "west": 1, "step": 1}'])
def test_a_grid_that_cannot_be_read_is_a_value_error(text):
    with pytest.raises(ValueError, match="grid"):
        schema.GridSpec.from_json(text)


def test_the_full_path_of_the_home_folder_is_understood(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    write_cube("~/c.zarr", cells(), series(), attrs=ATTRS)
    assert Path(tmp_path / "c.zarr").is_dir() and open_cube("~/c.zarr").title == "A test"
