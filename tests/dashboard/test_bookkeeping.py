"""Bokeh's notes on models: the same models are found without notes that nobody needs, and dropped ones come again."""

from __future__ import annotations

import asyncio

import pytest
from bokeh.core.property.wrappers import PropertyValueContainer
from bokeh.document import Document
from bokeh.model import Model, util
from bokeh.models import ColumnDataSource, CustomJS, Div, Row, TapTool
from bokeh.plotting import figure
from panel.io.state import set_curdoc

from dashboard.lighter import bookkeeping
from dashboard.pages.book import explorer

_BOKEHS_OWN = util.visit_immediate_value_references


@pytest.fixture(autouse=True)
def _bokehs_own_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "visit_immediate_value_references", _BOKEHS_OWN)


def empty_ones(models: list[Model]) -> int:
    """Empty containers of properties that are not set."""
    held = [value for model in models for value in model._unstable_default_values.values()]
    return sum(isinstance(value, PropertyValueContainer) and not value for value in held)


@pytest.fixture(scope="module")
def app() -> Document:
    """The app as it opens."""
    document = Document()
    with set_curdoc(document):
        explorer("").server_doc(document)
    return document


def found(document: Document) -> list[str]:
    return sorted(model.id for root in document.roots for model in root.references())


def test_the_same_models_are_found(app: Document, monkeypatch: pytest.MonkeyPatch) -> None:
    before = found(app)
    assert len(before) > 250
    monkeypatch.setattr(util, "visit_immediate_value_references", bookkeeping._visit)
    assert found(app) == before


@pytest.mark.parametrize("make", [lambda: figure(tools=[TapTool()]), lambda: figure(title="t", x_axis_type="datetime")])
def test_models_that_are_defaults_are_found(make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a model that nobody has read yet: selections, filters, policies, tickers."""
    fig = make()
    fig.scatter("x", "y", source=ColumnDataSource({"x": [1], "y": [2]}))
    fig.js_on_change("inner_width", CustomJS(code=""))
    monkeypatch.setattr(util, "visit_immediate_value_references", bookkeeping._visit)
    ours = {model.id for model in fig.references()}
    monkeypatch.undo()
    assert ours == {model.id for model in fig.references()} and len(ours) > 25


def test_looking_through_makes_no_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(util, "visit_immediate_value_references", bookkeeping._visit)
    document = Document()
    document.add_root(Row(children=[Div(text=str(number)) for number in range(5)]))
    bookkeeping.forget_defaults(document)
    document.models.recompute()
    assert empty_ones([*document.models]) == 0
    monkeypatch.undo()
    document.models.recompute()
    assert empty_ones([*document.models]) > 20, "Bokeh makes none any more: this module is no longer needed"


def test_dropped_notes_come_again_and_know_their_owner() -> None:
    document, div = Document(), Div()
    document.add_root(Row(children=[div]))
    document.to_json()
    assert empty_ones([*document.models]) > 10
    bookkeeping.forget_defaults(document)
    assert empty_ones([*document.models]) == 0
    heard = []
    document.on_change(heard.append)
    div.tags.append("one")
    div.js_on_change("text", CustomJS(code=""))
    assert div.tags == ["one"] and {event.attr for event in heard} == {"tags", "js_property_callbacks"}
    bookkeeping.forget_defaults(document)
    assert div.tags == ["one"] and len(div.js_property_callbacks["change:text"]) == 1


def test_notes_are_dropped_once_however_often_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bookkeeping, "SENT_S", 0.01)
    document, calls = Document(), []
    monkeypatch.setattr(bookkeeping, "forget_defaults", calls.append)

    async def ask() -> None:
        for _ in range(3):
            bookkeeping.forget_soon(document)
        await asyncio.sleep(0.05)

    bookkeeping.forget_soon(document)  # where no loop runs: nothing
    asyncio.run(ask())
    asyncio.run(ask())
    assert calls == [document, document]
