"""Trust: what is shown is what the card and the fields say, follows the selection, and leaves out what is missing."""

from __future__ import annotations

import re
import threading
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from dashboard import engine, members, trust, trust_export, truth
from dashboard.pages.book import Book
from dashboard.pages.trust import TrustPage
from dashboard.pages.trust_evaluate import EvaluatePart
from dashboard.pages.trust_members import EachMemberPart
from dashboard.pages.trust_memory import MemoryTruthPart
from dashboard.pages.trust_scores import CalibrationPart, LimitsPart, MembersPart, ScoresPart
from dashboard.pages.trust_split import SplitPart
from dashboard.pages.trust_truth import TruthPart
from dashboard.pages.trust_view import Trust
from dashboard.pages.view import View
from dashboard.selection import number
from dashboard.state import History, State, apply
from dashboard.summary import quantity
from hdlcore.data.twin import TWIN_ID
from hdlcore.errors import Cancelled
from hdlcore.runtime.requests import SimulationRequest


def _trust(**values) -> Trust:
    state = State()
    apply(state, {"page": "trust", **values})
    return Trust(View(state))


def _bare(held: Trust, **changes) -> Trust:
    """The same with another card, as a model trained elsewhere may bring it."""
    assert held.info is not None
    held.info = replace(held.info, card=held.info.card.model_copy(update=changes))
    return held


def test_scores_stand_beside_those_of_every_rival() -> None:
    held = _trust()
    assert held.info is not None
    rows = {row.label: row for row in trust.score_rows(held.info)}
    card = held.info.card
    assert rows["Total storage, season"].own == card.scores["tws"]["msc"]["nse_median"]
    assert set(rows["Total storage, season"].rivals) == {"zero anomaly", "neighbour mean", "bucket"}
    said = trust.headline(held.info, "tws")
    assert "season" in said and "mean of the nearest cells" in said  # the strongest, not the most flattering
    twin = _trust(model="global-twin")
    assert twin.info is not None
    assert {row.name for row in trust.score_rows(twin.info)} == {"tws", "swe", "evapotranspiration", "runoff"}
    assert trust.headline(twin.info, "swe").startswith("Snow, months")


def test_a_score_that_is_chosen_is_the_quantity_of_every_page() -> None:
    held = _trust(variable="groundwater")
    assert held.shown == "tws_nse"  # no score of its own: the first, and the state stays as it is
    apply(held.state, {"variable": "extrapolation"})
    assert held.shown == held.view.layer.variable.name == "extrapolation" and held.target == "tws"
    twin = _trust(model="global-twin", variable="runoff_nse")
    assert twin.target == "runoff" and twin.pairs is not None and "truth" in twin.pairs.seen


def test_zones_are_those_of_the_cells_and_stay_while_one_is_chosen() -> None:
    held = _trust(climate_zones=(2,), latitude=(0.0, 90.0), focus="filter")
    assert held.layer is not None
    world, mask = held.view.world, held.mask_of_zones()
    rows = trust.zone_rows(world, held.layer.values, mask)
    north = world["lat"].values >= 0
    for row in rows:
        part = held.layer.values[north & (world["climate_zone"].values == row["code"])]
        part = part[np.isfinite(part)]
        assert row["count"] == part.size and row["ends"][2] == pytest.approx(np.median(part), abs=1e-6)
        assert row["ends"] == sorted(row["ends"])
    assert held.mask.sum() < mask.sum()


def test_the_density_counts_every_pair_once_and_follows_the_filter() -> None:
    held = _trust()
    pairs = held.pairs
    assert pairs is not None
    counts, low, high = trust.density(pairs, held.mask)
    inside = (pairs.known >= low) & (pairs.known <= high) & (pairs.simulated >= low) & (pairs.simulated <= high)
    assert np.nansum(counts) == inside.sum() > 0.99 * pairs.known.size
    apply(held.state, {"climate_zones": (4,), "focus": "filter"})
    fewer, *ends = trust.density(pairs, held.mask)
    assert tuple(ends) == (low, high) and np.nansum(fewer) < np.nansum(counts)
    nothing = np.zeros_like(held.mask)
    assert not np.isfinite(trust.density(pairs, nothing)[0]).any()
    assert "nothing to compare" in trust.agreement_sentence(pairs, trust.agreement(pairs, nothing), 0, "Nowhere")


def test_a_perfect_model_lies_on_the_line() -> None:
    held = _trust()
    assert held.pairs is not None
    same = replace(held.pairs, simulated=held.pairs.known)
    found = trust.agreement(same, held.mask)
    assert found["r"] == pytest.approx(1) and found["rmse"] == 0 and found["bias"] == 0


