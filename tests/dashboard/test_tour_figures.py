"""What the shipped tours say is what the models give: each claim of a text beside the numbers it rests on."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest
import xarray as xr

from dashboard import engine, tours
from dashboard.links import read_cell
from dashboard.memory import zones_of
from dashboard.scenario import read_scenario
from dashboard.selection import flag_names
from hdlcore.runtime.requests import SimulationRequest

AMAZON, SIBERIA, SAHEL, GERMANY, NIGER = "-4.5,-62.5", "64.5,100.5", "13.5,15.5", "50.5,10.5", "14.5,1.5"
MAY, SEPTEMBER, NOVEMBER = 5, 9, 11
DROUGHT = "precipitation*0.5@2004-01-01..2004-12-31"


def fields(model: str = "global-grace") -> xr.Dataset:
    """All land of a source, as the app shows it."""
    found, problem = engine.get_fields(model)
    assert found is not None, problem
    return found


def season(name: str, at: str) -> np.ndarray:
    """Departure (12) of a store from its yearly mean at a place, mm."""
    values = fields()[name].sel(cell=read_cell(at)).values.astype(float)
    return values - values.mean()


def number(name: str, at: str) -> float:
    """A map's value at a place."""
    return float(fields()[name].sel(cell=read_cell(at)))


def bands(store: str, at: str) -> float:
    """Mean spread of the members at a place, mm."""
    return float(fields()[f"{store}_spread"].sel(cell=read_cell(at)).mean())


def alike(name: str) -> float:
    """Correlation over space in May of a model of the twin with the truth, departures from the yearly mean."""
    parts = [fields(model)[name] for model in ("global-twin", "twin-earth")]
    left, right = ((part - part.mean("month")).sel(month=MAY).values for part in parts)
    good = np.isfinite(left) & np.isfinite(right)
    return float(np.corrcoef(left[good], right[good])[0, 1])


def size(at: str) -> float:
    """The largest box of the heatmap of sizes, mm."""
    return float(fields()["attribution_size"].sel(cell=read_cell(at)).max())


def rain(name: str, at: str) -> np.ndarray:
    """The heatmap's row of rain, by lag."""
    return fields()[name].sel(cell=read_cell(at), forcing="precipitation").values.astype(float)


def older(at: str, days: int) -> float:
    """Share of rain's row at lags of at least some days."""
    row, lag = rain("attribution_size", at), fields()["lag_start"].values
    return float(row[lag >= days].sum() / row.sum())


def poor() -> np.ndarray:
    """Hatched cells."""
    return ~(fields()["tws_nse"].values >= 0)


def poor_share(region: str) -> float:
    """Share of all hatched area that lies in a region."""
    world = engine.get_world()
    code = next(code for code, name in flag_names(world, "region").items() if name == region)
    hatched, area = poor(), world["area"].values.astype(float)
    return float(area[hatched & (world["region"].values == code)].sum() / area[hatched].sum())


def mean_in(name: str, south: float, north: float, west: float, east: float, month: int | None = None) -> float:
    """Median of a map in a box of degrees."""
    world, values = engine.get_world(), fields()[name]
    lat, lon = world["lat"].values, world["lon"].values
    inside = (lat >= south) & (lat <= north) & (lon >= west) & (lon <= east)
    part = values if month is None else values.sel(month=month)
    return float(np.nanmedian(part.values[inside]))


@pytest.fixture(scope="module")
def dry() -> Callable[[str], xr.Dataset]:
    """What half the rain of 2004 changes at a place: daily differences."""
    made: dict[str, xr.Dataset] = {}

    def run(at: str) -> xr.Dataset:
        if at not in made:
            cells = (read_cell(at),)
            plain, changed = (
                engine.get_engine().simulate(SimulationRequest("global-grace", cells, scenario=scenario))
                for scenario in ("", read_scenario(DROUGHT))
            )
            names = ["precipitation", "evapotranspiration", "runoff", "groundwater", "tws"]
            made[at] = (changed[names] - plain[names]).isel(cell=0)
        return made[at]

    return run


def said(tour: str, stop: int, words: str) -> None:
    """The step says so: its text, or the explanation of its question."""
    step = tours.all_tours()[0][tour].steps[stop - 1]
    text = step.text.replace("**", "") + " " + (step.question.explain if step.question else "")
    assert words in text, f"{tour}, step {stop} no longer says '{words}': bring this test to what it says now"


