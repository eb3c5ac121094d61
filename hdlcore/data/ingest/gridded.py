"""Gridded files of any layout as a `Source`: which step of which file makes which day or month, read piece by piece."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.ingest import calendars
from hdlcore.data.ingest.calendars import Step
from hdlcore.data.ingest.grid_files import Field, Found, GridFile, Product, look, opened, read_block
from hdlcore.data.ingest.grid_static import static_source
from hdlcore.data.ingest.grid_target import Target, target_of
from hdlcore.data.ingest.kinds import Frequency, Options, Piece, Source, describe, fingerprint
from hdlcore.data.ingest.units import Conversion, can_convert, conversion
from hdlcore.data.schema import expected_time, map_chunks
from hdlcore.errors import DataError
from hdlcore.variables import variable

#: A piece holds the sums of its days in memory, twice.
PIECE_BYTES = 64 * 2**20
READ_BYTES = 32 * 2**20
#: Share of the sub-daily steps of a day that a mean needs; an amount needs all of them.
MIN_STEPS = 0.75


@dataclass(frozen=True)
class Entries:
    """The steps that make one field: for each its period (datetime64[D] or [M]), its file and its place there."""

    period: NDArray[np.datetime64]
    file: NDArray[np.int64]
    index: NDArray[np.int64]
    need: int


@dataclass(frozen=True)
class Plan:
    """All that the pieces need to know."""

    product: Product
    files: list[GridFile]
    target: Target
    step: Step
    seconds: float
    frequency: Frequency
    entries: dict[str, Entries]
    fields: dict[str, Field]
    factors: dict[str, NDArray[np.float64]]


def read_grid(files: Sequence[Path], options: Options, product: Product) -> Source:
    """Look at all files, settle cells, days and variables, and give the pieces.

    Raises `DataError` when no variable is known, grids or steps differ, or the times cannot be read.
    """
    seen = [look(path, product) for path in sorted(files)]
    fields = _wanted(seen, options, product)
    useful = [f for f in seen if set(f.found) & set(fields)]
    _same_grid(useful)
    if all(f.stamps is None for f in useful):
        return static_source(useful, fields, options, product)
    useful = [f for f in useful if f.stamps is not None]
    target = target_of(useful[0], options.grid)
    step, seconds = _step(useful, product)
    frequency: Frequency = "daily" if step in ("subdaily", "daily") else "monthly"
    notes = [target.note, *product.notes, *_left_out(seen, product)]
    entries = {name: _entries(useful, name, field, product, step, seconds, notes) for name, field in fields.items()}
    entries = {name: e for name, e in entries.items() if e.period.size}
    if not entries:
        raise DataError(f"{useful[0].path.name} has no whole {'day' if frequency == 'daily' else 'month'}; give more.")
    factors = _factors(seen, fields)
    plan = Plan(product, useful, target, step, seconds, frequency, entries, fields, factors)
    _check_units(plan)
    first, last = min(e.period.min() for e in entries.values()), max(e.period.max() for e in entries.values())
    time = expected_time(frequency, first, last)
    return Source(
        layout="grid",
        frequency=frequency,
        cells=target.cells,
        time=time,
        variables={n: describe(n, fields[n].source, product.title) for n in entries},
        pieces=_pieces(plan, time),
        provenance=[_origin(plan, f) for f in useful],
        attribution=product.attribution,
        notes=list(dict.fromkeys(notes)),
        grid={
            name: getattr(target.grid, name) for name in ("rows", "columns", "north", "west", "step")
        },
        title=product.title,
    )  # fmt: skip


def _wanted(seen: Sequence[GridFile], options: Options, product: Product) -> dict[str, Field]:
    """The fields to be read, by canonical name; a sentence with near misses when there is none."""
    held: dict[str, Field] = {}
    for file in seen:
        for name, found in file.found.items():
            held.setdefault(name, found.field)
    if not held:
        others = list(dict.fromkeys(n for file in seen for n in file.others))
        known = [n for f in product.fields for n in f.names]
        folded = [k.casefold() for k in known]
        alike = {o: get_close_matches(o.casefold(), folded, n=1, cutoff=0.6) for o in others}
        hints = "; ".join(f"'{o}' looks like '{m[0]}'" for o, m in alike.items() if m)
        shown = ", ".join(f"'{o}'" for o in others[:6]) or "no variable on the grid"
        raise DataError(
            f"{seen[0].path.name} has no variable known to '{product.id}': it holds {shown}"
            + (f" ({hints})" if hints else "")
            + _other_half(others, product)
            + f"; known are {', '.join(known[:12])}{', ...' if len(known) > 12 else ''}. Rename it."
        )
    if options.variables is None:
        return held
    missing = [n for n in options.variables if n not in held]
    if missing:
        near = get_close_matches(missing[0], held, n=2, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"they hold {', '.join(held)}."
        raise DataError(f"The files hold no '{missing[0]}'; {hint}")
    return {n: held[n] for n in options.variables}


def _other_half(others: Sequence[str], product: Product) -> str:
    """A hint for a variable that is only good together with another in the same file."""
    for wanted in product.fields:
        half = [n for n in others if wanted.plus and n.casefold() in (*wanted.names, *wanted.plus)]
        if half:
            return f"; '{half[0]}' needs its other half ({wanted.names[0]} and {wanted.plus[0]}) in the same file"
    return ""


def _left_out(seen: Sequence[GridFile], product: Product) -> list[str]:
    names = list(dict.fromkeys(n for file in seen for n in file.others))
    if not names:
        return []
    near = {n: get_close_matches(n.casefold(), [k for f in product.fields for k in f.names], n=1) for n in names}
    hints = "".join(f" '{n}' looks like '{m[0]}': rename it if so." for n, m in near.items() if m)
    return [f"Not known and left out: {', '.join(names)}{_other_half(names, product)}.{hints}"]


def _same_grid(files: Sequence[GridFile]) -> None:
    first = files[0]
    for file in files[1:]:
        same = first.lat.shape == file.lat.shape and first.lon.shape == file.lon.shape
        if not same or not (
            np.allclose(first.lat, file.lat, atol=1e-4, equal_nan=True)
            and np.allclose(first.lon, file.lon, atol=1e-4, equal_nan=True)
        ):
            raise DataError(
                f"{file.path.name} lies on another grid than {first.path.name}; ingest them into cubes of their own."
            )


def _step(files: Sequence[GridFile], product: Product) -> tuple[Step, float]:
    """The step of all files together; files of different steps are refused."""
    month = calendars.MONTH
    if product.irregular:
        return "monthly", month
    if product.time_in_name and files[0].time is None:
        days = [bool(re.search(product.time_in_name, f.path.name).groups()[-1]) for f in files]  # type: ignore[union-attr]
        if any(days) != all(days):
            raise DataError("Some of the files are daily and some monthly; ingest them into cubes of their own.")
        return ("daily", calendars.DAY) if days[0] else ("monthly", month)
    steps: dict[Step, str] = {}
    for file in files:
        if (own := _own_step(file)) is not None:
            steps.setdefault(own[0], file.path.name)
    if len(steps) > 1:
        (a, first), (b, second) = list(steps.items())[:2]
        raise DataError(f"{first} is {a} and {second} is {b}; ingest them into cubes of their own.")
    if len(files) == 1 and (own := _own_step(files[0])) is not None:
        return own
    return calendars.step_of(np.concatenate([_stamps(file).when for file in files]), files[0].hint)


def _own_step(file: GridFile) -> tuple[Step, float] | None:
    """The step of one file by its bounds, else by its stamps; None for a single stamp without bounds."""
    if file.bounds is not None:
        width = (file.bounds[:, 1] - file.bounds[:, 0]).astype("timedelta64[s]")
        if np.all(width.astype(float) > 0):
            start = file.bounds[0, 0]
            return calendars.step_of(np.array([start, start + np.median(width)], "datetime64[s]"))
    when = _stamps(file).when
    return calendars.step_of(when) if np.unique(when).size > 1 else None


def _stamps(file: GridFile) -> calendars.Stamps:
    if file.stamps is None:
        raise DataError(f"{file.path.name} has no time axis; give files of one kind together.")
    return file.stamps


def _entries(
    files: Sequence[GridFile], name: str, wanted: Field, product: Product, step: Step, seconds: float, notes: list[str]
) -> Entries:
    """Every step of a field with the day or month that its middle falls in; doubled ones are settled and noted."""
    middle, number, index = [], [], []
    for i, file in enumerate(files):
        if name not in file.found:
            continue
        stamps = _stamps(file)
        gathered_by_day = wanted.gathered == "day" and step == "subdaily"
        position = product.position or calendars.position_of(stamps.when, step)
        if wanted.gathered != "no" and step == "subdaily":
            position = "end"
        length = 86_400.0 if gathered_by_day else seconds
        keep = stamps.keep.copy()
        if gathered_by_day:  # only at 00:00 is the sum that of a whole day, the one before
            keep &= stamps.when == stamps.when.astype("datetime64[D]")
        middle.append(calendars.middles(stamps.when, step, length, position, file.bounds)[keep])
        number.append(np.full(int(keep.sum()), i))
        index.append(np.flatnonzero(keep))
        if stamps.calendar not in calendars.STANDARD:
            notes.append(_calendar_note(stamps.calendar))
    at, of, where = np.concatenate(middle), np.concatenate(number), np.concatenate(index)
    order = np.argsort(at, kind="stable")
    at, of, where = at[order], of[order], where[order]
    unit = "D" if step in ("subdaily", "daily") else "M"
    period = calendars.months_of(at) if product.irregular and unit == "M" else at.astype(f"datetime64[{unit}]")
    same = np.diff(at if step == "subdaily" else period).astype(int) == 0
    doubled = np.concatenate([[False], same])
    if product.irregular or step == "days":
        doubled[:] = False
    if doubled.any():
        what = {"subdaily": "time steps", "daily": "days"}.get(step, "months")
        notes.append(f"{name}: {int(doubled.sum())} {what} are in the files twice; the first of each was kept.")
    if step == "days":
        notes.append(f"{name}: steps of {seconds / 86_400:.0f} days were averaged by the month of their middle.")
    per_day = 86_400 / seconds if step == "subdaily" and wanted.gathered != "day" else 1
    share = 1.0 if wanted.gathered == "step" else MIN_STEPS
    need = max(1, int(np.ceil(per_day * share - 1e-6)))
    period, of, where = period[~doubled], of[~doubled], where[~doubled]
    # The first and last day of hourly files are often there in part: they are no days.
    _, which, steps = np.unique(period, return_inverse=True, return_counts=True)
    whole = steps[which] >= need
    return Entries(period[whole], of[whole], where[whole], need)


def _calendar_note(calendar: str) -> str:
    how = {
        "360_day": "days were placed by the share of the year gone, so five or six days of each year are missing",
        "julian": "dates were moved to the standard calendar",
        "all_leap": "29 February of years that have none was dropped",
        "366_day": "29 February of years that have none was dropped",
    }
    return f"The files count by the {calendar} calendar: {how.get(calendar, '29 February is missing')}."


def _factors(seen: Sequence[GridFile], fields: dict[str, Field]) -> dict[str, NDArray[np.float64]]:
    """For each field the product of its scale factor and mask (1, n_source) where some file holds them."""
    factors: dict[str, NDArray[np.float64]] = {}
    for name, wanted in fields.items():
        for file in seen:
            with opened(file.path) as ds:
                for option in (n for n in (*wanted.scale, *wanted.mask) if n in ds.variables):
                    values = read_block(ds, file, option, None)[:1]
                    if option in wanted.mask:
                        values = np.where(values > 0, 1.0, np.nan)
                    factors[name] = factors.get(name, np.ones_like(values)) * values
            if name in factors:
                break
    return factors


def _conversion(plan: Plan, found: Found) -> Conversion:
    """Units of a file to those of the cube, with what the product says about amounts."""
    wanted = variable(found.field.name).units
    if found.field.gathered == "day":
        return conversion(found.units, wanted, 86_400.0)
    seconds = dict(plan.product.gathered_seconds).get(plan.step)
    if seconds is None and plan.step == "monthly" and not can_convert(found.units, wanted):
        return conversion(f"{found.units} month-1", wanted)
    return conversion(found.units, wanted, plan.seconds if seconds is None else seconds)


def _check_units(plan: Plan) -> None:
    """Refuse units that cannot be turned before any work is done, naming the file."""
    for file in plan.files:
        for name in set(plan.entries) & set(file.found):
            try:
                _conversion(plan, file.found[name])
            except DataError as error:
                raise DataError(f"{file.path.name}, '{file.found[name].variables[0]}': {error}") from error


def _origin(plan: Plan, file: GridFile) -> dict[str, Any]:
    lines = []
    for name in plan.entries:
        if name in file.found:
            found = file.found[name]
            change = _conversion(plan, found).says or f"{found.units}, unchanged"
            sign = ", sign turned" if found.field.sign < 0 else ""
            factor = ", times its scale factor" if found.field.scale and name in plan.factors else ""
            whole = " (whole numbers without a declared scale)" if found.integers else ""
            lines.append(f"{' + '.join(found.variables)} -> {name}: {change}{sign}{factor}{whole}")
    return {
        "file": file.path.name,
        "sha256": fingerprint(file.path),
        "product": plan.product.title,
        "reader": plan.product.id,
        "conversions": [*lines, plan.target.note],
    }


def _pieces(plan: Plan, time: NDArray[np.datetime64]) -> list[Piece]:
    """Runs of days or months, each as long as its sums fit in memory, in whole map chunks where possible."""
    n_source = (
        plan.files[0].lat.size if plan.files[0].lat.ndim == 2 else plan.files[0].lat.size * plan.files[0].lon.size
    )
    fit = max(1, PIECE_BYTES // (16 * n_source))
    chunk = map_chunks(time.size, plan.target.cells.sizes["cell"])[0]
    length = int(max(1, fit if fit < chunk else fit // chunk * chunk))
    starts = range(0, time.size, length)
    return [Piece(str(time[i])[:10], partial(_load, plan, time[i : i + length])) for i in starts]


def _load(plan: Plan, time: NDArray[np.datetime64]) -> xr.Dataset:
    """One piece: means of the steps of each period, converted, then moved to the cube's cells."""
    unit = "D" if plan.frequency == "daily" else "M"
    periods = time.astype(f"datetime64[{unit}]")
    data = {}
    for name, entries in plan.entries.items():
        inside = (entries.period >= periods[0]) & (entries.period <= periods[-1])
        if not inside.any():
            continue
        part = Entries(entries.period[inside], entries.file[inside], entries.index[inside], entries.need)
        data[name] = (("time", "cell"), plan.target.mean(_means(plan, name, part, periods)))
    return xr.Dataset(data, {"time": time, "cell": plan.target.cells["cell"].values})


