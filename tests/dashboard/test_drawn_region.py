"""What lies under an outline drawn on the map is chosen: in every projection, over the date line and the poles."""

from __future__ import annotations

import numpy as np
import pytest

from dashboard import engine, links
from dashboard.plots.projection import PolarProjection, Projection, load_projection
from dashboard.plots.worldmap import corners_of
from dashboard.state import PROJECTIONS, defaults
from hdlcore.data import regions

#: Boxes as shares of the map's width and height: west, east, south, north.
BOXES = {
    "middle": (0.3, 0.7, 0.3, 0.7),
    "beyond the top": (0.2, 0.8, 0.7, 1.02),
    "beyond the bottom": (0.2, 0.8, -0.02, 0.35),
    "beyond the left": (-0.02, 0.2, 0.3, 0.9),
    "all": (0.0, 1.0, 0.0, 1.0),
}


@pytest.fixture(scope="module", params=list(PROJECTIONS))
def projection(request) -> Projection:
    lat = engine.get_world()["lat"].values.astype(np.float32)
    return load_projection(request.param, lat.size, lat.tobytes())


def places(projection: Projection) -> tuple[np.ndarray, np.ndarray]:
    """Where the cells lie, as shares of the map; none that the map does not show."""
    world = engine.get_world()
    lon, lat = (world[name].values.astype(float) for name in ("lon", "lat"))
    x, y = projection.forward(lon, lat)
    west, east, south, north = projection.extent
    if isinstance(projection, PolarProjection):
        x = np.where(projection.pole * lat > 20, x, np.nan)
    return (x - west) / (east - west), (y - south) / (north - south)


def chosen(projection: Projection, x: list[float], y: list[float]) -> np.ndarray:
    west, east, south, north = projection.extent
    corners = corners_of(projection, west + np.array(x) * (east - west), south + np.array(y) * (north - south))
    return regions.filter_cells(engine.get_world(), polygon=corners)[0]


@pytest.mark.parametrize("box", BOXES)
def test_a_box_takes_what_lies_under_it(projection: Projection, box: str) -> None:
    west, east, south, north = BOXES[box]
    x, y = places(projection)
    under = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    mask = chosen(projection, [west, east, east, west], [south, south, north, north])
    wrong = int((mask != under).sum())
    assert wrong <= max(0.04 * under.sum(), 12), f"{wrong} cells of {under.sum()} are another's"


def test_a_triangle_wider_than_half_the_earth_takes_what_lies_under_it(projection: Projection) -> None:
    """Three corners, as the tool for corners sets them."""
    x, y = places(projection)
    edges = [((0.1, 0.3), (0.9, 0.3)), ((0.9, 0.3), (0.5, 0.95)), ((0.5, 0.95), (0.1, 0.3))]
    under = np.ones(x.shape, bool)
    for (x0, y0), (x1, y1) in edges:
        under &= (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) >= 0
    mask = chosen(projection, [0.1, 0.9, 0.5], [0.3, 0.3, 0.95])
    assert under.any() and (mask != under).sum() <= 0.04 * under.sum()


def test_the_link_holds_whatever_is_drawn(projection: Projection) -> None:
    """The longest way a hand can go: from edge to edge sixty times."""
    west, east, south, north = projection.extent
    corners = corners_of(projection, np.tile([west, east], 100), np.linspace(south, north, 200))
    assert 3 <= len(corners) <= links.MAX_POLYGON
    assert links.decode(links.encode({**defaults(), "polygon": corners})).values["polygon"] == corners
