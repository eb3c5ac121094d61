"""Where the sites or cells of a data set lie: coast, one dot or box each, the chosen one ringed. Pure Bokeh."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np
from bokeh.events import Tap
from bokeh.models import ColumnDataSource, LinearColorMapper, Range1d
from numpy.typing import NDArray

from dashboard.plots.projection import Projection
from dashboard.plots.sheet import add_mark, bare_figure, spoken
from dashboard.theme import tokens

MOST_DOTS = 3000  # more cells than this are drawn as an area
_LEAST = 0.16  # smallest part of the globe's width that is shown
_REACH = 0.06  # a tap this share of the width away from every site chooses none
_AREA_ALPHA = 0.6
_NOTHING = np.zeros((1, 1), np.uint8)


@lru_cache(maxsize=8)
def _area(projection: Projection, cells: bytes) -> NDArray[np.uint8]:
    """1 in the pixels of those of the world's cells, 0 elsewhere; every other pixel, and one for all visitors."""
    index = projection.index[::2, ::2]
    held = np.zeros(int(projection.index.max()) + 1, np.uint8)
    at = np.frombuffer(cells, np.intp)
    held[at[at >= 0]] = 1
    image = np.where(index >= 0, held[np.maximum(index, 0)], np.uint8(0))
    image.setflags(write=False)
    return image


class SiteMap:
    """A figure named `name`; `show` gives it the sites, `choose` rings one, `on_tap` tells which was tapped."""

    def __init__(self, name: str, projection: Projection, dark: bool = False) -> None:
        self.projection = projection
        self._sites = ColumnDataSource({"x": [], "y": []})
        self._area = ColumnDataSource({"image": [_NOTHING]})
        self._mapper = LinearColorMapper(palette=["#000000"], low=1, high=2, low_color="rgba(0,0,0,0)")
        self._pick = ColumnDataSource({"x": [], "y": []})
        self._x: NDArray = np.empty(0)
        self._y: NDArray = np.empty(0)
        self.figure = self._make(name)
        self.set_mode(dark)

    def _make(self, name: str) -> Any:
        fig = bare_figure(name, Range1d(0, 1), Range1d(0, 1))
        shape = self.projection
        outline, graticule, coast = (ColumnDataSource(shape.line(part)) for part in ("outline", "graticule", "coast"))
        self._ocean = add_mark(fig, "patch", outline, line_color=None)
        self._graticule = add_mark(fig, "line", graticule, line_width=0.8, line_alpha=0.15)
        west, east, south, north = shape.extent
        fig.aspect_ratio = (east - west) / (north - south)
        place: dict[str, Any] = {"x": west, "y": south, "dw": east - west, "dh": north - south}
        add_mark(fig, "image", self._area, **place, color_mapper=self._mapper, global_alpha=_AREA_ALPHA)
        self._coast = add_mark(fig, "line", coast, line_width=0.7, line_alpha=0.9)
        self._dots = add_mark(fig, "scatter", self._sites, size=9, line_width=1.2, fill_alpha=0.9)
        self._halo = add_mark(fig, "scatter", self._pick, size=18, fill_color=None, line_width=5)
        self._ring = add_mark(fig, "scatter", self._pick, size=18, fill_color=None, line_width=2)
        return fig

    def show(self, lat: NDArray, lon: NDArray, on_world: NDArray[np.intp] | None) -> None:
        """Give the sites, in degrees; `on_world` are their positions on the world's cells where they are a grid."""
        self._x, self._y = self._project(lat, lon)
        good = np.isfinite(self._x)
        few = good.sum() <= MOST_DOTS
        self._sites.data = {"x": self._x[good & few], "y": self._y[good & few]}
        self._dots.glyph.size = 9 if good.sum() <= 200 else 4
        area = on_world.astype(np.intp) if on_world is not None and not few else None
        self._area.data = {"image": [_NOTHING if area is None else _area(self.projection, area.tobytes())]}
        self._fit(self._x[good], self._y[good])

    def _project(self, lat: NDArray, lon: NDArray) -> tuple[NDArray, NDArray]:
        x, y = np.full(lat.size, np.nan), np.full(lat.size, np.nan)
        good = np.isfinite(lat) & np.isfinite(lon)
        x[good], y[good] = self.projection.forward(lon[good], lat[good])
        return x, y

    def _fit(self, x: NDArray, y: NDArray) -> None:
        """Show the sites and some land around them, never less than a part of a continent."""
        west, east, south, north = self.projection.extent
        shape = (east - west) / (north - south)
        if x.size:
            half = max((x.max() - x.min()) * 0.62, (y.max() - y.min()) * 0.62 * shape, _LEAST / 2 * (east - west))
            middle_x, middle_y = (x.max() + x.min()) / 2, (y.max() + y.min()) / 2
        if not x.size or half > 0.36 * (east - west):
            half, middle_x, middle_y = (east - west) / 2 * 1.01, 0.0, (south + north) / 2
        self.figure.x_range.update(start=middle_x - half, end=middle_x + half)
        self.figure.y_range.update(start=middle_y - half / shape, end=middle_y + half / shape)
        self._width = 2 * half

    @property
    def window(self) -> tuple[float, float, float, float]:
        """West, east, south and north of what is shown, on the plane."""
        x, y = self.figure.x_range, self.figure.y_range
        return x.start, x.end, y.start, y.end

    @property
    def dots(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Where sites are drawn one by one, on the plane."""
        return np.asarray(self._sites.data["x"], float), np.asarray(self._sites.data["y"], float)

    @property
    def area(self) -> NDArray[np.uint8] | None:
        """1 in the pixels of the cells, where these are drawn as an area."""
        held = self._area.data["image"][0]
        return None if held is _NOTHING else held

    @property
    def pick(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Where the chosen site is on the plane; empty for none."""
        return np.asarray(self._pick.data["x"], float), np.asarray(self._pick.data["y"], float)

    @property
    def text(self) -> str:
        """What a screen reader says of it."""
        return str(self.figure.html_attributes.get("aria-label", ""))

    def choose(self, position: int | None) -> None:
        """Ring one site, or none."""
        at = [] if position is None or not np.isfinite(self._x[position]) else [position]
        self._pick.data = {"x": self._x[at], "y": self._y[at]}

    def set_mode(self, dark: bool) -> None:
        """Light or dark tones."""
        tone = tokens(dark)
        self._mapper.palette = [tone["accent"]]
        self._ocean.glyph.fill_color = tone["ocean"]
        self._graticule.glyph.line_color = tone["text"]
        self._coast.glyph.line_color = tone["quiet"]
        self._dots.glyph.update(fill_color=tone["accent"], line_color=tone["surface"])
        self._halo.glyph.line_color = tone["surface"]
        self._ring.glyph.line_color = tone["text"]

    def describe(self, text: str) -> None:
        """What a screen reader says of the canvas."""
        self.figure.html_attributes = spoken(text)

    def on_tap(self, act: Callable[[int], None]) -> None:
        """Call `act(position)` when a site is tapped, or the place next to one."""

        def tapped(event: Tap) -> None:
            if event.x is None or event.y is None or not np.isfinite(self._x).any():
                return
            away = np.hypot(self._x - event.x, self._y - event.y)
            nearest = int(np.nanargmin(away))
            if away[nearest] <= _REACH * self._width:
                act(nearest)

        self.figure.on_event(Tap, tapped)
