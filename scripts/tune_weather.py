"""Estimate the constants of `hdlcore.data.weather.climate` from the observed statistics.

usage: python scripts/tune_weather.py [--minutes 5] [--statistics FILE.json]

Damped least squares (Levenberg 1944) with common random numbers over the statistics of
tests/data/catchment_weather_statistics.json, each departure in units of its tolerance, at interannual weather of two
seeds that the tables of docs/weather.md do not use. Departures above 1.5 tolerances count less, and constants are held
near their present values by their scale of variation. Prints the constants found; they are copied by hand, rounded.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from hdlcore.data.cube import open_world
from hdlcore.data.weather import WeatherSpec, climate
from hdlcore.data.weather.comparison import generated_statistics, place_world, read_places

STATISTICS_FILE = Path(__file__).parents[1] / "tests" / "data" / "catchment_weather_statistics.json"
SPECS = [WeatherSpec(seed, "interannual") for seed in (11, 12)]
# Weight of a place: the Lahn's basins see one weather; points and a small basin are not quite cells of 1 degree.
WEIGHTS = {
    "baskatong": 1.0,
    "lahn_leun": 1.0,
    "lahn_kalkofen": 0.6,
    "leaf_river": 1.0,
    "lumod_2": 0.8,
    "us_ar1": 0.7,
    "ch_dav": 0.7,
}
# Scale on which each constant may move. Those left out stay: sunshine, and the slow share of rain, which
# the records would put at nothing, but without which there are no droughts of a whole region.
SCALES = {
    "intensity": 0.8,
    "intensity_warmth": 0.012,
    "intensity_subtropical_winter": 0.8,
    "intensity_subtropical_summer": 0.4,
    "intensity_dryness": 0.5,
    "shape": 0.08,
    "shape_warmth": 0.06,
    "shape_continental": 0.07,
    "convective": 0.1,
    "convective_warmth": 0.12,
    "convective_continental": 0.12,
    "convective_subtropical": 0.12,
    "convective_height": 0.08,
    "spread_summer": 0.4,
    "spread_winter": 1.5,
    "spread_span": 4.0,
    "spread_tropical": 0.1,
    "brief": 0.05,
    "brief_tropical": 0.15,
    "brief_summer": 0.08,
    "brief_continental": 0.1,
    "coupling": 0.1,
    "coupling_dryness": 0.2,
    "coupling_winter": 0.2,
    "coupling_height": 0.1,
    "coupling_continental": 0.12,
    "slow_warmth": 0.04,
    "slow_warmth_winter": 0.04,
}
START = climate.CONSTANTS


def departures(x: np.ndarray, places: dict[str, Any], parts: dict[str, xr.Dataset]) -> tuple[np.ndarray, int]:
    """Weighted departures at constants `x` scales from the start, and how many statistics are within tolerance."""
    moved = {name: getattr(START, name) + scale * step for (name, scale), step in zip(SCALES.items(), x, strict=True)}
    climate.CONSTANTS = START._replace(**moved)
    values, within = [], 0
    for name, weight in WEIGHTS.items():
        found = generated_statistics(parts[name], SPECS)
        for season, table in places[name]["seasons"].items():
            for statistic, seen in table.items():
                off = (found[season][statistic] - seen["observed"]) / seen["tolerance"]
                within += abs(off) <= 1
                size = abs(off) if abs(off) <= 1.5 else 1.5 + 0.3 * (abs(off) - 1.5)
                values.append(np.copysign(size, off) * np.sqrt(weight))
    return np.concatenate([values, 0.25 * x]), within


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--statistics", type=Path, default=STATISTICS_FILE)
    arguments = parser.parse_args()
    world, places = open_world(), read_places(arguments.statistics)
    parts = {name: place_world(world, places[name]) for name in WEIGHTS}
    begin, damping = time.monotonic(), 0.1
    x = np.zeros(len(SCALES))
    off, within = departures(x, places, parts)
    print(f"start: {within} of {off.size - x.size} within, cost {(off**2).sum():.1f}")
    while time.monotonic() - begin < 60 * arguments.minutes:
        # a wide step: whether a day is wet jumps
        slope = np.stack([(departures(x + 0.25 * e, places, parts)[0] - off) / 0.25 for e in np.eye(x.size)], axis=1)
        normal = slope.T @ slope
        for _ in range(5):
            step = -np.linalg.solve(normal + damping * np.diag(normal).mean() * np.eye(x.size), slope.T @ off)
            tried = x + np.clip(step, -1.5, 1.5)
            new, new_within = departures(tried, places, parts)
            if (new**2).sum() < (off**2).sum():
                x, off, within, damping = tried, new, new_within, max(0.003, damping / 3)
                break
            damping *= 4
        else:
            break
        print(f"{within} of {off.size - x.size} within, cost {(off**2).sum():.1f}")
    departures(x, places, parts)
    print(climate.CONSTANTS)


if __name__ == "__main__":
    main()
