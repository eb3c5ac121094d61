"""The truth of a twin cube. Training and models never import this: a test of the import law keeps it so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike

from hdlcore.data.cube import positions
from hdlcore.data.cubes import open_cube
from hdlcore.data.twin.parameters import PARAMETERS, cell_parameters
from hdlcore.data.twin.simulate import TwinSpec, twin_attributes
from hdlcore.data.weather import WeatherSpec
from hdlcore.errors import DataError

GROUP = "truth/monthly"


def open_truth(path: str | Path) -> xr.Dataset:
    """Open the true stores and fluxes of a twin cube, lazy (time, cell), with lat, lon and area on the cells.

    Raises `DataError` when there is no cube, or it is no twin and so has no truth.
    """
    cube = open_cube(path)
    if not (cube.path / GROUP / "zarr.json").is_file():
        raise DataError(f"{cube.path} holds no truth: only a twin cube made by 'hdl twin' does.")
    try:
        truth = xr.open_zarr(cube.path, group=GROUP, consolidated=False, chunks=None)
    except Exception as error:  # zarr and numcodecs raise many kinds for a damaged store
        raise DataError(f"The truth in {cube.path} cannot be read ({error}); make it again with 'hdl twin'.") from error
    truth = truth.assign_coords({name: ("cell", cube.cells[name].values) for name in ("lat", "lon", "area")})
    return truth.assign_attrs(twin_attributes(spec_of(path)) | {"version": cube.version})


def spec_of(path: str | Path) -> TwinSpec:
    """The seeds a twin cube was made with: with `simulate_twin` they give the truth of any day."""
    attrs = open_cube(path).attrs
    try:
        weather = WeatherSpec(int(attrs["weather_seed"]), attrs["weather_variability"])
        return TwinSpec(int(attrs["seed"]), weather)
    except (KeyError, ValueError, TypeError) as error:
        raise DataError(f"{path} does not say which twin it is ({error}); make it again with 'hdl twin'.") from error


def true_parameters(world: xr.Dataset, cells: ArrayLike, spec: TwinSpec | None = None) -> xr.Dataset:
    """The hidden parameters (cell) of some cells, float64, with units, what each follows, and its source."""
    spec = spec or TwinSpec()
    at = positions(world, cells)
    table = cell_parameters(world, at, int(spec.seed)).table
    data = {
        p.name: ("cell", table[:, i], {"units": p.units, "comment": f"follows {p.follows}", "references": p.source})
        for i, p in enumerate(PARAMETERS)
    }
    coords = {"cell": world["cell"].values[at]} | {
        name: ("cell", np.asarray(world[name].values[at])) for name in ("lat", "lon")
    }
    return xr.Dataset(data, coords, twin_attributes(spec))
