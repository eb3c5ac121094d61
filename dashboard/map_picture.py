"""The map as a picture, with its title, legend, place, sources and date."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from dashboard import finer
from dashboard.classes import percent, shares
from dashboard.pictures import credit
from dashboard.plots import screen
from dashboard.plots.palette import palette
from dashboard.plots.projection import ICE, Projection
from dashboard.plots.screen import Window
from dashboard.plots.ternary import CORNERS
from dashboard.plots.worldmap import SHOWN, WorldMap
from dashboard.summary import units_in_words
from dashboard.theme import LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from dashboard.pages.page import Pictures
    from dashboard.pages.view import View
    from dashboard.widgets import ColorKey


def map_png(view: View, width: int = 2400) -> io.BytesIO:
    """The map as a picture `width` pixels wide, with title, legend, place, sources and date."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize
    from matplotlib.figure import Figure

    projection = view.projection()
    west, east, south, north = projection.extent
    low, high = view.color_range()
    colors = ListedColormap(list(palette(view.layer.cmap)))
    norm = Normalize(low, high)
    figure = Figure(figsize=(12, 12 * (north - south) / (east - west) + 2.0), dpi=width / 12, facecolor="white")
    FigureCanvasAgg(figure)
    inner = 12 * 0.96 * (north - south) / (east - west) / figure.get_figheight()
    axes = figure.add_axes((0.02, 1.08 / figure.get_figheight(), 0.96, inner))
    at = view.selection.position
    _draw(axes, projection, map_pixels(view, LIGHT), projection.cell_x[[at]], projection.cell_y[[at]])
    top = figure.get_figheight()
    figure.text(0.02, 1 - 0.32 / top, view.title, fontsize=17, color=LIGHT["text"], va="center")
    figure.text(0.02, 1 - 0.62 / top, view.sentence(), fontsize=10.5, color=LIGHT["quiet"], va="center")
    if view.layer.mixed:
        for left, (name, color) in zip((0.64, 0.74, 0.84), CORNERS.items(), strict=True):
            label = name.removesuffix("_share").capitalize()
            figure.text(left, 0.86 / top, f"■ {label}", fontsize=11, color=color, va="center")
    elif view.layer.classed:
        for at, (code, name, share) in enumerate(shares(view.world, view.layer, view.selection.mask)[:8]):
            where = (0.34 + 0.16 * (at // 2), (0.88 - 0.24 * (at % 2)) / top)
            text = f"■ {name if len(name) < 26 else name[:25] + '…'} {percent(share)}"
            figure.text(*where, text, fontsize=7.5, color=palette(view.layer.cmap)[code - 1], va="center")
    else:
        bar = figure.add_axes((0.64, 0.86 / top, 0.34, 0.13 / top))
        legend = figure.colorbar(ScalarMappable(norm, colors), cax=bar, orientation="horizontal", extend="both")
        legend.set_label(units_in_words(view.layer.variable.units), fontsize=9)
        bar.tick_params(labelsize=9)
    modelled = view.kind == "model" and view.fields is not None and view.layer.finer is None
    model = f"Model {view.model}. " if modelled else ""
    foot = credit(view, f"{model}{view.map_label}")
    figure.text(0.02, 0.36 / top, foot, fontsize=6.5, color=LIGHT["quiet"], va="top", wrap=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    stream.seek(0)
    return stream


def map_pixels(view: View, tone: Mapping[str, str]) -> NDArray:
    """The map's colours (row from the south, column, RGBA from 0 to 1) with the tokens of a mode.

    Of the cells, or of the finer grid where the quantity has one; clear outside land and ice, pale where filtered out.
    """
    projection, (low, high) = view.projection(), view.color_range()
    index = projection.index
    cell, grid = np.maximum(index, 0), view.layer.finer
    values, known = view.layer.values[cell].astype(float), index >= 0
    if grid is not None:
        rows, columns = index.shape
        drawn = finer.picture(grid, projection, Window(*projection.extent, columns, rows))
        values, known = drawn.values(), drawn.codes >= screen.FIRST
    return _painted(values, known, index, view.selection.mask, (low, high), palette(view.layer.cmap), tone)


def _painted(
    values: NDArray[Any], known: NDArray[np.bool_], index: NDArray[np.int16], mask: NDArray[np.bool_],
    span: tuple[float, float], paints: Sequence[str], tone: Mapping[str, str],
) -> NDArray:  # fmt: skip
    """Colours of pixels (row, column, RGBA): `values` where `known`; cells outside the `mask` are pale."""
    colors, ocean = (np.array([_rgba(paint) for paint in some]) for some in (paints, [tone["ocean"]]))
    nodata = _rgba(tone["nodata"])
    part = np.clip((np.nan_to_num(values) - span[0]) / (span[1] - span[0]) * len(colors), 0, len(colors) - 1)
    rgba = colors[part.astype(int)]
    rgba[known & ~np.isfinite(values)] = nodata
    pale = known & ~((index >= 0) & mask[np.maximum(index, 0)])
    if not mask.all():
        rgba[pale] = 0.18 * rgba[pale] + 0.82 * ocean
    rgba[~known] = (0.0, 0.0, 0.0, 0.0)
    rgba[~known & (index == ICE)] = nodata
    return rgba


def worlds(file: str, maps: Mapping[str, WorldMap], legend: ColorKey, foot: str, generated: bool) -> Pictures:
    """The picture of some maps (name -> map) that share a legend; none while they show no numbers."""
    if not legend.visible or not any(np.isfinite(drawn.values).any() for drawn in maps.values()):
        return {}
    title, lead = f"{legend.label}{' (generated)' if generated else ''}", next(iter(maps.values())).text

    def make(width: int) -> io.BytesIO:
        return worlds_png([*maps.items()], width, title, lead, legend.units, foot)

    return {f"{'Maps' if len(maps) > 1 else 'Map'} as PNG": (f"generated-{file}" if generated else file, make)}


def worlds_png(
    maps: Sequence[tuple[str, WorldMap]], width: int, title: str, lead: str, units: str, foot: str
) -> io.BytesIO:
    """What some maps of the screen show, each with its name, beside each other and `width` px wide in all."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize
    from matplotlib.figure import Figure

    share = 1 / len(maps)
    west, east, south, north = maps[0][1].projection.extent
    tall = 12 * share * (north - south) / (east - west)
    lines, small = textwrap.wrap(lead, 150), [line for part in foot.splitlines() for line in textwrap.wrap(part, 210)]
    above, below = 0.75 + 0.2 * len(lines), 0.62 + 0.13 * len(small)
    top = above + tall + below
    figure = Figure(figsize=(12, top), dpi=width / 12, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.02, 1 - 0.3 / top, title, fontsize=17, color=LIGHT["text"], va="center")
    for at, line in enumerate(lines):
        figure.text(0.02, 1 - (0.6 + 0.2 * at) / top, line, fontsize=10.5, color=LIGHT["quiet"], va="center")
    for number, (name, drawn) in enumerate(maps):
        axes = figure.add_axes(((number + 0.02) * share, below / top, 0.96 * share, 0.96 * tall / top))
        _draw(axes, drawn.projection, _pixels_of(drawn), *drawn.pick)
        axes.set_title(name, fontsize=11, color=LIGHT["text"], loc="left", pad=2)
    bar = figure.add_axes((0.64, (below - 0.2) / top, 0.34, 0.13 / top))
    last = maps[-1][1]
    norm, colors = Normalize(*last.span), ListedColormap(list(last.palette))
    legend = figure.colorbar(ScalarMappable(norm, colors), cax=bar, orientation="horizontal", extend="both")
    legend.set_label(units, fontsize=9)
    bar.tick_params(labelsize=9)
    for at, line in enumerate(small):
        figure.text(0.02, (below - 0.55 - 0.13 * at) / top, line, fontsize=6.5, color=LIGHT["quiet"], va="center")
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    stream.seek(0)
    return stream


def _pixels_of(drawn: WorldMap) -> NDArray:
    """Colours of what a map of the screen shows of its cells."""
    index = drawn.projection.index
    values = drawn.values.astype(float)[np.maximum(index, 0)]
    mask = (np.asarray(drawn.cells.data["flags"]) & SHOWN) > 0
    return _painted(values, index >= 0, index, mask, drawn.span, drawn.palette, LIGHT)


def _draw(axes: Axes, projection: Projection, pixels: NDArray, x: NDArray, y: NDArray) -> None:
    """Sea, cells and coast, and rings at places of the plane."""
    west, east, south, north = projection.extent
    axes.set_axis_off()
    axes.set(xlim=(west, east), ylim=(south, north))
    axes.fill(*projection.outline, color=LIGHT["ocean"], zorder=0)
    axes.plot(*projection.graticule, color=LIGHT["text"], alpha=0.15, lw=0.5, zorder=1)
    place = (west, east, south, north)
    axes.imshow(pixels, extent=place, origin="lower", interpolation="nearest", zorder=2, aspect="auto")
    axes.plot(*projection.coast, color="#3F515C", lw=0.6, zorder=3)
    axes.plot(x, y, "o", ms=9, mfc="none", mec="white", mew=3, zorder=4)
    axes.plot(x, y, "o", ms=9, mfc="none", mec=LIGHT["text"], mew=1.3, zorder=5)


def _rgba(color: str) -> tuple[float, float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, 1.0
