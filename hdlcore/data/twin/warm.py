"""The warm state of the twin Earth: where its fixed history begins.

The history begins on 1 January 1987 with the weather generator's block 1987-2000. That block is repeated until snow and
soil return to themselves; groundwater starts where its outflow balances its mean recharge and runs through the block
a few times; the carbon pools, linear once growth is known, are solved for exactly. Each cell settles by itself, so its
state is the same in any batch.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.twin import carbon, groundwater, land, model, snow
from hdlcore.data.twin.demand import potential_evapotranspiration
from hdlcore.data.twin.parameters import Parameters

F8 = NDArray[np.float64]

#: Largest number of passes through the block, and the change (mm, or 1 for leaf area) at which a cell is settled.
SNOW_PASSES, LAND_PASSES, GROUNDWATER_PASSES = 6, 6, 4
SETTLED = 1e-3


@dataclass(frozen=True)
class Settled:
    """States [cell, model.N_STATE] before the first and after the last day of the block, nearly the same.

    `last` is to the bit where a run through the block from `first` ends.
    """

    first: F8
    last: F8


def warm_state(parameters: Parameters, forcing: F8) -> Settled:
    """Settle cells under a block of weather, `forcing` [cell, day, 3]."""
    n_cells = len(forcing)
    settled = Settled(np.zeros((n_cells, model.N_STATE)), np.zeros((n_cells, model.N_STATE)))
    potential = potential_evapotranspiration(forcing, parameters.demand)

    def snow_pass(chosen: NDArray[np.intp], state: F8) -> F8:
        return model.run_snow(parameters.take(chosen), forcing[chosen], potential[chosen], state)

    snowy = _repeat(snow_pass, SNOW_PASSES, len(snow.SERIES), model.SNOW, settled, forcing)

    def land_pass(chosen: NDArray[np.intp], state: F8) -> F8:
        return model.run_land(parameters.take(chosen), forcing[chosen], potential[chosen], snowy[chosen], state)

    settled.last[:, model.LAND] = _first_soil(parameters)
    soil = _repeat(land_pass, LAND_PASSES, len(land.SERIES), model.LAND, settled, forcing)

    def groundwater_pass(chosen: NDArray[np.intp], state: F8) -> F8:
        return model.run_groundwater(parameters.take(chosen), soil[chosen], state)

    settled.last[:, model.GROUNDWATER.start] = _balanced_groundwater(parameters, soil)
    _repeat(groundwater_pass, GROUNDWATER_PASSES, len(groundwater.SERIES), model.GROUNDWATER, settled, forcing)
    _settle_carbon(parameters, forcing, snowy, soil, settled)
    return settled


def _repeat(
    run: Callable[[NDArray[np.intp], F8], F8], passes: int, n_series: int, part: slice, settled: Settled, forcing: F8
) -> F8:
    """Run a part of the model through the block from `settled.last` until it returns to itself, cell by cell.

    Leaves the ends of the last pass in `settled` and returns its series [cell, day, n_series].
    """
    out = np.empty((*forcing.shape[:2], n_series))
    active = np.arange(len(forcing))
    for _ in range(passes):
        before = settled.last[active, part].copy()
        now = before.copy()
        out[active] = run(active, now)
        settled.first[active, part], settled.last[active, part] = before, now
        active = active[np.abs(now - before).max(-1) > SETTLED]
        if active.size == 0:
            break
    return out


def _first_soil(parameters: Parameters) -> F8:
    """A guess to settle from: no water on leaves, layers half way from wilting point to field capacity."""
    soil = parameters.land
    state = np.zeros((len(parameters.table), land.N_STATE))
    state[:, 1:4] = soil.wilting + 0.5 * (soil.field - soil.wilting)
    state[:, 4:6] = 0.5
    state[:, 6] = 0.5 * (soil.leaf_area_low + soil.leaf_area_high)
    return state


def _balanced_groundwater(parameters: Parameters, soil: F8) -> list[float]:
    """Storage (mm) at which each cell's outflow equals its mean recharge; its own outflow law, turned round."""
    p = parameters.groundwater
    drainage = soil[..., land.SERIES.index("soil_drainage")]
    found = []
    for c in range(len(soil)):  # cell by cell: a mean over days must not depend on the batch
        recharge = float(np.ascontiguousarray(drainage[c]).mean()) * float(1.0 - p.interflow_share[c])
        scale, power = float(p.groundwater_scale[c]), float(p.groundwater_power[c])
        found.append(scale * (recharge / (float(p.groundwater_rate[c]) * scale)) ** (1.0 / power))
    return found


def _settle_carbon(parameters: Parameters, forcing: F8, snowy: F8, soil: F8, settled: Settled) -> None:
    """Solve the pools: five runs (all empty, then 1000 gC m-2 in one pool each) give the map over the block."""
    plants = model.run_vegetation(parameters, forcing, snowy, soil)
    start = np.zeros((len(forcing), carbon.N_STATE))
    # Soil temperature and the leaf area of the day before are those of the block's own last day: one run finds them.
    start[:, 4] = forcing[:, 0, 1]
    model.run_carbon(parameters, forcing, snowy, soil, plants, start)
    after = np.empty((carbon.N_POOLS + 1, len(forcing), carbon.N_POOLS))
    for pool in range(carbon.N_POOLS + 1):
        now = start.copy()
        now[:, : carbon.N_POOLS] = 0.0
        if pool > 0:
            now[:, pool - 1] = 1000.0
        model.run_carbon(parameters, forcing, snowy, soil, plants, now)
        after[pool] = now[:, : carbon.N_POOLS]
    start[:, : carbon.N_POOLS] = carbon.equilibrium_pools(after)
    settled.first[:, model.CARBON] = start
    model.run_carbon(parameters, forcing, snowy, soil, plants, start)
    settled.last[:, model.CARBON] = start
