"""What is exported can be read again and says what it is."""

from __future__ import annotations

import io
import zlib

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dashboard import export, map_picture
from dashboard.pages.view import View
from dashboard.state import State, apply

COLUMNS = ["time", "lat", "lon", "place", "variable", "units", "value"]


@pytest.fixture
def view() -> View:
    state = State()
    apply(state, {"variable": "precipitation", "departure": False, "climate_zones": (1,), "focus": "filter"})
    return View(state)


def _open(stream: io.BytesIO, tmp_path) -> xr.Dataset:
    path = tmp_path / "view.nc"
    path.write_bytes(stream.getvalue())
    return xr.load_dataset(path)


def test_the_map_as_csv_is_tidy_and_complete(view) -> None:
    table = pd.read_csv(export.map_csv(view))
    assert list(table.columns) == COLUMNS
    assert len(table) == view.selection.mask.sum()
    np.testing.assert_allclose(table["value"], view.layer.values[view.selection.mask], rtol=1e-5)
    assert set(table["units"]) == {"mm d-1"}
    assert set(table["time"]) == {"month 05"}


def test_the_curves_as_csv_say_that_they_are_area_weighted(view) -> None:
    table = pd.read_csv(export.series_csv(view))
    assert list(table.columns) == COLUMNS
    rain = table[table["variable"] == "precipitation"]
    np.testing.assert_allclose(rain["value"], view.season()["precipitation"].values, rtol=1e-6)
    assert table["place"].str.contains("area-weighted").all()


def test_netcdf_reopens_with_cf_attributes(view, tmp_path) -> None:
    data = _open(export.map_netcdf(view), tmp_path)
    np.testing.assert_allclose(data["precipitation"].values, view.layer.values[view.selection.mask])
    assert data["precipitation"].attrs["units"] == "mm d-1"
    assert data["precipitation"].attrs["standard_name"] == "lwe_precipitation_rate"
    assert data["lat"].attrs["units"] == "degrees_north"
    assert data.attrs["Conventions"].startswith("CF-")
    assert data.attrs["data_version"] == view.world.attrs["version"]
    assert "zone=tropical" in data.attrs["history"]


def test_the_curves_reopen_with_units(view, tmp_path) -> None:
    data = _open(export.series_netcdf(view), tmp_path)
    assert data["precipitation"].attrs["cell_methods"] == "area: mean"
    assert all("units" in data[name].attrs for name in data.data_vars)
    assert data.sizes == {"month": 12}


def test_the_picture_has_the_width_asked_for(view) -> None:
    png = map_picture.map_png(view, 1200).getvalue()
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(png[16:20], "big") == 1200
    assert zlib.crc32(png) != zlib.crc32(map_picture.map_png(View(State()), 1200).getvalue())


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"climate_zones": (1,), "focus": "filter"},
        {"region": "Brazil", "focus": "filter"},
        {"region": "Brazil", "latitude": (-10.0, 0.0), "values": (1.0, 9.0), "focus": "filter"},
        {"polygon": ((0.0, 40.0), (20.0, 40.0), (10.0, 50.0)), "focus": "filter", "departure": True},
        {"variable": "elevation"},
        {"variable": "tws_observed"},
    ],
)
def test_the_snippet_makes_the_number_on_the_screen(values, capsys) -> None:
    state = State()
    apply(state, {"variable": "precipitation", "departure": False, **values})
    view = View(state)
    exec(compile(export.snippet(view), "snippet", "exec"), {})
    shown = view.layer.values[view.selection.of].astype(float)
    wanted = np.average(shown, weights=view.world["area"].values[view.selection.of])
    assert float(capsys.readouterr().out) == pytest.approx(wanted, rel=1e-4, abs=1e-4)


def test_provenance_says_what_is_observed_and_what_generated(view) -> None:
    text = export.provenance_html(view)
    for word in ("Observed", "Reanalysis", "Generated", "Baseline", "Attribution", view.world.attrs["version"]):
        assert word in text
