"""Look at a twin cube: land totals, seasonal cycles of five cells, a map of each store, and what was observed of them.

hdl twin --out twin.zarr
python scripts/twin_report.py twin.zarr FOLDER
"""

from __future__ import annotations

import argparse
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
import xarray as xr
from cmcrameri import cm

from hdlcore.data.cube import find_cell, open_world
from hdlcore.data.cubes import open_cube
from hdlcore.data.twin import simulate_twin
from hdlcore.data.twin.model import INFLOW, OUTFLOW
from hdlcore.data.twin.truth import open_truth, spec_of
from hdlcore.variables import VARIABLES

PLACES = {
    "Amazon": (-3.5, -60.5),
    "Siberia": (64.5, 110.5),
    "Sahel": (13.5, 5.5),
    "Europe": (50.5, 9.5),
    "Australia": (-24.5, 134.5),
}
MAPS = (
    "tws", "swe", "soil_moisture", "groundwater", "river_water", "interflow_store",
    "leaf_area_index", "soil_temperature", "leaf_carbon", "wood_carbon", "litter_carbon", "soil_carbon",
)  # fmt: skip
FLUXES = ("evapotranspiration", "runoff", "gpp", "nee")
DAYS = 365.25


def totals(truth: xr.Dataset) -> None:
    """Land totals a hydrologist and an ecologist know by heart."""
    area = truth["area"].values.astype(float)
    print(f"{'':34s}{'land total':>14s}")
    for name in (
        "rainfall", "snowfall", "evapotranspiration", "transpiration", "soil_evaporation", "interception_evaporation",
        "snow_evaporation", "runoff", "surface_runoff", "interflow", "baseflow", "gpp", "reco", "nee",
    ):  # fmt: skip
        mean = truth[name].mean("time").values.astype(float)
        total = (mean * area).sum() * DAYS
        unit = "PgC yr-1" if "gC" in VARIABLES[name].units else "1000 km3 yr-1"
        print(f"{name:34s}{total / 1e15:14.1f} {unit}")
    for name in ("leaf_carbon", "wood_carbon", "litter_carbon", "soil_carbon"):
        print(f"{name:34s}{(truth[name].mean('time').values * area).sum() / 1e15:14.0f} PgC")
    swing = (truth["swe"].groupby("time.month").mean() * area).sum("cell") / 1e12
    print("land snow by month, km3:", np.round(swing.values).astype(int))
    yearly = truth["nee"].groupby("time.year").mean()
    print("land NEE by year, PgC:", np.round((yearly * area).sum("cell").values * DAYS / 1e15, 2))


def closure(truth: xr.Dataset, world: xr.Dataset, spec: object) -> None:
    """Residual of water and carbon of the float32 answers of every hundredth cell, from daily values."""
    cells = world["cell"].values[::100]
    run = simulate_twin(world, cells, "2001-01-01", "2002-12-31", spec).astype(np.float64)
    water = sum(run[n] for n in INFLOW) - sum(run[n] for n in OUTFLOW)
    gap = water[1:].sum("time") - (run["tws"][-1] - run["tws"][0])
    pools = sum(run[n] for n in ("leaf_carbon", "wood_carbon", "litter_carbon", "soil_carbon"))
    carbon = -run["nee"][1:].sum("time") - (pools[-1] - pools[0])
    print(
        f"float32 answers over two years: water gap {float(abs(gap).max()):.2g} mm, "
        f"carbon gap {float(abs(carbon).max()):.2g} gC m-2 (the kernels close in float64, see the tests)"
    )


def draw_maps(data: xr.Dataset, names: tuple[str, ...], path: Path, title: str) -> None:
    """Mean over time of each quantity on the 1 degree grid."""
    columns = 3
    rows = -(-len(names) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(18, 3.6 * rows), squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for axis, name in zip(axes.flat, names, strict=False):
        grid = np.full(180 * 360, np.nan)
        values = data[name].mean("time").values
        grid[data["cell"].values] = values
        low, high = np.nanpercentile(values, [2, 98])
        entry = VARIABLES[name]
        drawn = axis.imshow(
            grid.reshape(180, 360)[:150], extent=(-180, 180, -60, 90), cmap=getattr(cm, entry.cmap), vmin=low, vmax=high
        )
        axis.set_title(f"{entry.long_name} ({entry.units})")
        figure.colorbar(drawn, ax=axis, shrink=0.8)
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=70)
    plt.close(figure)


