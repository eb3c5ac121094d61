"""Records of single places - gauged basins - as models want them: whole, in order, and saying what was filled.

A cube of places holds what its files brought: a basin may come without temperature, or without potential evaporation.
What is missing is filled from the climate, named in `SiteRecords.filled`, and nothing else is changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.analysis.seasonality import smooth_daily_cycle
from hdlcore.data.cube import open_world
from hdlcore.data.cubes import Cube
from hdlcore.data.weather.climate import WATT_TO_MM
from hdlcore.data.weather.days import solar_day
from hdlcore.data.weather.radiation import top_radiation
from hdlcore.errors import DataError, RequestError

SITE_FORCING = ("precipitation", "air_temperature", "potential_evapotranspiration")
TARGET = "runoff_observed"
SITE_FEATURES = (
    "log_area",
    "mean_air_temperature",
    "air_temperature_range",
    "annual_precipitation_root",
    "precipitation_seasonality",
    "warm_season_precipitation_share",
    "wet_day_share",
    "snow_share",
    "dryness",
)
#: Shorter records cannot warm a model up and be scored.
MIN_DAYS = 3 * 365


@dataclass(frozen=True)
class SiteRecord:
    """One place: its id and name, first day, forcing (time, 3) in the order of `SITE_FORCING`, observed runoff (time,)
    in mm d-1 (NaN where unknown), area in m2 (NaN where unknown), and what was filled, in words."""

    cell: int
    name: str
    lat: float
    lon: float
    area: float
    first: np.datetime64
    forcing: NDArray[np.float32]
    runoff: NDArray[np.float32]
    filled: tuple[str, ...]

    @property
    def days(self) -> NDArray[np.datetime64]:
        """The days of the record."""
        return self.first + np.arange(len(self.forcing))

    @cached_property
    def features(self) -> NDArray[np.float32]:
        """What is known of the place (feature,), in the order of `SITE_FEATURES`: its size and its own climate."""
        rain, warmth, potential = self.forcing.astype(np.float64).T
        months = self.days.astype("datetime64[M]").astype(int) % 12
        monthly = [np.array([x[months == m].mean() for m in range(12)]) for x in (rain, warmth)]
        warm = monthly[1] >= np.median(monthly[1])
        annual = max(rain.mean(), 1e-3)
        values = (
            np.log10(self.area / 1e6) if self.area > 0 else np.nan,
            warmth.mean(),
            np.ptp(monthly[1]),
            np.sqrt(annual * 365.25),
            monthly[0].std() / annual,
            monthly[0][warm].sum() / (12 * annual),
            (rain > 1.0).mean(),
            rain[warmth < 0].sum() / (annual * rain.size),
            potential.mean() / annual,
        )
        return np.array(values, np.float32)


def site_records(cube: Cube, cells: tuple[int, ...] | None = None) -> list[SiteRecord]:
    """Records of some or all places of a cube with daily weather, in the order of their ids.

    The longest stretch of days with precipitation is kept. Raises `DataError` naming the place where there is no
    precipitation, or too little of it; temperature and potential evapotranspiration are filled where missing.
    """
    daily = cube.daily
    if daily is None or "precipitation" not in daily:
        raise DataError(
            f"The cube {cube.path} has no daily precipitation; ingest files that hold it, with 'hdl ingest'."
        )
    names = cube.cells["name"].values if "name" in cube.cells else cube.cells["cell"].values
    held = daily[[n for n in (*SITE_FORCING, TARGET) if n in daily]].load()
    ids = [int(cell) for cell in cube.cells["cell"].values]
    chosen = ids if cells is None else cells
    unknown = [cell for cell in chosen if cell not in ids]
    if unknown:
        raise RequestError(f"{cube.title} has no place {unknown[0]}; it has {', '.join(map(str, ids[:12]))}.")
    return [_record(cube, held, ids.index(cell), str(names[ids.index(cell)])) for cell in chosen]


def _record(cube: Cube, held: xr.Dataset, at: int, name: str) -> SiteRecord:
    column = {str(n): a.isel(cell=at).values.astype(np.float32) for n, a in held.data_vars.items()}
    begin, end = _longest(np.isfinite(column["precipitation"]))
    if end - begin < MIN_DAYS:
        raise DataError(
            f"'{name}' has {end - begin} days of precipitation without a gap; three years are needed. Fill the gaps in "
            "the source file, or leave the place out."
        )
    days = held["time"].values.astype("datetime64[D]")[begin:end]
    place = {n: float(cube.cells[n].values[at]) for n in ("lat", "lon", "area")}
    column = {n: values[begin:end] for n, values in column.items()}
    unknown = np.full(days.size, np.nan, np.float32)
    warmth, told = _temperature(column.get("air_temperature", unknown), days, place, name)
    potential, also = _potential(column.get("potential_evapotranspiration", unknown), warmth, days, place, name)
    return SiteRecord(
        cell=int(cube.cells["cell"].values[at]),
        name=name,
        **place,
        first=days[0],
        forcing=np.stack([column["precipitation"], warmth, potential], -1).astype(np.float32),
        runoff=column.get(TARGET, unknown),
        filled=(*told, *also),
    )


def _longest(known: NDArray[np.bool_]) -> tuple[int, int]:
    """Begin and end of the longest stretch of True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(np.int8)))
    if not edges.size:
        return 0, 0
    begins, ends = edges[::2], edges[1::2]
    longest = int(np.argmax(ends - begins))
    return int(begins[longest]), int(ends[longest])


