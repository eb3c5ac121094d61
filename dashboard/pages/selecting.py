"""Where we are and what is let through: place card, chips, filters."""

from __future__ import annotations

from typing import Any

import numpy as np
import panel_material_ui as pmui

from dashboard.look import Look
from dashboard.pages.parts import SELECT, column, row
from dashboard.pages.view import View
from dashboard.selection import Selection, facts, filter_labels, flag_names, number, parse_place
from dashboard.state import FILTERS, History, State, apply
from dashboard.summary import units_in_words
from dashboard.widgets import Buttons, Chips, Place, RangeField
from hdlcore.data.cube import find_cell
from hdlcore.data.regions import region_names
from hdlcore.errors import RequestError

COMPACT = """
.MuiSelect-select { min-height: 37px !important; padding-top: 6.5px !important; padding-bottom: 6.5px !important; }
.MuiInputLabel-root:not(.MuiInputLabel-shrink) { transform: translate(14px, 9px) scale(1) !important; }
.MuiInputLabel-root:not(.MuiInputLabel-shrink) { padding: 0 !important; }
.MuiInputLabel-root { background: none !important; }
.MuiInputLabel-shrink { background: var(--hdl-page) !important; }
.MuiSelect-icon { color: var(--hdl-quiet) !important; }
"""
ARROW = ".MuiAutocomplete-endAdornment button { color: var(--hdl-quiet) !important; }"


class PlacePart:
    """Name and facts of the chosen place, latitude and longitude fields, the sentence of what is seen."""

    def __init__(self, view: View) -> None:
        self.view = view
        self._shown: Selection | None = None
        self.card = Place(css_classes=["placecard"], sizing_mode="stretch_width")
        self.card.on_message("go", self._go)
        self.layout = self.card
        view.say(lambda look: [(self.card, {"sentence": look.sentence})])
        view.follow(self.update, quick=True)

    def warn(self, text: str) -> None:
        """One sentence under the facts (a tap in the sea); empty removes it."""
        self.card.message = text

    def _go(self, message: dict[str, Any]) -> None:
        try:
            lat, lon = parse_place(self.view.world, message.get("lat"), message.get("lon"), message.get("text", []))
            cell = find_cell(self.view.world, lat, lon)
        except RequestError as error:
            self.warn(f"{error} The choice stays.")
            return
        self.warn("")
        apply(self.view.state, {"cell": cell, "focus": "cell"})
        self.update(frozenset({"cell"}))

    def update(self, names: frozenset[str]) -> None:
        """Show the selection."""
        view, at = self.view, self.view.selection.position
        if names & {"cell", "focus", *FILTERS}:
            self.card.message = view.selection.empty
        self.card.sentence = view.sentence()
        if self._shown is view.selection:
            return
        self._shown = view.selection
        self.card.param.update(
            title=view.selection.label,
            facts=[list(pair) for pair in facts(view.world, view.selection)],
            lat=round(float(view.world["lat"].values[at]), 2),
            lon=round(float(view.world["lon"].values[at]), 2),
        )