def draw_cells(truth: xr.Dataset, seen: xr.Dataset, world: xr.Dataset, path: Path) -> None:
    """Five cells: stores, fluxes, leaves and carbon by month, and storage as observed."""
    figure, axes = plt.subplots(len(PLACES), 4, figsize=(22, 3.4 * len(PLACES)))
    for row, (name, (lat, lon)) in enumerate(PLACES.items()):
        cell = find_cell(world, lat, lon)
        true, observed = truth.sel(cell=cell), seen.sel(cell=cell)
        time = truth["time"].values
        for store, color in (("swe", "#56B4E9"), ("soil_moisture", "#E69F00"), ("groundwater", "#009E73")):
            axes[row, 0].plot(time, true[store] - true[store].mean(), color=color, label=store)
        axes[row, 0].plot(time, true["tws"] - true["tws"].mean(), "k", lw=0.8, label="tws")
        axes[row, 0].plot(time, observed["tws_observed"], "r.", ms=3, label="tws observed")
        for flux, color in (("evapotranspiration", "#D55E00"), ("runoff", "#0072B2"), ("snowmelt", "#56B4E9")):
            axes[row, 1].plot(time, true[flux], color=color, label=flux)
        axes[row, 2].plot(time, true["leaf_area_index"], color="#117733", label="leaf area index")
        axes[row, 2].plot(time, 5 * true["moisture_stress"], color="#E69F00", lw=0.7, label="5 x moisture factor")
        axes[row, 2].plot(time, 5 * observed["ndvi_observed"], ".", color="#44AA99", ms=3, label="5 x NDVI observed")
        for flux, color in (("gpp", "#117733"), ("reco", "#882255"), ("nee", "#332288")):
            axes[row, 3].plot(time, true[flux], color=color, label=flux)
        axes[row, 0].set_ylabel(f"{name} {lat}, {lon}")
    for axis, title in zip(axes[0], ("departures of storage, mm", "mm d-1", "leaves", "gC m-2 d-1"), strict=True):
        axis.set_title(title)
        axis.legend(fontsize=7, loc="upper right")
    figure.tight_layout()
    figure.savefig(path, dpi=60)
    plt.close(figure)


def draw_year(world: xr.Dataset, spec: object, path: Path) -> None:
    """Mean seasonal cycle of five cells from daily values of one year, smoothed by nothing."""
    cells = [find_cell(world, *place) for place in PLACES.values()]
    run = simulate_twin(world, cells, "2005-01-01", "2005-12-31", spec)
    figure, axes = plt.subplots(len(PLACES), 3, figsize=(20, 3 * len(PLACES)))
    for row, name in enumerate(PLACES):
        day = run["time"].values
        own = run.isel(cell=row)
        axes[row, 0].fill_between(day, own["rainfall"], step="mid", color="#8DB9D9", label="rainfall")
        axes[row, 0].plot(day, own["evapotranspiration"], color="#D55E00", label="evapotranspiration")
        axes[row, 0].plot(day, own["runoff"], color="k", label="runoff")
        for layer, color in (("topsoil_moisture", "#E69F00"), ("rootzone_moisture", "#882255"), ("swe", "#56B4E9")):
            axes[row, 1].plot(day, own[layer], color=color, label=layer)
        axes[row, 2].plot(day, own["gpp"], color="#117733", label="gpp")
        axes[row, 2].plot(day, own["reco"], color="#882255", label="reco")
        axes[row, 2].plot(day, own["leaf_area_index"], color="#44AA99", ls="--", label="leaf area index")
        axes[row, 0].set_ylabel(name)
    for axis in axes[0]:
        axis.legend(fontsize=7, loc="upper right")
    figure.tight_layout()
    figure.savefig(path, dpi=60)
    plt.close(figure)


def main() -> None:
    """Print the totals and write the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cube", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    world, cube = open_world(), open_cube(given.cube)
    truth, spec = open_truth(given.cube).load(), spec_of(given.cube)
    assert cube.monthly is not None
    seen = cube.monthly.load()
    totals(truth)
    closure(truth, world, spec)
    for name in sorted(n for n in seen.data_vars if str(n).endswith("_observed")):
        print(f"{name:34s} present {float(np.isfinite(seen[name]).mean()):6.1%}")
    draw_maps(truth, MAPS, given.folder / "twin-stores.png", "Mean 2001-2014, generated")
    draw_maps(truth, FLUXES, given.folder / "twin-fluxes.png", "Mean 2001-2014, generated")
    names = tuple(str(n) for n in seen.data_vars if str(n).endswith("_observed") and n != "tws_observed")
    draw_maps(seen, names, given.folder / "twin-observed.png", "Mean of what is observed")
    draw_maps(
        seen.sel(time="2005-05-01").expand_dims("time"), ("tws_observed", "swe_observed", "ndvi_observed"),
        given.folder / "twin-observed-may.png", "May 2005, observed",
    )  # fmt: skip
    draw_cells(truth, seen, world, given.folder / "twin-cells.png")
    draw_year(world, spec, given.folder / "twin-year.png")


if __name__ == "__main__":
    main()
