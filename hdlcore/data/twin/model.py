"""The process model of the twin Earth: its parts run one after the other over a cell's whole series.

Demand and snow need the weather alone; soil and leaves need snow; groundwater and rivers need the soil; growth and
carbon need soil and leaves. Nothing runs back, so each part is a kernel of its own over [cell, day], in float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.twin import carbon, groundwater, land, snow, vegetation
from hdlcore.data.twin.demand import potential_evapotranspiration
from hdlcore.data.twin.parameters import Parameters

F8 = NDArray[np.float64]

WATER_STORES = (
    "swe", "canopy_water", "topsoil_moisture", "rootzone_moisture", "deep_soil_moisture",
    "groundwater", "interflow_store", "river_water",
)  # fmt: skip
CARBON_STORES = ("leaf_carbon", "wood_carbon", "litter_carbon", "soil_carbon")
#: Everything that is kept from one day to the next and has a unit of its own.
STORES = (*WATER_STORES, "leaf_area_index", "soil_temperature", *CARBON_STORES)
FLUXES = (
    "rainfall", "snowfall", "snowmelt", "refreezing", "snow_evaporation",
    "potential_evapotranspiration", "evapotranspiration", "transpiration", "soil_evaporation",
    "interception_evaporation", "soil_drainage", "groundwater_recharge", "surface_runoff", "interflow", "baseflow",
    "runoff",
    "gpp", "autotrophic_respiration", "heterotrophic_respiration", "reco", "nee",
)  # fmt: skip
#: What the model says of each day: sums, stores, fluxes and fractions, by the names of `hdlcore.variables`.
OUTPUTS = (
    "tws", "soil_moisture", *STORES, "snow_liquid_water", *FLUXES, "snow_cover", "moisture_stress", "fapar", "ndvi",
)  # fmt: skip
#: What only the parts of growth and carbon know.
OF_PLANTS = frozenset((*vegetation.SERIES, *carbon.SERIES))
#: Precipitation = sum of these; minus OUTFLOW it is the change of tws.
INFLOW = ("rainfall", "snowfall")
OUTFLOW = ("evapotranspiration", "runoff")

#: Where each part keeps its share of a cell's state.
SNOW = slice(0, snow.N_STATE)
LAND = slice(SNOW.stop, SNOW.stop + land.N_STATE)
GROUNDWATER = slice(LAND.stop, LAND.stop + groundwater.N_STATE)
CARBON = slice(GROUNDWATER.stop, GROUNDWATER.stop + carbon.N_STATE)
N_STATE = CARBON.stop

_SUMS = {
    "tws": WATER_STORES,
    "soil_moisture": ("topsoil_moisture", "rootzone_moisture", "deep_soil_moisture"),
    "evapotranspiration": ("snow_evaporation", "interception_evaporation", "transpiration", "soil_evaporation"),
}
_NO_TRACE = np.empty((0, 0, 0))


@dataclass(frozen=True)
class Run:
    """Series of some cells: `parts` holds [cell, day, series] of each part; `states` [cell, day, N_STATE] or None."""

    parts: tuple[tuple[tuple[str, ...], F8], ...]
    states: F8 | None

    def series(self, name: str) -> F8:
        """One output [cell, day] by name, float64."""
        if name in _SUMS:
            first, *others = (self.series(part) for part in _SUMS[name])
            total = first.copy()
            for other in others:
                total += other
            return total
        for names, values in self.parts:
            if name in names:
                return values[..., names.index(name)]  # type: ignore[no-any-return]
        raise KeyError(name)


def run(parameters: Parameters, forcing: F8, state: F8, traced: bool = False, plants: bool = True) -> Run:
    """Run the whole model.

    Parameters
    ----------
    forcing : [cell, day, (precipitation, air temperature, net radiation)], mm d-1, degC, W m-2, float64.
    state : [cell, N_STATE] before the first day; left as it is.
    traced : keep the state after each day.
    plants : False leaves out growth and carbon, which nothing else depends on; `states` then ends before `CARBON`.
    """
    n_cells, n_days = forcing.shape[:2]
    kept = (SNOW, LAND, GROUNDWATER, CARBON) if plants else (SNOW, LAND, GROUNDWATER)
    traces = [np.empty((n_cells, n_days, part.stop - part.start)) if traced else _NO_TRACE for part in kept]
    potential = potential_evapotranspiration(forcing, parameters.demand)
    snowy = run_snow(parameters, forcing, potential, state[:, SNOW].copy(), traces[0])
    soil = run_land(parameters, forcing, potential, snowy, state[:, LAND].copy(), traces[1])
    below = run_groundwater(parameters, soil, state[:, GROUNDWATER].copy(), traces[2])
    parts: tuple[tuple[tuple[str, ...], F8], ...] = (
        (("potential_evapotranspiration",), potential[..., None]),
        (snow.SERIES, snowy),
        (land.SERIES, soil),
        (groundwater.SERIES, below),
    )
    if plants:
        growth = run_vegetation(parameters, forcing, snowy, soil)
        pools = run_carbon(parameters, forcing, snowy, soil, growth, state[:, CARBON].copy(), traces[3])
        parts = (*parts, (vegetation.SERIES, growth), (carbon.SERIES, pools))
    return Run(parts, np.concatenate(traces, axis=-1) if traced else None)


def advance(parameters: Parameters, forcing: F8, state: F8) -> F8:
    """State [cell, N_STATE] after the last day of `forcing`, as `run` would leave it."""
    snow_state, land_state = state[:, SNOW].copy(), state[:, LAND].copy()
    below_state, carbon_state = state[:, GROUNDWATER].copy(), state[:, CARBON].copy()
    potential = potential_evapotranspiration(forcing, parameters.demand)
    snowy = run_snow(parameters, forcing, potential, snow_state)
    soil = run_land(parameters, forcing, potential, snowy, land_state)
    run_groundwater(parameters, soil, below_state)
    plants = run_vegetation(parameters, forcing, snowy, soil)
    run_carbon(parameters, forcing, snowy, soil, plants, carbon_state)
    return np.concatenate([snow_state, land_state, below_state, carbon_state], axis=-1)


def _of(names: tuple[str, ...], values: F8, name: str) -> F8:
    return np.ascontiguousarray(values[..., names.index(name)])


def run_snow(parameters: Parameters, forcing: F8, potential: F8, state: F8, trace: F8 = _NO_TRACE) -> F8:
    """Snow series; `state` [cell, snow.N_STATE] is moved on in place."""
    return snow.snow_series(forcing, potential, parameters.snow, state, trace)


def run_land(parameters: Parameters, forcing: F8, potential: F8, snowy: F8, state: F8, trace: F8 = _NO_TRACE) -> F8:
    """Soil and leaf series; `state` [cell, land.N_STATE] is moved on in place."""
    return land.land_series(
        np.ascontiguousarray(forcing[..., 1]),
        potential,
        _of(snow.SERIES, snowy, "snow_cover"),
        _of(snow.SERIES, snowy, "rain_on_ground"),
        _of(snow.SERIES, snowy, "pack_outflow"),
        parameters.land,
        state,
        trace,
    )


def run_groundwater(parameters: Parameters, soil: F8, state: F8, trace: F8 = _NO_TRACE) -> F8:
    """Groundwater and river series; `state` [cell, groundwater.N_STATE] is moved on in place."""
    return groundwater.groundwater_series(
        _of(land.SERIES, soil, "surface_runoff"),
        _of(land.SERIES, soil, "soil_drainage"),
        parameters.groundwater,
        state,
        trace,
    )


def run_vegetation(parameters: Parameters, forcing: F8, snowy: F8, soil: F8) -> F8:
    """Series of fAPAR, NDVI and GPP."""
    return vegetation.vegetation_series(
        forcing,
        _of(snow.SERIES, snowy, "snow_cover"),
        _of(land.SERIES, soil, "leaf_area_index"),
        _of(land.SERIES, soil, "moisture_stress"),
        parameters.vegetation,
    )


def run_carbon(
    parameters: Parameters, forcing: F8, snowy: F8, soil: F8, plants: F8, state: F8, trace: F8 = _NO_TRACE
) -> F8:
    """Carbon series; `state` [cell, carbon.N_STATE] is moved on in place."""
    return carbon.carbon_series(
        np.ascontiguousarray(forcing[..., 1]),
        _of(snow.SERIES, snowy, "snow_cover"),
        _of(land.SERIES, soil, "topsoil_moisture"),
        _of(land.SERIES, soil, "leaf_area_index"),
        _of(vegetation.SERIES, plants, "gpp"),
        parameters.carbon,
        state,
        trace,
    )
