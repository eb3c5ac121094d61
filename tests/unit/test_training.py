"""Training: resumed to the same bits, held out truly held out, losses as defined, bad input refused in a sentence."""

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

from hdlcore.data.cube import open_world, unit_vectors
from hdlcore.errors import ModelError, RequestError
from hdlcore.models.checkpoint import load_tensors, read_card
from hdlcore.training.land import LandTask, land_data
from hdlcore.training.losses import (
    TaskWeights,
    budyko_departure,
    budyko_evaporation,
    departures,
    mean_error,
    parts,
    target_loss,
)
from hdlcore.training.recipes import Recipe, Target, load_recipe, recipe_names
from hdlcore.training.splits import Split, block_folds, compact_parts, near
from hdlcore.training.task import scale_inputs
from hdlcore.training.trainer import Trainer, make_task, one_cycle


@pytest.fixture(scope="module")
def task(small_cube: Path, small_recipe: Recipe) -> LandTask:
    made = make_task(small_recipe, 0, small_cube)
    assert isinstance(made, LandTask)
    return made


# -- the trainer ------------------------------------------------------------------------------------------------


def test_an_interrupted_training_ends_in_the_same_bits(task: LandTask, small_recipe: Recipe, tmp_path: Path) -> None:
    whole = Trainer(small_recipe, 0, task, tmp_path / "whole")
    whole.train()

    class Interrupted(Exception):
        pass

    def stop(done: int, _: dict) -> None:
        if done == 2:
            broken.save()
            raise Interrupted

    broken = Trainer(small_recipe, 0, task, tmp_path / "broken")
    with pytest.raises(Interrupted):
        broken.train(stop)
    again = Trainer(small_recipe, 0, task, tmp_path / "broken")
    assert again.resume() and again.done == 2
    again.train()
    first, _ = load_tensors(whole.result)
    second, _ = load_tensors(again.result)
    for name in first:
        torch.testing.assert_close(second[name], first[name], rtol=0, atol=0)
    assert json.dumps(again.history) == json.dumps(whole.history)


def test_training_learns(task: LandTask, small_recipe: Recipe, tmp_path: Path) -> None:
    trainer = Trainer(small_recipe.model_copy(update={"passes": 16}), 0, task, tmp_path)
    trainer.train()
    losses = [record["loss"] for record in trainer.history]
    assert np.mean(losses[-4:]) < 0.95 * np.mean(losses[:4])


def test_the_best_weights_of_the_second_half_are_kept(task: LandTask, small_recipe: Recipe, tmp_path: Path) -> None:
    trainer = Trainer(small_recipe, 0, task, tmp_path)
    kept = []
    for score in (0.9, 0.5, 0.8, 0.1):
        trainer.done += 1
        trainer.history.append({"score_validation": score})
        with torch.no_grad():
            next(trainer.model.parameters()).fill_(trainer.done)
        trainer._keep_best()
        kept.append(trainer.best_pass)
    # averages: 0.9, 0.7, 0.73, 0.58; the first pass, in the first half, does not count
    name = next(name for name, _ in trainer.model.named_parameters())
    assert kept == [1, 2, 3, 3] and (trainer.best[name] == 3).all()


def test_training_ends_early_when_nothing_gets_better(task: LandTask, small_recipe: Recipe, tmp_path: Path) -> None:
    recipe = small_recipe.model_copy(update={"passes": 40, "patience": 3})
    trainer = Trainer(recipe, 0, task, tmp_path)
    trainer.done, trainer.best_pass = 30, 27
    assert trainer.finished
    trainer.best_pass = 28
    assert not trainer.finished


def test_an_exploding_loss_is_told_and_the_checkpoint_stays(
    task: LandTask, small_recipe: Recipe, tmp_path: Path
) -> None:
    trainer = Trainer(small_recipe, 0, task, tmp_path)
    trainer.states = task.warm(trainer.model)
    trainer.save()
    before = trainer.checkpoint.read_bytes()
    with torch.no_grad():
        next(trainer.model.parameters()).fill_(torch.nan)
    with pytest.raises(ModelError, match="lower 'learning_rate'"):
        trainer.train()
    assert trainer.checkpoint.read_bytes() == before and not trainer.result.exists()


