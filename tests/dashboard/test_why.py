"""Why, without a browser: the story adds up, its checks are runs, what cannot be asked is said in a sentence."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import engine, links, pulses, trial, why, why_export
from dashboard.pages.view import View
from dashboard.pages.why_trial import TrialPart
from dashboard.pages.why_view import Why
from dashboard.selection import row_label
from dashboard.state import METHODS, State, apply
from hdlcore.errors import ModelError, RequestError
from hdlcore.runtime.requests import EXPLANATIONS

SNOWY = 25 * 360 + 280  # 64.5 N, 100.5 E: Siberia


def _page(**values: object) -> Why:
    state = State()
    apply(state, {"page": "why", **values})
    return Why(View(state))


@pytest.fixture(scope="module")
def page() -> Why:
    """The opening view of the page."""
    made = _page()
    assert made.lane.error == "" and made.story is not None
    return made


def test_the_story_is_on_the_days_before_and_adds_up_with_its_gap(page: Why) -> None:
    story = page.story
    daily = why.contributions(story.answer)
    assert str(daily["time"].values[-1])[:10] == page.state.day and daily.sizes["time"] == 365
    np.testing.assert_array_equal(np.diff(daily["time"].values), np.timedelta64(1, "D"))
    np.testing.assert_array_equal(daily["time"].values, story.weather["time"].values)
    whole, gap = (float(story.answer[name].values[0]) for name in ("difference", "completeness_gap"))
    assert float(daily.sum()) == pytest.approx(whole + gap, abs=0.05)
    _, _, binned = why.windows(story.answer)
    assert float(binned.sum()) == pytest.approx(float(daily.sum()), abs=0.05)
    text = why.accounts(story)
    assert "add up to" in text and "Members' sizes differ by" in text


def test_the_weather_of_the_story_departs_from_its_usual_course_around_zero(page: Why) -> None:
    story = page.story
    assert list(story.weather.data_vars) == ["precipitation", "air_temperature", "net_radiation"]
    gap = story.weather - story.usual
    for name in gap.data_vars:
        assert abs(float(gap[name].mean())) < 0.3 * float(gap[name].std()) + 1e-6


def test_the_check_is_a_run_with_that_weather_at_its_usual(page: Why) -> None:
    check, story = page.story.check, page.story
    name, first, last, told = why.largest(story.answer)
    assert (check.driver, check.told) == (name, told)
    assert (check.first, check.last) == why.span_of(page.state.day, first, last)
    assert "the method" in why.check_sentence(check, "mm")
    by_hand = _page(way="occlusion").story
    assert by_hand.check.found == pytest.approx(by_hand.check.told, rel=0.05, abs=0.3), "occlusion is such a run"


@pytest.mark.parametrize("name", [name for name in METHODS if name not in ("permutation", "expected_gradients")])
def test_every_method_tells_a_story_or_says_why_not(name: str) -> None:
    made = _page(way=name)
    if made.story is None:
        assert name == "additive_decomposition" and "choose another method" in made.empty and made.lane.error == ""
        return
    assert made.story.method == name and why.sentence(made.story, "Here").startswith("Here, 15 May 2005: ")
    assert why.contributions(made.story.answer).sizes["time"] == 365
    assert made.story.by_driver == (EXPLANATIONS[name].axis == "forcing")
    if made.story.in_target and made.story.by_driver:
        assert made.story.check is not None


def test_an_answer_is_tried_out_when_asked_for(page: Why) -> None:
    """The curves run between the prediction and the run under usual weather; they stop with the story they are of."""
    assert page.trial is None, "closed, it costs nothing"
    made = _page(trial=True)
    found, story = made.trial, made.story
    whole = float(story.answer["difference"].values[0])
    np.testing.assert_allclose(found["deletion"].values[[0, -1]], [story.value, story.value - whole], atol=0.05)
    np.testing.assert_allclose(found["insertion"].values[[0, -1]], found["deletion"].values[[-1, 0]], atol=1e-3)
    assert found.sizes["step"] == 1 + 3 * 15 and trial.sentence(found).count("mm") >= 4
    part = TrialPart(made)
    assert "moves" in part.lead.object and part.body.visible
    first = trial.feature(found, 1)
    name, a, b, _ = why.largest(story.answer)
    assert first.startswith(row_label(name)) and f"{a} to {b} days ago" in first
    table = pd.read_csv(why_export.trial_csv(made))
    assert set(table["curve"]) == {"deletion", "insertion", "random"} and len(table) == 46 * 10
    assert "curves(request)" in why_export.snippet(made) and len(why_export.figures(made)) == 3
    apply(made.state, {"way": "carriers"})
    assert made.trial is None and "driver by driver" in made.trial_lack and "driver by driver" in part.lead.object
    apply(made.state, {"trial": False})
    assert "gone" in part.body.css_classes


def test_the_twins_story_is_the_truth_and_the_model_that_learned_from_it_is_pulsed_beside_it() -> None:
    twin = _page(model="twin-earth", cell=SNOWY, day="2005-06-03")
    assert twin.story.method == "finite_difference" and twin.method == "finite_difference"
    assert pulses.flags(twin.response) == [] and "truth" in twin.grades()[1]
    learned = _page(model="global-twin", cell=SNOWY, day="2005-06-03")
    assert learned.truth is not None
    np.testing.assert_allclose(learned.truth["tws"], twin.response["tws"])


def test_what_cannot_be_asked_is_said() -> None:
    for values, said in (
        ({"day": "2009-01-01"}, "outside the weather at hand; choose a day from 2003-01-01 to 2007-12-31"),
        ({"target": "gpp"}, "has no output 'gpp'; it has swe"),
        ({"climate_zones": (1,), "focus": "filter"}, "A day is asked of one cell"),
    ):
        made = _page(**values)
        assert said in made.empty and made.story is None and made.lane.error == ""
    assert "no driver 'wind_speed'" in _page(pulsed="wind_speed").pulse_lane.error
    for text in ("yesterday", "2005-13-01", ""):
        with pytest.raises(RequestError, match="is not a day"):
            why.read_day(text)


@given(st.dates(np.datetime64(why.FIRST).item(), np.datetime64("2007-12-31").item()))
@settings(deadline=None, max_examples=40)
def test_a_day_comes_back_from_its_link_and_its_windows_lie_before_it(day) -> None:
    text = why.read_day(day.isoformat())
    assert links.decode(links.encode({"day": text})).values.get("day", "2005-05-15") == text
    first, last = why.span_of(text, 3, 9)
    assert first < last < text
    assert why.span_in_words(first, last).count(" to ") == 1


def test_a_bad_day_in_a_link_is_dropped_alone() -> None:
    found = links.decode("v=1&day=2005-02-30&page=why")
    assert found.values == {"page": "why"} and "not a day" in found.notices[0]


def test_a_pulse_says_when_it_moves_what_and_passes_its_checks(page: Why) -> None:
    response = page.response
    tiles = {str(tile["id"]): tile for tile in pulses.tiles(response)}
    assert {"tws", "runoff", "evapotranspiration"} <= set(tiles) and "pulse" not in tiles
    assert all(np.abs(tile["line"]).max() <= 1 for tile in tiles.values())
    assert "+10 mm of precipitation on 15 May 2005: total water storage" in pulses.sentence(response, "tws", "Here")
    flags = pulses.flags(response)
    assert len(flags) >= 3 and not any(bad for _, bad in flags)
    assert all(not pulses.passed(text).startswith("Not found") for text, _ in flags)


def test_the_tally_counts_rain_fed_places_alone() -> None:
    response = xr.Dataset(
        {
            "implausible": (("flag", "cell"), [[False, False, True], [True, True, False]]),
            "swe": (("cell", "lag"), [[0.0, 0.0], [5.0, 0.0], [0.0, 0.0]]),
        },
        {"flag": ["Snow grows after a warmer day.", pulses.WARMTH_WETS]},
    )
    found = pulses.tally([response, response])
    assert (found.asked, found.rain_fed, found.wet, found.snow, found.balance) == (6, 4, 2, 2, 0)
    assert "2 (50 %) are not plausible" in found.sentence()


def test_grades_stand_beside_the_methods_where_there_are_some(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    page = _page(climate_zones=(1,), focus="filter")
    held = {"methods": {"occlusion": {"twin_rank_correlation": 0.913, "oracle_error": 3e-8, "agreement": None}}}
    monkeypatch.setattr(engine.get_engine(), "grades", lambda model: held)
    grades, lack = page.grades()
    row = why.grade_rows(grades, ("occlusion", "saliency"))[0]
    assert lack == "" and row[0] == "Occlusion" and row[2:5] == ["3e−08", "0.91", "–"]
    assert set(why.grade_rows(grades, ("saliency",))[0][2:]) == {"–"}
    monkeypatch.setattr(engine.get_engine(), "grades", lambda model: None)
    assert "'hdl grade global-grace' writes them" in page.grades()[1]

    def damaged(model: str) -> None:
        raise ModelError("The grades cannot be read.")

    monkeypatch.setattr(engine.get_engine(), "grades", damaged)
    assert page.grades() == (None, "The grades cannot be read.")


def test_a_flat_driver_is_named_in_the_account(page: Why) -> None:
    said = "air_temperature never changes in this record, so nothing can be said of it."
    answer = page.story.answer.assign_attrs(notes=said)
    assert said in why.accounts(why.Story(answer, 0.0, page.story.weather, page.story.usual))


def test_the_story_goes_out_as_tidy_table_and_netcdf(page: Why, tmp_path) -> None:
    table = pd.read_csv(why_export.story_csv(page))
    assert set(table["driver"]) == {"precipitation", "air_temperature", "net_radiation"} and len(table) == 3 * 365
    assert table["value"].sum() == pytest.approx(float(why.contributions(page.story.answer).sum()), abs=0.05)
    path = tmp_path / "why.nc"
    path.write_bytes(why_export.story_netcdf(page).read())
    with xr.open_dataset(path) as data:
        assert data.attrs["method"] == "integrated_gradients" and data["precipitation_usual"].attrs["units"] == "mm d-1"
    path.write_bytes(why_export.pulse_netcdf(page).read())
    with xr.open_dataset(path) as data:
        assert data.attrs["not_plausible"] == "nothing found" and data["tws"].attrs["units"] == "mm"
    compile(why_export.snippet(page), "snippet", "exec")
    assert json.dumps(page.state.day) not in why_export.snippet(page) and page.state.day in why_export.snippet(page)
    assert len(why_export.figures(page)) == 2


def test_weather_comes_in_one_order_however_the_run_was_stored() -> None:
    """Rain and snow first; what the run gives out, or is no weather, is left out."""
    names = ("tws", "net_radiation", "evapotranspiration", "air_temperature", "precipitation", "co2")
    run = xr.Dataset({name: ("time", [1.0]) for name in names})
    assert why.drivers_of(run, ("tws", "evapotranspiration", "co2")) == (
        "precipitation",
        "air_temperature",
        "net_radiation",
    )