class FilterPart:
    """Filters that combine, the chips that show them, the count of cells left, undo."""

    def __init__(self, view: View, history: History) -> None:
        self.view, self.state, self.history = view, view.state, history
        self._updating = False
        self._shown: Selection | None = None
        self.chips = Chips(css_classes=["chipbar"], sizing_mode="stretch_width")
        for kind, act in (
            ("remove", self._remove),
            ("clear", self._clear),
            ("undo", self._undo),
            ("focus", self._focus),
        ):
            self.chips.on_message(kind, act)
        self._make_controls()
        controls = row("filters", self.zones, self.latitude, self.values, self.region, self.covers)
        self.layout = column("filterpart", self.chips, controls)
        view.say(lambda look: [(self.values, {"hints": self._hints(look)})])
        view.follow(self.update, quick=True)

    def _make_controls(self) -> None:
        world = self.view.world
        zones, covers = flag_names(world, "climate_zone"), flag_names(world, "land_cover")
        present = {int(code) for code in world["land_cover"].values}
        self._zone_names = zones
        self.zones = Buttons(self._toggle_zone, label="Climate zone", joined=True, css_classes=["zones"])
        self.covers = pmui.MultiChoice(
            label="Land cover",
            options={name: code for code, name in covers.items() if code in present},
            value=[],
            css_classes=["covers"],
            visual_size="small",
            stylesheets=[COMPACT],
            variant="outlined",
            margin=0,
            sizing_mode="stretch_width",
            width=None,
        )
        named = [region_names(world, category) for category in ("region", "country", "basin")]
        self.region = pmui.AutocompleteInput(
            label="Region, country or basin",
            options=list(dict.fromkeys(name for names in named for name in names)),
            value="",
            min_characters=0,
            restrict=True,
            case_sensitive=False,
            css_classes=["region"],
            stylesheets=[ARROW],
            **SELECT,
        )
        self.latitude = RangeField(label="Latitude °", hints=["−90", "90"], css_classes=["number"])
        self.values = RangeField(label="Value", css_classes=["number"])
        self.covers.param.watch(lambda event: self._set(land_covers=tuple(sorted(event.new or ()))), "value")
        self.region.param.watch(lambda event: self._set(region=event.new or ""), "value")
        self.latitude.on_message("range", lambda message: self._range("latitude", message["range"], -90.0, 90.0))
        self.values.on_message("range", lambda message: self._range("values", message["range"], *self._extent()))

    def _toggle_zone(self, code: str) -> None:
        self._set(climate_zones=tuple(sorted({int(code)} ^ set(self.state.climate_zones))))

    def _extent(self, look: Look | None = None) -> tuple[float, float]:
        """Whole numbers around every value of the map; around its colours where it has none."""
        shown = (look or self.view.look()).layer
        values = shown.values if np.isfinite(shown.values).any() else np.array([shown.low, shown.high])
        return float(np.floor(np.nanmin(values))), float(np.ceil(np.nanmax(values)))

    def _hints(self, look: Look) -> list[str]:
        return [number(value) for value in self._extent(look)]

    def _range(self, name: str, pair: list[Any], least: float, most: float) -> None:
        """An empty field is open, both empty no filter, swapped numbers are put in order."""
        if pair[0] is None and pair[1] is None:
            self._set(**{name: None})
            return
        ends = (least if pair[0] is None else float(pair[0]), most if pair[1] is None else float(pair[1]))
        if name == "latitude":
            ends = (min(max(ends[0], -90.0), 90.0), min(max(ends[1], -90.0), 90.0))
        self._set(**{name: (min(ends), max(ends))})

    def _set(self, **values: Any) -> None:
        if not self._updating:
            name, value = next(iter(values.items()))
            if getattr(self.state, name) == value:
                return
            kept = {other: getattr(self.state, other) for other in FILTERS} | values
            anything = any(item not in (None, (), "") for item in kept.values())
            apply(self.state, {**values, "focus": "filter" if anything else "cell"})

    def _remove(self, message: dict[str, Any]) -> None:
        name = message.get("id")
        if name in FILTERS:
            self._set(**{name: State.param[name].default})

    def _clear(self, _: dict[str, Any]) -> None:
        self.state.clear_filters()

    def _undo(self, _: dict[str, Any]) -> None:
        self.history.undo()

    def _focus(self, message: dict[str, Any]) -> None:
        if message.get("id") in ("cell", "filter"):
            apply(self.state, {"focus": message["id"]})

    def update(self, names: frozenset[str]) -> None:
        """Bring chips and controls to the state."""
        self._updating = True
        try:
            if names & {*FILTERS}:
                self._update_controls()
            if names & {"model", "variable", "time", "departure", "values"}:
                self._update_values()
        finally:
            self._updating = False
        if self._shown is self.view.selection:
            self.chips.can_undo = len(self.history) > 0
        else:
            self._shown = self.view.selection
            self._update_chips()

    def _update_controls(self) -> None:
        state = self.state
        self.zones.items = [
            {"id": str(code), "label": name, "pressed": code in state.climate_zones}
            for code, name in self._zone_names.items()
        ]
        self.covers.value = list(state.land_covers)
        self.region.value = state.region
        low, high = state.latitude or (None, None)
        self.latitude.param.update(low=low, high=high)

    def _update_values(self) -> None:
        shown = self.view.layer
        units = units_in_words(shown.variable.units)
        low, high = self.state.values or (None, None)
        hints = self._hints(self.view.look())
        label = f"Value, {units}" if units else "Value"
        self.values.param.update(label=label, low=low, high=high, hints=hints, visible=shown.ordered)

    def _update_chips(self) -> None:
        view, state = self.view, self.state
        labels = filter_labels(state, view.world, view.layer.variable)
        mean = state.focus == "filter" and bool(labels) and not view.selection.empty
        lat, lon = (
            float(view.world["lat"].values[view.selection.position]),
            float(view.world["lon"].values[view.selection.position]),
        )
        spot = f"{abs(lat):g}° {'S' if lat < 0 else 'N'}, {abs(lon):g}° {'W' if lon < 0 else 'E'}"
        items = [
            {
                "id": "cell",
                "label": f"Cell {spot}",
                "active": not mean,
                "removable": False,
                "focus": "cell",
                "hint": "Show the curves of this cell",
            }
        ]
        items += [
            {
                "id": name,
                "label": label,
                "active": mean,
                "removable": True,
                "focus": "filter",
                "hint": "Show the area-weighted mean of the cells left",
            }
            for name, label in labels.items()
        ]
        left = int(view.selection.mask.sum())
        total = view.selection.mask.size
        count = f"{left:,} of {total:,} cells" if labels else f"{total:,} land cells"
        self.chips.param.update(
            items=items, count=count if left else "No cell left", empty=not left, can_undo=len(self.history) > 0
        )
