"""The section "Add a variable" of the docs, followed word for word: one line, then map, legend, series, files, link."""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dashboard import export, links, whatif_export
from dashboard.pages.experiment import Experiment
from dashboard.pages.explore_map import MapPart
from dashboard.pages.view import View
from dashboard.state import State, apply
from dashboard.whatif import tiles
from hdlcore import variables
from hdlcore.variables import VARIABLES, with_derived

DOCS = (Path(__file__).parents[2] / "docs" / "pages.md").read_text(encoding="utf-8")
NAME = "water_input"


def _block(file: str) -> str:
    found = re.search(rf"```python\n# {re.escape(file)}\n(.*?)```", DOCS, re.S)
    assert found is not None
    return found.group(1)


@pytest.fixture(scope="module", autouse=True)
def line() -> Iterator[None]:
    """The line stands in the table for as long as these tests last; the fields are read anew with it and without."""
    from dashboard import engine

    with pytest.MonkeyPatch.context() as patch:
        entry = eval(_block("hdlcore/variables.py"), dict(vars(variables)))
        assert entry.name == NAME and NAME not in VARIABLES, "the page says that this name is new"
        patch.setitem(VARIABLES, NAME, entry)
        for cache in (engine.get_engine, engine.get_models, engine.get_fields):
            cache.cache_clear()
        yield
    for cache in (engine.get_engine, engine.get_models, engine.get_fields):
        cache.cache_clear()


@pytest.fixture(scope="module")
def view() -> View:
    state = State()
    apply(state, {"variable": NAME, "departure": False, "time": "05"})
    return View(state)


def test_the_map_is_there_with_its_legend(view: View) -> None:
    assert view.notice == "" and view.shown_variable == NAME
    assert view.choices["Water fluxes"]["Rain and meltwater"] == NAME
    assert view.fields is not None
    parts = view.fields["rainfall"] + view.fields["snowmelt"]
    np.testing.assert_allclose(view.layer.values, parts.sel(month=5).values, rtol=1e-6)
    part = MapPart(view, lambda text: None)
    legend = part.legend
    assert (legend.units, legend.low, legend.high) == ("mm a day", 0, 12)
    assert "Rain and meltwater in May" in legend.label and len(legend.palette) > 10 and sum(legend.counts) > 14_000
    apply(view.state, {"departure": True})
    assert (view.layer.low, view.layer.high) == (-6, 6) and "departure" in view.title
    assert "more water reaching the ground" in part.keys.object
    apply(view.state, {"departure": False})


def test_what_if_runs_it_and_hands_it_out_with_units(view: View) -> None:
    apply(view.state, {"page": "whatif", "scenario": "precipitation*0.5@2004-01-01..2004-12-31"})
    experiment = Experiment(view)
    runs = experiment.runs
    assert runs is not None and experiment.quantity == NAME
    np.testing.assert_allclose(runs.plain[NAME], runs.plain["rainfall"] + runs.plain["snowmelt"], rtol=1e-5)
    lost = float(runs.difference[NAME].sel(time="2004").sum())
    assert lost == pytest.approx(float(runs.difference["precipitation"].sel(time="2004").sum()), rel=0.05)
    assert next(tile for tile in tiles(runs) if tile["id"] == NAME)["label"] == "Rain and meltwater"
    table = pd.read_csv(whatif_export.runs_csv(experiment))
    assert set(table[table["variable"] == NAME]["units"]) == {"mm d-1"}


def test_files_carry_long_name_and_units(view: View, tmp_path: Path) -> None:
    table = pd.read_csv(export.map_csv(view))
    assert set(table["variable"]) == {NAME} and set(table["units"]) == {"mm d-1"} and len(table) > 14_000
    (tmp_path / "map.nc").write_bytes(export.map_netcdf(view).getvalue())
    data = xr.load_dataset(tmp_path / "map.nc")[NAME]
    assert data.attrs["units"] == "mm d-1" and data.attrs["long_name"] == "Rain and meltwater"


def test_the_snippet_and_the_page_make_the_same_numbers(view: View) -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(export.snippet(view), {})
        exec(compile(_block("look.py"), "docs/pages.md", "exec"), {})
    one, season, days = (float(number) for number in said.getvalue().split())
    assert one == pytest.approx(float(view.layer.values[view.selection.position]), rel=1e-5)
    assert season == pytest.approx(days, rel=0.02)


def test_the_link_knows_it() -> None:
    found = links.decode(f"v=1&var={NAME}")
    assert found.notices == () and found.values["variable"] == NAME


def test_the_twin_has_it_and_a_data_set_that_lacks_a_part_has_not(view: View) -> None:
    apply(view.state, {"model": "twin-earth"})
    assert view.shown_variable == NAME and view.title.endswith("(generated)")
    apply(view.state, {"model": ""})
    lacking = xr.Dataset({"rainfall": ("time", [1.0])})
    assert with_derived(lacking) is lacking
    held = xr.Dataset({"rainfall": ("time", [1.0]), "snowmelt": ("time", [2.0]), NAME: ("time", [9.0])})
    assert float(with_derived(held)[NAME][0]) == 9.0, "what a source gives itself is kept"
