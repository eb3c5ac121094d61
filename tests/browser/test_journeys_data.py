"""Journeys with other worlds and own data: the twin, the Data page, uploads, cubes of one's own."""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from playwright.sync_api import Locator, expect

if TYPE_CHECKING:
    from scripts.app_session import ServerProcess
    from tests.browser.conftest import Explorer, NewExplorer, NewPage

pytestmark = pytest.mark.browser

TWIN = "Twin Earth: the truth"
INDIA = (22.5, 80.5)


class Data:
    """The Data page as one visitor has it."""

    def __init__(self, app: Explorer) -> None:
        self.app, self.page = app, app.page
        self.sets = app.page.get_by_role("radiogroup", name="Data sets")
        self.title = app.page.locator(".datahead").get_by_role("heading", level=2)
        self.curve = app.page.get_by_role("img", name=re.compile(r" goes from | has no value here"))
        self.report = app.page.locator(".report")
        self.map = app.page.get_by_role("img", name=re.compile("^Map of the "))
        self.errors = app.page.get_by_role("alert").filter(visible=True)

    def open(self, query: str = "?page=data") -> Data:
        """Open the page by its address."""
        self.page.goto(self.app._app + query, wait_until="domcontentloaded")
        return self.filled()

    def filled(self) -> Data:
        """Wait until series and report are there."""
        expect(self.curve).to_be_visible()
        expect(self.report.get_by_role("status").or_(self.report.get_by_text("hdl review"))).to_be_visible()
        return self

    def card(self, name: str) -> Locator:
        """The card of a data set by the beginning of its name."""
        return self.sets.get_by_role("radio", name=re.compile(f"^{re.escape(name)}"))

    def upload(self, *files: Path) -> None:
        """Choose files and send them."""
        self.page.locator("input[type=file]").set_input_files(list(files))
        self.page.get_by_role("button", name="Add to my data").click()


@pytest.fixture
def data(app: Explorer) -> Data:
    """A visitor of the Data page."""
    return Data(app)


def brook(folder: Path, days: int = 730) -> list[Path]:
    """A small catchment north of the equator: CSV with a gap of 31 days, and its attributes."""
    path = folder / "brook.csv"
    first = np.datetime64("2001-01-01")
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["date", "precipitation", "air_temperature", "discharge"])
        for day in range(days):
            warm = round(10 - 8 * math.cos(day / 58), 2)
            flow = "" if 100 <= day <= 130 else round(1 + (day * 7 % 13) / 5, 3)
            rows.writerow([first + day, day * 31 % 11, warm, flow])
    about = path.with_suffix(".json")
    about.write_text(json.dumps({"lat": 50.5, "lon": 8.5, "area_km2": 120.0}), encoding="utf-8")
    return [path, about]


def test_the_twin_is_opened_from_the_picker_and_says_that_it_is_generated(app: Explorer, tmp_path: Path) -> None:
    """Map, sentence, curves, heatmap, export and provenance are of the twin, and each says so; the model comes back."""
    app.open()
    app.pick("Model or data", TWIN)
    banner = app.page.get_by_text("Nothing in it was observed").first
    expect(banner).to_be_visible()
    expect(app.page).to_have_url(re.compile("model=twin-earth"))
    expect(app.sentence).to_have_text(re.compile("^Twin Earth, .*Brazil"))
    expect(app.map).to_have_attribute("aria-label", re.compile(r"\(generated\)"))
    expect(app.curves).to_have_attribute("aria-label", re.compile(r"\(generated\): stored water swings"))
    expect(app.memory).to_have_attribute("aria-label", re.compile(r"\(generated\): .* carries \d+ %"))
    expect(app.page.get_by_text("true response, by finite difference")).to_be_visible()
    expect(app.page.get_by_text("Integrated gradients").filter(visible=True)).to_have_count(0)
    app.tap(*INDIA)
    expect(app.place).to_contain_text("India")
    expect(app.memory).to_have_attribute("aria-label", re.compile(r"India.*\(generated\): "))
    app.pick("Quantity", "Gross primary production")
    expect(app.map).to_have_attribute("aria-label", re.compile(r"Gross primary production.*\(generated\)"))

    app.button("Export").click()
    with app.page.expect_download() as got:
        app.button("Map as CSV").click()
    assert "generated" in got.value.suggested_filename
    got.value.save_as(tmp_path / "map.csv")
    table = pd.read_csv(tmp_path / "map.csv")
    assert table["place"].str.contains("generated").all() and set(table["variable"]) == {"gpp_departure"}
    app.page.keyboard.press("Escape")

    app.pick("Model or data", "World water, trained on GRACE")
    expect(banner).to_be_hidden()
    expect(app.sentence).not_to_contain_text("Twin Earth")


