"""Memory without a browser: cubes and live answers agree, boxes filter and are filtered, what cannot be is said."""

from __future__ import annotations

import asyncio

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard import engine, links, memory, memory_export
from dashboard.memory import Wanted, box_of, box_span, live_heat, showing
from dashboard.pages.memory_heat import versus
from dashboard.pages.memory_view import Memory
from dashboard.pages.view import View
from dashboard.plots.heatmap import figure_html, marks_of, row_marks, row_names
from dashboard.state import REACH, State, apply
from dashboard.summary import memory_sentence
from dashboard.tables import memory_table
from hdlcore.attribution.cubes import AXES, ROWS, cube_heat, cube_share, heat_agreement, heat_time
from hdlcore.attribution.lags import lag_bins
from hdlcore.errors import RequestError

ALL = Wanted("driver", False, "")


def _page(**values: object) -> Memory:
    state = State()
    apply(state, {"page": "memory", **values})
    return Memory(View(state))


@pytest.fixture(scope="module")
def fields(world) -> xr.Dataset:
    """What the shipped model knows of all land."""
    return View(State()).fields


@pytest.mark.parametrize("rows", list(AXES))
def test_a_heatmap_of_all_land_is_the_area_weighted_mean_of_the_cells(world, fields, rows: str) -> None:
    area, zones = world["area"].values, memory.zones_of(world)
    of = np.arange(0, world.sizes["cell"], 7)
    heat = cube_heat(fields, rows, of, area, zones=zones)
    assert heat.dims == ("lag_bin", AXES[rows]) and heat.attrs["units"] == "mm"
    cube = {"driver": "attribution_size", "month": "attribution_month", "carrier": "carriers"}.get(rows)
    if cube:
        axis = AXES[rows]
        lag = "carrier_lag" if rows == "carrier" else "lag_bin"
        values = fields[cube].transpose(lag, axis, "cell").values[..., of].astype(float)
        np.testing.assert_allclose(heat, np.average(values, axis=-1, weights=area[of].astype(float)), rtol=1e-4)
    else:
        every = fields["attribution_size"].sum("forcing").transpose("lag_bin", "cell").values
        arid = of[zones[of] == "arid"]
        wanted = np.average(every[:, arid], axis=1, weights=area[arid].astype(float))
        np.testing.assert_allclose(heat.sel(zone="arid"), wanted, rtol=1e-4)
    alone = cube_heat(fields, rows, of[:1], area, zones=zones)
    assert np.isfinite(alone).all() and alone.sizes["lag_bin"] == heat.sizes["lag_bin"]


def test_zones_by_quarter_are_means_of_their_months(world, fields) -> None:
    area, zones, of = world["area"].values, memory.zones_of(world), np.arange(world.sizes["cell"])
    by_quarter = [cube_heat(fields, "zone", of, area, True, months, zones) for months in
                  [memory.QUARTER_MONTHS[name] for name in ("djf", "mam", "jja", "son")]]  # fmt: skip
    year = cube_heat(fields, "zone", of, area, zones=zones)
    np.testing.assert_allclose(sum(by_quarter) / 4, year, rtol=0.03, atol=0.05)


@pytest.mark.parametrize(
    ("rows", "names", "first", "last"),
    [("driver", ("precipitation",), 90, 364), ("month", ("6", "7"), 0, 30), ("zone", ("cold",), 90, 364),
     ("carrier", ("groundwater",), 180, 365)],
)  # fmt: skip
def test_the_cells_that_show_a_box_hold_more_of_it_than_the_land(world, fields, rows, names, first, last) -> None:
    box = (rows, names, first, last)
    mask = showing(box, fields, world)
    share = cube_share(fields, rows, names, first, last, memory.zones_of(world)).values
    assert 0 < mask.sum() < mask.size
    assert np.nanmin(share[mask]) >= np.nanmax(np.where(mask, np.nan, share)) - 1e-6
    known = np.isfinite(share)
    assert ((share[known] >= 0) & (share[known] <= 1 + 1e-6)).all()
    if rows == "zone":
        assert set(memory.zones_of(world)[mask]) == {"cold"}


def test_a_brushed_box_filters_the_map_and_the_heatmap_follows() -> None:
    page = _page(rows="driver")
    before, heat = page.view.selection.mask.sum(), page.own.heat
    box = box_of(heat, "driver", 0, 0, 11, 14)
    assert box == ("driver", ("precipitation",), 90, 364)
    assert box_span(heat, "driver", box) == ([0], 11, 14)
    apply(page.state, {"memory_box": box, "focus": "filter"})
    left = page.view.selection
    assert 0 < left.mask.sum() < before and left.label == "Memory: precipitation, 90 to 364 days back"
    old = slice(11, 15)
    of_land = _page(latitude=(-90.0, 90.0), focus="filter").own.heat
    share = [float(one.isel(lag_bin=old, forcing=0).sum() / one.sum()) for one in (page.own.heat, of_land)]
    assert share[0] > share[1], "these cells hold more of the box than the land does"
    apply(page.state, {"memory_box": None, "focus": "cell"})
    assert page.view.selection.mask.all()
    np.testing.assert_array_equal(page.own.heat, heat)


def test_filters_of_the_map_filter_the_heatmap() -> None:
    page = _page(rows="zone", climate_zones=(2, 4), focus="filter")
    assert list(page.own.heat["zone"].values) == ["arid", "cold"]
    apply(page.state, {"values": None, "climate_zones": (4,)})
    assert list(page.own.heat["zone"].values) == ["cold"]


@given(
    st.sampled_from(["driver", "carrier"]), st.integers(-3, 9), st.integers(-3, 9), st.integers(-3, 30),
    st.integers(-3, 30),
)  # fmt: skip
@settings(deadline=None, max_examples=50)
def test_any_drag_is_a_box_of_the_heatmap_and_comes_back_from_its_link(rows, low, high, first, last) -> None:
    start, end = lag_bins(365)
    names = {"driver": ["precipitation", "air_temperature"], "carrier": ["swe", "groundwater", "hidden_state"]}[rows]
    coords = {"lag_start": ("lag_bin", start), "lag_end": ("lag_bin", end), AXES[rows]: names}
    heat = xr.DataArray(np.ones((start.size, len(names))), coords, ("lag_bin", AXES[rows]))
    box = box_of(heat, rows, low, high, first, last)
    at, one, other = box_span(heat, rows, box)
    assert [names[i] for i in at] == list(box[1]) and one <= other
    found = links.decode(links.encode({"memory_box": box}))
    assert found.values["memory_box"] == box and not found.notices


@pytest.mark.parametrize("text", ["driver,precipitation,90", "driver,x y,1,2", "month,13,0,9", "zone,cold,9,2",
                                  "row,a,1,2", "driver,precipitation,1,99999"])  # fmt: skip
def test_a_bad_box_in_a_link_is_dropped_alone(text: str) -> None:
    found = links.decode(f"v=1&box={text}&rows=month")
    assert found.values == {"rows": "month"} and len(found.notices) == 1


def _bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """The twin-trained model as one that brings no lag cubes, as a model of one's own may."""
    get = engine.get_fields
    cubes = [*ROWS.values(), "attribution"]

    def without(source: str) -> tuple[xr.Dataset | None, str]:
        found, problem = get(source)
        return (found.drop_vars(cubes, errors="ignore") if source == "global-twin" and found else found), problem

    monkeypatch.setattr(engine, "get_fields", without)


@pytest.fixture(scope="module")
def live() -> Memory:
    """One cell of a model that brings no cube, and the truth beside it."""
    with pytest.MonkeyPatch.context() as patch:
        _bare(patch)
        return _page(model="global-twin")


