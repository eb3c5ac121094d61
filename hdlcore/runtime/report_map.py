"""Maps of the evaluation report: cells as a small picture in the page itself, with its key."""

from __future__ import annotations

import base64
import io
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hdlcore.runtime.report_charts import tidy

#: Fewer cells than this are sites, drawn as dots on a graticule.
FEW = 400


def cell_map(
    values: ArrayLike, lat: ArrayLike, lon: ArrayLike, low: float, high: float, cmap: str, units: str, name: str
) -> str:
    """A map of (cell,) values at lat, lon (degrees) between fixed colours `low` and `high`, as HTML.

    `cmap` is one of cmcrameri's perceptually uniform maps. Values beyond the range take its end colours; the key says
    so. Plate carree, one pixel a cell for a grid, dots for sites.
    """
    numbers, y, x = (np.asarray(v, float) for v in (values, lat, lon))
    colours = _colours(cmap)
    share = np.clip((np.where(np.isfinite(numbers), numbers, low) - low) / (high - low), 0, 1)
    index = np.rint(share * 255).astype(int)
    known = np.isfinite(numbers)
    words = escape(f"Map: {name}", quote=True)
    if numbers.size < FEW:
        picture = _sites(x[known], y[known], colours[index[known]], words)
    else:
        picture = f'<img class="map" alt="{words}" src="{_raster(x[known], y[known], colours[index[known]], x, y)}">'
    return picture + _key(colours, low, high, units, np.nanmin(numbers, initial=low), np.nanmax(numbers, initial=high))


def _colours(cmap: str) -> NDArray[np.uint8]:
    """The 256 colours of a map, (256, 3)."""
    from cmcrameri import cm  # brings matplotlib; only a report with maps needs it

    return (np.asarray(getattr(cm, cmap)(np.arange(256)))[:, :3] * 255).astype(np.uint8)


def _step(values: NDArray) -> float:
    """Spacing of a grid: the commonest gap between its distinct coordinates."""
    gaps = np.diff(np.unique(np.round(values, 4)))
    return float(np.median(gaps)) if gaps.size else 1.0


def _raster(x: NDArray, y: NDArray, colours: NDArray, all_x: NDArray, all_y: NDArray) -> str:
    """PNG as a data address, sea transparent."""
    from PIL import Image

    step = max(min(_step(all_x), _step(all_y)), 0.25)
    top = min(90.0, all_y.max() + step)
    rows, columns = int(np.ceil((top - max(-90.0, all_y.min() - step)) / step)), round(360 / step)
    pixels = np.zeros((rows, columns, 4), np.uint8)
    row = np.clip(((top - y) / step).astype(int), 0, rows - 1)
    column = ((x + 180) % 360 / step).astype(int) % columns
    pixels[row, column, :3], pixels[row, column, 3] = colours, 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _sites(x: NDArray, y: NDArray, colours: NDArray, words: str) -> str:
    """Dots on a graticule of 30 degrees."""
    grid = "".join(f'<path class="grid" d="M{a} 0V150"/>' for a in range(30, 360, 30))
    grid += "".join(f'<path class="grid" d="M0 {a}H360"/>' for a in (30, 60, 90, 120))
    dots = "".join(
        f'<circle cx="{(a + 180) % 360:.1f}" cy="{84 - b:.1f}" r="4" fill="rgb({r},{g},{c})" class="site"/>'
        for a, b, (r, g, c) in zip(x, y, colours, strict=True)
    )
    return f'<svg class="map" viewBox="0 0 360 150" role="img" aria-label="{words}">{grid}{dots}</svg>'


def _key(colours: NDArray, low: float, high: float, units: str, least: float, most: float) -> str:
    stops = ",".join(f"rgb({r},{g},{b})" for r, g, b in colours[:: len(colours) // 12])
    under, over = "≤ " if least < low else "", "≥ " if most > high else ""
    unit = "" if units in ("", "1") else f" {escape(units)}"
    return (
        f'<div class="key"><span>{under}{tidy(low)}</span><i style="background:linear-gradient(90deg,{stops})"></i>'
        f"<span>{over}{tidy(high)}{unit}</span></div>"
    )