def test_the_truth_of_a_real_model_is_nowhere() -> None:
    assert _trust().truth is None
    twin = _trust(model="global-twin", variable="swe_truth_correlation")
    assert twin.truth is not None and twin.pairs is not None and "truth" in twin.pairs.seen
    assert np.nanmax(np.abs(np.nanmean(twin.pairs.known, 0))) < 1e-2  # stores are departures


@pytest.mark.parametrize("model", [TWIN_ID, "mine"])
def test_what_is_no_model_says_so(model: str) -> None:
    held = _trust(model=model)
    if model == TWIN_ID:
        assert "is itself the truth" in held.problem and held.layer is None and held.pairs is None
        assert "no model" in trust_export.snippet(held)
    else:  # an unknown id falls back to the first model
        assert held.problem == "" and held.info is not None


def test_a_bare_card_is_shown_as_bare() -> None:
    held = _bare(_trust(), scores={}, baselines={}, limits=[], split="")
    scores, bands, members, limits = (part(held) for part in (ScoresPart, CalibrationPart, MembersPart, LimitsPart))
    assert "holds no scores" in scores.lead.object
    assert "says nothing of the bands" in bands.note.object and not bands._body.visible
    assert not members._body.visible
    assert "names no limits" in limits.text.object and "does not say how well it closes" in limits.text.object


def test_a_card_of_another_shape_breaks_nothing() -> None:
    odd = {"tws": 0.5, "swe": {"raw": {"nse_median": "good"}}, "uncertainty": [], "mass_balance": {"x": 1}}
    held = _bare(_trust(), scores=odd, baselines={"bucket": 3, "other": {"tws": [1]}})
    assert held.info is not None and trust.score_rows(held.info) == []
    for part in (ScoresPart, CalibrationPart, MembersPart, LimitsPart):
        part(held)


def test_a_model_without_fields_keeps_its_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "get_fields", lambda source: (None, "It brings no precomputed fields."))
    state = State()
    apply(state, {"page": "trust"})
    view = View(state)
    book = Book(view, History(state))
    book.turn()
    page = book.page
    assert isinstance(page, TrustPage) and not view.notice
    assert page._map is not None and page.trust.pairs is None
    assert "no precomputed fields" in page._map.lack.object  # where the map would be
    assert [shown.visible for shown in page._map.layout] == [True, False, False, False, False]
    assert list(page.files()) == ["Scores as CSV"]


def test_scores_go_out_labelled() -> None:
    held = _trust(model="global-twin", climate_zones=(5,), focus="filter")
    table = pd.read_csv(trust_export.cells_csv(held))
    assert set(table["source"]) == {"generated"} and set(table["variable"]) == set(held.names)
    assert len(table) == len(held.names) * held.mask.sum()
    data = trust_export.cells_dataset(held)
    assert data["tws_nse"].attrs["source"] == "generated" and data.sizes["cell"] == held.mask.sum()
    scores = pd.read_csv(trust_export.scores_csv(held))
    assert {"global-twin", "twin-lstm", "twin-bucket"} & set(scores["model"].str.replace(" ", "-"))
    compile(trust_export.snippet(held), "snippet", "exec")


def test_members_are_those_of_the_run_and_their_shares_add_up() -> None:
    held = _trust()
    request = SimulationRequest("global-grace", (held.state.cell,), frequency="monthly")
    each = engine.get_engine().members(request)
    mean = engine.get_engine().simulate(request)
    np.testing.assert_allclose(each["tws"].mean("member"), mean["tws"], atol=1e-3)
    found = members.members_of(each, np.array([1.0]))
    for name, cycle in found.cycle.items():
        assert cycle.shape == (5, 12) and np.abs(found.monthly[name].mean(1)).max() < 1e-6
    total = sum(found.shares(name) for name in ("swe", "soil_moisture", "groundwater"))
    np.testing.assert_allclose(total, 1, atol=1e-4)
    low, high = found.band("soil_moisture", 2.0)
    assert (high >= low).all() and found.disagreement("tws") >= 0
    assert "carried by" in members.sentence(found, "Here")


def test_members_that_are_one_model_agree() -> None:
    wave = np.sin(np.arange(24) / 12 * 2 * np.pi)
    data = xr.Dataset({"tws": (("member", "time", "cell"), np.tile(wave[None, :, None], (3, 1, 1)))})
    found = members.members_of(data, np.array([2.0]))
    assert found.disagreement("tws") == pytest.approx(0)
    low, high = found.band("tws", 5.0)
    np.testing.assert_allclose(low, high)


