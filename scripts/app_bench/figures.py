"""What is measured of the app, with its aims, and how a figure is made of what was measured. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from hdlcore.runtime.bench_kernels import Figure


@dataclass(frozen=True)
class Aim:
    """A figure's name, its unit, what it should reach, and what the plain app does beside it.

    `aim` is an upper bound, with `more` a lower one.
    """

    name: str
    unit: str
    aim: float
    plain: str
    more: bool = False


#: Milliseconds are from a person's act to after the frame in which all that is named has been painted.
AIMS: dict[str, Aim] = {
    "opening": Aim("app: opening to filled page, p95", "ms", 2000, "opening"),
    "month": Aim("app: month step, p95", "ms", 120, "month"),
    "month_bytes": Aim("app: month step on the wire, p95", "kB", 300, "month_bytes"),
    "components": Aim("app: click to new components, p95", "ms", 250, "components"),
    "heatmap": Aim("app: click to first memory heatmap, p95 (against the plain click)", "ms", 500, "components"),
    "filter": Aim("app: filter to all views, p95", "ms", 200, "filter"),
}


def p95(values: Sequence[float]) -> float:
    """95th percentile, linear between values; `ValueError` for none."""
    if not len(values):
        raise ValueError("nothing was measured")
    return float(np.percentile(values, 95))


def figure(key: str, ours: float, plain: float | None) -> Figure:
    """A figure of `AIMS`: ours, the plain app's where it was measured, and how many times better ours is."""
    entry = AIMS[key]
    better = None if plain is None else ours / plain if entry.more else plain / ours
    return Figure(entry.name, ours, plain, better, entry.unit, aim=entry.aim)


def reached(figure: Figure, more: bool) -> bool:
    """Whether a figure reaches its aim."""
    assert figure.aim is not None
    return figure.ours >= figure.aim if more else figure.ours <= figure.aim
