"""What the browser is told of a month before it is stepped to is what the page then shows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from bokeh.model import Model

from dashboard.pages.ahead import Ahead, addressed
from dashboard.pages.explore_map import MapPart
from dashboard.pages.explore_series import SeriesPart
from dashboard.pages.selecting import FilterPart, PlacePart
from dashboard.pages.view import View
from dashboard.state import History, State, apply

VIEWS: dict[str, dict[str, Any]] = {
    "as opened": {},
    "colours that follow": {"color_range": "auto"},
    "a filter": {"climate_zones": (1,), "focus": "filter", "color_range": None},
    "every curve": {"many": "all"},
    "another quantity": {"variable": "soil_moisture", "departure": False, "many": "mean"},
}


class Page:
    """The parts of Explore that say something of the month, and what is sent to their player."""

    def __init__(self) -> None:
        self.view = View(State())
        place = PlacePart(self.view)
        self.map = MapPart(self.view, place.warn)
        self.filters, self.series = FilterPart(self.view, History(self.view.state)), SeriesPart(self.view)
        self.ahead, self.sent = Ahead(self.view, self.map), list[dict[str, Any]]()
        self.map.player.send = self.sent.append  # type: ignore[method-assign]

    def ask(self, *at: Any) -> list[Any]:
        """Ask for months by index; what the player hears."""
        self.sent.clear()
        self.ahead._asked({"type": "ahead", "at": list(at)})
        return self.heard()

    def heard(self) -> list[Any]:
        """Months that were told, 'forget' where they were made untrue."""
        found = [message.get("at", message["type"]) for message in self.sent]
        self.sent.clear()
        return found


@pytest.fixture(scope="module")
def shared() -> Page:
    return Page()


@pytest.fixture
def page(shared: Page) -> Page:
    apply(shared.view.state, State().snapshot())
    apply(shared.view.state, {"cell": 0 * 360 + State().cell + 1})  # whatever was told is forgotten
    apply(shared.view.state, {"cell": State().cell})
    shared.sent.clear()
    return shared


@pytest.mark.parametrize("name", VIEWS)
def test_what_is_said_ahead_is_what_is_shown_then(page: Page, name: str) -> None:
    view = page.view
    for earlier in VIEWS:
        apply(view.state, VIEWS[earlier])
        if earlier == name:
            break
    said = [entry for says in view.says for entry in says(view.look(11))]
    assert len(said) >= 7
    before = [{key: getattr(part, key) for key in values} for part, values in said]
    apply(view.state, {"time": "11"})
    changed = 0
    for (part, values), was in zip(said, before, strict=True):
        for key, value in values.items():
            held = getattr(part, key)
            held = {k: list(v) for k, v in held.items()} if key == "data" else held
            assert held == value, f"{type(part).__name__}.{key}"
            changed += held != was[key]
    assert changed >= 5


def test_the_field_of_a_month_goes_over_once(page: Page) -> None:
    drawn = page.map.map
    now = page.view.layer.values
    assert page.ask(5, 6) == [4, 5, 6]
    np.testing.assert_array_equal(drawn.values, now)
    assert set(drawn._fields.data) == {"5", "6", "7"}
    events: list[Any] = []
    drawn._fields.on_change("data", lambda attr, old, new: events.append(attr))
    apply(page.view.state, {"time": "06"})
    assert not events, "it is there"
    np.testing.assert_array_equal(drawn.values, page.view.layer.values)
    assert not np.array_equal(drawn.values, now, equal_nan=True)
    apply(page.view.state, {"variable": "swe"})
    assert set(drawn._fields.data) == {"6"}, "months of another quantity are dropped"
    assert page.view.layer.values.nbytes * 12 < 1_000_000, "a year in the browser"


@pytest.mark.parametrize("change", [
    {"variable": "swe"}, {"departure": False}, {"color_range": (-50.0, 50.0)}, {"projection": "robinson"},
    {"climate_zones": (2,), "focus": "filter"}, {"cell": 39 * 360 + 190}, {"model": "global-twin"},
])  # fmt: skip
def test_whatever_but_the_month_changes_what_was_said(page: Page, change: dict[str, Any]) -> None:
    page.ask(5)
    apply(page.view.state, change)
    assert page.heard() == ["forget", 4], "and what is true of the month shown comes with it"
    apply(page.view.state, {"time": "06"})
    assert page.heard() == [5]
    apply(page.view.state, {"time": "05"})
    assert page.heard() == []


def test_a_change_of_theme_forgets(page: Page) -> None:
    page.ask(5)
    page.view.dark = not page.view.dark
    assert page.heard() == ["forget", 4]


@pytest.mark.parametrize("change", [
    {"values": (-50.0, 50.0), "focus": "filter"}, {"variable": "precipitation_reanalysis"}, {"page": "memory"},
])  # fmt: skip
def test_where_more_depends_on_the_month_nothing_is_said(page: Page, change: dict[str, Any]) -> None:
    page.ask(5)
    apply(page.view.state, change)
    assert page.heard() == ["forget"]
    assert page.ask(5) == []


def test_nothing_is_said_beside_an_open_table(page: Page) -> None:
    page.ask(5)
    page.map.table.visible = True
    assert page.heard() == ["forget"] and page.ask(5) == []
    page.map.table.visible = False
    assert page.ask(5) == [4, 5]


@pytest.mark.parametrize("wanted", [["5", None, 1.5], [12, -1, 99], "5", None, {"at": 5}])
def test_what_is_no_month_is_not_told(page: Page, wanted: Any) -> None:
    page.sent.clear()
    page.ahead._asked({"type": "ahead", "at": wanted})
    assert set(page.heard()) <= {4}


def test_words_name_models_of_the_page(page: Page) -> None:
    """Every property is one of the model it is sent for."""
    parts = [part for says in page.view.says for part, _ in says(page.view.look(7))]
    roots = [part.get_root() for part in parts if not isinstance(part, Model)]
    models = {model.id: model for root in roots for model in root.references()} | {
        part.id: part for part in parts if isinstance(part, Model)
    }
    told = [
        entry
        for says in page.view.says
        for part, values in says(page.view.look(7))
        for entry in addressed(part, values)
    ]
    assert len(told) == len(parts)
    for name, values in told:
        assert set(values) <= models[name].properties()
