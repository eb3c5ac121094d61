"""Caches: bounded, computed once, safe for several processes, never a wrong answer."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from hdlcore.errors import Cancelled, RequestError
from hdlcore.runtime import cache as cache_module
from hdlcore.runtime.cache import DatasetCache
from hdlcore.runtime.disk_cache import DATA, MANIFEST, DiskCache, entry_name


def dataset(value: float = 1.0, size: int = 1000) -> xr.Dataset:
    return xr.Dataset(
        {"tws": (("time",), np.full(size, value, np.float32), {"units": "mm"})},
        {"time": np.arange(size), "forcing": ("forcing", ["precipitation", "air_temperature"])},
        {"model": "small"},
    )


def test_the_same_question_at_the_same_time_is_computed_once() -> None:
    cache, calls = DatasetCache(10**6), []

    def slow() -> xr.Dataset:
        calls.append(1)
        time.sleep(0.2)
        return dataset()

    results: list[xr.Dataset] = []
    threads = [threading.Thread(target=lambda: results.append(cache.get("key", slow))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(calls) == 1 and len(results) == 6 and all(r is results[0] for r in results)


def test_when_the_first_is_cancelled_a_waiting_one_takes_over() -> None:
    cache, started, stop = DatasetCache(10**6), threading.Event(), threading.Event()

    def cancelled() -> xr.Dataset:
        started.set()
        stop.wait(5)
        raise Cancelled("stopped")

    def first() -> None:
        with pytest.raises(Cancelled):
            cache.get("key", cancelled)

    one = threading.Thread(target=first)
    one.start()
    started.wait(5)
    found: list[xr.Dataset] = []
    two = threading.Thread(target=lambda: found.append(cache.get("key", lambda: dataset(2.0))))
    two.start()
    stop.set()
    one.join()
    two.join()
    assert float(found[0]["tws"][0]) == 2.0


def test_one_who_waits_can_leave_within_a_tenth_of_a_second() -> None:
    cache, started, stop = DatasetCache(10**6), threading.Event(), threading.Event()

    def slow() -> xr.Dataset:
        started.set()
        stop.wait(5)
        return dataset()

    one = threading.Thread(target=lambda: cache.get("key", slow))
    one.start()
    started.wait(5)
    token = threading.Event()
    threading.Timer(0.1, token.set).start()
    began = time.perf_counter()
    with pytest.raises(Cancelled):
        cache.get("key", slow, token)
    assert time.perf_counter() - began < 1.0
    stop.set()
    one.join()


def test_an_error_is_not_kept() -> None:
    cache = DatasetCache(10**6)

    def failing() -> xr.Dataset:
        raise RequestError("no")

    with pytest.raises(RequestError):
        cache.get("key", failing)
    assert float(cache.get("key", dataset)["tws"][0]) == 1.0


def test_the_disk_gives_back_what_it_was_given(tmp_path: Path) -> None:
    disk = DiskCache(tmp_path)
    disk.write("a", dataset())
    xr.testing.assert_identical(disk.read("a"), dataset())
    assert disk.read("b") is None


def test_what_took_long_survives_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "WORTH_KEEPING", 0.0)
    DatasetCache(10**6, DiskCache(tmp_path)).get("key", dataset, name=entry_name("key"))

    def never() -> xr.Dataset:
        raise AssertionError("it was computed again")

    again = DatasetCache(10**6, DiskCache(tmp_path)).get("key", never, name=entry_name("key"))
    xr.testing.assert_identical(again, dataset())
    assert not again["tws"].values.flags.writeable


@pytest.mark.parametrize("damage", ["truncate", "flip", "remove", "manifest"])
def test_a_damaged_entry_is_found_out_and_computed_again(tmp_path: Path, damage: str) -> None:
    disk = DiskCache(tmp_path)
    disk.write("a", dataset())
    entry = tmp_path / "results" / "a"
    chunk = next(p for p in (entry / DATA / "tws").rglob("*") if p.is_file() and p.name != "zarr.json")
    if damage == "truncate":
        chunk.write_bytes(chunk.read_bytes()[:-3])
    elif damage == "flip":
        content = bytearray(chunk.read_bytes())
        content[-1] ^= 1
        chunk.write_bytes(bytes(content))
    elif damage == "remove":
        chunk.unlink()
    else:
        (entry / MANIFEST).write_text("{")
    assert disk.read("a") is None
    disk.write("a", dataset())
    xr.testing.assert_identical(disk.read("a"), dataset())


def test_the_disk_stays_within_its_bound_and_drops_the_oldest(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).standard_normal(20_000).astype(np.float32)
    disk = DiskCache(tmp_path, max_bytes=250_000)
    for number, name in enumerate("abcde"):
        disk.write(name, dataset().assign(tws=("time", noise[:1000]), more=("x", noise)))
        manifest = tmp_path / "results" / name / MANIFEST
        os.utime(manifest, (number, number)) if manifest.exists() else None
    kept = {p.name for p in (tmp_path / "results").iterdir()}
    assert "e" in kept and "a" not in kept
    assert sum(f.stat().st_size for f in tmp_path.rglob("*") if f.is_file()) < 300_000


def test_a_folder_that_cannot_be_made_loses_nothing_but_the_entry(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    disk = DiskCache(tmp_path / "file")
    disk.write("a", dataset())
    assert disk.read("a") is None


def _write_many(root: Path, value: float) -> None:
    disk = DiskCache(root)
    for _ in range(15):
        disk.write("shared", dataset(value))


def test_processes_that_write_the_same_entry_leave_one_whole_one(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(tmp_path, float(i))) for i in range(2)]
    for writer in writers:
        writer.start()
    disk = DiskCache(tmp_path)
    while any(writer.is_alive() for writer in writers):
        found = disk.read("shared")
        assert found is None or float(found["tws"].std()) == 0.0
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    last = disk.read("shared")
    assert last is not None and float(last["tws"].std()) == 0.0
