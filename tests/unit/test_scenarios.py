"""Scenarios: the text round trips, each change does what it says and nothing else, slips are refused in a sentence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdlcore.errors import RequestError
from hdlcore.runtime.scenarios import (
    MONTHS,
    Change,
    apply_scenario,
    first_changed_day,
    parse_scenario,
    scenario_text,
)

NAMES = ("precipitation", "air_temperature", "net_radiation")
DAYS = np.arange("2003-01-01", "2006-01-01", dtype="datetime64[D]")
LAT = np.array([50.0, -30.0])


def weather() -> np.ndarray:
    """Two cells, one in each hemisphere, with a season and noise."""
    rng = np.random.default_rng(3)
    phase = 2 * np.pi * (DAYS.astype(int) % 365.25) / 365.25
    season = np.cos(phase)[:, None] * np.sign(-LAT)
    rain = rng.gamma(0.4, 8.0, (DAYS.size, 2))
    warm = 10 + 12 * season + rng.standard_normal((DAYS.size, 2))
    sun = 80 + 60 * season + rng.standard_normal((DAYS.size, 2))
    return np.stack([rain, warm, sun], -1).astype(np.float32)


FORCING = weather()


def changed(text: str, forcing: np.ndarray = FORCING) -> np.ndarray:
    return apply_scenario(parse_scenario(text), forcing, NAMES, DAYS, LAT, FORCING, DAYS)


def test_no_change_is_no_change() -> None:
    np.testing.assert_array_equal(changed(""), FORCING)
    np.testing.assert_array_equal(changed("precipitation*1;air_temperature+0"), FORCING)


def test_a_drought_halves_the_rain_of_its_months_and_touches_nothing_else() -> None:
    dry = changed("precipitation*0.5@2003-06..2003-08")
    inside = (np.datetime64("2003-06-01") <= DAYS) & (np.datetime64("2003-08-31") >= DAYS)
    np.testing.assert_allclose(dry[inside, :, 0], FORCING[inside, :, 0] / 2)
    np.testing.assert_array_equal(dry[~inside], FORCING[~inside])
    np.testing.assert_array_equal(dry[..., 1:], FORCING[..., 1:])


def test_a_pulse_adds_its_water_on_its_day() -> None:
    added = (changed("precipitation+10@2004-02-29") - FORCING)[..., 0]
    np.testing.assert_allclose(added.sum(0), 10, rtol=1e-5)
    assert (added != 0).any(1).sum() == 1


def test_winter_is_the_hemispheres_own() -> None:
    wetter = changed("precipitation*2@winter")[..., 0] > FORCING[..., 0]
    months = DAYS.astype("datetime64[M]").astype(int) % 12 + 1
    assert set(months[wetter[:, 0]]) == {12, 1, 2}
    assert set(months[wetter[:, 1]]) == {6, 7, 8}


def test_climatology_keeps_the_monthly_means_and_drops_the_days() -> None:
    cycle = changed("net_radiation=climatology")[..., 2]
    assert np.abs(np.diff(cycle, axis=0)).max() < 3
    months = DAYS.astype("datetime64[M]").astype(int) % 12
    for month in range(12):
        np.testing.assert_allclose(cycle[months == month].mean(0), FORCING[months == month, :, 2].mean(0), atol=3)


def test_a_dropped_driver_says_nothing() -> None:
    assert changed("air_temperature=mean")[..., 1].std(0).max() < 1e-4


def test_a_later_season_peaks_later_and_keeps_its_size() -> None:
    late = changed("air_temperature>>30")[..., 1]
    shifted, own = late[400:800, 0], FORCING[400:800, 0, 1]
    lags = range(-60, 61)
    fit = [np.corrcoef(shifted[60:-60], np.roll(own, lag)[60:-60])[0, 1] for lag in lags]
    assert abs(lags[int(np.argmax(np.convolve(fit, np.ones(15) / 15, "same")))] - 30) < 12
    assert late.std() == pytest.approx(FORCING[..., 1].std(), rel=0.05)


def test_rain_never_becomes_negative() -> None:
    assert changed("precipitation-20")[..., 0].min() == 0
    assert changed("precipitation>>90")[..., 0].min() >= 0


def test_changes_are_made_in_order() -> None:
    np.testing.assert_allclose(
        changed("precipitation*0;precipitation+3")[..., 0], np.full_like(FORCING[..., 0], 3), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rain*0.5", "not driven by 'rain'"),
        ("precipitation/2", "cannot be read"),
        ("precipitation*-1", "turn precipitation around"),
        ("precipitation*1e9", "too much"),
        ("air_temperature*1.1", "shift it"),
        ("precipitation*0.5@2003-13", "not a day"),
        ("precipitation*0.5@2004..2003", "swap"),
        ("precipitation*0.5@monsoon", "winter"),
        ("precipitation=zero", "climatology or mean"),
        ("precipitation*..", "not a number"),
        ("precipitation*nan", "cannot be read"),
    ],
)
def test_a_slip_gets_one_sentence(text: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        changed(text)


def test_a_run_is_the_same_up_to_the_first_change() -> None:
    scenario = parse_scenario("precipitation*0@2004-05;air_temperature+1@2004-03-02..2004-04")
    assert first_changed_day(scenario, "2002-01-01") == "2004-03-02"
    assert first_changed_day(parse_scenario("all>>5"), "2002-01-01") == "2002-01-01"


amounts = st.floats(0, 5).map(lambda x: float(f"{x:.3g}"))
periods = st.sampled_from([("", ""), ("2003-01-01", "2003-12-31"), ("2004-02-29", "2004-02-29"), ("2004-07-01", "")])
changes = st.builds(
    lambda action, forcing, amount, period, season: Change(
        action, forcing, amount if action in ("scale", "shift", "season") else 0.0, *period, season
    ),
    st.sampled_from(["scale", "shift", "season", "climatology", "mean"]),
    st.sampled_from(["precipitation", "net_radiation", "all"]),
    amounts,
    periods,
    st.sampled_from(["", *MONTHS]),
)


@given(st.lists(changes, max_size=4))
def test_text_and_scenario_round_trip(some: list[Change]) -> None:
    assert parse_scenario(scenario_text(tuple(some))) == tuple(some)
