"""What is shown, to take away: tidy CSV, CF NetCDF, a picture with its legend and sources, and the same in Python."""

from __future__ import annotations

import io
import json
import os
import tempfile
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from dashboard import engine, links, memory, tidy
from dashboard.layers import OBSERVED, field
from dashboard.plots.ternary import CORNERS
from dashboard.selection import flag_names
from dashboard.series import OTHER
from hdlcore.variables import variable

if TYPE_CHECKING:
    from dashboard.pages.view import View

BASELINE = "Departures are from the mean of the twelve months of the mean seasonal cycle, 2002 to 2007."
SHOWN_AS = {
    "season": "departure from its yearly mean",
    "raw": "as simulated",
    "anomaly": "departure from its mean seasonal cycle",
}
ATTRIBUTION = (
    "ERA5: contains modified Copernicus Climate Change Service information. GRACE: NASA, DLR, GFZ. "
    "Land cover: MODIS MCD12. Regions: Iturbide et al. (2020), CC BY 4.0. "
    "Coastlines: Natural Earth. Colours: Crameri (2018)."
)


def attributes(view: View) -> dict[str, str]:
    """Global attributes that every exported file carries."""
    return {
        "Conventions": "CF-1.11",
        "title": f"HDL Explorer: {view.title}",
        "source": _source(view),
        "data_version": str(view.world.attrs.get("version", "")),
        "model_version": weights_hash(view) or "none",
        "comment": " ".join(part for part in (view.label if view.fields is not None else "", baseline(view)) if part),
        "references": references(view),
        "history": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} exported from HDL Explorer, "
        f"view '{links.encode(view.state.snapshot())}'",
    }


def _source(view: View) -> str:
    """Global attribute of where the numbers come from."""
    if view.source is None or view.fields is None:
        return "observations and reanalysis"
    words = {"model": f"model {view.model}", "twin": f"{view.model}, a generated world"}
    return words.get(view.kind, f"data set {view.source.title} ({view.source.note})")


def baseline(view: View) -> str:
    """What departures are from; nothing for data, whose own mean is their baseline."""
    return BASELINE if view.kind in ("", "model") else "Departures are from the mean of the twelve months shown."


def references(view: View) -> str:
    """Whom to name: for a made-up world the real ground it stands on, for data what its cube says."""
    cube = view.cube_attributes()
    return str(cube.get("attribution") or "not stated") if cube is not None else ATTRIBUTION


def weights_hash(view: View) -> str:
    """First digits of the SHA-256 of each member's weights, '' when there is no model."""
    info = engine.get_models().get(view.model)
    return ", ".join(member.sha256[:16] for member in info.card.members) if info is not None else ""


def map_dataset(view: View) -> xr.Dataset:
    """The map as shown: the cells left, the month shown, departures taken when they are on the screen."""
    keep = np.flatnonzero(view.selection.mask)
    shown, world = view.layer, view.world
    attrs = shown.variable.attributes()
    if shown.departure and attrs["long_name"]:
        attrs = {key: value for key, value in attrs.items() if key != "standard_name"}
        attrs["long_name"] = view.title
    if view.map_generated:
        attrs = {**attrs, "source": "generated"}
    if shown.finer is not None:
        known = shown.finer.attributes()
        attrs |= {key: str(known[key]) for key in ("source", "product", "licence")}
    if shown.classed:
        attrs |= {key: world[shown.variable.name].attrs[key] for key in ("flag_values", "flag_meanings")}
    data = {shown.variable.name: ("cell", shown.values[keep].astype(np.float32), attrs)}
    if shown.mixed and view.fields is not None:  # the shares themselves, not the numbers of their colours
        data = {
            name: ("cell", view.fields[name].values[keep].astype(np.float32), variable(name).attributes())
            for name in CORNERS
        }
    coords = {
        "cell": ("cell", world["cell"].values[keep], {"long_name": "cell id: row * 360 + column of the 1 degree grid"}),
        "lat": ("cell", world["lat"].values[keep], {"standard_name": "latitude", "units": "degrees_north"}),
        "lon": ("cell", world["lon"].values[keep], {"standard_name": "longitude", "units": "degrees_east"}),
        "area": ("cell", world["area"].values[keep], {"standard_name": "cell_area", "units": "m2"}),
    }
    result = xr.Dataset(data, coords, attributes(view))
    return (
        result.assign_coords(month=((), np.int32(view.state.month), {"long_name": "month of the mean seasonal cycle"}))
        if shown.seasonal
        else result
    )


