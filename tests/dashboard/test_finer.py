"""Quantities that have a finer grid than the cells: what they are called, where they are from, what leaves the app."""

from __future__ import annotations

import asyncio
import io
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dashboard import classes, export, finer, layers, map_picture
from dashboard.handout import map_data
from dashboard.pages.explore_map import MapPart
from dashboard.pages.view import View
from dashboard.plots import screen
from dashboard.state import PROJECTIONS, State, apply
from dashboard.tables import map_table
from hdlcore.data.fine import open_fine

FINE = ("precipitation_reanalysis", "air_temperature_reanalysis", "elevation", "ndvi_max", "ndvi_min", *layers.CLASSES)


@pytest.fixture(scope="module")
def view() -> View:
    return View(State())


def show(view: View, **values) -> View:
    view.state.clear_filters()
    apply(view.state, {"model": "", "time": "07", "departure": False, **values})
    return view


def opened(stream: io.BytesIO, tmp_path) -> xr.Dataset:
    path = tmp_path / "map.nc"
    path.write_bytes(stream.getvalue())
    return xr.load_dataset(path)


def test_every_real_field_can_be_chosen_and_none_of_the_models_is_fine(view) -> None:
    names = [name for group in view.choices.values() for name in group.values()]
    assert set(FINE) <= set(names)
    for name in ("tws", "precipitation", "soil_capacity", "tws_observed"):  # the model's own, and GRACE
        assert show(view, variable=name).layer.finer is None, name


@pytest.mark.parametrize("name", FINE)
def test_it_says_where_it_is_from_and_on_which_grid(view, name) -> None:
    grid = show(view, variable=name).layer.finer
    assert grid is not None and grid.step == 0.25
    kind = grid.attributes()["source"]
    assert kind in ("reanalysis", "observed", "derived")
    assert view.map_label.lower().startswith(kind) and "0.25 degree" in view.map_label
    assert "generated" not in view.map_label.lower()
    told = export.provenance_html(view)
    assert str(grid.attributes()["product"]) in told and "Licence" in told


def test_beside_a_made_up_world_only_its_real_ground_is_fine(view) -> None:
    show(view, model="twin-earth", variable="elevation")
    assert view.layer.finer is not None and not view.map_generated
    names = [name for group in view.choices.values() for name in group.values()]
    assert not {"precipitation_reanalysis", "land_cover", "koeppen", "ndvi_min"} & set(names)
    assert show(view, model="twin-earth", variable="precipitation").layer.finer is None


def test_a_departure_is_from_the_same_mean_on_both_grids(view) -> None:
    show(view, variable="precipitation_reanalysis", departure=True)
    fine = view.layer.finer.values().reshape(180, 4, 360, 4).mean(axis=(1, 3)).ravel()[view.world["cell"].values]
    np.testing.assert_allclose(fine, view.layer.values, atol=0.05)
    assert view.layer.diverging and abs(view.layer.values).max() > 5


def test_the_map_leaves_on_its_own_grid_and_the_cells_as_a_table(view, tmp_path) -> None:
    show(view, variable="precipitation_reanalysis")
    data = opened(export.map_netcdf(view), tmp_path)
    array = data["precipitation_reanalysis"]
    assert array.dims == ("lat", "lon") and array.shape == (720, 1440) and int(data["month"]) == 7
    assert (
        array.attrs["units"] == "mm d-1" and array.attrs["source"] == "reanalysis" and "ERA5" in array.attrs["product"]
    )
    np.testing.assert_array_equal(array.values, open_fine().values("precipitation", 7))
    assert float(array.sel(lat=28, lon=77, method="nearest")) > 5  # Delhi in the monsoon
    table = pd.read_csv(export.map_csv(view))
    assert len(table) == 14768 and set(table["units"]) == {"mm d-1"}


def test_a_filter_cuts_the_grid_by_cells(view, tmp_path) -> None:
    show(view, variable="elevation", region="India", focus="filter")
    array = opened(export.map_netcdf(view), tmp_path)["elevation"]
    kept = np.isfinite(array.values)
    assert 0 < kept.sum() <= 16 * view.selection.mask.sum()
    lat, lon = array["lat"].values[kept.any(1)], array["lon"].values[kept.any(0)]
    assert lat.min() > 6 and lat.max() < 38 and lon.min() > 66 and lon.max() < 99


@pytest.mark.parametrize("name", layers.CLASSES)
def test_classes_have_names_colours_and_shares_but_no_range(view, name, tmp_path) -> None:
    show(view, variable=name, color_range="auto")
    shown, mask = view.layer, view.selection.mask
    assert shown.classed and not shown.ordered
    assert view.color_range() == (shown.low, shown.high)
    found = classes.shares(view.world, shown, mask)
    assert sum(share for *_, share in found) == pytest.approx(1)
    assert [share for *_, share in found] == sorted((share for *_, share in found), reverse=True)
    keys = classes.keys(view.world, shown, mask)
    assert len(keys) == len(found) and all("background:#" in key for key in keys)
    assert len({key.split('"')[1] for key in keys}) == len(keys)  # no two of one colour
    table = map_table(view.world, shown, mask, view.title)
    assert all(label.split("<")[0] in table for _, label, _ in found)
    data = opened(export.map_netcdf(view), tmp_path)[name]
    assert len(data.attrs["flag_meanings"].split()) == len(np.atleast_1d(data.attrs["flag_values"]))


