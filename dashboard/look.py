"""What the map shows in a month, in numbers and words: of the month on the screen, or of one that may come next."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from dashboard.classes import in_words
from dashboard.layers import Layer, title
from dashboard.summary import sentence

if TYPE_CHECKING:
    from dashboard.pages.view import View


class Look:
    """A `layer` in a `month` (1 to 12) under the selection, source and colours of a view as they are now."""

    def __init__(self, view: View, layer: Layer, month: int) -> None:
        self.layer, self.month, self.selection = layer, month, view.selection
        self._view = view

    @property
    def generated(self) -> bool:
        """Whether the map is of a made-up world: the ground under it, its elevation, is real."""
        fields = self._view.fields
        return self._view.generated and fields is not None and self.layer.variable.name in fields

    @property
    def title(self) -> str:
        """What the map shows, marked where it is generated."""
        return title(self.layer, self.month) + (" (generated)" if self.generated else "")

    @cached_property
    def sentence(self) -> str:
        """The sentence of what is seen."""
        view, shown, selection = self._view, self.layer, self.selection
        words = in_words(view.world, shown, selection.of) if shown.classed else ""
        text = sentence(shown, self.month, selection, view.world["area"].values, view.season(), words)
        if not view.generated or view.source is None:
            return text
        return f"{'Twin Earth' if view.kind == 'twin' else f'{view.source.title} (generated)'}, {text}"

    @property
    def color_range(self) -> tuple[float, float]:
        """Range of the colours: fixed, following what is shown, or set by hand."""
        wanted = self._view.state.color_range if self.layer.ordered else None
        if wanted == "auto":
            return self.layer.range_of_shown(self.selection.mask)
        if not wanted:
            return self.layer.low, self.layer.high
        return self.layer.range_set(*wanted)
