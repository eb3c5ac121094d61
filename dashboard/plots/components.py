"""Components of stored water through time, with precipitation hanging above. Pure: a Dataset in, HoloViews out.

Input: dims ``month`` (a mean seasonal cycle) or ``time``; any of tws, swe, soil_moisture, groundwater, other_stores
(mm), their ``*_spread`` (mm), tws_observed, tws_smoothed (mm), precipitation (mm d-1). What is absent is not drawn.
"""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np
import xarray as xr
from bokeh.core.properties import value
from bokeh.models import ColumnDataSource, FixedTicker

from dashboard.theme import DASHES, FORCING_COLORS, component_colors, label_colors, tokens

hv.extension("bokeh")

LABELS = {
    "tws": "Total",
    "swe": "Snow",
    "soil_moisture": "Soil",
    "groundwater": "Groundwater",
    "other_stores": "Other",
}
INITIALS = "JFMAMJJASOND"
_MONTH_SPAN = (0.55, 12.45)
_EDGE = 62  # px left of the frame, so that the plots of the column stand under each other
_ROOM = 0.5  # share of the span kept free at the right, for the labels at the line ends


def _axis(data: xr.Dataset) -> tuple[str, np.ndarray]:
    name = "month" if "month" in data.dims else "time"
    return name, data[name].values


def span(data: xr.Dataset) -> tuple[Any, Any]:
    """Extent of the data along the time axis."""
    name, values = _axis(data)
    return _MONTH_SPAN if name == "month" else (values.min(), values.max())


def frame(data: xr.Dataset) -> tuple[Any, Any]:
    """Extent of the plot, shared by both: the data and room for the labels."""
    start, end = span(data)
    return start, end + (end - start) * _ROOM


def _ticks(data: xr.Dataset) -> list[tuple[float, str]]:
    """Month initials, or the starts of the years (in ms since 1970, as Bokeh counts)."""
    name, values = _axis(data)
    if name == "month":
        return [(i + 1, letter) for i, letter in enumerate(INITIALS)]
    years = np.unique(values.astype("datetime64[Y]"))
    return [(float(year.astype("datetime64[ms]").astype(float)), str(year)) for year in years]


def spread_apart(wanted: np.ndarray, gap: float) -> np.ndarray:
    """Positions as near as possible to the wanted ones, at least `gap` apart (labels that do not cover each other)."""
    order = np.argsort(wanted)
    placed = np.asarray(wanted, float)[order].copy()
    for _ in range(50):
        moved = False
        for i in range(placed.size - 1):
            lack = gap - (placed[i + 1] - placed[i])
            if lack > 1e-9:
                placed[i] -= lack / 2
                placed[i + 1] += lack / 2
                moved = True
        if not moved:
            break
    result = np.empty_like(placed)
    result[order] = placed
    return result


def line_labels(at: Any, placed: Any, names: list[str], paints: list[str]) -> hv.Labels:
    """Names written at one place of the horizontal axis, as at the ends of lines; they do not widen the plot."""
    table = {"x": [at] * len(names), "y": placed, "text": names, "color": paints}

    def hook(plot: Any, element: Any) -> None:
        plot.handles["glyph"].update(x_offset=6, text_font=value(tone_font()))

    return hv.Labels(table, ["x", "y"], ["text", "color"]).opts(
        text_color="color", text_align="left", text_baseline="middle", text_font_size="12px", apply_ranges=False,
        hooks=[hook],
    )  # fmt: skip


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


def _frame(dark: bool, ticks: list[tuple[float, str]], summary: str, bottom: bool) -> Any:
    tone = tokens(dark)

    def hook(plot: Any, element: Any) -> None:
        fig = plot.state
        quiet_figure(fig, tone, summary, left=_EDGE, right=4, top=4)
        fig.xaxis.visible = bottom
        fig.xaxis.update(ticker=FixedTicker(ticks=[at for at, _ in ticks]), major_label_overrides=dict(ticks))

    return hook


def quiet_figure(
    fig: Any, tone: dict[str, str], summary: str, left: int, right: int = 5, top: int = 5, rows: bool = True
) -> None:
    """No box, no tools, quiet axes; `summary` is what a screen reader says; `rows` draws the horizontal lines."""
    fig.update(
        toolbar_location=None,
        background_fill_color=None,
        background_fill_alpha=0,
        output_backend="canvas",  # a WebGL canvas costs half a second to start and a few lines do not need it
        border_fill_color=None,
        outline_line_color=None,
        min_border_left=left,
        min_border_right=right,
        min_border_top=top,
        html_attributes={"role": "img", "aria-label": summary},
    )
    quiet_axes(fig, tone)
    fig.xgrid.grid_line_color = None
    fig.ygrid.update(grid_line_color=tone["line"] if rows else None, grid_line_width=1)


def quiet_axes(fig: Any, tone: dict[str, str]) -> None:
    """Axes of words only, in the quiet tone: what all our figures share."""
    for axis in [*fig.xaxis, *fig.yaxis]:
        axis.update(
            axis_line_color=None,
            major_tick_line_color=None,
            minor_tick_line_color=None,
            major_label_text_color=tone["quiet"],
            axis_label_text_color=tone["quiet"],
            major_label_text_font_size="12px",
            axis_label_text_font_size="12px",
            axis_label_text_font_style="normal",
            major_label_text_font=tone_font(),
            axis_label_text_font=tone_font(),
        )


def tone_font() -> str:
    """Font of the text on canvases: the page's own."""
    return "system-ui, sans-serif"


