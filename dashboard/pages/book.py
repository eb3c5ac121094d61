"""The pages under one header: which is open stands in the state, and each is built when it is first opened."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import panel as pn
import panel_material_ui as pmui
from bokeh.document import Document

from dashboard import links, tours
from dashboard.bookkeeping import forget_soon
from dashboard.jobs import sentence, together, when_arrived
from dashboard.pages.compare import ComparePage
from dashboard.pages.data import DataPage
from dashboard.pages.explore import ExplorePage
from dashboard.pages.frame import Frame, page
from dashboard.pages.learn import LearnPage
from dashboard.pages.memory import MemoryPage
from dashboard.pages.page import Page
from dashboard.pages.parts import column, show
from dashboard.pages.trust import TrustPage
from dashboard.pages.view import View
from dashboard.pages.whatif import WhatIfPage
from dashboard.pages.why import WhyPage
from dashboard.state import PAGES, History, State, apply

MAKERS: dict[str, Callable[[View, History], Page]] = {
    "explore": ExplorePage,
    "memory": MemoryPage,
    "why": WhyPage,
    "whatif": WhatIfPage,
    "trust": TrustPage,
    "compare": ComparePage,
    "learn": LearnPage,
    "data": DataPage,
}
FIRST_MS, STEP_MS = 5, 55  # after the page itself, and between its parts where a browser shows them


def explorer(query: str = "", dark: bool = False) -> pmui.Page:
    """The app for an address's query string."""
    found = links.decode(query)
    state = State()
    apply(state, tours.opening(found.values, tours.all_tours()[0]))
    history = History(state)  # remembers a change before the view tells its parts, so that Undo is offered at once
    view = View(state, dark=dark)
    if found.notices:
        view.notice = f"{found.said} {view.notice}".strip()
    document = pn.state.curdoc
    if document is not None:
        document.on_session_destroyed(lambda _: view.uploads.close())
        document.on_session_destroyed(lambda _: forget(document))
        pn.state.onload(lambda: forget_soon(document))
    book = Book(view, history)
    book.turn()
    return page(book.frame, book.body)


def forget(document: Document) -> None:
    """Let go of what Panel would keep of a closed session.

    Panel 1.9 notes every root in `state._views` and strikes out the page's, not that of the notifications; the latter
    held the whole session in memory for good (4.8 MB each).
    """
    views = pn.state._views
    for ref in [ref for ref, (_, _, owner, _) in views.items() if owner is document]:
        del views[ref]


class Book:
    """Header and the open page.

    In a live session the parts of a page are built just after the page itself has been sent, while the browser is still
    loading its scripts; they are there when it asks for them. A page that was opened stays in the document.
    """

    def __init__(self, view: View, history: History) -> None:
        self.view, self.history = view, history
        self._pages: dict[str, Page] = {}
        self.body = column("body")
        self.frame = Frame(view, history, lambda: self.page)
        view.state.param.watch(self.turn, "page")

    @property
    def page(self) -> Page:
        """The open page."""
        name = self.view.state.page
        if name not in self._pages:
            self._pages[name] = MAKERS[name](self.view, self.history)
            self._build(self._pages[name], name)
        return self._pages[name]

    def turn(self, *_: Any) -> None:
        """Show the page the state names; those seen before stay in the browser, hidden, as they were left."""
        opened = self.page.layout
        with together():
            for made in self._pages.values():
                show(made.layout, made.layout is opened)
            if opened not in self.body:
                self.body.append(opened)
            self.view.opened()
            self.frame.opened(self.view.state.page)

    def _build(self, made: Page, name: str) -> None:
        document = pn.state.curdoc
        session = document.session_context if document is not None else None

        def guarded(step: Callable[[], None]) -> Callable[[], None]:
            def run() -> None:
                self.view.building = name
                try:
                    with together():
                        step()
                except Exception as error:
                    self.view.notice = sentence(error, f"Building the page {PAGES[name]}")
                    # nothing more is on its way where the page was still to come
                    made.layout[:] = [part for part in made.layout if "skeletonpane" not in part.css_classes]
                finally:
                    self.view.building = ""

            return run

        live = session.session if session else None
        pause = STEP_MS if live and live.connection_count else 1
        for number, step in enumerate(made.steps()):
            if document is not None and session and session.server_context is not None:
                document.add_timeout_callback(partial(when_arrived, guarded(step)), FIRST_MS + number * pause)
            else:
                guarded(step)()
