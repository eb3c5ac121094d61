"""The methods there are: every module of `hdlcore.attribution.methods`, each with one `METHOD`."""

from __future__ import annotations

import importlib
import pkgutil
from difflib import get_close_matches

from hdlcore.attribution import methods
from hdlcore.attribution.contract import Method
from hdlcore.errors import RequestError


def find_methods() -> dict[str, Method]:
    """Import every module of the folder; methods by name."""
    names = sorted(module.name for module in pkgutil.iter_modules(methods.__path__))
    found = [importlib.import_module(f"{methods.__name__}.{name}").METHOD for name in names]
    return {method.name: method for method in found}


METHODS: dict[str, Method] = find_methods()


def find_method(name: str) -> Method:
    """A method by name; raises `RequestError` naming those there are."""
    try:
        return METHODS[name]
    except KeyError:
        near = get_close_matches(name, METHODS, n=1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        raise RequestError(f"No attribution method is called '{name}'; {hint}there are {', '.join(METHODS)}.") from None
