"""Training: resumed to the same bits, blocks truly held out, losses as defined."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from hdlcore.data.cube import open_world
from hdlcore.errors import RequestError
from hdlcore.models.checkpoint import load_tensors, read_card
from hdlcore.training.losses import budyko_departure, budyko_evaporation, seasonal_mae
from hdlcore.training.recipes import Recipe, load_recipe, recipe_names
from hdlcore.training.splits import block_folds, block_interior
from hdlcore.training.trainer import STRIDE_MONTHS, Trainer, one_cycle, training_data


def test_an_interrupted_training_ends_in_the_same_bits(small_cube: Path, small_recipe: Recipe, tmp_path: Path) -> None:
    small = open_world(small_cube)
    whole = Trainer(small_recipe, 0, small, tmp_path / "whole")
    whole.train()

    class Interrupted(Exception):
        pass

    def stop(done: int, _: dict) -> None:
        if done == 2:
            broken.save()
            raise Interrupted

    broken = Trainer(small_recipe, 0, small, tmp_path / "broken")
    with pytest.raises(Interrupted):
        broken.train(stop)
    again = Trainer(small_recipe, 0, small, tmp_path / "broken")
    assert again.resume() and again.done == 2
    again.train()
    first, _ = load_tensors(whole.weights)
    second, _ = load_tensors(again.weights)
    for name in first:
        torch.testing.assert_close(second[name], first[name], rtol=0, atol=0)
    assert again.history == whole.history


def test_the_block_size_does_not_change_a_pass(small_cube: Path, small_recipe: Recipe, tmp_path: Path) -> None:
    small = open_world(small_cube)
    one, many = (
        Trainer(small_recipe.model_copy(update={"block_cells": size, "passes": 1}), 0, small, tmp_path / str(size))
        for size in (1000, 17)
    )
    one.train()
    many.train()
    for (name, a), b in zip(one.model.named_parameters(), many.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=2e-5, msg=name)


def test_training_learns(small_model: Path, small_cube: Path, small_recipe: Recipe, tmp_path: Path) -> None:
    trainer = Trainer(small_recipe.model_copy(update={"passes": 16}), 0, open_world(small_cube), tmp_path)
    trainer.train()
    assert trainer.history[-1]["loss"] < 0.95 * trainer.history[0]["loss"]


def test_held_out_cells_do_not_touch_the_loss(small_cube: Path, small_recipe: Recipe) -> None:
    data = training_data(small_recipe, 0, open_world(small_cube))
    assert 0.2 < data.train.float().mean() < 0.8
    simulated = torch.randn(12, data.n_cells)
    loss = seasonal_mae(simulated, data.observed, data.scale, data.train)
    changed = torch.where(data.train, data.observed, data.observed + 1000)
    torch.testing.assert_close(seasonal_mae(simulated, changed, data.scale, data.train), loss)


def test_missing_observations_do_not_touch_the_loss() -> None:
    observed, simulated = torch.zeros(12, 2), torch.randn(12, 2)
    observed[3, 0] = float("nan")
    loss = seasonal_mae(simulated, observed, torch.ones(2), torch.tensor([True, True]))
    assert torch.isfinite(loss)


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


def test_the_interior_of_a_block_is_away_from_its_edge(world: xr.Dataset) -> None:
    interior = block_interior(world, 3.0)
    lat = np.mod(world["lat"].values[interior], 10)
    assert lat.min() >= 3 and lat.max() <= 7
    assert 0.1 < interior.mean() < 0.25


def test_budyko_keeps_the_limits_of_water_and_energy() -> None:
    rain = torch.tensor([0.5, 2.0, 5.0])
    assert (budyko_evaporation(rain, torch.tensor(500.0)) <= rain * 1.001).all()
    assert (budyko_evaporation(torch.tensor(100.0), rain) <= rain * 1.001).all()
    curve = budyko_evaporation(rain, torch.tensor(3.0))
    everywhere = torch.ones(3, dtype=torch.bool)
    assert budyko_departure(curve, rain, torch.tensor(3.0), everywhere, 0.1) == 0
    assert budyko_departure(curve + 2, rain, torch.tensor(3.0), everywhere, 0.1) > 0.1


def test_passes_start_in_every_month_of_the_year() -> None:
    assert {(STRIDE_MONTHS * done) % 12 for done in range(12)} == set(range(12))


def test_the_rate_rises_and_falls() -> None:
    rates = [one_cycle(done, 50) for done in range(50)]
    assert max(rates) == pytest.approx(1, abs=0.02) and rates[-1] < 0.05 and rates[0] < 0.2


def test_shipped_recipes_are_valid_and_cards_come_from_them() -> None:
    for name in recipe_names():
        assert load_recipe(name).id == name


def test_a_bad_recipe_says_which_key(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text('id = "x"\ntitle = "X"\nhiden = 3\n')
    with pytest.raises(RequestError, match="hiden"):
        load_recipe(path)
    with pytest.raises(RequestError, match="No recipe 'nothing'"):
        load_recipe("nothing")


def test_a_published_card_tells_data_split_scores_and_limits(small_model: Path) -> None:
    card = read_card(small_model)
    assert card.members[0].held_out_fold != card.members[1].held_out_fold
    assert {"raw", "msc", "iav"} <= set(card.scores["tws"])
    assert card.limits and "10-degree blocks" in card.split
    assert {"zero_anomaly", "neighbour_mean"} <= set(card.baselines)
