"""Whatever is asked can be stopped: between two looks at the cancel token lies a bounded stretch of work."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hdlcore.data import weather
from hdlcore.data.weather import WeatherSpec, generate_arrays
from hdlcore.errors import Cancelled
from hdlcore.models.kernels import arrays, fast
from hdlcore.runtime import stretches
from hdlcore.runtime.blocks import run_blocks
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.requests import ExplanationRequest, ImpulseRequest, SimulationRequest

PERIOD = {"start": "2003-01-01", "end": "2004-12-31"}
Ask = Callable[[Any], object]


class Token:
    """Cancels at its `last` look (0: never), and counts looks."""

    def __init__(self, last: int = 0) -> None:
        self.looks, self.last = 0, last

    def is_set(self) -> bool:
        """Whether to stop."""
        self.looks += 1
        return bool(self.last) and self.looks >= self.last


@pytest.fixture(scope="module")
def engine(small_model: Path, small_cube: Path) -> Engine:
    """The small model on the small cube, remembering nothing, so that each question is computed."""
    return Engine([small_model], small_cube, cache_bytes=0)


@pytest.fixture(
    params=["daily", "monthly", "scenario", "twin", "data", "explanation", "twin explanation", "pulse", "blocks"]
)
def ask(request: pytest.FixtureRequest, engine: Engine, small_cube: Path, tmp_path: Path) -> Ask:
    """A question of each kind, as a function of its cancel token."""
    cells = tuple(int(c) for c in engine.world["cell"].values)
    simulation = SimulationRequest("small", cells, **PERIOD)
    match request.param:
        case "daily":
            return lambda token: engine.simulate(simulation, cancel=token)
        case "monthly":
            asked = SimulationRequest("small", cells, **PERIOD, frequency="monthly")
            return lambda token: engine.simulate(asked, cancel=token)
        case "scenario":
            asked = SimulationRequest("small", cells[:40], **PERIOD, scenario="precipitation*0.5@2004-03")
            return lambda token: engine.simulate(asked, cancel=token)
        case "twin":
            asked = SimulationRequest("twin-earth", cells[:64], **PERIOD)
            return lambda token: engine.simulate(asked, cancel=token)
        case "data":
            places = tuple(int(c) for c in engine.source("towers").cube.cells["cell"].values)  # type: ignore[attr-defined]
            first, last = engine.source("towers").period  # type: ignore[attr-defined]
            return lambda token: engine.simulate(SimulationRequest("towers", places, first, last), cancel=token)
        case "explanation":
            why = ExplanationRequest("small", cells[0], lags=60, start="2004-01-01", end="2004-06-30")
            return lambda token: engine.explain(why, cancel=token)
        case "twin explanation":
            why = ExplanationRequest("twin-earth", cells[0], "tws", "finite_difference", 30, "2004-03-01", "2004-05-31")
            return lambda token: engine.explain(why, cancel=token)
        case "pulse":
            pulse = ImpulseRequest("small", cells[:40], lags=60)
            return lambda token: engine.impulse(pulse, cancel=token)
    out = tmp_path / "a.zarr"
    source, monthly = engine.source("small"), SimulationRequest("small", cells, **PERIOD, frequency="monthly")
    return lambda token: run_blocks(source, engine.world, small_cube, monthly, cells, out, cancel=token)


def test_every_kind_of_question_stops_where_it_is_told(ask: Ask) -> None:
    whole = Token()
    ask(whole)
    assert whole.looks >= 5, "it looks often enough to be stopped on its way"
    for last in (1, whole.looks // 2, whole.looks - 1):
        token = Token(last)
        with pytest.raises(Cancelled):
            ask(token)
        assert token.looks <= last + 2 * arrays.threads() + 2, "it goes no further once it knows"


def test_an_evaluation_stops_while_it_judges(small_model: Path, small_cube: Path) -> None:
    own, stop, told = Engine([small_model], small_cube), threading.Event(), []

    def progress(fraction: float, message: str) -> None:
        told.append(fraction)
        if message.startswith("judging"):
            stop.set()

    with pytest.raises(Cancelled):
        own.evaluate("small", progress, stop)
    assert 0.95 <= told[-1] < 1 and not own._evaluations


@pytest.mark.parametrize("frequency", ["daily", "monthly"])
def test_a_run_never_steps_long_without_looking(
    engine: Engine, frequency: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stretches, "WORK", 3000)
    token, work = Token(), [0]
    seen: dict[int, int] = {}

    def counted(run: Callable[..., Any]) -> Callable[..., Any]:
        def step(model: Any, prepared: Any, forcing: Any, *more: Any, **named: Any) -> Any:
            work[0] += int(np.prod(forcing.shape[:-1]))
            seen[token.looks] = seen.get(token.looks, 0) + int(np.prod(forcing.shape[:-1]))
            return run(model, prepared, forcing, *more, **named)

        return step

    for name in ("run", "advance", "sums"):
        monkeypatch.setattr(fast, name, counted(getattr(fast, name)))
    cells = tuple(int(c) for c in engine.world["cell"].values)
    engine.simulate(SimulationRequest("small", cells, **PERIOD, frequency=frequency), cancel=token)  # type: ignore[arg-type]
    assert work[0] > 100_000 and max(seen.values()) <= 3000


@pytest.mark.parametrize("variability", ["climatological", "interannual"])
def test_weather_is_made_in_bounded_pieces_that_change_no_bit(
    engine: Engine, variability: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec, cells = WeatherSpec(5, variability), engine.world["cell"].values[:70]  # type: ignore[arg-type]
    whole = generate_arrays(engine.world, cells, "2003-01-01", "2003-12-31", spec)
    monkeypatch.setattr(weather, "_WORK_AT_ONCE", 9 * 366)
    token = Token()
    pieces = generate_arrays(engine.world, cells, "2003-01-01", "2003-12-31", spec, 2, token)
    np.testing.assert_array_equal(pieces, whole)
    assert token.looks >= 2 * (70 // 9)
    with pytest.raises(Cancelled):
        generate_arrays(engine.world, cells, "2003-01-01", "2003-12-31", spec, 2, Token(9))
