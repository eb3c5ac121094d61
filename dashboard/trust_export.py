"""What the Trust page shows, to take away: scores of the card, scores of the cells left, and both in Python."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from dashboard import export, tidy, trust
from hdlcore.variables import variable

if TYPE_CHECKING:
    from dashboard.pages.trust_view import Trust


def scores_csv(held: Trust) -> io.BytesIO:
    """Tidy: model, variable, part, statistic, value."""
    rows = []
    for one in trust.score_rows(held.info) if held.info is not None else []:
        for name, value in {held.view.model: one.own, **one.rivals}.items():
            rows.append([name, one.name, one.part, "nse_median", value, held.view.label])
    table = pd.DataFrame(rows, columns=["model", "variable", "part", "statistic", "value", "source"])
    return io.BytesIO(table.to_csv(index=False).encode())


def cells_dataset(held: Trust) -> xr.Dataset:
    """Every score (cell) of the cells left."""
    fields, world = held.view.fields, held.view.world
    keep = np.flatnonzero(held.mask)
    marks = {"source": "generated"} if held.view.generated else {}
    data = {
        name: ("cell", fields[name].values[keep], variable(name).attributes() | marks)
        for name in held.names
        if fields is not None
    }
    coords = {name: ("cell", world[name].values[keep], world[name].attrs) for name in ("cell", "lat", "lon", "area")}
    return xr.Dataset(data, coords, export.attributes(held.view))


def cells_csv(held: Trust) -> io.BytesIO:
    """The scores by cell, tidy."""
    keep, origin = np.flatnonzero(held.mask), "generated" if held.view.generated else "held-out cells"
    return tidy.csv(
        tidy.of_cells(held.view, keep, cells_dataset(held), "all", held.view.generated, source=origin), "source"
    )


def cells_netcdf(held: Trust) -> io.BytesIO:
    """The same as CF NetCDF."""
    return export.netcdf_bytes(cells_dataset(held))


def snippet(held: Trust) -> str:
    """Card, scores by cell and a new evaluation in Python."""
    if held.info is None:
        return "# There is no model on the screen.\n"
    lines = [
        "from hdlcore.runtime.engine import Engine",
        "",
        "engine = Engine()",
        f"info = engine.model({held.view.model!r})",
        "print(info.card.scores, info.card.baselines, info.card.limits)",
        f"fields = engine.fields({held.view.model!r})",
    ]
    if held.shown:
        lines.append(f"print(float(fields[{held.shown!r}].median()))")
    lines.append(f"# all of it anew, some minutes: hdl evaluate {held.view.model} --report report.html")
    return "\n".join(lines) + "\n"
