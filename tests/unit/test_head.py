"""The distribution head: on data whose distribution is known, its bands must cover what they say, everywhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from scipy.stats import gamma, norm

from hdlcore.analysis.conformal import blocked_folds
from hdlcore.analysis.uncertainty import CRPS_LEVELS, coverage, crps_of_quantiles
from hdlcore.errors import DataError, ModelError
from hdlcore.training.fit_head import HeldOut, fit_head, load_heads, save_heads, score_held_out
from hdlcore.training.head import KNOTS, DistributionHead, HeadSpec, Samples, knot_weights, samples_of, score_in_knots

SHAPE = 1.5  # of the gamma distribution of the errors: skewness 1.6


def skewed(n: int, floor: bool) -> tuple[Samples, np.ndarray]:
    """Monthly cells whose error is skewed and as large as spread, season, place and zone say; and its true scale."""
    rng = np.random.default_rng(11)
    block = rng.integers(0, 120, n)
    zone, month, place = block % 2, rng.integers(1, 13, n), rng.normal(size=(n, 2))
    spread, mean = rng.gamma(2, 3, n), rng.normal(0, 40, n)
    scale = (2 + 1.5 * spread) * np.exp(0.4 * place[:, 0]) * (1 + 0.5 * np.sin(np.pi * month / 6)) * (1 + 0.4 * zone)
    mean = np.maximum(mean, 0) if floor else mean
    observed = mean + scale * (rng.gamma(SHAPE, 1, n) - SHAPE + 0.3)  # biased as well
    observed = np.maximum(observed, 0) if floor else observed
    return Samples(mean, spread, month, place, observed, zone, block), scale


@pytest.fixture(scope="module", params=[None, 0.0], ids=["free", "floor at zero"])
def judged(request: pytest.FixtureRequest) -> tuple[Samples, np.ndarray, HeldOut, HeadSpec]:
    """Samples, true scale and what heads say that never saw them."""
    samples, scale = skewed(12_000, request.param is not None)
    spec = HeadSpec(features=("a", "b"), zones=("north", "south"), floor=request.param, units="mm")
    return samples, scale, score_held_out(samples, spec, folds=2, seed=3, steps=80), spec


def test_bands_cover_what_they_say_on_blocks_never_seen(judged: tuple) -> None:
    samples, _, held, _ = judged
    for rows in (None, samples.zone == 0, samples.zone == 1):
        scores = held.scores(rows)
        assert 0.88 <= scores["coverage_90"] <= 0.92
        assert 0.46 <= scores["coverage_50"] <= 0.54


def test_bands_cover_where_errors_are_large_and_where_they_are_small(judged: tuple) -> None:
    _, scale, held, _ = judged
    for rows in (scale < np.quantile(scale, 0.25), scale > np.quantile(scale, 0.75)):
        assert 0.86 <= held.scores(rows)["coverage_90"] <= 0.94


def test_the_crps_is_near_that_of_the_true_distribution(judged: tuple) -> None:
    samples, scale, held, spec = judged
    truth = samples.mean + scale * (gamma.ppf(CRPS_LEVELS, SHAPE)[:, None] - SHAPE + 0.3)
    best = crps_of_quantiles(truth if spec.floor is None else np.maximum(truth, 0), samples.observed).mean()
    assert best < held.scores()["crps"] < 1.05 * best


def test_a_band_of_quantiles_covers_at_least_as_much_as_the_pit_says(judged: tuple) -> None:
    samples, _, held, spec = judged
    share = float(coverage(held.bounds[0], held.bounds[3], samples.observed))
    if spec.floor is None:
        np.testing.assert_allclose(share, held.scores()["coverage_90"], atol=2e-3)
    else:
        assert held.bounds.min() == 0 and share >= held.scores()["coverage_90"]


def test_daily_discharge_of_few_sites_is_covered_with_blocks_of_time() -> None:
    """Seven basins, errors that last for days and grow with the flow; no features, half-years held back."""
    rng = np.random.default_rng(5)
    days, sites = 1200, 7
    flow = np.exp(rng.normal(size=(days, sites)) * 0.6 + rng.normal(size=sites))
    noise = np.zeros((days, sites))
    for day in range(1, days):
        noise[day] = 0.8 * noise[day - 1] + 0.6 * rng.normal(size=sites)
    observed = flow * np.exp(0.3 * noise)
    times = np.arange(days).astype("datetime64[D]")
    block = (np.arange(days) // 90)[:, None] * sites + np.arange(sites)
    samples = samples_of(flow, 0.1 * flow, observed, times, block=block)
    scores = score_held_out(samples, HeadSpec(floor=0.0, units="mm d-1"), folds=2, steps=60).scores()
    assert 0.88 <= scores["coverage_90"] <= 0.92 and 0.46 <= scores["coverage_50"] <= 0.54


# -- the distribution itself ---------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def fitted() -> tuple[Samples, DistributionHead]:
    """A head after a few steps, enough to have a shape of its own."""
    samples, _ = skewed(4000, True)
    spec = HeadSpec(features=("a", "b"), zones=("north", "south"), floor=0.0, units="mm")
    return samples, fit_head(samples, spec, seed=1, steps=25)


def ask(head: DistributionHead, levels: object, samples: Samples) -> np.ndarray:
    return head.quantiles(levels, samples.mean, samples.spread, samples.month, samples.features, samples.zone)


def test_quantiles_rise_with_the_level_and_keep_to_the_floor(fitted: tuple[Samples, DistributionHead]) -> None:
    samples, head = fitted
    values = ask(head, np.linspace(0.001, 0.999, 41), samples)
    assert (np.diff(values, axis=0) >= 0).all() and values.min() == 0 and np.isfinite(values).all()


def test_the_score_of_a_quantile_is_its_level(fitted: tuple[Samples, DistributionHead]) -> None:
    samples, head = fitted
    for level in (0.02, 0.4, 0.97):
        at = ask(head, level, samples)[0]
        above = at > 0
        moved = Samples(samples.mean, samples.spread, samples.month, samples.features, at, samples.zone, samples.block)
        np.testing.assert_allclose(norm.cdf(head.normal_score(moved))[above], level, atol=2e-4)


def test_joining_knots_and_reading_them_are_inverse() -> None:
    values = np.cumsum(np.random.default_rng(0).gamma(1, 1, (50, KNOTS.size)), 1)
    for score in (-4.0, -1.3, 0.0, 0.7, 3.5):
        at = values @ knot_weights([score])[0]
        np.testing.assert_allclose(score_in_knots(at, values), score, atol=1e-9)


def test_an_untrained_head_is_the_normal_distribution() -> None:
    head = DistributionHead(HeadSpec())
    values = head.quantiles([0.05, 0.5, 0.95], np.zeros(1), np.zeros(1), np.ones(1))[:, 0]
    np.testing.assert_allclose(values, norm.ppf([0.05, 0.5, 0.95]), atol=1e-5)


def test_the_same_seed_gives_the_same_bits_and_leaves_others_alone(fitted: tuple[Samples, DistributionHead]) -> None:
    samples, head = fitted
    torch.manual_seed(42)
    before = torch.random.get_rng_state()
    again = fit_head(samples, head.spec, seed=1, steps=25)
    assert torch.equal(before, torch.random.get_rng_state())
    for name, tensor in head.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], tensor, rtol=0, atol=0)


def test_what_is_judged_never_touches_its_judge() -> None:
    samples, _ = skewed(2000, False)
    spec = HeadSpec(features=("a", "b"))
    first = score_held_out(samples, spec, folds=2, steps=12)
    wild = samples.take(np.arange(samples.size))
    own = blocked_folds(samples.block, 2, 0) == 0
    wild.observed[own] += 1e4
    second = score_held_out(wild, spec, folds=2, steps=12)
    np.testing.assert_array_equal(first.bounds[:, own], second.bounds[:, own])
    assert (first.bounds != second.bounds).any()  # but it is the judge of the others


def test_rows_come_from_fields_without_gaps() -> None:
    times = np.array(["2001-01-01", "2001-02-01", "2002-12-01"], "datetime64[ns]")
    mean, observed = np.arange(6.0).reshape(3, 2), np.ones((3, 2))
    observed[1, 0], mean[2, 1] = np.nan, np.nan
    rows = samples_of(mean, 0.5, observed, times, np.array([[7.0], [8.0]]), zone=[0, 1], block=[3, 4])
    assert rows.mean.tolist() == [0, 1, 3, 4] and rows.month.tolist() == [1, 1, 2, 12]
    assert rows.features[:, 0].tolist() == [7, 8, 8, 7] and rows.block.tolist() == [3, 4, 4, 3]


def test_missing_features_and_spread_are_average_ones(fitted: tuple[Samples, DistributionHead]) -> None:
    samples, head = fitted
    few = samples.take(np.arange(50))
    nothing = head.quantiles([0.9], few.mean, few.spread, few.month, np.full((50, 2), np.nan), few.zone)
    average = np.broadcast_to(head.input_mean[-2:].numpy(), (50, 2))
    np.testing.assert_allclose(nothing, head.quantiles([0.9], few.mean, few.spread, few.month, average, few.zone))


# -- files -----------------------------------------------------------------------------------------------------------


def test_heads_come_back_from_a_file_as_they_were(fitted: tuple[Samples, DistributionHead], tmp_path: Path) -> None:
    samples, head = fitted
    path = tmp_path / "heads.safetensors"
    save_heads({"swe": head, "tws": DistributionHead(HeadSpec(units="mm"))}, path)
    back = load_heads(path)
    assert list(back) == ["swe", "tws"] and back["swe"].spec == head.spec
    np.testing.assert_array_equal(ask(back["swe"], [0.1, 0.9], samples), ask(head, [0.1, 0.9], samples))


def test_a_foreign_file_is_refused_in_a_sentence(fitted: tuple[Samples, DistributionHead], tmp_path: Path) -> None:
    path = tmp_path / "heads.safetensors"
    save_heads({"swe": fitted[1]}, path)
    tensors, whole = load_file(path), path.read_bytes()
    with pytest.raises(ModelError, match="missing"):
        load_heads(tmp_path / "none.safetensors")
    for meta, words in [
        (
            {"content": "distribution heads", "format": "9", "heads": "{}"},
            "of format 9 and this program reads format 1",
        ),
        ({"content": "weights"}, "holds no distribution heads"),
        ({"content": "distribution heads", "format": "1", "heads": '{"swe": {"nonsense": 1}}'}, "does not hold"),
        ({"content": "distribution heads", "format": "1", "heads": '{"tws": {}}'}, "does not hold"),
    ]:
        save_file(tensors, path, meta)
        with pytest.raises(ModelError, match=words):
            load_heads(path)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="cannot be read"):
        load_heads(path)


def test_too_few_or_perfect_data_are_refused_in_a_sentence() -> None:
    samples, _ = skewed(1000, False)
    with pytest.raises(DataError, match="too few"):
        fit_head(samples.take(np.arange(50)), HeadSpec(), 1)
    perfect = Samples(
        samples.mean, samples.spread, samples.month, samples.features, samples.mean, samples.zone, samples.block
    )
    with pytest.raises(DataError, match="no error to fit"):
        fit_head(perfect, HeadSpec(features=("a", "b")), 1)