def test_the_data_page_shows_a_report_and_a_series_of_the_catchments(data: Data, app: Explorer, tmp_path: Path) -> None:
    """From the bar to a data set by key, its review, a site by name, years, the table, and the files."""
    app.open()
    app.page.get_by_role("navigation", name="Pages").get_by_role("link", name="Data").click()
    expect(app.page).to_have_url(re.compile("page=data"))
    expect(app.page).to_have_title("Data · HDL Explorer")
    data.filled()
    expect(data.title).to_contain_text("World cube")
    card, title = data.card("World cube").bounding_box(), data.title.bounding_box()
    assert card and title and card["x"] + card["width"] <= title["x"], "the list stands left of what is chosen"
    data.card("World cube").focus()
    app.page.keyboard.press("ArrowDown")
    expect(data.title).to_contain_text("Twin Earth")
    app.page.keyboard.press("ArrowDown")
    expect(data.title).to_have_text("Catchments")
    expect(data.report).to_contain_text(re.compile("Accept|revision"))
    expect(data.report).to_contain_text("Completeness")
    app.pick("Site", "Leaf River")
    expect(data.curve).to_have_attribute("aria-label", re.compile(r"^Leaf River: .* goes from .* mm a day \(19"))
    expect(data.map).to_have_attribute("aria-label", re.compile("7 places of Catchments.*Chosen: Leaf River"))
    app.pick("Quantity", "Precipitation")
    expect(data.curve).to_have_attribute("aria-label", re.compile("^Leaf River: precipitation"))
    app.radio("Season").click()
    expect(data.curve).to_have_attribute("aria-label", re.compile(r"\(February\)|\(March\)|\(July\)|\(October\)"))
    app.radio("Daily").click()
    app.fill("Years, from", "1960")
    app.fill("Years, to", "1961")
    expect(app.page).to_have_url(re.compile("years=1960,1961"))
    app.button("The series as a table: table").click()
    expect(app.page.get_by_role("table", name=re.compile("^Precipitation")).get_by_role("row")).to_have_count(25)

    app.button("Export").click()
    with app.page.expect_download() as got:
        app.button("Series as CSV").click()
    got.value.save_as(tmp_path / "series.csv")
    table = pd.read_csv(tmp_path / "series.csv")
    assert (len(table), set(table["place"]), set(table["units"])) == (731, {"leaf_river"}, {"mm d-1"})
    app.page.keyboard.press("Escape")
    with app.page.expect_download() as got:
        app.button("Save the report as JSON").click()
    got.value.save_as(tmp_path / "review.json")
    assert json.loads((tmp_path / "review.json").read_text())["ok"] is True


def test_a_link_to_the_data_page_opens_the_same_view(data: Data, visitor: NewExplorer) -> None:
    """Set, site, quantity, step and years are in the address; back and forward walk between the pages."""
    data.open("?v=1&page=data&set=catchments&site=5&qty=precipitation&step=monthly&years=1960,1970")
    text = data.app.text_of(data.curve)
    assert text.startswith("Leaf River: precipitation") and "196" in text
    data.page.get_by_role("link", name="Explore").first.click()
    data.app.filled()
    expect(data.app.place).to_contain_text("Brazil")
    data.page.evaluate("history.back()")
    expect(data.curve).to_have_attribute("aria-label", text)
    other = Data(visitor()).open("?" + data.page.url.partition("?")[2])
    assert other.app.text_of(other.curve) == text
    gone = Data(visitor()).open("?v=1&page=data&set=own-lost&qty=nonsense")
    expect(gone.page.get_by_text("No data set is called 'own-lost' here")).to_be_visible()
    expect(gone.title).to_contain_text("World cube")


