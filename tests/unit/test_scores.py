"""Scores: what each must be for a series whose score is known, with gaps, leap days and partial years."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from hdlcore.analysis.aggregate import zone_means
from hdlcore.analysis.scores import bias, correlation, error_parts, kling_gupta, nse, paired, rmse
from hdlcore.analysis.seasonal_scores import calendar_slots, score_dataset, seasonal_parts, summary_by_zone

MONTHS = np.arange("2001-03", "2009-11", dtype="datetime64[M]").astype("datetime64[ns]")
DAYS = np.arange("2003-11-05", "2009-02-20", dtype="datetime64[D]").astype("datetime64[ns]")


@pytest.fixture(scope="module")
def series() -> tuple[np.ndarray, np.ndarray]:
    """Noisy simulated and observed monthly series of 30 cells, with gaps."""
    rng = np.random.default_rng(3)
    season = np.sin(np.arange(MONTHS.size) * np.pi / 6)[:, None] * rng.gamma(2, 20, 30)
    obs = 50 + season + rng.normal(0, 10, season.shape)
    sim = 40 + 1.2 * season + rng.normal(0, 12, season.shape)
    obs[rng.random(obs.shape) < 0.2] = np.nan
    return sim, obs


def test_a_perfect_simulation_has_perfect_scores(series: tuple[np.ndarray, np.ndarray]) -> None:
    _, obs = series
    np.testing.assert_allclose(nse(obs, obs), 1)
    np.testing.assert_allclose(correlation(obs, obs), 1)
    np.testing.assert_allclose(kling_gupta(obs, obs).kge, 1)
    for part in error_parts(obs, obs):
        np.testing.assert_allclose(part, 0, atol=1e-9)


def test_the_observed_mean_scores_zero_and_minus_0_41(series: tuple[np.ndarray, np.ndarray]) -> None:
    _, obs = series
    guess = np.broadcast_to(np.nanmean(obs, 0), obs.shape)
    np.testing.assert_allclose(nse(guess, obs), 0, atol=1e-12)
    almost = guess + 1e-7 * np.where(np.arange(len(obs)) % 2, 1, -1)[:, None]  # a constant has no correlation
    np.testing.assert_allclose(kling_gupta(almost, obs).kge, 1 - np.sqrt(2), atol=0.15)


def test_the_parts_add_up_to_the_mean_square_error(series: tuple[np.ndarray, np.ndarray]) -> None:
    sim, obs = series
    mse, *parts = error_parts(sim, obs)
    np.testing.assert_allclose(mse, rmse(sim, obs) ** 2, rtol=1e-10)
    np.testing.assert_allclose(sum(parts), mse)
    assert all((part >= 0).all() for part in parts)


def test_each_part_sees_its_own_fault_only() -> None:
    wave = np.sin(np.arange(120) * np.pi / 6)[:, None]
    level, size, late = error_parts(wave + 3, wave), error_parts(2 * wave, wave), error_parts(np.roll(wave, 3, 0), wave)
    np.testing.assert_allclose(
        [level.bias_squared, level.variance_error, level.phase_error], [[9], [0], [0]], atol=1e-9
    )
    np.testing.assert_allclose([size.bias_squared, size.phase_error], 0, atol=1e-9)
    np.testing.assert_allclose(size.variance_error, 0.5)
    np.testing.assert_allclose([late.bias_squared, late.variance_error], 0, atol=1e-9)
    np.testing.assert_allclose(late.phase_error, 1)  # a quarter year late: no correlation


def test_a_gap_in_either_series_is_as_if_the_time_had_not_been(series: tuple[np.ndarray, np.ndarray]) -> None:
    sim, obs = (values[:, :1] for values in series)
    known = np.isfinite(obs[:, 0])
    for score in (nse, correlation, rmse, bias, lambda a, b: kling_gupta(a, b).kge):
        np.testing.assert_allclose(score(sim, obs), score(sim[known], obs[known]))
    both = paired(np.where(np.arange(len(sim)) < 7, np.inf, sim[:, 0]), obs[:, 0])
    assert np.isnan(both[0]).tolist() == np.isnan(both[1]).tolist()


@pytest.mark.parametrize("score", [nse, correlation, lambda a, b: kling_gupta(a, b).kge])
def test_what_cannot_be_scored_is_nan_and_warns_nobody(score: object) -> None:
    flat, wave, nothing = np.ones((24, 1)), np.sin(np.arange(24.0))[:, None], np.full((24, 1), np.nan)
    with np.errstate(all="raise"):
        assert np.isnan(score(wave, flat)).all()  # type: ignore[operator]
        assert np.isnan(score(wave, nothing)).all()  # type: ignore[operator]


def test_an_anomaly_has_no_kling_gupta_efficiency() -> None:
    wave = np.sin(np.arange(120) * np.pi / 6)[:, None]
    assert np.isnan(kling_gupta(wave, wave - wave.mean()).kge).all()


def test_leap_days_share_the_slot_of_the_day_before() -> None:
    slots, count = calendar_slots(DAYS)
    days = DAYS.astype("datetime64[D]").astype(str)
    at = dict(zip(days, slots, strict=True))
    assert count == 365 and slots.min() == 0 and slots.max() == 364
    assert at["2004-02-28"] == at["2004-02-29"] == at["2005-02-28"] == 58
    assert at["2004-03-01"] == at["2005-03-01"] == 59
    assert at["2004-12-31"] == at["2005-12-31"] == 364
    assert calendar_slots(MONTHS)[1] == 12 and calendar_slots(MONTHS)[0][0] == 2


@pytest.mark.parametrize("times", [MONTHS, DAYS], ids=["monthly", "daily"])
def test_raw_is_the_cycle_plus_the_anomaly_in_partial_years(times: np.ndarray) -> None:
    rng = np.random.default_rng(1)
    sim, obs = rng.normal(size=(2, times.size, 3))
    obs[rng.random(obs.shape) < 0.1] = np.nan
    parts = seasonal_parts(sim, obs, times)
    slots, count = calendar_slots(times)
    for which in (0, 1):
        assert parts["msc"][which].shape == (count, 3)
        total = parts["msc"][which][slots] + parts["iav"][which]
        known = np.isfinite(total)
        assert known.mean() > 0.8
        np.testing.assert_allclose(total[known], parts["raw"][which][known])
    for slot in range(0, count, 50):
        means = np.nanmean(np.where(np.isfinite(parts["iav"][1][slots == slot]), parts["iav"][1][slots == slot], 0), 0)
        np.testing.assert_allclose(means, 0, atol=1e-12)


def test_a_trend_between_years_is_an_anomaly_and_a_season_is_none() -> None:
    season = np.sin(MONTHS.astype("datetime64[M]").astype(int) * np.pi / 6)[:, None]
    slow = (np.arange(MONTHS.size) // 12)[:, None].astype(float)
    parts = seasonal_parts(season, season + slow, MONTHS)
    np.testing.assert_allclose(parts["iav"][0], 0, atol=1e-12)
    assert nse(*parts["raw"])[0] < 0 < correlation(*parts["msc"])[0]


def test_a_month_seen_once_has_no_anomaly_and_a_short_season_no_cycle() -> None:
    obs = np.full((MONTHS.size, 2), np.nan)
    obs[:14, 0] = np.arange(14)
    obs[:5, 1] = np.arange(5)
    parts = seasonal_parts(np.zeros_like(obs), obs, MONTHS)
    assert np.isfinite(parts["iav"][1][:, 0]).sum() == 4  # March and April, two years each
    assert np.isfinite(parts["msc"][1][:, 0]).all() and np.isnan(parts["msc"][1][:, 1]).all()


def test_the_score_table_agrees_with_the_functions(series: tuple[np.ndarray, np.ndarray]) -> None:
    sim, obs = (
        xr.DataArray(v, dims=("time", "cell"), coords={"time": MONTHS, "cell": np.arange(30)}, attrs={"units": "mm"})
        for v in series
    )
    table = score_dataset(sim, obs.isel(time=slice(None, -3)).transpose("cell", "time"))
    np.testing.assert_allclose(table["nse"].sel(part="raw"), nse(series[0][:-3], series[1][:-3]))
    assert table["rmse"].attrs["units"] == "mm" and table["mse"].attrs["units"] == "(mm)2"
    assert np.isnan(table["kge"].sel(part="iav")).all() and np.isfinite(table["kge"].sel(part="msc")).all()
    zone = np.where(np.arange(30) < 10, 0, np.where(np.arange(30) < 25, 1, -1))
    medians, counts = summary_by_zone(table, zone, ["wet", "dry"])
    assert counts.tolist() == [30, 10, 15]
    np.testing.assert_allclose(medians["nse"].sel(zone="dry", part="msc"), table["nse"][1, 10:25].median())
    np.testing.assert_allclose(medians["nse"].sel(zone="all"), table["nse"].median("cell"))


def test_zone_means_weigh_by_area_and_leave_gaps_out() -> None:
    values = xr.DataArray([[1.0, 3.0, 10.0], [np.nan, 3.0, 20.0]], dims=("time", "cell"))
    data = xr.Dataset({"tws": values}, {"area": ("cell", [1.0, 3.0, 2.0])})
    means = zone_means(data, np.array([0, 0, 1]), ["north", "south"])["tws"]
    np.testing.assert_allclose(means.sel(zone="north"), [2.5, 3.0])
    np.testing.assert_allclose(means.sel(zone="south"), [10.0, 20.0])
    np.testing.assert_allclose(means.sel(zone="all"), [5.0, 9.8])
