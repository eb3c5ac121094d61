"""Decomposition of storage, equifinality and extrapolation: on cases whose answer is plain."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlcore.analysis.decomposition import dominant_store, partition_curve, variance_share
from hdlcore.analysis.equifinality import contraction, pair_score, spread_against_total, spread_between_places
from hdlcore.analysis.extrapolation import training_range
from hdlcore.analysis.published import PARTITION

# -- decomposition ----------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**31), gaps=st.floats(0, 0.5))
@settings(max_examples=25, deadline=None)
def test_shares_of_all_stores_sum_to_one(seed: int, gaps: float) -> None:
    rng = np.random.default_rng(seed)
    stores = rng.normal(size=(3, 60, 4)) * rng.gamma(1, 50, (3, 1, 4)) + 1000
    stores[:, rng.random((60, 4)) < gaps] = np.nan
    shares = np.stack([variance_share(store, stores.sum(0)) for store in stores])
    np.testing.assert_allclose(shares.sum(0), 1, atol=1e-9)


def test_a_store_that_swings_against_the_total_has_a_negative_share() -> None:
    wave = np.sin(np.arange(24) * np.pi / 6)[:, None]
    shares = np.stack([variance_share(3 * wave, 2 * wave), variance_share(-wave, 2 * wave)])
    np.testing.assert_allclose(shares[:, 0], [1.5, -0.5])
    assert dominant_store(shares).tolist() == [0]
    assert np.isnan(variance_share(wave, np.ones((24, 1)))).all()
    assert dominant_store(np.full((2, 3), np.nan)).tolist() == [-1] * 3


def test_the_partition_curve_finds_a_known_curve_on_rainy_days_only() -> None:
    rng = np.random.default_rng(1)
    deficit, water = rng.uniform(0, 500, 50_000), rng.gamma(0.5, 4, 50_000)
    fraction = deficit / (deficit + 20) * rng.uniform(0.9, 1.1, deficit.size)
    fraction[water <= 0.1] = 99.0  # a fraction of nothing
    curve = partition_curve(fraction, deficit, water)
    known = np.isfinite(curve.median)
    np.testing.assert_allclose(curve.median[known], (curve.deficit / (curve.deficit + 20))[known], atol=0.06)
    assert (curve.low[known] <= curve.median[known]).all() and (curve.median[known] <= curve.high[known]).all()
    assert curve.n.sum() == (water > 0.1).sum()
    assert np.isnan(partition_curve([0.5], [10.0]).median).all()  # one value makes no curve


def test_published_fractions_leave_a_share_for_groundwater() -> None:
    rest = 1 - np.array(PARTITION.soil) - np.array(PARTITION.surface)
    assert (rest >= -1e-9).all() and len(PARTITION.deficit) == rest.size


# -- equifinality -----------------------------------------------------------------------------------------------------


def test_the_pair_score_is_the_squared_difference_over_the_variance() -> None:
    rng = np.random.default_rng(2)
    values = rng.normal(size=(2, 80, 5)) * 10 + rng.normal(size=(2, 1, 5)) * 5
    difference = ((values[0] - values[1]) ** 2).mean(0)
    score = pair_score(values)
    np.testing.assert_allclose(score.total, difference / values.var(1).mean(0))


def test_each_part_of_the_pair_score_sees_its_own_disagreement() -> None:
    wave = np.tile(np.sin(np.arange(120) * np.pi / 6)[:, None], (1, 1))
    agree = pair_score(np.stack([wave, wave, wave]))
    np.testing.assert_allclose(agree, 0, atol=1e-12)
    level = pair_score(np.stack([wave, wave + 1]))
    np.testing.assert_allclose([level.level, level.amplitude, level.timing], [[2], [0], [0]], atol=1e-9)
    late = pair_score(np.stack([wave, np.roll(wave, 3, 0)]))
    np.testing.assert_allclose([late.level, late.amplitude, late.timing], [[0], [0], [2]], atol=1e-9)
    assert np.isnan(pair_score(np.ones((2, 9, 1))).total).all()
    with pytest.raises(ValueError, match="two or more"):
        pair_score(wave[None])


def test_members_that_split_an_agreed_total_differently_are_found() -> None:
    rng = np.random.default_rng(3)
    total, split = rng.normal(size=(1, 100, 2)) * 30, np.array([0.2, 0.5, 0.8])[:, None, None]
    totals = total + rng.normal(size=(3, 100, 2))
    assert (spread_against_total(split * total, totals) > 5).all()
    np.testing.assert_allclose(spread_against_total(totals + np.array([0, 50, 90])[:, None, None], totals), 1)


def test_disagreement_on_a_map_is_told_from_the_map() -> None:
    rng = np.random.default_rng(4)
    places, noise = rng.normal(size=4000), rng.normal(size=(5, 4000))
    np.testing.assert_allclose(spread_between_places(places + 0 * noise), 0, atol=1e-9)
    np.testing.assert_allclose(spread_between_places(places + 0.5 * noise), 0.2, atol=0.02)
    assert spread_between_places(noise) > 0.95
    assert np.isnan(spread_between_places(np.ones((3, 4))))


def test_contraction_is_none_for_the_prior_and_whole_for_agreement() -> None:
    draws = np.random.default_rng(5).uniform(2, 6, (4000, 3))
    np.testing.assert_allclose(contraction(draws, 2, 6), 0, atol=0.05)
    np.testing.assert_allclose(contraction(np.full((4, 3), 5.0), 2, 6), 1)
    with pytest.raises(ValueError, match="finite bounds"):
        contraction(draws, 0, np.inf)


# -- extrapolation -----------------------------------------------------------------------------------------------------


def test_training_places_are_inside_and_a_strange_climate_is_outside() -> None:
    rng = np.random.default_rng(6)
    block = np.repeat(np.arange(40), 25)
    features = rng.normal(size=(40, 1, 6)).repeat(25, 1).reshape(-1, 6) * [1, 10, 100, 1, 1, 1]
    features = features + 0.3 * rng.normal(size=features.shape) * [1, 10, 100, 1, 1, 1]
    known = training_range(features, block)
    np.testing.assert_allclose(known.dissimilarity(features), 0, atol=1e-9)
    assert not known.outside(features).any() and not known.beyond(features).any()
    strange = features[:3].copy()
    strange[0, 2] += 2000
    assert known.outside(strange).tolist() == [True, False, False]
    assert known.beyond(strange)[0].tolist() == [False, False, True, False, False, False]


def test_the_threshold_is_what_cross_validation_met() -> None:
    rng = np.random.default_rng(7)
    features = rng.normal(size=(600, 3))
    block = np.arange(600) // 20
    known = training_range(features, block)
    fresh = known.outside(rng.normal(size=(4000, 3))).mean()
    assert 0 < fresh < 0.12  # places drawn alike are mostly within
    assert known.outside(features[:1] + 30).all()
    other = training_range(features * [1, 1000, 1] + [0, 5, 0], block)
    np.testing.assert_allclose(other.threshold, known.threshold)  # units do not matter


def test_missing_and_constant_features_do_no_harm() -> None:
    features = np.random.default_rng(8).normal(size=(200, 4))
    features[:, 1], features[5, 2], features[:, 3] = 7.0, np.nan, np.nan
    known = training_range(features, np.arange(200) // 10)
    assert np.isfinite(known.dissimilarity(features)).all() and np.isfinite(known.threshold)
    with pytest.raises(ValueError, match="two or more blocks"):
        training_range(features, np.zeros(200))
