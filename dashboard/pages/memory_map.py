"""The map of memory: how long, or held by what; the cells that show the box of the heatmap; a click chooses a cell."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel_material_ui as pmui

from dashboard import layers, memory
from dashboard.pages.maps import chooses, map_pane
from dashboard.pages.memory_view import Memory
from dashboard.pages.parts import SELECT, column, html, row, table_switch
from dashboard.plots.map_paper import Key, Legend
from dashboard.plots.palette import palette
from dashboard.plots.worldmap import WorldMap
from dashboard.selection import row_label
from dashboard.state import FILTERS, MEASURES, apply
from dashboard.summary import quantity, units_in_words
from dashboard.tables import html_table, map_table
from dashboard.theme import component_colors, tokens
from dashboard.widgets import ColorKey, Readout
from hdlcore.variables import VARIABLES

FIGURE = "memory-map"
#: Months back at which the leading carrier is looked for.
BACK = 3
HIDDEN_COLOR = "#CC79A7"  # Okabe-Ito, apart from the stores' colours


class MemoryMapPart:
    """Choice of the measure, map, legend whose histogram is a brush."""

    def __init__(self, held: Memory) -> None:
        self.memory, self.view, self.state = held, held.view, held.state
        self._updating = False
        self.keys_of: Legend | None = None  # what the colours mean where they are of carriers
        options = {text: name for name, text in MEASURES.items()}
        self.measure = pmui.Select(label="Map of", options=options, css_classes=["quantity"], **SELECT)
        self.measure.param.watch(self._chosen, "value")
        ids = self.view.world["cell"].values
        self.map = chooses(self.view, WorldMap(FIGURE, self.view.projection(), ids, self.view.dark))
        self.legend = ColorKey(css_classes=["legend"])
        self.legend.on_message("brush", self._brushed)
        self.readout = Readout(css_classes=["readout"])
        self.caption, self.keys, self.note = html("caption"), html("keys"), html("plotnote")
        self.table = html("tableview", visible=False)
        self.layout = column(
            "mappart memorymap",
            row("mapbar", self.measure, self.caption, self.readout),
            row("stage", map_pane(self.map), self.legend),
            row("foot", self.keys, table_switch(self.table, self._show_table, "The map as a table")),
            self.note,
            self.table,
        )
        held.follow(self.update)

    def _chosen(self, event: Any) -> None:
        if not self._updating and event.new:
            apply(self.state, {"measure": event.new})

    def _brushed(self, message: dict[str, Any]) -> None:
        """Cells of a range of the measure: the filter of values, with this quantity on the map of Explore."""
        shown = self.layer
        if message["range"] is None or shown is None:
            apply(self.state, {"values": None})
            return
        ends = shown.brushed(*(float(value) for value in message["range"]))
        apply(self.state, {"variable": self.state.measure, "values": ends, "focus": "filter"})

    @property
    def layer(self) -> layers.Layer | None:
        """The measure as a layer; None for carriers, and where the source has none."""
        fields = self.view.fields
        if self.state.measure == "carrier" or fields is None or self.state.measure not in fields:
            return None
        return layers.layer(self.state.measure, 1, False, self.view.observed, fields, self.view.generated)

    def update(self, names: frozenset[str]) -> None:
        """Follow measure, filters and cell."""
        if "dark" in names:
            self.map.set_mode(self.view.dark)
        if "projection" in names and self.map.projection.name != self.state.projection:
            self.map.set_projection(self.view.projection())
        if not names & {"measure", "model", "dark", "projection", "cell", "focus", "variable", "time", *FILTERS}:
            return
        self._updating = True
        self.measure.value = self.state.measure
        self._updating = False
        selection = self.view.selection
        self.map.set_flags(selection.mask, selection.outline, None)
        self.map.set_pick(selection.position if selection.single else None)
        values = memory.measure(self.state.measure, BACK, self.view.fields)
        if values is None:
            self._lacking()
        elif self.state.measure == "carrier":
            self._carriers(values)
        else:
            self._lengths()
        if self.table.visible:
            self._show_table()

    @property
    def key(self) -> Legend | ColorKey:
        """What the colours on the map mean."""
        return self.keys_of or self.legend

    def _lacking(self) -> None:
        self.keys_of = None
        size = self.view.selection.mask.size
        self.map.set_values(np.full(size, np.nan, np.float32))
        self.legend.visible = False
        who = self.view.source.title if self.view.source is not None else "This source"
        what = MEASURES[self.state.measure].lower()
        why = self.view.fields_problem.rstrip(".") or f"{who} brings no map of the {what}"
        text = f"{why}. Click a land cell, and its memory is computed live."
        if self.view.kind == "data":
            text = "Data has no memory of its own to map; choose a model or the twin above."
        self.caption.object = f"<p><b>{escape(MEASURES[self.state.measure])}</b></p>"
        self.keys.object = ""
        self.note.object = f'<p role="status">{escape(text)}</p>'
        self.map.describe(f"Map: {text}")

    def _lengths(self) -> None:
        shown, mask = self.layer, self.view.selection.mask
        assert shown is not None
        self.keys_of = None
        entry, colors = shown.variable, palette(shown.cmap)
        self.map.set_values(shown.values)
        self.map.set_colors(colors, shown.low, shown.high)
        units = units_in_words(entry.units) or "share"
        brush = list(self.state.values) if self.state.values and self.state.variable == entry.name else None
        self.readout.units = units_in_words(entry.units)
        self.legend.visible = True
        self.legend.param.update(
            label=entry.long_name, units=units, palette=[*colors[::8], colors[-1]], low=shown.low, high=shown.high,
            ticks=layers.ticks(shown.low, shown.high), counts=layers.bins(shown, mask, shown.low, shown.high),
            brush=brush, mode="fixed", explanation=entry.explanation,
        )  # fmt: skip
        self._caption(entry.long_name, [])
        value = self._mean(shown.values)
        what = f"{entry.long_name[0].lower()}{entry.long_name[1:]} {value}"
        self.note.object = f"<p>{escape(self.view.place)}: {escape(what)}.</p>"
        self.map.describe(f"Map: {entry.long_name}. {self.view.place}: {what}.")

    def _mean(self, values: Any) -> str:
        of, area = self.view.selection.of, self.view.world["area"].values.astype(float)
        part = values[of].astype(float)
        good = np.isfinite(part)
        if not good.any():
            return "has no value"
        number = float(np.average(part[good], weights=area[of][good]))
        return quantity(number, VARIABLES[self.state.measure].units)

    def _carriers(self, values: Any) -> None:
        fields = self.view.fields
        assert fields is not None
        names = [str(name) for name in fields["carrier"].values]
        known = component_colors(False) | {"hidden_state": HIDDEN_COLOR}
        colors = tuple(known.get(name, tokens(False)["quiet"]) for name in names)
        self.map.set_values(values)
        self.map.set_colors(colors, 0, max(len(names) - 1, 1))
        self.legend.visible = False
        mask = self.view.selection.mask & np.isfinite(values)
        area = self.view.world["area"].values.astype(float)
        shares = [area[mask & (values == i)].sum() / max(area[mask].sum(), 1e-12) for i in range(len(names))]
        title = f"What carries most of the memory, {BACK} months back"
        keys = [
            Key(f"{row_label(name)} {100 * share:.0f} %", color)
            for name, color, share in zip(names, colors, shares, strict=True)
        ]
        self.keys_of = Legend(title, keys=keys)
        self._caption(title, [f'<i style="background:{key.color}"></i>{escape(key.label)}' for key in keys])
        lead = int(np.argmax(shares))
        self.note.object = (
            "<p>One store at a time is put back to its usual amount; what then changes most in total storage leads. "
            "Shares are of the area left. Hidden state is what the networks keep beside the stores.</p>"
        )
        said = f"{row_label(names[lead])} leads on {100 * shares[lead]:.0f} % of the area left."
        self.map.describe(f"Map: {title}. {said}")

    def _caption(self, title: str, keys: list[str]) -> None:
        mark = '<span class="mark generated">generated</span>' if self.view.generated else ""
        self.caption.object = f"<p><b>{escape(title)}</b>{mark}</p>"
        keys = [*keys, '<i class="nodata"></i>ice or no data']
        if not self.view.selection.mask.all():
            keys.append('<i class="pale"></i>filtered out')
        self.keys.object = f'<div class="keylist">{"".join(f"<span>{key}</span>" for key in keys)}</div>'

    def _show_table(self) -> None:
        shown, view = self.layer, self.view
        if shown is not None:
            self.table.object = map_table(view.world, shown, view.selection.mask, shown.variable.long_name)
            return
        values = memory.measure("carrier", BACK, view.fields) if self.state.measure == "carrier" else None
        if values is None or view.fields is None:
            self.table.object = "<p>There is no map to tabulate.</p>"
            return
        names = [str(name) for name in view.fields["carrier"].values]
        zones, mask = memory.zones_of(view.world), view.selection.mask & np.isfinite(values)
        area = view.world["area"].values.astype(float)
        rows = []
        for zone in sorted(set(zones[mask])):
            inside = mask & (zones == zone)
            parts = [area[inside & (values == i)].sum() / area[inside].sum() for i in range(len(names))]
            rows.append([str(zone).capitalize(), *(f"{100 * part:.0f} %" for part in parts)])
        head = ["Climate", *(row_label(name) for name in names)]
        self.table.object = html_table(f"Share of the area that each leads on, {BACK} months back", head, rows)
