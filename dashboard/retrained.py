"""What the section "Memory that retraining finds" shows, as numbers, sentences and tables; read once a process."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from dashboard.layers import MONTHS
from dashboard.plots.retrained import Line
from dashboard.selection import number, row_label
from dashboard.tables import html_table
from hdlcore.analysis.retrained_memory import (
    BASE,
    FULL,
    PUBLISHED_NSE,
    PUBLISHED_R2,
    ClimateSpace,
    Significance,
    by_group,
    cell_r2,
    climate_space,
    global_r2,
    memory_gain,
    monthly_memory,
    months_that_hold,
    significance,
)
from hdlcore.data.regions import category_index
from hdlcore.memory_study.result import read_result, result_path

#: Parts of the series that the section can be of, and what they are called.
PARTS = {"ano": "Anomalies", "raw": "As they are", "msc": "Seasonal cycle"}
#: Parts whose months can be told apart and whose labels can be exchanged.
MONTHLY = ("ano", "raw")


@dataclass(frozen=True)
class Findings:
    """What is drawn of one part: Mem by months of the past and zone, of each cell, by month, in climate space."""

    steps: tuple[str, ...]
    curves: tuple[Line, ...]
    memory: NDArray[np.float64]
    test: Significance | None
    months: tuple[Line, ...]
    climate: ClimateSpace
    limit: float


@lru_cache(maxsize=1)
def result() -> xr.Dataset:
    """The shipped result; raises `DataError` when it is missing or damaged."""
    return read_result()


def netcdf() -> BytesIO:
    """The shipped result as it is, to take away."""
    return BytesIO(result_path().read_bytes())


@lru_cache(maxsize=1)
def _gains() -> xr.DataArray:
    return memory_gain(cell_r2(result()))


@lru_cache(maxsize=1)
def _global() -> xr.DataArray:
    return global_r2(result())


@lru_cache(maxsize=len(PARTS))
def findings(part: str) -> Findings:
    """Work out what is drawn of a part of the series; some tens of milliseconds, once."""
    held = result()
    models = [str(name) for name in held["model"].values if " " not in str(name)]  # all drivers
    gains = _gains().sel(part=part)
    zones, names = category_index(held, "climate_zone")
    table = gains.sel(model=models).values
    land = by_group(table, np.zeros(zones.size, int), 1)
    spread = by_group(table, zones, len(names))
    curves = [Line("All cells", land.median[0], (land.low[0], land.high[0]))]
    curves += [Line(name, spread.median[i]) for i, name in enumerate(names) if spread.n[i]]
    memory = gains.sel(model=FULL).values
    monthly = part in MONTHLY
    months = monthly_memory(held, FULL, part) if monthly else None
    climate = climate_space(memory, held["annual_precipitation"].values, held["annual_temperature"].values)
    return Findings(
        steps=tuple("all" if name == FULL else name.removeprefix("M_") for name in models),
        curves=tuple(curves),
        memory=memory,
        test=significance(held, FULL, part) if monthly else None,
        months=() if months is None else tuple(
            Line(name, months.sel(hemisphere=half).values)
            for half, name in (("northern", "North"), ("southern", "South"))
        ),
        climate=climate,
        limit=float(np.clip(np.nanquantile(climate.median, 0.95), 0.05, 1.0)),
    )  # fmt: skip


def reached(found: Findings, share: float = 0.9) -> str:
    """The fewest months of the past after which the median Mem of all cells is at least `share` of the longest's."""
    curve = found.curves[0].values[:-1]
    return found.steps[int(np.argmax(curve >= share * np.nanmax(curve)))]


def sentence(part: str) -> str:
    """What the curves and the map say, in words."""
    found = findings(part)
    full = float(found.curves[0].values[-1])
    zones = found.curves[1:]
    most = max(zones, key=lambda line: float(line.values[-1]))
    text = (
        f"Seeing all of the past adds {number(full)} to the R2 of the median cell, most in the zone "
        f"{most.name.lower()} ({number(float(most.values[-1]))}); {reached(found)} months give nine tenths "
        "of what six give."
    )
    if found.test is not None:
        share = 100 * float(found.test.significant.mean())
        text += f" The gain is significant in {share:.0f} % of the {found.memory.size} cells looked at."
    return text


def curve_tables(part: str) -> list[str]:
    """What the curves show: Mem by months of the past and climate, and through the year by hemisphere."""
    found = findings(part)

    def table(caption: str, first: str, head: Sequence[str], lines: Sequence[Line]) -> str:
        rows = [[line.name, *(f"{x:.3f}".replace("-", "−") for x in line.values)] for line in lines]
        return html_table(caption, [first, *head], rows)

    tables = [table("Mem by months of the past (median cell)", "Climate", found.steps, found.curves)]
    if found.months:
        tables.append(table("Mem through the year", "Hemisphere", [name[:3] for name in MONTHS], found.months))
    return tables


