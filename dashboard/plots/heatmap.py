"""Memory heatmap: what past weather still does to stored water, by lag and driver, with marginal bars. Pure.

Input: DataArray (lag_bin, forcing) with coordinates ``lag_start`` and ``lag_end`` (days), in the target's unit.
"""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np
import xarray as xr
from bokeh.core.properties import value
from bokeh.models import CustomJS, FixedTicker

from dashboard.plots.components import quiet_figure, tone_font
from dashboard.plots.palette import palette
from dashboard.summary import quantity
from dashboard.theme import tokens
from hdlcore.attribution.lags import LANDMARKS
from hdlcore.variables import variable

hv.extension("bokeh")

SHORT = {"precipitation": "Precipitation", "air_temperature": "Temperature", "net_radiation": "Radiation"}
_GAP = 0.12  # between the map and the bars, in rows
_TOP = 0.85  # height of the bars by lag, in rows
_SIDE = 0.2  # width of the bars by driver, as a share of the bins


# Labels a phone has no room for are left out: from the longest lag down, those nearer than a label is wide.
_THIN = """
const {start, end} = fig.x_range
const kept = []
for (const at of [...marks].reverse()) {
  const px = (at - start) / (end - start) * fig.inner_width
  if (kept.every((other) => other.px - px >= room)) kept.unshift({at, px})
}
const ticks = kept.map(({at}) => at)
if (fig.inner_width > 0 && String(ticks) !== String(ticker.ticks)) ticker.ticks = ticks
"""
_LABEL_ROOM = 44  # px from the middle of one label to the middle of the next


def lag_position(day: float, start: np.ndarray, end: np.ndarray) -> float:
    """Where a lag stands on the axis of bins: each bin one step wide, straight within a bin."""
    edges = np.concatenate([start, [end[-1] + 1]]).astype(float)
    return float(np.interp(day, edges, np.arange(edges.size)))


def landmarks(start: np.ndarray, end: np.ndarray) -> list[tuple[float, str]]:
    """Positions and names of the lags a person thinks in, those inside the axis."""
    return [(lag_position(day, start, end), name) for day, name in LANDMARKS.items() if day <= end[-1] + 1]


def colors(signed: bool, dark: bool) -> tuple[str, ...]:
    """Diverging around zero for signed contributions (blue adds water), else from the surface to strong for size."""
    if signed:
        return palette("berlin_r") if dark else palette("vik_r")
    return palette("devon") if dark else palette("devon_r")


def color_limit(heat: xr.DataArray) -> float:
    """Largest size of a contribution: the end of the colours."""
    most = float(np.nanmax(np.abs(heat.values))) if heat.size else 0.0
    return most if most > 0 else 1.0


def color_key(heat: xr.DataArray, signed: bool, dark: bool) -> str:
    """HTML of the colours from low to high with the unit; zero is marked where they diverge."""
    most = quantity(float(f"{color_limit(heat):.2g}"), str(heat.attrs.get("units") or "mm"))
    low, high, zero = ("−", f"+{most}", ' class="zero"') if signed else ("0", most, "")
    ramp = f'<i{zero} style="background: linear-gradient(to right, {", ".join(colors(signed, dark)[::15])})"></i>'
    label = f"Colours of the boxes, from {'−' + most if signed else low} to {most}"
    return f'<div role="img" aria-label="{label}">{ramp}<span>{low}</span><span>{high}</span></div>'


def box_meaning(signed: bool) -> str:
    """What one box of the heatmap says, in a sentence."""
    what = "water added (+) or taken (−) today by" if signed else "how much today's water is moved by"
    return f"A box: {what} weather of that age, on average."


def table(heat: xr.DataArray) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[str]]:
    """Values (lag_bin, forcing), first and last lag (days), drivers."""
    heat = heat.transpose("lag_bin", "forcing")
    return heat.values, heat["lag_start"].values, heat["lag_end"].values, [str(name) for name in heat["forcing"].values]


def heatmap(heat: xr.DataArray, signed: bool, dark: bool = False, summary: str = "", height: int = 168) -> hv.Overlay:
    """Lag by driver: colour is the contribution, or its size; bars are totals by lag (above), driver (right)."""
    values, start, end, drivers = table(heat)
    tone = tokens(dark)
    n, rows = len(start), len(drivers)
    size = np.abs(values)
    most = color_limit(heat)
    lag, row = np.meshgrid(np.arange(n), np.arange(rows), indexing="ij")
    y = rows - 1 - row  # the first driver on top
    boxes = hv.Rectangles(
        (lag.ravel() + 0.03, y.ravel() + 0.03, lag.ravel() + 0.97, y.ravel() + 0.97, values.ravel()),
        vdims="contribution",
    )
    boxes = boxes.opts(
        color="contribution", cmap=list(colors(signed, dark)), clim=(-most if signed else 0, most), line_alpha=0
    )

    by_lag, by_driver = size.sum(1), size.sum(0)
    floor = rows + _GAP
    top = floor + _TOP * by_lag / max(by_lag.max(), 1e-12)
    at = np.arange(n)
    wall = n + 0.25
    side = wall + _SIDE * n * by_driver / max(by_driver.max(), 1e-12)
    lines = rows - 1 - np.arange(rows)
    bars = hv.Rectangles(
        (
            np.concatenate([at + 0.15, np.full(rows, wall)]),
            np.concatenate([np.full(n, floor), lines + 0.25]),
            np.concatenate([at + 0.85, side]),
            np.concatenate([top, lines + 0.75]),
        )
    ).opts(color=tone["quiet"], alpha=0.55, line_alpha=0)
    share = 100 * by_driver / max(by_driver.sum(), 1e-12)
    text = hv.Labels(
        {"x": side + 0.15, "y": lines + 0.5, "text": [f"{part:.0f} %" for part in share]}, ["x", "y"], "text"
    )
    text = text.opts(
        text_color=tone["text"], text_align="left", text_baseline="middle", text_font_size="12px", hooks=[_label_font]
    )
    return hv.Overlay([boxes, bars, text]).opts(
        hv.opts.Overlay(
            height=height,
            responsive=True,
            show_legend=False,
            xlim=(0, n * (1 + _SIDE) + 3.6),
            ylim=(0, rows + _GAP + _TOP + 0.05),
            xlabel="age of the weather",
            ylabel="",
            hooks=[_frame(drivers, landmarks(start, end), tone, summary)],
            default_tools=[],
            active_tools=[],
            toolbar=None,
        )
    )


def _label_font(plot: Any, element: Any) -> None:
    plot.handles["glyph"].update(text_font=value(tone_font()))


def _frame(drivers: list[str], marks: list[tuple[float, str]], tone: dict[str, str], summary: str) -> Any:
    def hook(plot: Any, element: Any) -> None:
        fig = plot.state
        quiet_figure(fig, tone, summary, left=92, top=2, rows=False)
        ticker = FixedTicker(ticks=[at for at, _ in marks])
        args = {"fig": fig, "ticker": ticker, "marks": ticker.ticks, "room": _LABEL_ROOM}
        fig.js_on_change("inner_width", CustomJS(args=args, code=_THIN))
        fig.xaxis.update(
            ticker=ticker,
            major_label_overrides={at: name.replace(" ", "\n") for at, name in marks},  # two lines: room on a phone
            major_tick_line_color=tone["quiet"],
            axis_label=None,
        )
        rows = len(drivers)
        names = {rows - 1 - i + 0.5: SHORT.get(name, variable(name).long_name) for i, name in enumerate(drivers)}
        fig.yaxis.update(ticker=FixedTicker(ticks=list(names)), major_label_overrides=names)

    return hook
