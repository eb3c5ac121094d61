"""What satellites and networks would see of the twin Earth: each product with its own blur, noise, bias and gaps.

Monthly truth in, monthly observations out, deterministic by the twin's seed for the same land and months. The errors
are of the size that the products' own papers state; every number stands in `SENSORS` or beside its use.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.cube import unit_vectors
from hdlcore.data.smoothing import grace_operator
from hdlcore.data.twin.simulate import TwinSpec
from hdlcore.data.weather.days import year_shape
from hdlcore.data.weather.radiation import top_radiation
from hdlcore.variables import VARIABLES

F8 = NDArray[np.float64]
F4 = NDArray[np.float32]

#: Truth that `observe` needs, and the forcing that tells of clouds.
NEEDED = ("tws", "swe", "evapotranspiration", "runoff", "ndvi", "fapar", "gpp", "nee", "precipitation")

#: Before its launch, and months that GRACE missed.
GRACE_FIRST = np.datetime64("2002-04")
GRACE_GAPS = np.array(
    [
        "2002-06", "2002-07", "2003-06", "2011-01", "2011-06", "2012-05", "2012-10", "2013-03", "2013-08", "2013-09",
        "2014-02", "2014-07", "2014-12",
    ],
    dtype="datetime64[M]",
)  # fmt: skip
GRACE_RADIUS_KM = 250.0
#: Snow above this is not seen (passive microwave saturates); mountains are masked as in GlobSnow.
SWE_LIMIT, SWE_RELIEF = 120.0, 300.0  # mm, m
DARK = 5.0  # W m-2 at the top of the atmosphere in the middle of the month: polar night


@dataclass(frozen=True)
class Sensor:
    """Errors of one product: a bias constant in time and smooth over `bias_km`, and noise of single months.

    bias and share : standard deviations relative to the value; noise : absolute, in the product's unit, of which
    `smooth_km` makes all smooth in space (0: each cell by itself).
    """

    bias: float
    share: float
    noise: float
    bias_km: float = 2500.0
    smooth_km: float = 0.0


SENSORS: dict[str, Sensor] = {
    "tws": Sensor(0.0, 0.0, 12.0, smooth_km=350.0),  # Wahr et al. 2006: 10 to 25 mm; largest at the equator
    "swe": Sensor(0.10, 0.20, 2.0, smooth_km=300.0),  # Pulliainen et al. 2020: under 10 % bias after correction
    "evapotranspiration": Sensor(0.12, 0.08, 0.05),  # Jung et al. 2019: 10 to 15 % between members
    "runoff": Sensor(0.20, 0.12, 0.02),  # Ghiggi et al. 2019
    "ndvi": Sensor(0.0, 0.02, 0.015),
    "fapar": Sensor(0.05, 0.05, 0.02),
    "gpp": Sensor(0.10, 0.08, 0.10),
    "nee": Sensor(0.0, 0.15, 0.20),
}
OBSERVED = tuple(f"{name}_observed" for name in SENSORS)


def observe(truth: xr.Dataset, world: xr.Dataset, spec: TwinSpec) -> xr.Dataset:
    """Observations (time, cell), float32, of monthly truth (time, cell) over all cells of `world`.

    `truth` holds `NEEDED` with `time` at the first of each month; every variable returned has ``source="generated"``.
    Storage is an anomaly from its mean over the months seen; snow saturates at 120 mm and misses mountains and polar
    night; greenness misses cloudy months; gaps are NaN.
    """
    months = truth["time"].values.astype("datetime64[M]")
    places = unit_vectors(world["lat"].values, world["lon"].values)
    data: dict[str, tuple] = {}
    for number, name in enumerate(SENSORS):
        generator = np.random.Generator(np.random.Philox(np.random.SeedSequence([int(spec.seed), 7100 + number])))
        values = truth[name].transpose("time", "cell").values.astype(np.float64)
        if name == "tws":
            seen = _storage(values, months, world, places, generator)
        else:
            seen = _with_errors(values, SENSORS[name], places, generator)
            seen = _limited(name, seen, truth, world, months, generator)
        attrs = VARIABLES[f"{name}_observed"].attributes() | {"source": "generated", "product": "twin Earth"}
        attrs["long_name"] += " (generated)"
        data[f"{name}_observed"] = (("time", "cell"), seen.astype(np.float32), attrs)
    return xr.Dataset(data, {"time": truth["time"], "cell": truth["cell"]})


def _smooth_noise(places: F8, n: int, length_km: float, generator: np.random.Generator, waves: int = 160) -> F8:
    """`n` independent standard normal fields [n, cell], smooth over `length_km`: sums of random plane waves."""
    vectors = generator.standard_normal((waves, 3)) * (6371.0 / length_km)
    phase = places @ vectors.T
    basis = np.concatenate([np.cos(phase), np.sin(phase)], axis=1) / np.sqrt(waves)
    field: F8 = generator.standard_normal((n, 2 * waves)) @ basis.T
    return field


def _with_errors(values: F8, sensor: Sensor, places: F8, generator: np.random.Generator) -> F8:
    n_time, n_cell = values.shape
    bias = np.exp(sensor.bias * _smooth_noise(places, 1, sensor.bias_km, generator)[0])
    if sensor.smooth_km > 0:
        noise = _smooth_noise(places, n_time, sensor.smooth_km, generator)
    else:
        noise = generator.standard_normal((n_time, n_cell))
    relative = sensor.share * generator.standard_normal((n_time, n_cell))
    result: F8 = values * bias * np.exp(relative) + sensor.noise * noise
    return result


def _storage(
    values: F8, months: NDArray[np.datetime64], world: xr.Dataset, places: F8, generator: np.random.Generator
) -> F8:
    """Total storage as GRACE sees it: smoothed over land, noisy, an anomaly, with gaps."""
    operator = grace_operator(world["lat"].values, world["lon"].values, world["area"].values, GRACE_RADIUS_KM)
    seen: F8 = np.asarray(operator @ values.T).T
    sensor = SENSORS["tws"]
    size = sensor.noise * (0.5 + 0.5 * np.cos(np.radians(world["lat"].values.astype(np.float64))))
    seen = seen + size * _smooth_noise(places, months.size, sensor.smooth_km, generator)
    missing = (months < GRACE_FIRST) | np.isin(months, GRACE_GAPS)
    kept = seen[~missing] if (~missing).any() else seen
    seen = seen - kept.mean(axis=0)
    seen[missing] = np.nan
    return seen


def _limited(
    name: str,
    seen: F8,
    truth: xr.Dataset,
    world: xr.Dataset,
    months: NDArray[np.datetime64],
    generator: np.random.Generator,
) -> F8:
    """Keep values physical and take out what the sensor cannot see."""
    if name == "swe":
        bare = truth["swe"].values < 0.5  # no snow is seen as no snow
        seen = np.where(bare, 0.0, np.clip(seen, 0.0, SWE_LIMIT))
        seen[:, world["elevation_std"].values > SWE_RELIEF] = np.nan
        seen[_dark(world, months)] = np.nan
    elif name in ("ndvi", "fapar"):
        seen = np.clip(seen, 0.0 if name == "fapar" else -0.2, 1.0)
        wet = truth["precipitation"].transpose("time", "cell").values
        clouded = generator.random(seen.shape) < np.clip(0.01 + 0.035 * wet, 0.0, 0.6)
        seen[clouded | _dark(world, months)] = np.nan
    elif name in ("runoff", "gpp"):
        seen = np.maximum(seen, 0.0)
    return seen


def _dark(world: xr.Dataset, months: NDArray[np.datetime64]) -> NDArray[np.bool_]:
    """Where [time, cell] the middle of the month has (almost) no sun."""
    shape = year_shape()
    top = top_radiation(world["lat"].values.astype(np.float64), shape.month_declination, shape.month_distance)
    dark: NDArray[np.bool_] = (top < DARK)[:, months.astype(int) % 12].T
    return dark
