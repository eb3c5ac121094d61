"""The world map: one Bokeh figure, kept alive. A new month, filter, range or theme changes data, never the figure.

Why not an hv.Image per frame: at this raster one is 4 MB (float32) a step; here the index goes over once (0.4 MB, run
lengths) and a step is 4 bytes a cell (59 kB), coloured in the browser in about 5 ms. Months of a field stay there under
their names (`keep`), 0.7 MB for a year: to show one again is a word. A quantity that has a finer grid than the cells
comes on top as a picture of the window alone (`screen.Picture`, under 300 kB), coloured in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from bokeh.events import MouseLeave, MouseMove, SelectionGeometry, Tap
from bokeh.models import (
    BoxSelectTool,
    ColumnDataSource,
    CustomJS,
    LassoSelectTool,
    LinearColorMapper,
    PanTool,
    PolySelectTool,
    Range1d,
    WheelZoomTool,
)
from numpy.typing import ArrayLike, NDArray

from dashboard.plots.projection import Projection
from dashboard.plots.scalebar import of_projection, scale_bar
from dashboard.plots.screen import Picture, Window, rows_on_globe
from dashboard.plots.sheet import add_mark, bare_figure, spoken
from dashboard.theme import tokens

#: A tap this share of the width shown away from a site is meant for it: on its mark, not on the land beside it.
_NEAR = 0.0035
#: Width of the map in pixels until the browser has said it.
_WIDTH = 860
SHOWN, CHOSEN, POOR = 1, 2, 4  # bits of a cell's flags; the script beside has the same
_SCRIPT = (Path(__file__).parent / "worldmap.js").read_text(encoding="utf-8")
# says what part of the map is on the screen once it has come to rest
_WINDOW = """
clearTimeout(seen._hdl)
seen._hdl = setTimeout(() => {
  const [x, y, width] = [figure.x_range, figure.y_range, figure.inner_width]
  if (width > 50) seen.data = { edge: [x.start, x.end, y.start, y.end], width: [width, width, width, width] }
}, 120)
"""

# a ring with a cross-hair that leaves the cell itself free
_RETICLE = """
export default (args, obj, {ctx, i, r, visuals}) => {
  const path = new Path2D()
  const inner = 0.56 * r
  path.arc(0, 0, inner, 0, 2 * Math.PI, false)
  for (const [x, y] of [[1, 0], [0, 1], [-1, 0], [0, -1]]) {
    path.moveTo(x * inner, y * inner)
    path.lineTo(x * r, y * r)
  }
  return path
}
"""

_MOST_CORNERS, _MOST_POINTS = 60, 180  # of what is drawn by hand, and with points between: a link holds them all
_PARTS = 32  # a side as long as the map is wide has so many


def corners_of(projection: Projection, x: ArrayLike, y: ArrayLike) -> tuple[tuple[float, float], ...]:
    """Longitude and latitude of the corners of an outline drawn on the map (x, y: its own), and of points between.

    A side is straight on the map, seldom so in degrees, and may go more than half round the Earth: points between keep
    it where it was drawn.
    """
    xs, ys = np.asarray(x, float), np.asarray(y, float)
    keep = np.unique(np.linspace(0, max(xs.size - 1, 0), min(xs.size, _MOST_CORNERS)).astype(int))
    xs, ys = xs[keep], ys[keep]
    along, up = np.roll(xs, -1) - xs, np.roll(ys, -1) - ys
    west, east, *_ = projection.extent
    between = np.maximum(np.ceil(np.hypot(along, up) * _PARTS / (east - west)) - 1, 0)
    parts = 1 + (between * min((_MOST_POINTS - xs.size) / max(between.sum(), 1), 1)).astype(int)
    share = np.concatenate([np.arange(n) / n for n in parts])
    lon, lat = projection.inverse(np.repeat(xs, parts) + share * np.repeat(along, parts),
                                  np.repeat(ys, parts) + share * np.repeat(up, parts))  # fmt: skip
    places = zip(lon, lat, strict=True)
    return tuple(dict.fromkeys((round(float(a), 1), round(float(b), 1)) for a, b in places))


class WorldMap:
    """A figure named `name`; set what it shows through the methods, listen with `on_tap` and `on_draw`.

    With `beside` it shares that map's ranges: zooming one zooms both.
    """

    def __init__(
        self, name: str, projection: Projection, cell_ids: NDArray[Any], dark: bool = False,
        beside: WorldMap | None = None,
    ) -> None:  # fmt: skip
        n = cell_ids.size
        self._ranges: tuple[Range1d, Range1d] = beside._ranges if beside is not None else (Range1d(0, 1), Range1d(0, 1))
        self.cells = ColumnDataSource({"id": cell_ids.astype(np.int32, copy=False), "flags": np.ones(n, np.uint8)})
        self._of = ""  # what field the columns are months of
        self._fields = ColumnDataSource({"0": np.full(n, np.nan, np.float32)}, tags=["0"])  # the tag is the one shown
        self._runs = ColumnDataSource({"value": [], "length": []})
        self._tones = ColumnDataSource({"color": []})
        empty = [np.zeros((1, 1), np.uint32)]
        self._image = ColumnDataSource({"image": empty})
        self._detail = ColumnDataSource({"image": empty, "x": [0], "y": [0], "dw": [1], "dh": [1]})
        self._codes = ColumnDataSource({"code": []})
        self._rows = ColumnDataSource({"lat": [], "edge": []})
        self._seen = ColumnDataSource({"edge": [], "width": []})
        self._picture: Picture | None = None
        self._lines = {
            part: ColumnDataSource({"x": [], "y": []}) for part in ("outline", "graticule", "coast", "sites", "pick")
        }
        self._places: tuple[NDArray[Any], NDArray[Any]] = (np.empty(0), np.empty(0))
        self._act_on_site: Callable[[int], None] | None = None
        self._palette: tuple[str, ...] = ("#000000", "#ffffff")
        self._mapper = LinearColorMapper(palette=list(self._palette), low=0, high=1)
        self.figure = self._make_figure(name)
        self._draw_layers()
        self._bar, self._scale = scale_bar(self.figure)
        self._connect()
        self.set_projection(projection)
        self.set_mode(dark)

    def _make_figure(self, name: str) -> Any:
        fig = bare_figure(name, *self._ranges, lod_threshold=None)
        wheel = WheelZoomTool(maintain_focus=False, modifiers="ctrl")  # the wheel alone scrolls the page
        drawing = [
            BoxSelectTool(renderers=[]), LassoSelectTool(renderers=[], continuous=False), PolySelectTool(renderers=[]),
        ]  # fmt: skip
        self._outlines = [tool.overlay for tool in drawing]
        fig.add_tools(PanTool(), wheel, *drawing)
        fig.toolbar.active_scroll = wheel
        fig.toolbar.active_tap = None
        return fig

    def _draw_layers(self) -> None:
        fig, lines = self.figure, self._lines
        self._ocean = add_mark(fig, "patch", lines["outline"], line_color=None)
        self._grid_under = add_mark(fig, "line", lines["graticule"], line_width=0.8, line_alpha=0.15)
        self._raster = add_mark(fig, "image_rgba", self._image, x=0, y=0, dw=1, dh=1)
        add_mark(fig, "image_rgba", self._detail)
        self._coast = add_mark(fig, "line", lines["coast"], line_width=0.6, line_alpha=0.9)
        self._rim = add_mark(fig, "line", lines["outline"], line_width=1)
        self._dots = add_mark(fig, "scatter", lines["sites"], marker="square", size=7, angle=np.pi / 4, line_width=1.4)
        ring: dict[str, Any] = {"marker": "@reticle", "size": 30, "fill_color": None}
        reticle = {"@reticle": CustomJS(code=_RETICLE)}
        self._halo = add_mark(fig, "scatter", lines["pick"], **ring, line_width=5, defs=reticle)
        self._ring = add_mark(fig, "scatter", lines["pick"], **ring, line_width=1.8, defs=reticle)
        self._ring.name = "chosen cell"

    def _connect(self) -> None:
        args = {
            "runs": self._runs,
            "cells": self.cells,
            "fields": self._fields,
            "tones": self._tones,
            "image": self._image,
            "mapper": self._mapper,
            "codes": self._codes,
            "rows": self._rows,
            "detail": self._detail,
        }
        paint = CustomJS(args=args, code=_SCRIPT)
        for model, names in (
            (self.cells, ["data", "change:data"]),
            (self._fields, ["data", "tags"]),
            (self._runs, ["data"]),
            (self._tones, ["data"]),
            (self._image, ["data"]),  # empty again when the page is opened a second time
            (self._mapper, ["palette", "low", "high"]),
            (self._codes, ["data"]),
            (self.figure, ["inner_width"]),
        ):
            for name in names:
                if name in model.properties():
                    model.js_on_change(name, paint)
        self.cells.js_on_change("patching", paint)
        self.cells.js_on_change("streaming", paint)
        self.figure.js_on_event(MouseMove, paint)
        self.figure.js_on_event(MouseLeave, paint)
        say = CustomJS(args={"seen": self._seen, "figure": self.figure}, code=_WINDOW)
        for model, name in (
            *((span, end) for span in self._ranges for end in ("start", "end")), (self.figure, "inner_width"),
        ):  # fmt: skip
            model.js_on_change(name, say)

    def set_projection(self, projection: Projection) -> None:
        """Draw another projection: index, lines and extent."""
        self.projection = projection
        west, east, south, north = projection.extent
        fig = self.figure
        pad = 0.006 * (east - west)
        for span, low, high in ((fig.x_range, west, east), (fig.y_range, south, north)):
            span.update(start=low - pad, end=high + pad, reset_start=low - pad, reset_end=high + pad)
            span.update(bounds=(low - pad, high + pad), min_interval=(high - low) / 20)
        fig.aspect_ratio = (east - west + 2 * pad) / (north - south + 2 * pad)
        self._raster.glyph.update(x=west, y=south, dw=east - west, dh=north - south)
        for part in ("outline", "graticule", "coast"):
            self._lines[part].data = projection.line(part)
        self._place_sites()
        of_projection(self._scale, projection)
        value, length = projection.runs
        ny, nx = projection.index.shape
        self._runs.tags = [ny, nx, west, east, south, north]
        self._runs.data = {"value": value, "length": length}

    @property
    def window(self) -> Window:
        """The part of the map on the screen, a pixel of the map a pixel of the screen."""
        x, y = self._ranges
        width = int(self._seen.data["width"][0]) if len(self._seen.data["width"]) else _WIDTH
        height = round(width * (y.end - y.start) / (x.end - x.start))
        return Window(x.start, x.end, y.start, y.end, width, height).fitted()

    def on_window(self, act: Callable[[], None]) -> None:
        """Call `act()` when another part of the map, or the same in another size, has come onto the screen."""
        self._seen.on_change("data", lambda attr, old, new: act())

    def set_picture(self, picture: Picture | None) -> None:
        """What the window shows of a finer grid than the cells; None: the cells alone."""
        if picture is self._picture:
            return
        self._picture = picture
        if picture is None:
            self._codes.data = {"code": np.empty(0, np.uint8)}
            return
        at = picture.window
        rows, pole = rows_on_globe(self.projection, at)
        self._rows.data = rows
        edges, meaning = (at.west, at.east, at.south, at.north), (picture.offset, picture.scale, picture.step)
        self._codes.tags = [at.rows, at.columns, *edges, *meaning, pole]
        self._codes.data = {"code": picture.sent}

    @property
    def values(self) -> NDArray[np.float32]:
        """What is shown: one number per cell."""
        held: NDArray[np.float32] = self._fields.data[self._fields.tags[0]]
        return held

    def set_values(self, values: NDArray[np.float32], of: str = "", month: int = 0) -> None:
        """One number per cell; a month of the field named `of` that the browser has had is not sent again."""
        self.keep(values, of, month)
        self._fields.tags = [str(month)]

    def keep(self, values: NDArray[np.float32], of: str, month: int) -> None:
        """Send a month of a field, to be shown later; those of any other field are dropped."""
        column, values = str(month), np.ascontiguousarray(values, np.float32)
        if of != self._of:
            self._of, self._fields.data = of, {column: values}
        elif column not in self._fields.data or not np.array_equal(self._fields.data[column], values, equal_nan=True):
            self._fields.data.update({column: values})

    def in_month(self, month: int, text: str, low: float, high: float) -> list[tuple[Any, dict[str, Any]]]:
        """What of the map's models would show a month that is kept: properties, by model."""
        return [
            (self._fields, {"tags": [str(month)]}),
            (self._mapper, {"low": low, "high": high}),
            (self.figure, {"html_attributes": spoken(text)}),
        ]

    def set_flags(
        self, shown: NDArray[np.bool_], chosen: NDArray[np.bool_] | None, poor: NDArray[np.bool_] | None
    ) -> None:
        """Cells let through by the filters, cells of the chosen region (outlined), cells to hatch."""
        flags = shown.astype(np.uint8) * SHOWN
        if chosen is not None:
            flags |= chosen.astype(np.uint8) * CHOSEN
        if poor is not None:
            flags |= poor.astype(np.uint8) * POOR
        if not np.array_equal(flags, self.cells.data["flags"]):
            self.cells.data.update(flags=flags)

    @property
    def palette(self) -> tuple[str, ...]:
        """Colours from low to high."""
        return self._palette

    @property
    def span(self) -> tuple[float, float]:
        """Values of the first and the last colour."""
        return float(self._mapper.low), float(self._mapper.high)

    @property
    def pick(self) -> tuple[NDArray[Any], NDArray[Any]]:
        """Where the chosen cell is on the plane; empty for none."""
        held = self._lines["pick"].data
        return np.asarray(held["x"], float), np.asarray(held["y"], float)

    @property
    def text(self) -> str:
        """What a screen reader says of it."""
        return str(self.figure.html_attributes.get("aria-label", ""))

    def set_colors(self, palette: tuple[str, ...], low: float, high: float) -> None:
        """Colours from low to high."""
        if self._palette != palette:  # each colour is checked by Bokeh
            self._palette = palette
            self._mapper.palette = list(palette)
        self._mapper.update(low=low, high=high)

    def set_mode(self, dark: bool) -> None:
        """Light or dark tones of sea, lines and marks."""
        tone = tokens(dark)
        self._ocean.glyph.fill_color = tone["ocean"]
        self._grid_under.glyph.line_color = tone["text"]
        # Dark on both: over the pale middle of a diverging palette a pale coast would be lost.
        self._coast.glyph.update(line_color="#22303A" if dark else "#3F515C", line_width=0.7 if dark else 0.6)
        self._rim.glyph.line_color = tone["line"]
        self._dots.glyph.update(fill_color=tone["surface"], line_color=tone["text"])
        self._halo.glyph.line_color = tone["surface"]
        self._ring.glyph.line_color = tone["text"]
        self._bar.update(
            bar_line_color=tone["text"], label_text_color=tone["text"], background_fill_color=tone["surface"]
        )
        for outline in self._outlines:
            outline.update(fill_color=tone["accent"], fill_alpha=0.12, line_color=tone["accent"], line_width=1.5)
        self._tones.data = {"color": [tone["nodata"], tone["ocean"], tone["accent"]]}

    def set_pick(self, position: int | None) -> None:
        """Ring with a cross-hair on a cell, or none."""
        at = [] if position is None else [position]
        self._lines["pick"].data = {"x": self.projection.cell_x[at], "y": self.projection.cell_y[at]}

    def set_sites(self, lon: NDArray[Any], lat: NDArray[Any], act: Callable[[int], None]) -> None:
        """Marks at some places (degrees); a tap on one calls `act(number)` and chooses no cell."""
        self._places, self._act_on_site = (lon, lat), act
        self._place_sites()

    def _place_sites(self) -> None:
        lon, lat = self._places
        x, y = self.projection.forward(lon, lat) if lon.size else (lon, lat)
        self._lines["sites"].data = {"x": x, "y": y}

    def _site_at(self, x: float, y: float) -> int | None:
        """Number of the site that a tap is meant for, or None."""
        held = self._lines["sites"].data
        away = np.hypot(np.asarray(held["x"], float) - x, np.asarray(held["y"], float) - y)
        if not np.isfinite(away).any():
            return None
        nearest = int(np.nanargmin(away))
        return nearest if away[nearest] <= _NEAR * (self.figure.x_range.end - self.figure.x_range.start) else None

    def describe(self, text: str) -> None:
        """What a screen reader says of the canvas."""
        self.figure.html_attributes = spoken(text)

    def on_tap(self, act: Callable[[int, float, float], None]) -> None:
        """Call `act(position or a code of the projection module, longitude, latitude)` on a tap."""

        def tapped(event: Tap) -> None:
            if event.x is not None and event.y is not None:
                site = self._site_at(event.x, event.y)
                if site is not None and self._act_on_site is not None:
                    self._act_on_site(site)
                    return
                lon, lat = self.projection.inverse(event.x, event.y)
                act(self.projection.at(event.x, event.y), float(lon), float(lat))

        self.figure.on_event(Tap, tapped)

    def on_draw(self, act: Callable[[tuple[tuple[float, float], ...]], None]) -> None:
        """Call `act(((lon, lat), ...))` when a box or an outline has been drawn."""

        def drawn(event: SelectionGeometry) -> None:
            shape = event.geometry
            if not event.final:
                return
            if shape.get("type") == "rect":
                left, low, right, high = (shape[name] for name in ("x0", "y0", "x1", "y1"))
                corners = corners_of(self.projection, [left, right, right, left], [low, low, high, high])
            else:
                corners = corners_of(self.projection, shape["x"], shape["y"])
            if len(corners) >= 3:
                act(corners)

        self.figure.on_event(SelectionGeometry, drawn)