def test_a_checkpoint_of_another_recipe_is_refused_and_left(
    task: LandTask, small_recipe: Recipe, tmp_path: Path
) -> None:
    trainer = Trainer(small_recipe, 0, task, tmp_path)
    trainer.states = task.warm(trainer.model)
    trainer.save()
    other = Trainer(small_recipe.model_copy(update={"learning_rate": 1e-4}), 0, task, tmp_path)
    with pytest.raises(ModelError, match="another recipe"):
        other.resume()
    assert trainer.checkpoint.is_file()
    grown = Trainer(small_recipe.model_copy(update={"members": 9}), 0, task, tmp_path)
    assert grown.resume()  # an ensemble on land may grow


def test_a_static_that_does_not_vary_counts_for_nothing(task: LandTask, small_recipe: Recipe, tmp_path: Path) -> None:
    model = Trainer(small_recipe, 0, task, tmp_path).model
    forcing, statics = task.scaling()
    statics = statics.clone()
    statics[:, 3] = 5.0

    class Constant(LandTask):
        def __init__(self) -> None:
            pass

        def scaling(self) -> tuple[torch.Tensor, torch.Tensor]:
            return forcing, statics

    scale_inputs(model, Constant())
    moved = statics.clone()
    moved[:, 3] = 500.0
    one, two = model.prepare(statics), model.prepare(moved)
    for name in one.parameters:
        torch.testing.assert_close(one.parameters[name], two.parameters[name])
        assert torch.isfinite(one.parameters[name]).all()


def test_the_rate_rises_and_falls() -> None:
    rates = [one_cycle(done, 50) for done in range(50)]
    assert max(rates) == pytest.approx(1, abs=0.02) and rates[-1] < 0.05 and rates[0] < 0.2


# -- splits -----------------------------------------------------------------------------------------------------


def test_what_is_held_out_does_not_touch_a_pass(task: LandTask, small_recipe: Recipe, tmp_path: Path) -> None:
    data = task.data
    seen = data.train
    assert 0.2 < seen.float().mean() < 0.8
    trainer = Trainer(small_recipe, 0, task, tmp_path)
    states = task.warm(trainer.model)
    before = [float(losses.targets.detach()) for losses in task.begin(trainer.model, states, 0)]
    values = data.observed["tws"].values
    kept = values.clone()
    try:
        values[:, ~seen] += 1000.0
        after = [float(losses.targets.detach()) for losses in task.begin(trainer.model, states, 0)]
    finally:
        values.copy_(kept)
    assert after == before


def test_a_split_has_a_buffer_and_roles_do_not_overlap(world: xr.Dataset) -> None:
    split = Split(world, member=1, folds=5, seed=1, buffer=3.0, validation=0.05)
    roles = np.stack([split.train, split.validation, split.held_out])
    assert roles.sum(0).max() == 1 and split.validation.any()
    places = unit_vectors(world["lat"].values, world["lon"].values)
    from_held = near(places, split.held_out, 3.0)
    assert not (from_held & (split.train | split.validation)).any()
    assert (from_held & ~split.held_out).any()
    again = Split(world, member=1, folds=5, seed=1, buffer=3.0, validation=0.05)
    np.testing.assert_array_equal(split.train, again.train)


def test_distance_knows_the_date_line_and_the_poles() -> None:
    lat, lon = np.array([0.5, 0.5, 0.5, 89.5, 89.5]), np.array([179.5, -179.5, -170.0, 0.0, 180.0])
    places = unit_vectors(lat, lon)
    assert near(places, np.array([True, False, False, False, False]), 1.5).tolist() == [True, True, False, False, False]
    assert near(places, np.array([False, False, False, True, False]), 1.5).tolist() == [False, False, False, True, True]


