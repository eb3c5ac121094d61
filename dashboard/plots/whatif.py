"""Two runs of a quantity, their difference, the way of a pulse through the stores. Pure: numbers in, HoloViews out.

Series have dim ``time`` and ``units``; a way has dim ``age`` (days) and quantities in mm that add up to the pulse.
"""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np
import xarray as xr
from bokeh.models import DatetimeTickFormatter, FixedTicker

from dashboard.plots.labels import line_labels, spread_apart
from dashboard.plots.sheet import quiet_figure
from dashboard.plots.timeseries import span_of, thinned
from dashboard.theme import component_colors, label_colors, tokens

hv.extension("bokeh")

EDGE = 64  # px left of the frame, so that both plots of a column stand under each other
_LABEL_ROOM = 0.25  # share of the span kept free for the names at the line ends
_AGES = {0: "day 0", 180: "half a year", 365: "1 year"}
Span = tuple[Any, Any]


def two_runs(
    plain: xr.DataArray, changed: xr.DataArray | None, units: str, dark: bool = False, summary: str = "",
    height: int = 240, span: Span | None = None,
) -> hv.Overlay:  # fmt: skip
    """The run as it was (quiet) and under the change (accent), named at their ends; `span` shades when it changes."""
    tone = tokens(dark)
    runs = [("As it was", plain, tone["quiet"], "solid", 1.6)]
    if changed is not None:
        runs.append(("Changed", changed, tone["accent"], "solid", 1.8))
    times = plain["time"].values
    every = np.concatenate([run.values.astype(float) for _, run, *_ in runs])
    low, high = span_of(every)
    layers: list[Any] = _shade(span, low, high, tone)
    for name, run, color, dash, width in runs:
        values = run.values.astype(float)
        kept = thinned(values)
        curve = hv.Curve((times[kept], values[kept]), "time", name)
        layers.append(curve.opts(color=color, line_width=width, line_dash=dash))
    ends = [float(run.values[-1]) for _, run, *_ in runs]
    placed = spread_apart(np.array(ends), 15 * (high - low) / max(height - 40, 60))
    placed = placed + max(low + 0.06 * (high - low) - placed.min(), 0.0)  # the lower name stands above the axis
    names, colors = [name for name, *_ in runs], [color for _, _, color, *_ in runs]
    layers.append(line_labels(times[-1], placed, names, colors))
    return _overlay(layers, times, (low, high), units, dark, summary, height)


def difference(
    values: xr.DataArray, units: str, dark: bool = False, summary: str = "", height: int = 130, span: Span | None = None
) -> hv.Overlay:
    """Changed minus as it was, filled to zero: more above, less below."""
    tone, times, data = tokens(dark), values["time"].values, values.values.astype(float)
    most = float(np.nanmax(np.abs(data), initial=0)) or 1.0
    low = -1.12 * most if np.nanmin(data, initial=0) < 0 else -0.12 * most
    high = 1.12 * most if np.nanmax(data, initial=0) > 0 else 0.12 * most
    kept = thinned(data)
    layers = _shade(span, low, high, tone)
    area = hv.Area((times[kept], data[kept]), "time", "difference")
    layers.append(area.opts(color=tone["accent"], alpha=0.28, line_alpha=0))
    layers.append(hv.Curve((times[kept], data[kept]), "time", "difference").opts(color=tone["accent"], line_width=1.6))
    layers.append(hv.HLine(0).opts(color=tone["quiet"], line_width=1))
    return _overlay(layers, times, (low, high), units, dark, summary, height)


def pulse(way: xr.Dataset, dark: bool = False, summary: str = "", height: int = 230) -> hv.Overlay:
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
    layers: list[Any] = []
    floor = np.zeros(age.size)
    names, wanted, paints = [], [], []
    for name, (label, color, ink) in looks.items():
        if name not in way:
            continue
        part = np.maximum(100 * way[name].values / amount, 0.0)
        if part.max(initial=0) < 0.5:
            continue
        band = hv.Area((age, floor, floor + part), "age", ["low", "high"])
        layers.append(band.opts(color=color, alpha=0.9 if ink != tone["quiet"] else 1.0, line_alpha=0))
        names.append(label)
        wanted.append(float((floor + part / 2)[-1]))
        paints.append(ink)
        floor = floor + part
    top = max(float(floor.max(initial=100)), 100.0) * 1.02
    placed = spread_apart(np.array(wanted), 15 * top / max(height - 40, 60)) if names else np.array([])
    placed = placed + max(0.05 * top - placed.min(initial=top), 0.0)  # the lowest name stands above the axis
    layers.append(line_labels(age[-1], placed, names, paints))
    look = _look(tone, summary, FixedTicker(ticks=list(_AGES)), dict(_AGES))
    return hv.Overlay(layers).opts(
        hv.opts.Overlay(
            height=height, responsive=True, show_legend=False, xlim=(0, age[-1] * 1.38), ylim=(0, top), xlabel="",
            ylabel="% of the pulse", hooks=[look], default_tools=[], active_tools=[], toolbar=None,
        )
    )  # fmt: skip


def _shade(span: Span | None, low: float, high: float, tone: dict[str, str]) -> list[Any]:
    if span is None:
        return []
    far = 9 * (high - low)
    box = hv.Rectangles([(span[0], low - far, span[1] + np.timedelta64(1, "D"), high + far)])
    return [box.opts(color=tone["accent"], alpha=0.09, line_alpha=0)]


def _overlay(
    layers: list[Any], times: Any, limits: tuple[float, float], units: str, dark: bool, summary: str, height: int
) -> hv.Overlay:
    end = times[-1] + (times[-1] - times[0]) * _LABEL_ROOM
    return hv.Overlay(layers).opts(
        hv.opts.Overlay(
            height=height, responsive=True, show_legend=False, xlim=(times[0], end), ylim=limits, xlabel="",
            ylabel=units, hooks=[_look(tokens(dark), summary, _years(times))], default_tools=[], active_tools=[],
            toolbar=None,
        )
    )  # fmt: skip


def _years(times: Any) -> FixedTicker | None:
    """Ticks at the starts of the years where there are several; None leaves them to Bokeh."""
    years = np.unique(times.astype("datetime64[Y]"))
    if years.size < 3:
        return None
    return FixedTicker(ticks=list(years.astype("datetime64[ms]").astype(float)))


def _look(tone: dict[str, str], summary: str, ticker: FixedTicker | None, names: dict[int, str] | None = None) -> Any:
    def hook(plot: Any, element: Any) -> None:
        fig = plot.state
        quiet_figure(fig, tone, summary, left=EDGE, right=4, top=6)
        if fig.height is not None and fig.height < 150:
            fig.yaxis.ticker.desired_num_ticks = 3
        if names is not None:
            fig.xaxis.update(ticker=ticker, major_label_overrides=names)
            return
        fig.xaxis.formatter = DatetimeTickFormatter(
            days="%d %b", months="%b %Y", years="%Y", context_which="end", hide_repeats=True
        )
        if ticker is not None:
            fig.xaxis.update(ticker=ticker, formatter=DatetimeTickFormatter(years="%Y", months="%Y", days="%Y"))

    return hook
