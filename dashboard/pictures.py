"""What a page draws, as pictures to take away."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

from dashboard.export import references
from dashboard.plots.paper import Panel, png

if TYPE_CHECKING:
    from dashboard.pages.page import Pictures
    from dashboard.pages.view import View


def made() -> str:
    """By what and when."""
    return f"HDL Explorer, {datetime.now(UTC):%d %B %Y}."


def credit(view: View, about: str = "") -> str:
    """What stands under a picture: when it was made, where its numbers come from (`about`), whom to name."""
    return f"{made()} {about or view.label}\n{references(view)}"


class Drawn(Protocol):
    """A part of a page: what it draws, and what that says."""

    @property
    def text(self) -> str:
        """One sentence."""
        ...

    @property
    def panels(self) -> list[Panel]:
        """Its drawings; none while there is nothing to see."""
        ...


def drawn(parts: Mapping[str, tuple[str, Drawn | None, str]], foot: str, generated: bool) -> Pictures:
    """Pictures of those parts that draw something: button's text -> name of the file, the part, the title.

    `foot` is the credit under each.
    """
    mark = " (generated)" if generated else ""

    def maker(panels: list[Panel], title: str, lead: str) -> Callable[[int], io.BytesIO]:
        return lambda width: png(panels, width, title + mark, lead, foot)

    return {
        label: (f"generated-{name}" if generated else name, maker(part.panels, title, part.text))
        for label, (name, part, title) in parts.items()
        if part is not None and part.panels
    }
