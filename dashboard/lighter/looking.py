"""What is hung into a document is looked through, and not all that hangs there already.

Bokeh looks through every model of a document whenever models are hung in or taken out, and Panel through every
component of a page, four times, whenever the children of a layout change: for panes of HoloViews, of ECharts and of
parameters, of which there are none here. With all pages of this app made that was 45 ms of the server for each further
part, however small (27 and 16 ms, by the processor's clock).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

from bokeh.document import Document
from bokeh.model import Model
from bokeh.model.util import collect_filtered_models, visit_value_and_its_immediate_references
from panel.viewable import Viewable

#: Modules of Panel whose hooks look for panes that nothing here uses.
_FOR_OTHERS = ("panel.param", "panel.pane.echarts", "panel.pane.holoviews")


@lru_cache(maxsize=1)
def forget_hooks() -> None:
    """Have Panel look for no panes that there are none of; once a process."""
    hooks = Viewable._preprocessing_hooks
    hooks[:] = [hook for hook in hooks if hook.__module__ not in _FOR_OTHERS]


@contextmanager
def looked_through_once(document: Document) -> Iterator[list[Model]]:
    """Find what is new when all has been changed, and only then; the list holds, afterwards, the models hung in.

    Where something was taken out all is looked through: it may hang elsewhere too. Not to be entered twice at a time.
    """
    models, callbacks = document.models, document.callbacks
    notify, asked = callbacks.notify_change, list[bool]()
    hung, gone, found = list[Model](), list[Model](), list[Model]()

    def heard(model: Model, attr: str, old: Any, new: Any, hint: Any = None, *more: Any, **named: Any) -> None:
        if hint is None:
            before, after = _named(old), _named(new)
            hung.extend(after[key] for key in after.keys() - before.keys())
            gone.extend(before[key] for key in before.keys() - after.keys())
        notify(model, attr, old, new, hint, *more, **named)

    models.recompute = lambda: asked.append(True)  # type: ignore[method-assign]
    callbacks.notify_change = heard  # type: ignore[method-assign]
    try:
        yield found
    finally:
        del models.recompute, callbacks.notify_change
        if asked and (gone or not hung):
            known = {*models}
            models.recompute()
            found.extend(model for model in models if model not in known)
        elif asked:
            found.extend(collect_filtered_models(lambda model: model.document is not None, *hung))
            _attach(document, found)


def _named(value: Any) -> dict[str, Model]:
    """Models that a property's value names itself, by id."""
    found: dict[str, Model] = {}
    visit_value_and_its_immediate_references(value, lambda model: found.update({model.id: model}))
    return found


def _attach(document: Document, new: list[Model]) -> None:
    """As Bokeh does with those that it finds new."""
    models = document.models
    for model in new:
        model._attach_document(document)
        models._models[model.id] = model
        models._new_models.add(model)
        if model.name is not None:
            models._models_by_name.add_value(model.name, model)
