"""A comparison to take away: both maps and curves, labelled L and R, and the same in Python."""

from __future__ import annotations

import io
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from dashboard import tidy
from dashboard.compare import KNOWN, OBSERVED
from dashboard.export import attributes, cells_code, netcdf_bytes
from dashboard.layers import OBSERVED as CUBE
from dashboard.scenario import in_words
from hdlcore.variables import VARIABLES

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


def maps_csv(comparison: Comparison) -> io.BytesIO:
    """Both maps, tidy, by side and its title."""
    view, data = comparison.view, maps_dataset(comparison)
    name, keep, tables = view.layer.variable.name, np.flatnonzero(view.selection.mask), []
    for letter, side in (("left", comparison.left), ("right", comparison.right)):
        time = tidy.month(side.month) if side.layer is not None and side.layer.seasonal else "fixed"
        values = data[[f"{name}_{letter}"]].rename({f"{name}_{letter}": name})
        tables.append(tidy.of_cells(view, keep, values, time, side.generated, side=letter[0].upper(), title=side.title))
    return tidy.csv(pd.concat(tables), "side", "title")


def curves_dataset(comparison: Comparison) -> xr.Dataset:
    """The curves of both sides along ``side``; what one of them lacks is NaN."""
    sides = {"L": comparison.left, "R": comparison.right}
    data = xr.concat([side.season for side in sides.values()], xr.Variable("side", list(sides)), join="outer")
    for name in map(str, data.data_vars):
        units = "mm d-1" if name == "precipitation" else "mm"
        data[name].attrs = {"units": units, "long_name": VARIABLES[name].long_name if name in VARIABLES else name}
    titles = xr.Variable("side", [side.title for side in sides.values()], {"long_name": "what the side is"})
    marks = {"generated": ", ".join(letter for letter, side in sides.items() if side.generated) or "none"}
    return data.assign_coords(title=titles).assign_attrs(attributes(comparison.view) | marks)


def curves_netcdf(comparison: Comparison) -> io.BytesIO:
    """Both curves as CF NetCDF."""
    return netcdf_bytes(curves_dataset(comparison))


def curves_csv(comparison: Comparison) -> io.BytesIO:
    """Both curves, tidy, by side and its title."""
    view, data, tables = comparison.view, curves_dataset(comparison), []
    for letter, side in (("L", comparison.left), ("R", comparison.right)):
        place = tidy.where(view)
        if comparison.state.compare == "cell":
            lat, lon = (float(view.world[name].values[side.position]) for name in ("lat", "lon"))
            place = {"lat": lat, "lon": lon, "place": side.title}
        tables.append(tidy.of_curves(place, data.sel(side=letter), side=letter, title=side.title))
    return tidy.csv(pd.concat(tables).dropna(subset="value"), "side", "title")


def snippet(comparison: Comparison) -> str:
    """Python that makes the same numbers from hdlcore alone."""
    view, state, name = comparison.view, comparison.state, comparison.view.layer.variable.name
    if state.compare in ("member", "scenario"):
        return _runs_snippet(comparison)
    problem = comparison.right.problem or comparison.left.problem
    if problem:
        return f"# {problem}\n"
    if view.fields is None or name not in view.fields:
        return "# The quantity on the map is observed; the Explore page has its snippet.\n"
    lines = ["from hdlcore.runtime.engine import Engine", "", "engine = Engine()", "world = engine.world"]
    lines.append(f"left = engine.fields({view.model!r})[{name!r}]")
    other = comparison.other_model if state.compare == "model" else view.model
    seen = other == OBSERVED.id and name in KNOWN
    lines.append(f"right = world[{CUBE[KNOWN[name]]!r}]" if seen else f"right = engine.fields({other!r})[{name!r}]")
    if view.layer.departure and view.can_depart:
        lines += ["left = left - left.mean('month')", "right = right - right.mean('month')"]
    if view.layer.seasonal:
        months = comparison.left.month, comparison.right.month
        lines += [f"left, right = left.sel(month={months[0]}), right.sel(month={months[1]})"]
    if state.compare == "cell":
        lines.append(f"print(float(left.sel(cell={state.cell})), float(right.sel(cell={state.other_cell})))")
    else:
        imports, chosen = cells_code(view)
        lines[0:0] = imports
        lines += ["shown = left", *chosen]
        lines.append("print(float((right - left).sel(cell=cells).weighted(world['area'].sel(cell=cells)).mean()))")
    return "\n".join(lines) + "\n"


def _runs_snippet(comparison: Comparison) -> str:
    """Python that makes the curves of both members, or of both runs: mean seasons of the selection."""
    view, state = comparison.view, comparison.state
    cells = tuple(int(cell) for cell in view.world["cell"].values[view.selection.of])
    frequency = "daily" if view.selection.single and state.compare == "scenario" else "monthly"
    lines = [
        "from hdlcore.runtime.engine import Engine",
        "from hdlcore.runtime.requests import SimulationRequest",
        "",
        "engine = Engine()",
        f"ask = dict(model={view.model!r}, cells={cells!r}, frequency={frequency!r})",
    ]
    if state.compare == "member":
        both = [number - 1 for number in comparison.numbers]
        lines += [
            f"runs = engine.members(SimulationRequest(**ask))['tws'].isel(member={both!r})",
            "area = engine.world['area'].sel(cell=runs['cell'])",
            "season = runs.groupby('time.month').mean().weighted(area).mean('cell')",
            "print((season - season.mean('month')).to_pandas())",
        ]
    else:
        lines += [
            "plain = engine.simulate(SimulationRequest(**ask))['tws']",
            f"changed = engine.simulate(SimulationRequest(**ask, scenario={state.scenario!r}))['tws']",
            "area = engine.world['area'].sel(cell=plain['cell'])",
            "left, right = (run.weighted(area).mean('cell').groupby('time.month').mean() for run in (plain, changed))",
            "print((left - left.mean()).values, (right - left.mean()).values)",
        ]
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
