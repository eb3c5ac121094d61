"""For a model trained on the twin: its memory in truth and as attributed, two linked maps with one scale."""

from __future__ import annotations

from html import escape

import numpy as np
import panel_material_ui as pmui

from dashboard import layers, map_picture, memory, truth
from dashboard.pages.maps import MapPair
from dashboard.pages.page import Pictures
from dashboard.pages.parts import SELECT, column, heading, html, row, show, table_switch
from dashboard.pages.trust_view import MOVING, Trust
from dashboard.plots.palette import palette
from dashboard.state import MEASURES, apply
from dashboard.summary import units_in_words
from dashboard.tables import html_table
from dashboard.widgets import Buttons, ColorKey
from hdlcore.variables import VARIABLES

SIDES = {"true": "In truth", "attributed": "As attributed"}
#: Lengths of the memory that the truth has as well, by what they are called.
LENGTHS = {MEASURES[name]: name for name in ("memory_time", "memory_length", "memory_share")}
ON = {
    "id": "memory",
    "label": "By driver and lag",
    "hint": "What both remember, on the page Memory",
    "kind": "outlined",
}


class MemoryTruthPart:
    """Choice of the measure, the two maps, how they agree, and a table by climate zone."""

    def __init__(self, held: Trust) -> None:
        self.trust, self.view, self.state = held, held.view, held.state
        self._updating = False
        self.text = ""
        self.measure = pmui.Select(label="Map of", options=LENGTHS, css_classes=["quantity"], **SELECT)
        self.measure.param.watch(self._chosen, "value")
        self.pair = MapPair(self.view, "trust-memory", SIDES)
        self.legend = ColorKey(css_classes=["legend"])
        self.lead, self.note, self.table = html("plotnote"), html("plotnote"), html("tableview", visible=False)
        on = Buttons(lambda _: apply(self.state, {"page": "memory"}), items=[ON])
        self.layout = column(
            "part truthpart",
            row("parthead", heading("Memory in truth and as attributed"), on),
            row("mapbar", self.measure),
            row("stage", self.pair.layout, self.legend),
            self.lead,
            row("partfoot", table_switch(self.table, self._show_table, "Agreement by climate zone as a table")),
            self.table,
            self.note,
        )
        held.follow(self.update)

    def _chosen(self, event: object) -> None:
        value = getattr(event, "new", None)
        if not self._updating and value:
            apply(self.state, {"measure": value})

    @property
    def name(self) -> str:
        """The measure of the state; the first where that is no length."""
        return self.state.measure if self.state.measure in LENGTHS.values() else next(iter(LENGTHS.values()))

    def _values(self) -> dict[str, np.ndarray] | None:
        """The measure on both sides, (cell); None where one of them lacks it."""
        true, found = (memory.measure(self.name, 0, held) for held in (self.trust.truth, self.view.fields))
        return None if true is None or found is None else {"true": true, "attributed": found}

    @property
    def there(self) -> bool:
        """Whether the memory is known in truth and as attributed."""
        return self.trust.truth is not None and "memory_time" in (self.view.fields or ())

    def pictures(self, foot: str) -> Pictures:
        """Both maps beside each other."""
        maps = {SIDES[side]: drawn for side, drawn in self.pair.maps.items()} if self.there else {}
        label = "Memory in truth and as attributed, as PNG"
        return map_picture.worlds("memory-in-truth.png", maps, self.legend, foot, True, label, self.text)

    def update(self, names: frozenset[str]) -> None:
        """Follow model, measure and selection."""
        show(self.layout, self.there)
        if not self.there:
            return
        if self.pair.make():
            names = names | {"model"}
        if "dark" in names:
            self.pair.set_mode()
        if names & MOVING:
            self.pair.mark(self.trust.mask, self.trust.at)
        if names & {"measure", "dark", *MOVING}:
            self._draw()

    def _draw(self) -> None:
        self._updating = True
        self.measure.value = self.name
        self._updating = False
        values, entry, fields = self._values(), VARIABLES[self.name], self.view.fields
        show(self.legend, values is not None)
        if values is None or fields is None:
            self.lead.object = f'<p role="status">The truth brings no map of the {escape(entry.long_name.lower())}.</p>'
            for drawn in self.pair.maps.values():
                drawn.set_values(np.full(self.trust.mask.size, np.nan, np.float32))
            return
        shown = layers.layer(self.name, 1, False, self.view.observed, fields, True)
        colors = palette(shown.cmap)
        area = self.view.world["area"].values
        self.text = truth.agreement_sentence(
            truth.agreement(values["true"], values["attributed"], area, self.trust.mask), entry.units
        )
        for side, drawn in self.pair.maps.items():
            drawn.set_colors(colors, shown.low, shown.high)
            drawn.set_values(values[side])
            drawn.describe(f"Map of the {entry.long_name.lower()}, {SIDES[side].lower()}. {self.text}")
            mark = '<span class="mark generated">generated</span>'
            self.pair.captions[side].object = f"<p><b>{escape(SIDES[side])}</b>{mark}</p>"
        self.legend.param.update(
            label=entry.long_name, units=units_in_words(entry.units) or "share", palette=[*colors[::8], colors[-1]],
            low=shown.low, high=shown.high, ticks=layers.ticks(shown.low, shown.high),
            counts=layers.bins(shown, self.trust.mask, shown.low, shown.high), mode="fixed",
            explanation=entry.explanation,
        )  # fmt: skip
        at = self.trust.at
        here = ""
        if at is not None:
            both = truth.pair_sentence(values["true"][at], values["attributed"][at], entry.units)
            here = f" {self.view.place}: {both}"
        self.lead.object = f'<p class="lead" role="status" aria-live="polite">{escape(self.text + here)}</p>'
        every = np.flatnonzero(self.trust.mask)
        self.note.object = (
            f"<p>Truth: the twin's response to every fifteenth day's weather. Attributed: "
            f"{escape(memory.cubes_made(fields, every))}. The model never saw the truth.</p>"
        )
        if self.table.visible:
            self._show_table()

    def _show_table(self) -> None:
        values, entry = self._values(), VARIABLES[self.name]
        if values is None:
            return
        zones, area = memory.zones_of(self.view.world), self.view.world["area"].values
        rows = truth.agreement_rows(values["true"], values["attributed"], area, self.trust.mask, zones, entry.units)
        heads = ["Climate", "Cells", "In truth", "As attributed", "Median difference", "Correlation"]
        self.table.object = html_table(f"{entry.long_name}, truth and attribution by climate zone", heads, rows)
