"""The impulse explorer: some water more on one day, and its way through the stores of the chosen cell."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import xarray as xr

from dashboard.jobs import Lane
from dashboard.layers import MONTHS
from dashboard.pages.experiment import Experiment
from dashboard.pages.parts import column, drawn, heading, html, job_bar, row, table_switch
from dashboard.plots.paper import Panel
from dashboard.plots.sheet import Sheet
from dashboard.plots.whatif import pulse
from dashboard.scenario import day_in_words
from dashboard.state import FILTERS, apply
from dashboard.tables import pulse_table
from dashboard.whatif import pulse_sentence, pulse_text, pulse_way
from dashboard.widgets import Player, Slider

YEAR = 2005
HEIGHT = 230


class PulsePart:
    """Amount and month of the pulse; bands of where its water is on each day of the year after."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment, self.state = experiment, experiment.state
        self.lane = Lane()
        self.way: xr.Dataset | None = None
        self.text = ""
        self.amount = Slider(
            label="Rain on one day", low=5.0, high=200.0, step=5.0, neutral=0.0, units="mm", signed=False,
            css_classes=["slider", "amount"],
        )  # fmt: skip
        self.amount.on_message("set", self._slid)
        self.month = Player(labels=MONTHS, css_classes=["months"], sizing_mode="stretch_width")
        self.month.on_step(lambda at: apply(self.state, {"time": f"{at + 1:02d}"}))
        self.note = html("plotnote")
        self.table = html("tableview", visible=False)
        self._sheet = Sheet()
        self._plot = drawn(self._sheet)
        switch = table_switch(self.table, self._show_table, "The way of the pulse as a table")
        self.layout = column(
            "part pulsepart",
            row("parthead", heading("A pulse of rain on its way"), switch),
            self.amount,
            self.month,
            job_bar(self.lane, renews=True),
            self._plot,
            self.note,
            self.table,
        )
        experiment.follow(self.update)

    @property
    def panels(self) -> list[Panel]:
        """What is drawn, for paper."""
        return Panel.of(self._sheet)

    def _slid(self, message: dict[str, Any]) -> None:
        value = message.get("value")
        if isinstance(value, (int, float)):
            apply(self.state, {"pulse": float(min(max(value, 1), 300))})

    def update(self, names: frozenset[str]) -> None:
        """Follow the cell, the source, the amount and the month."""
        state = self.state
        self.amount.value = state.pulse
        self.month.value = state.month - 1
        if names & {"dark"} and self.way is not None:
            self._show()
        if names & {"model", "cell", "focus", "pulse", "time", *FILTERS}:
            self._run()

    def _run(self) -> None:
        experiment, view, state = self.experiment, self.experiment.view, self.state
        ready = experiment.runs_models and view.selection.single
        self.amount.visible = self.month.visible = ready
        if not ready:
            self.lane.cancel()
            self.way = None
            self._sheet.hide()
            why = "Choose one cell to follow a pulse through its stores." if experiment.runs_models else ""
            self.note.object = f'<p role="status">{why}</p>' if why else ""
            return
        cell, amount, month, place = int(state.cell), float(state.pulse), state.month, view.place
        text = pulse_text(amount, month, YEAR)

        def work(progress: Any, cancel: Any) -> xr.Dataset:
            plain = view.run((cell,), "daily", progress, cancel)
            changed = view.run((cell,), "daily", progress, cancel, text)
            return pulse_way(plain, changed, np.datetime64(f"{YEAR}-{month:02d}-01"), amount)

        def done(way: xr.Dataset) -> None:
            self.way = way.assign_attrs(place=place)
            self._show()

        self.lane.start("Following the pulse", work, done)

    def _show(self) -> None:
        if self.way is None:
            return
        self.text = pulse_sentence(self.way, str(self.way.attrs["place"]))
        self._sheet.show(pulse(self.way, self.experiment.view.dark, self.text, HEIGHT))
        how = (
            f"Rained on {day_in_words(str(self.way.attrs['day']))}, on top of the weather of that day. "
            "The difference of two runs: water that the pulse pushes out counts as its own."
        )
        self.note.object = (
            f'<p class="lead" role="status" aria-live="polite">{escape(self.text)}</p><p>{escape(how)}</p>'
        )
        if self.table.visible:
            self._show_table()

    def _show_table(self) -> None:
        if self.way is not None:
            self.table.object = pulse_table(self.way)
