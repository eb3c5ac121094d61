"""How smooth are the GRACE fields in the world cube? Estimates the radius that recipes give as `smoothing_km`.

A Gaussian of standard deviation s takes exp(-k^2 s^2) off the power at wavenumber k. Real storage has a spectrum that
falls as a power of k; over the wavelengths used here (800 to 1,500 km: below them lies the noise of the fields, above
them the storage itself) that fall is smaller than the Gaussian's, so s follows from the slope of log power against k^2,
the surer the better the power is known. Power is taken in windows that lie almost wholly on land (Blackman-Harris
taper, side lobes below -90 dB), so that coasts do not count.

    python -m scripts.grace_resolution
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal.windows import blackmanharris
from scipy.spatial import cKDTree

from hdlcore.data.cube import open_world, unit_vectors

EARTH_KM = 6371.0
POINTS, SPACING_KM = 64, 100.0
#: Share of a window's weight that must lie on land.
ON_LAND = 0.97
SHORTEST_KM, LONGEST_KM = 820.0, 1550.0


def window_places(lat: float, lon: float) -> NDArray[np.float64]:
    """Unit vectors (point, point, 3) of a square grid about a place, azimuthal equidistant."""
    axis = (np.arange(POINTS) - (POINTS - 1) / 2) * SPACING_KM / EARTH_KM
    x, y = np.meshgrid(axis, axis)
    distance = np.hypot(x, y)
    phi, lam = math.radians(lat), math.radians(lon)
    up = np.array([math.cos(phi) * math.cos(lam), math.cos(phi) * math.sin(lam), math.sin(phi)])
    east = np.array([-math.sin(lam), math.cos(lam), 0.0])
    north = np.cross(up, east)
    ratio = np.sinc(distance / math.pi)  # sin(d) / d
    flat = x[..., None] * east + y[..., None] * north
    return np.cos(distance)[..., None] * up + ratio[..., None] * flat


def spectra() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wavenumbers (rad km-1) and mean power of the twelve mean months over all windows on land."""
    world = open_world()
    places = unit_vectors(world["lat"].values, world["lon"].values)
    tree, fields = cKDTree(places), world["tws_observed_msc"].values
    taper = np.outer(blackmanharris(POINTS), blackmanharris(POINTS))
    k_axis = 2 * math.pi * np.fft.fftfreq(POINTS, SPACING_KM)
    k = np.hypot(*np.meshgrid(k_axis, k_axis))
    edges = np.linspace(2 * math.pi / LONGEST_KM, 2 * math.pi / SHORTEST_KM, 7)
    total, used = np.zeros(edges.size - 1), 0
    for lat in range(-50, 75, 5):
        for lon in range(-180, 180, 5):
            distance, nearest = tree.query(window_places(lat, lon).reshape(-1, 3), 4)
            land = (distance[:, 0] < 1.2 * math.radians(1.0)).reshape(POINTS, POINTS)
            if (taper * land).sum() < ON_LAND * taper.sum():
                continue
            weight = 1 / (distance + 1e-3)
            values = (fields[:, nearest] * weight).sum(-1) / weight.sum(-1)
            patch = values.reshape(12, POINTS, POINTS) * land
            patch = patch - (patch * taper).sum((1, 2), keepdims=True) / (taper * land).sum() * land
            power = (np.abs(np.fft.fft2(patch * taper)) ** 2).mean(0)
            total += [power[(k >= low) & (k < high)].mean() for low, high in pairwise(edges)]
            used += 1
    print(f"{used} windows with {ON_LAND:.0%} of their weight on land")
    return (edges[:-1] + edges[1:]) / 2, total / used


def main() -> None:
    """Print the radius for several powers of the true spectrum."""
    k, power = spectra()
    for exponent in (0.0, 1.0, 2.0, 3.0):
        slope = np.polyfit(k**2, np.log(power) + exponent * np.log(k), 1)[0]
        radius = math.sqrt(max(-slope, 0.0))
        print(
            f"true spectrum k^-{exponent:.0f}: standard deviation {radius:.0f} km, half width {1.1774 * radius:.0f} km"
        )


if __name__ == "__main__":
    main()
