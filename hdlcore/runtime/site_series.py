"""A model of places at one of them: its whole record day by day, with the band of its distribution head."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import xarray as xr

from hdlcore.data.sites import SiteRecord
from hdlcore.errors import RequestError
from hdlcore.progress import CancelToken, Progress
from hdlcore.runtime.domains import SitesDomain, recipe_of
from hdlcore.runtime.ensemble import Ensemble
from hdlcore.runtime.evaluate_sites import test_days
from hdlcore.runtime.simulate import attributes
from hdlcore.training.fit_head import HEADS, load_heads
from hdlcore.variables import VARIABLES

#: Quantiles of observed runoff that bound the central 90 and 50 %.
LEVELS = {"runoff_low_90": 0.05, "runoff_low_50": 0.25, "runoff_high_50": 0.75, "runoff_high_90": 0.95}


def site_series(
    ensemble: Ensemble, folder: Path, cell: int, progress: Progress | None = None, cancel: CancelToken | None = None
) -> xr.Dataset:
    """Daily forcing, means over members of every output, ``runoff_observed``, and ``tested``, all (time,).

    `tested` are the days that no member learned from. Where the folder holds a distribution head, `LEVELS` stand beside
    (mm d-1). Attributes name the place and what was filled. Raises `RequestError` for a model of land or an unknown
    place, `Cancelled`, `ModelError`.
    """
    domain = ensemble.domain
    if not isinstance(domain, SitesDomain):
        raise RequestError(f"'{ensemble.card.id}' is a model of all land; ask it for a cell with 'hdl simulate'.")
    if cell not in domain.records:
        known = ", ".join(f"{number} ({record.name})" for number, record in list(domain.records.items())[:12])
        raise RequestError(f"There is no place {cell}; the places are {known}.")
    record = domain.records[cell]

    def part(fraction: float) -> None:
        if progress:
            progress(min(fraction, 1.0), f"running {record.name}")

    part(0.0)
    run = ensemble.run(np.array([cell]), record.days[0].item(), record.days[-1].item(), cancel, part)
    outputs = run.outputs[:, :, 0].numpy()  # (time, member, output)
    data: dict[str, tuple] = {
        name: ("time", record.forcing[:, i], VARIABLES[name].attributes() | {"source": domain.sources[name]})
        for i, name in enumerate(domain.names)
    }
    for i, name in enumerate(ensemble.model.outputs):
        data[name] = ("time", outputs[..., i].mean(1), VARIABLES[name].attributes())
    at = ensemble.model.outputs.index("runoff")
    units = {"units": VARIABLES["runoff"].units}
    bounds = _bounds(folder, record, outputs[..., at].mean(1), outputs[..., at].std(1))
    data |= {name: ("time", values, units) for name, values in bounds.items()}
    own = str(domain.cells.attrs.get("version")) == str(ensemble.card.data.get("cube_version"))
    data["runoff_observed"] = ("time", record.runoff, units | {"source": "observed"})
    data["tested"] = ("time", test_days(record, recipe_of(ensemble.card), own))
    attrs = attributes(ensemble, run) | {"place": record.name, "filled": "; ".join(record.filled)}
    return xr.Dataset(data, {"time": record.days.astype("datetime64[ns]")}, attrs)


def _bounds(folder: Path, record: SiteRecord, mean: np.ndarray, spread: np.ndarray) -> dict[str, np.ndarray]:
    """Quantiles of observed runoff by the head of the folder, by name (time,); none where there is no head."""
    path = folder / HEADS
    head = load_heads(path).get("runoff") if path.is_file() else None
    if head is None:
        return {}
    zone = head.spec.zones.index(record.name) if record.name in head.spec.zones else -1
    months = record.days.astype("datetime64[M]").astype(int) % 12 + 1
    features = np.broadcast_to(record.features, (mean.size, record.features.size))
    found = head.quantiles(list(LEVELS.values()), mean, spread, months, features, zone)
    return dict(zip(LEVELS, found, strict=True))
