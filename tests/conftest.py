"""A small world and a small trained model, made once: real parts, few cells."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import xarray as xr

from hdlcore.cli import main
from hdlcore.data.cube import open_world
from hdlcore.folders import cache_folder
from hdlcore.runtime.publish import publish
from hdlcore.training.recipes import Recipe, Target
from hdlcore.training.trainer import Trainer, make_task

ROOT = Path(__file__).resolve().parents[1]
torch.set_num_threads(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    """`make test` runs the tests with a browser apart from those without, whatever else `-m` and `-k` choose."""
    parser.addoption(
        "--browser-tests",
        choices=("with", "without", "only"),
        default="with",
        help="tests that drive a browser: %(choices)s",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Browser tests come last: playwright keeps an event loop in this thread, where asyncio.run would fail."""

    def drives_a_browser(item: pytest.Item) -> bool:
        return item.get_closest_marker("browser") is not None

    items.sort(key=drives_a_browser)
    wanted = config.getoption("--browser-tests")
    if wanted != "with":
        left = [item for item in items if drives_a_browser(item) != (wanted == "only")]
        items[:] = [item for item in items if drives_a_browser(item) == (wanted == "only")]
        config.hook.pytest_deselected(items=left)


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
        id="small", title="A small model", hidden=6, members=2, folds=2, lattice=1, batches=2, passes=4,
        years=(2001, 2004), budyko_weight=1.0, head_steps=10,
        targets={"tws": Target(terms=("seasonal",), departures=True, smoothing_km=340.0, floor=15.0)},
    )  # fmt: skip


@pytest.fixture(scope="session")
def small_model(small_cube: Path, small_recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder trained and published on the small cube."""
    folder = tmp_path_factory.mktemp("models")
    for member in range(small_recipe.members):
        Trainer(small_recipe, member, make_task(small_recipe, member, small_cube), folder / "training").train()
    publish(small_recipe, folder / "training", folder / "small", small_cube)
    return folder / "small"


Done = subprocess.CompletedProcess[str]


@pytest.fixture
def hdl(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Done]:
    """Return a function that runs `hdl` as a shell would: the real entry, its exit code and all that it prints.

    It runs in this process, for loading the libraries anew costs seconds; `hdl_process` has its own.
    """
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("NO_COLOR", "1")

    def run(*arguments: str | Path) -> Done:
        command = ["hdl", *map(str, arguments)]
        printed, said, code = io.StringIO(), io.StringIO(), 0
        monkeypatch.setattr(sys, "argv", command)
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(said):
            try:
                main()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
        return subprocess.CompletedProcess(command, code, printed.getvalue(), said.getvalue())

    return run


@pytest.fixture(scope="session")
def hdl_process() -> Callable[..., Done]:
    """Return a function that runs `hdl` in a process of its own, from the folder ``cwd``."""

    def run(*arguments: str | Path, cwd: Path = ROOT) -> Done:
        command = [sys.executable, "-c", "from hdlcore.cli import main; main()", *map(str, arguments)]
        environment = os.environ | {"COLUMNS": "200", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment, cwd=cwd)

    return run
