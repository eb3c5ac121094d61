"""The recipe of the study: a small TOML file with a part for each experiment. Unknown keys are refused."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from hdlcore.assets import assets_dir
from hdlcore.errors import RequestError
from hdlcore.memory_study.memory import LONGEST

FOLDER = "memory_study"

#: First and last year, both included.
Years = tuple[int, int]


class Training(BaseModel):
    """How every network of an experiment is built and trained; one budget for all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    #: cells sampled, as many from each climate zone
    cells: int = Field(ge=10)
    #: folds of whole 10-degree blocks; a network is judged on the fold it never saw
    folds: int = Field(ge=2)
    #: no cell within this distance of a held-out block is trained on, degrees
    buffer: float = Field(1.0, ge=0)
    #: width of the two layers before the recurrence, and of the recurrence
    encoder: int = Field(ge=2, le=512)
    hidden: int = Field(ge=2, le=512)
    passes: int = Field(ge=1)
    #: series a step of the optimizer
    batch: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    weight_decay: float = Field(1e-3, ge=0)
    #: noise put on the statics in training, as a share of their spread: no place is known by heart
    statics_noise: float = Field(0.0, ge=0)


class Vegetation(Training):
    """Memory of monthly NDVI."""

    #: years before the first judged one only wake the recurrence
    first_year: int
    #: stretches of years; a network is judged on the one it never saw
    years: tuple[Years, ...] = Field(min_length=2)
    #: months of the past that the models of one driver's memory may use
    driver_months: int = Field(LONGEST, ge=1, le=LONGEST)

    @model_validator(mode="after")
    def _years_follow(self) -> Vegetation:
        last = self.first_year
        for start, end in self.years:
            if start <= last or end < start:
                raise ValueError(f"years {self.years} must follow one another after the first year {self.first_year}")
            last = end
        return self


class Emulation(Training):
    """Daily evapotranspiration of the twin's process model."""

    #: years learned from and, later ones, judged; the year before each only wakes the recurrence
    train_years: Years
    test_years: Years
    #: days of a window, and the first of them that are not compared
    window: int = Field(ge=2)
    warm_up: int = Field(ge=0)
    #: added to the standard deviation that scales a cell's errors, mm d-1
    floor: float = Field(gt=0)

    @model_validator(mode="after")
    def _years_follow(self) -> Emulation:
        (start, end), (first, last) = self.train_years, self.test_years
        if end < start or last < first or first <= end + 1:
            raise ValueError(
                f"test years {self.test_years} must begin two years after {self.train_years} end, or later"
            )
        if self.warm_up >= self.window:
            raise ValueError(f"windows of {self.window} days leave nothing after {self.warm_up} days of warm-up")
        return self


class StudyRecipe(BaseModel):
    """Both experiments and the seed that all chance comes from."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    seed: int = Field(1, ge=0)
    vegetation: Vegetation
    emulation: Emulation


def study_folder() -> Path:
    """The folder of the shipped recipe and result."""
    return assets_dir() / FOLDER


def load_study(path: str | Path | None = None) -> StudyRecipe:
    """Read a recipe, the shipped one by default; raises `RequestError` that says what is wrong in which key."""
    file = Path(path) if path is not None else study_folder() / "study.toml"
    try:
        content: dict[str, Any] = tomllib.loads(file.read_text())
        return StudyRecipe(**content)
    except OSError as error:
        raise RequestError(f"The recipe {file} cannot be read ({error.strerror}); give a .toml file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RequestError(f"{file} is not valid TOML ({error}); mend that line.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise RequestError(f"{file}, key '{where}': {first['msg']}.") from error
