"""A river day by day: rain hanging from the top, runoff observed and simulated, the stores. Pure Bokeh."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr
from bokeh.models import BasicTicker, BoxAnnotation, ColumnDataSource, DatetimeTickFormatter, Label, Range1d
from bokeh.plotting import figure
from numpy.typing import NDArray

from dashboard.plots.sheet import quiet_figure, spoken
from dashboard.plots.timeseries import span_of, thinned
from dashboard.theme import DASHES, FONT, FORCING_COLORS, component_colors, tokens

RAIN, RUNOFF, STORES = 64, 240, 150  # px
EDGE = 56
DRAWN = ("swe", "soil_moisture", "groundwater")


def kept_days(data: xr.Dataset) -> NDArray[np.intp]:
    """Days to draw: all where they are few, else highs and lows of both curves."""
    both = [thinned(data[name].values.astype(float)) for name in ("runoff", "runoff_observed")]
    return np.unique(np.concatenate(both))


class Hydrograph:
    """Three figures named `name`-rain, -runoff and -stores on one time axis; `show` gives them a run."""

    def __init__(self, name: str, dark: bool) -> None:
        self._x = Range1d(0, 1)
        self.rain, self.runoff, self.stores = (
            figure(
                name=f"{name}-{part}", x_range=self._x, y_range=Range1d(0, 1), sizing_mode="stretch_width",
                height=height, tools=[], toolbar_location=None, x_axis_type="datetime",
            )
            for part, height in (("rain", RAIN), ("runoff", RUNOFF), ("stores", STORES))
        )  # fmt: skip
        self._source = ColumnDataSource(
            {key: [] for key in ("time", "rain", "zero", "seen", "made", "low", "high", *DRAWN)}
        )
        held = {"source": self._source}
        self._bars = self.rain.varea("time", "zero", "rain", fill_alpha=0.75, **held)
        self._band = self.runoff.varea("time", "low", "high", fill_alpha=0.2, **held)
        self._seen = self.runoff.line("time", "seen", line_width=1.3, **held)
        self._made = self.runoff.line("time", "made", line_width=1.6, **held)
        self._lines = {
            store: self.stores.line("time", store, line_width=1.6, line_dash=DASHES[store], **held) for store in DRAWN
        }
        self._tested = BoxAnnotation(left=0, right=0, fill_alpha=0.06, line_color=None)
        self._word = Label(x=0, y=0, text="", text_font_size="12px", x_offset=4, y_offset=-16)
        self.runoff.add_layout(self._tested)
        self.runoff.add_layout(self._word)
        self._said = {"rain": "", "runoff": "", "stores": ""}
        self.set_mode(dark)

    @property
    def figures(self) -> list[Any]:
        """From top to bottom."""
        return [self.rain, self.runoff, self.stores]

    def show(self, data: xr.Dataset, said: dict[str, str]) -> None:
        """A run (time) as `Engine.site` gives it, cut to the days wanted; `said` describes each figure."""
        at = kept_days(data)
        part = data.isel(time=at)

        def column(name: str) -> NDArray[np.float64]:
            return part[name].values.astype(float) if name in part else np.full(at.size, np.nan)

        rain = _blocks(data["precipitation"].values.astype(float), at)
        self._source.data = {
            "time": part["time"].values, "rain": rain, "zero": np.zeros(at.size), "seen": column("runoff_observed"),
            "made": column("runoff"), "low": column("runoff_low_90"), "high": column("runoff_high_90"),
            **{store: column(store) for store in DRAWN},
        }  # fmt: skip
        times = data["time"].values.astype("datetime64[ms]").astype(float)
        self._x.update(start=float(times[0]), end=float(times[-1]))
        self.rain.y_range.update(start=1.05 * max(float(np.nanmax(rain, initial=1.0)), 1.0), end=0)
        both = np.concatenate([column("runoff"), column("runoff_observed")])
        low, high = span_of(both)
        self.runoff.y_range.update(start=min(low, 0), end=high)
        ends = span_of(np.concatenate([column(store) for store in DRAWN]))
        self.stores.y_range.update(start=ends[0], end=ends[1])
        tested = np.flatnonzero(data["tested"].values)
        if tested.size:
            self._tested.update(left=float(times[tested[0]]), right=float(times[tested[-1]]), visible=True)
            self._word.update(x=float(times[tested[0]]), y=high, text="test period, never trained on", visible=True)
        else:
            self._tested.visible = self._word.visible = False
        self._said = said
        self._describe()

    def _describe(self) -> None:
        for name, fig in zip(self._said, self.figures, strict=True):
            fig.html_attributes = spoken(self._said[name])

    def set_mode(self, dark: bool) -> None:
        """Light or dark tones."""
        tone, colors = tokens(dark), component_colors(dark)
        labels = ("rain, mm", "runoff, mm a day", "stored water, mm")
        for fig, label in zip(self.figures, labels, strict=True):
            quiet_figure(fig, tone, "", left=EDGE, right=8, top=4)
            fig.yaxis.axis_label = label
            fig.xaxis.ticker.desired_num_ticks = 4  # room on a phone
            fig.xaxis.formatter = DatetimeTickFormatter(
                days="%d %b", months="%b %Y", years="%Y", context_which="end", hide_repeats=True
            )
        self.rain.yaxis.ticker = BasicTicker(desired_num_ticks=2, num_minor_ticks=0)
        self.stores.yaxis.ticker = BasicTicker(desired_num_ticks=3, num_minor_ticks=0)
        self.rain.xaxis.visible = self.runoff.xaxis.visible = False
        self._bars.glyph.fill_color = FORCING_COLORS["precipitation"]
        self._band.glyph.fill_color = tone["accent"]
        self._seen.glyph.line_color = tone["text"]
        self._made.glyph.line_color = tone["accent"]
        for store, line in self._lines.items():
            line.glyph.line_color = colors[store]
        self._tested.fill_color = tone["accent"]
        self._word.update(text_color=tone["quiet"], text_font=FONT)
        self._describe()


def _blocks(daily: NDArray, at: NDArray[np.intp]) -> NDArray[np.float64]:
    """Largest value between one drawn day and the next, so that no storm is lost where days are left out."""
    if at.size in (0, daily.size):
        return daily[at]
    return np.maximum.reduceat(np.nan_to_num(daily), at)
