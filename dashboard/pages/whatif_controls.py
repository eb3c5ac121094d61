"""The experiment's controls: presets, sliders, when they hold, drivers held, and the scenario as text."""

from __future__ import annotations

from dataclasses import replace
from html import escape
from typing import Any

import panel_material_ui as pmui

from dashboard.pages.experiment import Experiment
from dashboard.pages.parts import SELECT, column, html, row
from dashboard.scenario import DRIVERS, PRESETS, RANGES, SEASONS, Knobs, in_words, knobs_of, read_scenario
from dashboard.state import apply
from dashboard.widgets import Buttons, Slider, TextLine
from hdlcore.errors import RequestError
from hdlcore.runtime.requests import END, START

NAMES = {
    "precipitation": "Precipitation",
    "air_temperature": "Temperature",
    "net_radiation": "Radiation",
    "season": "Seasons come later",
}
EXAMPLE = "precipitation*0.5@2003-06..2003-08; air_temperature+2"


class ControlPart:
    """Everything that writes the scenario; each control shows what the scenario says."""

    def __init__(self, experiment: Experiment) -> None:
        self.experiment, self.state = experiment, experiment.state
        self._updating = False
        self.presets = Buttons(self._preset, label="Ready experiments", css_classes=["presets"])
        self.sliders = {name: self._slider(name) for name in RANGES}
        self.when = pmui.Select(label="When", options={}, css_classes=["when"], **SELECT)
        self.when.param.watch(lambda event: self._turn(when=event.new or ""), "value")
        self.held = Buttons(self._toggle, label="Drivers held at their long-term mean", joined=True)
        self.text = TextLine(label="As text", hint=EXAMPLE, css_classes=["scenariotext"], sizing_mode="stretch_width")
        self.text.on_message("text", self._written)
        self.words = html("scenariowords")
        self.reset = Buttons(
            lambda _: self._set(""), items=[{"id": "reset", "label": "Start again"}], css_classes=["reset"]
        )
        self.layout = column(
            "controlpart",
            self.presets,
            row("knobs", *self.sliders.values()),
            row(
                "knobrow", self.when, column("heldpart", html("label", "<p>Held at its mean</p>"), self.held), self.text
            ),
            row("wordsrow", self.words, self.reset),
        )
        experiment.follow(self.update)

    def _slider(self, name: str) -> Slider:
        low, high, step, units = RANGES[name]
        slider = Slider(label=NAMES[name], low=low, high=high, step=step, units=units, css_classes=["slider"])
        slider.on_message("set", lambda message: self._slid(name, message.get("value")))
        return slider

    # -- from the person ----------------------------------------------------------------------------------------

    def _set(self, text: str) -> None:
        self.text.problem = ""
        apply(self.state, {"scenario": text})

    def _preset(self, name: str) -> None:
        if name in PRESETS:
            text = read_scenario(PRESETS[name].scenario)
            self._set("" if text == self.state.scenario else text)

    def _slid(self, name: str, value: Any) -> None:
        if isinstance(value, (int, float)):
            self._set(self.knobs.turned(name, float(value)).text())

    def _turn(self, when: str) -> None:
        if not self._updating and when != self.knobs.when:
            self._when = when
            self._set(replace(self.knobs, when=when).text())

    def _toggle(self, name: str) -> None:
        if name in DRIVERS:
            held = self.knobs.held
            kept = tuple(other for other in held if other != name) if name in held else (*held, name)
            self._set(replace(self.knobs, held=kept).text())

    def _written(self, message: dict[str, Any]) -> None:
        try:
            text = read_scenario(str(message.get("text", "")))
        except RequestError as error:
            self.text.problem = f"{error} Nothing has changed."
            return
        self._set(text)
        self.text.value = text

    # -- to the screen ------------------------------------------------------------------------------------------

    @property
    def knobs(self) -> Knobs:
        """The knobs as the scenario says; a time that is chosen before anything is changed is kept by the page."""
        found = knobs_of(self.state.scenario)
        moved = found.precipitation or found.air_temperature or found.net_radiation
        return found if moved else replace(found, when=self._when)

    _when = ""

    def update(self, names: frozenset[str]) -> None:
        """Bring every control to the scenario."""
        if not names & {"scenario", "model", "runs"}:
            return
        off = not self.experiment.runs_models
        text = self.state.scenario
        found = knobs_of(text)
        if found.when or found.other:  # a change that no slider shows may hold at another time than the last
            self._when = found.when
        knobs = self.knobs
        self._updating = True
        try:
            self.presets.items = [
                {
                    "id": name, "label": preset.name, "hint": f"{preset.name}: {preset.about}", "kind": "outlined",
                    "disabled": off, "pressed": text == read_scenario(preset.scenario),
                }
                for name, preset in PRESETS.items()
            ]  # fmt: skip
            for name, slider in self.sliders.items():
                slider.param.update(value=getattr(knobs, name), disabled=off)
            options = {"All the time": "", **{label: season for season, label in SEASONS.items()}}
            options |= {f"In {year}": f"{year}-01-01..{year}-12-31" for year in range(int(START[:4]), int(END[:4]) + 1)}
            if knobs.when not in options.values():
                options[knobs.when.replace("..", " to ")] = knobs.when
            self.when.param.update(options=options, value=knobs.when, disabled=off)
            self.held.items = [
                {"id": name, "label": label, "pressed": name in knobs.held, "disabled": off}
                for name, label in DRIVERS.items()
            ]
            self.text.param.update(value=text, disabled=off)
        finally:
            self._updating = False
        said = in_words(text)
        what = f"<b>{escape(said[0].upper() + said[1:])}.</b>" if said else "Nothing is changed yet."
        self.words.object = f'<p role="status" aria-live="polite">{what}</p>'
        self.reset.items = [{"id": "reset", "label": "Start again", "disabled": not text}]
