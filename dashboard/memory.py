"""What the Memory page shows, without a screen: heatmaps from lag cubes or live answers, boxes that filter the map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.selection import Selection, flag_names
from hdlcore.attribution import cubes
from hdlcore.attribution.views import lag_by_forcing, lag_by_month
from hdlcore.errors import RequestError
from hdlcore.runtime.requests import EXPLANATIONS, ExplanationRequest

#: The method of a live answer where none is chosen.
PLAIN = "integrated_gradients"
#: Months of the target days, by the name of the quarter.
QUARTER_MONTHS = {"": (), "djf": (12, 1, 2), "mam": (3, 4, 5), "jja": (6, 7, 8), "son": (9, 10, 11)}
#: A live answer has every n-th day: a first view, which touches every month, and the one that stays. Target days go
#: back sixteen at a time: these are 14 and 31 of a year.
COARSE, FINE = 28, 12
#: Points on the path and draws of a live answer, by its step.
SAMPLES = {COARSE: 2, FINE: 8}
Box = tuple[str, tuple[str, ...], int, int]


@dataclass(frozen=True)
class Wanted:
    """What heatmap is asked for: rows, sign, months of the target days."""

    rows: str
    signed: bool
    quarter: str

    @property
    def months(self) -> tuple[int, ...]:
        """Months of the target days, all when empty."""
        return QUARTER_MONTHS[self.quarter]


def zones_of(world: xr.Dataset) -> NDArray[np.str_]:
    """Name of each cell's climate zone, in lower case, (cell,)."""
    codes = world["climate_zone"].values.astype(int)
    names = {code: name.lower() for code, name in flag_names(world, "climate_zone").items()}
    table = np.array([names.get(code, "") for code in range(int(codes.max()) + 1)])
    return table[codes]


def shipped(wanted: Wanted, fields: xr.Dataset | None, selection: Selection, world: xr.Dataset) -> xr.DataArray | None:
    """The heatmap of the selection from the lag cubes, area-weighted; None when there is no cube of it.

    Rows by climate zone are of all cells that the filters leave, whatever cell is chosen.
    """
    if fields is None:
        return None
    of = np.flatnonzero(selection.mask) if wanted.rows == "zone" else selection.of
    if not of.size:
        return None
    return cubes.cube_heat(
        fields, wanted.rows, of, world["area"].values, not wanted.signed, wanted.months, zones_of(world)
    )


def cube_method(fields: xr.Dataset | None) -> str:
    """Name of the method that the lag cubes were made with; empty without cubes."""
    return "" if fields is None else str(fields.attrs.get("attribution_method", ""))


def cubes_made(fields: xr.Dataset, of: NDArray[np.intp]) -> str:
    """How the lag cubes were made and how far they add up over the cells at `of`, in words without a full stop."""
    method = cube_method(fields)
    if method not in EXPLANATIONS:
        return method
    samples = fields.attrs.get("attribution_samples")
    points = f" ({samples} points on the path)" if samples else ""
    text = f"{EXPLANATIONS[method].label}{points}, precomputed for the 15th of each month of 2005"
    gaps = fields["attribution_gap"].values[of] if "attribution_gap" in fields else np.array([])
    if np.isfinite(gaps).any():
        whose = "" if of.size == 1 else " in the median of the cells"
        text += f"; not accounted for: {100 * float(np.nanmedian(gaps)):.0f} %{whose}"
    return text


def made_by(answer: xr.Dataset) -> str:
    """How a live answer was made: 'Integrated gradients, every 12th day of 2005, 365 days back, computed in 0.8 s'."""
    days = answer["time"].values
    step = int((days[1] - days[0]) / np.timedelta64(1, "D")) if days.size > 1 else 1
    label = EXPLANATIONS[str(answer.attrs["method"])].label
    lags = int(answer["lag_last"].values[-1]) + 1
    seconds = float(answer.attrs.get("cost_seconds", 0))
    return f"{label}, every {step}th day of {str(days[0])[:4]}, {lags} days back, computed live in {seconds:.1f} s"


def lacking(wanted: Wanted, fields: xr.Dataset | None, who: str, single: bool) -> str:
    """Why there is no cube for the heatmap, and what can be done, in a sentence."""
    if fields is None or cubes.ROWS[wanted.rows] not in fields:
        text = f"{who} brings no lag cubes of all land"
        if wanted.rows == "zone":
            return f"{text}, so climate zones cannot be set side by side; choose rows by driver or month and one cell."
        return f"{text}; choose one cell, and its memory is computed live."
    if wanted.signed and wanted.rows in ("month", "carrier"):
        return f"The lag cubes hold sizes by {wanted.rows}, without a sign; choose Size."
    if wanted.signed:
        return "The lag cubes hold the sign for the whole year only; choose Size, or all year."
    why = "The lag cubes hold drivers for the whole year only"
    return f"{why}; choose all year{'' if single else ', rows by month, or one cell'}."