def test_a_model_without_a_cube_says_so_and_answers_live_beside_the_truth(
    live: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    _bare(monkeypatch)
    assert live.own.live is not None and live.own.lane.error == "" and live.other.source == "twin-earth"
    assert live.own.live.sizes["time"] == -(-365 // memory.FINE), "the finer answer followed the coarse one"
    assert set(live.own.heat["forcing"].values) == set(live.other.heat["forcing"].values)
    assert -1 <= heat_agreement(live.own.heat, live.other.heat) <= 1
    assert heat_agreement(live.own.heat, live.own.heat) == pytest.approx(1)
    crowd = _page(model="global-twin", climate_zones=(1,), focus="filter")
    assert crowd.own.heat is None and "brings no lag cubes of all land; choose one cell" in crowd.own.why
    assert crowd.other.heat is not None, "the truth of the region is known"
    assert "climate zones cannot be set side by side" in _page(model="global-twin", rows="zone").own.why


def test_live_answers_keep_months_and_sums(live: Memory) -> None:
    answer = live.own.live
    months = live_heat(answer, Wanted("month", False, ""))
    assert list(months["month"].values) == list(range(1, 13))
    summer = live_heat(answer, Wanted("driver", False, "jja"))
    size = abs(answer["attribution"]).sel(time=answer["time.month"].isin([6, 7, 8])).mean("time")
    assert float(summer.sum()) == pytest.approx(float(size.sum()), rel=1e-4)
    with pytest.raises(RequestError, match="No day of this answer"):
        live_heat(answer.isel(time=slice(0, 1)), Wanted("driver", False, "jja"))


def test_the_region_of_a_twin_trained_model_stands_beside_the_truth() -> None:
    crowd = _page(model="global-twin", climate_zones=(4,), focus="filter")
    assert crowd.own.live is None and crowd.other.live is None
    assert heat_agreement(crowd.own.heat, crowd.other.heat) > 0.8
    assert _page(model="twin-earth", climate_zones=(4,), focus="filter").other.source == "global-twin"


def test_what_the_cubes_cannot_tell_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    _bare(monkeypatch)
    crowd = {"climate_zones": (1,), "focus": "filter"}
    assert "without a sign" in _page(rows="month", signed=True, **crowd).own.why
    assert "drivers for the whole year only" in _page(rows="driver", quarter="djf", **crowd).own.why
    assert "sign for the whole year only" in _page(rows="zone", quarter="djf", signed=True).own.why
    assert "Of many cells the lag cubes are shown" in _page(reach="two", **crowd).own.why
    gone = _page(model="global-twin", memory_box=("driver", ("precipitation",), 90, 364), focus="filter")
    assert gone.state.memory_box is None and "the chosen box of the heatmap was dropped" in gone.view.notice
    odd = _page(memory_box=("driver", ("wind_speed",), 90, 364), focus="filter")
    assert odd.state.memory_box is None and "no rows wind_speed" in odd.view.notice


def test_a_question_cancelled_midway_leaves_the_heatmap_as_it_was_and_can_be_asked_again() -> None:
    async def journey() -> Memory:
        page = _page(cell=51 * 360 + 200)
        heat, lane = page.own.heat, page.own.lane
        apply(page.state, {"method": "expected_gradients"})
        while not lane.fraction:
            await asyncio.sleep(0.005)
        lane.cancel()
        while lane._tasks:
            await asyncio.sleep(0.005)
        np.testing.assert_array_equal(page.own.heat, heat)
        assert page.own.live is None and not lane.running and lane.error == "" and page.can_ask
        return page

    page = asyncio.run(journey())
    apply(page.state, {"method": "gradient_x_input"})
    assert page.own.live.attrs["method"] == "gradient_x_input"
    apply(page.state, {"method": "integrated_gradients"})
    assert page.own.live is None, "that of the cubes"


def test_carriers_of_a_twin_trained_model_stand_beside_what_the_twins_stores_truly_carried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(REACH, "year", 60)
    page = _page(model="global-twin", cell=25 * 360 + 280, rows="carrier")
    assert page.own.live is not None and page.other.live is not None
    shared = set(page.own.heat["carrier"].values) & set(page.other.heat["carrier"].values)
    assert shared == {"swe", "groundwater"}, "the model splits the soil otherwise than the twin"
    assert versus(page.own, page.other).startswith("Rank correlation of the boxes")


def test_the_sentence_the_marks_and_the_table_tell_the_same(world, fields) -> None:
    of, area = np.arange(world.sizes["cell"]), world["area"].values
    for rows in AXES:
        heat = cube_heat(fields, rows, of, area, zones=memory.zones_of(world))
        text = memory_sentence(heat, "All land")
        assert text.startswith("All land: ") and "the memory of stored water" in text
        length, texts = row_marks(heat)
        assert length.max() == pytest.approx(1) and len(texts) == heat.shape[1] == len(row_names(heat))
        table = memory_table(heat, "Memory")
        assert table.count("<tr>") == heat.sizes["lag_bin"] + 1 and "(mm)" in table
        assert figure_html(heat, False, "All land").count("<td") == heat.size
        assert marks_of(heat["lag_start"].values, heat["lag_end"].values)[-1][1] == "1 year"
    assert 0 < heat_time(cube_heat(fields, "driver", of, area)) < 365


def test_the_memory_goes_out_as_tidy_table_and_netcdf(live: Memory, tmp_path) -> None:
    table = pd.read_csv(memory_export.heat_csv(live))
    assert set(table["variable"]) == {"memory_global_twin", "memory_twin_earth"} and set(table["units"]) == {"mm"}
    own = table[table["variable"] == "memory_global_twin"]
    assert own["value"].sum() == pytest.approx(float(live.own.heat.sum()), rel=1e-4)
    path = tmp_path / "memory.nc"
    path.write_bytes(memory_export.heat_netcdf(live).read())
    with xr.open_dataset(path) as data:
        assert data["memory_twin_earth"].attrs["source"] == "generated" and data["lag_start"].attrs["units"] == "d"
    compile(memory_export.snippet(live), "snippet", "exec")


def test_the_snippet_makes_the_heatmap_on_the_screen() -> None:
    page = _page(rows="zone", climate_zones=(5,), focus="filter")
    code = memory_export.snippet(page)
    found: dict[str, object] = {}
    exec(code, found)
    np.testing.assert_allclose(found["heat"], page.own.heat, rtol=1e-5)


def test_the_map_names_its_carriers(fields, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = _page()
    lead = memory.measure("carrier", 3, fields)
    carried = fields["carriers"].sel(carrier_lag=3).transpose("carrier", "cell").values
    known = np.isfinite(lead)
    np.testing.assert_array_equal(carried.argmax(0)[known], lead[known])
    path = tmp_path / "map.nc"
    path.write_bytes(memory_export.map_netcdf(page.view, 3).read())
    with xr.open_dataset(path) as data:
        assert "groundwater" in data["leading_carrier"].attrs["flag_meanings"] and "memory_time" in data
    _bare(monkeypatch)
    assert memory.measure("carrier", 3, _page(model="global-twin", rows="zone").view.fields) is None
