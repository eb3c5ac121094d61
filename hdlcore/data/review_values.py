"""What a reviewer sees in the numbers of a cube: ranges, slips of units, constant series, seasons turned round."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data import schema
from hdlcore.data.review_finding import Finding, Severity
from hdlcore.variables import VARIABLES

_BLOCK_BYTES = 16 * 2**20
_SAMPLE = 400_000
#: Where the 99th percentile over all places and times of a sound record lies (low, high), in canonical units.
TYPICAL: dict[str, tuple[float, float]] = {
    "precipitation": (0.3, 200),
    "air_temperature": (-20, 48),
    "net_radiation": (40, 500),
    "shortwave_radiation": (60, 500),
    "longwave_radiation": (150, 550),
    "potential_evapotranspiration": (0.5, 25),
    "evapotranspiration": (0.3, 15),
    "runoff": (0.02, 200),
    "tws": (8, 5000),
    "latent_heat": (10, 400),
    "sensible_heat": (10, 500),
    "vapour_pressure_deficit": (2, 80),
    "ndvi": (0.05, 1),
    "fapar": (0.05, 1),
    "soil_water": (0.03, 1),
    "gpp": (0.5, 40),
    "reco": (0.3, 40),
}
_WATER = (
    ("metres a day", 1000.0, 0.0),
    ("kg m-2 s-1", 86_400.0, 0.0),
    ("mm a month", 1 / 30.44, 0.0),
    ("mm a year", 1 / 365.25, 0.0),
    ("centimetres a day", 10.0, 0.0),
    ("mm s-1", 86_400.0, 0.0),
)
_HEAT = (
    ("J m-2 a day", 1 / 86_400, 0.0),
    ("MJ m-2 a day", 1e6 / 86_400, 0.0),
    ("J m-2 an hour", 1 / 3600, 0.0),
)
_SHARE = (("per cent", 0.01, 0.0), ("whole numbers scaled by 10000", 1e-4, 0.0), ("whole numbers by 1000", 1e-3, 0.0))
_CARBON = (("umol m-2 s-1", 1.03775, 0.0), ("kg m-2 s-1", 8.64e7, 0.0), ("gC m-2 a month", 1 / 30.44, 0.0))
#: What values in other units would be, by the canonical unit: name, factor, offset.
SLIPS: dict[str, tuple[tuple[str, float, float], ...]] = {
    "degC": (("kelvin", 1.0, -273.15), ("degrees Fahrenheit", 5 / 9, -160 / 9), ("tenths of a degree", 0.1, 0.0)),
    "mm d-1": _WATER,
    "mm": (("metres", 1000.0, 0.0), ("centimetres", 10.0, 0.0)),
    "W m-2": _HEAT,
    "1": _SHARE,
    "hPa": (("Pa", 0.01, 0.0), ("kPa", 10.0, 0.0)),
    "gC m-2 d-1": _CARBON,
}
_FILLS = (-9999.0, -999.0, -99999.0, -32768.0, -32767.0, 1e20, 9.96921e36)


@dataclass
class Numbers:
    """What was seen of one variable: per cell count, mean, spread and longest run; over all, a sample and fills."""

    name: str
    count: NDArray[Any]
    mean: NDArray[Any]
    std: NDArray[Any]
    run: NDArray[Any]
    low: float
    high: float
    outside: int
    sample: NDArray[Any]
    fills: dict[float, int]
    empty_times: NDArray[np.bool_]
    summer: NDArray[Any]  # July minus January

    @property
    def complete(self) -> float:
        """Share of values that are there."""
        return float(self.count.sum() / max(self.count.size * self.empty_times.size, 1))


def read_numbers(data: xr.DataArray) -> Numbers:
    """Read a variable (time, cell) once, band by band of cells, in bounded memory."""
    name = str(data.name)
    n_time, n_cell = data.shape
    limits = schema.physical_range(name) or (-np.inf, np.inf)
    known = schema.physical_range(name) or (np.inf, -np.inf)
    month = data["time"].dt.month.values
    parts: dict[str, list[NDArray]] = {k: [] for k in ("count", "mean", "std", "run", "summer", "sample")}
    low, high, outside = np.inf, -np.inf, 0
    fills: dict[float, int] = {}
    seen = np.zeros(n_time, bool)
    each = max(1, _SAMPLE // max(n_cell, 1))  # of each cell
    for block in _bands(data):
        finite = np.isfinite(block)
        count = finite.sum(0)
        seen |= finite.any(1)
        values = np.where(finite, block, 0.0).astype(np.float64)
        mean = np.divide(values.sum(0), count, out=np.full(count.shape, np.nan), where=count > 0)
        square = np.divide((values**2).sum(0), count, out=np.full(count.shape, np.nan), where=count > 0)
        parts["count"].append(count)
        parts["mean"].append(mean)
        parts["std"].append(np.sqrt(np.maximum(square - mean**2, 0)))
        parts["run"].append(longest_runs(block))
        parts["summer"].append(_month_mean(values, finite, month == 7) - _month_mean(values, finite, month == 1))
        held = block[finite]
        if held.size:
            least, most = float(held.min()), float(held.max())
            low, high = min(low, least), max(high, most)
            if least < limits[0] or most > limits[1]:
                outside += int(((held < limits[0]) | (held > limits[1])).sum())
            for fill in _FILLS:  # a fill inside the physical range is a value
                if least <= fill <= most * (1 + 1e-6) and not known[0] <= fill <= known[1]:
                    fills[fill] = fills.get(fill, 0) + int(np.isclose(held, fill, rtol=1e-6, atol=0).sum())
            parts["sample"].append(held[:: max(1, held.size // (each * block.shape[1]))])
    fills = {fill: n for fill, n in fills.items() if n}
    joined = {k: np.concatenate(v) if v else np.empty(0) for k, v in parts.items()}
    return Numbers(
        name, joined["count"], joined["mean"], joined["std"], joined["run"], low, high, outside,
        joined["sample"], fills, ~seen, joined["summer"],
    )  # fmt: skip


def _bands(data: xr.DataArray) -> Iterator[NDArray[np.float32]]:
    n_time, n_cell = data.shape
    chunk = data.encoding.get("chunks", (n_time, 1))[1]
    width = max(1, _BLOCK_BYTES // (4 * max(n_time, 1) * chunk)) * chunk
    for start in range(0, n_cell, width):
        yield data.isel(cell=slice(start, start + width)).values


def _month_mean(values: NDArray, finite: NDArray, rows: NDArray[np.bool_]) -> NDArray[np.float64]:
    count = finite[rows].sum(0)
    return np.divide(values[rows].sum(0), count, out=np.full(count.shape, np.nan), where=count > 0)


def longest_runs(block: NDArray) -> NDArray[np.int64]:
    """Longest run of one and the same non-zero value in each series (time, cell)."""
    same = (block[1:] == block[:-1]) & (block[1:] != 0)
    run = np.zeros(block.shape[1], np.int64)
    longest = np.zeros(block.shape[1], np.int64)
    for row in same:
        run = (run + 1) * row
        np.maximum(longest, run, out=longest)
    return np.where(np.isfinite(block).any(0), longest + 1, 0)


def check_numbers(numbers: Numbers, frequency: str, time: NDArray, lat: NDArray) -> Iterator[Finding]:
    """Remarks on one variable."""
    name, where = numbers.name, f"{frequency}/{numbers.name}"
    if not numbers.count.any():
        yield Finding("major", where, "holds no value at all", "ingest the files again or leave the variable out")
        return
    yield from _check_range(numbers, where)
    empty = int((numbers.count == 0).sum())
    if empty:
        share = empty / numbers.count.size
        level: Severity = "major" if share > 0.5 else "minor"
        what = f"{empty} of {numbers.count.size} cells {'has' if empty == 1 else 'have'} no value"
        yield Finding(level, where, what, "say in the notes why, or leave these cells out")
    # Sites have records of their own length beside each other: only gaps inside the record are gaps.
    begin, end = np.flatnonzero(~numbers.empty_times)[[0, -1]]
    inside = numbers.empty_times[begin : end + 1]
    if inside.size < 0.9 * numbers.empty_times.size:
        what = f"has values from {str(time[begin])[:10]} to {str(time[end])[:10]} only"
        yield Finding("minor", where, what, "keep to these years where it is needed, or give the files of the others")
    n = int(inside.sum())
    if n:
        first = str(time[begin + inside.argmax()])[:10]
        word = "days" if frequency == "daily" else "months"
        # A value every few days is a product's own step, not a loss.
        there = np.flatnonzero(~inside)
        step = int(np.median(np.diff(there))) if there.size > 1 else 1
        level = "major" if n - there.size * (step - 1) > inside.size / 2 else "minor"
        yield Finding(level, where, f"{n} {word} have no value in any cell, the first is {first}", "give their files")
    yield from _check_constant(numbers, where, frequency)
    if name == "air_temperature":
        yield from _check_summer(numbers, where, lat)


def _check_range(numbers: Numbers, where: str) -> Iterator[Finding]:
    """Values out of the physical range, fills, and the slip of units that explains them best."""
    base = schema.base_name(numbers.name)
    limits = schema.physical_range(numbers.name)
    units = VARIABLES[numbers.name].units if numbers.name in VARIABLES else ""
    if numbers.fills:
        told = ", ".join(f"{fill:g} ({n} times)" for fill, n in numbers.fills.items())
        yield Finding(
            "major", where, f"holds fill values as if they were data: {told}", "declare _FillValue and repeat"
        )
        return
    slip = unit_slip(base, units, numbers.sample) if limits else ""
    if limits and numbers.outside:
        what = (
            f"{numbers.outside} values lie outside what is physically possible, {limits[0]:g} to {limits[1]:g} {units}"
            f" (they span {numbers.low:g} to {numbers.high:g})"
        )
        if slip:
            what += f"; this looks like {slip}"
        yield Finding("major", where, what, "state the true units in the source file and ingest it again")
    elif slip:
        top = float(np.quantile(numbers.sample, 0.99))
        what = f"the numbers are unusual for {units} (99 % lie below {top:.3g}); this looks like {slip}"
        yield Finding("minor", where, what, "check the units in the source file")


def unit_slip(base: str, units: str, sample: NDArray) -> str:
    """The unit in which a sample would be ordinary, where it is not in its own; '' when there is no cause to ask."""
    if base not in TYPICAL or sample.size < 10:
        return ""
    low, high = TYPICAL[base]
    limits = schema.PHYSICAL[base]
    ordered = np.quantile(np.abs(sample) if base == "tws" else sample, [0.0, 0.99, 1.0]).astype(float)
    # The sample is of the plain kind: inside both the ordinary and the possible.
    if low <= ordered[1] <= high and limits[0] <= ordered[0] and ordered[2] <= limits[1]:
        return ""
    for said, factor, offset in SLIPS.get(units, ()):
        least, top, most = ordered * factor + offset
        if low <= top <= high and limits[0] <= least and most <= limits[1]:
            return said
    return ""


def _check_constant(numbers: Numbers, where: str, frequency: str) -> Iterator[Finding]:
    """Series that never change, and stretches in which a gauge was stuck."""
    if frequency == "daily":
        long, enough = 30, 60
    else:
        long, enough = 6, 12
    flat = (numbers.count >= enough) & (numbers.std <= 1e-6 * np.maximum(np.abs(numbers.mean), 1e-3))
    if schema.base_name(numbers.name) in ("swe", "snowfall", "snowmelt"):
        flat &= numbers.mean != 0  # no snow is a fact of many places
    if flat.any():
        n = int(flat.sum())
        level: Severity = "major" if n > 0.05 * flat.size else "minor"
        yield Finding(level, where, f"{n} cells never change", "check their source; leave them out if it was a fill")
    stuck = (numbers.run >= long) & ~flat & (numbers.count >= enough)
    if schema.base_name(numbers.name) in ("swe", "co2") or numbers.name.endswith("_coverage"):
        stuck[:] = False
    if stuck.any():
        n, most = int(stuck.sum()), int(numbers.run[stuck].max())
        word = "days" if frequency == "daily" else "months"
        what = f"{n} cells repeat one value for {long} {word} or more (up to {most})"
        yield Finding("minor", where, what, "a stuck gauge or a filled gap: set the stretch to missing, or say it")


def _check_summer(numbers: Numbers, where: str, lat: NDArray) -> Iterator[Finding]:
    """July must be warmer than January in the north, colder in the south."""
    away = np.isfinite(numbers.summer) & (np.abs(lat) > 30) & (np.abs(numbers.summer) > 2)
    if away.sum() == 0:
        return
    wrong = away & (np.sign(numbers.summer) != np.sign(lat))
    share = wrong.sum() / away.sum()
    if share > 0.5:
        what = f"summers are in winter in {share:.0%} of the cells beyond 30 degrees"
        yield Finding("major", where, what, "the latitudes are upside down or the time is half a year off; turn them")
