"""The recipe "Add a page" of the docs, followed word for word."""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dashboard import state as state_module
from dashboard.pages import book as book_module
from dashboard.pages.book import Book
from dashboard.pages.learn import LearnPage
from dashboard.pages.view import View
from dashboard.state import History, State, apply
from dashboard.tours import read_tour

DOCS = (Path(__file__).parents[2] / "docs" / "pages.md").read_text(encoding="utf-8")


def _block(kind: str) -> str:
    found = re.search(rf"```{kind}\n(.*?)```", DOCS, re.S)
    assert found is not None
    return found.group(1)


@pytest.fixture
def open_pages() -> Iterator[list[str]]:
    """The pages that can be open, put back as a plain list: param's own list of them cannot be set a second time."""
    before = list(State.param["page"].objects)
    yield before
    State.param["page"].objects = before


def test_a_page_made_by_the_recipe_opens_follows_and_exports(
    monkeypatch: pytest.MonkeyPatch, open_pages: list[str]
) -> None:
    module = types.ModuleType("yearly")
    exec(compile(_block("python"), "docs/pages.md", "exec"), module.__dict__)
    assert '"yearly": "Yearly"' in DOCS and '"yearly": YearlyPage' in DOCS
    monkeypatch.setitem(state_module.PAGES, "yearly", "Yearly")
    monkeypatch.setitem(book_module.MAKERS, "yearly", module.YearlyPage)
    State.param["page"].objects = [*open_pages, "yearly"]
    state = State()
    apply(state, {"page": "yearly", "variable": "swe"})
    view = View(state)
    book = Book(view, History(state))
    book.turn()
    page = book.page
    assert isinstance(page, module.YearlyPage)
    assert "Snow water equivalent" in page.table.object and "December" in page.table.object
    apply(state, {"variable": "elevation"})
    assert "has no season" in page.table.object
    (_, _, make) = page.files()["Curves as CSV"]
    assert make().read().startswith(b"time,lat,lon,place")
    assert [item["label"] for item in book.frame.navs[0].items][-1] == "Yearly"


def test_a_page_that_cannot_be_built_says_so_and_the_others_open(monkeypatch: pytest.MonkeyPatch) -> None:
    def steps(self: LearnPage) -> list[Callable[[], None]]:
        def broken() -> None:
            raise RuntimeError("a broken part")

        return [broken]

    monkeypatch.setattr(LearnPage, "steps", steps)
    state = State()
    apply(state, {"page": "learn"})
    book = Book(View(state), History(state))
    book.turn()
    assert "Building the page Learn failed unexpectedly; the log has the details" in book.frame.notice.object
    assert book.page.layout.objects == [], "no sign of something still on its way"
    monkeypatch.undo()
    apply(state, {"page": "data"})
    assert len(book.page.layout.objects) > 0


def test_the_tour_of_the_docs_is_a_tour() -> None:
    tour = read_tour(_block("json"), "docs/pages.md")
    assert tour.steps[0].question is not None and tour.steps[0].values()["variable"] == "swe"
