"""Cubes on disk: opened lazily, read by series or by map, written beside and renamed. The schema is in `schema`."""

from __future__ import annotations

import datetime as dt
import json
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data import schema
from hdlcore.data.cube_writer import CubeWriter, free_room, writing
from hdlcore.errors import DataError, RequestError
from hdlcore.progress import CancelToken, Progress, check

#: A group of at most this size is taken into memory to be written; a larger one goes slab by slab.
WHOLE_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Cube:
    """An open cube. `daily` and `monthly` are lazy Datasets (time, cell) or None; `cells` is the root, in memory.

    `daily` is laid out for series. `maps` is the copy laid out for maps, or `daily` itself where the cube is too small
    to keep two; the numbers are the same. `series` and `map` pick the right one.
    """

    path: Path
    attrs: Mapping[str, Any]
    cells: xr.Dataset
    daily: xr.Dataset | None
    maps: xr.Dataset | None
    monthly: xr.Dataset | None

    @property
    def kind(self) -> str:
        """One of `schema.CUBE_KINDS`."""
        return str(self.attrs["kind"])

    @property
    def title(self) -> str:
        """What the cube is, in a few words."""
        return str(self.attrs["title"])

    @property
    def version(self) -> str:
        """Hash of the content."""
        return str(self.attrs["version"])

    @property
    def provenance(self) -> list[dict[str, Any]]:
        """One entry per input file: file, sha256, product, reader, conversions."""
        try:
            entries = json.loads(str(self.attrs.get("provenance", "[]")))
        except ValueError:
            return []
        return entries if isinstance(entries, list) else []

    def variables(self) -> list[str]:
        """Names of all (time, cell) variables, daily first."""
        groups = [group for group in (self.daily, self.monthly) if group is not None]
        return list(dict.fromkeys(str(name) for group in groups for name in group.data_vars))

    def series(self, name: str, cells: Iterable[int]) -> xr.DataArray:
        """Series (time, cell) of cell ids in memory, daily where there is a choice.

        Raises `RequestError` for an unknown variable or cell.
        """
        group = self._group(name, self.daily)
        wanted = np.atleast_1d(np.asarray(list(cells) if not np.isscalar(cells) else [cells]))
        known = self.cells["cell"].values
        at = np.searchsorted(known, wanted).clip(max=known.size - 1)
        if np.any(known[at] != wanted):
            raise RequestError(f"{self.title} has no cell {wanted[known[at] != wanted][0]}; it has {known.size} cells.")
        return group[name].isel(cell=at).load()

    def map(self, name: str, when: str | np.datetime64) -> xr.DataArray:
        """Values (cell) at one day or month, in memory. Raises `RequestError` for a date outside the cube."""
        group = self._group(name, self.maps)
        time = group["time"].values
        unit = "D" if group is self.maps else "M"
        at = np.flatnonzero(time.astype(f"datetime64[{unit}]") == np.datetime64(when).astype(f"datetime64[{unit}]"))
        if at.size == 0:
            raise RequestError(f"{self.title} runs from {str(time[0])[:10]} to {str(time[-1])[:10]}, without {when}.")
        return group[name].isel(time=int(at[0])).load()

    def refuse_lost(self, group: str, names: Iterable[str]) -> None:
        """Raise `DataError` where a series was removed from the disk after the cube was opened.

        Zarr would read what is gone as missing values, which is not what was measured.
        """
        for name in names:
            if not (self.path / group / name / "zarr.json").is_file():
                raise DataError(f"'{name}' is gone from {self.path} since it was opened; put it back, or restart.")

    def _group(self, name: str, daily: xr.Dataset | None) -> xr.Dataset:
        for group in (daily, self.monthly):
            if group is not None and name in group.data_vars:
                return group
        held = ", ".join(self.variables()) or "no series"
        raise RequestError(f"{self.title} has no variable '{name}'; it holds {held}.")


