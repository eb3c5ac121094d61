"""Tables to take away, one value a row: time, lat, lon, place, what else tells rows apart, variable, units, value."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from dashboard.selection import flag_names

if TYPE_CHECKING:
    from dashboard.pages.view import View

FIRST, LAST = ("time", "lat", "lon", "place"), ("variable", "units", "value")


def csv(table: pd.DataFrame, *between: str) -> io.BytesIO:
    """The table as CSV, its columns in the common order with those named `between`."""
    return io.BytesIO(table[[*FIRST, *between, *LAST]].to_csv(index=False).encode("utf-8"))


def month(number: int) -> str:
    """A month of a mean seasonal cycle."""
    return f"month {number:02d}"


def where(view: View) -> dict[str, Any]:
    """lat, lon and place of the selection; a mean over cells has neither of the first two."""
    at, single = view.selection.position, view.selection.single
    lat, lon = (float(view.world[name].values[at]) if single else "" for name in ("lat", "lon"))
    return {"lat": lat, "lon": lon, "place": view.place + ("" if single else " (area-weighted)")}


def of_cells(
    view: View, keep: NDArray[np.intp], values: xr.Dataset, time: str, generated: bool = False, **more: Any
) -> pd.DataFrame:
    """Rows of a map: `values` (cell) at the positions `keep`; `more` are columns of one value."""
    world, names = view.world, flag_names(view.world, "region")
    mark = " (generated)" if generated else ""
    about = {
        "time": time, "lat": world["lat"].values[keep], "lon": world["lon"].values[keep],
        "place": [names.get(int(code), "") + mark for code in world["region"].values[keep]], **more,
    }  # fmt: skip
    tables = [
        pd.DataFrame({**about, "variable": name, "units": str(data.attrs.get("units", "1")), "value": data.values})
        for name, data in values.data_vars.items()
    ]
    return pd.concat(tables)


def of_curves(place: Mapping[str, Any], data: xr.Dataset, **more: Any) -> pd.DataFrame:
    """Rows of curves at a `place` (as of `where`): each variable along its own axis, a month or a time."""

    def name_of(when: Any, axis: str) -> str:
        return month(int(when)) if axis == "month" else str(when)[:10]

    tables = []
    for name, curve in data.data_vars.items():
        axis = str(curve.dims[0])
        times = [name_of(when, axis) for when in curve[axis].values]
        units = str(curve.attrs.get("units", "1"))
        tables.append(
            pd.DataFrame({"time": times, **place, **more, "variable": name, "units": units, "value": curve.values})
        )
    return pd.concat(tables)