def month_spans(data: xr.Dataset, month: int) -> dict[str, list[Any]]:
    """Where the shown month lies on the time axis: one span, or one a year."""
    name, values = _axis(data)
    if name == "month":
        return {"left": [month - 0.5], "right": [month + 0.5]}
    first = np.unique(values.astype("datetime64[Y]")).astype("datetime64[M]") + (month - 1)
    return {
        "left": list(first.astype("datetime64[ms]").astype(float)),
        "right": list((first + 1).astype("datetime64[ms]").astype(float)),
    }


def mark_months(spans: ColumnDataSource, dark: bool) -> Any:
    """Hook that shades the spans of a live source, so that a month step moves the mark and redraws no curve."""

    def hook(plot: Any, element: Any) -> None:
        fig = plot.state
        found = fig.select_one({"name": "months"})
        if found is None:
            found = fig.vstrip(x0="left", x1="right", source=spans, line_color=None, level="underlay", name="months")
        found.glyph.update(fill_color=tokens(dark)["accent"], fill_alpha=0.14)

    return hook


def _dot(data: xr.Dataset, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of a quantity along its own axis (GRACE has its own times)."""
    axis = data[name].dims[0]
    return data[axis].values, data[name].values


def components(
    data: xr.Dataset,
    dark: bool = False,
    summary: str = "",
    height: int = 208,
    departures: bool = True,
    seen_by: str = "GRACE",
    span: tuple[float, float] | None = None,
) -> hv.Overlay:
    """Curves of the stores with member bands, what `seen_by` observed as dots, labels at the line ends.

    `span` is the vertical range, where it is to be that of another plot as well.
    """
    name, axis = _axis(data)
    tone, colors, inks = tokens(dark), component_colors(dark), label_colors(dark)
    low, high = span or limits(data)
    layers: list[Any] = []
    if departures:
        layers.append(hv.HLine(0).opts(color=tone["quiet"], line_width=1, alpha=0.6))
    drawn = [store for store in LABELS if store in data]
    for store in drawn:
        if f"{store}_spread" in data:
            values, band = data[store].values, data[f"{store}_spread"].values
            area = hv.Area((axis, values - band, values + band), name, [store, f"{store}_high"])
            layers.append(area.opts(color=colors[store], alpha=0.16, line_alpha=0))
    if "tws_smoothed" in data:
        layers.append(
            hv.Curve((axis, data["tws_smoothed"].values), name, "tws_smoothed").opts(
                color=colors["tws"], line_width=1, alpha=0.55
            )
        )
    for store in reversed(drawn):
        width = 2.4 if store == "tws" else 2
        layers.append(
            hv.Curve((axis, data[store].values), name, store).opts(
                color=colors[store], line_width=width, line_dash=DASHES[store]
            )
        )
    if "tws_observed" in data:
        seen_at, seen = _dot(data, "tws_observed")
        dots = hv.Scatter((seen_at, seen), "seen_at", "tws_observed")
        layers.append(dots.opts(color=tone["surface"], line_color=tone["text"], line_width=1.4, size=6.5))
    layers.append(_end_labels(data, drawn, inks, tone["text"], (low, high), height, seen_by))
    return hv.Overlay(layers).opts(
        hv.opts.Overlay(
            height=height,
            responsive=True,
            show_legend=False,
            xlim=frame(data),
            ylim=(low, high),
            xlabel="",
            ylabel="mm from the mean" if departures else "mm",
            hooks=[_frame(dark, _ticks(data), summary, True)],
            default_tools=[],
            active_tools=[],
            toolbar=None,
        )
    )


def _end_labels(
    data: xr.Dataset,
    drawn: list[str],
    inks: dict[str, str],
    ink: str,
    limit: tuple[float, float],
    height: int,
    seen_by: str,
) -> hv.Labels:
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
    gap = 14.5 * (limit[1] - limit[0]) / max(height - 40, 60)
    placed = spread_apart(np.array(wanted), gap) if names else np.array([])
    if placed.size:  # keep the whole stack inside the frame
        placed += max(limit[0] + gap / 2 - placed.min(), 0)
        placed -= max(placed.max() - limit[1] + gap / 2, 0)
    end = span(data)[1]

    def hook(plot: Any, element: Any) -> None:
        plot.handles["glyph"].update(x_offset=6, text_font=value(tone_font()))

    table = {"x": [end] * len(names), "y": placed, "text": names, "color": colors}
    return hv.Labels(table, ["x", "y"], ["text", "color"]).opts(
        text_color="color",
        text_align="left",
        text_baseline="middle",
        text_font_size="12px",
        apply_ranges=False,
        hooks=[hook],
    )


def precipitation(data: xr.Dataset, dark: bool = False, summary: str = "", height: int = 54) -> hv.Overlay:
    """Precipitation hanging from the top, as hydrologists draw it."""
    name, axis = _axis(data)
    values = data["precipitation"].values
    width = 9 if name == "month" else 1
    most = float(np.nanmax(values)) if values.size else 1.0
    color = "#5AAEE0" if dark else FORCING_COLORS["precipitation"]
    bars = hv.Spikes((axis, values), name, "precipitation").opts(color=color, line_width=width, alpha=0.75)
    return hv.Overlay([bars]).opts(
        hv.opts.Overlay(
            height=height,
            responsive=True,
            show_legend=False,
            xlim=frame(data),
            ylim=(0, max(most, 0.5) * 1.08),
            invert_yaxis=True,
            xlabel="",
            ylabel="mm d⁻¹",
            yticks=2,
            hooks=[_frame(dark, _ticks(data), summary, False)],
            default_tools=[],
            active_tools=[],
            toolbar=None,
        )
    )
