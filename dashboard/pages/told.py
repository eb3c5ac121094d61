"""Who is told of changes: the parts of a page, and the models that pages have of their own."""

from __future__ import annotations

from collections.abc import Callable

from dashboard.state import FIELDS

Update = Callable[[frozenset[str]], None]
EVERYTHING = frozenset({*FIELDS, "dark"})


class Told:
    """A page's own model. Its parts follow it, and are told which fields have changed."""

    #: what parts hear of beside fields of the state: numbers that have come
    news: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self._parts: list[Update] = []

    def follow(self, update: Update) -> None:
        """Call `update(changed names)` after each change, and once now."""
        self._parts.append(update)
        update(EVERYTHING | self.news)

    def tell(self, names: frozenset[str]) -> None:
        """Tell every part."""
        for update in self._parts:
            update(names)
