"""Where a model runs: land cells under generated weather, or gauged places under their own observed weather."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
import xarray as xr
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor

from hdlcore.data.cubes import Cube
from hdlcore.data.features import static_features
from hdlcore.data.sites import SITE_FEATURES, SITE_FORCING, SiteRecord, site_records
from hdlcore.data.weather import FORCING, WeatherSpec, generate_arrays
from hdlcore.errors import ModelError, RequestError
from hdlcore.models.checkpoint import Card
from hdlcore.progress import CancelToken
from hdlcore.training.recipes import Recipe
from hdlcore.training.sites import SPIN_UP_DAYS, catchments_cube

#: Where years differ: those that run before a run begins, and those that stand for the climate of a spin-up.
RUN_UP_YEARS, CLIMATE_YEARS = 5, 3


def recipe_of(card: Card) -> Recipe:
    """The recipe a model was trained by; `ModelError` when this version cannot read it."""
    try:
        return Recipe(**card.recipe)
    except ValidationError as error:
        first = error.errors()[0]
        raise ModelError(
            f"The recipe on the card of '{card.id}' is of another version (key '{'.'.join(map(str, first['loc']))}': "
            f"{first['msg']}); train the model anew."
        ) from error


class Domain(ABC):
    """Cells, what is known of them, and the daily forcing of a model there."""

    #: cell, lat, lon, area and more
    cells: xr.Dataset
    #: names of the forcing, in the order of its last axis
    names: tuple[str, ...]
    #: what a file says of where the forcing comes from, by name
    sources: Mapping[str, str]
    #: the weather in words
    weather: str
    #: how many cells may step together
    block_cells: int = 256

    @abstractmethod
    def features(self) -> xr.DataArray:
        """What is known of all cells, (cell, feature), float32."""

    def statics(self, names: Sequence[str]) -> Tensor:
        """The features that a model was trained on, in its order, (cell, feature); `ModelError` for one it lacks."""
        known = self.features()
        held = [str(name) for name in known["feature"].values]
        lacking = [name for name in names if name not in held]
        if lacking:
            near = get_close_matches(lacking[0], held, n=1)
            raise ModelError(
                f"The model was trained on '{lacking[0]}' of each cell, which this data has not"
                f"{f' (it has {near[0]})' if near else ''}; open the cube it was trained on with --data, or train it "
                "anew."
            )
        return torch.from_numpy(np.ascontiguousarray(known.sel(feature=list(names)).values))

    @abstractmethod
    def forcing(
        self, cells: NDArray, start: dt.date, end: dt.date, threads: int = 1, cancel: CancelToken | None = None
    ) -> NDArray[np.float32]:
        """Daily forcing (time, cell, n) of the days `start` to `end`, both included."""

    @abstractmethod
    def run_up(self, cells: NDArray, start: dt.date) -> dt.date:
        """First day of the stretch that runs before `start`, from stores at equilibrium, to warm all memory."""

    @abstractmethod
    def climate(self, cells: NDArray, begin: dt.date) -> NDArray[np.float32]:
        """The stretch (time, cell, n) that repeats until stores are at equilibrium on the morning of `begin`."""


class WorldDomain(Domain):
    """Land cells of a world cube under generated weather, with or without years that differ."""

    def __init__(self, world: xr.Dataset, weather: WeatherSpec) -> None:
        self.cells, self.names, self.spec = world, FORCING, weather
        self.sources = dict.fromkeys(FORCING, "generated from the ERA5 monthly climatology")
        real = "no real year" if weather.variability == "interannual" else "no real year-to-year variability"
        self.weather = f"generated, seed {weather.seed}: {real}"

    def features(self) -> xr.DataArray:
        """Terrain, vegetation, land cover and climate normals."""
        return static_features(self.cells)

    def forcing(
        self, cells: NDArray, start: dt.date, end: dt.date, threads: int = 1, cancel: CancelToken | None = None
    ) -> NDArray[np.float32]:
        """Generated on demand; the same bits for any batch and period."""
        return generate_arrays(self.cells, cells, start.isoformat(), end.isoformat(), self.spec, threads, cancel)

    def run_up(self, cells: NDArray, start: dt.date) -> dt.date:
        """One year where all years are alike; some where they differ, for slow stores to know of them."""
        return dt.date(start.year - (RUN_UP_YEARS if self.spec.variability == "interannual" else 1), 1, 1)

    def climate(self, cells: NDArray, begin: dt.date) -> NDArray[np.float32]:
        """The year that `begin` is in; some more before it where years differ."""
        years = CLIMATE_YEARS if self.spec.variability == "interannual" else 1
        return self.forcing(cells, dt.date(begin.year - years + 1, 1, 1), dt.date(begin.year, 12, 31))


class SitesDomain(Domain):
    """Places of a cube under the weather of their own records."""

    def __init__(self, cube: Cube) -> None:
        self.records: dict[int, SiteRecord] = {record.cell: record for record in site_records(cube)}
        self.cells, self.names, self.block_cells = cube.cells, SITE_FORCING, 1
        filled = sorted({f"{record.name}: {word}" for record in self.records.values() for word in record.filled})
        self.sources = dict.fromkeys(SITE_FORCING, "observed" + (f"; filled: {', '.join(filled)}" if filled else ""))
        self.weather = "observed at each place"

    def features(self) -> xr.DataArray:
        """Size and climate of each place."""
        values = np.stack([record.features for record in self.records.values()])
        return xr.DataArray(values, dims=("cell", "feature"), coords={"feature": list(SITE_FEATURES)})

    def forcing(
        self, cells: NDArray, start: dt.date, end: dt.date, threads: int = 1, cancel: CancelToken | None = None
    ) -> NDArray[np.float32]:
        """Cut from the records; `RequestError` for days that a record does not hold."""
        series = []
        for cell in cells:
            record = self.records[int(cell)]
            first, last = record.days[0].item(), record.days[-1].item()
            if start < first or end > last:
                raise RequestError(
                    f"'{record.name}' has weather without gaps from {first} to {last}; "
                    "ask for days within, with --start and --end."
                )
            series.append(record.forcing[(start - first).days : (end - first).days + 1])
        return np.stack(series, 1)

    def run_up(self, cells: NDArray, start: dt.date) -> dt.date:
        """The first day of the record."""
        firsts = {self.records[int(cell)].days[0].item() for cell in cells}
        return min(start, *firsts)

    def climate(self, cells: NDArray, begin: dt.date) -> NDArray[np.float32]:
        """The first years of the record."""
        return np.stack([self.records[int(cell)].forcing[:SPIN_UP_DAYS] for cell in cells], 1)


def weather_of(card: Card) -> WeatherSpec:
    """The generated weather that a model for land cells is run with: the twin's own, or without years that differ."""
    recipe = recipe_of(card)
    if recipe.data == "twin":
        return WeatherSpec(int(card.data["weather_seed"]), card.data["weather_variability"])
    return WeatherSpec(seed=recipe.weather_seed)


@lru_cache(maxsize=4)
def _sites(path: Path | None) -> SitesDomain:
    return SitesDomain(catchments_cube(path))


def domain_of(card: Card, world: xr.Dataset, sites: Path | None = None) -> Domain:
    """The domain of a model: `world` for land cells; for places the cube at `sites`, or the shipped catchments."""
    recipe = recipe_of(card)
    return _sites(sites) if recipe.data == "catchments" else WorldDomain(world, weather_of(card))
