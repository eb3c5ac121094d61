"""What the Memory page shows, to take away: heatmaps as tidy CSV and CF NetCDF, the map, the same in Python."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from dashboard import memory, tidy
from dashboard.export import attributes, netcdf_bytes
from dashboard.plots.heatmap import axis_of
from dashboard.selection import box_label
from dashboard.state import REACH
from hdlcore.variables import VARIABLES

if TYPE_CHECKING:
    from dashboard.pages.memory_view import Memory, Side
    from dashboard.pages.view import View


def _sides(held: Memory) -> list[Side]:
    return [side for side in (held.own, held.other) if side.heat is not None]


def heat_dataset(held: Memory) -> xr.Dataset:
    """Each heatmap shown as a variable (lag_bin, rows) named after its source, with how it was made."""
    found = {}
    for side in _sides(held):
        assert side.heat is not None
        heat = side.heat.astype(np.float32)
        axis = axis_of(heat)
        heat = heat.assign_coords({axis: [str(name) for name in heat[axis].values]})
        how = str(side.live.attrs["method"]) if side.live is not None else _cubes(held, side)
        what = "signed contribution" if held.state.signed else "size of the contribution"
        about = {"units": str(heat.attrs.get("units") or "mm"), "long_name": f"{what}, {side.title}", "method": how}
        marks = {"source": "generated"} if held.view.generated else {}
        found[f"memory_{side.source.replace('-', '_')}"] = heat.assign_attrs(about | marks)
    data = xr.Dataset(found)
    for name, text in (("lag_start", "first day of the window"), ("lag_end", "last day of the window")):
        data[name].attrs = {"units": "d", "long_name": f"{text}, days before the target day"}
    box = held.state.memory_box
    about = {"place": held.view.place, "box": box_label(box)} if box else {"place": held.view.place}
    return data.assign_attrs(attributes(held.view) | about)


def _cubes(held: Memory, side: Side) -> str:
    """How the lag cubes of a side were made."""
    fields = held.view.fields if side.source == held.view.model else None
    return "precomputed lag cubes" if fields is None else memory.cubes_made(fields, held.view.selection.of)


def heat_netcdf(held: Memory) -> io.BytesIO:
    """The heatmaps as CF NetCDF."""
    return netcdf_bytes(heat_dataset(held))


def heat_csv(held: Memory) -> io.BytesIO:
    """The heatmaps, tidy, by method, row (of `rows`) and first and last day back."""
    data, tables = heat_dataset(held), []
    for name in map(str, data.data_vars):
        heat = data[name]
        axis = axis_of(heat)
        table = heat.to_dataframe("value").reset_index().rename(columns={axis: "row"})
        about = {"method": heat.attrs["method"], "rows": axis, "units": heat.attrs["units"]}
        tables.append(table.assign(time="mean", **tidy.where(held.view), variable=name, **about))
    return tidy.csv(pd.concat(tables), "method", "rows", "row", "lag_start", "lag_end")


def map_dataset(view: View, back: int) -> xr.Dataset:
    """Lengths of the memory and the leading carrier of the cells left."""
    keep, world, fields = np.flatnonzero(view.selection.mask), view.world, view.fields
    assert fields is not None
    marks = {"source": "generated"} if view.generated else {}
    data = {
        name: ("cell", fields[name].values[keep].astype(np.float32), VARIABLES[name].attributes() | marks)
        for name in ("memory_time", "memory_length", "memory_80", "memory_90", "memory_share")
        if name in fields
    }
    lead = memory.measure("carrier", back, fields)
    if lead is not None:
        names = " ".join(str(name) for name in fields["carrier"].values)
        about: dict[str, Any] = {
            "flag_values": np.arange(fields.sizes["carrier"], dtype=np.float32),
            "flag_meanings": names,
        }
        data["leading_carrier"] = (
            "cell", lead[keep], {"long_name": f"store that carries most of the memory {back} months back", **about},
        )  # fmt: skip
    coords = {name: ("cell", world[name].values[keep], world[name].attrs) for name in ("cell", "lat", "lon", "area")}
    return xr.Dataset(data, coords, attributes(view))


def map_netcdf(view: View, back: int) -> io.BytesIO:
    """The map as CF NetCDF."""
    return netcdf_bytes(map_dataset(view, back))


def map_csv(view: View, back: int) -> io.BytesIO:
    """The map, tidy; the leading carrier by its number in the NetCDF's list."""
    keep = np.flatnonzero(view.selection.mask)
    return tidy.csv(tidy.of_cells(view, keep, map_dataset(view, back), "fixed", view.generated))


def snippet(held: Memory) -> str:
    """Python that makes the same heatmap from hdlcore alone."""
    view, state, own, wanted = held.view, held.state, held.own, held.wanted
    if own.heat is None:
        return f"# {own.why}\n"
    lines = ["from hdlcore.runtime.engine import Engine"]
    if own.live is not None:
        asked = memory.live_request(
            view.model, view.kind, int(state.cell), state.method, wanted, REACH[state.reach], memory.FINE
        )  # fmt: skip
        view_of = "lag_by_month" if wanted.rows == "month" else "lag_by_forcing"
        lines += [
            "from hdlcore.runtime.requests import ExplanationRequest",
            f"from hdlcore.attribution.views import {view_of}",
            "",
            f"answer = Engine().explain({asked!r})",
        ]
        if wanted.months:
            lines.append(f"answer = answer.sel(time=answer['time.month'].isin({list(wanted.months)}))")
        lines.append(f"heat = {view_of}(answer, absolute={not wanted.signed})")
    else:
        of = np.flatnonzero(view.selection.mask) if wanted.rows == "zone" else view.selection.of
        cells = [int(cell) for cell in view.world["cell"].values[of]]
        names = "category_names(world, 'climate_zone')"
        lines += [
            "import numpy as np",
            "from hdlcore.attribution.cubes import cube_heat",
            "from hdlcore.data.cube import positions",
            "from hdlcore.data.regions import category_names",
            "",
            "engine = Engine()",
            "world = engine.world",
            "of = np.arange(world.sizes['cell'])" if len(cells) == view.world.sizes["cell"]
            else f"of = positions(world, {cells!r})",
            f"zones = dict(zip(np.atleast_1d(world['climate_zone'].flag_values), {names}))",
            "zones = np.array([zones.get(code, '').lower() for code in world['climate_zone'].values])",
            f"heat = cube_heat(engine.fields({view.model!r}), {wanted.rows!r}, of, world['area'].values, "
            f"{not wanted.signed}, {wanted.months!r}, zones)",
        ]  # fmt: skip
    return "\n".join([*lines, "print(heat.to_pandas())"]) + "\n"
