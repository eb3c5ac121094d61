"""The command line as a user meets it: files that open elsewhere, and mistakes that end in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
import xarray as xr

Hdl = Callable[..., CompletedProcess[str]]

REQUIRED = (
    "precipitation", "air_temperature", "evapotranspiration", "runoff", "swe", "soil_moisture", "groundwater", "tws",
)  # fmt: skip


@pytest.fixture(scope="module")
def small(small_model: Path, small_cube: Path) -> list[str]:
    """Options that point at the small model and cube."""
    return ["--models", str(small_model), "--data", str(small_cube)]


@pytest.fixture(scope="module")
def place(small_cube: Path) -> str:
    """LAT,LON of a cell of the small cube."""
    cube = xr.open_zarr(small_cube, consolidated=False)
    return f"{float(cube['lat'][30])},{float(cube['lon'][30])}"


def assert_refused(result: CompletedProcess[str], said: str) -> None:
    """Exit code 1, one sentence that says `said`, no traceback."""
    assert result.returncode == 1, result.stderr
    assert said in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr + result.stdout


def test_simulate_writes_daily_cf_netcdf(hdl: Hdl, small: list[str], place: str, tmp_path: Path) -> None:
    path = tmp_path / "cell.nc"
    period = ("--start", "2004-01-01", "--end", "2004-12-31")
    result = hdl("simulate", "small", f"--cell={place}", "--out", str(path), *period, *small)
    assert result.returncode == 0, result.stderr
    with xr.open_dataset(path) as written:
        assert written.sizes == {"time": 366, "cell": 1}
        for name in REQUIRED:
            assert written[name].dims == ("time", "cell") and written[name].attrs["units"]
            assert np.isfinite(written[name]).all()
        assert written.attrs["Conventions"].startswith("CF")
        assert "generated" in written.attrs["source"]
    assert list(tmp_path.iterdir()) == [path]


def test_explain_writes_what_it_prints(hdl: Hdl, small: list[str], place: str, tmp_path: Path) -> None:
    path = tmp_path / "why.nc"
    result = hdl("explain", "small", f"--cell={place}", "--out", str(path), "--lags", "30", "--target", "swe", *small)
    assert result.returncode == 0, result.stderr
    with xr.open_dataset(path) as written:
        assert written["attribution"].sizes == {"time": 365, "lag": 30, "forcing": 3}
    assert "mean memory time" in result.stdout


def test_evaluate_prints_the_agreed_json_and_writes_a_page(hdl: Hdl, small: list[str], tmp_path: Path) -> None:
    nowhere = hdl("evaluate", "small", "--report", str(tmp_path / "no" / "x.html"), *small)
    assert_refused(nowhere, "does not exist; make it first")
    result = hdl("evaluate", "small", "--json", "--jobs", "1", "--report", str(tmp_path / "x.html"), *small)
    assert result.returncode == 0, result.stderr
    page = (tmp_path / "x.html").read_text()
    assert (
        "A small model" in page
        and "Kraft et al. 2022" in page
        and "<svg" in page
        and "http://" not in page.replace("http://www.w3.org", "")
    )
    printed = json.loads(result.stdout)
    assert set(printed) == {
        "model",
        "data",
        "split",
        "n_cells",
        "scores",
        "zones",
        "mass_balance",
        "uncertainty",
        "partition",
    }
    shares = [printed["partition"][name]["median"] for name in ("soil", "surface", "groundwater")]
    known = [values for values in zip(*shares, strict=True) if None not in values]
    assert known and all(0.7 < sum(values) < 1.3 for values in known)  # medians of parts that add up to one
    assert set(printed["uncertainty"]["tws"]) >= {"coverage_50", "coverage_90", "crps"}
    for part in ("raw", "msc", "iav"):
        assert {"nse_median", "r_median", "rmse_median"} <= set(printed["scores"]["tws"][part])
    assert printed["mass_balance"]["max_abs_residual_mm_per_year"] < 0.05


def test_models_lists_own_and_shipped(hdl: Hdl, small: list[str]) -> None:
    result = hdl("models", "--json", *small)
    listed = json.loads(result.stdout)
    assert listed[0]["id"] == "small"


def test_a_mistake_ends_its_process_with_one_sentence(hdl_process: Hdl, tmp_path: Path) -> None:
    done = hdl_process("simulate", "nothing", "--cell=0,0", "--out", tmp_path / "x.nc")
    assert_refused(done, "No model or data set is called 'nothing'")
    assert len(done.stderr.strip().splitlines()) == 1 and not done.stdout and not list(tmp_path.iterdir())


def test_mistakes_end_in_one_sentence(hdl: Hdl, small: list[str], place: str, tmp_path: Path) -> None:
    out = ("--out", str(tmp_path / "x.nc"))
    assert_refused(hdl("simulate", "small", "--cell=0,-30", *out, *small), "in the sea")
    assert_refused(hdl("simulate", "small", "--cell=somewhere", *out, *small), "LAT,LON")
    assert_refused(hdl("simulate", "small", *out, *small), "exactly one of --cell")
    assert_refused(hdl("simulate", "small", "--region", "Atlantis", *out, *small), "Atlantis")
    assert_refused(hdl("simulate", "small", f"--cell={place}", "--start", "2004-13-01", *out, *small), "not a date")
    assert_refused(hdl("simulate", "small", f"--cell={place}", "--out", "x.txt", *small), ".zarr")
    assert_refused(hdl("simulate", "small", f"--cell={place}", "--out", "/nowhere/x.nc", *small), "does not exist")
    cell = ("simulate", "global-grace", f"--cell={place}", *out, "--data")
    assert_refused(hdl(*cell, str(tmp_path)), "There is no cube")
    assert_refused(hdl(*cell, str(tmp_path / "nowhere")), "nothing at")
    assert_refused(hdl("train", "nothing", "--out", str(tmp_path / "m")), "No recipe 'nothing'")
    assert not list(tmp_path.iterdir())


def test_train_makes_a_model_folder_that_serves(hdl: Hdl, small_cube: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(
        'id = "tiny"\ntitle = "Tiny"\nhidden = 4\nmembers = 2\nfolds = 2\nlattice = 1\nbatches = 1\npasses = 1\n'
        'head_steps = 10\nyears = [2001, 2003]\n[targets.tws]\nterms = ["seasonal"]\ndepartures = true\nfloor = 15\n'
    )
    folder, data = tmp_path / "tiny", ("--data", str(small_cube))
    result = hdl("train", str(recipe), "--out", str(folder), "--jobs", "1", "--no-memory", *data)
    assert result.returncode == 0, result.stderr
    assert "median NSE of tws" in result.stdout
    listed = json.loads(hdl("models", "--json", "--models", str(folder), *data).stdout)
    assert listed[0]["id"] == "tiny" and listed[0]["scores"]["tws"]["msc"]["nse_median"] is not None


def test_doctor_finds_this_installation_well(hdl: Hdl) -> None:
    result = hdl("doctor")
    assert result.returncode == 0, result.stdout
    assert "weights match their hashes" in result.stdout


def test_a_start_loads_no_pint_and_an_ingest_after_it_still_can() -> None:
    """In a process of its own, as what is loaded once stays."""
    code = """
import sys
from hdlcore.cli_options import without_pint
without_pint()
from hdlcore.data.cube import open_world
open_world()
assert "pint" not in sys.modules
import pint
assert pint.UnitRegistry()("1 inch").to("mm").magnitude == 25.4
"""
    subprocess.run([sys.executable, "-c", code], check=True)
