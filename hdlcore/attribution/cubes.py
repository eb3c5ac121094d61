"""Heatmaps from the precomputed lag cubes of all land (see `hdlcore.runtime.world_memory`): pure functions of fields.

Fields may hold ``attribution_size`` and ``attribution`` (lag_bin, forcing, cell), ``attribution_month`` (lag_bin,
month, cell; sizes, drivers together) and ``carriers`` (carrier, carrier_lag, cell; sizes). Units are the target's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray

#: What a heatmap's rows are, and the cube of sizes each is read from.
ROWS = {
    "driver": "attribution_size", "month": "attribution_month", "zone": "attribution_size", "carrier": "carriers",
}  # fmt: skip
#: Dimension of the rows of a heatmap.
AXES = {"driver": "forcing", "month": "month", "zone": "zone", "carrier": "carrier"}
#: Days of a month, for lags that are counted in months.
MONTH_DAYS = 30.4375


def cube_heat(
    fields: xr.Dataset, rows: str, of: NDArray[np.intp], area: NDArray, absolute: bool = True,
    months: Collection[int] = (), zones: Sequence[str] | NDArray[np.str_] = (),
) -> xr.DataArray | None:  # fmt: skip
    """Area-weighted mean over the cells at positions `of`, (lag_bin, driver, month, zone or carrier).

    `months` keeps target days of these months (all when empty); `zones` names each cell's zone, (cell,), for rows by
    zone. None when the fields lack the cube: sizes by month and of carriers have no sign, drivers have no months.
    """
    name = "attribution" if rows in ("driver", "zone") and not absolute else ROWS[rows]
    if rows == "zone" and months:
        name = "attribution_month"
    if name not in fields or (not absolute and rows in ("month", "carrier")) or (months and rows == "driver"):
        return None
    if not absolute and name == "attribution_month":
        return None
    cube = _by_lag(fields[name])
    if rows == "month" and months:
        cube = cube.sel(month=[month for month in cube["month"].values if month in months])
    if rows != "zone":
        return _heat(cube, _mean(cube.values, of, area), AXES[rows], cube[AXES[rows]].values)
    every = cube.sel(month=list(months)).mean("month") if months else cube.sum("forcing")
    names = sorted({str(zones[at]) for at in of})
    columns = [_mean(every.values, of[[str(zones[at]) == zone for at in of]], area) for zone in names]
    return _heat(every, np.stack(columns, 1), "zone", names)


def cube_share(
    fields: xr.Dataset, rows: str, names: Sequence[str], first: int, last: int,
    zones: Sequence[str] | NDArray[np.str_] = (),
) -> xr.DataArray | None:  # fmt: skip
    """Share of each cell's memory that lies in a box of a heatmap, (cell,): rows `names`, `first` to `last` days ago.

    Of months it is the share of these months' memory, of carriers that of what all carry at these lags, of zones that
    of all drivers, NaN outside the zones. Windows that overlap the days count whole. None when the cube is lacking.
    """
    if ROWS[rows] not in fields:
        return None
    cube = _by_lag(fields[ROWS[rows]])
    inside = (cube["lag_start"].values <= last) & (cube["lag_end"].values >= first)
    if rows == "carrier":
        at = cube.isel(lag_bin=inside)
        part, whole = at.sel(carrier=list(names)).sum(("carrier", "lag_bin")), at.sum(("carrier", "lag_bin"))
    elif rows == "month":
        at = cube.sel(month=[int(name) for name in names])
        part, whole = at.isel(lag_bin=inside).sum(("month", "lag_bin")), at.sum(("month", "lag_bin"))
    else:
        at = cube.isel(lag_bin=inside)
        part = (at.sel(forcing=list(names)) if rows == "driver" else at).sum(("forcing", "lag_bin"))
        whole = cube.sum(("forcing", "lag_bin"))
    share = (part / whole.where(whole > 0)).drop_vars([name for name in ("month",) if name in part.coords])
    if rows == "zone":
        share = share.where(np.isin(np.asarray(zones), list(names)))
    return share.assign_attrs(units="1", long_name="share of the memory in a box")


def leading_carrier(fields: xr.Dataset, months_back: int) -> xr.DataArray | None:
    """Position among the carriers of the one that carries most, `months_back` months ago, (cell,); NaN where none."""
    if "carriers" not in fields:
        return None
    held = fields["carriers"].sel(carrier_lag=months_back, drop=True).transpose("carrier", "cell")
    known = np.isfinite(held.values).all(0) & (held.values.sum(0) > 0)
    lead = np.where(known, np.nan_to_num(held.values).argmax(0), np.nan).astype(np.float32)
    return xr.DataArray(lead, dims="cell", coords={"cell": held["cell"]}, attrs={"long_name": "leading carrier"})


def heat_time(heat: xr.DataArray) -> float:
    """Mean memory time of a heatmap, days, from the middles of its windows; NaN where nothing matters."""
    size = np.abs(heat.transpose("lag_bin", ...).values).sum(1)
    middle = 0.5 * (heat["lag_start"] + heat["lag_end"]).values
    return float((size * middle).sum() / size.sum()) if size.sum() > 0 else float("nan")


def heat_agreement(one: xr.DataArray, other: xr.DataArray) -> float:
    """Rank correlation of the sizes of two heatmaps with the same boxes; 0 when one of them does not vary."""
    axis = next(str(name) for name in one.dims if name != "lag_bin")
    a, b = (abs(heat).transpose("lag_bin", axis) for heat in (one, other.sel({axis: one[axis].values})))
    from hdlcore.attribution.sanity import (
        rank_correlation,  # brings scipy.stats, which the first page need not wait for
    )

    return rank_correlation(a.values.ravel(), b.values.ravel())


def _by_lag(cube: xr.DataArray) -> xr.DataArray:
    """The cube with ``lag_bin`` first and ``cell`` last; of carriers a window is one lag, counted in months."""
    if "carrier_lag" in cube.dims:
        days = np.round(cube["carrier_lag"].values * MONTH_DAYS).astype(int)
        cube = cube.rename(carrier_lag="lag_bin").drop_vars("lag_bin")
        cube = cube.assign_coords(lag_start=("lag_bin", days), lag_end=("lag_bin", days))
    return cube.transpose("lag_bin", ..., "cell")


def _mean(values: NDArray, of: NDArray[np.intp], area: NDArray) -> NDArray[np.float64]:
    """Area-weighted mean over the last axis at `of`; cells without a value are left out."""
    part = values[..., of]
    known = np.isfinite(part).all(tuple(range(part.ndim - 1)))
    weights = area[of][known].astype(np.float64)
    if not known.any():
        return np.full(part.shape[:-1], np.nan)
    return (part[..., known] @ (weights / weights.sum())).astype(np.float64)  # type: ignore[no-any-return]


def _heat(cube: xr.DataArray, values: NDArray, axis: str, names: Sequence[object] | NDArray) -> xr.DataArray:
    coords = {
        "lag_bin": np.arange(values.shape[0]), axis: list(names),
        "lag_start": ("lag_bin", cube["lag_start"].values), "lag_end": ("lag_bin", cube["lag_end"].values),
    }  # fmt: skip
    return xr.DataArray(values, coords, ("lag_bin", axis), attrs={"units": str(cube.attrs.get("units") or "mm")})
