"""A cluster gives the numbers of one process to the bit, survives its workers, and says in one sentence what failed."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cloudpickle
import numpy as np
import pytest
import xarray as xr
import zarr

from hdlcore.errors import Cancelled, RequestError
from hdlcore.models.checkpoint import sha256_of
from hdlcore.runtime import blocks, world_run
from hdlcore.runtime.block_store import JOURNAL, part_folder
from hdlcore.runtime.blocks import UNIT, Outcome, run_blocks
from hdlcore.runtime.cluster import Cluster, connect, local_cluster
from hdlcore.runtime.engine import Engine
from hdlcore.runtime.requests import ExplanationRequest, SimulationRequest
from hdlcore.runtime.store import refuse_full_disk
from hdlcore.training.ensemble import train_members
from hdlcore.training.recipes import Recipe
from hdlcore.workers import Context, Here, Processes, Workers

PERIOD = {"start": "2003-01-01", "end": "2003-12-31"}


@pytest.fixture(scope="module")
def engine(small_model: Path, small_cube: Path) -> Engine:
    """The small model on the small cube: three units, the last not full."""
    engine = Engine([small_model], small_cube)
    assert 2 * UNIT < engine.world.sizes["cell"] < 3 * UNIT
    return engine


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two worker processes."""
    with local_cluster(2) as two:
        yield two


@pytest.fixture
def run(engine: Engine, small_cube: Path, tmp_path: Path) -> Callable[..., Outcome]:
    """Run a request (default: a year, monthly, all cells) into ``tmp_path / name``."""

    def run(name: str, workers: Workers | None = None, cells: Any = None, request: Any = None, **more: Any) -> Outcome:
        chosen = engine.world["cell"].values if cells is None else cells
        asked = request or SimulationRequest("small", (int(chosen[0]),), **PERIOD, frequency="monthly")
        out = tmp_path / name
        return run_blocks(engine.source("small"), engine.world, small_cube, asked, chosen, out, workers, **more)

    return run


def read(path: Path) -> xr.Dataset:
    """A store in memory."""
    return xr.load_dataset(path, engine="zarr", consolidated=False)


def pids(cluster: Cluster) -> list[int]:
    """Process ids of the workers."""
    return list(cluster.client.run(os.getpid).values())


# -- the same numbers ---------------------------------------------------------------------------------------------


def test_every_chunking_and_number_of_workers_gives_the_same_bits(
    run: Callable[..., Outcome], cluster: Cluster, tmp_path: Path
) -> None:
    assert run("here.zarr", block_cells=10_000).computed == 1
    expected = read(tmp_path / "here.zarr")
    assert all(np.isfinite(v).all() for v in expected.data_vars.values())
    with local_cluster(1) as one:
        assert run("one.zarr", one, block_cells=UNIT).computed == 3
    for size in (UNIT, 2 * UNIT, 3 * UNIT):
        run(f"{size}.zarr", cluster, block_cells=size)
    for name in ("one", UNIT, 2 * UNIT, 3 * UNIT):
        xr.testing.assert_identical(read(tmp_path / f"{name}.zarr"), expected)


def test_a_cell_has_the_same_bits_in_a_region_as_in_all_land(
    run: Callable[..., Outcome], engine: Engine, cluster: Cluster, tmp_path: Path
) -> None:
    some = np.random.default_rng(1).permutation(engine.world["cell"].values)[:23]
    run("all.zarr")
    run("some.zarr", cluster, cells=some)
    regional = read(tmp_path / "some.zarr")
    np.testing.assert_array_equal(regional["cell"], np.sort(some))
    whole = read(tmp_path / "all.zarr").sel(cell=np.sort(some))
    for name in whole.data_vars:
        np.testing.assert_array_equal(regional[name], whole[name], err_msg=str(name))


