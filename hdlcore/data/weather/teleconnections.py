"""Where and when the ENSO-like index makes rain and warmth, as fixed patterns.

Each pattern is a bump in space and season: El Nino (a positive index) makes the region wetter or drier, warmer or
cooler. Regions, seasons and signs after Ropelewski and Halpert (1987, Mon. Weather Rev. 115, 1606-1626) for rain and
Halpert and Ropelewski (1992, J. Climate 5, 577-593) for temperature; the strengths are round figures chosen for
correlations of seasonal means with the index of some 0.3 to 0.8 at the centres.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hdlcore.data.weather.compiled import compiled

F8 = NDArray[np.float64]

# latitude, longitude, reach north-south, reach east-west (degrees), middle of the season (month 1-12), half its length
# (months), correlation of daily wetness (1) and of daily warmth (1) with the index
PATTERNS = np.array(
    [
        (-4.0, 122.0, 9.0, 22.0, 9.5, 3.5, -0.30, 0.05),  # Maritime Continent
        (-25.0, 142.0, 10.0, 14.0, 10.0, 3.5, -0.22, 0.15),  # eastern Australia
        (20.0, 78.0, 9.0, 9.0, 8.0, 2.0, -0.22, 0.12),  # Indian monsoon
        (8.0, 79.0, 4.0, 4.0, 11.0, 1.5, 0.20, 0.0),  # southern India, Sri Lanka
        (-21.0, 27.0, 8.0, 10.0, 1.0, 2.5, -0.25, 0.25),  # southern Africa
        (1.0, 39.0, 7.0, 7.0, 11.0, 1.5, 0.25, 0.0),  # equatorial East Africa, short rains
        (13.0, 10.0, 4.0, 25.0, 8.0, 1.5, -0.13, 0.12),  # Sahel
        (11.0, 38.0, 5.0, 5.0, 8.0, 1.5, -0.18, 0.12),  # Ethiopian highlands
        (2.0, -58.0, 9.0, 12.0, 1.0, 3.0, -0.28, 0.30),  # northern South America, Amazon
        (-6.0, -40.0, 5.0, 6.0, 3.5, 2.0, -0.25, 0.20),  # north-eastern Brazil
        (-29.0, -55.0, 6.0, 7.0, 11.5, 2.5, 0.25, 0.0),  # south-eastern South America
        (-4.0, -79.5, 4.0, 4.0, 2.5, 2.0, 0.32, 0.30),  # coast of Peru and Ecuador
        (14.0, -88.0, 5.0, 9.0, 8.0, 2.0, -0.22, 0.15),  # Central America
        (31.0, -95.0, 5.0, 15.0, 1.0, 2.5, 0.18, -0.14),  # Gulf states, northern Mexico
        (34.0, -116.0, 4.0, 6.0, 2.0, 1.5, 0.16, 0.0),  # Californias
        (40.0, -84.0, 4.0, 7.0, 1.0, 1.5, -0.12, 0.05),  # Ohio valley
        (56.0, -115.0, 9.0, 20.0, 1.5, 2.0, -0.08, 0.20),  # western Canada, Alaska
        (47.0, -120.0, 4.0, 6.0, 1.0, 2.0, -0.12, 0.12),  # Pacific north-west
        (36.0, 60.0, 6.0, 15.0, 11.5, 3.0, 0.16, 0.0),  # Iran, central Asia
        (27.0, 113.0, 5.0, 8.0, 12.0, 2.5, 0.14, 0.06),  # southern China
        (37.0, 137.0, 6.0, 9.0, 1.0, 1.5, 0.0, 0.15),  # Japan, Korea
        (15.0, 102.0, 7.0, 9.0, 4.0, 2.5, -0.18, 0.25),  # mainland South-East Asia
        (41.0, -3.0, 5.0, 8.0, 11.0, 1.5, 0.12, 0.0),  # Iberia
        (59.0, 25.0, 7.0, 18.0, 1.5, 1.5, -0.07, -0.10),  # northern Europe, late winter
        (-45.0, 170.0, 5.0, 5.0, 10.0, 2.5, 0.0, -0.15),  # New Zealand
        (-35.0, -71.0, 5.0, 4.0, 7.0, 2.0, 0.22, 0.0),  # central Chile
        (0.0, 0.0, 14.0, 400.0, 3.0, 6.0, 0.0, 0.15),  # all tropics warm, late in the episode
    ]
)


def enso_patterns(lat: F8, lon: F8) -> tuple[F8, F8]:
    """Correlation of daily wetness and warmth with the ENSO-like index, each [cell, 12]."""
    out = np.zeros((2, lat.size, 12))
    _patterns(lat, lon, PATTERNS, out)
    return out[0], out[1]


@compiled
def _patterns(lat: F8, lon: F8, table: F8, out: F8) -> None:
    for c in range(lat.size):
        for i in range(table.shape[0]):
            north = (lat[c] - table[i, 0]) / table[i, 2]
            east = ((lon[c] - table[i, 1] + 180.0) % 360.0 - 180.0) / table[i, 3]
            space = math.exp(-0.5 * (north * north + east * east))
            if space < 1e-3:
                continue
            for m in range(12):
                late = ((m + 1.0 - table[i, 4] + 6.0) % 12.0 - 6.0) / table[i, 5]
                bump = space * math.exp(-0.5 * late * late)
                out[0, c, m] += table[i, 6] * bump
                out[1, c, m] += table[i, 7] * bump
        for m in range(12):  # where regions overlap, sums stay correlations well below 1
            out[0, c, m] = 0.4 * math.tanh(out[0, c, m] / 0.4)
            out[1, c, m] = 0.4 * math.tanh(out[1, c, m] / 0.4)
