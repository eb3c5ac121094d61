"""Make and read a daily cube four times the memory allowed: ``python -m scripts.cube_bench [--size 8] [--limit 2]``.

Each step runs in a process of its own whose address space is limited (RLIMIT_AS), so that more memory is an error and
not a slow-down. A first step shows that the limit binds: taking the cube whole into memory fails. Figures are printed
as a table for docs/data.md; the cube is deleted at the end.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

DAYS_FROM = "2001-01-01"


def make(path: Path, size: float) -> dict[str, float]:
    """Write a global half-degree cube of `size` GiB from arrays that are made on demand."""
    import dask.array as da
    import numpy as np
    import xarray as xr

    from hdlcore.data.cubes import place_coordinates, write_cube
    from hdlcore.data.schema import GridSpec, map_chunks
    from hdlcore.variables import variable

    grid = GridSpec(360, 720, 90.0, -180.0, 0.5)
    ids = np.arange(grid.rows * grid.columns)
    n_time = int(size * 2**30 / 4 / ids.size)
    lat, lon = grid.centres(ids)

    def weather(block_info=None) -> np.ndarray:
        (t0, t1), (c0, c1) = block_info[None]["array-location"]
        day = np.arange(t0, t1, dtype=np.float32)[:, None]
        season = np.cos(2 * np.pi * (day - 200) / 365.25) * (lat[c0:c1] / 4).astype(np.float32)
        noise = np.random.default_rng(t0).standard_normal((t1 - t0, c1 - c0), dtype=np.float32)
        return np.round((25 - np.abs(lat[c0:c1]).astype(np.float32) / 2 + season + 3 * noise) * 16) / 16

    rows = map_chunks(n_time, ids.size)[0]
    chunks = (tuple([rows] * (n_time // rows) + ([n_time % rows] if n_time % rows else [])), (ids.size,))
    values = da.map_blocks(weather, chunks=chunks, dtype=np.float32, meta=np.empty((0, 0), np.float32))
    attrs = {**variable("air_temperature").attributes(), "source": "generated"}
    days = (np.datetime64(DAYS_FROM) + np.arange(n_time)).astype("datetime64[ns]")
    daily = xr.Dataset(
        {"air_temperature": (("time", "cell"), values, attrs)}, {"time": days, "cell": ids.astype(np.int32)}
    )
    cells = xr.Dataset(coords=place_coordinates(ids, lat, lon, np.full(ids.size, np.nan)))
    about = {
        "kind": "grid",
        "title": "Bench",
        "source": "generated",
        "attribution": "none",
        "provenance": [{"file": "scripts/cube_bench.py", "sha256": "-"}],
        "grid": grid.to_json(),
    }
    write_cube(path, cells, daily=daily, attrs=about)
    return {"days": n_time, "cells": ids.size}


def series(path: Path) -> dict[str, float]:
    """All days of one cell."""
    from hdlcore.data.cubes import open_cube

    return {"mean": float(open_cube(path).series("air_temperature", [100_000]).mean())}


def day_map(path: Path) -> dict[str, float]:
    """All cells of one day."""
    from hdlcore.data.cubes import open_cube

    return {"mean": float(open_cube(path).map("air_temperature", "2010-07-01").mean())}


def mean(path: Path) -> dict[str, float]:
    """The mean over all days of every cell, by dask on two threads."""
    import dask

    from hdlcore.data.cubes import open_cube

    with dask.config.set(scheduler="threads", num_workers=2):
        values = open_cube(path, chunks={}).daily["air_temperature"].mean("time").compute()
    return {"mean": float(values.mean())}


def check(path: Path) -> dict[str, float]:
    """The reviewer reads it whole."""
    from hdlcore.data.review import review

    report = review(path)
    if not report.readable:
        raise SystemExit(report.text())
    return {"major": len(report.major), "complete": report.completeness["daily/air_temperature"]}


def whole(path: Path) -> dict[str, float]:
    """Taking it whole into memory must fail under the limit."""
    from hdlcore.data.cubes import open_cube

    try:
        open_cube(path).daily["air_temperature"].load()
    except MemoryError:
        return {"refused": 1.0}
    raise SystemExit("The limit does not bind: the whole cube fitted into memory.")


STEPS = {"make": make, "whole": whole, "series": series, "map": day_map, "mean": mean, "review": check}


def child(step: str, path: Path, size: float, limit: float) -> None:
    """Run one step under the limit and print its figures as JSON."""
    top = int(limit * 2**30)
    resource.setrlimit(resource.RLIMIT_AS, (top, top))
    import zarr

    zarr.config.set({"threading.max_workers": 2, "async.concurrency": 4})
    start = time.perf_counter()
    result = make(path, size) if step == "make" else STEPS[step](path)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": round(time.perf_counter() - start, 2), "peak_rss_mb": round(peak), **result}))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m scripts.cube_bench", description=__doc__)
    parser.add_argument("--size", type=float, default=8.0, help="GiB of daily values")
    parser.add_argument("--limit", type=float, default=2.0, help="GiB of address space for each step")
    parser.add_argument("--at", type=Path, default=Path("/tmp/hdl-bench.zarr"), help="where the cube is made")
    parser.add_argument("--step", choices=[*STEPS], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        child(options.step, options.at, options.size, options.limit)
        return
    shutil.rmtree(options.at, ignore_errors=True)
    environment = {**os.environ, "MALLOC_ARENA_MAX": "2", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    try:
        print("| step | seconds | peak memory, MB | |\n|---|---|---|---|")
        for step in STEPS:
            command = [sys.executable, "-m", "scripts.cube_bench", "--step", step, "--at", str(options.at)]
            command += ["--size", str(options.size), "--limit", str(options.limit)]
            done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
            figures = json.loads(done.stdout.splitlines()[-1])
            seconds, peak = figures.pop("seconds"), figures.pop("peak_rss_mb")
            print(f"| {step} | {seconds} | {peak} | {figures} |", flush=True)
        for part in ("daily", "daily_maps"):
            held = sum(p.stat().st_size for p in (options.at / part).rglob("*") if p.is_file()) / 2**30
            print(f"{part}: {held:.2f} GiB on disk", flush=True)
    except subprocess.CalledProcessError as error:
        raise SystemExit(f"{error.cmd} failed:\n{error.stderr[-3000:]}") from error
    finally:
        shutil.rmtree(options.at, ignore_errors=True)
        shutil.rmtree(options.at.with_name(options.at.name + ".partial"), ignore_errors=True)


if __name__ == "__main__":
    main()