def test_blocks_answer_as_the_engine_does(run: Callable[..., Outcome], engine: Engine, tmp_path: Path) -> None:
    cells = engine.world["cell"].values[60:70]
    run("a.zarr", cells=cells, request=SimulationRequest("small", (int(cells[0]),), **PERIOD))
    stored = read(tmp_path / "a.zarr")
    asked = engine.simulate(SimulationRequest("small", tuple(int(c) for c in cells), **PERIOD))
    assert set(stored.variables) == set(asked.variables) and stored.attrs == asked.attrs
    for name, values in asked.variables.items():
        assert stored[name].dims == values.dims and stored[name].attrs == values.attrs, name
        if values.dtype.kind == "f":
            np.testing.assert_allclose(stored[name], values, rtol=1e-3, atol=2e-3, err_msg=str(name))


def test_explanations_of_many_cells_are_those_of_each(
    run: Callable[..., Outcome], engine: Engine, cluster: Cluster, tmp_path: Path
) -> None:
    cells = engine.world["cell"].values[10:13]
    request = ExplanationRequest("small", int(cells[0]), lags=30, start="2004-01-01", end="2004-12-31")
    run("why.zarr", cluster, cells=cells, request=request, block_cells=2)
    run("here.zarr", cells=cells, request=request)
    stored = read(tmp_path / "why.zarr")
    xr.testing.assert_identical(stored, read(tmp_path / "here.zarr"))
    assert stored["attribution"].dims == ("cell", "time", "lag", "forcing")
    for cell in cells:
        alone = engine.explain(dataclasses.replace(request, cell=int(cell)))
        np.testing.assert_array_equal(stored["attribution"].sel(cell=cell), alone["attribution"])


def test_writers_never_share_a_chunk(run: Callable[..., Outcome], tmp_path: Path) -> None:
    run("a.zarr", block_cells=UNIT)
    for name, array in zarr.open_group(tmp_path / "a.zarr", mode="r").arrays():
        names = array.metadata.dimension_names
        if "cell" in names and name not in ("cell", "lat", "lon", "area"):
            assert array.chunks[names.index("cell")] == UNIT


def test_a_task_carries_paths_not_weights(engine: Engine, small_cube: Path, tmp_path: Path) -> None:
    request = SimulationRequest("small", (1,), **PERIOD)
    job = blocks._job(engine.source("small"), small_cube, request, tmp_path / "a.zarr")
    task = blocks.Block(job, 0, 0, tuple(range(100_000, 100_000 + UNIT)))
    assert len(cloudpickle.dumps((blocks.compute_block, task))) < 2500


def test_members_trained_on_a_cluster_are_those_trained_at_home(
    small_model: Path, small_cube: Path, small_recipe: Recipe, cluster: Cluster, tmp_path: Path
) -> None:
    heard: list[tuple] = []
    train_members(small_recipe, tmp_path / "far", small_cube, cluster, report=lambda *told: heard.append(told))
    train_members(small_recipe, tmp_path / "near", small_cube, Processes(2))
    for name in ("member-0.safetensors", "member-1.safetensors"):
        home = sha256_of(small_model.parent / "training" / name)
        assert sha256_of(tmp_path / "far" / name) == sha256_of(tmp_path / "near" / name) == home
    deadline = time.monotonic() + 10
    while len(heard) < 8 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert {(member, done) for member, done, _ in heard} == {(m, p) for m in (0, 1) for p in (1, 2, 3, 4)}


