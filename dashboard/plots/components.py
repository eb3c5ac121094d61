"""Components of stored water through time, with precipitation hanging above. Pure: a Dataset in, a drawing out.

Input: dims ``month`` (a mean seasonal cycle) or ``time``; any of tws, swe, soil_moisture, groundwater, other_stores
(mm), their ``*_spread`` (mm), tws_observed, tws_smoothed (mm), precipitation (mm d-1). What is absent is not drawn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from dashboard.plots.labels import end_names, name_mark, room
from dashboard.plots.reading import Head, Reading
from dashboard.plots.sheet import Drawing, Mark, numbers
from dashboard.theme import DASHES, FORCING_COLORS, component_colors, label_colors, tokens

LABELS = {
    "tws": "Total",
    "swe": "Snow",
    "soil_moisture": "Soil",
    "groundwater": "Groundwater",
    "other_stores": "Other",
}
INITIALS = "JFMAMJJASOND"
_MONTH_SPAN = (0.55, 12.45)
RIGHT = room([*LABELS.values(), "Smoothed", "GRACE ∘", "Satellite ∘"])  # px, the same for all under each other


def _axis(data: xr.Dataset | xr.DataArray) -> tuple[str, np.ndarray]:
    name = "month" if "month" in data.dims else "time"
    return name, data[name].values


def _end(data: xr.Dataset) -> float:
    """Where the data end along the time axis."""
    name, values = _axis(data)
    return _MONTH_SPAN[1] if name == "month" else float(numbers(values).max())


def head_of(data: xr.Dataset | xr.DataArray) -> Head:
    """How places on the time axis are named."""
    name, values = _axis(data)
    if name == "month":
        return "season"
    return "month" if values.size > 1 and np.diff(values[:2])[0] > np.timedelta64(20, "D") else "day"


def frame(data: xr.Dataset) -> tuple[float, float]:
    """Extent of the plot, shared by both."""
    name, values = _axis(data)
    return _MONTH_SPAN[0] if name == "month" else float(numbers(values).min()), _end(data)


def _ticks(data: xr.Dataset) -> list[tuple[float, str]]:
    """Month initials, or the starts of the years (in ms since 1970, as Bokeh counts)."""
    name, values = _axis(data)
    if name == "month":
        return [(i + 1, letter) for i, letter in enumerate(INITIALS)]
    years = np.unique(values.astype("datetime64[Y]"))
    return [(float(year.astype("datetime64[ms]").astype(float)), str(year)) for year in years]


def limits(data: xr.Dataset) -> tuple[float, float]:
    """Common vertical range of all curves and bands, with a margin."""
    lows, highs = [], []
    for name in (*LABELS, "tws_observed", "tws_smoothed"):
        if name in data:
            values = data[name].values
            band = data[f"{name}_spread"].values if f"{name}_spread" in data else 0
            if np.isfinite(values).any():
                lows.append(np.nanmin(values - band))
                highs.append(np.nanmax(values + band))
    low, high = (min(lows), max(highs)) if lows and np.isfinite([*lows, *highs]).all() else (-1.0, 1.0)
    margin = 0.06 * max(high - low, 1.0)
    return float(low - margin), float(high + margin)


def month_spans(data: xr.Dataset | xr.DataArray, month: int) -> dict[str, list[Any]]:
    """Where the shown month lies on the time axis: one span, or one a year."""
    name, values = _axis(data)
    if name == "month":
        return {"left": [month - 0.5], "right": [month + 0.5]}
    first = np.unique(values.astype("datetime64[Y]")).astype("datetime64[M]") + (month - 1)
    return {
        "left": list(first.astype("datetime64[ms]").astype(float)),
        "right": list((first + 1).astype("datetime64[ms]").astype(float)),
    }


def marked(drawing: Drawing, spans: dict[str, Any]) -> Drawing:
    """A drawing with another month shaded (`month_spans` of its data), and nothing else changed."""
    return replace(drawing, tables={**drawing.tables, "months": spans})


def _dot(data: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of a quantity along its own axis (GRACE has its own times)."""
    axis = data[name].dims[0]
    return numbers(data[axis].values), data[name].values.astype(np.float32)


def month_mark(dark: bool) -> Mark:
    """The month of the map, shaded."""
    tone = {"fill_color": tokens(dark)["accent"], "fill_alpha": 0.14, "line_color": None, "level": "underlay"}
    return Mark("vstrip", "months", {"x0": "left", "x1": "right", **tone})


