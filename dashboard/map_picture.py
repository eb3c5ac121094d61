"""The map as a picture, with its title, legend, place, sources and date."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from dashboard import finer
from dashboard.classes import percent, shares
from dashboard.pictures import credit
from dashboard.plots import screen
from dashboard.plots.palette import palette
from dashboard.plots.projection import ICE
from dashboard.plots.screen import Window
from dashboard.plots.ternary import CORNERS
from dashboard.summary import units_in_words
from dashboard.theme import LIGHT

if TYPE_CHECKING:
    from dashboard.pages.view import View


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
    axes.set_axis_off()
    axes.set(xlim=(west, east), ylim=(south, north))
    axes.fill(*projection.outline, color=LIGHT["ocean"], zorder=0)
    axes.plot(*projection.graticule, color=LIGHT["text"], alpha=0.15, lw=0.5, zorder=1)
    axes.imshow(
        map_pixels(view, LIGHT),
        extent=(west, east, south, north),
        origin="lower",
        interpolation="nearest",
        zorder=2,
        aspect="auto",
    )
    axes.plot(*projection.coast, color="#3F515C", lw=0.6, zorder=3)
    at = view.selection.position
    axes.plot(projection.cell_x[at], projection.cell_y[at], "o", ms=9, mfc="none", mec="white", mew=3, zorder=4)
    axes.plot(projection.cell_x[at], projection.cell_y[at], "o", ms=9, mfc="none", mec=LIGHT["text"], mew=1.3, zorder=5)
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
    colors = np.array([_rgba(color) for color in palette(view.layer.cmap)])
    ocean, nodata, index = np.array(_rgba(tone["ocean"])), _rgba(tone["nodata"]), projection.index
    cell, grid = np.maximum(index, 0), view.layer.finer
    values, known = view.layer.values[cell].astype(float), index >= 0
    if grid is not None:
        rows, columns = index.shape
        drawn = finer.picture(grid, projection, Window(*projection.extent, columns, rows))
        values, known = drawn.values(), drawn.codes >= screen.FIRST
    part = np.clip((np.nan_to_num(values) - low) / (high - low) * len(colors), 0, len(colors) - 1)
    rgba = colors[part.astype(int)]
    rgba[known & ~np.isfinite(values)] = nodata
    pale = known & ~((index >= 0) & view.selection.mask[cell])
    if not view.selection.mask.all():
        rgba[pale] = 0.18 * rgba[pale] + 0.82 * ocean
    rgba[~known] = (0.0, 0.0, 0.0, 0.0)
    rgba[~known & (index == ICE)] = nodata
    return rgba


def _rgba(color: str) -> tuple[float, float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, 1.0
