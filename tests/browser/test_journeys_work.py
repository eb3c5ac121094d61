"""Journeys with live work and taking data away: runs of the model, files, the snippet, the same in NetCDF."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from playwright.sync_api import Locator, WebSocketRoute, expect

if TYPE_CHECKING:
    from tests.browser.conftest import Explorer, Watch

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]


def progress(app: Explorer) -> Locator:
    """Bars of jobs under way (the page's own hidden bar of its frame has no name)."""
    return app.page.get_by_role("progressbar", name=re.compile(r"\w")).filter(visible=True)


def test_raw_and_anomaly_run_the_model_live(app: Explorer) -> None:
    """The run, over too soon to see its bar for sure, fills the curves with years; the season comes back at once."""
    app.open("?v=1&at=0.5,38.5")
    app.radio("Raw").click()
    expect(app.curves).to_have_attribute("aria-label", re.compile("Kenya.*ranges over .* mm to .* mm, 2002 to 2007"))
    expect(progress(app)).to_have_count(0)
    expect(app.page).to_have_url(re.compile("series=raw"))
    app.radio("Anomaly").click()
    expect(app.curves).to_have_attribute("aria-label", re.compile("Kenya.*departs from its season by .*2002 to 2007"))
    app.radio("Season").click()
    expect(app.curves).to_have_attribute("aria-label", re.compile("Kenya.*swings by"))
    expect(app.page).not_to_have_url(re.compile("series="))


def saved(app: Explorer, button: str, folder: Path) -> Path:
    """Press a button of the export dialog and keep the file it gives."""
    with app.page.expect_download() as download:
        app.button(button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def number_shown(app: Explorer) -> float:
    """The departure in the sentence, in mm with its sign."""
    found = re.search(r": ([\d.,]+) mm (above|below) its yearly mean", app.sentence.inner_text())
    assert found is not None, app.sentence.inner_text()
    return float(found[1].replace(",", "")) * (1 if found[2] == "above" else -1)


def run_snippet(app: Explorer, folder: Path) -> float:
    """Run the snippet of the export dialog in a Python of its own, away from the repository; what it prints."""
    script = folder / "snippet.py"
    script.write_text(app.page.get_by_role("dialog").get_by_role("code").inner_text(), encoding="utf-8")
    done = subprocess.run([sys.executable, str(script)], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_export_of_a_cell_gives_the_numbers_on_the_screen(app: Explorer, tmp_path: Path) -> None:
    """CSV, NetCDF and snippet agree with the sentence; the picture has the size that was asked for."""
    app.open("?v=1&at=22.5,80.5&t=08")
    shown = number_shown(app)
    app.button("Export").click()
    table = pd.read_csv(saved(app, "Map as CSV", tmp_path))
    assert list(table.columns) == ["time", "lat", "lon", "place", "variable", "units", "value"]
    assert len(table) == app.cells_left() and set(table["units"]) == {"mm"} and set(table["time"]) == {"month 08"}
    here = table[(table["lat"] == 22.5) & (table["lon"] == 80.5)]["value"].item()
    assert abs(here - shown) <= 0.5

    with xr.open_dataset(saved(app, "Map as NetCDF", tmp_path)) as data:
        assert data.attrs["Conventions"].startswith("CF-") and data["tws"].attrs["units"] == "mm"
        np.testing.assert_allclose(data["tws"].values, table["value"].values, rtol=1e-5, atol=1e-4)
        assert int(data["month"]) == 8 and "generated" in data.attrs["comment"].lower()
    curves = pd.read_csv(saved(app, "Curves as CSV", tmp_path))
    with xr.open_dataset(saved(app, "Curves as NetCDF", tmp_path)) as data:
        assert {"tws", "swe", "soil_moisture", "groundwater"} <= set(data.data_vars)
        total = curves[curves["variable"] == "tws"]["value"].to_numpy()
        np.testing.assert_allclose(data["tws"].values, total, rtol=1e-5, atol=1e-4)
        assert abs(total[7] - shown) <= 0.5 and (data["lat"], data["lon"]) == (22.5, 80.5)
        stores = sum(data[name] for name in ("swe", "soil_moisture", "groundwater"))
        np.testing.assert_allclose(stores, data["tws"], atol=0.5)

    app.pick("Width of the pictures", "1200 px, for a page")
    picture = saved(app, "Map as PNG", tmp_path).read_bytes()
    assert picture[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", picture[16:24])
    assert width == 1200 and 500 < height < 1200 and len(picture) > 50_000
    assert abs(run_snippet(app, tmp_path) - shown) <= 0.5


def test_export_of_a_region_gives_its_area_weighted_mean(app: Explorer, tmp_path: Path) -> None:
    """The snippet of a filtered region and the exported cells give the mean in the sentence."""
    app.open("?v=1&of=filter&zone=tropical&lat=-30,5&region=Brazil&t=03")
    shown = number_shown(app)
    app.button("Export").click()
    table = pd.read_csv(saved(app, "Map as CSV", tmp_path))
    assert len(table) == app.cells_left() < 1000
    assert table["lat"].between(-30, 5).all()
    weights = np.cos(np.radians(table["lat"]))  # area of a cell of one degree
    assert abs(np.average(table["value"], weights=weights) - shown) <= 0.5
    assert abs(run_snippet(app, tmp_path) - shown) <= 0.5


def test_a_lost_connection_is_said_and_the_view_comes_back(app: Explorer, watch: Watch) -> None:
    """The line to the server is cut while it does not answer, and a sentence says so; then the view is there again."""
    lines: list[WebSocketRoute] = []
    watch.expected.append(r"ERR_FAILED")  # the page asks for the server until it answers

    def connect(line: WebSocketRoute) -> None:
        line.connect_to_server()
        lines.append(line)

    app.page.route_web_socket(re.compile("/app/ws"), connect)
    app.open("?v=1&at=50.5,10.5&t=08")
    app.page.route("**/liveness", lambda route: route.abort())
    app.page.evaluate("window.before = true")
    lines[-1].close(code=3001, reason="cut by the test")
    expect(app.page.get_by_role("alert").filter(has_text="The connection to the server is lost")).to_be_visible()
    app.page.unroute("**/liveness")
    app.page.wait_for_function("window.before === undefined")
    app.filled()
    expect(app.place).to_contain_text("Germany")
    expect(app.sentence).to_contain_text(", August:")
    expect(app.page).to_have_url(re.compile(r"at=50\.5,10\.5"))