def open_cube(path: str | Path, chunks: Any = None) -> Cube:
    """Open a cube: cells in memory, series lazy.

    Parameters
    ----------
    path : folder of the Zarr store.
    chunks : None for lazy arrays without dask; {} or "auto" for dask arrays, for work that exceeds the memory.

    Raises
    ------
    DataError
        When there is no cube, it is of another schema, damaged, or its axes are not those of the schema.
    """
    folder = Path(path).expanduser().resolve()
    if not (folder / "zarr.json").is_file():
        raise DataError(f"There is no cube at {folder}; give the folder of a Zarr store made by 'hdl ingest'.")
    try:
        root = xr.open_zarr(folder, consolidated=False, chunks=None, decode_timedelta=False).load()
        groups = {name: _open_group(folder, name, chunks) for name in ("daily", "daily" + schema.MAPS, "monthly")}
    except Exception as error:  # zarr and numcodecs raise many kinds for a damaged store
        raise DataError(f"The cube {folder} cannot be read ({error}); make it again from its sources.") from error
    if root.attrs.get("hdl_cube") != schema.SCHEMA_VERSION:
        held = root.attrs.get("hdl_cube")
        what = f"of schema {held}" if held is not None else "a Zarr store but not a cube"
        raise DataError(f"{folder} is {what}; this version reads schema {schema.SCHEMA_VERSION}, made by 'hdl ingest'.")
    problems = schema.cell_problems(root, root.attrs)
    for name, group in groups.items():
        if group is not None:
            problems += schema.group_problems(group, name.removesuffix(schema.MAPS), root["cell"].values)
    if problems:
        raise DataError(f"The cube {folder} is malformed: {'; '.join(problems[:3])}. 'hdl review' says more.")
    root = _with_names(root)
    daily, maps, monthly = (None if g is None else _on_cells(g, root) for g in groups.values())
    return Cube(folder, dict(root.attrs), root, daily, daily if maps is None else maps, monthly)


def _open_group(folder: Path, name: str, chunks: Any) -> xr.Dataset | None:
    if not (folder / name / "zarr.json").is_file():
        return None
    return xr.open_zarr(folder, group=name, consolidated=False, chunks=chunks)


def _with_names(root: xr.Dataset) -> xr.Dataset:
    """Names of points come back from the attribute that keeps them: Zarr v3 has no settled type for words."""
    words = root.attrs.pop("cell_names", None)
    if words is None:
        return root
    names = [str(name) for name in json.loads(words)]
    return root.assign_coords(name=("cell", np.asarray(names, dtype=str), {"long_name": "Name of the place"}))


def _on_cells(group: xr.Dataset, root: xr.Dataset) -> xr.Dataset:
    places = {name: root[name] for name in ("lat", "lon", "area", "name") if name in root.coords or name in root}
    return group.assign_coords({str(n): ("cell", v.values, v.attrs) for n, v in places.items()})


def write_cube(
    path: str | Path, cells: xr.Dataset, daily: xr.Dataset | None = None, monthly: xr.Dataset | None = None,
    truth: xr.Dataset | None = None, attrs: Mapping[str, Any] | None = None,
    progress: Progress | None = None, cancel: CancelToken | None = None,
) -> None:  # fmt: skip
    """Write a cube beside `path` and rename it there, so that it is whole or absent.

    Parameters
    ----------
    cells : coordinates cell (int, rising), lat, lon, area, for points also name; statics and climatologies.
    daily, monthly, truth : (time, cell), float32, in the names and units of `hdlcore.variables`; may be dask-backed
        and larger than memory. `truth` is monthly and goes where `open_cube` never looks.
    attrs : kind, title, source, attribution, provenance (list or JSON), for grids `grid` (`GridSpec` JSON), more.

    Raises
    ------
    DataError
        When `path` exists, the disk is full, or the data are not what the schema asks for.
    """
    target = Path(path).expanduser().resolve()
    refuse_existing(target)
    groups = {"daily": daily, "monthly": monthly, "truth/monthly": truth}
    given = {name: group for name, group in groups.items() if group is not None}
    about = complete_attributes(attrs or {})
    problems = attribute_problems(about) + schema.cell_problems(cells, about)
    for name, group in given.items():
        problems += schema.group_problems(group, name.split("/")[-1], cells["cell"].values)
    if problems:
        raise DataError(f"{target.name} would be malformed and was not written: {'; '.join(problems[:4])}.")
    beside = target.with_name(target.name + ".partial")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        with writing(target):
            writer = CubeWriter(beside, per_cell=about["kind"] == "points")
            writer.write_root(cells, about)
            for index, (name, group) in enumerate(given.items()):
                _write_group(writer, name, group, _share(progress, index, len(given)), cancel)
            writer.seal()
            beside.rename(target)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _share(progress: Progress | None, index: int, of: int) -> Progress | None:
    return None if progress is None else lambda f, text: progress((index + f) / of, text)