def test_every_member_is_drawn_and_a_large_selection_is_refused_in_words() -> None:
    held = _trust(model="global-twin")
    part = EachMemberPart(held)
    assert part.members is not None and not part.runs.lane.error
    assert "truth of the twin" in part.note.object and "generated" in part.note.object
    apply(held.state, {"climate_zones": (2,), "focus": "filter"})
    assert part.members is None and "too many" in part.note.object


def test_the_split_of_water_stands_beside_the_published_one() -> None:
    held = _trust()
    part = SplitPart(held)
    assert "published 57 and 99 %" in part.note.object
    shares = [curve.median for curve in part.curves.values()]
    assert len(shares) == 3 and np.nanmax(np.abs(np.sum(shares, 0) - 1)) < 0.1  # medians of parts of one whole
    apply(held.state, {"model": "global-twin"})
    assert "gone" in part.layout.css_classes  # learns no such split


def test_an_evaluation_waits_for_the_button_and_stops_when_told() -> None:
    held = _trust()
    part = EvaluatePart(held)
    assert part.result is None and part.buttons.items[0]["label"] == "Evaluate anew"
    part._density = np.array([0.5, 1.5])
    part.show_table()
    assert "0.00 to 0.50</th><td>0.5</td>" in part.table.object and "0.50 to 1.00</th><td>1.5</td>" in part.table.object
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        engine.get_engine().evaluate("global-grace", cancel=stop)
    assert not engine.get_engine()._evaluations


def test_truth_stands_beside_the_model_of_the_twin_alone() -> None:
    held = _trust(model="global-twin")
    part = TruthPart(held)
    assert "in truth" in part.lead.object and "(model" in part.lead.object
    area, of = held.view.world["area"].values, held.view.selection.of
    assert truth.shares(held.truth, of, area).sum() == pytest.approx(1, abs=0.01)
    assert 0 < truth.shares(held.view.fields, of, area).sum() < 1.01  # its quick store is none of the three
    apply(held.state, {"climate_zones": (1, 4), "focus": "filter"})
    part.show_table()
    rows = [re.findall(r"<t[dh][^>]*>([^<]*)<", line) for line in part.table.object.split("<tr>")[2:]]
    assert [row[0] for row in rows] == ["Cold", "Tropical", "All left"] and len(rows[0]) == 7
    snow = truth.shares(held.truth, held.view.selection.of, area)[0]
    assert rows[-1][1] == f"{100 * snow:.0f} %" and float(rows[0][1].split()[0]) > float(rows[1][1].split()[0])
    apply(held.state, {"model": "global-grace"})
    assert "gone" in part.layout.css_classes


def test_memory_in_truth_stands_beside_that_attributed() -> None:
    """Two maps on one scale, how they agree over what the filters leave, a table by zone; no such thing elsewhere."""
    held = _trust(model="global-twin")
    part = MemoryTruthPart(held)
    true, found = (fields["memory_time"].values for fields in (held.truth, held.view.fields))
    known = np.isfinite(true) & np.isfinite(found)
    assert f"correlate at {np.corrcoef(true[known], found[known])[0, 1]:.2f} and " in part.text
    assert f"within {quantity(float(np.median(np.abs(true - found)[known])), 'd')} of the truth" in part.text
    assert "in truth" in part.lead.object and "never saw the truth" in part.note.object
    part._show_table()
    assert part.table.object.count("<tr>") == 1 + 5 + 1
    apply(held.state, {"measure": "memory_length", "climate_zones": (3,), "focus": "filter"})
    assert part.name == "memory_length" and part.text.startswith(f"Over {number(int((held.mask & known).sum()))} cells")
    apply(held.state, {"measure": "carrier"})
    assert part.name == "memory_time", "the truth has no map of carriers"
    apply(held.state, {"model": "global-grace"})
    assert "gone" in part.layout.css_classes


def test_agreement_of_two_maps_is_that_of_their_numbers() -> None:
    true, area = np.array([10.0, 20.0, 40.0, np.nan, 80.0]), np.ones(5)
    every = np.ones(5, bool)
    same = truth.agreement(true, true, area, every)
    assert same is not None and same[:1] + same[3:] == (4, pytest.approx(1), 0)
    moved = truth.agreement(true, true[::-1].copy(), np.arange(5.0), every)
    assert moved is not None and moved.cells == 3 and moved.difference == pytest.approx(70)
    assert truth.agreement(true, true, area, every & (true > 30)) is None
    assert "Too few cells" in truth.agreement_sentence(None, "d")
