"""The whole memory study on a small twin Earth: run, taken up again, written, read, refused; and what ships."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hdlcore.data.twin import TwinSpec, make_twin
from hdlcore.data.weather import WeatherSpec
from hdlcore.errors import DataError
from hdlcore.memory_study.result import read_result

RECIPE = """
seed = 3
[vegetation]
cells = 15
folds = 2
encoder = 4
hidden = 4
passes = 1
batch = 8
learning_rate = 1e-2
first_year = 2001
years = [[2002, 2002], [2003, 2003]]
[emulation]
cells = 10
folds = 2
encoder = 4
hidden = 4
passes = 1
batch = 8
learning_rate = 1e-2
train_years = [2001, 2001]
test_years = [2003, 2003]
window = 60
warm_up = 20
floor = 0.2
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def cube(world: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A twin of a few cells of all zones."""
    path = tmp_path_factory.mktemp("twin") / "twin.zarr"
    few = world.isel(cell=np.linspace(40, world.sizes["cell"] - 40, 20).astype(int))
    make_twin(path, TwinSpec(3, WeatherSpec(3, "interannual")), "2001-01-01", "2003-12-31", threads=1, world=few)
    return path


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "study.toml"
    path.write_text(RECIPE)
    return path


def test_a_study_runs_is_taken_up_again_and_read(hdl: Run, cube: Path, recipe: Path, tmp_path: Path) -> None:
    arguments = ["memory-study", "--recipe", recipe, "--data", cube, "--jobs", "1", "--out"]
    first = hdl(*arguments, tmp_path / "first.nc")
    assert first.returncode == 0, first.stderr
    assert "M_6 precipitation" in first.stdout and "LSTM_noSM: median NSE" in first.stdout
    result = read_result(tmp_path / "first.nc")
    assert result.attrs["source"] == "generated"
    assert {result[name].attrs["source"] for name in ("predicted", "observed", "nse")} == {"generated"}
    assert np.isfinite(result["predicted"]).all()  # every cell and month is held out once
    assert result["predicted"].sizes == {"model": 14, "time": 24, "cell": 15}
    assert np.isfinite(result["nse"]).mean() > 0.9  # a cell without evaporation has no NSE

    # killed after some trainings, and taken up again: the same bits
    shutil.copytree(tmp_path / "first.training", tmp_path / "second.training")
    for pattern in ("vegetation/3-*", "emulation/1-*"):
        for done in (tmp_path / "second.training").glob(pattern):
            done.unlink()
    assert hdl(*arguments, tmp_path / "second.nc", "--resume").returncode == 0
    again = read_result(tmp_path / "second.nc")
    for name in ("predicted", "nse"):
        assert np.array_equal(again[name], result[name], equal_nan=True)

    # another recipe does not go on with these
    other = tmp_path / "other.toml"
    other.write_text(RECIPE.replace("hidden = 4", "hidden = 5", 1))
    refused = hdl("memory-study", "--recipe", other, "--data", cube, "--out", tmp_path / "second.nc", "--resume")
    assert refused.returncode == 1
    assert "another recipe" in refused.stderr and "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("[[2002, 2002], [2003, 2003]]", "[[2002, 2003], [2004, 2005]]"), "spans 2001-01"),
        (lambda text: text.replace("cells = 15", "cells = 50"), "fewer than the 50"),
        (lambda text: text.replace("folds = 2", "fold = 2", 1), "vegetation.fold"),
    ],
)
def test_what_cannot_be_is_said_in_a_sentence(
    hdl: Run, cube: Path, recipe: Path, tmp_path: Path, change: Callable[[str], str], said: str
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(change(RECIPE))
    done = hdl("memory-study", "--recipe", path, "--data", cube, "--jobs", "1", "--out", tmp_path / "out.nc")
    assert done.returncode == 1
    assert said in done.stderr.replace("\n", " ") and "Traceback" not in done.stderr


def test_a_cube_that_is_no_twin_is_refused(hdl: Run, recipe: Path, small_cube: Path, tmp_path: Path) -> None:
    done = hdl("memory-study", "--recipe", recipe, "--data", small_cube, "--jobs", "1", "--out", tmp_path / "out.nc")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert hdl("memory-study", "--recipe", recipe, "--out", tmp_path / "out.txt").returncode == 1


def test_a_damaged_or_missing_result_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="There is no result"):
        read_result(tmp_path / "none.nc")
    (tmp_path / "bad.nc").write_bytes(b"CDF\x01 not really")
    with pytest.raises(DataError, match="cannot be read"):
        read_result(tmp_path / "bad.nc")
    xr.Dataset(attrs={"format": 99}).to_netcdf(tmp_path / "other.nc", engine="netcdf4")
    with pytest.raises(DataError, match="no result of this version"):
        read_result(tmp_path / "other.nc")
