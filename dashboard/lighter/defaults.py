"""Defaults of Bokeh's properties, looked up once a class instead of once a model and property.

Bokeh 3.9 walks every property of every model for what it refers to and what it says. For each that was never set it
gathers the class's overrides from all its bases, copies its default and validates the copy: a third of the server's
time while a page was built and sent (by a sampler). Most defaults are plain values that cannot change. What is sent is
the same to the byte (tests/dashboard/test_defaults.py).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, lru_cache
from typing import Any

from bokeh.core.has_props import HasProps
from bokeh.core.property.descriptors import PropertyDescriptor, UnsetValueError
from bokeh.core.property.singletons import Undefined
from bokeh.core.property.wrappers import PropertyValueContainer
from bokeh.settings import settings

#: Values of these types can be shared by all models of a class.
_PLAIN = (type(None), bool, int, float, str)

_default, _unstable = PropertyDescriptor.instance_default, PropertyDescriptor.has_unstable_default
_query = HasProps.query_properties_with_values
_gather = HasProps._overridden_defaults.__func__  # type: ignore[attr-defined]
_plain: dict[tuple[PropertyDescriptor[Any], type], Any] = {}
_fixed: dict[tuple[PropertyDescriptor[Any], type], bool] = {}


def _themed(self: HasProps) -> dict[str, Any] | None:
    """What a theme says of the model. (Asked for as an attribute, it is first searched for among the properties.)"""
    found: dict[str, Any] | None = self.__dict__.get("__themed_values__")
    return found


def _instance_default(self: PropertyDescriptor[Any], obj: HasProps) -> Any:
    themed = _themed(obj)
    if themed and self.name in themed:
        return _default(self, obj)
    key = (self, type(obj))
    if key in _plain:
        return _plain[key]
    value = _default(self, obj)
    if type(value) in _PLAIN and not _has_unstable_default(self, obj):
        _plain[key] = value
    return value


def _has_unstable_default(self: PropertyDescriptor[Any], obj: HasProps) -> bool:
    key = (self, type(obj))
    if key not in _fixed:
        _fixed[key] = _unstable(self, obj)
    return _fixed[key]


def _query_values(
    self: HasProps, query: Callable[[PropertyDescriptor[Any]], bool], *, include_defaults: bool = True,
    include_undefined: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """What was set, what a theme says and what is made anew for each model; plain defaults are not even looked at."""
    if include_defaults:
        return _query(self, query, include_defaults=True, include_undefined=include_undefined)
    cls, themed, made = type(self), _themed(self) or {}, self._unstable_default_values
    said = self._property_values.keys() | made.keys() | themed.keys()
    result: dict[str, Any] = {}
    for key in self.properties(_with_props=True):
        descriptor = self.lookup(key)
        if (key not in said and (descriptor, cls) in _plain) or not query(descriptor):
            continue
        try:
            value = descriptor.get_value(self)
        except UnsetValueError:
            if not include_undefined:
                raise
            value = Undefined
        else:
            untouched = isinstance(value, PropertyValueContainer) and key in made and key not in themed
            if key not in said or untouched:
                continue
        result[key] = value
    return result


@classmethod  # type: ignore[misc]
@cache
def _overridden(cls: type[HasProps]) -> dict[str, Any]:
    """Defaults that the class sets for properties of its bases; shared, only read."""
    return _gather(cls)


@lru_cache(maxsize=1)
def remember() -> None:
    """Have defaults looked up once a class, in all of this process; and no callback's signature looked at."""
    HasProps._overridden_defaults = _overridden  # type: ignore[method-assign]
    settings.perform_error_diagnostics = False
    HasProps.themed_values = _themed  # type: ignore[method-assign]
    HasProps.query_properties_with_values = _query_values  # type: ignore[method-assign]
    PropertyDescriptor.instance_default = _instance_default  # type: ignore[method-assign]
    PropertyDescriptor.has_unstable_default = _has_unstable_default  # type: ignore[method-assign]
