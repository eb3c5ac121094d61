"""The guide of a tour: it stands over whichever page the step shows, and walks through the steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dashboard import handout, links, tours
from dashboard.jobs import Lane
from dashboard.pages.dialogs import download
from dashboard.pages.page import Page
from dashboard.pages.parts import column, job_bar
from dashboard.pages.view import View
from dashboard.state import FIELDS, History, apply
from dashboard.tours import Tour
from dashboard.widgets import Guide, Shell

DRAFT = "draft"  # id of the tour that is being written in this session
ENDED = {"tour": "", "stop": 1, "presenting": False}


class TourPart:
    """Follows `state.tour` and `state.stop`; takes no room while no tour is under way."""

    def __init__(self, view: View, history: History, page: Callable[[], Page], shell: Shell) -> None:
        self.view, self.state, self.history, self._page, self.shell = view, view.state, history, page, shell
        self.lane = Lane()
        self.guide = Guide(sizing_mode="stretch_width", css_classes=["guidepane"])
        for kind, act in (
            ("next", lambda _: self.go(self.state.stop + 1)),
            ("back", lambda _: self.go(self.state.stop - 1)),
            ("again", lambda _: self.go(self.state.stop)),
            ("end", lambda _: apply(self.state, ENDED)),
            ("finish", lambda _: apply(self.state, {**ENDED, "page": "learn"})),
            ("onward", lambda _: self._go_onward()),
            ("present", lambda _: apply(self.state, {"presenting": not self.state.presenting})),
            ("handout", lambda _: self._hand_out()),
        ):
            self.guide.on_message(kind, act)
        self.layout = column("tourpart", self.guide, job_bar(self.lane), visible=False)
        self._shown: tuple[Any, ...] = ()
        self.state.param.watch(self._update, list(FIELDS))
        view.param.watch(self._update, ["draft"])
        self._update()

    @property
    def tour(self) -> Tour | None:
        """The tour that is under way."""
        name = self.state.tour
        return self.view.draft if name == DRAFT else tours.all_tours()[0].get(name)

    def go(self, stop: int) -> None:
        """Show another step."""
        tour = self.tour
        if tour is not None:
            with self.history.silently():
                tours.go(self.state, self.state.tour, tour.steps, stop)

    @property
    def onward(self) -> str:
        """Id of the tour that is listed after this one, or empty."""
        names = [*tours.all_tours()[0]]
        at = names.index(self.state.tour) + 1 if self.state.tour in names else len(names)
        return names[at] if at < len(names) else ""

    def _go_onward(self) -> None:
        name = self.onward
        if name:
            tours.go(self.state, name, tours.all_tours()[0][name].steps, 1)

    def _update(self, *_: Any) -> None:
        state, tour = self.state, self.tour
        self.layout.visible = tour is not None
        if tour is None:
            if state.tour:
                self.view.notice = f"No tour is called '{state.tour}' here; the page Learn lists those there are."
                apply(state, ENDED)
            self.guide.step, self._shown = {}, ()
            return
        stop = min(state.stop, len(tour.steps))
        step = tour.steps[stop - 1]
        shown = (state.tour, stop, step)
        if shown != self._shown:
            self._shown = shown
            question, onward = step.question, tours.all_tours()[0].get(self.onward)
            self.guide.param.update(
                title=tour.title, onward=onward.title if onward else "", stop=stop, count=len(tour.steps),
                look=step.look, presenting=state.presenting, wandered=False,
                step={
                    "title": step.title, "text": tours.prose(step.text),
                    "question": question and {
                        "ask": question.ask, "options": list(question.options), "answer": question.answer,
                        "explain": tours.prose(question.explain),
                    },
                },
            )  # fmt: skip
        wanted, now = step.values(), state.snapshot()
        wandered = any(wanted[name] != now[name] for name in FIELDS if name not in tours.OF_TOUR)
        self.guide.param.update(presenting=state.presenting, wandered=wandered)

    def _hand_out(self) -> None:
        """One HTML file of the step that needs no server."""
        tour, view = self.tour, self.view
        if tour is None:
            return
        number = min(self.state.stop, len(tour.steps))
        step, page = tour.steps[number - 1], self._page()
        link = links.encode(self.state.snapshot())

        def work(progress: Any, cancel: Any) -> bytes:
            return handout.lesson(view, step.title, tours.prose(step.text), step.question, page.figures(), link)

        name = f"lesson-{self.state.tour}-{number}.html"
        self.lane.start("Making the file", work, lambda made: self.shell.send(download(name, "text/html", made)))
