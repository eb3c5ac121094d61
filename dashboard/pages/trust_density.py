"""What the model says against what is known, all cells and months of the selection at once."""

from __future__ import annotations

from html import escape

import numpy as np

from dashboard import trust
from dashboard.pages.parts import column, drawn, heading, html, row, show, table_switch
from dashboard.pages.trust_view import MOVING, Trust
from dashboard.plots.density import density
from dashboard.plots.paper import Panel
from dashboard.plots.sheet import Sheet
from dashboard.selection import flag_names, number
from dashboard.summary import units_in_words
from dashboard.tables import html_table


class DensityPart:
    """Density of pairs with the chosen cell's twelve months ringed; a table by climate zone."""

    def __init__(self, held: Trust) -> None:
        self.trust, self.view = held, held.view
        self._sheet, self.text = Sheet(), ""
        self.head, self.note = heading(""), html("plotnote")
        self.table = html("tableview", visible=False)
        switch = table_switch(self.table, self.show_table, "Observed against simulated as a table")
        self._body = column("plots", drawn(self._sheet))
        self.layout = column("part densitypart", row("parthead", self.head, switch), self._body, self.note, self.table)
        held.follow(self.update)

    def update(self, names: frozenset[str]) -> None:
        """Follow quantity and selection."""
        show(self.layout, self.trust.info is not None)
        if not names & {"dark", *MOVING} or self.trust.info is None:
            return
        what, pairs = trust.short_name(self.trust.target), self.trust.pairs
        self.head.object = f"<h2>{escape(what)}: known and simulated</h2>"
        show(self._body, pairs is not None)
        if pairs is None:
            self._sheet.hide()
            self.note.object = (
                f'<p role="status">No {escape(what.lower())} to hold against the model is shipped with it.</p>'
            )
            return
        mask, at = self.trust.mask, self.trust.at
        counts, low, high = trust.density(pairs, mask)
        chosen = (pairs.known[:, at], pairs.simulated[:, at]) if at is not None else (np.array([]), np.array([]))
        where = "All land" if mask.all() else "Cells left"
        self.text = trust.agreement_sentence(pairs, trust.agreement(pairs, mask), int(mask.sum()), where)
        units = units_in_words(pairs.units)
        labels = [f"{pairs.seen}, {units}", f"model, {units}"]
        self._sheet.show(density(counts, low, high, chosen, labels, self.view.dark, self.text))
        rings = f" Rings: the twelve months of {self.view.place}." if at is not None else ""
        more = (
            f"{rings} {pairs.note} Shown is the mean of all members, most of which learned from a cell; the scores "
            "above are of members that never saw it."
        )
        self.note.object = f'<p class="lead" role="status">{escape(self.text)}</p><p>{escape(more)}</p>'
        if self.table.visible:
            self.show_table()

    @property
    def panels(self) -> list[Panel]:
        """The density, as a drawing for a picture."""
        return Panel.of(self._sheet)

    def show_table(self) -> None:
        """Agreement by climate zone."""
        pairs, world = self.trust.pairs, self.view.world
        if pairs is None:
            return
        rows = []
        for code, name in flag_names(world, "climate_zone").items():
            found = trust.agreement(pairs, self.trust.mask_of_zones() & (world["climate_zone"].values == code))
            cells = [number(round(found[key], 2)) if found["n"] else "–" for key in ("r", "rmse", "bias")]
            rows.append([name, f"{found['n']:,}", *cells])
        units = units_in_words(pairs.units)
        head = ["Climate", "Pairs", "Correlation", f"RMSE, {units}", f"Bias, {units}"]
        self.table.object = html_table(f"{pairs.seen} and model, mean seasons", head, rows)
