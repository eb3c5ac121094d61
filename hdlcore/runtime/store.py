"""Results on disk: CF NetCDF or Zarr, written beside and then renamed, so that a file is whole or absent."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import xarray as xr

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


def write_dataset(dataset: xr.Dataset, path: Path) -> None:
    """Write to NetCDF 4 (compressed) or Zarr v3 by the ending of `path`; an existing file is replaced at the end."""
    check_target(path)
    beside = path.with_name(f".{path.name}.part")
    try:
        if path.suffix == ".nc":
            encoding = {str(n): {"zlib": True, "complevel": 4} for n, v in dataset.data_vars.items() if v.ndim}
            dataset.to_netcdf(beside, engine="netcdf4", encoding=encoding)
        else:
            dataset.to_zarr(beside, mode="w", zarr_format=3, consolidated=False)
        if path.is_dir():
            shutil.rmtree(path)
        os.replace(beside, path)
    except (OSError, RuntimeError) as error:
        raise RequestError(
            f"{path} could not be written ({error}); check room and rights, nothing was kept."
        ) from error
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
        raise RequestError(
            f"{path} could not be written ({error}); check room and rights, nothing was kept."
        ) from error
    finally:
        beside.unlink(missing_ok=True)
