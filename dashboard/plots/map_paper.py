"""Maps on paper: planes beside each other as PNG of any width, with title, sentence, legend and source. Pure.

Matplotlib draws them from what the maps of the screen hold, so a picture to take away is the one on the screen.
"""

from __future__ import annotations

import io
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dashboard.plots.projection import ICE, Projection
from dashboard.plots.retrained import Sampled, memory_colors
from dashboard.plots.sitemap import SiteMap
from dashboard.plots.worldmap import SHOWN, WorldMap
from dashboard.theme import LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_WIDE = 12.0  # inches that a picture is laid out for; the resolution makes its pixels
_COAST = "#3F515C"
_KEY = 0.165  # of the width for each key


class Bar(NamedTuple):
    """A colour bar: colours from low to high, the values at its ends, the unit in words."""

    palette: Sequence[str]
    low: float
    high: float
    units: str


class Key(NamedTuple):
    """What a colour or a mark means."""

    label: str
    color: str
    mark: str = "■"


@dataclass(frozen=True)
class Legend:
    """What a picture is of (`title`), and what its colours mean: a bar, keys, or both."""

    title: str
    bar: Bar | None = None
    keys: Sequence[Key] = field(default_factory=tuple)


class Plane(NamedTuple):
    """A map: its name, its window (west, east, south, north in units of the projection), and what draws it."""

    name: str
    extent: tuple[float, float, float, float]
    draw: Callable[[Axes], None]


