"""Regions, names and filters pick the cells that a reader of the map would expect."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from hdlcore.data import regions
from hdlcore.data.cube import find_cell, open_world, validate
from hdlcore.errors import RequestError

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def world():
    return open_world()


def test_every_region_has_cells_and_ar6_regions_are_disjoint(world):
    names = regions.region_names(world)
    assert len(names) == len(set(names)) == 44  # the 46 land regions of AR6 less the two of Antarctica
    cells = np.concatenate([regions.cells_in_region(world, name) for name in names])
    assert np.unique(cells).size == cells.size > 0.999 * world.sizes["cell"]
    for category in ("country", "basin", "climate_zone"):
        for name in regions.region_names(world, category):
            assert regions.cells_in_region(world, name).size > 0, name


def test_river_basins_have_the_areas_and_places_that_are_known(world):
    area = dict(zip(world["cell"].values.tolist(), (world["area"].values / 1e6).tolist(), strict=True))
    with (ROOT / "scripts" / "build_assets" / "large_basins.csv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table))
    assert {f"{row['name']} basin" for row in rows} == set(regions.region_names(world, "basin")) and len(rows) == 40
    for row in rows:
        cells = regions.cells_in_region(world, f"{row['name']} basin")
        lakes = 244_000 if row["name"] == "St. Lawrence" else 0  # km2: the Great Lakes have no cells
        assert sum(area[cell] for cell in cells.tolist()) + lakes == pytest.approx(float(row["area_km2"]), rel=0.2), row
    for river, inside, outside in (
        ("Amazon", [(-3.5, -73.5), (-12.5, -69.5), (-2.5, -52.5)], [(4.5, -68.5), (-20.5, -57.5)]),
        ("Nile", [(0.5, 31.5), (12.5, 37.5), (25.5, 32.5)], [(25.5, 20.5), (2.5, 24.5)]),
        ("Mississippi", [(45.5, -110.5), (40.5, -80.5), (33.5, -91.5)], [(38.5, -112.5), (44.5, -80.5)]),
        ("Danube", [(48.5, 11.5), (46.5, 25.5)], [(50.5, 8.5), (52.5, 19.5)]),
        ("Murray-Darling", [(-27.5, 148.5), (-34.5, 141.5)], [(-33.5, 150.5), (-28.5, 138.5)]),
        ("Ganges-Brahmaputra", [(29.5, 90.5), (28.5, 77.5)], [(21.5, 79.5), (33.5, 74.5)]),
    ):
        held = set(regions.cells_in_region(world, f"{river} basin").tolist())
        assert {find_cell(world, *place) for place in inside} <= held, river
        assert not {find_cell(world, *place) for place in outside} & held, river


def test_a_world_without_basins_is_a_sound_world_and_says_that_it_knows_none(world):
    bare = world.drop_vars("basin")
    assert validate(bare) == []
    assert regions.region_names(bare, "basin") == []
    with pytest.raises(RequestError, match="No region is called 'Amazon basin'"):
        regions.cells_in_region(bare, "Amazon basin")
    assert regions.cells_in_region(bare, "Brazil").size > 0


def test_no_name_is_abbreviated(world):
    for category in ("region", "country"):
        for name in regions.category_names(world, category):
            assert not set(".&") & set(name), name
            assert not name.startswith(("N ", "S ", "E ", "W ")), name


@pytest.mark.parametrize(
    ("lat", "lon", "name"),
    [
        (-3.5, -60.5, "Brazil, Northern South America"),
        (48.5, 9.1, "Germany, Western and Central Europe"),
        (66.5, -175.2, "Russia, Russian Arctic"),  # Chukotka, beyond the date line
        (67.5, 100.5, "Russia, Russian Arctic"),
        (-43.5, 171.5, "New Zealand"),  # country and region share the name
        (7.2, 80.6, "Sri Lanka, Southern Asia"),
        (19.6, -155.5, "United States of America"),  # Hawaii lies in no land region
        (0.5, 25.5, "Democratic Republic of the Congo, Central Africa"),
    ],
)
def test_places_have_the_names_people_use(world, lat, lon, name):
    assert regions.place_name(world, find_cell(world, lat, lon)) == name


def test_names_are_found_in_any_case_and_near_misses_are_offered(world):
    np.testing.assert_array_equal(
        regions.cells_in_region(world, " northern  SOUTH america "),
        regions.cells_in_region(world, "Northern South America"),
    )
    assert find_cell(world, -3.5, -60.5) in regions.cells_in_region(world, "brazil")
    assert find_cell(world, 23.5, 10.5) in regions.cells_in_region(world, "arid")
    with pytest.raises(RequestError, match=r"did you mean .*Mediterranean"):
        regions.cells_in_region(world, "Mediteranean")
    with pytest.raises(RequestError, match=r"did you mean .*Northern Australia"):
        regions.cells_in_region(world, "Austral")
    for nonsense in ("", "xqzw"):
        with pytest.raises(RequestError, match="No region is called"):
            regions.cells_in_region(world, nonsense)


def test_filters_act_together_and_count_alone(world):
    temperature = world["air_temperature"].values.mean(axis=0)
    mask, counts = regions.filter_cells(
        world,
        climate_zones=["Arid", "cold"],
        land_covers=["Grassland"],
        lat_min=30,
        lat_max=60,
        values=temperature,
        value_min=5,
    )
    assert set(counts) == {"climate_zones", "land_covers", "latitude", "values"}
    assert 0 < mask.sum() <= min(counts.values())
    assert set(np.unique(world["climate_zone"].values[mask])) <= {2, 4}
    assert set(np.unique(world["land_cover"].values[mask])) == {10}
    assert temperature[mask].min() >= 5
    assert 30 <= world["lat"].values[mask].min() <= world["lat"].values[mask].max() <= 60
    everything, none_used = regions.filter_cells(world)
    assert everything.all()
    assert none_used == {}


def test_a_missing_value_never_passes_a_range(world):
    values = world["optimum_temperature"].values
    mask, counts = regions.filter_cells(world, values=values, value_min=-100)
    assert np.isnan(values).any()
    np.testing.assert_array_equal(mask, np.isfinite(values))
    assert counts == {"values": int(np.isfinite(values).sum())}


def test_a_drawn_polygon_takes_the_cells_inside_it(world):
    lat, lon = world["lat"].values, world["lon"].values
    mask, _ = regions.filter_cells(world, polygon=[(-70, -10), (-50, -10), (-50, 0), (-70, 0)])
    np.testing.assert_array_equal(mask, (lat > -10) & (lat < 0) & (lon > -70) & (lon < -50))
    triangle, _ = regions.filter_cells(world, polygon=[(-70, -10), (-50, -10), (-60, 0)])
    assert 0.4 < triangle.sum() / mask.sum() < 0.6


@pytest.mark.parametrize(
    "polygon",
    [
        [(170, 60), (190, 60), (190, 70), (170, 70)],
        [(170, 60), (-170, 60.001), (-170, 70), (170, 70)],
        [(-190, 60), (-170, 60), (-170, 70), (-190, 70)],
    ],
)
def test_a_polygon_may_cross_the_date_line(world, polygon):
    mask, _ = regions.filter_cells(world, polygon=polygon)
    lat, lon = world["lat"].values, world["lon"].values
    np.testing.assert_array_equal(mask, (lat > 60) & (lat < 70) & (abs(lon) > 170))


@pytest.mark.parametrize("way", [1, -1])
@pytest.mark.parametrize("pole", [1, -1])
def test_a_ring_around_a_pole_holds_what_is_within(world, pole, way):
    ring = [(lon, pole * 60) for lon in range(-150, 180, 30)][::way]
    mask, _ = regions.filter_cells(world, polygon=ring)
    np.testing.assert_array_equal(mask, pole * world["lat"].values > 60)


def test_a_band_around_the_earth_is_not_read_as_a_date_line_box(world):
    mask, _ = regions.filter_cells(world, polygon=[(-180, 0), (180, 0), (180, 10), (-180, 10)])
    np.testing.assert_array_equal(mask, (world["lat"].values > 0) & (world["lat"].values < 10))


@pytest.mark.parametrize(
    ("filters", "says"),
    [
        ({"climate_zones": ["Tropics"]}, "No climate zone is called 'Tropics'; did you mean Tropical"),
        ({"land_covers": ["Lava"]}, "No land cover is called 'Lava'; known"),
        ({"lat_min": 10, "lat_max": -10}, "latitude range 10 to -10 is empty"),
        ({"value_min": 0}, "needs one value for each"),
        ({"values": [1.0, 2.0], "value_min": 0}, "needs one value for each"),
        ({"polygon": [(0, 0), (1, 1)]}, "at least three corners"),
        ({"polygon": [(0, 0), (1, 1), (np.nan, 0)]}, "at least three corners"),
    ],
)
def test_bad_filters_are_refused(world, filters, says):
    with pytest.raises(RequestError, match=says):
        regions.filter_cells(world, **filters)
