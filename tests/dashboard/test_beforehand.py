"""Pages made before they are opened: in what order, when, and that they are then what a page opened at once is."""

from __future__ import annotations

import asyncio
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import panel as pn
import pytest
from bokeh.core.json_encoder import serialize_json
from bokeh.core.serialization import Serializer
from bokeh.document import Document
from panel.io.state import set_curdoc

from dashboard.jobs import Lane, put_off
from dashboard.lighter import looking
from dashboard.pages import making
from dashboard.pages.beforehand import Beforehand
from dashboard.pages.book import Book
from dashboard.pages.frame import page
from dashboard.pages.parts import Plot
from dashboard.pages.trust import TrustPage
from dashboard.pages.view import View
from dashboard.rest import Rest
from dashboard.spare import REST_SECONDS, Spare
from dashboard.state import PAGES, History, State, apply

OTHER = 39 * 360 + 190
#: pages that ask nothing live of a cell
PLAIN = ("memory", "compare", "data")


def book_of(**values: Any) -> Book:
    state = State(**values)
    book = Book(View(state), History(state))
    book.turn()
    return book


def said(part: Any) -> Iterator[tuple[Any, ...]]:
    """Everything that is to be seen of a part, hidden parts left out."""
    if not part.visible:
        return
    yield type(part).__name__, tuple(name for name in part.css_classes if name not in ("gone", "staged"))
    if isinstance(part, pn.layout.Panel):
        for one in part:
            yield from said(one)
    elif isinstance(part, pn.pane.Bokeh):
        yield tuple(sorted(part.object.html_attributes.items()))
        for mark in part.object.renderers:
            yield tuple((name, repr(column)) for name, column in sorted(mark.data_source.data.items()))
    else:
        left_out = {"name", "ahead", "can_undo"}
        yield tuple((name, repr(value)) for name, value in part.param.values().items() if name not in left_out)


class Piece(NamedTuple):
    """A piece of a page that is not part of a document: a step, what it makes."""

    page: str
    parts: int
    plots: int


def made_whole(ahead: Beforehand) -> list[Piece]:
    """Make everything."""
    pieces = []
    while (page_ := ahead.next()) is not None:
        before = {*page_.made.layout.select()}
        assert ahead.piece()
        new = {*page_.made.layout.select()} - before
        pieces.append(Piece(page_.name, len(new), sum(isinstance(part, Plot) for part in new)))
    return pieces


def make(book: Book, name: str) -> int:
    """Make one page as if its name were pointed at; in how many pieces."""
    book.beforehand._nears({"id": name})
    pieces = 0
    while not book._making(name).done:
        book.beforehand.piece()
        pieces += 1
    return pieces


@pytest.fixture(scope="module")
def rested() -> tuple[Book, list[Piece]]:
    """A book all of whose pages were made beforehand, and the pieces in their order."""
    book = book_of()
    return book, made_whole(book.beforehand)


def test_pages_come_one_after_the_other_in_the_order_of_the_bar(rested: tuple[Book, list[Piece]]) -> None:
    """In several pieces, and none is in the way of the open one: it is unseen, and hidden once it was drawn."""
    book, names = rested[0], [each.page for each in rested[1]]
    assert list(dict.fromkeys(names)) == [name for name in PAGES if name != "explore"]
    assert names == sorted(names, key=list(PAGES).index) and len(names) > 2 * len(PAGES)
    assert not book.beforehand.piece(), "nothing is left"
    assert book.page.layout.visible and len(book.body) == len(PAGES)
    others = [part for part in book.body if part is not book.page.layout]
    assert all("gone" in part.css_classes and not part.visible for part in others)


def test_no_page_has_a_pane_that_panel_no_longer_looks_for(rested: tuple[Book, list[Piece]]) -> None:
    kinds = {kind.__module__ for part in rested[0].body.select() for kind in type(part).__mro__}
    assert len(kinds) > 10 and not kinds & {*looking._FOR_OTHERS}


def test_a_page_has_its_size_while_it_is_made() -> None:
    """So that it is drawn as it will stand; opened half made it is seen, and whole."""
    book = book_of()
    book.beforehand.piece()
    layout = next(part for part in book.body if "memorypage" in part.css_classes)
    assert layout.visible and "staged" in layout.css_classes
    parts = len(layout.select())
    apply(book.view.state, {"page": "memory"})
    assert layout is book.page.layout and not {"staged", "gone"} & set(layout.css_classes)
    assert len(layout.select()) > parts and list(said(layout)) == list(said(book_of(page="memory").page.layout))


def test_no_step_makes_much_at_once(rested: tuple[Book, list[Piece]]) -> None:
    """The components and figures of a step are made in one piece, which a click waits for."""
    assert max(each.parts for each in rested[1]) <= 40 and max(each.plots for each in rested[1]) <= 4, rested[1]


def told(part: Any) -> str:
    """All that a browser is told of a part; models and their names are numbered as they come."""
    [(model, _)] = part._models.values()
    text, numbers = serialize_json(Serializer(deferred=False).encode(list(model.children))), dict[str, str]()
    return re.sub(r"\b[A-Za-z]+\d{4,}\b", lambda at: numbers.setdefault(at[0], f"no {len(numbers)}"), text)


