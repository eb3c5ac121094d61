"""The study's result: one small NetCDF file with what every network predicted for cells and years it never saw.

Dataset: ``predicted`` (model, time, cell) and ``observed`` (time, cell), monthly NDVI; ``true_memory`` (forcing, age,
cell), ages in months; ``nse`` (emulator, part, emulation_cell) and ``emulation_swing`` (emulation_cell), mm d-1; on
either kind of cell the climate zone, climate means and the land area it stands for. Scores and memory are worked out
from it by `hdlcore.analysis.retrained_memory`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.weather import FORCING
from hdlcore.errors import DataError
from hdlcore.memory_study.emulation import PARTS
from hdlcore.memory_study.recipe import StudyRecipe, study_folder
from hdlcore.runtime.code_version import code_version

F4 = NDArray[np.float32]

RESULT = "result.nc"
#: Of the file; another number is refused.
FORMAT = 1
#: NDVI is kept to this, far under the noise of its sensor (0.015).
STEP = 0.0005
_WORDS = ("model", "emulator", "part", "forcing")
_NEEDED = (
    "predicted", "observed", "true_memory", "nse", "emulation_swing", "climate_zone", "weight", "annual_precipitation",
    "annual_temperature",
)  # fmt: skip


def dataset(
    predicted: Mapping[str, F4], observed: F4, months: NDArray[np.datetime64], truth: F4, cells: xr.Dataset,
    scores: Mapping[str, F4], swing: F4, emulation_cells: xr.Dataset, recipe: StudyRecipe, cube_version: str,
) -> xr.Dataset:  # fmt: skip
    """Join series (cell, month) by model, truth (driver, age, cell), scores (cell, part) by emulator, swing (cell,)."""
    ndvi = np.stack([predicted[name].T for name in predicted])
    nse = np.stack([scores[name].T for name in scores])
    own = {
        "predicted": (("model", "time", "cell"), ndvi, "NDVI predicted for what was held out"),
        "observed": (("time", "cell"), observed.T, "NDVI of the twin Earth as its satellite sees it"),
        "true_memory": (("forcing", "age", "cell"), truth, "True contribution to NDVI by age of the weather"),
        "nse": (("emulator", "part", "emulation_cell"), nse, "NSE of emulated evapotranspiration"),
    }
    there = emulation_cells.reset_coords().rename({"cell": "emulation_cell"})
    there = there.rename({name: f"emulation_{name}" for name in there.data_vars})
    coords = {
        "model": list(predicted),
        "forcing": list(FORCING),
        "age": np.arange(truth.shape[1]),
        "emulator": list(scores),
        "part": list(PARTS),
        "time": months.astype("datetime64[ns]"),
    }
    series = {
        name: (dims, values, {"long_name": text, "units": "1", "source": "generated"})
        for name, (dims, values, text) in own.items()
    }
    told = {"long_name": "Standard deviation of daily evapotranspiration", "units": "mm d-1", "source": "generated"}
    there["emulation_swing"] = ("emulation_cell", swing, told)
    result = cells.assign(series).merge(there, join="exact").assign_coords(coords)
    result.attrs = {
        "Conventions": "CF-1.11",
        "title": "Memory that retraining finds on the twin Earth",
        "source": "generated",
        "comment": "Generated, not observed: networks trained on the twin Earth, a process model on generated weather.",
        "format": FORMAT,
        "seed": recipe.seed,
        "recipe": recipe.model_dump_json(),
        "cube_version": cube_version,
        "code_version": code_version(),
        "created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "references": "https://doi.org/10.3389/fdata.2019.00031, https://doi.org/10.1002/9781119646181.ch18",
    }
    return result


def write_result(result: xr.Dataset, path: Path) -> None:
    """Write beside, then rename; NDVI in steps of `STEP`, compressed."""
    words = {f"{name}_names": json.dumps([str(v) for v in result[name].values]) for name in _WORDS}
    stored = result.drop_vars(_WORDS)
    stored.attrs = result.attrs | words
    packed = {"dtype": "int16", "scale_factor": STEP, "_FillValue": np.int16(-32768), "zlib": True, "complevel": 9}
    encoding = dict.fromkeys(("predicted", "observed"), packed)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    stored.to_netcdf(beside, engine="netcdf4", encoding=encoding)
    os.replace(beside, path)


def result_path() -> Path:
    """The shipped result."""
    return study_folder() / RESULT


def read_result(path: Path | None = None) -> xr.Dataset:
    """Read a result into memory, the shipped one by default; `DataError` when it is missing, damaged or no result."""
    file = path or result_path()
    try:
        with xr.open_dataset(file, engine="netcdf4") as stored:
            result = stored.load()
    except FileNotFoundError:
        raise DataError(f"There is no result {file}; make it with 'hdl memory-study'.") from None
    except Exception as error:  # netCDF4 raises many kinds for a damaged file
        raise DataError(
            f"{file} cannot be read ({error}); copy it again or make it with 'hdl memory-study'."
        ) from error
    if result.attrs.get("format") != FORMAT:
        raise DataError(f"{file} is no result of this version's memory study; make it with 'hdl memory-study'.")
    missing = [name for name in _NEEDED if name not in result]
    if missing or result.attrs.get("source") != "generated":
        raise DataError(f"{file} lacks {', '.join(missing) or 'the word generated'}; make it with 'hdl memory-study'.")
    return result.assign_coords({name: json.loads(result.attrs.pop(f"{name}_names")) for name in _WORDS})
