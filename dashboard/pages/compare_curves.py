"""The curves of both sides on one vertical range, and tables of them."""

from __future__ import annotations

from html import escape
from typing import Any

import panel as pn
from bokeh.models import ColumnDataSource

from dashboard.compare import Side
from dashboard.pages.compare_view import Comparison
from dashboard.pages.parts import column, heading, html, row, table_switch
from dashboard.plots.components import components, limits, mark_months, month_spans
from dashboard.summary import series_sentence
from dashboard.tables import series_table

HEIGHT = 208


class CurvesPart:
    """Stored water of L and of R."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison, self.view = comparison, comparison.view
        self.sides = (column("curveside"), column("curveside"))
        self.table = html("tableview", visible=False)
        self.note = html("plotnote")
        switch = table_switch(self.table, self._show_table, "Both curves as a table")
        self.layout = column(
            "part curvespart",
            row("parthead", heading("Stored water through the year"), switch),
            row("curvepair", *self.sides),
            self.note,
            self.table,
        )
        comparison.follow(self.update)

    def _drawable(self) -> list[Side]:
        return [side for side in (self.comparison.left, self.comparison.right) if "tws" in side.season]

    def update(self, names: frozenset[str]) -> None:
        """Follow both sides."""
        sides = self._drawable()
        ends = [limits(side.season) for side in sides]
        span = (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None
        both = (self.comparison.left, self.comparison.right)
        for letter, side, place in zip("LR", both, self.sides, strict=True):
            place[:] = self._curve(letter, side, span)
        notes = ["Both on one vertical range."] if len(sides) == 2 else []
        if not self.view.selection.single:
            notes.append("Area-weighted mean over the cells.")
        notes.append(self.view.label)
        self.note.object = f"<p>{escape(' '.join(notes))}</p>"
        if self.table.visible:
            self._show_table()

    def _curve(self, letter: str, side: Side, span: tuple[float, float] | None) -> list[Any]:
        name = html("sidename", f"<p><b><span class='letter'>{letter}</span>{escape(side.title)}</b></p>")
        if "tws" not in side.season:
            why = side.problem or f"{side.title} holds no stored water."
            return [name, html("plotnote", f'<p role="status">{escape(why)}</p>')]
        text = f"{letter}, {series_sentence(side.season, 'season', side.title)}"
        seen = "Satellite-like" if side.generated else "GRACE"
        plot = components(side.season, self.view.dark, text, HEIGHT, seen_by=seen, span=span)
        marks = mark_months(ColumnDataSource(month_spans(side.season, side.month)), self.view.dark)
        hooks = plot.opts.get("plot").kwargs.get("hooks", [])
        return [
            name,
            pn.pane.HoloViews(plot.opts(hooks=[*hooks, marks]), height=HEIGHT, sizing_mode="stretch_width", margin=0),
        ]

    def _show_table(self) -> None:
        both = zip("LR", (self.comparison.left, self.comparison.right), strict=True)
        self.table.object = "".join(
            series_table(side.season, f"{letter}: {side.title}") for letter, side in both if "tws" in side.season
        )
