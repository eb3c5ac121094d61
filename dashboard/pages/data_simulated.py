"""A model of places beside the observed record of the chosen one: hydrograph, band, stores, score of the test."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
import xarray as xr

from dashboard import engine, site_run
from dashboard.datasets import CubeSet
from dashboard.jobs import Lane
from dashboard.pages.data_view import DataView
from dashboard.pages.parts import column, heading, html, job_bar, row, show, table_switch
from dashboard.plots.hydrograph import Hydrograph
from dashboard.selection import number
from dashboard.tables import html_table
from hdlcore.runtime.engine import ModelInfo

KEY = (
    '<div class="keylist"><span><b class="glyph" aria-hidden="true">━</b>observed</span>'
    '<span><b class="glyph own" aria-hidden="true">━</b>simulated, with its 90 % band</span>'
    "<span>dots: snow</span><span>dashes: soil</span><span>dash and dot: groundwater</span></div>"
)


class SimulatedPart:
    """Runs the model for the chosen place, unasked: a second; hidden where no model knows the data set."""

    def __init__(self, data: DataView) -> None:
        self.data = data
        self.lane = Lane()
        self.info: ModelInfo | None = None
        self.run: xr.Dataset | None = None
        self.shown: xr.Dataset | None = None
        self._key: tuple[Any, ...] | None = None
        self.plot = Hydrograph("site", data.view.dark)
        self.note, self.keys = html("plotnote"), html("keys", KEY)
        self.table = html("tableview", visible=False)
        switch = table_switch(self.table, self.show_table, "Observed and simulated runoff as a table")
        panes = [pn.pane.Bokeh(fig, sizing_mode="stretch_width", margin=0) for fig in self.plot.figures]
        self._body = column("plots", *panes, self.keys)
        self.layout = column(
            "part simulatedpart", row("parthead", heading("Observed and simulated"), switch), job_bar(self.lane),
            self._body, self.note, self.table,
        )  # fmt: skip
        data.follow(self.update)

    def update(self, names: frozenset[str]) -> None:
        """Follow data set, place and years."""
        if "dark" in names:
            self.plot.set_mode(self.data.view.dark)
        held = self.data.data
        named = isinstance(held, CubeSet) and "name" in held.places.coords
        if names & {"dataset", "sets"}:
            version = str(held.cube.attrs.get("version")) if named else ""  # type: ignore[attr-defined]
            models = site_run.models_of(engine.get_engine(), version) if named else []
            self.info = models[0] if models else None
        show(self.layout, self.info is not None)
        if self.info is None:
            self.lane.cancel()
            self._key = self.run = self.shown = None
            return
        cell = int(held.places["cell"].values[self.data.site])
        key, info = (self.info.id, cell), self.info
        if key == self._key:
            if "years" in names:
                self._show()
            return
        self._key = key

        def work(progress: Any, cancel: Any) -> xr.Dataset:
            return engine.get_engine().site(info.id, cell, progress, cancel, self.data.view.asker)

        self.lane.start(f"Running {info.title}", work, lambda run: self._take(key, run))

    def _take(self, key: tuple[Any, ...], run: xr.Dataset) -> None:
        if key == self._key:
            self.run = run
            self._show()

    def _show(self) -> None:
        run, info = self.run, self.info
        if run is None or info is None:
            return
        self.shown = site_run.shown_days(run, self.data.state.years)
        show(self._body, bool(self.shown.sizes["time"]))
        ends = [str(when)[:4] for when in run["time"].values[[0, -1]]]
        if not self.shown.sizes["time"]:
            self.note.object = (
                f'<p role="status">Nothing in these years; the record runs from {ends[0]} to {ends[1]}.</p>'
            )
            return
        self.plot.show(self.shown, site_run.descriptions(self.shown, info))
        filled = f" Filled: {run.attrs['filled']}." if run.attrs["filled"] else ""
        years = "" if self.data.state.years else f" The last years of {ends[0]} to {ends[1]}; choose others above."
        band = (
            "The band is of the distribution head: where runoff lies nine times in ten. "
            if "runoff_low_90" in run
            else "This model brings no distribution, so there is no band. "
        )
        stores = "Snow, soil moisture and groundwater are simulated; nobody observed them here."
        self.note.object = (
            f'<p class="lead" role="status">{escape(site_run.sentence(run, info))}</p>'
            f"<p>{escape(f'{info.title}, mean of {info.members} members. {band}{stores}{filled}{years}')}</p>"
        )
        if self.table.visible:
            self.show_table()

    def show_table(self) -> None:
        """Monthly means of the days shown."""
        if self.shown is None or not self.shown.sizes["time"]:
            return
        names = {"precipitation": "Rain", "runoff_observed": "Observed", "runoff": "Simulated"}
        monthly = self.shown[list(names)].resample(time="MS").mean()
        rows = [
            [str(when)[:7], *("–" if value != value else number(float(value)) for value in values)]
            for when, *values in zip(monthly["time"].values, *(monthly[name].values for name in names), strict=True)
        ]
        head = ["Month", *(f"{word}, mm a day" for word in names.values())]
        self.table.object = html_table(f"Runoff at {self.data.site_label}, monthly means", head, rows)
