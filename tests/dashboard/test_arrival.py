"""Changes made while a page is on its way to the browser are part of it, or wait until it has arrived."""

from __future__ import annotations

from types import SimpleNamespace

import panel as pn
import pytest
from bokeh.document import Document
from bokeh.models import ImportedStyleSheet
from panel.io.state import set_curdoc

from dashboard.jobs import when_arrived
from dashboard.pages.book import explorer


def document_with(connections: int) -> Document:
    """A document whose session has so many open connections."""
    document = Document()
    session = SimpleNamespace(connection_count=connections)
    document._session_context = lambda: SimpleNamespace(session=session)  # type: ignore[assignment]
    return document


@pytest.mark.parametrize(("connections", "at_once"), [(0, True), (1, False)])
def test_a_change_waits_only_while_the_page_is_on_its_way(connections: int, at_once: bool) -> None:
    """Unasked for: made at once. Asked for and not yet drawn: made when the browser says that it is there."""
    document, done = document_with(connections), []
    with set_curdoc(document):
        when_arrived(lambda: done.append(1))
        assert bool(done) is at_once
        pn.state._on_load(document)
        assert done == [1]
        when_arrived(lambda: done.append(2))
        assert done == [1, 2]


def test_no_page_follows_what_others_do_and_its_largest_script_comes_early() -> None:
    """An open page is not told that another one is busy; the script named at its top is what its controls ask for."""
    before = len(pn.state.param.watchers["busy"]["value"])
    document = Document()
    with set_curdoc(document):
        made = explorer()
        assert len(pn.state.param.watchers["busy"]["value"]) == before
    asked = made._render_esm(server=True)
    assert made._template.globals["bundle"] == asked


def test_a_session_made_anew_asks_no_other_host_for_its_looks() -> None:
    """A page whose session was made by its connection alone, not by sending the page, has every style sheet of ours."""
    document = Document()
    with set_curdoc(document):
        explorer().server_doc(document)
    sheets = {str(sheet.url) for root in document.roots for sheet in root.select({"type": ImportedStyleSheet})}
    assert len(sheets) > 3 and not [url for url in sheets if "//" in url]
