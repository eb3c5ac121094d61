"""The engine answers with the same numbers however it is asked, and refuses in one sentence."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from hdlcore.analysis.aggregate import area_mean
from hdlcore.attribution.registry import METHODS
from hdlcore.attribution.views import WARMTH_WETS, rain_fed
from hdlcore.data.regions import cells_in_region
from hdlcore.errors import Cancelled, ModelError, RequestError
from hdlcore.runtime.cache import DatasetCache
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.model_source import methods_of
from hdlcore.runtime.requests import ExplanationRequest, ImpulseRequest, SimulationRequest
from hdlcore.variables import VARIABLES


@pytest.fixture(scope="module")
def engine(small_model: Path, small_cube: Path) -> Engine:
    """The small model on the small cube."""
    return Engine([small_model], small_cube)


@pytest.fixture(scope="module")
def cells(engine: Engine) -> tuple[int, ...]:
    """Six cells, snow to desert."""
    return tuple(int(c) for c in engine.world["cell"].values[:: engine.world.sizes["cell"] // 6][:6])


def ask(engine: Engine, cells: tuple[int, ...], **more: str) -> xr.Dataset:
    """Simulate two years."""
    return engine.simulate(SimulationRequest("small", cells, **{"start": "2003-03-01", "end": "2005-02-28"} | more))


def test_a_cell_alone_is_the_cell_in_a_batch_in_any_order(engine: Engine, cells: tuple[int, ...]) -> None:
    together, backwards = ask(engine, cells), ask(engine, cells[::-1])
    np.testing.assert_array_equal(backwards["cell"], cells[::-1])
    for name in ("precipitation", "tws", "swe", "evapotranspiration", "soil_fraction", "tws_spread"):
        np.testing.assert_allclose(
            backwards[name].sel(cell=list(cells)), together[name].sel(cell=list(cells)), rtol=1e-4, atol=2e-3
        )
        np.testing.assert_allclose(ask(engine, cells[2:3])[name][:, 0], together[name][:, 2], rtol=1e-4, atol=2e-3)


def test_the_ensemble_mean_closes_its_water_balance(engine: Engine, cells: tuple[int, ...]) -> None:
    """Means are of whole runs, so what holds for each member holds for the mean: < 0.05 mm per year."""
    run = ask(engine, cells).astype(np.float64)
    net = (run["rainfall"] + run["snowfall"] - run["evapotranspiration"] - run["runoff"]).values
    change = np.diff(run["tws"].values, axis=0)
    for first in (0, 365):
        days = slice(first, first + 365)
        assert np.abs((net[1:][days] - change[days]).sum(0)).max() < 0.05


def test_total_storage_is_the_sum_of_its_stores(engine: Engine, cells: tuple[int, ...]) -> None:
    run = ask(engine, cells)
    total = run["swe"] + run["soil_moisture"] + run["groundwater"]
    np.testing.assert_allclose(run["tws"], total, rtol=1e-5, atol=1e-2)


def test_monthly_values_are_means_of_daily_ones(engine: Engine, cells: tuple[int, ...]) -> None:
    daily, monthly = ask(engine, cells[:2]), ask(engine, cells[:2], frequency="monthly")
    assert monthly.sizes["time"] == 24
    february = daily.sel(time="2004-02")
    assert february.sizes["time"] == 29
    np.testing.assert_allclose(monthly["tws"].sel(time="2004-02-01"), february["tws"].mean("time"), rtol=1e-5)


def test_a_run_does_not_depend_on_where_it_starts(engine: Engine, cells: tuple[int, ...]) -> None:
    """Warm states agree: runs that began a year apart differ by less than weather makes the store swing."""
    long = ask(engine, cells)["tws"].sel(time="2005-01")
    short = ask(engine, cells, start="2004-03-01")["tws"].sel(time="2005-01")
    swing = ask(engine, cells)["tws"].std("time")
    assert (abs(long - short).max("time") < 0.75 * swing + 2).all()


def test_every_variable_has_units_and_the_run_says_what_made_it(engine: Engine, cells: tuple[int, ...]) -> None:
    run = ask(engine, cells)
    for name, values in run.data_vars.items():
        assert values.attrs["units"] == VARIABLES[str(name).removesuffix("_spread")].units
        assert np.isfinite(values).all(), name
    assert run.attrs["model"] == "small"
    assert "generated" in run.attrs["weather"] and "generated" in run["precipitation"].attrs["source"]


def test_answers_cannot_be_changed_by_one_who_reads_them(engine: Engine, cells: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="read-only"):
        ask(engine, cells)["tws"].values[0, 0] = 0


def test_the_same_question_is_answered_from_the_cache(engine: Engine, cells: tuple[int, ...]) -> None:
    assert ask(engine, cells) is ask(engine, cells)


def test_the_cache_is_bounded_and_forgets_the_oldest() -> None:
    def made() -> xr.Dataset:
        return xr.Dataset({"a": ("x", np.zeros(1000, np.float64))})

    cache = DatasetCache(max_bytes=20_000)
    for key in range(5):
        cache.get(key, made)
    assert cache.nbytes <= 20_000 and len(cache) == 2
    calls: list[int] = []
    cache.get(4, lambda: calls.append(1) or made())  # type: ignore[func-returns-value]
    assert not calls
    cache.get(0, lambda: calls.append(1) or made())  # type: ignore[func-returns-value]
    assert calls == [1]


def test_an_explanation_adds_up_and_names_its_baseline(engine: Engine, cells: tuple[int, ...]) -> None:
    request = ExplanationRequest("small", cells[3], "tws", "integrated_gradients", 40, "2004-01-01", "2004-12-31")
    result = engine.explain(request)
    assert result["attribution"].dims == ("time", "lag", "forcing")
    assert result.sizes["time"] == 366
    total = result["attribution"].sum(("lag", "forcing"))
    np.testing.assert_allclose(total - result["difference"], result["completeness_gap"], atol=1e-2)
    assert "seasonal cycle" in result.attrs["baseline"]


def test_what_the_model_lacks_is_refused_by_name(engine: Engine, cells: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="No model or data set is called 'h9'; at hand: small"):
        engine.simulate(SimulationRequest("h9", cells))
    with pytest.raises(RequestError, match="no output 'gpp'"):
        engine.explain(ExplanationRequest("small", cells[0], "gpp"))
    with pytest.raises(RequestError):
        engine.simulate(SimulationRequest("small", (0,)))


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"cells": ()}, "No cell"),
        ({"start": "2004-02-30"}, "not a date"),
        ({"start": "2005-01-01", "end": "2004-01-01"}, "before it starts"),
        ({"start": "0999-01-01"}, "outside"),
        ({"frequency": "hourly"}, "daily or monthly"),
        ({"start": "2004-01-02", "end": "2004-02-28", "frequency": "monthly"}, "no whole month"),
    ],
)
def test_bad_requests_say_what_and_how_to_mend(request_: dict, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        SimulationRequest(**{"model": "small", "cells": (1,)} | request_)


def test_a_region_without_cells_is_refused(engine: Engine) -> None:
    with pytest.raises(RequestError):
        cells_in_region(engine.world, "Atlantis")


def test_a_request_too_large_names_what_fits(engine: Engine, cells: tuple[int, ...]) -> None:
    with pytest.raises(RequestError, match="cells at a time"):
        engine.simulate(SimulationRequest("small", cells * 40_000, "1950-01-01", "2050-01-01"))


def test_cancelled_work_stops_and_keeps_nothing(engine: Engine, cells: tuple[int, ...]) -> None:
    token = threading.Event()
    token.set()
    request = SimulationRequest("small", cells, "2001-01-01", "2001-12-31")
    with pytest.raises(Cancelled):
        engine.simulate(request, cancel=token)
    assert engine.simulate(request)["tws"].notnull().all()


def test_the_twin_stands_beside_the_models_and_says_that_it_is_generated(engine: Engine) -> None:
    info = {info.id: info for info in engine.sources()}["twin-earth"]
    assert info.generated and info.kind == "twin" and info.methods == ("finite_difference", "carriers")
    cell = int(engine.world["cell"].values[3])
    run = engine.simulate(SimulationRequest("twin-earth", (cell,), "2004-01-01", "2004-12-31"))
    assert run.attrs["source"] == "generated" and all(run[n].attrs["source"] == "generated" for n in run.data_vars)
    assert run["tws"].notnull().all() and not any(str(name).endswith("_spread") for name in run.data_vars)
    with pytest.raises(RequestError, match="cannot be explained by 'integrated_gradients'; it has finite_difference"):
        engine.explain(ExplanationRequest("twin-earth", cell))
    with pytest.raises(RequestError, match="cannot be explained by 'finite_difference'"):
        engine.explain(ExplanationRequest("small", cell, method="finite_difference"))


def test_the_twins_true_response_obeys_mass_and_says_what_a_linearisation_leaves(engine: Engine) -> None:
    """A mm more rain leaves at most a mm more, and no less than nothing, in storage on any later day."""
    cell = int(engine.world["cell"].values[3])
    request = ExplanationRequest("twin-earth", cell, "tws", "finite_difference", 60, "2004-01-01", "2004-12-31")
    why = engine.explain(request)
    assert why["attribution"].dims == ("time", "lag", "forcing") and why["attribution"].shape == (366, 60, 3)
    run = engine.simulate(SimulationRequest("twin-earth", (cell,), "2004-01-01", "2004-12-31"))
    wet = run["precipitation"].squeeze() > 5
    share = why["attribution"].sel(forcing="precipitation", lag=0)[wet] / run["precipitation"].squeeze()[wet]
    assert bool(((share > 0) & (share <= 1.001)).all())
    total = why["attribution"].sum(("lag", "forcing"))
    np.testing.assert_allclose(total - why["difference"], why["completeness_gap"], atol=1e-2)


def test_a_model_has_the_methods_that_do_not_refuse_it(engine: Engine) -> None:
    card = engine.model("small").card
    assert set(METHODS) - set(engine.source("small").info.methods) == {"additive_decomposition"}
    assert set(methods_of(card.model_copy(update={"kind": "lstm"}))) == set(METHODS)


@pytest.mark.parametrize("frequency", ["daily", "monthly"])
def test_a_scenario_reruns_only_what_changes_and_gives_the_same_numbers(
    small_model: Path, small_cube: Path, cells: tuple[int, ...], frequency: str
) -> None:
    """Run on from the state kept before the change = run as a whole from the beginning."""
    text = "precipitation*0.2@2004-06..2004-09"
    request = SimulationRequest("small", cells, "2002-01-01", "2005-12-31", frequency, text)
    engine = Engine([small_model], small_cube)
    days: list[int] = []
    ensemble = engine.ensemble("small")
    run = ensemble.run
    ensemble.run = lambda *a, **k: (series := run(*a, **k), days.append(series.days.size))[0]  # type: ignore[method-assign]
    quick = engine.simulate(request)
    # all four years (days or months) without the change, then the two from 1 January 2004 on
    assert days == ([48, 24] if frequency == "monthly" else [1461, 731])
    whole = engine.source("small").simulate(request, None, None)
    xr.testing.assert_allclose(quick, whole, rtol=1e-5, atol=1e-4)
    plain = engine.simulate(SimulationRequest("small", cells, "2002-01-01", "2005-12-31", frequency))
    before = slice(None, "2004-05-31")
    xr.testing.assert_equal(quick.sel(time=before), plain.sel(time=before))
    drought = (quick - plain).sel(time=slice("2004-10-01", "2004-10-31"))
    assert float(drought["tws"].max()) <= 1e-3 and float(drought["tws"].min()) < -1
    assert quick.attrs["scenario"] == "precipitation*0.2@2004-06-01..2004-09-30"


def test_an_answer_does_not_depend_on_what_was_asked_before(
    small_model: Path, small_cube: Path, cells: tuple[int, ...]
) -> None:
    """States kept of an earlier, longer run are not taken for the warm start of another."""
    asked, fresh = Engine([small_model], small_cube), Engine([small_model], small_cube)
    asked.simulate(SimulationRequest("small", cells, "2003-01-01", "2005-12-31"))
    request = SimulationRequest("small", cells, "2005-01-01", "2005-06-30")
    xr.testing.assert_identical(asked.simulate(request), fresh.simulate(request))


def test_the_twin_answers_what_if(engine: Engine) -> None:
    cell = int(engine.world["cell"].values[3])
    plain = SimulationRequest("twin-earth", (cell,), "2004-01-01", "2004-12-31")
    wet = SimulationRequest("twin-earth", (cell,), "2004-01-01", "2004-12-31", scenario="precipitation+10@2004-05-01")
    change = engine.simulate(wet) - engine.simulate(plain)
    np.testing.assert_array_equal(change["tws"].sel(time=slice(None, "2004-04-30")), 0)
    assert float(change["tws"].sel(time="2004-05-01").squeeze()) == pytest.approx(10, abs=1)
    out = float((change["evapotranspiration"] + change["runoff"]).sum())
    assert out + float(change["tws"][-1].squeeze()) == pytest.approx(10, abs=0.01)


def test_a_pulse_is_followed_alone_as_in_a_batch_and_its_water_is_all_there(
    engine: Engine, cells: tuple[int, ...]
) -> None:
    together = engine.impulse(ImpulseRequest("small", cells, lags=200))
    alone = engine.impulse(ImpulseRequest("small", cells[2:3], lags=200))
    np.testing.assert_allclose(alone["tws"][0], together["tws"][2], rtol=1e-4, atol=2e-3)
    assert abs(together["water_unaccounted"]).max() < 0.05 and (together["pulse"] == 10).all()
    assert engine.impulse(ImpulseRequest("small", cells, lags=200)) is together, "asked twice, computed once"
    warm = engine.impulse(ImpulseRequest("small", cells, "air_temperature", lags=60))
    assert warm["implausible"].dims == ("flag", "cell") and WARMTH_WETS in warm["flag"].values
    assert set(rain_fed(warm)) == {True, False}, "from snow to desert"


def test_the_twin_answers_a_pulse_as_a_difference_of_runs(engine: Engine) -> None:
    cell = (int(engine.world["cell"].values[3]),)
    response = engine.impulse(ImpulseRequest("twin-earth", cell, day="2004-05-01", lags=120)).isel(cell=0)
    came_out = (response["evapotranspiration"] + response["runoff"]).cumsum("lag")
    np.testing.assert_allclose(came_out + response["tws"], 10, atol=0.02)


def test_the_twin_says_what_each_store_truly_carried(engine: Engine) -> None:
    cell = int(engine.world["cell"].values[3])
    asked = ExplanationRequest("twin-earth", cell, "tws", "carriers", 60, "2004-01-01", "2004-12-31", 30)
    answer = engine.explain(asked)
    assert answer["attribution"].dims == ("time", "lag", "store") and answer.sizes["time"] == 13
    assert {"swe", "soil_moisture", "groundwater"} <= set(answer["store"].values)
    assert list(answer["lag"].values[:4]) == [0, 1, 2, 3] and int(answer["lag_last"].values[-1]) == 59
    near, far = (float(abs(answer["attribution"]).isel(lag=i).sum()) for i in (1, -1))
    assert near > far > 0, "what a store holds fades"


def test_a_pulse_that_cannot_be_given_is_refused(engine: Engine, cells: tuple[int, ...]) -> None:
    for asked, said in (
        (ImpulseRequest("small", cells, "wind_speed"), "no driver 'wind_speed'"),
        (ImpulseRequest("twin-earth", cells, "wind_speed"), "no driver 'wind_speed'"),
        (ImpulseRequest("towers", (0,)), "answers no pulse"),
        (ImpulseRequest("small", (0,)), "cell"),
    ):
        with pytest.raises(RequestError, match=said):
            engine.impulse(asked)
    wrongs: tuple[tuple[dict[str, object], str], ...] = (
        ({"lags": 0}, "1 to 1460"), ({"size": 0.0}, "moves nothing"), ({"cells": ()}, "1 to 200 cells"),
        ({"day": "May"}, "not a date"),
    )  # fmt: skip
    for wrong, said in wrongs:
        with pytest.raises(RequestError, match=said):
            ImpulseRequest(**{"model": "small", "cells": cells, **wrong})  # type: ignore[arg-type]


def test_grades_stand_in_the_models_folder(engine: Engine) -> None:
    assert engine.grades("small") is None
    with pytest.raises(ModelError, match="No model is called 'twin-earth'"):
        engine.grades("twin-earth")


def test_a_damaged_model_is_left_out_and_the_rest_serves(small_model: Path, small_cube: Path, tmp_path: Path) -> None:
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "card.json").write_text("{}")
    engine = Engine([tmp_path, small_model], small_cube)
    assert "small" in [info.id for info in engine.models()]
    assert any("broken" in problem for problem in engine.problems)


def test_fields_agree_with_the_engines_own_run(engine: Engine, cells: tuple[int, ...]) -> None:
    fields = engine.fields("small")
    run = engine.simulate(SimulationRequest("small", cells[:3]))
    cycle = run["tws"].groupby("time.month").mean()
    stored = fields["tws"].sel(cell=list(cells[:3]))
    np.testing.assert_allclose(stored, cycle, rtol=5e-3, atol=1.0)
    shares = fields["snow_share"] + fields["soil_share"] + fields["groundwater_share"]
    swings = fields["tws"].std("month") > 1
    np.testing.assert_allclose(shares.where(swings, 1), 1, atol=0.02)


def test_an_area_mean_weighs_by_area(engine: Engine) -> None:
    fields = engine.fields("small")
    expected = np.average(fields["precipitation"][0], weights=fields["area"])
    assert float(area_mean(fields[["precipitation"]])["precipitation"][0]) == pytest.approx(expected, rel=1e-5)


def test_warming_up_runs_and_asks_every_model(small_model: Path, small_cube: Path) -> None:
    engine = Engine([small_model], small_cube)
    asked: list[tuple[str, str]] = []
    models = [info.id for info in engine.models()]
    for name in models:
        source = engine.source(name)
        for door in ("simulate", "explain"):
            plain = getattr(source, door)

            def told(*args: Any, plain: Any = plain, note: tuple[str, str] = (name, door)) -> xr.Dataset:
                asked.append(note)
                return plain(*args)

            setattr(source, door, told)
    before = list(engine.problems)
    engine.warm_up()
    assert set(asked) == {(name, door) for name in models for door in ("simulate", "explain")}
    assert engine.problems == before
