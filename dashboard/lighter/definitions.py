"""Which of Panel Material UI's components a browser is told of.

Bokeh defines in every document every component that Panel could show: 165 of them, a third of the page's bytes; each
is made into a class in the browser before anything is drawn. This app uses a dozen.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import panel_material_ui as pmui
from bokeh.core.has_props import _default_resolver
from bokeh.model import Model
from panel.custom import ReactiveESM

_APP = Path(__file__).resolve().parents[1]
_LIBRARY = pmui.__name__
#: Parts of the library that the frame around the page makes by itself.
_OF_THE_FRAME = ("template", "notifications", "base")


def _kinds(kind: type[ReactiveESM]) -> set[type[ReactiveESM]]:
    return {kind}.union(*map(_kinds, kind.__subclasses__()))


def unused() -> set[type[ReactiveESM]]:
    """Components of the library that no script of the app names, nor is the base of one that is named."""
    words = set(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in _APP.rglob("*.py"))))
    kinds = _kinds(ReactiveESM)

    def needed(kind: type) -> bool:
        library, _, part = kind.__module__.partition(".")
        return library != _LIBRARY or part.partition(".")[0] in _OF_THE_FRAME or kind.__name__ in words

    kept = {base for kind in kinds if needed(kind) for base in kind.__mro__}
    return kinds - kept


@lru_cache(maxsize=1)
def forget_unused() -> None:
    """Have no document define a component that is not used; once a process."""
    for kind in unused():
        if kind._data_model.__qualified_model__ in Model.model_class_reverse_map:
            _default_resolver.remove(kind._data_model)  # type: ignore[attr-defined]
