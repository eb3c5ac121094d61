"""Both runs of the chosen quantity, their difference, and the differences of every store and flux as small pictures."""

from __future__ import annotations

from html import escape
from typing import Any

from dashboard import whatif
from dashboard.layers import MONTHS
from dashboard.pages.experiment import Experiment
from dashboard.pages.parts import column, drawn, html, job_bar, row, table_switch
from dashboard.plots.paper import Panel, svg
from dashboard.plots.sheet import Drawing, Sheet
from dashboard.plots.whatif import difference, rain, two_runs
from dashboard.state import apply
from dashboard.summary import quantity, units_in_words
from dashboard.tables import runs_table
from dashboard.widgets import RangeField, Tiles
from hdlcore.variables import variable

HEIGHTS = (62, 230, 118)


class RunsPart:
    """Rain, both runs and their difference on one time axis, and tiles to choose the quantity."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment, self.state = experiment, experiment.state
        self.text = ""
        self.head = html("heading")
        self.years = RangeField(label="Years", css_classes=["number"])
        self.years.on_message("range", self._ranged)
        self.tiles = Tiles(label="Largest difference of each store and flux", sizing_mode="stretch_width")
        self.tiles.on_message("choose", lambda message: apply(self.state, {"variable": str(message.get("id"))}))
        self.waiting = html("plotnote", visible=False)
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        self._sheets = (Sheet(), Sheet(), Sheet())
        self.summary = html("summary")
        switch = table_switch(self.table, self._show_table, "Both runs as a table")
        self.layout = column(
            "part runspart",
            row("parthead", self.head, self.years, switch),
            self.waiting,
            job_bar(experiment.lane, renews=True),
            column("plots runplots", *map(drawn, self._sheets)),
            self.note,
            self.table,
            self.tiles,
            self.summary,
        )
        experiment.follow(self.update)

    @property
    def panels(self) -> list[Panel]:
        """What is drawn, for paper."""
        return Panel.of(*self._sheets)

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
        if not names & {"runs", "variable", "dark", "years", "time"}:
            return
        experiment, runs = self.experiment, self.experiment.runs
        self.years.visible = self.tiles.visible = runs is not None
        self.waiting.visible = runs is None
        if runs is None:
            self._draw()
            self.head.object = "<h2>Both runs</h2>"
            waiting = "" if experiment.lane.error else "The first run is on its way."
            # above the room that is kept for the plots: below it nobody would see it
            self.waiting.object = f'<p role="status" class="lead">{escape(experiment.empty or waiting)}</p>'
            self.note.object = self.table.object = ""
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
        self._draw()
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
            notes.append("Brown shade: when the change holds.")
        if runs is not None and whatif.rain_changes(runs):
            notes.append("Pale: rain that the change took away; dark: rain that it added.")
        notes.append(f"Blue shade: {MONTHS[self.state.month - 1]}, the month of the map.")
        notes.append(view.label)
        return " ".join(notes)

    def _times(self) -> Any:
        assert self.experiment.runs is not None
        return self.experiment.runs.plain["time"].values

    def drawings(self, dark: bool) -> list[Drawing | None]:
        """Rain, both runs, their difference: None where there is nothing to draw."""
        experiment, runs, name = self.experiment, self.experiment.runs, self.experiment.quantity
        if runs is None:
            return [None, None, None]
        units = units_in_words(variable(name).units) or "share"
        plain, changed = experiment.within(runs.plain[name]), experiment.within(runs.changed[name])
        span, different = experiment.span(plain["time"].values), bool(runs.scenario)
        month, texts = self.state.month, self._texts()
        found: list[Drawing | None] = [None, None, None]
        if "precipitation" in runs.plain:
            both = [experiment.within(run["precipitation"]) for run in (runs.plain, runs.changed)]
            found[0] = rain(both[0], both[1] if different else None, dark, texts[0], HEIGHTS[0], span, month)
        other = changed if different else None
        found[1] = two_runs(plain, other, units, dark, texts[1], HEIGHTS[1], span, month)
        if different:
            gap = experiment.within(runs.difference[name])
            found[2] = difference(gap, units, dark, texts[2], HEIGHTS[2], span, month)
        return found

    def figures(self) -> list[str]:
        """The same for a file that needs no server."""
        shown = [drawing for drawing in self.drawings(False) if drawing is not None]
        return [svg([Panel(shown)], self.text), f"<p>{escape(self.text)}</p>"] if shown else []

    def _draw(self) -> None:
        drawings = self.drawings(self.experiment.view.dark)
        for sheet, drawing in zip(self._sheets, drawings, strict=True):
            if drawing is None:
                sheet.hide()
            else:
                sheet.show(drawing)

    def _texts(self) -> tuple[str, str, str]:
        """What a screen reader says of rain, both runs and their difference."""
        runs = self.experiment.runs
        wet = whatif.rain_sentence(runs) if runs is not None and "precipitation" in runs.plain else ""
        return wet, self.text, f"Difference: {self.text}"

    def _show_table(self) -> None:
        runs = self.experiment.runs
        if runs is not None:
            name = self.experiment.quantity
            pair = self.experiment.within(runs.plain[name]), self.experiment.within(runs.changed[name])
            self.table.object = runs_table(*pair, variable(name), f"{variable(name).long_name}, {runs.place}")
