"""The curves of both sides on one vertical range, and tables of them."""

from __future__ import annotations

from html import escape

from dashboard.compare import Side
from dashboard.pages.compare_view import Comparison
from dashboard.pages.parts import column, drawn, heading, html, job_bar, row, table_switch
from dashboard.plots.components import components, limits
from dashboard.plots.paper import Panel
from dashboard.plots.sheet import Sheet
from dashboard.summary import series_sentence
from dashboard.tables import series_table

HEIGHT = 208


class CurvesPart:
    """Stored water of L and of R."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison, self.view = comparison, comparison.view
        self._names, self._sheets = (html("sidename"), html("sidename")), (Sheet(), Sheet())
        panes, self._lacks = tuple(map(drawn, self._sheets)), (html("plotnote"), html("plotnote"))
        self._jobs, self._watched = column("jobs"), 0
        self.table = html("tableview", visible=False)
        self.note = html("plotnote")
        switch = table_switch(self.table, self._show_table, "Both curves as a table")
        self.layout = column(
            "part curvespart",
            row("parthead", heading("Stored water through the year"), switch),
            self._jobs,
            row(
                "curvepair",
                *(column("curveside", *side) for side in zip(self._names, panes, self._lacks, strict=True)),
            ),
            self.note,
            self.table,
        )
        comparison.follow(self.update)

    @property
    def text(self) -> str:
        """What is compared."""
        return f"L: {self.comparison.left.title}. R: {self.comparison.right.title}."

    @property
    def panels(self) -> list[Panel]:
        """What is drawn, for paper."""
        sides = zip("LR", (self.comparison.left, self.comparison.right), self._sheets, strict=True)
        return [panel for letter, side, sheet in sides for panel in Panel.of(sheet, name=f"{letter}  {side.title}")]

    def _drawable(self) -> list[Side]:
        return [side for side in (self.comparison.left, self.comparison.right) if _seen(side)]

    def update(self, names: frozenset[str]) -> None:
        """Follow both sides, and the runs that make their curves."""
        lanes = self.comparison.lanes
        if len(lanes) > self._watched:
            self._jobs[:], self._watched = [job_bar(lane) for lane in lanes], len(lanes)
        sides = self._drawable()
        ends = [limits(side.season) for side in sides]
        span = (min(low for low, _ in ends), max(high for _, high in ends)) if ends else None
        both = (self.comparison.left, self.comparison.right)
        for number, side in enumerate(both):
            self._curve(number, side, span)
        notes = ["Both on one vertical range."] if len(sides) == 2 else []
        if not self.view.selection.single:
            notes.append("Area-weighted mean over the cells.")
        notes += self.comparison.origins()
        self.note.object = f"<p>{escape(' '.join(notes))}</p>"
        if self.table.visible:
            self._show_table()

    def _curve(self, number: int, side: Side, span: tuple[float, float] | None) -> None:
        letter, here = "LR"[number], _seen(side)
        mark = '<span class="mark generated">generated</span>' if side.generated else ""
        self._names[number].object = f"<p><b><span class='letter'>{letter}</span>{escape(side.title)}</b>{mark}</p>"
        why = "" if here else side.lack or side.problem or f"{side.title} holds no stored water."
        self._lacks[number].object = f'<p role="status">{escape(why)}</p>' if why else ""
        if not here:
            self._sheets[number].hide()
        else:
            text = f"{letter}, {series_sentence(side.season, 'season', side.title)}"
            seen, dark = "Satellite" if side.generated else "GRACE", self.view.dark
            drawing = components(side.season, dark, text, HEIGHT, seen_by=seen, span=span, month=side.month)
            self._sheets[number].show(drawing)

    def _show_table(self) -> None:
        both = zip("LR", (self.comparison.left, self.comparison.right), strict=True)
        self.table.object = "".join(
            series_table(side.season, f"{letter}: {side.title}") for letter, side in both if _seen(side)
        )


def _seen(side: Side) -> bool:
    """Whether there is stored water to draw, of a model or as it was observed."""
    return bool({"tws", "tws_observed"} & set(side.season.data_vars))
