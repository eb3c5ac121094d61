"""A model of places at one of them, in numbers and words: the days shown, its score beside those of rivals."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import xarray as xr

from dashboard.selection import number
from dashboard.sites import called, within
from dashboard.trust import found, table_at
from hdlcore.analysis.scores import nse
from hdlcore.errors import HDLError
from hdlcore.runtime.engine import Engine, ModelInfo

#: Rivals of the card, in the order they are said.
RIVALS = {
    "hbv": "HBV calibrated on this basin",
    "catchments-lstm": "a network without physics",
    "catchments-h2m": "the global model's physics",
    "unseen_basin": "the same model had it never seen this basin",
    "last_year": "the river of a year before",
}
#: Years that are shown when none are asked for.
YEARS_SHOWN = 3


def models_of(engine: Engine, version: str) -> list[ModelInfo]:
    """Models of places that run on a cube of this version; none where its records are too short or bare for them."""
    found = []
    for info in engine.models_of_places():
        with suppress(HDLError):
            if engine.cells_of(info.id).attrs.get("version") == version:
                found.append(info)
    return found


def shown_days(run: xr.Dataset, years: tuple[int, int] | None) -> xr.Dataset:
    """The days within some years; the last `YEARS_SHOWN` of the record where none are asked for; may be empty."""
    if years is None:
        last = run["time"].values[-1].astype("datetime64[Y]").astype(int) + 1970
        years = (int(last) - YEARS_SHOWN + 1, int(last))
    at = within(run["runoff"], years)["time"]
    return run.sel(time=at)


def test_score(run: xr.Dataset) -> float:
    """NSE of the days that no member learned from; NaN where nothing was observed."""
    observed = np.where(run["tested"].values, run["runoff_observed"].values.astype(float), np.nan)
    return float(nse(run["runoff"].values.astype(float), observed))


def sentence(run: xr.Dataset, info: ModelInfo) -> str:
    """How good the model is here, beside its rivals on the same days."""
    place, tested = str(run.attrs["place"]), run["time"].values[run["tested"].values]
    score = test_score(run)
    if not np.isfinite(score) or not tested.size:
        return f"{called(place)}: nothing was observed in the test period."
    days = f"{str(tested[0])[:10]} to {str(tested[-1])[:10]}"
    text = f"{called(place)}: efficiency (NSE) {score:.2f} in the test period, {days}, which no member learned from"
    others = [
        f"{title} {number(round(value, 2))}"
        for name, title in RIVALS.items()
        if np.isfinite(value := found(table_at(info.card.baselines, name), place, "nse"))
    ]
    return f"{text}; {', '.join(others)}." if others else f"{text}."


def descriptions(run: xr.Dataset, info: ModelInfo) -> dict[str, str]:
    """What a screen reader says of each figure of the days shown."""
    place = called(str(run.attrs["place"]))
    rain = float(run["precipitation"].mean())
    stores = ", ".join(
        f"{label} {number(float(run[name].min()))} to {number(float(run[name].max()))} mm"
        for name, label in (("swe", "snow"), ("soil_moisture", "soil"), ("groundwater", "groundwater"))
        if name in run
    )
    return {
        "rain": f"Rain and snow at {place}: {rain:.1f} mm a day on average",
        "runoff": f"Runoff at {place}, observed and simulated by {info.title}",
        "stores": f"Stores simulated at {place}: {stores}",
    }
