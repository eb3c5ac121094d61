"""Comparison of generated weather with observed daily series, place by place and statistic by statistic.

Weather is generated from the observed monthly means of the place itself (where they are known), at its position and
height: so the generator is judged, not the distance of ERA5 from the gauge.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from hdlcore.data.cube import positions
from hdlcore.data.weather import FORCING, WeatherSpec, generate_arrays
from hdlcore.data.weather.statistics import SEASONS, STATISTICS, as_days, season_statistics

PERIOD = ("1973-01-01", "2014-12-31")  # three whole blocks
Place = Mapping[str, Any]


@dataclass(frozen=True)
class Judgement:
    """One statistic of one place and season: observed, generated, and how far apart they may lie."""

    place: str
    season: str
    statistic: str
    observed: float
    generated: float
    tolerance: float

    @property
    def within(self) -> bool:
        return abs(self.generated - self.observed) <= self.tolerance


def read_places(path: Path) -> dict[str, Place]:
    """Observed statistics by place, as `scripts/weather_report.py --extract` writes them."""
    result: dict[str, Place] = json.loads(path.read_text())
    return result


def place_world(world: xr.Dataset, place: Place) -> xr.Dataset:
    """The cell of a place, with the place's own monthly means and height."""
    part = world.isel(cell=positions(world, [place["cell"]])).copy(deep=True)
    for name in ("precipitation", "air_temperature"):
        if name in place["monthly"]:
            values = np.array(place["monthly"][name], np.float32)[:, None]
            part[name] = part[name].transpose("month", "cell").copy(data=values)
    if place.get("elevation_m") is not None:
        part["elevation"] = part["elevation"].copy(data=np.full(1, place["elevation_m"], part["elevation"].dtype))
    return part


def generated_series(part: xr.Dataset, spec: WeatherSpec) -> pd.DataFrame:
    """Daily weather of the only cell of `part` through `PERIOD`."""
    values = generate_arrays(part, part["cell"].values, *PERIOD, spec)[:, 0].astype(np.float64)
    return pd.DataFrame(values, index=pd.date_range(*PERIOD), columns=list(FORCING))


def generated_statistics(part: xr.Dataset, specs: Sequence[WeatherSpec]) -> dict[str, dict[str, float]]:
    """Statistics by season, the mean over several seeds."""
    found = []
    for spec in specs:
        series = generated_series(part, spec)
        days = as_days(series["precipitation"], series["air_temperature"])
        found.append({season: season_statistics(days, months) for season, months in SEASONS.items()})
    return {
        season: {name: float(np.mean([one[season][name] for one in found])) for name in STATISTICS}
        for season in SEASONS
    }


def compare(world: xr.Dataset, places: Mapping[str, Place], specs: Sequence[WeatherSpec]) -> list[Judgement]:
    """Judge the generator at every place, season and statistic that was observed."""
    result = []
    for name, place in places.items():
        found = generated_statistics(place_world(world, place), specs)
        for season, table in place["seasons"].items():
            for statistic, seen in table.items():
                result.append(
                    Judgement(name, season, statistic, seen["observed"], found[season][statistic], seen["tolerance"])
                )
    return result
