"""Two maps with one zoom and one colour range: side by side, one swiped over the other, or their difference."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from dashboard import layers
from dashboard.compare import Side
from dashboard.layers import bins, ticks
from dashboard.pages.compare_view import Comparison
from dashboard.pages.maps import map_pane
from dashboard.pages.parts import column, html, row
from dashboard.plots.palette import palette
from dashboard.plots.projection import OUTSIDE
from dashboard.plots.worldmap import WorldMap
from dashboard.state import apply
from dashboard.summary import units_in_words
from dashboard.widgets import ColorKey, Swipe

FIGURES = ("left-map", "right-map")


class MapsPart:
    """Both maps, their captions, the common legend."""

    def __init__(self, comparison: Comparison) -> None:
        self.comparison, self.view, self.state = comparison, comparison.view, comparison.state
        ids = self.view.world["cell"].values
        left = WorldMap(FIGURES[0], self.view.projection(), ids, self.view.dark)
        self.maps = (left, WorldMap(FIGURES[1], self.view.projection(), ids, self.view.dark, beside=left))
        self.maps[0].on_tap(lambda position, lon, lat: self._tapped(position, "cell"))
        self.maps[1].on_tap(lambda position, lon, lat: self._tapped(position, "other_cell"))
        self.captions = (html("caption"), html("caption"))
        sides = [
            column(f"mapside {name}", caption, map_pane(drawn))
            for name, caption, drawn in zip(("leftmap", "rightmap"), self.captions, self.maps, strict=True)
        ]
        self.swipe = Swipe(css_classes=["swiper"], sizing_mode="stretch_width", visible=False)
        self.legend = ColorKey(css_classes=["legend"])
        self.legend.on_message("range", self._ranged)
        self.legend.on_message("lock", self._lock)
        self.note = html("plotnote")
        self.pair = column("pair side", *sides, self.swipe)
        self.stage = row("stage", self.pair, self.legend)
        self.layout = column("mappart", self.stage, self.note)
        comparison.follow(self.update)

    def _tapped(self, position: int, field: str) -> None:
        if position < 0 or position == OUTSIDE:
            return
        cell = int(self.view.world["cell"].values[position])
        if field == "other_cell" and self.state.compare == "cell":
            apply(self.state, {"other_cell": cell})
        else:
            apply(self.state, {"cell": cell, "focus": "cell"})

    def _ranged(self, message: dict[str, Any]) -> None:
        low, high = (float(value) for value in message["range"])
        if self.state.arrange != "difference" and low < high:
            apply(self.state, {"color_range": (low, high)})

    def _lock(self, _: dict[str, Any]) -> None:
        now = self.state.color_range
        span = tuple(round(value, 6) for value in self.view.color_range())
        apply(self.state, {"color_range": span if now == "auto" else "auto"})

    # -- to the screen ------------------------------------------------------------------------------------------

    def update(self, names: frozenset[str]) -> None:
        """Follow both sides; only what changed is sent."""
        if "projection" in names and self.maps[0].projection.name != self.state.projection:
            for drawn in self.maps:
                drawn.set_projection(self.view.projection())
        if "dark" in names:
            for drawn in self.maps:
                drawn.set_mode(self.view.dark)
        arrange = self.state.arrange
        self.pair.css_classes, self.stage.css_classes = ["pair", arrange], ["stage", arrange]
        self.swipe.visible = arrange == "swipe"
        mask, outline = self.view.selection.mask, self.view.selection.outline
        for drawn in self.maps:
            drawn.set_flags(mask, outline, None)
        left, right = self.comparison.left, self.comparison.right
        single = self.view.selection.single
        self.maps[0].set_pick(left.position if single else None)
        self.maps[1].set_pick(right.position if single or self.state.compare == "cell" else None)
        if arrange == "difference":
            self._show_difference(left, right)
        else:
            self._show_both(left, right)
        self.note.object = f'<p class="lead" role="status" aria-live="polite">{escape(self.comparison.sentence())}</p>'

    def shown(self) -> dict[str, WorldMap]:
        """The maps on the screen by what they are of: both, or the difference alone."""
        if self.state.arrange == "difference":
            return {"R − L": self.maps[0]}
        sides = (self.comparison.left, self.comparison.right)
        marks = [" (generated)" if side.generated else "" for side in sides]
        names = [f"{letter}: {side.title}{mark}" for letter, side, mark in zip("LR", sides, marks, strict=True)]
        return dict(zip(names, self.maps, strict=True))

    def _values(self, side: Side) -> np.ndarray:
        if side.layer is None:
            return np.full(self.view.selection.mask.size, np.nan, np.float32)
        return side.layer.values

    def _caption(self, letter: str, side: Side) -> str:
        mark = '<span class="mark generated">generated</span>' if side.generated else ""
        return f"<p><b><span class='letter'>{letter}</span>{escape(side.title)}</b>{mark}</p>"

    def _show_both(self, left: Side, right: Side) -> None:
        low, high = self.view.color_range()
        shown = self.view.layer
        colors = palette(shown.cmap)
        for letter, side, drawn, caption in zip("LR", (left, right), self.maps, self.captions, strict=True):
            drawn.set_colors(colors, low, high)
            drawn.set_values(self._values(side))
            caption.object = self._caption(letter, side)
            what = layers.title(side.layer, side.month) if side.layer is not None else side.problem
            drawn.describe(f"Map {letter}: {side.title}. {what}")
        units = units_in_words(shown.variable.units) or "share"
        mode = {"auto": "auto"}.get(str(self.state.color_range), "set" if self.state.color_range else "fixed")
        self.legend.param.update(
            label=f"{shown.variable.long_name}, both maps", units=units, palette=[*colors[::8], colors[-1]], low=low,
            high=high, ticks=ticks(low, high), counts=bins(shown, self.view.selection.mask, low, high), mode=mode,
            explanation=shown.variable.explanation, brush=None, visible=shown.ordered,
        )  # fmt: skip

    def _show_difference(self, left: Side, right: Side) -> None:
        gap, limit, mask = self.comparison.difference(), self.comparison.limit(), self.view.selection.mask
        colors = palette("vik" if self.view.layer.variable.name in layers.WARM else "vik_r")
        drawn, entry = self.maps[0], self.view.layer.variable
        drawn.set_colors(colors, -limit, limit)
        drawn.set_values(gap if gap is not None else np.full(mask.size, np.nan, np.float32))
        title = f"R − L: {right.title} minus {left.title}" if gap is not None else "No difference to show"
        self.captions[0].object = f"<p><b>{escape(title)}</b></p>"
        drawn.describe(f"Map of the difference, {title}. {self.comparison.sentence()}")
        self.legend.visible = gap is not None
        if gap is None:
            return
        good = gap[mask & np.isfinite(gap)]
        counts = np.histogram(np.clip(good, -limit, limit), bins=40, range=(-limit, limit))[0]
        self.legend.param.update(
            label=f"Difference of {entry.long_name}", units=units_in_words(entry.units) or "share",
            palette=[*colors[::8], colors[-1]], low=-limit, high=limit, ticks=ticks(-limit, limit),
            counts=[int(n) for n in counts], mode="fixed", explanation="R minus L", brush=None,
        )  # fmt: skip
