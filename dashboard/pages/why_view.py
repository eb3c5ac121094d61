"""What the parts of the Why page share: the story of one day, and the answer to a pulse; each in a lane of its own.

The answer can be tried out on the model as well, by deletion and insertion.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from dashboard import engine, pulses, why
from dashboard.jobs import Lane
from dashboard.pages.told import Told
from dashboard.pages.view import View
from dashboard.state import FILTERS, METHODS, REACH
from hdlcore.errors import HDLError, RequestError
from hdlcore.runtime.requests import END, START, ExplanationRequest, ImpulseRequest, SimulationRequest

_WHERE = frozenset({"model", "cell", "focus", *FILTERS})
STORY = _WHERE | {"day", "target", "way", "reach"}
PULSE = _WHERE | {"day", "pulsed"}
PULSE_DAYS = 366


class Why(Told):
    """The page's model: `story` and `response` (None while there is none, and then why in `empty`), and `truth`."""

    news = frozenset({"story", "tried", "pulse", "tally"})

    def __init__(self, view: View) -> None:
        super().__init__()
        self.view, self.state = view, view.state
        self.lane, self.pulse_lane, self.tally_lane, self.trial_lane = Lane(), Lane(), Lane(), Lane()
        self.story: why.Story | None = None
        self.trial: xr.Dataset | None = None
        self.response: xr.Dataset | None = None
        self.truth: xr.Dataset | None = None
        self.tally: pulses.Tally | None = None
        self.empty = ""
        self.lane.param.watch(self._failed, "error")
        view.follow(self._update)

    def _failed(self, event: Any) -> None:
        """The bar of the job says why; nothing is on its way any more."""
        if not event.new:
            return
        self.empty = ""
        self.tell(frozenset({"story"}))

    # -- what can be asked --------------------------------------------------------------------------------------

    @property
    def methods(self) -> tuple[str, ...]:
        """Ways the source can be explained by."""
        found = self.view.source.methods if self.view.source is not None else ()
        return found[:1] if self.view.kind == "twin" else found  # the truth has one way to be told

    @property
    def method(self) -> str:
        """The chosen method, or the only one of the source."""
        return self.state.way if self.state.way in self.methods else next(iter(self.methods), "")

    @property
    def targets(self) -> tuple[str, ...]:
        """Outputs of the source that can be asked about."""
        if self.view.kind not in ("model", "twin"):
            return ()
        return engine.get_engine().source(self.view.model).outputs

    @property
    def target(self) -> str:
        """The chosen output, or stored water where the source lacks it."""
        return self.state.target if self.state.target in self.targets else next(iter(self.targets), "tws")

    @property
    def drivers(self) -> tuple[str, ...]:
        """Drivers that a pulse can be given to."""
        return tuple(str(name) for name in self.story.weather.data_vars) if self.story is not None else ()

    def grades(self) -> tuple[dict[str, Any] | None, str]:
        """Grades of the methods on the model, or None and why not."""
        if self.view.kind == "twin":
            return None, "The twin's answer is the truth that methods are graded by."
        if self.view.kind != "model":
            return None, ""
        try:
            found = engine.get_engine().grades(self.view.model)
        except HDLError as error:
            return None, str(error)
        return found, "" if found else f"No grades of these methods yet; 'hdl grade {self.view.model}' writes them."

    # -- asking -------------------------------------------------------------------------------------------------

    def _update(self, names: frozenset[str]) -> None:
        told = set(names)
        if names & STORY:
            self._ask()
            told.add("story")
        elif "trial" in names:
            self._try()
        if names & PULSE:
            self._pulse()
            told.add("pulse")
        if "model" in names:
            self.tally_lane.cancel()
            self.tally, self.tally_lane.error = None, ""
            told.add("tally")
        self.tell(frozenset(told))

    def _nowhere(self) -> str:
        """Why nothing can be asked of this source, place and day; empty when it can."""
        if self.view.kind not in ("model", "twin"):
            return "Data cannot be asked why; choose a model or the twin above."
        if not self.view.selection.single:
            return "A day is asked of one cell: choose one by its chip, or by latitude and longitude."
        try:
            why.read_day(self.state.day)
        except RequestError as error:
            return str(error)
        return ""

    def _refusal(self) -> str:
        """As `_nowhere`, or that the source lacks the target or refuses the method."""
        nowhere = self._nowhere()
        who = self.view.source.title if self.view.source is not None else "The source"
        if not nowhere and self.state.target not in self.targets:
            return f"{who} has no output '{self.state.target}'; it has {', '.join(self.targets)}."
        if not nowhere and self.view.kind == "model" and self.state.way not in self.methods:
            return f"{who} cannot be asked by {METHODS[self.state.way].lower()}; choose another method."
        return nowhere

    def _ask(self) -> None:
        self.lane.cancel()
        self.trial_lane.cancel()
        self.lane.error, self.trial_lane.error, self.story, self.trial = "", "", None, None
        self.empty = self._refusal()
        if self.empty:
            return
        view, state, held = self.view, self.state, engine.get_engine()
        cell, day, model = int(state.cell), state.day, view.model
        lags, outputs, request = REACH[state.reach], self.targets, self.request
        begin = str(np.datetime64(day) - lags + 1)
        plain = SimulationRequest(model, (cell,), begin, day)
        self.empty = "The answer is on its way."

        def work(progress: Any, cancel: Any) -> why.Story:
            answer = held.explain(request, progress, cancel, view.asker)
            run = held.simulate(plain, None, cancel, view.asker)
            record = held.simulate(SimulationRequest(model, (cell,), START, END), None, cancel, view.asker)
            drivers = why.drivers_of(run, outputs)
            weather, usual = why.weather_of(run, record, drivers)
            value = float(run[request.target].values[-1, 0])
            story = why.Story(answer, value, weather, usual)
            return replace(story, check=self._check(story, plain, cancel))

        def done(story: why.Story) -> None:
            self.story, self.empty = story, ""
            self.tell(frozenset({"story"}))
            self._try()

        self.lane.start("Asking what came before this day", work, done)

    @property
    def request(self) -> ExplanationRequest:
        """What is asked for the story."""
        view, state = self.view, self.state
        lags = REACH[state.reach]
        return why.question(view.model, view.kind, int(state.cell), self.target, self.method, state.day, lags)

    @property
    def trial_lack(self) -> str:
        """Why the answer cannot be tried out; empty when it can."""
        if self.story is None:
            return ""
        if self.view.kind == "twin":
            return "The twin's answer is the truth; there is no model to try it out on."
        if not self.story.by_driver or set(self.story.answer["forcing"].values) != set(self.story.weather.data_vars):
            return "This method tells nothing driver by driver, so there is no weather to put back step by step."
        return ""

    def _try(self) -> None:
        """Deletion and insertion of the story, where they are asked for and known of no other."""
        self.trial_lane.cancel()
        self.trial_lane.error = ""
        if not self.state.trial or self.story is None or self.trial is not None or self.trial_lack:
            return
        held, request, asker = engine.get_engine(), self.request, self.view.asker

        def work(progress: Any, cancel: Any) -> xr.Dataset:
            return held.curves(request, progress, cancel, asker)

        def done(found: xr.Dataset) -> None:
            self.trial = found
            self.tell(frozenset({"tried"}))

        self.trial_lane.start("Trying the answer out on the model", work, done)

    def _check(self, story: why.Story, plain: SimulationRequest, cancel: Any) -> why.Check | None:
        """Run again with the weather of the largest contribution put back to usual; for a thread."""
        if not (story.by_driver and story.in_target):
            return None
        name, first, last, told = why.largest(story.answer)
        if name not in story.weather:
            return None
        since, until = why.span_of(plain.end, first, last)
        changed = replace(plain, scenario=why.put_back(name, since, until))
        run = engine.get_engine().simulate(changed, None, cancel, self.view.asker)
        return why.Check(name, since, until, told, story.value - float(run[story.target].values[-1, 0]))

    def _pulse(self) -> None:
        self.pulse_lane.cancel()
        self.pulse_lane.error, self.response, self.truth = "", None, None
        if self._nowhere():
            return
        view, held = self.view, engine.get_engine()
        made_up = view.kind == "model" and view.generated
        twin = next((info.id for info in view.sources().values() if info.kind == "twin"), "") if made_up else ""
        request = ImpulseRequest(
            view.model, (int(self.state.cell),), self.state.pulsed, self.state.day, lags=PULSE_DAYS
        )

        def work(progress: Any, cancel: Any) -> tuple[xr.Dataset, xr.Dataset | None]:
            own = held.impulse(request, cancel, view.asker)
            truth = held.impulse(replace(request, model=twin), cancel, view.asker) if twin else None
            return own, truth

        def done(found: tuple[xr.Dataset, xr.Dataset | None]) -> None:
            self.response, self.truth = (None if one is None else one.isel(cell=0) for one in found)
            self.tell(frozenset({"pulse"}))

        self.pulse_lane.start("Following the pulse", work, done)

    def count(self) -> None:
        """Give a warmer day to cells of every climate zone, and count what is not plausible."""
        view, held = self.view, engine.get_engine()
        # brings scipy.stats and all methods of grading, which no other visitor need wait for
        from hdlcore.runtime.grade import zone_cells

        cells = tuple(cell for _, cell in zone_cells(view.world, pulses.PULSED_PER_ZONE))

        def work(progress: Any, cancel: Any) -> pulses.Tally:
            responses = []
            for i, day in enumerate(pulses.PULSED_DAYS):
                progress(i / len(pulses.PULSED_DAYS), f"A warmer day in {len(cells)} places")
                request = ImpulseRequest(view.model, cells, "air_temperature", day, lags=PULSE_DAYS)
                responses.append(held.impulse(request, cancel, view.asker))
            return pulses.tally(responses)

        def done(found: pulses.Tally) -> None:
            self.tally = found
            self.tell(frozenset({"tally"}))

        self.tally_lane.start(f"A warmer day in {len(cells)} places", work, done)