#: Tour, step, words of it, and whether the numbers agree.
CLAIMS: list[tuple[str, int, str, Callable[[], bool]]] = [
    ("what-is-water-storage", 2, "full at the end of the rainy season and drain until the end of the year",
     lambda: season("tws", AMAZON)[MAY - 1] > 100 and season("tws", AMAZON)[NOVEMBER - 1] < -100),
    ("what-is-water-storage", 2, "In the desert nothing is stored",
     lambda: abs(mean_in("tws", 18, 30, -10, 30, MAY) - mean_in("tws", 18, 30, -10, 30, NOVEMBER)) < 10),
    ("what-is-water-storage", 3, "green groundwater lies almost on the black total",
     lambda: np.abs(season("groundwater", AMAZON) - season("tws", AMAZON)).max() < 20),
    ("what-is-water-storage", 3, "five separately trained models",
     lambda: engine.get_models()["global-grace"].members == 5),
    ("what-is-water-storage", 3, "a larger swing than the model makes",
     lambda: np.ptp(fields()["tws_observed"].sel(cell=read_cell(AMAZON)).values) > 1.3 * np.ptp(season("tws", AMAZON))),
    ("what-is-water-storage", 4, "melts within weeks and wets the soil",
     lambda: season("swe", SIBERIA)[3] > 30 and season("swe", SIBERIA)[5] < -25
     and int(season("tws", SIBERIA).argmax()) == int(season("soil_moisture", SIBERIA).argmax()) == MAY - 1),
    ("snow-soil-or-groundwater", 1, "nearly all of the year", lambda: number("groundwater_share", AMAZON) > 0.95),
    ("snow-soil-or-groundwater", 2, "Where it is cold for months",
     lambda: mean_in("snow_share", 60, 80, -180, 180) > 0.6 and mean_in("snow_share", -10, 10, -180, 180) < 0.01),
    ("snow-soil-or-groundwater", 3, "nearly the whole swing", lambda: number("soil_share", SAHEL) > 0.9),
    ("snow-soil-or-groundwater", 5, "Snow is little here", lambda: np.ptp(season("swe", GERMANY)) < 10),
    ("snow-soil-or-groundwater", 5, "groundwater (green) follows some weeks later",
     lambda: season("soil_moisture", GERMANY)[3] < season("soil_moisture", GERMANY)[2] - 5
     and int(season("groundwater", GERMANY).argmax()) == 2),
    ("memory-of-a-dry-season", 2, "the darkest boxes stand far on the right",
     lambda: fields()["lag_start"].values[rain("attribution_size", AMAZON).argmax()] >= 60),
    ("memory-of-a-dry-season", 2, "red took it away",
     lambda: rain("attribution", AMAZON)[fields()["lag_start"].values == 90][0] < -5),
    ("memory-of-a-dry-season", 3, "The rain of the last weeks counts for more here than in the Amazon",
     lambda: older(NIGER, 27) < older(AMAZON, 27) and older(NIGER, 130) < 0.5 * older(AMAZON, 130)),
    ("memory-of-a-dry-season", 3, "about ten millimetres, in the Amazon about a hundred",
     lambda: 8 < size(NIGER) < 12 and 85 < size(AMAZON) < 115),
    ("memory-of-a-dry-season", 4, "two months in the driest places, five where snow or slow groundwater holds it",
     lambda: np.abs(np.nanpercentile(fields()["memory_time"].values, [5, 95]) / 30.4 - [2, 5]).max() < 0.5),
    ("memory-of-a-dry-season", 4, "the storage remembers it completely",
     lambda: number("memory_time", SIBERIA) > number("memory_time", NIGER)
     and np.nanmedian(fields()["memory_time"].values[zones_of(engine.get_world()) == "cold"]) > 120),
    ("same-fit-different-stores", 2, "It is lower", lambda: alike("groundwater") < alike("tws") - 0.05),
    ("same-fit-different-stores", 4, "The coloured bands show how far they differ",
     lambda: min(bands("soil_moisture", "-10.5,-55.5"), bands("groundwater", "-10.5,-55.5")) > 30),
    ("how-sure-are-we", 1, "Most of them lie in eastern Australia and on the islands of Southeast Asia",
     lambda: poor_share("Eastern Australia") + poor_share("Southeastern Asia") > 0.2
     and poor_share("Southeastern Asia") == max(map(poor_share, flag_names(engine.get_world(), "region").values()))),
    ("how-sure-are-we", 1, "some in the Horn of Africa, Arabia and the Sahara",
     lambda: min(map(poor_share, ("Northern Eastern Africa", "Arabian Peninsula", "Sahara"))) > 0.04),
    ("how-sure-are-we", 1, "6 % of the land in all",
     lambda: abs(np.average(poor(), weights=engine.get_world()["area"].values) - 0.06) < 0.005),
    ("how-sure-are-we", 2, "Compare the Sahara with the south of Brazil",
     lambda: mean_in("tws_nse", 18, 30, -10, 30) < 0.3 and mean_in("tws_nse", -30, -22, -57, -48) > 0.6),
    ("how-sure-are-we", 3, "the Amazon is too wet in the model",
     lambda: mean_in("tws_residual", -12, 2, -70, -52, SEPTEMBER) > 20),
]  # fmt: skip


