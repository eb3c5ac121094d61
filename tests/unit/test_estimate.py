"""A request is told its cost before it runs, and one that cannot fit is refused with one that can."""

from __future__ import annotations

import dataclasses
import re
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from hdlcore.errors import RequestError
from hdlcore.runtime import estimate as costs
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.requests import ExplanationRequest, SimulationRequest
from hdlcore.runtime.store import write_dataset, write_text

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(scope="module")
def engine(small_model: Path, small_cube: Path) -> Engine:
    """The small model on the small cube."""
    return Engine([small_model], small_cube)


@pytest.fixture(scope="module")
def cells(engine: Engine) -> tuple[int, ...]:
    """Three cells."""
    return tuple(int(c) for c in engine.world["cell"].values[10:13])


@pytest.mark.parametrize("model", ["small", "twin-earth"])
@pytest.mark.parametrize("frequency", ["daily", "monthly"])
def test_the_size_of_a_simulation_is_known_before_it_runs(
    engine: Engine, cells: tuple[int, ...], model: str, frequency: str
) -> None:
    request = SimulationRequest(model, cells, "2003-01-01", "2004-12-31", frequency)  # type: ignore[arg-type]
    cost, answer = engine.estimate(request), engine.simulate(request)
    assert cost.disk == pytest.approx(sum(v.nbytes for v in answer.data_vars.values()), rel=0.05)
    assert cost.seconds > 0 and cost.memory > answer.nbytes


@pytest.mark.parametrize(("model", "method"), [("small", "gradient_x_input"), ("twin-earth", "finite_difference")])
def test_the_size_of_an_explanation_is_known_before_it_runs(
    engine: Engine, cells: tuple[int, ...], model: str, method: str
) -> None:
    request = ExplanationRequest(model, cells[0], "tws", method, 40, "2005-03-01", "2005-04-30")
    answer = engine.explain(request)
    assert engine.estimate(request).disk == pytest.approx(sum(v.nbytes for v in answer.data_vars.values()), rel=0.05)
    assert engine.estimate(request, 10).disk == pytest.approx(10 * engine.estimate(request).disk)


def test_more_cells_longer_periods_and_fewer_workers_cost_more(engine: Engine, cells: tuple[int, ...]) -> None:
    short = SimulationRequest("small", cells, "2003-01-01", "2004-12-31")
    longer = dataclasses.replace(short, end="2014-12-31")
    base = engine.estimate(short, 640)
    assert engine.estimate(short, 1280).seconds == pytest.approx(2 * base.seconds)
    assert engine.estimate(longer, 640).seconds > base.seconds and engine.estimate(longer, 640).disk > 5 * base.disk
    assert engine.estimate(short, 640, 4).seconds == pytest.approx(engine.estimate(short, 640, 1).seconds / 4)
    assert engine.estimate(short, 6400, 2).memory < engine.estimate(short, 6400).memory
    assert re.fullmatch(r"about .+, [\d.]+ GB of memory, at most [\d.]+ GB on disk", str(base))


def test_data_and_the_unknown_have_no_cost(engine: Engine, cells: tuple[int, ...]) -> None:
    with pytest.raises(RequestError, match="is data and only read"):
        engine.estimate(SimulationRequest("towers", (0,)))
    with pytest.raises(RequestError, match="has no output"):
        engine.estimate(ExplanationRequest("small", cells[0], target="albedo"))


@pytest.mark.parametrize("frequency", ["daily", "monthly"])
def test_what_is_refused_names_requests_that_fit(frequency: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(costs, "MAX_BYTES", 10_000_000)
    request = SimulationRequest("small", tuple(range(100)), "1990-01-01", "2030-12-31", frequency)  # type: ignore[arg-type]
    series = 43 if frequency == "daily" else 430
    with pytest.raises(RequestError) as caught:
        costs.refuse_too_large(request, series)
    said = str(caught.value)
    cells, end = re.search(r"([\d,]+) cells at a time", said), re.search(r"ends by ([\d-]+)", said)
    assert cells is not None and (end is not None or frequency == "daily")
    costs.refuse_too_large(dataclasses.replace(request, cells=request.cells[: int(cells[1])]), series)
    with pytest.raises(RequestError):
        costs.refuse_too_large(dataclasses.replace(request, cells=request.cells[: int(cells[1]) + 1]), series)
    if end is not None:
        costs.refuse_too_large(dataclasses.replace(request, end=end[1]), series)
    if "monthly values" in said:
        costs.refuse_too_large(dataclasses.replace(request, frequency="monthly"), series)


def test_no_answer_is_begun_that_the_memory_cannot_hold(
    engine: Engine, cells: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "free_memory", lambda: 100_000.0)
    for model in ("small", "twin-earth"):
        with pytest.raises(RequestError, match="of memory and"):
            engine.simulate(SimulationRequest(model, cells, "2003-01-01", "2009-12-31"))


def test_a_full_disk_is_said_before_and_after_and_nothing_is_left(
    engine: Engine, cells: tuple[int, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = engine.simulate(SimulationRequest("small", cells, "2003-01-01", "2003-12-31"))
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(1e9, 1e9, 64 * 2**20 + 50_000))
    for name in ("a.nc", "a.zarr"):
        with pytest.raises(RequestError, match=r"would take up to .* at most \d cells"):
            write_dataset(answer, tmp_path / name)
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(1e9, 1e9, 1000))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(RequestError, match="is full, make room on it, nothing was kept"):
        write_text("x", tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []
