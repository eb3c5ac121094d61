"""Whatever a link asks for, a page is shown: the view falls back with a sentence and goes on being used."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dashboard import export, links
from dashboard.pages.explore_map import MapPart
from dashboard.pages.selecting import FilterPart, PlacePart
from dashboard.pages.view import View
from dashboard.state import History, State, apply, defaults
from tests.dashboard.test_links import states

#: A filter that leaves nothing, a place in the sea, a region that is none, a member that is not there, and so on.
ODD = st.fixed_dictionaries(
    {},
    optional={
        "model": st.sampled_from(["", "global-grace", "global-twin", "twin-earth", "catchments", "nothing"]),
        "region": st.sampled_from(["", "Mediterranean", "Germany", "Atlantis"]),
        "values": st.sampled_from([None, (-1e6, -9e5), (0.0, 0.0), (-1e9, 1e9)]),
        "latitude": st.sampled_from([None, (89.9, 90.0), (-90.0, -89.0), (12.3, 12.4)]),
        "time": st.sampled_from(["01", "12", "1850-01", "2005-07", "9999-12"]),
        "color_range": st.sampled_from([None, "auto", (0.0, 5e-324), (1e6 - 1e-9, 1e6), (-1e6, 1e6), (-1e308, 1e308)]),
        "cell": st.sampled_from([0, 180 * 360 - 1, 90 * 360, 94 * 360 + 117]),
    },
)


@pytest.fixture(scope="module")
def used() -> tuple[View, MapPart, PlacePart, FilterPart]:
    """A view that is used on and on, with the parts that follow it at once."""
    state = State()
    view, history = View(state), History(state)
    place = PlacePart(view)
    return view, MapPart(view, place.warn), place, FilterPart(view, history)


@given(st.tuples(states, ODD).map(lambda parts: {**parts[0], **parts[1], "page": "explore", "series": "season"}))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_link_opens_a_view_that_can_be_used(
    used: tuple[View, MapPart, PlacePart, FilterPart], values: dict
) -> None:
    view, world, place, _ = used
    view.notice = ""
    apply(view.state, {**defaults(), **links.decode(links.encode({**defaults(), **values})).values})
    assert "unexpected" not in view.notice, view.notice
    low, high = view.color_range()
    assert np.isfinite([low, high, high - low]).all() and low < high
    assert view.layer.values.shape == view.world["cell"].shape
    assert view.sentence() and place.card.sentence and not re.search(r"\bnan\b", view.sentence().lower())
    assert world.caption.object and view.season() is not None
    assert links.decode(links.encode(view.state.snapshot())).notices == ()
    assert len(export.map_dataset(view)) > 0
    apply(view.state, {"cell": 39 * 360 + 190, "focus": "cell", "climate_zones": ()})
    assert view.selection.position >= 0
