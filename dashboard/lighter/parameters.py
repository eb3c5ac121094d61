"""What Param keeps of a component's parameters: once for all of them where it is the same for all.

A component of Panel has some thirty parameters and one watcher of them all; Param 2.4 notes it in a dictionary and a
list of its own for each. And whoever looks at a parameter of a component gets a copy of it, made at the first look and
kept: Panel 1.9 looks at all of them while it builds the model of a component. Of a session with all pages seen the
notes were 4.1 of 18.7 MB and the copies 1.5 (by `tracemalloc`).

Here parameters with the same watchers share their note, which is never changed: another takes its place. Copies that
Panel made by looking are dropped when it has looked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, Literal

from panel.custom import ReactiveESM
from param.parameterized import Parameters, Watcher

_register = Parameters._register_watcher


def _shared(self: Parameters, action: Literal["append", "remove"], watcher: Watcher, what: str = "value") -> None:
    """As Param's method of this name."""
    component = self.self
    if component is None or what != "value" or not component._param__private.initialized:
        _register(self, action, watcher, what)
        return
    notes, alike = component._param__private.watchers, dict[int, list[str]]()
    for name in watcher.parameter_names:
        if name not in self.cls.param:
            raise ValueError(f"{name} parameter was not found in list of parameters of class {self.cls.__name__}")
        alike.setdefault(id(notes.get(name)), []).append(name)
    for names in alike.values():
        note = notes.get(names[0], {})
        held = list(note.get(what, ()))
        if action == "append":
            held.append(watcher)
        elif watcher in held:
            held.remove(watcher)
        note = {**note, what: held}
        notes.update((name, note) for name in names)


def _without_copies(look: Callable[..., Any]) -> Callable[..., Any]:
    """`look` at all parameters of a component; copies of them that nobody watches are not kept after it."""

    @wraps(look)
    def looked(self: ReactiveESM, *args: Any, **options: Any) -> Any:
        copies = self._param__private.params
        before = set(copies)
        try:
            return look(self, *args, **options)
        finally:
            for name in copies.keys() - before:
                if not copies[name].watchers:
                    del copies[name]

    return looked


@lru_cache(maxsize=1)
def share() -> None:
    """Have notes shared and copies dropped in all of this process; once."""
    Parameters._register_watcher = _shared  # type: ignore[method-assign]
    ReactiveESM._get_properties = _without_copies(ReactiveESM._get_properties)  # type: ignore[method-assign]
    ReactiveESM._get_children = _without_copies(ReactiveESM._get_children)  # type: ignore[method-assign]