@given(n=st.integers(3, 200), k=st.integers(1, 12), seed=st.integers(0, 50))
def test_compact_parts_share_out_all_cells_evenly(n: int, k: int, seed: int) -> None:
    places = np.random.default_rng(7).standard_normal((n, 3))
    cut = compact_parts(places, k, np.random.default_rng(seed))
    assert sorted(np.concatenate(cut).tolist()) == list(range(n))
    if n >= 2 * k:
        assert len(cut) == k and max(p.size for p in cut) <= 2 * min(p.size for p in cut) + 1


def test_folds_hold_out_whole_blocks_evenly(world: xr.Dataset) -> None:
    fold = block_folds(world, 4, seed=1)
    for block in np.unique(world["block"].values)[::7]:
        assert np.unique(fold[world["block"].values == block]).size == 1
    shares = np.bincount(fold) / fold.size
    assert shares.min() > 0.2 and shares.max() < 0.3
    np.testing.assert_array_equal(fold, block_folds(world, 4, seed=1))
    assert (fold != block_folds(world, 4, seed=2)).any()


def test_every_fold_sees_every_climate(world: xr.Dataset) -> None:
    fold = block_folds(world, 4, seed=1)
    for zone in range(1, 6):
        shares = np.bincount(fold[world["climate_zone"].values == zone], minlength=4)
        assert shares.min() > 0.08 * shares.sum()


def test_members_of_real_data_learn_from_weather_of_their_own(small_cube: Path, small_recipe: Recipe) -> None:
    first, second = (land_data(small_recipe, member, small_cube).forcing for member in (0, 1))
    assert not torch.equal(first, second)


# -- losses -----------------------------------------------------------------------------------------------------

NAN = float("nan")


def test_missing_observations_do_not_touch_the_loss() -> None:
    observed, simulated = torch.zeros(12, 2), torch.randn(12, 2)
    observed[3, 0] = NAN
    scale, everywhere = torch.ones(2), torch.ones(2, dtype=torch.bool)
    simulated.requires_grad_()
    loss = mean_error(simulated, observed, scale, everywhere)
    (gradient,) = torch.autograd.grad(loss, simulated)
    assert torch.isfinite(loss) and torch.isfinite(gradient).all() and gradient[3, 0] == 0


def test_parts_of_a_series_add_up_and_gaps_are_gaps_on_both_sides() -> None:
    torch.manual_seed(1)
    observed, simulated = torch.randn(30, 3), torch.randn(30, 3)
    observed[5, 1] = NAN
    season, anomaly = parts(simulated, observed, "seasonal"), parts(simulated, observed, "anomaly")
    for side, whole in enumerate((simulated, observed)):
        again = season[side].repeat(3, 1)[:30] + anomaly[side]
        known = torch.isfinite(observed)
        torch.testing.assert_close(again[known], whole[known])
    # the missing month is left out of the simulated cycle too
    torch.testing.assert_close(season[0][5, 1], simulated[[17, 29], 1].mean())


def test_departures_forget_the_level() -> None:
    observed, simulated = torch.randn(24, 2), torch.randn(24, 2)
    observed[2, 0] = NAN
    target = Target(terms=("raw",), departures=True, floor=1.0)
    cells, scale = torch.ones(2, dtype=torch.bool), {"raw": torch.ones(2)}
    loss = target_loss(target, simulated, observed, scale, cells)
    shifted = target_loss(target, simulated + 300, observed - 40, scale, cells)
    torch.testing.assert_close(loss, shifted, rtol=1e-4, atol=1e-4)
    sides = departures(simulated, observed)
    known = torch.isfinite(observed)
    assert all(float(side[known[:, 0], 0].mean()) == pytest.approx(0, abs=1e-6) for side in sides)


def test_learned_weights_turn_to_the_targets_that_can_be_met() -> None:
    weights = TaskWeights(2)
    optimizer = torch.optim.Adam(weights.parameters(), lr=0.05)
    losses = torch.tensor([0.05, 2.0])
    for _ in range(600):
        optimizer.zero_grad()
        weights(losses).backward()
        optimizer.step()
    # at the optimum of exp(-s) L / 2 + s / 2 the variance is the loss itself
    torch.testing.assert_close(weights.log_variance.exp(), losses, rtol=0.02, atol=0.0)