def test_the_pass_over_all_land_is_the_same_on_a_cluster(
    small_model: Path, small_cube: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(world_run, "BLOCK_CELLS", UNIT)
    done: list[float] = []
    far = world_run.run_world(small_model, small_cube, cluster, report=done.append)
    assert done == pytest.approx([1 / 3, 2 / 3, 1])
    near = world_run.run_world(small_model, small_cube)
    assert far.arrays.keys() == near.arrays.keys()
    for name, values in near.arrays.items():
        np.testing.assert_array_equal(far[name], values, err_msg=name)


def test_the_pass_over_all_land_stops_when_told(small_model: Path, small_cube: Path) -> None:
    token = threading.Event()
    token.set()
    with pytest.raises(Cancelled):
        world_run.run_world(small_model, small_cube, cancel=token)


# -- what is lost is computed again -------------------------------------------------------------------------------


def test_a_worker_killed_midway_costs_only_its_blocks(
    run: Callable[..., Outcome], engine: Engine, cluster: Cluster, tmp_path: Path
) -> None:
    cells = engine.world["cell"].values[20:32]
    request = ExplanationRequest("small", int(cells[0]), lags=60, start="2004-01-01", end="2004-12-31")
    killed: list[int] = []

    def kill_one(fraction: float, words: str) -> None:
        if fraction >= 0.25 and not killed:
            killed.append(pids(cluster)[0])
            os.kill(killed[0], signal.SIGKILL)

    run("a.zarr", cluster, cells=cells, request=request, block_cells=1, progress=kill_one)
    assert killed and not part_folder(tmp_path / "a.zarr").exists()
    run("b.zarr", cells=cells, request=request, block_cells=1)
    xr.testing.assert_identical(read(tmp_path / "a.zarr"), read(tmp_path / "b.zarr"))
    cluster.client.wait_for_workers(2, timeout=60)
    assert killed[0] not in pids(cluster)


def test_only_what_a_dead_worker_was_at_is_done_twice(cluster: Cluster, tmp_path: Path) -> None:
    log = tmp_path / "log"

    def work(item: int, context: Context) -> int:
        with log.open("a") as file:
            file.write(f"{item}\n")
        if item == 3 and log.read_text().split().count("3") == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.2)
        return item

    results = dict(cluster.map(work, range(10)))
    assert results == {i: i for i in range(10)}
    done = sorted(map(int, log.read_text().split()))
    assert set(done) == set(range(10)) and done.count(3) == 2
    # beside the block that it died of, a worker may take with it results that had not yet reached the driver
    assert len(done) <= 13


def test_a_killed_run_resumes_with_what_is_missing(
    run: Callable[..., Outcome], engine: Engine, small_cube: Path, small_model: Path, tmp_path: Path
) -> None:
    cells = engine.world["cell"].values[30:42]
    request = ExplanationRequest("small", int(cells[0]), lags=60, start="2004-01-01", end="2004-12-31")
    code = (
        "import sys; from pathlib import Path; from hdlcore.runtime.engine import Engine\n"
        "from hdlcore.runtime.blocks import run_blocks; from hdlcore.runtime.requests import ExplanationRequest\n"
        f"cube = Path({str(small_cube)!r}); engine = Engine([Path({str(small_model)!r})], cube)\n"
        f"run_blocks(engine.source('small'), engine.world, cube, {request!r}, {[int(c) for c in cells]},\n"
        f"           Path({str(tmp_path / 'a.zarr')!r}), block_cells=1)\n"
    )
    driver = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[2])
    journal = part_folder(tmp_path / "a.zarr") / JOURNAL
    deadline = time.monotonic() + 120
    while not (journal.is_file() and len(journal.read_text().splitlines()) > 3):
        assert driver.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)
    driver.kill()
    driver.wait()
    assert not (tmp_path / "a.zarr").exists()
    before = len(journal.read_text().splitlines()) - 1
    done = run("a.zarr", cells=cells, request=request, resume=True)
    assert (done.kept, done.computed) == (before, 12 - before) and 3 <= before < 12
    run("b.zarr", cells=cells, request=request, block_cells=1)
    xr.testing.assert_identical(read(tmp_path / "a.zarr"), read(tmp_path / "b.zarr"))


class Stopper:
    """A progress that stops the run once some of it is done."""

    def __init__(self, fraction: float) -> None:
        self.fraction, self.token = fraction, threading.Event()

    def __call__(self, fraction: float, words: str) -> None:
        if fraction >= self.fraction:
            self.token.set()


