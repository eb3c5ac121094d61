"""Write the map fields of the twin Earth that ship in assets/twin: mean seasonal cycles of 2002-2007 over all land.

    python scripts/twin_fields.py [--cube twin.zarr] [--out assets/twin]

Without a twin cube it is made first, in a temporary folder (some minutes).
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
import xarray as xr

from hdlcore.attribution.lags import bin_sum, lag_bins, memory_length, memory_share, memory_time
from hdlcore.data.cube import open_world
from hdlcore.data.cubes import open_cube
from hdlcore.data.twin import OUTPUTS, TWIN_ID, make_twin
from hdlcore.data.twin.memory import memory_sizes
from hdlcore.data.twin.truth import open_truth, spec_of
from hdlcore.data.weather import FORCING
from hdlcore.runtime.fields import round_bits, write_fields
from hdlcore.runtime.publish import variance_share
from hdlcore.variables import VARIABLES

PERIOD = slice("2002-01-01", "2007-12-31")
#: Seen only as series of single cells, or all but a sum of others; left out to keep what ships small.
LEFT_OUT = {
    "canopy_water", "snow_liquid_water", "interflow_store", "refreezing", "snow_evaporation",
    "interception_evaporation", "soil_drainage", "interflow", "autotrophic_respiration", "heterotrophic_respiration",
}  # fmt: skip
#: Mantissa bits kept of contributions: 0.4 %.
MEMORY_BITS = 7
#: Steps that a variable's usual range is rounded to, at least; the stores whose departures are drawn get a step of mm.
STEPS, FINE = 400, {"tws": 0.5, "soil_moisture": 0.5, "groundwater": 0.5, "swe": 0.5, "tws_observed": 0.5}
SHARES = {
    "snow_share": ("swe",),
    "soil_share": ("canopy_water", "topsoil_moisture", "rootzone_moisture", "deep_soil_moisture"),
    "groundwater_share": ("groundwater", "interflow_store", "river_water"),
}


def fields_of(cube: Path) -> xr.Dataset:
    """Mean seasonal cycles (month, cell) and shares (cell) of a twin cube."""
    truth, seen, world = open_truth(cube), open_cube(cube).monthly, open_world()
    assert seen is not None
    cycles = xr.merge(
        [
            truth[[name for name in OUTPUTS if name not in LEFT_OUT]].sel(time=PERIOD).groupby("time.month").mean(),
            seen[[*FORCING, "tws_observed"]].sel(time=PERIOD).groupby("time.month").mean(),
        ],
        join="exact",
        compat="override",
    ).load()
    cycles["tws_observed"] = cycles["tws_observed"] - cycles["tws_observed"].mean("month")
    whole = truth[["tws", *(name for group in SHARES.values() for name in group)]].sel(time=PERIOD)
    whole = whole.groupby("time.month").mean().load()
    for share, stores in SHARES.items():
        part = sum(whole[store].values.astype(float) for store in stores)
        cycles[share] = ("cell", variance_share(part, whole["tws"].values.astype(float)).astype(np.float32))
    cycles = cycles.drop_vars(["lat", "lon", "area", "name"], errors="ignore")
    coords = {name: world[name] for name in ("cell", "lat", "lon", "area")} | {"month": np.arange(1, 13)}
    cycles = cycles.assign_coords(coords)
    for name in cycles.data_vars:
        cycles[name].attrs = VARIABLES[str(name)].attributes() | {"source": "generated"}
    cycles.attrs = {
        "model": TWIN_ID,
        "data_version": str(world.attrs.get("version", "")),
        "cube_version": str(truth.attrs["version"]),
        "period": f"{PERIOD.start}/{PERIOD.stop}",
        "source": "generated",
        "comment": "The groundwater share holds interflow and rivers too, so that the three shares sum to one.",
    }
    return cycles


def sizes_of(cube: Path, kept: Path) -> xr.Dataset:
    """The true memory of total storage by lag, read from `kept` or made and put there."""
    if not kept.exists():
        world = open_world()
        sizes = memory_sizes(world, world["cell"].values, spec=spec_of(cube), threads=2, progress=_tell)
        sizes.to_netcdf(kept)
    return xr.load_dataset(kept)


def memory_of(sizes: xr.Dataset) -> xr.Dataset:
    """The true memory of total storage by lag bin, and its three measures, as models' fields have them."""
    size = sizes["attribution_size"].values.astype(float)
    whole, lags = size.sum(0).T, sizes["lag"].values
    start, end = lag_bins(lags.size)
    measures = {"memory_time": memory_time, "memory_share": memory_share, "memory_length": memory_length}
    data = {name: ("cell", measure(whole, lags).astype(np.float32)) for name, measure in measures.items()}
    dims = ("forcing", "lag_bin", "cell")
    data |= {str(n): (dims, round_bits(bin_sum(v.values, 1), MEMORY_BITS)) for n, v in sizes.data_vars.items()}
    coords = {
        "forcing": list(FORCING),
        "lag_start": ("lag_bin", start.astype(np.int32), {"units": "d"}),
        "lag_end": ("lag_bin", end.astype(np.int32), {"units": "d"}),
        "cell": sizes["cell"],
    }
    memory = xr.Dataset(data, coords)
    for name in memory.data_vars:
        memory[name].attrs = VARIABLES[str(name)].attributes() if str(name) in VARIABLES else {"units": "mm"}
        memory[name].attrs["source"] = "generated"
    return memory


def _tell(fraction: float, message: str) -> None:
    print(f"\r{fraction:5.1%} {message}", end="", flush=True)


def quantised(fields: xr.Dataset) -> xr.Dataset:
    """Round each variable to a power of two under 1/400 of its usual range: short mantissas, which compress well."""
    rounded = fields.copy()
    for name, array in fields.data_vars.items():
        low, high = np.nanpercentile(array.values, [0.5, 99.5])
        step = FINE.get(str(name), 2.0 ** np.floor(np.log2(max(high - low, 1e-6) / STEPS)))
        rounded[name] = (array.dims, (np.round(array.values / step) * step).astype(np.float32), array.attrs)
    return rounded


def main() -> None:
    """Make the fields from a cube, or from one made for the purpose; the memory, slow to make, is added at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cube", type=Path, help="a twin cube; made when not given")
    parser.add_argument("--memory", type=Path, help="where the memory by lag is kept (NetCDF), made when not there")
    parser.add_argument("--out", type=Path, default=Path(__file__).resolve().parents[1] / "assets" / "twin")
    given = parser.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        cube = given.cube or Path(folder) / "twin.zarr"
        if given.cube is None:
            make_twin(cube, progress=_tell)
        fields = quantised(fields_of(cube))
        write_fields(fields, given.out)
        sizes = sizes_of(cube, given.memory or Path(folder) / "memory.nc")
    about = {"attribution_method": "true response to every 15th day times departure from the mean seasonal cycle"}
    write_fields(fields.merge(memory_of(sizes)).assign_attrs(about), given.out)
    size = sum(p.stat().st_size for p in given.out.rglob("*") if p.is_file())
    print(f"\n{given.out}: {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
