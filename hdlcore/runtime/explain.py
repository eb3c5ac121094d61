"""Explanation of one cell: contributions of past forcing to a target, by lag, on every day of a year."""

from __future__ import annotations

import datetime as dt
import time

import numpy as np
import torch
import xarray as xr
from torch import Tensor

from hdlcore.analysis.seasonality import smooth_daily_cycle
from hdlcore.attribution.gradients import attribute
from hdlcore.attribution.lags import bin_sum, lag_bins
from hdlcore.data.cube import positions
from hdlcore.progress import CancelToken, Progress
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.requests import END, START, ExplanationRequest, parse_date
from hdlcore.runtime.simulate import attributes
from hdlcore.variables import VARIABLES

BASELINE = "the cell's own mean seasonal cycle of the forcing"


def explain_cell(
    ensemble: Ensemble, request: ExplanationRequest, progress: Progress | None, cancel: CancelToken | None
) -> xr.Dataset:
    """Contributions (time, lag, forcing) to the target, mean over members, in the target's unit.

    Also: ``attribution_spread`` (lag_bin, forcing), the standard deviation over members of the binned size;
    ``completeness_gap`` and ``difference`` (time). Days before the window are in the state, not attributed.
    """
    began = time.perf_counter()
    cells = np.array([request.cell])
    end = dt.date(request.year, 12, 31)
    start = dt.date(request.year, 1, 1) - dt.timedelta(days=request.lags - 1)
    prepared = ensemble.prepare(positions(ensemble.world, cells))
    state, _ = ensemble.warm_state(cells, prepared, start, cancel)
    forcing = ensemble.forcing(cells, start, end)
    n_members = len(ensemble.members)
    result = attribute(
        request.method,
        ensemble.model,
        prepared,
        forcing[:, None].expand(-1, n_members, -1, -1),
        baseline_forcing(ensemble, cells, start, end)[:, None].expand(-1, n_members, -1, -1),
        state,
        request.target,
        request.lags,
        progress,
        cancel,
    )
    contributions = result.contributions[:, :, 0].numpy()  # (target day, member, lag, forcing)
    return _dataset(ensemble, request, contributions, result.gap, result.difference, time.perf_counter() - began)


def baseline_forcing(ensemble: Ensemble, cells: np.ndarray, start: dt.date, end: dt.date) -> Tensor:
    """The cells' mean seasonal cycle of forcing over the default period, on each day from `start` to `end`."""
    first, last = parse_date(START, "start"), parse_date(END, "end")
    values = ensemble.forcing(cells, first, last).numpy()
    days = np.arange(np.datetime64(first), np.datetime64(last) + 1)
    at = np.arange(np.datetime64(start), np.datetime64(end) + 1)
    return torch.from_numpy(smooth_daily_cycle(values, days, at))


def _dataset(
    ensemble: Ensemble,
    request: ExplanationRequest,
    contributions: np.ndarray,
    gap: Tensor,
    difference: Tensor,
    seconds: float,
) -> xr.Dataset:
    target = VARIABLES[request.target]
    size = bin_sum(np.abs(contributions).mean(0), lags_axis=1)  # (member, lag_bin, forcing)
    bin_start, bin_end = lag_bins(request.lags)
    days = np.arange(f"{request.year}-01-01", f"{request.year + 1}-01-01", dtype="datetime64[D]")
    units = {"units": target.units}
    about = f"contribution of past forcing to {target.long_name.lower()}"
    return xr.Dataset(
        {
            "attribution": (
                ("time", "lag", "forcing"), contributions.mean(1).astype(np.float32), {"long_name": about, **units},
            ),
            "attribution_spread": (
                ("lag_bin", "forcing"), size.std(0).astype(np.float32),
                {"long_name": f"standard deviation over members of the size of the {about}", **units},
            ),
            "completeness_gap": (
                ("time",), gap[:, :, 0].mean(1).numpy(),
                {"long_name": "sum of contributions minus the difference from the baseline run", **units},
            ),
            "difference": (
                ("time",), difference[:, :, 0].mean(1).numpy(),
                {"long_name": "target minus the target of the baseline run", **units},
            ),
        },
        {
            "time": ("time", days.astype("datetime64[ns]"), {"long_name": "target day"}),
            "lag": ("lag", np.arange(request.lags, dtype=np.int32), {"units": "d", "long_name": "days before target"}),
            "forcing": list(ensemble.model.forcing),
            "lag_bin": np.arange(bin_start.size, dtype=np.int32),
            "lag_start": ("lag_bin", bin_start.astype(np.int32), {"units": "d"}),
            "lag_end": ("lag_bin", bin_end.astype(np.int32), {"units": "d"}),
            "cell": request.cell,
        },
        attributes(ensemble)
        | {
            "method": request.method,
            "target": request.target,
            "baseline": BASELINE,
            "cost_seconds": round(seconds, 3),
        },
    )  # fmt: skip
