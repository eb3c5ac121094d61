"""Parameters of the twin Earth: one table of what each follows, its hidden spread, its limits and its source.

A cell's value is the rule of its statics, times exp(spread x hidden noise) (or plus spread x noise where the table says
so), kept within the limits. The noise is `hdlcore.data.twin.noise`: no static map shows it. All arithmetic is cell by
cell in plain Python, so that a cell's parameters are the same bits in any batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.twin.carbon import CarbonParameters
from hdlcore.data.twin.demand import DemandParameters
from hdlcore.data.twin.groundwater import GroundwaterParameters
from hdlcore.data.twin.land import LandParameters
from hdlcore.data.twin.noise import hidden_noise
from hdlcore.data.twin.snow import SnowParameters
from hdlcore.data.twin.vegetation import VegetationParameters

F8 = NDArray[np.float64]

#: Lower edges of the upper two soil layers, m.
LAYER_EDGES = (0.1, 0.5)


@dataclass(frozen=True)
class Site:
    """What the rules may see of a cell: shares 0 to 1, metres, degC, mm d-1."""

    elevation: float
    relief: float
    trees: float
    evergreen: float
    crops: float
    c4: float
    ndvi_max: float
    warm_season: float
    cold_season: float
    optimum: float
    precipitation: float

    @property
    def flatness(self) -> float:
        """1 on plains, 0 where the height varies by 300 m or more."""
        return 1.0 - min(1.0, self.relief / 300.0)


@dataclass(frozen=True)
class Parameter:
    """One line of the table. `spread` is the standard deviation of the log (or of the value when `additive`)."""

    name: str
    units: str
    low: float
    high: float
    spread: float
    rule: Callable[[Site], float]
    follows: str
    source: str
    additive: bool = False

    def value(self, site: Site, noise: float) -> float:
        """Value at a cell with a standard normal `noise`."""
        base = self.rule(site)
        value = base + self.spread * noise if self.additive else base * math.exp(self.spread * noise)
        return min(self.high, max(self.low, value))


def _leaf_area(site: Site) -> float:
    """Leaf area index at the year's greenest, by inverting Beer's law for the green cover of NDVI."""
    cover = min(0.955, max(0.003, (site.ndvi_max - 0.09) / (0.88 - 0.09)))
    return -math.log(1.0 - cover) / 0.5


def _warm_limit(site: Site) -> float:
    return min(18.0, max(5.0, site.warm_season - 4.0))


_P = Parameter
# fmt: off
PARAMETERS: tuple[Parameter, ...] = (
    # evaporative demand
    _P("priestley_taylor", "1", 0.9, 1.4, 0.06, lambda s: 1.22, "nothing", "1.26 over wet surfaces: Priestley and Taylor 1972"),
    _P("psychrometric_constant", "kPa K-1", 0.03, 0.068, 0.0, lambda s: 0.0665 * math.exp(-max(0.0, s.elevation) / 8300.0), "elevation", "FAO-56 equations 7 and 8"),
    # snow
    _P("relief", "m", 0.0, 1500.0, 0.0, lambda s: s.relief, "standard deviation of elevation", "world cube"),
    _P("lapse_rate", "K m-1", 0.004, 0.008, 0.1, lambda s: 0.0060, "nothing", "ISO 2533: 0.0065; weaker over land in winter"),
    _P("snow_temperature", "degC", -1.0, 3.0, 0.5, lambda s: 0.8 + min(1.0, max(0.0, s.elevation) / 3000.0), "elevation", "Jennings et al. 2018: 50 % snow at 1.0 degC, warmer high up", True),
    _P("degree_day_factor", "mm K-1 d-1", 1.0, 6.0, 0.25, lambda s: 3.2 - 1.4 * s.trees, "tree cover", "Hock 2003: 1.3 (forest) to 5"),
    _P("radiation_melt", "mm d-1 W-1 m2", 0.0, 0.1, 0.25, lambda s: 0.040 * (1.0 - 0.5 * s.trees), "tree cover", "a seventh of 0.26, all net radiation at 334 kJ kg-1; shaded by trees"),
    _P("water_holding", "1", 0.02, 0.15, 0.2, lambda s: 0.07, "nothing", "HBV: 0.1; Singh 2001: 0.03 to 0.1"),
    _P("refreezing_factor", "mm K-1 d-1", 0.02, 0.5, 0.3, lambda s: 0.15, "nothing", "HBV: 5 % of the degree-day factor"),
    _P("snow_evaporation_share", "1", 0.02, 0.6, 0.25, lambda s: 0.25 + 0.15 * s.trees, "tree cover", "Strasser et al. 2008: 10 to 30 % of snowfall lost"),
    # soil and leaves
    _P("leaf_water", "mm", 0.05, 0.4, 0.2, lambda s: 0.2, "nothing", "0.2 mm per leaf area: Dickinson 1984"),
    _P("sand_share", "1", 0.1, 0.9, 0.17, lambda s: 0.45, "nothing: hidden", "texture is not in the world cube", True),
    _P("deep_layer", "m", 0.3, 3.0, 0.3, lambda s: 0.45 + 0.8 * s.trees + 0.2 * min(1.0, s.precipitation / 4.0), "tree cover, precipitation", "Yang et al. 2016: roots 0.5 to 2 m deep"),
    _P("root_scale", "m", 0.08, 1.0, 0.2, lambda s: 0.18 + 0.22 * s.trees, "tree cover", "Jackson et al. 1996"),
    _P("infiltration_shape", "1", 0.02, 1.0, 0.35, lambda s: 0.12 + 0.25 * (1.0 - s.flatness), "standard deviation of elevation", "Liang et al. 1994: 0.01 to 0.4"),
    _P("critical_moisture", "1", 0.35, 0.95, 0.12, lambda s: 0.75 - 0.20 * s.trees, "tree cover", "FAO-56 table 22: stress below 30 to 60 % of the available water gone"),
    _P("water_memory_time", "d", 10.0, 120.0, 0.25, lambda s: 30.0 + 20.0 * s.trees, "tree cover", "weeks for grass, months for trees"),
    _P("warmth_memory_time", "d", 8.0, 60.0, 0.2, lambda s: 21.0, "nothing", "Jolly et al. 2005: 21-day running mean"),
    _P("leaf_out_time", "d", 6.0, 60.0, 0.2, lambda s: 14.0 + 10.0 * s.evergreen, "evergreen cover", "2 to 4 weeks"),
    _P("leaf_fall_time", "d", 10.0, 120.0, 0.2, lambda s: 25.0 + 35.0 * s.evergreen, "evergreen cover", "leaves fall slower than they grow"),
    _P("warm_limit", "degC", 3.0, 20.0, 0.8, _warm_limit, "warmest quarter", "plants are fitted to their summer", True),
    _P("cold_limit", "degC", -4.0, 9.0, 0.8, lambda s: max(-3.0, _warm_limit(s) - 11.0), "warmest quarter", "Jolly et al. 2005: -2 to 5 degC", True),
    _P("leaf_area_high", "1", 0.005, 6.8, 0.08, _leaf_area, "greenest NDVI", "Beer's law, extinction 0.5"),
    _P("evergreen_share", "1", 0.04, 0.9, 0.15, lambda s: 0.07 + 0.70 * s.evergreen, "evergreen cover", "leaves kept at the worst time of the year"),
    # groundwater and rivers
    _P("interflow_share", "1", 0.05, 0.85, 0.2, lambda s: 0.55 - 0.25 * s.flatness, "standard deviation of elevation", "hillslopes shed sideways"),
    _P("interflow_rate", "d-1", 0.02, 0.4, 0.3, lambda s: 0.07 + 0.06 * (1.0 - s.flatness), "standard deviation of elevation", "HBV K1: 0.01 to 0.3"),
    _P("groundwater_scale", "mm", 30.0, 400.0, 0.3, lambda s: 110.0, "nothing: hidden", "storage at which the rate holds"),
    _P("groundwater_rate", "d-1", 0.001, 0.05, 0.5, lambda s: 0.008, "nothing: hidden", "Beck et al. 2013: recession 0.002 to 0.1"),
    _P("groundwater_power", "1", 1.1, 3.0, 0.2, lambda s: 1.8, "nothing: hidden", "Wittenberg 1999: near 2", True),
    _P("river_rate", "d-1", 0.03, 0.6, 0.2, lambda s: 0.22 - 0.15 * s.flatness, "standard deviation of elevation", "days in hills, weeks on plains"),
    # light, greenness, growth
    _P("light_use_efficiency", "gC MJ-1", 0.5, 3.0, 0.13, lambda s: 1.25 + 0.38 * s.c4 + 0.30 * s.crops, "C4 and crop share", "Running et al. 2004: 0.6 to 1.3; Zhang et al. 2017: C3 up to 1.8, C4 2.7"),
    _P("optimum_temperature", "degC", 10.0, 30.0, 1.2, lambda s: s.optimum, "optimum temperature", "world cube; the warmest quarter where it has none", True),
    _P("growth_stress_power", "1", 0.3, 1.5, 0.15, lambda s: 0.7, "nothing", "leaves save water better than growth"),
    _P("ndvi_soil", "1", 0.04, 0.25, 0.2, lambda s: 0.11, "nothing: hidden", "bare soils 0.05 to 0.2"),
    _P("ndvi_leaves", "1", 0.75, 0.95, 0.02, lambda s: 0.90, "nothing", "closed canopies"),
    # carbon
    _P("growth_respiration", "1", 0.15, 0.35, 0.08, lambda s: 0.25, "nothing", "Ryan 1991"),
    _P("leaf_share", "1", 0.3, 0.99, 0.08, lambda s: 0.95 - 0.40 * s.trees, "tree cover", "leaves and fine roots: half in forests"),
    _P("leaf_maintenance", "d-1", 0.0003, 0.01, 0.15, lambda s: 0.0016, "nothing", "Ryan 1991; the plant respires about half of GPP"),
    _P("wood_maintenance", "d-1", 1e-6, 3e-4, 0.2, lambda s: 4e-5, "nothing", "only sapwood lives"),
    _P("leaf_turnover", "d-1", 0.0003, 0.01, 0.2, lambda s: 1.0 / (365.0 * (0.8 + 1.2 * s.evergreen)), "evergreen cover", "Reich et al. 1997"),
    _P("wood_turnover", "d-1", 1e-5, 2e-4, 0.25, lambda s: 1.0 / (365.0 * 35.0), "nothing", "Galbraith et al. 2013: 20 to 100 years"),
    _P("litter_turnover", "d-1", 0.0003, 0.01, 0.2, lambda s: 1.0 / (365.0 * 0.9), "nothing", "about a year at 15 degC"),
    _P("soil_turnover", "d-1", 8e-6, 5e-4, 0.25, lambda s: 1.0 / (365.0 * 40.0), "nothing", "Carvalhais et al. 2014: decades"),
    _P("humification", "1", 0.15, 0.5, 0.12, lambda s: 0.32, "nothing", "share of decayed litter that becomes soil"),
    _P("q10_plants", "1", 1.2, 2.6, 0.06, lambda s: 1.7, "nothing", "Ryan 1991: near 2, less after acclimation"),
    _P("q10_soil", "1", 1.1, 2.5, 0.08, lambda s: 1.5, "nothing", "Mahecha et al. 2010: 1.4"),
    _P("soil_temperature_time", "d", 4.0, 60.0, 0.2, lambda s: 15.0, "nothing", "the upper half metre lags by weeks"),
    _P("snow_insulation", "1", 0.2, 0.95, 0.1, lambda s: 0.7, "nothing", "snow keeps the cold out"),
)
# fmt: on
INDEX = {parameter.name: i for i, parameter in enumerate(PARAMETERS)}


@dataclass(frozen=True)
class Parameters:
    """The parameters of some cells, grouped for the kernels; `table` [cell, len(PARAMETERS)]."""

    table: F8
    demand: DemandParameters
    snow: SnowParameters
    land: LandParameters
    groundwater: GroundwaterParameters
    vegetation: VegetationParameters
    carbon: CarbonParameters

    def column(self, name: str) -> F8:
        """One parameter of all cells, by its name in the table."""
        return np.ascontiguousarray(self.table[:, INDEX[name]])

    def take(self, chosen: NDArray[np.intp]) -> Parameters:
        """The parameters of some of the cells, repeated as `chosen` says."""
        return grouped(self.table[chosen])


def cell_parameters(world: xr.Dataset, at: NDArray[np.intp], seed: int) -> Parameters:
    """Parameters of the cells at positions `at` of the world cube for a twin of this seed."""
    cells = world["cell"].values[at].astype(np.int64)
    lat, lon = (world[name].values[at].astype(np.float64) for name in ("lat", "lon"))
    noise = hidden_noise(seed, cells, lat, lon, len(PARAMETERS))
    table = np.empty((at.size, len(PARAMETERS)))
    for row, site in enumerate(sites(world, at)):
        own = noise[row].tolist()
        for i, parameter in enumerate(PARAMETERS):
            table[row, i] = parameter.value(site, own[i])
    return grouped(table)


def sites(world: xr.Dataset, at: NDArray[np.intp]) -> list[Site]:
    """What the rules see of the cells at positions `at`."""
    cover = world["land_cover_fraction"].transpose("cell", "igbp").values[at].astype(float).tolist()
    codes = [int(code) for code in world["igbp"].values]
    temperature = world["air_temperature"].transpose("cell", "month").values[at].astype(float).tolist()
    rain = world["precipitation"].transpose("cell", "month").values[at].astype(float).tolist()
    names = ("elevation", "elevation_std", "c4_fraction", "ndvi_max", "optimum_temperature")
    statics = [world[name].values[at].astype(float).tolist() for name in names]
    return [
        _site(dict(zip(codes, cover[i], strict=True)), temperature[i], rain[i], *(values[i] for values in statics))
        for i in range(at.size)
    ]


def _site(
    cover: dict[int, float], temperature: list[float], rain: list[float],
    elevation: float, relief: float, c4: float, ndvi_max: float, optimum: float,
) -> Site:  # fmt: skip
    land = sum(cover[code] for code in sorted(cover) if code not in (0, 17)) or 1.0

    def share(weights: dict[int, float]) -> float:
        return min(1.0, sum(weight * cover.get(code, 0.0) for code, weight in weights.items()) / land)

    ordered = sorted(temperature)
    warm, cold = sum(ordered[-3:]) / 3.0, sum(ordered[:3]) / 3.0
    known = math.isfinite(optimum) and optimum > 5.0
    return Site(
        elevation=elevation,
        relief=relief,
        trees=share({1: 1.0, 2: 1.0, 3: 1.0, 4: 1.0, 5: 1.0, 8: 0.5, 9: 0.2, 14: 0.2}),
        evergreen=share({1: 0.9, 2: 1.0, 5: 0.4, 6: 0.4, 7: 0.4, 8: 0.3, 9: 0.15}),
        crops=share({12: 1.0, 14: 0.5}),
        c4=c4 if math.isfinite(c4) else 0.0,
        ndvi_max=ndvi_max if math.isfinite(ndvi_max) else 0.1,
        warm_season=warm,
        cold_season=cold,
        optimum=min(28.0, max(12.0, optimum if known else warm)),
        precipitation=sum(rain) / 12.0,
    )


def grouped(table: F8) -> Parameters:
    """Group a table [cell, len(PARAMETERS)] for the kernels, deriving what follows from several parameters."""
    get = {name: np.ascontiguousarray(table[:, i]) for name, i in INDEX.items()}
    thickness = 1000.0 * np.stack(
        [
            np.full(len(table), LAYER_EDGES[0]),
            np.full(len(table), LAYER_EDGES[1] - LAYER_EDGES[0]),
            get["deep_layer"],
        ],
        axis=-1,
    )  # mm
    # Volumetric water after the classes of Rawls et al. (1982), straight in the share of sand.
    clay_like = 1.0 - get["sand_share"][:, None]
    wilting = thickness * (0.03 + 0.17 * clay_like)
    field = thickness * (0.10 + 0.26 * clay_like)
    saturation = thickness * (0.41 + 0.05 * clay_like)
    speed = 0.10 + 0.5 * get["sand_share"]  # d-1
    derived = {
        "wilting": wilting,
        "residual": 0.4 * wilting,
        "field": field,
        "saturation": saturation,
        "roots": _roots(get["root_scale"], get["deep_layer"]),
        "percolation_rate": np.stack([1.2 * speed, 0.7 * speed, 0.15 * speed], axis=-1),
        "leaf_area_low": get["leaf_area_high"] * get["evergreen_share"],
        "topsoil_dry": np.ascontiguousarray(0.4 * wilting[:, 0]),
        "topsoil_wet": np.ascontiguousarray(0.8 * field[:, 0]),
    }
    get |= derived
    return Parameters(
        table,
        DemandParameters(**{name: get[name] for name in DemandParameters._fields}),
        SnowParameters(**{name: get[name] for name in SnowParameters._fields}),
        LandParameters(**{name: get[name] for name in LandParameters._fields}),
        GroundwaterParameters(**{name: get[name] for name in GroundwaterParameters._fields}),
        VegetationParameters(**{name: get[name] for name in VegetationParameters._fields}),
        CarbonParameters(**{name: get[name] for name in CarbonParameters._fields}),
    )


def _roots(scale: F8, deep: F8) -> F8:
    """Share of roots in each layer [cell, 3] when they thin out exponentially with depth; sums to one."""
    out = np.empty((scale.size, 3))
    for i, (d, z) in enumerate(zip(scale.tolist(), deep.tolist(), strict=True)):
        top, middle, end = (math.exp(-edge / d) for edge in (*LAYER_EDGES, LAYER_EDGES[1] + z))
        whole = 1.0 - end
        out[i] = (1.0 - top) / whole, (top - middle) / whole, (middle - end) / whole
    return out
