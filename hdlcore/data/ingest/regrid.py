"""Conservative aggregation between grids: the mean over a cell of all it overlaps, weighted by area on the sphere.

First-order conservative remapping (Jones 1999, https://doi.org/10.1175/1520-0493(1999)127<2204:FASOCR>2.0.CO;2). Works
from fine to coarse and from coarse to fine, across the date line and to the poles. Missing values take no part; a cell
is missing where too little of it is covered by values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix, kron

from hdlcore.data.cube import unit_vectors
from hdlcore.errors import DataError

#: Share of a cell's land that must be covered by values.
MIN_SHARE = 0.5


@dataclass(frozen=True)
class Regrid:
    """Sparse weights (n_target, n_source): the share of each target cell's area that a source cell covers."""

    weights: csr_matrix

    def cover(self) -> NDArray[np.float64]:
        """Share of each target cell inside the source grid, 0 to 1."""
        return np.asarray(self.weights.sum(1), np.float64).ravel()

    def apply(self, values: ArrayLike, need: ArrayLike = MIN_SHARE) -> NDArray[np.float32]:
        """Area-weighted means (n, n_target) of values (n, n_source).

        `need` (scalar or n_target) is the share of a target cell that must be covered by finite values.
        """
        data = np.asarray(values, np.float64).reshape(-1, self.weights.shape[1]).T
        finite = np.isfinite(data)
        total = self.weights @ np.where(finite, data, 0.0)
        if finite.all():
            share = np.broadcast_to(self.cover()[:, None], total.shape)
        else:
            share = self.weights @ finite.astype(np.float64)
        enough = share >= np.broadcast_to(np.asarray(need, np.float64), (total.shape[0],))[:, None] - 1e-9
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(enough & (share > 0), total / share, np.nan).T.astype(np.float32)

    def majority(self, values: ArrayLike) -> NDArray[np.float32]:
        """The class (n_target,) that covers most of each target cell, for codes (n_source,); NaN is no class."""
        codes = np.asarray(values, np.float64).ravel()
        best = np.full(self.weights.shape[0], np.nan)
        most = np.zeros(self.weights.shape[0])
        for code in np.unique(codes[np.isfinite(codes)]):
            share = self.weights @ (codes == code).astype(np.float64)
            best, most = np.where(share > most + 1e-12, code, best), np.maximum(share, most)
        return best.astype(np.float32)


def edges(centres: ArrayLike, limit: float | None = None) -> NDArray[np.float64]:
    """Edges (n + 1) between centres (n): midpoints, and half a step beyond the ends, within +-`limit`."""
    middle = np.asarray(centres, np.float64)
    if middle.size < 2:
        raise DataError("A grid needs at least two rows and two columns; give the edges of its cells as bounds.")
    step = np.diff(middle)
    if not (np.all(step > 0) or np.all(step < 0)):
        raise DataError("The latitudes or longitudes of the grid neither rise nor fall throughout; sort them first.")
    inner = middle[:-1] + step / 2
    ends = np.concatenate([[middle[0] - step[0] / 2], inner, [middle[-1] + step[-1] / 2]])
    return ends if limit is None else np.clip(ends, -limit, limit)


