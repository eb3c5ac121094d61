"""Curves of the selection, taken from the shipped fields at once or from a live run: Datasets for the plots."""

from __future__ import annotations

import numpy as np
import xarray as xr

from dashboard.selection import Selection
from hdlcore.analysis.seasonality import anomalies, mean_seasonal_cycle

STORES = ("tws", "swe", "soil_moisture", "groundwater")
GENERATED = "Weather generated from the ERA5 climatology: no real year-to-year variability."


def _mean(values: np.ndarray, of: np.ndarray, area: np.ndarray) -> np.ndarray:
    """Area-weighted mean over cells, (time, cell) -> (time); cells without a value are left out."""
    part = values[..., of].astype(np.float64)
    if of.size == 1:
        return part[..., 0]
    weights = np.where(np.isfinite(part), area[of].astype(np.float64), 0.0)
    total = weights.sum(-1)
    return np.where(total > 0, (np.nan_to_num(part) * weights).sum(-1) / np.where(total > 0, total, 1), np.nan)


def season(world: xr.Dataset, fields: xr.Dataset | None, selection: Selection, departures: bool = True) -> xr.Dataset:
    """Mean seasonal cycle of the selection, dim month; stores as departures from their yearly mean by default.

    Over several cells the mean is weighted by area, and so is the spread (the mean of the cells' spreads, an upper
    bound for the spread of the mean).
    """
    area, of = world["area"].values, selection.of
    data: dict[str, np.ndarray] = {}
    offset = 0.0
    if fields is not None:
        for name in STORES:
            if name in fields:
                values = _mean(fields[name].transpose(..., "cell").values, of, area)
                offset = float(values.mean()) if name == "tws" and not departures else offset
                data[name] = values - values.mean() if departures else values
            if f"{name}_spread" in fields:
                data[f"{name}_spread"] = _mean(fields[f"{name}_spread"].transpose(..., "cell").values, of, area)
        if "tws_smoothed" in fields:
            data["tws_smoothed"] = _mean(fields["tws_smoothed"].transpose(..., "cell").values, of, area) + offset
    observed = world["tws_observed_msc"].transpose("month", "cell").values
    data["tws_observed"] = _mean(observed, of, area) + offset
    rain = fields["precipitation"] if fields is not None and "precipitation" in fields else world["precipitation"]
    data["precipitation"] = _mean(rain.transpose("month", "cell").values, of, area)
    return xr.Dataset({name: ("month", values) for name, values in data.items()}, coords={"month": np.arange(1, 13)})


def run(world: xr.Dataset, simulated: xr.Dataset, of: np.ndarray, view: str) -> xr.Dataset:
    """Curves of a live run of the cells at positions `of`, raw or as departures from their season, with GRACE's months.

    Means over several cells are weighted by area.
    """
    area, everywhere = world["area"].values[of], np.arange(of.size)
    names = [name for name in (*STORES, "precipitation", *(f"{store}_spread" for store in STORES)) if name in simulated]
    curves = {name: _mean(simulated[name].transpose("time", "cell").values, everywhere, area) for name in names}
    data = xr.Dataset({name: ("time", values) for name, values in curves.items()}, {"time": simulated["time"]})
    observed = world["tws_observed"].transpose("time", "cell")
    seen = xr.DataArray(_mean(observed.values[:, of], everywhere, area).astype(float), {"time": observed["time"]})
    if view == "anomaly":
        for name in STORES:
            if name in data:
                data[name] = anomalies(data[name])
        seen = anomalies(seen)
    else:
        seen = seen - mean_seasonal_cycle(seen).mean("month") + float(data["tws"].mean())
    return data.assign(tws_observed=seen.rename(time="seen_time"))


def memory(world: xr.Dataset, fields: xr.Dataset, selection: Selection, signed: bool) -> xr.DataArray | None:
    """Precomputed contributions of the selection, (lag_bin, forcing), area-weighted; None when the model ships none."""
    name = "attribution" if signed else "attribution_size"
    if name not in fields:
        return None
    values = fields[name].transpose("lag_bin", "forcing", "cell")
    coords = {key: values[key] for key in ("lag_bin", "lag_start", "lag_end", "forcing") if key in values.coords}
    return xr.DataArray(
        _mean(values.values, selection.of, world["area"].values),
        dims=("lag_bin", "forcing"),
        coords=coords,
        attrs=values.attrs,
    )
