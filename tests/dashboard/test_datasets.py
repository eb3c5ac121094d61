"""Data sets of the Data page: what is said of them is what they hold, and the series shown are the cube's own."""

from __future__ import annotations

import asyncio
import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dashboard import data_export, datasets
from dashboard.datasets import CubeSet
from dashboard.pages.data_list import card
from dashboard.pages.data_report import ReportPart
from dashboard.pages.data_view import DataView
from dashboard.pages.view import View
from dashboard.report import no_review, report_html, verdict
from dashboard.sites import called, default_site, nearest_site, site_facts, site_name, within
from dashboard.state import State, apply
from hdlcore.data.cubes import open_cube, point_cells, write_cube
from hdlcore.data.review import review
from hdlcore.errors import RequestError


@pytest.fixture(scope="module")
def cube(tmp_path_factory):
    """Three places, two years of days with gaps, one place without a position; runoff observed."""
    days = pd.date_range("2001-01-01", "2002-12-31")
    rng = np.random.default_rng(3)
    flow = (2 + rng.random((days.size, 3))).astype(np.float32)
    flow[100:140, 0] = np.nan
    flow[:60, 1] = np.nan
    flow[300:345, 2] = 1.5
    cells = point_cells(
        np.array([50.0, 10.0, np.nan]), np.array([8.0, -60.0, np.nan]), ["Lahn", "<Orinoco>", "Nowhere"]
    )
    attrs = {"units": "mm d-1", "long_name": "Runoff, observed", "source": "observed", "product": "gauge"}
    daily = xr.Dataset({"runoff_observed": (("time", "cell"), flow, attrs)}, {"time": days, "cell": np.arange(3)})
    path = tmp_path_factory.mktemp("cube") / "three.zarr"
    about = {"kind": "points", "title": "Three gauges", "source": "observed", "attribution": "nobody", "provenance": []}
    provenance = [
        {"file": "three.csv", "sha256": "0" * 64, "product": "gauge", "reader": "catchments", "conversions": []}
    ]
    write_cube(path, cells, daily=daily, attrs=about | {"provenance": provenance})
    return open_cube(path)


@pytest.fixture
def three(cube) -> CubeSet:
    return CubeSet("three", cube)


def test_the_list_says_what_is_held(three: CubeSet) -> None:
    about = three.about
    assert (about.title, about.what, about.origin, about.sites) == ("Three gauges", "Places", "observed", 3)
    assert (about.period, about.generated) == ("2001 to 2002", False)
    assert [(q.name, q.units, q.steps) for q in three.quantities.values()] == [
        ("runoff_observed", "mm d-1", ("daily", "monthly", "season"))
    ]
    assert card(about)["lines"] == ["2001 to 2002 · 3 sites · 1 quantity", "Observed"]
    assert dict(about.facts)["Made of"] == "three.csv, read as catchments"


def test_series_are_the_cubes_own_numbers(three: CubeSet, cube) -> None:
    raw = cube.daily["runoff_observed"].values
    daily = three.series(1, "runoff_observed", "daily")
    np.testing.assert_array_equal(daily.values, raw[:, 1])
    monthly = three.series(2, "runoff_observed", "monthly")
    assert monthly.sizes["time"] == 24
    assert float(monthly[0]) == pytest.approx(raw[:31, 2].mean(), rel=1e-5)
    season = three.series(2, "runoff_observed", "season")
    np.testing.assert_allclose(season[0], monthly.values[[0, 12]].mean(), rtol=1e-5)
    assert season.dims == ("month",)
    with pytest.raises(RequestError, match="no series of 'gpp'"):
        three.series(0, "gpp", "daily")


def test_only_the_record_is_shown_unless_years_are_asked_for(three: CubeSet) -> None:
    series = three.series(1, "runoff_observed", "daily")
    assert str(within(series, None)["time"].values[0])[:10] == "2001-03-02"
    assert within(series, (2001, 2001)).sizes["time"] == 365
    assert within(series, (1990, 1991)).sizes["time"] == 0
    assert within(three.series(0, "runoff_observed", "daily"), None).sizes["time"] == 730, "gaps inside stay"


@pytest.mark.parametrize("step", ["daily", "monthly", "season"])
def test_the_snippet_makes_the_same_numbers(three: CubeSet, step: str, capsys) -> None:
    code = three.snippet(0, "runoff_observed", step).replace("print(series.to_series())", "")
    held: dict = {}
    exec(compile(code, "snippet", "exec"), held)
    np.testing.assert_allclose(held["series"].values, three.series(0, "runoff_observed", step).values)


