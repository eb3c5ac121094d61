"""Where the model can be trusted: one score on the map, and the same by climate zone. Each filters the other."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel_material_ui as pmui

from dashboard import layers, trust
from dashboard.pages.maps import chooses, map_pane
from dashboard.pages.parts import SELECT, column, heading, html, row, show, table_switch
from dashboard.pages.trust_view import MOVING, Trust
from dashboard.plots.palette import palette
from dashboard.plots.worldmap import WorldMap
from dashboard.selection import number
from dashboard.state import FILTERS, apply
from dashboard.summary import units_in_words
from dashboard.tables import html_table
from dashboard.widgets import ColorKey, Readout, SpreadRows
from hdlcore.variables import VARIABLES

FIGURE = "trust-map"


class ScoreMapPart:
    """Choice of the score, map, legend whose histogram is a brush."""

    def __init__(self, held: Trust) -> None:
        self.trust, self.view, self.state = held, held.view, held.state
        self._updating = False
        self.score = pmui.Select(label="Score", options={}, css_classes=["quantity"], **SELECT)
        self.score.param.watch(self._chosen, "value")
        ids = self.view.world["cell"].values
        self.map = chooses(self.view, WorldMap(FIGURE, self.view.projection(), ids, self.view.dark))
        self.legend = ColorKey(css_classes=["legend"])
        self.legend.on_message("brush", self._brushed)
        self.readout = Readout(css_classes=["readout"])
        self.caption, self.keys = html("caption"), html("keys")
        self.lack = html("nomap")  # stands where the map would
        self._shown = [
            row("mapbar", self.score),
            row("captionrow", self.caption, self.readout),
            row("stage", map_pane(self.map), self.legend),
            self.keys,
        ]
        self.layout = column("mappart", self.lack, *self._shown)
        held.follow(self.update)

    def _chosen(self, event: Any) -> None:
        if not self._updating and event.new:
            apply(self.state, {"variable": event.new, "values": None, "color_range": None})

    def _brushed(self, message: dict[str, Any]) -> None:
        shown = self.trust.layer
        if message["range"] is None or shown is None:
            apply(self.state, {"values": None})
            return
        ends = shown.brushed(*(float(value) for value in message["range"]))
        apply(self.state, {"variable": self.trust.shown, "values": ends, "focus": "filter"})

    def update(self, names: frozenset[str]) -> None:
        """Follow score, filters and cell."""
        held, shown = self.trust, self.trust.layer
        if "dark" in names:
            self.map.set_mode(self.view.dark)
        if self.map.projection.name != self.state.projection:
            self.map.set_projection(self.view.projection())
            self.map.set_pick(held.at)
        self.lack.object = f'<p role="status">{escape(held.lack)}</p>' if held.lack else ""
        show(self.lack, bool(held.lack))
        for part in self._shown:
            show(part, shown is not None)
        if shown is None:
            return
        self._updating = True
        try:
            self.score.param.update(options={VARIABLES[name].long_name: name for name in held.names}, value=held.shown)
        finally:
            self._updating = False
        if names & {"model", "variable"}:
            self.map.set_values(shown.values)
            self.map.set_colors(palette(shown.cmap), shown.low, shown.high)
        far = trust.beyond(self.view.fields)
        if names & MOVING:
            self.map.set_flags(held.mask, self.view.selection.outline, far)
            self.map.set_pick(held.at)
            self._update_legend(far)

    def _update_legend(self, far: Any) -> None:
        held, shown = self.trust, self.trust.layer
        assert shown is not None
        entry, colors = shown.variable, palette(shown.cmap)
        units = units_in_words(entry.units) or "score"
        brush = list(self.state.values) if self.state.values and self.state.variable == held.shown else None
        self.readout.units = "" if units == "score" else units
        self.legend.param.update(
            label=entry.long_name, units=units, palette=[*colors[::8], colors[-1]], low=shown.low, high=shown.high,
            ticks=layers.ticks(shown.low, shown.high), counts=layers.bins(shown, held.mask, shown.low, shown.high),
            brush=brush, mode="fixed", explanation=entry.explanation,
        )  # fmt: skip
        mark = '<span class="mark generated">generated</span>' if self.view.generated else ""
        self.caption.object = f"<p><b>{escape(entry.long_name)}</b>{mark}</p>"
        keys = [escape(f"High: {entry.positive}")] if entry.positive else []
        keys.append('<i class="nodata"></i>ice or no score')
        if far is not None and far.any():
            keys.append(f'<i class="hatch"></i>unlike what it learned from ({int(far.sum()):,} cells)')
        if not held.mask.all():
            keys.append('<i class="pale"></i>filtered out')
        self.keys.object = f'<div class="keylist">{"".join(f"<span>{key}</span>" for key in keys)}</div>'
        self.map.describe(f"Map: {entry.long_name}. {self._here()}")

    def _here(self) -> str:
        shown, selection = self.trust.layer, self.view.selection
        assert shown is not None
        values = shown.values[selection.of]
        good = values[np.isfinite(values)]
        if not good.size:
            return f"{self.view.place}: no score."
        what = "" if selection.single else "median over cells "
        return f"{self.view.place}: {what}{number(float(np.median(good)))}."


class ZonesPart:
    """The score by climate zone; a zone that is pressed is a filter everywhere."""

    def __init__(self, held: Trust) -> None:
        self.trust, self.view, self.state = held, held.view, held.state
        self.rows = SpreadRows(css_classes=["spread"], sizing_mode="stretch_width")
        self.rows.on_message("toggle", self._toggle)
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        self.layout = column(
            "part zonespart",
            row(
                "parthead", heading("By climate zone"), table_switch(self.table, self.show_table, "All scores by zone")
            ),
            self.rows,
            self.note,
            self.table,
        )
        held.follow(self.update)

    def _toggle(self, message: dict[str, Any]) -> None:
        code = int(message.get("id", 0))
        zones = tuple(sorted({code} ^ set(self.state.climate_zones)))
        others = [name for name in FILTERS if name != "climate_zones"]
        anything = zones or any(getattr(self.state, name) not in (None, (), "") for name in others)
        if 1 <= code <= 5:
            apply(self.state, {"climate_zones": zones, "focus": "filter" if anything else "cell"})

    def update(self, names: frozenset[str]) -> None:
        """Follow score and filters."""
        shown = self.trust.layer
        show(self.layout, shown is not None)
        if shown is None or not names & MOVING:
            return
        units = units_in_words(shown.variable.units)
        items = []
        for found in trust.zone_rows(self.view.world, shown.values, self.trust.mask_of_zones()):
            ends, count = found["ends"], found["count"]
            value = trust.two_digits(ends[2]) if ends else "–"
            said = f"{found['name']}: median {value} {units}, half of {count:,} cells between " if ends else ""
            said += (
                f"{trust.two_digits(ends[1])} and {trust.two_digits(ends[3])}" if ends else f"{found['name']}: no cell"
            )
            items.append(
                {
                    "id": str(found["code"]), "label": found["name"], "ends": ends, "value": value,
                    "count": f"{count:,}", "said": said, "pressed": found["code"] in self.state.climate_zones,
                }
            )  # fmt: skip
        marks = [0.0] if shown.low < 0 < shown.high else [1.0] if self.trust.shown == "extrapolation" else []
        self.rows.param.update(
            label=f"{shown.variable.long_name} by climate zone",
            items=items,
            low=shown.low,
            high=shown.high,
            marks=marks,
        )
        self.note.object = "<p>Median, half and nine tenths of the cells. Press a zone to see it alone everywhere.</p>"
        if self.table.visible:
            self.show_table()

    def show_table(self) -> None:
        """Medians of every score by zone."""
        fields, mask = self.view.fields, self.trust.mask_of_zones()
        if fields is None:
            return
        table: dict[str, list[str]] = {}
        for name in self.trust.names:
            for found in trust.zone_rows(self.view.world, fields[name].values, mask):
                value = trust.two_digits(found["ends"][2]) if found["ends"] else "–"
                table.setdefault(found["name"], []).append(value)
        head = ["Climate", *(VARIABLES[name].long_name for name in self.trust.names)]
        self.table.object = html_table("Medians over cells", head, [[zone, *row_] for zone, row_ in table.items()])
