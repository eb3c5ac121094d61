"""A `Kind` of gridded files made from a `Product`."""

from __future__ import annotations

from functools import partial

from hdlcore.data.ingest.grid_files import Product
from hdlcore.data.ingest.gridded import read_grid
from hdlcore.data.ingest.kinds import Kind

SUFFIXES = (".nc", ".nc4", ".cdf", ".netcdf", ".h5", ".zarr")


def kind_of(product: Product, help: str) -> Kind:
    """The kind of a product of fixed layout."""
    return Kind(product.id, product.title, help, SUFFIXES, "grid", partial(read_grid, product=product))
