"""Many changes of the page as one: what is new is found once, whatever fails, and the document knows all its models."""

from __future__ import annotations

import panel as pn
import pytest
from bokeh.document import Document
from bokeh.models import ColumnDataSource, CustomJS, Div, Row
from bokeh.plotting import figure
from panel.io.state import set_curdoc
from panel.pane.echarts import setup_js_callbacks
from panel.pane.holoviews import find_links, link_axes
from panel.param import link_param_method
from panel.viewable import Viewable

from dashboard.jobs import together
from dashboard.lighter import looking


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
    assert not calls, "only what is new is looked through"
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
    assert not calls and div.document is document
    row.children = []
    assert calls == [1] and div.document is None, "afterwards Bokeh does as ever"


def everything(document: Document) -> dict[str, object]:
    """What a document notes of its models."""
    models = document.models
    named = {name: {*models.get_all_by_name(name)} for name in ("one", "two")}
    return {"models": {*models}, "named": named, "new": {*models._new_models}, "roots": document.roots}


@pytest.mark.parametrize("taken", [False, True])
def test_the_document_notes_what_bokeh_would_note(counted: tuple[Document, Row, list[int]], taken: bool) -> None:
    """Of plots and rows in each other, of what hangs in two places, and of what was taken out in between."""
    document, row, calls = counted
    inner, plot, words = Row(), figure(name="two"), Div(name="one")
    plot.scatter("x", "y", source=ColumnDataSource({"x": [1], "y": [2]}, name="one"))
    plot.js_on_change("inner_width", CustomJS(args={"words": words}, code=""))
    row.children = [Div(text="first")]
    calls.clear()
    with set_curdoc(document), together():
        inner.children = [plot]
        row.children = [inner] if taken else [*row.children, inner]
        inner.children.append(words)
        plot.js_on_event("tap", CustomJS(args={"more": Div(name="two")}, code=""))
    assert calls == [1] * taken
    noted = everything(document)
    document.models.recompute()
    assert everything(document) == noted and len(noted["models"]) > 25
    assert all(model.document is document for model in document.models)


def test_what_hangs_elsewhere_too_stays(counted: tuple[Document, Row, list[int]]) -> None:
    document, row, _ = counted
    twice, other = Div(), Row()
    row.children = [twice, other]
    with set_curdoc(document), together():
        other.children = [twice]
        row.children = [other]
    assert twice.document is document


def test_panel_looks_for_no_panes_that_there_are_none_of(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hooks of Panel's that look for such panes go, others stay (that no page has one, `test_beforehand.py` says)."""
    theirs = [link_param_method, setup_js_callbacks, link_axes, find_links]
    monkeypatch.setattr(Viewable, "_preprocessing_hooks", [*theirs, test_many_changes_are_one])
    looking.forget_hooks.__wrapped__()
    assert Viewable._preprocessing_hooks == [test_many_changes_are_one]