def series_dataset(view: View) -> xr.Dataset:
    """The curves of the selection as drawn, with CF attributes."""
    data = view.curves.copy()
    shown_as = SHOWN_AS["season" if "month" in data.dims and view.state.series != "raw" else view.state.series]
    for name in data.data_vars:
        if "quantile" in data[name].attrs:  # over all cells: says so itself
            data[name].attrs |= {"source": "generated"} if view.generated else {}
            continue
        base = str(name).removesuffix("_spread")
        attrs = {"units": "mm", "long_name": "Other stores"} if base == OTHER else variable(base).attributes()
        if base != name:
            attrs = {"units": attrs["units"], "long_name": f"{attrs['long_name']}, standard deviation over members"}
        elif data[name].attrs.get("units") is None and base in ("tws", "swe", "soil_moisture", "groundwater", OTHER):
            attrs = {"units": attrs["units"], "long_name": f"{attrs['long_name']}, {shown_as}"}
        marks = {"source": "generated"} if view.generated else {}
        data[name].attrs = {**attrs, **marks, **({} if view.selection.single else {"cell_methods": "area: mean"})}
    if "month" in data.dims:
        data["month"].attrs = {"long_name": "month of the mean seasonal cycle", "units": "1"}
    if "seen_time" in data.dims:
        data["seen_time"].attrs = {"long_name": "month observed", "standard_name": "time"}
    at = view.selection.position
    where = (
        {"lat": float(view.world["lat"].values[at]), "lon": float(view.world["lon"].values[at])}
        if view.selection.single
        else {}
    )
    coords = {
        "lat": {"standard_name": "latitude", "units": "degrees_north"},
        "lon": {"standard_name": "longitude", "units": "degrees_east"},
    }
    data = data.assign_coords({key: ((), value, coords[key]) for key, value in where.items()})
    return data.assign_attrs({**attributes(view), "place": view.place})


def netcdf_bytes(data: xr.Dataset) -> io.BytesIO:
    """A NetCDF 4 file in memory (written beside and read back: the library wants a real file)."""
    encoding = {name: {"zlib": True, "complevel": 4} for name in data.data_vars if data[name].ndim}
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "view.nc")
        data.to_netcdf(path, encoding=encoding)
        with open(path, "rb") as file:
            return io.BytesIO(file.read())


def map_csv(view: View) -> io.BytesIO:
    """The map, tidy."""
    data, shown = map_dataset(view), view.layer
    suffix = "_departure" if shown.departure and not shown.variable.name.startswith("tws_") else ""
    named = data.rename({str(name): f"{name}{suffix}" for name in data.data_vars})
    time = tidy.month(view.state.month) if shown.seasonal else "fixed"
    keep = np.flatnonzero(view.selection.mask)
    return tidy.csv(tidy.of_cells(view, keep, named, time, view.map_generated))


def series_csv(view: View) -> io.BytesIO:
    """The curves, tidy."""
    return tidy.csv(tidy.of_curves(tidy.where(view), series_dataset(view)))


def map_netcdf(view: View) -> io.BytesIO:
    """The map as CF NetCDF, on the grid it is drawn on."""
    return netcdf_bytes(map_dataset(view) if view.layer.finer is None else grid_dataset(view))


