"""Recipes: everything a training needs to be done again, in a small TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hdlcore.assets import assets_dir
from hdlcore.errors import RequestError


class Recipe(BaseModel):
    """A training, with defaults for what is seldom changed. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    model: str = "h2m"
    summary: str = ""
    seed: int = 1
    hidden: int = Field(64, ge=4, le=512)
    #: members of the ensemble; member m never sees the blocks of fold m modulo folds
    members: int = Field(4, ge=1)
    folds: int = Field(4, ge=2)
    #: train on every n-th cell in latitude and longitude
    lattice: int = Field(2, ge=1)
    passes: int = Field(50, ge=1)
    learning_rate: float = Field(1.2e-2, gt=0)
    #: how much further than a weight a global parameter may step
    global_rate: float = Field(10.0, gt=0)
    weight_decay: float = Field(1e-3, ge=0)
    gradient_clip: float = Field(1.0, gt=0)
    #: radius of GRACE's own smoothing, put on the model before it is compared
    smoothing_km: float = Field(250.0, gt=0)
    #: mm added to the observed standard deviation that scales each cell's error
    error_floor: float = Field(15.0, gt=0)
    #: weight of the soft constraint that long-term evaporation follows Budyko's curve
    budyko_weight: float = Field(1.0, ge=0)
    #: share of precipitation by which evaporation may leave the curve at no cost
    budyko_tolerance: float = Field(0.1, ge=0)
    weather_seed: int = 1
    weather_years: tuple[int, int] = (2001, 2006)
    #: cells that step together; memory, not result, depends on it
    block_cells: int = Field(512, ge=1)


def recipe_names() -> list[str]:
    """Names of the shipped recipes."""
    return sorted(path.stem for path in (assets_dir() / "recipes").glob("*.toml"))


def load_recipe(name: str | Path) -> Recipe:
    """Read a recipe by shipped name or path; raises `RequestError` that says what is wrong in which key."""
    path = Path(name)
    if path.suffix != ".toml":
        path = assets_dir() / "recipes" / f"{name}.toml"
    if not path.is_file():
        raise RequestError(f"No recipe '{name}'; shipped ones are {', '.join(recipe_names())}, or give a .toml file.")
    try:
        return Recipe(**tomllib.loads(path.read_text()))
    except tomllib.TOMLDecodeError as error:
        raise RequestError(f"{path} is not valid TOML ({error}); mend that line.") from error
    except ValidationError as error:
        first = error.errors()[0]
        raise RequestError(f"{path}, key '{'.'.join(map(str, first['loc']))}': {first['msg']}.") from error
