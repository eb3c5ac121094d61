"""A model of one's own that lacks something: every page that is open says so in words, none breaks or shows 'nan'."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import panel as pn
import pytest
import xarray as xr

from dashboard import engine
from dashboard.jobs import Lane
from dashboard.members import members_of, sentence
from dashboard.pages.book import MAKERS
from dashboard.pages.view import View
from dashboard.state import History, State, apply
from dashboard.widgets import RangeField

#: What the fields lack: patterns of names.
LACKING = {
    "a store": "groundwater.*|soil_moisture.*",
    "scores": ".*_(nse|correlation|error)|tws_(observed|residual|smoothed)",
    "parameters": ".*_(capacity|rate|exponent|coefficient|fraction|threshold|correction|equifinality)|melt_factor",
    "memory": "attribution.*|memory.*|carrier.*|lag_.*",
    "weather": "precipitation|air_temperature|net_radiation",
    "all but the total": "(?!tws$).*",
}
#: Of many cells, so that nothing is run live.
SHOWN = {"region": "Iceland", "focus": "filter"}


@pytest.fixture(scope="module")
def pages() -> dict[str, Any]:
    """The pages that show fields, made as for a visitor."""
    made = {}
    for name in ("explore", "memory", "trust", "compare"):
        state = State()
        apply(state, {"page": name, "model": "global-twin", **SHOWN})
        page = made[name] = MAKERS[name](View(state), History(state))
        for step in page.steps():
            step()
    return made


def _words(page: Any) -> str:
    """Everything that is written on a page."""
    panes = page.layout.select(lambda part: isinstance(part, pn.pane.HTML) and part.visible)
    fields = page.layout.select(lambda part: isinstance(part, RangeField))
    return " ".join(str(pane.object) for pane in panes) + " ".join(str(field.hints) for field in fields)


def _shown_again(page: Any) -> str:
    """The page with the model chosen anew, each measure and view of it walked through."""
    state, said = page.view.state, ""
    for values in ({"model": "global-grace"}, {"model": "global-twin"}, {"measure": "carrier"}, {"series": "raw"}):
        apply(state, values)
        said += _words(page)
    apply(state, {"measure": "memory_time", "series": "season", "variable": "tws"})
    return said + page.exported() + page.provenance() + str([*page.files(), *page.pictures()])


@pytest.mark.parametrize("lacks", LACKING)
@pytest.mark.parametrize("name", ["explore", "memory", "trust", "compare"])
def test_a_page_goes_on_without_what_the_fields_lack(
    pages: dict[str, Any], name: str, lacks: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = engine.get_fields

    def part(source: str) -> tuple[xr.Dataset | None, str]:
        fields, problem = whole(source)
        assert fields is not None
        return fields.drop_vars([n for n in fields.variables if re.fullmatch(LACKING[lacks], str(n))
                                 and n not in ("cell", "month", "lat", "lon", "area", "forcing", "store", "carrier")
                                 ]), problem  # fmt: skip

    monkeypatch.setattr(engine, "get_fields", part)
    said = _shown_again(pages[name])
    assert not re.search(r"\b(nan|None|inf)\b", said), re.findall(r".{60}\b(?:nan|None|inf)\b.{30}", said)
    if name == "memory" and lacks == "memory":
        assert "brings no map of the mean memory time" in said


@pytest.mark.parametrize("name", ["explore", "memory", "trust", "compare"])
def test_a_page_says_why_there_are_no_fields(pages: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    why = "The fields of 'mine' are malformed: the year has the months 1, 2 where 1 to 12 are needed."
    monkeypatch.setattr(engine, "get_fields", lambda source: (None, why))
    assert why.rstrip(".") in _shown_again(pages[name]).replace("&#x27;", "'")


@pytest.mark.parametrize("name", ["explore", "compare"])
def test_a_quantity_without_any_value_says_so(
    pages: dict[str, Any], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = engine.get_fields

    def empty(source: str) -> tuple[xr.Dataset | None, str]:
        fields, problem = whole(source)
        assert fields is not None
        return fields.assign(tws=xr.full_like(fields["tws"], np.nan)), problem

    monkeypatch.setattr(engine, "get_fields", empty)
    with np.errstate(all="raise"):
        said = _shown_again(pages[name])
    assert not re.search(r"\bnan\b", said)
    assert (
        pages[name]
        .view.sentence()
        .endswith("total water storage has no value in any cell; choose another month or quantity.")
    )


def test_one_member_alone_is_not_compared() -> None:
    cube = xr.Dataset({"tws": (("member", "time", "cell"), np.sin(np.arange(24.0)).reshape(1, 24, 1))})
    found = members_of(cube, np.ones(1))
    assert np.isnan(found.disagreement("tws"))
    assert sentence(found, "Here").startswith("Here: the model has one member")


def test_what_fails_while_a_result_is_shown_is_said_in_the_page() -> None:
    lane = Lane()
    lane.start("Counting", lambda progress, cancel: 1, lambda result: [][result])
    assert re.match(r"Counting failed unexpectedly; the log has the details under [0-9a-f]{8}\.", lane.error)
    assert not lane.running
