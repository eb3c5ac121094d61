"""Gridded files without a time axis: climatologies by month of the year, and statics such as elevation or classes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.data.ingest.grid_files import Field, GridFile, Product, opened, read_block
from hdlcore.data.ingest.grid_target import Target, target_of
from hdlcore.data.ingest.kinds import Frequency, Options, Piece, Source, describe, fingerprint
from hdlcore.data.ingest.units import can_convert, conversion
from hdlcore.errors import DataError
from hdlcore.variables import VARIABLES, variable

#: Length of the months in the mean gregorian year, days.
MONTH_LENGTH = np.array([31, 28.2425, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])


def static_source(files: Sequence[GridFile], fields: dict[str, Field], options: Options, product: Product) -> Source:
    """A source whose variables go to the root of the cube: (month, cell) where the files have months, else (cell)."""
    frequency: Frequency = "climatology" if any(f.months for f in files) else "static"
    target = target_of(files[0], options.grid)
    lines: dict[str, list[str]] = {f.path.name: [] for f in files}
    data: dict[str, Any] = {}
    for file in files:
        with opened(file.path) as ds:
            for name in (n for n in fields if n in file.found):
                if name not in data:
                    data[name], line = _read(ds, file, name, target)
                    lines[file.path.name].append(line)
    attrs = {n: _about(n, fields[n], product, v[2]) for n, v in data.items()}
    coords: dict[str, Any] = {"cell": target.cells["cell"].values}
    if any("month" in v[0] for v in data.values()):
        coords["month"] = np.arange(1, 13, dtype=np.int8)
    made = xr.Dataset({n: (v[0], v[1], attrs[n]) for n, v in data.items()}, coords)
    note = target.note
    if options.grid == "1deg":
        note += " Classes take the one that covers most of a cell."
    return Source(
        layout="grid",
        frequency=frequency,
        cells=target.cells,
        time=np.empty(0, "datetime64[ns]"),
        variables=attrs,
        pieces=[Piece("all", lambda: made)],
        provenance=[
            {
                "file": f.path.name,
                "sha256": fingerprint(f.path),
                "product": product.title,
                "reader": product.id,
                "conversions": [*lines[f.path.name], target.note],
            }
            for f in files
        ],
        attribution=product.attribution,
        notes=[note, *product.notes],
        grid={name: getattr(target.grid, name) for name in ("rows", "columns", "north", "west", "step")},
        title=product.title,
    )


def _read(ds: xr.Dataset, file: GridFile, name: str, target: Target) -> tuple[Any, str]:
    found = file.found[name]
    source = found.variables[0]
    array = ds[source]
    spare = [str(d) for d in array.dims if d not in (file.y, file.x)]
    if len(spare) > 1:
        raise DataError(f"'{source}' of {file.path.name} has the dimensions {array.dims}; give one field for each.")
    if found.integers and not spare:
        codes = read_block(ds, file, source, None)
        return (("cell",), target.majority(codes)[0], found.units), f"{source} -> {name}: class of most area"
    dims = ("cell",) if not spare else ("month" if spare[0] == file.months else spare[0], "cell")
    values: NDArray[Any] = _block(ds, file, source, spare)
    text = "unchanged"
    if name in VARIABLES:
        wanted = variable(name).units
        monthly = spare and spare[0] == file.months
        units = found.units if not monthly or can_convert(found.units, wanted) else f"{found.units} month-1"
        change = conversion(units, wanted)
        values = change(values, MONTH_LENGTH[:, None] if change.months else None).astype(np.float64)
        text = change.says or text
    moved = target.mean(values)
    return ((dims, moved if spare else moved[0], found.units)), f"{source} -> {name}: {text}"


def _block(ds: xr.Dataset, file: GridFile, name: str, spare: list[str]) -> NDArray[np.float64]:
    """Raw numbers (step, n_source), whatever the one other dimension of the variable is."""
    if not spare:
        return read_block(ds, file, name, None)
    rows = [read_block(ds.isel({spare[0]: [i]}), file, name, None)[0] for i in range(ds.sizes[spare[0]])]
    return np.stack(rows)


def _about(name: str, field: Field, product: Product, units: str) -> dict[str, Any]:
    if name in VARIABLES:
        return describe(name, field.source, product.title)
    return {
        "long_name": name.replace("_", " "),
        "units": units or "1",
        "source": field.source,
        "product": product.title,
    }
