"""Grades of every attribution method on a model: what is known on paper, on the twin Earth, and by trying it out.

The model is asked at a few cells of each climate zone, the twin's true lagged responses are found there by finite
difference, and features are put back to the baseline to see what the model really does. See docs/attribution.md.
"""

from __future__ import annotations

import datetime as dt
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray

from hdlcore.attribution import sanity
from hdlcore.attribution.attribute import attribute
from hdlcore.attribution.contract import Method, Question, Subject
from hdlcore.attribution.faithfulness import faithfulness, features_of
from hdlcore.attribution.lags import bin_sum, lag_bins, memory_time
from hdlcore.attribution.oracle import oracle_error
from hdlcore.attribution.registry import METHODS
from hdlcore.data.cube import positions
from hdlcore.data.regions import category_names
from hdlcore.data.twin import carrier_response, lagged_response
from hdlcore.data.weather import FORCING
from hdlcore.errors import RequestError
from hdlcore.progress import CancelToken, Progress, check
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.explain import subject_of
from hdlcore.runtime.twin_source import SAME_STORE, TwinSource

YEAR, LAGS, EVERY, SAMPLES = 2005, 365, 30, 4
#: Methods whose numbers are per unit or per pulse of a driver: they are compared with the twin's bare response.
PER_UNIT = ("saliency", "impulse_response")

#: Figures that compare with the twin.
_OF_TWIN = ("twin_rank_correlation", "twin_memory_time_error")

Heat = NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """The twin at one cell: response and contribution (target day, lag, driver), carried (target day, lag, store), and
    the spread of each driver's departures (driver,)."""

    response: Heat
    contribution: Heat
    carried: Heat
    spread: Heat


