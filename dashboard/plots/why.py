"""One day's water told on the weather before it, and the answer to a pulse. Pure: numbers in, drawings out."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.plots.heatmap import painted
from dashboard.plots.labels import end_names, name_mark, room
from dashboard.plots.reading import Reading
from dashboard.plots.sheet import OF_WORDS, Drawing, Mark, numbers
from dashboard.selection import row_label
from dashboard.theme import FORCING_COLORS, tokens

EDGE = 64  # px left of the frame, so that all plots stand under each other
FOOT = 34  # px under the frame, where the axis is written out
#: Kin of the drivers' colours for text, on light and on dark ground, at least 4.5:1.
INKS = {"#0072B2": ("#00629A", "#4FA8E0"), "#D55E00": ("#A04300", "#F07A2A"), "#CC79A7": ("#A03A78", "#CC79A7")}
AGES = ((0, "0"), (90, "3 months"), (180, "6 months"), (270, "9 months"), (365, "1 year"))
#: Names short enough for the line ends on a phone.
SHORT = {
    "precipitation": "Precip.", "air_temperature": "Temp.", "net_radiation": "Rad.",
    "potential_evapotranspiration": "PET", "shortwave_radiation": "Short.", "longwave_radiation": "Long.",
    "vapour_pressure_deficit": "VPD", "wind_speed": "Wind", "co2": "CO₂",
}  # fmt: skip
RIGHT = room([*SHORT.values(), "All", "Goal"])  # px, the same for all plots of a column
#: Colours end at this quantile of the contributions, so that one storm leaves the rest its colour.
END_QUANTILE = 0.985
_HALF_DAY = 43_200_000.0  # ms


def color_end(daily: xr.DataArray) -> float:
    """Where the colours of the daily contributions end."""
    size = np.abs(daily.values[np.isfinite(daily.values)])
    size = size[size > 0]
    return float(np.quantile(size, END_QUANTILE)) if size.size else 1.0


def _name(driver: str) -> str:
    return SHORT.get(driver, row_label(driver))


def _ink(driver: str, dark: bool) -> str:
    """Colour of a driver's name."""
    paint = FORCING_COLORS.get(driver, "")
    return INKS[paint][dark] if paint in INKS else tokens(dark)["accent"]


def _frame(at: NDArray) -> tuple[float, float]:
    """Horizontal range of everything on the page: the days."""
    return float(at[0]), float(at[-1])


def _within(low: float, high: float) -> tuple[float, float]:
    pad = 0.1 * max(high - low, 1e-6)
    return low - pad, high + pad


def driver_story(
    weather: xr.DataArray, usual: xr.DataArray, contribution: xr.DataArray, end: float, units: str,
    dark: bool = False, summary: str = "", height: int = 104,
) -> Drawing:  # fmt: skip
    """A driver through time: each day a bar from usual to what was, coloured by what it did to the target.

    Precipitation hangs from the top, as hydrologists draw it.
    """
    tone, times = tokens(dark), weather["time"].values
    at, own, mean = numbers(times), weather.values.astype(np.float32), usual.values.astype(np.float32)
    told = contribution.reindex(time=times).values.astype(float)
    low, high = float(min(own.min(), mean.min())), float(max(own.max(), mean.max()))
    driver, hangs = str(weather.name), weather.name == "precipitation"
    limits = (min(low, 0.0), _within(low, high)[1]) if hangs else _within(low, high)
    bars = {
        "left": at - _HALF_DAY, "right": at + _HALF_DAY, "bottom": np.minimum(own, mean),
        "top": np.maximum(own, mean), "color": painted(told, True, dark, end),
    }  # fmt: skip
    ends = {name: name for name in ("left", "right", "bottom", "top")}
    line = {"x": "at", "line_color": tone["quiet"], "line_width": 0.8, "line_alpha": 0.8}
    rest = {"x": "at", "line_color": tone["text"], "line_width": 1.2, "line_dash": "dashed"}
    return Drawing(
        tables={
            "bars": bars,
            "days": {"at": at, "own": own, "usual": mean, "did": told.astype(np.float32)},
            "names": end_names(float(at[-1]), [float(mean[-1])], [_name(driver)], [_ink(driver, dark)], limits, height),
        },
        marks=[
            Mark("quad", "bars", {**ends, "fill_color": "color", "line_color": None}),
            Mark("line", "days", {"y": "own", **line}),
            Mark("line", "days", {"y": "usual", **rest}),
            name_mark(),
        ],
        x=_frame(at), y=limits[::-1] if hangs else limits, height=height, dark=dark, text=summary, y_ticks=3,
        y_label=units, x_shown=False, left=EDGE, right=RIGHT,
        reads=[
            Reading("days", {"own": "That day", "usual": "Usual"}, units, title=row_label(driver)),
            Reading("days", {"did": "What it did"}, str(contribution.attrs.get("units", "mm"))),
        ],
    )  # fmt: skip