def test_budyko_keeps_the_limits_of_water_and_energy() -> None:
    rain = torch.tensor([0.5, 2.0, 5.0])
    assert (budyko_evaporation(rain, torch.tensor(500.0)) <= rain * 1.001).all()
    assert (budyko_evaporation(torch.tensor(100.0), rain) <= rain * 1.001).all()
    curve = budyko_evaporation(rain, torch.tensor(3.0))
    everywhere = torch.ones(3, dtype=torch.bool)
    assert budyko_departure(curve, rain, torch.tensor(3.0), everywhere, 0.1) == 0
    assert budyko_departure(curve + 2, rain, torch.tensor(3.0), everywhere, 0.1) > 0.1


# -- recipes and cards ------------------------------------------------------------------------------------------


def test_passes_start_in_every_month_of_the_year() -> None:
    for name in recipe_names():
        recipe = load_recipe(name)
        if recipe.data != "catchments":
            months = 12 * (recipe.years[1] - recipe.years[0] + 1) - recipe.window_months - recipe.warm_up_months
            starts = {(recipe.stride_months * done) % months % 12 for done in range(12 * months)}
            assert starts == set(range(12)), name


def test_shipped_recipes_are_valid_and_cards_come_from_them() -> None:
    for name in recipe_names():
        assert load_recipe(name).id == name


TARGET = "[targets.tws]\nfloor = 15\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hiden = 3\n" + TARGET, "hiden"),
        ("", "targets"),
        ("window_months = 13\n" + TARGET, "whole years"),
        ("test_years = [2003, 2009]\n" + TARGET, "begin before"),
        ("[targets.tws]\nfloor = 15\nterms = ['raw', 'odd']\n", "terms"),
        ("members = \n", "not valid TOML"),
    ],
)
def test_a_bad_recipe_says_which_key(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('id = "x"\ntitle = "X"\n' + text)
    with pytest.raises(RequestError, match=said):
        load_recipe(path)


def test_an_unknown_recipe_names_those_there_are() -> None:
    with pytest.raises(RequestError, match="No recipe 'nothing'"):
        load_recipe("nothing")


def test_a_target_or_kind_that_does_not_fit_is_refused(small_cube: Path, small_recipe: Recipe) -> None:
    target = {"river": Target(floor=1.0)}
    with pytest.raises(Exception, match="river"):
        make_task(small_recipe.model_copy(update={"targets": target}), 0, small_cube)
    with pytest.raises(ModelError, match="generated weather has"):
        make_task(small_recipe.model_copy(update={"model": "hbv"}), 0, small_cube)


def test_a_published_card_tells_data_split_scores_and_limits(small_model: Path, small_cube: Path) -> None:
    card = read_card(small_model)
    assert card.members[0].held_out_fold != card.members[1].held_out_fold
    assert {"raw", "msc", "iav"} <= set(card.scores["tws"])
    assert card.limits and "10-degree blocks" in card.split
    assert {"zero_anomaly", "neighbour_mean"} <= set(card.baselines)
    assert card.data["world_version"] == str(open_world(small_cube).attrs.get("version", ""))


def test_a_search_writes_a_recipe_and_goes_on(
    hdl: Callable[..., CompletedProcess[str]], small_cube: Path, tmp_path: Path
) -> None:
    recipe, found = tmp_path / "tiny.toml", tmp_path / "found.toml"
    text = (
        'id = "tiny"\ntitle = "Tiny"  # kept\nlattice = 1\nfolds = 2\nbatches = 1\npasses = 2\nyears = [2001, 2003]\n'
        '[targets.tws]\nterms = ["seasonal"]\ndepartures = true\nfloor = 15\n'
    )
    recipe.write_text(text)
    for trials in (2, 1):
        done = hdl("search", str(recipe), "--out", str(found), "--trials", str(trials), "--data", str(small_cube))
        assert done.returncode == 0, done.stderr
    best = load_recipe(found)
    assert best.title == "Tiny" and "# kept" in found.read_text() and best.hidden != 64
    assert len(list((tmp_path / "found.search").glob("trial-*"))) == 3
