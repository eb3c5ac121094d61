"""The first card of a model: what is known before it has run, and the limits of each kind of training."""

from __future__ import annotations

import datetime as dt
import platform
import shutil
from importlib.metadata import version
from pathlib import Path

import torch

from hdlcore.errors import ModelError
from hdlcore.models.checkpoint import Card, Member, sha256_of
from hdlcore.training.recipes import DataKind, Recipe
from hdlcore.training.trainer import Trainer

_GENERATED = (
    "Daily weather is generated from the ERA5 monthly climatology: the model knows seasons, not years; departures from "
    "the mean seasonal cycle in a given year are not predicted."
)
_UNBOUNDED = (
    "Where snow never melts away (about 1 % of the cells, high mountains and the far north) storage has no equilibrium "
    "and grows: there is no glacier flow."
)
#: What each kind of training cannot give.
LIMITS: dict[DataKind, tuple[str, ...]] = {
    "grace": (
        _GENERATED,
        "GRACE is the only target, so total storage is checked; its split into snow, soil moisture and groundwater, "
        "and evaporation and runoff, rest on the physics, a soft Budyko constraint and generated net radiation.",
        "This GRACE is smoothed over some hundred kilometres (docs/evaluation.md) and leaks across coasts; scores are "
        "easier to reach than against the finer mascons of the published H2M and must not be set beside its figures "
        "without saying so.",
        "The observations themselves are smooth: the mean of the nearest cells outside the held-out blocks and their "
        "buffer is a strong guess of a held-out cell's cycle and stands among the baselines. Held-out skill shows that "
        "the model carries over to land it never saw.",
        "The learned split of incoming water sends over nine tenths to the soil however dry it is (published: 57 "
        "to 99 %), and the soil's mean level differs between members: storage alone does not tell soil from "
        "groundwater.",
        _UNBOUNDED,
        "Rivers, lakes and reservoirs are not stores of their own; groundwater takes their part. Ice sheets are left "
        "out.",
    ),
    "twin": (
        "Everything it learned from is generated: it shows what can be learned from such observations, not the real "
        "Earth.",
        "The twin's interflow, rivers and canopy are stores of their own; here the quick store stands for them.",
        _UNBOUNDED,
    ),
    "catchments": (
        "Seven basins of three climates: one regional model, far from a general one.",
        "What a record lacks is filled from the climate and named on the card.",
        "Three Lahn gauges lie upstream of the fourth: a left-out one of them is not unseen country.",
    ),
}

_TARGETS = {
    "grace": "GRACE terrestrial water storage, mean seasonal cycle (observed)",
    "twin": "monthly observations of the twin Earth (generated)",
    "catchments": "daily river runoff (observed)",
}


def split_words(recipe: Recipe) -> str:
    """How training and scoring are kept apart, in a sentence."""
    if recipe.data == "catchments":
        return (
            f"the last {recipe.test_share:.0%} of each basin's record is scored; of what lies before, each member "
            f"leaves one of {recipe.folds} stretches out for early stopping"
        )
    words = (
        f"10-degree blocks in {recipe.folds} folds; each cell scored by the members that never saw its block nor a "
        f"buffer of {recipe.buffer:g} degrees around it"
    )
    if recipe.test_years:
        return f"{words}, in years {recipe.test_years[0]} to {recipe.test_years[1]} that no member saw"
    return f"{words}; seasonal cycle of the same years"


def first_card(recipe: Recipe, trained: Path, folder: Path, statics: list[str]) -> Card:
    """Copy the members' weights and write down what is known before the model has run."""
    members = []
    for index in range(recipe.members):
        source = trained / f"member-{index}.safetensors"
        if not source.is_file():
            raise ModelError(
                f"{trained} has no weights of member {index}; finish it with 'hdl train {recipe.id} --resume'."
            )
        shutil.copyfile(source, folder / source.name)
        members.append(
            Member(
                weights=source.name,
                sha256=sha256_of(folder / source.name),
                seed=Trainer.seed(recipe, index),
                held_out_fold=index % recipe.folds,
            )
        )
    return Card(
        id=recipe.id,
        title=recipe.title,
        kind=recipe.model,
        summary=recipe.summary,
        hidden=recipe.hidden,
        statics=statics,
        members=members,
        recipe=recipe.model_dump(mode="json"),
        data={"forcing": recipe.forcing_source, "target": _TARGETS[recipe.data]},
        split=split_words(recipe),
        scores={},
        baselines={},
        limits=list(LIMITS[recipe.data]),
        created=dt.date.today().isoformat(),
        software={
            "python": platform.python_version(),
            "torch": torch.__version__,
            "hdl-explorer": version("hdl-explorer"),
        },
    )
