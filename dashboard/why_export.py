"""What the Why page shows, to take away: contributions day by day with the weather, the pulse, the same in Python."""

from __future__ import annotations

import io
from html import escape
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import xarray as xr

from dashboard import pulses, tidy, trial, why
from dashboard.export import attributes, netcdf_bytes
from dashboard.selection import number, row_label
from dashboard.tables import html_table
from hdlcore.runtime.requests import EXPLANATIONS
from hdlcore.variables import variable

if TYPE_CHECKING:
    from dashboard.pages.why_view import Why


def story_dataset(held: Why) -> xr.Dataset:
    """Contributions (time, driver or store) on the days of the weather, with the weather and its usual course."""
    story, view = held.story, held.view
    assert story is not None
    daily = why.contributions(story.answer)
    axis = str(daily.dims[1])
    daily = daily.assign_coords({axis: [str(name) for name in daily[axis].values]}).rename("contribution")
    marks = {"source": "generated"} if view.generated else {}
    data = xr.Dataset({"contribution": daily.astype(np.float32).assign_attrs(units=story.units, **marks)})
    for name in map(str, story.weather.data_vars):
        about = {**story.weather[name].attrs, **marks}
        data[name] = ("time", story.weather[name].values, about)
        usual = {"units": about.get("units", ""), "long_name": f"{about.get('long_name', name)}, usual course"}
        data[f"{name}_usual"] = ("time", story.usual[name].values, usual | marks)
    about = {"place": view.place, "day": str(story.answer["time"].values[0])[:10], "target": story.target}
    about |= {"method": story.method, "claim": EXPLANATIONS[story.method].claim}
    if "completeness_gap" in story.answer:
        about["completeness_gap"] = f"{float(story.answer['completeness_gap'].values[0]):.6g}"
    return data.assign_attrs(attributes(view) | about)


def story_netcdf(held: Why) -> io.BytesIO:
    """The story as CF NetCDF."""
    return netcdf_bytes(story_dataset(held))


def _about(held: Why) -> dict[str, str]:
    """What of the question tells rows apart."""
    return {"day": held.state.day, "target": held.target, "method": held.method}


def story_csv(held: Why) -> io.BytesIO:
    """The contributions, tidy, by day, target, method and driver (or store)."""
    data = story_dataset(held)["contribution"]
    axis = str(data.dims[1])
    table = data.to_dataframe("value").reset_index().rename(columns={axis: "driver"})
    table["time"] = table["time"].dt.strftime("%Y-%m-%d")
    about = _about(held)
    table = table.assign(**tidy.where(held.view), **about, variable="contribution", units=data.attrs["units"])
    return tidy.csv(table, *about, "driver")


def trial_csv(held: Why) -> io.BytesIO:
    """Deletion and insertion, step by step, with the random orders, tidy."""
    assert held.trial is not None
    about = _about(held)
    table = trial.rows(held.trial).assign(time=held.state.day, **tidy.where(held.view), **about, variable=held.target)
    return tidy.csv(table, *about, *trial.COLUMNS)


def trial_netcdf(held: Why) -> io.BytesIO:
    """The same as CF NetCDF."""
    assert held.trial is not None
    kept = {key: text for key, text in held.trial.attrs.items() if isinstance(text, str)}
    return netcdf_bytes(held.trial.assign_attrs(kept | attributes(held.view) | _about(held)))


def pulse_csv(held: Why) -> io.BytesIO:
    """The answer of every store and flux to the pulse, tidy; the twin's own beside it where it is known."""
    day, tables = np.datetime64(held.state.day), []
    for origin, data in (("answer", held.response), ("truth", held.truth)):
        for name in pulses.stores_and_fluxes(data) if data is not None else []:
            curve = data[name]  # type: ignore[index]
            after = curve["lag"].values.astype(int)
            tables.append(
                pd.DataFrame(
                    {"time": (day + after).astype(str), "days_after": after, "run": origin, "variable": name,
                     "units": variable(name).units, "value": curve.values}
                )
            )  # fmt: skip
    table = pd.concat(tables).assign(**tidy.where(held.view), driver=held.state.pulsed)
    return tidy.csv(table, "driver", "days_after", "run")


def pulse_netcdf(held: Why) -> io.BytesIO:
    """The answer to the pulse, and the twin's where it is known."""
    assert held.response is not None
    data = held.response.drop_vars("implausible", errors="ignore").drop_vars("flag", errors="ignore")
    if held.truth is not None:
        true = {f"{name}_true": held.truth[name] for name in held.truth.data_vars if name in data and name != "pulse"}
        data = data.assign(true)
    failed = [text for text, bad in pulses.flags(held.response) if bad]
    kept = {key: text for key, text in data.attrs.items() if isinstance(text, str)}
    about = {"place": held.view.place, "not_plausible": " ".join(failed) or "nothing found"}
    return netcdf_bytes(data.assign_attrs({**kept, **attributes(held.view), **about}))


def figures(held: Why) -> list[str]:
    """The story as a table of windows, with its sentence."""
    story = held.story
    if story is None:
        return []
    start, end, values = why.windows(story.answer)
    axis = str(values.dims[1])
    head = ["Days ago", *(row_label(str(name)) for name in values[axis].values)]
    rows = [
        [f"{a}" if a == b else f"{a} to {b}", *(number(value) for value in line)]
        for a, b, line in zip(start, end, values.values, strict=True)
    ]
    said = why.sentence(story, held.view.place)
    tried = [f"<p>{escape(trial.sentence(held.trial))}</p>"] if held.trial is not None else []
    return [f"<p>{escape(said)}</p>", html_table(f"Contributions ({story.units})", head, rows), *tried]


def snippet(held: Why) -> str:
    """Python that makes the same contributions from hdlcore alone."""
    if held.story is None:
        return f"# {held.empty}\n"
    lines = [
        "from hdlcore.attribution.views import event",
        "from hdlcore.runtime.engine import Engine",
        "from hdlcore.runtime.requests import ExplanationRequest",
        "",
        f"request = {held.request!r}",
        "answer = Engine().explain(request)",
        f"print(event(answer, {held.state.day!r}).to_pandas())",
    ]
    if held.trial is not None:
        lines.append('print(Engine().curves(request)[["deletion", "insertion"]].to_pandas())')
    return "\n".join(lines) + "\n"