def r2_table() -> str:
    """Global R2 with and without memory beside the published ones."""
    ours = _global()
    rows = []
    for part, title in (("raw", "As they are"), ("msc", "Median seasonal cycle"), ("ano", "Anomalies")):
        mine = [float(ours.sel(model=name, part=part)) for name in (BASE, FULL)]
        rows.append(
            [
                title,
                *(f"{x:.3f}".replace("-", "−") for x in (*mine, mine[1] - mine[0])),
                *(f"{x:.3f}" for x in PUBLISHED_R2[part]),
            ]
        )
    head = ["NDVI", "M_0, twin (generated)", "M_full, twin", "Mem, twin", "M_0, published", "M_full, published"]
    return html_table("Global R2 without memory (M_0) and with all of it (M_full)", head, rows)


def driver_table() -> str:
    """Mem of the longest limited memory for one driver's past alone, and what is lost without its past."""
    ours = _global()
    named = [str(name) for name in ours["model"].values if " " in str(name)]
    longest = named[0].split(" ")[0]
    rows = []
    for name in (name for name in named if "+" not in name):
        driver = name.split(" ")[1]
        without = next((n for n in named if "+" in n and driver not in n.split(" ")[1].split("+")), None)
        row = [row_label(driver)]
        for part in MONTHLY:
            row += [_gain(name, BASE, part), _gain(longest, without, part) if without else "–"]
        rows.append(row)
    rows.append(["All three", _gain(longest, BASE, "ano"), "", _gain(longest, BASE, "raw"), ""])
    head = ["Driver", "Anomalies: its past alone", "lost without it", "As they are: its past alone", "lost without it"]
    return html_table(f"Memory by driver: global R2 gained by {longest[2:]} months of the past", head, rows)


def _gain(model: str, base: str, part: str) -> str:
    """Global R2 of a model over that of another, with a true sign."""
    ours = _global().sel(part=part)
    gained = round(float(ours.sel(model=model) - ours.sel(model=base)), 3) + 0.0  # no minus before a zero
    return f"{gained:+.3f}".replace("-", "−")


def truth_table() -> str:
    """How far back: the months that give nine tenths of Mem, by zone, beside those that hold nine tenths of the truth.

    R2 counts squares, so Mem is held against the squares of the true contributions; the contributions themselves reach
    further back.
    """
    held, found = result(), findings("ano")
    zones, names = category_index(held, "climate_zone")
    size = held["true_memory"].transpose("forcing", "age", "cell").values.astype(float)
    truth = [by_group(months_that_hold((size**power).sum(0)), zones, len(names)).median for power in (2, 1)]
    rows = []
    for line in found.curves[1:]:
        gained = np.diff(np.maximum.accumulate(line.values[:-1]))
        months = float(months_that_hold(np.concatenate([[0.0], gained])))
        at = names.index(line.name)
        rows.append([line.name, *(f"{x:.1f}" for x in (months, truth[0][at], truth[1][at]))])
    head = ["Climate", "Mem of anomalies", "the truth, squared as R2 counts", "the truth"]
    return html_table("Months of the past that hold nine tenths of the memory (median cell)", head, rows)


def emulation_table() -> str:
    """Mean and median NSE of the four emulators beside the published ones.

    The mean leaves out cells whose evapotranspiration swings less than the floor of the loss: one desert cell of
    0.007 mm d-1 would outweigh all others.
    """
    held = result()
    swings = held["emulation_swing"].values >= _floor(held)
    rows = []
    for name, (mean, median) in PUBLISHED_NSE.items():
        raw, rest = (held["nse"].sel(emulator=name, part=part).values for part in ("raw", "anomaly"))
        ours = (np.mean(raw[swings]), np.median(raw), np.median(rest))
        rows.append([name, *(f"{x:.2f}" for x in ours), f"{mean:.2f}", f"{median:.2f}"])
    head = ["Network", "mean, twin", "median, twin", "anomalies, median, twin", "mean, published", "median, published"]
    return html_table("NSE of emulated daily evapotranspiration (generated)", head, rows)


def _floor(held: xr.Dataset) -> float:
    return float(json.loads(held.attrs["recipe"])["emulation"]["floor"])


def emulation_note() -> str:
    """What the emulators are and how they are judged."""
    held = result()
    swings, least = held["emulation_swing"].values, _floor(held)
    return (
        "Networks that imitate the twin's process model (Kraft, Besnard and Koirala 2021): recurrent (LSTM) or each "
        "day by itself (FC), with its soil moisture given (SM) or the weather alone (noSM); on cells and years held "
        f"out. The mean is of the {int((swings >= least).sum())} of {swings.size} cells that swing by {least:g} mm a "
        "day or more."
    )