def _write_group(
    writer: CubeWriter, name: str, data: xr.Dataset, progress: Progress | None, cancel: CancelToken | None
) -> None:
    n_time, n_cell = data.sizes["time"], data.sizes["cell"]
    variables = {str(n): {**a.attrs} for n, a in data.data_vars.items()}
    small = n_time * n_cell * 4 <= WHOLE_BYTES
    writer.add(name, data["time"].values, data["cell"].values, variables, by_maps=not small)
    step = n_time if small else schema.map_chunks(n_time, n_cell)[0]
    slabs = range(0, n_time, step)
    for done, start in enumerate(slabs):
        check(cancel)
        free_room(writer.folder)
        # All variables of a slab at once: a lazy source that makes them together is asked once.
        block = data.isel(time=slice(start, start + step)).compute(scheduler="threads", num_workers=2)
        for variable in variables:
            writer.put(name, variable, start, 0, block[variable].values)
        if progress:
            progress((done + 1) / len(slabs) * (1.0 if small else 0.6), f"writing {name}")
    writer.arrange(name, None if progress is None else lambda f: progress(0.6 + 0.4 * f, f"arranging {name}"), cancel)


def complete_attributes(attrs: Mapping[str, Any]) -> dict[str, Any]:
    """Root attributes with the constants of the schema, JSON where lists are given, and a first line of history."""
    about = {"Conventions": schema.CONVENTIONS, "hdl_cube": schema.SCHEMA_VERSION, **attrs}
    for name in ("provenance", "grid"):
        if name in about and not isinstance(about[name], str):
            about[name] = json.dumps(about[name], ensure_ascii=False, default=str)
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    about.setdefault("history", f"{now} written as a cube")
    return about


def attribute_problems(attrs: Mapping[str, Any]) -> list[str]:
    """What the root attributes of a cube lack."""
    problems = [f"the attribute '{n}' is missing" for n in schema.REQUIRED_ATTRIBUTES if not attrs.get(n)]
    if attrs.get("kind") and attrs["kind"] not in schema.CUBE_KINDS:
        problems.append(f"'{attrs['kind']}' is no kind of cube, which are {', '.join(schema.CUBE_KINDS)}")
    if attrs.get("source") and attrs["source"] not in schema.ORIGINS:
        problems.append(f"'{attrs['source']}' is no source, which are {', '.join(schema.ORIGINS)}")
    return problems


def refuse_existing(target: Path) -> None:
    """Raise `DataError` where a cube cannot be put: the path is taken, or its folder missing."""
    if target.exists():
        raise DataError(f"{target} is there already; remove it or choose another name.")
    if not target.parent.is_dir():
        raise DataError(f"The folder {target.parent} does not exist; make it first.")


def point_cells(lat: NDArray, lon: NDArray, names: list[str], area: NDArray | None = None) -> xr.Dataset:
    """Root of a cube of points: ids 0 to n - 1, places in degrees, area in m2 (NaN if unknown), names."""
    n = len(names)
    values = np.full(n, np.nan, np.float32) if area is None else np.asarray(area, np.float32)
    return xr.Dataset(coords=place_coordinates(np.arange(n), lat, lon, values) | {"name": ("cell", np.asarray(names))})


def place_coordinates(ids: NDArray, lat: NDArray, lon: NDArray, area: NDArray) -> dict[str, Any]:
    """The coordinates that every cube has, with their CF attributes."""
    return {
        "cell": ("cell", np.asarray(ids, np.int32), {"long_name": "Cell id"}),
        "lat": ("cell", np.asarray(lat, np.float32), {"units": "degrees_north", "standard_name": "latitude"}),
        "lon": ("cell", np.asarray(lon, np.float32), {"units": "degrees_east", "standard_name": "longitude"}),
        "area": ("cell", np.asarray(area, np.float32), {"units": "m2", "standard_name": "cell_area"}),
    }
