"""What every page gives to the frame around it. A page knows the view and nothing of the other pages."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any, Protocol

#: Button's text -> (name of the file, media type, what makes it).
Files = dict[str, tuple[str, str, Callable[[], BytesIO]]]
#: Button's text -> (name of the file, what draws it, so many px wide).
Pictures = dict[str, tuple[str, Callable[[int], BytesIO]]]


class Page(Protocol):
    """One page: `layout` is shown at once, `steps` fill it one after the other when it is first opened."""

    layout: Any  # what stands under the header
    help: str
    picks: bool  # whether it shows what the picker in the header chooses

    def steps(self) -> list[Callable[[], None]]:
        """Pieces of the work of building the page; between them the browser is let in."""
        ...

    def exported(self) -> str:
        """One sentence: what the files hold."""
        ...

    def files(self) -> Files:
        """What is on the screen, to take away."""
        ...

    def pictures(self) -> Pictures:
        """What is drawn on the page, as PNG of any width."""
        return {}

    def figures(self) -> list[str]:
        """SVG or HTML of what stands beside the map, for a file that needs no server; may take a moment."""
        return []

    def snippet(self) -> str:
        """Python that makes the same numbers from hdlcore alone."""
        ...

    def provenance(self) -> str:
        """HTML: where everything on the screen comes from."""
        ...
