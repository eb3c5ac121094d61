"""Figures of the published global H2M, to stand beside one's own, each with its source.

Kraft et al. (2022), Hydrology and Earth System Sciences 26, 1579, https://doi.org/10.5194/hess-26-1579-2022. What is
said to be read off a figure is good to about 0.02.
"""

from __future__ import annotations

from typing import NamedTuple

SOURCE = "Kraft et al. 2022, https://doi.org/10.5194/hess-26-1579-2022, read off the figures to +-0.02"

#: Median over cells of the Nash-Sutcliffe efficiency: variable -> model -> (raw, msc, iav).
MEDIAN_NSE: dict[str, dict[str, tuple[float, float, float]]] = {
    "tws": {
        "H2M": (0.52, 0.75, 0.26),
        "W3RA": (0.31, 0.48, 0.10),
        "LISFLOOD": (0.30, 0.46, 0.12),
        "SURFEX-TRIP": (0.18, 0.36, -0.01),
        "PCR-GLOBWB": (0.28, 0.60, -0.12),
    },
    "swe": {
        "H2M": (0.65, 0.78, 0.05),
        "W3RA": (0.56, 0.69, 0.04),
        "LISFLOOD": (0.36, 0.54, -0.23),
        "SURFEX-TRIP": (0.55, 0.70, 0.01),
        "PCR-GLOBWB": (0.45, 0.61, -0.11),
    },
}

#: What the published model was driven by and compared with, by topic.
SETUP: dict[str, str] = {
    "Forcing": "observed days 2001-2014 at 1 degree: GPCP precipitation, CERES net radiation, CRUNCEP air temperature",
    "Storage": "GRACE, monthly, JPL mascons: finer and less smoothed than spherical harmonics",
    "Snow": "GlobSnow v3",
    "Evapotranspiration": "FLUXCOM-RS",
    "Runoff": "GRUN",
    "Held out": "blocks of cells and years",
}


class Partition(NamedTuple):
    """Share of incoming water against the soil's deficit (mm), global medians."""

    deficit: tuple[float, ...]
    soil: tuple[float, ...]
    surface: tuple[float, ...]


PARTITION = Partition(
    deficit=(10.0, 50.0, 110.0, 400.0), soil=(0.57, 0.84, 0.95, 0.99), surface=(0.36, 0.12, 0.03, 0.01)
)
