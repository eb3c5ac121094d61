"""How a model splits incoming water, against how dry its soil is: the curve that Kraft et al. (2022) show."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import xarray as xr

from hdlcore.analysis.decomposition import PartitionCurve, partition_curve
from hdlcore.models.checkpoint import Card
from hdlcore.progress import CancelToken
from hdlcore.runtime.domains import domain_of
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.fields import equilibrium_of, read_fields

#: About as many cells are run, evenly over all land, and the year.
CELLS, YEAR = 240, 2004
DESTINATIONS = ("soil", "surface", "groundwater")


def partition_of(
    folder: Path, card: Card, world: xr.Dataset, cancel: CancelToken | None = None
) -> dict[str, PartitionCurve]:
    """Curve of each destination from daily values of all members; nothing for a model that does not learn the split."""
    ready = equilibrium_of(read_fields(folder), world, len(card.members))
    ensemble = Ensemble(folder, card, domain_of(card, world), ready)
    names = ensemble.model.outputs
    if not {"cwd", "rainfall", "snowmelt", *(f"{d}_fraction" for d in DESTINATIONS)} <= set(names):
        return {}
    cells = world["cell"].values[:: max(1, world.sizes["cell"] // CELLS)]
    run = ensemble.run(cells, dt.date(YEAR, 1, 1), dt.date(YEAR, 12, 31), cancel).outputs.numpy()

    def daily(name: str) -> np.ndarray:
        return np.asarray(run[..., names.index(name)])

    water, deficit = daily("rainfall") + daily("snowmelt"), -daily("cwd")
    return {d: partition_curve(daily(f"{d}_fraction"), deficit, water) for d in DESTINATIONS}