def answers_live(wanted: Wanted) -> bool:
    """Whether a heatmap of one cell can be computed live: zones are of many cells."""
    return wanted.rows != "zone"


def live_request(
    source: str, kind: str, cell: int, method: str, wanted: Wanted, lags: int, every: int
) -> ExplanationRequest:
    """The question whose answer the heatmap of one cell is drawn from."""
    if kind == "twin":
        truth = "carriers" if wanted.rows == "carrier" else "finite_difference"
        return ExplanationRequest(source, cell, method=truth, lags=lags, every=every)
    if wanted.rows == "carrier":
        return ExplanationRequest(source, cell, method="carriers", lags=lags, every=every)
    method = method if EXPLANATIONS[method].axis == "forcing" else PLAIN
    return ExplanationRequest(source, cell, method=method, lags=lags, every=every, samples=SAMPLES[every])


def live_heat(answer: xr.Dataset, wanted: Wanted) -> xr.DataArray:
    """The heatmap of a live answer.

    Raises
    ------
    RequestError
        When no target day of the answer lies in the quarter.
    """
    if wanted.months:
        answer = answer.isel(time=np.isin(answer["time"].dt.month.values, wanted.months))
        if not answer.sizes["time"]:
            raise RequestError("No day of this answer lies in the chosen months; choose all year.")
    if wanted.rows == "month":
        return lag_by_month(answer, absolute=not wanted.signed)
    heat = lag_by_forcing(answer, absolute=not wanted.signed)
    return heat.rename(store="carrier") if "store" in heat.dims else heat


# -- boxes ----------------------------------------------------------------------------------------------------------


def box_of(heat: xr.DataArray, rows: str, low: int, high: int, first: int, last: int) -> Box:
    """The box over rows `low` to `high` (positions, from the top) and windows `first` to `last` of a heatmap."""
    axis = cubes.AXES[rows]
    names = heat[axis].values
    low, high = sorted((int(np.clip(low, 0, names.size - 1)), int(np.clip(high, 0, names.size - 1))))
    count = heat.sizes["lag_bin"] - 1
    first, last = sorted((int(np.clip(first, 0, count)), int(np.clip(last, 0, count))))
    chosen = tuple(str(name) for name in names[low : high + 1])
    return rows, chosen, int(heat["lag_start"].values[first]), int(heat["lag_end"].values[last])


def box_span(heat: xr.DataArray, rows: str, box: Box | None) -> tuple[list[int], int, int] | None:
    """Rows (positions) and first and last window that a box covers in a heatmap; None when it is of other rows."""
    if box is None or box[0] != rows:
        return None
    at = [i for i, name in enumerate(heat[cubes.AXES[rows]].values) if str(name) in box[1]]
    inside = (heat["lag_start"].values <= box[3]) & (heat["lag_end"].values >= box[2])
    if not at or not inside.any():
        return None
    windows = np.flatnonzero(inside)
    return at, int(windows[0]), int(windows[-1])


def showing(box: Box, fields: xr.Dataset | None, world: xr.Dataset) -> NDArray[np.bool_]:
    """Cells that show a box, (cell,): it holds at least as large a share of their memory as it does of the land's.

    The land's share is the area-weighted mean over all land (over the zones, for rows by zone).

    Raises
    ------
    RequestError
        When the source has no lag cube, or not these rows.
    """
    rows, names, first, last = box
    if fields is None or cubes.ROWS[rows] not in fields:
        raise RequestError("The source on the map brings no lag cubes, so the chosen box of the heatmap was dropped.")
    try:
        share = cubes.cube_share(fields, rows, names, first, last, zones_of(world))
    except KeyError:
        raise RequestError(f"The source on the map has no rows {', '.join(names)}; the box was dropped.") from None
    assert share is not None
    values = share.values.astype(float)
    known = np.isfinite(values)
    if not known.any():
        return known
    least = np.average(values[known], weights=world["area"].values[known].astype(float))
    return known & (np.nan_to_num(values) >= least)


def measure(name: str, months_back: int, fields: xr.Dataset | None) -> NDArray[np.float32] | None:
    """What the map shows, (cell,): a length of the memory, or which carrier leads (its position); None without one."""
    if fields is None:
        return None
    if name == "carrier":
        lead = cubes.leading_carrier(fields, months_back)
        return None if lead is None else lead.values
    return fields[name].values.astype(np.float32) if name in fields else None
