"""GRACE's own smoothing: a Gaussian over land cells, put on a model before it is compared with GRACE."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.sparse import csr_matrix, diags

from hdlcore.data.cube import unit_vectors
from hdlcore.errors import RequestError

EARTH_RADIUS_KM = 6371.0
#: Neighbours beyond this many radii are left out; their weight is under 1.2 % of the peak.
REACH = 3.0


def grace_operator(lat: ArrayLike, lon: ArrayLike, area: ArrayLike, radius_km: float = 250.0) -> csr_matrix:
    """Area-weighted Gaussian smoothing over the given cells, a sparse (n, n) matrix whose rows sum to one.

    lat, lon (n,) degrees; area (n,) m2; `radius_km` is the Gaussian's standard deviation. Only cells of the cube take
    part, so ocean and ice do not dilute coasts. Great-circle distances: the date line and poles need no special case.
    """
    if not radius_km > 0:
        raise RequestError(f"The smoothing radius {radius_km} km is not positive; GRACE here is near 250 km.")
    points = unit_vectors(lat, lon)
    from scipy.spatial import cKDTree  # a run does without, and starts sooner

    tree = cKDTree(points)
    chord = 2 * np.sin(min(REACH * radius_km / EARTH_RADIUS_KM / 2, np.pi / 2))
    pairs = tree.sparse_distance_matrix(tree, chord, output_type="coo_matrix")
    distance = 2 * np.arcsin(np.clip(pairs.data / 2, 0, 1)) * EARTH_RADIUS_KM
    weight = np.exp(-0.5 * (distance / radius_km) ** 2) * np.asarray(area, float)[pairs.col]
    matrix = csr_matrix((weight, (pairs.row, pairs.col)), shape=(len(points), len(points)))
    return (diags(1 / np.asarray(matrix.sum(1)).ravel()) @ matrix).tocsr()
