"""An experiment to take away: both runs as tidy CSV and CF NetCDF, the difference map, a pulse, the same in Python."""

from __future__ import annotations

import io
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from dashboard.export import attributes, netcdf_bytes
from dashboard.scenario import in_words
from dashboard.summary import units_in_words
from dashboard.theme import tokens
from dashboard.whatif import sentence
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
    """Tidy: time, lat, lon, place, run, variable, units, value."""
    view, data = experiment.view, runs_dataset(experiment)
    at, single = view.selection.position, view.selection.single
    table = data.to_dataframe().reset_index().melt(["run", "time"], var_name="variable", value_name="value")
    table["time"] = table["time"].dt.strftime("%Y-%m-%d")
    table["lat"] = float(view.world["lat"].values[at]) if single else ""
    table["lon"] = float(view.world["lon"].values[at]) if single else ""
    table["place"] = str(data.attrs["place"]) + ("" if single else " (area-weighted)")
    table["scenario"] = str(data.attrs["scenario"])
    table["units"] = table["variable"].map(lambda name: variable(name).units)
    columns = ["time", "lat", "lon", "place", "scenario", "run", "variable", "units", "value"]
    return io.BytesIO(table[columns].to_csv(index=False).encode("utf-8"))


def map_netcdf(view: View, fields: Fields | None, name: str) -> io.BytesIO:
    """Mean season of the difference on the cells run so far."""
    assert fields is not None
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
    return netcdf_bytes(data.assign_attrs(attributes(view) | {"scenario": text, "change": in_words(text)}))


def pulse_csv(view: View, way: xr.Dataset) -> io.BytesIO:
    """Tidy: days after, place, quantity, units, value."""
    table = way.to_dataframe().reset_index().melt(["age"], var_name="where", value_name="value")
    table = table.rename(columns={"age": "days_after"}).assign(
        place=str(way.attrs["place"]), pulse_mm=way.attrs["amount"], day=way.attrs["day"], units="mm"
    )
    return io.BytesIO(table.to_csv(index=False).encode("utf-8"))


def figures(experiment: Experiment) -> list[str]:
    """Both runs of the quantity and their difference as SVG, with a sentence; nothing before there are runs."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    runs = experiment.runs
    if runs is None:
        return []
    name = experiment.quantity
    entry, light = variable(name), tokens(False)
    figure = Figure(figsize=(9, 4.2), facecolor="none", layout="constrained")
    FigureCanvasSVG(figure)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    times = experiment.within(runs.plain[name])["time"].values
    for run, color, label in ((runs.plain, light["quiet"], "as it was"), (runs.changed, light["accent"], "changed")):
        above.plot(times, experiment.within(run[name]).values, color=color, lw=1.3, label=label)
    below.fill_between(times, experiment.within(runs.difference[name]).values, color=light["accent"], alpha=0.4, lw=0)
    above.legend(frameon=False)
    above.set_ylabel(f"{entry.long_name}, {units_in_words(entry.units)}")
    below.set_ylabel("difference")
    for axes in (above, below):
        axes.spines[["top", "right"]].set_visible(False)
    stream = io.StringIO()
    figure.savefig(stream, format="svg")
    drawn = stream.getvalue()
    said = escape(sentence(runs, name))
    return [f'<div class="figure" role="img" aria-label="{said}">{drawn[drawn.index("<svg") :]}</div><p>{said}</p>']


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
