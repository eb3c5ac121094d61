"""What is compared: in what L and R differ, what R is, the quantity, the month, how the maps stand."""

from __future__ import annotations

from functools import partial
from typing import Any

import panel_material_ui as pmui

from dashboard.layers import MONTHS
from dashboard.pages.compare_view import Comparison
from dashboard.pages.parts import SELECT, choice, column, html, job_bar, row
from dashboard.pages.scenario_job import member_count
from dashboard.scenario import PRESETS, in_words, read_scenario
from dashboard.selection import parse_place
from dashboard.sources import picker_groups
from dashboard.state import ARRANGE, COMPARE, PROJECTIONS, apply
from dashboard.widgets import Buttons, Place, Player
from hdlcore.data.cube import find_cell
from hdlcore.errors import RequestError


class CompareControls:
    """One bar for both maps; what only one kind of comparison needs is shown for that kind alone."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison, self.view, self.state = comparison, comparison.view, comparison.state
        self._updating = False
        self.by = choice("L and R differ in", COMPARE, "model", lambda by: apply(self.state, {"compare": by}))
        self.arrange = choice("Maps", ARRANGE, "side", lambda how: apply(self.state, {"arrange": how}))
        self._make_selects()
        self._make_months()
        self.place = Place(css_classes=["placecard"], sizing_mode="stretch_width")
        self.place.on_message("go", self._go)
        self.compute = Buttons(lambda _: comparison.job.start(), items=[])
        self.scenario_row = row("scenariorow", *self.members, self.scenario, self.compute)
        self.layout = column(
            "comparebar",
            row("byrow", html("label", "<p>L and R differ in</p>"), self.by, self.arrange),
            row("mapbar", self.quantity, self.other, self.scenario_row, self.projection),
            job_bar(comparison.scenario_job.lane),
            job_bar(comparison.member_job.lane),
        )
        comparison.follow(self.update)

    def _make_selects(self) -> None:
        self.quantity = pmui.Select(label="Quantity", groups={"": []}, css_classes=["quantity"], **SELECT)
        self.other = pmui.Select(label="R: model or data", groups={"": []}, css_classes=["other"], **SELECT)
        names = {preset.name: read_scenario(preset.scenario) for preset in PRESETS.values()}
        self._presets = names
        self.scenario = pmui.Select(label="R: what is changed", options=names, css_classes=["scenario"], **SELECT)
        self.members = [
            pmui.Select(label=f"{side}: member", options={}, css_classes=["member"], **SELECT) for side in "LR"
        ]
        options = {text: name for name, text in PROJECTIONS.items()}
        self.projection = pmui.Select(label="Projection", options=options, css_classes=["projection"], **SELECT)
        for select, field in (
            (self.quantity, "variable"), (self.other, "other_model"), (self.scenario, "scenario"),
            (self.projection, "projection"),
        ):  # fmt: skip
            select.param.watch(lambda event, field=field: self._set(**{field: event.new or ""}), "value")

        for select, field in zip(self.members, ("member", "other_member"), strict=True):
            select.param.watch(
                lambda event, field=field: self._set(**({field: event.new} if event.new else {})), "value"
            )

    def _make_months(self) -> None:
        size = {"labels": MONTHS, "css_classes": ["months"], "sizing_mode": "stretch_width"}
        self.months = (Player(**size), Player(**size))
        for player, field in zip(self.months, ("time", "other_time"), strict=True):
            player.on_step(partial(self._step, field))

    def _step(self, field: str, at: int) -> None:
        self._set(**{field: f"{at + 1:02d}"})

    def _set(self, **values: Any) -> None:
        if not self._updating:
            apply(self.state, values)

    def _go(self, message: dict[str, Any]) -> None:
        world = self.view.world
        try:
            cell = find_cell(
                world, *parse_place(world, message.get("lat"), message.get("lon"), message.get("text", []))
            )
        except RequestError as error:
            self.place.message = f"{error} The choice stays."
            return
        apply(self.state, {"other_cell": cell})

    def update(self, names: frozenset[str]) -> None:
        """Bring every control to the state."""
        state, view = self.state, self.view
        self._updating = True
        try:
            self.by.chosen, self.arrange.chosen = state.compare, state.arrange
            if names & {"model", "compare", "other_model", "variable"}:
                self.quantity.groups = self.comparison.choices()
            if "model" in names:
                self.other.groups = picker_groups(self.comparison.others())
            self.quantity.value = view.shown_variable
            self.other.param.update(value=self.comparison.other_model or None, visible=state.compare == "model")
            options = {"Nothing": "", **self._presets}
            if state.scenario not in options.values():
                options[in_words(state.scenario)] = state.scenario
            self.scenario.param.update(options=options, value=state.scenario)
            self.projection.value = state.projection
            self._number_members()
            for player, month in zip(self.months, (state.month, int(state.other_time[-2:])), strict=True):
                player.value = month - 1
        finally:
            self._updating = False
        self.scenario.visible = state.compare == "scenario"
        self.scenario_row.visible = state.compare in ("scenario", "member")
        self.months[1].visible = state.compare == "month"
        self.place.visible = state.compare == "cell"
        lacking = self.comparison.job.lacking
        wanted = self.scenario_row.visible and self.comparison.job.possible and lacking > 0
        self.compute.items = [{"id": "map", "label": "Compute the map", "kind": "outlined"}] if wanted else []
        self._show_place()

    def _number_members(self) -> None:
        numbers = {str(number): number for number in range(1, member_count(self.view.model) + 1)}
        shown = self.state.compare == "member" and bool(numbers)
        for select, number in zip(self.members, (self.state.member, self.state.other_member), strict=True):
            select.param.update(options=numbers, value=min(number, len(numbers)) or None, visible=shown)

    def _show_place(self) -> None:
        right, world = self.comparison.right, self.view.world
        if self.state.compare == "cell" and not right.problem:
            self.place.param.update(
                title=f"R: {right.title}", facts=[], message="", sentence="",
                lat=round(float(world["lat"].values[right.position]), 2),
                lon=round(float(world["lon"].values[right.position]), 2),
            )  # fmt: skip