def test_a_class_is_said_by_its_name(view) -> None:
    show(view, variable="land_cover", cell=94 * 360 + 117)
    assert "dominant land cover is evergreen broadleaf forest" in view.sentence()
    apply(view.state, {"region": "India", "focus": "filter"})
    assert "cropland on 7" in view.sentence() and "classes in all" in view.sentence()


def test_a_picture_and_a_hand_out_can_be_made(view) -> None:
    show(view, variable="land_cover")
    png = map_picture.map_png(view, 900).getvalue()
    assert int.from_bytes(png[16:20], "big") == 900
    assert map_data(view)["classes"][0] == "Evergreen needleleaf forest"
    assert map_data(show(view, variable="elevation"))["classes"] == []


def test_the_picture_shows_what_the_cells_cannot(view) -> None:
    """Rain at sea: where the model has no cell there is colour all the same."""
    from PIL import Image

    def sea(name: str) -> tuple[int, ...]:
        image = Image.open(map_picture.map_png(show(view, variable=name, projection="plate_carree"), 900)).convert(
            "RGB"
        )
        return image.getpixel((int(900 * (0.02 + 0.96 * (180 - 140) / 360)), image.height // 2))

    assert sea("precipitation_reanalysis") != sea("precipitation")
    apply(view.state, {"projection": "equal_earth"})


def test_the_snippet_gives_what_is_drawn(view) -> None:
    show(view, variable="precipitation_reanalysis")
    space: dict = {}
    exec(export.snippet(view), space)
    np.testing.assert_array_equal(space["drawn"], view.layer.finer.values())


def test_the_app_starts_without_what_only_a_fine_field_needs() -> None:
    """The library that resamples takes seconds to import; the store's values are read when a field is looked at."""
    code = "import sys, dashboard.pages.book; sys.exit('datashader' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_the_store_the_cells_are_shown(view, monkeypatch) -> None:
    """A damaged installation loses the fine grid, not the page."""
    monkeypatch.setattr(finer, "names", frozenset)
    show(view, variable="elevation", time="01")
    shown = layers.layer("elevation", 1, False, view.observed, view.fields)
    assert shown.finer is None and np.isfinite(shown.values).all()


#: West, east, south, north, in shares of the map.
WINDOWS = ([0.1, 0.9, 0.1, 0.9], [0.4, 0.65, 0.4, 0.6], [0.5, 0.6, 0.5, 0.55])


@pytest.fixture
def part() -> MapPart:
    """The map of a page of its own."""
    return MapPart(View(State()), lambda text: None)


def look_at(part: MapPart, shares: list[float]) -> None:
    """What the browser says after a zoom: another part of the map is on the screen."""
    west, east, south, north = part.map.projection.extent
    across, up = (np.array(ends) for ends in (shares[:2], shares[2:]))
    edges = [*(west + across * (east - west)).tolist(), *(south + up * (north - south)).tolist()]
    for span, (start, end) in zip(part.map._ranges, (edges[:2], edges[2:]), strict=True):
        span.update(start=start, end=end)
    part.map._seen.data = {"edge": edges, "width": [500] * 4}


async def drawn(part: MapPart) -> None:
    """Wait until nothing is drawn aside any more."""
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.gather(*others)


@pytest.mark.parametrize("projection", PROJECTIONS)
def test_of_windows_in_a_row_the_last_one_is_drawn_off_the_loop(part, projection) -> None:
    """While a picture is made the loop turns; what is shown in the end is what the last window shows of the field."""
    show(part.view, variable="elevation", projection=projection)

    async def zoom() -> None:
        before = part.map._picture
        for edges in WINDOWS:
            look_at(part, edges)
        assert part.map._picture is before  # nothing was computed here
        await drawn(part)

    asyncio.run(zoom())
    held, window, values = part.map._picture, part.map.window, part.view.layer.finer.values()
    assert held.window == window and window.columns == 500
    anew = screen.picture(screen.sight(part.map.projection, window), lambda n: screen.blocks(values, n))
    np.testing.assert_array_equal(screen.unwire(part.map._codes.data["code"], held.codes.shape), anew.codes)


@pytest.mark.parametrize("then", [{"variable": "ndvi_max"}, {"variable": "tws"}, {"projection": "robinson"}])
def test_a_late_picture_never_covers_a_newer_view(part, then) -> None:
    """A zoom is still being drawn when another quantity or projection is chosen: its picture is dropped."""
    show(part.view, variable="elevation")

    async def zoom_and_change() -> None:
        look_at(part, WINDOWS[1])
        await asyncio.sleep(0)  # its thread is under way
        apply(part.state, then)
        await drawn(part)

    asyncio.run(zoom_and_change())
    grid = part.view.layer.finer
    want = finer.picture(grid, part.map.projection, part.map.window) if grid is not None else None
    assert part.map._picture is want


def test_the_month_to_come_is_ready(part) -> None:
    """A fine field that is stepped through has been drawn when the step comes, also from December to January."""
    show(part.view, variable="precipitation_reanalysis", time="12")
    grid, made = part.view.layer.finer, finer.picture.cache_info().misses
    assert grid.next_month() == layers.Finer(grid.name, 1)
    apply(part.state, {"time": "01"})
    assert finer.picture.cache_info().misses == made + 1  # of February, for the next one
    assert part.map._picture is finer.picture(grid.next_month(), part.map.projection, part.map.window)
