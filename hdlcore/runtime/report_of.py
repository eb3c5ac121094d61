"""An evaluation as the page that `hdl evaluate --report` writes: what `report` takes, filled from scores and fields."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.models.checkpoint import Card
from hdlcore.runtime.domains import recipe_of
from hdlcore.runtime.report import Calibration, CellMap, Equifinality, Headline, Report, Series
from hdlcore.runtime.uncertainty import Judged
from hdlcore.training.fit_head import HeldOut
from hdlcore.variables import VARIABLES

_DIFFERENCES = {
    "grace": (
        "Weather here is generated from a monthly climatology; the published model has real days. Seasons can be "
        "compared, single months and years cannot.",
        "The GRACE fields here are smoothed to a half width near 400 km; mascons are finer and harder to match.",
        "Storage alone is a target here; the published model also learns from snow, evapotranspiration and runoff.",
    ),
    "twin": (
        "Targets are generated observations of a twin Earth; the published scores are against satellites. They share "
        "names, not difficulty.",
    ),
}


def report_of(
    card: Card, result: Mapping[str, Any], judged: Mapping[str, Judged], held: Mapping[str, HeldOut],
    cells: xr.Dataset | None = None, fields: Mapping[str, NDArray] | None = None, series: tuple[Series, ...] = (),
) -> Report:  # fmt: skip
    """The report of an evaluation: `result` as `hdl evaluate --json` prints it, heads judged on held-out blocks, and
    for land the scores (cell,) of `fields` on `cells`."""
    recipe = recipe_of(card)
    return Report(
        title=card.title,
        model=card.id,
        summary=card.summary,
        facts=_facts(card),
        headlines=_headlines(recipe.data, result),
        scores=result["scores"],
        baselines=baselines_of(card),
        differences=_DIFFERENCES.get(recipe.data, ()),
        maps=_maps(fields or {}, cells),
        series=series,
        calibration={
            name: Calibration(own.pit, own.scores(), judged[name].spec.units, _by_zone(judged[name], own))
            for name, own in held.items()
        },
        components={name: row["r_anomaly_median"] for name, row in result.get("components", {}).items()},
        variance=_variance(result),
        equifinality=[
            Equifinality(name, between_places=share)
            for name, share in card.scores.get("parameter_disagreement", {}).items()
        ],
        limits=card.limits,
        provenance={
            "Scored on": str(result["data"]),
            "Held out": str(result["split"]),
            "Weights": " ".join(member.sha256[:12] for member in card.members),
            "Made": card.created,
        },
    )


def _facts(card: Card) -> dict[str, str]:
    facts = {"Forcing": str(card.data.get("forcing", "")), "Held out": card.split}
    topic = "Runoff" if recipe_of(card).data == "catchments" else "Storage"
    return facts | {topic: str(card.data.get("target", ""))}


def _headlines(data: str, result: Mapping[str, Any]) -> list[Headline]:
    scores = result["scores"]
    if data == "grace":
        season = scores["tws"]["msc"]
        rows = [("Seasonal storage, median NSE", "nse_median"), ("where it is strong", "nse_median_strong_signal")]
        months = Headline("Months, median NSE", scores["tws"]["raw"]["nse_median"])
        return [*(Headline(label, season.get(key), "held out") for label, key in rows), months]
    part = "raw"
    return [
        Headline(f"{VARIABLES[name].long_name}, median NSE", rows[part]["nse_median"], "held out")
        for name, rows in scores.items()
        if rows.get(part)
    ]


def baselines_of(card: Card) -> dict[str, dict[str, Any]]:
    """Scores of a card's rivals, rival -> variable -> part; those of basins have a table of their own."""
    if card.recipe.get("data") == "catchments":
        return {}
    result: dict[str, dict[str, Any]] = {}
    for name, scores in card.baselines.items():
        if not isinstance(scores, dict):
            continue
        by_variable = scores if "tws" in scores else {"tws": scores}
        result[name.replace("_", " ")] = {
            variable: {part: row for part, row in rows.items() if isinstance(row, dict)}
            for variable, rows in by_variable.items()
            if variable in VARIABLES and isinstance(rows, dict)
        }
    return result


def _maps(fields: Mapping[str, NDArray], cells: xr.Dataset | None) -> list[CellMap]:
    if cells is None:
        return []
    lat, lon = cells["lat"].values, cells["lon"].values
    maps = []
    for name, values in fields.items():
        if name.endswith("_nse"):
            title = f"{VARIABLES[name.removesuffix('_nse')].long_name}: NSE, held out"
            maps.append(CellMap(title, np.clip(values, -1, 1), lat, lon, -1.0, 1.0, "vik"))
        elif name.endswith("_truth_correlation"):
            title = f"{VARIABLES[name.removesuffix('_truth_correlation')].long_name}: anomalies against the truth, r"
            maps.append(CellMap(title, values, lat, lon, 0.0, 1.0, "batlow"))
    return maps


def _by_zone(judged: Judged, held: HeldOut) -> dict[str, dict[str, float]]:
    zone = judged.samples.zone
    return {name: held.scores(zone == at) for at, name in enumerate(judged.spec.zones) if (zone == at).any()}


def _variance(result: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    rows = result.get("components", {})
    if not rows:
        return {}
    return {
        "model": {name: row["share_mean"] for name, row in rows.items()},
        "truth": {name: row["share_mean_truth"] for name, row in rows.items()},
    }