def overlap(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """Length (n_target, n_source) shared by intervals given as (n, 2) low and high ends."""
    low = np.maximum(target[:, None, 0], source[None, :, 0])
    high = np.minimum(target[:, None, 1], source[None, :, 1])
    return np.maximum(high - low, 0.0)


def regular(
    lat_edges: ArrayLike, lon_edges: ArrayLike, target_lat: ArrayLike, target_lon: ArrayLike, size: float = 1.0
) -> Regrid:
    """Weights from a latitude-longitude grid to cells of `size` degrees centred at the target places.

    Parameters
    ----------
    lat_edges : (rows + 1) or (rows, 2) degrees north, rising or falling.
    lon_edges : (columns + 1) or (columns, 2) degrees east, in any turn of the circle.
    target_lat, target_lon : (n_target,) centres in degrees.

    Values are in the order row by row of the source.
    """
    rows, columns = _intervals(lat_edges), _intervals(lon_edges)
    lat, row_of = np.unique(np.asarray(target_lat, np.float64), return_inverse=True)
    lon, column_of = np.unique(np.asarray(target_lon, np.float64), return_inverse=True)
    sine = np.sin(np.deg2rad(np.clip(rows, -90, 90)))
    wanted = np.sin(np.deg2rad(np.clip(np.stack([lat - size / 2, lat + size / 2], -1), -90, 90)))
    by_row = overlap(sine, wanted) / (wanted[:, 1] - wanted[:, 0])[:, None]
    span = np.stack([lon - size / 2, lon + size / 2], -1)
    by_column = np.zeros((lon.size, len(columns)))
    for turn in (-720.0, -360.0, 0.0, 360.0, 720.0):
        by_column += overlap(columns + turn, span)
    by_column = by_column / size
    if by_column.sum(1).max(initial=0) > 1 + 1e-6 or by_row.sum(1).max(initial=0) > 1 + 1e-6:
        raise DataError("The cells of the grid overlap each other; its latitudes or longitudes are doubled.")
    everywhere = kron(csr_matrix(by_row), csr_matrix(by_column), format="csr")
    return Regrid(everywhere[row_of * lon.size + column_of])


def _intervals(ends: ArrayLike) -> NDArray[np.float64]:
    """(n, 2) low and high ends of edges (n + 1) or bounds (n, 2)."""
    values = np.asarray(ends, np.float64)
    pairs = np.stack([values[:-1], values[1:]], -1) if values.ndim == 1 else values
    return np.sort(pairs, axis=1)


def curvilinear(
    lat: NDArray, lon: NDArray, target_lat: ArrayLike, target_lon: ArrayLike, size: float = 1.0, split: int = 4
) -> Regrid:
    """Weights from a grid with latitude and longitude in two dimensions (a projection, such as EASE-Grid).

    Each source cell is split into `split` x `split` parts of its own area, placed between the neighbouring centres on
    the sphere, and each part goes to the target cell that holds it: area is kept exactly, borders to within a part.
    Centres that are not on the Earth (NaN or out of range, the corners of a polar grid) are left out.
    """
    centres = _placed(lat, lon)
    places, area = _parts(centres, split)
    ids = _cell_of(target_lat, target_lon, size)
    order = np.argsort(ids)
    source = np.repeat(np.arange(lat.size), split * split)
    where = _cell_of(np.rad2deg(np.arcsin(places[:, 2])), np.rad2deg(np.arctan2(places[:, 1], places[:, 0])), size)
    at = np.searchsorted(ids[order], where).clip(max=ids.size - 1)
    hit = np.isfinite(area) & (ids[order][at] == where)
    rows = order[at[hit]]
    weights = csr_matrix((area[hit], (rows, source[hit])), shape=(ids.size, lat.size))
    half = np.deg2rad(size / 2)
    centre = np.deg2rad(np.asarray(target_lat, np.float64))
    whole = 2 * half * (np.sin(centre + half) - np.sin(centre - half))
    share = np.asarray(weights.sum(1)).ravel() / whole
    # Parts are placed to within a part: a covered cell may sum to slightly more or less than its area.
    scale = np.where(share > 0.9, 1 / np.maximum(share, 1e-12), 1.0) / whole
    return Regrid(csr_matrix(weights.multiply(scale[:, None])))


def _placed(lat: NDArray, lon: NDArray) -> NDArray[np.float64]:
    """Points on the unit sphere, missing where latitude or longitude is none."""
    good = np.isfinite(lat) & np.isfinite(lon) & (np.abs(lat) <= 90) & (np.abs(lon) <= 720)
    return unit_vectors(np.where(good, lat, np.nan), np.where(good, lon, np.nan))


def _parts(centres: NDArray[np.float64], split: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Places (n * split**2, 3) and areas (steradian) of the parts of each cell; NaN where a neighbour is missing."""
    along_y, along_x = _slope(centres, 0), _slope(centres, 1)
    area = np.linalg.norm(np.cross(along_x, along_y), axis=-1) / split**2
    offset = (np.arange(split) + 0.5) / split - 0.5
    dy, dx = (a.ravel() for a in np.meshgrid(offset, offset, indexing="ij"))
    places = centres[..., None, :] + dy[:, None] * along_y[..., None, :] + dx[:, None] * along_x[..., None, :]
    places = places / np.linalg.norm(places, axis=-1, keepdims=True)
    return places.reshape(-1, 3), np.repeat(area.ravel(), split * split)


def _slope(centres: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """Step from one centre to the next: central difference, one-sided at the rim and beside missing centres."""
    forward = np.diff(centres, axis=axis, append=np.full_like(np.take(centres, [0], axis), np.nan))
    backward = np.roll(forward, 1, axis=axis)
    both = (forward + backward) / 2
    return np.where(np.isfinite(both), both, np.where(np.isfinite(forward), forward, backward))


def _cell_of(lat: ArrayLike, lon: ArrayLike, size: float) -> NDArray[np.int64]:
    """Id of the cell of `size` degrees that holds each place; -1 for no place."""
    phi, lam = np.asarray(lat, np.float64), np.asarray(lon, np.float64)
    columns = round(360 / size)
    with np.errstate(invalid="ignore"):
        row = np.clip(np.floor((90 - phi) / size), 0, round(180 / size) - 1)
        cell = row * columns + np.floor((lam + 180) / size) % columns
    return np.where(np.isfinite(phi + lam), cell, -1).astype(np.int64)
