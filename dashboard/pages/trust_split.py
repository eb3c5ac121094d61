"""How the model learned to split incoming water, against how dry the soil is; the published curve beside it."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from dashboard import engine
from dashboard.jobs import Lane
from dashboard.pages.parts import column, drawn, heading, html, job_bar, row, show, table_switch
from dashboard.pages.trust_view import Trust
from dashboard.plots.members import DESTINATIONS, split
from dashboard.plots.paper import Panel
from dashboard.plots.sheet import Sheet
from dashboard.tables import html_table
from hdlcore.analysis.published import PARTITION, SOURCE

FRACTIONS = {f"{name}_fraction" for name in DESTINATIONS}


class SplitPart:
    """Asked once a process of 240 cells, some seconds; hidden for a model that learns no split."""

    def __init__(self, held: Trust) -> None:
        self.trust, self.view = held, held.view
        self.lane = Lane()
        self.curves: dict[str, Any] = {}
        self._of = ""
        self._sheet, self.text = Sheet(), ""
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        switch = table_switch(self.table, self.show_table, "Split of water as a table")
        self._body = column("plots", drawn(self._sheet))
        self.layout = column(
            "part splitpart", row("parthead", heading("How it splits incoming water"), switch), job_bar(self.lane),
            self._body, self.note, self.table,
        )  # fmt: skip
        held.follow(self.update)

    def update(self, names: frozenset[str]) -> None:
        """Follow the model."""
        info, fields = self.trust.info, self.view.fields
        learns = info is not None and fields is not None and set(fields.data_vars) >= FRACTIONS
        show(self.layout, learns)
        if info is None or not learns:
            self.lane.cancel()
            self._of, self.curves = "", {}
            self._sheet.hide()
            return
        if info.id == self._of:
            if "dark" in names and self.curves:
                self._draw()
            return
        self._of = info.id

        def work(progress: Any, cancel: Any) -> dict[str, Any]:
            return engine.get_engine().partition(info.id, cancel, self.view.asker)

        self.lane.start("Running 240 cells to see how water is split", work, self._show)

    def _show(self, curves: dict[str, Any]) -> None:
        self.curves = curves
        show(self._body, bool(curves))
        if not curves:
            self._sheet.hide()
            self.note.object = '<p role="status">This model learns no split of incoming water.</p>'
            return
        soil = curves["soil"]
        known = np.flatnonzero(np.isfinite(soil.median))
        if not known.size:
            self._sheet.hide()
            show(self._body, False)
            self.note.object = '<p role="status">No water reached the soil of the cells that were run.</p>'
            return
        wet, dry = (known[np.argmin(np.abs(soil.deficit[known] - at))] for at in (10, 400))
        self.text = (
            f"To the soil go {100 * soil.median[wet]:.0f} % of incoming water at a deficit of "
            f"{soil.deficit[wet]:.0f} mm and {100 * soil.median[dry]:.0f} % at {soil.deficit[dry]:.0f} mm; published "
            f"{100 * PARTITION.soil[0]:.0f} and {100 * PARTITION.soil[-1]:.0f} % (10 and 400 mm)."
        )
        self._draw()
        key = "Line: median over days and cells; band: 0.2 to 0.8. Orange soil, green groundwater, plain the surface."
        more = f"{key} Circles and squares: published for soil and surface, with other forcing and targets. {SOURCE}."
        self.note.object = f'<p class="lead" role="status">{escape(self.text)}</p><p>{escape(more)}</p>'
        if self.table.visible:
            self.show_table()

    def _draw(self) -> None:
        published = {"soil": PARTITION.soil, "surface": PARTITION.surface}
        self._sheet.show(split(self.curves, PARTITION.deficit, published, self.view.dark, self.text))

    @property
    def panels(self) -> list[Panel]:
        """The curves, as a drawing for a picture."""
        return Panel.of(self._sheet)

    def show_table(self) -> None:
        """Medians by deficit."""
        if not self.curves:
            return
        deficit = next(iter(self.curves.values())).deficit
        rows = [
            [
                f"{at:.0f}",
                *(f"{100 * c.median[i]:.0f} %" if np.isfinite(c.median[i]) else "–" for c in self.curves.values()),
            ]
            for i, at in enumerate(deficit)
        ]
        self.table.object = html_table("Share of incoming water", ["Deficit, mm", *self.curves], rows)
