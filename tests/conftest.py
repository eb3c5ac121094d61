"""A small world and a small trained model, made once: real parts, few cells."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from hdlcore.data.cube import open_world
from hdlcore.folders import cache_folder
from hdlcore.runtime.publish import publish
from hdlcore.training.recipes import Recipe
from hdlcore.training.trainer import Trainer

torch.set_num_threads(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last: playwright keeps an event loop in this thread, where asyncio.run would fail."""
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Answers of an earlier run must not pass for this one; compiled kernels are kept, named by their source."""
    kernels = cache_folder("kernels")
    os.environ["HDL_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    os.environ.setdefault("HDL_KERNELS", str(kernels))


@pytest.fixture(scope="session")
def world() -> xr.Dataset:
    """The shipped world cube."""
    return open_world()


@pytest.fixture(scope="session")
def small_cube(world: xr.Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cube of some hundred cells of every climate, as a user would bring it."""
    path = tmp_path_factory.mktemp("cube") / "small.zarr"
    row, column = np.divmod(world["cell"].values, 360)
    chosen = world.isel(cell=np.flatnonzero((row % 10 == 0) & (column % 10 == 0)))
    for variable in chosen.variables.values():
        variable.encoding = {}
    chosen.to_zarr(path, zarr_format=3, consolidated=False)
    return path


@pytest.fixture(scope="session")
def small_recipe() -> Recipe:
    """Two members, few passes: enough to walk the whole path."""
    return Recipe(
        id="small", title="A small model", hidden=6, members=2, folds=2, lattice=1, passes=4, weather_years=(2001, 2004)
    )


@pytest.fixture(scope="session")
def small_model(small_cube: Path, small_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder trained and published on the small cube."""
    folder = tmp_path_factory.mktemp("models")
    small = open_world(small_cube)
    for member in range(small_recipe.members):
        Trainer(small_recipe, member, small, folder / "training").train()
    publish(small_recipe, folder / "training", folder / "small", small_cube)
    return folder / "small"