def _means(plan: Plan, name: str, part: Entries, periods: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Mean (period, n_source) in canonical units over the steps of each period; NaN where too few have a value."""
    first = plan.files[0]
    n_source = first.lat.size if first.lat.ndim == 2 else first.lat.size * first.lon.size
    total = np.zeros((periods.size, n_source))
    count = np.zeros((periods.size, n_source), np.int16)
    row = (part.period - periods[0]).astype(int)
    rows_at_once = max(1, READ_BYTES // (8 * n_source))
    for number in np.unique(part.file):
        mine = np.flatnonzero(part.file == number)
        mine = mine[np.argsort(part.index[mine])]
        file = plan.files[number]
        change = _conversion(plan, file.found[name])
        with opened(file.path) as ds:
            for run in _runs(part.index[mine], rows_at_once):
                chosen = mine[run]
                steps = slice(int(part.index[chosen[0]]), int(part.index[chosen[-1]]) + 1)
                days = calendars.month_lengths(part.period[chosen])[:, None] if change.months else None
                values = change(_raw(plan, ds, file, name, steps), days)
                finite = np.isfinite(values)
                values = np.where(finite, values, 0.0)
                for i in np.unique(row[chosen]):
                    total[i] += values[row[chosen] == i].sum(0)
                    count[i] += finite[row[chosen] == i].sum(0, dtype=np.int16)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(count >= part.need, total / count, np.nan)


def _raw(plan: Plan, ds: xr.Dataset, file: GridFile, name: str, steps: slice) -> NDArray[np.float64]:
    """Raw numbers with flags taken out, second parts added, scale, mask and sign applied."""
    found = file.found[name]
    parts = []
    for variable_name in found.variables:
        values = read_block(ds, file, variable_name, steps)
        if found.field.valid is not None:
            low, high = found.field.valid
            values = np.where((values >= low) & (values <= high), values, np.nan)
        parts.append(values)
    return np.sum(parts, axis=0) * found.field.sign * plan.factors.get(name, 1.0)


def _runs(index: NDArray[np.int64], longest: int) -> list[slice]:
    """Slices of `index` that are runs of neighbours, none longer than `longest`."""
    breaks = np.flatnonzero(np.diff(index) != 1) + 1
    slices = []
    for start, stop in zip([0, *breaks], [*breaks, index.size], strict=True):
        slices += [slice(i, min(i + longest, stop)) for i in range(start, stop, longest)]
    return slices
