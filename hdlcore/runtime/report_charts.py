"""Charts of the evaluation report as inline SVG: no script, colours from the page's own tokens, so print and dark work.

Each chart is one `<svg>` that says in words what it shows. Values that are not finite leave a gap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import ArrayLike, NDArray

WIDTH, HEIGHT = 380, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 10, 10, 40


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """About `most` / 2 to `most` round numbers within [low, high]: steps of 1, 2, 2.5 or 5 times a power of ten."""
    if not (np.isfinite(low) and np.isfinite(high)) or high <= low:
        return [low] if np.isfinite(low) else []
    rough = (high - low) / most
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(float(f * power) for f in (1, 2, 2.5, 5, 10) if f * power >= rough * 0.999)
    first = np.ceil(low / step - 1e-9)
    return [float(step * k) + 0.0 for k in np.arange(first, np.floor(high / step + 1e-9) + 1)]


def tidy(value: float) -> str:
    """A tick's number without trailing zeros."""
    return f"{value:.6g}".replace("-", "−")


@dataclass(frozen=True)
class Axes:
    """A frame in data coordinates, x and y as (low, high); makes the pieces of a chart as SVG text."""

    x: tuple[float, float]
    y: tuple[float, float]
    x_label: str
    y_label: str
    x_ticks: Sequence[tuple[float, str]] | None = None

    def at_x(self, value: ArrayLike) -> NDArray[np.float64]:
        """Pixels from the left."""
        return _LEFT + (np.asarray(value, float) - self.x[0]) / (self.x[1] - self.x[0]) * (WIDTH - _LEFT - _RIGHT)

    def at_y(self, value: ArrayLike) -> NDArray[np.float64]:
        """Pixels from the top."""
        share = (np.asarray(value, float) - self.y[0]) / (self.y[1] - self.y[0])
        return HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM)

    def frame(self) -> str:
        """Grid, ticks and labels."""
        parts = []
        for value in nice_ticks(*self.y):
            y = float(self.at_y(value))
            parts.append(f'<path class="grid" d="M{_LEFT} {y:.1f}H{WIDTH - _RIGHT}"/>')
            parts.append(f'<text x="{_LEFT - 5}" y="{y + 4:.1f}" text-anchor="end">{tidy(value)}</text>')
        ticks = self.x_ticks if self.x_ticks is not None else [(v, tidy(v)) for v in nice_ticks(*self.x)]
        for value, name in ticks:
            x = float(self.at_x(value))
            parts.append(f'<path class="grid" d="M{x:.1f} {_TOP}V{HEIGHT - _BOTTOM}"/>')
            parts.append(f'<text x="{x:.1f}" y="{HEIGHT - _BOTTOM + 15}" text-anchor="middle">{escape(name)}</text>')
        middle = (_TOP + HEIGHT - _BOTTOM) / 2
        parts.append(
            f'<text class="label" x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 6}" text-anchor="middle">'
            f"{escape(self.x_label)}</text>"
            f'<text class="label" transform="translate(11 {middle}) rotate(-90)" text-anchor="middle">'
            f"{escape(self.y_label)}</text>"
        )
        return "".join(parts)

    def line(self, x: ArrayLike, y: ArrayLike, style: str) -> str:
        """A polyline with gaps where either is not finite."""
        return f'<path class="line {style}" d="{self._strokes(x, y)}"/>'

    def band(self, x: ArrayLike, low: ArrayLike, high: ArrayLike, style: str) -> str:
        """The area between two lines, where both are known."""
        xs, lows, highs = (np.asarray(v, float) for v in (x, low, high))
        known = np.isfinite(xs) & np.isfinite(lows) & np.isfinite(highs)
        runs = np.split(np.flatnonzero(known), np.flatnonzero(np.diff(np.flatnonzero(known)) > 1) + 1)
        paths = []
        for run in runs:
            if run.size > 1:
                around = np.r_[run, run[::-1]]
                edge = np.r_[lows[run], highs[run[::-1]]]
                paths.append(self._strokes(xs[around], edge) + "Z")
        return f'<path class="area {style}" d="{"".join(paths)}"/>' if paths else ""

    def dots(self, x: ArrayLike, y: ArrayLike, style: str) -> str:
        """Rings at points."""
        pairs = zip(np.ravel(self.at_x(x)), np.ravel(self.at_y(y)), strict=True)
        return "".join(
            f'<circle class="dot {style}" cx="{a:.1f}" cy="{b:.1f}" r="4"/>' for a, b in pairs if np.isfinite(b)
        )

    def bar(self, left: float, right: float, low: float, high: float, style: str) -> str:
        """A rectangle in data coordinates."""
        if not np.isfinite([left, right, low, high]).all():
            return ""
        x0, x1 = sorted(float(self.at_x(v)) for v in (left, right))
        y0, y1 = sorted(float(self.at_y(v)) for v in (low, high))
        return f'<rect class="area {style}" x="{x0:.1f}" y="{y0:.1f}" width="{x1 - x0:.1f}" height="{y1 - y0:.1f}"/>'

    def _strokes(self, x: ArrayLike, y: ArrayLike) -> str:
        xs, ys = np.broadcast_arrays(np.asarray(x, float), np.asarray(y, float))
        known = np.isfinite(xs) & np.isfinite(ys)
        px, py = self.at_x(np.where(known, xs, 0)), self.at_y(np.where(known, ys, 0))
        py = np.clip(py, -HEIGHT, 2 * HEIGHT)
        pen = ["L" if k and before else "M" for k, before in zip(known, np.r_[False, known[:-1]], strict=True)]
        return "".join(f"{p}{a:.1f} {b:.1f}" for p, a, b, k in zip(pen, px, py, known, strict=True) if k)


