"""The map of mixed shares: every colour has its place, and the numbers that leave are the shares themselves."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import export, layers
from dashboard.pages.view import View
from dashboard.plots import ternary
from dashboard.plots.palette import palette
from dashboard.state import State, apply
from dashboard.tables import map_table
from hdlcore.variables import GROUNDWATER, SNOW, SOIL


def test_the_corners_have_the_pure_colours_and_all_colours_differ() -> None:
    found = ternary.classes(np.eye(3)).astype(int)
    assert [ternary.colors()[at].upper() for at in found] == [SNOW, SOIL, GROUNDWATER]
    assert len(set(ternary.colors())) == ternary.COUNT == len(ternary.points()) == len(palette("ternary"))


@given(st.tuples(*[st.floats(-0.5, 2.0)] * 3).filter(lambda parts: sum(max(part, 0) for part in parts) > 0.1))
@settings(deadline=None)
def test_a_class_is_the_nearest_mixture(parts: tuple[float, float, float]) -> None:
    shares = np.clip(parts, 0, None) / np.clip(parts, 0, None).sum()
    at = int(ternary.classes(np.array(parts)[:, None])[0])
    assert np.abs(ternary.points()[at] / ternary.STEPS - shares).max() <= 1.01 / ternary.STEPS
    x, height = ternary.place(np.array(parts))
    assert 0 <= height <= 1 and height / 2 - 1e-9 <= x <= 1 - height / 2 + 1e-9


def test_a_missing_share_has_no_colour() -> None:
    assert np.isnan(ternary.classes(np.array([[np.nan], [0.5], [0.5]]))).all()


@pytest.fixture(scope="module")
def view() -> View:
    state = State()
    apply(state, {"variable": layers.MIXED, "color_range": "auto"})
    return View(state)


def test_the_view_of_mixed_shares_says_shares_and_exports_shares(view: View) -> None:
    assert view.layer.mixed and view.color_range() == (0, ternary.COUNT - 1)
    assert "the yearly swing of stored water is carried by groundwater" in view.sentence()
    table = pd.read_csv(export.map_csv(view))
    assert set(table["variable"]) == set(ternary.CORNERS)
    sums = table.groupby(["lat", "lon"])["value"].sum()
    assert float(sums.median()) == pytest.approx(1, abs=0.01)
    world, good = view.world, np.isfinite(view.layer.values)
    html = map_table(world, view.layer, view.selection.mask, view.title)
    assert "Snow %" in html and good.mean() > 0.95
    assert isinstance(export.map_netcdf(view), io.BytesIO)
