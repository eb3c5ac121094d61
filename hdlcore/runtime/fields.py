"""Precomputed fields of a model on disk: one Zarr store beside the weights, small and read whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec, BloscShuffle

from hdlcore.errors import ModelError
from hdlcore.variables import VARIABLES, with_derived

FIELDS = "fields.zarr"
#: Mantissa bits kept on disk: errors below 0.013 %, far under the spread of the members.
KEEP_BITS = 12
#: Coordinates of words, kept as attributes since Zarr v3 has no settled type for strings.
_WORDS = ("forcing", "store", "carrier")
#: The dimensions of fields, in the order in which each variable has them.
_AXES = ("member", "forcing", "carrier", "month", "store", "lag_bin", "carrier_lag", "cell")
_MONTHS = np.arange(1, 13)


def write_fields(fields: xr.Dataset, folder: Path) -> None:
    """Write fields into a model folder, rounded to `KEEP_BITS` mantissa bits and compressed, one chunk a variable."""
    path = folder / FIELDS
    rounded = fields.drop_vars([name for name in _WORDS if name in fields.coords])
    for name in fields.data_vars:
        rounded[name] = fields[name].drop_vars(_WORDS, errors="ignore").copy(data=round_bits(fields[name].values))
    words = {name: json.dumps([str(v) for v in fields[name].values]) for name in _WORDS if name in fields.coords}
    rounded.attrs = fields.attrs | {f"{name}_names": text for name, text in words.items()}
    codec = BloscCodec(cname="zstd", clevel=9, shuffle=BloscShuffle.bitshuffle)
    encoding = {name: {"compressors": [codec], "chunks": fields[name].shape} for name in fields.data_vars}
    shutil.rmtree(path, ignore_errors=True)
    rounded.to_zarr(path, mode="w", zarr_format=3, consolidated=False, encoding=encoding)


def read_fields(folder: Path) -> xr.Dataset | None:
    """Read the fields of a model folder into memory; None when it brings none, `ModelError` when they are damaged."""
    path = folder / FIELDS
    if not path.is_dir():
        return None
    try:
        with xr.open_zarr(path, consolidated=False, chunks=None) as stored:
            fields = stored.load()
        words = {name: json.loads(fields.attrs[f"{name}_names"]) for name in _WORDS if f"{name}_names" in fields.attrs}
    except Exception as error:  # zarr raises many kinds for a damaged store
        raise ModelError(f"The fields {path} cannot be read ({error}); copy the model folder again.") from error
    return fields.assign_coords({name: names for name, names in words.items() if name in fields.dims})


def fields_of_world(folder: Path, name: str, world: xr.Dataset) -> xr.Dataset:
    """The fields kept in the folder of the model `name`, on the cells of `world`, and what the table makes of them.

    Raises `ModelError` where there are none, they are of another world, or are not what `write_fields` writes: a
    variable without cells, a year that lacks months, a unit other than that of the table.
    """
    fields = read_fields(folder)
    if fields is None:
        raise ModelError(f"'{name}' brings no precomputed fields; publish it with 'hdl train'.")
    if fields.data_vars and not np.array_equal(fields["cell"].values, world["cell"].values):
        raise ModelError(
            f"The fields of '{name}' are of another world cube; open that cube with --data, "
            "or make them anew with 'hdl train'."
        )
    problems = _problems(fields)
    if problems:
        raise ModelError(
            f"The fields {folder / FIELDS} are malformed: {'; '.join(problems[:3])}. Copy the model folder again, or "
            "make them anew with 'hdl train'."
        )
    places = {place: world[place] for place in ("lat", "lon", "area")}
    return with_derived(fields.assign_coords(places).transpose(*_AXES, missing_dims="ignore"))


def _problems(fields: xr.Dataset) -> list[str]:
    """What keeps fields from being shown."""
    if not fields.data_vars:
        return ["they hold no variable"]
    found = []
    if "month" in fields.dims and not np.array_equal(fields["month"].values, _MONTHS):
        months = ", ".join(map(str, fields["month"].values))
        found.append(f"the year has the months {months} where 1 to 12 are needed")
    if "lag_bin" in fields.dims and not {"lag_start", "lag_end"} <= set(fields.variables):
        found.append("'lag_start' or 'lag_end' is missing, without which no memory has a length")
    for name, array in fields.drop_vars(["lag_start", "lag_end"], errors="ignore").data_vars.items():
        units, entry = array.attrs.get("units", "1"), VARIABLES.get(str(name))  # CF: no unit means a pure number
        if "cell" not in array.dims or not set(array.dims) <= set(_AXES):
            found.append(f"'{name}' has dimensions {array.dims} where a value for each cell is needed")
        elif entry is not None and units != entry.units:
            found.append(f"'{name}' has the unit '{units}' where '{entry.units}' is needed")
    return found


def equilibrium_of(fields: xr.Dataset | None, world: xr.Dataset, members: int) -> NDArray | None:
    """Equilibrium stores (member, cell, store) kept with a model of so many members, when they are of this world."""
    if fields is None or "equilibrium" not in fields:
        return None
    same = (
        fields.attrs.get("data_version") == world.attrs.get("version")
        and np.array_equal(fields["cell"].values, world["cell"].values)
        and fields["equilibrium"].sizes.get("member") == members
    )
    return fields["equilibrium"].transpose("member", "cell", "store").values if same else None


def round_bits(values: NDArray, keep: int = KEEP_BITS) -> NDArray:
    """Round float32 to `keep` mantissa bits, to nearest; NaN and infinities stay."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    half = np.uint32(1 << (22 - keep))
    mask = np.uint32(0xFFFFFFFF << (23 - keep) & 0xFFFFFFFF)
    return np.where(np.isfinite(values), ((bits + half) & mask).view(np.float32), values).astype(np.float32)
