"""Many changes of the page as one: the document is looked through once, whatever fails, and knows all its models."""

from __future__ import annotations

import panel as pn
import pytest
from bokeh.document import Document
from bokeh.models import Div, Row
from panel.io.state import set_curdoc

from dashboard.jobs import together


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> tuple[Document, Row, list[int]]:
    """A document with a row, and how often it was looked through since."""
    document, row, calls = Document(), Row(), list[int]()
    document.add_root(row)
    plain = type(document.models).recompute
    monkeypatch.setattr(type(document.models), "recompute", lambda self: (calls.append(1), plain(self))[1])
    return document, row, calls


def test_many_changes_are_one(counted: tuple[Document, Row, list[int]]) -> None:
    document, row, calls = counted
    new = [Div(text=str(number)) for number in range(5)]
    with set_curdoc(document), together():
        for div in new:
            row.children = [*row.children, div]
            with together():  # a part of a part
                div.text += "!"
        assert not calls and pn.state.curdoc is document
    assert calls == [1]
    assert all(div.document is document for div in new) and [div.text for div in new] == ["0!", "1!", "2!", "3!", "4!"]


def test_where_nothing_is_hung_in_nothing_is_looked_through(counted: tuple[Document, Row, list[int]]) -> None:
    document, row, calls = counted
    with set_curdoc(document), together():
        row.spacing = 3
    assert not calls


def test_what_failed_half_way_leaves_a_whole_document(counted: tuple[Document, Row, list[int]]) -> None:
    document, row, calls = counted
    div = Div()

    def fail() -> None:
        with together():
            row.children = [div]
            raise ValueError("half way")

    with set_curdoc(document), pytest.raises(ValueError, match="half way"):
        fail()
    assert calls == [1] and div.document is document
    row.children = []
    assert calls == [1, 1] and div.document is None, "afterwards Bokeh does as ever"
