"""Gauged basins: records made whole and said so, training on windows, calibration, and a stranger's basin scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import numpy as np
import pytest
import torch
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from hdlcore.analysis.scores import nse
from hdlcore.data.cubes import open_cube
from hdlcore.data.ingest import ingest
from hdlcore.data.sites import SITE_FEATURES, SITE_FORCING, SiteRecord, site_records
from hdlcore.errors import DataError, ModelError, RequestError
from hdlcore.models.checkpoint import load_tensors, read_card
from hdlcore.models.registry import model_kind
from hdlcore.runtime.domains import SitesDomain
from hdlcore.runtime.evaluate_sites import last_year
from hdlcore.runtime.publish import publish
from hdlcore.training.calibrate import calibrate, run_with
from hdlcore.training.recipes import Recipe, Target
from hdlcore.training.sites import FIRST_YEAR, SitesTask, extra_members, left_out_site, time_roles
from hdlcore.training.trainer import Trainer, make_task

YEARS = 9


def weather(days: np.ndarray, seed: int) -> dict[str, np.ndarray]:
    """Made-up days with seasons: rain on a third of them, cold winters."""
    rng = np.random.default_rng(seed)
    season = np.cos(2 * np.pi * (days - days[0]).astype(float) / 365.25)
    rain = np.where(rng.random(days.size) < 0.35, rng.gamma(0.8, 9.0, days.size), 0.0)
    return {
        "precipitation": rain,
        "air_temperature": 9.0 - 11.0 * season + rng.normal(0, 3, days.size),
        "potential_evapotranspiration": np.clip(2.0 - 1.8 * season, 0.1, None),
    }


def true_runoff(forcing: np.ndarray) -> np.ndarray:
    """The river of an HBV whose parameters are known, mm d-1."""
    model = model_kind("hbv")(SITE_FEATURES)
    record = _bare(forcing)
    values = {p.name: np.array([p.default]) for p in model.parameters_table}
    return run_with(model, values, record)[:, 0]


def _bare(forcing: np.ndarray, runoff: np.ndarray | None = None) -> SiteRecord:
    empty = np.full(len(forcing), np.nan, np.float32)
    river = empty if runoff is None else runoff.astype(np.float32)
    return SiteRecord(0, "a", 50.0, 8.0, 1e8, np.datetime64("1991-01-01"), forcing.astype(np.float32), river, ())


@pytest.fixture(scope="module")
def cube_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two basins as a user brings them: one table lacks temperature for a month, the other potential evaporation."""
    folder = tmp_path_factory.mktemp("basins")
    days = np.arange("1991-01-01", f"{1991 + YEARS}-01-01", dtype="datetime64[D]")
    for seed, name in enumerate(("brook", "creek")):
        columns = weather(days, seed)
        river = true_runoff(np.stack(list(columns.values()), -1))
        columns["runoff"] = river
        if name == "brook":
            columns["air_temperature"][400:430] = np.nan
        else:
            del columns["potential_evapotranspiration"]
        header = ",".join(["date", *columns])
        rows = zip(days, *columns.values(), strict=True)
        lines = [",".join([str(day), *("" if np.isnan(v) else f"{v:.4f}" for v in values)]) for day, *values in rows]
        (folder / f"{name}.csv").write_text("\n".join([header, *lines]) + "\n")
        (folder / f"{name}.json").write_text(json.dumps({"lat": 50.0 + seed, "lon": 8.0, "area_km2": 100 + seed}))
    ingest([folder / "brook.csv", folder / "creek.csv"], "catchments", folder / "basins.zarr")
    return folder / "basins.zarr"


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return Recipe(
        id="tiny-basins", title="Tiny", model="hbv-hybrid", data="catchments", hidden=4, members=2, folds=2, batches=2,
        head_steps=40, windows=6, passes=3, window_months=12, warm_up_months=2, leave_one_out=1, learning_rate=0.01,
        targets={"runoff": Target(error="squared", floor=0.1)},
    )  # fmt: skip


@pytest.fixture(scope="module")
def task(recipe: Recipe, cube_path: Path) -> SitesTask:
    made = make_task(recipe, 0, cube_path)
    assert isinstance(made, SitesTask)
    return made


