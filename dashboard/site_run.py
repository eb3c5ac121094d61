"""A model of places at one of them, in numbers and words: the days shown, its score beside those of rivals."""

from __future__ import annotations

from collections.abc import Sequence
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


def compared(runs: Sequence[xr.Dataset], titles: Sequence[str]) -> str:
    """How good two models are at one place, on the days that neither learned from."""
    place = called(str(runs[0].attrs["place"]))
    both = runs[0]["tested"].values & runs[1]["tested"].values
    observed = np.where(both, runs[0]["runoff_observed"].values.astype(float), np.nan)
    if not np.isfinite(observed).any():
        return f"{place}: nothing was observed on days that neither model learned from."
    scores = [float(nse(run["runoff"].values.astype(float), observed)) for run in runs]
    apart = float(np.sqrt(np.mean((runs[1]["runoff"].values - runs[0]["runoff"].values)[both].astype(float) ** 2)))
    days = runs[0]["time"].values[both]
    return (
        f"{place}: efficiency (NSE) of L, {titles[0]}, {scores[0]:.2f}, of R, {titles[1]}, {scores[1]:.2f}, on the "
        f"days from {str(days[0])[:10]} to {str(days[-1])[:10]} that neither learned from; their runoff is {apart:.2f} "
        "mm a day apart (root mean square)."
    )


def descriptions(runs: Sequence[xr.Dataset], titles: Sequence[str]) -> dict[str, str]:
    """What a screen reader says of each figure of the days shown."""
    place = called(str(runs[0].attrs["place"]))
    made = " and ".join(titles)
    found = {
        "rain": f"Rain and snow at {place}: {float(runs[0]['precipitation'].mean()):.1f} mm a day on average",
        "runoff": f"Runoff at {place}, observed and simulated by {made}",
    }
    for letter, run in zip("LR", runs, strict=False):
        held = ", ".join(
            f"{label} {number(float(run[name].min()))} to {number(float(run[name].max()))} mm"
            for name, label in (("swe", "snow"), ("soil_moisture", "soil"), ("groundwater", "groundwater"))
            if name in run
        )
        found[letter] = f"Stores simulated at {place}{f' by {letter}' if len(runs) > 1 else ''}: {held}"
    return found