def svg(words: str, *parts: str, height: int = HEIGHT) -> str:
    """The whole chart, with what it shows in words."""
    said = escape(words, quote=True)
    return f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{said}">{"".join(parts)}</svg>'


def span(*arrays: ArrayLike, pad: float = 0.05) -> tuple[float, float]:
    """Range of all finite values with a little room; (0, 1) when there are none."""
    values = np.concatenate([np.ravel(np.asarray(a, float)) for a in arrays])
    values = values[np.isfinite(values)]
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min()), float(values.max())
    room = (high - low) * pad or abs(high) * pad or 1.0
    return low - room, high + room


def time_ticks(times: NDArray) -> list[tuple[float, str]]:
    """At most six years (or months, within two years) as ticks on an axis of decimal years."""
    years = decimal_years(times)
    first, last = int(np.ceil(years.min() - 1e-6)), int(np.floor(years.max() + 1e-6))
    if last - first >= 2:
        step = max(1, -(-(last - first) // 6))
        return [(float(y), str(y)) for y in range(first, last + 1, step)]
    shown = times[:: max(1, times.size // 5)].astype("datetime64[M]")
    return [(float(y), str(month)) for y, month in zip(decimal_years(shown), shown, strict=True)]


def decimal_years(times: ArrayLike) -> NDArray[np.float64]:
    """datetime64 (time,) as years and their fraction."""
    stamps = np.asarray(times).astype("datetime64[h]")
    years = stamps.astype("datetime64[Y]")
    start = years.astype("datetime64[h]")
    length = (years + 1).astype("datetime64[h]") - start
    return years.astype(int) + 1970 + (stamps - start) / length  # type: ignore[no-any-return]


# -- the charts of the report ------------------------------------------------------------------------------------------


def reliability_chart(nominal: ArrayLike, observed: Mapping[str, ArrayLike], name: str) -> str:
    """Share of observations within the central band against the level of the band, by style; the diagonal is honest."""
    axes = Axes((0, 100), (0, 100), "level of the band, %", "observed within it, %")
    x = 100 * np.asarray(nominal, float)
    parts = [axes.frame(), axes.line([0, 100], [0, 100], "quiet dashed")]
    for style, share in observed.items():
        y = 100 * np.asarray(share, float)
        parts += [axes.line(x, y, style), axes.dots(x, y, style)]
    return svg(f"{name}: share of observations within each central band", *parts)


def pit_chart(density: ArrayLike, name: str) -> str:
    """Histogram of the PIT; flat at 1 is honest."""
    values = np.asarray(density, float)
    top = float(np.nanmax(values, initial=1.0)) * 1.15
    axes = Axes((0, 1), (0, top), "where the observation lies in its distribution", "density")
    edges = np.linspace(0, 1, values.size + 1)
    bars = [axes.bar(a + 0.004, b - 0.004, 0, v, "accent") for a, b, v in zip(edges, edges[1:], values, strict=False)]
    return svg(f"{name}: histogram of the PIT", axes.frame(), *bars, axes.line([0, 1], [1, 1], "quiet dashed"))


def series_chart(
    times: NDArray,
    lines: Sequence[tuple[str, ArrayLike]],
    units: str,
    band: tuple[ArrayLike, ArrayLike] | None,
    name: str,
) -> str:
    """Lines (style class, values) over time, with a band behind them."""
    years = decimal_years(times)
    around = [*(values for _, values in lines), *(band or ())]
    axes = Axes((float(years.min()), float(years.max())), span(*around), "", units, time_ticks(times))
    behind = axes.band(years, band[0], band[1], "accent pale") if band else ""
    return svg(name, axes.frame(), behind, *(axes.line(years, values, style) for style, values in lines))


def bars_chart(rows: Mapping[str, Mapping[str, float]], styles: Mapping[str, str], name: str) -> str:
    """One stacked bar a row, left to right; negative parts go left of zero. `styles`: part -> style class."""
    height = 26 * len(rows) + 34
    totals = [sum(max(v, 0) for v in row.values() if np.isfinite(v)) for row in rows.values()]
    lowest = [sum(min(v, 0) for v in row.values() if np.isfinite(v)) for row in rows.values()]
    low, high = min([0.0, *lowest]), max([1.0, *totals])
    left, right = 128, WIDTH - 24  # the last tick needs room

    def at(value: float) -> float:
        return left + (value - low) / (high - low) * (right - left)

    parts = []
    for value in nice_ticks(low, high, 5):
        parts.append(f'<path class="grid" d="M{at(value):.1f} 4V{height - 28}"/>')
        parts.append(f'<text x="{at(value):.1f}" y="{height - 12}" text-anchor="middle">{tidy(100 * value)} %</text>')
    for number, (title, row) in enumerate(rows.items()):
        y, below, above = 26 * number + 6, 0.0, 0.0
        shown = title if len(title) <= 20 else title[:19] + "…"
        parts.append(
            f'<text x="{left - 8}" y="{y + 14}" text-anchor="end"><title>{escape(title)}</title>{escape(shown)}</text>'
        )
        for part, value in row.items():
            if not np.isfinite(value):
                continue
            start = above if value >= 0 else below
            x0, x1 = sorted((at(start), at(start + value)))
            parts.append(
                f'<rect class="area {styles[part]}" x="{x0:.1f}" y="{y}" width="{max(x1 - x0, 0.5):.1f}" height="18"/>'
            )
            above, below = (above + value, below) if value >= 0 else (above, below + value)
    return svg(name, *parts, height=height)