def test_a_page_hung_in_bit_by_bit_is_sent_as_one_hung_in_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sizes too, which layouts take from what is in them."""
    found, pieces = list[list[str]](), list[int]()
    for seconds in (math.inf, 0.0):
        monkeypatch.setattr(making, "BIT_S", seconds)
        document = Document()
        with set_curdoc(document):
            book = book_of()
            page(book.frame, book.body).server_doc(document)
            pieces.append(sum(make(book, name) for name in PLAIN[:2]))
            found.append([told(part) for part in book.body])
    assert pieces[1] > 5 * pieces[0], "a component or a plot each"
    assert found[0] == found[1] and min(map(len, found[0])) > 100_000


def test_the_page_whose_name_is_pointed_at_comes_first() -> None:
    book = book_of()
    order = []
    for pointed in ("nothing", "learn", "nonsense", "nonsense"):
        book.beforehand._nears({"id": pointed})
        order.append(book.beforehand.next())
        book.beforehand.piece()
    assert [each.name for each in order if each] == ["memory", "learn", "learn", "memory"]


@pytest.mark.parametrize("name", PLAIN)
def test_a_page_made_beforehand_is_the_page_opened_at_once(rested: tuple[Book, list[Piece]], name: str) -> None:
    """Also after another cell was chosen, of which it was not told while nobody saw it."""
    book, state = rested[0], rested[0].view.state
    for cell in (state.cell, OTHER):
        apply(state, {"cell": cell})
        apply(state, {"page": name})
        opened = book_of(**state.snapshot()).page.layout
        assert list(said(book.page.layout)) == list(said(opened))
        apply(state, {"page": "explore", "cell": State.param["cell"].default})


def test_the_models_are_asked_when_the_page_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of what was chosen last; until then the page says that it is under way."""
    started: list[str] = []
    monkeypatch.setattr(Lane, "_alone", lambda self, doing, work, done: _noted(started, doing))
    book = book_of()
    make(book, "whatif")
    assert not started
    runs = book._making("whatif").made.experiment.lane  # type: ignore[attr-defined]
    assert runs.running and runs.message == "Running the model"
    apply(book.view.state, {"cell": OTHER})
    assert not started
    apply(book.view.state, {"page": "whatif"})
    assert started.count("Running the model") == 1, "the run of the cell before is asked for no more"


async def _noted(started: list[str], doing: str) -> None:
    started.append(doing)


def test_work_put_off_is_begun_once_and_not_after_it_was_cancelled() -> None:
    done: list[int] = []
    first, second, lanes = Lane(), Lane(), list[Lane]()
    with put_off(lanes):
        first.start("one", lambda *_: 1, done.append)
        first.start("two", lambda *_: 2, done.append)
        second.start("three", lambda *_: 3, done.append)
    assert first.running and first.message == "two" and not done
    second.cancel()
    assert not second.running
    for lane in lanes:
        lane.begin()
    assert done == [2] and not first.running
    first.begin()
    assert done == [2]


def test_what_a_page_has_to_say_is_said_when_it_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notice of its own, or that it could not be built."""

    def broken(self: TrustPage) -> list[Callable[[], None]]:
        return [lambda: 1 / 0]  # type: ignore[list-item,return-value]

    monkeypatch.setattr(TrustPage, "steps", broken)
    book = book_of(other_model="nonsense")
    make(book, "trust")
    make(book, "compare")
    assert book.view.notice == "" and book.frame.notice.object == ""
    apply(book.view.state, {"page": "compare"})
    assert "nonsense" in book.frame.notice.object
    apply(book.view.state, {"page": "trust"})
    assert "Building the page Trust failed unexpectedly" in book.frame.notice.object
    assert book.page.layout.objects == []


def test_visitors_share_no_page() -> None:
    one, other = book_of(), book_of()
    one.beforehand.piece()
    assert len(one.body) == 2 and len(other.body) == 1


def spare_and_rest() -> tuple[Spare, Rest]:
    spare, rest = Spare(), Rest(list)
    spare.begin(rest)
    return spare, rest


def test_nothing_is_done_while_the_process_works_or_when_it_is_not_wanted_any_more() -> None:
    async def visit() -> None:
        (spare, rest), done, wanted = spare_and_rest(), list[str](), [True]

        async def work() -> None:
            done.append("piece")

        task = asyncio.ensure_future(spare.use(lambda: wanted[0], work))
        await asyncio.sleep(0.25)
        assert not done
        rest.seconds = REST_SECONDS
        await task
        assert done == ["piece"]
        rest.seconds = 0.0
        task = asyncio.ensure_future(spare.use(lambda: wanted[0], work))
        await asyncio.sleep(0.05)
        wanted[0] = False
        await task
        rest.seconds = REST_SECONDS
        spare.end()
        wanted[0] = True
        await spare.use(lambda: wanted[0], work)
        assert done == ["piece"] and not spare.on

    asyncio.run(visit())


def test_one_piece_at_a_time_and_whoever_waited_longest_first() -> None:
    async def visit() -> None:
        (spare, rest), order, busy = spare_and_rest(), list[int](), list[int]()
        rest.seconds = REST_SECONDS

        async def session(number: int) -> None:
            async def work() -> None:
                assert not busy
                busy.append(number)
                await asyncio.sleep(0.001)
                busy.clear()
                order.append(number)

            for _ in range(3):
                await spare.use(lambda: True, work)

        await asyncio.gather(*map(session, range(4)))
        assert order == [*range(4)] * 3

    asyncio.run(visit())


def test_what_is_made_in_spare_time_does_not_end_the_rest() -> None:
    """The same work done for somebody does."""
    _, rest = spare_and_rest()

    def burn() -> None:
        sum(range(3_000_000))

    rest.look()
    with rest.apart() as spent:
        burn()
    assert rest.look() > 0 and spent[0] > 0
    burn()
    assert rest.look() == 0
