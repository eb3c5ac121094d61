"""Uncertainty scores and conformal calibration against distributions whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from hdlcore.analysis.conformal import (
    ENOUGH,
    LEVELS,
    blocked_folds,
    blocked_split,
    fit_conformal,
    order_statistics,
    spread_band,
    spread_score,
)
from hdlcore.analysis.uncertainty import (
    CRPS_LEVELS,
    coverage,
    coverage_of_pit,
    crps_of_members,
    crps_of_quantiles,
    distribution_scores,
    interval_score,
    pit_histogram,
    pit_of_members,
)
from hdlcore.assets import assets_dir
from hdlcore.errors import DataError
from hdlcore.models.checkpoint import read_card
from hdlcore.models.registry import model_kind
from hdlcore.runtime.uncertainty import disagreement
from hdlcore.runtime.world_run import WorldRun, monthly_names
from hdlcore.variables import VARIABLES

N = 20_000


@pytest.fixture(scope="module")
def normal() -> np.ndarray:
    """Standard normal draws."""
    return np.random.default_rng(0).normal(size=N)


def test_coverage_counts_what_is_known() -> None:
    observed = np.array([[0.0, 5.0], [np.nan, 1.0]])
    np.testing.assert_allclose(coverage(-1, 2, observed), 2 / 3)
    np.testing.assert_allclose(coverage(-1, 2, observed, axis=0), [1, 0.5])
    assert np.isnan(coverage(0, 1, np.array([np.nan])))


def test_an_honest_distribution_is_found_honest(normal: np.ndarray) -> None:
    pit = norm.cdf(normal)
    levels = np.linspace(0.1, 0.9, 9)
    np.testing.assert_allclose(coverage_of_pit(pit, levels), levels, atol=0.015)
    np.testing.assert_allclose(pit_histogram(pit), 1, atol=0.1)
    np.testing.assert_allclose(coverage(norm.ppf(0.05), norm.ppf(0.95), normal), coverage_of_pit(pit, 0.9))
    assert pit_histogram(norm.cdf(2 * normal))[[0, -1]].min() > 2  # too narrow a distribution: a valley


def test_crps_of_a_normal_is_its_closed_form(normal: np.ndarray) -> None:
    observed = normal[:500]
    quantiles = np.repeat(norm.ppf(CRPS_LEVELS)[:, None], observed.size, 1)
    exact = observed * (2 * norm.cdf(observed) - 1) + 2 * norm.pdf(observed) - 1 / np.sqrt(np.pi)
    np.testing.assert_allclose(crps_of_quantiles(quantiles, observed).mean(), exact.mean(), rtol=0.02)
    members = np.random.default_rng(1).normal(size=(400, observed.size))
    np.testing.assert_allclose(crps_of_members(members, observed).mean(), exact.mean(), rtol=0.02)
    assert np.isnan(crps_of_quantiles(quantiles[:, :1], np.array([np.nan]))).all()


def test_crps_of_a_number_is_its_absolute_error() -> None:
    np.testing.assert_allclose(crps_of_quantiles(np.full((50, 2), 3.0), np.array([1.0, 7.0])), [2, 4])
    with pytest.raises(ValueError, match="50 quantiles"):
        crps_of_quantiles(np.zeros((3, 2)), np.zeros(2))


def test_the_interval_score_is_least_for_the_true_quantiles(normal: np.ndarray) -> None:
    low, high = norm.ppf([0.05, 0.95])
    scores = [interval_score(low * f, high * f, normal, 0.9).mean() for f in (0.7, 1.0, 1.4)]
    assert scores[1] < scores[0] and scores[1] < scores[2]
    np.testing.assert_allclose(interval_score(0, 2, np.array([1.0, 3.0]), 0.9), [2, 2 + 20])


def test_the_rank_of_an_exchangeable_member_is_uniform_ties_or_none() -> None:
    rng = np.random.default_rng(2)
    draws = rng.normal(size=(6, N))
    np.testing.assert_allclose(pit_histogram(pit_of_members(draws[1:], draws[0])), 1, atol=0.1)
    counts = np.maximum(rng.poisson(0.3, (6, N)).astype(float), 0)  # mostly zero, as snow in most months
    np.testing.assert_allclose(pit_histogram(pit_of_members(counts[1:], counts[0])), 1, atol=0.1)


def test_the_summary_leaves_gaps_out() -> None:
    assert distribution_scores([0.5, 0.01, np.nan], [1, 3, np.nan]) == {
        "coverage_50": 0.5,
        "coverage_90": 0.5,
        "crps": 2,
    }


# -- conformal -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wrong", [lambda z: 0.4 * z, lambda z: 2 * z + 1, lambda z: np.sinh(z) + 0.3 * z**2])
def test_calibration_mends_whatever_is_wrong(wrong: object, normal: np.ndarray) -> None:
    scores = np.sort(wrong(normal))  # type: ignore[operator]
    scores = scores[np.random.default_rng(5).permutation(N)]
    mapping = fit_conformal(scores[: N // 2])
    pit = norm.cdf(mapping.calibrated(scores[N // 2 :]))
    np.testing.assert_allclose(coverage_of_pit(pit, np.array([0.5, 0.9, 0.98])), [0.5, 0.9, 0.98], atol=0.015)
    low, high = mapping.score_at([0.05, 0.95])
    np.testing.assert_allclose(coverage(low, high, scores[N // 2 :]), 0.9, atol=0.015)


@given(n=st.integers(20, 400), level=st.sampled_from([0.5, 0.8, 0.9]), seed=st.integers(0, 2**31))
@settings(max_examples=40, deadline=None)
def test_the_finite_sample_band_covers_at_least_its_level(n: int, level: float, seed: int) -> None:
    """The exact law: ranks of exchangeable values, so probabilities are counts and need no simulation."""
    scores = np.random.default_rng(seed).normal(size=n)
    bounds = np.interp([(1 - level) / 2, (1 + level) / 2], LEVELS, order_statistics(scores))
    inside = np.searchsorted(np.sort(scores), bounds[1] - 1e-6) - np.searchsorted(np.sort(scores), bounds[0] + 1e-6)
    covered = (inside + 1) / (n + 1)  # the next value falls in each of the n + 1 gaps alike
    assert covered >= level - 1e-9 or n + 1 < 2 / (1 - level)
    assert covered <= level + 3 / (n + 1)


def test_the_map_and_its_inverse_undo_each_other() -> None:
    mapping = fit_conformal(np.random.default_rng(3).gumbel(size=3000), np.arange(3000) % 2, None, 2)
    levels = np.array([0.001, 0.03, 0.5, 0.9, 0.9995])
    scores = mapping.score_at(levels, np.array([0, 1]))
    back = mapping.calibrated(scores, np.broadcast_to([0, 1], scores.shape))
    np.testing.assert_allclose(norm.cdf(back), np.repeat(levels[:, None], 2, 1), atol=1e-7)
    assert (np.diff(scores, axis=0) > 0).all()


def test_zones_have_their_own_map_only_with_data_and_blocks_enough() -> None:
    rng = np.random.default_rng(4)
    zone = np.repeat([0, 1, 2, 3], [5000, 5000, 100, 5000])
    block = np.concatenate([rng.integers(0, 50, 5000), rng.integers(100, 150, 5000), np.arange(100), np.zeros(5000)])
    scores = rng.normal(size=zone.size) * np.array([1.0, 3.0, 1.0, 1.0])[zone]
    mapping = fit_conformal(scores, zone, block, 4)
    assert mapping.own.tolist() == [True, True, False, False]
    for code, level in ((0, 0.9), (1, 0.9)):
        low, high = mapping.score_at([0.05, 0.95], code)
        np.testing.assert_allclose(coverage(low, high, scores[zone == code]), level, atol=0.01)
    np.testing.assert_array_equal(mapping.by_zone[2], mapping.pooled)
    np.testing.assert_array_equal(
        mapping.score_at([0.5, 0.9], np.array([-1, 2, 99])), mapping.score_at([0.5, 0.9], [-1] * 3)
    )
    assert 1 / LEVELS[0] - 1 <= ENOUGH


def test_a_band_from_the_spread_covers_where_members_understate_their_error() -> None:
    rng = np.random.default_rng(6)
    spread = rng.gamma(3, 2, (60, 200))
    mean = rng.normal(0, 50, spread.shape)
    observed = mean + rng.laplace(size=spread.shape) * 2.5 * spread
    zone = np.arange(200) % 3
    scores = spread_score(observed, mean, spread)
    scaling = fit_conformal(scores[:, :100], np.broadcast_to(zone[:100], (60, 100)).ravel(), None, 3, symmetric=True)
    low, middle, high = spread_band(mean, spread, [0.05, 0.5, 0.95], scaling, zone)
    np.testing.assert_allclose(coverage(low, high, observed)[()], 0.9, atol=0.01)
    np.testing.assert_allclose(high - middle, middle - low, rtol=1e-4)
    np.testing.assert_allclose(middle, mean, atol=0.1)


def test_splits_hold_whole_blocks() -> None:
    block = np.random.default_rng(7).integers(0, 40, 5000)
    held = blocked_split(block, 0.25, seed=1)
    assert not set(block[held]) & set(block[~held])
    assert 0.2 < held.mean() < 0.32
    np.testing.assert_array_equal(held, blocked_split(block, 0.25, seed=1))
    fold = blocked_folds(block, 4, seed=1)
    assert all(np.unique(fold[block == b]).size == 1 for b in range(40)) and np.unique(fold).tolist() == [0, 1, 2, 3]


def test_too_little_is_refused_in_a_sentence() -> None:
    with pytest.raises(DataError, match="Only 5 observations"):
        fit_conformal(np.r_[np.arange(5.0), np.full(50, np.nan)])
    with pytest.raises(DataError, match="one block"):
        blocked_split(np.zeros(100), 0.2, 0)
    with pytest.raises(DataError, match="3 blocks cannot make 5 folds"):
        blocked_folds(np.arange(3), 5, 0)


def test_a_level_apart_is_disagreement_of_a_flux_not_of_a_store() -> None:
    card = read_card(assets_dir() / "models" / "global-grace")
    model = model_kind(card.kind)(card.statics, card.hidden)
    names = monthly_names(model)
    one = np.random.default_rng(2).normal(size=(24, len(names), 3)) + 10
    monthly = np.stack([one, one + 7])
    fields, _ = disagreement(WorldRun({"monthly": monthly, "parameters": np.zeros((20, 2, 3))}), card)
    for name in names:
        found = fields[f"{name}_equifinality"]
        assert (found < 1e-9).all() if VARIABLES[name].kind == "store" else (found > 20).all(), name
