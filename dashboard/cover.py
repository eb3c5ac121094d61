"""The map of a view as a small picture, for the card of a tour."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw

from dashboard.map_picture import map_pixels
from dashboard.plots.projection import Projection
from dashboard.theme import tokens

if TYPE_CHECKING:
    from dashboard.pages.view import View

WIDTH = 720  # pixels drawn: twice as wide as a card on most screens
RING = 13


def cover(view: View, dark: bool) -> str:
    """The map of a view with its place, as a `data:` address of a WebP of some 20 kB."""
    tone = tokens(dark)
    projection = view.projection()
    step = -(-projection.index.shape[1] // WIDTH)
    pixels = np.round(255 * map_pixels(view, tone)[::-step, ::step]).astype(np.uint8)
    height, width = pixels.shape[:2]
    picture = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    brush = ImageDraw.Draw(picture)
    brush.polygon(_on(projection, projection.outline, picture.size), fill=tone["ocean"])
    picture.alpha_composite(Image.fromarray(pixels, "RGBA"))
    for line in _lines(projection.coast):
        brush.line(_on(projection, line, picture.size), fill=tone["quiet"], width=1)
    _ring(brush, projection, view.selection.position, picture.size, tone)
    stream = io.BytesIO()
    picture.save(stream, "WEBP", quality=72, method=4)
    return "data:image/webp;base64," + base64.b64encode(stream.getvalue()).decode()


def _lines(part: tuple[np.ndarray, np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Lines that are kept one after the other with NaN between them."""
    gaps = np.flatnonzero(~np.isfinite(part[0]))
    for piece in np.split(np.arange(part[0].size), gaps):
        inside = piece[np.isfinite(part[0][piece])]
        if inside.size > 1:
            yield part[0][inside], part[1][inside]


def _on(
    projection: Projection, part: tuple[np.ndarray, np.ndarray], size: tuple[int, int]
) -> list[tuple[float, float]]:
    """Points of the projection's plane as pixels of the picture."""
    west, east, south, north = projection.extent
    x, y = (np.atleast_1d(np.asarray(values, float)) for values in part)
    return [*zip((x - west) / (east - west) * size[0], (north - y) / (north - south) * size[1], strict=True)]


def _ring(
    brush: ImageDraw.ImageDraw, projection: Projection, at: int, size: tuple[int, int], tone: dict[str, str]
) -> None:
    """The chosen cell as on the maps."""
    [(x, y)] = _on(projection, (projection.cell_x[at], projection.cell_y[at]), size)
    for color, width, more in ((tone["surface"], 7, 2), (tone["text"], 3, 0)):
        reach = RING + more
        brush.ellipse((x - reach, y - reach, x + reach, y + reach), outline=color, width=width)
