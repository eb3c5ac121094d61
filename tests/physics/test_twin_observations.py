"""What is observed of the twin Earth, and the cube that keeps its truth apart."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from typer.testing import CliRunner

from hdlcore.cli import app
from hdlcore.data.cube import open_world
from hdlcore.data.cubes import open_cube
from hdlcore.data.review import review
from hdlcore.data.smoothing import grace_operator
from hdlcore.data.twin import OBSERVED, OUTPUTS, TwinSpec, make_twin, observe, simulate_twin
from hdlcore.data.twin.observe import GRACE_FIRST, GRACE_GAPS, NEEDED, SENSORS, SWE_LIMIT, SWE_RELIEF
from hdlcore.data.twin.parameters import PARAMETERS
from hdlcore.data.twin.truth import open_truth, spec_of, true_parameters
from hdlcore.data.weather import FORCING, WeatherSpec
from hdlcore.errors import DataError

SPEC = TwinSpec(3, WeatherSpec(2, "interannual"))


@pytest.fixture(scope="module")
def small(small_cube: Path) -> xr.Dataset:
    return open_world(small_cube)


@pytest.fixture(scope="module")
def truth(small: xr.Dataset) -> xr.Dataset:
    names = tuple(name for name in NEEDED if name not in FORCING)
    return simulate_twin(small, small["cell"].values, "2002-01-01", "2004-12-31", SPEC, None, "monthly", outputs=names)


@pytest.fixture(scope="module")
def seen(truth: xr.Dataset, small: xr.Dataset) -> xr.Dataset:
    return observe(truth, small, SPEC)


@pytest.fixture(scope="module")
def cube(small: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("twin") / "twin.zarr"
    make_twin(path, SPEC, "2002-01-01", "2004-12-31", threads=1, world=small)
    return path


def test_every_product_is_named_and_generated(seen: xr.Dataset) -> None:
    assert tuple(seen.data_vars) == OBSERVED
    for values in seen.data_vars.values():
        assert values.attrs["source"] == "generated" and "generated" in values.attrs["long_name"]
        assert values.dtype == np.float32 and np.isfinite(values).any()


def test_observations_depend_on_the_seed_alone(truth: xr.Dataset, small: xr.Dataset, seen: xr.Dataset) -> None:
    again, other = observe(truth, small, SPEC), observe(truth, small, TwinSpec(4, SPEC.weather))
    for name in OBSERVED:
        assert np.array_equal(again[name].values, seen[name].values, equal_nan=True)
        assert not np.array_equal(other[name].values, seen[name].values, equal_nan=True)


def test_storage_is_smoothed_noisy_and_has_gaps(truth: xr.Dataset, small: xr.Dataset, seen: xr.Dataset) -> None:
    months = seen["time"].values.astype("datetime64[M]")
    missing = np.isnan(seen["tws_observed"].values).all(axis=1)
    assert np.array_equal(missing, (months < GRACE_FIRST) | np.isin(months, GRACE_GAPS))
    kept = seen["tws_observed"].values[~missing].astype(float)
    assert np.abs(kept.mean(0)).max() < 1e-3, "an anomaly from the months seen"
    operator = grace_operator(small["lat"].values, small["lon"].values, small["area"].values)
    blurred = np.asarray(operator @ truth["tws"].values[~missing].astype(float).T).T
    error = kept - (blurred - blurred.mean(0))
    assert 5.0 < error.std() < 15.0
    assert np.abs(error.mean(0)).max() < 1e-2


def test_snow_saturates_and_misses_mountains_and_polar_night(
    truth: xr.Dataset, small: xr.Dataset, seen: xr.Dataset
) -> None:
    snow = seen["swe_observed"].values
    assert np.nanmax(snow) == pytest.approx(SWE_LIMIT)
    assert truth["swe"].values.max() > SWE_LIMIT
    mountains = small["elevation_std"].values > SWE_RELIEF
    assert mountains.any() and np.isnan(snow[:, mountains]).all()
    month = seen["time"].dt.month.values
    north = small["lat"].values > 69
    assert north.any() and np.isnan(snow[np.ix_(month == 12, north)]).all()
    assert np.isfinite(snow[np.ix_(month == 6, north & ~mountains)]).all()
    never = (truth["swe"].values.max(0) == 0) & ~mountains
    assert (snow[:, never] == 0).all(), "no snow is seen as no snow"


@pytest.mark.parametrize("name", ["evapotranspiration", "runoff", "gpp"])
def test_biases_are_constant_in_time_and_of_the_stated_size(truth: xr.Dataset, seen: xr.Dataset, name: str) -> None:
    strong = truth[name].mean("time").values > 0.5
    ratio = seen[f"{name}_observed"].mean("time").values[strong] / truth[name].mean("time").values[strong]
    spread = np.log(ratio).std()
    assert 0.4 * SENSORS[name].bias < spread < 2.0 * SENSORS[name].bias + 0.02
    halves = [slice("2002", "2003-06"), slice("2003-07", "2004")]
    logs = [
        np.log(
            (seen[f"{name}_observed"].sel(time=h).mean("time") / truth[name].sel(time=h).mean("time")).values[strong]
        )
        for h in halves
    ]
    assert np.corrcoef(*logs)[0, 1] > 0.5


def test_clouds_hide_greenness_where_it_rains(truth: xr.Dataset, seen: xr.Dataset) -> None:
    gone = np.isnan(seen["ndvi_observed"].values)
    rain = truth["precipitation"].values
    assert gone[rain > 6].mean() > 3 * gone[rain < 0.5].mean()
    held = np.isfinite(seen["ndvi_observed"].values)
    assert np.abs(seen["ndvi_observed"].values - truth["ndvi"].values)[held].std() < 0.05


def test_the_cube_holds_observations_and_hides_its_truth(cube: Path, small: xr.Dataset) -> None:
    opened = open_cube(cube)
    assert opened.kind == "twin" and opened.attrs["source"] == "generated"
    assert set(opened.variables()) == {*OBSERVED, *FORCING}
    assert not {"tws_observed_msc", "time"} & set(opened.cells.variables), "the real Earth's GRACE is not the twin's"
    assert {"elevation", "land_cover_fraction", "air_temperature"} <= set(opened.cells.data_vars)
    assert np.array_equal(opened.cells["cell"].values, small["cell"].values)


def test_the_cube_passes_its_review(cube: Path) -> None:
    result = review(cube)
    assert result.ok, result.text()


def test_the_truth_of_a_cube_is_the_simulation(cube: Path, truth: xr.Dataset) -> None:
    stored = open_truth(cube)
    assert set(stored.data_vars) == set(OUTPUTS)
    for name in ("tws", "nee", "evapotranspiration"):
        assert np.array_equal(stored[name].values, truth[name].values)
    assert spec_of(cube) == SPEC
    assert {"lat", "lon", "area"} <= set(stored.coords)


def test_a_cube_without_truth_says_so(small_cube: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no truth"):
        open_truth(small_cube)
    with pytest.raises(DataError, match="no cube"):
        open_truth(tmp_path)


def test_a_cube_is_never_overwritten(cube: Path, small: xr.Dataset) -> None:
    with pytest.raises(DataError, match="there already"):
        make_twin(cube, SPEC, "2002-01-01", "2002-12-31", world=small)


def test_hidden_parameters_are_told_to_who_asks(small: xr.Dataset) -> None:
    told = true_parameters(small, small["cell"].values[:5], SPEC)
    assert set(told.data_vars) == {p.name for p in PARAMETERS}
    assert all(told[p.name].attrs["units"] == p.units for p in PARAMETERS)


def test_hdl_twin_makes_a_cube(small_cube: Path, tmp_path: Path) -> None:
    out = tmp_path / "made.zarr"
    words = ["twin", "--out", str(out), "--seed", "5", "--start", "2003-01-01", "--end", "2003-03-31"]
    result = CliRunner().invoke(app, [*words, "--data", str(small_cube), "--threads", "1"])
    assert result.exit_code == 0, result.output
    assert spec_of(out).seed == 5
    assert open_truth(out).sizes["time"] == 3
    assert not os.path.exists(f"{out}.partial")
