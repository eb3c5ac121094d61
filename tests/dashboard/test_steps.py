"""What was stepped, filtered and changed to its present view is what a page opened on that view shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dashboard.pages.explore_map import MapPart
from dashboard.pages.explore_memory import MemoryPart
from dashboard.pages.explore_series import SeriesPart
from dashboard.pages.selecting import FilterPart, PlacePart
from dashboard.pages.view import View
from dashboard.state import History, State, apply

# each follows from the one before
STEPS = {
    "month": {"time": "06"},
    "filter": {"climate_zones": (1,), "focus": "filter"},
    "month of many": {"time": "11"},
    "all cells": {"many": "all"},
    "month of all cells": {"time": "02"},
    "value filter": {"values": (-50.0, 40.0), "many": "mean"},
    "month under a value filter": {"time": "08"},
    "another quantity": {"variable": "swe", "departure": False},
    "a fine field": {"variable": "elevation", "values": None},
    "mixed colours": {"variable": "store_shares", "color_range": None},
    "one cell again": {
        "climate_zones": (),
        "focus": "cell",
        "variable": "tws",
        "cell": 39 * 360 + 190,
        "departure": True,
    },
}


class Page:
    """The parts of Explore, and all that they show."""

    def __init__(self, state: State) -> None:
        self.state, self.view = state, View(state)
        self.place = PlacePart(self.view)
        self.map = MapPart(self.view, self.place.warn)
        self.filters = FilterPart(self.view, History(state))
        self.series, self.memory = SeriesPart(self.view), MemoryPart(self.view)

    def shows(self) -> dict[str, Any]:
        """Everything a person sees of it."""
        shown = self.map.map
        controls = {
            "card": self.place.card, "chips": self.filters.chips, "zones": self.filters.zones, "key": self.map.legend,
            "range": self.filters.values, "player": self.map.player, "many": self.series.many,
            "triangle": self.map.triangle, "latitude": self.filters.latitude,
        }  # fmt: skip
        # of controls that are not on the page what they would say does not count
        found: dict[str, Any] = {
            f"{name}.{key}": value
            for name, control in controls.items()
            for key, value in (control.param.values().items() if control.visible else [("visible", False)])
            if key not in ("name", "can_undo")
        }
        words = (self.map.caption, self.map.keys, self.series.note, self.series.summary, self.memory.note)
        found |= {f"words {at}": pane.object for at, pane in enumerate(words)}
        found |= {f"cells.{name}": np.asarray(column) for name, column in shown.cells.data.items()}
        found |= {"values": shown.values}
        found |= {"palette": shown._mapper.palette, "range": (shown._mapper.low, shown._mapper.high)}
        found |= {"heard": shown.figure.html_attributes, "ring": shown._lines["pick"].data["x"]}
        for name, sheet in (("curves", self.series._curves), ("heat", self.memory.pane._sheet)):
            for table, source in sheet._sources.items():
                found |= {f"{name}.{table}.{key}": column for key, column in source.data.items()}
            found[f"{name} heard"] = sheet.figure.html_attributes["aria-label"]
            found[f"{name} span"] = (sheet.figure.y_range.start, sheet.figure.y_range.end)
        return found


@pytest.fixture(scope="module")
def stepped() -> Page:
    return Page(State())


@pytest.mark.parametrize("name", STEPS)
def test_a_step_leads_where_a_link_leads(stepped: Page, name: str) -> None:
    apply(stepped.state, STEPS[name])
    opened = Page(State(**stepped.state.snapshot())).shows()
    shown = stepped.shows()
    assert shown.keys() == opened.keys()
    for key, value in opened.items():
        np.testing.assert_equal(shown[key], value, err_msg=key)


def test_a_month_keeps_the_cells_and_what_was_computed_of_them(stepped: Page) -> None:
    """Stepping through the months of a region computes its season once."""
    view = stepped.view
    apply(stepped.state, {**State().snapshot(), "climate_zones": (2,), "focus": "filter"})
    before, season, said = view.selection, view.season(), view.sentence()
    apply(stepped.state, {"time": "09"})
    assert view.selection is before and view.season() is season
    assert view.sentence() != said and ", September:" in view.sentence()
