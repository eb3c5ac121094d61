"""A model of the twin held against the twin: shares of the stores, in numbers and words."""

from __future__ import annotations

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.plots.ternary import CORNERS
from dashboard.series import mean_over

NAMES = ("snow", "soil moisture", "groundwater")


def shares(fields: xr.Dataset | None, of: NDArray[np.intp], area: NDArray) -> NDArray[np.float64]:
    """Area-weighted mean shares of snow, soil and groundwater in the swing of stored water, (3,); NaN if unknown."""
    if fields is None or not set(CORNERS) <= set(fields.data_vars):
        return np.full(3, np.nan)
    return np.array([float(mean_over(fields[name].values, of, area)) for name in CORNERS])


def shares_sentence(true: NDArray, found: NDArray, place: str) -> str:
    """Both in words."""
    if not (np.isfinite(true).all() and np.isfinite(found).all()):
        return f"{place}: the shares of the stores are not known on both sides."
    parts = [
        f"{name} {100 * a:.0f} % (model {100 * b:.0f} %)".replace("-", "−")
        for name, a, b in zip(NAMES, true, found, strict=True)
        if max(abs(a), abs(b)) >= 0.01
    ]
    return f"{place}: in truth the swing of stored water is carried by {', '.join(parts)}."
