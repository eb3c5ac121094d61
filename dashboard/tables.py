"""Tables of what the plots show, for those who cannot see them or want the numbers: HTML with captions and headers."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.classes import shares as class_shares
from dashboard.layers import MONTHS, Layer
from dashboard.plots import ternary
from dashboard.plots.heatmap import row_names
from dashboard.selection import flag_names, number
from dashboard.summary import units_in_words
from hdlcore.data.cube import place_label
from hdlcore.data.regions import place_name
from hdlcore.variables import Variable, variable

SHORT = {
    "tws": "Total",
    "swe": "Snow",
    "soil_moisture": "Soil",
    "groundwater": "Groundwater",
    "other_stores": "Other stores",
    "tws_smoothed": "Total, smoothed as GRACE sees it",
    "tws_observed": "GRACE",
    "precipitation": "Precipitation",
}


def html_table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """An HTML table; the first column names the row."""
    top = "".join(f'<th scope="col">{escape(text)}</th>' for text in head)
    body = "".join(
        "<tr>"
        + "".join(
            (f'<th scope="row">{escape(text)}</th>' if i == 0 else f"<td>{escape(text)}</td>")
            for i, text in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    name = escape(caption)
    table = f"<table><caption>{name}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="scroll" tabindex="0" role="region" aria-label="{name}">{table}</div>'


def _cell(value: float) -> str:
    return number(float(value)) if np.isfinite(value) else "–"


def map_table(world: xr.Dataset, shown: Layer, mask: NDArray[np.bool_], title: str) -> str:
    """Area-weighted means by climate zone, then the five highest and lowest cells."""
    values, area, codes = shown.values.astype(float), world["area"].values.astype(float), world["climate_zone"].values
    good = mask & np.isfinite(values)
    if shown.mixed:
        return shares_table(values, area, codes, good, world, title)
    if shown.classed:
        counts = {code: int((good & (values == code)).sum()) for code in np.unique(values[good])}
        found = class_shares(world, shown, mask)
        rows = [[name, f"{100 * share:.2f}", f"{counts[code]:,}"] for code, name, share in found]
        return html_table(f"{title}: shares of the area of the cells left", ["Class", "Area %", "Cells"], rows)
    rows = []
    for code, name in flag_names(world, "climate_zone").items():
        chosen = good & (codes == code)
        mean = _cell(np.average(values[chosen], weights=area[chosen])) if chosen.any() else "–"
        rows.append([name, mean, f"{int(chosen.sum()):,}"])
    units = units_in_words(shown.variable.units)
    zones = html_table(f"{title}: area-weighted means", ["Climate", units or "value", "Cells"], rows)
    order = np.flatnonzero(good)[np.argsort(values[good])]
    picked = list(dict.fromkeys([*order[::-1][:5], *order[:5][::-1]]))
    cells = world["cell"].values
    extremes = [
        [
            place_name(world, int(cells[at])),
            place_label(float(world["lat"].values[at]), float(world["lon"].values[at])),
            _cell(values[at]),
        ]
        for at in picked
    ]
    return zones + html_table("Highest and lowest cells", ["Place", "Centre", units or "value"], extremes)


def shares_table(
    values: NDArray, area: NDArray, codes: NDArray, good: NDArray[np.bool_], world: xr.Dataset, title: str
) -> str:
    """Mean shares of snow, soil and groundwater by climate zone, as the colours show them."""
    parts = 100 * ternary.points()[np.where(good, values, 0).astype(int)] / ternary.STEPS
    rows = []
    for code, name in flag_names(world, "climate_zone").items():
        chosen = good & (codes == code)
        mean = np.average(parts[chosen], axis=0, weights=area[chosen]) if chosen.any() else [np.nan] * 3
        rows.append([name, *(_cell(value) for value in mean), f"{int(chosen.sum()):,}"])
    return html_table(f"{title}: area-weighted means", ["Climate", "Snow %", "Soil %", "Groundwater %", "Cells"], rows)


def series_table(data: xr.Dataset, label: str, seen_by: str = "GRACE") -> str:
    """The curves month by month; a daily run is given as monthly means."""
    names = [name for name in SHORT if name in data]
    words = SHORT | {"tws_observed": seen_by}
    head = ["Month", *(f"{words[name]} ({'mm a day' if name == 'precipitation' else 'mm'})" for name in names)]
    if "month" in data.dims:
        rows = [[MONTHS[i], *(_cell(data[name].values[i]) for name in names)] for i in range(12)]
        return html_table(label, head, rows)
    monthly = data.drop_dims("seen_time", errors="ignore").resample(time="MS").mean()
    seen = data["tws_observed"].rename(seen_time="time").resample(time="MS").mean() if "tws_observed" in data else None
    rows = []
    for i, when in enumerate(monthly["time"].values):
        row = [str(when)[:7]]
        for name in names:
            source = (
                seen.reindex(time=monthly["time"]) if name == "tws_observed" and seen is not None else monthly[name]
            )
            row.append(_cell(source.values[i]))
        rows.append(row)
    return html_table(label, head, rows)


def spread_table(found: xr.Dataset, name: str, label: str) -> str:
    """Quantiles over all cells through time."""
    axis, entry = str(next(iter(found.dims))), variable(name)
    columns = [found[key] for key in found.data_vars]
    units = units_in_words(entry.units) or "value"
    head = ["Month", *(f"{100 * array.attrs['quantile']:.0f} % ({units})" for array in columns)]
    rows = [
        [MONTHS[at] if axis == "month" else str(when)[:7], *(_cell(array.values[at]) for array in columns)]
        for at, when in enumerate(found[axis].values)
    ]
    return html_table(f"{entry.long_name}, {label}: quantiles over the cells, weighted by area", head, rows)


def quantity_table(data: xr.DataArray, name: str, units: str, label: str, most: int = 400) -> str:
    """One quantity through time; a long series is given by month."""
    axis = str(data.dims[0])
    if axis == "time" and data.sizes["time"] > most:
        data = data.resample(time="MS").mean()
        name += ", monthly means"
    head = ["Month" if axis == "month" else "Time", units_in_words(units) or "value"]
    times = data[axis].values
    rows = [
        [MONTHS[int(when) - 1] if axis == "month" else str(when)[:10], _cell(value)]
        for when, value in zip(times, data.values, strict=True)
    ]
    return html_table(f"{name}, {label}", head, rows)


def runs_table(plain: xr.DataArray, changed: xr.DataArray, entry: Variable, label: str) -> str:
    """Two runs of one quantity by month, and their difference."""
    both = xr.Dataset({"plain": plain, "changed": changed}).resample(time="MS").mean()
    units = units_in_words(entry.units) or "value"
    head = ["Month", f"As it was ({units})", f"Changed ({units})", f"Difference ({units})"]
    rows = [
        [str(when)[:7], _cell(a), _cell(b), _cell(b - a)]
        for when, a, b in zip(both["time"].values, both["plain"].values, both["changed"].values, strict=True)
    ]
    return html_table(label, head, rows)


def pulse_table(way: xr.Dataset) -> str:
    """Where the water of a pulse is after some days, in mm."""
    names = [str(name) for name in way.data_vars]
    ages = [age for age in (0, 1, 3, 7, 14, 30, 60, 90, 180, 270, 365) if age < way.sizes["age"]]
    words = {"evapotranspiration": "Evaporated", "runoff": "Run off", "other": "Other stores", **SHORT}
    rows = [[str(age), *(_cell(float(way[name][age])) for name in names)] for age in ages]
    label = f"Where {float(way.attrs['amount']):g} mm of rain are (mm), {way.attrs.get('place', '')}"
    return html_table(label, ["Days after", *(words[name] for name in names)], rows)


def memory_table(heat: xr.DataArray, label: str) -> str:
    """Contributions by lag and driver, month, zone or store."""
    units = units_in_words(str(heat.attrs.get("units") or "mm"))
    head = ["Days ago", *row_names(heat)]
    rows = []
    values = heat.transpose("lag_bin", ...).values
    for i, (start, end) in enumerate(zip(heat["lag_start"].values, heat["lag_end"].values, strict=True)):
        rows.append([f"{start}" if start == end else f"{start} to {end}", *(_cell(value) for value in values[i])])
    return html_table(f"{label} ({units})", head, rows)
