"""A river day by day: rain from the top, runoff observed and simulated with its bands, the stores. Pure: drawings.

Input: runs (time) as `Engine.site` gives them, cut to the days wanted; one model, or two (L and R) of one place.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.plots.components import LABELS
from dashboard.plots.labels import end_names, name_mark, room
from dashboard.plots.reading import Reading
from dashboard.plots.sheet import Drawing, Mark, numbers, words
from dashboard.plots.timeseries import span_of, thinned
from dashboard.theme import DASHES, FORCING_COLORS, component_colors, label_colors, tokens

RAIN, RUNOFF, STORES = 64, 240, 130  # px
EDGE, FOOT = 64, 34  # px left of the frame, and under it
DRAWN = ("swe", "soil_moisture", "groundwater")
RIGHT = room([*(LABELS[store] for store in DRAWN), "Observed", "Simulated"])  # px, the same under each other
BANDS = (("runoff_low_90", "runoff_high_90", 0.14), ("runoff_low_50", "runoff_high_50", 0.22))


def kept_days(runs: Sequence[xr.Dataset]) -> NDArray[np.intp]:
    """Days to draw: all where they are few, else highs and lows of every curve of runoff."""
    curves = [run["runoff"].values for run in runs] + [runs[0]["runoff_observed"].values]
    return np.unique(np.concatenate([thinned(curve.astype(float)) for curve in curves]))


def inks(dark: bool) -> tuple[str, str]:
    """Colours of the first model and of the second."""
    return tokens(dark)["accent"], tokens(dark)["warn"]


def _frame(run: xr.Dataset) -> tuple[float, float]:
    at = numbers(run["time"].values)
    return float(at[0]), float(at[-1])


def rain(runs: Sequence[xr.Dataset], dark: bool = False, text: str = "") -> Drawing:
    """Precipitation hanging from the top; where days are left out, the most of those."""
    run, kept = runs[0], kept_days(runs)
    amount = _blocks(run["precipitation"].values.astype(np.float32), kept)
    at = numbers(run["time"].values)[kept]
    most = max(float(np.nanmax(amount, initial=1.0)), 1.0)
    color = "#5AAEE0" if dark else FORCING_COLORS["precipitation"]
    look = {"x": "at", "y1": "zero", "y2": "rain", "fill_color": color, "fill_alpha": 0.75}
    table = {"at": at, "rain": amount, "zero": np.zeros_like(amount)}
    return Drawing(
        {"rain": table}, [Mark("varea", "rain", look)], _frame(run), (1.05 * most, 0), RAIN, dark, text, y_ticks=2,
        y_label="mm d⁻¹", x_shown=False, left=EDGE, right=RIGHT,
        reads=[Reading("rain", {"rain": "Rain"}, "mm a day")],
    )  # fmt: skip


def runoff(runs: Sequence[xr.Dataset], dark: bool = False, text: str = "") -> Drawing:
    """Observed and simulated runoff; bands of 50 and 90 % of the first model; the days nobody learned from shaded."""
    first, kept, tone = runs[0], kept_days(runs), tokens(dark)
    at = numbers(first["time"].values)
    curves: dict[str, Any] = {"at": at[kept], "observed": first["runoff_observed"].values[kept].astype(np.float32)}
    named = ["Simulated"] if len(runs) == 1 else ["L", "R"]
    marks = []
    for low, high, alpha in BANDS if len(runs) == 1 else ():
        if low in first:
            curves |= {name: first[name].values[kept].astype(np.float32) for name in (low, high)}
            look = {"x": "at", "y1": low, "y2": high, "fill_color": tone["accent"], "fill_alpha": alpha}
            marks.append(Mark("varea", "curves", look))
    seen = {"x": "at", "y": "observed", "line_color": tone["text"], "line_width": 1.3}
    marks.append(Mark("line", "curves", seen))
    for name, run, ink, dash in zip(named, runs, inks(dark), ("solid", "dashed"), strict=False):
        curves[name] = run["runoff"].values[kept].astype(np.float32)
        look = {"line_color": ink, "line_width": 1.6, "line_dash": dash}
        marks.append(Mark("line", "curves", {"x": "at", "y": name, **look}))
    least, most = span_of(np.concatenate([curves[name] for name in ("observed", *named)]))
    limits = (min(least, 0.0), most)
    tested, end = at[first["tested"].values.astype(bool)], float(at[-1])
    ends = [_last(curves[name]) for name in ("observed", *named)]
    names = end_names(end, ends, ["Observed", *named], [tone["text"], *inks(dark)[: len(runs)]], limits, RUNOFF - FOOT)
    tables: dict[str, dict[str, Any]] = {
        "tested": {"left": tested[:1], "right": tested[-1:]}, "curves": curves, "names": names,
        "word": {"x": tested[:1], "y": np.full(tested[:1].size, limits[1]),
                 "text": ["test period, never trained on"][: tested.size]},
    }  # fmt: skip
    shade = {"fill_color": tone["accent"], "fill_alpha": 0.06, "line_color": None, "level": "underlay"}
    word = words(x="x", y="y", text="text", text_color=tone["quiet"], x_offset=4, text_baseline="top")
    marks = [Mark("vstrip", "tested", {"x0": "left", "x1": "right", **shade}), *marks, Mark("text", "word", word)]
    return Drawing(
        tables, [*marks, name_mark()], _frame(first), limits, RUNOFF, dark, text, y_ticks=5, y_label="runoff, mm d⁻¹",
        x_shown=False, left=EDGE, right=RIGHT,
        reads=[Reading("curves", {"observed": "Observed", **{name: name for name in named}}, "mm a day")],
    )  # fmt: skip


def stores(
    run: xr.Dataset, runs: Sequence[xr.Dataset], dark: bool = False, text: str = "", letter: str = "", last: bool = True
) -> Drawing:
    """Stores of one run, on the vertical range of all `runs`; `last` writes the time axis out."""
    kept, colors = kept_days(runs), component_colors(dark)
    at = numbers(run["time"].values)[kept]
    curves: dict[str, Any] = {"at": at}
    marks, names, ends, paints = [], [], [], []
    for store in DRAWN:
        if store not in run:
            continue
        curves[store] = run[store].values[kept].astype(np.float32)
        look = {"line_color": colors[store], "line_width": 1.6, "line_dash": DASHES[store]}
        marks.append(Mark("line", "curves", {"x": "at", "y": store, **look}))
        names.append(LABELS[store])
        ends.append(_last(curves[store]))
        paints.append(label_colors(dark)[store])
    limits = span_of(
        np.concatenate([one[store].values.astype(float) for one in runs for store in DRAWN if store in one])
    )
    label = f"{letter}: stored, mm" if letter else "stored, mm"
    table = end_names(float(at[-1]), ends, names, paints, limits, STORES - (FOOT if last else 8))
    return Drawing(
        {"curves": curves, "names": table}, [*marks, name_mark()], _frame(run), limits, STORES, dark, text, x_ticks=4,
        y_ticks=3, y_label=label, x_shown=last, dates=True, left=EDGE, right=RIGHT,
        reads=[Reading("curves", {store: LABELS[store] for store in DRAWN if store in curves}, "mm", title=letter)],
    )  # fmt: skip


def _last(curve: NDArray) -> float:
    """The last value there is."""
    good = curve[np.isfinite(curve)]
    return float(good[-1]) if good.size else 0.0


def _blocks(daily: NDArray, at: NDArray[np.intp]) -> NDArray[np.float32]:
    """Largest value between one drawn day and the next, so that no storm is lost where days are left out."""
    if at.size in (0, daily.size):
        return daily[at]
    return np.maximum.reduceat(np.nan_to_num(daily), at)
