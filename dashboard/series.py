"""Curves of the selection, taken from the shipped fields at once or from a live run: Datasets for the plots."""

from __future__ import annotations

import numpy as np
import xarray as xr

from dashboard.layers import by_cell, field
from dashboard.selection import Selection
from hdlcore.analysis.seasonality import anomalies, mean_seasonal_cycle
from hdlcore.errors import RequestError
from hdlcore.variables import variable

STORES = ("tws", "swe", "soil_moisture", "groundwater")
#: Drawn beside the stores where the total holds more than snow, soil and groundwater.
OTHER = "other_stores"
_NEGLIGIBLE = 0.5  # mm


def mean_over(values: np.ndarray, of: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Area-weighted mean over cells, (time, cell) -> (time); cells without a value are left out."""
    part = values[..., of].astype(np.float64)
    if of.size == 1:
        return part[..., 0]
    weights = np.where(np.isfinite(part), area[of].astype(np.float64), 0.0)
    total = weights.sum(-1)
    return np.where(total > 0, (np.nan_to_num(part) * weights).sum(-1) / np.where(total > 0, total, 1), np.nan)


def with_other(data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The curves and, where it is not negligible, the part of the total that is in none of the three stores (mm)."""
    if not set(STORES) <= set(data):
        return data
    rest = data["tws"] - sum(data[name] for name in STORES[1:])
    return {**data, OTHER: rest} if np.nanmax(np.abs(rest), initial=0) > _NEGLIGIBLE else data


def other_parts(twin: bool) -> str:
    """What the other stores are, in words."""
    if twin:
        return "water on leaves, moving through hillslopes, in rivers and lakes"
    return "stored water that is not snow, soil moisture or groundwater"


def season(world: xr.Dataset, fields: xr.Dataset | None, selection: Selection, departures: bool = True) -> xr.Dataset:
    """Mean seasonal cycle of the selection, dim month; stores as departures from their yearly mean by default.

    `world` holds what may stand beside the source (see `sources.observed_with`), with `area`.

    Over several cells the mean is weighted by area, and so is the spread (the mean of the cells' spreads, an upper
    bound for the spread of the mean).
    """
    area, of = world["area"].values, selection.of
    data: dict[str, np.ndarray] = {}
    offset = 0.0
    if fields is not None:
        for name in STORES:
            if name in fields:
                values = mean_over(by_cell(fields, name), of, area)
                offset = float(values.mean()) if name == "tws" and not departures else offset
                data[name] = values - values.mean() if departures else values
            if f"{name}_spread" in fields:
                data[f"{name}_spread"] = mean_over(by_cell(fields, f"{name}_spread"), of, area)
        if "tws_smoothed" in fields:
            data["tws_smoothed"] = mean_over(by_cell(fields, "tws_smoothed"), of, area) + offset
        data = with_other(data)
    for name in ("tws_observed", "precipitation"):
        held = field(name, world, fields)
        if held is not None and held.ndim == 2:
            data[name] = mean_over(held, of, area) + (offset if name == "tws_observed" else 0.0)
    return xr.Dataset({name: ("month", values) for name, values in data.items()}, coords={"month": np.arange(1, 13)})


def one(values: np.ndarray, selection: Selection, area: np.ndarray) -> np.ndarray:
    """Area-weighted mean of a quantity (month, cell) over the selection, (month)."""
    return mean_over(values, selection.of, area)


def run(world: xr.Dataset, simulated: xr.Dataset, of: np.ndarray, view: str) -> xr.Dataset:
    """Curves of a live run of the cells at positions `of`, raw or as departures from their season, with GRACE's months.

    Means over several cells are weighted by area. `world` as in `season`; a source that brings its own observed storage
    is shown with that.
    """
    area, everywhere = world["area"].values[of], np.arange(of.size)
    names = [name for name in (*STORES, "precipitation", *(f"{store}_spread" for store in STORES)) if name in simulated]
    curves = {name: mean_over(simulated[name].transpose("time", "cell").values, everywhere, area) for name in names}
    curves = with_other(curves)
    data = xr.Dataset({name: ("time", values) for name, values in curves.items()}, {"time": simulated["time"]})
    if view == "anomaly":
        for name in (*STORES, OTHER):
            if name in data:
                data[name] = anomalies(data[name])
    seen = _seen(world, simulated, of)
    if seen is None:
        return data
    if view == "anomaly":
        seen = anomalies(seen)  # type: ignore[assignment]
    elif "tws" in data:
        seen = seen - mean_seasonal_cycle(seen).mean("month") + float(data["tws"].mean())
    return data.assign(tws_observed=seen.rename(time="seen_time"))


def run_one(world: xr.Dataset, simulated: xr.Dataset, of: np.ndarray, name: str, view: str) -> xr.Dataset:
    """Series of one quantity of the cells at positions `of`, raw or as departures from its season, area-weighted."""
    if name not in simulated:
        raise RequestError(f"{variable(name).long_name} has no series here; its seasonal means are shown.")
    values = mean_over(simulated[name].transpose("time", "cell").values, np.arange(of.size), world["area"].values[of])
    array = xr.DataArray(values, {"time": simulated["time"]}, ("time",))
    if view == "anomaly":
        array = anomalies(array)  # type: ignore[assignment]
    return xr.Dataset({name: array.assign_attrs(variable(name).attributes())})


def _seen(world: xr.Dataset, simulated: xr.Dataset, of: np.ndarray) -> xr.DataArray | None:
    """Observed storage of the cells, (time); None when there is none."""
    area, everywhere = world["area"].values[of], np.arange(of.size)
    if "tws_observed" in simulated:
        mine, at = simulated["tws_observed"].transpose("time", "cell"), everywhere
    elif "tws_observed" in world:
        mine, at = world["tws_observed"].transpose("time", "cell"), of
    else:
        return None
    return xr.DataArray(mean_over(mine.values[:, at], everywhere, area).astype(float), {"time": mine["time"]})