def grade(
    ensemble: Ensemble, target: str = "tws", per_zone: int = 1, twin: TwinSource | None = None,
    progress: Progress | None = None, cancel: CancelToken | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Grade every method that suits the model; see `docs/attribution.md` for what each figure means.

    `per_zone` cells of each climate zone are asked. Raises `RequestError` for a target that the model or the twin lacks
    and for models under other forcing than the world's, and `Cancelled`.
    """
    model, world = ensemble.model, ensemble.world
    source = twin or TwinSource(world)
    if tuple(model.forcing) != FORCING:
        raise RequestError(f"The twin has {', '.join(FORCING)}; this model asks for {', '.join(model.forcing)}.")
    for name, outputs in (("model", model.outputs), ("twin", source.outputs)):
        if target not in outputs:
            raise RequestError(f"The {name} has no output '{target}'; it has {', '.join(outputs)}.")
    methods = [method for method in METHODS.values() if not method.refuses(model, target)]
    zones = zone_cells(world, per_zone)
    found: list[dict[str, Any]] = []
    for i, (zone, cell) in enumerate(zones):

        def part(fraction: float, done: int = i, zone: str = zone) -> None:
            check(cancel)
            if progress:
                progress((done + fraction) / (len(zones) + 1), f"grading: {zone}")

        found.append({"zone": zone, "cell": cell} | _at_cell(ensemble, source, cell, target, methods, part))
    graded = {}
    for method in methods:
        check(cancel)
        graded[method.name] = _summary(method, found)
    return {
        "model": ensemble.card.id,
        "target": target,
        "year": YEAR,
        "lags": LAGS,
        "every": EVERY,
        "cells": [[zone, cell] for zone, cell in zones],
        "methods": graded,
    }


def zone_cells(world: xr.Dataset, per_zone: int) -> list[tuple[str, int]]:
    """`per_zone` cells of each climate zone, evenly through the zone's list of cells."""
    chosen = []
    codes = world["climate_zone"].values
    for code, name in zip(
        np.atleast_1d(world["climate_zone"].attrs["flag_values"]), category_names(world, "climate_zone"), strict=True
    ):
        cells = world["cell"].values[codes == code]
        if cells.size:
            at = np.linspace(0, cells.size - 1, per_zone + 2).astype(int)[1:-1]
            chosen += [(str(name), int(cells[i])) for i in at]
    return chosen


def _at_cell(
    ensemble: Ensemble, twin: TwinSource, cell: int, target: str, methods: list[Method], report: Any
) -> dict[str, Any]:
    """All that is found at one cell, by method."""
    start, end = dt.date(YEAR, 1, 1) - dt.timedelta(days=LAGS - 1), dt.date(YEAR, 12, 31)
    subject = subject_of(ensemble, np.array([cell]), start, end)
    targets = np.arange(LAGS - 1, subject.n_days, EVERY)
    question = Question(target, targets, LAGS, SAMPLES)
    report(0.0)
    truth = _truth(twin, cell, question, report)
    statics = ensemble.statics[torch.from_numpy(positions(ensemble.world, np.array([cell])))]
    first = subject.part(0, slice(None))
    other = sanity.randomised(first, statics)
    result: dict[str, Any] = {}
    by_features: dict[str, xr.Dataset] = {}
    for i, method in enumerate(methods):
        report(0.3 + 0.6 * i / len(methods))
        began = time.perf_counter()
        answers = [
            attribute(subject.part(m, slice(None)), question, method.name).isel(cell=0)
            for m in range(subject.n_members)
        ]
        seconds = (time.perf_counter() - began) / len(answers)
        heats = [sanity.heat(answer) for answer in answers]
        mean = np.mean(heats, axis=0)
        shuffled = attribute(other, question, method.name).isel(cell=0)
        result[method.name] = {
            "seconds": seconds,
            "agreement": sanity.agreement(heats),
            "randomisation": sanity.rank_correlation(sanity.signed(answers[0]), sanity.signed(shuffled)),
            "max_sensitivity": sanity.max_sensitivity(first, question, method.name, answers[0]),
            **_against(truth, method, answers[0], mean, question),
        }
        if method.axis == "forcing" and "all_weather" not in answers[0]["forcing"].values:
            by_features[method.name] = answers[0]
    report(0.9)
    features = {
        name: features_of(_in_target_unit(answer, first, name), question) for name, answer in by_features.items()
    }
    signed = {name: METHODS[name].additive or name == "occlusion" for name in features}
    for name, scores in faithfulness(first, features, signed).items():
        result[name] |= scores
    return result


def _in_target_unit(answer: xr.Dataset, subject: Subject, name: str) -> xr.Dataset:
    """Per-unit answers times each driver's spread, so that drivers can be ranked beside each other."""
    if name not in PER_UNIT:
        return answer
    spread = (subject.forcing - subject.baseline).std((0, 1, 2), correction=0).numpy()
    return answer.assign(attribution=answer["attribution"] * xr.DataArray(spread, dims="forcing"))


def _truth(twin: TwinSource, cell: int, question: Question, report: Any) -> Truth:
    asked = twin.world, cell, question.target, LAGS, YEAR, twin.spec
    response = lagged_response(*asked)["response"].values.astype(np.float64)
    report(0.15)
    carried = carrier_response(*asked)["carried"].sel(store=list(SAME_STORE.values())).values.astype(np.float64)
    departure = twin.departure(cell, _days())
    windows = np.lib.stride_tricks.sliding_window_view(departure, LAGS, axis=0)[..., ::-1].transpose(0, 2, 1)
    at = question.targets - (LAGS - 1)
    return Truth(response[at], (response * windows)[at], carried[at], departure.std(0).astype(np.float64))


def _days() -> NDArray[np.datetime64]:
    return np.arange(np.datetime64(f"{YEAR}-01-01") - (LAGS - 1), np.datetime64(f"{YEAR + 1}-01-01"))


def _against(truth: Truth, method: Method, answer: xr.Dataset, mean: Heat, question: Question) -> dict[str, float]:
    """Rank correlation with the twin's heatmap, and error of the mean memory time (days); nothing where the twin's is
    empty, as where no store carries anything."""
    start, end = lag_bins(question.lags)
    entries = [str(name) for name in answer[method.axis].values]
    ours = mean.reshape(start.size, len(entries))
    if method.axis == "store":
        known = [name for name in entries if name in SAME_STORE]
        if not known:
            return {}
        ours = ours[:, [entries.index(name) for name in known]]
        at = [list(SAME_STORE).index(name) for name in known]
        theirs = np.abs(truth.carried[:, start][:, :, at]).mean(0)
    elif len(entries) != truth.spread.size:
        ours, theirs = ours, np.abs(bin_sum(truth.contribution, 1)).mean(0).sum(-1, keepdims=True)
    elif method.name in PER_UNIT:
        ours, theirs = ours * truth.spread, bin_sum(np.abs(truth.response).mean(0), 0) * truth.spread
    elif method.by_window:
        theirs = np.abs(bin_sum(truth.contribution, 1)).mean(0)
    else:
        theirs = bin_sum(np.abs(truth.contribution).mean(0), 0)
    if not theirs.any():
        return {}
    middle = start.astype(float) if method.axis == "store" else 0.5 * (start + end)
    times = [float(memory_time(heat.sum(1), middle)) for heat in (ours, theirs)]
    found = {"twin_rank_correlation": sanity.rank_correlation(ours.ravel(), theirs.ravel())}
    return found | ({"twin_memory_time_error": times[0] - times[1]} if np.isfinite(times).all() else {})


def _summary(method: Method, found: list[dict[str, Any]]) -> dict[str, Any]:
    """Means over cells of one method's figures, and the twin's by zone."""
    cells = [entry[method.name] for entry in found]
    figures = {name for entry in cells for name, value in entry.items() if value is not None}
    summary: dict[str, Any] = {"label": method.label, "claim": method.claim, "oracle_error": oracle_error(method)}
    for name in sorted(figures):
        values = [abs(e[name]) if name.endswith("_error") else e[name] for e in cells if e.get(name) is not None]
        summary[name] = round(float(np.mean(values)), 4)
    summary["twin_by_zone"] = {}
    for zone in sorted({str(entry["zone"]) for entry in found}):
        own = [entry[method.name] for entry in found if entry["zone"] == zone]
        of_twin = {name: [e[name] for e in own if name in e] for name in _OF_TWIN}
        summary["twin_by_zone"][zone] = {n: round(float(np.mean(v)), 4) for n, v in of_twin.items() if v}
    return summary
