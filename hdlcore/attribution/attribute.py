"""Ask any method about any subject: refused or estimated first, then computed in parts that fit, and labelled."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from hdlcore.attribution.contract import Method, Question, Raw, Subject, constant_drivers, refuse
from hdlcore.attribution.lags import bin_sum, lag_bins
from hdlcore.attribution.registry import find_method
from hdlcore.errors import RequestError
from hdlcore.models.hybrid import HybridModel
from hdlcore.progress import CancelToken, Progress, check
from hdlcore.variables import VARIABLES

#: An answer may be this large, bytes; larger ones are refused with the nearest that fits.
MAX_BYTES = 1_000_000_000
#: And take about this long, seconds.
MAX_SECONDS = 3600.0
#: Bytes of contributions worked on at a time.
PART_BYTES = 128_000_000
#: Elementary operations a second that one core does here, about; only estimates stand on it.
OPERATIONS = 1.5e10


@dataclass(frozen=True)
class Cost:
    """An estimate before any work: bytes of the answer and seconds on one core, good to a factor of a few."""

    bytes: float
    seconds: float


def estimate(method: Method, model: HybridModel, n_members: int, n_cells: int, n_days: int, question: Question) -> Cost:
    """What a question would cost, from its sizes alone."""
    entries = method.entries(model)
    lags = question.windows[0].size if method.by_window else question.lags
    size = 4.0 * n_cells * question.targets.size * lags * len(entries)
    steps = method.steps(n_days, question, len(entries)) * n_members * n_cells
    weights = sum(p.numel() for module in model._recurrent() for p in module.parameters())
    return Cost(size, steps * (2 * weights + 400) / OPERATIONS)


def refuse_too_large(
    method: Method, model: HybridModel, n_members: int, n_cells: int, n_days: int, question: Question
) -> Cost:
    """The cost; raises `RequestError` with the nearest that fits when it is too large."""
    cost = estimate(method, model, n_members, n_cells, n_days, question)
    over = max(cost.bytes / MAX_BYTES, cost.seconds / MAX_SECONDS)
    if over <= 1:
        return cost
    asked = (
        f"{n_cells} cells x {question.targets.size} days x {question.lags} lags by {method.label.lower()} would take "
        f"{cost.bytes / 1e9:.1f} GB and about {_duration(cost.seconds)}"
    )
    if n_cells > 1 and n_cells / over >= 1:
        raise RequestError(f"{asked}; ask for {int(n_cells / over)} cells at a time.")
    days = _fitting_days(method, model, n_members, n_days, question)
    fits = f"every {-(-question.targets.size // days)}th day" if days else "fewer lags"
    raise RequestError(f"{asked}; ask for one cell at a time and {fits}.")


def _fitting_days(method: Method, model: HybridModel, n_members: int, n_days: int, question: Question) -> int:
    """How many target days of one cell fit; 0 when not even one does."""
    days = question.targets.size
    while days:
        fewer = replace(question, targets=question.targets[:days])
        cost = estimate(method, model, n_members, 1, n_days, fewer)
        if cost.bytes <= MAX_BYTES and cost.seconds <= MAX_SECONDS:
            return days
        days //= 2
    return 0


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:.1f} hours" if seconds > 5400 else f"{max(seconds / 60, 1):.0f} minutes"


def attribute(
    subject: Subject, question: Question, name: str, progress: Progress | None = None,
    cancel: CancelToken | None = None,
) -> xr.Dataset:  # fmt: skip
    """Attribute a target to what came before it, by the method called `name`.

    Returns
    -------
    Dataset with ``attribution`` (cell, time, lag, forcing or store), mean over members; ``attribution_spread`` (cell,
    lag_bin, forcing or store), standard deviation over members of the mean size within lag bins; for methods whose
    contributions should add up ``difference`` and ``completeness_gap`` (cell, time): what they should add up to, and
    how far they miss it. ``lag`` is the first and ``lag_last`` the last lag of a value, days. Attributes say the
    method, its claim, and notes on what the weather cannot tell.

    Raises `RequestError` for what cannot be asked and `Cancelled`; nothing is kept then.
    """
    began, method = time.perf_counter(), find_method(name)
    refuse(method, subject, question)
    flat = constant_drivers(subject)
    if len(flat) == len(subject.model.forcing) and method.axis == "forcing" and method.name != "saliency":
        raise RequestError("No driver changes in this record, so nothing can be attributed; choose a longer period.")
    refuse_too_large(method, subject.model, subject.n_members, subject.n_cells, subject.n_days, question)
    sums = _Sums(method, subject, question)
    parts = list(_parts(subject, sums.bytes_per_cell))
    for i, (member, cells) in enumerate(parts):

        def report(fraction: float, done: int = i) -> None:
            check(cancel)
            if progress:
                progress((done + min(fraction, 1.0)) / len(parts), "following influence back, day by day")

        report(0.0)
        sums.add(method.answer(subject.part(member, cells), question, report), member, cells)
    notes = [f"{name} never changes in this record, so nothing can be said of it." for name in flat]
    return sums.dataset(notes, time.perf_counter() - began)


def _parts(subject: Subject, bytes_per_cell: float) -> list[tuple[int, slice]]:
    width = max(1, int(PART_BYTES // bytes_per_cell))
    starts = range(0, subject.n_cells, width)
    return [(m, slice(s, min(s + width, subject.n_cells))) for s in starts for m in range(subject.n_members)]


class _Sums:
    """Sums over members as they come, so that no more than one part is held beside the answer."""

    def __init__(self, method: Method, subject: Subject, question: Question) -> None:
        self.method, self.subject, self.question = method, subject, question
        self.entries = method.entries(subject.model)
        start, end = question.windows
        days = np.arange(question.lags)
        self.lag, self.lag_last = (start, end) if method.by_window else (days, days)
        shape = subject.n_cells, question.targets.size
        self.total = np.zeros((*shape, self.lag.size, len(self.entries)), np.float32)
        self.size = np.zeros((subject.n_members, subject.n_cells, start.size, len(self.entries)))
        self.difference = np.zeros(shape, np.float32) if method.additive else None
        self.gap = np.zeros(shape, np.float32)

    @property
    def bytes_per_cell(self) -> float:
        """Bytes that a method holds per cell while it works on one member, about."""
        n_entries = max(len(self.entries), len(self.subject.model.forcing))
        return 3.0 * 4 * self.question.targets.size * self.question.lags * n_entries

    def add(self, raw: Raw, member: int, cells: slice) -> None:
        """Add one member at some cells."""
        if not torch.isfinite(raw.values).all():
            raise RequestError(
                f"What '{self.method.label}' found for '{self.question.target}' is not finite for this cell; choose "
                "another cell, target or method."
            )
        values, share = raw.values[:, 0].detach(), 1.0 / self.subject.n_members
        self.total[cells] += share * values.transpose(0, 1).numpy()
        size = values.abs().mean(0).double().numpy()  # (cell, lag, entry)
        self.size[member, cells] = size if self.method.by_window else bin_sum(size, 1)
        if self.difference is not None and raw.difference is not None:
            difference = raw.difference[:, 0].T
            self.difference[cells] += share * difference.numpy()
            self.gap[cells] += share * (values.sum((-1, -2)).T - difference).numpy()

    def dataset(self, notes: list[str], seconds: float) -> xr.Dataset:
        """Names, units and what the numbers mean."""
        target, axis = VARIABLES[self.question.target], self.method.axis
        unit = {"units": self.method.unit.format(unit=target.units)}
        about = f"{self.method.label.lower()} of past {'weather' if axis == 'forcing' else 'stores'}"
        about = f"{about} for {target.long_name.lower()}"
        start, end = lag_bins(self.question.lags)
        data: dict[str, tuple] = {
            "attribution": (("cell", "time", "lag", axis), self.total, {"long_name": about, **unit}),
            "attribution_spread": (
                ("cell", "lag_bin", axis), self.size.std(0).astype(np.float32),
                {"long_name": f"standard deviation over members of the size of {about}", **unit},
            ),
        }  # fmt: skip
        if self.difference is not None:
            data["completeness_gap"] = (
                ("cell", "time"), self.gap,
                {"long_name": "sum of contributions minus the difference they should add up to", **unit},
            )  # fmt: skip
            data["difference"] = (
                ("cell", "time"), self.difference,
                {"long_name": "target minus the target of the reference run", **unit},
            )  # fmt: skip
        days = self.subject.days[self.question.targets].astype("datetime64[ns]")
        lag_about = {"units": "d", "long_name": "days before target"}
        coords: dict[str, object] = {
            "cell": self.subject.cells,
            "time": ("time", days, {"long_name": "target day"}),
            "lag": ("lag", self.lag.astype(np.int32), lag_about),
            "lag_last": ("lag", self.lag_last.astype(np.int32), {"units": "d", "long_name": "last day of the window"}),
            axis: list(self.entries),
            "lag_bin": np.arange(start.size, dtype=np.int32),
            "lag_start": ("lag_bin", start.astype(np.int32), {"units": "d"}),
            "lag_end": ("lag_bin", end.astype(np.int32), {"units": "d"}),
        }
        attrs = {
            "method": self.method.name,
            "claim": self.method.claim,
            "target": self.question.target,
            "samples": self.question.samples,
            "notes": " ".join(notes),
            "cost_seconds": round(seconds, 3),
        }
        return xr.Dataset(data, coords, attrs)


def every_day(n_days: int, lags: int, every: int = 1) -> NDArray[np.int64]:
    """Target days of a record that have `lags` days of weather, each `every`-th of them."""
    return np.arange(lags - 1, n_days, every)