def test_an_uploaded_csv_is_reviewed_and_drawn_and_is_private(data: Data, visitor: NewExplorer, tmp_path: Path) -> None:
    """Two files become a data set with report and series, seen by nobody else, and can be removed again."""
    data.open()
    data.upload(*brook(tmp_path))
    expect(data.title).to_contain_text("brook.csv")
    expect(data.curve).to_have_attribute("aria-label", re.compile(r"^Brook: runoff, observed goes from .*4 % of"))
    expect(data.report).to_contain_text("31 days have no value")
    expect(data.card("brook.csv, yours")).to_have_attribute("aria-checked", "true")
    expect(data.errors).to_have_count(0)
    other = Data(visitor()).open()
    expect(other.card("Catchments")).to_have_count(1)
    expect(other.card("brook.csv")).to_have_count(0)

    data.page.get_by_role("link", name="Explore").first.click()
    data.app.filled()
    data.page.get_by_role("link", name="Data").first.click()
    expect(data.card("brook.csv")).to_have_count(1)
    data.app.button("Remove brook.csv from this session").click()
    expect(data.card("brook.csv")).to_have_count(0)
    expect(data.title).to_contain_text("World cube")


def test_rubbish_is_answered_in_one_sentence_and_the_app_lives(data: Data, tmp_path: Path) -> None:
    """A web page called .nc, an empty file, noise, too large a file: a sentence each, then a good file still works."""
    data.open()
    page, empty, large = tmp_path / "page.nc", tmp_path / "empty.csv", tmp_path / "large.nc"
    page.write_text("<!DOCTYPE html><html><body>Not found</body></html>", encoding="utf-8")
    empty.touch()
    with large.open("wb") as file:
        file.truncate(60_000_000)
    for bad, said in ((page, "page.nc is a web page"), (empty, "empty.csv is empty"), (large, "up to 50 MB")):
        data.upload(bad)
        expect(data.errors).to_have_text(re.compile(said))
        assert "/tmp" not in data.errors.inner_text()
        expect(data.title).to_contain_text("World cube")
    data.upload(*brook(tmp_path))
    expect(data.title).to_contain_text("brook.csv")
    expect(data.errors).to_have_count(0)


def test_an_uploaded_grid_is_in_the_picker_of_its_session(data: Data, tmp_path: Path) -> None:
    """A NetCDF grid is mapped on Explore; what it lacks is said; its curve stands in place of the stores."""
    grid(tmp_path / "europe.nc")
    data.open()
    data.upload(tmp_path / "europe.nc")
    expect(data.title).to_contain_text("europe.nc")
    data.page.get_by_role("link", name="Explore").first.click()
    data.app.filled()
    data.app.pick("Model or data", "europe.nc")
    expect(data.app.map).to_have_attribute("aria-label", re.compile("Air temperature in May|Precipitation in May"))
    expect(data.page.get_by_text("holds no snow, soil moisture or groundwater")).to_be_visible()
    expect(data.page.get_by_text("Data cannot be asked what it remembers")).to_be_visible()
    expect(data.app.sentence).not_to_contain_text("has no value here")
    data.app.radio("Raw").click()
    expect(data.page.get_by_role("img", name=re.compile(r" goes from .* \(2001-"))).to_be_visible()


