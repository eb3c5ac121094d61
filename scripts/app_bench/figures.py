"""What is measured of the app, with its aims, and how a figure is made of what was measured. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hdlcore.runtime.bench_kernels import Figure


@dataclass(frozen=True)
class Aim:
    """A figure's name, its unit, what it should reach, and the key of what the plain app does beside it.

    `aim` is an upper bound, with `more` a lower one; None where a figure is told but nothing was promised.
    """

    name: str
    unit: str
    aim: float | None
    plain: str
    more: bool = False


#: Milliseconds are from a person's act to after the frame in which all that is named has been painted.
AIMS: dict[str, Aim] = {
    "opening": Aim("app: opening to filled page, p95", "ms", 2000, "opening"),
    "opening_built": Aim("app: opening when no session is ready, to filled page, p95", "ms", None, "opening"),
    "month": Aim("app: month step, p95", "ms", 120, "month"),
    "month_bytes": Aim("app: month step on the wire, p95", "kB", 300, "month_bytes"),
    "components": Aim("app: click to new components, p95", "ms", 250, "components"),
    "heatmap": Aim("app: click to first memory heatmap, p95 (against the plain click)", "ms", 500, "components"),
    "filter": Aim("app: filter to all views, p95", "ms", 200, "filter"),
    "play": Aim("app: playing the months at the greatest speed", "frames s-1", 8, "play", more=True),
    "pause": Aim("app: from pause to rest", "ms", 250, "pause"),
    "switch": Aim("app: switching to a page seen before, p95 (against opening the plain page)", "ms", 400, "opening"),
    "visit_rested": Aim("app: first visit of a page after a rest, p95", "ms", 400, "opening"),
    "answers_rested": Aim("app: first visit after a rest, to the last live answer, p95", "ms", None, "opening"),
    "visit_clicked": Aim("app: first visit after a rest and a click, p95", "ms", 400, "opening"),
    "answers_clicked": Aim("app: first visit after a rest and a click, to the last answer, p95", "ms", None, "opening"),
    "visit_at_once": Aim("app: first visit of a page that was not made ahead, p95", "ms", None, "opening"),
    "answers_at_once": Aim("app: first visit when not made ahead, to the last answer, p95", "ms", None, "opening"),
    "meanwhile": Aim("app: click to new components while pages are made ahead, p95", "ms", 250, "components"),
    "busy": Aim("app: click, 3 at once among 10 others, p95", "ms", 1000, "busy"),
    "session": Aim("app: memory of a session that has seen all pages", "MB", 20, "session"),
    "kept": Aim("app: memory kept of each closed session, over 60", "MB", 0.2, "kept"),
}
#: Keys of `AIMS` by the group that measures them.
GROUPS = {
    "app": list(AIMS)[:-3],
    "app-users": ["busy"],
    "app-memory": ["session", "kept"],
}


def p95(values: Sequence[float]) -> float:
    """95th percentile, linear between values; `ValueError` for none."""
    if not len(values):
        raise ValueError("nothing was measured")
    return float(np.percentile(values, 95))


def slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Least-squares slope of y over x; `ValueError` for fewer than two points."""
    if len(x) < 2:
        raise ValueError("a slope needs two points")
    return float(np.polyfit(np.asarray(x, float), np.asarray(y, float), 1)[0])


def figure(key: str, ours: float, plain: float | None) -> Figure:
    """A figure of `AIMS`: ours, the plain app's where it was measured, and how many times better ours is.

    There is no ratio where either is not above zero (memory that is given back).
    """
    entry, better = AIMS[key], None
    if plain is not None and min(ours, plain) > 0:
        better = ours / plain if entry.more else plain / ours
    return Figure(entry.name, ours, plain, better, entry.unit, aim=entry.aim)


def figures(ours: Mapping[str, Sequence[float]], plain: Mapping[str, Sequence[float]]) -> list[Figure]:
    """Figures of what was measured, by key of `AIMS`; the worst twentieth of several values counts."""
    return [
        figure(key, p95(values), p95(plain[AIMS[key].plain]) if AIMS[key].plain in plain else None)
        for key, values in ours.items()
    ]


def reached(value: float, entry: Aim) -> bool:
    """Whether a value reaches its aim; one without an aim does."""
    return entry.aim is None or (value >= entry.aim if entry.more else value <= entry.aim)
