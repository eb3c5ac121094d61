"""What is sent to a browser is the same whether Bokeh looks up defaults its own way or ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from bokeh.core.has_props import HasProps
from bokeh.core.json_encoder import serialize_json
from bokeh.core.property.descriptors import PropertyDescriptor
from bokeh.document import Document
from bokeh.models import ColumnDataSource, Range1d
from bokeh.plotting import figure
from bokeh.themes import Theme
from panel.io.state import set_curdoc

from dashboard.lighter import defaults
from dashboard.pages.book import explorer

OWN = {
    (HasProps, "themed_values"): lambda self: getattr(self, "__themed_values__", None),
    (HasProps, "query_properties_with_values"): defaults._query,
    (HasProps, "_overridden_defaults"): classmethod(defaults._gather),
    (PropertyDescriptor, "instance_default"): defaults._default,
    (PropertyDescriptor, "has_unstable_default"): defaults._unstable,
}


def _sent(document: Document) -> str:
    """The whole document, without the numbers that each sending gives to its arrays."""
    return re.sub(r'"data":\{"id":"p\d+"\}', "", serialize_json(document.to_json()))


@contextmanager
def _bokehs_way() -> Iterator[None]:
    ours = {(owner, name): vars(owner)[name] for owner, name in OWN}
    for (owner, name), own in OWN.items():
        setattr(owner, name, own)
    try:
        yield
    finally:
        for (owner, name), held in ours.items():
            setattr(owner, name, held)


@pytest.fixture(scope="module", params=["", "v=1&page=trust"])
def document(request: pytest.FixtureRequest) -> Document:
    """A page as a visitor gets it, built our way."""
    defaults.remember()
    made = Document()
    with set_curdoc(made):
        explorer(request.param).server_doc(made)
    return made


def test_a_page_is_sent_the_same(document: Document) -> None:
    ours = _sent(document)
    with _bokehs_way():
        assert _sent(document) == ours
    assert len(ours) > 200_000
    assert _sent(document) == ours


def test_all_that_is_referred_to_is_found(document: Document) -> None:
    ours = {model.id for root in document.roots for model in root.references()}
    with _bokehs_way():
        assert {model.id for root in document.roots for model in root.references()} == ours
    assert len(ours) > 300


def test_what_is_set_themed_or_made_for_one_model_is_not_shared() -> None:
    defaults.remember()
    first, second = figure(), figure()
    assert first.tags is not second.tags and first.x_range is not second.x_range
    first.tags.append("mine")
    assert second.tags == [] and figure().tags == []
    assert Range1d().start == Range1d().start == 0 and Range1d(start=3).start == 3
    assert first.height == 600
    themed = Document(theme=Theme(json={"attrs": {"figure": {"height": 123}, "Plot": {"height": 123}}}))
    themed.add_root(second)
    assert (second.height, first.height, figure().height) == (123, 600, 600)
    assert second.properties_with_values(include_defaults=False)["height"] == 123
    with pytest.raises(ValueError, match="Range1d"):
        Range1d(start="nowhere")
    assert ColumnDataSource().data == {}


def test_a_plain_default_is_looked_up_once_a_class(monkeypatch: pytest.MonkeyPatch) -> None:
    defaults.remember()
    asked: list[str] = []

    def counted(self: PropertyDescriptor, obj: HasProps) -> object:
        asked.append(self.name)
        return own(self, obj)

    own = defaults._default
    monkeypatch.setattr(defaults, "_default", counted)
    monkeypatch.setattr(defaults, "_plain", {})
    for _ in range(5):
        Range1d().properties_with_values(include_defaults=False)
        assert Range1d().min_interval is None
    assert asked.count("min_interval") == 1
