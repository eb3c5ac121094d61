"""The map as a picture, with its title, legend, place, sources and date."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from dashboard.export import references
from dashboard.plots.palette import palette
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

    from dashboard.plots.projection import ICE

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
    rgba = colors(norm(view.layer.values))
    rgba[~np.isfinite(view.layer.values)] = _rgba(LIGHT["nodata"])
    pale = ~view.selection.mask
    rgba[pale] = 0.18 * rgba[pale] + 0.82 * np.array(_rgba(LIGHT["ocean"]))
    clear = (0.0, 0.0, 0.0, 0.0)
    picture = np.vstack([rgba, [clear, _rgba(LIGHT["nodata"])]])
    index = np.where(
        projection.index >= 0, projection.index, np.where(projection.index == ICE, len(rgba) + 1, len(rgba))
    )
    axes.fill(*projection.outline, color=LIGHT["ocean"], zorder=0)
    axes.plot(*projection.graticule, color=LIGHT["text"], alpha=0.15, lw=0.5, zorder=1)
    axes.imshow(
        picture[index],
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
    else:
        bar = figure.add_axes((0.64, 0.86 / top, 0.34, 0.13 / top))
        legend = figure.colorbar(ScalarMappable(norm, colors), cax=bar, orientation="horizontal", extend="both")
        legend.set_label(units_in_words(view.layer.variable.units), fontsize=9)
        bar.tick_params(labelsize=9)
    model = f"Model {view.model}. {view.label}" if view.kind == "model" and view.fields is not None else view.label
    foot = f"HDL Explorer, {datetime.now(UTC):%d %B %Y}. {model}\n{references(view)}"
    figure.text(0.02, 0.36 / top, foot, fontsize=6.5, color=LIGHT["quiet"], va="top", wrap=False)
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    stream.seek(0)
    return stream


def _rgba(color: str) -> tuple[float, float, float, float]:
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, 1.0
