"""Lag bins lose nothing; memory measures give the known values of simple kernels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdlcore.attribution import lags as measures


@given(lags=st.integers(1, 1460))
def test_bins_cover_every_lag_once(lags: int) -> None:
    start, end = measures.lag_bins(lags)
    assert start[0] == 0 and end[-1] == lags - 1
    np.testing.assert_array_equal(start[1:], end[:-1] + 1)
    values = np.random.default_rng(lags).normal(size=(3, lags))
    np.testing.assert_allclose(measures.bin_sum(values, 1).sum(1), values.sum(1))


def test_memory_of_an_exponential_kernel() -> None:
    lags = np.arange(2000)
    size = 0.02 * 0.98**lags
    assert measures.memory_time(size, lags) == pytest.approx(0.98 / 0.02, rel=1e-3)
    assert measures.memory_share(size, lags, 90) == pytest.approx(0.98**91, rel=1e-6)
    # 0.98 ** 148 = 0.0503, 0.98 ** 149 = 0.0493
    assert measures.memory_length(size, lags) == 148


def test_no_influence_has_no_memory() -> None:
    size = np.zeros((2, 10))
    for measure in (measures.memory_time, measures.memory_share, measures.memory_length):
        assert np.isnan(measure(size, np.arange(10))).all()


def test_the_lag_within_which_a_share_lies() -> None:
    lags = np.arange(6)
    size = np.array([[4.0, 3.0, 1.0, 1.0, 1.0, 0.0], [0.0] * 6])
    assert measures.memory_within(size, lags, 0.7)[0] == 1 and measures.memory_within(size, lags, 0.8)[0] == 2
    assert measures.memory_within(size, lags, 1.0)[0] == 4 and np.isnan(measures.memory_within(size, lags, 0.5)[1])


def test_mid_months_are_the_fifteenths() -> None:
    days = np.datetime64("2003-11-20") + measures.mid_months(2004, np.datetime64("2003-11-20"))
    assert [str(day)[5:] for day in days] == [f"{month:02d}-15" for month in range(1, 13)]