def grid_dataset(view: View) -> xr.Dataset:
    """The map on its finer grid (lat, lon): all of it, or what lies in the cells left by the filters."""
    of_cells, grid = map_dataset(view), view.layer.finer
    assert grid is not None
    values = grid.values()
    rows, columns = values.shape
    if not view.selection.mask.all():
        kept = np.zeros((180, 360), bool)
        kept.flat[view.world["cell"].values[view.selection.mask]] = True
        values = np.where(np.kron(kept, np.ones((rows // 180, columns // 360), bool)), values, np.nan)
    name, step = view.layer.variable.name, grid.step
    attrs = {key: value for key, value in of_cells[name].attrs.items() if key != "cell_methods"}
    coords: dict[str, Any] = {
        "lat": ("lat", 90 - (np.arange(rows) + 0.5) * step, of_cells["lat"].attrs),
        "lon": ("lon", (np.arange(columns) + 0.5) * step - 180, of_cells["lon"].attrs),
    }
    if "month" in of_cells.coords:
        coords["month"] = of_cells["month"].variable
    return xr.Dataset({name: (("lat", "lon"), values, attrs)}, coords, of_cells.attrs | {"comment": view.map_label})


def series_netcdf(view: View) -> io.BytesIO:
    """The curves as CF NetCDF."""
    return netcdf_bytes(series_dataset(view))


def snippet(view: View) -> str:
    """Python that makes the same numbers from hdlcore alone."""
    state, name = view.state, view.layer.variable.name
    own = view.uploads.find(view.model)
    if own is not None:
        lines = [
            "from hdlcore.data.cube import open_world",
            "from hdlcore.data.ingest import ingest",
            "",
            f"# the cube made of your file: ingest([Path('FILE')], KIND, Path('{own.id}.zarr'))",
            "from pathlib import Path",
            "from hdlcore.runtime.datasets import DataSource",
            "",
            "world = open_world()",
            f"data = DataSource(Path('{own.id}.zarr'), world, '{own.id}').fields()[{name!r}]",
        ]
    elif view.layer.mixed:
        lines = [
            "from hdlcore.runtime.engine import Engine",
            "",
            "engine = Engine()",
            "world = engine.world",
            f"# the map mixes three shares: {', '.join(CORNERS)}",
            f"data = engine.fields({view.model!r})[{next(iter(CORNERS))!r}]",
        ]
    elif view.fields is None or name not in view.fields:
        source = OBSERVED.get(name, name)
        lines = ["from hdlcore.data.cube import open_world", "", "world = open_world()", f"data = world[{source!r}]"]
    else:
        lines = [
            "from hdlcore.runtime.engine import Engine",
            "",
            "engine = Engine()",
            "world = engine.world",
            f"data = engine.fields({view.model!r})[{name!r}]",
        ]
    held = field(name, view.observed, view.fields)
    grid = view.layer.finer
    if grid is not None:  # what is drawn; the numbers below are of the cells
        lines[0:0] = ["from hdlcore.data.fine import open_fine"]
        taken = ", departure=True" if grid.departure else ""
        lines.append(
            f"drawn = open_fine().values({grid.name!r}, {grid.month}{taken})  # rows from 90 N, columns from 180 W"
        )
    seasonal = held is not None and held.ndim == 2
    if view.layer.departure and view.can_depart:
        lines.append('data = data - data.mean("month")')
    if seasonal:
        lines.append(f"shown = data.sel(month={state.month})")
    else:
        lines.append("shown = data")
    if view.selection.single:
        lines.append(f"print(float(shown.sel(cell={int(view.world['cell'].values[view.selection.position])})))")
    else:
        imports, chosen = cells_code(view)
        lines[0:0] = imports
        lines += [*chosen, "part = shown.sel(cell=cells)"]
        lines.append(
            "print(float(part.weighted(world['area'].sel(cell=cells)).mean()))"
            f"  # area-weighted over {view.selection.of.size:,} cells"
        )
    return "\n".join(lines) + "\n"


def cells_code(view: View) -> tuple[list[str], list[str]]:
    """Python that finds the cells left as ``cells``, of a ``world`` and the values ``shown``: imports, and the rest."""
    state = view.state
    others = (state.climate_zones, state.land_covers, state.latitude, state.values, state.polygon)
    of_region = f"cells_in_region(world, {state.region!r})"
    region = ["from hdlcore.data.regions import cells_in_region"] if state.region else []
    if state.memory_box is not None:
        ids = [int(cell) for cell in view.world["cell"].values[view.selection.mask]]
        return [], [f"cells = {ids!r}"]
    if state.region and not any(part not in (None, (), "") for part in others):
        return region, [f"cells = {of_region}"]
    lines = [f"mask, _ = filter_cells(world{_filter_arguments(view)})"]
    if state.region:
        lines.append(f"mask &= np.isin(world['cell'], {of_region})")
    imports = ["import numpy as np", "", "from hdlcore.data.regions import filter_cells", *region]
    return imports, [*lines, "cells = world['cell'].values[mask]"]


def _filter_arguments(view: View) -> str:
    state = view.state
    parts: list[str] = []
    if state.climate_zones:
        names = flag_names(view.world, "climate_zone")
        parts.append(f"climate_zones={[names[code] for code in state.climate_zones]!r}")
    if state.land_covers:
        names = flag_names(view.world, "land_cover")
        parts.append(f"land_covers={[names[code] for code in state.land_covers]!r}")
    if state.latitude:
        parts.append(f"lat_min={state.latitude[0]!r}, lat_max={state.latitude[1]!r}")
    if state.values:
        parts.append(f"values=shown.values, value_min={state.values[0]!r}, value_max={state.values[1]!r}")
    if state.polygon:
        parts.append(f"polygon={json.dumps([list(point) for point in state.polygon])}")
    return "".join(f", {part}" for part in parts)


def _scores(scores: dict[str, Any]) -> str:
    season = scores.get("tws", {}).get("msc", {})
    if not season:
        return ""
    return (
        f"Seasonal storage against GRACE: median NSE {season['nse_median']:.2f}, correlation {season['r_median']:.2f}."
    )


def _world_rows(view: View) -> list[tuple[str, str]]:
    """What of the world cube may be shown beside the source, by kind of origin."""
    kinds: dict[str, set[str]] = {}
    for name in view.observed.data_vars:
        attrs = view.observed[name].attrs
        if attrs.get("product"):  # the rest is bookkeeping of our own, such as the ids of the held-out blocks
            kinds.setdefault(str(attrs["source"]), set()).add(f"{attrs.get('long_name', name)} ({attrs['product']})")
    return [(kind.capitalize(), "; ".join(sorted(entries))) for kind, entries in sorted(kinds.items())]


def provenance_html(view: View) -> str:
    """Where everything on the screen comes from, as a definition list."""
    info = engine.get_models().get(view.model)
    rows = [("Shown", f"{view.title} ({view.layer.variable.units})")]
    if view.layer.finer is not None:
        about = view.layer.finer.attributes()
        rows.append(("Map", f"{view.map_label} Licence: {about['licence']}."))
    if info is not None:
        rows += [
            ("Model", f"{info.title} ({info.id}), {info.members} member{'s' if info.members > 1 else ''}"),
            ("Weights", weights_hash(view) or "not stated"),
        ]
        rows += [("What it is", info.card.summary), ("Scored on", f"{info.card.split}. {_scores(info.card.scores)}")]
        rows += [("Limits", " ".join(info.card.limits))]
    elif view.source is not None:
        rows += [("Source", f"{view.source.title} ({view.model}), {view.source.note}")]
    else:
        rows.append(("Model", view.fields_problem))
    cube = view.cube_attributes()
    if cube is not None:
        rows += [(key.capitalize(), str(cube[key])) for key in ("source", "version", "history") if cube.get(key)]
    else:
        rows.append(("Data version", str(view.world.attrs.get("version", "not stated"))))
        rows += _world_rows(view)
    rows += [("Generated", view.label)] if view.kind in ("model", "twin") or view.generated else []
    rows += [("Baseline", baseline(view)), ("Attribution", references(view))]
    if view.fields is not None and memory.cube_method(view.fields):
        every = np.arange(view.fields.sizes["cell"])
        said = str(view.fields.attrs.get("attribution_comment", ""))
        rows.append(("Memory maps", f"{memory.cubes_made(view.fields, every)}. {said}".strip()))
    problems = engine.get_engine().problems
    if problems:
        rows.append(("Left out", " ".join(problems)))
    return "<dl>" + "".join(f"<dt>{escape(term)}</dt><dd>{escape(text)}</dd>" for term, text in rows) + "</dl>"
