"""Statistics by which generated daily weather is judged against observed daily series.

How far a generated statistic may lie from the observed one is `tolerance`: twice the standard error of the observed
statistic (years drawn with replacement), plus an allowance for a basin or a point standing for a cell of 1 degree.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

F8 = NDArray[np.float64]
I8 = NDArray[np.int64]

WET_DAY = 1.0  # mm d-1; the usual limit of a wet day
RAIN_STATISTICS = (
    "wet_share",
    "wet_spell",
    "dry_spell",
    "wet_lag1",
    "wet_q95",
    "wet_q99",
    "rain_monthly_sd",
    "rain_annual_sd",
)
WARMTH_STATISTICS = ("t_sd", "t_lag1", "t_monthly_sd", "t_annual_sd", "pt_correlation")
STATISTICS = RAIN_STATISTICS + WARMTH_STATISTICS
SEASONS = {"year": tuple(range(1, 13)), "DJF": (12, 1, 2), "JJA": (6, 7, 8)}

# Allowances, fixed before the generator was fitted. A basin of 1000 km2 and more is close to a cell of 1 degree (some
# 8000 km2); daily extremes over a point or a small basin exceed those over 10 000 km2 by 15 to 25 % (areal reduction
# factors of one-day rain: NERC 1975, Flood Studies Report II). Temperature differs less between point and area.
LARGE_BASIN_KM2 = 1000.0
_SHARE_LARGE, _SHARE_SMALL, _CORRELATION = 0.05, 0.15, 0.05
MIN_YEARS = 8  # the standard deviation of fewer years, a trend taken off, says nearly nothing


class Days(NamedTuple):
    """A daily record without gaps, each [day]: rain (mm d-1), anomalies of temperature (K) and rain, month, year."""

    rain: F8
    warmth: F8
    rain_anomaly: F8
    month: I8
    year: I8

    def take(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Days:
        return Days(
            self.rain[chosen], self.warmth[chosen], self.rain_anomaly[chosen], self.month[chosen], self.year[chosen]
        )


def as_days(precipitation: pd.Series, temperature: pd.Series) -> Days:
    """Daily record of one place; temperature (degC) may be missing as a whole, and then its anomalies are NaN."""
    index = pd.DatetimeIndex(precipitation.index)
    return Days(
        precipitation.to_numpy(dtype=np.float64),
        _anomaly(temperature) if temperature.notna().all() else np.full(index.size, np.nan),
        _anomaly(precipitation),
        index.month.to_numpy(dtype=np.int64),
        index.year.to_numpy(dtype=np.int64),
    )


def weather_statistics(
    precipitation: pd.Series, temperature: pd.Series, months: Iterable[int] = range(1, 13)
) -> dict[str, float | None]:
    """Statistics of one place over the given calendar months (1-12).

    Parameters
    ----------
    precipitation, temperature : daily, mm d-1 and degC, on a DatetimeIndex without gaps.

    Returns
    -------
    wet_share: share of days with at least 1 mm; wet_spell, dry_spell: mean length of spells of such and other days (d);
    wet_lag1: lag-1 autocorrelation of being wet; wet_q95, wet_q99: quantiles of wet days (mm d-1); rain_monthly_sd,
    t_monthly_sd: standard deviation of monthly means about those of their calendar month (mm d-1, K); rain_annual_sd,
    t_annual_sd: the same of the mean over the chosen months of each year, a linear trend taken off; t_sd (K), t_lag1:
    standard deviation and lag-1 autocorrelation of daily temperature anomalies; pt_correlation: correlation of the
    daily anomalies of rain and temperature. Anomalies are from the smoothed daily climatology. None where temperature
    is missing.
    """
    return _rounded(season_statistics(as_days(precipitation, temperature), tuple(months)))


def standard_errors(days: Days, months: Iterable[int], draws: int = 300) -> dict[str, float | None]:
    """Standard errors of the statistics: years drawn with replacement, `draws` times (block bootstrap)."""
    rng = np.random.default_rng(20011)
    years = np.unique(days.year)
    members = [np.flatnonzero(days.year == year) for year in years]
    found = []
    for _ in range(draws):
        order = rng.integers(0, years.size, years.size)
        drawn = days.take(np.concatenate([members[i] for i in order]))
        label = np.repeat(np.arange(years.size), [members[i].size for i in order])
        found.append(season_statistics(drawn._replace(year=label), tuple(months)))
    spread = {name: float(np.std([draw[name] for draw in found], ddof=1)) for name in STATISTICS}
    # drawing years repeats some of them, which hides part of the spread of their standard deviation: theory instead
    for name in ("rain_annual_sd", "t_annual_sd"):
        spread[name] = float(season_statistics(days, tuple(months))[name] / np.sqrt(2 * max(1, years.size - 2)))
    return _rounded(spread)


def tolerance(name: str, observed: float, error: float, area_km2: float | None) -> float:
    """How far a generated statistic may lie from the observed one: 2 standard errors plus the allowance for area."""
    if name in ("wet_lag1", "pt_correlation"):
        return 2 * error + _CORRELATION
    small = area_km2 is None or area_km2 < LARGE_BASIN_KM2
    share = _SHARE_SMALL if small and name in RAIN_STATISTICS else _SHARE_LARGE
    return 2 * error + share * abs(observed)


def season_statistics(days: Days, months: tuple[int, ...]) -> dict[str, float]:
    """The statistics of `weather_statistics` from a daily record; NaN where there is none."""
    chosen = np.isin(days.month, months)
    pair = chosen[1:]
    wet = days.rain >= WET_DAY
    part, previous = wet[1:][pair], wet[:-1][pair]
    starts = max(1, int((part & ~previous).sum())), max(1, int((~part & previous).sum()))
    amounts = days.rain[chosen & wet]
    amounts = amounts if amounts.size else np.zeros(1)
    warm = days.warmth
    return {
        "wet_share": wet[chosen].mean(),
        "wet_spell": part.sum() / starts[0],
        "dry_spell": (~part).sum() / starts[1],
        "wet_lag1": np.corrcoef(part, previous)[0, 1],
        "wet_q95": np.quantile(amounts, 0.95),
        "wet_q99": np.quantile(amounts, 0.99),
        "rain_monthly_sd": _monthly_sd(days.rain, days, chosen),
        "rain_annual_sd": _annual_sd(days.rain, days, chosen),
        "t_sd": warm[chosen].std(),
        "t_lag1": np.corrcoef(warm[1:][pair], warm[:-1][pair])[0, 1],
        "t_monthly_sd": _monthly_sd(warm, days, chosen),
        "t_annual_sd": _annual_sd(warm, days, chosen),
        "pt_correlation": np.corrcoef(days.rain_anomaly[chosen], warm[chosen])[0, 1],
    }


def _monthly_sd(values: F8, days: Days, chosen: NDArray[np.bool_]) -> float:
    key = days.year[chosen] * 12 + days.month[chosen] - 1
    label, at = np.unique(key, return_inverse=True)
    means = np.bincount(at, values[chosen]) / np.bincount(at)
    count = np.bincount(label % 12, minlength=12)
    usual = np.bincount(label % 12, means, minlength=12) / np.maximum(count, 1)
    freedom = max(1, label.size - int((count > 0).sum()))
    return float(np.sqrt(((means - usual[label % 12]) ** 2).sum() / freedom))


def _annual_sd(values: F8, days: Days, chosen: NDArray[np.bool_]) -> float:
    label, at, count = np.unique(days.year[chosen], return_inverse=True, return_counts=True)
    whole = count > 0.97 * count.max()
    means = (np.bincount(at, values[chosen]) / count)[whole]
    if means.size < MIN_YEARS or not np.isfinite(means).all():
        return np.nan
    year = label[whole].astype(np.float64)
    rest = means - np.polyval(np.polyfit(year - year.mean(), means, 1), year - year.mean())
    return float(np.sqrt((rest**2).sum() / (means.size - 2)))


def _rounded(values: dict[str, float]) -> dict[str, float | None]:
    return {name: round(float(value), 4) if np.isfinite(value) else None for name, value in values.items()}


def _anomaly(series: pd.Series) -> F8:
    """Departure from the mean of each day of the year, smoothed by a periodic 31-day window."""
    day = pd.DatetimeIndex(series.index).day_of_year
    climatology = series.groupby(day).mean().reindex(range(1, 367)).interpolate(limit_direction="both").to_numpy()
    padded = np.concatenate([climatology[-15:], climatology, climatology[:15]])
    smooth = np.convolve(padded, np.full(31, 1 / 31), mode="valid")
    result: F8 = series.to_numpy(dtype=np.float64) - smooth[day - 1]
    return result
