"""Simulation of some cells: members run in blocks, reduced at once to the ensemble's mean and spread."""

from __future__ import annotations

import numpy as np
import torch
import xarray as xr

from hdlcore.data.cube import positions
from hdlcore.models.kernels import arrays
from hdlcore.progress import CancelToken, Progress, check
from hdlcore.runtime.domains import SitesDomain, recipe_of
from hdlcore.runtime.ensemble import Ensemble, Series
from hdlcore.runtime.estimate import refuse_too_large
from hdlcore.runtime.requests import SimulationRequest, parse_date
from hdlcore.runtime.scenarios import first_changed_day, parse_scenario
from hdlcore.variables import VARIABLES

#: What a cell's id means: on land, and among the places of a cube.
CELL_NAMES = ("row * 360 + column on the 1 degree grid", "number of the place in its cube")


def simulate_cells(
    ensemble: Ensemble, request: SimulationRequest, progress: Progress | None, cancel: CancelToken | None,
    plain: xr.Dataset | None = None,
) -> xr.Dataset:  # fmt: skip
    """Member mean and spread of every output, (time, cell), for the cells and period of `request`.

    Monthly values are means of whole months, and their spread that of the members' monthly means.

    `plain` is the answer to the same request without its scenario, if there is one: then only what follows the first
    change is run anew, from the last state kept before it.
    """
    cells = np.asarray(request.cells)
    refuse_too_large(request, 2 * len(ensemble.model.outputs) + len(ensemble.model.forcing))
    start, end = parse_date(request.start, "start"), parse_date(request.end, "end")
    scenario = parse_scenario(request.scenario)
    changes = parse_date(first_changed_day(scenario, request.start), "change") if plain is not None else start
    if plain is not None and changes > end:
        return plain.assign_attrs(scenario=request.scenario)
    words = f"running the model: {_count(cells.size, 'cell')}, {_count(len(ensemble.members), 'member')}"
    parts, at_once = [], ensemble.domain.block_cells
    for first in range(0, cells.size, at_once):
        check(cancel)
        block = cells[first : first + at_once]

        def part(fraction: float, done: int = first, size: int = block.size) -> None:
            if progress:
                progress((done + min(fraction, 1.0) * size) / cells.size, words)

        part(0.0)
        begin = ensemble.resume_day(block, start, changes) if plain is not None else None
        series = ensemble.run(block, start, end, cancel, part, scenario, request.frequency == "monthly", begin)
        dataset = to_dataset(ensemble, block, series)
        if plain is not None and series.days[0] > np.datetime64(start):
            before = plain.sel(cell=block, time=slice(None, series.days[0] - 1))
            dataset = xr.concat([before, dataset], "time", data_vars="minimal", coords="minimal", compat="override")
        parts.append(dataset)
        if cells.size > at_once:
            del series, dataset
            arrays.give_back()
    result = _joined(parts) if len(parts) > 1 else parts[0]
    result = result.transpose("time", "cell")
    result.attrs |= {"frequency": request.frequency, "period": f"{request.start}/{request.end}"}
    if request.scenario:
        result.attrs["scenario"] = request.scenario
    return result


def simulate_members(
    ensemble: Ensemble, request: SimulationRequest, progress: Progress | None, cancel: CancelToken | None
) -> xr.Dataset:
    """Monthly means of every store and flux of each member, (member, time, cell), for cells and period of `request`.

    Nothing is reduced: this is for looking at how members differ, at few cells. Raises as `simulate_cells` does.
    """
    cells, names = np.asarray(request.cells), ensemble.model.outputs
    refuse_too_large(request, len(ensemble.members) * len(names))
    start, end = parse_date(request.start, "start"), parse_date(request.end, "end")
    words = f"running {_count(len(ensemble.members), 'member')} one beside the other"

    def part(fraction: float) -> None:
        if progress:
            progress(min(fraction, 1.0), words)

    part(0.0)
    series = ensemble.run(cells, start, end, cancel, part, monthly=True)
    outputs = series.outputs.transpose(0, 1).numpy()  # (member, time, cell, output)
    data = {
        name: (("member", "time", "cell"), np.ascontiguousarray(outputs[..., i]), VARIABLES[name].attributes())
        for i, name in enumerate(names)
        if VARIABLES[name].kind in ("store", "flux")
    }
    coords = {"member": np.arange(len(outputs)), "time": series.days.astype("datetime64[ns]"), "cell": cells}
    return xr.Dataset(data, coords, attributes(ensemble, series) | {"period": f"{request.start}/{request.end}"})