def components(
    data: xr.Dataset,
    dark: bool = False,
    summary: str = "",
    height: int = 208,
    departures: bool = True,
    seen_by: str = "GRACE",
    span: tuple[float, float] | None = None,
    month: int = 1,
) -> Drawing:
    """Curves of the stores with member bands, what `seen_by` observed as dots, labels at the line ends.

    `span` is the vertical range, where it is to be that of another plot as well; `month` (1 to 12) is shaded.
    """
    tone, colors = tokens(dark), component_colors(dark)
    limit = span or limits(data)
    at = numbers(_axis(data)[1])
    drawn = [store for store in LABELS if store in data]
    curves: dict[str, Any] = {"at": at}
    tables: dict[str, dict[str, Any]] = {"months": month_spans(data, month), "curves": curves}
    marks = [month_mark(dark)]
    if departures:
        tables["zero"] = {"at": list(frame(data)), "y": [0, 0]}
        look = {"line_color": tone["quiet"], "line_width": 1, "line_alpha": 0.6}
        marks.append(Mark("line", "zero", {"x": "at", "y": "y", **look}))
    for store in drawn:
        curves[store] = data[store].values.astype(np.float32)
        if f"{store}_spread" in data:
            band = data[f"{store}_spread"].values
            low, high = f"{store}_low", f"{store}_high"
            curves[low], curves[high] = ((data[store].values + way * band).astype(np.float32) for way in (-1, 1))
            look = {"fill_color": colors[store], "fill_alpha": 0.16}
            marks.append(Mark("varea", "curves", {"x": "at", "y1": low, "y2": high, **look}))
    if "tws_smoothed" in data:
        curves["smoothed"] = data["tws_smoothed"].values.astype(np.float32)
        look = {"line_color": colors["tws"], "line_width": 1, "line_alpha": 0.55}
        marks.append(Mark("line", "curves", {"x": "at", "y": "smoothed", **look}))
    for store in reversed(drawn):
        look = {"line_color": colors[store], "line_width": 2.4 if store == "tws" else 2, "line_dash": DASHES[store]}
        marks.append(Mark("line", "curves", {"x": "at", "y": store, **look}))
    if "tws_observed" in data:
        seen_at, seen = _dot(data, "tws_observed")
        tables["seen"] = {"at": seen_at, "seen": seen}
        look = {"fill_color": tone["surface"], "line_color": tone["text"], "line_width": 1.4, "size": 6.5}
        marks.append(Mark("scatter", "seen", {"x": "at", "y": "seen", **look}))
    tables["names"] = _end_labels(data, drawn, label_colors(dark), tone["text"], limit, height, seen_by)
    marks.append(name_mark())
    named = {store: LABELS[store] for store in drawn} | ({"smoothed": "Smoothed"} if "smoothed" in curves else {})
    reads = [Reading("curves", named, "mm", head_of(data))]
    if "seen" in tables:
        reads.append(Reading("seen", {"seen": seen_by}, "mm", head_of(data)))
    return Drawing(
        tables, marks, frame(data), limit, height, dark, summary, _ticks(data),
        y_label="mm from the mean" if departures else "mm", right=RIGHT, reads=reads,
    )  # fmt: skip


def _end_labels(
    data: xr.Dataset,
    drawn: list[str],
    inks: dict[str, str],
    ink: str,
    limit: tuple[float, float],
    height: int,
    seen_by: str,
) -> dict[str, Any]:
    """Names at the right-hand ends of the lines, moved apart where they would cover each other."""
    names, wanted, colors = [], [], []
    for store in drawn:
        names.append(LABELS[store])
        wanted.append(float(data[store].values[-1]))
        colors.append(inks[store])
    if "tws_observed" in data:
        seen = data["tws_observed"].values
        good = seen[np.isfinite(seen)]
        names.append(f"{seen_by} ∘")
        wanted.append(float(good[-1]) if good.size else 0.0)
        colors.append(ink)
    if "tws_smoothed" in data:
        names.append("Smoothed")
        wanted.append(float(data["tws_smoothed"].values[-1]))
        colors.append(ink)
    return end_names(_end(data), wanted, names, colors, limit, height - 40)


def precipitation(data: xr.Dataset, dark: bool = False, summary: str = "", height: int = 54) -> Drawing:
    """Precipitation hanging from the top, as hydrologists draw it."""
    name, axis = _axis(data)
    values = data["precipitation"].values.astype(np.float32)
    most = float(np.nanmax(values)) if values.size else 1.0
    color = "#5AAEE0" if dark else FORCING_COLORS["precipitation"]
    table = {"at": numbers(axis), "rain": values, "top": np.zeros_like(values)}
    ends = {"x0": "at", "y0": "top", "x1": "at", "y1": "rain"}
    look = {"line_color": color, "line_width": 9 if name == "month" else 1, "line_alpha": 0.75}
    return Drawing(
        {"rain": table}, [Mark("segment", "rain", {**ends, **look})], frame(data), (max(most, 0.5) * 1.08, 0), height,
        dark, summary, _ticks(data), y_ticks=2, y_label="mm d⁻¹", x_shown=False, right=RIGHT,
        reads=[Reading("rain", {"rain": "Precipitation"}, "mm a day", head_of(data))],
    )  # fmt: skip
