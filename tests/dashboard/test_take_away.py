"""What every page gives to take away: tidy tables, CF files, pictures of the width asked for, Python that runs."""

from __future__ import annotations

import json
import re
from io import BytesIO
from typing import Any

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from PIL import Image

from dashboard import tidy
from dashboard.pages.book import MAKERS
from dashboard.pages.view import View
from dashboard.plots.paper import Panel, svg
from dashboard.plots.reading import Boxes
from dashboard.plots.sheet import Drawing, Mark
from dashboard.state import PAGES, History, State, apply
from dashboard.theme import LIGHT

AT = 94 * 360 + 117
#: Page -> a view of it that answers quickly.
VIEWS: dict[str, dict[str, Any]] = {
    "explore": {"variable": "swe"},
    "memory": {},
    "why": {"way": "gradient_x_input", "trial": True},
    "whatif": {"scenario": "precipitation*0.5@2004-01-01..2004-12-31"},
    "trust": {},
    "compare": {"variable": "swe", "climate_zones": (1, 2), "focus": "filter"},
    "learn": {},
    "data": {"dataset": "catchments", "site": 5, "years": (1985, 1986)},
}


@pytest.fixture(scope="module")
def pages() -> dict[str, Any]:
    """Every page, made as for a visitor, on its view."""
    made = {}
    for name, values in VIEWS.items():
        state = State()
        apply(state, {"page": name, "cell": AT, **values})
        page = made[name] = MAKERS[name](View(state), History(state))
        for step in page.steps():
            step()
    return made


def test_every_page_is_looked_at() -> None:
    assert list(VIEWS) == list(PAGES)


@pytest.mark.parametrize("name", VIEWS)
def test_tables_are_tidy_and_files_reopen_with_units(pages: dict[str, Any], name: str, tmp_path) -> None:
    kinds = set()
    for label, (file, _, make) in pages[name].files().items():
        kind, made = file.rsplit(".", 1)[-1], make().getvalue()
        kinds.add(kind)
        if kind == "csv":
            columns = list(pd.read_csv(BytesIO(made), nrows=5).columns)
            assert tuple(columns[:4]) == tidy.FIRST and tuple(columns[-3:]) == tidy.LAST, label
        elif kind == "nc":
            path = tmp_path / file
            path.write_bytes(made)
            with xr.open_dataset(path) as data:
                assert str(data.attrs["Conventions"]).startswith("CF-"), label
                lacking = [
                    key for key, values in data.data_vars.items() if values.dtype.kind == "f" and not _measured(values)
                ]
                assert not lacking, f"{label}: {lacking} without units"
    assert {"csv", "nc"} <= kinds or name == "learn"


def _measured(data: xr.DataArray) -> bool:
    return any(key in data.attrs for key in ("units", "flag_values"))


@pytest.mark.parametrize("name", VIEWS)
def test_pictures_have_the_width_asked_for(pages: dict[str, Any], name: str) -> None:
    pictures = pages[name].pictures()
    assert pictures or name == "learn"
    for label, (file, make) in pictures.items():
        png = make(600).getvalue()
        assert png[:8] == b"\x89PNG\r\n\x1a\n" and file.endswith(".png"), label
        assert int.from_bytes(png[16:20], "big") == 600, label


@pytest.mark.parametrize("name", [name for name in VIEWS if name != "learn"])
def test_a_pointer_reads_numbers_of_every_drawing(pages: dict[str, Any], name: str) -> None:
    """What is told is there to be read: as many places as values, every number drawn has a name of its own."""
    page = pages[name]
    parts = [part for part in vars(page).values() if hasattr(part, "panels")]
    parts += [part for _, part, _ in page._drawn.values()] if name == "trust" else []
    drawings = [drawing for part in parts for panel in part.panels for drawing in panel.drawings]
    assert any(drawing.reads for drawing in drawings)
    for drawing in drawings:
        assert drawing.reads or name == "trust", drawing.text  # rows of dots say their numbers beside them
        for read in drawing.reads:
            told, table = json.loads(json.dumps(read.told(drawing.marks))), drawing.tables[read.table]
            if isinstance(read, Boxes):
                assert len(told["down"]) * len(told["across"]) == len(table["value"]) == len(table["left"])
                continue
            assert told["units"] and len({name for _, name, *_ in told["rows"]}) == len(read.columns) > 0
            for column, _, color, below in told["rows"]:
                assert len(table[column]) == len(table[read.at]), column
                assert color or column in ("did", "observed"), column
                assert not below or below in table


@pytest.mark.parametrize("name", ["explore", "memory", "trust", "compare"])
def test_a_page_with_a_map_gives_it_as_a_picture(pages: dict[str, Any], name: str) -> None:
    """With land in the colours of the legend, not an empty globe."""
    (make,) = [make for label, (_, make) in pages[name].pictures().items() if label in ("Map as PNG", "Maps as PNG")]
    drawn = Image.open(make(600)).convert("RGB")
    assert len(drawn.getcolors(1 << 20) or []) > 300


def _picture(page: Any, label: str, width: int = 600) -> Image.Image:
    return Image.open(page.pictures()[label][1](width)).convert("RGB")


def test_the_map_of_carriers_goes_out_with_a_key_of_the_stores(pages: dict[str, Any]) -> None:
    """In the colours of the stores, which the key names; not in those of the measure before it."""
    page = pages["memory"]
    before = _picture(page, "Map as PNG")
    apply(page.view.state, {"measure": "carrier"})
    try:
        drawn, key = _picture(page, "Map as PNG"), page._map.key
    finally:
        apply(page.view.state, {"measure": "memory_time"})
    shown = {color for _, color in drawn.getcolors(1 << 20)}
    assert {"Groundwater", "Soil"} <= {entry.label.split()[0] for entry in key.keys} and key.bar is None
    leads = max(key.keys, key=lambda entry: int(entry.label.split()[-2]))
    assert tuple(bytes.fromhex(leads.color[1:])) in shown and drawn.tobytes() != before.tobytes()
    assert _picture(page, "Map as PNG").tobytes() == before.tobytes()