def _temperature(
    values: NDArray[np.float32], days: NDArray, place: dict[str, float], name: str
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    missing = ~np.isfinite(values)
    if not missing.any():
        return values, ()
    if missing.mean() < 0.5:
        cycle = smooth_daily_cycle(values[~missing], days[~missing], days)
        return np.where(missing, cycle, values), (_told("air temperature", missing, "its own mean seasonal cycle"),)
    world = open_world()
    if not np.isfinite(place["lat"] + place["lon"]):
        raise DataError(f"'{name}' has no air temperature and no place to take the climate's from; give lat and lon.")
    east = (world["lon"].values - place["lon"] + 180) % 360 - 180
    distance = (world["lat"].values - place["lat"]) ** 2 + (east * np.cos(np.radians(place["lat"]))) ** 2
    climate = world["air_temperature"].transpose("month", "cell").values[:, int(np.argmin(distance))]
    year = np.arange("2001-01-01", "2002-01-01", dtype="datetime64[D]")
    monthly = climate[year.astype("datetime64[M]").astype(int) % 12].astype(np.float32)
    cycle = smooth_daily_cycle(monthly, year, days)
    return np.where(missing, cycle, values), (_told("air temperature", missing, "the ERA5 climatology of its place"),)


def _potential(
    values: NDArray[np.float32], warmth: NDArray, days: NDArray, place: dict[str, float], name: str
) -> tuple[NDArray[np.float32], tuple[str, ...]]:
    """Potential evapotranspiration (mm d-1) after Oudin et al. (2005), from temperature and latitude, where missing."""
    missing = ~np.isfinite(values)
    if not missing.any():
        return values, ()
    if not np.isfinite(place["lat"]):
        raise DataError(f"'{name}' has no potential evapotranspiration and no latitude to estimate it from; give lat.")
    declination, distance = solar_day(days)
    top = top_radiation(np.array([place["lat"]]), declination, distance)[0]
    estimate = (top * WATT_TO_MM * np.maximum(warmth + 5.0, 0.0) / 100.0).astype(np.float32)
    how = "temperature and latitude (Oudin et al. 2005)"
    return np.where(missing, estimate, values), (_told("potential evapotranspiration", missing, how),)


def _told(what: str, missing: NDArray[np.bool_], how: str) -> str:
    share = "all days" if missing.all() else f"{int(missing.sum())} of {missing.size} days"
    return f"{what} of {share} from {how}"
