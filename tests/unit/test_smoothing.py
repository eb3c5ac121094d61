"""GRACE's smoothing keeps constants, treats neighbours alike and knows no date line."""

from __future__ import annotations

import numpy as np
import pytest

from hdlcore.data.cube import distance_km, find_cell, open_world, positions
from hdlcore.data.smoothing import grace_operator
from hdlcore.errors import RequestError


@pytest.fixture(scope="module")
def world():
    return open_world()


@pytest.fixture(scope="module")
def operator(world):
    return grace_operator(world["lat"].values, world["lon"].values, world["area"].values)


def test_rows_sum_to_one_and_a_constant_stays(world, operator):
    assert operator.shape == (world.sizes["cell"],) * 2
    assert operator.data.min() > 0
    np.testing.assert_allclose(operator @ np.full(world.sizes["cell"], 7.0), 7.0, rtol=1e-9)


def test_the_kernel_beneath_is_symmetric(world, operator):
    """W = K A / row sums: undone for area and row sums, weights between two cells are the same both ways."""
    area = world["area"].values.astype(float)
    kernel = operator.multiply(1 / area[None, :]).tocsr()
    kernel = kernel.multiply(1 / kernel.diagonal()[:, None]).tocsr()  # the weight at distance zero is one
    gap = abs(kernel - kernel.T)
    assert gap.max() < 1e-6
    assert kernel.max() == pytest.approx(1.0)


def test_weights_fall_with_distance_only(world, operator):
    centre = int(positions(world, [find_cell(world, 52.5, 60.5)])[0])
    row = operator[centre]
    away = distance_km(52.5, 60.5, world["lat"].values[row.indices], world["lon"].values[row.indices])
    weight = row.data / world["area"].values[row.indices]
    np.testing.assert_allclose(weight / weight.max(), np.exp(-0.5 * (away / 250) ** 2), rtol=1e-3)
    assert 700 < away.max() <= 751


def test_it_reaches_across_the_date_line(world, operator):
    east, west = positions(world, [find_cell(world, 67.5, 179.5), find_cell(world, 67.5, -179.5)])
    neighbour = positions(world, [find_cell(world, 67.5, 178.5)])[0]
    assert operator[east, west] == pytest.approx(operator[east, neighbour], rel=1e-3)
    assert operator[west, east] > 0


def test_it_smooths_a_checkerboard_and_keeps_a_continent(world, operator):
    checkers = np.where((world["cell"].values // 360 + world["cell"].values % 360) % 2, 1.0, -1.0)
    assert np.std(operator @ checkers) < 0.15
    north = np.where(world["lat"].values > 0, 1.0, 0.0)
    deep = world["lat"].values > 20
    np.testing.assert_allclose((operator @ north)[deep], 1.0)


def test_a_radius_of_nothing_is_refused():
    with pytest.raises(RequestError, match="not positive"):
        grace_operator([0.0], [0.0], [1.0], radius_km=0)
