"""A comparison to take away: both maps and curves, labelled L and R, and the same in Python."""

from __future__ import annotations

import io
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from dashboard.export import attributes, netcdf_bytes
from dashboard.scenario import in_words

if TYPE_CHECKING:
    from dashboard.pages.compare_view import Comparison


def maps_dataset(comparison: Comparison) -> xr.Dataset:
    """Both maps and R minus L on the cells left; a side without a map is NaN."""
    view, world = comparison.view, comparison.view.world
    keep, entry = np.flatnonzero(view.selection.mask), view.layer.variable
    data = {}
    for letter, side in (("left", comparison.left), ("right", comparison.right)):
        values = side.layer.values[keep] if side.layer is not None else np.full(keep.size, np.nan, np.float32)
        attrs = {"long_name": f"{entry.long_name}, {side.title}", "units": entry.units, "month": side.month}
        data[f"{entry.name}_{letter}"] = ("cell", values, attrs | ({"source": "generated"} if side.generated else {}))
    gap = data[f"{entry.name}_right"][1] - data[f"{entry.name}_left"][1]
    data[f"{entry.name}_difference"] = (
        "cell", gap, {"long_name": f"{entry.long_name}, right minus left", "units": entry.units},
    )  # fmt: skip
    coords = {
        "cell": ("cell", world["cell"].values[keep], {"long_name": "cell id: row * 360 + column of the 1 degree grid"}),
        "lat": ("cell", world["lat"].values[keep], {"standard_name": "latitude", "units": "degrees_north"}),
        "lon": ("cell", world["lon"].values[keep], {"standard_name": "longitude", "units": "degrees_east"}),
    }
    return xr.Dataset(data, coords, attributes(view))


def maps_netcdf(comparison: Comparison) -> io.BytesIO:
    """Both maps as CF NetCDF."""
    return netcdf_bytes(maps_dataset(comparison))


def _csv(table: pd.DataFrame) -> io.BytesIO:
    return io.BytesIO(table.to_csv(index=False).encode("utf-8"))


def maps_csv(comparison: Comparison) -> io.BytesIO:
    """Tidy: lat, lon, side, title, month, variable, units, value."""
    data, entry = maps_dataset(comparison), comparison.view.layer.variable
    parts = []
    for letter, side in (("left", comparison.left), ("right", comparison.right)):
        values = data[f"{entry.name}_{letter}"].values
        parts.append(
            pd.DataFrame(
                {
                    "lat": data["lat"].values, "lon": data["lon"].values, "side": letter[0].upper(),
                    "title": side.title + (" (generated)" if side.generated else ""), "month": side.month,
                    "variable": entry.name, "units": entry.units, "value": values,
                }
            )
        )  # fmt: skip
    return _csv(pd.concat(parts))


def curves_csv(comparison: Comparison) -> io.BytesIO:
    """Tidy: month, side, title, variable, units, value."""
    rows = [
        {"month": month, "side": letter, "title": side.title, "variable": name, "value": value,
         "units": "mm d-1" if name == "precipitation" else "mm"}
        for letter, side in (("L", comparison.left), ("R", comparison.right))
        for name in map(str, side.season.data_vars)
        for month, value in zip(side.season["month"].values, side.season[name].values, strict=True)
    ]  # fmt: skip
    return _csv(pd.DataFrame(rows, columns=["month", "side", "title", "variable", "units", "value"]))


def snippet(comparison: Comparison) -> str:
    """Python that makes both maps from hdlcore alone."""
    view, state, name = comparison.view, comparison.state, comparison.view.layer.variable.name
    lines = ["from hdlcore.runtime.engine import Engine", "", "engine = Engine()"]
    if view.fields is None or name not in view.fields:
        return "# The quantity on the map is observed; the Explore page has its snippet.\n"
    lines.append(f"left = engine.fields({view.model!r})[{name!r}]")
    if state.compare == "model":
        lines.append(f"right = engine.fields({comparison.other_model!r})[{name!r}]")
    elif state.compare == "member":
        lines += [
            "from hdlcore.runtime.requests import SimulationRequest",
            f"request = SimulationRequest({view.model!r}, ({state.cell},), frequency='monthly')",
            f"season = engine.members(request)[{name!r}].groupby('time.month').mean()",
            "season = season - season.mean('month')",
            f"print(season.isel(member=[{state.member - 1}, {state.other_member - 1}]).values)",
        ]
        return "\n".join(lines) + "\n"
    elif state.compare == "scenario":
        lines += [
            "from hdlcore.runtime.requests import SimulationRequest",
            f"ask = dict(model={view.model!r}, cells=({state.cell},), frequency='monthly')",
            "plain = engine.simulate(SimulationRequest(**ask))",
            f"changed = engine.simulate(SimulationRequest(**ask, scenario={state.scenario!r}))",
            f"print((changed - plain)[{name!r}].groupby('time.month').mean())",
        ]
        return "\n".join(lines) + "\n"
    else:
        lines.append("right = left")
    if view.layer.departure and view.can_depart:
        lines += ["left = left - left.mean('month')", "right = right - right.mean('month')"]
    if view.layer.seasonal:
        months = comparison.left.month, comparison.right.month
        lines += [f"left, right = left.sel(month={months[0]}), right.sel(month={months[1]})"]
    if state.compare == "cell":
        lines.append(f"print(float(left.sel(cell={state.cell})), float(right.sel(cell={state.other_cell})))")
    else:
        lines.append("print(float((right - left).weighted(engine.world['area']).mean()))")
    return "\n".join(lines) + "\n"


def provenance_html(comparison: Comparison) -> str:
    """What R is."""
    state, right = comparison.state, comparison.right
    info = comparison.others().get(comparison.other_model)
    if state.compare == "model" and info is not None:
        return f"<h3>R</h3><p>{escape(info.title)}: {escape(info.note)}.</p>"
    if state.compare == "scenario":
        return f"<h3>R</h3><p>The same source under a change: {escape(in_words(state.scenario) or 'none yet')}.</p>"
    return f"<h3>R</h3><p>{escape(right.title)}, of the same source.</p>"
