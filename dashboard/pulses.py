"""Pulses on the Why page, without a screen: what each store and flux answers, and whether it is plausible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from dashboard.scenario import day_in_words
from dashboard.selection import row_label
from dashboard.summary import quantity
from hdlcore.attribution.views import WARMTH_WETS, rain_fed
from hdlcore.variables import VARIABLES, variable

#: Cells asked for the share of implausible responses, and the days of the pulses.
PULSED_PER_ZONE, PULSED_DAYS = 12, ("2005-01-15", "2005-04-15", "2005-07-15", "2005-10-15")


def tiles(response: xr.Dataset, points: int = 120) -> list[dict[str, Any]]:
    """One entry for each store and flux of a response (lag): its largest change in words, and a line of few points."""
    found: list[dict[str, Any]] = []
    for name in stores_and_fluxes(response):
        values = np.nan_to_num(response[name].values)
        most = float(values[np.abs(values).argmax()])
        moves = abs(most) > 1e-3
        width = max(int(np.ceil(values.size / points)), 1)
        parts = [values[at : at + width] for at in range(0, values.size, width)]
        line = [round(float(part[np.abs(part).argmax()]) / max(abs(most), 1e-9), 3) for part in parts]
        entry = variable(name)
        text = f"{'+' if most > 0 else ''}{quantity(most, entry.units)}" if moves else "no change"
        found.append({"id": name, "label": entry.long_name, "value": text, "line": line if moves else [0.0, 0.0]})
    return found


def stores_and_fluxes(response: xr.Dataset) -> list[str]:
    """Quantities of a response in the order they are shown: the total, what it is made of, what leaves, the rest."""
    first = ("tws", "swe", "soil_moisture", "groundwater", "evapotranspiration", "runoff")
    known = [str(name) for name in response.data_vars if name in VARIABLES]
    held = [name for name in known if VARIABLES[name].kind in ("store", "flux")]
    rest = sorted((name for name in held if name not in first), key=lambda name: (VARIABLES[name].kind, name))
    return [*(name for name in first if name in held), *reversed(rest)]


def words(response: xr.Dataset) -> str:
    """The pulse: '+10 mm of precipitation on 15 May 2005'."""
    driver, amount = str(response.attrs["driver"]), float(np.ravel(response["pulse"].values)[0])
    unit = {"mm d-1": "mm", "degC": "K"}.get(variable(driver).units, variable(driver).units)
    number = quantity(abs(amount), unit)
    sign = "+" if amount > 0 else "−"
    return f"{sign}{number} of {row_label(driver).lower()} on {day_in_words(str(response.attrs['day'])[:10])}"


def sentence(response: xr.Dataset, name: str, place: str) -> str:
    """What the pulse does to one store or flux: the largest change, when, and what is left a year later."""
    entry, values = variable(name), response[name].values
    lower = entry.long_name[0].lower() + entry.long_name[1:]
    at = int(np.nanargmax(np.abs(values)))
    if abs(values[at]) < 1e-3:
        return f"{place}, {words(response)}: {lower} does not change."
    side = "more" if values[at] > 0 else "less"
    when = "on the day itself" if at == 0 else f"{at} day{'s' if at > 1 else ''} later"
    text = f"{place}, {words(response)}: {lower} {quantity(abs(float(values[at])), entry.units)} {side} {when}"
    end = float(values[-1])
    return f"{text}, {quantity(abs(end), entry.units)} {'more' if end > 0 else 'less'} after {values.size - 1} days."


def flags(response: xr.Dataset) -> list[tuple[str, bool]]:
    """Each check of plausibility and whether it failed; empty for the twin, which is the truth."""
    if "implausible" not in response:
        return []
    told = np.any(response["implausible"].values.reshape(response.sizes["flag"], -1), axis=1).tolist()
    return [(str(flag), bool(bad)) for flag, bad in zip(response["flag"].values, told, strict=True)]


@dataclass(frozen=True)
class Tally:
    """Responses to a warmer day that were asked for, and how many of them are not plausible; by kind of check."""

    asked: int
    rain_fed: int
    wet: int
    snow: int
    balance: int

    def sentence(self) -> str:
        """The share of implausible responses to warmth."""
        if not self.asked:
            return "No place was asked."
        share = 100 * self.wet / self.rain_fed if self.rain_fed else float("nan")
        return (
            f"Of {self.rain_fed} responses of places without snow to a day 5 K warmer, {self.wet} ({share:.0f} %) are "
            "not plausible: more runs off although warmth can only dry. "
            f"Of all {self.asked}, snow grows in {self.snow} and the water balance fails in {self.balance}."
        )


def tally(responses: list[xr.Dataset]) -> Tally:
    """Count the flags of responses (flag, cell) to a warmer day."""
    asked = fed = wet = snow = balance = 0
    for response in responses:
        told, dry = response["implausible"], rain_fed(response)
        names = [str(flag) for flag in told["flag"].values]
        asked += response.sizes["cell"]
        fed += int(dry.sum())
        for name, row in zip(names, told.transpose("flag", "cell").values, strict=True):
            wet += int((row & dry).sum()) if name == WARMTH_WETS else 0
            snow += int(row.sum()) if name.startswith("Snow") else 0
            balance += int(row.sum()) if "balance" in name else 0
    return Tally(asked, fed, wet, snow, balance)


#: What is said of a check that did not fail, by the sentence said of one that did.
_PASSED = {
    "balance": "All water of the pulse is somewhere.",
    "More water leaves": "No more water leaves than came.",
    "Runoff falls": "Runoff does not fall after rain was added.",
    "Total water storage falls": "Total water storage does not fall after rain was added.",
    "Snow grows": "Snow does not grow after a warmer day.",
    "Without snow": "Warmth does not make more run off where there is no snow, or there is snow.",
}


def passed(flag: str) -> str:
    """What is said of a check that did not fail."""
    return next((text for key, text in _PASSED.items() if key in flag), f"Not found: {flag[0].lower()}{flag[1:]}")
