"""An experiment to take away: both runs as tidy CSV and CF NetCDF, the difference map, a pulse, the same in Python."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from dashboard import tidy
from dashboard.export import attributes, netcdf_bytes
from dashboard.scenario import in_words
from hdlcore.runtime.requests import END, START
from hdlcore.variables import variable

if TYPE_CHECKING:
    from dashboard.pages.experiment import Experiment
    from dashboard.pages.view import View
    from dashboard.scenario_fields import Fields

RUNS = ("as it was", "changed", "difference")


def _marks(view: View) -> dict[str, str]:
    return {"source": "generated"} if view.generated else {}


def runs_dataset(experiment: Experiment) -> xr.Dataset:
    """Both runs and their difference along ``run``, with CF attributes and the scenario."""
    runs = experiment.runs
    assert runs is not None
    data = xr.concat([runs.plain, runs.changed, runs.difference], xr.Variable("run", list(RUNS)))
    for name in map(str, data.data_vars):
        data[name].attrs = variable(name).attributes() | _marks(experiment.view)
        if not experiment.view.selection.single:
            data[name].attrs["cell_methods"] = "area: mean"
    about = attributes(experiment.view)
    return data.assign_attrs(
        about | {"place": runs.place, "scenario": runs.scenario, "change": in_words(runs.scenario)}
    )


def runs_netcdf(experiment: Experiment) -> io.BytesIO:
    """Both runs as CF NetCDF."""
    return netcdf_bytes(runs_dataset(experiment).astype(np.float32))


def runs_csv(experiment: Experiment) -> io.BytesIO:
    """Both runs and their difference, tidy, by scenario and run."""
    data = runs_dataset(experiment)
    table = data.to_dataframe().reset_index().melt(["run", "time"], var_name="variable", value_name="value")
    table["time"] = table["time"].dt.strftime("%Y-%m-%d")
    table = table.assign(**tidy.where(experiment.view), scenario=str(data.attrs["scenario"]))
    table["units"] = table["variable"].map(lambda name: variable(name).units)
    return tidy.csv(table, "scenario", "run")


def map_dataset(view: View, fields: Fields, name: str) -> xr.Dataset:
    """Mean season of the difference (month, cell) on the cells run so far."""
    known, world, entry = np.flatnonzero(fields.known), view.world, variable(name)
    attrs = {"long_name": f"difference of {entry.long_name.lower()}, mean season", "units": entry.units} | _marks(view)
    coords = {
        "month": ("month", np.arange(1, 13), {"long_name": "month of the mean seasonal cycle", "units": "1"}),
        "cell": (
            "cell",
            world["cell"].values[known],
            {"long_name": "cell id: row * 360 + column of the 1 degree grid"},
        ),
        "lat": ("cell", world["lat"].values[known], {"standard_name": "latitude", "units": "degrees_north"}),
        "lon": ("cell", world["lon"].values[known], {"standard_name": "longitude", "units": "degrees_east"}),
    }
    data = xr.Dataset({f"{name}_difference": (("month", "cell"), fields.values[name][:, known], attrs)}, coords)
    text = view.state.scenario
    return data.assign_attrs(attributes(view) | {"scenario": text, "change": in_words(text)})


def map_netcdf(view: View, fields: Fields, name: str) -> io.BytesIO:
    """The map of the difference as CF NetCDF."""
    return netcdf_bytes(map_dataset(view, fields, name))


def map_csv(view: View, fields: Fields, name: str) -> io.BytesIO:
    """The same, tidy, every month."""
    data, keep = map_dataset(view, fields, name), np.flatnonzero(fields.known)
    about = {"generated": view.generated, "scenario": view.state.scenario}
    tables = [tidy.of_cells(view, keep, data.sel(month=at), tidy.month(at), **about) for at in range(1, 13)]
    return tidy.csv(pd.concat(tables), "scenario")


def pulse_csv(view: View, way: xr.Dataset) -> io.BytesIO:
    """Where the water of the pulse is on each day after it, tidy."""
    table = way.to_dataframe().reset_index().melt(["age"], var_name="variable", value_name="value")
    day = np.datetime64(str(way.attrs["day"]))
    table["time"] = (day + table["age"].to_numpy().astype(int)).astype(str)
    table = table.rename(columns={"age": "days_after"}).assign(
        **tidy.where(view), pulse_mm=way.attrs["amount"], day=way.attrs["day"], units="mm"
    )
    return tidy.csv(table, "day", "pulse_mm", "days_after")


def pulse_netcdf(view: View, way: xr.Dataset) -> io.BytesIO:
    """The same as CF NetCDF."""
    marks = _marks(view)
    data = way.assign({name: way[name].assign_attrs(marks) for name in way.data_vars})
    return netcdf_bytes(data.assign_attrs({**attributes(view), **way.attrs}))


def snippet(experiment: Experiment) -> str:
    """Python that makes the same two runs from hdlcore alone."""
    view, text = experiment.view, experiment.state.scenario
    if not experiment.runs_models:
        return "# Data cannot be changed; choose a model or the twin.\n"
    cells = tuple(int(cell) for cell in view.world["cell"].values[view.selection.of])
    frequency = "daily" if view.selection.single else "monthly"
    return (
        "\n".join(
            [
                "from hdlcore.runtime.engine import Engine",
                "from hdlcore.runtime.requests import SimulationRequest",
                "",
                "engine = Engine()",
                f"cells = {cells!r}",
                f"ask = dict(model={view.model!r}, cells=cells, start={START!r}, end={END!r}, frequency={frequency!r})",
                "plain = engine.simulate(SimulationRequest(**ask))",
                f"changed = engine.simulate(SimulationRequest(**ask, scenario={text!r}))",
                f"difference = (changed - plain)[{experiment.quantity!r}].weighted(plain['area']).mean('cell')",
                "print(difference.to_series())",
            ]
        )
        + "\n"
    )
