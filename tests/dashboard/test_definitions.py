"""Only components that the app uses are defined in a document."""

from __future__ import annotations

import panel_material_ui as pmui
from bokeh.document import Document

from dashboard import widgets
from dashboard.lighter import definitions


def test_a_document_defines_what_is_used_and_nothing_else() -> None:
    """Ours and those that a script names, with their bases, are defined; the others are not, however often asked."""
    definitions.forget_unused()
    definitions.forget_unused()
    known = {entry["name"] for entry in Document().to_json(deferred=False)["defs"]}
    for kind in (pmui.Select, pmui.Page, pmui.Dialog, widgets.Buttons, *pmui.Select.__mro__[1:2]):
        assert kind._data_model.__qualified_model__ in known
    for kind in (pmui.Rating, pmui.ColorPicker, pmui.SpeedDial):
        assert kind in definitions.unused()
        assert kind._data_model.__qualified_model__ not in known
