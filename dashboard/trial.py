"""An explanation of one day tried out on the model, without a screen: what is said of its deletion and insertion."""

from __future__ import annotations

import numpy as np
import pandas as pd
import xarray as xr

from dashboard.selection import number, row_label
from dashboard.summary import quantity
from dashboard.tables import html_table


def areas(found: xr.Dataset) -> tuple[float, float, float]:
    """Mean distance from the model's answer along deletion, insertion and random orders, in the target's unit."""
    deletion, insertion, chance = (float(found.attrs[f"{name}_area"]) for name in ("deletion", "insertion", "random"))
    return deletion, insertion, chance


def sentence(found: xr.Dataset) -> str:
    """What the curves say, so that who has never seen one understands."""
    deletion, insertion, chance = areas(found)
    units = str(found["deletion"].attrs["units"])
    if not chance:
        return "Whatever weather is put back to usual, the answer of this day stays: there is nothing to try."
    finds, knows = deletion > chance, insertion < chance
    verdict = {
        (True, True): "The method finds what the model uses",
        (True, False): "The method finds what matters, yet what it puts first does not bring the answer back",
        (False, True): "What the method puts first brings the answer back, yet without it the answer moves no faster",
        (False, False): "No better than chance here: do not lean on this answer",
    }[finds, knows]
    return (
        f"Put the weather called most important back to usual first, and the answer moves {quantity(deletion, units)} "
        f"on average; in random order {quantity(chance, units)}. Give it back first, and {quantity(insertion, units)} "
        f"are lacking; in random order {quantity(chance, units)}. {verdict} (areas between the curves and chance: "
        f"{_signed(deletion - chance)} and {_signed(chance - insertion)} {units})."
    )


def curve_sentence(found: xr.Dataset, name: str) -> str:
    """What a screen reader says of one curve, ``deletion`` or ``insertion``."""
    units, values = str(found[name].attrs["units"]), found[name].values
    what = "as the most important weather goes back to usual" if name == "deletion" else "as it comes back first"
    return (
        f"The answer {what}: from {quantity(float(values[0]), units)} to {quantity(float(values[-1]), units)} in "
        f"{values.size - 1} steps; the band is that of {found.sizes['order']} random orders"
    )


def chance_of(found: xr.Dataset, name: str) -> np.ndarray:
    """Random orders (order, step) that a curve is held against: insertion is deletion in the other direction."""
    values = found["random"].values
    return values if name == "deletion" else values[:, ::-1]


def feature(found: xr.Dataset, step: int) -> str:
    """What is put back, or given back, at a step: 'Precipitation, 18 to 26 days ago'."""
    first, last = int(found["first_lag"].values[step]), int(found["last_lag"].values[step])
    days = f"{first} to {last}" if last > first else f"{last}"
    when = f"{days} day{'s' if last > 1 else ''} ago" if last else "that day"
    return f"{row_label(str(found['driver'].values[step]))}, {when}"


def table(found: xr.Dataset, title: str) -> str:
    """Every step: what goes, the answer after it, and the mean of random orders; the same for what comes back."""
    means = [chance_of(found, name).mean(0) for name in ("deletion", "insertion")]
    rows = []
    for step in range(found.sizes["step"]):
        values = found["deletion"].values[step], means[0][step], found["insertion"].values[step], means[1][step]
        rows.append([str(step), feature(found, step) if step else "–", *(number(value) for value in values)])
    heads = ["Step", "Put back, or given back", "Put back", "In random order", "Given back", "In random order"]
    return html_table(title, heads, rows)


#: What tells the rows of both curves apart.
COLUMNS = ("curve", "order", "step", "driver", "first_lag", "last_lag")


def rows(found: xr.Dataset) -> pd.DataFrame:
    """Both curves and the random orders, a value a row: `COLUMNS`, units, value."""
    named = pd.DataFrame({name: found[name].values for name in ("step", "driver", "first_lag", "last_lag")})
    parts = [named.assign(curve=name, order="", value=found[name].values) for name in ("deletion", "insertion")]
    for order, values in enumerate(found["random"].values, start=1):
        plain = pd.DataFrame({"step": found["step"].values, "driver": "", "first_lag": "", "last_lag": ""})
        parts.append(plain.assign(curve="random", order=order, value=values))
    return pd.concat(parts).assign(units=str(found["deletion"].attrs["units"]))


def _signed(value: float) -> str:
    return f"{value:+.2g}".replace("-", "−")
