"""Perceptually uniform colour maps as lists of 256 CSS colours."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from cmcrameri import cm

from dashboard.plots import classes, ternary


@lru_cache(maxsize=32)
def palette(name: str) -> tuple[str, ...]:
    """256 colours of a Crameri map ('vik', 'davos_r', ...) from low to high.

    'oleron_land' is the half of it above the sea. 'ternary' is that of mixed shares, 'igbp' and 'koeppen' those of
    classes, a colour for each.

    Source: Crameri (2018), doi 10.5281/zenodo.1243862.
    """
    if name == "ternary":
        return ternary.colors()
    if name in ("igbp", "koeppen"):
        return classes.colors(name)
    low = 0.5 if name.endswith("_land") else 0.0
    rgb = np.round(np.asarray(getattr(cm, name.removesuffix("_land"))(np.linspace(low, 1, 256)))[:, :3] * 255).astype(
        int
    )
    return tuple(f"#{r:02x}{g:02x}{b:02x}" for r, g, b in rgb)