#: What two runs of the model say.
RUNS = [
    (
        "memory-of-a-dry-season", 5,
        "the loss is deepest in January 2005, and half of it is made up by the end of March",
    ),
    ("droughts-wet-and-dry", 5, "In Central Europe about a sixth of the loss of groundwater is still missing then"),
]  # fmt: skip


@pytest.mark.parametrize(("tour", "stop", "words", "holds"), CLAIMS, ids=[f"{c[0]}-{c[1]}-{c[2][:20]}" for c in CLAIMS])
def test_what_a_tour_says_is_what_the_maps_give(tour: str, stop: int, words: str, holds: Callable[[], bool]) -> None:
    said(tour, stop, words)
    assert holds()


def test_the_loss_of_a_dry_year_is_made_up_when_the_tours_say(dry: Callable[[str], xr.Dataset]) -> None:
    said(
        "memory-of-a-dry-season",
        5,
        "the loss is deepest in January 2005, and half of it is made up by the end of March",
    )
    loss = dry(AMAZON)["groundwater"]
    deepest = loss["time"].values[int(loss.values.argmin())]
    after = loss.sel(time=slice(deepest, None))
    half = after["time"].values[int((after > loss.min() / 2).values.argmax())]
    assert str(deepest)[:7] == "2005-01" and "2005-03-15" < str(half)[:10] < "2005-04-10"

    said(*RUNS[1])
    loss = dry(GERMANY)["groundwater"]
    assert 1 / 8 < float(loss.sel(time="2005-12-31") / loss.min()) < 1 / 5


def test_who_pays_for_missing_rain(dry: Callable[[str], xr.Dataset]) -> None:
    said("droughts-wet-and-dry", 2, "The dry place has little to lose in millimetres")
    assert float(dry(AMAZON)["tws"].min()) < 4 * float(dry(SAHEL)["tws"].min()) < 0
    said("droughts-wet-and-dry", 3, "In a dry place nearly all rain evaporates, so evaporation has to pay")
    sahel, amazon = (dry(at).sum("time") for at in (SAHEL, AMAZON))
    assert float(sahel["evapotranspiration"] / sahel["precipitation"]) > 0.85
    said("droughts-wet-and-dry", 3, "In the wet Amazon runoff paid nearly all")
    assert float(amazon["runoff"] / amazon["precipitation"]) > 0.8


def test_every_figure_a_tour_names_is_held_to_something() -> None:
    """A number in a text is a claim above, or a number of the step's own view (what is set, not what is found)."""
    claimed = [(tour, stop, words) for tour, stop, words, _ in CLAIMS] + RUNS
    given = ("1 mm is", "1 means", "1 is", "0 is", "2 °C", "200 mm", "2005?")  # units, the ends of a scale, what to try
    for name, tour in tours.all_tours()[0].items():
        for stop, step in enumerate(tour.steps, 1):
            text = step.text + " " + (f"{step.question.ask} {step.question.explain}" if step.question else "")
            for found in re.finditer(r"\d[\d.,]*", text):
                figure, around = found.group().rstrip(".,"), text[found.start() : found.start() + 8]
                held = (
                    figure in step.view
                    or around.startswith(given)
                    or any(figure in words for where, at, words in claimed if (where, at) == (name, stop))
                )
                assert held, f"{name}, step {stop}: who holds '{around}'?"
