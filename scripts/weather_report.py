"""Compare generated daily weather with observed daily series; prints the tables of docs/weather.md.

usage: python scripts/weather_report.py FOLDER [--extract FILE.json] [--tower FILE.csv]

FOLDER holds NAME.csv (date, precipitation mm d-1, air_temperature degC) and NAME.json (lat, lon, source, note).
`--extract` writes the observed statistics that tests/unit/test_weather.py compares with. `--tower` is a FLUXNET2015
daily file with NETRAD of US-AR1.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr

from hdlcore.data.cube import find_cell, open_world
from hdlcore.data.weather import WeatherSpec, generate, generate_arrays
from hdlcore.data.weather.statistics import STATISTICS, weather_statistics

PERIOD = ("1987-01-01", "2014-12-31")
SEASONS = {"year": range(1, 13), "DJF": (12, 1, 2), "JJA": (6, 7, 8)}


def representative_cell(world: xr.Dataset, meta: dict, series: pd.DataFrame) -> int:
    """Cell of a place; for a place without a longitude, the cell of its latitude whose climate comes nearest."""
    if "lon" in meta:
        return find_cell(world, meta["lat"], meta["lon"])
    monthly = series.groupby(series.index.month).mean()
    band = np.flatnonzero(np.abs(world["lat"].values - meta["lat"]) <= 1)
    rain = np.log1p(world["precipitation"].values[:, band]) - np.log1p(monthly["precipitation"].to_numpy())[:, None]
    warmth = world["air_temperature"].values[:, band] - monthly["air_temperature"].to_numpy()[:, None]
    return int(world["cell"].values[band[(rain**2 + (warmth / 3) ** 2).sum(axis=0).argmin()]])


def catchment_table(world: xr.Dataset, folder: Path) -> dict[str, dict]:
    """Print observed and generated statistics of every catchment; returns the observed ones by name."""
    extract: dict[str, dict] = {}
    print(f"| place, season | series | mean P | {' | '.join(STATISTICS)} |")
    print("|---" * (len(STATISTICS) + 3) + "|")
    for path in sorted(folder.glob("*.csv")):
        meta = json.loads(path.with_suffix(".json").read_text())
        series = pd.read_csv(path, parse_dates=["date"], index_col="date")[["precipitation", "air_temperature"]]
        cell = representative_cell(world, meta, series)
        sources = {"observed": series}
        for mode in ("climatological", "interannual"):
            made = generate(world, [cell], *PERIOD, WeatherSpec(1, mode)).isel(cell=0)
            sources[mode] = made[["precipitation", "air_temperature"]].to_dataframe()[list(series.columns)]
        known = {key: meta[key] for key in ("lat", "lon", "source", "note") if key in meta}
        extract[path.stem] = known | {"cell": cell, "start": meta["start"], "end": meta["end"], "seasons": {}}
        for season, months in SEASONS.items():
            for label, data in sources.items():
                found = weather_statistics(data["precipitation"], data["air_temperature"], months)
                mean = data["precipitation"][data.index.month.isin(list(months))].mean()
                cells = " | ".join("" if value is None else f"{value:.2f}" for value in found.values())
                print(f"| {path.stem}, {season} | {label} | {mean:.2f} | {cells} |")
                if label == "observed":
                    extract[path.stem]["seasons"][season] = found
    return extract


def climatology_table(world: xr.Dataset) -> None:
    """Print how well 14 years return the climatology, and how net radiation looks over land."""
    cells = world["cell"].values
    area = world["area"].values * world["land_fraction"].values
    month = np.arange("2001-01-01", "2015-01-01", dtype="datetime64[D]").astype("datetime64[M]").astype(int) % 12
    for mode in ("climatological", "interannual"):
        made = generate_arrays(world, cells[::7], "2001-01-01", "2014-12-31", WeatherSpec(1, mode))
        means = np.stack([made[month == m].mean(axis=0, dtype=np.float64) for m in range(12)])
        rain, warmth = world["precipitation"].values[:, ::7], world["air_temperature"].values[:, ::7]
        off = np.abs(means[..., 0] - rain) / np.maximum(rain, 1e-9)
        print(
            f"{mode}: largest departure of a monthly mean {100 * off[rain > 1e-6].max():.4f} %, "
            f"{np.abs(means[..., 1] - warmth).max():.4f} K; wettest day {made[..., 0].max():.0f} mm"
        )
    net, weight = means[..., 2].mean(axis=0), area[::7] / area[::7].sum()
    lat, codes = world["lat"].values[::7], world["koeppen"].values[::7]
    print(f"net radiation, W m-2: land {float((net * weight).sum()):.0f}")
    regions = {
        "tropical rain forest (Af)": codes == 1,
        "hot desert (BWh)": codes == 7,
        "boreal 55 to 70 N": (lat > 55) & (lat < 70),
        "temperate 40 to 55 N": (lat > 40) & (lat < 55),
    }
    for name, inside in regions.items():
        mean = np.average(net[inside], weights=weight[inside])
        months = np.average(means[:, inside, 2], weights=weight[inside], axis=1)
        print(f"  {name}: year {mean:.0f}, January {months[0]:.0f}, July {months[6]:.0f}")


def tower_table(world: xr.Dataset, path: Path) -> None:
    """Print monthly net radiation observed at US-AR1 (36.43 N, 99.42 W) and generated there."""
    data = pd.read_csv(path, na_values=[-9999], index_col="TIMESTAMP", parse_dates=["TIMESTAMP"], date_format="%Y%m%d")
    observed = data["NETRAD"].dropna()
    made = generate(world, [find_cell(world, 36.43, -99.42)], "2001-01-01", "2014-12-31").isel(cell=0)
    generated = made["net_radiation"].to_series()
    for label, series in (("observed", observed), ("generated", generated)):
        monthly = series.groupby(series.index.month).mean().round().astype(int).tolist()
        spread = (series - series.groupby(series.index.month).transform("mean")).std()
        print(f"US-AR1 {label} (W m-2, {len(series)} days): months {monthly}, daily sd within months {spread:.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--extract", type=Path)
    parser.add_argument("--tower", type=Path)
    arguments = parser.parse_args()
    world = open_world()
    extract = catchment_table(world, arguments.folder)
    if arguments.extract:
        arguments.extract.write_text(json.dumps(extract, indent=1) + "\n")
    climatology_table(world)
    if arguments.tower:
        tower_table(world, arguments.tower)


if __name__ == "__main__":
    main()