def _joined(parts: list[xr.Dataset]) -> xr.Dataset:
    """Blocks of cells as one dataset; each variable's pieces are let go once joined, so the world is held once."""
    attrs, coords = parts[0].attrs, set(parts[0].coords)
    columns = [dict(part.variables) for part in parts]
    parts.clear()
    joined = {}
    for name in list(columns[0]):
        pieces = [column.pop(name) for column in columns]
        joined[name] = type(pieces[0]).concat(pieces, "cell") if "cell" in pieces[0].dims else pieces[0]
    data = {name: variable for name, variable in joined.items() if name not in coords}
    return xr.Dataset(data, {name: joined[name] for name in coords}, attrs)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def to_dataset(ensemble: Ensemble, cells: np.ndarray, series: Series) -> xr.Dataset:
    """Reduce a run to mean and spread (population standard deviation over members), named, with CF attributes."""
    mean = series.outputs.mean(1).numpy()
    spread = series.outputs.std(1, correction=0).numpy()
    data: dict[str, tuple] = {}
    for i, name in enumerate(ensemble.model.forcing):
        about = {"source": ensemble.domain.sources[name]}
        data[name] = (("time", "cell"), series.forcing[..., i].numpy(), VARIABLES[name].attributes() | about)
    for i, name in enumerate(ensemble.model.outputs):
        attrs = VARIABLES[name].attributes()
        data[name] = (("time", "cell"), np.ascontiguousarray(mean[..., i]), attrs)
        about = {"long_name": f"{attrs['long_name']}, standard deviation over members", "units": attrs["units"]}
        data[f"{name}_spread"] = (("time", "cell"), np.ascontiguousarray(spread[..., i]), about)
    for name, values in _static_parameters(ensemble, cells).items():
        data[name] = (("cell",), values, VARIABLES[name].attributes())
    place = ensemble.world.isel(cell=positions(ensemble.world, cells))
    coords = {
        "time": ("time", series.days.astype("datetime64[ns]"), {"standard_name": "time", "long_name": "day"}),
        "cell": ("cell", cells.astype(np.int32), {"long_name": CELL_NAMES[isinstance(ensemble.domain, SitesDomain)]}),
        "lat": ("cell", place["lat"].values, {"standard_name": "latitude", "units": "degrees_north"}),
        "lon": ("cell", place["lon"].values, {"standard_name": "longitude", "units": "degrees_east"}),
        "area": ("cell", place["area"].values, {"standard_name": "cell_area", "units": "m2"}),
    }
    return xr.Dataset(data, coords, attributes(ensemble, series))


def _static_parameters(ensemble: Ensemble, cells: np.ndarray) -> dict[str, np.ndarray]:
    """Member means of parameters that do not change in time, (cell,)."""
    prepared = ensemble.prepare(positions(ensemble.world, cells))
    return {
        name: torch.broadcast_to(value.mean(0), (cells.size,)).numpy().copy()
        for name, value in prepared.parameters.items()
    }


def attributes(ensemble: Ensemble, series: Series | None = None) -> dict[str, str | float]:
    """Global attributes that say where the numbers come from."""
    card = ensemble.card
    attrs: dict[str, str | float] = {
        "Conventions": "CF-1.11",
        "title": card.title,
        "model": card.id,
        "model_weights_sha256": " ".join(member.sha256[:16] for member in card.members),
        "data_version": str(ensemble.world.attrs.get("version", "")),
        "members": len(card.members),
        "source": f"model of kind {card.kind}; {recipe_of(card).forcing_source}",
        "weather": ensemble.domain.weather,
        "references": "Kraft et al. (2022), HESS 26, 1579; ERA5 (C3S); GRACE Level 2",
    }
    if series is not None:
        attrs["spin_up_drift_mm_per_year"] = float(series.drift.abs().max())
    return attrs
