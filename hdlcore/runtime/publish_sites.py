"""Publish a model of gauged basins: its scores beside a calibrated bucket, other models, and basins it never saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hdlcore.data.sites import SITE_FEATURES
from hdlcore.models.checkpoint import Card, Member, read_card, sha256_of, write_card
from hdlcore.progress import Progress
from hdlcore.runtime.cards import first_card
from hdlcore.runtime.evaluate_sites import BUCKET, SiteRun, calibrated_bucket, daily_scores, evaluate_sites, run_sites
from hdlcore.runtime.uncertainty import judge, judged_scores, site_samples, write_heads
from hdlcore.training.recipes import Recipe
from hdlcore.training.sites import catchments_cube, extra_members, left_out_site
from hdlcore.training.trainer import Trainer


def publish_sites(
    recipe: Recipe, trained: Path, folder: Path, data: Path | None, rivals: tuple[Path, ...], progress: Progress | None
) -> Card:
    """Fill `folder` with the weights and scores of a model of basins, other models' scores beside them."""
    cube = catchments_cube(data)
    card = first_card(recipe, trained, folder, list(SITE_FEATURES))
    card.data |= {
        "cube_version": str(cube.attrs.get("version", "")),
        "attribution": str(cube.attrs.get("attribution", "")),
    }
    others = {rival.id: rival.scores["basins"] for rival in map(read_card, rivals)}
    card.baselines = {
        BUCKET: calibrated_bucket(
            data, recipe, lambda done: progress(0.8 * done, "calibrating HBV") if progress else None
        )
    } | {name: {basin: _only_scores(row) for basin, row in rows.items()} for name, rows in others.items()}
    if recipe.leave_one_out:
        card.baselines["unseen_basin"] = left_out_scores(recipe, trained, card, data)
    write_card(card, folder)
    runs = run_sites(folder, card, data)
    result, judged = evaluate_sites(runs, card, data), site_samples(runs, recipe.head_steps)
    write_heads(judged, folder)
    rows = result["basins"]
    card.scores = result["scores"] | {
        "basins": {basin: _only_scores(row) | {"filled": row["filled"]} for basin, row in rows.items()},
        "mass_balance": result["mass_balance"],
        "uncertainty": judged_scores(judged, judge(judged)),
    }
    card.baselines["last_year"] = {basin: row["last_year"] for basin, row in rows.items()}
    return card


def _only_scores(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if not isinstance(value, dict | list)}


def left_out_scores(recipe: Recipe, trained: Path, card: Card, data: Path | None) -> dict[str, Any]:
    """Each basin in its test years by the members that never saw it at all."""
    names = [f"member-{m}.safetensors" for m in range(recipe.members, recipe.members + extra_members(recipe, data))]
    members = [
        Member(
            weights=name,
            sha256=sha256_of(trained / name),
            seed=Trainer.seed(recipe, recipe.members + i),
            held_out_fold=0,
        )
        for i, name in enumerate(names)
    ]
    everyone = card.model_copy(update={"members": members})
    runs: list[SiteRun] = run_sites(trained, everyone, data)
    result = {}
    for at, run in enumerate(runs):
        own = [i for i in range(len(members)) if left_out_site(recipe, recipe.members + i, len(runs)) == at]
        result[run.record.name] = daily_scores(np.mean(run.runoff[own], axis=0), run.record, run.counted)
    return result
