"""The kinds of model that a card or recipe may ask for: every module of `hdlcore.models.kinds`.

A kind is called what its file is called, with - for _, and the file defines one `HybridModel`. Adding a model is
adding a file.
"""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches
from types import ModuleType

from hdlcore.errors import ModelError
from hdlcore.models import kinds
from hdlcore.models.hybrid import HybridModel


def find_kinds() -> dict[str, type[HybridModel]]:
    """Import every module of the folder and return its model by name; raises `ModelError` where it is not one."""
    names = sorted(module.name for module in pkgutil.iter_modules(kinds.__path__) if not module.name.startswith("_"))
    return {name.replace("_", "-"): _model(importlib.import_module(f"{kinds.__name__}.{name}")) for name in names}


def _model(module: ModuleType) -> type[HybridModel]:
    own = [
        value
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, HybridModel) and value.__module__ == module.__name__
    ]
    if len(own) != 1:
        found = ", ".join(kind.__name__ for kind in own) or "none"
        raise ModelError(f"{module.__file__} must define one HybridModel and defines {found}; give each its own file.")
    return own[0]


KINDS: dict[str, type[HybridModel]] = find_kinds()


def model_kind(name: str) -> type[HybridModel]:
    """Return the class of a kind; raises `ModelError` naming those there are."""
    try:
        return KINDS[name]
    except KeyError:
        near = get_close_matches(name, KINDS, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise ModelError(f"No kind of model is called '{name}'; {hint}there are {', '.join(KINDS)}.") from None
