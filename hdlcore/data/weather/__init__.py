"""Daily weather generated on demand from the monthly climatology of the world cube.

Precipitation, air temperature and net radiation of any land cell and period, deterministic by (seed, cell, day): a
day's number is bit for bit the same whatever period, batch, order of cells or number of threads it is asked for with.
It is generated, not observed: only its monthly means are real. docs/weather.md has the method and its measured limits.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from hdlcore.data.cube import positions
from hdlcore.data.weather.climate import monthly_climate
from hdlcore.data.weather.days import DateLike, Day, DayTables, block, block_index, day_tables, parse_period, year_shape
from hdlcore.data.weather.latent import coefficients, enso_of_days, latent_fields
from hdlcore.data.weather.precipitation import daily_precipitation, wetness
from hdlcore.data.weather.radiation import (
    ALBEDO,
    CLOUD_EFFECT,
    CLOUD_SHARE,
    SNOW_ALBEDO,
    daily_net_radiation,
    top_radiation,
)
from hdlcore.data.weather.slow import slow_modes
from hdlcore.data.weather.teleconnections import enso_patterns
from hdlcore.data.weather.temperature import daily_temperature
from hdlcore.errors import DataError, RequestError
from hdlcore.progress import CancelToken, check
from hdlcore.variables import variable

__all__ = ["FORCING", "WeatherSpec", "generate", "generate_arrays"]

FORCING = ("precipitation", "air_temperature", "net_radiation")
_CELLS_AT_ONCE = 64
_WORK_AT_ONCE = 140_000  # cell-days made between two looks at a cancel token: some hundredths of a second
_MAX_VALUES = 2_000_000_000  # 8 GB; a whole-land century must be asked for in parts
# Centring each single month takes a quarter of the variance of an AR(1) series of persistence 0.8; this gives it back.
_SPREAD_FACTOR = {"climatological": 1.12, "interannual": 1.0}
# Shift of the logit of snow cover per standard deviation of slow warmth; without warm winters none.
_SNOW_SHIFT = {"climatological": 0.0, "interannual": 1.0}


@dataclass(frozen=True)
class WeatherSpec:
    """Which weather to generate.

    Parameters
    ----------
    seed : non-negative whole number; another seed is another equally likely history.
    variability : "climatological" returns the climatology in every single month; "interannual" lets months and years
        differ and returns it as the mean over each 14-year block (1987-2000, 2001-2014, 2015-2028, ...).
    """

    seed: int = 1
    variability: Literal["climatological", "interannual"] = "climatological"

    def __post_init__(self) -> None:
        if isinstance(self.seed, bool) or not isinstance(self.seed, (int, np.integer)) or self.seed < 0:
            raise RequestError(f"The weather seed '{self.seed}' is not a whole number from 0 up; give one, as in 1.")
        if self.variability not in _SPREAD_FACTOR:
            raise RequestError(
                f"The variability '{self.variability}' is unknown; choose {' or '.join(_SPREAD_FACTOR)}."
            )


def generate(
    world: xr.Dataset,
    cells: ArrayLike,
    start: DateLike,
    end: DateLike,
    spec: WeatherSpec | None = None,
    threads: int = 1,
) -> xr.Dataset:
    """Generate daily weather as a Dataset.

    Parameters
    ----------
    world : world cube.
    cells : cell ids, in any order.
    start, end : first and last day, both included (ISO dates).
    spec : seed and variability; None for the default.
    threads : threads to share the cells among; the numbers do not depend on it.

    Returns
    -------
    Dataset (time, cell), float32: precipitation (mm d-1), air_temperature (degC), net_radiation (W m-2), with lat and
    lon on the cells.

    Raises
    ------
    RequestError
        For dates that are none, an end before the start, cells not in the cube, or too large a request.
    DataError
        When the climatology of a cell is missing or impossible.
    """
    spec = spec or WeatherSpec()
    values = generate_arrays(world, cells, start, end, spec, threads)
    first, last = parse_period(start, end)
    at = positions(world, cells)
    data = {
        name: (("time", "cell"), values[:, :, i], variable(name).attributes() | {"source": "generated"})
        for i, name in enumerate(FORCING)
    }
    coords = {
        "time": np.arange(first, last + 1).astype("datetime64[ns]"),
        "cell": world["cell"].values[at],
        "lat": ("cell", world["lat"].values[at]),
        "lon": ("cell", world["lon"].values[at]),
    }
    attrs = {
        "source": "generated",
        "title": "Daily weather generated from the monthly climatology",
        "comment": "Only the monthly means are real (ERA5); single days are drawn at random.",
        "seed": int(spec.seed),
        "variability": spec.variability,
    }
    return xr.Dataset(data, coords=coords, attrs=attrs)


def generate_arrays(
    world: xr.Dataset,
    cells: ArrayLike,
    start: DateLike,
    end: DateLike,
    spec: WeatherSpec | None = None,
    threads: int = 1,
    cancel: CancelToken | None = None,
) -> NDArray[np.float32]:
    """Generate daily weather as one array [day, cell, 3] in the order of `FORCING`; as `generate`, same numbers.

    `cancel` is looked at between some cells and the next; raises `Cancelled`.
    """
    spec = spec or WeatherSpec()
    first, last = parse_period(start, end)
    cell_data = _CellData.of(world, positions(world, cells))
    n_cells, n_days = cell_data.lat.size, int((last - first).astype(int)) + 1
    if n_cells * n_days * 3 > _MAX_VALUES:
        raise RequestError(f"{n_cells} cells times {n_days} days are too many at once; ask for fewer cells or years.")
    out = np.empty((n_days, n_cells, 3), np.float32)
    pooled = spec.variability == "interannual"
    pieces = [_Piece.of(index, first, last, pooled) for index in range(block_index(first), block_index(last) + 1)]

    def work(piece: _Piece, at_once: int, begin: int) -> None:
        check(cancel)
        chosen = slice(begin, begin + at_once)
        values = piece.weather(cell_data.part(chosen), spec)
        out[piece.out_days, chosen] = values[:, piece.kept_days].transpose(1, 0, 2)

    for piece in pieces:  # block by block, so that a long period needs the coefficients of one block at a time
        at_once = min(_CELLS_AT_ONCE, max(1, _WORK_AT_ONCE // (piece.made[1] - piece.made[0])))
        begins = range(0, n_cells, at_once)
        for begin in begins:
            check(cancel)
            coefficients(int(spec.seed), piece.index).ensure(cell_data.lat[begin : begin + at_once])
        slow_modes(int(spec.seed), piece.index)
        if threads > 1 and len(begins) > 1:
            with ThreadPoolExecutor(threads) as pool:
                list(pool.map(partial(work, piece, at_once), begins))
        else:
            for begin in begins:
                work(piece, at_once, begin)
    return out


@dataclass(frozen=True)
class _CellData:
    """What the kernels need of each cell, float64: [cell] and, for the climatology, [cell, 12]."""

    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    elevation: NDArray[np.float64]
    albedo: NDArray[np.float64]
    snow_albedo: NDArray[np.float64]
    temperature: NDArray[np.float64]
    precipitation: NDArray[np.float64]

    @classmethod
    def of(cls, world: xr.Dataset, at: NDArray[np.intp]) -> _CellData:
        temperature = _monthly(world, "air_temperature", at)
        precipitation = _monthly(world, "precipitation", at)
        bad = ~(np.isfinite(temperature) & np.isfinite(precipitation) & (precipitation >= 0)).all(axis=1)
        if bad.any():
            cell = int(world["cell"].values[at[bad.argmax()]])
            raise DataError(f"The climatology of cell {cell} is missing or negative; validate the cube and rebuild it.")
        albedo, snow_albedo = _albedo(world, at)
        return cls(
            lat=world["lat"].values[at].astype(np.float64),
            lon=world["lon"].values[at].astype(np.float64),
            elevation=np.nan_to_num(world["elevation"].values[at].astype(np.float64)),
            albedo=albedo,
            snow_albedo=snow_albedo,
            temperature=temperature,
            precipitation=precipitation,
        )

    def part(self, chosen: slice) -> _CellData:
        return _CellData(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def _monthly(world: xr.Dataset, name: str, at: NDArray[np.intp]) -> NDArray[np.float64]:
    values = world[name].transpose("cell", "month").values[at]
    return np.ascontiguousarray(values, dtype=np.float64)


def _albedo(world: xr.Dataset, at: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Albedo without and with snow [cell], the mean over the land cover of each cell (its water left out)."""
    codes = world["igbp"].values.astype(int)
    fractions = world["land_cover_fraction"].transpose("igbp", "cell").values[:, at].astype(np.float64)
    bare, snowy, total = np.zeros(at.size), np.zeros(at.size), np.zeros(at.size)
    for code, fraction in zip(codes, fractions, strict=True):  # summed class by class: the order is fixed for any batch
        weight = fraction * (1e-3 if code in (0, 17) else 1.0)
        entry = 16 if code == 0 else code - 1
        bare += weight * ALBEDO[entry]
        snowy += weight * SNOW_ALBEDO[entry]
        total += weight
    total = np.where(total > 0, total, np.nan)
    return np.nan_to_num(bare / total, nan=0.18), np.nan_to_num(snowy / total, nan=0.55)


