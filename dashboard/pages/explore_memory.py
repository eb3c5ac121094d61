"""What past weather still does to stored water: a small heatmap, and the way to the pages that ask further."""

from __future__ import annotations

from html import escape

from dashboard.memory import Wanted, cubes_made, made_by
from dashboard.pages.heat_pane import HeatPane
from dashboard.pages.memory_view import MOVES, Side
from dashboard.pages.parts import choice, column, heading, html, job_bar, row, table_switch
from dashboard.pages.view import View
from dashboard.plots.heatmap import box_meaning
from dashboard.plots.paper import Panel
from dashboard.state import apply
from dashboard.summary import memory_sentence
from dashboard.tables import memory_table
from dashboard.widgets import Buttons

WAYS = [
    {"id": "memory", "label": "More on its memory", "kind": "outlined"},
    {"id": "why", "label": "Why this day?", "kind": "outlined"},
]


class MemoryPart:
    """Lag x driver of the selection: from the lag cubes at once; live for a cell where there are none."""

    def __init__(self, view: View) -> None:
        self.view, self.state = view, view.state
        self.side = Side(view, self._show)
        self.text = ""
        self.pane = HeatPane()
        kinds = {"size": "Size", "sign": "Sign"}
        self.signed = choice("Heatmap shows", kinds, "size", lambda kind: apply(self.state, {"signed": kind == "sign"}))
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        self._switch = table_switch(self.table, self._show_table, "Memory as a table")
        self.ways = Buttons(lambda name: apply(self.state, {"page": name}), items=WAYS)
        self.layout = column(
            "part memorypart",
            row("parthead", heading("What it remembers"), self.signed, self._switch),
            job_bar(self.side.lane, renews=True),
            self.pane.layout,
            self.note,
            row("partfoot", self.ways),
            self.table,
        )
        view.follow(self.update, quick=True)

    @property
    def panels(self) -> list[Panel]:
        """What is drawn, for paper."""
        return self.pane.panels

    def update(self, names: frozenset[str]) -> None:
        """Follow the selection."""
        self.signed.chosen = "sign" if self.state.signed else "size"
        self.ways.visible = self.view.kind in ("model", "twin")
        if names & MOVES or (self.state.values and names & {"time", "variable", "departure"}):
            self.side.refresh(self.view.model, Wanted("driver", self.state.signed, ""))
            self._show()
        elif "dark" in names:
            self._show()

    def _show(self) -> None:
        side = self.side
        self.signed.visible = self._switch.visible = side.heat is not None
        if side.heat is None:
            self.pane.clear()
            self.note.object = f'<p role="status">{escape(side.why)}</p>'
            return
        self.text = memory_sentence(side.heat, self.view.place)
        self.pane.show(side.heat, self.state.signed, self.view.dark, self.text)
        head = self.text.removeprefix(f"{self.view.place}: ")
        weighted = "" if self.view.selection.single else ", area-weighted"
        if side.kind == "twin":
            how = f"The twin's true response, by finite difference{weighted}. {self.view.label}"
        else:
            fields, of = self.view.fields, self.view.selection.of
            how = made_by(side.live) if side.live is not None else cubes_made(fields, of) if fields is not None else ""
            how = f"{how}{weighted}." if how else ""
        said = f"{head[0].upper()}{head[1:]}"
        about = f"{box_meaning(self.state.signed)} {how}"
        self.note.object = f'<p role="status" aria-live="polite">{escape(said)} <span>{escape(about)}</span></p>'
        if self.table.visible:
            self._show_table()

    def _show_table(self) -> None:
        if self.side.heat is not None:
            self.table.object = memory_table(self.side.heat, f"Memory of stored water, {self.view.place}")
