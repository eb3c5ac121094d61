"""The precomputed maps show every cell where it lies, and no line crosses the page at the date line."""

from __future__ import annotations

import numpy as np
import pytest

from hdlcore.assets import assets_dir
from hdlcore.data.cube import open_world

SEA, OUTSIDE, LAND_WITHOUT_DATA = -1, -2, -3


@pytest.fixture(scope="module")
def world():
    return open_world()


@pytest.fixture(scope="module", params=["equal_earth", "robinson", "plate_carree"])
def map_(request):
    return load(request.param)


def load(name):
    with np.load(assets_dir() / "maps" / f"{name}.npz", allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files} | {"name": name}


def pixel(map_, x, y):
    step_x, step_y = (map_[a][1] - map_[a][0] for a in "xy")
    column = np.rint((x - map_["x"][0]) / step_x).astype(int).clip(0, map_["x"].size - 1)
    return np.rint((y - map_["y"][0]) / step_y).astype(int).clip(0, map_["y"].size - 1), column


def test_it_was_made_for_the_shipped_cube(map_, world):
    assert str(map_["world_version"]) == world.attrs["version"]
    assert map_["index"].shape == (map_["y"].size, map_["x"].size)
    assert min(np.diff(map_["x"]).min(), np.diff(map_["y"]).min()) > 0
    assert map_["index"].max() == world.sizes["cell"] - 1
    assert map_["index"].min() >= LAND_WITHOUT_DATA


def test_every_cell_is_seen_at_its_own_centre(map_, world):
    shown = map_["index"][pixel(map_, map_["cell_x"], map_["cell_y"])]
    assert (shown == np.arange(world.sizes["cell"])).mean() > 0.999
    assert np.unique(map_["index"][map_["index"] >= 0]).size == world.sizes["cell"]


def test_north_is_up_and_east_is_right(map_, world):
    lat, lon = world["lat"].values, world["lon"].values
    equator = abs(lat) < 1
    assert np.corrcoef(lat, map_["cell_y"])[0, 1] > 0.99
    assert np.corrcoef(lon[equator], map_["cell_x"][equator])[0, 1] > 0.999


def test_the_equal_area_map_gives_cells_their_area(world):
    map_ = load("equal_earth")
    pixels = np.bincount(map_["index"][map_["index"] >= 0], minlength=world.sizes["cell"])
    size = float((map_["x"][1] - map_["x"][0]) * (map_["y"][1] - map_["y"][0]))
    low = abs(world["lat"].values) < 60
    assert pixels.sum() * size == pytest.approx(float(world["area"].astype("f8").sum()), rel=0.002)
    np.testing.assert_allclose(pixels[low].mean() * size, world["area"].values[low].mean(), rtol=0.002)


def test_coasts_coincide_with_the_data(map_):
    x, y = map_["coast_x"], map_["coast_y"]
    real = np.isfinite(x)
    assert np.array_equal(real, np.isfinite(y))
    row, column = pixel(map_, x[real], y[real])
    near = np.zeros(row.shape, dtype=bool)
    land, sea = np.zeros_like(near), np.zeros_like(near)
    for dr in range(-4, 5):
        for dc in range(-4, 5):
            found = map_["index"][(row + dr).clip(0, map_["y"].size - 1), (column + dc).clip(0, map_["x"].size - 1)]
            land |= (found >= 0) | (found == LAND_WITHOUT_DATA)
            sea |= (found == SEA) | (found == OUTSIDE)
    assert land.mean() > 0.98
    assert sea.mean() > 0.9


def test_no_line_crosses_the_map_at_the_date_line(map_):
    width = float(np.ptp(map_["x"]))
    for kind in ("coast", "graticule"):
        step = abs(np.diff(map_[f"{kind}_x"]))
        assert np.nanmax(step) < 0.06 * width, kind


def test_the_cut_at_the_date_line_is_not_drawn_as_coast():
    map_ = load("plate_carree")
    on_cut = abs(map_["coast_x"]) > 179.9999
    assert on_cut.any(), "coasts do reach the date line"
    assert not (on_cut[1:] & on_cut[:-1]).any()


def test_ice_is_land_without_data_and_corners_are_outside(map_, world):
    codes = map_["index"]
    assert (codes == LAND_WITHOUT_DATA).sum() > 10_000
    if map_["name"] == "plate_carree":
        assert not (codes == OUTSIDE).any()
    else:
        assert {int(codes[i, j]) for i in (0, -1) for j in (0, -1)} == {OUTSIDE}
        assert codes[codes.shape[0] // 2, 0] == SEA
