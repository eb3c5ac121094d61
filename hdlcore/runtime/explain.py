"""Explanation of one cell: contributions of what came before to a target, by lag, on each day asked for."""

from __future__ import annotations

import datetime as dt
from functools import cache

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from torch import Tensor

from hdlcore.analysis.seasonality import smooth_daily_cycle
from hdlcore.attribution.attribute import attribute, refuse_too_large
from hdlcore.attribution.contract import Question, Subject, driver_index
from hdlcore.attribution.faithfulness import day_curves
from hdlcore.attribution.pulse import impulse
from hdlcore.attribution.registry import find_method
from hdlcore.data.cube import positions
from hdlcore.errors import RequestError
from hdlcore.models.hybrid import Prepared
from hdlcore.models.kernels.fast import trajectory
from hdlcore.progress import CancelToken, Progress, check
from hdlcore.runtime.domains import SitesDomain
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.requests import END, START, ExplanationRequest, ImpulseRequest, parse_date
from hdlcore.runtime.simulate import attributes

BASELINE = "the cell's own mean seasonal cycle of the forcing"
#: Years before and after that expected gradients take their baselines from, nearest first.
_OTHER_YEARS = tuple(sign * n for n in range(1, 41) for sign in (-1, 1))
_DAY = dt.timedelta(days=1)


def explain_cell(
    ensemble: Ensemble, request: ExplanationRequest, progress: Progress | None, cancel: CancelToken | None
) -> xr.Dataset:
    """Contributions (time, lag, forcing or store) to the target, mean over members (see `attribute`).

    Days before the window are in the state, not attributed.
    """
    start, end = parse_date(request.start, "start"), parse_date(request.end, "end")
    question = question_of(request, (end - start).days + 1)
    method = find_method(request.method)
    n_days = (end - start).days + request.lags
    refuse_too_large(method, ensemble.model, len(ensemble.members), 1, n_days, question)
    subject = subject_of(ensemble, np.array([request.cell]), start - (request.lags - 1) * _DAY, end, cancel)
    result = attribute(subject, question, request.method, progress, cancel).isel(cell=0)
    return result.assign_attrs({**attributes(ensemble), **result.attrs, "baseline": BASELINE})


def curves_cell(
    ensemble: Ensemble, request: ExplanationRequest, answer: xr.Dataset, progress: Progress | None,
    cancel: CancelToken | None,
) -> xr.Dataset:  # fmt: skip
    """Deletion and insertion curves of the `answer` to a request for one day (see `day_curves`)."""
    if request.start != request.end:
        raise RequestError("Deletion and insertion are followed for one day; ask with the same start and end.")
    if tuple(answer.get("forcing", xr.DataArray([])).values) != tuple(ensemble.model.forcing):
        raise RequestError(
            f"Deletion and insertion put weather back, driver by driver; {find_method(request.method).label.lower()} "
            "tells nothing driver by driver."
        )
    day = parse_date(request.start, "start")
    subject = subject_of(ensemble, np.array([request.cell]), day - (request.lags - 1) * _DAY, day, cancel)
    found = day_curves(subject, question_of(request, 1), answer, progress, cancel)
    return found.assign_attrs({**attributes(ensemble), **found.attrs, "baseline": BASELINE, "method": request.method})


def impulse_cells(ensemble: Ensemble, request: ImpulseRequest, cancel: CancelToken | None) -> xr.Dataset:
    """Response of every output to a pulse, (cell, lag), mean over members (see `hdlcore.attribution.pulse.impulse`)."""
    driver_index(ensemble.model, request.driver)  # refuse an unknown one before any work
    start = parse_date(request.day, "day of the pulse")
    subject = subject_of(ensemble, np.array(request.cells), start, start + (request.lags - 1) * _DAY, cancel)
    check(cancel)
    answer = impulse(subject, request.driver, 0, request.lags, request.size)
    return answer.assign_attrs({**attributes(ensemble), **answer.attrs})


def question_of(request: ExplanationRequest, n_targets: int) -> Question:
    """The question in positions of a record that begins `lags` - 1 days before the first target day."""
    targets = np.arange(0, n_targets, request.every) + request.lags - 1
    return Question(request.target, targets, request.lags, request.samples)


def subject_of(
    ensemble: Ensemble, cells: NDArray, start: dt.date, end: dt.date, cancel: CancelToken | None = None
) -> Subject:
    """A model's ensemble at some cells under their weather from `start` to `end`, from a warm state."""
    prepared = ensemble.prepare(positions(ensemble.world, cells))
    state, _ = ensemble.warm_state(cells, prepared, start, cancel)
    days = np.arange(np.datetime64(start), np.datetime64(end) + 1)
    return Subject(
        model=ensemble.model,
        prepared=prepared,
        forcing=ensemble.per_member(ensemble.forcing(cells, start, end)),
        baseline=ensemble.per_member(baseline_forcing(ensemble, cells, start, end)),
        state=state,
        days=days,
        cells=cells.astype(np.int64),
        usual=cache(lambda: usual_state(ensemble, cells, prepared, days, cancel)),
        other_years=lambda i: ensemble.per_member(_another_year(ensemble, cells, start, end, i)),
    )


def usual_period(ensemble: Ensemble, cells: NDArray) -> tuple[dt.date, dt.date]:
    """Days whose mean seasonal cycle is the usual weather: the default period, or the records of gauged places."""
    if isinstance(ensemble.domain, SitesDomain):
        records = [ensemble.domain.records[int(cell)].days for cell in cells]
        return max(days[0].item() for days in records), min(days[-1].item() for days in records)
    return parse_date(START, "start"), parse_date(END, "end")


def baseline_forcing(ensemble: Ensemble, cells: NDArray, start: dt.date, end: dt.date) -> Tensor:
    """The cells' mean seasonal cycle of forcing over `usual_period`, on each day from `start` to `end`."""
    first, last = usual_period(ensemble, cells)
    values = ensemble.forcing(cells, first, last).numpy()
    days = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    at = np.arange(np.datetime64(start), np.datetime64(end) + 1)
    return torch.from_numpy(smooth_daily_cycle(values, days, at))


def usual_state(
    ensemble: Ensemble, cells: NDArray, prepared: Prepared, at: NDArray[np.datetime64], cancel: CancelToken | None
) -> Tensor:
    """Mean seasonal course of the state over `usual_period` on the mornings `at`, (time, member, cell, n_state)."""
    first, last = usual_period(ensemble, cells)
    state, _ = ensemble.warm_state(cells, prepared, first, cancel)
    check(cancel)
    weather = ensemble.per_member(ensemble.forcing(cells, first, last))
    states = trajectory(ensemble.model, prepared, weather, state)
    days = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    return torch.from_numpy(smooth_daily_cycle(states.numpy(), days, at))


def _another_year(ensemble: Ensemble, cells: NDArray, start: dt.date, end: dt.date, index: int) -> Tensor:
    """Weather of the same number of days, begun on the same day of another year."""
    begins = [start.replace(year=start.year + shift, day=min(start.day, 28)) for shift in _OTHER_YEARS]
    if isinstance(ensemble.domain, SitesDomain):
        first, last = usual_period(ensemble, cells)
        begins = [begin for begin in begins if first <= begin and begin + (end - start) <= last]
        if not begins:
            raise RequestError(
                "The record of this place holds no other year of as many days; ask for fewer lags or days."
            )
    begin = begins[index % len(begins)]
    return ensemble.forcing(cells, begin, begin + (end - start))
