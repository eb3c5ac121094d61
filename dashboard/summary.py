"""What is seen, in sentences computed from the numbers on the screen."""

from __future__ import annotations

import numpy as np
import xarray as xr

from dashboard.layers import MONTHS, Layer
from dashboard.selection import Selection, number, row_label

CARRIERS = {
    "swe": "snow",
    "soil_moisture": "soil moisture",
    "groundwater": "groundwater",
    "other_stores": "water outside snow, soil and groundwater",
}
UNITS_IN_WORDS = {
    "mm": "mm",
    "mm d-1": "mm a day",
    "degC": "°C",
    "W m-2": "W m⁻²",
    "1": "",
    "d": "days",
    "d-1": "a day",
    "m": "m",
    "mm K-1 d-1": "mm a day and degree",
    "gC m-2": "gC m⁻²",
    "gC m-2 d-1": "gC m⁻² a day",
    "m s-1": "m s⁻¹",
    "1e-6": "ppm",
}


def units_in_words(units: str) -> str:
    """Units as a person says them: 'mm a day'."""
    return UNITS_IN_WORDS.get(units, units)


def quantity(value: float, units: str) -> str:
    """Number and unit: '310 mm'."""
    return f"{number(value)} {units_in_words(units)}".strip()


def swing_shares(season: xr.Dataset) -> dict[str, float]:
    """Share of the seasonal variance each store carries: cov(store, total) / var(total); they add to 1."""
    total = season["tws"].values - season["tws"].values.mean()
    variance = float((total**2).mean())
    if not variance >= 1e-6:  # nothing moves, or nothing is known
        return {}
    return {name: float((season[name].values * total).mean()) / variance for name in CARRIERS if name in season}


def _place(label: str) -> str:
    return label if len(label) < 60 else label[:57] + "…"


def sentence(
    shown: Layer, month: int, selection: Selection, area: np.ndarray, season: xr.Dataset | None, classes: str = ""
) -> str:
    """'Central Amazon, May: 310 mm above its yearly mean; soil moisture carries 71 % of the swing.'

    `classes` says what is there of a map of classes.
    """
    values = shown.values[selection.of].astype(float)
    good = np.isfinite(values)
    name, units = shown.variable.long_name, shown.variable.units
    head = _place(selection.label) + (f", {MONTHS[month - 1]}" if shown.seasonal else "")
    mean = "" if selection.single else " (area-weighted)"
    if not good.any():
        anywhere = np.isfinite(shown.values).any() or shown.finer is not None
        other = "month or quantity" if shown.seasonal else "quantity"
        where = "here" if anywhere else f"in any cell; choose another {other}"
        return f"{head}: {name[0].lower() + name[1:]} has no value {where}."
    if shown.mixed:
        return f"{head}: {_carriers(season)}{mean}."
    if shown.classed:
        return f"{head}: {name[0].lower() + name[1:]} is {classes}{mean}."
    name, source = (name.removesuffix(", ERA5"), " in ERA5") if name.endswith(", ERA5") else (name, "")
    value = float(np.average(values[good], weights=area[selection.of][good]))
    if shown.departure and shown.variable.name != "tws_residual":
        side = "above" if value >= 0 else "below"
        seen = " seen by GRACE" if "GRACE" in name else " as a satellite would see it"
        who = seen if shown.variable.name == "tws_observed" else ""
        what = (
            "" if shown.variable.name in ("tws", "tws_observed", "tws_smoothed") else f"{name[0].lower() + name[1:]} "
        )
        text = f"{head}: {what}{quantity(abs(value), units)} {side} its yearly mean{who or source}{mean}"
    else:
        text = f"{head}: {name[0].lower() + name[1:]} {quantity(value, units)}{source}{mean}"
    shares = swing_shares(season) if season is not None and "tws" in season else {}
    if shares:
        lead = max(shares, key=lambda key: shares[key])
        share = round(100 * shares[lead])
        part = f"{share} %" if share < 100 else "all"
        where = "in the model " if shown.variable.kind == "observation" else ""
        text += f"; {where}{CARRIERS[lead]} carries {part} of the yearly swing of stored water"
    return text + "."


def _carriers(season: xr.Dataset | None) -> str:
    """Shares of the stores in the yearly swing, the largest first."""
    shares = swing_shares(season) if season is not None and "tws" in season else {}
    ranked = sorted((name for name in shares if abs(shares[name]) >= 0.005), key=lambda name: -shares[name])
    parts = [f"{CARRIERS[name]} {100 * shares[name]:.0f} %".replace("-", "−") for name in ranked]
    return (
        f"the yearly swing of stored water is carried by {', '.join(parts)}" if parts else "stored water has no swing"
    )


