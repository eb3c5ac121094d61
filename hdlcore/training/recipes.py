"""Recipes: everything a training needs to be done again, in a small TOML file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hdlcore.assets import assets_dir
from hdlcore.errors import RequestError

#: Parts of a series that a target's loss may ask for; see `hdlcore.training.losses`.
Term = Literal["raw", "seasonal", "anomaly"]
#: What a model is trained on: the seasonal cycle of GRACE, the generated observations of the twin Earth, river gauges.
DataKind = Literal["grace", "twin", "catchments"]


class Target(BaseModel):
    """One observed quantity: how its sensor sees the model, and what of it is compared."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: parts of the series that are compared, with equal weight
    terms: tuple[Term, ...] = Field(("raw",), min_length=1)
    error: Literal["absolute", "squared"] = "absolute"
    #: only departures from the mean of the window are known, as for GRACE
    departures: bool = False
    #: standard deviation of the Gaussian that stands for the sensor's own smoothing; none: each cell is seen
    smoothing_km: float | None = Field(None, gt=0)
    #: both sides are clamped at this value, in the target's unit: passive microwaves see no deeper snow
    saturation: float | None = Field(None, gt=0)
    #: added to the observed standard deviation that scales each cell's error, in the target's unit
    floor: float = Field(gt=0)


class Recipe(BaseModel):
    """A training, with defaults for what is seldom changed. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    title: str
    model: str = "h2m"
    summary: str = ""
    data: DataKind = "grace"
    targets: dict[str, Target] = Field(min_length=1)
    seed: int = Field(1, ge=0)
    hidden: int = Field(64, ge=4, le=512)
    #: members of the ensemble; member m never sees what is held out in fold m modulo folds
    members: int = Field(5, ge=1)
    #: land: whole 10-degree blocks in folds; catchments: stretches of each training record
    folds: int = Field(5, ge=2)
    #: land: nothing within this distance of a held-out block is learned from, degrees
    buffer: float = Field(3.0, ge=0)
    #: land: share of the remaining blocks kept for early stopping
    validation: float = Field(0.05, gt=0, lt=0.5)
    #: land: train on every n-th cell in latitude and longitude
    lattice: int = Field(2, ge=1)
    #: optimizer steps a pass: compact parts of the land, or draws of windows from the records
    batches: int = Field(8, ge=1)
    #: catchments: windows a batch
    windows: int = Field(64, ge=1)
    passes: int = Field(60, ge=1)
    #: passes without a better validation score after which training ends; 0: never
    patience: int = Field(0, ge=0)
    #: months compared, after months that only warm the model up (with gradient)
    window_months: int = Field(12, ge=12)
    warm_up_months: int = Field(0, ge=0)
    #: months from a window's start to the next pass's; coprime to 12, so that every month comes first in turn
    stride_months: int = Field(7, ge=1)
    #: land: years of daily weather that training sees, and later ones that only evaluation does
    years: tuple[int, int] = (2001, 2006)
    test_years: tuple[int, int] | None = None
    #: catchments: share of each record, at its end, that only evaluation sees
    test_share: float = Field(1 / 3, gt=0, lt=1)
    #: catchments: members trained without one basin each, for basins no gauge was seen of
    leave_one_out: int = Field(0, ge=0)
    #: steps of the fit of every distribution head
    head_steps: int = Field(400, ge=1)
    #: land: the generated weather that the model is run with afterwards
    weather_seed: int = 1
    learning_rate: float = Field(6e-3, gt=0)
    #: how much further than a weight a global parameter may step
    global_rate: float = Field(10.0, gt=0)
    weight_decay: float = Field(1e-3, ge=0)
    #: noise put on the statics in training, as a share of their spread: no place is known by heart
    statics_noise: float = Field(0.0, ge=0)
    gradient_clip: float = Field(1.0, gt=0)
    #: weight of the soft constraint that long-term evaporation follows Budyko's curve
    budyko_weight: float = Field(0.0, ge=0)
    #: share of precipitation by which evaporation may leave the curve at no cost
    budyko_tolerance: float = Field(0.1, ge=0)

    @model_validator(mode="after")
    def _windows_fit(self) -> Recipe:
        window = self.window_months + self.warm_up_months
        months = 12 * (self.years[1] - self.years[0] + 1)
        if self.data != "catchments" and (months - window < 12 or (months - window) % 12):
            raise ValueError(
                f"windows of {window} months in {months} months of weather: the rest must be whole years, one at least"
            )
        if self.test_years and self.test_years[0] <= self.years[1]:
            raise ValueError(f"test years {self.test_years} begin before the training years {self.years} end")
        return self

    @property
    def forcing_source(self) -> str:
        """Where the forcing comes from, in words for cards and files."""
        if self.data == "catchments":
            return "observed daily weather of each basin; what a record lacks is filled and said"
        extremes = "with generated years" if self.data == "twin" else "without years"
        return f"generated daily weather from the ERA5 monthly climatology 2000-2025 (reanalysis), {extremes}"


def recipe_names() -> list[str]:
    """Names of the shipped recipes."""
    return sorted(path.stem for path in (assets_dir() / "recipes").glob("*.toml"))


def recipe_path(name: str | Path) -> Path:
    """The file of a recipe by shipped name or path; raises `RequestError` naming those there are."""
    path = Path(name)
    if path.suffix != ".toml":
        path = assets_dir() / "recipes" / f"{name}.toml"
    if not path.is_file():
        raise RequestError(f"No recipe '{name}'; shipped ones are {', '.join(recipe_names())}, or give a .toml file.")
    return path


def load_recipe(name: str | Path) -> Recipe:
    """Read a recipe by shipped name or path; raises `RequestError` that says what is wrong in which key."""
    path = recipe_path(name)
    try:
        return Recipe(**tomllib.loads(path.read_text()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RequestError(f"{path} is not valid TOML ({error}); mend that line.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = f", key '{'.'.join(map(str, first['loc']))}'" if first["loc"] else ""
        raise RequestError(f"{path}{where}: {first['msg']}.") from error
