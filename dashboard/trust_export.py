"""What the Trust page shows, to take away: scores of the card, scores of the cells left, and both in Python."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from dashboard import export, tidy, trust
from hdlcore.variables import VARIABLES, variable

if TYPE_CHECKING:
    from dashboard.pages.trust_view import Trust

#: What tells one score from another, beside place and quantity.
BETWEEN = ("model", "part", "score", "source")


def scores_table(held: Trust) -> pd.DataFrame:
    """Every score of the card on held-out cells, one a row: of which model, which part of the signal, over which land.

    Those of simpler models beside it; how often the bands hold what was held out, and CRPS, by climate zone.
    """
    info, units = held.info, ("rmse_median", "crps")
    rows: list[dict[str, object]] = []
    if info is None:
        return pd.DataFrame(rows, columns=[*tidy.FIRST, *BETWEEN, *tidy.LAST])
    title, scores = held.view.model, info.card.scores

    def add(name: str, part: str, score: str, value: float, model: str = title, place: str = "All land") -> None:
        if np.isfinite(value):
            unit = variable(name).units if score in units else "1"
            rows.append({
                "time": "", "lat": "", "lon": "", "place": place, "model": model, "part": trust.PARTS.get(part, part),
                "score": score, "source": held.view.label, "variable": name, "units": unit, "value": value,
            })  # fmt: skip

    for one in trust.score_rows(info):
        for score in ("nse_median", "r_median", "rmse_median"):
            add(one.name, one.part, score, trust.found(scores, one.name, one.part, score))
        for rival, value in one.rivals.items():
            add(one.name, one.part, "nse_median", value, rival)
    for name in VARIABLES:
        whole = trust.table_at(scores, "uncertainty", name)
        zones = {zone: of for zone, of in trust.table_at(whole, "zones").items() if isinstance(of, dict)}
        for place, of in {"All land": whole, **zones}.items():
            for score in ("coverage_50", "coverage_90", "crps"):
                add(name, "months", score, trust.found(of, score), place=place)
    return pd.DataFrame(rows, columns=[*tidy.FIRST, *BETWEEN, *tidy.LAST])


def scores_csv(held: Trust) -> io.BytesIO:
    """The same as CSV, its columns in the common order."""
    return tidy.csv(scores_table(held), *BETWEEN)


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
