"""The series of the Data page to take away, and where it comes from."""

from __future__ import annotations

from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from dashboard import links, tidy
from dashboard.datasets import CubeSet
from dashboard.export import netcdf_bytes
from dashboard.pictures import made
from hdlcore.errors import RequestError

if TYPE_CHECKING:
    from dashboard.pages.data_view import DataView

GENERATED = "Generated: nothing in it was observed."


def file_name(data: DataView) -> str:
    """What the file is called, without an ending: 'catchments-3-runoff_observed-daily'."""
    quantity = data.quantity.name if data.quantity is not None else "none"
    mark = "generated-" if data.data.about.generated else ""
    return f"{data.data.about.id}-{mark}{data.site}-{quantity}-{data.step}"


def credit(data: DataView) -> str:
    """What stands under a picture."""
    about = data.data.about
    return f"{made()} {about.title}: {about.origin}.\n{about.attribution}"


def _shown(data: DataView) -> xr.DataArray:
    if data.series is None or data.quantity is None:
        raise RequestError("There is no series on the screen; choose a quantity first.")
    return data.series


def series_csv(data: DataView) -> BytesIO:
    """Tidy: time, lat, lon, place, variable, units, value; a missing value is an empty field."""
    shown, quantity = _shown(data), data.quantity
    assert quantity is not None
    units = {"units": quantity.units}
    return tidy.csv(tidy.of_curves(_place(data), xr.Dataset({quantity.name: shown.assign_attrs(units)})))


def _place(data: DataView) -> dict[str, Any]:
    """lat, lon and name of the chosen site."""
    lat, lon = (float(data.data.places[name].values[data.site]) for name in ("lat", "lon"))
    return {"lat": lat, "lon": lon, "place": data.site_name}


def simulated_csv(data: DataView, run: xr.Dataset) -> BytesIO:
    """Tidy rows of a model's run at the chosen place; what is simulated says so."""
    kinds = {"runoff_observed": "observed"} | dict.fromkeys(
        ("precipitation", "air_temperature", "potential_evapotranspiration"), "forcing"
    )
    tables = [tidy.of_curves(_place(data), run[[name]], source=kinds.get(str(name), "simulated")) for name in run]
    return tidy.csv(pd.concat(tables), "source")


def simulated_netcdf(run: xr.Dataset) -> BytesIO:
    """CF NetCDF of the same run."""
    flags = {"flag_values": np.array([0, 1], np.int8), "flag_meanings": "learned_from never_learned_from"}
    about = {**run["tested"].attrs, **flags}
    return netcdf_bytes(run.astype(np.float32).assign(tested=run["tested"].astype(np.int8).assign_attrs(about)))


def series_netcdf(data: DataView) -> BytesIO:
    """CF NetCDF of the series."""
    shown, quantity, places, about = _shown(data), data.quantity, data.data.places, data.data.about
    assert quantity is not None
    axis = str(shown.dims[0])
    attrs = {"units": quantity.units, "long_name": quantity.long_name, **shown.attrs}
    if about.generated:
        attrs["source"] = "generated"
    where = {"lat": ("latitude", "degrees_north"), "lon": ("longitude", "degrees_east")}
    coords = {
        name: ((), float(places[name].values[data.site]), {"standard_name": standard, "units": units})
        for name, (standard, units) in where.items()
    }
    made = xr.Dataset(
        {quantity.name: (axis, shown.values.astype(np.float32), attrs)},
        {axis: shown[axis].values, **coords},
        {
            "Conventions": "CF-1.11",
            "title": f"HDL Explorer: {quantity.long_name}, {data.site_name}",
            "source": about.origin,
            "place": data.site_name,
            "references": about.attribution,
            "comment": GENERATED if about.generated else about.note,
            "history": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} exported from HDL Explorer, "
            f"view '{links.encode(data.state.snapshot())}'",
        },
    )
    return netcdf_bytes(made)


def provenance(data: DataView) -> list[tuple[str, str]]:
    """Where the series comes from, as (term, text)."""
    held, about = data.data, data.data.about
    rows = [("Data set", f"{about.title} ({about.id})")]
    rows += [("Source", about.origin.capitalize()), ("Period", about.period)]
    if data.quantity is not None and data.series is not None:
        attrs = data.series.attrs
        kind = "generated" if about.generated else str(attrs.get("source", about.origin))
        product = f", {attrs['product']}" if attrs.get("product") else ""
        rows.append(("Shown", f"{data.quantity.long_name} ({data.quantity.units}), {kind}{product}"))
    if about.generated:
        rows.append(("Generated", about.note or GENERATED))
    rows.append(("Attribution", about.attribution))
    if isinstance(held, CubeSet):
        told = held.cube.attrs
        rows += [(key.capitalize(), str(told[key])) for key in ("version", "history") if told.get(key)]
        for entry in held.cube.provenance[:40]:
            conversions = "; ".join(map(str, entry.get("conversions") or [])) or "none"
            name = str(entry.get("file", "?")).rsplit("/", 1)[-1]
            digest = str(entry.get("sha256", "not stated"))[:16]
            rows.append((name, f"SHA-256 {digest}, {entry.get('product', '')}, conversions: {conversions}"))
    return rows
