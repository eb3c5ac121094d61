"""What is known of a site beside its series: place, area, height, units, from JSON or a table, however it is named."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hdlcore.data.ingest.sites.columns import read_units
from hdlcore.data.ingest.sites.table import find_encoding, read_table
from hdlcore.data.ingest.units import conversion
from hdlcore.errors import DataError

_LARGEST_JSON = 64 << 20
_IDS = ("name", "id", "gauge_id", "site", "site_id", "station", "station_id", "basin", "basin_id", "catchment", "gauge",
        "catchment_id", "hru_id", "gauge_name", "code")  # fmt: skip
_KEYS = {
    "lat": ("lat", "latitude", "gauge_lat", "lat_gauge", "y", "station_latitude"),
    "lon": ("lon", "long", "lng", "longitude", "gauge_lon", "lon_gauge", "x", "station_longitude"),
    "elevation": ("elevation", "elev", "altitude", "elev_mean", "mean_elevation", "elevation_m", "station_elevation"),
}
_AREA = re.compile(r"^(catchment_?|drainage_?|basin_?|gauged_?|upstream_?)?area(_gages2|_calc|_geospa_fabric)?$")
_BOUNDS = {"lat": (-90, 90), "lon": (-180, 360), "elevation": (-500, 9000)}


@dataclass
class Attributes:
    """lat, lon (degrees), elevation (m), area (m2): NaN where unknown; units: column or quantity -> units text."""

    lat: float = math.nan
    lon: float = math.nan
    elevation: float = math.nan
    area: float = math.nan
    units: dict[str, str] = field(default_factory=dict)
    source: str = ""
    license: str = ""
    note: str = ""


def beside(path: Path) -> Path | None:
    """The attributes file of a series file: same stem and .json, or same stem with '_attributes' and .csv."""
    for name in (f"{path.stem}.json", f"{path.stem}_attributes.json", f"{path.stem}_attributes.csv"):
        if (path.parent / name).is_file():
            return path.parent / name
    return None


def read_attributes(path: Path) -> dict[str, Attributes]:
    """All sites of an attributes file by their name; a file that describes one site without naming it has the key ''.

    JSON: an object for one site, an object of objects by name, or a list of objects; CSV: a row per site, with one of
    the columns name, id, gauge_id, site_id, ... Raises `DataError` for anything else and for values that cannot be.
    """
    rows = _from_json(path) if path.suffix.lower() == ".json" else _from_table(path)
    found: dict[str, Attributes] = {}
    for key, row in rows:
        name = next((str(row[k]).strip() for k in _IDS if row.get(k) not in (None, "")), "") if key is None else key
        if name in found:
            raise DataError(f"{path} describes the site '{name}' twice; keep one of them.")
        found[name] = _read(row, f"{path}, site '{name}'" if name else str(path))
    return found


def _from_json(path: Path) -> list[tuple[str | None, Mapping[str, Any]]]:
    if path.stat().st_size > _LARGEST_JSON:
        raise DataError(f"{path} is too large for a file of attributes; give the series as CSV.")
    try:
        raw = json.loads(path.read_text(encoding=find_encoding(path)))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} is not readable JSON ({' '.join(str(error).split())[:80]}); correct it.") from None
    if isinstance(raw, dict) and raw.get("type") == "Topology":
        raise DataError(
            f"{path} is TopoJSON, outlines without data, which no cube holds; see docs/ingest.md, 'Outlines'."
        )
    if isinstance(raw, dict) and raw and all(isinstance(value, dict) for value in raw.values()):
        return [(str(name), _lower(value)) for name, value in raw.items()]
    rows = raw if isinstance(raw, list) else [raw]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise DataError(
            f'{path} does not describe sites; write {{"name": ..., "lat": ..., "lon": ..., "area_km2": ...}}.'
        )
    return [(None, _lower(row)) for row in rows]


def _from_table(path: Path) -> list[tuple[str | None, Mapping[str, Any]]]:
    table = read_table(path)
    records = table.frame.fillna("").to_dict("records")
    if table.decimal == ",":
        records = [{k: v.replace(",", ".") if re.fullmatch(r"[+-]?\d*,\d+", v) else v for k, v in row.items()}
                   for row in records]  # fmt: skip
    return [(None, _lower(row)) for row in records]


def _lower(row: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key).strip().casefold().replace(" ", "_"): value for key, value in row.items()}


def _read(row: Mapping[str, Any], place: str) -> Attributes:
    numbers = {}
    for what, keys in _KEYS.items():
        raw = next((row[key] for key in keys if row.get(key) not in (None, "")), None)
        numbers[what] = _number(raw, what, place)
        low, high = _BOUNDS[what]
        if not math.isnan(numbers[what]) and not low <= numbers[what] <= high:
            raise DataError(f"{place}: {what} = {raw} is out of range ({low} to {high}); correct it.")
    if numbers["lon"] > 180:
        numbers["lon"] -= 360
    units = row.get("units")
    words = {key: str(row.get(key) or "")[:500] for key in ("source", "license", "note")}
    return Attributes(
        lat=numbers["lat"],
        lon=numbers["lon"],
        elevation=numbers["elevation"],
        area=_area(row, place),
        units={str(k): str(v) for k, v in units.items()} if isinstance(units, Mapping) else {},
        source=words["source"],
        license=words["license"],
        note=words["note"],
    )


def _area(row: Mapping[str, Any], place: str) -> float:
    """Area in m2, whose units stand in the name: area_km2, area(km2), area_m2, area_ha; plain 'area' is km2."""
    for key, raw in row.items():
        parts = re.fullmatch(r"(?P<name>.*?)[_(\[]*(?P<units>km2|km\^2|km²|sqkm|m2|m\^2|m²|ha|mi2|sqmi)?[)\]]*", key)
        if parts is None or not _AREA.match(parts["name"].rstrip("_")) or raw in (None, ""):
            continue
        area = _number(raw, key, place)
        if math.isnan(area):
            continue
        scale = {"m": 1.0, "h": 1e4, "k": 1e6}.get((parts["units"] or "km2").replace("sqkm", "km2")[0], 1.0)
        scale = 2.589988110336e6 if (parts["units"] or "") in ("mi2", "sqmi") else scale
        if not 1e3 <= area * scale <= 2e13:
            raise DataError(f"{place}: {key} = {raw} cannot be the area of a catchment; write area_km2.")
        return area * scale
    return math.nan


def _number(raw: Any, what: str, place: str) -> float:
    if raw is None or isinstance(raw, bool) or str(raw).strip().casefold() in ("", "na", "nan", "null", "none"):
        return math.nan
    try:
        value = float(raw)
    except (TypeError, ValueError):
        raise DataError(f"{place}: {what} = '{str(raw)[:40]}' is not a number; correct it.") from None
    return math.nan if value in (-9999, -999) or not math.isfinite(value) else value


def depth_factor(units: str, area: float, place: str) -> tuple[float, str]:
    """Factor from a discharge by volume (m3 s-1, ft3 s-1, L s-1, ...) to mm d-1 over `area` (m2), and how to say so.

    Raises `DataError` when the area is unknown.
    """
    if math.isnan(area):
        raise DataError(
            f"{place}: discharge in {units} needs the area it comes from; write area_km2 into the site's attributes."
        )
    factor = conversion(units, "m3 s-1").factor / area * 86_400 * 1000
    return factor, f"{units} -> mm d-1: x {factor:.8g} (over {area / 1e6:g} km2)"


def known_units(text: str) -> str:
    """Units as the unit library spells them, or the text itself."""
    return read_units(text) or text
