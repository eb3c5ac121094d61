"""Learn: guided tours to take, and a form to write one's own from the views one has found."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from html import escape
from io import BytesIO
from typing import Any

from dashboard import export, links, tours
from dashboard.cover import cover
from dashboard.jobs import Lane
from dashboard.pages.learn_editor import EditorPart
from dashboard.pages.page import Files, Page
from dashboard.pages.parts import column, heading, html, skeleton
from dashboard.pages.view import View
from dashboard.state import History, State, apply
from dashboard.widgets import TourCards

HELP = """
<p>A tour is a few stops: each opens a view, says what to look at, and may ask a question.</p>
<dl class="help">
<dt>Take a tour</dt>
<dd>Press Start. The guide stands over the page; everything on the page still works, and <em>Back to this step's
view</em> returns. Where you are is in the link.</dd>
<dt>In front of a class</dt>
<dd><em>Large type</em>, and <kbd>Page Down</kbd> <kbd>Page Up</kbd> (a presenter's remote control sends these).
<em>Hand out</em> makes one HTML file of the step: it needs no server and no internet.</dd>
<dt>Write a tour</dt>
<dd>Find a view on any page, come here, press <em>Take the view I looked at last</em>, write what is to be said, add
steps, try it, save the JSON. Put the file into a folder and start with <kbd>hdl serve --tours FOLDER</kbd>.</dd>
</dl>"""


@lru_cache(maxsize=128)
def _picture(view: str, dark: bool) -> str:
    """Once a process: the same map for everybody."""
    state = State()
    apply(state, tours.values_of(view))
    return cover(View(state), dark)


def warm_up() -> None:
    """Pictures of the tours, which the first visitor would wait for."""
    for tour in tours.all_tours()[0].values():
        _picture(tour.card, False)


class LearnPage(Page):
    """Cards of the tours, whose pictures are drawn beside; under them, the editor."""

    help = HELP
    picks = False

    def __init__(self, view: View, history: History) -> None:
        self.view, self.state = view, view.state
        self.layout = column("learnpage", skeleton("the tours"))
        self.cards = TourCards(sizing_mode="stretch_width")
        self.cards.on_message("start", self._start)
        self.state.param.watch(self._list, ["tour", "stop"])
        self._lane = Lane()

    def steps(self) -> list[Callable[[], None]]:
        """Cards, then the editor."""
        return [self._left, self._right]

    def _left(self) -> None:
        self._list()
        broken = tours.all_tours()[1]
        said = "".join(f'<p class="error" role="alert">{escape(text)}</p>' for text in broken)
        self.layout[:] = [heading("Guided tours"), self.cards, html("jobtext", said, visible=bool(said))]

    def _right(self) -> None:
        self.layout.append(EditorPart(self.view).layout)
        self.view.follow(self._draw)

    def _draw(self, names: frozenset[str]) -> None:
        """The cards are there before their pictures, which the first in dark mode waits a second for.

        Those of each mode are sent once, when the page is looked at in it: all eight are 250 kB.
        """
        if "dark" not in names:
            return
        dark, mode = self.view.dark, "night" if self.view.dark else "day"
        self.cards.dark = dark
        if getattr(self.cards, mode):
            return
        views = {name: tour.card for name, tour in tours.all_tours()[0].items()}
        self._lane.start(
            "Drawing the maps of the tours",
            lambda progress, cancel: {name: _picture(view, dark) for name, view in views.items()},
            lambda pictures: setattr(self.cards, mode, pictures),
        )

    def _list(self, *_: Any) -> None:
        self.cards.items = [
            {
                "id": name, "title": tour.title, "summary": tour.summary,
                "about": f"{len(tour.steps)} steps, about {tour.minutes} minutes",
                "action": f"Go on at step {self.state.stop}" if self.state.tour == name else "Start",
            }
            for name, tour in tours.all_tours()[0].items()
        ]  # fmt: skip

    def _start(self, message: dict[str, Any]) -> None:
        name = str(message.get("id"))
        tour = tours.all_tours()[0].get(name)
        if tour is not None:
            tours.go(self.state, name, tour.steps, self.state.stop if self.state.tour == name else 1)

    # -- to take away -------------------------------------------------------------------------------------------

    def exported(self) -> str:
        """What the files hold."""
        return "The tours as the JSON files they are made of: change one, and serve it with 'hdl serve --tours FOLDER'."

    def files(self) -> Files:
        """Each tour."""
        return {
            tour.title: (f"{name}.json", "application/json", lambda tour=tour: BytesIO(tour.text().encode()))  # type: ignore[misc]
            for name, tour in tours.all_tours()[0].items()
        }

    def snippet(self) -> str:
        """How a tour is read in Python."""
        view = links.encode({**self.state.snapshot(), "page": self.view.last_page})
        return (
            "from pathlib import Path\nfrom dashboard.tours import read_tour\n\n"
            f"# the view looked at last: {view or 'the opening view'}\n"
            "tour = read_tour(Path('my-tour.json').read_text(), 'my-tour.json')\nprint(tour.title, len(tour.steps))\n"
        )

    def provenance(self) -> str:
        """Of the source the tours look at."""
        return export.provenance_html(self.view)
