"""Statistics by which generated daily weather is judged against observed daily series."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import NDArray

STATISTICS = ("wet_share", "wet_after_wet", "wet_mean", "rain_q99", "rain_monthly_cv", "t_sd", "t_lag1", "t_monthly_sd")
WET_DAY = 1.0  # mm d-1; the usual limit of a wet day


def weather_statistics(
    precipitation: pd.Series, temperature: pd.Series, months: Iterable[int] = range(1, 13)
) -> dict[str, float | None]:
    """Statistics of one place over the given calendar months (1-12).

    Parameters
    ----------
    precipitation, temperature : daily, mm d-1 and degC, on a DatetimeIndex without gaps.

    Returns
    -------
    wet_share: share of days with at least 1 mm; wet_after_wet: the same among days after such a day; wet_mean: mean of
    wet days (mm); rain_q99: 99 % quantile of all days (mm); rain_monthly_cv: sd of monthly totals about their calendar
    month's mean, over the mean; t_sd (K), t_lag1: standard deviation and lag-1 autocorrelation of temperature anomalies
    from the smoothed daily climatology; t_monthly_sd: sd of their monthly means (K). None where temperature is missing.
    """
    index = pd.DatetimeIndex(precipitation.index)
    chosen = np.isin(index.month, list(months))
    rain = precipitation.to_numpy(dtype=np.float64)
    wet = rain >= WET_DAY
    after = chosen[1:] & wet[:-1]
    monthly = precipitation.resample("MS").mean()
    monthly = monthly[np.isin(pd.DatetimeIndex(monthly.index).month, list(months))]
    departure = monthly - monthly.groupby(pd.DatetimeIndex(monthly.index).month).transform("mean")
    result: dict[str, float | None] = {
        "wet_share": wet[chosen].mean(),
        "wet_after_wet": wet[1:][after].mean(),
        "wet_mean": rain[chosen & wet].mean(),
        "rain_q99": np.quantile(rain[chosen], 0.99),
        "rain_monthly_cv": departure.std() / monthly.mean(),
        "t_sd": None,
        "t_lag1": None,
        "t_monthly_sd": None,
    }
    if temperature.notna().all():
        anomaly = pd.Series(_anomaly(temperature), index=index)
        means = anomaly.resample("MS").mean()
        pair = chosen[1:]
        result["t_sd"] = anomaly[chosen].std()
        result["t_lag1"] = np.corrcoef(anomaly.to_numpy()[1:][pair], anomaly.to_numpy()[:-1][pair])[0, 1]
        result["t_monthly_sd"] = means[np.isin(pd.DatetimeIndex(means.index).month, list(months))].std()
    return {name: None if value is None else round(float(value), 3) for name, value in result.items()}


def _anomaly(temperature: pd.Series) -> NDArray[np.float64]:
    """Departure from the mean of each day of the year, smoothed by a periodic 31-day window."""
    day = pd.DatetimeIndex(temperature.index).day_of_year
    climatology = temperature.groupby(day).mean().reindex(range(1, 367)).interpolate().to_numpy()
    padded = np.concatenate([climatology[-15:], climatology, climatology[:15]])
    smooth = np.convolve(padded, np.full(31, 1 / 31), mode="valid")
    result: NDArray[np.float64] = temperature.to_numpy(dtype=np.float64) - smooth[day - 1]
    return result
