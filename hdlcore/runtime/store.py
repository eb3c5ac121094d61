"""Results on disk: CF NetCDF or Zarr, written beside and then renamed, so that a file is whole or absent."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import netCDF4
import xarray as xr

from hdlcore.data.cube_writer import SPARE_BYTES
from hdlcore.errors import RequestError


def check_target(path: Path) -> None:
    """Refuse, before any work, a file name that cannot be written; raises `RequestError`."""
    if path.suffix not in (".nc", ".zarr"):
        raise RequestError(f"{path} is neither a .nc nor a .zarr file; name the output so.")
    _check_folder(path)


def _check_folder(path: Path) -> None:
    folder = path.resolve().parent
    if not folder.is_dir():
        raise RequestError(f"The folder {folder} does not exist; make it first.")
    if not os.access(folder, os.W_OK):
        raise RequestError(f"The folder {folder} cannot be written to; choose another.")


def refuse_full_disk(path: Path, needed: float, n_cells: int) -> None:
    """Raise `RequestError` when `needed` bytes cannot fit on the disk of `path` even if they compress to half."""
    folder = next(place for place in path.resolve().parents if place.is_dir())
    free = max(shutil.disk_usage(folder).free - SPARE_BYTES, 0)
    if needed / 2 <= free:
        return
    fits = int(n_cells * 2 * free / needed)
    raise RequestError(
        f"{path} would take up to {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; choose another disk, "
        f"a shorter period, monthly values{f' or at most {fits:,} cells' if 0 < fits < n_cells else ''}."
    )


def write_dataset(dataset: xr.Dataset, path: Path) -> None:
    """Write to NetCDF 4 (compressed) or Zarr v3 by the ending of `path`; an existing file is replaced at the end."""
    check_target(path)
    refuse_full_disk(path, dataset.nbytes, dataset.sizes.get("cell", 1))
    beside = path.with_name(f".{path.name}.part")
    try:
        if path.suffix == ".nc":
            encoding = {str(n): {"zlib": True, "complevel": 4} for n, v in dataset.data_vars.items() if v.ndim}
            # not to_netcdf, which looks for a cluster to lock with, and loads dask.distributed to do so
            with netCDF4.Dataset(beside, "w") as file:
                dataset.dump_to_store(xr.backends.NetCDF4DataStore(file), encoding=encoding)
        else:
            dataset.to_zarr(beside, mode="w", zarr_format=3, consolidated=False)
        if path.is_dir():
            shutil.rmtree(path)
        os.replace(beside, path)
    except (OSError, RuntimeError) as error:  # the NetCDF library has its own words for a full disk
        raise RequestError(f"{path} could not be written ({error}); {_mend(path)}, nothing was kept.") from error
    finally:
        if beside.is_dir():
            shutil.rmtree(beside, ignore_errors=True)
        else:
            beside.unlink(missing_ok=True)


def write_text(text: str, path: Path) -> None:
    """Write a small text beside `path`, then rename; raises `RequestError` where it cannot be written."""
    _check_folder(path)
    beside = path.with_name(f".{path.name}.part")
    try:
        beside.write_text(text, encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise RequestError(f"{path} could not be written ({error}); {_mend(path)}, nothing was kept.") from error
    finally:
        beside.unlink(missing_ok=True)


def _mend(path: Path) -> str:
    if shutil.disk_usage(path.resolve().parent).free < SPARE_BYTES:
        return f"the disk that holds {path.resolve().parent} is full, make room on it"
    return "check room and rights"
