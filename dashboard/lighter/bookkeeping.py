"""What Bokeh notes of the models of a document, without the notes that nobody needs.

Bokeh makes an empty dictionary, list or set for each property of a model that was ever read and not set, a container of
1.2 kB that knows its owner: some seven a model, and it reads them all whenever it looks through a document or sends a
model. With all pages of this app visited that was 14 of 32 MB of a session, and three quarters of the time of looking
through it. Here an unset property without a model in its default is not read at all, and empty containers are dropped
once what is new has been sent; whoever reads such a property gets a new one, as at the first time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any
from weakref import WeakSet

from bokeh.core.has_props import HasProps
from bokeh.core.property.wrappers import PropertyValueContainer
from bokeh.document import Document
from bokeh.model import Model, util

SENT_S = 1.5  # by then what is new has been sent
_waiting: WeakSet[Document] = WeakSet()


@lru_cache(maxsize=1)
def read_only_what_is_set() -> None:
    """Have Bokeh find the models of a document by what is set in each; once a process."""
    util.visit_immediate_value_references = _visit


def _visit(value: Any, visitor: Callable[[Model], None]) -> None:
    """As Bokeh's function of this place: call `visitor` for each model that `value` names itself."""
    if not isinstance(value, HasProps):
        util.visit_value_and_its_immediate_references(value, visitor)
        return
    held, usual, made = value._property_values, value._unstable_default_values, _made_with_models(type(value))
    for name in value.properties_with_refs():
        if name in held:
            util.visit_value_and_its_immediate_references(held[name], visitor)
        elif name in usual or name in made:
            util.visit_value_and_its_immediate_references(getattr(value, name), visitor)


@cache
def _made_with_models(kind: type[HasProps]) -> frozenset[str]:
    """Properties whose default is a model, or holds one."""

    def models(name: str) -> list[Model]:
        found: list[Model] = []
        default = kind.lookup(name).property.themed_default(kind, name, None, no_eval=False)
        util.visit_value_and_its_immediate_references(default, found.append)
        return found

    return frozenset(name for name in kind.properties_with_refs() if models(name))


def forget_defaults(document: Document) -> None:
    """Drop the empty containers of properties that are not set."""
    for model in document.models:
        usual = model._unstable_default_values
        for name in [name for name, held in usual.items() if isinstance(held, PropertyValueContainer) and not held]:
            del usual[name]


def forget_soon(document: Document) -> None:
    """Drop them when what is new has been sent; nothing where no event loop runs."""
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return
    if document in _waiting:
        return
    _waiting.add(document)

    def now() -> None:
        _waiting.discard(document)
        forget_defaults(document)

    loop.call_later(SENT_S, now)
