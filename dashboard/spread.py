"""All cells of a selection at once: the series of one quantity in each, and their area-weighted quantiles."""

from __future__ import annotations

import numpy as np
import xarray as xr

from dashboard.layers import MIXED, MONTHS, Layer, field, yearly_mean
from dashboard.summary import quantity
from hdlcore.analysis.quantiles import weighted_quantiles
from hdlcore.analysis.seasonality import anomalies
from hdlcore.errors import RequestError
from hdlcore.variables import variable

#: Quantiles drawn, as they are called in files: tenth, quarter, half and so on of the area.
LEVELS = {"p10": 0.10, "p25": 0.25, "p50": 0.50, "p75": 0.75, "p90": 0.90}


def quantity_of(shown: Layer, world: xr.Dataset, fields: xr.Dataset | None) -> str:
    """The quantity on the map where it has months, else total storage, else what is seen of it."""
    names = [shown.variable.name] if shown.seasonal and shown.variable.name != MIXED else []
    for name in (*names, "tws", "tws_observed", "precipitation"):
        values = field(name, world, fields)
        if values is not None and values.ndim == 2:
            return name
    raise RequestError("Nothing here has months, so there are no series of the cells to draw.")


def season(name: str, world: xr.Dataset, fields: xr.Dataset | None, of: np.ndarray, departure: bool) -> xr.DataArray:
    """Mean seasonal cycle of each cell at positions `of`, (month, cell), or its departure from the yearly mean."""
    values = field(name, world, fields)
    if values is None:
        raise RequestError(f"{variable(name).long_name} has no seasonal means here.")
    values = values[:, of]
    values = (values - yearly_mean(values)).astype(np.float32) if departure else values
    return xr.DataArray(values, {"month": np.arange(1, 13)}, ("month", "cell"), name)


def series(simulated: xr.Dataset, name: str, view: str) -> xr.DataArray:
    """Monthly series of each cell of a run, (time, cell), raw or as departures from the cell's own season."""
    if name not in simulated:
        raise RequestError(f"{variable(name).long_name} has no series here; its seasonal means are shown.")
    array = simulated[name].transpose("time", "cell").reset_coords(drop=True)
    return anomalies(array) if view == "anomaly" else array  # type: ignore[return-value]


def quantiles(cells: xr.DataArray, area: np.ndarray, shown_as: str = "") -> xr.Dataset:
    """Area-weighted quantiles over the cells: one variable a level, 'swe_p50', along the axis of the series."""
    axis, name = str(cells.dims[0]), str(cells.name)
    entry = variable(name)
    found = weighted_quantiles(cells.values, area, list(LEVELS.values()))
    data = {}
    for (label, level), values in zip(LEVELS.items(), found, strict=True):
        what = f"{entry.long_name}{f', {shown_as}' if shown_as else ''}: {100 * level:.0f} % quantile over the cells"
        attrs = {"units": entry.units, "long_name": f"{what}, weighted by area", "quantile": level}
        data[f"{name}_{label}"] = (axis, values, attrs)
    return xr.Dataset(data, {axis: cells[axis]})


def is_spread(data: xr.Dataset) -> bool:
    """Whether curves are the quantiles of all cells."""
    return any(str(name).endswith("_p50") for name in data.data_vars)


def sentence(found: xr.Dataset, name: str, count: int, place: str) -> str:
    """Text equivalent of the density: where the middle of the cells is high and low, and how far they spread."""
    entry = variable(name)
    low, quarter, middle, upper, high = (found[f"{name}_{label}"].values for label in LEVELS)
    if not np.isfinite(middle).any():
        return f"{place}: {entry.long_name} has no value in any of the cells."
    top, bottom = int(np.nanargmax(middle)), int(np.nanargmin(middle))
    axis = found[f"{name}_p50"].dims[0]

    def when(at: int) -> str:
        return MONTHS[at] if axis == "month" else str(found[axis].values[at])[:7]

    text = f"{place}, {count:,} cells: {entry.long_name[0].lower()}{entry.long_name[1:]} has its median between "
    text += f"{quantity(float(middle[bottom]), entry.units)} ({when(bottom)}) and "
    text += f"{quantity(float(middle[top]), entry.units)} ({when(top)}); in {when(top)} half of the area lies between "
    text += f"{quantity(float(quarter[top]), entry.units)} and {quantity(float(upper[top]), entry.units)}, "
    return text + (
        f"four fifths between {quantity(float(low[top]), entry.units)} and {quantity(float(high[top]), entry.units)}."
    )