def series_sentence(data: xr.Dataset, view: str, label: str, seen_by: str = "GRACE") -> str:
    """Text equivalent of the components plot."""
    if "tws" in data and not np.isfinite(data["tws"].values).any():
        return f"{label}: stored water has no value here."
    if view == "season" and "tws" in data:
        total = data["tws"].values
        high, low = int(np.nanargmax(total)), int(np.nanargmin(total))
        swing = quantity(float(total[high] - total[low]), "mm")
        text = f"{label}: stored water swings by {swing} through the year, "
        text += f"fullest in {MONTHS[high]}, emptiest in {MONTHS[low]}"
        if "tws_observed" in data and np.isfinite(data["tws_observed"].values).all() and "tws_smoothed" in data:
            together = np.corrcoef(data["tws_smoothed"].values, data["tws_observed"].values)[0, 1]
            text += f"; correlation with {seen_by} {together:.2f}"
        return text + "."
    if "tws" in data:
        total = data["tws"].values
        what = "departs from its season by" if view == "anomaly" else "ranges over"
        return f"{label}: stored water {what} {_range(total, ' to ')}, {_years(data)}."
    if "tws_observed" in data and np.isfinite(data["tws_observed"].values).any():
        seen = data["tws_observed"].values
        axis = data["tws_observed"].dims[0]
        when = f", fullest in {MONTHS[int(np.nanargmax(seen))]}" if axis == "month" else ""
        return f"{label}: {seen_by} sees stored water between {_range(seen, ' and ')}{when}."
    return f"{label}: nothing to show."


def quantity_sentence(data: xr.DataArray, name: str, units: str, label: str) -> str:
    """Text equivalent of the curve of one quantity: its range, when it is high and low, and what is missing."""
    values, axis = data.values.astype(float), str(data.dims[0])
    good = np.isfinite(values)
    if not good.any():
        return f"{label}: {name[0].lower() + name[1:]} has no value here."
    high, low = int(np.nanargmax(values)), int(np.nanargmin(values))
    if good.sum() == 1:
        only = quantity(float(values[high]), units)
        return f"{label}: {name[0].lower() + name[1:]} is {only} ({_when(data, high)}), the only value there is."
    mean = quantity(float(values[good].mean()), units)
    ends = f"from {quantity(float(values[low]), units)} ({_when(data, low)})"
    ends += f" to {quantity(float(values[high]), units)} ({_when(data, high)})"
    text = f"{label}: {name[0].lower() + name[1:]} goes {ends}, {mean} on average"
    lost = 100 * (1 - good.mean())
    if lost > 0:
        share = f"{lost:.0f} %" if lost >= 1 else "less than 1 %"
        text += f"; {share} of the {'months' if axis == 'month' else 'values'} are missing"
    return text + "."


def _when(data: xr.DataArray, at: int) -> str:
    axis = str(data.dims[0])
    if axis == "month":
        return MONTHS[int(data[axis].values[at]) - 1]
    return str(data[axis].values[at].astype("datetime64[D]"))


def _range(values: np.ndarray, between: str) -> str:
    return between.join(quantity(float(end), "mm") for end in (np.nanmin(values), np.nanmax(values)))


def _years(data: xr.Dataset) -> str:
    times = data["time"].values.astype("datetime64[Y]").astype(int) + 1970
    return f"{times.min()} to {times.max()}"


def memory_sentence(heat: xr.DataArray, label: str) -> str:
    """Text equivalent of a memory heatmap: what leads, and how much is older than a season.

    Rows are drivers or stores, of which one carries most, or months or zones, of which one remembers longest.
    """
    axis = next(str(name) for name in heat.dims if name != "lag_bin")
    size = np.abs(np.nan_to_num(heat.transpose("lag_bin", axis).values))
    total, names = size.sum(), heat[axis].values
    if not total > 0:
        return f"{label}: no influence of the past is found, so the memory of stored water has no length."
    by_row = size.sum(0) / total
    old = 100 * size[heat["lag_start"].values >= 90].sum() / total
    older = f"{old:.0f} % of it is older than a season"
    if axis in ("month", "zone"):
        middle = 0.5 * (heat["lag_start"] + heat["lag_end"]).values
        days = (size * middle[:, None]).sum(0) / np.where(size.sum(0) > 0, size.sum(0), np.nan)
        words = [f"in {MONTHS[int(name) - 1]}" if axis == "month" else f"in {name} climates" for name in names]
        if names.size == 1:
            return f"{label}: {words[0]} the memory of stored water is {days[0]:.0f} days on average; {older}."
        long, short = int(np.nanargmax(days)), int(np.nanargmin(days))
        text = f"the memory of stored water is longest {words[long]}, {days[long]:.0f} days on average, and shortest "
        return f"{label}: {text}{words[short]}, {days[short]:.0f}; {older}."
    if axis in ("carrier", "store"):
        first, last = (size[i] / max(size[i].sum(), 1e-12) for i in (_window(heat, 30), -1))
        near, far = int(first.argmax()), int(last.argmax())
        text = f"of the memory of stored water {row_label(str(names[near])).lower()} carries {100 * first[near]:.0f} % "
        text += f"a month back and {row_label(str(names[far])).lower()} {100 * last[far]:.0f} % "
        return f"{label}: {text}{_ago(int(heat['lag_start'].values[-1]))} back."
    lead = int(by_row.argmax())
    name = row_label(str(names[lead])).lower()
    return f"{label}: {name} carries {100 * by_row[lead]:.0f} % of the memory of stored water; {older}."


def _window(heat: xr.DataArray, day: int) -> int:
    """Position of the window that holds a day, or the nearest before it."""
    return max(int(np.searchsorted(heat["lag_start"].values, day, "right")) - 1, 0)


def _ago(days: int) -> str:
    return "a year" if 360 <= days <= 370 else f"{days} days"