def running_sum(
    daily: xr.DataArray, total: float | None, units: str, dark: bool = False, summary: str = "", height: int = 150
) -> Drawing:
    """Contributions added up from the oldest day on, by driver and in all; `total` is what they should reach."""
    tone, at = tokens(dark), numbers(daily["time"].values)
    drivers = [str(name) for name in daily["forcing"].values]
    lines = {name: np.cumsum(daily.sel(forcing=name).values.astype(float)) for name in drivers}
    labels, inks = [_name(name) for name in drivers], [_ink(name, dark) for name in drivers]
    paints = [FORCING_COLORS.get(name, tone["accent"]) for name in drivers]
    if len(lines) > 1:
        lines["all"] = np.sum(list(lines.values()), axis=0)
        labels, paints, inks = [*labels, "All"], [*paints, tone["text"]], [*inks, tone["text"]]
    tables: dict[str, dict[str, Any]] = {
        "zero": {"at": at[[0, -1]], "y": [0, 0]},
        "sums": {"at": at} | {name: line.astype(np.float32) for name, line in lines.items()},
    }
    marks = [Mark("line", "zero", {"x": "at", "y": "y", "line_color": tone["quiet"], "line_width": 1})]
    for name, paint in zip(lines, paints, strict=True):
        look = {"line_color": paint, "line_width": 2.0 if name == "all" else 1.6}
        marks.append(Mark("line", "sums", {"x": "at", "y": name, **look}))
    ends = [float(line[-1]) for line in lines.values()]
    if total is not None:
        tables["goal"] = {"at": at[-1:], "y": [total]}
        cross = {"marker": "x", "size": 9, "line_color": tone["text"], "line_width": 1.6}
        marks.append(Mark("scatter", "goal", {"x": "at", "y": "y", **cross}))
        ends, labels, inks = [*ends, total], [*labels, "Goal"], [*inks, tone["quiet"]]
    every = np.concatenate([*lines.values(), [0.0 if total is None else total]])
    limits = _within(float(every.min()), float(every.max()))
    tables["names"] = end_names(float(at[-1]), ends, labels, inks, limits, height - FOOT)
    return Drawing(
        tables, [*marks, name_mark()], _frame(at), limits, height, dark, summary, x_ticks=4, y_ticks=4, y_label=units,
        dates=True, left=EDGE, right=RIGHT,
        reads=[Reading("sums", dict(zip(lines, labels, strict=False)), units, title="Added up")],
    )  # fmt: skip


def pulse_answer(
    response: xr.DataArray, truth: xr.DataArray | None, units: str, dark: bool = False, summary: str = "",
    height: int = 200,
) -> Drawing:  # fmt: skip
    """Response to a pulse by days after it, filled to zero; the twin's own, dashed, beside it."""
    tone, age = tokens(dark), response["lag"].values.astype(float)
    values = response.values.astype(float)
    own = values if truth is None else truth.values.astype(float)
    every = np.concatenate([values, own, [0.0]])
    limits = _within(float(every.min()), float(every.max()))
    answer = {"age": age, "zero": np.zeros(age.size, np.float32), "value": values.astype(np.float32)}
    tables: dict[str, dict[str, Any]] = {"answer": answer, "zero": {"age": age[[0, -1]], "y": [0, 0]}}
    fill = {"fill_color": tone["accent"], "fill_alpha": 0.25}
    marks = [
        Mark("varea", "answer", {"x": "age", "y1": "zero", "y2": "value", **fill}),
        Mark("line", "zero", {"x": "age", "y": "y", "line_color": tone["quiet"], "line_width": 1}),
        Mark("line", "answer", {"x": "age", "y": "value", "line_color": tone["accent"], "line_width": 1.8}),
    ]
    reads = [Reading("answer", {"value": "Model"}, units, "age", "age")]
    if truth is not None:
        tables["truth"] = {"age": truth["lag"].values.astype(float), "value": own.astype(np.float32)}
        look = {"line_color": tone["text"], "line_width": 1.6, "line_dash": "dashed"}
        marks.append(Mark("line", "truth", {"x": "age", "y": "value", **look}))
        paints = [tone["accent"], tone["text"]]
        both = [float(values[-1]), float(own[-1])]
        tables["names"] = end_names(float(age[-1]), both, ["Model", "Truth"], paints, limits, height - FOOT)
        marks.append(name_mark())
        reads.append(Reading("truth", {"value": "Truth"}, units, "age", "age"))
    return Drawing(
        tables, marks, (0, age[-1]), limits, height, dark, summary, AGES, y_ticks=4, y_label=units, thin=OF_WORDS,
        left=EDGE, right=room(["Model", "Truth"]), reads=reads,
    )  # fmt: skip
