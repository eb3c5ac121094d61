"""Maps as pictures to take away, each with its title, what it says, legend, sources and date."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dashboard import finer
from dashboard.classes import percent, shares
from dashboard.pictures import credit
from dashboard.plots import map_paper, screen
from dashboard.plots.map_paper import Bar, Key, Legend, Plane
from dashboard.plots.palette import palette
from dashboard.plots.screen import Window
from dashboard.plots.ternary import CORNERS
from dashboard.plots.worldmap import WorldMap
from dashboard.summary import units_in_words
from dashboard.theme import LIGHT

if TYPE_CHECKING:
    from dashboard.pages.page import Pictures
    from dashboard.pages.view import View
    from dashboard.widgets import ColorKey

#: Classes named in the legend, those of the largest area.
_MOST_CLASSES = 8
#: The corners of the triangle of shares.
STORES = tuple(Key(name.removesuffix("_share").capitalize(), color) for name, color in CORNERS.items())


def map_png(view: View, width: int = 2400) -> io.BytesIO:
    """The map of Explore as a picture `width` pixels wide."""
    projection, at = view.projection(), view.selection.position
    plane = map_paper.plane(projection, map_pixels(view, LIGHT), projection.cell_x[[at]], projection.cell_y[[at]])
    modelled = view.kind == "model" and view.fields is not None and view.layer.finer is None
    foot = credit(view, f"{f'Model {view.model}. ' if modelled else ''}{view.map_label}")
    return map_paper.png([plane], width, view.sentence(), _legend_of(view), foot)


def _legend_of(view: View) -> Legend:
    """Corners of the shares, classes by their area, or a colour bar."""
    layer = view.layer
    if layer.mixed:
        return Legend(view.title, keys=STORES)
    if layer.classed:
        found, paints = shares(view.world, layer, view.selection.mask)[:_MOST_CLASSES], palette(layer.cmap)
        return Legend(view.title, keys=[Key(f"{name} {percent(part)}", paints[code - 1]) for code, name, part in found])
    return Legend(view.title, Bar(palette(layer.cmap), *view.color_range(), units_in_words(layer.variable.units)))


def map_pixels(view: View, tone: Mapping[str, str]) -> NDArray:
    """The map's colours (row from the south, column, RGBA from 0 to 1) with the tokens of a mode.

    Of the cells, or of the finer grid where the quantity has one; clear outside land and ice, pale where filtered out.
    """
    projection, span = view.projection(), view.color_range()
    index = projection.index
    cell, grid = np.maximum(index, 0), view.layer.finer
    values, known = view.layer.values[cell].astype(float), index >= 0
    if grid is not None:
        rows, columns = index.shape
        drawn = finer.picture(grid, projection, Window(*projection.extent, columns, rows))
        values, known = drawn.values(), drawn.codes >= screen.FIRST
    return map_paper.painted(values, known, index, view.selection.mask, span, palette(view.layer.cmap), tone)


def worlds(
    file: str, maps: Mapping[str, WorldMap], legend: ColorKey | Legend | None, foot: str, generated: bool,
    label: str = "", lead: str = "",
) -> Pictures:  # fmt: skip
    """The picture of some maps (name -> map) that share a legend, the bar beside them or keys; none while they show no
    numbers. `label` is what the button says, `lead` what stands under the title (default: what the first map says)."""
    if not legend or not any(np.isfinite(drawn.values).any() for drawn in maps.values()):
        return {}
    if not isinstance(legend, Legend):
        if not legend.visible:
            return {}
        last = [*maps.values()][-1]
        legend = Legend(legend.label, Bar(last.palette, *last.span, legend.units))
    lead = lead or next(iter(maps.values())).text.removeprefix("Map: ")
    label = label or f"Map{'s' if len(maps) > 1 else ''} as PNG"

    def planes() -> list[Plane]:
        return [map_paper.of_world(name, drawn) for name, drawn in maps.items()]

    return picture(file, planes, legend, lead, foot, generated, label)


def picture(
    file: str, planes: Callable[[], list[Plane]], legend: Legend, lead: str, foot: str, generated: bool, label: str
) -> Pictures:
    """One picture of some maps, made when it is asked for; what is generated says so in its title and its name."""
    marked = replace(legend, title=f"{legend.title}{' (generated)' if generated else ''}")

    def make(width: int) -> io.BytesIO:
        return map_paper.png(planes(), width, lead, marked, foot)

    return {label: (f"generated-{file}" if generated else file, make)}
