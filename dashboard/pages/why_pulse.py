"""A pulse of rain or warmth on the day, the answer of every store and flux, and whether it is plausible."""

from __future__ import annotations

from html import escape

from dashboard import pulses
from dashboard.pages.parts import choice, column, drawn, heading, html, job_bar, row, show, table_switch
from dashboard.pages.why_view import Why
from dashboard.plots.paper import Panel
from dashboard.plots.sheet import Sheet
from dashboard.plots.why import pulse_answer
from dashboard.selection import number, row_label
from dashboard.state import apply
from dashboard.summary import units_in_words
from dashboard.tables import html_table
from dashboard.widgets import Buttons, Tiles
from hdlcore.variables import variable

HEIGHT = 190
DRIVERS = ("precipitation", "air_temperature", "net_radiation")
AGES = (0, 1, 3, 7, 14, 30, 60, 90, 180, 270, 365)


class PulsePart:
    """Driver of the pulse; the chosen response large, all of them small; checks; how often warmth is answered badly."""

    def __init__(self, held: Why) -> None:
        self.why, self.view, self.state = held, held.view, held.state
        self.shown, self.text = "tws", ""
        self.driver = choice(
            "Driver of the pulse", {name: row_label(name) for name in DRIVERS}, self.state.pulsed,
            lambda name: apply(self.state, {"pulsed": name}),
        )  # fmt: skip
        self.note, self.checks, self.share = html("plotnote"), html("checks"), html("plotnote")
        self.tiles = Tiles(label="Largest change of each store and flux", sizing_mode="stretch_width")
        self.tiles.on_message("choose", lambda message: self._choose(str(message.get("id"))))
        self.count = Buttons(
            lambda _: held.count(), items=[{"id": "count", "label": "Count over the land", "kind": "outlined"}]
        )
        self.table = html("tableview", visible=False)
        self._sheet = Sheet()
        self._plot = drawn(self._sheet)
        self._switch = table_switch(self.table, self._show_table, "The answer to the pulse as a table")
        self.layout = column(
            "part pulsepart",
            row("parthead", heading("And if that day had brought more?"), self._switch),
            self.driver,
            job_bar(held.pulse_lane, renews=True),
            self._plot,
            self.note,
            self.checks,
            self.tiles,
            row("partfoot", self.count),
            job_bar(held.tally_lane),
            self.share,
            self.table,
        )
        held.follow(self.update)

    @property
    def panels(self) -> list[Panel]:
        """What is drawn, for paper."""
        return Panel.of(self._sheet)

    def _choose(self, name: str) -> None:
        if self.why.response is not None and name in self.why.response:
            self.shown = name
            self._show()

    def update(self, names: frozenset[str]) -> None:
        """Follow what has come."""
        self.driver.chosen = self.state.pulsed
        model = self.view.kind == "model"
        show(self.layout, self.view.kind in ("model", "twin"))
        self.count.visible = model
        if names & {"pulse", "dark"}:
            self._show()
        if "tally" in names:
            said = self.why.tally.sentence() if self.why.tally is not None and model else ""
            self.share.object = f'<p role="status">{escape(said)}</p>' if said else ""

    def _show(self) -> None:
        response, truth = self.why.response, self.why.truth
        self._switch.visible = self.tiles.visible = response is not None
        if response is None:
            if not self.why.pulse_lane.running and not self.view.selection.single:
                self._sheet.hide()
                self.note.object = '<p role="status">Choose one cell to give it a pulse.</p>'
                self.checks.object = ""
            return
        names = pulses.stores_and_fluxes(response)
        name = next(one for one in (self.shown, "tws", *names) if one in names)
        beside = truth[name] if truth is not None and name in truth else None
        entry = variable(name)
        self.text = pulses.sentence(response, name, self.view.place)
        units = units_in_words(entry.units) or "share"
        self._sheet.show(pulse_answer(response[name], beside, units, self.view.dark, self.text, HEIGHT))
        self.note.object = f'<p class="lead" role="status" aria-live="polite">{escape(self.text)}</p>'
        self.tiles.param.update(items=pulses.tiles(response), chosen=name)
        flags = pulses.flags(response)
        if flags:
            items = "".join(
                f'<li class="{"bad" if bad else "good"}"><b>{"Not plausible" if bad else "Passed"}</b> '
                f"{escape(text if bad else pulses.passed(text))}</li>"
                for text, bad in flags
            )
            self.checks.object = f"<ul>{items}</ul>"
        else:
            self.checks.object = "<p>The twin's answer is the truth: it is not checked.</p>"
        if self.table.visible:
            self._show_table()

    def _show_table(self) -> None:
        response = self.why.response
        if response is None:
            return
        names = pulses.stores_and_fluxes(response)
        ages = [age for age in AGES if age < response.sizes["lag"]]
        head = ["", *(f"day {age}" for age in ages)]
        rows = []
        for name in names:
            entry = variable(name)
            units = units_in_words(entry.units)
            label = f"{entry.long_name} ({units})" if units else entry.long_name
            rows.append([label, *(number(float(response[name][age])) for age in ages)])
        self.table.object = html_table(f"Change after {pulses.words(response)}, {self.view.place}", head, rows)
