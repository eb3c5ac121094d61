"""The fields at 0.25 degree: the world cube in finer cells, packed within half a step, read a month at a time."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hdlcore.data.cube import open_world
from hdlcore.data.fine import FineFields, fine_path, open_fine
from hdlcore.data.regions import category_names
from hdlcore.data.schema import QUARTER_DEGREE
from hdlcore.errors import DataError, RequestError

#: Half of the steps that values are packed in, in the units of each.
ROUNDING = {"air_temperature": 0.05, "precipitation": 0.01, "elevation": 0.5, "ndvi_max": 0.001, "ndvi_min": 0.001}


@pytest.fixture(scope="module")
def fine() -> FineFields:
    return open_fine()


def tiles(values: np.ndarray) -> np.ndarray:
    """The 16 fine values in each 1 degree cell, (row * 360 + column, 16)."""
    return values.reshape(180, 4, 360, 4).transpose(0, 2, 1, 3).reshape(180 * 360, 16)


@pytest.mark.parametrize("name", ROUNDING)
def test_the_mean_of_the_fine_cells_is_the_cell_of_the_world(fine: FineFields, name: str) -> None:
    world = open_world()
    sixteen = tiles(fine.values(name, 7))[world["cell"].values]
    whole = np.isfinite(sixteen).all(1)
    coarse = world[name].values[6] if "month" in world[name].dims else world[name].values
    error = np.abs(sixteen.mean(1) - coarse)[whole & np.isfinite(coarse)]
    assert whole.mean() > 0.7
    if name.startswith("ndvi"):  # means leave missing pixels out, so where some are missing the two need not agree
        assert np.quantile(error, 0.9) <= 2 * ROUNDING[name]
        return
    cube = {"air_temperature": 0.004, "precipitation": 2**-11 * np.abs(coarse).max(), "elevation": 0.25}[name]
    assert error.max() <= 1.001 * (ROUNDING[name] + cube)


@pytest.mark.parametrize("name", ["land_cover", "koeppen"])
def test_classes_are_those_of_the_world(fine: FineFields, name: str) -> None:
    world = open_world()
    sixteen, coarse = tiles(fine.values(name))[world["cell"].values], world[name].values
    uniform = (sixteen == sixteen[:, :1]).all(1)
    assert uniform.mean() > 0.15
    assert (sixteen[uniform, 0] == coarse[uniform]).mean() > 0.99
    codes, names = np.atleast_1d(fine.attributes(name)["flag_values"]), json.loads(fine.attributes(name)["flag_names"])
    assert names == category_names(world, name)[: len(names)] and len(codes) == len(names)
    found = fine.values(name)
    assert set(np.unique(found[np.isfinite(found)])) <= set(codes.tolist())


def test_units_are_what_the_numbers_say(fine: FineFields) -> None:
    """The file they come from says K and m: Manaus is not at 26 K, and 300 mm a month are 10 mm a day."""
    units = [fine.attributes(name)["units"] for name in ("air_temperature", "precipitation")]
    assert units == ["degC", "mm d-1"]
    row, column = int((90 + 3.1) / 0.25), int((180 - 60.0) / 0.25)
    assert 24 < fine.values("air_temperature", 3)[row, column] < 30
    assert 8 < fine.values("precipitation", 3)[row, column] < 14
    assert fine.attributes("precipitation")["source"] == "reanalysis"


def test_january_and_july_are_where_they_belong(fine: FineFields) -> None:
    north, south = slice(100, 200), slice(560, 620)
    january, july = fine.values("air_temperature", 1), fine.values("air_temperature", 7)
    assert july[north].mean() > january[north].mean() + 10
    assert july[south].mean() < january[south].mean()


def test_departures_of_a_year_add_to_nothing(fine: FineFields) -> None:
    total = sum(fine.values("precipitation", month, departure=True)[300:340] for month in range(1, 13))
    assert np.abs(total).max() < 1e-3


def test_the_store_is_small_packed_and_chunked_by_month() -> None:
    held = sum(path.stat().st_size for path in fine_path().rglob("*") if path.is_file())
    assert held < 12e6
    with xr.open_zarr(fine_path(), consolidated=False, chunks=None, mask_and_scale=False) as stored:
        for name in ROUNDING:
            assert stored[name].dtype == np.int16, name
            assert stored[name].encoding["chunks"][-2:] == (720, 1440), name
            assert stored[name].attrs["scale_factor"] == pytest.approx(2 * ROUNDING[name]), name
        assert stored["precipitation"].encoding["chunks"][0] == 1


@settings(max_examples=20, deadline=None)
@given(arrays(np.float64, (3, 4), elements=st.floats(-3000, 3000) | st.just(np.nan)))
def test_what_is_packed_comes_back_within_half_a_step(tmp_path_factory: pytest.TempPathFactory, values) -> None:
    path = tmp_path_factory.mktemp("pack") / "x.zarr"
    packed = {"dtype": "int16", "scale_factor": 0.1, "_FillValue": np.int16(-32768)}
    xr.Dataset({"x": (("lat", "lon"), values)}).to_zarr(path, zarr_format=3, consolidated=False, encoding={"x": packed})
    with xr.open_zarr(path, consolidated=False, chunks=None) as stored:
        back = stored["x"].values
    assert np.array_equal(np.isnan(back), np.isnan(values))
    assert np.nanmax(np.abs(back - values), initial=0) <= 0.05 + 1e-3


def test_opening_reads_no_values(tmp_path: Path) -> None:
    """The values may even be gone: they are read when they are asked for, a month alone."""
    copy = tmp_path / "fine.zarr"
    shutil.copytree(fine_path(), copy)
    for chunk in (copy / "precipitation" / "c").iterdir():
        if chunk.name != "4":
            shutil.rmtree(chunk)
    fields = FineFields(copy)
    assert fields.grid == QUARTER_DEGREE
    np.testing.assert_array_equal(fields.values("precipitation", 5), open_fine().values("precipitation", 5))
    assert np.isnan(fields.values("precipitation", 6)).all()


def test_refusals_are_sentences(fine: FineFields, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match="no fine field 'snow'; there are"):
        fine.values("snow")
    with pytest.raises(RequestError, match="no month 13"):
        fine.values("precipitation", 13)
    with pytest.raises(DataError, match="make assets"):
        FineFields(tmp_path / "nothing.zarr")
    with pytest.raises(ValueError, match="read-only"):
        fine.values("elevation")[0, 0] = 1
