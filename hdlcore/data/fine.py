"""Real fields finer than the world cube: a packed store on the 0.25 degree grid, opened lazily, read a month at a time.

A field has the name of the variable of the world cube that it is the finer grid of; there the mean of its 4 x 4 cells
stands (up to the rounding of both). Rows run from the north, columns from 180 W.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from hdlcore.assets import assets_dir
from hdlcore.data.schema import GridSpec
from hdlcore.errors import DataError, RequestError

#: Fields kept in memory, a few MB each: the months that are played through, and the mean that departures are from.
_KEPT = 16


class FineFields:
    """The fields of one store; opening reads no values.

    Raises
    ------
    DataError
        When the store is missing or is not one of fields on a grid.
    """

    def __init__(self, path: Path) -> None:
        mend = "rebuild it with `make assets`."
        try:
            self._ds = xr.open_zarr(path, consolidated=False, chunks=None, decode_timedelta=False)
            self.grid = GridSpec.from_json(str(self._ds.attrs["grid"]))
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise DataError(f"The fields at {path} cannot be read ({error}); {mend}") from error
        for name, array in self._ds.data_vars.items():
            if array.shape[-2:] != (self.grid.rows, self.grid.columns):
                raise DataError(f"'{name}' at {path} is not on the grid that the store names; {mend}")
        self.attrs: Mapping[str, Any] = dict(self._ds.attrs)
        self._read, self._mean = lru_cache(maxsize=_KEPT)(self._values), lru_cache(maxsize=2)(self._yearly)

    @property
    def names(self) -> tuple[str, ...]:
        """Fields of the store."""
        return tuple(str(name) for name in self._ds.data_vars)

    def attributes(self, name: str) -> dict[str, Any]:
        """CF attributes of a field, with its source, product and licence."""
        return dict(self._field(name).attrs)

    def seasonal(self, name: str) -> bool:
        """Whether the field has months."""
        return "month" in self._field(name).dims

    def values(self, name: str, month: int = 1, departure: bool = False) -> NDArray[np.float32]:
        """A field in a month (1 to 12), (row, column) float32, read-only; NaN where there is none.

        With `departure` the mean of the twelve months is taken off. Classes are their codes.
        Raises `RequestError` for a field that is not held or a month that is none.
        """
        if self.seasonal(name) and not 1 <= month <= 12:
            raise RequestError(f"There is no month {month}; months go from 1 to 12.")
        return self._read(name, month if self.seasonal(name) else 0, departure and self.seasonal(name))

    def _field(self, name: str) -> xr.DataArray:
        if name not in self._ds.data_vars:
            raise RequestError(f"There is no fine field '{name}'; there are {', '.join(self.names)}.")
        return self._ds[name]

    def _values(self, name: str, month: int, departure: bool) -> NDArray[np.float32]:
        array = self._field(name)
        values = (array.isel(month=month - 1) if month else array).values
        if "flag_values" in array.attrs:  # what is no class has none
            values = np.where(np.isin(values, array.attrs["flag_values"]), values, np.nan)
        values = values.astype(np.float32)
        if departure:
            values = values - self._mean(name)
        values.setflags(write=False)
        return values

    def _yearly(self, name: str) -> NDArray[np.float32]:
        total = sum(self._ds[name].isel(month=i).values.astype(np.float64) for i in range(12))
        return (np.asarray(total) / 12).astype(np.float32)


def fine_path() -> Path:
    """Where the shipped fields are."""
    return assets_dir() / "data" / "fine.zarr"


@lru_cache(maxsize=2)
def open_fine(path: Path | None = None) -> FineFields:
    """The shipped fields, or those at `path`; the same object each time."""
    return FineFields(path or fine_path())
