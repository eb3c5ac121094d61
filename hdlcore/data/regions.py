"""Named regions, place names and filters: which cells of a cube are meant.

Regions are the AR6 WGI reference land regions (Iturbide et al. 2020, https://doi.org/10.5194/essd-12-2959-2020),
countries of Natural Earth, large river basins, and the main Koeppen groups; a cube carries each as one categorical
variable (of basins it may have none).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any, Literal

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from hdlcore.data.cube import place_label, positions
from hdlcore.errors import RequestError

Category = Literal["region", "country", "basin", "climate_zone", "koeppen", "land_cover"]
_NAMED: tuple[Category, ...] = ("region", "country", "basin", "climate_zone")  # searched in this order


def category_names(ds: xr.Dataset, category: Category) -> list[str]:
    """Readable names of a categorical variable, in the order of its codes (`flag_values`)."""
    return list(json.loads(ds[category].attrs["flag_names"]))


def category_index(ds: xr.Dataset, category: Category) -> tuple[NDArray[np.intp], list[str]]:
    """Position (cell,) of each cell's category among its names, -1 for none; and the names.

    What analysis by zone takes: the codes of a cube need not begin at zero.
    """
    codes = np.atleast_1d(ds[category].attrs["flag_values"])
    order = np.argsort(codes)
    values = ds[category].values
    at = np.minimum(np.searchsorted(codes, values, sorter=order), codes.size - 1)
    return np.where(codes[order[at]] == values, order[at], -1), category_names(ds, category)


def region_names(ds: xr.Dataset, category: Category = "region") -> list[str]:
    """Names that `cells_in_region` takes: AR6 land regions, or those of another category; each holds a cell."""
    if category not in ds:
        return []
    held = set(np.unique(ds[category].values).tolist())
    codes = np.atleast_1d(ds[category].attrs["flag_values"]).tolist()
    return [name for code, name in zip(codes, category_names(ds, category), strict=True) if code in held]


def cells_in_region(ds: xr.Dataset, name: str) -> NDArray[np.int32]:
    """Ids of the cells of an AR6 region, a country, a river basin or a climate zone, rising; in any case of letters.

    An AR6 region goes before a country of the same name (Madagascar, New Zealand).
    Raises `RequestError` naming near misses when no such region exists.
    """
    wanted = " ".join(str(name).split()).casefold()
    known: dict[str, str] = {}
    for category in _NAMED:
        for candidate in region_names(ds, category):
            if candidate.casefold() == wanted:
                cells: NDArray[np.int32] = ds["cell"].values[_is_one_of(ds, category, [candidate])]
                return cells
            known.setdefault(candidate.casefold(), candidate)
    raise RequestError(f"No region is called '{name}'; {_hint(wanted, known)}")


def _hint(wanted: str, known: dict[str, str]) -> str:
    """'did you mean ...?' with up to four names that resemble or contain what was asked for."""
    near = [key for key in known if wanted and wanted in key] + get_close_matches(wanted, known, n=4, cutoff=0.6)
    if near:
        return f"did you mean {' or '.join(known[key] for key in list(dict.fromkeys(near))[:4])}?"
    such_as = ", ".join(list(known.values())[:3])
    return f"give an AR6 land region, a country, a large river basin or a climate zone, such as {such_as}."


def place_name(ds: xr.Dataset, cell: int) -> str:
    """Country and AR6 region of a cell id, as in 'Brazil, Northern South America'.

    An island outside all land regions gets its country alone. Raises `RequestError` for an id not in the cube.
    """
    at = int(positions(ds, [cell])[0])
    names = []
    for category in ("country", "region"):
        code = int(ds[category].values[at])
        if code >= 0:
            names.append(category_names(ds, category)[code])  # type: ignore[arg-type]
    if not names:
        return place_label(float(ds["lat"].values[at]), float(ds["lon"].values[at]))
    return ", ".join(dict.fromkeys(names))


def filter_cells(
    ds: xr.Dataset,
    climate_zones: Sequence[str] = (),
    land_covers: Sequence[str] = (),
    lat_min: float | None = None,
    lat_max: float | None = None,
    values: ArrayLike | None = None,
    value_min: float | None = None,
    value_max: float | None = None,
    polygon: ArrayLike | None = None,
) -> tuple[NDArray[np.bool_], dict[str, int]]:
    """Cells that pass every filter given.

    Parameters
    ----------
    climate_zones, land_covers : readable names, any of which a cell may have; empty for all.
    lat_min, lat_max : degrees north, inclusive.
    values : (cell,) the quantity that `value_min` and `value_max` bound (inclusive; a missing value never passes).
    polygon : (n, 2) vertices lon, lat of a drawn region; it may cross the date line. A cell counts by its centre.

    Returns
    -------
    mask : (cell,) bool.
    counts : for each filter in use, how many cells it leaves when it is used alone.

    Raises
    ------
    RequestError
        For an unknown name, an empty range, bounds without values, or a polygon of fewer than three vertices.
    """
    masks: dict[str, NDArray[np.bool_]] = {}
    if len(climate_zones):
        masks["climate_zones"] = _is_one_of(ds, "climate_zone", climate_zones)
    if len(land_covers):
        masks["land_covers"] = _is_one_of(ds, "land_cover", land_covers)
    if lat_min is not None or lat_max is not None:
        masks["latitude"] = _within(ds["lat"].values, lat_min, lat_max, "latitude")
    if value_min is not None or value_max is not None:
        numbers = None if values is None else np.asarray(values, dtype=np.float64)
        if numbers is None or numbers.shape != (ds.sizes["cell"],):
            raise RequestError(
                f"A value range needs one value for each of the {ds.sizes['cell']} cells to compare with."
            )
        masks["values"] = _within(numbers, value_min, value_max, "value")
    if polygon is not None:
        masks["polygon"] = _inside_on_sphere(ds["lon"].values, ds["lat"].values, polygon)
    together = np.ones(ds.sizes["cell"], dtype=bool)
    for mask in masks.values():
        together &= mask
    return together, {name: int(mask.sum()) for name, mask in masks.items()}


def _is_one_of(ds: xr.Dataset, category: Category, wanted: Sequence[str]) -> NDArray[np.bool_]:
    """Mask (cell,) of the cells whose category has one of these names, case-insensitive."""
    names = category_names(ds, category)
    codes = dict(
        zip((n.casefold() for n in names), np.atleast_1d(ds[category].attrs["flag_values"]).tolist(), strict=True)
    )
    chosen = []
    for name in [wanted] if isinstance(wanted, str) else wanted:
        key = str(name).strip().casefold()
        if key not in codes:
            title = category.replace("_", " ")
            raise RequestError(f"No {title} is called '{name}'; {_near_or_all(key, names)}")
        chosen.append(codes[key])
    return np.isin(ds[category].values, chosen)


def _near_or_all(wanted: str, names: list[str]) -> str:
    near = get_close_matches(wanted, [n.casefold() for n in names], n=3)
    found = [n for n in names if n.casefold() in near]
    return f"did you mean {' or '.join(found)}?" if found else f"known: {', '.join(names[:20])}."


def _within(numbers: NDArray[Any], low: float | None, high: float | None, what: str) -> NDArray[np.bool_]:
    """Mask of low <= numbers <= high; comparisons with a missing value are False."""
    if low is not None and high is not None and low > high:
        raise RequestError(f"The {what} range {low:g} to {high:g} is empty; give the smaller bound first.")
    mask = np.isfinite(numbers)
    if low is not None:
        mask &= numbers >= low
    if high is not None:
        mask &= numbers <= high
    return np.asarray(mask, dtype=bool)


def _inside_on_sphere(lon: NDArray[Any], lat: NDArray[Any], polygon: ArrayLike) -> NDArray[np.bool_]:
    """Mask of points inside a lon, lat polygon, which is taken the short way round from vertex to vertex.

    One that goes round the Earth so (a ring drawn on a polar map) holds the pole that is nearer to its vertices.
    """
    vertices = np.array(polygon, dtype=np.float64)
    if vertices.ndim != 2 or vertices.shape[1:] != (2,) or len(vertices) < 3 or not np.isfinite(vertices).all():
        raise RequestError("A drawn region needs at least three corners, each a longitude and a latitude in degrees.")
    steps = (np.diff(vertices[:, 0], append=vertices[0, 0]) + 180) % 360 - 180
    round_the_earth = 360 * np.round(steps.sum() / 360)
    if round_the_earth and not _is_box(vertices):
        vertices[:, 0] = vertices[0, 0] + np.concatenate([[0], np.cumsum(steps[:-1])])
        start, end = vertices[0], vertices[0] + (round_the_earth, 0)
        pole = np.copysign(90.0, vertices[:, 1].mean())
        vertices = np.vstack([vertices, end, (end[0], pole), (start[0], pole)])
        turns: tuple[float, ...] = (-360.0, 0.0, 360.0)
    elif np.ptp(vertices[:, 0]) <= 180 or _is_box(vertices):
        turns = (0.0,) if abs(vertices[:, 0]).max() <= 180 else (-360.0, 0.0, 360.0)
    else:
        vertices[:, 0] = np.unwrap(vertices[:, 0], period=360)
        turns = (-360.0, 0.0, 360.0)
    inside = np.zeros(lon.shape, dtype=bool)
    for turn in turns:
        inside |= inside_polygon(lon + turn, lat, vertices)
    return inside


def _is_box(vertices: NDArray[np.float64]) -> bool:
    """True for a rectangle along meridians and parallels: a band around the Earth is not one across the date line."""
    return len(np.unique(vertices[:, 0])) == 2 and len(np.unique(vertices[:, 1])) == 2


def inside_polygon(x: ArrayLike, y: ArrayLike, vertices: ArrayLike) -> NDArray[np.bool_]:
    """Mask of points inside a polygon (n, 2) of the plane, by counting the edges that a ray to the east crosses."""
    px, py = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    corners = np.asarray(vertices, dtype=np.float64)
    inside = np.zeros(px.shape, dtype=bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        if y0 != y1:
            crosses = (y0 > py) != (y1 > py)
            inside ^= crosses & (px < x0 + (py - y0) * (x1 - x0) / (y1 - y0))
    return inside
