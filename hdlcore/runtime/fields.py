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

FIELDS = "fields.zarr"
#: Mantissa bits kept on disk: errors below 0.013 %, far under the spread of the members.
KEEP_BITS = 12
#: Coordinates of words, kept as attributes since Zarr v3 has no settled type for strings.
_WORDS = ("forcing", "store", "carrier")


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


def equilibrium_of(fields: xr.Dataset | None, world: xr.Dataset) -> NDArray | None:
    """Equilibrium stores (member, cell, store) kept with a model, when they belong to this very world."""
    if fields is None or "equilibrium" not in fields:
        return None
    same = fields.attrs.get("data_version") == world.attrs.get("version") and np.array_equal(
        fields["cell"].values, world["cell"].values
    )
    return fields["equilibrium"].transpose("member", "cell", "store").values if same else None


def round_bits(values: NDArray, keep: int = KEEP_BITS) -> NDArray:
    """Round float32 to `keep` mantissa bits, to nearest; NaN and infinities stay."""
    bits = np.ascontiguousarray(values, np.float32).view(np.uint32)
    half = np.uint32(1 << (22 - keep))
    mask = np.uint32(0xFFFFFFFF << (23 - keep) & 0xFFFFFFFF)
    return np.where(np.isfinite(values), ((bits + half) & mask).view(np.float32), values).astype(np.float32)
