"""The section "Memory that retraining finds": what ships holds what the paper found, and the figures show it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from bokeh.models import GlyphRenderer
from PIL import Image

from dashboard import retrained
from dashboard.pages.book import MAKERS
from dashboard.pages.view import View
from dashboard.plots.projection import load_projection
from dashboard.plots.retrained import Sampled, memory_climate, memory_curves, memory_map, memory_months
from dashboard.state import History, State, apply
from hdlcore.analysis.retrained_memory import BASE, FULL, PUBLISHED_NSE, PUBLISHED_R2, cell_r2, global_r2, memory_gain
from hdlcore.memory_study.result import read_result


def test_what_ships_is_generated_and_says_by_what_it_was_made() -> None:
    held = retrained.result()
    assert held.attrs["source"] == "generated" and "enerated" in held.attrs["comment"]
    assert {held[name].attrs["source"] for name in ("predicted", "observed", "nse")} == {"generated"}
    for name in ("seed", "recipe", "cube_version", "code_version", "created"):
        assert str(held.attrs[name])


def test_what_is_taken_away_is_what_is_shown(tmp_path: Path) -> None:
    path = tmp_path / "taken.nc"
    path.write_bytes(retrained.netcdf().getvalue())
    xr.testing.assert_identical(read_result(path), retrained.result())


def test_memory_helps_and_more_of_it_hardly_hurts() -> None:
    ours = global_r2(retrained.result())
    gain = memory_gain(ours)
    assert (gain.sel(model=FULL) > 0).all()
    assert float(gain.sel(model=FULL, part="ano")) > 0.1
    short = gain.sel(model=["M_0", "M_1", "M_2", "M_3"], part="ano").values
    assert (np.diff(short) > -0.01).all()
    assert float(gain.sel(model="M_6", part="ano")) > 0.8 * float(gain.sel(model=FULL, part="ano"))


def test_one_driver_remembers_less_than_all() -> None:
    gain = memory_gain(global_r2(retrained.result())).sel(part="ano")
    alone = [str(name) for name in gain["model"].values if " " in str(name) and "+" not in str(name)]
    assert len(alone) == 3
    for name in alone:
        assert float(gain.sel(model=name)) < float(gain.sel(model="M_6"))


def test_the_published_ordering_of_emulators_comes_out() -> None:
    held = retrained.result()
    raw = held["nse"].sel(part="raw")
    medians = raw.median("emulation_cell")
    order = [float(medians.sel(emulator=name)) for name in PUBLISHED_NSE]
    assert order == sorted(order, reverse=True)
    means = raw.where(held["emulation_swing"] >= 0.2).mean("emulation_cell")
    of_means = [float(means.sel(emulator=name)) for name in PUBLISHED_NSE]
    assert of_means == sorted(of_means, reverse=True)
    # the memory was learned: with the weather alone the recurrent network is nearly as good as with soil moisture
    assert order[0] - order[1] < 0.05
    assert order[1] - order[2] > 0.05


def test_most_memory_of_anomalies_is_significant_where_it_is_large() -> None:
    found = retrained.findings("ano")
    assert found.test is not None
    assert found.test.significant.mean() > 0.05
    assert np.nanmedian(found.memory[found.test.significant]) > np.nanmedian(found.memory[~found.test.significant])


@pytest.mark.parametrize("part", retrained.PARTS)
@pytest.mark.parametrize("dark", [False, True])
def test_figures_draw_what_was_found(part: str, dark: bool, world: xr.Dataset) -> None:
    found, held = retrained.findings(part), retrained.result()
    curves = memory_curves(found.steps, found.curves, dark, retrained.sentence(part))
    assert found.steps == ("0", "1", "2", "3", "4", "5", "6", "all")
    assert [line.name for line in found.curves] == ["All cells", "Tropical", "Arid", "Temperate", "Cold", "Polar"]
    assert all(line.values[0] == 0 for line in found.curves)  # Mem of M_0
    assert curves.text == retrained.sentence(part)
    for at, line in enumerate(found.curves):
        np.testing.assert_array_equal(curves.tables["steps"][f"y{at}"], line.values)
    boxes = memory_climate(found.climate, found.limit, dark, "by climate").tables["boxes"]
    assert len(boxes["color"]) == np.isfinite(found.climate.median).sum() > 10
    if part == "msc":
        assert found.test is None and not found.months
        return
    assert len(memory_months(found.months, dark, "by month").tables["year"]["y1"]) == 12
    assert found.test is not None
    lat = world["lat"].values.astype(np.float32)
    projection = load_projection("equal_earth", lat.size, lat.tobytes())
    at = projection.forward(held["lon"].values.astype(float), held["lat"].values.astype(float))
    drawn = memory_map(Sampled(projection, *at, found.memory, found.test.significant, found.limit), dark, "map")
    dots = sum(len(r.data_source.data["x"]) for r in drawn.select(GlyphRenderer) if hasattr(r.glyph, "size"))
    assert dots == np.isfinite(found.memory).sum()


def test_tables_stand_beside_the_published_figures() -> None:
    text = retrained.r2_table() + retrained.emulation_table() + retrained.driver_table()
    for pair in [*PUBLISHED_NSE.values()]:
        assert all(f"<td>{x:.2f}</td>" in text for x in pair)
    for pair in PUBLISHED_R2.values():
        assert all(f"<td>{x:.3f}</td>" in text for x in pair)
    assert text.count("generated") >= 2 and "Precipitation" in text
    ours = cell_r2(retrained.result()).sel(model=BASE)
    assert np.isfinite(ours).any("cell").all()


@pytest.mark.parametrize(("part", "count"), [("ano", 2), ("msc", 1)])
def test_the_curves_are_a_table_too(part: str, count: int) -> None:
    tables, found = retrained.curve_tables(part), retrained.findings(part)
    assert len(tables) == count
    for line in found.curves:
        cells = "".join(f"<td>{x:.3f}</td>".replace("-", "−") for x in line.values)
        assert f">{line.name}</th>{cells}" in tables[0]


def test_what_is_shown_of_it_goes_out_as_a_picture() -> None:
    """None before it is asked for; then the curves and boxes of the series that is looked at, marked as generated."""
    state = State()
    apply(state, {"page": "memory"})
    page = MAKERS["memory"](View(state), History(state))
    for step in page.steps():
        step()
    label, where = "Memory that retraining finds, as PNG", "Memory that retraining finds, map as PNG"
    assert not {label, where} & set(page.pictures())
    page._retrained._toggle()
    for told in (label, where):
        name, make = page.pictures()[told]
        assert name.startswith("generated-") and Image.open(make(600)).width == 600
    count = len(page._retrained.panels)
    page._retrained._choose("msc")
    assert where not in page.pictures()
    assert 0 < len(page._retrained.panels) < count, "the seasons of the mean year have no months to tell"
