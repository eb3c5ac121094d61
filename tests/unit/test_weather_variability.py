"""Storms travel, and seasons and years differ over whole regions, with an ENSO-like oscillation behind some of it."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from hdlcore.data.cube import find_cell, open_world, positions
from hdlcore.data.weather import WeatherSpec, generate_arrays
from hdlcore.data.weather.climate import monthly_climate
from hdlcore.data.weather.days import block
from hdlcore.data.weather.latent import BANDS, FIELDS, band_below, coefficients, latent_fields
from hdlcore.data.weather.slow import NODE_DAYS, SLOW_FIELDS, slow_modes
from hdlcore.data.weather.teleconnections import enso_patterns

SPEC = WeatherSpec(1, "interannual")
BLOCKS = (("1973-01-01", "1986-12-31"), ("1987-01-01", "2000-12-31"), ("2001-01-01", "2014-12-31"))


@pytest.fixture(scope="module")
def world() -> xr.Dataset:
    return open_world()


def _rain(world: xr.Dataset, cells: list[int], months: tuple[int, ...]) -> np.ndarray:
    """Mean rain of the months [year, cell], 42 calendar years."""
    years = []
    for first, last in BLOCKS:
        made = generate_arrays(world, cells, first, last, SPEC)[..., 0]
        day = np.arange(first, np.datetime64(last) + 1, dtype="datetime64[D]")
        inside = np.isin(day.astype("datetime64[M]").astype(int) % 12 + 1, months)
        label = day.astype("datetime64[Y]").astype(int)
        years += [made[inside & (label == year)].mean(axis=0) for year in np.unique(label)]
    return np.stack(years)


def _enso(months: tuple[int, ...]) -> np.ndarray:
    """Mean index of the months [year], the same 42 years."""
    years = []
    for index, (first, last) in zip((-2, -1, 0), BLOCKS, strict=True):
        day = np.arange(first, np.datetime64(last) + 1, dtype="datetime64[D]")
        modes = slow_modes(1, index)
        daily = np.interp(np.arange(day.size) + modes.offset, np.arange(modes.enso.size) * NODE_DAYS, modes.enso)
        inside = np.isin(day.astype("datetime64[M]").astype(int) % 12 + 1, months)
        label = day.astype("datetime64[Y]").astype(int)
        years += [daily[inside & (label == year)].mean() for year in np.unique(label)]
    return np.array(years)


def _block(world: xr.Dataset, south: float, north: float, west: float, east: float, step: int) -> list[int]:
    lat, lon = world["lat"].values, world["lon"].values
    inside = (lat > south) & (lat < north) & (lon > west) & (lon < east)
    return [int(cell) for cell in world["cell"].values[inside][::step]]


@pytest.mark.parametrize(
    ("lat", "west", "count", "least", "most"),
    [
        (52.5, 20.5, 30, 2, 14),  # Russia: the westerlies carry storms east
        (40.5, -105.5, 25, 2, 12),  # Great Plains
        (7.5, 10.5, 20, -8, -1),  # Africa: easterlies
        (-5.5, -65.5, 20, -8, -1),  # Amazon
    ],
)
def test_storms_move_downstream(world: xr.Dataset, lat: float, west: float, count: int, least: int, most: int) -> None:
    """Tomorrow's rain goes best with today's upstream: to the west in the westerlies, to the east in the tropics."""
    cells = [find_cell(world, lat, west + step) for step in range(count)]
    rain = np.log1p(generate_arrays(world, cells, "2001-01-01", "2014-12-31", SPEC)[..., 0])
    month = np.arange("2001-01-01", "2015-01-01", dtype="datetime64[D]").astype("datetime64[M]").astype(int) % 12
    for m in range(12):
        rain[month == m] -= rain[month == m].mean(axis=0)
    rain /= rain.std(axis=0)
    shifts = range(-14, 15)
    ahead = {
        shift: np.mean(
            [(rain[1:, i + shift] * rain[:-1, i]).mean() for i in range(max(0, -shift), count - max(0, shift))]
        )
        for shift in shifts
    }
    best = max(ahead, key=lambda shift: ahead[shift])
    assert least <= best <= most
    assert ahead[best] > ahead[-best] + 0.04


def test_every_field_has_unit_variance_at_any_latitude() -> None:
    lat = np.array([-54.5, -40.0, -10.0, 0.0, 33.3, 50.0, 59.9, 60.0, 70.0, 82.5])
    lon = np.linspace(-179.5, 179.5, lat.size)
    daily, slow = [], []
    for seed in range(6):
        coefs = coefficients(seed, 0)
        coefs.ensure(lat)
        one, other = latent_fields(seed, lat, lon, coefs, slow_modes(seed, 0), 0, 5113)
        daily.append(one)
        slow.append(other)
    variance = (np.stack(daily).astype(float) ** 2).mean(axis=(0, 3))
    assert variance.shape == (lat.size, len(FIELDS))
    np.testing.assert_allclose(variance, 1.0, atol=0.12)
    assert 0.5 < (np.stack(slow).astype(float) ** 2).mean() < 1.6  # few independent values in 14 years
    shares = [sum(field.share for field in SLOW_FIELDS if field.acts_on == acts_on) for acts_on in (0, 1)]
    assert shares == pytest.approx([1.0, 1.0])
    assert all(field.waves % 2 == 0 for field in FIELDS)  # the kernel takes four rows at once


def test_bands_meet_without_a_step() -> None:
    edge = BANDS[5].lat  # 40 N
    lat = np.array([edge - 1e-6, edge + 1e-6])
    assert list(band_below(lat)) == [4, 5]
    coefs = coefficients(1, 0)
    coefs.ensure(lat)
    daily, _ = latent_fields(1, lat, np.array([10.5, 10.5]), coefs, slow_modes(1, 0), 0, 400)
    np.testing.assert_allclose(daily[0], daily[1], atol=1e-4)


def test_slow_modes_go_on_from_block_to_block() -> None:
    for index in (-1, 0, 5):
        here, there = slow_modes(1, index), slow_modes(1, index + 1)
        days = block(index).n_days
        skip = (here.offset + days) // NODE_DAYS
        shared = here.enso.size - skip
        assert shared >= 1
        np.testing.assert_allclose(here.enso[skip:], there.enso[:shared], atol=1e-3)
        np.testing.assert_allclose(here.values[:, skip:], there.values[:, :shared], atol=1e-3)


def test_the_oscillation_has_its_power_at_two_to_seven_years() -> None:
    index = np.concatenate([slow_modes(3, index).enso[:-2] for index in range(-14, 14)])
    frequency = np.fft.rfftfreq(index.size, NODE_DAYS / 365.2425)
    power = np.abs(np.fft.rfft(index - index.mean())) ** 2
    assert power[(frequency > 1 / 7) & (frequency < 1 / 2)].sum() / power.sum() > 0.6
    assert index.std() == pytest.approx(1.0, abs=0.2)


@pytest.mark.parametrize(
    ("region", "months", "sign"),
    [
        ((-6, 4, 105, 140), (7, 8, 9, 10, 11), -1),  # Maritime Continent
        ((15, 25, 72, 85), (6, 7, 8, 9), -1),  # Indian monsoon
        ((-27, -17, 20, 34), (1, 2, 3), -1),  # southern Africa
        ((-33, -25, -60, -50), (10, 11, 12), 1),  # south-eastern South America
    ],
)
def test_rain_follows_the_oscillation_where_and_when_it_should(
    world: xr.Dataset, region: tuple[float, float, float, float], months: tuple[int, ...], sign: int
) -> None:
    rain = _rain(world, _block(world, *region, step=9), months).mean(axis=1)
    assert sign * np.corrcoef(rain, _enso(months))[0, 1] > 0.3


def test_far_regions_are_tied_together_only_by_the_oscillation(world: xr.Dataset) -> None:
    months = (10, 11)
    enso = _enso(months)
    borneo = _rain(world, _block(world, -6, 4, 105, 140, step=9), months).mean(axis=1)
    brazil = _rain(world, _block(world, -33, -25, -60, -50, step=5), months).mean(axis=1)
    assert np.corrcoef(borneo, brazil)[0, 1] < -0.1
    rest = [series - np.polyval(np.polyfit(enso, series, 1), enso) for series in (borneo, brazil)]
    assert abs(np.corrcoef(*rest)[0, 1]) < 0.35


def test_patterns_are_correlations_and_reach_over_the_date_line() -> None:
    lat, lon = np.meshgrid(np.arange(-55.0, 83.0, 3), np.arange(-179.5, 180.0, 3))
    rain, warmth = enso_patterns(lat.ravel(), lon.ravel())
    assert np.abs(rain).max() < 0.4
    assert np.abs(warmth).max() < 0.4
    assert rain.min() < -0.25
    assert rain.max() > 0.2
    west, east = (enso_patterns(np.array([-45.0]), np.array([place]))[1] for place in (179.9, -179.9))
    np.testing.assert_allclose(west, east, atol=0.01)


def test_dry_years_are_dry_over_whole_regions(world: xr.Dataset) -> None:
    """Annual rain goes together over hundreds of kilometres, not over thousands; droughts are neither none nor all."""
    chosen = np.sort(np.random.default_rng(4).choice(world.sizes["cell"], 300, replace=False))
    annual = _rain(world, [int(cell) for cell in world["cell"].values[chosen]], tuple(range(1, 13)))
    anomaly = (annual - annual.mean(axis=0)) / annual.std(axis=0)
    phi, lam = np.radians(world["lat"].values[chosen]), np.radians(world["lon"].values[chosen])
    point = np.stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)], axis=1)
    pair = np.triu_indices(chosen.size, 1)
    distance = 6371 * np.arccos(np.clip(point @ point.T, -1, 1))[pair]
    correlation = (anomaly.T @ anomaly / len(anomaly))[pair]
    assert correlation[distance < 400].mean() > 0.65
    assert 0.15 < correlation[(distance > 1000) & (distance < 2000)].mean() < 0.5
    assert abs(correlation[distance > 6000].mean()) < 0.1
    short = ((annual < 0.75 * annual.mean(axis=0)) & (annual.mean(axis=0) > 0.3)).mean(axis=1)
    assert 0.12 < short.max() < 0.5
    assert short.min() < 0.1


def test_snow_lies_where_and_when_it_does(world: xr.Dataset) -> None:
    places = {"Yakutia": (63.5, 128.5), "Sahara": (23.5, 10.5), "Tirol": (46.5, 10.5), "Berlin": (52.5, 13.5)}
    at = positions(world, [find_cell(world, *place) for place in places.values()])
    warmth, rain = (
        np.ascontiguousarray(world[name].transpose("cell", "month").values[at], dtype=np.float64)
        for name in ("air_temperature", "precipitation")
    )
    lat, height = (world[name].values[at].astype(np.float64) for name in ("lat", "elevation"))
    snow = dict(zip(places, monthly_climate(warmth, rain, lat, height, np.full((4, 12), 200.0)).snow, strict=True))
    assert snow["Yakutia"][[0, 1, 2, 11]].min() > 0.6
    assert snow["Yakutia"][6] < 0.05
    assert snow["Sahara"].max() < 1e-3
    assert snow["Tirol"][3] > snow["Berlin"][3]
    assert 0.02 < snow["Berlin"][0] < 0.6


def test_radiation_varies_with_more_than_rain(world: xr.Dataset) -> None:
    """Dry days differ in cloud too: net radiation of summer goes with rain, but not by it alone."""
    made = generate_arrays(world, [find_cell(world, 36.43, -99.42)], "2001-01-01", "2014-12-31", SPEC)[:, 0]
    month = np.arange("2001-01-01", "2015-01-01", dtype="datetime64[D]").astype("datetime64[M]").astype(int) % 12
    july = made[month == 6]
    assert -0.7 < np.corrcoef(july[:, 0], july[:, 2])[0, 1] < -0.2
    assert 20 < july[july[:, 0] == 0, 2].std() < 40
