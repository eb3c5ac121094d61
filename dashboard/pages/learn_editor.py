"""Writing a tour: a draft kept in this session, checked as a file is, tried at once, saved as JSON."""

from __future__ import annotations

from typing import Any

from dashboard import links, tours
from dashboard.pages.dialogs import download
from dashboard.pages.parts import column, heading, html
from dashboard.pages.tour_part import DRAFT
from dashboard.pages.view import View
from dashboard.tours import read_tour
from dashboard.widgets import TourEditor
from hdlcore.errors import DataError

ABOUT = (
    "Look at something on another page, come back, and take its view as a step. The draft is gone with this tab; save "
    "it as JSON to keep it."
)
MOST_STEPS = 40
#: What the form calls the fields of a file (`toureditor.js`).
WORDS = {
    "title": "Title", "summary": "What it is about", "text": "What is said", "view": "View", "look": "What to look at",
    "ask": "Question", "options": "Possible answers", "answer": "Possible answers", "explain": "Explanation",
}  # fmt: skip


def blank_step(view: str) -> dict[str, Any]:
    """A step with nothing said yet."""
    return {"title": "", "text": "", "view": view, "look": "", "question": None}


class EditorPart:
    """The form, and what is wrong with the draft."""

    def __init__(self, view: View) -> None:
        self.view, self.state = view, view.state
        draft = {"title": "", "summary": "", "steps": [blank_step(self.link())]}
        self.form = TourEditor(draft=draft, view=self.link(), sizing_mode="stretch_width")
        for kind, act in (
            ("draft", self._drafted), ("at", self._turned), ("file", self._opened), ("try", self._try),
            ("save", self._save),
        ):  # fmt: skip
            self.form.on_message(kind, act)
        self.layout = column("part editorpart", heading("Make a tour"), html("plotnote", f"<p>{ABOUT}</p>"), self.form)
        self.state.param.watch(lambda _: self.form.param.update(view=self.link()), "page")

    def link(self) -> str:
        """Link of the view looked at last, without the tour it may have been part of."""
        now = {name: value for name, value in self.state.snapshot().items() if name not in tours.OF_TOUR}
        return links.encode({**now, "page": self.view.last_page})

    def _drafted(self, message: dict[str, Any]) -> None:
        draft = message.get("draft")
        if isinstance(draft, dict) and isinstance(draft.get("steps"), list) and 0 < len(draft["steps"]) <= MOST_STEPS:
            self.form.param.update(draft=draft, at=self._at(message), problem="")
        else:
            self.form.problem = f"A tour has 1 to {MOST_STEPS} steps."

    def _turned(self, message: dict[str, Any]) -> None:
        self.form.at = self._at(message)

    def _at(self, message: dict[str, Any]) -> int:
        at = message.get("at")
        return at if isinstance(at, int) and 0 <= at < MOST_STEPS else 0

    def _opened(self, message: dict[str, Any]) -> None:
        """Go on with a file."""
        try:
            tour = read_tour(str(message.get("text", "")), str(message.get("name", "The file"))[:80])
        except DataError as error:
            self.form.problem = str(error)
            return
        self.form.param.update(draft=tour.model_dump(mode="json"), at=0, problem="")

    def checked(self) -> tours.Tour | None:
        """The draft as a tour; None with the sentence of what is lacking."""
        import json

        try:
            tour = read_tour(json.dumps(_bare(self.form.draft)), "The draft", WORDS)
        except DataError as error:
            self.form.problem = str(error)
            return None
        self.form.problem = ""
        return tour

    def _try(self, _: dict[str, Any]) -> None:
        tour = self.checked()
        if tour is not None:
            self.view.draft = tour
            tours.go(self.state, DRAFT, tour.steps, 1)

    def _save(self, _: dict[str, Any]) -> None:
        tour = self.checked()
        if tour is not None:
            name = "".join(c if c.isascii() and c.isalnum() else "-" for c in tour.title.lower()).strip("-") or "tour"
            self.view.send(download(f"{name[:50]}.json", "application/json", tour.text().encode()))


def _bare(draft: dict[str, Any]) -> dict[str, Any]:
    """The draft without the empty question of a step that asks nothing."""
    steps = [{key: value for key, value in step.items() if key != "question" or value} for step in draft["steps"]]
    return {**draft, "steps": steps}
