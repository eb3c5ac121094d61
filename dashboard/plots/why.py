"""One day's water told on the weather before it, and the answer to a pulse. Pure: numbers in, HoloViews out."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np
import xarray as xr
from bokeh.models import DatetimeTickFormatter, FixedTicker

from dashboard.plots.heatmap import colors
from dashboard.plots.labels import line_labels, spread_apart
from dashboard.plots.palette import palette
from dashboard.plots.sheet import quiet_figure
from dashboard.selection import row_label
from dashboard.theme import FORCING_COLORS, tokens

hv.extension("bokeh")

EDGE = 64  # px left of the frame, so that all plots stand under each other
ROOM = 0.2  # share of the span kept free at the right, for names at the line ends
#: Kin of the drivers' colours for text, on light and on dark ground, at least 4.5:1.
INKS = {"#0072B2": ("#00629A", "#4FA8E0"), "#D55E00": ("#A04300", "#F07A2A"), "#CC79A7": ("#A03A78", "#CC79A7")}
_AGES = {0: "0", 90: "3 months", 180: "6 months", 270: "9 months", 365: "1 year"}
#: Names short enough for the line ends on a phone.
SHORT = {"precipitation": "Precip.", "air_temperature": "Temp.", "net_radiation": "Rad."}
#: Colours end at this quantile of the contributions, so that one storm leaves the rest its colour.
END_QUANTILE = 0.985


def color_end(daily: xr.DataArray) -> float:
    """Where the colours of the daily contributions end."""
    size = np.abs(daily.values[np.isfinite(daily.values)])
    size = size[size > 0]
    return float(np.quantile(size, END_QUANTILE)) if size.size else 1.0


def driver_story(
    weather: xr.DataArray, usual: xr.DataArray, contribution: xr.DataArray, end: float, label: str, units: str,
    dark: bool = False, summary: str = "", height: int = 104, last: bool = False,
) -> hv.Overlay:  # fmt: skip
    """A driver through time: each day a bar from usual to what was, coloured by what it did to the target."""
    tone = tokens(dark)
    times, own, mean = weather["time"].values, weather.values.astype(float), usual.values.astype(float)
    told = contribution.reindex(time=times).values.astype(float)
    half = np.timedelta64(12, "h")
    bars = hv.Rectangles((times - half, np.minimum(own, mean), times + half, np.maximum(own, mean), told), vdims="told")
    tones = palette("berlin_r") if dark else colors(True, False)
    bars = bars.opts(color="told", cmap=list(tones), clim=(-end, end), line_alpha=0)
    line = hv.Curve((times, own), "time", "own").opts(color=tone["quiet"], line_width=0.8, line_alpha=0.8)
    rest = hv.Curve((times, mean), "time", "usual").opts(color=tone["text"], line_width=1.2, line_dash="dashed")
    low, high = float(min(own.min(), mean.min())), float(max(own.max(), mean.max()))
    pad = 0.1 * max(high - low, 1e-6)
    named = line_labels(times[0], np.array([high]), [label], [tone["text"]])
    return _frame([bars, line, rest, named], times, (low - pad, high + pad), units, tone, summary, height, last)


def running_sum(
    daily: xr.DataArray, total: float | None, units: str, dark: bool = False, summary: str = "", height: int = 150
) -> hv.Overlay:
    """Contributions added up from the oldest day on, by driver and in all; `total` is what they should reach."""
    tone = tokens(dark)
    times = daily["time"].values
    names = [str(name) for name in daily["forcing"].values]
    lines = {
        SHORT.get(name, row_label(name)): np.cumsum(daily.sel(forcing=name).values.astype(float)) for name in names
    }
    paints = [FORCING_COLORS.get(name, tone["accent"]) for name in names]
    if len(lines) > 1:
        lines["All"] = np.sum(list(lines.values()), axis=0)
        paints.append(tone["text"])
    layers: list[Any] = [hv.HLine(0).opts(color=tone["line"], line_width=1)]
    for (name, line), paint in zip(lines.items(), paints, strict=True):
        curve = hv.Curve((times, line), "time", name)
        layers.append(curve.opts(color=paint, line_width=2.0 if name == "All" else 1.6))
    every = np.concatenate([*lines.values(), [0.0 if total is None else total]])
    low, high = float(every.min()), float(every.max())
    pad = 0.1 * max(high - low, 1e-6)
    ends, labels = [float(line[-1]) for line in lines.values()], list(lines)
    if total is not None:
        layers.append(hv.Scatter(([times[-1]], [total]), "time", "total").opts(color=tone["text"], marker="x", size=9))
        ends, labels, paints = [*ends, total], [*labels, "goal"], [*paints, tone["quiet"]]
    placed = spread_apart(np.array(ends), 15 * (high - low + 2 * pad) / max(height - 40, 60))
    low, high = min(low, float(placed.min())), max(high, float(placed.max()))
    inks = [INKS[paint][dark] if paint in INKS else paint for paint in paints]
    layers.append(line_labels(times[-1], placed, labels, inks))
    return _frame(layers, times, (low - pad, high + pad), units, tone, summary, height, True)


def pulse_answer(
    response: xr.DataArray, truth: xr.DataArray | None, units: str, dark: bool = False, summary: str = "",
    height: int = 200,
) -> hv.Overlay:  # fmt: skip
    """Response to a pulse by days after it, filled to zero; the twin's own, dashed, beside it."""
    tone, age = tokens(dark), response["lag"].values.astype(float)
    values = response.values.astype(float)
    every = values if truth is None else np.concatenate([values, truth.values.astype(float)])
    low, high = min(float(every.min()), 0.0), max(float(every.max()), 0.0)
    pad = 0.1 * max(high - low, 1e-6)
    layers: list[Any] = [
        hv.Area((age, values), "age", "response").opts(color=tone["accent"], alpha=0.25, line_alpha=0),
        hv.Curve((age, values), "age", "response").opts(color=tone["accent"], line_width=1.8),
        hv.HLine(0).opts(color=tone["quiet"], line_width=1),
    ]
    if truth is not None:
        line = hv.Curve((truth["lag"].values.astype(float), truth.values.astype(float)), "age", "truth")
        layers.append(line.opts(color=tone["text"], line_width=1.6, line_dash="dashed"))
        placed = spread_apart(np.array([values[-1], float(truth.values[-1])]), 15 * (high - low + 2 * pad) / 160)
        layers.append(line_labels(age[-1], placed, ["model", "truth"], [tone["accent"], tone["text"]]))
    look = _look(tone, summary, FixedTicker(ticks=list(_AGES)), dict(_AGES))
    end = age[-1] * (1.16 if truth is not None else 1.06)
    return hv.Overlay(layers).opts(
        hv.opts.Overlay(
            height=height, responsive=True, show_legend=False, xlim=(0, end),
            ylim=(low - pad, high + pad), xlabel="", ylabel=units, hooks=[look], default_tools=[], active_tools=[],
            toolbar=None,
        )
    )  # fmt: skip


