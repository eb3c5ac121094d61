"""All of it anew: the model run over all land and scored on what its members never saw; asked for by a button."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dashboard import engine
from dashboard.jobs import Lane
from dashboard.pages.dialogs import download
from dashboard.pages.parts import column, drawn, heading, html, job_bar, row, show, table_switch
from dashboard.pages.trust_view import Trust
from dashboard.plots.members import pit
from dashboard.plots.paper import Panel
from dashboard.plots.sheet import Sheet
from dashboard.selection import number
from dashboard.tables import html_table
from dashboard.trust import PARTS, found, short_name, two_digits
from dashboard.widgets import Buttons
from hdlcore.analysis.uncertainty import pit_histogram
from hdlcore.runtime.report_page import report_html
from hdlcore.runtime.turns import Asker, Priority

START = {"id": "start", "label": "Evaluate anew", "kind": "outlined"}
SAVE = {"id": "save", "label": "Save the report", "kind": "outlined"}


class EvaluatePart:
    """A button, progress with cancel; then scores beside those of the card, the PIT, and the whole report as a file."""

    def __init__(self, held: Trust) -> None:
        self.trust, self.view = held, held.view
        self.lane = Lane()
        self.lane.param.watch(lambda _: self._buttons(), "running")
        self.result: tuple[str, dict[str, Any], Any] | None = None
        self.buttons = Buttons(self._pressed, items=[START])
        self._sheet, self.text = Sheet(), ""
        self._density: NDArray[np.float64] = np.empty(0)
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        switch = table_switch(self.table, self.show_table, "Places in the predicted distributions as a table")
        self._body = column("plots", drawn(self._sheet), row("parthead", switch), self.table, visible=False)
        self.layout = column(
            "part evaluatepart", row("parthead", heading("Check it yourself"), self.buttons), job_bar(self.lane),
            self._body, self.note,
        )  # fmt: skip
        held.follow(self.update)

    def update(self, names: frozenset[str]) -> None:
        """Follow model and quantity; a run for another model is stopped."""
        info = self.trust.info
        show(self.layout, info is not None)
        if "model" in names:
            self.lane.cancel()
            self.lane.error = ""
        if names & {"model", "variable", "dark"}:
            self._show()

    def _held(self) -> tuple[dict[str, Any], Any] | None:
        """The result for the model on the screen."""
        info = self.trust.info
        ours = self.result is not None and info is not None and self.result[0] == info.id
        return self.result[1:] if ours and self.result is not None else None

    def _buttons(self) -> None:
        items = [{**START, "disabled": self.lane.running}] if self._held() is None else [SAVE]
        self.buttons.items = items

    def _pressed(self, which: str) -> None:
        info, held = self.trust.info, self._held()
        if which == "save" and held is not None and info is not None:
            made = report_html(held[1]).encode()
            self.view.send(download(f"{info.id}-evaluation.html", "text/html", made))
        elif which == "start" and info is not None and not self.lane.running:
            asker = Asker(self.view.asker.user, Priority.BACKGROUND)

            def work(progress: Any, cancel: Any) -> Any:
                return (info.id, *engine.get_engine().evaluate(info.id, progress, cancel, asker))

            self.lane.start(f"Scoring {info.title}", work, self._done)

    def _done(self, result: tuple[str, dict[str, Any], Any]) -> None:
        self.result = result
        self._show()

    def _show(self) -> None:
        self._buttons()
        held, info = self._held(), self.trust.info
        show(self._body, False)
        self._sheet.hide()
        if held is None or info is None:
            self.note.object = (
                "<p>Runs all members over all land and scores each cell by those that never saw it: some minutes, in "
                "the background, and it can be cancelled. It gives the scores, how observations fall in the predicted "
                "distributions, and the whole report as a file.</p>"
            )
            return
        result, report = held
        rows = []
        for name, parts in result["scores"].items():
            for part, label in PARTS.items():
                now, then = found(parts, part, "nse_median"), found(info.card.scores, name, part, "nse_median")
                if np.isfinite(now):
                    card = two_digits(then) if np.isfinite(then) else "nothing"
                    rows.append(f"{short_name(name)}, {label}: {two_digits(now)} (card: {card})")
        text = f"Scored just now on {result['data']}. Median efficiency (NSE): {'; '.join(rows)}."
        bands = report.calibration.get(self.trust.target)
        if bands is not None:
            density = pit_histogram(bands.pit, 20)
            self._density = density = density / max(float(density.mean()), 1e-12)
            what = short_name(self.trust.target).lower()
            self.text = (
                f"PIT of {what} over {number(bands.pit.size)} held-out values: flat is honest, a valley too narrow"
            )
            self._sheet.show(pit(density, self.view.dark, self.text))
            show(self._body, True)
            if self.table.visible:
                self.show_table()
            text += f" {self.text}, a hill too wide."
        self.note.object = f'<p role="status">{escape(text)}</p>'

    def show_table(self) -> None:
        """How full each bin is, 1 where even."""
        edges = np.linspace(0, 1, self._density.size + 1)
        rows = [
            [f"{low:.2f} to {high:.2f}", number(full)]
            for low, high, full in zip(edges[:-1], edges[1:], map(float, self._density), strict=True)
        ]
        self.table.object = html_table(
            "Held-out values by PIT", ["Place in the distribution", "Density, 1 is even"], rows
        )

    @property
    def panels(self) -> list[Panel]:
        """The PIT, as a drawing for a picture; none before it was asked for."""
        return Panel.of(self._sheet)
