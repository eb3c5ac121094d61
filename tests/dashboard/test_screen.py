"""A fine field on the screen: right in every projection, at the date line and the poles, in means and in classes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dashboard import engine, finer
from dashboard.finer import Finer
from dashboard.plots import screen
from dashboard.plots.projection import Projection, load_projection
from dashboard.plots.screen import Window
from dashboard.state import PROJECTIONS

ROWS, COLUMNS = 720, 1440


@pytest.fixture(scope="module", params=list(PROJECTIONS))
def projection(request) -> Projection:
    lat = engine.get_world()["lat"].values.astype(np.float32)
    return load_projection(request.param, lat.size, lat.tobytes())


def whole(projection: Projection, columns: int = 720) -> Window:
    west, east, south, north = projection.extent
    return Window(west, east, south, north, columns, round(columns * (north - south) / (east - west)))


def around(projection: Projection, lon: float, lat: float, degrees: float = 4.0, pixels: int = 200) -> Window:
    """A window of about so many degrees around a place."""
    west, east, south, north = projection.extent
    x, y = (float(v) for v in projection.forward(lon, lat))
    half = degrees / 2 / 180 * max(east - west, north - south)
    return Window(x - half, x + half, y - half, y + half, pixels, pixels)


def ramp() -> tuple[np.ndarray, np.ndarray]:
    """Fields that hold their own longitude and latitude."""
    lat = 90 - (np.arange(ROWS) + 0.5) * 0.25
    lon = (np.arange(COLUMNS) + 0.5) * 0.25 - 180
    return tuple(np.ascontiguousarray(v, np.float32) for v in np.broadcast_arrays(lon[None], lat[:, None]))


def test_each_pixel_shows_the_cell_it_lies_in(projection: Projection) -> None:
    lons, lats = ramp()
    seen = screen.sight(projection, whole(projection))
    lon, lat = screen.look(seen, lons), screen.look(seen, lats)
    inside = np.isfinite(seen.lat)
    assert 0.3 < inside.mean() <= 1 and (np.isfinite(lat) == inside).all()
    assert np.abs(lat - seen.lat)[inside].max() <= 0.126
    apart = np.abs((lon - seen.lon)[inside])
    assert np.minimum(apart, 360 - apart).max() <= 0.126


def test_places_are_where_the_map_puts_them(projection: Projection) -> None:
    """A lone cell set apart is seen at its own place, at the date line and far north or south too, and nowhere else."""
    south = projection.name == "south_pole"
    for lon, lat in [(-179.9, 60.1), (179.9, 60.1), (0.1, 80.1), (-120.1, 45.1)]:
        lat = -lat if south else lat
        values = np.zeros((ROWS, COLUMNS), np.float32)
        values[int((90 - lat) / 0.25), int((lon + 180) / 0.25)] = 1
        seen = screen.sight(projection, around(projection, lon, lat, 3.0))
        spots = screen.look(seen, values) == 1
        assert spots.any(), (lon, lat)
        assert np.abs(seen.lat[spots] - lat).max() <= 0.26
        apart = np.abs(seen.lon[spots] - lon)
        assert np.minimum(apart, 360 - apart).max() <= 0.26


def test_beyond_the_globe_there_is_nothing(projection: Projection) -> None:
    seen = screen.sight(projection, whole(projection))
    west, east, south, north = projection.extent
    aside = Window(east + 0.1 * (east - west), 2 * east - west, south, north, 50, 50)
    assert not np.isfinite(screen.sight(projection, aside).lat).any() and not screen.sight(projection, aside).land.any()
    corner = np.isfinite(seen.lat[0, 0])
    assert corner == (projection.name == "plate_carree")


def test_zoomed_out_means_zoomed_in_cells(projection: Projection) -> None:
    lat = -60.0 if projection.name == "south_pole" else 60.0
    wide = screen.sight(projection, whole(projection, 300))
    near = screen.sight(projection, around(projection, 10.0, lat))
    assert screen.block_size(wide.step, 0.25) >= 2
    assert screen.block_size(near.step, 0.25) == 1


@pytest.mark.parametrize("n", screen.BLOCKS[1:])
def test_blocks_are_means_that_leave_the_missing_out(n: int) -> None:
    values = np.random.default_rng(n).normal(size=(ROWS, COLUMNS)).astype(np.float32)
    values[np.random.default_rng(1).random(values.shape) < 0.3] = np.nan
    values[: 2 * n, : 2 * n] = np.nan
    tiles = values.reshape(ROWS // n, n, COLUMNS // n, n).astype(float)
    with np.errstate(invalid="ignore"):  # no warning is waited for: other threads may switch those of Python off
        plain = np.nansum(tiles, axis=(1, 3)) / np.isfinite(tiles).sum(axis=(1, 3))
    assert np.isnan(plain[0, 0])
    np.testing.assert_allclose(screen.blocks(values, n), plain, atol=1e-5)


@pytest.mark.parametrize("n", [2, 3, 5])
def test_blocks_of_classes_are_the_commonest(n: int) -> None:
    values = np.random.default_rng(n).integers(1, 5, (ROWS, COLUMNS)).astype(np.float32)
    values[:n, :n] = np.nan
    found = screen.blocks(values, n, classes=True)
    tiles = values.reshape(ROWS // n, n, COLUMNS // n, n)
    counts = np.stack([(tiles == code).sum(axis=(1, 3)) for code in range(1, 5)])
    assert np.isnan(found[0, 0]) and np.isfinite(found).sum() == found.size - 1
    rows, columns = np.indices(found.shape)
    codes = np.where(np.isfinite(found), found, 1).astype(int)
    assert (counts[codes - 1, rows, columns] == counts.max(axis=0)).all()


@settings(max_examples=60, deadline=None)
@given(arrays(np.uint16, st.tuples(st.integers(1, 30), st.integers(1, 40))))
def test_the_bytes_on_the_wire_come_back(codes: np.ndarray) -> None:
    np.testing.assert_array_equal(screen.unwire(screen.wire(codes), codes.shape), codes)


def test_a_picture_holds_its_values_to_a_step_and_is_small_on_the_wire(projection: Projection) -> None:
    """A window of a large screen: the heaviest field takes less than 300 kB."""
    window = whole(projection, 1400).fitted()
    field = Finer("precipitation", 7)
    drawn = finer.picture(field, projection, window)
    seen = screen.sight(projection, window)
    n = screen.block_size(seen.step, 0.25)
    plain = screen.look(seen, screen.blocks(field.values(), n))
    assert (np.isfinite(plain) == (drawn.codes >= screen.FIRST)).all()
    assert np.nanmax(np.abs(drawn.values() - plain)) <= 0.51 * drawn.scale
    assert drawn.scale <= (np.nanmax(plain) - np.nanmin(plain)) / 1999
    assert screen.wire(drawn.codes).nbytes < 300_000
    assert window.columns * window.rows <= screen.MOST_PIXELS


def test_classes_cross_the_wire_as_they_are(projection: Projection) -> None:
    drawn = finer.picture(Finer("koeppen", 1, classes=True), projection, whole(projection))
    found = drawn.values()
    assert set(np.unique(found[np.isfinite(found)])) <= set(range(1, 32)) and drawn.scale == 1


def test_the_pointer_is_told_the_same_place(projection: Projection) -> None:
    """Longitude and latitude as the script of the map computes them from rows and edges."""
    window = whole(projection, 300)
    rows, pole = screen.rows_on_globe(projection, window)
    seen = screen.sight(projection, window)
    x, y = window.centres()
    if pole:
        lat = pole * (90 - np.degrees(2 * np.arcsin(np.minimum(np.hypot(x[None], y[:, None]) / 2, 1))))
        lon = np.degrees(np.arctan2(x[None], -pole * y[:, None]))
    else:
        lat, lon = np.broadcast_arrays(rows["lat"][:, None], np.clip(180 * x[None] / rows["edge"][:, None], -180, 180))
    inside = np.isfinite(seen.lat) & (pole * lat > 21 if pole else True)  # the outermost are brought to the edge
    np.testing.assert_allclose(lat[inside], seen.lat[inside], atol=1e-3)
    apart = np.abs(lon[inside] - seen.lon[inside])
    assert np.minimum(apart, 360 - apart).max() < 0.02
