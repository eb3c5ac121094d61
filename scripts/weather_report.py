"""Compare generated daily weather with observed daily series; prints the tables of docs/weather.md.

usage: python scripts/weather_report.py [--data FOLDER] [--extract FILE.json] [--statistics FILE.json]

FOLDER holds catchments/NAME.csv (date, precipitation mm d-1, air_temperature degC) with NAME.json (lat, lon, source,
note, area_km2), and flux_sites/ with the FLUXNET2015 daily file of US-AR1 and the half-hourly parquet of Davos
(CH-DAV). With `--data`, `--extract` writes the observed statistics and their tolerances. Without it, weather is judged
by the file of `--statistics`, which the tests use too.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from hdlcore.data.cube import find_cell, open_world, unit_vectors
from hdlcore.data.weather import WeatherSpec, generate_arrays
from hdlcore.data.weather.comparison import Judgement, compare, generated_series, place_world, read_places
from hdlcore.data.weather.slow import NODE_DAYS, slow_modes
from hdlcore.data.weather.statistics import (
    SEASONS,
    STATISTICS,
    as_days,
    standard_errors,
    tolerance,
    weather_statistics,
)

STATISTICS_FILE = Path(__file__).parents[1] / "tests" / "data" / "catchment_weather_statistics.json"
SEEDS = (1, 2)
# km2; the packages that these two series come from do not say: reservoir Baskatong's basin; Leaf River near Collins
AREAS = {"baskatong": 13040.0, "leaf_river": 1944.0}
TOWERS: dict[str, dict[str, Any]] = {
    "us_ar1": {"lat": 36.43, "lon": -99.42, "elevation_m": 611.0, "area_km2": 0.0, "source": "FLUXNET2015 US-AR1"},
    "ch_dav": {"lat": 46.82, "lon": 9.86, "elevation_m": 1639.0, "area_km2": 0.0, "source": "CH-DAV, half-hourly"},
}
BLOCKS = (("1973-01-01", "1986-12-31"), ("1987-01-01", "2000-12-31"), ("2001-01-01", "2014-12-31"))
DISTANCES = (0, 150, 300, 600, 1000, 2000, 4000, 8000)
ENSO_REGIONS = {
    "Maritime Continent, Jul-Nov": (-6, 4, 105, 140, (7, 8, 9, 10, 11)),
    "eastern Australia, Jul-Dec": (-32, -20, 140, 152, (7, 8, 9, 10, 11, 12)),
    "India, Jun-Sep": (15, 25, 72, 85, (6, 7, 8, 9)),
    "southern Africa, Dec-Mar": (-27, -17, 20, 34, (12, 1, 2, 3)),
    "northern Amazon, Nov-Mar": (-3, 7, -68, -50, (11, 12, 1, 2, 3)),
    "Gulf states, Dec-Mar": (29, 34, -100, -82, (12, 1, 2, 3)),
    "south-eastern South America, Oct-Jan": (-33, -25, -60, -50, (10, 11, 12, 1)),
    "central Europe, Jun-Aug (no pattern)": (47, 53, 5, 18, (6, 7, 8)),
}


def read_series(folder: Path) -> dict[str, tuple[dict[str, Any], pd.DataFrame]]:
    """Observed places: what is known of them, and their daily series."""
    result: dict[str, tuple[dict[str, Any], pd.DataFrame]] = {}
    for path in sorted((folder / "catchments").glob("*.csv")):
        meta = json.loads(path.with_suffix(".json").read_text())
        known = {key: meta[key] for key in ("lat", "lon", "source", "note") if key in meta}
        known["area_km2"] = meta.get("area_km2", AREAS.get(path.stem))
        series = pd.read_csv(path, parse_dates=["date"], index_col="date")
        result[path.stem] = known, series[["precipitation", "air_temperature"]]
    fluxnet = next((folder / "flux_sites").glob("FLX_US-AR1*DD*.csv"))
    tower = pd.read_csv(
        fluxnet, na_values=[-9999], index_col="TIMESTAMP", parse_dates=["TIMESTAMP"], date_format="%Y%m%d"
    )
    tower["components"] = tower["SW_IN_F"] - tower["SW_OUT"] + tower["LW_IN_F"] - tower["LW_OUT"]
    names = {"P_F": "precipitation", "TA_F": "air_temperature", "SW_IN_F": "shortwave", "NETRAD": "net_radiation"}
    tower = tower.rename(columns=names)
    result["us_ar1"] = TOWERS["us_ar1"], tower[[*names.values(), "components"]]
    half_hours = pd.read_parquet(next((folder / "flux_sites").glob("CH-DAV*.parquet")))
    days = half_hours.resample("D").mean()
    davos = pd.DataFrame(
        {
            # days without a gauge (15 of 3652) count as dry
            "precipitation": (days["PREC_TOT_T1_25+20_1"] * 48).fillna(0.0),
            "air_temperature": days["Tair_f"],
            "shortwave": days["Rg_f"],
        }
    )
    result["ch_dav"] = TOWERS["ch_dav"], davos
    return result


def representative_cell(world: xr.Dataset, meta: dict[str, Any], series: pd.DataFrame) -> int:
    """Cell of a place; for a place without a longitude, the cell of its latitude whose climate comes nearest."""
    if "lon" in meta:
        return find_cell(world, meta["lat"], meta["lon"])
    monthly = series.groupby(series.index.month).mean()
    band = np.flatnonzero(np.abs(world["lat"].values - meta["lat"]) <= 1)
    rain = np.log1p(world["precipitation"].values[:, band]) - np.log1p(monthly["precipitation"].to_numpy())[:, None]
    warmth = world["air_temperature"].values[:, band] - monthly["air_temperature"].to_numpy()[:, None]
    return int(world["cell"].values[band[(rain**2 + (warmth / 3) ** 2).sum(axis=0).argmin()]])


def extract(world: xr.Dataset, folder: Path) -> dict[str, Any]:
    """Observed monthly means, statistics, their standard errors and tolerances, by place."""
    result: dict[str, Any] = {}
    for name, (meta, series) in read_series(folder).items():
        days = as_days(series["precipitation"], series["air_temperature"])
        monthly = series.groupby(series.index.month).mean().dropna(axis=1)
        place = dict(meta) | {
            "cell": representative_cell(world, meta, series),
            "start": str(series.index[0].date()),
            "end": str(series.index[-1].date()),
            "monthly": {key: monthly[key].round(4).tolist() for key in monthly},
            "seasons": {},
        }
        for season, months in SEASONS.items():
            seen = weather_statistics(series["precipitation"], series["air_temperature"], months)
            errors = standard_errors(days, months)
            place["seasons"][season] = {
                key: {
                    "observed": seen[key],
                    "error": errors[key],
                    "tolerance": round(tolerance(key, seen[key], errors[key], meta["area_km2"]), 4),
                }
                for key in STATISTICS
                if seen[key] is not None
            }
        result[name] = place
    return result


def statistics_table(judged: list[Judgement]) -> None:
    """Print observed / generated ± tolerance of each place, season and statistic; (!) where it is not within."""
    print(f"| place, season | {' | '.join(STATISTICS)} |")
    print("|---" * (len(STATISTICS) + 1) + "|")
    by_row: dict[tuple[str, str], dict[str, Judgement]] = {}
    for one in judged:
        by_row.setdefault((one.place, one.season), {})[one.statistic] = one
    for (place, season), row in by_row.items():
        cells = []
        for name in STATISTICS:
            one = row.get(name)
            digits = 1 if one and max(one.observed, one.generated) >= 10 else 2
            cells.append(
                f"{one.observed:.{digits}f} / {one.generated:.{digits}f} ± {one.tolerance:.{digits}f}"
                f"{'' if one.within else ' **no**'}"
                if one
                else ""
            )
        print(f"| {place}, {season} | {' | '.join(cells)} |")
    within = Counter(one.statistic for one in judged if one.within)
    every = Counter(one.statistic for one in judged)
    print(f"within: {sum(within.values())} of {len(judged)};", *(f"{k} {within[k]}/{every[k]}" for k in STATISTICS))


def climatology_table(world: xr.Dataset) -> None:
    """Print how well 14 years return the climatology, extremes, and how net radiation looks over land."""
    chosen = slice(None, None, 7)
    cells, lat, codes = (world[name].values[chosen] for name in ("cell", "lat", "koeppen"))
    weight = (world["area"].values * world["land_fraction"].values)[chosen]
    month = np.arange("2001-01-01", "2015-01-01", dtype="datetime64[D]").astype("datetime64[M]").astype(int) % 12
    for mode in ("climatological", "interannual"):
        made = generate_arrays(world, cells, "2001-01-01", "2014-12-31", WeatherSpec(1, mode))
        means = np.stack([made[month == m].mean(axis=0, dtype=np.float64) for m in range(12)])
        rain, warmth = world["precipitation"].values[:, chosen], world["air_temperature"].values[:, chosen]
        off = np.abs(means[..., 0] - rain) / np.maximum(rain, 1e-9)
        print(
            f"{mode}: largest departure of a monthly mean {100 * off[rain > 1e-6].max():.4f} %, "
            f"{np.abs(means[..., 1] - warmth).max():.4f} K; wettest day {made[..., 0].max():.0f} mm, poleward of 40 "
            f"degrees {made[:, np.abs(lat) > 40, 0].max():.0f} mm; "
            f"net radiation {made[..., 2].min():.0f} to {made[..., 2].max():.0f} W m-2"
        )
    regions = {
        "land": lat > -90,
        "tropical rain forest (Af)": codes == 1,
        "hot desert (BWh)": codes == 7,
        "boreal 55 to 70 N": (lat > 55) & (lat < 70),
        "temperate 40 to 55 N": (lat > 40) & (lat < 55),
    }
    for name, inside in regions.items():
        months = np.average(means[:, inside, 2], weights=weight[inside], axis=1)
        print(f"  net radiation, {name}: year {months.mean():.0f}, January {months[0]:.0f}, July {months[6]:.0f}")


def radiation_table(world: xr.Dataset, places: dict[str, Any]) -> None:
    """Print monthly radiation observed at the towers and generated there, from the tower's own monthly means."""
    for name in TOWERS:
        made = generated_series(place_world(world, places[name]), WeatherSpec(1, "interannual"))
        monthly = made["net_radiation"].groupby(made.index.month).mean()
        for key in ("shortwave", "net_radiation", "components"):
            if key in places[name]["monthly"]:
                print(f"{name} observed {key}:", [round(value) for value in places[name]["monthly"][key]])
        print(f"{name} generated net radiation:", monthly.round().astype(int).tolist())


