"""What can be said of a classified map, whose values have names but no order: shares of the area."""

from __future__ import annotations

from html import escape

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.layers import Layer
from dashboard.plots.palette import palette
from dashboard.selection import flag_names


def shares(world: xr.Dataset, shown: Layer, mask: NDArray[np.bool_]) -> list[tuple[int, str, float]]:
    """Code, name and share of the area (0 to 1) of each class that the cells let through have, the largest first."""
    names, area = flag_names(world, shown.variable.name), world["area"].values.astype(float)
    good = mask & np.isfinite(shown.values)
    total = area[good].sum()
    found = [(int(code), area[good & (shown.values == code)].sum()) for code in np.unique(shown.values[good])]
    return sorted(((code, names[code], float(part / total)) for code, part in found), key=lambda row: -row[2])


def percent(share: float) -> str:
    """'12 %', and '<1 %' for what would be nought."""
    return f"{100 * share:.0f} %" if share >= 0.005 else "<1 %"


def in_words(world: xr.Dataset, shown: Layer, of: NDArray[np.intp]) -> str:
    """'evergreen broadleaf forest', or of several cells the commonest with its share; '' where there is none."""
    chosen = np.zeros(shown.values.size, bool)
    chosen[of] = True
    found = shares(world, shown, chosen)
    if not found:
        return ""
    _, name, share = found[0]
    plain = name if shown.variable.name == "koeppen" else name[0].lower() + name[1:]  # Koeppen's letters are names
    return plain if len(found) == 1 else f"{plain} on {percent(share)} of the area, {len(found)} classes in all"


def keys(world: xr.Dataset, shown: Layer, mask: NDArray[np.bool_]) -> list[str]:
    """The legend, as pieces of HTML: swatch, name and share of each class that is there."""
    colors = palette(shown.cmap)
    return [
        f'<i style="background:{colors[code - 1]}"></i>{escape(name)} {percent(share).replace("<", "&lt;")}'
        for code, name, share in shares(world, shown, mask)
    ]
