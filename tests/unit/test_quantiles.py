"""Quantiles weighted by area: what must hold of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hdlcore.analysis.quantiles import weighted_quantiles

LEVELS = [0.1, 0.25, 0.5, 0.75, 0.9]
VALUES = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 30)), elements=st.floats(-1e3, 1e3))


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_with_equal_weights_they_are_the_usual_ones(values) -> None:
    found = weighted_quantiles(values, np.full(values.shape[1], 7.0), LEVELS)
    np.testing.assert_allclose(found, np.quantile(values, LEVELS, axis=1, method="inverted_cdf"))


@settings(max_examples=60, deadline=None)
@given(VALUES, st.integers(0, 1000))
def test_they_rise_with_the_level_within_the_values_and_follow_no_order_of_the_cells(values, seed) -> None:
    rng = np.random.default_rng(seed)
    weights = rng.uniform(0.1, 5, values.shape[1])
    found = weighted_quantiles(values, weights, LEVELS)
    assert (np.diff(found, axis=0) >= -1e-9).all()
    assert (found >= values.min(1) - 1e-9).all() and (found <= values.max(1) + 1e-9).all()
    mixed = rng.permutation(values.shape[1])
    np.testing.assert_allclose(weighted_quantiles(values[:, mixed], weights[mixed], LEVELS), found, atol=1e-6)
    np.testing.assert_allclose(weighted_quantiles(values, 3 * weights, LEVELS), found, atol=1e-6)


def test_a_large_cell_counts_for_many_small_ones() -> None:
    assert weighted_quantiles(np.array([0.0, 10.0]), np.array([1.0, 99.0]), [0.02, 0.5]).tolist() == [10, 10]


def test_missing_values_count_for_nothing() -> None:
    values = np.array([[1.0, np.nan, 3.0], [np.nan] * 3])
    found = weighted_quantiles(values, np.array([1.0, 1e6, 1.0]), [0.5])
    assert found[0, 0] == 1 and np.isnan(found[0, 1])
