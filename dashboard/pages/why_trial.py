"""The day's answer tried out on the model: weather put back to usual in the order that the method calls important."""

from __future__ import annotations

from html import escape
from typing import Any

from dashboard import trial
from dashboard.pages.parts import column, drawn, html, job_bar, row, show, table_switch
from dashboard.pages.why_view import Why
from dashboard.plots.sheet import Sheet
from dashboard.plots.trial import trial_curve
from dashboard.state import apply
from dashboard.widgets import Buttons

CURVES = {
    "deletion": ("Put back to usual", "Share of the entries (driver and days back) put back, most important first"),
    "insertion": ("Given back to usual weather", "Share of the entries given back, most important first"),
}
SHADE = "The shade holds random orders, the dashed line is their mean."


class TrialPart:
    """A button that opens it; then progress, a sentence, two small curves and their table."""

    def __init__(self, held: Why) -> None:
        self.why, self.view, self.state = held, held.view, held.state
        self.open = Buttons(lambda _: apply(self.state, {"trial": not self.state.trial}), items=self._items())
        self.lead = html("plotnote")
        self._sheets = {name: Sheet() for name in CURVES}
        self._pair = row("curvepair", *(self._side(name) for name in CURVES))
        self.table = html("tableview", visible=False)
        self._switch = table_switch(self.table, self._show_table, "Deletion and insertion as a table")
        self.body = column("trialbody", self.lead, self._pair, self._switch, self.table)
        self.layout = column("trialpart", self.open, job_bar(held.trial_lane), self.body)
        held.follow(self.update)

    def _side(self, name: str) -> Any:
        title, note = CURVES[name]
        return column(
            "curveside", html("sidename", f"<b>{title}</b>"), drawn(self._sheets[name]),
            html("plotnote", f"<p>{note}. {SHADE}</p>"),
        )  # fmt: skip

    def _items(self) -> list[dict[str, Any]]:
        shown = self.state.trial
        return [{"id": "trial", "label": "Hide the trial" if shown else "Try the answer out", "pressed": shown}]

    def update(self, names: frozenset[str]) -> None:
        """Follow the story, whether it is open, and the tones."""
        if not names & {"story", "tried", "trial", "dark"}:
            return
        self.open.items = self._items()
        self.open.visible = self.why.story is not None
        found, said = self.why.trial, self.why.trial_lack
        show(self.body, self.state.trial and (found is not None or bool(said)))
        self._pair.visible = self._switch.visible = found is not None
        if found is None:
            self.table.visible = False
            self.lead.object = f'<p role="status">{escape(said)}</p>' if said else ""
            return
        units = str(found["deletion"].attrs["units"])
        self.lead.object = f'<p role="status" aria-live="polite">{escape(trial.sentence(found))}</p>'
        for name, sheet in self._sheets.items():
            said = trial.curve_sentence(found, name)
            sheet.show(trial_curve(found[name].values, trial.chance_of(found, name), units, self.view.dark, said))
        if self.table.visible:
            self._show_table()

    def _show_table(self) -> None:
        if self.why.trial is not None:
            units = str(self.why.trial["deletion"].attrs["units"])
            title = f"The answer of {self.state.day}, {self.view.place}, tried out ({units})"
            self.table.object = trial.table(self.why.trial, title)
