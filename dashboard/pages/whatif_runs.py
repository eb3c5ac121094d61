"""Both runs of the chosen quantity, their difference, and the differences of every store and flux as small pictures."""

from __future__ import annotations

from html import escape
from typing import Any

import holoviews as hv
import panel as pn
from holoviews.streams import Pipe

from dashboard import whatif
from dashboard.pages.experiment import Experiment
from dashboard.pages.parts import column, html, job_bar, row, table_switch
from dashboard.plots.whatif import difference, two_runs
from dashboard.state import apply
from dashboard.summary import quantity, units_in_words
from dashboard.tables import runs_table
from dashboard.widgets import RangeField, Tiles
from hdlcore.variables import variable

HEIGHTS = (230, 118)


class RunsPart:
    """Two plots on one time axis, and tiles to choose the quantity."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment, self.state = experiment, experiment.state
        self.text = ""
        self._pipe = Pipe(data=None)
        self._updating = False
        self.head = html("heading")
        self.years = RangeField(label="Years", css_classes=["number"])
        self.years.on_message("range", self._ranged)
        self.tiles = Tiles(label="Largest difference of each store and flux", sizing_mode="stretch_width")
        self.tiles.on_message("choose", lambda message: apply(self.state, {"variable": str(message.get("id"))}))
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        self._plots = column("plots runplots")
        self.summary = html("summary")
        switch = table_switch(self.table, self._show_table, "Both runs as a table")
        self.layout = column(
            "part runspart",
            row("parthead", self.head, self.years, switch),
            job_bar(experiment.lane),
            self._plots,
            self.note,
            self.table,
            self.tiles,
            self.summary,
        )
        experiment.follow(self.update)

    def _ranged(self, message: dict[str, Any]) -> None:
        low, high = message["range"]
        if low is None and high is None:
            apply(self.state, {"years": None})
            return
        first, last = self.experiment.years
        ends = (int(first if low is None else low), int(last if high is None else high))
        apply(self.state, {"years": (max(min(ends), 0), min(max(ends), 9999))})

    def update(self, names: frozenset[str]) -> None:
        """Follow the runs, the quantity, the years and the colours."""
        if not names & {"runs", "variable", "dark", "years"}:
            return
        experiment, runs = self.experiment, self.experiment.runs
        self.years.visible = self.tiles.visible = runs is not None
        if runs is None:
            self._plots[:] = []
            self.head.object = "<h2>Both runs</h2>"
            waiting = "The first run is on its way." if experiment.lane.running else ""
            self.note.object = f'<p role="status" class="lead">{escape(experiment.empty or waiting)}</p>'
            self.table.object = ""
            return
        name = experiment.quantity
        entry = variable(name)
        if names & {"runs"}:
            self.tiles.items = whatif.tiles(runs)
        self.tiles.chosen = name
        self.head.object = f"<h2>{escape(entry.long_name)}</h2>"
        self.text = whatif.sentence(runs, name)
        first, last = self.state.years or (None, None)
        self.years.param.update(low=first, high=last, hints=[str(year) for year in experiment.years])
        self._draw(name)
        self.note.object = f'<p class="lead">{escape(self.text)}</p><p>{escape(self._notes())}</p>'
        self.summary.object = f'<p class="visually-hidden" role="status" aria-live="polite">{escape(self.text)}</p>'
        if self.table.visible:
            self._show_table()

    def _notes(self) -> str:
        runs, view = self.experiment.runs, self.experiment.view
        notes = []
        if runs is not None and runs.scenario:
            parts = whatif.budget(runs)
            named = {"precipitation": "precipitation", "evapotranspiration": "evaporation", "runoff": "runoff"}
            said = [f"{quantity(parts[key], 'mm')} {word}" for key, word in named.items() if key in parts]
            if said:
                notes.append(f"A year on average, changed minus as it was: {', '.join(said)}.")
        if not view.selection.single:
            notes.append("Area-weighted means of monthly values.")
        if self.experiment.span(self._times()) is not None:
            notes.append("Shaded: when the change holds.")
        notes.append(view.label)
        return " ".join(notes)

    def _times(self) -> Any:
        assert self.experiment.runs is not None
        return self.experiment.runs.plain["time"].values

    def _draw(self, name: str) -> None:
        experiment, runs, dark = self.experiment, self.experiment.runs, self.experiment.view.dark
        assert runs is not None
        units = units_in_words(variable(name).units) or "share"
        plain, changed = experiment.within(runs.plain[name]), experiment.within(runs.changed[name])
        span, different = experiment.span(plain["time"].values), bool(runs.scenario)
        plots: list[tuple[hv.Overlay, int]] = [
            (two_runs(plain, changed if different else None, units, dark, self.text, HEIGHTS[0], span), HEIGHTS[0])
        ]
        if different:
            gap = experiment.within(runs.difference[name])
            label = f"Difference: {self.text}"
            plots.append((difference(gap, "difference", dark, label, HEIGHTS[1], span), HEIGHTS[1]))
        self._plots[:] = [
            # not linked: both share the years, and have ranges of their own
            pn.pane.HoloViews(plot, height=height, sizing_mode="stretch_width", margin=0, linked_axes=False)
            for plot, height in plots
        ]

    def _show_table(self) -> None:
        runs = self.experiment.runs
        if runs is not None:
            name = self.experiment.quantity
            pair = self.experiment.within(runs.plain[name]), self.experiment.within(runs.changed[name])
            self.table.object = runs_table(*pair, variable(name), f"{variable(name).long_name}, {runs.place}")