def grid(path: Path) -> None:
    """Two years of daily temperature and precipitation of Europe, in the units of CF models."""
    lat, lon = np.arange(36.5, 60), np.arange(-9.5, 30)
    time = pd.date_range("2001-01-01", "2002-12-31")
    warm = 283 - 12 * np.cos((np.arange(time.size) - 20) / 365.25 * 2 * np.pi)
    noise = np.random.default_rng(1)
    shape = (time.size, lat.size, lon.size)
    data = xr.Dataset(
        {
            "tas": (
                ("time", "lat", "lon"),
                (warm[:, None, None] + noise.normal(0, 1, shape)).astype("f4"),
                {"units": "K", "standard_name": "air_temperature"},
            ),
            "pr": (
                ("time", "lat", "lon"),
                (noise.gamma(0.5, 5, shape) / 86400).astype("f4"),
                {"units": "kg m-2 s-1", "standard_name": "precipitation_flux"},
            ),
        },
        {
            "time": time,
            "lat": ("lat", lat, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": ("lon", lon, {"units": "degrees_east", "standard_name": "longitude"}),
        },
        {"Conventions": "CF-1.8"},
    )
    data.to_netcdf(path)


@pytest.fixture(scope="module")
def own_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with two cubes of one's own and no uploads."""
    from hdlcore.data.ingest import ingest
    from scripts.app_session import start_server, stop_server

    folder = tmp_path_factory.mktemp("own")
    grid(folder / "europe.nc")
    ingest([folder / "europe.nc"], "cf", folder / "europe.zarr")
    ingest(brook(folder), "catchments", folder / "brook.zarr")
    options = ["--data", str(folder / "europe.zarr"), "--data", str(folder / "brook.zarr"), "--upload-mb", "0"]
    running = start_server(folder, *options)
    yield running
    stop_server(running)


def test_own_cubes_are_served_beside_the_shipped_data(own_server: ServerProcess, new_page: NewPage) -> None:
    """`hdl serve --data A --data B`: both are in the list, the grid is in the picker, uploads are off when asked."""
    from tests.browser.conftest import Explorer

    app = Explorer(own_server, new_page())
    data = Data(app).open("?v=1&page=data&set=brook")
    expect(data.card("brook, served here")).to_have_attribute("aria-checked", "true")
    expect(data.curve).to_have_attribute("aria-label", re.compile("^Brook: runoff, observed"))
    expect(app.page.get_by_text("This server takes no uploads")).to_be_visible()
    expect(app.page.locator("input[type=file]")).to_have_count(0)
    app.page.get_by_role("link", name="Explore").first.click()
    app.filled()
    app.pick("Model or data", "europe (CF grid)")
    expect(app.page).to_have_url(re.compile("model=europe"))
    expect(app.map).to_have_attribute("aria-label", re.compile("in May"))


def test_the_data_page_fits_a_phone(visitor: NewExplorer) -> None:
    """The bar of pages stands under the header; nothing is wider than the screen; a touch chooses a data set."""
    from tests.browser.test_journeys_access import _TOO_WIDE

    app = visitor(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True).open()
    app.page.get_by_role("link", name="Data").filter(visible=True).tap()
    data = Data(app).filled()
    data.card("Catchments").tap()
    expect(data.title).to_have_text("Catchments")
    data.filled()
    app.page.wait_for_timeout(500)
    assert app.page.evaluate("document.documentElement.scrollWidth") <= 390
    assert app.page.evaluate(_TOO_WIDE) == []
    app.radio("Season").tap()
    expect(app.page).to_have_url(re.compile("step=season"))


def test_everything_on_the_data_page_has_a_name(data: Data) -> None:
    """No control or picture is nameless, and no two buttons are named alike."""
    from tests.browser.test_journeys_access import accessible

    data.open("?page=data&set=catchments")
    named = {"button", "textbox", "slider", "combobox", "checkbox", "radio", "link", "image", "img"}
    nodes = accessible(data.app)
    assert [node["role"] for node in nodes if node["role"] in named and not node["name"]] == []
    buttons = [node["name"] for node in nodes if node["role"] == "button"]
    assert len(buttons) == len(set(buttons)), sorted(buttons)
    headings = [node["name"] for node in nodes if node["role"] == "heading"]
    assert len(headings) >= 4 and all(headings)