def test_sites_are_found_by_name_and_place(three: CubeSet, world) -> None:
    assert site_name(three, 0, world) == "Lahn"
    assert [called(name) for name in ("leaf_river", "US-AR1", "lumod_2", "Nordre Strømfjord", "_")] == [
        "Leaf River", "US-AR1", "Lumod 2", "Nordre Strømfjord", "_",
    ]  # fmt: skip
    assert nearest_site(three, 49.0, 9.0) == 0
    assert nearest_site(three, 5.0, 300.0) == 1
    assert site_facts(three, 2) == [("Place", "place not stated")]
    assert default_site(three, int(world["cell"].values[0])) == 0
    with pytest.raises(RequestError, match="not a place"):
        nearest_site(three, 100.0, 0.0)


def test_the_world_is_a_data_set_on_the_chosen_cell(world) -> None:
    sets = datasets.shared()
    held = sets[datasets.WORLD]
    assert next(iter(sets)) == datasets.WORLD
    at = default_site(held, int(world["cell"].values[777]))
    assert int(held.places["cell"].values[at]) == int(world["cell"].values[777])
    np.testing.assert_allclose(
        held.series(at, "tws_observed", "monthly").dropna("time"),
        world["tws_observed"].transpose("time", "cell")[:, 777].dropna("time"),
    )
    assert next(iter(held.quantities)) == "tws_observed"


def test_shipped_sets_are_there_with_their_reviews() -> None:
    sets = datasets.shared()
    assert {"catchments", "towers", "twin-earth"} <= set(sets)
    for name in ("catchments", "towers"):
        found = sets[name].review()
        assert found is not None
        assert found.ok
        assert "served here" not in sets[name].about.marks
        assert sets[name].about.attribution != "not stated"
    twin = sets["twin-earth"]
    assert twin.about.generated
    assert twin.review() is None
    assert "hdl twin" in no_review("twin-earth")


def test_nothing_of_the_twin_is_called_observed() -> None:
    twin = datasets.shared()["twin-earth"]
    for quantity in twin.quantities.values():
        assert "observed" not in quantity.long_name
        assert "GRACE" not in quantity.long_name


def test_the_report_says_what_the_review_says(cube) -> None:
    found = review(cube)
    page = report_html(found)
    assert len(found.minor) == page.count('class="mend"')
    for remark in found.findings:
        assert remark.what.split("<")[0] in page
    assert "<Orinoco>" not in page, "what comes from a file is never taken for HTML"
    assert len(found.minor) >= 1
    assert f"{len(found.minor)} minor remark" in verdict(found)


@pytest.fixture
def data(three: CubeSet, monkeypatch: pytest.MonkeyPatch) -> DataView:
    monkeypatch.setattr(datasets, "shared", lambda: {"three": three})
    return DataView(View(State()))


def test_the_choice_falls_back_with_a_notice(data: DataView) -> None:
    assert (data.data.about.id, data.site, data.step) == ("three", 0, "daily")
    apply(data.state, {"dataset": "gone"})
    assert "'gone'" in data.view.notice
    assert data.data.about.id == "three"
    apply(data.state, {"dataset": "three", "site": 99})
    assert "none with the number 99" in data.view.notice
    assert data.site == 0
    apply(data.state, {"site": 2, "quantity": "runoff_observed", "step": "season"})
    assert (data.site, data.step, data.site_name) == (2, "season", "Nowhere")


def test_series_and_report_are_exported(data: DataView, tmp_path) -> None:
    from dashboard.pages.data_series import CurvePart, SitePart

    apply(data.state, {"site": 0, "years": (2001, 2001)})
    sites = SitePart(data)
    part = CurvePart(data, sites.card)
    assert "11 % of the values are missing" in part.text
    assert sites.card.sentence == part.text
    table = pd.read_csv(data_export.series_csv(data))
    assert list(table.columns) == ["time", "lat", "lon", "place", "variable", "units", "value"]
    assert (len(table), int(table["value"].isna().sum())) == (365, 40)
    file = tmp_path / "series.nc"
    file.write_bytes(data_export.series_netcdf(data).getvalue())
    made = xr.load_dataset(file)
    assert made["runoff_observed"].attrs["units"] == "mm d-1"
    assert made.attrs["place"] == "Lahn"
    report = ReportPart(data)
    assert report.review is not None
    assert json.loads(report.file("json")[2])["ok"] == report.review.ok
    assert report.file("text")[2].decode() == report.review.text()
    rows = dict(data_export.provenance(data))
    assert rows["Source"] == "Observed"
    assert "three.csv" in rows


def test_no_series_in_the_years_is_said_with_the_years_there_are(data: DataView) -> None:
    from dashboard.pages.data_series import CurvePart, SitePart

    part = CurvePart(data, SitePart(data).card)
    apply(data.state, {"years": (1990, 1991)})
    assert "the series runs from 2001 to 2002" in part.note.object
    apply(data.state, {"years": None})
    assert data.series is not None


def test_the_lane_does_its_work_where_no_loop_runs() -> None:
    from dashboard.jobs import Lane

    lane, results = Lane(), []
    lane.start("Working", lambda progress, cancel: 7, results.append)
    assert results == [7]
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()
