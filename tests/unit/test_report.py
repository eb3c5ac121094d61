"""The evaluation report: whole or in parts, it is one well-formed page that asks the network for nothing."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import fields, replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hdlcore.analysis.decomposition import partition_curve
from hdlcore.analysis.seasonal_scores import score_dataset, summary_by_zone
from hdlcore.analysis.uncertainty import distribution_scores
from hdlcore.runtime.report import Calibration, CellMap, Equifinality, Headline, Report, Series
from hdlcore.runtime.report_charts import decimal_years, nice_ticks
from hdlcore.runtime.report_page import number, report_html, write_report

VOID = {"meta", "img", "br"}


class Checker(HTMLParser):
    """Fails on a tag that is closed wrongly; gathers text and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def checked(page: str) -> Checker:
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    return checker


@pytest.fixture(scope="module")
def report() -> Report:
    """A report with every part, of generated numbers."""
    rng = np.random.default_rng(0)
    times = np.arange("2001-01", "2007-01", dtype="datetime64[M]").astype("datetime64[ns]")
    obs = rng.normal(size=(72, 500)) * 20 + 40 * np.sin(np.arange(72) * np.pi / 6)[:, None]
    sim = obs + rng.normal(size=obs.shape) * 10
    arrays = (xr.DataArray(v, dims=("time", "cell"), coords={"time": times}, attrs={"units": "mm"}) for v in (sim, obs))
    scores = score_dataset(*arrays)
    zones, _ = summary_by_zone(scores, np.arange(500) % 2, ["Tropical <wet>", "Arid"])
    names = {"nse_median": "nse", "r_median": "correlation", "rmse_median": "rmse"}
    medians = {
        part: {key: float(scores[name].sel(part=part).median()) for key, name in names.items()}
        for part in ("raw", "msc", "iav")
    }
    pit, gap = rng.random(4000), sim[:, 0].copy()
    gap[5:9] = np.nan
    deficit = rng.uniform(0, 500, 5000)
    lat, lon = np.divmod(np.arange(500), 25)
    return Report(
        title="A <made> model & its scores", model="Made", summary="Generated numbers.", facts={"Forcing": "generated"},
        headlines=[Headline("NSE", 0.83, "target 0.82", True), Headline("CRPS", None, "not yet", False)],
        scores={"tws": medians}, zones={"tws": zones},
        baselines={"zero_anomaly": {"tws": {"msc": {"nse_median": None}}}},
        differences=["Smoother targets."],
        maps=[CellMap("NSE", scores["nse"].sel(part="raw").values, lat - 10.0, lon * 1.0)],
        series=[Series("One cell", times, {"tws": gap, "observed": obs[:, 0]}, "mm", (gap - 9, gap + 9))],
        calibration={"tws": Calibration(pit, distribution_scores(pit, pit), "mm", {"Arid": {}}, {}, pit**2)},
        components={"swe": 0.96}, variance={"all": {"swe": 0.3, "soil_moisture": 0.9, "groundwater": -0.2}},
        partition={"soil": partition_curve(deficit / (deficit + 9), deficit)},
        equifinality=[Equifinality("swe", 0.1, 0.2, 0.3), Equifinality("soil_capacity", contraction=0.7)],
        limits=["Not for floods."], provenance={"weights": "abc"},
    )  # fmt: skip


def test_the_whole_report_is_one_page_without_script_or_network(report: Report) -> None:
    page = report_html(report)
    checker = checked(page)
    assert "<script" not in page and "@import" not in page and "url(" not in page
    assert all(a.startswith(("#", "data:image/png")) for a in checker.addresses)
    words = " ".join(checker.words)
    for said in (
        "A <made> model & its scores",
        "Tropical <wet>",
        "PCR-GLOBWB",
        "JPL mascons",
        "Not for floods",
    ):
        assert said in words
    for svg in re.findall(r"<svg.*?</svg>", page):
        ET.fromstring(svg.replace('aria-hidden="true"', ""))  # well-formed
        assert "nan" not in svg.lower()
    assert len(page) < 400_000


@pytest.mark.parametrize("name", [f.name for f in fields(Report) if f.name != "title"])
def test_any_part_may_be_missing_or_alone(report: Report, name: str) -> None:
    empty = getattr(Report("Only a title"), name)
    without = report_html(replace(report, **{name: empty}))
    alone = report_html(replace(Report("Only a title"), **{name: getattr(report, name)}))
    checked(without)
    checked(alone)
    assert without != report_html(report)


def test_a_title_alone_is_a_page() -> None:
    assert "<section" not in report_html(Report("Nothing yet"))
    checked(report_html(Report("Nothing yet")))


def test_what_is_unknown_is_a_dash_and_draws_nothing() -> None:
    nothing = np.full(24, np.nan)
    times = np.arange("2001-01", "2003-01", dtype="datetime64[M]").astype("datetime64[ns]")
    page = report_html(
        Report(
            "Unknown",
            series=[Series("Empty", times, {"tws": nothing}, "mm", (nothing, nothing))],
            maps=[CellMap("Empty", nothing, nothing, nothing)],
            calibration={"tws": Calibration(nothing, {"crps": float("nan")})},
            variance={"all": {"swe": float("nan")}},
            partition={"soil": partition_curve([], [])},
            equifinality=[Equifinality("swe")],
            scores={"tws": {"raw": {"nse_median": None}}},
        )
    )
    checked(page)
    assert "nan" not in re.sub(r"<style>.*?</style>", "", page, flags=re.S).lower()


def test_every_line_of_a_series_has_a_look_of_its_own(report: Report) -> None:
    (one,) = report.series
    names = ("observed", "tws", "simulated", "swe", "soil_moisture", "groundwater")
    page = report_html(Report("Lines", series=[replace(one, lines=dict.fromkeys(names, one.lines["tws"]))]))
    chart = page[page.index('role="img"') :]
    assert len(set(re.findall(r'class="line ([a-z]+)"', chart))) == len(names)


def test_few_places_are_dots_and_many_a_picture(report: Report) -> None:
    (one,) = report.maps
    few = replace(one, values=one.values[:7], lat=one.lat[:7], lon=one.lon[:7])
    assert report_html(Report("Sites", maps=[few])).count('class="site"') == 7
    assert report_html(Report("World", maps=[one])).count("data:image/png") == 1


def test_the_file_is_written_whole(report: Report, tmp_path: Path) -> None:
    write_report(report, tmp_path / "report.html")
    assert [p.name for p in tmp_path.iterdir()] == ["report.html"]
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == report_html(report)


def test_ticks_are_round_and_within() -> None:
    assert nice_ticks(0, 1) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1.0])
    for low, high in ((-37, 90), (0, 3.3), (1e-3, 7e-3), (-4e5, -1e5)):
        ticks = nice_ticks(low, high)
        assert 3 <= len(ticks) <= 7 and low <= min(ticks) and max(ticks) <= high
    assert nice_ticks(3, 3) == [3] and nice_ticks(np.nan, 1) == []
    np.testing.assert_allclose(decimal_years(np.array(["2004-01-01", "2004-07-02"], "datetime64[D]")), [2004, 2004.5])
    assert number(-0.001) == "0.00"
    assert number(-0.416) == "−0.42" and number(float("nan")) == "–" and number(None) == "–"
