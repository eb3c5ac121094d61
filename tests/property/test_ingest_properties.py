"""What must hold for any grid, any unit and any calendar."""

from __future__ import annotations

import cftime
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hdlcore.data.cube import EARTH_RADIUS, cell_area
from hdlcore.data.ingest import calendars, regrid
from hdlcore.data.ingest.units import conversion, convert
from hdlcore.errors import DataError

TARGET_LAT = np.repeat(89.5 - np.arange(180), 360)
TARGET_LON = np.tile(-179.5 + np.arange(360), 180)
AREA = cell_area(TARGET_LAT)


@st.composite
def global_edges(draw) -> tuple[np.ndarray, np.ndarray]:
    """Edges of a grid that covers the Earth: any number of uneven rows and columns, from any meridian, either way."""
    rows = draw(st.integers(3, 60))
    columns = draw(st.integers(3, 90))
    rng = np.random.default_rng(draw(st.integers(0, 2**31)))
    lat = np.r_[-90, np.sort(rng.uniform(-89.9, 89.9, rows - 1)), 90]
    west = draw(st.floats(-180, 360))
    lon = west + np.r_[0, np.sort(rng.uniform(0.1, 359.9, columns - 1)), 360]
    return (lat[::-1] if draw(st.booleans()) else lat), lon


def area_of(lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    band = np.abs(np.diff(np.sin(np.deg2rad(lat))))
    return (EARTH_RADIUS**2 * band[:, None] * np.deg2rad(np.abs(np.diff(lon)))[None, :]).ravel()


@settings(max_examples=12, deadline=None)
@given(global_edges(), st.integers(0, 2**31))
def test_aggregation_keeps_the_integral_over_the_earth(edges, seed):
    lat, lon = edges
    values = np.random.default_rng(seed).normal(5, 3, (1, (lat.size - 1) * (lon.size - 1)))
    moved = regrid.regular(lat, lon, TARGET_LAT, TARGET_LON).apply(values)
    before, after = (values[0] * area_of(lat, lon)).sum(), (moved[0].astype("f8") * AREA).sum()
    assert after == pytest.approx(before, rel=1e-5, abs=1e9)


@settings(max_examples=12, deadline=None)
@given(global_edges(), st.floats(-1e4, 1e4, width=32))
def test_a_constant_stays_that_constant_everywhere(edges, value):
    lat, lon = edges
    weights = regrid.regular(lat, lon, TARGET_LAT, TARGET_LON)
    np.testing.assert_allclose(weights.cover(), 1.0, atol=1e-9)
    moved = weights.apply(np.full((2, (lat.size - 1) * (lon.size - 1)), value))
    np.testing.assert_allclose(moved, value, rtol=1e-5, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from([0.25, 0.5, 1.0, 2.0, 5.0]), st.integers(-3, 3), st.integers(0, 2**31))
def test_turning_the_circle_changes_nothing(step, turns, seed):
    lat = np.arange(90, -90.01, -step)
    lon = np.arange(0, 360.01, step)
    values = np.random.default_rng(seed).normal(size=(1, (lat.size - 1) * (lon.size - 1)))
    one = regrid.regular(lat, lon, TARGET_LAT[:3600], TARGET_LON[:3600]).apply(values)
    shift = turns * 90
    rolled = np.roll(values.reshape(lat.size - 1, lon.size - 1), -round(shift / step), axis=1).reshape(1, -1)
    if abs(shift / step - round(shift / step)) < 1e-9:
        other = regrid.regular(lat, lon + shift, TARGET_LAT[:3600], TARGET_LON[:3600]).apply(rolled)
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@settings(max_examples=10, deadline=None)
@given(global_edges(), st.floats(0.1, 0.9), st.integers(0, 2**31))
def test_missing_values_never_leak_and_never_widen_the_range(edges, share, seed):
    lat, lon = edges
    rng = np.random.default_rng(seed)
    values = rng.uniform(1, 2, (1, (lat.size - 1) * (lon.size - 1)))
    values[rng.random(values.shape) < share] = np.nan
    moved = regrid.regular(lat, lon, TARGET_LAT, TARGET_LON).apply(values)
    held = moved[np.isfinite(moved)]
    assert held.size == 0 or (held.min() >= 0.9999 and held.max() <= 2.0001)


def test_date_line_cells_take_from_both_sides():
    lon = np.arange(-1.0, 360, 2)  # cells centred at 0, 2, ..., 358: one is centred at 180
    lat = np.array([-90.0, 0.0, 90.0])
    values = np.zeros((1, 2, 180))
    values[..., 90] = 1.0
    moved = regrid.regular(lat, lon, [0.5, 0.5, 0.5], [179.5, -179.5, 178.5]).apply(values.reshape(1, -1))
    np.testing.assert_allclose(moved[0], [1, 1, 0])


@settings(max_examples=10, deadline=None)
@given(st.floats(0, 360), st.floats(-60, 60))
def test_curvilinear_weights_agree_with_regular_ones_inside(west, south):
    """A regular grid given in two dimensions aggregates to the same means, to within the parts of its cells."""
    lat = south + 0.25 + 0.5 * np.arange(40)
    lon = west + 0.25 + 0.5 * np.arange(60)
    values = (np.sin(np.deg2rad(3 * lon)) + np.cos(np.deg2rad(2 * lat))[:, None]).ravel()[None]
    inside = np.flatnonzero(
        (np.abs(TARGET_LAT - lat.mean()) < 7) & (((TARGET_LON - lon.mean() + 180) % 360 - 180) ** 2 < 100)
    )
    at = TARGET_LAT[inside], TARGET_LON[inside]
    flat = regrid.regular(regrid.edges(lat, 90), regrid.edges(lon), *at)
    bent = regrid.curvilinear(*np.meshgrid(lat, lon, indexing="ij"), *at)
    np.testing.assert_allclose(bent.cover(), 1, atol=0.3)  # parts are an eighth of a cell wide
    np.testing.assert_allclose(bent.apply(values), flat.apply(values), atol=0.02)


PAIRS = [
    ("K", "degC"), ("degF", "degC"), ("kg m-2 s-1", "mm d-1"), ("mm/hr", "mm d-1"), ("m day-1", "mm d-1"),
    ("cm", "mm"), ("MJ m-2 d-1", "W m-2"), ("kPa", "hPa"), ("%", "1"), ("umol m-2 s-1", "gC m-2 d-1"),
    ("gCO2 m-2 d-1", "gC m-2 d-1"), ("MJ m-2 d-1", "mm d-1"), ("mol mol-1", "1e-6"), ("kg m-2", "mm"),
]  # fmt: skip


@settings(deadline=None)
@given(st.sampled_from(PAIRS), st.floats(-500, 500, width=32))
def test_units_there_and_back_again(pair, value):
    there = conversion(*pair)
    back = (float(there(value)) - there.offset) / there.factor
    assert back == pytest.approx(value, rel=1e-5, abs=1e-3)


@settings(deadline=None)
@given(st.sampled_from(PAIRS))
def test_units_that_are_right_are_left_alone(pair):
    assert conversion(pair[1], pair[1]).says == ""
    np.testing.assert_array_equal(convert([1.5, np.nan], pair[1], pair[1]), np.float32([1.5, np.nan]))


KNOWN = [
    (1.0, "kg m-2 s-1", "mm d-1", None, 86_400.0),
    (0.001, "m", "mm d-1", 3600, 24.0),
    (5.0, "mm", "mm d-1", 86_400, 5.0),
    (273.15, "K", "degC", None, 0.0),
    (2.45, "MJ m-2 d-1", "mm d-1", None, 1.0),
    (86_400.0, "J m**-2", "W m-2", 86_400, 1.0),
    (1.0, "umolCO2 m-2 s-1", "gC m-2 d-1", None, 12.011e-6 * 86_400),
    (44.009, "g CO2 m-2 d-1", "gC m-2 d-1", None, 12.011),
    (30.0, "%", "1", None, 0.3),
    (1.0, "inch", "mm", None, 25.4),
    (2950.0, "0.1 K", "degC", None, 21.85),
    (1.0, "1e-3 m s-1", "mm d-1", None, 86_400.0),
    (100.0, "degF", "degC", None, 37.7778),
]


@pytest.mark.parametrize(("value", "units", "wanted", "seconds", "expected"), KNOWN)
def test_units_by_hand(value, units, wanted, seconds, expected):
    assert float(convert(value, units, wanted, seconds)) == pytest.approx(expected, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize(
    "text",
    ["9**9**9**9", "m**999999", "10^9^9^9 m", "m^2^2^2", "(" * 200, "m(", "lambda: 1", "__import__('os')", "\x00m"],
)
def test_units_that_are_nonsense_or_a_trap_are_refused_at_once(text):
    with pytest.raises(DataError, match=r"unit|measure"):
        conversion(text, "mm d-1", 86_400)


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1700, 2200),
    st.integers(0, 5000),
    st.sampled_from(["noleap", "all_leap", "360_day", "julian", "standard"]),
)
def test_every_day_of_a_calendar_finds_a_day_of_its_own(year, first, calendar):
    n = 800
    units = f"days since {year}-01-01"
    stamps = calendars.decode(first + np.arange(n, dtype=float), units, calendar)
    kept = stamps.when[stamps.keep].astype("datetime64[D]")
    assert np.all(np.diff(kept).astype(int) >= 1), "no two days fall on one"
    assert np.all(np.diff(kept).astype(int) <= 2), "gaps are single days"
    if calendar != "julian":
        there = cftime.num2date(first, units, calendar=calendar)
        when = kept[0].astype("datetime64[Y]").astype(int) + 1970
        assert when == there.year