def coherence_table(world: xr.Dataset) -> None:
    """Print coherence of annual rain, droughts and the ENSO-like oscillation over 42 years, seed 1."""
    area = world["area"].values * world["land_fraction"].values
    chosen = np.sort(np.random.default_rng(1).choice(area.size, 1500, replace=False, p=area / area.sum()))
    cells = world["cell"].values[chosen]
    annual = np.concatenate(
        [
            [part[..., 0].mean(axis=0) for part in _years(generate_arrays(world, cells, *limits, SPEC, 2), limits)]
            for limits in BLOCKS
        ]
    )
    mean = np.maximum(annual.mean(axis=0), 1e-6)
    anomaly = (annual - mean) / np.maximum(annual.std(axis=0), 1e-9)
    vectors = unit_vectors(world["lat"].values[chosen], world["lon"].values[chosen])
    pair = np.triu_indices(chosen.size, 1)
    distance = 6371 * np.arccos(np.clip(vectors @ vectors.T, -1, 1))[pair]
    correlation = (anomaly.T @ anomaly / len(anomaly))[pair]
    for low, high in zip(DISTANCES, (*DISTANCES[1:], 20040), strict=True):
        inside = (distance > low) & (distance <= high)
        print(f"annual rain, {low}-{high} km: correlation {correlation[inside].mean():.2f}")
    spread = np.quantile(annual.std(axis=0) / mean, (0.1, 0.5, 0.9))
    short = ((annual < 0.75 * mean) & (mean > 0.3))[:, :].mean(axis=1)
    print(f"variation coefficient of annual rain: 10, 50, 90 % of land {spread.round(2)}")
    print(f"land with less than 75 % of its rain: median year {np.median(short):.2f}, worst year {short.max():.2f}")


