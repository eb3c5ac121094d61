"""The heatmap of the Memory page with its controls, beside it the one it is held against, and the box that filters."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel_material_ui as pmui

from dashboard import memory
from dashboard.pages.heat_pane import HeatPane
from dashboard.pages.memory_view import Memory, Side
from dashboard.pages.parts import SELECT, choice, column, heading, html, job_bar, row, table_switch
from dashboard.plots.heatmap import axis_of, box_meaning, color_limit, row_names
from dashboard.plots.paper import Panel
from dashboard.selection import row_label
from dashboard.state import FILTERS, METHODS, QUARTERS, ROWS, apply
from dashboard.summary import memory_sentence, quantity
from dashboard.tables import memory_table
from dashboard.widgets import Buttons, RangeField
from hdlcore.attribution.cubes import AXES, heat_agreement, heat_time
from hdlcore.attribution.views import memory_summary
from hdlcore.runtime.requests import EXPLANATIONS

HEIGHT = 230
REACHES = {"year": "1 year", "two": "2 years"}


class HeatPart:
    """`layout`: rows, sign, months, method and reach; heatmap, and the truth beside it. `boxing`: the box by keys."""

    def __init__(self, held: Memory) -> None:
        self.memory, self.view, self.state = held, held.view, held.state
        self._updating = False
        self._make_controls()
        self.pane = HeatPane(HEIGHT, self._boxed)
        self.truth = HeatPane(HEIGHT)
        self.summary, self.note, self.versus = html("summary"), html("plotnote"), html("plotnote")
        self.names = [html("sidename"), html("sidename")]
        self.table = html("tableview", visible=False)
        self._switch = table_switch(self.table, self._show_table, "Memory as a table")
        self._left = column("heatside", self.names[0], job_bar(held.own.lane, renews=True), self.pane.layout)
        bar = job_bar(held.other.lane, renews=True)
        self._right = column("heatside", self.names[1], bar, self.truth.layout, self.versus)
        self._pair = row("heatpair", self._left)
        self.layout = column(
            "memorybig memorypart",
            row("parthead", heading("How far back does the past still matter?"), self._switch),
            row("memorybar", self.rows, self.signed, self.quarter, self.method, self.reach, self.run),
            self.summary,
            self._pair,
            self.table,
        )
        self.boxing = column(
            "part boxpart",
            heading("Cells that show a box"),
            row("boxbar", self.box_rows, self.box_days, self.unbox),
            self.note,
        )
        held.own.lane.param.watch(lambda _: self._offer(), "running")
        held.follow(self.update)

    def _offer(self) -> None:
        """The button that asks live, while there is something to ask."""
        self.run.items = [{"id": "live", "label": "Compute live", "kind": "outlined"}] if self.memory.can_ask else []

    def _make_controls(self) -> None:
        state = self.state
        self.rows = choice("Rows of the heatmap", ROWS, state.rows, lambda name: apply(state, {"rows": name}))
        kinds = {"size": "Size", "sign": "Sign"}
        self.signed = choice("Heatmap shows", kinds, "size", lambda kind: apply(state, {"signed": kind == "sign"}))
        quarters = {text: name for name, text in QUARTERS.items()}
        self.quarter = pmui.Select(label="Days looked at", options=quarters, css_classes=["quarter"], **SELECT)
        options = {text: name for name, text in METHODS.items() if EXPLANATIONS[name].axis == "forcing"}
        self.method = pmui.Select(label="Method", options=options, css_classes=["method"], **SELECT)
        self.reach = choice("How far back", REACHES, state.reach, lambda name: apply(state, {"reach": name}))
        self.run = Buttons(lambda _: self.memory.ask(), items=[])
        self.quarter.param.watch(lambda event: self._set(quarter=event.new), "value")
        self.method.param.watch(lambda event: self._set(method=event.new), "value")
        self.box_rows = Buttons(self._toggle_row, label="Rows of the box", joined=True, css_classes=["boxrows"])
        self.box_days = RangeField(label="Days back", css_classes=["number"])
        self.box_days.on_message("range", lambda message: self._days(message["range"]))
        self.unbox = Buttons(lambda _: self._box(None), items=[])

    @property
    def text(self) -> str:
        """What the heatmap says."""
        own = self.memory.own
        return memory_sentence(own.heat, self._place(own)) if own.heat is not None else ""

    @property
    def panels(self) -> list[Panel]:
        """What is drawn, for paper."""
        if not self.memory.against:
            return self.pane.panels
        sides = zip((self.memory.own, self.memory.other), (self.pane, self.truth), strict=True)
        return [Panel(panel.drawings, side.title) for side, pane in sides for panel in pane.panels]

    # -- from the person ----------------------------------------------------------------------------------------

    def _set(self, **values: Any) -> None:
        if not self._updating:
            apply(self.state, values)

    def _box(self, box: memory.Box | None) -> None:
        """Choose a box: the map and the heatmap are then of the cells that show it."""
        others = any(getattr(self.state, name) not in (None, (), "") for name in FILTERS if name != "memory_box")
        apply(self.state, {"memory_box": box, "focus": "filter" if box or others else "cell"})

    def _boxed(self, low: int, high: int, first: int, last: int) -> None:
        heat, own = self.memory.own.heat, self.memory.own
        if heat is None or own.source != self.view.model:
            return
        box = memory.box_of(heat, self.state.rows, low, high, first, last)
        self._box(None if box == self.state.memory_box else box)

    def _toggle_row(self, name: str) -> None:
        heat, box = self.memory.own.heat, self.state.memory_box
        if heat is None:
            return
        every = [str(value) for value in heat[AXES[self.state.rows]].values]
        old = box[1] if box is not None and box[0] == self.state.rows else ()
        chosen = tuple(one for one in every if (one in old) != (one == name))
        days = box[2:] if old and box is not None else (90, int(heat["lag_end"].values[-1]))
        self._box((self.state.rows, chosen, *days) if chosen else None)

    def _days(self, ends: list[Any]) -> None:
        heat, box = self.memory.own.heat, self.state.memory_box
        if heat is None:
            return
        names = box[1] if box is not None and box[0] == self.state.rows else None
        if names is None:
            names = tuple(str(value) for value in heat[AXES[self.state.rows]].values)
        if ends[0] is None and ends[1] is None:
            self._box(None)
            return
        most = int(heat["lag_end"].values[-1])
        first, last = (
            int(min(max(other if end is None else end, 0), most))
            for end, other in zip(ends, (0, most), strict=True)
        )  # fmt: skip
        self._box((self.state.rows, names, min(first, last), max(first, last)))

    # -- to the screen ------------------------------------------------------------------------------------------

    def update(self, names: frozenset[str]) -> None:
        """Bring controls and heatmaps to the state."""
        state, own = self.state, self.memory.own
        self._updating = True
        self.rows.chosen, self.signed.chosen = state.rows, "sign" if state.signed else "size"
        self.reach.chosen, self.quarter.value, self.method.value = state.reach, state.quarter, state.method
        self._updating = False
        model = self.view.kind == "model"
        self.method.visible = model and state.rows not in ("carrier", "zone")
        self.reach.visible = self.view.kind in ("model", "twin") and state.rows != "zone"
        self._offer()
        if names & {"heat", "dark"}:
            self._show()
        if self.table.visible:
            self._show_table()
        self._switch.visible = own.heat is not None

    def _show(self) -> None:
        own, other, state, dark = self.memory.own, self.memory.other, self.state, self.view.dark
        place = self._place(own)
        both = [side.heat for side in (own, other) if side.heat is not None]
        limit = max(color_limit(heat) for heat in both) if len(both) == 2 else None
        if own.heat is None:
            self.pane.clear()
            self.summary.object = f'<p class="lead" role="status">{escape(own.why)}</p>'
        else:
            text = memory_sentence(own.heat, place)
            span = memory.box_span(own.heat, state.rows, state.memory_box)
            self.pane.show(own.heat, state.signed, dark, text, limit, span)
            self.summary.object = f'<p class="lead" role="status" aria-live="polite">{escape(text)}</p>'
        against = bool(self.memory.against)
        self.names[0].visible = against
        sides = [self._left, self._right] if against else [self._left]
        if len(self._pair) != len(sides):
            self._pair[:] = sides
        if against:
            self._show_other(limit)
        self._show_box()
        self.note.object = f"<p>{escape(self._about(own))}</p>"

    def _place(self, side: Side) -> str:
        if self.state.rows == "zone":
            left = int(self.view.selection.mask.sum())
            return f"{'All land' if left == self.view.selection.mask.size else f'{left:,} cells left'}"
        return self.view.place

    def _show_other(self, limit: float | None) -> None:
        own, other = self.memory.own, self.memory.other
        for side, name in zip((own, other), self.names, strict=True):
            what = "True" if side.kind == "twin" else "Attributed"
            name.object = f"<p><b>{what}</b> {escape(side.title)}</p>"
        if other.heat is None:
            self.truth.clear()
            self.versus.object = f'<p role="status">{escape(other.why)}</p>'
            return
        text = memory_sentence(other.heat, f"{self._place(other)}, {other.title}")
        self.truth.show(other.heat, self.state.signed, self.view.dark, text, limit)
        self.versus.object = f"<p>{escape(versus(own, other))}</p>"

    def _show_box(self) -> None:
        heat, box, rows = self.memory.own.heat, self.state.memory_box, self.state.rows
        self.box_rows.visible = self.box_days.visible = heat is not None
        if heat is None:
            self.unbox.items = []
            return
        mine = box if box is not None and box[0] == rows else None
        values = [str(value) for value in heat[AXES[rows]].values]
        few = len(values) < 6  # more need several lines
        self.box_rows.joined, kind = few, "" if few else "outlined"
        self.box_rows.items = [
            {"id": name, "label": label, "pressed": mine is not None and name in mine[1], "kind": kind}
            for name, label in zip(values, row_names(heat), strict=True)
        ]
        hints = ["0", str(int(heat["lag_end"].values[-1]))]
        low, high = (mine[2], mine[3]) if mine is not None else (None, None)
        self.box_days.param.update(low=low, high=high, hints=hints)
        self.unbox.items = [{"id": "unbox", "label": "Remove the box"}] if box is not None else []

    def _about(self, own: Side) -> str:
        """What a box says, how the numbers were made, and how far they add up."""
        if own.heat is None:
            return ""
        meaning = EXPLANATIONS["carriers"].claim if self.state.rows == "carrier" else box_meaning(self.state.signed)
        weighted = "" if self.view.selection.single and self.state.rows != "zone" else ", area-weighted"
        if own.live is not None:
            how = f"{memory.made_by(own.live)}. Mean memory {memory_summary(own.live)['memory_time']:.0f} days."
            if "completeness_gap" in own.live and own.kind != "twin":
                gap, whole = (float(np.abs(own.live[name]).mean()) for name in ("completeness_gap", "difference"))
                how += f" Not accounted for: {quantity(gap, 'mm')} of {quantity(whole, 'mm')} on average."
            how += f" {own.live.attrs.get('notes', '')}"
        elif own.kind == "twin":
            how = f"The twin's true response by finite difference, for a day of each fortnight of 2005{weighted}."
        elif self.state.rows == "carrier":
            how = f"Four days of 2005, of all members; hidden state is what the networks keep{weighted}."
        else:
            fields, of = self.view.fields, self.view.selection.of
            how = f"{memory.cubes_made(fields, of)}{weighted}." if fields is not None else ""
        drag = "Drag over the heatmap, or tap a box, to see on the map which cells show it."
        return " ".join(part for part in (meaning, how, own.why, drag) if part)

    def _show_table(self) -> None:
        own, other = self.memory.own, self.memory.other
        texts = [
            memory_table(side.heat, f"Memory of stored water, {self._place(side)}, {side.title}")
            for side in (own, other)
            if side.heat is not None
        ]
        self.table.object = "".join(texts)


def versus(own: Side, other: Side) -> str:
    """How two heatmaps agree: their order of boxes, and the difference of their mean memory times."""
    if own.heat is None or other.heat is None:
        return ""
    axis = axis_of(own.heat)
    both = [str(name) for name in own.heat[axis].values if name in other.heat[axis].values]
    if own.heat.sizes["lag_bin"] != other.heat.sizes["lag_bin"] or not both:
        return "The two look back differently far and cannot be set box against box."
    kept = [
        side.sel({axis: [name for name in side[axis].values if str(name) in both]}) for side in (own.heat, other.heat)
    ]
    same = "" if len(both) == own.heat.sizes[axis] else f" of {' and '.join(row_label(name).lower() for name in both)}"
    rank, days = heat_agreement(*kept), [heat_time(heat) for heat in kept]
    return (
        f"Rank correlation of the boxes{same} {rank:.2f}; mean memory {days[0]:.0f} days on the left, "
        f"{days[1]:.0f} on the right. Nothing that learned ever saw the true responses."
    )
