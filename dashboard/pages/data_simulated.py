"""A model of places beside the observed record of the chosen one: hydrograph, band, stores, score of the test."""

from __future__ import annotations

from html import escape
from itertools import zip_longest
from typing import Any

import panel_material_ui as pmui
import xarray as xr

from dashboard import engine, site_run
from dashboard.datasets import CubeSet
from dashboard.jobs import Lane
from dashboard.pages.data_view import DataView
from dashboard.pages.parts import SELECT, column, drawn, heading, html, job_bar, row, show, table_switch
from dashboard.plots import hydrograph
from dashboard.plots.paper import Panel
from dashboard.plots.sheet import Sheet
from dashboard.selection import number
from dashboard.state import apply
from dashboard.tables import html_table
from hdlcore.runtime.engine import ModelInfo

FIGURES = ("rain", "runoff", "stores of L", "stores of R")


class SimulatedPart:
    """Runs the model for the chosen place, unasked: a second; hidden where no model knows the data set.

    Where two models do, the second can be set beside it: L and R.
    """

    def __init__(self, data: DataView) -> None:
        self.data = data
        self.lane = Lane()
        self.models: list[ModelInfo] = []
        self.runs: list[xr.Dataset] = []
        self.shown: list[xr.Dataset] = []
        self.text = ""
        self._key: tuple[Any, ...] | None = None
        self._updating = False
        self._sheets = [Sheet() for _ in FIGURES]
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        self.river = pmui.Select(label="Model", options={}, css_classes=["method", "river"], **SELECT)
        self.beside = pmui.Select(label="Beside it", options={}, css_classes=["method"], **SELECT)
        for select, name in ((self.river, "river"), (self.beside, "beside")):
            select.param.watch(lambda event, name=name: self._set(**{name: event.new or ""}), "value")
        self._choices = row("memorybar", self.river, self.beside)
        switch = table_switch(self.table, self.show_table, "Observed and simulated runoff as a table")
        self.layout = column(
            "part simulatedpart", row("parthead", heading("Observed and simulated"), switch), self._choices,
            job_bar(self.lane, renews=True), column("plots", *map(drawn, self._sheets)), self.note, self.table,
        )  # fmt: skip
        data.follow(self.update)

    def _set(self, **values: str) -> None:
        if not self._updating:
            apply(self.data.state, values)

    @property
    def panels(self) -> list[Panel]:
        """What is drawn, for paper."""
        return Panel.of(*self._sheets)

    @property
    def chosen(self) -> list[ModelInfo]:
        """The models that are run: one, or two that differ."""
        known = {info.id: info for info in self.models}
        if not known:
            return []
        first = known.get(self.data.state.river, self.models[0])
        other = known.get(self.data.state.beside)
        return [first] if other is None or other is first else [first, other]

    def update(self, names: frozenset[str]) -> None:
        """Follow data set, place, models and years."""
        held = self.data.data
        named = isinstance(held, CubeSet) and "name" in held.places.coords
        if names & {"dataset", "sets"}:
            version = str(held.cube.attrs.get("version")) if named else ""  # type: ignore[attr-defined]
            self.models = site_run.models_of(engine.get_engine(), version) if named else []
        show(self.layout, bool(self.models))
        if not self.models:
            self.lane.cancel()
            self._key, self.runs, self.shown = None, [], []
            return
        self._offer()
        cell, chosen = int(held.places["cell"].values[self.data.site]), self.chosen
        key = (*(info.id for info in chosen), cell)
        if key == self._key:
            if names & {"years", "dark"}:
                self._show()
            return
        self._key = key
        asked = engine.get_engine()

        def work(progress: Any, cancel: Any) -> list[xr.Dataset]:
            runs = [asked.site(info.id, cell, progress, cancel, self.data.view.asker) for info in chosen]
            return list(xr.align(*runs, join="inner"))  # two models may need records of other lengths

        doing = f"Running {' and '.join(info.title for info in chosen)}"
        self.lane.start(doing, work, lambda runs: self._take(key, runs))

    def _offer(self) -> None:
        """The models to choose from, where there are several."""
        self._choices.visible = len(self.models) > 1
        self._updating = True
        try:
            titles = {f"{info.title} ({info.id})": info.id for info in self.models}
            chosen = self.chosen
            self.river.param.update(options=titles, value=chosen[0].id)
            others = {title: name for title, name in titles.items() if name != chosen[0].id}
            self.beside.param.update(options={"None": "", **others}, value=chosen[1].id if len(chosen) > 1 else "")
        finally:
            self._updating = False

    def _take(self, key: tuple[Any, ...], runs: list[xr.Dataset]) -> None:
        if key == self._key:
            self.runs = runs
            self._show()

    def _show(self) -> None:
        if not self.runs:
            return
        years = self.data.state.years
        self.shown = [site_run.shown_days(run, years) for run in self.runs]
        if not self.shown[0].sizes["time"]:
            for sheet in self._sheets:
                sheet.hide()
            ends = [str(when)[:4] for when in self.runs[0]["time"].values[[0, -1]]]
            self.note.object = (
                f'<p role="status">Nothing in these years; the record runs from {ends[0]} to {ends[1]}.</p>'
            )
            return
        self._draw()
        self.text = self._said()
        self.note.object = f'<p class="lead" role="status">{escape(self.text)}</p><p>{escape(self._notes())}</p>'
        if self.table.visible:
            self.show_table()

    def _draw(self) -> None:
        runs, dark = self.shown, self.data.view.dark
        said = site_run.descriptions(runs, [info.title for info in self.chosen])
        drawings = [hydrograph.rain(runs, dark, said["rain"]), hydrograph.runoff(runs, dark, said["runoff"])]
        for letter, run in zip("LR", runs, strict=False):
            last, mark = run is runs[-1], letter if len(runs) > 1 else ""
            drawings.append(hydrograph.stores(run, runs, dark, said[letter], mark, last))
        for sheet, drawing in zip_longest(self._sheets, drawings):
            if drawing is None:
                sheet.hide()
            else:
                sheet.show(drawing)

    def _said(self) -> str:
        if len(self.runs) > 1:
            return site_run.compared(self.runs, [info.title for info in self.chosen])
        return site_run.sentence(self.runs[0], self.chosen[0])

    def _notes(self) -> str:
        """What the models are, what the bands are, what was filled, which years are shown."""
        first = self.runs[0]
        ends = [str(when)[:4] for when in first["time"].values[[0, -1]]]
        parts = [f"{info.title}, mean of {info.members} member{'s' * (info.members > 1)}." for info in self.chosen]
        if len(self.runs) == 1:
            parts.append(
                "The bands are of the distribution head: where runoff lies five and nine times in ten."
                if "runoff_low_90" in first
                else "This model brings no distribution, so there is no band."
            )
        parts.append("Snow, soil moisture and groundwater are simulated; nobody observed them here.")
        if first.attrs["filled"]:
            parts.append(f"Filled: {first.attrs['filled']}.")
        if not self.data.state.years:
            parts.append(f"The last years of {ends[0]} to {ends[1]}; choose others above.")
        return " ".join(parts)

    def show_table(self) -> None:
        """Monthly means of the days shown."""
        if not self.shown or not self.shown[0].sizes["time"]:
            return
        first = self.shown[0]
        columns = {"Rain": first["precipitation"], "Observed": first["runoff_observed"]}
        names = ["Simulated"] if len(self.shown) == 1 else ["L", "R"]
        columns |= {name: run["runoff"] for name, run in zip(names, self.shown, strict=True)}
        monthly = xr.Dataset(columns).resample(time="MS").mean()
        rows = [
            [str(when)[:7], *("–" if value != value else number(float(value)) for value in values)]
            for when, *values in zip(monthly["time"].values, *(monthly[name].values for name in columns), strict=True)
        ]
        head = ["Month", *(f"{name}, mm a day" for name in columns)]
        self.table.object = html_table(f"Runoff at {self.data.site_label}, monthly means", head, rows)
