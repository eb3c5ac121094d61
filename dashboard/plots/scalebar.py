"""A scale bar on a map that is zoomed in, true along the parallel in the middle of what is shown.

On the whole globe no one length is true, so there is none: it appears where the part shown is under `WIDEST` wide.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, CustomJS, MetricLength, Range1d, ScaleBar

from dashboard.plots.projection import PolarProjection, Projection
from dashboard.theme import FONT
from hdlcore.data.cube import EARTH_RADIUS

#: Of a part this wide (km) the edges are off by a tenth or so.
WIDEST = 6000.0
_ROWS = 181

_FOLLOW = """
const {start: west, end: east} = figure.x_range, {start: south, end: north} = figure.y_range
const [x, y] = [(west + east) / 2, (south + north) / 2]
let each = 0
if (table.tags[0]) { // Lambert's azimuthal map: along a meridian and along a parallel, Snyder 1987, eq. 24-24 and 24-25
  const r = Math.min(Math.hypot(x, y), 1.99), k = Math.sqrt(1 - (r * r) / 4)
  each = radius * (r > 0 ? Math.hypot(x / r / k, (y / r) * k) : 1)
} else {
  const {y: heights, km} = table.data
  let i = 0
  while (i < heights.length - 2 && heights[i + 1] < y) i++
  const part = Math.min(Math.max((y - heights[i]) / (heights[i + 1] - heights[i]), 0), 1)
  each = km[i] + part * (km[i + 1] - km[i])
}
const width = (east - west) * each
if (width > 0 && width < widest) { span.end = width; bar.visible = true } else bar.visible = false
"""


def scale_bar(figure: Any) -> tuple[ScaleBar, ColumnDataSource]:
    """Put a bar into a map's figure; give `of_projection` the table whenever the projection changes."""
    span = Range1d(0, 1)
    bar = ScaleBar(
        range=span, unit="km", dimensional=MetricLength(include=["m", "km"]), location="bottom_left", visible=False,
        bar_length=0.22, bar_line_width=1.5, background_fill_alpha=0.75, border_line_alpha=0, label="@{value} @{unit}",
        label_text_font=FONT, label_text_font_size="12px", label_text_font_style="normal", label_standoff=4,
        margin=6, padding=4,
    )  # fmt: skip
    figure.add_layout(bar)
    table = ColumnDataSource({"y": [], "km": []})
    args = {"figure": figure, "table": table, "bar": bar, "span": span, "widest": WIDEST, "radius": EARTH_RADIUS / 1000}
    follow = CustomJS(args=args, code=_FOLLOW)
    for side in (figure.x_range, figure.y_range):
        for end in ("start", "end"):
            side.js_on_change(end, follow)
    return bar, table


def of_projection(table: ColumnDataSource, projection: Projection) -> None:
    """Tell the bar how long (km) a unit of the plane is from west to east, by height."""
    table.tags = [projection.pole if isinstance(projection, PolarProjection) else 0]
    y = np.linspace(projection.extent[2], projection.extent[3], _ROWS)
    km = np.zeros(_ROWS) if table.tags[0] else projection.kilometres(y)
    table.data = {"y": y.astype(np.float32), "km": km.astype(np.float32)}
