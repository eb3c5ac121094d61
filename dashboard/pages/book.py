"""The pages under one header: which is open stands in the state, and each is built when it is first opened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs
from weakref import WeakKeyDictionary, ref

import panel as pn
import panel_material_ui as pmui
from bokeh.document import Document
from panel.io.state import set_curdoc

from dashboard import links, tours
from dashboard.jobs import together
from dashboard.lighter.bookkeeping import forget_soon
from dashboard.pages.beforehand import Beforehand
from dashboard.pages.compare import ComparePage
from dashboard.pages.data import DataPage
from dashboard.pages.explore import ExplorePage
from dashboard.pages.frame import Frame, page
from dashboard.pages.learn import LearnPage
from dashboard.pages.making import Making
from dashboard.pages.memory import MemoryPage
from dashboard.pages.page import Page
from dashboard.pages.parts import column
from dashboard.pages.trust import TrustPage
from dashboard.pages.view import View
from dashboard.pages.whatif import WhatIfPage
from dashboard.pages.why import WhyPage
from dashboard.state import History, State, apply

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
    if document is not None:
        _books[document] = ref(book)
    book.turn()
    return page(book.frame, book.body)


_books: WeakKeyDictionary[Document, ref[Book]] = WeakKeyDictionary()


def show_link(document: Document, query: str) -> bool:
    """Turn a page nobody has seen yet, on the opening view, to a link's: a twentieth of the work of building it.

    False, and nothing is changed, where it had better be built: another page or other colours are asked for, or
    something is to be said of the link.
    """
    book, found = _books.get(document, lambda: None)(), links.decode(query)
    values = tours.opening(found.values, tours.all_tours()[0])
    if book is None or found.notices or "theme" in parse_qs(query, keep_blank_values=True):
        return False
    if values.get("page", book.view.state.page) != book.view.state.page:
        return False
    with set_curdoc(document), book.history.silently(), together():
        apply(book.view.state, values)
        for part in book.body.select(lambda part: "invitation" in part.css_classes):
            part.visible = False  # it is for who opens no particular view
    return True


def forget(document: Document) -> None:
    """Let go of what Panel would keep of a closed session.

    Panel 1.9 notes every root in `state._views` and strikes out the page's, not that of the notifications; the latter
    held the whole session in memory for good (4.8 MB each).
    """
    views = pn.state._views
    for name in [name for name, (_, _, owner, _) in views.items() if owner is document]:
        del views[name]


class Book:
    """Header and the open page.

    In a live session the parts of a page are built just after the page itself has been sent, while the browser is still
    loading its scripts; they are there when it asks for them. A page that was opened stays in the document, as does one
    that was made beforehand.
    """

    def __init__(self, view: View, history: History) -> None:
        self.view, self.history = view, history
        self._makings: dict[str, Making] = {}
        self.body = column("body")
        self.frame = Frame(view, history, lambda: self.page)
        self.beforehand = Beforehand(view, self.frame.shell, self.frame.navs, self._making)
        view.state.param.watch(self.turn, "page")

    @property
    def page(self) -> Page:
        """The open page."""
        return self._making(self.view.state.page).made

    def _making(self, name: str) -> Making:
        """A page, begun and in its place where it was not; unseen unless it is the open one."""
        making = self._makings.get(name)
        if making is None:
            made = MAKERS[name](self.view, self.history)
            making = self._makings[name] = Making(name, made, self.view)
            if not making.seen:
                made.layout.clear()  # nobody waits for it: it need not say that it is on its way
            making.place()
            self.body.append(made.layout)
        return making

    def turn(self, *_: Any) -> None:
        """Show the page the state names; the others stay in the browser, hidden, as they were left."""
        with together():
            opened = self._making(self.view.state.page)
            opened.finish()
            for each in self._makings.values():
                each.place()
            self.view.opened()
            self.frame.opened(self.view.state.page)
            opened.opened()
