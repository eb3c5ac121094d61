"""The reference beside the app, for `hdl bench` only: the same world and model shown the way most people would.

hvPlot's defaults on an xarray Dataset: a DynamicMap over QuadMesh with a player of months and a list of climate zones;
a tap runs the first member of the same model over one year at once, day by day in torch, and draws its stores.
"""

from __future__ import annotations

from typing import Any

import holoviews as hv
import hvplot.xarray  # noqa: F401
import numpy as np
import panel as pn
import torch
import xarray as xr

from hdlcore.data.cube import positions
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.requests import parse_date

pn.extension()
STORES = ["swe", "soil_moisture", "groundwater"]
ZONES = {"All land": 0, "Tropical": 1}
START, END = parse_date("2004-01-01", "start"), parse_date("2004-12-31", "end")


def load() -> tuple[Any, xr.Dataset, np.ndarray]:
    """Once a process: the first model's ensemble, its fields on the 1 degree grid, cell ids there (-1: none)."""
    if "plain" not in pn.state.cache:
        engine = Engine()
        model = engine.models()[0].id
        fields, world = engine.fields(model), engine.world
        row, column = np.divmod(world["cell"].values, 360)
        ids = np.full((180, 360), -1)
        ids[row, column] = world["cell"].values

        def grid(values: np.ndarray) -> np.ndarray:
            out = np.full((*values.shape[:-1], 180, 360), np.nan, np.float32)
            out[..., row, column] = values
            return out

        data = {name: (("month", "lat", "lon"), grid(fields[name].values)) for name in ["tws", *STORES]}
        data["zone"] = (("lat", "lon"), grid(world["climate_zone"].values))
        places = {"month": np.arange(1, 13), "lat": 89.5 - np.arange(180), "lon": np.arange(360) - 179.5}
        pn.state.cache["plain"] = engine.ensemble(model), xr.Dataset(data, places), ids
    return pn.state.cache["plain"]


def run(cell: int) -> xr.Dataset:
    """Monthly means of the stores of a cell in 2004 (mm), one member, one step after another."""
    ensemble, _, _ = load()
    cells = np.array([cell])
    with torch.no_grad():
        prepared = ensemble.prepare(positions(ensemble.world, cells))
        state, _ = ensemble.warm_state(cells, prepared, START)
        outputs, _ = ensemble.model.run(
            prepared.member(0), ensemble.forcing(cells, START, END), state[0], tuple(STORES)
        )
    days = np.arange(np.datetime64(START), np.datetime64(END) + 1)
    daily = xr.Dataset({name: ("time", outputs[:, 0, k].numpy()) for k, name in enumerate(STORES)}, {"time": days})
    return daily.groupby("time.month").mean()


def app() -> pn.Column:
    """The page."""
    _, data, ids = load()
    month = pn.widgets.Player(name="Month", start=1, end=12, value=5, interval=100, loop_policy="loop")
    zone = pn.widgets.Select(name="Climate zone", options=list(ZONES))

    def left(name: str) -> xr.Dataset:
        return data.where(data["zone"] == ZONES[name]) if ZONES[name] else data

    def world_map(month: int, zone: str) -> Any:
        return left(zone)["tws"].sel(month=month).hvplot.quadmesh("lon", "lat", title=f"map {zone} month {month}")

    def curves(x: float | None, y: float | None, zone: str) -> Any:
        if ZONES[zone]:
            shown = left(zone)[STORES].mean(["lat", "lon"])
        else:
            x, y = (-62.5, -4.5) if x is None or y is None else (x, y)
            cell = ids[int(np.floor(90 - y)), int(np.floor(x + 180))]
            if cell < 0:
                return hv.Curve([]).opts(title=f"curves {zone} sea")
            shown = run(int(cell))
        return shown.hvplot.line(x="month", y=STORES, title=f"curves {zone} {x} {y}")

    image = hv.DynamicMap(pn.bind(world_map, month, zone))
    tap = hv.streams.Tap(source=image, x=None, y=None)
    lines = hv.DynamicMap(pn.bind(curves, tap.param.x, tap.param.y, zone))
    return pn.Column(pn.Row(month, zone), image, lines)


app().servable(title="Plain")
