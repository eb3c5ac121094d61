"""The sites of a data set: their names, facts, the nearest one; and the part of a series that is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import xarray as xr

from dashboard.selection import number
from dashboard.summary import units_in_words
from hdlcore.data.cube import distance_km, positions
from hdlcore.data.regions import place_name
from hdlcore.errors import RequestError


class Placed(Protocol):
    """What has places: coordinates cell, lat, lon (degrees), and for named places name."""

    @property
    def places(self) -> xr.Dataset:
        """The places."""
        ...


@dataclass(frozen=True)
class Gauge:
    """A named place of a data set: its set and number there, what it is called, degrees (NaN where not stated)."""

    dataset: str
    number: int
    label: str
    lat: float
    lon: float


def gauges(sets: Mapping[str, xr.Dataset]) -> list[Gauge]:
    """Every named place of some data sets, id -> places, set by set."""
    found = []
    for set_id, places in sets.items():
        if "name" in places.coords:
            names, lats, lons = (places[key].values for key in ("name", "lat", "lon"))
            found += [
                Gauge(set_id, at, called(str(name)), float(lat), float(lon))
                for at, (name, lat, lon) in enumerate(zip(names, lats, lons, strict=True))
            ]
    return found


def called(name: str) -> str:
    """A site's name as it is read: 'leaf_river' is the Leaf River; codes as US-AR1 stay what they are."""
    return " ".join(word.capitalize() if word.islower() else word for word in name.split("_") if word) or name


def site_name(data: Placed, at: int, world: xr.Dataset) -> str:
    """What a site is called: its own name, the place of a land cell, else its coordinates."""
    places = data.places
    if "name" in places.coords:
        return str(places["name"].values[at])
    cell = int(places["cell"].values[at])
    known = world["cell"].values
    found = int(np.searchsorted(known, cell).clip(max=known.size - 1))
    same = known[found] == cell and abs(float(world["lat"].values[found]) - float(places["lat"].values[at])) < 0.01
    return place_name(world, cell) if same else spot(places, at)


def spot(places: xr.Dataset, at: int) -> str:
    """Coordinates of a site: '50.5° N, 8.5° E'."""
    lat, lon = float(places["lat"].values[at]), float(places["lon"].values[at])
    if not (np.isfinite(lat) and np.isfinite(lon)):
        return "place not stated"
    lon = (lon + 180) % 360 - 180
    return f"{abs(lat):.4g}° {'S' if lat < 0 else 'N'}, {abs(lon):.5g}° {'W' if lon < 0 else 'E'}"


def site_facts(data: Placed, at: int) -> list[tuple[str, str]]:
    """What is known of a site, as (term, text)."""
    places = data.places
    rows = [("Place", spot(places, at))]
    area = float(places["area"].values[at]) if "area" in places else float("nan")
    if np.isfinite(area) and "name" in places.coords:
        rows.append(("Area", f"{number(area / 1e6)} km²"))
    for name in ("elevation", "mean_annual_temperature", "mean_annual_precipitation"):
        if name in places and places[name].dims == ("cell",) and np.isfinite(places[name].values[at]):
            units = units_in_words(str(places[name].attrs.get("units", "")))
            rows.append((name.replace("_", " ").capitalize(), f"{number(float(places[name].values[at]))} {units}"))
    return rows


def default_site(data: Placed, cell: int) -> int:
    """The site shown first: the land cell chosen on the map where the data set has it, else its first."""
    if "name" in data.places.coords or not data.places.sizes["cell"]:
        return 0
    try:
        return int(positions(data.places, [cell])[0])
    except RequestError:
        return 0


def nearest_site(data: Placed, lat: float, lon: float) -> int:
    """Position of the site nearest to a place (degrees). Raises `RequestError` when no site has a place."""
    lats, lons = data.places["lat"].values, data.places["lon"].values
    if not (abs(lat) <= 90 and -180 <= lon <= 360):
        raise RequestError(
            f"{lat:g}, {lon:g} is not a place; latitude goes from -90 to 90, longitude from -180 to 360."
        )
    away = distance_km(lat, lon, lats, lons)
    if not np.isfinite(away).any():
        raise RequestError("No site of this data set says where it lies; choose one by its name.")
    return int(np.nanargmin(away))


def within(series: xr.DataArray, years: tuple[int, int] | None) -> xr.DataArray:
    """The part of a series within some years; its record, from the first to the last value, when none are given."""
    if "time" not in series.dims:
        return series
    if years is None:
        good = np.flatnonzero(np.isfinite(series.values))
        return series.isel(time=slice(int(good[0]), int(good[-1]) + 1)) if good.size else series
    return series.sel(time=slice(f"{years[0]:04d}-01-01", f"{years[1]:04d}-12-31"))