@pytest.fixture(scope="module")
def folder(recipe: Recipe, cube_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of the two basins, trained and published."""
    place = tmp_path_factory.mktemp("sites")
    for member in range(recipe.members + extra_members(recipe, cube_path)):
        Trainer(recipe, member, make_task(recipe, member, cube_path), place / "training").train()
    publish(recipe, place / "training", place / "tiny-basins", cube_path)
    return place / "tiny-basins"


# -- records ----------------------------------------------------------------------------------------------------


def test_records_are_whole_and_say_what_was_filled(cube_path: Path) -> None:
    brook, creek = site_records(open_cube(cube_path))
    for record in (brook, creek):
        assert np.isfinite(record.forcing).all() and record.forcing.shape[1] == len(SITE_FORCING)
        assert np.isfinite(record.features).all() and record.features.shape == (len(SITE_FEATURES),)
    assert "air temperature of 30 of" in brook.filled[0] and "Oudin" in creek.filled[0]
    # the filled month is of its season: February here, below freezing on average
    assert brook.forcing[400:430, 1].mean() < 5
    # 50 degrees north: more evaporation in July than in January
    month = creek.days.astype("datetime64[M]").astype(int) % 12
    assert creek.forcing[month == 6, 2].mean() > 5 * creek.forcing[month == 0, 2].mean()


def test_the_shipped_records_are_real_and_fill_what_two_of_them_lack() -> None:
    from hdlcore.training.sites import catchments_cube

    records = {record.name: record for record in site_records(catchments_cube(None))}
    assert len(records) == 7
    assert [name for name, record in records.items() if record.filled] == ["leaf_river", "lumod_2"]
    assert records["leaf_river"].forcing[:, 1].mean() == pytest.approx(19, abs=2)  # Mississippi


def test_a_gap_in_precipitation_cuts_the_record_and_a_short_one_is_refused(cube_path: Path, tmp_path: Path) -> None:
    days = np.arange("1991-01-01", "1996-01-01", dtype="datetime64[D]")
    columns = weather(days, 3)
    for gap, name in ((400, "long"), (900, "short")):
        rain = columns["precipitation"].copy()
        rain[gap] = np.nan
        rows = [
            f"{d},{'' if np.isnan(p) else p},{t}"
            for d, p, t in zip(days, rain, columns["air_temperature"], strict=True)
        ]
        (tmp_path / f"{name}.csv").write_text("\n".join(["date,precipitation,air_temperature", *rows]))
        (tmp_path / f"{name}.json").write_text('{"lat": 48, "lon": 9}')
        ingest([tmp_path / f"{name}.csv"], "catchments", tmp_path / f"{name}.zarr")
    (record,) = site_records(open_cube(tmp_path / "long.zarr"))
    assert record.first == days[401] and len(record.forcing) == days.size - 401
    with pytest.raises(DataError, match=r"'short' has 925 days of precipitation without a gap; three years"):
        site_records(open_cube(tmp_path / "short.zarr"))
    with pytest.raises(RequestError, match="has no place 9"):
        site_records(open_cube(cube_path), (9,))


# -- training ---------------------------------------------------------------------------------------------------


@given(length=st.integers(1200, 15000), folds=st.integers(2, 8), share=st.floats(0.1, 0.6), fold=st.integers(0, 7))
def test_roles_in_time_do_not_overlap_and_the_last_share_is_the_test(
    length: int, folds: int, share: float, fold: int
) -> None:
    train, validation, test = time_roles(length, fold % folds, folds, share)
    assert (train.astype(int) + validation + test).max() == 1
    assert not (train | validation)[:FIRST_YEAR].any()
    assert test.sum() == length - round(length * (1 - share)) and test[-1]
    assert validation.any() or round(length * (1 - share)) <= FIRST_YEAR


def test_what_is_tested_or_left_out_does_not_touch_a_pass(task: SitesTask, recipe: Recipe, tmp_path: Path) -> None:
    trainer = Trainer(recipe, 0, task, tmp_path)
    states = task.warm(trainer.model)
    before = [float(losses.targets.detach()) for losses in task.begin(trainer.model, states, 0)]
    kept = task.data.runoff.clone()
    try:
        task.data.runoff[~task.data.train] += 100
        after = [float(losses.targets.detach()) for losses in task.begin(trainer.model, states, 0)]
    finally:
        task.data.runoff.copy_(kept)
    assert after == before


def test_a_member_for_an_unseen_basin_sees_nothing_of_it(recipe: Recipe, cube_path: Path) -> None:
    assert extra_members(recipe, cube_path) == 2
    member = recipe.members + 1
    made = make_task(recipe, member, cube_path)
    assert isinstance(made, SitesTask)
    at = left_out_site(recipe, member, 2)
    assert at == 1 and not made.data.train[:, at].any() and made.data.train[:, 0].any()
    chosen = made.begin(
        Trainer(recipe, member, made, Path("/tmp")).model,
        made.warm(Trainer(recipe, member, made, Path("/tmp")).model),
        0,
    )
    basins, _ = chosen._draw(400)  # type: ignore[attr-defined]
    assert set(basins.tolist()) == {0}


def test_an_interrupted_training_on_basins_ends_in_the_same_bits(
    task: SitesTask, recipe: Recipe, tmp_path: Path
) -> None:
    whole = Trainer(recipe, 0, task, tmp_path / "whole")
    whole.train()
    short = Trainer(recipe, 0, task, tmp_path / "broken")
    short.states = task.warm(short.model)
    short.history.append(short._pass(short.states))
    short.done = 1
    short._keep_best()
    short.save()
    again = Trainer(recipe, 0, task, tmp_path / "broken")
    assert again.resume()
    again.train()
    first, second = load_tensors(whole.result)[0], load_tensors(again.result)[0]
    for name in first:
        torch.testing.assert_close(second[name], first[name], rtol=0, atol=0)


def test_kinds_and_targets_that_do_not_fit_basins_are_refused(recipe: Recipe, cube_path: Path) -> None:
    with pytest.raises(ModelError, match="basins have precipitation"):
        make_task(recipe.model_copy(update={"model": "h2m"}), 0, cube_path)
    with pytest.raises(ModelError, match="'runoff' as its one target"):
        make_task(recipe.model_copy(update={"targets": {"tws": Target(floor=1.0)}}), 0, cube_path)


def test_a_river_that_does_not_vary_is_refused(
    recipe: Recipe, cube_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = [SiteRecord(**{**r.__dict__, "runoff": np.ones_like(r.runoff)}) for r in site_records(open_cube(cube_path))]
    monkeypatch.setattr("hdlcore.training.sites.site_records", lambda cube: flat)
    with pytest.raises(DataError, match="'brook' has no runoff that varies"):
        make_task(recipe, 0, cube_path)


# -- calibration ------------------------------------------------------------------------------------------------


def test_calibration_finds_the_river_of_a_known_bucket() -> None:
    days = np.arange("1991-01-01", "1995-01-01", dtype="datetime64[D]")
    forcing = np.stack(list(weather(days, 5).values()), -1)
    record = _bare(forcing, true_runoff(forcing))
    train = (np.arange(days.size) >= 365) & (np.arange(days.size) < 1000)
    values, runoff = calibrate("hbv", record, train)
    assert nse(runoff[1000:], record.runoff[1000:]) > 0.9
    table = {p.name: p for p in model_kind("hbv").parameters_table}
    assert all(table[name].low <= value <= table[name].high for name, value in values.items())
    with pytest.raises(ModelError, match="have networks"):
        calibrate("hbv-hybrid", record, train)


def test_last_years_river_is_the_river_a_year_before() -> None:
    record = _bare(np.zeros((800, 3)), np.arange(800.0))
    guess = last_year(record)
    assert np.isnan(guess[:365]).all() and (guess[365:] == np.arange(435)).all()


# -- the model, published, and a stranger's basin -----------------------------------------------------------------


def test_the_card_has_every_basin_beside_its_rivals(folder: Path) -> None:
    card = read_card(folder)
    assert set(card.scores["basins"]) == {"brook", "creek"}
    assert {"hbv", "last_year", "unseen_basin"} <= set(card.baselines)
    assert card.baselines["hbv"]["brook"]["nse"] > 0.9  # the river is an HBV's own
    assert card.scores["mass_balance"]["max_abs_residual_mm_per_year"] < 0.05
    assert {"coverage_50", "coverage_90", "crps"} <= set(card.scores["uncertainty"]["runoff"])


def test_a_basin_from_csv_is_simulated_and_scored_without_training(
    hdl: Callable[..., CompletedProcess[str]], folder: Path, cube_path: Path, tmp_path: Path
) -> None:
    own = ("--models", str(folder), "--data", str(cube_path))
    scored = hdl("evaluate", "tiny-basins", "--json", *own)
    assert scored.returncode == 0, scored.stderr
    printed = json.loads(scored.stdout)
    assert set(printed["basins"]) == {"brook", "creek"} and printed["basins"]["brook"]["n_days"] > 365 * YEARS / 4
    period = ("--start", "1994-01-01", "--end", "1995-12-31")
    run = hdl("simulate", "tiny-basins", "--cell", "creek", *period, "--out", str(tmp_path / "c.nc"), *own)
    assert run.returncode == 0, run.stderr
    with xr.open_dataset(tmp_path / "c.nc") as written:
        assert written.sizes == {"time": 730, "cell": 1} and "observed" in written["precipitation"].attrs["source"]
    for options, said in (
        (("--cell", "rhine"), "knows no place 'rhine'"),
        (("--region", "Europe"), "runs at places"),
        (("--cell", "creek", "--start", "1980-01-01"), "has weather without gaps from 1991-01-01"),
    ):
        refused = hdl("simulate", "tiny-basins", *options, "--out", str(tmp_path / "x.nc"), *own)
        assert refused.returncode == 1 and said in " ".join(refused.stderr.split()), refused.stderr


def test_the_run_of_a_place_is_the_same_whatever_runs_beside_it(folder: Path, cube_path: Path) -> None:
    from hdlcore.runtime.ensemble import Ensemble

    ensemble = Ensemble(folder, read_card(folder), SitesDomain(open_cube(cube_path)))
    day = np.datetime64("1993-01-01").item(), np.datetime64("1993-12-31").item()
    together = ensemble.run(np.array([0, 1]), *day).outputs
    for cell in (0, 1):
        torch.testing.assert_close(
            ensemble.run(np.array([cell]), *day).outputs[:, :, 0], together[:, :, cell], rtol=1e-4, atol=1e-3
        )