def png(planes: Sequence[Plane], width: int, lead: str, legend: Legend, foot: str) -> io.BytesIO:
    """Maps beside each other, `width` px in all: the title, a sentence, the maps, their legend, where it comes from."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    share = 1 / len(planes)
    west, east, south, north = planes[0].extent
    tall = _WIDE * share * (north - south) / (east - west)
    lines, small = textwrap.wrap(lead, 150), [line for part in foot.splitlines() for line in textwrap.wrap(part, 210)]
    above, below = 0.75 + 0.2 * len(lines), 0.62 + 0.13 * len(small)
    top = above + tall + below
    figure = Figure(figsize=(_WIDE, top), dpi=width / _WIDE, facecolor="white")
    FigureCanvasAgg(figure)
    figure.text(0.02, 1 - 0.3 / top, legend.title, fontsize=17, color=LIGHT["text"], va="center")
    for at, line in enumerate(lines):
        figure.text(0.02, 1 - (0.6 + 0.2 * at) / top, line, fontsize=10.5, color=LIGHT["quiet"], va="center")
    for number, plane in enumerate(planes):
        axes = figure.add_axes(((number + 0.02) * share, below / top, 0.96 * share, 0.96 * tall / top))
        axes.set_axis_off()
        axes.set(xlim=plane.extent[:2], ylim=plane.extent[2:])
        plane.draw(axes)
        axes.set(xlim=plane.extent[:2], ylim=plane.extent[2:])
        axes.set_title(plane.name, fontsize=11, color=LIGHT["text"], loc="left", pad=2)
    _legend(figure, legend, below, top)
    for at, line in enumerate(small):
        figure.text(0.02, (below - 0.55 - 0.13 * at) / top, line, fontsize=6.5, color=LIGHT["quiet"], va="center")
    stream = io.BytesIO()
    figure.savefig(stream, format="png")
    stream.seek(0)
    return stream


def _legend(figure: Figure, legend: Legend, below: float, top: float) -> None:
    """The bar at the right; keys beside it, or at the right where there is none."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import ListedColormap, Normalize

    if legend.bar is not None:
        bar = figure.add_axes((0.64, (below - 0.2) / top, 0.34, 0.13 / top))
        norm, colors = Normalize(legend.bar.low, legend.bar.high), ListedColormap(list(legend.bar.palette))
        drawn = figure.colorbar(ScalarMappable(norm, colors), cax=bar, orientation="horizontal", extend="both")
        drawn.set_label(legend.bar.units, fontsize=9)
        bar.tick_params(labelsize=9)
    rows = 2 if len(legend.keys) > 4 else 1
    columns = -(-len(legend.keys) // rows)
    left = 0.02 if legend.bar is not None else 0.98 - _KEY * columns
    for at, key in enumerate(legend.keys):
        label = key.label if len(key.label) < 34 else key.label[:33] + "…"
        place = (left + _KEY * (at // rows), (below - 0.14 - 0.22 * (at % rows)) / top)
        figure.text(*place, key.mark, fontsize=9, color=key.color, va="center")
        figure.text(place[0] + 0.013, place[1], label, fontsize=7.5, color=LIGHT["text"], va="center")


def of_world(name: str, drawn: WorldMap) -> Plane:
    """A map of the cells, as it is on the screen."""
    index = drawn.projection.index
    values = drawn.values.astype(float)[np.maximum(index, 0)]
    mask = (np.asarray(drawn.cells.data["flags"]) & SHOWN) > 0
    pixels = painted(values, index >= 0, index, mask, drawn.span, drawn.palette, LIGHT)
    return plane(drawn.projection, pixels, *drawn.pick, name=name)


def plane(projection: Projection, pixels: NDArray, x: NDArray, y: NDArray, name: str = "") -> Plane:
    """The whole Earth with colours (row from the south, column, RGBA) on its land, and rings at places of the plane."""

    def draw(axes: Axes) -> None:
        _earth(axes, projection)
        axes.imshow(pixels, extent=projection.extent, origin="lower", interpolation="nearest", zorder=2, aspect="auto")
        _rings(axes, x, y)

    return Plane(name, projection.extent, draw)


def of_sampled(held: Sampled) -> Plane:
    """The map of the cells that the retraining study sampled."""

    def draw(axes: Axes) -> None:
        _earth(axes, held.projection)
        hollow, full = held.split()
        dots: dict[str, Any] = {"zorder": 4, "edgecolors": LIGHT["quiet"]}
        axes.scatter(held.x[hollow], held.y[hollow], s=9, facecolors="none", linewidths=0.6, **dots)
        paints = memory_colors(False)
        part = np.clip(held.memory[full] / held.limit, 0, 1) * (len(paints) - 1)
        colors = [paints[int(at)] for at in np.round(part)]
        axes.scatter(held.x[full], held.y[full], s=26, c=colors, linewidths=0.4, **dots)

    return Plane("", held.projection.extent, draw)


def of_sites(drawn: SiteMap) -> Plane:
    """The map of a data set's sites, as much of the Earth as it shows on the screen."""

    def draw(axes: Axes) -> None:
        _earth(axes, drawn.projection)
        if drawn.area is not None:
            held = np.zeros((*drawn.area.shape, 4))
            held[drawn.area > 0] = rgba(LIGHT["accent"], 0.6)
            place = drawn.projection.extent
            axes.imshow(held, extent=place, origin="lower", interpolation="nearest", zorder=2, aspect="auto")
        x, y = drawn.dots
        axes.scatter(x, y, s=40, c=LIGHT["accent"], edgecolors="white", linewidths=0.9, zorder=4)
        _rings(axes, *drawn.pick)

    return Plane("", drawn.window, draw)


def _earth(axes: Axes, projection: Projection) -> None:
    """Sea, graticule and coast."""
    axes.fill(*projection.outline, color=LIGHT["ocean"], zorder=0)
    axes.plot(*projection.graticule, color=LIGHT["text"], alpha=0.15, lw=0.5, zorder=1)
    axes.plot(*projection.coast, color=_COAST, lw=0.6, zorder=3)


def _rings(axes: Axes, x: NDArray, y: NDArray) -> None:
    axes.plot(x, y, "o", ms=9, mfc="none", mec="white", mew=3, zorder=5)
    axes.plot(x, y, "o", ms=9, mfc="none", mec=LIGHT["text"], mew=1.3, zorder=6)


def painted(
    values: NDArray[Any], known: NDArray[np.bool_], index: NDArray[np.int16], mask: NDArray[np.bool_],
    span: tuple[float, float], paints: Sequence[str], tone: Mapping[str, str],
) -> NDArray:  # fmt: skip
    """Colours of pixels (row, column, RGBA): `values` where `known`; cells outside the `mask` are pale."""
    colors, ocean = (np.array([rgba(paint) for paint in some]) for some in (paints, [tone["ocean"]]))
    nodata = rgba(tone["nodata"])
    part = np.clip((np.nan_to_num(values) - span[0]) / (span[1] - span[0]) * len(colors), 0, len(colors) - 1)
    found = colors[part.astype(int)]
    found[known & ~np.isfinite(values)] = nodata
    pale = known & ~((index >= 0) & mask[np.maximum(index, 0)])
    if not mask.all():
        found[pale] = 0.18 * found[pale] + 0.82 * ocean
    found[~known] = (0.0, 0.0, 0.0, 0.0)
    found[~known & (index == ICE)] = nodata
    return found


def rgba(color: str, alpha: float = 1.0) -> tuple[float, float, float, float]:
    """'#RRGGBB' as parts from 0 to 1."""
    red, green, blue = (int(color[i : i + 2], 16) / 255 for i in (1, 3, 5))
    return red, green, blue, alpha