@pytest.mark.parametrize("where", ["here", "cluster"])
def test_a_cancelled_run_leaves_no_file_and_can_be_gone_on_with(
    run: Callable[..., Outcome], cluster: Cluster, tmp_path: Path, where: str
) -> None:
    workers = cluster if where == "cluster" else Here()
    stopper = Stopper(0.3)
    with pytest.raises(Cancelled):
        run("a.zarr", workers, block_cells=UNIT, progress=stopper, cancel=stopper.token)
    assert not (tmp_path / "a.zarr").exists()
    assert run("a.zarr", workers, resume=True).kept >= 1
    run("b.zarr")
    xr.testing.assert_identical(read(tmp_path / "a.zarr"), read(tmp_path / "b.zarr"))


def test_work_under_way_hears_that_it_is_cancelled(cluster: Cluster, tmp_path: Path) -> None:
    token = threading.Event()
    said = tmp_path / "stopped"

    def work(item: int, context: Context) -> None:
        context.tell("begun")
        while not context.stop.is_set():
            time.sleep(0.02)
        said.touch()

    with pytest.raises(Cancelled):
        list(cluster.map(work, [1], token, lambda told: token.set()))
    deadline = time.monotonic() + 10
    while not said.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert said.exists()


# -- one clear sentence -------------------------------------------------------------------------------------------


def test_a_worker_without_memory_is_said_so(cluster: Cluster) -> None:
    tries: list[int] = []

    def hungry(item: int, context: Context) -> Any:
        context.tell(1)
        return np.empty(1 << 46)  # more than an address can name

    with pytest.raises(RequestError, match="out of memory"):
        list(cluster.map(hungry, [1], None, tries.append))

    def ended(item: int, context: Context) -> None:
        os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does it

    cluster.client.cluster.scheduler.allowed_failures = 1
    try:
        with pytest.raises(RequestError, match="out of memory"):
            list(cluster.map(ended, [1]))
    finally:
        cluster.client.cluster.scheduler.allowed_failures = 3
    assert dict(cluster.map(lambda item, context: item, [5])) == {0: 5}


def test_a_lost_scheduler_ends_the_run_in_one_sentence(run: Callable[..., Outcome], tmp_path: Path) -> None:
    note = tmp_path / "scheduler.json"
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--port", "0", "--no-dashboard"]
    scheduler = subprocess.Popen([*command, "--scheduler-file", str(note)], **quiet)
    worker = None
    try:
        deadline = time.monotonic() + 60
        while not note.is_file() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.2)
        address = json.loads(note.read_text())["address"]
        with pytest.raises(RequestError, match="has no workers; start some with 'dask worker tcp"), connect(address, 1):
            pass
        command = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
        worker = subprocess.Popen(command, cwd=tmp_path, **quiet)

        def kill(fraction: float, words: str) -> None:
            if fraction > 0.3:
                scheduler.kill()

        with (
            pytest.raises(RequestError, match=r"connection to the scheduler was lost.*--resume"),
            connect(address, 60) as far,
        ):
            run("a.zarr", far, block_cells=UNIT, progress=kill)
        assert not (tmp_path / "a.zarr").exists()
        assert run("a.zarr", resume=True).kept >= 1
    finally:
        scheduler.kill()
        if worker is not None:
            worker.terminate()
            worker.wait()
        scheduler.wait()


def test_what_cannot_be_done_in_blocks_is_refused(run: Callable[..., Outcome], engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(RequestError, match=r"name it \.zarr"):
        run("a.nc")
    cell = engine.simulate(SimulationRequest("small", (int(engine.world["cell"][0]),)))
    with pytest.raises(RequestError, match="GB are free; choose another disk"):
        refuse_full_disk(tmp_path / "a.zarr", cell.nbytes * 1e12, 10**12)
    assert list(tmp_path.iterdir()) == []
