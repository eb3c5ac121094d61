"""The day that is asked about, and its story: what each past day's weather did, drawn on that weather."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import panel_material_ui as pmui

from dashboard import memory, why
from dashboard.pages.heat_pane import HeatPane
from dashboard.pages.parts import SELECT, choice, column, drawn, heading, html, job_bar, row, table_switch
from dashboard.pages.why_trial import TrialPart
from dashboard.pages.why_view import Why
from dashboard.plots.heatmap import color_key
from dashboard.plots.paper import Panel
from dashboard.plots.sheet import Sheet
from dashboard.plots.why import color_end, driver_story, running_sum
from dashboard.selection import number, row_label
from dashboard.state import METHODS, apply
from dashboard.summary import quantity, units_in_words
from dashboard.tables import html_table
from dashboard.widgets import Buttons, TextLine
from hdlcore.errors import RequestError
from hdlcore.runtime.requests import EXPLANATIONS
from hdlcore.variables import variable

STEPS = [
    {"id": "-30", "label": "− month", "hint": "30 days earlier"},
    {"id": "-1", "label": "− day", "hint": "One day earlier"},
    {"id": "1", "label": "+ day", "hint": "One day later"},
    {"id": "30", "label": "+ month", "hint": "30 days later"},
]
DRIVER_HEIGHT, SUM_HEIGHT = 108, 150
_SUM = "sum"
REACHES = {"year": "1 year", "two": "2 years"}


class StoryPart:
    """Target, day, method and reach; the plots; how far the numbers add up."""

    def __init__(self, held: Why) -> None:
        self.why, self.view, self.state = held, held.view, held.state
        self._updating = False
        self.text = ""
        self._make_controls()
        self.lead, self.accounts, self.claim = html("summary"), html("plotnote"), html("plotnote")
        self._sheets: dict[str, Sheet] = {}
        self._panes: dict[str, Any] = {}
        self._plots = column("plots storyplots")
        self._key = html("storykey")
        self._heat = HeatPane(200)
        self.table = html("tableview", visible=False)
        self._switch = table_switch(self.table, self._show_table, "The story of the day as a table")
        self.layout = column(
            "memorybig storypart",
            row("parthead", heading("What made this day's water?"), self._switch),
            row("memorybar", self.target, self.day, self.steps, self.method, self.reach),
            self.lead,
            job_bar(held.lane, renews=True),
            self._plots,
            self._key,
            self.accounts,
            TrialPart(held).layout,
            self.claim,
            self.table,
        )
        held.follow(self.update)

    def _make_controls(self) -> None:
        state = self.state
        self.target = pmui.Select(label="What", options={}, css_classes=["target"], **SELECT)
        self.target.param.watch(lambda event: self._set(target=event.new), "value")
        self.day = TextLine(label="On the day", hint="2005-05-15", css_classes=["day"])
        self.day.on_message("text", lambda message: self._go(str(message.get("text", ""))))
        self.steps = Buttons(self._step, label="Step through days", joined=True, items=STEPS)
        self.method = pmui.Select(label="Method", options={}, css_classes=["method"], **SELECT)
        self.method.param.watch(lambda event: self._set(way=event.new), "value")
        self.reach = choice("How far back", REACHES, state.reach, lambda name: apply(state, {"reach": name}))

    # -- from the person ----------------------------------------------------------------------------------------

    def _set(self, **values: Any) -> None:
        if not self._updating and all(values.values()):
            apply(self.state, values)

    def _go(self, text: str) -> None:
        try:
            day = why.read_day(text)
        except RequestError as error:
            self.day.problem = str(error)
            return
        self.day.problem = ""
        apply(self.state, {"day": day})

    def _step(self, days: str) -> None:
        if days in {str(item["id"]) for item in STEPS}:
            self._go(str(np.datetime64(self.state.day) + int(days)))

    # -- to the screen ------------------------------------------------------------------------------------------

    def update(self, names: frozenset[str]) -> None:
        """Follow the state and what has come."""
        held, state = self.why, self.state
        self._updating = True
        try:
            targets = {variable(name).long_name: name for name in held.targets}
            self.target.param.update(options=targets, value=held.target if targets else None)
            methods = {METHODS[name]: name for name in held.methods if name in METHODS}
            if methods:  # one that the model refuses stands there too while it is asked for, and is refused in words
                methods |= {METHODS[state.way]: state.way}
            self.method.param.update(options=methods, value=state.way if methods else None)
        finally:
            self._updating = False
        self.target.visible, self.method.visible = bool(targets), bool(methods)
        self.reach.chosen = state.reach
        if "day" in names:
            self.day.param.update(value=state.day, problem="")
        if names & {"story", "dark"}:
            self._show()

    def _show(self) -> None:
        story, dark = self.why.story, self.view.dark
        self._switch.visible = story is not None
        if story is None:
            # what is shown stays while the next answer is under way
            if not self.why.lane.running:
                self._stand([])
                self._key.object = self.accounts.object = self.claim.object = ""
            said = escape(self.why.empty)
            self.lead.object = f'<p class="lead" role="status">{said}</p>' if said else ""
            return
        self.text = why.sentence(story, self.view.place)
        self.lead.object = f'<p class="lead" role="status" aria-live="polite">{escape(self.text)}</p>'
        if story.by_driver:
            self._draw(story, dark)
        else:
            heat = memory.live_heat(story.answer, memory.Wanted("carrier", True, ""))
            self._heat.show(heat, True, dark, self.text)
            self._stand([self._heat.layout])
            self._key.object = ""
        checked = why.check_sentence(story.check, variable(story.target).units)
        about = " ".join(part for part in (why.accounts(story), checked) if part)
        self.accounts.object = f'<p role="status">{escape(about)}</p>'
        way = EXPLANATIONS[story.method]
        what = f"{way.label}: {way.claim}"
        self.claim.object = f"<p>{escape(what)} What lies before these days is in the state, not told here.</p>"
        if self.table.visible:
            self._show_table()

    @property
    def panels(self) -> list[Panel]:
        """What is drawn, for paper."""
        if self._heat.layout in self._plots.objects:
            return self._heat.panels
        shown = [self._sheets[name] for name, pane in self._panes.items() if pane in self._plots.objects]
        return Panel.of(*shown)

    def _sheet(self, name: str) -> Sheet:
        """The figure of a driver, or of the sum; made when first needed."""
        if name not in self._sheets:
            self._sheets[name] = Sheet()
            self._panes[name] = drawn(self._sheets[name])
        return self._sheets[name]

    def _stand(self, panes: list[Any]) -> None:
        """Put these below each other, where they do not stand so already."""
        if self._plots.objects != panes:
            self._plots[:] = panes

    def _draw(self, story: why.Story, dark: bool) -> None:
        daily = why.contributions(story.answer).assign_attrs(units=story.units)
        end = color_end(daily)
        drivers = [name for name in map(str, story.weather.data_vars) if name in daily["forcing"].values]
        for name in drivers:
            entry = variable(name)
            total = float(daily.sel(forcing=name).sum())
            did = quantity(total, story.units)
            said = f"{entry.long_name} of the days before, coloured by what it did; in all {did}"
            drawing = driver_story(
                story.weather[name], story.usual[name], daily.sel(forcing=name), end,
                units_in_words(entry.units), dark, said, DRIVER_HEIGHT,
            )  # fmt: skip
            self._sheet(name).show(drawing)
        whole = float(story.answer["difference"].values[0]) if "difference" in story.answer else None
        units = story.units if story.in_target else "in all"
        goal = whole if story.in_target else None
        self._sheet(_SUM).show(running_sum(daily, goal, units, dark, self.text, SUM_HEIGHT))
        self._stand([self._panes[name] for name in (*drivers, _SUM)])
        key = color_key(daily.rename(time="lag_bin"), True, dark, end)
        self._key.object = (
            f"{key}<p>A bar goes from the usual (dashed) to what was; its colour is what that day did. Below, the same "
            "added up, oldest first; the goal is the difference from a run under usual weather.</p>"
        )

    def _show_table(self) -> None:
        story = self.why.story
        if story is None:
            return
        start, end, values = why.windows(story.answer)
        axis = "forcing" if story.by_driver else "store"
        names = [row_label(str(name)) for name in values[axis].values]
        day = str(story.answer["time"].values[0])[:10]
        rows = []
        for i, (first, last) in enumerate(zip(start, end, strict=True)):
            dates = " to ".join(dict.fromkeys(why.span_of(day, int(first), int(last))))
            ages = f"{first}" if first == last else f"{first} to {last}"
            rows.append([f"{ages} days ago", dates, *(number(value) for value in values.values[i])])
        title = f"What made {variable(story.target).long_name.lower()} of {day}, {self.view.place} ({story.units})"
        self.table.object = html_table(title, ["Age", "Days", *names], rows)