@settings(max_examples=40, deadline=None)
@given(st.integers(1850, 2100), st.sampled_from(["start", "middle", "end"]), st.integers(2, 400))
def test_days_stamped_anywhere_are_the_same_days(year, position, n):
    days = np.datetime64(f"{year}-01-01", "s") + np.arange(n) * np.timedelta64(86_400, "s")
    shift = {"start": 0, "middle": 43_200, "end": 86_400}[position]
    stamps = days + np.timedelta64(shift, "s")
    middle = calendars.middles(stamps, "daily", 86_400.0, position)
    np.testing.assert_array_equal(middle.astype("datetime64[D]"), days.astype("datetime64[D]"))


@settings(max_examples=40, deadline=None)
@given(st.integers(1850, 2100), st.sampled_from(["start", "middle", "end"]), st.integers(2, 100))
def test_months_stamped_anywhere_are_the_same_months(year, position, n):
    months = np.datetime64(f"{year}-01", "M") + np.arange(n)
    stamps = {
        "start": months.astype("datetime64[s]"),
        "middle": months.astype("datetime64[s]") + np.timedelta64(14, "D"),
        "end": (months + 1).astype("datetime64[s]") - np.timedelta64(1, "D"),
    }[position]
    assert calendars.step_of(stamps)[0] == "monthly"
    assert calendars.position_of(stamps, "monthly") == position
    middle = calendars.middles(stamps, "monthly", calendars.MONTH, position)
    np.testing.assert_array_equal(middle.astype("datetime64[M]"), months)