@dataclass(frozen=True)
class _Piece:
    """The part of a request that falls into one block: whole months made, requested days kept.

    made: first and last+1 day of the block that are generated; kept_days: which of those were asked for; out_days:
    where they go in the answer.
    """

    index: int
    made: tuple[int, int]
    tables: DayTables
    kept_days: slice
    out_days: slice

    @classmethod
    def of(cls, index: int, first: Day, last: Day, pooled: bool) -> _Piece:
        calendar = block(index)
        begin = max(0, int((first - calendar.first).astype(int)))
        end = min(calendar.n_days, int((last - calendar.first).astype(int)) + 1)
        first_month, last_month = 0, calendar.month_start.size - 1
        if not pooled:
            first_month = int(np.searchsorted(calendar.month_start, begin, side="right")) - 1
            last_month = int(np.searchsorted(calendar.month_start, end, side="left"))
        made = int(calendar.month_start[first_month]), int(calendar.month_start[last_month])
        skipped = int((calendar.first - first).astype(int)) + begin
        return cls(
            index=index,
            made=made,
            tables=day_tables(calendar, first_month, last_month, pooled),
            kept_days=slice(begin - made[0], end - made[0]),
            out_days=slice(skipped, skipped + end - begin),
        )

    def weather(self, data: _CellData, spec: WeatherSpec) -> NDArray[np.float32]:
        """Weather [cell, made days, 3] of a few cells."""
        seed, shape, days = int(spec.seed), year_shape(), self.tables
        coefs, modes = coefficients(seed, self.index), slow_modes(seed, self.index)
        coefs.ensure(data.lat)  # again: with many blocks they may have left the cache
        daily, slow = latent_fields(seed, data.lat, data.lon, coefs, modes, *self.made)
        enso = enso_of_days(modes, *self.made)
        rain_pattern, warmth_pattern = enso_patterns(data.lat, data.lon)
        top = top_radiation(data.lat, shape.month_declination, shape.month_distance)
        climate = monthly_climate(data.temperature, data.precipitation, data.lat, data.elevation, top)
        wet = wetness(daily, slow, enso, rain_pattern, climate, days)
        values = np.empty((*wet.shape, 3), np.float32)
        values[..., 0] = daily_precipitation(wet, climate, data.precipitation, days)
        temperature = daily_temperature(
            wet, daily, slow, enso, warmth_pattern, climate, data.temperature, days, _SPREAD_FACTOR[spec.variability]
        )
        values[..., 1] = temperature
        values[..., 2] = daily_net_radiation(
            wet,
            daily,
            slow,
            temperature,
            climate,
            data.lat,
            data.elevation,
            data.albedo,
            data.snow_albedo,
            days,
            CLOUD_SHARE,
            CLOUD_EFFECT,
            _SNOW_SHIFT[spec.variability],
        )
        return values