def _frame(
    layers: list[Any], times: Any, limits: tuple[float, float], units: str, tone: dict[str, str], summary: str,
    height: int, last: bool,
) -> hv.Overlay:  # fmt: skip
    end = times[-1] + (times[-1] - times[0]) * ROOM
    look = _look(tone, summary, None, None, last)
    return hv.Overlay(layers).opts(
        hv.opts.Overlay(
            height=height, responsive=True, show_legend=False, xlim=(times[0], end), ylim=limits, xlabel="",
            ylabel=units, hooks=[look], default_tools=[], active_tools=[], toolbar=None,
        )
    )  # fmt: skip


def _look(
    tone: dict[str, str], summary: str, ticker: FixedTicker | None, names: dict[int, str] | None, last: bool = True
) -> Any:
    def hook(plot: Any, element: Any) -> None:
        fig = plot.state
        quiet_figure(fig, tone, summary, left=EDGE, right=4, top=4)
        if names is not None:
            fig.xaxis.update(ticker=ticker, major_label_overrides=names)
            return
        fig.xaxis.visible = last
        fig.xaxis.ticker.desired_num_ticks = 4  # a phone has room for no more
        fig.xaxis.formatter = DatetimeTickFormatter(
            days="%d %b", months="%b %Y", years="%Y", context_which="end", hide_repeats=True
        )

    return hook
