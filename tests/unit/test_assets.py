"""What ships is whole, small, attributed, and as good as its card says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hdlcore.assets import assets_dir
from hdlcore.attribution.cubes import heat_time
from hdlcore.attribution.sanity import rank_correlation
from hdlcore.attribution.views import lag_by_forcing
from hdlcore.errors import DataError
from hdlcore.models.checkpoint import load_member
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.requests import ExplanationRequest, SimulationRequest
from hdlcore.training.fit_head import HEADS, load_heads
from hdlcore.training.recipes import load_recipe

MODEL = "global-grace"


@pytest.fixture(scope="module")
def engine() -> Engine:
    """The engine as a fresh install has it."""
    return Engine()


def test_assets_stay_small() -> None:
    total = sum(path.stat().st_size for path in assets_dir().rglob("*") if path.is_file())
    assert total < 64e6


def test_attribution_names_every_source() -> None:
    text = (assets_dir() / "ATTRIBUTION.md").read_text()
    for name in ("ERA5", "Copernicus", "GRACE", "Natural Earth", "Iturbide", "MCD12C1", "ETOPO5"):
        assert name in text, name


SHIPPED = (MODEL, "global-twin", "catchments")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_shipped_weights_match_their_card(engine: Engine, name: str) -> None:
    info = engine.model(name)
    assert info.members >= 5
    for index in range(info.members):
        load_member(info.folder, info.card, index)
    assert engine.problems == []


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_model_was_made_by_the_committed_recipe(engine: Engine, name: str) -> None:
    assert engine.model(name).card.recipe == load_recipe(name).model_dump(mode="json")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_bands_of_a_shipped_model_hold_what_they_say(engine: Engine, name: str) -> None:
    info = engine.model(name)
    heads = load_heads(info.folder / HEADS)
    uncertainty = info.card.scores["uncertainty"]
    for variable, head in heads.items():
        scores = uncertainty[variable]
        assert 0.46 <= scores["coverage_50"] <= 0.54 and 0.88 <= scores["coverage_90"] <= 0.92, variable
        rows = np.full(7, 50.0), np.full(7, 5.0), np.arange(1, 8), np.zeros((7, len(head.spec.features)))
        low, middle, high = head.quantiles([0.05, 0.5, 0.95], *rows)
        assert (low <= middle).all() and (middle <= high).all()


def test_the_model_of_the_twin_finds_its_stores_and_beats_network_and_bucket(engine: Engine) -> None:
    card = engine.model("global-twin").card
    found = {name: row["r_anomaly_median"] for name, row in card.scores["components"].items()}
    assert found["swe"] >= 0.95 and found["soil_moisture"] >= 0.85 and found["groundwater"] >= 0.70
    for rival in ("twin-lstm", "twin-bucket"):
        for variable in ("tws", "swe", "evapotranspiration", "runoff"):
            other = card.baselines[rival][variable]["iav"]["nse_median"]
            assert card.scores[variable]["iav"]["nse_median"] > other, (rival, variable)


def test_the_model_of_basins_beats_a_bucket_calibrated_on_each(engine: Engine) -> None:
    card = engine.model("catchments").card
    for basin, row in card.scores["basins"].items():
        assert row["nse"] > card.baselines["hbv"][basin]["nse"], basin
        assert row["nse"] > card.baselines["last_year"][basin]["nse"], basin
    assert set(card.baselines["unseen_basin"]) == set(card.scores["basins"])


def test_a_cube_and_the_model_that_learned_from_it_may_share_a_name(engine: Engine) -> None:
    period = "2003-01-01", "2003-03-31"
    seen = engine.series("catchments", (1,), *period)
    run = engine.simulate(SimulationRequest("catchments", (1,), *period))
    assert "runoff_observed" in seen and "runoff_observed" not in run and "runoff" in run
    np.testing.assert_allclose(seen["precipitation"].values, run["precipitation"].values, rtol=1e-6)


def test_the_card_shows_scores_beside_baselines(engine: Engine) -> None:
    card = engine.model(MODEL).card
    assert card.scores["tws"]["msc"]["nse_median"] >= 0.82
    assert card.scores["tws"]["msc"]["nse_median_strong_signal"] >= 0.87
    assert {"zero_anomaly", "neighbour_mean", "bucket"} <= set(card.baselines)
    assert card.scores["tws"]["msc"]["nse_median"] > card.baselines["bucket"]["msc"]["nse_median"] + 0.05
    assert card.scores["mass_balance"]["max_abs_residual_mm_per_year"] < 0.05
    assert any("generated" in limit for limit in card.limits)


def test_the_card_is_true_of_the_fields(engine: Engine) -> None:
    card, fields = engine.model(MODEL).card, engine.fields(MODEL)
    median = float(np.nanmedian(fields["tws_nse"]))
    assert median == pytest.approx(card.scores["tws"]["msc"]["nse_median"], abs=2e-3)
    assert fields.attrs["data_version"] == engine.world.attrs["version"]


def test_fields_are_those_of_the_engines_own_run(engine: Engine) -> None:
    """A cell picked from the map, run live: the same seasonal cycle."""
    cells = tuple(int(c) for c in engine.world["cell"].values[[500, 7000, 12000]])
    run = engine.simulate(SimulationRequest(MODEL, cells))
    cycle = run[["tws", "swe", "evapotranspiration"]].groupby("time.month").mean()
    stored = engine.fields(MODEL).sel(cell=list(cells))
    for name in cycle.data_vars:
        np.testing.assert_allclose(stored[name], cycle[name], rtol=5e-3, atol=0.5)


def test_the_land_water_cycle_is_of_the_right_size(engine: Engine) -> None:
    """Evaporation 60 to 80 and runoff 30 to 55 thousand km3 a year: what hydrologists agree on within wide bounds."""
    checks = engine.model(MODEL).card.data["checks"]
    assert 60e3 < checks["evapotranspiration_km3_per_year"] < 80e3
    assert 30e3 < checks["runoff_km3_per_year"] < 55e3


def test_seasons_are_where_they_belong(engine: Engine) -> None:
    fields: xr.Dataset = engine.fields(MODEL)
    north = fields.where((fields["lat"] > 55) & (fields["lon"] > 60) & (fields["lon"] < 140), drop=True)
    assert int(north["swe"].mean("cell").values.argmax()) in (1, 2, 3)  # February to April
    sahel = fields.where((fields["lat"] > 10) & (fields["lat"] < 14) & (abs(fields["lon"]) < 15), drop=True)
    assert int(sahel["tws"].mean("cell").values.argmax()) in (7, 8, 9)
    south = fields.where(
        (fields["lat"] < -15) & (fields["lat"] > -22) & (fields["lon"] > 20) & (fields["lon"] < 32), drop=True
    )
    assert int(south["tws"].mean("cell").values.argmax()) in (1, 2, 3)


def test_missing_assets_are_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HDL_ASSETS", str(tmp_path))
    with pytest.raises(DataError, match="HDL_ASSETS"):
        assets_dir()


def test_lag_cubes_that_ship_are_what_a_cell_answers_live(engine: Engine) -> None:
    """The same method on about the same days. In a cube each day is one member's, live it is the mean of all, and kinks
    make single gradients jump: the two agree, and are not equal."""
    fields = engine.fields(MODEL)
    assert fields.attrs["attribution_method"] == "integrated_gradients"
    assert 0 < float(fields["attribution_gap"].median()) < 0.1
    for cell in (94 * 360 + 117, 39 * 360 + 190):
        request = ExplanationRequest(MODEL, cell, method="integrated_gradients", start="2005-01-15", every=30)
        live = lag_by_forcing(engine.explain(request))
        cube = fields["attribution_size"].sel(cell=cell).transpose("lag_bin", "forcing")
        assert rank_correlation(live.values.ravel(), cube.values.ravel()) > 0.95
        assert abs(heat_time(live) - heat_time(cube)) < 12
