"""Components of the selection: the season from shipped fields at once, raw and anomaly from a live run."""

from __future__ import annotations

from typing import Any

import holoviews as hv
import numpy as np
import panel as pn
import xarray as xr
from bokeh.models import ColumnDataSource
from holoviews.streams import Pipe

from dashboard import engine, series
from dashboard.jobs import Lane
from dashboard.pages.parts import choice, column, heading, html, job_bar, row, table_switch
from dashboard.pages.view import View
from dashboard.plots.components import components, limits, mark_months, month_spans, precipitation
from dashboard.state import FILTERS, SERIES, apply
from dashboard.summary import series_sentence
from dashboard.tables import series_table
from hdlcore.runtime.requests import Frequency, SimulationRequest

#: Cells that are run live for the raw and anomaly views: some tens of seconds, with progress and cancel.
LIVE_CELLS = 600


class SeriesPart:
    """Precipitation above, components below, one time axis, the map's month marked."""

    def __init__(self, view: View) -> None:
        self.view, self.state = view, view.state
        self.lane = Lane()
        self.data: xr.Dataset = view.season()
        self.departures = True
        self.text = ""
        self._spans = ColumnDataSource(month_spans(self.data, self.state.month))
        self._pipe = Pipe(data=None)
        self.kind = choice(
            "View of the curves", SERIES, self.state.series, lambda kind: apply(self.state, {"series": kind})
        )
        self.summary = html("summary")
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        switch = table_switch(self.table, self._show_table, "Stored water as a table")
        self._plots = column("plots")
        self._drawn: tuple[Any, ...] | None = None
        self._show(self.data)
        self.layout = column(
            "part seriespart",
            row("parthead", heading("Stored water"), self.kind, switch),
            job_bar(self.lane),
            self._plots,
            self.note,
            self.summary,
            self.table,
        )
        view.follow(self.update)

    def _draw_rain(self, data: Any) -> hv.Overlay:
        label = f"Precipitation: {float(self.data['precipitation'].mean()):.1f} mm a day on average"
        plot = precipitation(self.data, self.view.dark, label)
        top = max(float(np.nanmax(self.data["precipitation"].values)), 0.5) * 1.08
        return self._live(plot, lambda fig: self._fit(fig, top, 0.0, label))

    def _draw_curves(self, data: Any) -> hv.Overlay:
        plot = components(self.data, self.view.dark, self.text, departures=self.departures)
        marks = mark_months(self._spans, self.view.dark)
        return self._live(plot, lambda fig: self._fit(fig, *limits(self.data), self.text), marks)

    def _live(self, plot: hv.Overlay, fit: Any, *more: Any) -> hv.Overlay:
        """Hooks of the plot and those that keep a figure that lives on in step: ranges and its description."""
        hooks = plot.opts.get("plot").kwargs.get("hooks", [])
        return plot.opts(hooks=[*hooks, lambda drawn, element: fit(drawn.state), *more])

    @staticmethod
    def _fit(fig: Any, low: float, high: float, text: str) -> None:
        fig.y_range.update(start=low, end=high)
        fig.html_attributes = {"role": "img", "aria-label": text}

    def _draw(self) -> None:
        """Send new data to the figures; new figures only when the kind of axis, the curves or the colours change."""
        kind = (*sorted(map(str, self.data.data_vars)), "month" in self.data.dims, self.departures, self.view.dark)
        if kind == self._drawn:
            self._pipe.send(object())
            return
        self._drawn, self._pipe = kind, Pipe(data=None)
        size = {"sizing_mode": "stretch_width", "margin": 0}
        self._plots[:] = [
            pn.pane.HoloViews(hv.DynamicMap(self._draw_rain, streams=[self._pipe]), height=54, **size),
            pn.pane.HoloViews(hv.DynamicMap(self._draw_curves, streams=[self._pipe]), height=208, **size),
        ]

    def _show(self, data: xr.Dataset, departures: bool = True) -> None:
        self.data, self.departures = data, departures
        view = "season" if "month" in data.dims else self.state.series
        label = self.view.selection.label
        self.text = series_sentence(data, view, label)
        self.view.draw(data)
        self._spans.data = month_spans(data, self.state.month)
        self._draw()
        moved = "" if departures else "GRACE is moved to the model's mean. "
        weighted = "" if self.view.selection.single else "Area-weighted mean over the cells. "
        self.note.object = (
            f"<p>{weighted}{moved}{series.GENERATED if self.view.fields is not None else self.view.fields_problem}</p>"
        )
        self.summary.object = f'<p class="visually-hidden" role="status" aria-live="polite">{self.text}</p>'
        if self.table.visible:
            self._show_table()

    def _show_table(self) -> None:
        self.table.object = series_table(self.data, f"Stored water, {self.view.selection.label}")

    def update(self, names: frozenset[str]) -> None:
        """Follow the selection, the model and the chosen view; a month step only moves the mark."""
        self.kind.chosen = self.state.series
        if "time" in names:
            self._spans.data = month_spans(self.data, self.state.month)
        moving = {"model", "cell", "focus", "series", "dark", *FILTERS}
        if self.state.values:  # a value filter lets other cells through each month
            moving |= {"time", "variable", "departure"}
        if not names & moving:
            return
        self.lane.cancel()
        self.lane.error = ""
        if self.state.series == "season" or self.view.fields is None:
            self._show(self.view.season())
        elif self.view.selection.single:
            self._run("daily")
        else:  # the season of many cells is at hand; their run takes a while
            raw = self.state.series == "raw"
            chosen = self.view.selection
            self._show(series.season(self.view.world, self.view.fields, chosen, departures=not raw), departures=not raw)
            if chosen.of.size <= LIVE_CELLS:
                self._run("monthly")
            else:
                self.lane.error = (
                    f"{chosen.of.size:,} cells are too many to run while you wait (up to {LIVE_CELLS:,}); "
                    "the season is shown. Narrow the selection to run it."
                )

    def _run(self, frequency: Frequency) -> None:
        view, selection, kind = self.view, self.view.selection, self.state.series
        of = selection.of
        cells = tuple(int(cell) for cell in view.world["cell"].values[of])
        request = SimulationRequest(view.model, cells, frequency=frequency)

        def work(progress: Any, cancel: Any) -> xr.Dataset:
            simulated = engine.get_engine().simulate(request, progress=progress, cancel=cancel)
            return series.run(view.world, simulated, of, kind)

        self.lane.start("Running the model", work, lambda data: self._show(data, departures=kind == "anomaly"))
