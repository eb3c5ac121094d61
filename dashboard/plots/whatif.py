"""Two runs of a quantity, their difference, the way of a pulse through the stores. Pure: numbers in, drawings out.

Series have dim ``time`` and ``units``; a way has dim ``age`` (days) and quantities in mm that add up to the pulse.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.plots.components import head_of, month_mark, month_spans
from dashboard.plots.labels import end_names, name_mark, room
from dashboard.plots.reading import Reading
from dashboard.plots.sheet import Drawing, Mark, Ticks, numbers
from dashboard.plots.timeseries import span_of, thinned
from dashboard.theme import FORCING_COLORS, component_colors, label_colors, tokens

EDGE = 64  # px left of the frame, so that all plots of a column stand under each other
RIGHT = room(["Precip.", "As it was", "Changed", "Change"])  # px, the same for all plots of a column
FOOT = 36  # px under the frame, where the axis is written out
AGES = ((0, "day 0"), (180, "half a year"), (365, "1 year"))
Span = tuple[Any, Any]
_DAY = 86_400_000.0  # ms
#: More days of rain than this are drawn as months: a bar each would be narrower than a pixel.
_MOST_DAYS = 400


def rain(
    plain: xr.DataArray, changed: xr.DataArray | None, dark: bool = False, summary: str = "", height: int = 62,
    span: Span | None = None, month: int = 1,
) -> Drawing:  # fmt: skip
    """Precipitation of both runs hanging from the top: what both have, what the change took away, what it added."""
    tone, x, at = tokens(dark), _frame(plain), numbers(plain["time"].values)
    kept = plain if changed is None else changed
    if plain.sizes["time"] > _MOST_DAYS:
        plain, kept = (run.resample(time="MS").mean() for run in (plain, kept))
    left, own, new = numbers(plain["time"].values), plain.values.astype(float), kept.values.astype(float)
    read = Reading("rain", {"was": "Rain as it was", "is": "Rain changed"}, "mm a day", head_of(plain), "left")
    right = np.append(left[1:], at[-1] + _DAY)
    gap = 0.1 * (right - left)
    both = np.minimum(own, new)
    color = "#5AAEE0" if dark else FORCING_COLORS["precipitation"]
    bars = {"left": left + gap, "right": right - gap, "top": np.zeros(own.size), "both": both, "was": own, "is": new}
    ends = {"left": "left", "right": "right", "line_color": None}
    marks = [
        Mark("quad", "rain", {**ends, "top": "top", "bottom": "both", "fill_color": color, "fill_alpha": 0.75}),
        Mark("quad", "rain", {**ends, "top": "both", "bottom": "was", "fill_color": color, "fill_alpha": 0.25}),
        Mark("quad", "rain", {**ends, "top": "both", "bottom": "is", "fill_color": tone["accent"], "fill_alpha": 1.0}),
        name_mark(),
    ]
    most = float(np.nanmax(np.concatenate([own, new]), initial=0.5))
    names = {"x": at[-1:], "y": [most / 2], "text": ["Precip."], "color": [tone["quiet"]]}
    tables = {**_ground(plain, span, month), "rain": bars, "names": names}
    return Drawing(
        tables, [*_ground_marks(dark), *marks], x, (1.08 * most, 0), height, dark, summary, y_ticks=2,
        y_label="mm d⁻¹", x_shown=False, left=EDGE, right=RIGHT, top=6, reads=[read],
    )  # fmt: skip


def two_runs(
    plain: xr.DataArray, changed: xr.DataArray | None, units: str, dark: bool = False, summary: str = "",
    height: int = 240, span: Span | None = None, month: int = 1,
) -> Drawing:  # fmt: skip
    """The run as it was (quiet) and under the change (accent), named at their ends; `span` shades when it changes."""
    tone = tokens(dark)
    runs = [("As it was", plain, tone["quiet"])]
    if changed is not None:
        runs.append(("Changed", changed, tone["accent"]))
    low, high = span_of(np.concatenate([run.values.astype(float) for _, run, _ in runs]))
    tables = _ground(plain, span, month)
    tables["plain"] = _curve(plain)
    tables["changed"] = _curve(plain.isel(time=slice(0)) if changed is None else changed)
    line = {"x": "at", "y": "value", "line_width": 1.8}
    marks = [
        *_ground_marks(dark),
        Mark("line", "plain", {**line, "line_color": tone["quiet"]}),
        Mark("line", "changed", {**line, "line_color": tone["accent"]}),
        name_mark(),
    ]
    names, values, paints = zip(*((name, float(run.values[-1]), paint) for name, run, paint in runs), strict=True)
    end = float(numbers(plain["time"].values)[-1])
    tables["names"] = end_names(end, values, names, paints, (low, high), height - FOOT)
    reads = [Reading("plain", {"value": "As it was"}, units), Reading("changed", {"value": "Changed"}, units)]
    return _under(tables, marks, plain, (low, high), units, dark, summary, height, reads, x_shown=changed is None)


def difference(
    values: xr.DataArray, units: str, dark: bool = False, summary: str = "", height: int = 130,
    span: Span | None = None, month: int = 1,
) -> Drawing:  # fmt: skip
    """Changed minus as it was, filled to zero: more above, less below."""
    tone, data = tokens(dark), values.values.astype(float)
    most = float(np.nanmax(np.abs(data), initial=0)) or 1.0
    low = -1.12 * most if np.nanmin(data, initial=0) < 0 else -0.12 * most
    high = 1.12 * most if np.nanmax(data, initial=0) > 0 else 0.12 * most
    curve = _curve(values)
    at = curve["at"]
    tables = {**_ground(values, span, month), "gap": curve | {"zero": np.zeros(at.size, np.float32)}}
    tables["zero"] = {"at": at[[0, -1]], "y": [0, 0]}
    marks = [
        *_ground_marks(dark),
        Mark("varea", "gap", {"x": "at", "y1": "zero", "y2": "value", "fill_color": tone["accent"],
                              "fill_alpha": 0.28}),
        Mark("line", "zero", {"x": "at", "y": "y", "line_color": tone["quiet"], "line_width": 1}),
        Mark("line", "gap", {"x": "at", "y": "value", "line_color": tone["accent"], "line_width": 1.6}),
        name_mark(),
    ]  # fmt: skip
    tables["names"] = end_names(
        float(at[-1]), [float(data[-1])], ["Change"], [tone["accent"]], (low, high), height - FOOT
    )
    reads = [Reading("gap", {"value": "Change"}, units)]
    return _under(tables, marks, values, (low, high), units, dark, summary, height, reads)


def pulse(way: xr.Dataset, dark: bool = False, summary: str = "", height: int = 230) -> Drawing:
    """Where a pulse is on each day after it: bands stacked to its whole, named where they are widest."""
    tone, colors, inks = tokens(dark), component_colors(dark), label_colors(dark)
    amount, age = float(way.attrs["amount"]), way["age"].values.astype(float)
    looks = {
        "swe": ("Snow", colors["swe"], inks["swe"]),
        "soil_moisture": ("Soil", colors["soil_moisture"], inks["soil_moisture"]),
        "groundwater": ("Groundwater", colors["groundwater"], inks["groundwater"]),
        "other": ("Other stores", colors["other_stores"], inks["other_stores"]),
        "evapotranspiration": ("Evaporated", tone["nodata"], tone["quiet"]),
        "runoff": ("Run off", tone["line"], tone["quiet"]),
    }
    bands: dict[str, Any] = {"age": age, "floor": np.zeros(age.size, np.float32)}
    marks, floor, below = [], np.zeros(age.size), "floor"
    names, wanted, paints = [], [], []
    over: dict[str, str] = {}
    for name, (label, color, ink) in looks.items():
        if name not in way:
            continue
        part = np.maximum(100 * way[name].values / amount, 0.0)
        if part.max(initial=0) < 0.5:
            continue
        bands[name] = (floor + part).astype(np.float32)
        look = {"fill_color": color, "fill_alpha": 0.9 if ink != tone["quiet"] else 1.0}
        marks.append(Mark("varea", "bands", {"x": "age", "y1": below, "y2": name, **look}))
        over[name] = below
        names.append(label)
        wanted.append(float((floor + part / 2)[-1]))
        paints.append(ink)
        floor, below = floor + part, name
    top = max(float(floor.max(initial=100)), 100.0) * 1.02
    tables = {"bands": bands, "names": end_names(float(age[-1]), wanted, names, paints, (0, top), height - FOOT)}
    return Drawing(
        tables, [*marks, name_mark()], (0, float(age[-1])), (0, top), height, dark, summary, AGES, y_ticks=5,
        y_label="% of the pulse", left=EDGE, right=room(look[0] for look in looks.values()), top=6,
        reads=[Reading("bands", dict(zip(over, names, strict=True)), "%", "age", "age", over)],
    )  # fmt: skip


def _frame(data: xr.DataArray) -> tuple[float, float]:
    """Horizontal range shared by all plots of the runs: the days."""
    at = numbers(data["time"].values)
    return float(at[0]), float(at[-1])


def _curve(data: xr.DataArray) -> dict[str, NDArray]:
    values = data.values.astype(np.float32)
    kept = thinned(values)
    return {"at": numbers(data["time"].values)[kept], "value": values[kept]}


def _ground(data: xr.DataArray, span: Span | None, month: int) -> dict[str, dict[str, Any]]:
    """Where the map's month lies, and when the change holds."""
    ends = [] if span is None else [numbers(np.array([span[0], span[1] + np.timedelta64(1, "D")]))]
    changes = {"left": [float(a) for a, _ in ends], "right": [float(b) for _, b in ends]}
    return {"months": month_spans(data, month), "changes": changes}


def _ground_marks(dark: bool) -> list[Mark]:
    tone = tokens(dark)["warn"]
    look = {"fill_color": tone, "fill_alpha": 0.1, "line_color": None, "level": "underlay"}
    return [month_mark(dark), Mark("vstrip", "changes", {"x0": "left", "x1": "right", **look})]


def _under(
    tables: dict[str, dict[str, Any]], marks: list[Mark], data: xr.DataArray, limits: tuple[float, float], units: str,
    dark: bool, summary: str, height: int, reads: list[Reading], x_shown: bool = True,
) -> Drawing:  # fmt: skip
    """A drawing on the common time axis."""
    return Drawing(
        tables, marks, _frame(data), limits, height, dark, summary, _years(data["time"].values),
        y_ticks=3 if height < 150 else 6, y_label=units, x_shown=x_shown, dates=True, left=EDGE, right=RIGHT,
        top=6, reads=reads,
    )  # fmt: skip


def _years(times: NDArray) -> Ticks | int:
    """Ticks at the starts of the years where there are several, else about four dates."""
    years = np.unique(times.astype("datetime64[Y]"))
    if years.size < 3:
        return 4
    return [(float(year.astype("datetime64[ms]").astype(float)), str(year)) for year in years]
