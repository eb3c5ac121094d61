"""A series on the screen keeps its ends, its extremes and its gaps; a site on the map is where it says it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from bokeh.events import Tap

from dashboard.plots.projection import load_projection
from dashboard.plots.sheet import Sheet
from dashboard.plots.sitemap import SiteMap
from dashboard.plots.timeseries import MOST_POINTS, alone, gaps, span_of, thinned, timeseries
from dashboard.summary import quantity_sentence


@pytest.fixture
def long_series() -> xr.DataArray:
    days = pd.date_range("1950-01-01", "2020-12-31")
    values = np.random.default_rng(2).gamma(0.5, 4, days.size)
    values[12345] = 999.0
    values[20000:20400] = np.nan
    return xr.DataArray(values, {"time": days})


def test_gaps_are_found_at_both_ends_and_inside() -> None:
    nan = np.nan
    np.testing.assert_array_equal(gaps(np.array([nan, 1, nan, nan, 2, nan])), [[0, 0], [2, 3], [5, 5]])
    assert gaps(np.array([1.0, 2.0])).size == 0


def test_a_long_series_keeps_its_extremes_and_its_breaks(long_series: xr.DataArray) -> None:
    values = long_series.values
    kept = thinned(values)
    assert kept.size < 1.2 * MOST_POINTS < values.size
    assert np.all(np.diff(kept) > 0)
    assert np.nanmax(values[kept]) == 999.0
    assert np.nanmin(values[kept]) == np.nanmin(values)
    assert np.isnan(values[kept]).any(), "the line would be drawn across the gap"
    np.testing.assert_array_equal(thinned(values[:100]), np.arange(100))


def test_a_value_between_gaps_gets_a_dot() -> None:
    nan = np.nan
    np.testing.assert_array_equal(alone(np.array([nan, 1, nan, 2, 3, nan, 4])), [1, 6])


def test_what_is_missing_is_shaded_and_said(long_series: xr.DataArray) -> None:
    text = quantity_sentence(long_series, "Precipitation", "mm d-1", "Somewhere")
    assert "to 999 mm a day (1983-10-20)" in text
    assert "2 % of the values are missing" in text
    drawing = timeseries(long_series, "mm a day", summary=text)
    (left,) = drawing.tables["gaps"]["left"]
    assert str(np.datetime64(int(left), "ms"))[:10] in ("2004-10-03", "2004-10-04")
    assert (drawing.y_label, drawing.text) == ("mm a day", text)


def test_a_series_without_a_value_is_drawn_empty() -> None:
    nothing = xr.DataArray(np.full(12, np.nan), {"month": np.arange(1, 13)}, ("month",))
    assert "has no value here" in quantity_sentence(nothing, "Runoff", "mm d-1", "Here")
    sheet = Sheet()
    sheet.show(timeseries(nothing, "mm a day"))
    assert sheet.figure.y_range.end == 1


def test_one_value_alone_is_a_dot_in_the_middle() -> None:
    """A cube of one day: a dot on a day of its own width, and a sentence without a range."""
    one = xr.DataArray([0.3], {"time": np.array(["2001-01-01"], "datetime64[ns]")}, ("time",))
    said = quantity_sentence(one, "Runoff", "mm d-1", "Here")
    assert said.startswith("Here: runoff is 0.3 mm a day (") and said.endswith("the only value there is.")
    drawing = timeseries(one, "mm a day")
    (at,), (left, right) = drawing.tables["alone"]["at"], drawing.x
    assert left < at < right


def test_the_range_starts_at_zero_where_zero_is_near() -> None:
    assert span_of(np.array([0.1, 5.0]))[0] == 0
    assert span_of(np.array([80.0, 90.0]))[0] > 70
    assert span_of(np.array([3.0, 3.0])) == pytest.approx((2.5, 3.5))


@pytest.fixture(scope="module")
def site_map(world) -> SiteMap:
    lat = world["lat"].values.astype(np.float32)
    return SiteMap("sites", load_projection("equal_earth", lat.size, lat.tobytes()))


def test_forward_and_inverse_agree(site_map: SiteMap) -> None:
    lon, lat = np.array([-179.0, -62.5, 0.0, 8.7, 359.0]), np.array([80.0, -4.5, 0.0, 50.8, -54.0])
    back = site_map.projection.inverse(*site_map.projection.forward(lon, lat))
    np.testing.assert_allclose(back[0], (lon + 180) % 360 - 180, atol=0.02)
    np.testing.assert_allclose(back[1], lat, atol=0.02)


def test_a_tap_chooses_the_nearest_site_and_one_far_away_none(site_map: SiteMap) -> None:
    site_map.show(np.array([50.8, 31.7, np.nan]), np.array([8.7, -89.4, np.nan]), None)
    assert len(site_map._sites.data["x"]) == 2, "a site without a place is not drawn"
    chosen: list[int] = []
    site_map.on_tap(chosen.append)
    x, y = site_map.projection.forward(-89.0, 32.0)
    site_map.figure._trigger_event(Tap(site_map.figure, x=float(x), y=float(y)))
    x, y = site_map.projection.forward(-40.0, 5.0)
    site_map.figure._trigger_event(Tap(site_map.figure, x=float(x), y=float(y)))
    assert chosen == [1]
    site_map.choose(2)
    assert len(site_map._pick.data["x"]) == 0
    site_map.choose(0)
    assert len(site_map._pick.data["x"]) == 1


def test_many_cells_are_drawn_as_an_area(site_map: SiteMap, world) -> None:
    count = world.sizes["cell"]
    site_map.show(world["lat"].values.astype(float), world["lon"].values.astype(float), np.arange(count))
    painted = site_map._area.data["image"][0]
    assert (painted != 0).sum() == (site_map.projection.index[::2, ::2] >= 0).sum()
    assert len(site_map._sites.data["x"]) == 0