SPEC = WeatherSpec(1, "interannual")


def _years(values: np.ndarray, limits: tuple[str, str]) -> list[np.ndarray]:
    day = np.arange(limits[0], np.datetime64(limits[1]) + 1, dtype="datetime64[D]")
    year = day.astype("datetime64[Y]")
    return [values[year == one] for one in np.unique(year)]


def enso_table(world: xr.Dataset) -> None:
    """Print the spectrum of the ENSO-like index and its correlation with the rain of seasons in some regions."""
    series = [slow_modes(1, index) for index in range(-7, 7)]
    index = np.concatenate([one.enso[:-2] for one in series])
    frequency = np.fft.rfftfreq(index.size, NODE_DAYS / 365.2425)
    power = np.abs(np.fft.rfft(index - index.mean())) ** 2
    share = power[(frequency > 1 / 7) & (frequency < 1 / 2)].sum() / power.sum()
    print(
        f"ENSO-like index, {index.size * NODE_DAYS / 365.2425:.0f} years: {share:.2f} of its variance at 2 to 7 years"
    )
    lat, lon = world["lat"].values, world["lon"].values
    for name, (south, north, west, east, months) in ENSO_REGIONS.items():
        inside = (lat > south) & (lat < north) & (lon > west) & (lon < east)
        rain, enso = [], []
        for block, limits in zip((-2, -1, 0), BLOCKS, strict=True):
            made = generate_arrays(world, world["cell"].values[inside][::4], *limits, SPEC, 2)[..., 0].mean(axis=1)
            day = pd.date_range(*limits)
            modes = slow_modes(1, block)
            daily = np.interp(np.arange(day.size) + modes.offset, np.arange(modes.enso.size) * NODE_DAYS, modes.enso)
            frame = pd.DataFrame({"rain": made, "enso": daily}, index=day)[day.month.isin(months)]
            if 12 in months and 1 in months:  # the season's year is that of its January
                frame = frame.groupby(frame.index.year + (frame.index.month >= 7)).mean().iloc[1:-1]
            else:
                frame = frame.groupby(frame.index.year).mean()
            rain.append(frame["rain"].to_numpy())
            enso.append(frame["enso"].to_numpy())
        print(f"  {name}: correlation {np.corrcoef(np.concatenate(rain), np.concatenate(enso))[0, 1]:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--extract", type=Path)
    parser.add_argument("--statistics", type=Path, default=STATISTICS_FILE)
    arguments = parser.parse_args()
    world = open_world()
    if arguments.data:
        places = extract(world, arguments.data)
        if arguments.extract:
            arguments.extract.write_text(json.dumps(places, indent=1) + "\n")
    else:
        places = read_places(arguments.statistics)
    for mode in ("interannual", "climatological"):
        print(mode)
        statistics_table(compare(world, places, [WeatherSpec(seed, mode) for seed in SEEDS]))
    climatology_table(world)
    radiation_table(world, places)
    coherence_table(world)
    enso_table(world)


if __name__ == "__main__":
    main()
