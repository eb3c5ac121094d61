"""Lag bins lose nothing; memory measures give the known values of simple kernels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdlcore.attribution.lags import bin_sum, lag_bins, memory_length, memory_share, memory_time


@given(lags=st.integers(1, 1460))
def test_bins_cover_every_lag_once(lags: int) -> None:
    start, end = lag_bins(lags)
    assert start[0] == 0 and end[-1] == lags - 1
    np.testing.assert_array_equal(start[1:], end[:-1] + 1)
    values = np.random.default_rng(lags).normal(size=(3, lags))
    np.testing.assert_allclose(bin_sum(values, 1).sum(1), values.sum(1))


def test_memory_of_an_exponential_kernel() -> None:
    lags = np.arange(2000)
    size = 0.02 * 0.98**lags
    assert memory_time(size, lags) == pytest.approx(0.98 / 0.02, rel=1e-3)
    assert memory_share(size, lags, 90) == pytest.approx(0.98**91, rel=1e-6)
    # 0.98 ** 148 = 0.0503, 0.98 ** 149 = 0.0493
    assert memory_length(size, lags) == 148


def test_no_influence_has_no_memory() -> None:
    size = np.zeros((2, 10))
    for measure in (memory_time, memory_share, memory_length):
        assert np.isnan(measure(size, np.arange(10))).all()