def test_maps_of_the_truth_go_out_beside_those_of_the_model() -> None:
    """Of a model trained on the twin, marked as generated; none of another."""
    labels = {"Truth beside model as PNG", "Memory in truth and as attributed, as PNG"}
    state = State()
    apply(state, {"page": "trust", "model": "global-twin"})
    page = MAKERS["trust"](View(state), History(state))
    for step in page.steps():
        step()
    for label in labels:
        name, _ = page.pictures()[label]
        assert name.startswith("generated-") and len(_picture(page, label).getcolors(1 << 20)) > 300
    apply(state, {"model": "global-grace"})
    assert not labels & set(page.pictures())


def test_the_map_of_the_places_shows_them_and_the_chosen_one(pages: dict[str, Any]) -> None:
    page, label = pages["data"], "Map of the places as PNG"
    first = _picture(page, label)
    assert tuple(bytes.fromhex(LIGHT["accent"][1:])) in {color for _, color in first.getcolors(1 << 20)}
    apply(page.view.state, {"site": 0})
    try:
        assert _picture(page, label).tobytes() != first.tobytes()
    finally:
        apply(page.view.state, {"site": VIEWS["data"]["site"]})


def _ran(page: Any, capsys: pytest.CaptureFixture[str]) -> tuple[dict[str, Any], str]:
    """What the names of a page's snippet hold when it has run, and what it printed."""
    held: dict[str, Any] = {}
    exec(compile(page.snippet(), "snippet", "exec"), held)
    return held, capsys.readouterr().out


@pytest.mark.parametrize("name", ["explore", "memory", "trust"])
def test_the_snippet_of_a_page_prints_numbers(pages: dict[str, Any], name: str, capsys) -> None:
    _, said = _ran(pages[name], capsys)
    assert re.search(r"\d\.\d", said)


def test_the_snippet_of_why_is_the_story(pages: dict[str, Any], capsys) -> None:
    held, said = _ran(pages["why"], capsys)
    np.testing.assert_allclose(held["answer"]["attribution"], pages["why"].why.story.answer["attribution"], rtol=1e-6)
    assert "deletion" in said


def test_the_snippet_of_what_if_is_the_difference(pages: dict[str, Any], capsys) -> None:
    held, _ = _ran(pages["whatif"], capsys)
    runs, name = pages["whatif"].experiment.runs, pages["whatif"].experiment.quantity
    np.testing.assert_allclose(held["difference"], runs.difference[name], atol=1e-3)


def test_the_snippet_of_data_is_the_series(pages: dict[str, Any], capsys) -> None:
    held, _ = _ran(pages["data"], capsys)
    shown = pages["data"].data.series
    np.testing.assert_allclose(held["series"].sel(time=shown["time"]), shown, rtol=1e-6)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"other_model": "observed", "variable": "tws"},
        {"other_model": "twin-earth", "region": "Brazil", "latitude": (-20.0, 0.0)},
        {"compare": "month", "other_time": "11", "departure": False},
        {"compare": "cell", "other_cell": AT + 10, "climate_zones": (), "focus": "cell"},
        {"compare": "member", "climate_zones": (), "focus": "cell", "member": 1, "other_member": 2},
        {"compare": "scenario", "climate_zones": (), "focus": "cell", "scenario": "air_temperature+2"},
    ],
    ids=["model", "observed", "filter", "month", "cell", "member", "scenario"],
)
def test_the_snippet_of_a_comparison_is_what_is_compared(values: dict[str, Any], capsys) -> None:
    state = State()
    apply(state, {"page": "compare", "cell": AT, **VIEWS["compare"], **values})
    page = MAKERS["compare"](View(state), History(state))
    held, said = _ran(page, capsys)
    found = [float(number) for number in re.findall(r"-?\d+\.\d*(?:e-?\d+)?", said)]
    both = page.comparison
    if state.compare in ("model", "month"):
        assert found == [pytest.approx(both.agreement()["mean"], rel=1e-3, abs=1e-4)]
    elif state.compare == "cell":
        area = both.view.world["area"].values
        shown = [side.at_place(np.array([side.position]), area) for side in (both.left, both.right)]
        assert found == pytest.approx(shown, abs=1e-3)
    elif state.compare == "member":
        shown = np.stack([side.season["tws"] for side in (both.left, both.right)])
        made = held["season"] - held["season"].mean("month")
        np.testing.assert_allclose(made.transpose("member", "month"), shown, atol=1e-2)
    else:
        shown = np.concatenate([side.season["tws"] for side in (both.left, both.right)])
        assert found == pytest.approx(shown, abs=0.05)


def test_paper_shows_every_kind_of_mark_and_refuses_what_it_does_not_know() -> None:
    line = {"x": "x", "y": "y", "line_color": "#123456"}
    table = {"line": {"x": np.arange(4.0), "y": np.array([0.0, 1.0, np.nan, 2.0])}}
    drawing = Drawing(table, [Mark("line", "line", line)], (0, 3), (0, 2), 100, y_label="mm")
    drawn = svg([Panel([drawing])], "A line & more")
    assert "#123456" in drawn and 'aria-label="A line &amp; more"' in drawn
    odd = Drawing(table, [Mark("wedge", "line", line)], (0, 3), (0, 2), 100)
    with pytest.raises(NotImplementedError, match="wedge"):
        svg([Panel([odd])], "")
